// Cells of a map and their indices, counted row by row.

/** A place on a map: row and column. */
export type Cell = readonly [row: number, column: number];

/** The cells of a map; `step` is how far one move along a diagonal goes. */
export interface Grid {
  rows: number;
  cols: number;
  step: number;
}

export function cellAt(index: number, cols: number): Cell {
  return [Math.floor(index / cols), index % cols];
}

/** The same cells as one long row of one-cell columns: moves go along the rows, on to the next. */
export function flat({ rows, cols, step }: Grid): Grid {
  return { rows: 1, cols: rows * cols, step };
}

/** Where an index goes `d` places down the columns of a grid, on to the next; −1 off either end. */
export function along(index: number, d: number, { rows, cols }: Grid): number {
  const moved = (index % cols) * rows + Math.floor(index / cols) + d;
  if (index < 0 || moved < 0 || moved >= rows * cols) {
    return -1;
  }
  return (moved % rows) * cols + Math.floor(moved / rows);
}

/** sums[i] += values[along(i, d)] for every cell i, a row at a time: memory is read in order. */
export function addAlong(
  sums: Float64Array,
  values: Float32Array | Float64Array,
  d: number,
  { rows, cols }: Grid,
): void {
  for (let row = 0; row < rows; row++) {
    // Off the end of a column goes on in the next one: this row's cells all move as far over.
    const over = Math.floor((row + d) / rows);
    const source = (row + d - over * rows) * cols + over;
    const target = row * cols;
    const end = Math.min(cols, cols - over);
    for (let column = Math.max(0, -over); column < end; column++) {
      sums[target + column] += values[source + column];
    }
  }
}
