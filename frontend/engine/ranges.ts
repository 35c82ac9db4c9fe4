// The lowest and highest value of each stage, gathered query by query.
import type { StageKey } from "../generated/stages.ts";
import type { Extremes } from "./numbers.ts";
import type { Weights } from "./softmax.ts";

export type Ranges = Partial<Record<StageKey, Extremes>>;

/** The extremes of rows of one kind. Each kind has an object of its own, each row is read by the
 * loop that knows its type: a loop for all of them would be many times slower. */
export class RowRanges {
  private readonly scores = nothing();
  private readonly fusedRows = nothing();
  private readonly fusedScores = nothing();
  private readonly attention = nothing();

  add(scores: Float32Array, fusedRows: Float64Array, fusedScores: Float64Array): void {
    const { scores: a, fusedRows: b, fusedScores: c } = this;
    for (let q = 0; q < scores.length; q++) {
      include(a, scores[q]);
      include(b, fusedRows[q]);
      include(c, fusedScores[q]);
    }
  }

  addWeights({ values, count, others }: Weights): void {
    for (let i = 0; i < count; i++) {
      include(this.attention, values[i]);
    }
    if (count < values.length) {
      include(this.attention, others);
    }
  }

  get all(): Ranges {
    return {
      scores: this.scores,
      fused_rows: this.fusedRows,
      fused_scores: this.fusedScores,
      attention: this.attention,
    };
  }
}

function nothing(): Extremes {
  return [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
}

function include(range: Extremes, value: number): void {
  if (value < range[0] && value > Number.NEGATIVE_INFINITY) {
    range[0] = value;
  }
  if (value > range[1] && value < Number.POSITIVE_INFINITY) {
    range[1] = value;
  }
}
