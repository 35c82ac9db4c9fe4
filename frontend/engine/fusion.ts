// Steps 5 and 6: fusion. A score is summed along a diagonal of the score matrix, first in the order
// of the rows of both maps, then in the order of their columns: neighbours of the query with the
// same neighbours of the patch.
import { addAlong, along, flat, type Grid } from "./grid.ts";

/** One of the fuse_k² scores that enter a fused score. */
export interface FusionTerm {
  /** How many places along the rows, and along the columns. */
  d: number;
  e: number;
  p: number;
  q: number;
  /** Off either end of the matrix there is nothing to add. */
  inside: boolean;
  /** Past the end of a line the order goes on in the next: not a neighbour in the picture. */
  wraps: boolean;
}

/**
 * One pass, for one row of the matrix (or one column of it, with the grids exchanged).
 *
 * `index` counts on the grid `own`; the result lies over the grid `other`; `before(i)` is row i
 * before this pass.
 */
export function sumAlongDiagonal(
  index: number,
  own: Grid,
  other: Grid,
  reach: number,
  before: (index: number) => Float32Array | Float64Array,
): Float64Array {
  if (reach === 0) {
    return new Float64Array(before(index));
  }
  const sums = new Float64Array(other.rows * other.cols);
  for (let d = -reach; d <= reach; d++) {
    const neighbour = along(index, own.step * d, own);
    if (neighbour >= 0) {
      addAlong(sums, before(neighbour), other.step * d, other);
    }
  }
  return sums;
}

/** Where the terms of the fused score of (p, q) come from. */
export function fusionTermsOf(
  p: number,
  q: number,
  queries: Grid,
  patches: Grid,
  reach: number,
): FusionTerm[] {
  const terms: FusionTerm[] = [];
  for (let e = -reach; e <= reach; e++) {
    for (let d = -reach; d <= reach; d++) {
      const p1 = along(p, queries.step * e, queries);
      const q1 = along(q, patches.step * e, patches);
      const p2 = along(p1, queries.step * d, flat(queries));
      const q2 = along(q1, patches.step * d, flat(patches));
      const inside = p2 >= 0 && q2 >= 0;
      const wraps = inside && (leavesLine(p, p1, p2, queries) || leavesLine(q, q1, q2, patches));
      terms.push({ d, e, p: p2, q: q2, inside, wraps });
    }
  }
  return terms;
}

/** Whether the move down the columns changed the column, or that along the rows the row. */
function leavesLine(from: number, between: number, to: number, { cols }: Grid): boolean {
  const row = Math.floor(between / cols);
  return between % cols !== from % cols || Math.floor(to / cols) !== row;
}
