// Step 7: the weights of one query, from its fused scores.
import type { AttentionConfig } from "./config.ts";
import { exp } from "./exponential.ts";
import { type Extremes, extremesOf } from "./numbers.ts";
import type { Stretch, Stretches } from "./validity.ts";

type Settings = Pick<AttentionConfig, "softmax_scale" | "masked">;

/** The weights of a query that are not 0, each with its patch. Made once, filled often. */
export class Weights {
  readonly patches: Int32Array;
  readonly values: Float64Array;
  count = 0;
  /** What every other patch has: 0, or NaN where nothing can be weighed. */
  others = 0;
  /** The logarithm of what the weights were divided by. */
  lse = Number.NaN;
  /** The least and the largest of the scores, infinite ones too. */
  low = 0;
  high = 0;
  /** The patch of most weight, and how much that is. */
  argmax = 0;
  largest = 0;

  constructor(L: number) {
    this.patches = new Int32Array(L);
    this.values = new Float64Array(L);
  }

  /**
   * Weigh the patches.
   *
   * @param negligible a weight of less than so much of the largest counts as 0, and needs no exp:
   * most do, where a whole output is made.
   */
  fill(fused: Float32Array, parts: Stretches, config: Settings, negligible: number): void {
    const { patches, values } = this;
    const scale = config.softmax_scale;
    const [low, high] = extremesOver(fused, parts.valid);
    const [hiddenLow, hiddenHigh] = extremesOver(fused, parts.hidden);
    const best = low <= high ? Math.max(scale * low, scale * high) : Number.NEGATIVE_INFINITY;
    this.low = Math.min(low, hiddenLow);
    this.high = Math.max(high, hiddenHigh);

    // Masked scores are 0 and stay in the denominator, or are −∞ and do not.
    const { hidden, hiddenLogit } = hiddenAmong(fused, parts);
    const addsHidden = config.masked === "zero" && hidden > 0;
    const top = addsHidden ? Math.max(best, hiddenLogit) : best;
    const least = best + Math.log(negligible);
    let sum = addsHidden ? hidden * Math.exp(hiddenLogit - top) : 0;
    let largest = 0;
    let count = 0;
    this.argmax = 0;
    for (const { start, end } of parts.valid) {
      for (let q = start; q < end; q++) {
        const logit = scale * fused[q];
        if (logit < least) {
          continue;
        }
        const weight = exp(logit - top);
        sum += weight;
        if (weight > largest) {
          largest = weight;
          this.argmax = q;
        }
        patches[count] = q;
        values[count] = weight;
        count += 1;
      }
    }

    if (top === Number.NEGATIVE_INFINITY) {
      sum = Number.NaN; // no patch at all: 0 / 0
    }
    for (let i = 0; i < count; i++) {
      values[i] /= sum;
    }
    this.count = count;
    this.largest = largest / sum;
    this.others = 0 / sum;
    this.lse = top + Math.log(sum);
  }

  /** Weigh the patches, or take the shares that were made elsewhere of these scores. */
  weigh(
    fused: Float32Array,
    shares: Float32Array | undefined,
    parts: Stretches,
    config: Settings,
    negligible: number,
  ): void {
    if (shares) this.take(shares, fused);
    else this.fill(fused, parts, config, negligible);
  }

  private take(shares: Float32Array, fused: Float32Array): void {
    const { patches, values } = this;
    [this.low, this.high] = extremesOf(fused, 0, fused.length);
    this.count = 0;
    this.argmax = 0;
    this.largest = 0;
    this.others = 0;
    this.lse = Number.NaN; // nothing was divided here
    shares.forEach((share, q) => {
      if (Number.isNaN(share)) {
        this.others = share;
      } else if (share !== 0) {
        patches[this.count] = q;
        values[this.count] = share;
        this.count += 1;
      }
      if (share > this.largest) {
        this.largest = share;
        this.argmax = q;
      }
    });
  }

  /** All of them, patch by patch. */
  dense(): Float64Array {
    const { patches, values, count } = this;
    const weights = new Float64Array(values.length).fill(this.others);
    for (let i = 0; i < count; i++) {
      weights[patches[i]] = values[i];
    }
    return weights;
  }
}

/** What each query takes of a patch, from its fused scores and the queries' log-sum-exp. */
export function sharesOf(
  fused: Float32Array,
  lse: Float32Array,
  isValid: number,
  { softmax_scale: scale }: Settings,
): Float64Array {
  if (!isValid) {
    return Float64Array.from(lse, (value) => 0 * value); // 0 · NaN is NaN
  }
  const weights = new Float64Array(fused);
  for (let p = 0; p < weights.length; p++) {
    weights[p] = Math.exp(scale * weights[p] - lse[p]);
  }
  return weights;
}

function extremesOver(scores: Float32Array, stretches: readonly Stretch[]): Extremes {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { start, end } of stretches) {
    const [partLow, partHigh] = extremesOf(scores, start, end);
    low = Math.min(low, partLow);
    high = Math.max(high, partHigh);
  }
  return [low, high];
}

/** How many patches may not be pasted, and the logit they have all the same: 0, or NaN where one of
 * their scores is no number. */
function hiddenAmong(fused: Float32Array, parts: Stretches) {
  let hidden = 0;
  let hiddenLogit = 0;
  for (const { start, end } of parts.hidden) {
    for (let q = start; q < end; q++) {
      hidden += 1;
      hiddenLogit += 0 * fused[q]; // 0 · NaN is NaN
    }
  }
  return { hidden, hiddenLogit };
}
