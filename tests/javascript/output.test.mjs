import assert from "node:assert/strict";
import { test } from "node:test";
import { Attention } from "../../frontend/engine/attention.ts";
import { estimateSeconds } from "../../frontend/engine/estimate.ts";
import { exp } from "../../frontend/engine/exponential.ts";
import { along, flat } from "../../frontend/engine/grid.ts";
import { Recent } from "../../frontend/engine/recent.ts";
import { sumAlong } from "../../frontend/engine/sums.ts";
import { Sweep } from "../../frontend/engine/sweep.ts";

const CONFIG = {
  ksize: 3,
  stride: 1,
  rate: 2,
  fuse_k: 3,
  softmax_scale: 10,
  fuse: true,
  dialect: "tensorflow",
  shrink: "align_corners",
  norm: "max",
  masked: "zero",
  overlap: "constant",
  mask_of_batch: "each",
};

let seed = 11;
function random() {
  seed = (seed * 48271) % 2147483647;
  return seed / 2147483647;
}

function noise(length) {
  return Float32Array.from({ length }, () => 2 * random() - 1);
}

function attentionOf(H, W, changes = {}) {
  const f = noise(3 * H * W);
  return new Attention({ f, b: noise(3 * H * W), c: 3, H, W }, { ...CONFIG, ...changes });
}

test("sums along the columns of a grid: every cell, wraps and ends as `along` has them", () => {
  for (const grid of [
    { rows: 5, cols: 4, step: 1 },
    { rows: 2, cols: 6, step: 1 },
    { rows: 1, cols: 7, step: 1 },
    flat({ rows: 3, cols: 5, step: 1 }),
  ]) {
    const size = grid.rows * grid.cols;
    for (const shifts of [[0], [-1, 0, 1], [-2, 0, 2], [-2, -1, 0, 1, 2], [0, 1]]) {
      const terms = shifts.map((shift) => ({ values: noise(size), shift }));
      const sums = new Float32Array(size).fill(9);
      sumAlong(sums, terms, grid);
      for (let i = 0; i < size; i++) {
        let want = 0;
        for (const { values, shift } of terms) {
          want += values[along(i, shift, grid)] ?? 0;
        }
        assert.ok(Math.abs(sums[i] - want) < 1e-6, `cell ${i} of ${JSON.stringify(grid)}`);
      }
    }
  }
});

test("the quick exponential has eight digits, and is Math.exp outside of its table", () => {
  for (let x = 0; x > -31.9; x -= 0.0137) {
    assert.ok(Math.abs(exp(x) / Math.exp(x) - 1) < 1e-8, `exp(${x})`);
  }
  for (const x of [-1000, -40, 0.5, Number.NaN, Number.NEGATIVE_INFINITY]) {
    assert.equal(exp(x), Math.exp(x));
  }
});

test("rows that are forgotten lend their memory, if they may", () => {
  const make = (spare) => spare ?? {};
  const lending = new Recent(2, true);
  const first = lending.get(1, make);
  const second = lending.get(2, make);
  assert.equal(lending.get(1, make), first);
  assert.equal(lending.get(3, make), second, "the one used least recently");
  const keeping = new Recent(1);
  assert.notEqual(keeping.get(1, make), keeping.get(2, make));
});

test("a picture is computed in many steps, and no row that the page looks at is overwritten", () => {
  const a = attentionOf(64, 96);
  const rows = ["scores", "fused_rows", "fused_scores", "attention"].map((stage) => a.row(stage, 40));
  const before = rows.map((row) => [...row]);
  const steps = a.output();
  const shares = [];
  let step = steps.next();
  while (!step.done) {
    shares.push(step.value);
    step = steps.next();
  }
  assert.ok(shares.length >= 2, `${shares.length} steps`);
  assert.ok(shares.every((share, i) => share > (shares[i - 1] ?? 0) && share <= 1));
  assert.deepEqual(rows.map((row) => [...row]), before);
  assert.equal(a.row("scores", 40), rows[0], "and what was remembered still is");
});

test("the time of the whole is that of a query, times the queries", () => {
  for (const changes of [{}, { fuse: false }, { rate: 1 }]) {
    for (const [H, W] of [[24, 40], [64, 16], [4, 2]]) {
      const a = attentionOf(H, W, changes);
      const sweep = new Sweep(a);
      let milliseconds = 0;
      const weigh = sweep.weigh.bind(sweep);
      sweep.weigh = (row, column) => {
        milliseconds += 3;
        return weigh(row, column);
      };
      const seconds = estimateSeconds(sweep, () => milliseconds);
      assert.ok(Math.abs(seconds - (3 * a.P) / 1000) < 1e-9, `${H} × ${W}: ${seconds} s`);
    }
  }
});

test("the first visit, where code is compiled, does not count", () => {
  const a = attentionOf(32, 32);
  // Each visit that is timed reads the clock twice: the first takes a second, the others 10 ms.
  const readings = [0, 1000, 2000, 2010, 3000, 3010, 4000, 4010, 5000, 5010];
  const seconds = estimateSeconds(new Sweep(a), () => readings.shift());
  assert.ok(Math.abs(seconds - (10 / 16) * (a.P / 1000)) < 1e-9, `16 queries in 10 ms: ${seconds} s`);
  assert.equal(readings.length, 0);
});
