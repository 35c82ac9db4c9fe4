// How near the hole comes to the picture that it was cut from, before and after.
import { useMemo } from "preact/hooks";
import { psnr } from "../engine/psnr.ts";
import { sampleOf } from "../state/arrays.ts";
import type { Run } from "../state/run.ts";
import { stepOf } from "../steps/index.ts";
import { useTools } from "./context.ts";

interface Nearness {
  /** dB of f as it is, infinite where it is the picture itself. */
  readonly before: number;
  /** dB of the output. */
  readonly after: number;
}

/** Null where the picture, the hole or the output is not known. */
export function nearnessOf(run: Run, sample: number): Nearness | null {
  const { truth, f, c, H, W } = run.inputs;
  const mask = run.foregroundMaskOf(sample);
  const output = run.known(sample)?.output;
  if (!truth || !mask || !output) return null;
  const size = c * H * W;
  const whole = sampleOf(truth, sample, size);
  const before = psnr(sampleOf(f, sample, size), whole, mask);
  const after = psnr(output, whole, mask);
  return before === null || after === null ? null : { before, after };
}

const EXPLANATION =
  "How near the hole comes to the photograph, as PSNR: filled coarsely, as f is, then as the " +
  "output has it. More is nearer.";
const SELF =
  "How near the output comes to the photograph in the hole, as PSNR: more is nearer. Under this " +
  "hole f is the photograph itself.";

/** In the output's head, while it is the output of these settings that stands there. */
export function Decibels() {
  const { session } = useTools();
  const { run: B, pinned, side, sample, stage } = session.scene.value;
  const run = side === "A" && pinned ? pinned : B;
  const result = run.known(sample);
  const nearness = useMemo(() => nearnessOf(run, sample), [run, sample, result]);
  if (!nearness || side === "difference" || stepOf(stage).showsFlow) return null;
  const { before, after } = nearness;
  const isFilled = Number.isFinite(before);
  return (
    <small class="ctx-decibels" title={isFilled ? EXPLANATION : SELF}>
      <span class="ctx-word">in the hole </span>
      {isFilled && `${before.toFixed(1)} → `}
      {Number.isFinite(after) ? after.toFixed(1) : "∞"} dB
    </small>
  );
}
