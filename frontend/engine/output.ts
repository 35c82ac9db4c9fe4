// The whole output, query by query, without the score matrix.
import type { Attention } from "./attention.ts";
import { cellAt } from "./grid.ts";
import { extremes } from "./numbers.ts";
import { type Ranges, RowRanges } from "./ranges.ts";
import type { Output } from "./results.ts";
import { Weights } from "./softmax.ts";

/** A column of queries a step; each step yields the share that is done. */
export function* outputOf(a: Attention): Generator<number, Output> {
  const { h, w, H, W, c, P, reach } = a;
  const { rate, stride } = a.config;
  const total = new Float64Array(c * H * W);
  const lse = new Float32Array(P);
  const argmax = new Int32Array(P);
  const weights = new Weights(a.L);
  const rows = new RowRanges();
  // Down the columns: then the rows that the fusion sums are still remembered.
  a.remember((2 * reach * stride + 1) * (h + 1));
  for (let column = 0; column < w; column++) {
    for (let row = 0; row < h; row++) {
      const p = row * w + column;
      const patch = a.contributionOf(p, weights, rows);
      lse[p] = weights.lse;
      argmax[p] = weights.argmax;
      addPatch(total, patch, row * rate - (rate >> 1), column * rate - (rate >> 1), a);
    }
    yield (column + 1) / w;
  }

  const output = new Float32Array(total.length);
  for (let i = 0; i < output.length; i++) {
    const [y, x] = cellAt(i % (H * W), W);
    output[i] = total[i] / a.divisor(y, x);
  }
  const ranges: Ranges = rows.all;
  ranges.output = extremes(output);
  ranges.downsampled_f = extremes(a.downsampledF);
  ranges.downsampled_b = extremes(a.downsampledB);
  ranges.downsampled_mask = extremes(a.downsampledMask);
  ranges.paste_patches = extremes(a.paste.planes);
  ranges.matching_patches = extremes(a.background.planes);
  ranges.valid = extremes(a.valid);
  for (let p = 0; p < P; p++) {
    ranges.offsets = extremes(a.offset(p, argmax[p]), ranges.offsets);
  }
  a.lseOfRun = lse;
  return { output, lse, argmax, ranges };
}

/** Add a pasted patch to the picture where it lies within it. */
function addPatch(
  total: Float64Array,
  patch: Float64Array,
  top: number,
  left: number,
  { c, H, W, config }: Attention,
): void {
  const side = 2 * config.rate;
  for (let channel = 0; channel < c; channel++) {
    for (let i = Math.max(0, -top); i < Math.min(side, H - top); i++) {
      const target = (channel * H + top + i) * W + left;
      const source = (channel * side + i) * side;
      for (let j = Math.max(0, -left); j < Math.min(side, W - left); j++) {
        total[target + j] += patch[source + j];
      }
    }
  }
}

const PROBES = 16;

/**
 * About how many seconds outputOf takes: the work for a few queries is timed, as it is there. (Each
 * row of scores is needed by several queries and computed for one.)
 */
export function estimateSeconds(a: Attention): number {
  const { h, w, P, reach } = a;
  const { stride } = a.config;
  const column = w >> 1;
  const scoring: number[] = [];
  const mixing: number[] = [];
  const weights = new Weights(a.L);
  const ranges = new RowRanges();
  a.forget();
  for (let row = 0; row < Math.min(h, PROBES); row++) {
    const p = row * w + column;
    let rows = 0;
    const start = performance.now();
    for (let d = -reach; d <= reach; d++) {
      const neighbour = p + d * stride;
      if (neighbour >= 0 && neighbour < P) {
        a.row("scores", neighbour);
        rows += 1;
      }
    }
    const middle = performance.now();
    a.contributionOf(p, weights, ranges);
    const end = performance.now();
    scoring.push((middle - start) / rows);
    mixing.push(end - middle);
  }
  return ((typical(scoring) + typical(mixing)) * P) / 1000;
}

/** The median of the later half: by then the code is compiled. */
function typical(times: number[]): number {
  const later = times.slice(times.length >> 1).sort((a, b) => a - b);
  return later[later.length >> 1] ?? 0;
}
