// The lowest and highest value of each stage, gathered query by query.
import type { StageKey } from "../generated/stages.ts";
import { type Extremes, extremes, extremesOf } from "./numbers.ts";
import type { Weights } from "./softmax.ts";

export type Ranges = Partial<Record<StageKey, Extremes>>;

type ScoreStage = "scores" | "fused_rows" | "fused_scores";

/** The extremes of all rows of a stage. */
export class RowRanges {
  readonly all = {
    scores: nothing(),
    fused_rows: nothing(),
    fused_scores: nothing(),
    attention: nothing(),
  };

  add(stage: ScoreStage, row: Float32Array): void {
    this.widen(stage, extremesOf(row, 0, row.length), row);
  }

  /** Fused scores and what was made of them, which knows their extremes. */
  addWeighed(fused: Float32Array, weights: Weights): void {
    const { low, high, values, count, others, largest } = weights;
    this.widen("fused_scores", [low, high], fused);
    const few = count < values.length; // then the others are the least
    this.all.attention = extremes(few ? [others, largest] : values, this.all.attention);
  }

  /** Where they are not finite, the row has some that are, perhaps. */
  private widen(stage: ScoreStage, [low, high]: Extremes, row: Float32Array): void {
    const values = Number.isFinite(high - low) ? [low, high] : row;
    this.all[stage] = extremes(values, this.all[stage]);
  }
}

function nothing(): Extremes {
  return [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
}
