// The state and the way to the kernel, on a model that answers when the test says so.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Answer } from "../protocol.ts";
import { keptQuery, NOTHING } from "../state/cursor.ts";
import type { Result } from "../state/run.ts";
import { valuesOf } from "../state/scene.ts";
import { CONFIG, H, noise, open, RULES, W } from "./stub.ts";

const CHANNELS = 3;
const QUERIES = 30; // 6 × 5
const KERNEL_PATIENCE = 5000;
const REST = 50;

/** The page's own computation: it ends when the test says so. */
const { computations } = vi.hoisted(() => ({
  computations: [] as { config: unknown; resolve: (result: unknown) => void }[],
}));
vi.mock("../state/background.ts", () => ({
  Background: class {
    compute = (_arrays: unknown, config: unknown) =>
      new Promise((resolve) => computations.push({ config, resolve }));
    stop() {}
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  computations.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

/** The output as the kernel sends it. */
function answer(request: number, config = CONFIG): Answer {
  const { model } = open();
  const { meta } = model.values;
  if (!meta) throw new Error("The stub has no meta.");
  return {
    request,
    config,
    arrays: {
      output: { dtype: "float32", shape: [1, CHANNELS, H, W] },
      lse: { dtype: "float32", shape: [1, 6, 5] },
      argmax: { dtype: "int32", shape: [1, 6, 5] },
      picture_output: { dtype: "uint8", shape: [1, H, W, CHANNELS] },
    },
    output: noise(CHANNELS * H * W),
    lse: noise(QUERIES),
    argmax: new Int32Array(QUERIES),
    picture_output: new Uint8Array(CHANNELS * H * W),
    summaries: {} as Answer["summaries"],
    notes: [],
  };
}

const result = (): Result => ({
  output: noise(CHANNELS * H * W),
  lse: noise(QUERIES),
  argmax: new Int32Array(QUERIES),
});

// ---- what is written down ----

test("hovering sends nothing; a kept query, a step and a release send one message each", () => {
  const { session, kernel, model } = open();
  model.saved.length = 0;
  session.cursor.value = { ...keptQuery([1, 1]), kept: false } as typeof session.cursor.value;
  expect(session.scene.value.p).toBe(6);
  expect(model.saved).toEqual([]);
  kernel.publish({ cursor: keptQuery([1, 2]) });
  expect(model.values.query).toEqual([1, 2]);
  kernel.publish({ stage: "scores" });
  expect(model.values.stage).toBe("scores");
  kernel.publish({ cursor: NOTHING });
  expect(model.values.query).toBe(null);
  expect(model.saved.length).toBe(3);
  kernel.publish({ cursor: NOTHING });
  expect(model.saved.length).toBe(3);
});

// ---- requests ----

test("one request at a time, when the hand rests; the newest state waits for the answer", () => {
  const { session, kernel, model } = open();
  expect(model.values.request).toBe(0);
  expect(session.progress.value).toBe(0);
  vi.advanceTimersByTime(REST);
  expect(model.values.request).toBe(1);
  kernel.change({ softmax_scale: 3 });
  kernel.change({ softmax_scale: 4 });
  vi.advanceTimersByTime(REST);
  expect(model.values.request).toBe(1);
  model.become("answer", answer(1));
  vi.advanceTimersByTime(REST - 1);
  expect(model.values.request).toBe(1);
  vi.advanceTimersByTime(1);
  expect(model.values.request).toBe(2);
  expect(model.values.config?.softmax_scale).toBe(4);
  expect(model.values.softmax_scale).toBe(4);
});

test("an answer for the run on screen is shown and ends the waiting", () => {
  const { session, model } = open();
  vi.advanceTimersByTime(REST);
  model.become("answer", answer(1));
  expect(session.run.known(0)?.output.length).toBe(CHANNELS * H * W);
  expect(session.scene.value.known).toBe(session.run.known(0));
  expect(session.progress.value).toBe(null);
});

test("the answer for an older run is shown only until the newer one's is there", () => {
  const { session, kernel, model } = open();
  vi.advanceTimersByTime(REST);
  kernel.change({ softmax_scale: 3 });
  model.become("answer", answer(1));
  expect(session.run.known(0)).toBe(null);
  expect(session.run.latest(0)?.output.length).toBe(CHANNELS * H * W);
});

test("an answer that comes too late, or for other settings, is left aside", () => {
  const { session, kernel, model } = open();
  vi.advanceTimersByTime(REST);
  model.become("answer", answer(0));
  model.become("answer", answer(1, { ...CONFIG, rate: 1 }));
  expect(session.run.known(0)).toBe(null);
  expect(session.progress.value).toBe(0);
  kernel.stop();
});

test("a kernel that says nothing is waited for five seconds; then the page computes", async () => {
  const { session } = open();
  vi.advanceTimersByTime(REST + KERNEL_PATIENCE - 1);
  expect(computations.length).toBe(0);
  vi.advanceTimersByTime(1);
  expect(computations.length).toBe(1);
  expect(session.progress.value).toBe(0);
  computations[0].resolve(result());
  await vi.advanceTimersByTimeAsync(0);
  expect(session.run.known(0)).not.toBe(null);
  expect(session.progress.value).toBe(null);
});

test("without a kernel the page computes; a result for another hole is left aside", async () => {
  const { session, kernel, model } = open({}, { kernel: false });
  vi.advanceTimersByTime(REST);
  expect(model.values.request).toBe(0);
  expect(computations.length).toBe(1);
  kernel.paint({ shape: [1, H, W], data: new Uint8Array(H * W) });
  computations[0].resolve(result());
  await vi.advanceTimersByTimeAsync(0);
  expect(session.run.known(0)).toBe(null);
  vi.advanceTimersByTime(REST);
  expect(computations.length).toBe(2);
});

test("a kernel that is gone is noticed", () => {
  const { session, kernel, model } = open();
  kernel.isGone = () => true;
  model.tell("comm_live_update");
  expect(session.offline.value).toBe(true);
  expect(session.alone).toBe(true);
});

test("a refusal ends the waiting and says why", () => {
  const { session, model } = open();
  vi.advanceTimersByTime(REST);
  model.tell("msg:custom", { kind: "refused", request: 1, reason: "Too large." });
  expect(session.problem.value).toBe("Too large.");
  expect(session.progress.value).toBe(null);
});

// ---- what Python sets ----

test("what Python sets is followed", () => {
  const { session, kernel, model } = open();
  model.become("query", [2, 3]);
  expect(session.cursor.value).toEqual(keptQuery([2, 3]));
  model.become("pixel", [5, 6]);
  expect(session.cursor.value).toEqual({ kind: "pixel", pixel: [5, 6], kept: true });
  model.become("pixel", null);
  model.become("stage", "scores");
  expect(session.stage.value).toBe("scores");
  model.become("config", { ...CONFIG, softmax_scale: 2 });
  expect(session.run.config.softmax_scale).toBe(2);
  model.become("mask", { shape: [1, H, W], data: new Uint8Array(H * W).fill(1) });
  expect(session.scene.value.blank).toBe(true);
  model.become("query", null);
  expect(session.cursor.value).toEqual(session.home.value);
  kernel.stop();
  expect(model.calls).toEqual([]);
});

test("what is off the map gets a sentence and changes nothing", () => {
  const { session, model } = open();
  model.become("query", [2, 3]);
  for (const query of [
    [6, 0],
    [0, -1],
    [1.5, 0],
    [1, 1, 1],
  ]) {
    model.become("query", query as [number, number]);
    expect(session.problem.value).toContain(`query ${query}`);
    expect(session.cursor.value).toEqual(keptQuery([2, 3]));
  }
  model.become("query", [0, 0]);
  expect(session.problem.value).toBe("");
  model.become("sample", 1);
  expect(session.problem.value).toContain("sample 1");
  expect(session.sample.value).toBe(0);
  model.become("sample", 0);
  model.become("stage", "colour" as "scores");
  expect(session.problem.value).toContain("stage colour");
});

test("a patch that is kept outlasts what Python sets beside it", () => {
  const { session, kernel, model } = open();
  kernel.publish({ cursor: { kind: "patch", patch: 3, query: null, kept: true } });
  model.become("stage", "scores");
  expect(session.cursor.value).toMatchObject({ kind: "patch", patch: 3 });
});

test("data that are cut short are said so by name, and nothing else is shown", () => {
  const { session } = open({}, {}, 1, { buffers: { f: new Uint8Array(8) } });
  expect(session.fatal.value).toContain("f has 8 of 1440 bytes");
  expect(session.document.value).toBe(null);
});

test("another release's data are refused", () => {
  const { session } = open({}, { version: 2 as 1 });
  expect(session.fatal.value).toContain("differ in release");
});

test("other inputs: what belonged to the old ones goes", () => {
  const { session, kernel, model } = open();
  const { meta } = model.values;
  kernel.publish({ cursor: keptQuery([1, 1]) });
  session.undoable.value = [null];
  model.values.query = null;
  if (meta) model.become("meta", { ...meta });
  expect(session.cursor.value).toEqual(session.home.value);
  expect(session.undoable.value).toEqual([]);
});

// ---- settings ----

test("a mixture of settings is called custom, a dialect's own by its name", () => {
  const { session, kernel } = open();
  kernel.change({ norm: "none" });
  expect(session.run.config.dialect).toBe("custom");
  kernel.change(RULES);
  expect(session.run.config.dialect).toBe("mmagic");
});

test("another rate keeps the query at its place in the picture", () => {
  const { session, kernel } = open();
  kernel.publish({ cursor: keptQuery([4, 4]) });
  kernel.change({ rate: 1 });
  expect(session.cursor.value).toEqual(keptQuery([8, 8]));
  expect(session.attention.P).toBe(H * W);
});

test("a setting of the softmax shares the scores, another rate does not", () => {
  const { session, kernel } = open();
  const before = session.attention;
  kernel.change({ softmax_scale: 1 });
  expect(session.attention.norms).toBe(before.norms);
  expect(session.attention.best(0, 1)[0].weight).toBeLessThan(before.best(0, 1)[0].weight);
  kernel.change({ rate: 1 });
  expect(session.attention.norms).not.toBe(before.norms);
});

// ---- the scene ----

test("a scene: the row of the stage, where a patch goes, the sources of a pixel", () => {
  const { session } = open();
  session.cursor.value = keptQuery([2, 3]);
  session.stage.value = "scores";
  const { attention, backgroundHeat } = session.scene.value;
  expect(backgroundHeat?.values).toBe(attention.row("scores", 13));
  expect(valuesOf(session.scene.value, "output")?.length).toBe(CHANNELS * 16);
  session.cursor.value = { kind: "patch", patch: 4, query: null, kept: true };
  expect(session.scene.value.foregroundHeat?.values.length).toBe(QUERIES);
  expect(session.scene.value.backgroundHeat).toBe(null);
  session.cursor.value = { kind: "pixel", pixel: [5, 6], kept: true };
  const sources = Array.from(session.scene.value.backgroundHeat?.values ?? []);
  const total = sources.reduce((sum, share) => sum + share, 0);
  expect(total).toBeCloseTo(1, 9); // four rows, each of weight one, over four
});
