// Sums of shifted rows: what neighbouring patches share lies along diagonals of the score matrix,
// so most of the work on it is the sum of a few rows, each a few places further on.
//
// The work is passing over memory. So three terms are added in a pass, and numbers are float32, as
// in PyTorch: half as many bytes.
import { along, type Grid } from "./grid.ts";

/** One row of a sum: `values[i + shift]` is added to `sums[i]`. */
export interface Term {
  values: Float32Array;
  shift: number;
}

/** sums[i] = Σ values[i + shift], from place `start` to before place `end`. */
export function sumShifted(
  sums: Float32Array,
  terms: readonly Term[],
  start: number,
  end: number,
): void {
  // Views, so that one index serves all: the loops are a third quicker for it.
  const result = sums.subarray(start, end);
  const views = terms.map(({ values, shift }) => values.subarray(start + shift, end + shift));
  if (views.length === 3) {
    const [a, b, c] = views;
    for (let i = 0; i < result.length; i++) {
      result[i] = a[i] + b[i] + c[i];
    }
    return;
  }
  const [first, ...others] = views;
  result.set(first);
  for (const view of others) {
    for (let i = 0; i < result.length; i++) {
      result[i] += view[i];
    }
  }
}

/** sums[i] = Σ values[along(i, shift)] for every cell i of a grid: a shift counts places down its
 * columns, from the end of one on to the next. */
export function sumAlong(sums: Float32Array, terms: readonly Term[], grid: Grid): void {
  const { rows, cols } = grid;
  const reach = Math.max(...terms.map(({ shift }) => Math.abs(shift)));
  // Away from the first and last rows no move leaves its column: one run of memory.
  const start = Math.min(reach, rows) * cols;
  const end = Math.max(start, (rows - reach) * cols);
  if (start < end) {
    const inside = terms.map(({ values, shift }) => ({ values, shift: shift * cols }));
    sumShifted(sums, inside, start, end);
  }
  sumCells(sums, terms, grid, 0, start);
  sumCells(sums, terms, grid, end, rows * cols);
}

/** The same, cell by cell. */
function sumCells(
  sums: Float32Array,
  terms: readonly Term[],
  grid: Grid,
  start: number,
  end: number,
): void {
  for (let i = start; i < end; i++) {
    let sum = 0;
    for (const { values, shift } of terms) {
      const place = along(i, shift, grid);
      if (place >= 0) {
        sum += values[place];
      }
    }
    sums[i] = sum;
  }
}
