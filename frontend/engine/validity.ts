// Step 3: which background patches may be pasted: those that touch no cell of the hole.
import { type Cell, cellAt } from "./grid.ts";
import { clamp } from "./numbers.ts";

/** The cells of the hole within `reach` of a cell. */
export function holeCellsAround(
  [y, x]: Cell,
  reach: number,
  mask: Uint8Array,
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
