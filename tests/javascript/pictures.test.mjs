// The engine's helpers for pictures: colours, painting, what differs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Attention } from "../../frontend/engine/attention.ts";
import { gradient, paint, rangeOf, wheelColour } from "../../frontend/engine/colour.ts";
import { firstDifference } from "../../frontend/engine/difference.ts";
import { rgbOf } from "../../frontend/engine/look.ts";
import { strongest } from "../../frontend/engine/numbers.ts";
import { rectangle, stroke } from "../../frontend/engine/painting.ts";
import { CIVIDIS, PURPLE_ORANGE } from "../../frontend/generated/colours.ts";
import { STAGE_KEYS } from "../../frontend/generated/stages.ts";

const PLAIN = { low: 0, high: 1, signed: false };
const SIGNED = { low: -1, high: 1, signed: true };
const count = (mask) => mask.reduce((sum, value) => sum + value, 0);

test("colours: both maps at their ends, the lowest level open, NaN apart", () => {
  assert.deepEqual(paint(1, PLAIN), [254, 232, 56, 255]);
  assert.equal(paint(0.001, PLAIN)[3], 0);
  assert.equal(paint(0.01, PLAIN)[3], 255);
  assert.deepEqual(paint(-1, SIGNED), [45, 0, 75, 255]);
  assert.deepEqual(paint(1, SIGNED), [127, 59, 8, 255]);
  assert.deepEqual(paint(NaN, PLAIN), [230, 0, 120, 255]);
});

test("colours: each of the 256 levels is the generated one", () => {
  for (const [map, range] of [[CIVIDIS, PLAIN], [PURPLE_ORANGE, { ...PLAIN, signed: true }]]) {
    const digits = map.join("");
    assert.equal(digits.length, 256 * 6);
    for (let level = 1; level < 256; level++) {
      const rgb = paint(level / 255, range).slice(0, 3);
      const hex = rgb.map((value) => value.toString(16).padStart(2, "0")).join("");
      assert.equal(hex, digits.slice(6 * level, 6 * level + 6));
    }
  }
});

test("the legend's gradient goes from end to end", () => {
  assert.match(gradient(false), /^linear-gradient\(to right, rgb\(0 34 78\), .*rgb\(254 232 56\)\)$/);
  assert.match(gradient(true), /^linear-gradient\(to right, rgb\(45 0 75\), .*rgb\(127 59 8\)\)$/);
});

test("ranges: from zero, or symmetric about it; infinities and nothing left aside", () => {
  assert.deepEqual(rangeOf([1, 3], false), { low: 0, high: 3, signed: false });
  assert.deepEqual(rangeOf([-5, 3, Infinity, NaN], true), { low: -5, high: 5, signed: true });
  assert.deepEqual(rangeOf([0, 0], false), { low: 0, high: 1, signed: false });
  assert.equal(rangeOf([], false).high > 0, true);
});

test("the wheel: no offset is white, the longest is pure", () => {
  assert.deepEqual(wheelColour(0, 0, 5), [255, 255, 255]);
  assert.deepEqual(wheelColour(3, 4, 5), [255, 135, 0]);
});

test("a look: vectors become colours, cut off at both ends", () => {
  const look = { mean: [1, 0], basis: [[1, 0, 0], [0, 2, 0]], low: [0, 0, -1], high: [1, 1, 1] };
  const rgb = rgbOf(look, Float32Array.from([2, 1, 0.25, -9]), 2);
  assert.deepEqual(rgb(0), [255, 128, 128]);
  assert.deepEqual(rgb(1), [0, 0, 128]);
});

test("the strongest: largest first, of equals the first, never more than there are", () => {
  assert.deepEqual(strongest([1, 3, 2, 3], 3), [1, 3, 2]);
  assert.deepEqual(strongest([1, 2], 5), [1, 0]);
  assert.deepEqual(strongest([NaN, NaN, NaN], 2), [0, 1]);
  assert.deepEqual(strongest([], 2), []);
});

test("painting: a stroke has its width, a rectangle its corners in any order", () => {
  const mask = new Uint8Array(81);
  stroke(mask, 9, [4, 1], [4, 7], 1, 1);
  assert.equal(count(mask), 7);
  stroke(mask, 9, [4, 4], [4, 4], 1, 0);
  assert.equal(mask[4 * 9 + 4], 0);
  stroke(mask, 9, [4, 4], [4, 4], 3, 1);
  assert.equal(mask[3 * 9 + 4] + mask[5 * 9 + 4] + mask[4 * 9 + 4], 3);
  const box = new Uint8Array(81);
  rectangle(box, 9, [5, 6], [3, 2]);
  assert.equal(count(box), 15);
});

const CONFIG = {
  ksize: 3, stride: 1, rate: 2, fuse_k: 3, softmax_scale: 10, fuse: true, dialect: "tensorflow",
  shrink: "align_corners", norm: "max", masked: "zero", overlap: "constant", mask_of_batch: "each",
};
let seed = 7;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const f = Float32Array.from({ length: 3 * 12 * 10 }, () => 2 * random() - 1);
const inputs = { f, b: f, c: 3, H: 12, W: 10 };

test("the first stage that differs is named", () => {
  const A = new Attention(inputs, CONFIG);
  const first = (changes, mask = null) => {
    const B = new Attention({ ...inputs, mask }, { ...CONFIG, ...changes });
    return firstDifference(A, B, 3, 3, STAGE_KEYS);
  };
  assert.equal(first({}), null);
  assert.equal(first({ shrink: "floor" }).stage, "downsampled_f");
  assert.deepEqual(first({ ksize: 5 }), { stage: "matching_patches", most: null });
  assert.deepEqual(first({ rate: 1 }), { stage: "downsampled_f", most: null });
  assert.deepEqual(first({}, new Uint8Array(120).fill(1)), { stage: "downsampled_mask", most: 1 });
  assert.equal(first({ fuse: false }).stage, "fused_rows");
  assert.equal(first({ softmax_scale: 0.1 }).stage, "attention");
});
