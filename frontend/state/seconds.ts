// How long an output takes.
import type { Attention } from "../engine/attention.ts";

/** Scores that are computed in a few seconds. */
const MANY_SCORES = 5e7;

/** About how long the output takes, where that is worth a word: the estimate takes time itself. */
export function secondsOf(attention: Attention): number | null {
  return attention.P * attention.L < MANY_SCORES ? null : attention.estimate();
}
