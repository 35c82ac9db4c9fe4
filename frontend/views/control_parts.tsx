// The pieces that controls are made of.
import type { ComponentChildren } from "preact";

interface ChoiceProps<Value extends string | number> {
  /** What is set, as it stands in Python. */
  name: string;
  label?: string;
  help: ComponentChildren;
  value: Value;
  values: readonly Value[];
  words?: (value: Value) => string;
  onChoice: (value: Value) => void;
}

export function Choice<Value extends string | number>(props: ChoiceProps<Value>) {
  const { name, label = name, help, value, values, words = String, onChoice } = props;
  return (
    <label data-for={name}>
      {label}{" "}
      <select
        data-set={name}
        value={value}
        onInput={({ currentTarget }) => {
          const chosen = values[currentTarget.selectedIndex];
          if (chosen !== undefined) onChoice(chosen);
        }}
      >
        {values.map((each) => (
          <option key={each} value={each}>
            {words(each)}
          </option>
        ))}
      </select>
      <small>{help}</small>
    </label>
  );
}

interface ButtonProps {
  name: string;
  children: ComponentChildren;
  onClick: () => void;
  label?: string;
  isPressed?: boolean;
  isDisabled?: boolean;
}

export const Button = ({ name, children, onClick, label, isPressed, isDisabled }: ButtonProps) => (
  <button
    type="button"
    data-do={name}
    aria-label={label}
    aria-pressed={isPressed}
    disabled={isDisabled}
    onClick={onClick}
  >
    {children}
  </button>
);

export const upTo = (count: number): number[] => [...Array(count).keys()];
