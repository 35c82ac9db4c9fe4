// A model as a host gives it, with small random inputs: what is set is remembered and told on.

import type { AttentionConfig } from "../engine/config.ts";
import { LOOK_OF_RGB } from "../engine/look.ts";
import { CONFIG as EXAMPLE, META } from "../generated/examples.ts";
import type { MessageToKernel, Meta, Model, SharedTraits, Traits } from "../protocol.ts";
import { Kernel } from "../state/kernel.ts";
import { Session } from "../state/session.ts";

export const CONFIG: AttentionConfig = { ...EXAMPLE, softmax_scale: 10 };
export const H = 12;
export const W = 10;
const CHANNELS = 3;

export const RULES: Meta["dialects"]["mmagic"] = {
  shrink: "floor",
  norm: "max",
  masked: "minus_infinity",
  overlap: "coverage",
  mask_of_batch: "each",
};

/** Numbers between −1 and 1, the same in every run. */
export function noise(count: number): Float32Array<ArrayBuffer> {
  let seed = 7;
  return Float32Array.from({ length: count }, () => {
    seed = (seed * 48271) % 2147483647;
    return (2 * seed) / 2147483647 - 1;
  });
}

/** Inputs as Python sends them, their output still to come. */
export function inputs(more: Partial<Meta> = {}, samples = 1) {
  const maps = { dtype: "float32" as const, shape: [samples, CHANNELS, H, W] as Shape };
  const pictures = { dtype: "uint8" as const, shape: [samples, H, W, CHANNELS] as Shape };
  const f = noise(samples * CHANNELS * H * W);
  const picture = new Uint8Array(samples * CHANNELS * H * W).fill(128);
  const meta: Meta = {
    ...META,
    n: samples,
    config: CONFIG,
    arrays: { f: maps, b: maps, picture_f: pictures, picture_b: pictures },
    look: LOOK_OF_RGB,
    dialects: { ...META.dialects, mmagic: RULES },
    summaries: null,
    ...more,
  };
  const buffers: Traits["buffers"] = { f, b: f, picture_f: picture, picture_b: picture };
  return { meta, buffers };
}

type Shape = [number, number, number, number];
type Call = (...news: unknown[]) => void;

export class StubModel {
  readonly values: Partial<Traits>;
  calls: [name: string, call: Call][] = [];
  /** What was saved, message by message. */
  readonly saved: Partial<Traits>[] = [];
  readonly sent: MessageToKernel[] = [];

  constructor(values: Partial<Traits>) {
    this.values = values;
  }

  get(name: keyof Traits): unknown {
    return this.values[name];
  }

  set(name: keyof Traits, value: never): void {
    this.values[name] = value;
    this.tell(`change:${name}`);
  }

  /** An event, as the host raises it. */
  tell(name: string, ...news: unknown[]): void {
    for (const [on, call] of [...this.calls]) {
      if (on === name) call(...news);
    }
  }

  on(name: string, call: Call): void {
    this.calls.push([name, call]);
  }

  off(name: string, call: Call): void {
    this.calls = this.calls.filter(([on, other]) => on !== name || other !== call);
  }

  save_changes(): void {
    this.saved.push({ ...this.values });
  }

  send(message: MessageToKernel): void {
    this.sent.push(message);
  }

  /** Python sets a trait. */
  become<Name extends keyof Traits>(name: Name, value: Traits[Name]): void {
    this.set(name, value as never);
  }
}

/** A session on a stub model, as the page opens it. */
export function open(
  traits: Partial<SharedTraits> = {},
  more: Partial<Meta> = {},
  samples = 1,
  extra: { buffers?: Traits["buffers"]; arrays?: Partial<Meta["arrays"]> } = {},
) {
  const { meta, buffers } = inputs(more, samples);
  Object.assign(meta.arrays, extra.arrays);
  const model = new StubModel({
    meta,
    buffers: { ...buffers, ...extra.buffers },
    answer: {},
    request: 0,
    query: null,
    pixel: null,
    stage: "attention",
    sample: 0,
    config: meta.config,
    softmax_scale: meta.config.softmax_scale,
    mask: null,
    ...traits,
  });
  const session = new Session();
  const kernel = new Kernel(model as unknown as Model, session);
  kernel.start();
  return { model, session, kernel };
}
