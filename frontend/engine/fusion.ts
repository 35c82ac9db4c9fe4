// Steps 5 and 6: fusion. A score is summed along a diagonal of the score matrix, first in the order
// of the rows of both maps, then in the order of their columns: neighbours of the query with the
// same neighbours of the patch.
import { along, flat, type Grid } from "./grid.ts";
import { rowsToKeep } from "./matching.ts";
import { Recent } from "./recent.ts";
import type { Sizes } from "./sizes.ts";
import type { Matrices, Matrix } from "./source.ts";
import { sumAlong, type Term } from "./sums.ts";

/** Where one of the fuse_k² scores that enter a fused score stands. */
interface FusionPlace {
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

export interface FusionTerm extends FusionPlace {
  score: number;
}

/**
 * One pass, for one row of the matrix (or one column of it, with the grids exchanged).
 *
 * `index` counts on the grid `own`; the result lies over the grid `other`; `before(i)` is row i
 * before this pass.
 */
function sumAlongDiagonal(
  index: number,
  own: Grid,
  other: Grid,
  reach: number,
  before: (index: number) => Float32Array,
  sums: Float32Array = new Float32Array(other.rows * other.cols),
): Float32Array {
  const terms: Term[] = [];
  for (let d = -reach; d <= reach; d++) {
    const neighbour = along(index, own.step * d, own);
    if (neighbour >= 0) {
      terms.push({ values: before(neighbour), shift: other.step * d });
    }
  }
  sumAlong(sums, terms, other);
  return sums;
}

/** Where the terms of the fused score of (p, q) come from. */
function fusionPlaces(
  p: number,
  q: number,
  queries: Grid,
  patches: Grid,
  reach: number,
): FusionPlace[] {
  const places: FusionPlace[] = [];
  for (let e = -reach; e <= reach; e++) {
    for (let d = -reach; d <= reach; d++) {
      const p1 = along(p, queries.step * e, queries);
      const q1 = along(q, patches.step * e, patches);
      const p2 = along(p1, queries.step * d, flat(queries));
      const q2 = along(q1, patches.step * d, flat(patches));
      const inside = p2 >= 0 && q2 >= 0;
      const wraps = inside && (leavesLine(p, p1, p2, queries) || leavesLine(q, q1, q2, patches));
      places.push({ d, e, p: p2, q: q2, inside, wraps });
    }
  }
  return places;
}

/** Whether the move down the columns changed the column, or that along the rows the row. */
function leavesLine(from: number, between: number, to: number, { cols }: Grid): boolean {
  const row = Math.floor(between / cols);
  return between % cols !== from % cols || Math.floor(to / cols) !== row;
}

/** Scores, fused: rows for a query, columns for a patch. What was recorded of it is read. */
export class Fusion {
  /** How far the diagonals reach to either side; 0 is no fusion. */
  readonly reach: number;
  private readonly before: Matrix;
  private readonly recorded: Matrices;
  private readonly sizes: Sizes;
  private readonly rows: Recent<Float32Array>;
  private readonly finished: Recent<Float32Array>;

  /**
   * @param before the scores.
   * @param sweeps as for a Matching.
   */
  constructor(before: Matrix, sizes: Sizes, recorded: Matrices = {}, sweeps = false) {
    const { fuse, fuse_k, stride } = sizes.config;
    this.reach = fuse ? fuse_k >> 1 : 0;
    this.before = before;
    this.recorded = recorded;
    this.sizes = sizes;
    this.rows = new Recent(
      sweeps ? (2 * this.reach + 1) * stride + 1 : rowsToKeep(sizes.L),
      sweeps,
    );
    this.finished = new Recent(sweeps ? 1 : 6, sweeps);
  }

  /** The row of query p after the first pass, and after both. */
  afterRows(p: number): Float32Array {
    const { reach, before, recorded } = this;
    const { queryGrid, patchGrid } = this.sizes;
    const scores = (i: number) => before.row(i);
    if (recorded.fused_rows) {
      return recorded.fused_rows.row(p);
    }
    if (reach === 0) {
      return scores(p);
    }
    return this.rows.get(p, (spare) =>
      sumAlongDiagonal(p, flat(queryGrid), flat(patchGrid), reach, scores, spare),
    );
  }

  scores(p: number): Float32Array {
    const { reach, recorded } = this;
    const { queryGrid, patchGrid } = this.sizes;
    const afterRows = (i: number) => this.afterRows(i);
    if (recorded.fused_scores) {
      return recorded.fused_scores.row(p);
    }
    if (reach === 0) {
      return afterRows(p);
    }
    return this.finished.get(p, (spare) =>
      sumAlongDiagonal(p, queryGrid, patchGrid, reach, afterRows, spare),
    );
  }

  /** The column of patch q after the first pass, and after both. */
  columnAfterRows(q: number): Float32Array {
    const { queryGrid, patchGrid } = this.sizes;
    const scores = (i: number) => this.before.column(i);
    if (this.recorded.fused_rows) {
      return this.recorded.fused_rows.column(q);
    }
    return sumAlongDiagonal(q, flat(patchGrid), flat(queryGrid), this.reach, scores);
  }

  column(q: number): Float32Array {
    const { queryGrid, patchGrid } = this.sizes;
    const afterRows = (i: number) => this.columnAfterRows(i);
    if (this.recorded.fused_scores) {
      return this.recorded.fused_scores.column(q);
    }
    return sumAlongDiagonal(q, patchGrid, queryGrid, this.reach, afterRows);
  }

  /** The fuse_k scores after a first pass that was recorded, which enter the fused score of (p, q):
   * null where it was computed, and the scores before it can be told. */
  linesOf(p: number, q: number): FusionTerm[] | null {
    const { fused_rows } = this.recorded;
    if (!fused_rows) return null;
    const lines = this.placesOf(p, q).filter(({ d }) => d === 0);
    return lines.map((place) => {
      return { ...place, score: place.inside ? fused_rows.at(place.p, place.q) : 0 };
    });
  }

  private placesOf(p: number, q: number): FusionPlace[] {
    const { queryGrid, patchGrid } = this.sizes;
    return fusionPlaces(p, q, queryGrid, patchGrid, this.reach);
  }

  /** The fuse_k² scores that enter the fused score of (p, q). */
  terms(p: number, q: number): FusionTerm[] {
    const places = this.placesOf(p, q);
    return places.map((place) => {
      const score = place.inside ? this.before.at(place.p, place.q) : 0;
      return { ...place, score };
    });
  }
}
