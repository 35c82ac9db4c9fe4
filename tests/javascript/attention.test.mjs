import assert from "node:assert/strict";
import { test } from "node:test";
import { Attention } from "../../frontend/engine/attention.ts";
import { nearestIndices, shrink } from "../../frontend/engine/downsampling.ts";
import { along, flat } from "../../frontend/engine/grid.ts";

const TENSORFLOW = {
  ksize: 3, stride: 1, rate: 1, fuse_k: 3, softmax_scale: 10, fuse: true,
  shrink: "align_corners", norm: "max", masked: "zero", overlap: "constant", mask_of_batch: "each",
};
let seed = 1;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const noise = (n) => Float32Array.from({ length: n }, () => 2 * random() - 1);
const close = (got, want, message) => {
  assert.equal(got.length, want.length, message);
  const top = want.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-12);
  want.forEach((v, i) => assert.ok(Math.abs(got[i] - v) <= 2e-5 * top, `${message} [${i}]: ${got[i]} is not ${v}`));
};
const drain = (run) => { for (;;) { const { done, value } = run.next(); if (done) return value; } };

test("shrinking picks the pixels the references pick", () => {
  assert.deepEqual([...nearestIndices(8, 2, "align_corners")], [0, 2, 5, 7]);
  assert.deepEqual([...nearestIndices(6, 2, "align_corners")], [0, 3, 5]);
  assert.deepEqual([...nearestIndices(8, 2, "floor")], [0, 2, 4, 6]);
  assert.deepEqual([...nearestIndices(3, 3, "align_corners")], [0]);
  assert.equal(nearestIndices(54, 2, "align_corners")[13], 26, "float32 rounds a hair below the half");
  const map = Float32Array.from({ length: 16 }, (_, i) => i);
  assert.deepEqual([...shrink(map, 1, 4, 4, { ...TENSORFLOW, rate: 2 })], [0, 3, 12, 15]);
});

test("flat moves: along rows and along columns, off the end at both ends", () => {
  assert.equal(along(3, 1, flat({ rows: 2, cols: 2 })), -1);
  assert.equal(along(2, -3, flat({ rows: 2, cols: 2 })), -1);
  assert.equal(along(4, 1, { rows: 2, cols: 3 }), 2, "below the last row of a column comes the top of the next");
  assert.equal(along(5, 1, { rows: 2, cols: 3 }), -1);
  assert.equal(along(0, -1, { rows: 2, cols: 3 }), -1);
});

test("a row solvable by hand: softmax of [1, e] with 1×1 patches", () => {
  const config = { ...TENSORFLOW, ksize: 1, fuse: false, softmax_scale: 1, norm: "none" };
  const f = Float32Array.from([1]), b = Float32Array.from([0, 1]);
  const a = new Attention({ f, b, c: 1, H: 1, W: 1, Hb: 1, Wb: 2 }, config);
  close(a.row("scores", 0), [0, 1]);
  close(a.row("attention", 0), [1 / (1 + Math.E), Math.E / (1 + Math.E)]);
  close([a.lse(0)], [Math.log(1 + Math.E)]);
  assert.deepEqual(a.offset(0), [0, 1]);
});

test("masked entries: zero keeps exp(0) in the denominator, minus_infinity does not", () => {
  const config = { ...TENSORFLOW, ksize: 1, fuse: false, softmax_scale: 1, norm: "none" };
  const arrays = { f: Float32Array.from([1]), b: Float32Array.from([2, 1]), c: 1, H: 1, W: 1, Hb: 1, Wb: 2 };
  const mask = Uint8Array.from([1, 0]);
  close(new Attention({ ...arrays, mask }, config).row("attention", 0), [0, Math.E / (1 + Math.E)]);
  close(new Attention({ ...arrays, mask }, { ...config, masked: "minus_infinity" }).row("attention", 0), [0, 1]);
  const all = Uint8Array.from([1, 1]);
  close(new Attention({ ...arrays, mask: all }, config).row("attention", 0), [0, 0]);
  assert.ok(new Attention({ ...arrays, mask: all }, { ...config, masked: "minus_infinity" }).row("attention", 0).every(Number.isNaN));
});

