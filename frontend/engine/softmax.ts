// Step 7: the weights of one query, from its fused scores.
import type { AttentionConfig } from "./config.ts";

/** A query's weights, and the logarithm of what they were divided by, before dividing. */
export interface Softmax {
  weights: Float64Array;
  lse: number;
}

/**
 * The weights of all patches. A weight below `negligible` times the largest that may be pasted
 * becomes 0 without being exponentiated: most of them, where a whole output is made.
 */
export function softmax(
  fused: Float64Array,
  valid: Uint8Array,
  config: Pick<AttentionConfig, "softmax_scale" | "masked">,
  negligible = 0,
): Softmax {
  const L = fused.length;
  const scale = config.softmax_scale;
  const isZero = config.masked === "zero";
  const weights = new Float64Array(L);
  let top = Number.NEGATIVE_INFINITY;
  let topOfValid = Number.NEGATIVE_INFINITY;
  for (let q = 0; q < L; q++) {
    let logit = scale * fused[q];
    if (valid[q]) {
      if (logit > topOfValid) {
        topOfValid = logit;
      }
    } else {
      logit = isZero ? 0 * fused[q] : Number.NEGATIVE_INFINITY; // 0 · NaN is NaN
      if (logit > top) {
        top = logit;
      }
    }
    weights[q] = logit;
  }
  top = Math.max(top, topOfValid);

  const least = topOfValid + Math.log(negligible);
  let sum = 0;
  for (let q = 0; q < L; q++) {
    const logit = weights[q];
    const weight = logit < least && valid[q] ? 0 : Math.exp(logit - top);
    weights[q] = weight;
    sum += weight;
  }

  const share = 1 / sum;
  const shareOfInvalid = isZero ? 0 * share : share;
  for (let q = 0; q < L; q++) {
    weights[q] *= valid[q] ? share : shareOfInvalid;
  }
  return { weights, lse: top + Math.log(sum) };
}
