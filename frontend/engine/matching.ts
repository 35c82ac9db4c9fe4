// Step 4: matching scores, s(p, q) = ⟨f patch p, b patch q⟩ / norm(q).
import type { AttentionConfig } from "./config.ts";
import { Correlation, type Memory } from "./correlation.ts";
import { shrink } from "./downsampling.ts";
import type { Grid } from "./grid.ts";
import { PaddedMaps } from "./patches.ts";
import { Recent } from "./recent.ts";
import type { Sizes } from "./sizes.ts";
import { type Matrix, patchIn, type Recorded } from "./source.ts";

const NORM_FLOOR = 1e-4;
const KEEP_BYTES = 24e6; // of rows, whatever their length
const MOST_NUMBERS = 6e7; // in rows of a kind, while the whole output is made

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

interface MatchingMemory extends Memory {
  rows: number;
  /** Rows are overwritten once they are forgotten. */
  reuses: boolean;
}

/** For whoever asks here and there: the questions about neighbours share most. */
function memoryOfPage({ L }: Sizes): MatchingMemory {
  const rows = rowsToKeep(L);
  return { rows, columns: rows, cells: rows, reuses: false };
}

/** For whoever goes through all queries down the columns of their grid: what will be asked for
 * again, as far as memory allows. */
function memoryOfSweep({ config, h, L }: Sizes): MatchingMemory {
  const { ksize, fuse, fuse_k, stride } = config;
  const most = Math.floor(MOST_NUMBERS / L);
  const gridColumns = fuse ? fuse_k * stride : 0;
  return {
    rows: Math.min(most, gridColumns * (h + 1) + 1),
    columns: Math.min(most, ksize * (h + 1)),
    cells: 2 * ksize,
    reuses: true,
  };
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

/** Copy what stands at each `stride`-th place of a padded map, `width` places a row. */
function pick(
  picked: Float32Array,
  sums: Float32Array,
  { rows, cols }: Grid,
  width: number,
  stride: number,
): void {
  for (let row = 0; row < rows; row++) {
    const start = row * stride * width;
    const target = picked.subarray(row * cols, (row + 1) * cols);
    for (let column = 0; column < cols; column++) {
      target[column] = sums[start + column * stride];
    }
  }
}

/** The two maps, shrunk and cut into patches, and their scores: a row for a query, or a column for
 * a patch. Nothing here depends on the hole, the fusion or the softmax. */
export class Matching implements Matrix {
  readonly downsampledF: Float32Array;
  readonly downsampledB: Float32Array;
  readonly foreground: PaddedMaps;
  readonly background: PaddedMaps;
  readonly norms: Float64Array;
  private readonly sizes: Sizes;
  private readonly inverseNorms: Float64Array;
  private readonly rows: Recent<Float32Array>;
  private readonly ofQueries: Correlation;
  private readonly ofPatches: Correlation;
  /** Patches that are not cut from b↓: L of them, one after the other. */
  private readonly own: Float32Array | undefined;

  /**
   * @param recorded the maps or patches that were made elsewhere.
   * @param sweeps all queries are gone through, down the columns of their grid: memory is for what
   * will be asked for again, and is used over and over.
   */
  constructor(
    f: Float32Array,
    b: Float32Array,
    sizes: Sizes,
    recorded: Recorded = {},
    sweeps = false,
  ) {
    const { config, c, H, W, Hb, Wb, h, w, hb, wb, L } = sizes;
    const { ksize } = config;
    const reach = ksize >> 1;
    this.sizes = sizes;
    this.downsampledF = recorded.downsampled_f ?? shrink(f, c, H, W, config);
    this.downsampledB = recorded.downsampled_b ?? shrink(b, c, Hb, Wb, config);
    this.own = recorded.matching_patches;
    this.foreground = new PaddedMaps(this.downsampledF, c, h, w, ksize, reach, reach);
    this.background = new PaddedMaps(this.downsampledB, c, hb, wb, ksize, reach, reach);
    this.norms = new Float64Array(L);
    for (let q = 0; q < L; q++) {
      this.norms[q] = patchNorm(this.patch(q), config.norm);
    }
    this.inverseNorms = this.norms.map((norm) => 1 / norm);
    const memory = sweeps ? memoryOfSweep(sizes) : memoryOfPage(sizes);
    this.rows = new Recent(memory.rows, memory.reuses);
    this.ofQueries = new Correlation(this.foreground, this.background, memory);
    this.ofPatches = new Correlation(this.background, this.foreground, memory);
  }

  /** The patch of b↓, and that of f↓: c × ksize × ksize. */
  patch(q: number): Float64Array {
    const { own, sizes } = this;
    return own ? patchIn(own, q, sizes.L) : this.background.patch(...sizes.cellOf(q));
  }

  query(p: number): Float64Array {
    return this.foreground.patch(...this.sizes.place(p));
  }

  /** The scores of query p with every patch. */
  row(p: number): Float32Array {
    const { inverseNorms, background } = this;
    const { patchGrid, config, L } = this.sizes;
    return this.rows.get(p, (scores = new Float32Array(L)) => {
      if (this.own) return this.productsWith(scores, this.own, this.query(p));
      const sums = this.ofQueries.patch(...this.sizes.place(p));
      pick(scores, sums, patchGrid, background.width, config.stride);
      for (let q = 0; q < L; q++) {
        scores[q] *= inverseNorms[q];
      }
      return scores;
    });
  }

  /** The scores of every query with patch q. */
  column(q: number): Float32Array {
    const { P, queryGrid } = this.sizes;
    const inverse = this.inverseNorms[q];
    const scores = new Float32Array(P);
    if (this.own) return scores.map((_, p) => this.at(p, q));
    const sums = this.ofPatches.patch(...this.sizes.cellOf(q));
    pick(scores, sums, queryGrid, this.foreground.width, 1);
    for (let p = 0; p < P; p++) {
      scores[p] *= inverse;
    }
    return scores;
  }

  /** The scores of a query with patches that share nothing: each product anew. */
  private productsWith(scores: Float32Array, own: Float32Array, query: Float64Array): Float32Array {
    for (let q = 0; q < scores.length; q++) {
      let sum = 0;
      for (let i = 0; i < query.length; i++) {
        sum += query[i] * own[q * query.length + i];
      }
      scores[q] = sum * this.inverseNorms[q];
    }
    return scores;
  }

  at(p: number, q: number): number {
    return this.terms(p, q).score;
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
