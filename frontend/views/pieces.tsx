// The pieces that controls are made of: each says in the status line what it does.
import type { ComponentChildren } from "preact";
import { lockOf } from "../state/recorded.ts";
import { useTools } from "./context.ts";
import { useHint } from "./hints.ts";
import { Icon, type IconName } from "./icons.tsx";

interface ButtonProps {
  /** What it does, as tests and styles know it. */
  name: string;
  help: string;
  onClick: () => void;
  children?: ComponentChildren;
  icon?: IconName;
  /** For a reader who cannot see an icon. */
  label?: string;
  isPressed?: boolean;
  isDisabled?: boolean;
  class?: string;
}

export function Button(props: ButtonProps) {
  const { name, help, onClick, children, icon, label, isPressed, isDisabled } = props;
  return (
    <button
      type="button"
      class={props.class ?? "ctx-chip"}
      data-do={name}
      aria-label={label}
      aria-pressed={isPressed}
      disabled={isDisabled}
      onClick={onClick}
      {...useHint(help)}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Why a setting stays as it is; "" where it may change. */
const useLock = (names: readonly string[]): string => lockOf(useTools().session, names);

interface ChoiceProps<Value extends string | number> {
  /** What is set, as it stands in Python. */
  name: string;
  label?: ComponentChildren;
  help: string;
  value: Value;
  values: readonly Value[];
  words?: (value: Value) => string;
  /** What it sets, where that is more than its name says. */
  settings?: readonly string[];
  onChoice: (value: Value) => void;
}

export function Choice<Value extends string | number>(props: ChoiceProps<Value>) {
  const { name, label = name, help, value, values, words = String, onChoice } = props;
  const lock = useLock(props.settings ?? [name]);
  return (
    <label class="ctx-chip" {...useHint(lock || help)}>
      <span class="ctx-word">{label}</span>
      <select
        data-set={name}
        aria-label={name}
        aria-disabled={lock !== ""}
        value={value}
        onInput={({ currentTarget }) => {
          const chosen = values[currentTarget.selectedIndex];
          if (lock) currentTarget.value = String(value);
          else if (chosen !== undefined) onChoice(chosen);
        }}
      >
        {values.map((each) => (
          <option key={each} value={each}>
            {words(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

interface SliderProps {
  name: string;
  label: ComponentChildren;
  help: string;
  value: number;
  min: number;
  max: number;
  step: number;
  shown: string;
  onSlide: (value: number) => void;
}

export function Slider({ name, label, help, value, shown, onSlide, ...range }: SliderProps) {
  const lock = useLock([name]);
  return (
    <label class="ctx-slider" {...useHint(lock || help)}>
      <span class="ctx-word">{label}</span>
      <input
        type="range"
        data-set={name}
        aria-label={name}
        aria-disabled={lock !== ""}
        value={value}
        onInput={({ currentTarget }) => {
          if (lock) currentTarget.value = String(value);
          else onSlide(currentTarget.valueAsNumber);
        }}
        {...range}
      />
      <output>{shown}</output>
    </label>
  );
}

interface CheckProps {
  name: string;
  help: string;
  isChecked: boolean;
  onCheck: (isChecked: boolean) => void;
}

export function Check({ name, help, isChecked, onCheck }: CheckProps) {
  const lock = useLock([name]);
  return (
    <label class="ctx-chip" {...useHint(lock || help)}>
      <input
        type="checkbox"
        data-set={name}
        aria-disabled={lock !== ""}
        checked={isChecked}
        onInput={({ currentTarget }) => {
          if (lock) currentTarget.checked = isChecked;
          else onCheck(currentTarget.checked);
        }}
      />
      {name}
    </label>
  );
}

interface StepProps {
  label: string;
  icon: "back" | "next";
  onClick: () => void;
}

/** One place back or on, in a walk. */
export const Step = ({ label, icon, onClick }: StepProps) => (
  <button type="button" class="ctx-tool" aria-label={label} onClick={onClick}>
    <Icon name={icon} />
  </button>
);
