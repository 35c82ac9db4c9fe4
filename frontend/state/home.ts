// The query that is shown while the reader points at none: in the middle of the hole.
import { shrink } from "../engine/downsampling.ts";
import type { Cursor, Place } from "./cursor.ts";
import type { Run } from "./run.ts";

/** The cells of f that lie in its hole, as the layer shrinks it. */
export function holeCells(run: Run, sample: number): Place[] {
  const mask = run.foregroundMaskOf(sample);
  if (!mask) return [];
  const { H, W } = run.inputs;
  const attention = run.attention(sample);
  const cells: Place[] = [];
  shrink(mask, 1, H, W, run.config).forEach((isHole, p) => {
    if (isHole) cells.push(attention.place(p));
  });
  return cells;
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The cell of the hole that is nearest to its middle; the picture's middle where there is none. */
function homeCell(run: Run, sample: number): Place {
  const cells = holeCells(run, sample);
  if (!cells.length) {
    const { h, w } = run.attention(sample);
    return [h >> 1, w >> 1];
  }
  const row = meanOf(cells.map(([y]) => y));
  const column = meanOf(cells.map(([, x]) => x));
  const distance = ([y, x]: Place) => Math.hypot(y - row, x - column);
  return cells.reduce((nearest, cell) => (distance(cell) < distance(nearest) ? cell : nearest));
}

/** Shown, not kept. */
export function homeOf(run: Run, sample: number): Cursor {
  return { kind: "query", query: homeCell(run, sample), partner: null, kept: false };
}
