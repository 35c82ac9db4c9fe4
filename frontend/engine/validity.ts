// Step 3: which background patches may be pasted: those that touch no cell of the hole.
import { type Cell, cellAt } from "./grid.ts";
import { clamp } from "./numbers.ts";

/** The cells of the hole within `reach` of a cell. */
export function holeCellsAround(
  [y, x]: Cell,
  reach: number,
  mask: Uint8Array | Float32Array,
  rows: number,
  columns: number,
): Cell[] {
  const cells: Cell[] = [];
  for (let row = clamp(y - reach, rows); row <= clamp(y + reach, rows); row++) {
    for (let column = clamp(x - reach, columns); column <= clamp(x + reach, columns); column++) {
      if (mask[row * columns + column]) {
        cells.push([row, column]);
      }
    }
  }
  return cells;
}

/** How many pixels of the hole lie in patches that may be pasted all the same: a hole can be too
 * thin for the shrinking to see it. */
export function leakingPixels(
  mask: Uint8Array,
  columns: number,
  valid: Uint8Array,
  patchColumns: number,
  pixelsPerPatch: number,
): number {
  let count = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]) {
      const [y, x] = cellAt(i, columns);
      const row = Math.floor(y / pixelsPerPatch);
      const column = Math.floor(x / pixelsPerPatch);
      count += valid[row * patchColumns + column] ?? 0;
    }
  }
  return count;
}

/** Some patches, from `start` to before `end`. */
export interface Stretch {
  start: number;
  end: number;
}

/** Those that may be pasted and those that may not: a loop over a stretch need not ask for each. */
export interface Stretches {
  valid: readonly Stretch[];
  hidden: readonly Stretch[];
}

export function stretchesOf(valid: Uint8Array): Stretches {
  const stretches: { valid: Stretch[]; hidden: Stretch[] } = { valid: [], hidden: [] };
  let start = 0;
  for (let q = 1; q <= valid.length; q++) {
    if (valid[q] !== valid[start]) {
      const list = valid[start] ? stretches.valid : stretches.hidden;
      list.push({ start, end: q });
      start = q;
    }
  }
  return stretches;
}
