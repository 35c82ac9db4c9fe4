// A small run for tests of components: 12 × 10 pixels of three channels, always the same.
import type { AttentionConfig } from "../engine/config.ts";
import { CONFIG, META } from "../generated/examples.ts";
import type { Meta } from "../protocol.ts";
import type { Mask } from "../state/arrays.ts";
import { type Inputs, type Result, Run } from "../state/run.ts";

export const [H, W] = [12, 10];
const CHANNELS = 3;

/** Numbers between -1 and 1 that look random. */
function noise(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return (2 * state) / 2 ** 31 - 1;
  });
}

/** A hole of whole pixels: rows from `top` to before `bottom`, columns likewise. */
export function hole(top: number, bottom: number, left: number, right: number): Mask {
  const data = new Uint8Array(H * W);
  for (let y = top; y < bottom; y++) data.fill(1, y * W + left, y * W + right);
  return { shape: [1, H, W], data };
}

interface RunOptions {
  config?: Partial<AttentionConfig>;
  mask?: Mask | null;
  /** Whether f holds nothing but zeros. */
  isDark?: boolean;
  /** f before its hole was filled. */
  truth?: Float32Array | null;
  /** Whether the output has been computed. */
  isKnown?: boolean;
}

export function smallRun(options: RunOptions = {}): Run {
  const { config, mask = hole(4, 7, 4, 7), isDark = false, isKnown = true, truth = null } = options;
  const f = isDark ? new Float32Array(CHANNELS * H * W) : noise(CHANNELS * H * W, 1);
  const b = noise(CHANNELS * H * W, 2);
  const inputs: Inputs = {
    meta: META as Meta,
    n: 1,
    c: CHANNELS,
    H,
    W,
    Hb: H,
    Wb: W,
    f,
    b,
    mask,
    foregroundMask: null,
    truth,
    pictures: {},
    sameSize: true,
  };
  const run = new Run(inputs, { ...CONFIG, softmax_scale: 10, ...config }, mask);
  if (isKnown) run.know(0, resultOf(run));
  return run;
}

function resultOf(run: Run): Result {
  const attention = run.attention(0);
  const queries = Array.from({ length: attention.P }, (_, p) => p);
  return {
    output: new Float32Array(CHANNELS * H * W),
    lse: Float32Array.from(queries, (p) => attention.lse(p)),
    argmax: Int32Array.from(queries, (p) => attention.argmax(p)),
  };
}
