// All queries, one after the other, down the columns of their grid: then few of the rows that are
// summed along diagonals are needed again, and nothing of the score matrix is kept beside them.
import type { Attention } from "./attention.ts";
import { INVISIBLE } from "./deconvolution.ts";
import { Fusion } from "./fusion.ts";
import { Matching } from "./matching.ts";
import { Overlaps } from "./overlaps.ts";
import { RowRanges } from "./ranges.ts";
import { Weights } from "./softmax.ts";
import type { Matrix } from "./source.ts";

/** Scores of a step: about a hundredth of a second, as the page answers in between. */
export const SCORES_A_STEP = 3e5;

/** The rows alone. */
export class RowSweep {
  readonly attention: Attention;
  protected readonly scores: Matrix;
  protected readonly fusion: Fusion;
  private readonly weights: Weights;
  private readonly negligible: number;

  /** @param negligible as for `Weights.fill`. */
  constructor(attention: Attention, negligible: number) {
    const { inputs, matrices, recorded, L } = attention;
    this.attention = attention;
    this.negligible = negligible;
    // Its own: their rows are overwritten, and the page may be looking at the attention's.
    this.scores = matrices.scores ?? new Matching(inputs.f, inputs.b, attention, recorded, true);
    this.fusion = new Fusion(this.scores, attention, matrices, true);
    this.weights = new Weights(L);
  }

  /** The weights of query p, until the next one is weighed. */
  weigh(p: number): Weights {
    const { stretches, config, matrices } = this.attention;
    const own = matrices.attention?.row(p);
    this.weights.weigh(this.fusion.scores(p), own, stretches, config, this.negligible);
    return this.weights;
  }
}

/** The rows, and what they paste. */
export class Sweep extends RowSweep {
  readonly ranges = new RowRanges();
  private readonly overlaps: Overlaps;

  constructor(attention: Attention) {
    super(attention, INVISIBLE / attention.L);
    this.overlaps = new Overlaps(attention.h, attention.mixer);
  }

  /** The weights of the query at a cell, until the next one is pasted. */
  paste(row: number, column: number): Weights {
    const { scores, fusion, ranges, overlaps } = this;
    const p = row * this.attention.w + column;
    const weights = this.weigh(p);
    overlaps.add(weights, row, column);
    if (fusion.reach > 0 || this.attention.isRecorded) {
      ranges.add("scores", scores.row(p));
      ranges.add("fused_rows", fusion.afterRows(p));
    }
    ranges.addWeighed(fusion.scores(p), weights);
    return weights;
  }

  /** A block of the output, rate × rate pixels, not yet divided: the queries down to cell (row,
   * column) are pasted. */
  block(row: number, column: number): Float64Array {
    return this.overlaps.block(row, column);
  }
}
