import assert from "node:assert/strict";
import { test } from "node:test";
import { Run, readMask, readPayload, typed } from "../../ctxattn_viz/debugger/static/data.js";
import { cell, digits } from "../../ctxattn_viz/debugger/static/dom.js";
import { rowOf, rowStage, sceneOf, shapeOf } from "../../ctxattn_viz/debugger/static/scene.js";
import { Session } from "../../ctxattn_viz/debugger/static/session.js";

const CONFIG = {
  ksize: 3, stride: 1, rate: 2, fuse_k: 3, softmax_scale: 10, fuse: true, dialect: "tensorflow",
  shrink: "align_corners", norm: "max", masked: "zero", overlap: "constant", mask_of_batch: "each",
};
const DIALECTS = {
  tensorflow: { shrink: "align_corners", norm: "max", masked: "zero", overlap: "constant", mask_of_batch: "each" },
  mmagic: { shrink: "floor", norm: "max", masked: "minus_infinity", overlap: "coverage", mask_of_batch: "each" },
};
const KEYS = ["downsampled_f", "downsampled_b", "downsampled_mask", "matching_patches", "paste_patches", "valid", "scores",
  "fused_rows", "fused_scores", "attention", "output", "offsets", "flow"];
const LOOK = { mean: [0, 0, 0], basis: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], low: [-1, -1, -1], high: [1, 1, 1] };

let seed = 7;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const noise = (n) => Float32Array.from({ length: n }, () => 2 * random() - 1);

/** Inputs as Python sends them, 3 channels of H×W. */
function payload(H = 12, W = 10, n = 1, more = {}) {
  const f = noise(n * 3 * H * W), picture = new Uint8Array(n * H * W * 3);
  const arrays = {
    f: { dtype: "float32", shape: [n, 3, H, W] }, b: { dtype: "float32", shape: [n, 3, H, W] },
    picture_f: { dtype: "uint8", shape: [n, H, W, 3] }, picture_b: { dtype: "uint8", shape: [n, H, W, 3] },
  };
  const meta = { version: 1, n, arrays, config: CONFIG, dialects: DIALECTS, look: LOOK, summaries: null, kernel: true,
    registry: KEYS.map((key) => ({ key, title: key, step: key, axes: [] })), ...more };
  return { meta, buffers: { f, b: f, picture_f: picture, picture_b: picture } };
}

/** A model like anywidget's: what is set is remembered, and messages are counted. */
class Model {
  constructor(values) { Object.assign(this, { values, calls: [], sent: [] }); }
  get(name) { return this.values[name]; }
  set(name, value) {
    this.values[name] = value;
    for (const [on, call] of [...this.calls]) if (on === `change:${name}`) call();
  }
  on(name, call) { this.calls.push([name, call]); }
  off(name, call) { this.calls = this.calls.filter(([on, other]) => on !== name || other !== call); }
  save_changes() { this.sent.push({ ...this.values }); }
}

function session(values = {}, more = {}) {
  const { meta, buffers } = payload(12, 10, 1, more);
  const model = new Model({ meta, buffers, answer: {}, request: 0, query: null, pixel: null, stage: "attention", sample: 0,
    config: meta.config, softmax_scale: 10, mask: null, ...values });
  const made = new Session(model);
  Object.assign(made, { gone: () => false, told: () => {} });
  made.start();
  return { made, model };
}

test("numbers: three digits, a true minus, words for what has none", () => {
  assert.equal(digits(-0.123456), "−0.123");
  assert.equal(digits(1234567.8), "1.2e6");
  assert.equal(digits(0), "0");
  assert.equal(digits(NaN), "NaN");
  assert.equal(digits(-Infinity), "−∞");
  assert.equal(digits(undefined), "–");
  assert.equal(cell(3, 4), "(3, 4)");
});

test("buffers: an unaligned view is read, a short one refused by name", () => {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setFloat32(1, 2.5, true);
  assert.deepEqual([...typed(new DataView(bytes.buffer, 1, 8), { dtype: "float32", shape: [2] }, "f")], [2.5, 0]);
  assert.throws(() => typed(bytes, { dtype: "float32", shape: [1, 3] }, "lse"), /lse has 9 of 12 bytes/);
  assert.throws(() => readPayload({ version: 2 }, {}), /differ in release/);
  assert.equal(readMask(null) ?? null, null);
});

