// The whole output, query by query, without the score matrix.
import type { Attention } from "./attention.ts";
import { extremes } from "./numbers.ts";
import type { Ranges } from "./ranges.ts";
import type { Output } from "./results.ts";
import { SCORES_A_STEP, type Sweep } from "./sweep.ts";

/** Each step yields the share that is done. */
export function* outputOf(sweep: Sweep): Generator<number, Output> {
  const { attention } = sweep;
  const { h, w, H, W, c, P, L } = attention;
  const output = new Float32Array(c * H * W);
  const lse = new Float32Array(P);
  const argmax = new Int32Array(P);
  const blocks = (h + 1) * (w + 1);
  const blocksAStep = Math.ceil(SCORES_A_STEP / L);
  let done = 0;
  for (let column = 0; column <= w; column++) {
    for (let row = 0; row <= h; row++) {
      if (row < h && column < w) {
        const weights = sweep.paste(row, column);
        lse[row * w + column] = weights.lse;
        argmax[row * w + column] = weights.argmax;
      }
      setBlock(output, sweep.block(row, column), row, column, attention);
      done += 1;
      if (done % blocksAStep === 0) {
        yield done / blocks;
      }
    }
  }
  output.set(attention.recorded.output ?? output);
  return { output, lse, argmax, ranges: rangesOf(sweep, output, argmax) };
}

/** Write a block of the output where it lies within the picture. */
function setBlock(
  output: Float32Array,
  block: Float64Array,
  row: number,
  column: number,
  attention: Attention,
): void {
  const { c, H, W } = attention;
  const { rate } = attention.config;
  const top = row * rate - (rate >> 1);
  const left = column * rate - (rate >> 1);
  const firstRow = Math.max(0, -top);
  const firstColumn = Math.max(0, -left);
  // The same patches cover all of a block.
  const divisor = attention.divisor(top + firstRow, left + firstColumn);
  for (let channel = 0; channel < c; channel++) {
    for (let i = firstRow; i < Math.min(rate, H - top); i++) {
      const target = (channel * H + top + i) * W + left;
      const source = (channel * rate + i) * rate;
      for (let j = firstColumn; j < Math.min(rate, W - left); j++) {
        output[target + j] = block[source + j] / divisor;
      }
    }
  }
}

function rangesOf({ attention: a, ranges }: Sweep, output: Float32Array, argmax: Int32Array) {
  const all: Ranges = ranges.all;
  if (a.reach === 0 && !a.isRecorded) {
    all.scores = all.fused_scores; // they are the same
    all.fused_rows = all.fused_scores;
  }
  all.output = extremes(output);
  all.downsampled_f = extremes(a.downsampledF);
  all.downsampled_b = extremes(a.downsampledB);
  all.downsampled_mask = extremes(a.downsampledMask);
  all.paste_patches = extremes(a.paste.planes);
  all.matching_patches = extremes(a.background.planes);
  all.valid = extremes(a.valid);
  for (let p = 0; p < a.P; p++) {
    all.offsets = extremes(a.bestOffset(p, argmax[p]), all.offsets);
  }
  return all;
}
