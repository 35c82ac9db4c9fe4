// What Python sent, and a run: those inputs under one configuration and one hole.
import { type Signal, signal } from "@preact/signals";
import { Attention } from "../engine/attention.ts";
import type { AttentionConfig } from "../engine/config.ts";
import type { RowMaps } from "../engine/maps.ts";
import {
  type Bytes,
  type KernelTraits,
  type Meta,
  type ResultArrays,
  type RowsMessage,
  type Summaries,
  VERSION,
} from "../protocol.ts";
import { arrayOf, type Mask, sampleOf } from "./arrays.ts";
import type { Swap } from "./recorded.ts";
import type { Remote } from "./remote.ts";
import { changedNames } from "./settings.ts";

/** The inputs: they stay when hole or settings change. n samples of c channels. */
export interface Inputs {
  readonly meta: Meta;
  readonly n: number;
  readonly c: number;
  readonly H: number;
  readonly W: number;
  readonly Hb: number;
  readonly Wb: number;
  readonly f: Float32Array;
  readonly b: Float32Array;
  /** The hole that the debugger opened with. */
  readonly mask: Mask | null;
  /** The hole drawn over f, (1 or n, H, W), where it is not b's. */
  readonly foregroundMask: Uint8Array | null;
  /** f before its hole was filled, where that is known. */
  readonly truth: Float32Array | null;
  /** What stands for f and b where they are deep features: RGB, (n, H, W, 3). */
  readonly pictures: { readonly f?: Uint8Array; readonly b?: Uint8Array };
  readonly sameSize: boolean;
}

/** What is known of a sample once its output was computed. */
export interface Result {
  readonly output: Float32Array;
  readonly lse: Float32Array;
  readonly argmax: Int32Array;
  /** RGB of the output, where Python made it. */
  readonly picture?: Uint8Array;
  /** Least and largest of each stage, where the page computed them. */
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
}

type Buffers = KernelTraits["buffers"];

export function inputsOf(meta: Meta, buffers: Buffers | undefined): Inputs {
  if (meta?.version !== VERSION) {
    throw new Error("Restart the kernel: it and this page differ in release.");
  }
  const { arrays } = meta;
  const bytes = (name: "mask" | "foreground_mask" | "picture_f" | "picture_b") => {
    const description = arrays[name];
    return description && arrayOf(name, buffers?.[name], description);
  };
  const [n, c, H, W] = arrays.f.shape;
  const [, , Hb, Wb] = arrays.b.shape;
  const mask = bytes("mask");
  const maskShape = arrays.mask?.shape;
  return {
    meta,
    n,
    c,
    H,
    W,
    Hb,
    Wb,
    f: arrayOf("f", buffers?.f, arrays.f),
    b: arrayOf("b", buffers?.b, arrays.b),
    mask: mask && maskShape ? { shape: maskShape, data: mask } : null,
    foregroundMask: bytes("foreground_mask") ?? null,
    truth: arrays.truth ? arrayOf("truth", buffers?.truth, arrays.truth) : null,
    pictures: { f: bytes("picture_f"), b: bytes("picture_b") },
    sameSize: H === Hb && W === Wb,
  };
}

interface Engine {
  readonly sample: number;
  readonly attention: Attention;
}

export class Run {
  readonly inputs: Inputs;
  readonly config: AttentionConfig;
  readonly mask: Mask | null;
  readonly summaries: Signal<Summaries | null>;
  /** The stages that were not computed but recorded: a function of the reader's made them. */
  readonly swap: Signal<Swap | null> = signal(null);
  /** What the swap of a run before was, until the kernel has made this one's. */
  readonly awaited: Signal<Swap | null> = signal(null);
  /** Where its rows are asked for. */
  remote: Remote | null = null;
  /** By sample. */
  readonly results: Signal<ReadonlyMap<number, Result>>;
  readonly rowMaps: Signal<ReadonlyMap<number, RowMaps>> = signal(new Map());
  /** Of a run before: its output stays on screen until this one's is there. */
  private earlier: ReadonlyMap<number, Result> | null = null;
  private engine: Engine | null = null;
  /** Of the run before: the scores may be its own. */
  private like: Engine | null = null;
  private readonly lengths = new WeakMap<Result, number>();

  constructor(
    inputs: Inputs,
    config: AttentionConfig,
    mask: Mask | null,
    summaries: Summaries | null = null,
  ) {
    this.inputs = inputs;
    this.config = config;
    this.mask = mask;
    this.summaries = signal(summaries);
    this.results = signal(new Map());
  }

  /** The same inputs under another configuration or hole. */
  change(config: AttentionConfig, mask: Mask | null): Run {
    const next = new Run(this.inputs, config, mask);
    next.earlier = this.results.value.size ? this.results.value : this.earlier;
    next.like = this.engine ?? this.like;
    const swap = this.swap.value;
    const isAnew = swap?.dependsOn(changedNames(this, next));
    if (isAnew) next.awaited.value = swap;
    else next.record(swap, this.remote);
    next.awaited.value ??= this.awaited.value;
    return next;
  }

