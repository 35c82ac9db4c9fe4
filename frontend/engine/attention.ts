// One query of contextual attention at a time, without the score matrix. Pure: arrays in, arrays
// out. The sizes are those of the paper's maps: f (c, H, W) shrinks to (h, w), whose P cells are
// the queries; b (c, Hb, Wb) shrinks to (hb, wb), around whose cells lie L patches, gh × gw.
// p = row · w + column is a query, q = i · gw + j the patch around cell (i, j) · stride.
//
// The steps stand in files of their own: downsampling, patches, validity, matching, fusion,
// softmax, deconvolution. Rows and columns are remembered: read them, never write to them.
import type { MatrixKey } from "../generated/stages.ts";
import type { AttentionConfig } from "./config.ts";
import { Mixer } from "./deconvolution.ts";
import { shrink } from "./downsampling.ts";
import { estimateSeconds } from "./estimate.ts";
import { Fusion, type FusionTerm } from "./fusion.ts";
import type { Cell } from "./grid.ts";
import { divisorAt, ledgerAt } from "./ledger.ts";
import { Matching, type ScoreTerms } from "./matching.ts";
import { type Numbers, strongest } from "./numbers.ts";
import { outputOf } from "./output.ts";
import { PaddedMaps } from "./patches.ts";
import { Recent } from "./recent.ts";
import type { Ledger, Match, Output } from "./results.ts";
import { type Maps, Sizes } from "./sizes.ts";
import { sharesOf, Weights } from "./softmax.ts";
import type { Recorded, Source } from "./source.ts";
import { agreeIn, type Matrices, type Matrix, matricesOf, patchIn } from "./source.ts";
import { Sweep } from "./sweep.ts";
import { holeCellsAround, leakingPixels, type Stretches, stretchesOf } from "./validity.ts";

export type Row = Uint8Array | Float32Array | Float64Array;

export interface Inputs extends Maps {
  /** Hb × Wb, 1 in the hole. */
  mask?: Uint8Array | null;
  /** The log-sum-exp of every query, where the output is known. */
  lse?: Float32Array | null;
  /** What was made elsewhere, and is read in place of being computed. */
  recorded?: Recorded | null;
  /** Matrix stages that are asked for elsewhere, row by row. */
  remote?: Matrices | null;
}

export type * from "./results.ts";

/** What the scores depend on: stretches of the same inputs that agree in these share them. */
const SCORING = ["rate", "ksize", "stride", "shrink", "norm"] as const;
const SHARED = ["downsampled_f", "downsampled_b", "matching_patches", "paste_patches"] as const;

interface Attended {
  weights: Weights;
  row: Float64Array;
  patch: Float64Array | null;
}

export class Attention extends Sizes implements Source {
  readonly f: Float32Array;
  readonly b: Float32Array;
  readonly downsampledF: Float32Array;
  readonly downsampledB: Float32Array;
  /** What patches are cut from: f↓ and b↓ for matching, b for pasting. */
  readonly foreground: PaddedMaps;
  readonly background: PaddedMaps;
  readonly paste: PaddedMaps;
  readonly norms: Float64Array;
  /** How far the diagonals of the fusion reach to either side. */
  readonly reach: number;

  mask: Uint8Array | null = null;
  downsampledMask: Uint8Array | Float32Array = new Uint8Array();
  /** Which patches may be pasted, 1 or 0, and the other way round (null: there are none). */
  valid: Uint8Array = new Uint8Array();
  invalid: Uint8Array | null = null;
  stretches: Stretches = { valid: [], hidden: [] };
  lseOfRun: Float32Array | null = null;

  readonly inputs: Inputs;
  readonly recorded: Recorded;
  readonly matrices: Matrices;
  /** Whether any of it was made elsewhere. */
  readonly isRecorded: boolean;
  private readonly matching: Matching;
  private readonly scores: Matrix;
  readonly mixer: Mixer;
  readonly fusion: Fusion;
  private readonly attended = new Recent<Attended>(6);
  private leaking: number | null = null;

