// The lowest and highest value of each stage, gathered query by query.
import type { StageKey } from "../generated/stages.ts";
import { type Extremes, extremes } from "./numbers.ts";
import type { Weights } from "./softmax.ts";

export type Ranges = Partial<Record<StageKey, Extremes>>;

/** The extremes of all rows of a stage. */
export class RowRanges {
  readonly all = {
    scores: nothing(),
    fused_rows: nothing(),
    fused_scores: nothing(),
    attention: nothing(),
  };

  add(stage: "scores" | "fused_rows" | "fused_scores", row: Float32Array): void {
    this.all[stage] = extremesOfRow(row, this.all[stage]);
  }

  /** Fused scores and what was made of them, which knows their extremes. */
  addWeighed(fused: Float32Array, weights: Weights): void {
    const { low, high, values, count, others, largest } = weights;
    if (Number.isFinite(high - low)) {
      this.all.fused_scores = extremes([low, high], this.all.fused_scores);
    } else {
      this.add("fused_scores", fused);
    }
    const few = count < values.length; // then the others are the least
    this.all.attention = extremes(few ? [others, largest] : values, this.all.attention);
  }
}

function nothing(): Extremes {
  return [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
}

/** As `extremes`, for rows of scores alone: a loop that meets one type of numbers is many times
 * quicker. */
function extremesOfRow(row: Float32Array, [low, high]: Extremes): Extremes {
  for (let q = 0; q < row.length; q++) {
    const value = row[q];
    if (value < low && value > Number.NEGATIVE_INFINITY) {
      low = value;
    }
    if (value > high && value < Number.POSITIVE_INFINITY) {
      high = value;
    }
  }
  return [low, high];
}
