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

/** The same cells, row after row, as one long column: moves go along the rows, on to the next. */
export function flat({ rows, cols, step }: Grid): Grid {
  return { rows: rows * cols, cols: 1, step };
}

/** Where an index goes `d` places down the columns of a grid, on to the next; −1 off either end. */
export function along(index: number, d: number, { rows, cols }: Grid): number {
  const moved = (index % cols) * rows + Math.floor(index / cols) + d;
  if (index < 0 || moved < 0 || moved >= rows * cols) {
    return -1;
  }
  return (moved % rows) * cols + Math.floor(moved / rows);
}