  constructor(inputs: Inputs, config: AttentionConfig, like: Attention | null = null) {
    super(inputs, config);
    const { f, b, mask = null, lse = null } = inputs;
    const { c, Hb, Wb, L } = this;
    const { rate } = config;
    const recorded = inputs.recorded ?? {};
    const matching = like ? like.matching : new Matching(f, b, this, recorded);
    this.inputs = inputs;
    this.recorded = recorded;
    this.isRecorded = Boolean(inputs.remote) || Object.keys(recorded).length > 0;
    this.matrices = matricesOf(recorded, inputs.remote ?? {}, L);
    this.matching = matching;
    this.f = f;
    this.b = b;
    this.downsampledF = matching.downsampledF;
    this.downsampledB = matching.downsampledB;
    this.foreground = matching.foreground;
    this.background = matching.background;
    this.norms = matching.norms;
    const before = rate >> 1;
    const after = 2 * rate - before;
    this.paste = like ? like.paste : new PaddedMaps(b, c, Hb, Wb, 2 * rate, before, after);
    this.mixer = like ? like.mixer : new Mixer(this.paste, this, recorded.paste_patches);
    this.scores = this.matrices.scores ?? matching;
    this.fusion = new Fusion(this.scores, this, this.matrices);
    this.reach = this.fusion.reach;
    this.setMask(mask, lse);
  }

  /** The same inputs with other settings, another hole or other recorded stages, sharing the
   * scores; null where these differ. */
  change(
    config: AttentionConfig,
    mask: Uint8Array | null,
    others: Pick<Inputs, "lse" | "recorded" | "remote"> = {},
  ): Attention | null {
    const inputs = { ...this.inputs, lse: null, ...others, mask };
    if (SCORING.some((field) => config[field] !== this.config[field])) {
      return null;
    }
    const agrees = agreeIn(SHARED, this.recorded, inputs.recorded ?? {});
    return agrees ? new Attention(inputs, config, this) : null;
  }

  /** Another hole. The log-sum-exp of the run is unknown then, unless it is given. */
  setMask(mask: Uint8Array | null, lse: Float32Array | null = null): void {
    const { Hb, Wb, hb, wb, L, config } = this;
    this.mask = mask;
    this.lseOfRun = lse;
    this.leaking = null;
    this.attended.clear();
    const { downsampled_mask, valid } = this.recorded;
    const shrunk = mask ? shrink(mask, 1, Hb, Wb, config) : new Uint8Array(hb * wb);
    this.downsampledMask = downsampled_mask ?? shrunk;
    this.valid = new Uint8Array(L);
    for (let q = 0; q < L; q++) {
      this.valid[q] = valid?.[q] ?? (this.holeCells(q).length === 0 ? 1 : 0);
    }
    this.stretches = stretchesOf(this.valid);
    this.invalid = this.valid.includes(0) ? this.valid.map((isValid) => 1 - isValid) : null;
  }

  /** Rows that were asked for have arrived: what was made of others is no use. */
  forget(): void {
    this.attended.clear();
  }

  matchingPatch(q: number): Float64Array {
    return this.matching.patch(q);
  }

  pastePatch(q: number): Float64Array {
    const own = this.recorded.paste_patches;
    if (own) return patchIn(own, q, this.L);
    const [row, column] = this.cellOf(q);
    return this.paste.patch(row * this.config.rate, column * this.config.rate);
  }

  /** The cells of the hole that a patch touches. */
  holeCells(q: number): Cell[] {
    const { config, downsampledMask, hb, wb } = this;
    return holeCellsAround(this.cellOf(q), config.ksize >> 1, downsampledMask, hb, wb);
  }

  /** How many pixels of the hole may be pasted all the same: too thin for the shrinking. */
  get leaks(): number {
    const { mask, Wb, valid, gw, config } = this;
    const pixels = config.rate * config.stride;
    this.leaking ??= mask ? leakingPixels(mask, Wb, valid, gw, pixels) : 0;
    return this.leaking;
  }

