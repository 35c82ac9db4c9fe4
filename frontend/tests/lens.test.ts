// The gradient lens: asked of the kernel for what is kept, one wish at a time.
import { expect, test, vi } from "vitest";
import type { AskGradientMessage } from "../protocol.ts";
import { keptQuery } from "../state/cursor.ts";
import { lineOf } from "../state/lens.ts";
import { tableOf } from "../state/table.ts";
import { stopTheClock } from "./clock.ts";
import { H, noise, open, type StubModel, W } from "./stub.ts";

vi.mock("../state/background.ts", () => import("./background.ts"));
stopTheClock();

const AREA = H * W;
const RESULT = {
  output: new Float32Array(3 * AREA),
  lse: new Float32Array(30),
  argmax: new Int32Array(30),
};

function opened(kernel: boolean) {
  const page = open({}, { kernel });
  const { session } = page;
  session.run.know(0, RESULT);
  session.cursor.value = keptQuery([2, 2]);
  return { ...page, lens: page.kernel.lens };
}

const wishes = (model: StubModel): AskGradientMessage[] =>
  model.sent.filter((message) => message.kind === "gradient");

const NUMBERS = noise(3 * AREA);

function answer(model: StubModel, number: number, sentence = "why"): void {
  const shape: [number, number, number] = [3, H, W];
  const message = {
    kind: "gradient",
    number,
    of: "y",
    value: 1,
    sentence,
    shapes: shapesOf(shape),
  };
  const bytes = new DataView(NUMBERS.slice().buffer);
  model.tell("msg:custom", message, [bytes, bytes]);
}

const shapesOf = (shape: [number, number, number]) => ({ f: shape, b: shape });

test("what is kept is asked for once, and again when something else is kept", () => {
  const { model, session, lens } = opened(true);
  lens.toggle();
  expect(wishes(model)).toEqual([{ kind: "gradient", number: 1, pixel: null, query: [2, 2] }]);
  session.cursor.value = { kind: "pixel", pixel: [3, 4], kept: true };
  expect(wishes(model)).toHaveLength(1); // one in flight
  answer(model, 1);
  expect(session.gradient.value).toBeNull(); // it was for another place
  expect(wishes(model)[1]).toEqual({ kind: "gradient", number: 2, pixel: [3, 4], query: null });
  answer(model, 2);
  expect(session.gradient.value?.sentence).toBe("why");
  expect(lens.waiting.value).toBe("");
});

test("a patch that is pointed at beside the kept query asks for nothing new", () => {
  const { model, session, lens } = opened(true);
  lens.toggle();
  answer(model, 1);
  session.cursor.value = keptQuery([2, 2], 7);
  expect(wishes(model)).toHaveLength(1);
  expect(session.gradient.value).not.toBeNull();
});

test("the maps are the sum of the channels, or the one that is chosen", () => {
  const { model, session, lens } = opened(true);
  lens.toggle();
  answer(model, 1);
  const at = 17;
  const { foregroundHeat } = session.scene.value;
  const sum = NUMBERS[at] + NUMBERS[AREA + at] + NUMBERS[2 * AREA + at];
  expect(foregroundHeat?.values[at]).toBeCloseTo(sum, 12);
  expect(foregroundHeat).toMatchObject({ rows: H, cols: W, step: 1, range: { signed: true } });
  session.channel.value = 1;
  const { backgroundHeat } = session.scene.value;
  expect(backgroundHeat?.values[at]).toBe(NUMBERS[AREA + at]);
  const table = tableOf(session.scene.value);
  const plane = [...NUMBERS.subarray(AREA, 2 * AREA)];
  const strongest = plane.indexOf(plane.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0]);
  expect(table?.of).toBe("pixel");
  expect(table?.rows[0].place).toEqual([Math.floor(strongest / W), strongest % W]);
  lens.toggle();
  expect(session.scene.value.foregroundHeat).toBeNull();
});

test("what is shown is kept when the lens opens; a patch has no gradient", () => {
  const { session, lens, model } = opened(true);
  session.letGo();
  lens.toggle();
  expect(session.kept).toBe(true);
  expect(wishes(model)).toHaveLength(1);
  lens.toggle();
  session.cursor.value = { kind: "patch", patch: 3, query: null, kept: true };
  lens.toggle();
  expect(lens.lack.value).toMatch("Keep an output pixel, or a query");
});

test("without a kernel the line of Python is named", () => {
  const { session, lens, model } = opened(false);
  lens.toggle();
  expect(wishes(model)).toEqual([]);
  expect(lens.lack.value).toMatch("There is no kernel here");
  expect(lineOf(session)).toBe("trace.gradient(query=(2, 2))");
  session.cursor.value = { kind: "pixel", pixel: [3, 4], kept: true };
  expect(lineOf(session)).toBe("trace.gradient(pixel=(3, 4))");
});

test("other settings have another gradient, once the kernel has answered to them", () => {
  const { model, session, kernel, lens } = opened(true);
  lens.toggle();
  answer(model, 1);
  kernel.change({ softmax_scale: 3 });
  expect(session.gradient.value).toBeNull();
  expect(lens.lack.value).toMatch("once the output");
  expect(wishes(model)).toHaveLength(1);
  session.run.know(0, RESULT);
  expect(wishes(model)).toHaveLength(2);
  answer(model, 1); // too late: nobody waits for it
  expect(session.gradient.value).toBeNull();
  model.tell("msg:custom", { kind: "no_gradient", number: 2, reason: "too large" }, []);
  expect(lens.lack.value).toBe("too large");
});

test("a closed lens asks for nothing, and an answer comes to nobody", () => {
  const { model, session, lens } = opened(true);
  lens.toggle();
  vi.advanceTimersByTime(5001);
  expect(lens.waiting.value).toMatch("not answered");
  lens.close();
  answer(model, 1);
  expect(session.gradient.value).toBeNull();
  session.cursor.value = keptQuery([3, 1]);
  expect(wishes(model)).toHaveLength(1);
});
