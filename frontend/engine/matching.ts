// Step 4: matching scores, s(p, q) = ⟨f patch p, b patch q⟩ / norm(q).
//
// A patch is matched line by line: the line below one query's middle is the line above another's,
// so what a line gave is of use to its neighbours.
import type { AttentionConfig } from "./config.ts";
import { shrink } from "./downsampling.ts";
import type { Grid } from "./grid.ts";
import { PaddedMaps } from "./patches.ts";
import { Recent } from "./recent.ts";
import type { Sizes } from "./sizes.ts";

const NORM_FLOOR = 1e-4;
const KEEP_BYTES = 24e6; // of rows, whatever their length
const MOST_NUMBERS = 1e8; // in rows, while the whole output is made

/** One score as the sum it is. */
export interface ScoreTerms {
  query: Float64Array;
  key: Float64Array;
  products: Float64Array;
  norm: number;
  queryNorm: number;
  score: number;
}

/** How many rows of L numbers may be remembered. */
export function rowsToKeep(L: number): number {
  return Math.max(16, Math.floor(KEEP_BYTES / (12 * L)));
}

/** What the scores of a background patch are divided by. */
function patchNorm(patch: Float64Array, norm: AttentionConfig["norm"]): number {
  let squares = 0;
  for (const value of patch) {
    squares += value * value;
  }
  switch (norm) {
    case "none":
      return 1;
    case "max":
      return Math.max(Math.sqrt(squares), NORM_FLOOR);
    case "per_element":
      return Math.sqrt(squares + NORM_FLOOR * patch.length);
  }
}

/** ⟨line, the line that starts at each place of the map⟩, `map.width` places a row. */
function correlateLine(map: PaddedMaps, line: Float64Array): Float64Array {
  const sums = new Float64Array(map.height * map.width - map.side + 1);
  let first = 0;
  while (first + 9 <= line.length) {
    addNineTaps(sums, map, line, first);
    first += 9;
  }
  while (first < line.length) {
    addThreeTaps(sums, map, line, first);
    first += 3;
  }
  return sums;
}

// A sweep over the map for each tap would spend most of its time on fetching and storing sums. The
// taps of three channels, ksize 3, are nine.
function addNineTaps(
  sums: Float64Array,
  { planes, lineTaps }: PaddedMaps,
  line: Float64Array,
  first: number,
): void {
  const [t0, t1, t2, t3, t4, t5, t6, t7, t8] = lineTaps.subarray(first, first + 9);
  const [v0, v1, v2, v3, v4, v5, v6, v7, v8] = line.subarray(first, first + 9);
  for (let i = 0; i < sums.length; i++) {
    sums[i] +=
      v0 * planes[i + t0] +
      v1 * planes[i + t1] +
      v2 * planes[i + t2] +
      v3 * planes[i + t3] +
      v4 * planes[i + t4] +
      v5 * planes[i + t5] +
      v6 * planes[i + t6] +
      v7 * planes[i + t7] +
      v8 * planes[i + t8];
  }
}

/** Where fewer than three are left, a factor of 0 meets a place that is read anyway. */
function addThreeTaps(
  sums: Float64Array,
  { planes, lineTaps }: PaddedMaps,
  line: Float64Array,
  first: number,
): void {
  const [t0, t1 = t0, t2 = t0] = lineTaps.subarray(first, first + 3);
  const [v0, v1 = 0, v2 = 0] = line.subarray(first, first + 3);
  for (let i = 0; i < sums.length; i++) {
    sums[i] += v0 * planes[i + t0] + v1 * planes[i + t1] + v2 * planes[i + t2];
  }
}

/** What the lines of a patch gave, summed into `sums` for every patch on a grid. */
function sumLines(
  sums: Float64Array,
  lines: readonly Float64Array[],
  width: number,
  { rows, cols }: Grid,
  stride: number,
): void {
  sums.fill(0);
  for (let row = 0; row < rows; row++) {
    const start = row * cols;
    for (let d = 0; d < lines.length; d++) {
      const line = lines[d];
      let from = (row * stride + d) * width;
      for (let i = start; i < start + cols; i++) {
        sums[i] += line[from];
        from += stride;
      }
    }
  }
}