  /** A query's row of a stage, over the patches. */
  row(stage: MatrixKey | "valid", p: number): Row {
    switch (stage) {
      case "valid":
        return this.valid;
      case "scores":
        return this.scores.row(p);
      case "fused_rows":
        return this.fusion.afterRows(p);
      case "fused_scores":
        return this.fusion.scores(p);
      case "attention":
        return this.attendedOf(p).row;
    }
  }

  private attendedOf(p: number): Attended {
    return this.attended.get(p, () => {
      const weights = new Weights(this.L);
      const own = this.matrices.attention?.row(p);
      weights.weigh(this.fusion.scores(p), own, this.stretches, this.config, 0);
      return { weights, row: weights.dense(), patch: null };
    });
  }

  /** The log-sum-exp of a query's logits. */
  lse(p: number): number {
    return this.attendedOf(p).weights.lse;
  }

  /** The patch that takes most of a query. */
  argmax(p: number): number {
    return this.attendedOf(p).weights.argmax;
  }

  /** How far, and where to, a patch lies from a query; the best one unless another is named. */
  offset(p: number, q: number = this.argmax(p)): Cell {
    const [row, column] = this.place(p);
    const [matchRow, matchColumn] = this.cellOf(q);
    return [matchRow - row, matchColumn - column];
  }

  /** How far the best patch of a query lies from it, as it was recorded or as it is. */
  bestOffset(p: number, best: number): Cell {
    const own = this.recorded.offsets;
    return own ? [own[2 * p], own[2 * p + 1]] : this.offset(p, best);
  }

  /** The patches of most weight, heaviest first. */
  best(p: number, count = 5, weights: Numbers = this.attendedOf(p).row): Match[] {
    const scores = this.scores.row(p);
    const fused = this.fusion.scores(p);
    return strongest(weights, count).map((index) => {
      const [row, col] = this.cellOf(index);
      const weight = weights[index];
      return { index, row, col, score: scores[index], fused: fused[index], weight };
    });
  }

  /** The patch that a query pastes: c × 2·rate × 2·rate. */
  patch(p: number): Float64Array {
    const attended = this.attendedOf(p);
    attended.patch ??= this.mixer.patch(attended.weights);
    return attended.patch;
  }

  /** A patch's column of a stage, over the queries. */
  column(stage: MatrixKey, q: number): Float32Array | Float64Array | null {
    switch (stage) {
      case "scores":
        return this.scores.column(q);
      case "fused_rows":
        return this.fusion.columnAfterRows(q);
      case "fused_scores":
        return this.fusion.column(q);
      case "attention":
        return this.wherePasted(q);
    }
  }

  /** How much of a patch each query takes: its column of the attention. Null before the output is
   * known. */
  wherePasted(q: number): Float64Array | null {
    const { lseOfRun: lse, matrices } = this;
    if (matrices.attention) {
      return new Float64Array(matrices.attention.column(q));
    }
    return lse && sharesOf(this.fusion.column(q), lse, this.valid[q], this.config);
  }

  /** The score of query p with patch q, term by term. */
  scoreTerms(p: number, q: number): ScoreTerms {
    return this.matching.terms(p, q);
  }

  /** The fuse_k² scores that enter fused_scores(p, q), wraps and ends marked. */
  fusionTerms(p: number, q: number): FusionTerm[] {
    return this.fusion.terms(p, q);
  }

  /** What the pasted patches are divided by where they overlap at a pixel. */
  divisor(y: number, x: number): number {
    return divisorAt(this, y, x);
  }

  /** Where an output pixel comes from. */
  pixel(y: number, x: number): Ledger {
    return ledgerAt(this, y, x);
  }

  /** The whole output, some queries a step; each step says which share is done. */
  *output(): Generator<number, Output> {
    const result = yield* outputOf(new Sweep(this));
    this.lseOfRun = result.lse;
    return result;
  }

  /** About how many seconds output() takes on this machine, found in some tenths of one at most. */
  estimate(): number {
    return estimateSeconds(new Sweep(this));
  }
}
