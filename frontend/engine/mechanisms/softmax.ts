// Softmax: the scores of one query are masked, scaled, exponentiated, added up and divided by their
// sum. Patches that touch the hole drop out on the way.
import type { Attention } from "../attention.ts";
import { strongest } from "../numbers.ts";
import type { Mechanism } from "./mechanism.ts";

const MOST_BARS = 8; // patches that have a bar of their own

/** One patch, all further ones that may be pasted, or all that touch the hole. */
export interface Bar {
  readonly kind: "patch" | "others" | "hole";
  /** The patch; of several the one with the largest exponent. */
  readonly q: number;
  readonly count: number;
}

type Phase = "scores" | "masked" | "scaled" | "exponentials" | "sum" | "shares" | "cleared";

export interface SoftmaxFrame {
  readonly phase: Phase;
  /** A number for each bar: of several patches that of the largest, and then of all together. */
  readonly values: readonly number[];
  /** How many bars are in the sum, and how much that is. */
  readonly added: number;
  readonly sum: number;
}

export interface SoftmaxMechanism extends Mechanism<SoftmaxFrame> {
  readonly bars: readonly Bar[];
  /** The largest exponent. It is taken off every one: the shares stay the same. */
  readonly top: number;
  /** The whole sum. */
  readonly whole: number;
}

/** Tick by tick: the scores, masked where there is a hole, scaled, exponentiated; a bar a tick in
 * the sum; the shares, and once more masked where the hole had been counted in the sum. */
export function softmaxMechanism(attention: Attention, p: number): SoftmaxMechanism {
  const { valid, config } = attention;
  const { softmax_scale: scale } = config;
  const scores = attention.row("fused_scores", p);
  const exponents = Float64Array.from(scores, (score) => scale * score);
  const bars = barsOf(exponents, valid);
  const hole = bars.find(({ kind }) => kind === "hole");
  const hidden = hole?.count ?? 0;
  const isCounted = hidden > 0 && config.masked === "zero";
  const maskedScore = isCounted ? 0 : Number.NEGATIVE_INFINITY;

  const largest = bars[0]?.kind === "patch" ? exponents[bars[0].q] : Number.NEGATIVE_INFINITY;
  const top = isCounted ? Math.max(largest, 0) : largest;
  const own = new Set(bars.filter(({ kind }) => kind === "patch").map(({ q }) => q));
  const exponentials = bars.map(({ kind, q, count }) => {
    if (kind === "patch") {
      return Math.exp(exponents[q] - top);
    }
    if (kind === "hole") {
      return isCounted ? count * Math.exp(0 - top) : 0;
    }
    return sumOfOthers(exponents, valid, own, top);
  });
  const sums = [0];
  for (const exponential of exponentials) {
    sums.push(sums[sums.length - 1] + exponential);
  }
  const whole = own.size === 0 && !isCounted ? Number.NaN : sums[bars.length];
  const shares = exponentials.map((exponential) => exponential / whole);

  const isHole = (i: number) => bars[i].kind === "hole";
  const masked = bars.map(({ q }, i) => (isHole(i) ? maskedScore : scores[q]));
  const scaled = bars.map(({ q }, i) => {
    if (!isHole(i)) {
      return exponents[q];
    }
    return isCounted ? 0 : Number.NEGATIVE_INFINITY;
  });
  const start = { added: 0, sum: 0 };
  const end = { added: bars.length, sum: whole };
  const frames: SoftmaxFrame[] = [
    { phase: "scores", values: bars.map(({ q }) => scores[q]), ...start },
  ];
  if (hidden > 0) {
    frames.push({ phase: "masked", values: masked, ...start });
  }
  frames.push({ phase: "scaled", values: scaled, ...start });
  frames.push({ phase: "exponentials", values: exponentials, ...start });
  for (let added = 1; added <= bars.length; added++) {
    // What counts for nothing has no tick of its own.
    if (!isHole(added - 1) || isCounted) {
      frames.push({ phase: "sum", values: exponentials, added, sum: sums[added] });
    }
  }
  frames.push({ phase: "shares", values: shares, ...end });
  if (isCounted) {
    const cleared = shares.map((share, i) => (isHole(i) ? 0 * share : share));
    frames.push({ phase: "cleared", values: cleared, ...end });
  }
  return { last: frames.length - 1, bars, top, whole, at: (tick) => frames[tick] };
}

/** The patches with the largest exponents one by one, all others, and those in the hole. */
function barsOf(exponents: Float64Array, valid: Uint8Array): Bar[] {
  const allowed = exponents.map((exponent, q) => (valid[q] ? exponent : Number.NEGATIVE_INFINITY));
  const hidden = exponents.map((exponent, q) => (valid[q] ? Number.NEGATIVE_INFINITY : exponent));
  const usable = valid.reduce((count, isValid) => count + isValid, 0);
  const best = strongest(allowed, Math.min(MOST_BARS + 1, usable));
  const bars: Bar[] = best.slice(0, MOST_BARS).map((q) => ({ kind: "patch", q, count: 1 }));
  if (usable > MOST_BARS) {
    bars.push({ kind: "others", q: best[MOST_BARS], count: usable - MOST_BARS });
  }
  if (usable < valid.length) {
    const [largest] = strongest(hidden, 1);
    bars.push({ kind: "hole", q: largest, count: valid.length - usable });
  }
  return bars;
}

/** Σ exp(exponent − top) over the patches that have no bar of their own. */
function sumOfOthers(
  exponents: Float64Array,
  valid: Uint8Array,
  own: ReadonlySet<number>,
  top: number,
): number {
  let sum = 0;
  for (let q = 0; q < exponents.length; q++) {
    if (valid[q] && !own.has(q)) {
      sum += Math.exp(exponents[q] - top);
    }
  }
  return sum;
}