/** The two maps, shrunk and cut into patches, and their scores: a row for a query, or a column for
 * a patch. Nothing here depends on the hole, the fusion or the softmax. */
export class Matching {
  readonly downsampledF: Float32Array;
  readonly downsampledB: Float32Array;
  readonly foreground: PaddedMaps;
  readonly background: PaddedMaps;
  readonly norms: Float64Array;
  private readonly sizes: Sizes;
  private readonly rows: Recent<Float32Array>;
  private readonly lines: Recent<Float64Array>;
  /** For a row in the making. */
  private readonly sums: Float64Array;

  constructor(f: Float32Array, b: Float32Array, sizes: Sizes) {
    const { config, c, H, W, Hb, Wb, h, w, hb, wb, L } = sizes;
    const { ksize } = config;
    const reach = ksize >> 1;
    this.sizes = sizes;
    this.downsampledF = shrink(f, c, H, W, config);
    this.downsampledB = shrink(b, c, Hb, Wb, config);
    this.foreground = new PaddedMaps(this.downsampledF, c, h, w, ksize, reach, reach);
    this.background = new PaddedMaps(this.downsampledB, c, hb, wb, ksize, reach, reach);
    this.norms = new Float64Array(L);
    for (let q = 0; q < L; q++) {
      this.norms[q] = patchNorm(this.patch(q), config.norm);
    }
    this.sums = new Float64Array(L);
    this.rows = new Recent(rowsToKeep(L));
    this.lines = new Recent(rowsToKeep(L));
  }

  /** Remember at least so many rows; or none. */
  remember(rows: number): void {
    const most = Math.floor(MOST_NUMBERS / this.norms.length);
    this.rows.allow(Math.min(rows, most));
  }

  forget(): void {
    this.rows.clear();
    this.lines.clear();
  }

  /** The patch of b↓, and that of f↓: c × ksize × ksize. */
  patch(q: number): Float64Array {
    return this.background.patch(...this.sizes.cellOf(q));
  }

  query(p: number): Float64Array {
    return this.foreground.patch(...this.sizes.place(p));
  }

  /** The scores of query p with every patch. */
  row(p: number): Float32Array {
    return this.rows.get(p, () => this.newRow(p));
  }

  private newRow(p: number): Float32Array {
    const { norms, sums } = this;
    const { patchGrid, config } = this.sizes;
    const { side, width } = this.background;
    const [y, x] = this.sizes.place(p);
    const lines: Float64Array[] = [];
    for (let d = 0; d < side; d++) {
      lines.push(this.line(y + d, x));
    }
    sumLines(sums, lines, width, patchGrid, config.stride);
    const scores = new Float32Array(norms.length);
    for (let q = 0; q < scores.length; q++) {
      scores[q] = sums[q] / norms[q];
    }
    return scores;
  }

  /** What the line of f at row y, column x of its padded map gives with those of b. */
  private line(y: number, x: number): Float64Array {
    return this.lines.get(y * this.sizes.w + x, () =>
      correlateLine(this.background, this.foreground.line(y, x)),
    );
  }

  /** The scores of every query with patch q. */
  column(q: number): Float64Array {
    const { foreground, background, norms } = this;
    const [y, x] = this.sizes.cellOf(q);
    const lines: Float64Array[] = [];
    for (let d = 0; d < foreground.side; d++) {
      lines.push(correlateLine(foreground, background.line(y + d, x)));
    }
    const scores = new Float64Array(this.sizes.P);
    sumLines(scores, lines, foreground.width, this.sizes.queryGrid, 1);
    for (let p = 0; p < scores.length; p++) {
      scores[p] /= norms[q];
    }
    return scores;
  }

  /** The score of query p with patch q, term by term. */
  terms(p: number, q: number): ScoreTerms {
    const query = this.query(p);
    const key = this.patch(q);
    const norm = this.norms[q];
    const products = query.map((value, i) => value * key[i]);
    const sum = products.reduce((total, product) => total + product, 0);
    return { query, key, products, norm, queryNorm: Math.hypot(...query), score: sum / norm };
  }
}
