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

export class Sweep {
  readonly attention: Attention;
  readonly ranges = new RowRanges();
  private readonly scores: Matrix;
  private readonly fusion: Fusion;
  private readonly weights: Weights;
  private readonly overlaps: Overlaps;

  constructor(attention: Attention) {
    const { inputs, matrices, recorded, mixer, h, L } = attention;
    this.attention = attention;
    // Its own: their rows are overwritten, and the page may be looking at the attention's.
    this.scores = matrices.scores ?? new Matching(inputs.f, inputs.b, attention, recorded, true);
    this.fusion = new Fusion(this.scores, attention, matrices, true);
    this.weights = new Weights(L);
    this.overlaps = new Overlaps(h, mixer);
  }

  /** The weights of the query at a cell, until the next one is weighed. */
  weigh(row: number, column: number): Weights {
    const { scores, fusion, ranges, weights, overlaps } = this;
    const { stretches, config, L, w, matrices, isRecorded } = this.attention;
    const p = row * w + column;
    const fused = fusion.scores(p);
    const own = matrices.attention?.row(p);
    weights.weigh(fused, own, stretches, config, INVISIBLE / L);
    overlaps.add(weights, row, column);
    if (fusion.reach > 0 || isRecorded) {
      ranges.add("scores", scores.row(p));
      ranges.add("fused_rows", fusion.afterRows(p));
    }
    ranges.addWeighed(fused, weights);
    return weights;
  }

  /** A block of the output, rate × rate pixels, not yet divided: the queries down to cell (row,
   * column) are weighed. */
  block(row: number, column: number): Float64Array {
    return this.overlaps.block(row, column);
  }
}
