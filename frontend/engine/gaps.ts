// What a guess comes to beside the truth: ranks, shares, what moves, how neighbours agree.
import type { Attention } from "./attention.ts";
import type { Cell } from "./grid.ts";
import type { Numbers } from "./numbers.ts";
import { rankOf } from "./ranks.ts";

/** Why there is nothing to predict about a query: no patch is valid, a NaN, all have one score. */
export type Blank = "none" | "nan" | "level";

/** A patch that was guessed to be a query's best, beside the one that is. */
export interface Placing {
  readonly query: Cell;
  /** Where the guessed patch lies, and the best one. */
  readonly guess: Cell;
  readonly best: Cell;
  /** Among the patches that may be pasted; null for one that touches the hole. */
  readonly rank: number | null;
  /** By the raw score, before fusion. */
  readonly rawRank: number | null;
  /** How many patches may be pasted. */
  readonly of: number;
  readonly share: number;
  readonly bestShare: number;
  /** The cosine of the two matching patches. */
  readonly likeness: number;
}

/** What the softmax sees of a query: in the order of its weights, and never rounded down to 0. Of
 * weights that are somebody's own, themselves. */
function logitsOf(attention: Attention, p: number): Float64Array {
  if (attention.recorded.attention) return Float64Array.from(attention.row("attention", p));
  const { softmax_scale: scale } = attention.config;
  return Float64Array.from(attention.row("fused_scores", p), (score) => scale * score);
}

/** The patch that a query takes most from, of equals the first; -1 where none may be pasted. */
function bestPatch(logits: Numbers, valid: Numbers): number {
  let best = -1;
  for (let q = 0; q < logits.length; q++) {
    if (valid[q] && (best < 0 || logits[q] > logits[best])) best = q;
  }
  return best;
}

export function blankAt(attention: Attention, p: number): Blank | null {
  const { valid } = attention;
  if (!valid.includes(1)) return "none";
  if (attention.row("attention", p).some(Number.isNaN)) return "nan";
  const logits = logitsOf(attention, p);
  const best = bestPatch(logits, valid);
  const isLevel = logits.every((logit, q) => !valid[q] || logit === logits[best]);
  return isLevel ? "level" : null;
}

/** The patch that a query takes most from, and its share. */
export function bestOf(attention: Attention, p: number): { patch: number; share: number } {
  const patch = bestPatch(logitsOf(attention, p), attention.valid);
  return { patch, share: attention.row("attention", p)[patch] };
}

export function placingOf(attention: Attention, p: number, guess: number): Placing {
  const { valid } = attention;
  const logits = logitsOf(attention, p);
  const weights = attention.row("attention", p);
  const best = bestPatch(logits, valid);
  const isValid = valid[guess] === 1;
  return {
    query: attention.place(p),
    guess: attention.cellOf(guess),
    best: attention.cellOf(best),
    rank: isValid ? rankOf(logits, guess, valid) : null,
    rawRank: isValid ? rankOf(attention.row("scores", p), guess, valid) : null,
    of: valid.reduce((sum, bit) => sum + bit, 0),
    share: weights[guess],
    bestShare: weights[best],
    likeness: cosine(attention.matchingPatch(guess), attention.matchingPatch(best)),
  };
}

function cosine(x: Float64Array, y: Float64Array): number {
  const dot = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

/** How many of the heaviest patches together take a share; null where all together do not. */
export function patchesFor(weights: Numbers, share: number): number | null {
  const sorted = Float64Array.from(weights).sort().reverse();
  let sum = 0;
  for (let count = 0; count < sorted.length; count++) {
    sum += sorted[count];
    if (sum >= share) return count + 1;
  }
  return null;
}

/** What another softmax_scale changes for a query. */
export interface Change {
  /** The part of its weight that goes from some patches to others: half of what differs. */
  readonly moved: number;
  /** The best share, before and after. */
  readonly before: number;
  readonly after: number;
}

export function changeOf(now: Attention, sharper: Attention, p: number): Change {
  const before = now.row("attention", p);
  const after = sharper.row("attention", p);
  let moved = 0;
  for (let q = 0; q < before.length; q++) moved += Math.abs(after[q] - before[q]) / 2;
  return { moved, before: bestOf(now, p).share, after: bestOf(sharper, p).share };
}

/** The index of the largest, of equals the first. */
export function largest(values: readonly number[]): number {
  return values.reduce((most, value, i) => (value > values[most] ? i : most), 0);
}

/** Of all pairs of cells side by side, the part that takes most from patches side by side. */
export function agreement(
  attention: Attention,
  argmax: Int32Array,
  cells: readonly Cell[],
): number | null {
  const { h, w } = attention;
  const isCounted = new Uint8Array(h * w);
  for (const [row, column] of cells) isCounted[row * w + column] = 1;
  let pairs = 0;
  let agreeing = 0;
  for (const [row, column] of cells) {
    const p = row * w + column;
    const [down, right] = attention.offset(p, argmax[p]);
    for (const [y, x] of [
      [row + 1, column],
      [row, column + 1],
    ]) {
      const other = y * w + x;
      if (y >= h || x >= w || !isCounted[other]) continue;
      const [otherDown, otherRight] = attention.offset(other, argmax[other]);
      pairs += 1;
      if (otherDown === down && otherRight === right) agreeing += 1;
    }
  }
  return pairs === 0 ? null : agreeing / pairs;
}
