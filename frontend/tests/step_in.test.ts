// Opening the code of a stage: from the page, or from the kernel, one wish at a time.
import { expect, test, vi } from "vitest";
import type { StepInMessage, StoredRecording } from "../protocol.ts";
import { keptQuery } from "../state/cursor.ts";
import { stopTheClock } from "./clock.ts";
import { scoresRecording } from "./recording.ts";
import { open, type StubModel } from "./stub.ts";

vi.mock("../state/background.ts", () => import("./background.ts"));
stopTheClock();

const RESULT = {
  output: new Float32Array(360),
  lse: new Float32Array(30),
  argmax: new Int32Array(30),
};

function opened(kernel: boolean, recordings: StoredRecording[] = []) {
  const page = open({ recordings } as object, { kernel });
  const { session } = page;
  session.run.know(0, RESULT);
  session.cursor.value = keptQuery([2, 2]);
  return { ...page, stepIn: page.kernel.stepIn };
}

const wishes = (model: StubModel): StepInMessage[] =>
  model.sent.filter((message) => message.kind === "step_in");

function answer(model: StubModel, number: number, title = "an answer"): void {
  const { recording, arrays } = scoresRecording({ title });
  const buffers = (arrays as Float32Array[]).map(({ buffer }) => new DataView(buffer));
  model.tell("msg:custom", { kind: "recording", number, recording }, buffers);
}

test("a page shows what it holds at that query, and says which one where it is another", () => {
  const { session, stepIn } = opened(false, [scoresRecording()]);
  stepIn.open("scores");
  expect(stepIn.stepping.recording.value?.title).toMatch("(2, 2)");
  session.cursor.value = keptQuery([3, 1]);
  expect(stepIn.stepping.recording.value).toBeNull();
  expect(stepIn.lack.value?.query).toEqual([2, 2]);
  expect(stepIn.lack.value?.reason).toMatch("(2, 2)");
  session.cursor.value = keptQuery([2, 2]);
  expect(stepIn.stepping.recording.value?.title).toMatch("(2, 2)");
  expect(stepIn.lack.value).toBeNull();
});

test("other settings, another hole and another sample have other steps", () => {
  const { session, kernel, stepIn } = opened(false, [scoresRecording()]);
  stepIn.open("scores");
  kernel.change({ softmax_scale: 3 });
  expect(stepIn.stepping.recording.value).toBeNull();
  expect(stepIn.lack.value?.reason).toMatch("settings");
  kernel.change({ softmax_scale: 10 });
  expect(stepIn.stepping.recording.value).not.toBeNull();
  kernel.paint({ shape: [1, 12, 10], data: new Uint8Array(120).fill(1) });
  expect(stepIn.stepping.recording.value).toBeNull();
  session.message.value = "";
});

test("a page that is saved holds no steps of settings that are not on screen", () => {
  const { model, kernel } = opened(false, [scoresRecording()]);
  kernel.change({ softmax_scale: 3 });
  kernel.wishes.savePage();
  expect(model.values.recordings).toEqual([]);
  kernel.change({ softmax_scale: 10 });
  kernel.wishes.savePage();
  expect(model.values.recordings).toHaveLength(1);
});

test("without anything there is a sentence with what can be done", () => {
  const { stepIn } = opened(false);
  stepIn.open("forward");
  expect(stepIn.lack.value?.reason).toMatch("cv.debug");
  expect(stepIn.lack.value?.query).toBeNull();
});

test("a kernel is asked once, and again when another query is kept", () => {
  const { model, session, stepIn } = opened(true);
  stepIn.open("scores");
  expect(wishes(model)).toEqual([{ kind: "step_in", number: 1, stage: "scores", query: [2, 2] }]);
  expect(stepIn.waiting.value).toMatch("(2, 2)");
  session.cursor.value = keptQuery([3, 1]);
  session.cursor.value = keptQuery([4, 1]);
  expect(wishes(model)).toHaveLength(1); // one in flight
  answer(model, 1);
  expect(stepIn.stepping.recording.value).toBeNull(); // it was for another query
  expect(wishes(model)[1]).toEqual({
    kind: "step_in",
    number: 2,
    stage: "scores",
    query: [4, 1],
  });
  answer(model, 2);
  expect(stepIn.stepping.recording.value?.title).toBe("an answer");
  expect(stepIn.waiting.value).toBe("");
});

test("hovering asks for nothing", () => {
  const { model, session, stepIn } = opened(true);
  session.letGo();
  stepIn.open("scores");
  answer(model, 1);
  session.cursor.value = { kind: "query", query: [0, 1], partner: null, kept: false };
  session.cursor.value = { kind: "query", query: [0, 2], partner: null, kept: false };
  expect(wishes(model)).toHaveLength(1);
});

test("a wish is given up by hand; its answer comes to nobody", () => {
  const { model, stepIn } = opened(true);
  stepIn.open("scores");
  vi.advanceTimersByTime(5001);
  expect(stepIn.waiting.value).toMatch("not answered");
  stepIn.cancel();
  expect(stepIn.waiting.value).toBe("");
  answer(model, 1);
  expect(stepIn.stepping.recording.value).toBeNull();
  stepIn.open("scores");
  answer(model, wishes(model)[1].number);
  expect(stepIn.stepping.recording.value).not.toBeNull();
});

test("why there is no recording is said", () => {
  const { model, stepIn } = opened(true);
  stepIn.open("scores");
  model.tell("msg:custom", { kind: "no_recording", number: 1, reason: "too large" });
  expect(stepIn.lack.value?.reason).toBe("too large");
});

test("with other settings the kernel is asked once it has answered to them", () => {
  const { model, session, kernel, stepIn } = opened(true);
  stepIn.open("scores");
  answer(model, 1);
  kernel.change({ softmax_scale: 3 });
  expect(wishes(model)).toHaveLength(1);
  session.run.know(0, RESULT);
  expect(wishes(model)).toHaveLength(2);
});

test("once it is closed nothing more is asked", () => {
  const { model, session, stepIn } = opened(true);
  stepIn.open("scores");
  stepIn.close();
  session.cursor.value = keptQuery([3, 1]);
  expect(wishes(model)).toHaveLength(1);
  expect(stepIn.code.value).toBeNull();
});
