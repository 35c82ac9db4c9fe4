// Step 8: patches of b, mixed by the weights and pasted over each other.
//
// Neighbouring queries paste half a patch apart. So a paste patch is taken as 2 × 2 blocks of
// rate × rate pixels: block (dy, dx) of patch q is also a block of q's neighbours.
import { cellAt } from "./grid.ts";
import type { PaddedMaps } from "./patches.ts";
import type { Sizes } from "./sizes.ts";
import type { Weights } from "./softmax.ts";

/** Weights may be left out of a mixture that together are such a share of it. */
export const INVISIBLE = 1e-6;

/** The blocks of a patch: how many further down and to the right. */
const QUARTERS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** Which blocks of b are mixed, and how much of each: the first `count` of the arrays. */
export interface Recipe {
  blocks: Int32Array;
  factors: Float64Array;
  count: number;
}

/** Mixes blocks of b. */
export class Mixer {
  /** How many blocks there are, and how many in a row. */
  readonly count: number;
  readonly cols: number;
  /** Where the first block of each patch stands. */
  readonly corners: Int32Array;
  private readonly sizes: Sizes;
  /** The numbers of a block, channel by channel and row by row; those of all blocks. */
  private readonly length: number;
  private readonly pixels: Float32Array;
  /** Of one query. */
  private readonly own: Recipe;

  /** @param own patches that are not cut from b: L of them, which share no block. */
  constructor(paste: PaddedMaps, sizes: Sizes, own?: Float32Array) {
    const { hb, wb, c, L, config } = sizes;
    const { rate } = config;
    this.sizes = sizes;
    this.cols = own ? 2 : wb + 1;
    this.count = own ? 4 * L : (hb + 1) * this.cols;
    this.length = c * rate * rate;
    this.pixels = own ? this.quartersOf(own) : this.blocksOf(paste);
    this.own = this.recipe();
    this.corners = new Int32Array(L);
    for (let q = 0; q < L; q++) {
      const [row, column] = sizes.cellOf(q);
      this.corners[q] = own ? 4 * q : row * this.cols + column;
    }
  }

  private blocksOf(paste: PaddedMaps): Float32Array {
    const { rate } = this.sizes.config;
    const taps = paste.tapsOf(rate);
    const pixels = new Float32Array(this.count * taps.length);
    for (let block = 0; block < this.count; block++) {
      const [row, column] = cellAt(block, this.cols);
      const corner = rate * (row * paste.width + column);
      for (let t = 0; t < taps.length; t++) {
        pixels[block * taps.length + t] = paste.planes[corner + taps[t]];
      }
    }
    return pixels;
  }

  private quartersOf(patches: Float32Array): Float32Array {
    const { c, config } = this.sizes;
    const { rate } = config;
    const pixels = new Float32Array(patches.length);
    for (let block = 0; block < this.count; block++) {
      const [dy, dx] = QUARTERS[block % 4];
      const patch = Math.floor(block / 4) * 4 * this.length;
      for (let line = 0; line < c * rate; line++) {
        const start = patch + this.lineOf(line, dy, dx);
        pixels.set(patches.subarray(start, start + rate), block * this.length + line * rate);
      }
    }
    return pixels;
  }

  /** Where a line of the quarter (dy, dx) starts in a patch; lines go on over the channels. */
  private lineOf(line: number, dy: number, dx: number): number {
    const { rate } = this.sizes.config;
    const channel = Math.floor(line / rate);
    return 2 * rate * (line + rate * (channel + dy)) + rate * dx;
  }

  /** A recipe of nothing, with room for all blocks. */
  recipe(): Recipe {
    const { count } = this;
    return { blocks: new Int32Array(count), factors: new Float64Array(count), count: 0 };
  }

  /** Σ factor · the block `shift` places on. */
  mix({ blocks, factors, count }: Recipe, shift = 0): Float64Array {
    const { length } = this;
    const pixels = this.pixels.subarray(shift * length);
    const result = new Float64Array(length);
    // Four numbers at a time, so that a factor is read less often.
    let t = 0;
    for (; t + 4 <= length; t += 4) {
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let i = 0; i < count; i++) {
        const factor = factors[i];
        const place = blocks[i] * length + t;
        sum0 += factor * pixels[place];
        sum1 += factor * pixels[place + 1];
        sum2 += factor * pixels[place + 2];
        sum3 += factor * pixels[place + 3];
      }
      result[t] = sum0;
      result[t + 1] = sum1;
      result[t + 2] = sum2;
      result[t + 3] = sum3;
    }
    for (; t < length; t++) {
      for (let i = 0; i < count; i++) {
        result[t] += factors[i] * pixels[blocks[i] * length + t];
      }
    }
    return result;
  }

  /** Σ_q weight(q) · paste patch q: c × 2·rate × 2·rate. */
  patch(weights: Weights): Float64Array {
    const { c, config } = this.sizes;
    const { rate } = config;
    const patch = new Float64Array(4 * this.length);
    if (Number.isNaN(weights.others)) {
      return patch.fill(Number.NaN);
    }
    const recipe = this.recipeOf(weights);
    for (const [dy, dx] of QUARTERS) {
      const mixture = this.mix(recipe, dy * this.cols + dx);
      for (let line = 0; line < c * rate; line++) {
        patch.set(mixture.subarray(line * rate, (line + 1) * rate), this.lineOf(line, dy, dx));
      }
    }
    return patch;
  }

  /** The first block of each patch that shows in a query's patch. */
  private recipeOf({ patches, values, count, largest }: Weights): Recipe {
    const { own: recipe } = this;
    const { blocks, factors } = recipe;
    recipe.count = 0;
    const least = (largest * INVISIBLE) / this.corners.length;
    for (let i = 0; i < count; i++) {
      if (values[i] >= least) {
        blocks[recipe.count] = this.corners[patches[i]];
        factors[recipe.count] = values[i];
        recipe.count += 1;
      }
    }
    return recipe;
  }
}

/** The cells of an axis whose pasted patches cover its pixel `y`. */
export function coveringCells(y: number, rate: number, cells: number): number[] {
  const last = Math.floor((y + (rate >> 1)) / rate);
  return [last - 1, last].filter((cell) => cell >= 0 && cell < cells);
}