  /** Read these stages in place of computing them. */
  record(swap: Swap | null, remote: Remote | null = null): void {
    this.swap.value = swap;
    this.remote = remote;
    this.awaited.value = null;
    this.like = this.engine ?? this.like;
    this.engine = null;
  }

  /** Take the results of all samples, as Python sends them. */
  fill(arrays: Partial<ResultArrays>, buffers: Buffers): void {
    if (!arrays.output || !arrays.lse || !arrays.argmax || !arrays.picture_output) return;
    const { n } = this.inputs;
    const output = arrayOf("output", buffers.output, arrays.output);
    const lse = arrayOf("lse", buffers.lse, arrays.lse);
    const argmax = arrayOf("argmax", buffers.argmax, arrays.argmax);
    const picture = arrayOf("picture_output", buffers.picture_output, arrays.picture_output);
    const results = new Map<number, Result>();
    for (let i = 0; i < n; i++) {
      results.set(i, {
        output: sampleOf(output, i, output.length / n),
        lse: sampleOf(lse, i, lse.length / n),
        argmax: sampleOf(argmax, i, argmax.length / n),
        picture: sampleOf(picture, i, picture.length / n),
      });
    }
    this.setResults(results);
  }

  learnRows(sample: number, maps: RowMaps): void {
    this.rowMaps.value = new Map(this.rowMaps.value).set(sample, maps);
  }

  /** Whether all rows were gone through. Nobody is told when that changes. */
  hasAllRows(sample: number): boolean {
    const maps = this.rowMaps.peek().get(sample);
    return maps !== undefined && maps.queriesDone === maps.argmax.length;
  }

  know(sample: number, result: Result): void {
    this.setResults(new Map(this.results.value).set(sample, result));
  }

  /** Rows that were asked for. */
  receive(message: RowsMessage, buffers: readonly Bytes[]): void {
    this.engine?.attention.forget();
    this.remote?.receive(message, buffers);
  }

  private setResults(results: Map<number, Result>): void {
    const { engine } = this;
    if (engine) engine.attention.lseOfRun = results.get(engine.sample)?.lse ?? null;
    this.results.value = results;
  }

  known(sample: number): Result | null {
    return this.results.value.get(sample) ?? null;
  }

  /** The result to show: until it is known, that of the run before. */
  latest(sample: number): Result | null {
    return this.known(sample) ?? this.earlier?.get(sample) ?? null;
  }

  /** Show the outputs of another run of these inputs until this one's are there. */
  showMeanwhile(other: Run): void {
    this.earlier = other.results.value;
  }

  maskOf(sample: number): Uint8Array | null {
    if (!this.mask) return null;
    const { Hb, Wb } = this.inputs;
    const last = this.mask.shape[0] - 1;
    const which = this.config.mask_of_batch === "first" ? 0 : Math.min(sample, last);
    return sampleOf(this.mask.data, which, Hb * Wb);
  }

  /** The hole to draw over f: its own, or b's where both have one size. */
  foregroundMaskOf(sample: number): Uint8Array | null {
    const { foregroundMask, sameSize, H, W } = this.inputs;
    if (!foregroundMask) return sameSize ? this.maskOf(sample) : null;
    return sampleOf(foregroundMask, foregroundMask.length > H * W ? sample : 0, H * W);
  }

  /** What the engine computes a sample from. */
  arrays(sample: number) {
    const { c, H, W, Hb, Wb, f, b } = this.inputs;
    return {
      c,
      H,
      W,
      Hb,
      Wb,
      mask: this.maskOf(sample),
      recorded: this.swap.value?.tensorsOf(sample) ?? null,
      f: sampleOf(f, sample, c * H * W),
      b: sampleOf(b, sample, c * Hb * Wb),
    };
  }

  /** Rows, columns, patches and pixels of a sample. Scores are shared with the run before. */
  attention(sample: number): Attention {
    if (this.engine?.sample === sample) return this.engine.attention;
    const mask = this.maskOf(sample);
    const lse = this.known(sample)?.lse ?? null;
    const like = this.like?.sample === sample ? this.like.attention : null;
    const others = {
      lse,
      recorded: this.swap.value?.tensorsOf(sample) ?? null,
      remote: this.remote?.matrices ?? null,
    };
    const attention =
      like?.change(this.config, mask, others) ??
      new Attention({ ...this.arrays(sample), ...others }, this.config);
    this.engine = { sample, attention };
    this.like = null;
    return attention;
  }

  /** The longest offset of this and earlier samples, in cells: what saturates the wheel. */
  longest(sample: number): number {
    const result = this.known(sample);
    if (!result) return 0;
    const known = this.lengths.get(result);
    if (known !== undefined) return known;
    const attention = this.attention(sample);
    let longest = sample ? this.longest(sample - 1) : 0;
    result.argmax.forEach((q, p) => {
      longest = Math.max(longest, Math.hypot(...attention.bestOffset(p, q)));
    });
    this.lengths.set(result, longest);
    return longest;
  }
}
