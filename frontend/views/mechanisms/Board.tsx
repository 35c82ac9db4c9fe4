// A map of numbers or colours with boxes over it: what mechanisms are drawn on.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Box } from "../../engine/mechanisms/shrink.ts";
import { type Colours, paintOn } from "../bitmap.ts";
import type { Role } from "../numbers.tsx";

/** A box over a board, in its cells. */
export interface BoardBox {
  readonly box: Box;
  readonly role: Role;
  /** "light" is thin, "done" is what was there before. */
  readonly kind?: "light" | "done";
}

interface BoardProps {
  rows: number;
  cols: number;
  /** Null where there is nothing yet. */
  colours: Colours;
  /** What the colours come from: painted anew when one of these is another; else at each tick. */
  sources?: readonly unknown[];
  /** What it shows, for a reader who cannot see it. */
  label: string;
  /** How large it may be, in CSS pixels. */
  side?: number;
  boxes?: readonly BoardBox[];
  /** What is open shows the ground, not that nothing is there. */
  isPlain?: boolean;
  /** What is written into the cells, where they are large enough. */
  textAt?: (i: number) => string;
  /** Further marks, in units of cells. */
  children?: ComponentChildren;
}

const LEAST_FOR_TEXT = 15; // CSS pixels of a cell

export function Board(props: BoardProps) {
  const {
    rows,
    cols,
    colours,
    sources,
    label,
    side = 176,
    boxes = [],
    textAt,
    isPlain,
    children,
  } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(
    () => {
      if (canvas.current) paintOn(canvas.current, rows, cols, colours);
    },
    sources && [rows, cols, ...sources],
  );
  const fitting = side / Math.max(rows, cols);
  const step = fitting >= 1 ? Math.floor(fitting) : fitting;
  return (
    <span
      class={isPlain ? "ctx-board ctx-plain" : "ctx-board"}
      style={`width: ${step * cols}px; aspect-ratio: ${cols} / ${rows}`}
      role="img"
      aria-label={label}
    >
      <canvas ref={canvas} />
      <svg viewBox={`0 0 ${cols} ${rows}`} aria-hidden="true">
        {textAt && step >= LEAST_FOR_TEXT && (
          <Texts count={rows * cols} cols={cols} textAt={textAt} />
        )}
        {boxes.map((each, i) => (
          <Outline key={i} {...each} />
        ))}
        {children}
      </svg>
    </span>
  );
}

interface TextsProps {
  count: number;
  cols: number;
  textAt: (i: number) => string;
}

const Texts = ({ count, cols, textAt }: TextsProps) => (
  <>
    {Array.from({ length: count }, (_, i) => (
      <text key={i} x={(i % cols) + 0.5} y={Math.floor(i / cols) + 0.62}>
        {textAt(i)}
      </text>
    ))}
  </>
);

/** Drawn where it begins and moved from there: a style sheet can make that a glide. */
export function Outline({ box, role, kind }: BoardBox) {
  const { top, left, rows, cols } = box;
  return (
    <g
      class={`ctx-outline ctx-of-${role} ${kind ?? ""}`}
      style={`transform: translate(${left}px, ${top}px)`}
    >
      <rect width={cols} height={rows} class="ctx-dark" />
      <rect width={cols} height={rows} />
    </g>
  );
}

/** One cell. */
export const cellBox = ([top, left]: readonly [number, number]): Box => ({
  top,
  left,
  rows: 1,
  cols: 1,
});

/** A board with a name under it. */
export const Figure = ({
  children,
  name,
}: {
  children: ComponentChildren;
  name: ComponentChildren;
}) => (
  <figure class="ctx-figure">
    {children}
    <figcaption>{name}</figcaption>
  </figure>
);

/** Two decimals, or fewer where the number is large: what fits into a cell. */
export function brief(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const decimals = [100, 10].filter((limit) => size >= limit).length;
  return value.toFixed(2 - decimals).replace("-", "−");
}

/** Light enough for dark letters on it. */
export const pale = (colour: ArrayLike<number>): number[] =>
  [0, 1, 2].map((channel) => 255 - 0.4 * (255 - colour[channel]));
