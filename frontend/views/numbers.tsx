// Numbers, places and links as elements: each is exact when pointed at.
import type { ComponentChildren } from "preact";
import type { Place } from "../state/cursor.ts";
import { cell, digits, total } from "./format.ts";

interface LinkProps {
  children: ComponentChildren;
  onClick: () => void;
  title?: string;
}

export const Link = ({ children, onClick, title = "go there" }: LinkProps) => (
  <button type="button" class="ctx-link" title={title} onClick={onClick}>
    {children}
  </button>
);

/** Three digits; all of them when pointed at. With `onClick` it leads to where it comes from. */
export function Num({ value, onClick }: { value: number; onClick?: () => void }) {
  if (!onClick) return <span title={String(value)}>{digits(value)}</span>;
  return (
    <Link title={String(value)} onClick={onClick}>
      {digits(value)}
    </Link>
  );
}

const ROLES = { query: "q", match: "k", pixel: "x" } as const;
export type Role = keyof typeof ROLES;

/** A place, in the colour of its role. */
export const At = ({ place, role }: { place: Place; role: Role }) => (
  <var class={ROLES[role]}>{cell(...place)}</var>
);

/** A colour or a vector: its first three numbers. */
export function Tuple({ values }: { values: ArrayLike<number> }) {
  const numbers = Array.from(values).slice(0, 3);
  return (
    <>
      (
      {numbers.map((value, i) => (
        <span key={i}>
          {i > 0 && ", "}
          <Num value={value} />
        </span>
      ))}
      {values.length > 3 ? ", …)" : ")"}
    </>
  );
}

interface SumProps {
  terms: ArrayLike<number>;
  children: (value: number, index: number) => ComponentChildren;
}

/** The three largest terms, then what the rest come to. */
export function Sum({ terms, children }: SumProps) {
  const values = Array.from(terms);
  const order = [...values.keys()].sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]));
  const rest = order.slice(3).map((i) => values[i]);
  return (
    <>
      {order.slice(0, 3).map((index, i) => (
        <span key={index}>
          {i > 0 && " + "}
          {children(values[index], index)}
        </span>
      ))}
      {rest.length > 0 && (
        <>
          {" + … "}
          <small>
            {rest.length} more: <Num value={total(rest)} />
          </small>
        </>
      )}
    </>
  );
}
