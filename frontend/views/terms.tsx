// The terms of an equation, in a row: what each looks like, its number, its name.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Colour } from "./bitmap.ts";
import { useTools } from "./context.ts";
import { digits } from "./format.ts";
import { Link, type Role } from "./numbers.tsx";

export const Terms = ({ children }: { children: ComponentChildren }) => (
  <div class="ctx-terms">{children}</div>
);

/** One sentence that explains the equation above it. */
export const Note = ({ children }: { children: ComponentChildren }) => (
  <p class="ctx-note">{children}</p>
);

interface TermProps {
  /** What it looks like. */
  picture: ComponentChildren;
  /** Its number. */
  value?: ComponentChildren;
  /** Its name. */
  children?: ComponentChildren;
  /** Whose place every picture outlines while it is pointed at. */
  role?: Role;
  /** "result" is what comes out of the equation, "wide" has a picture that needs the room. */
  kind?: "result" | "wide";
}

export function Term({ picture, value, children, role, kind }: TermProps) {
  return (
    <figure class={kind ? `ctx-term ctx-term-${kind}` : "ctx-term"} {...usePointing(role)}>
      <div class="ctx-term-picture">{picture}</div>
      <div class="ctx-term-value">{value}</div>
      <figcaption>{children}</figcaption>
    </figure>
  );
}

/** Properties for an element that stands for a role: pointing at it shows where that is. */
function usePointing(role: Role | undefined) {
  const { highlight } = useTools().session;
  const point = () => {
    if (role) highlight.value = role;
  };
  const leave = () => {
    if (highlight.value === role) highlight.value = null;
  };
  // What is pointed at may go, and says nothing then.
  useEffect(() => leave, [role]);
  return { onPointerEnter: point, onPointerLeave: leave, onFocusIn: point, onFocusOut: leave };
}

export const Sign = ({ children }: { children: ComponentChildren }) => (
  <span class="ctx-sign">{children}</span>
);

interface ValueProps {
  /** The term that it is the number of. */
  name: string;
  value: number;
  /** What is written, where that is not three digits of it. */
  children?: ComponentChildren;
  /** Leads to where it comes from. */
  onClick?: () => void;
}

/** A number, all of whose digits are there when it is pointed at. */
export function Value({ name, value, children = digits(value), onClick }: ValueProps) {
  const number = (
    <span data-term={name} title={String(value)}>
      {children}
    </span>
  );
  return onClick ? <Link onClick={onClick}>{number}</Link> : number;
}

interface VectorProps {
  name: string;
  values: ArrayLike<number>;
}

/** A number for each channel: the first three. */
export function Vector({ name, values }: VectorProps) {
  const numbers = Array.from(values).slice(0, 3);
  return (
    <span class={numbers.length > 1 ? "ctx-vector" : undefined}>
      {numbers.length > 1 && "("}
      {numbers.map((value, i) => (
        <span key={i}>
          {i > 0 && ", "}
          <Value name={name} value={value} />
        </span>
      ))}
      {values.length > 3 && ", …"}
      {numbers.length > 1 && ")"}
    </span>
  );
}

/** Large words in the place of a picture. */
export const Large = ({ children }: { children: ComponentChildren }) => (
  <span class="ctx-large">{children}</span>
);

/** A square of one colour. */
export const Chip = ({ colour }: { colour: Colour | null }) => (
  <span
    class="ctx-colour"
    style={colour ? `background: rgb(${Array.from(colour).slice(0, 3)})` : ""}
  />
);
