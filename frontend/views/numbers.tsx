// Numbers, places and links as elements: each is exact when pointed at.
import type { ComponentChildren } from "preact";
import type { Place } from "../state/cursor.ts";
import { cell, digits } from "./format.ts";

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
