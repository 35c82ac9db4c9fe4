// Step 8: patches of b, mixed by the weights and pasted over each other.
import type { PaddedMaps } from "./patches.ts";

/** What moves a mixed patch by less than this share of it is left out of the sum. */
const INVISIBLE = 1e-6;

/** Mixes the paste patches of b, which lie `step` pixels apart, `columns` in a row. */
export class Mixer {
  private readonly paste: PaddedMaps;
  private readonly columns: number;
  private readonly step: number;
  private readonly corners: Int32Array;
  private readonly factors: Float64Array;

  constructor(paste: PaddedMaps, count: number, columns: number, step: number) {
    this.paste = paste;
    this.columns = columns;
    this.step = step;
    this.corners = new Int32Array(count);
    this.factors = new Float64Array(count);
  }

  /** Σ_q weights[q] · paste patch q. */
  mix(weights: Float64Array): Float64Array {
    const { corners, factors } = this;
    const { planes, taps } = this.paste;
    const count = this.collect(weights);
    const result = new Float64Array(taps.length);
    // Four pixels at a time: (2 · rate)² of them are always a multiple of four.
    for (let t = 0; t < taps.length; t += 4) {
      const [tap0, tap1, tap2, tap3] = [taps[t], taps[t + 1], taps[t + 2], taps[t + 3]];
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let i = 0; i < count; i++) {
        const corner = corners[i];
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
    return result;
  }

  /** Gather the weights that count, with the corners of their patches; returns how many. */
  private collect(weights: Float64Array): number {
    const { corners, factors, columns, step } = this;
    const { width } = this.paste;
    let top = 0;
    for (let q = 0; q < weights.length; q++) {
      if (!(weights[q] <= top)) {
        top = weights[q]; // a NaN stays: then nothing is left out
      }
    }
    const least = (top * INVISIBLE) / weights.length;
    const rows = weights.length / columns;
    let count = 0;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const weight = weights[row * columns + column];
        if (weight < least || weight === 0) {
          continue;
        }
        corners[count] = step * (row * width + column);
        factors[count] = weight;
        count += 1;
      }
    }
    return count;
  }
}

/** The cells of an axis whose pasted patches cover its pixel `y`. */
export function coveringCells(y: number, rate: number, cells: number): number[] {
  const last = Math.floor((y + (rate >> 1)) / rate);
  return [last - 1, last].filter((cell) => cell >= 0 && cell < cells);
}
