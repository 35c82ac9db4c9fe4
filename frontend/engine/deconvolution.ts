// Step 8: patches of b, mixed by the weights and pasted over each other.
import type { PaddedMaps } from "./patches.ts";
import type { Sizes } from "./sizes.ts";
import type { Weights } from "./softmax.ts";

/** What moves a mixed patch by less than this share of it is left out of the sum. */
const INVISIBLE = 1e-6;

/** Mixes paste patches: what they show of b, 2 · rate × 2 · rate pixels. */
export class Mixer {
  private readonly paste: PaddedMaps;
  /** Where the patches begin in the padded map. */
  private readonly corners: Int32Array;
  private readonly chosen: Int32Array;
  private readonly factors: Float64Array;

  constructor(paste: PaddedMaps, sizes: Sizes) {
    const { L, config } = sizes;
    this.paste = paste;
    this.chosen = new Int32Array(L);
    this.factors = new Float64Array(L);
    this.corners = new Int32Array(L);
    for (let q = 0; q < L; q++) {
      const [row, column] = sizes.cellOf(q);
      this.corners[q] = config.rate * (row * paste.width + column);
    }
  }

  /** Σ_q weight(q) · paste patch q. */
  mix(weights: Weights): Float64Array {
    const { chosen, factors } = this;
    const { planes, taps } = this.paste;
    const count = this.choose(weights);
    const result = new Float64Array(taps.length);
    // Four pixels at a time: of (2 · rate)² none is left over.
    for (let t = 0; t < taps.length; t += 4) {
      const tap0 = taps[t];
      const tap1 = taps[t + 1];
      const tap2 = taps[t + 2];
      const tap3 = taps[t + 3];
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let i = 0; i < count; i++) {
        const corner = chosen[i];
        const factor = factors[i];
        sum0 += factor * planes[corner + tap0];
        sum1 += factor * planes[corner + tap1];
        sum2 += factor * planes[corner + tap2];
        sum3 += factor * planes[corner + tap3];
      }
      result[t] = sum0;
      result[t + 1] = sum1;
      result[t + 2] = sum2;
      result[t + 3] = sum3;
    }
    return Number.isNaN(weights.others) ? result.fill(Number.NaN) : result;
  }

  /** Choose the weights that count, with the corners of their patches; returns how many. */
  private choose({ patches, values, count }: Weights): number {
    const { corners, chosen, factors } = this;
    let top = 0;
    for (let i = 0; i < count; i++) {
      top = Math.max(top, values[i]);
    }
    const least = (top * INVISIBLE) / corners.length;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (values[i] >= least) {
        chosen[kept] = corners[patches[i]];
        factors[kept] = values[i];
        kept += 1;
      }
    }
    return kept;
  }
}

/** The cells of an axis whose pasted patches cover its pixel `y`. */
export function coveringCells(y: number, rate: number, cells: number): number[] {
  const last = Math.floor((y + (rate >> 1)) / rate);
  return [last - 1, last].filter((cell) => cell >= 0 && cell < cells);
}
