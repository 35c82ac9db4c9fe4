// Step 8 for all queries: where four pasted patches overlap, their weights are added up block by
// block of b first, and pixels are mixed once: a quarter of the multiplications.
import type { Mixer, Recipe } from "./deconvolution.ts";
import type { Weights } from "./softmax.ts";

/** Takes the weights of queries as they come, down one column of their grid after the other. */
export class Overlaps {
  private readonly h: number;
  private readonly mixer: Mixer;
  private readonly recipe: Recipe;
  /**
   * For each row of this column of queries and of the next: how much of each block the query there
   * and the one at its left paste side by side. Before the first block stands a row of zeros.
   */
  private readonly pairs: Float32Array[];
  private readonly nothing: Float32Array;

  constructor(h: number, mixer: Mixer) {
    const { cols, count } = mixer;
    this.h = h;
    this.mixer = mixer;
    this.recipe = mixer.recipe();
    this.pairs = Array.from({ length: 2 * h }, () => new Float32Array(cols + count));
    this.nothing = new Float32Array(cols + count);
  }

  /** The query at a cell has these weights. */
  add(weights: Weights, row: number, column: number): void {
    this.addTo(this.pair(row, column), weights, 0);
    this.addTo(this.pair(row, column + 1), weights, 1);
  }

  private addTo(pair: Float32Array, weights: Weights, dx: number): void {
    const { corners, cols } = this.mixer;
    const { patches, values, count, others } = weights;
    if (Number.isNaN(others)) {
      pair.fill(others);
      return;
    }
    for (let i = 0; i < count; i++) {
      pair[cols + corners[patches[i]] + dx] += values[i];
    }
  }

  /** What lies at block (row, column) of the output once its queries were added. Each is asked for
   * once, down the columns. */
  block(row: number, column: number): Float64Array {
    const { h, mixer, recipe, nothing } = this;
    const { blocks, factors } = recipe;
    const above = row > 0 ? this.pair(row - 1, column) : nothing;
    const pair = row < h ? this.pair(row, column) : nothing;
    const here = pair.subarray(mixer.cols);
    let count = 0;
    for (let block = 0; block < here.length; block++) {
      const factor = here[block] + above[block];
      if (factor !== 0) {
        blocks[count] = block;
        factors[count] = factor;
        count += 1;
      }
    }
    recipe.count = count;
    if (row > 0) {
      above.fill(0);
    }
    return mixer.mix(recipe);
  }

  private pair(row: number, column: number): Float32Array {
    return this.pairs[(column % 2) * this.h + row];
  }
}
