// Step 7: the weights of one query, from its fused scores.
import type { AttentionConfig } from "./config.ts";

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
  /** The patch of most weight. */
  argmax = 0;

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
  fill(fused: Float64Array, valid: Uint8Array, config: Settings, negligible: number): void {
    const { patches, values } = this;
    const L = fused.length;
    const scale = config.softmax_scale;
    let best = Number.NEGATIVE_INFINITY;
    let hidden = 0;
    let hiddenLogit = 0;
    for (let q = 0; q < L; q++) {
      const logit = scale * fused[q];
      if (!valid[q]) {
        hidden += 1;
        hiddenLogit += 0 * fused[q]; // 0 · NaN is NaN
      } else if (logit > best) {
        best = logit;
      }
    }

    // Masked scores are 0 and stay in the denominator, or are −∞ and do not.
    const addsHidden = config.masked === "zero" && hidden > 0;
    const top = addsHidden ? Math.max(best, hiddenLogit) : best;
    const least = best + Math.log(negligible);
    let sum = addsHidden ? hidden * Math.exp(hiddenLogit - top) : 0;
    let largest = 0;
    let count = 0;
    this.argmax = 0;
    for (let q = 0; q < L; q++) {
      const logit = scale * fused[q];
      if (!valid[q] || logit < least) {
        continue;
      }
      const weight = Math.exp(logit - top);
      sum += weight;
      if (weight > largest) {
        largest = weight;
        this.argmax = q;
      }
      patches[count] = q;
      values[count] = weight;
      count += 1;
    }

    if (top === Number.NEGATIVE_INFINITY) {
      sum = Number.NaN; // no patch at all: 0 / 0
    }
    for (let i = 0; i < count; i++) {
      values[i] /= sum;
    }
    this.count = count;
    this.others = 0 / sum;
    this.lse = top + Math.log(sum);
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
