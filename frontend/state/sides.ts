// A, the run that was pinned, beside B, the present one: which of them the pictures show.
import type { Attention, Match } from "../engine/attention.ts";
import type { MatrixKey } from "../generated/stages.ts";
import type { Place } from "./cursor.ts";
import type { Run } from "./run.ts";

export type Side = "A" | "B" | "difference";

/** What decides which side is seen. */
interface Choice {
  readonly run: Run;
  readonly pinned: Run | null;
  readonly side: Side;
}

/** Both runs have the same cells and patches, so that one can be taken from the other. */
export function canSubtract(A: Run, B: Run): boolean {
  return A.config.rate === B.config.rate && A.config.stride === B.config.stride;
}

/** The side that is seen: B alone without A, and no difference of what differs in shape. */
export function sideOf({ run, pinned, side }: Choice): Side {
  if (!pinned) return "B";
  return side === "difference" && !canSubtract(pinned, run) ? "B" : side;
}

/** A's answers to the query that B is asked. */
export interface Answers {
  readonly attention: Attention;
  readonly p: number;
}

export function answersOf(A: Run, B: Run, sample: number, query: Place): Answers {
  const attention = A.attention(sample);
  const [row, column] = attention.at(query, B.config);
  return { attention, p: row * attention.w + column };
}

export const rowOf = ({ attention, p }: Answers, stage: MatrixKey): ArrayLike<number> =>
  attention.row(stage, p);

export const bestOf = ({ attention, p }: Answers): readonly Match[] => attention.best(p);

/** The runs whose output is not there to be subtracted. */
export function missingOutput({ run, pinned }: Choice, sample: number): "A" | "B" | null {
  if (!run.known(sample)) return "B";
  return pinned && !pinned.known(sample) ? "A" : null;
}

export function difference(x: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  return Float64Array.from(y, (value, i) => value - x[i]);
}

/** The largest difference over the channels, at each of `area` pixels. */
export function largestDifference(x: Float32Array, y: Float32Array, area: number): Float32Array {
  const largest = new Float32Array(area);
  x.forEach((value, i) => {
    largest[i % area] = Math.max(largest[i % area], Math.abs(value - y[i]));
  });
  return largest;
}
