// How near the hole comes to the picture that it was cut from.
import { describe, expect, test } from "vitest";
import { psnr } from "../engine/psnr.ts";
import type { Run } from "../state/run.ts";
import { nearnessOf } from "../views/Decibels.tsx";
import { settled, show, text } from "./pictures.tsx";
import { H, hole, smallRun, W } from "./run.ts";

const LENGTH = 3 * H * W;
/** f and the output lie 0.2 and 0.02 beside the truth: 20 and 40 dB. */
function runWith(mask = hole(4, 7, 4, 7)): Run {
  const run = smallRun({ truth: new Float32Array(LENGTH), mask });
  const known = run.known(0);
  run.inputs.f.fill(0.2);
  if (known) run.know(0, { ...known, output: new Float32Array(LENGTH).fill(0.02) });
  return run;
}

const head = () => text("output", ".ctx-decibels");

test("a tenth of the range everywhere is 20 dB, equal pictures are infinite", () => {
  const black = new Float32Array(6).fill(-1);
  const grey = new Float32Array(6).fill(-0.8);
  expect(psnr(black, grey, Uint8Array.of(1, 1))).toBeCloseTo(20, 5);
  expect(psnr(black, black, Uint8Array.of(1, 1))).toBe(Infinity);
  expect(psnr(black, grey, Uint8Array.of(0, 0))).toBe(null);
  // Only what is set counts, in every channel: places 1, 3 and 5.
  const other = Float32Array.of(9, -0.8, 9, -0.8, 9, -0.8);
  expect(psnr(black, other, Uint8Array.of(0, 1))).toBeCloseTo(20, 5);
});

describe("the output's head", () => {
  test("says the dB of the coarse fill, and those of the output", () => {
    show(runWith());
    expect(head()).toBe("in the hole 20.0 → 40.0 dB");
  });

  test("says nothing without the picture, a hole or an output of these settings", async () => {
    show(smallRun());
    expect(head()).toBe("");
    show(runWith(hole(0, 0, 0, 0)));
    expect(head()).toBe("");
    const session = show(runWith());
    session.show(session.run.change({ ...session.run.config, softmax_scale: 1 }, session.run.mask));
    await settled();
    expect(head()).toBe("");
    show(runWith(), "flow");
    expect(head()).toBe("");
  });

  test("follows the side that is seen", async () => {
    const session = show(runWith());
    const A = session.run;
    const known = A.known(0);
    session.pinned.value = A;
    session.show(A.change({ ...A.config, softmax_scale: 1 }, A.mask));
    if (known) session.run.know(0, { ...known, output: new Float32Array(LENGTH).fill(0.002) });
    await settled();
    expect(head()).toBe("in the hole 20.0 → 60.0 dB");
    session.side.value = "A";
    await settled();
    expect(head()).toBe("in the hole 20.0 → 40.0 dB");
    session.side.value = "difference";
    await settled();
    expect(head()).toBe("");
  });

  test("where f is the picture itself there is no before", async () => {
    const run = runWith();
    run.inputs.f.fill(0);
    expect(nearnessOf(run, 0)?.before).toBe(Infinity);
    show(run);
    expect(head()).toBe("in the hole 40.0 dB");
  });
});