test("a run changed in its softmax shares its scores, one changed in its rate does not", () => {
  const { meta, buffers } = payload(), run = new Run(readPayload(meta, buffers), CONFIG, null);
  const a = run.attention(0), near = run.change({ ...CONFIG, softmax_scale: 1 }, null).attention(0);
  assert.equal(near.norms, a.norms);
  assert.ok(near.best(0, 1)[0].weight < a.best(0, 1)[0].weight);
  assert.notEqual(run.change({ ...CONFIG, rate: 1 }, null).attention(0).norms, a.norms);
});

test("a scene: the row of the stage, where a patch goes, the sources of a pixel", () => {
  const { made } = session(), { run } = made.state;
  made.set({ query: [2, 3], focus: "query", stage: "scores" });
  const scene = sceneOf(made.state);
  assert.equal(scene.background.values, scene.a.row("scores", 13));
  assert.equal(rowStage("output"), "attention");
  assert.equal(rowStage("valid"), null);
  assert.deepEqual(shapeOf("scores", run, scene.a), [1, 6, 5, 30]);
  assert.equal(rowOf(made.state, "output").length, 3 * 16);
  made.set({ focus: "pixel", pixel: [5, 6], query: [2, 3] });
  const sources = sceneOf(made.state).background.values;
  assert.ok(Math.abs(sources.reduce((sum, v) => sum + v, 0) - 1) < 1e-9, "four rows, each of weight one, over four");
  made.stop();
});

test("hovering sends nothing; a lock, a step and a release send one message each", () => {
  const { made, model } = session();
  model.sent.length = 0;
  made.set({ query: [1, 1], focus: "query" });
  made.set({ query: [1, 2] });
  assert.equal(model.sent.length, 0);
  made.publish({ lock: "query" });
  assert.deepEqual(model.get("query"), [1, 2]);
  made.publish({ stage: "scores" });
  made.publish({ query: null, focus: null, lock: null });
  assert.equal(model.get("query"), null);
  assert.equal(model.sent.length, 3);
  made.stop();
});

test("one request at a time, when the hand rests; the newest state waits for the answer", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { made, model } = session();
  assert.equal(model.get("request") ?? 0, 0);
  t.mock.timers.tick(50);
  const first = model.get("request");
  assert.equal(first, 1, "the output was pending, so it was asked for");
  made.change({ softmax_scale: 3 });
  made.change({ softmax_scale: 4 });
  assert.equal(model.get("request"), 1);
  made.finish({});
  made.change({ softmax_scale: 4 });
  t.mock.timers.tick(49);
  assert.equal(model.get("request"), 1);
  t.mock.timers.tick(1);
  assert.equal(model.get("request"), 2);
  assert.equal(model.get("config").softmax_scale, 4);
  assert.equal(model.get("softmax_scale"), 4);
  made.stop();
});

test("what Python sets is followed; what is off the map gets a sentence and changes nothing", () => {
  const { made, model } = session();
  globalThis.document = undefined;
  model.set("query", [2, 3]);
  assert.deepEqual(made.state.query, [2, 3]);
  assert.equal(made.state.lock, "query");
  model.set("config", { ...CONFIG, softmax_scale: 2 });
  assert.equal(made.state.run.config.softmax_scale, 2);
  model.set("mask", { shape: [1, 12, 10], data: new Uint8Array(120).fill(1) });
  assert.ok(made.attention.valid.every((v) => v === 0));
  model.set("query", null);
  assert.equal(made.state.query, null);
  made.stop();
  assert.equal(model.calls.length, 0, "no listener is left behind");
});

test("a custom mixture of settings is called custom, a known one by its name", () => {
  const { made } = session();
  made.change({ norm: "none" });
  assert.equal(made.state.run.config.dialect, "custom");
  made.change(DIALECTS.mmagic);
  assert.equal(made.state.run.config.dialect, "mmagic");
  made.stop();
});

test("another rate keeps the query at its place of the picture", () => {
  const { made } = session();
  made.publish({ query: [4, 4], focus: "query", lock: "query" });
  made.change({ rate: 1 });
  assert.deepEqual(made.state.query, [8, 8]);
  assert.equal(made.attention.P, 120);
  made.stop();
});