const SETTINGS = [
  { rate: 2, H: 12, W: 10, Hb: 8, Wb: 14 },
  { rate: 1, H: 5, W: 7, Hb: 6, Wb: 4, overlap: "coverage", norm: "per_element" },
  { rate: 2, H: 12, W: 8, Hb: 14, Wb: 10, stride: 2, masked: "minus_infinity", shrink: "floor" },
  { rate: 3, H: 9, W: 12, Hb: 12, Wb: 15, fuse_k: 5, ksize: 5 },
  { rate: 1, H: 1, W: 6, Hb: 4, Wb: 1, fuse_k: 5 },
  { rate: 2, H: 8, W: 8, Hb: 8, Wb: 8, fuse: false, ksize: 1 },
];
for (const setting of SETTINGS) {
  test(`one row, one column, the nine terms and the whole output agree: ${JSON.stringify(setting)}`, () => {
    const { H, W, Hb, Wb, ...fields } = setting, config = { ...TENSORFLOW, ...fields }, c = 2;
    const mask = Uint8Array.from({ length: Hb * Wb }, () => random() < 0.08);
    const arrays = { f: noise(c * H * W), b: noise(c * Hb * Wb), mask, c, H, W, Hb, Wb };
    const a = new Attention(arrays, config);
    const { output, lse, argmax } = drain(a.output());
    for (const p of [0, a.P >> 1, a.P - 1]) {
      close([lse[p]], [a.lse(p)], "lse");
      assert.equal(argmax[p], a.argmax(p));
      assert.equal(a.best(p, 1)[0].index, argmax[p]);
    }
    for (const q of [0, a.L >> 1, a.L - 1]) {
      for (const stage of ["scores", "fused_rows", "fused_scores"]) {
        const want = Array.from({ length: a.P }, (_, p) => a.row(stage, p)[q]);
        close(a.column(stage, q), want, `column of ${stage}`);
      }
      close(a.wherePasted(q), Array.from({ length: a.P }, (_, p) => a.row("attention", p)[q]), "pasted");
      for (const p of [0, a.P - 1]) {
        const terms = a.fusionTerms(p, q);
        close([terms.reduce((sum, term) => sum + term.score, 0)], [a.row("fused_scores", p)[q]], "nine terms");
      }
    }
    for (const [y, x] of [[0, 0], [H - 1, W - 1], [H >> 1, W >> 1]]) {
      close(a.pixel(y, x).value, Array.from({ length: c }, (_, k) => output[(k * H + y) * W + x]), "pixel");
    }
  });
}

test("validity: a patch that touches the hole names the cells that disqualify it", () => {
  const mask = new Uint8Array(25);
  mask[12] = 1;
  const x = noise(25), a = new Attention({ f: x, b: x, mask, c: 1, H: 5, W: 5 }, TENSORFLOW);
  assert.equal(a.valid.reduce((sum, v) => sum + v, 0), 25 - 9);
  assert.deepEqual(a.holeCells(6), [[2, 2]]);
  a.setMask(null);
  assert.ok(a.valid.every(Boolean));
  assert.equal(a.wherePasted(0), null, "a new hole's sums are unknown until the output is made");
});

test("a thin stroke between the sampled pixels leaks into valid patches", () => {
  const mask = new Uint8Array(64), x = noise(64);
  for (let y = 0; y < 8; y++) mask[y * 8 + 3] = 1;
  const a = new Attention({ f: x, b: x, mask, c: 1, H: 8, W: 8 }, { ...TENSORFLOW, rate: 2, shrink: "floor" });
  assert.ok(a.valid.every(Boolean));
  assert.ok(a.leaks > 0);
});

test("a NaN stays where PyTorch would have it", () => {
  const x = noise(36);
  x[0] = NaN;
  const a = new Attention({ f: x, b: x, c: 1, H: 6, W: 6 }, { ...TENSORFLOW, fuse: false });
  assert.ok(Number.isNaN(a.row("scores", 35)[0]));
  assert.ok(a.row("attention", 35).every(Number.isNaN));
});

test("a changed softmax, fusion or hole shares the scores; a changed rate does not", () => {
  const x = noise(3 * 64), a = new Attention({ f: x, b: x, c: 3, H: 8, W: 8 }, TENSORFLOW);
  const soft = a.change({ ...TENSORFLOW, softmax_scale: 1 }, null);
  assert.equal(soft.norms, a.norms);
  assert.equal(soft.row("scores", 5), a.row("scores", 5));
  assert.ok(soft.best(0, 1)[0].weight < a.best(0, 1)[0].weight);
  const mask = new Uint8Array(64).fill(1);
  assert.ok(a.change(TENSORFLOW, mask).valid.every((isValid) => isValid === 0));
  assert.ok(a.valid.every((isValid) => isValid === 1), "the run itself keeps its hole");
  assert.equal(a.change({ ...TENSORFLOW, rate: 2 }, null), null);
});

test("a whole output is estimated in seconds, and nothing is different for it", () => {
  const x = noise(3 * 64), a = new Attention({ f: x, b: x, c: 3, H: 8, W: 8 }, TENSORFLOW);
  const before = [...a.row("attention", 9)];
  const seconds = a.estimate();
  assert.ok(seconds > 0 && Number.isFinite(seconds), `${seconds} s`);
  assert.deepEqual([...a.row("attention", 9)], before);
});

test("the ranges of a run hold every row", () => {
  const x = noise(3 * 48), config = { ...TENSORFLOW, softmax_scale: 40 };
  for (const fuse of [true, false]) {
    const a = new Attention({ f: x, b: x, c: 3, H: 8, W: 6 }, { ...config, fuse });
    const { ranges } = drain(a.output());
    for (const stage of ["scores", "fused_rows", "fused_scores", "attention"]) {
      const all = Array.from({ length: a.P }, (_, p) => [...a.row(stage, p)]).flat();
      close(ranges[stage], [Math.min(...all), Math.max(...all)], stage);
    }
  }
});

test("a query far below all masked scores: the best valid patch is still named", () => {
  const f = Float32Array.from([-1]), b = Float32Array.from([90, 60, 70, 80]);
  const config = { ...TENSORFLOW, ksize: 1, fuse: false, softmax_scale: 1, norm: "none" };
  const mask = Uint8Array.from([1, 0, 0, 0]);
  const a = new Attention({ f, b, mask, c: 1, H: 1, W: 1, Hb: 2, Wb: 2 }, config);
  assert.equal(a.argmax(0), 1, "exp(−60) of exp(0)");
  assert.equal(drain(a.output()).argmax[0], 1);
});
