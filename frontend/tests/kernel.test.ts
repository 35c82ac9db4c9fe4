// What the page does where the kernel refuses, is silent or gone; and where workers are forbidden.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Background } from "../state/background.ts";
import { CONFIG, inputs, open } from "./stub.ts";

const PATIENCE = 5000;
const REST = 50;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a refused setting is undone on screen, with the reason", () => {
  const { session, kernel, model } = open();
  const before = session.run;
  kernel.change({ softmax_scale: 40 });
  vi.advanceTimersByTime(REST);
  expect(model.values.config?.softmax_scale).toBe(40);
  // What Python does: the state as it was, then why.
  model.become("config", CONFIG);
  model.become("softmax_scale", CONFIG.softmax_scale);
  model.tell("msg:custom", { kind: "refused", request: 1, reason: "config: too much" });
  expect(session.run).toBe(before);
  expect(session.run.config.softmax_scale).toBe(CONFIG.softmax_scale);
  expect(session.problem.value).toBe("config: too much");
  expect(session.progress.value).toBe(null);
});

test("a refused hole is undone, too", () => {
  const { session, kernel, model } = open();
  const { H, W } = session.run.inputs;
  kernel.paint({ shape: [1, H, W], data: new Uint8Array(H * W).fill(1) });
  vi.advanceTimersByTime(REST);
  model.become("mask", null);
  model.tell("msg:custom", { kind: "refused", request: 1, reason: "mask: not so" });
  expect(session.run.mask).toBe(null);
  expect(session.problem.value).toBe("mask: not so");
});

test("a silent kernel counts as gone until it gives a sign of life", () => {
  const { session, kernel, model } = open();
  vi.advanceTimersByTime(REST + PATIENCE);
  expect(session.offline.value).toBe(true);
  expect(session.alone).toBe(true);
  kernel.wishes.savePage();
  expect(session.message.value).toMatch(/does not answer/);
  expect(model.sent).toEqual([]);
  model.tell("msg:custom", { kind: "page", name: "a.html", html: "" });
  expect(session.offline.value).toBe(false);
});

test("a page that does not come is not waited for without a word", () => {
  const { session, kernel, model } = open();
  kernel.wishes.savePage();
  expect(model.sent).toEqual([{ kind: "save_page" }]);
  expect(session.message.value).toMatch(/Waiting for the kernel/);
  vi.advanceTimersByTime(PATIENCE);
  expect(session.message.value).toMatch(/does not answer/);
});

test("a photograph that the kernel does not take is computed in the page", () => {
  const { kernel, model } = open();
  const otherwise = vi.fn();
  kernel.wishes.upload("cat.png", [8, 8, 3], new Uint8Array(192), otherwise);
  model.tell("msg:custom", { kind: "refused", request: 0, reason: "upload: too large" });
  vi.advanceTimersByTime(PATIENCE);
  expect(otherwise).not.toHaveBeenCalled();
  kernel.wishes.upload("cat.png", [8, 8, 3], new Uint8Array(192), otherwise);
  vi.advanceTimersByTime(PATIENCE);
  expect(otherwise).toHaveBeenCalledTimes(1);
});

test("a wait that is cancelled ends, and no request follows", () => {
  const { session, kernel, model } = open();
  vi.advanceTimersByTime(REST);
  kernel.change({ softmax_scale: 3 });
  kernel.cancel();
  expect(session.progress.value).toBe(null);
  vi.advanceTimersByTime(PATIENCE + REST);
  expect(model.values.request).toBe(1);
});

const CAN = { ...CONFIG, softmax_scale: 1 };
const arrays = () => {
  const { buffers } = inputs();
  const f = buffers.f as Float32Array<ArrayBuffer>;
  return { c: 3, H: 12, W: 10, Hb: 12, Wb: 10, mask: null, f, b: f };
};

test("without workers the page computes in slices", async () => {
  vi.useRealTimers();
  vi.stubGlobal(
    "Worker",
    class {
      constructor() {
        throw new Error("refused by the policy");
      }
    },
  );
  const shares: number[] = [];
  const result = await new Background("output").compute(arrays(), CAN, (share) =>
    shares.push(share),
  );
  expect(result?.output.length).toBe(3 * 12 * 10);
  vi.stubGlobal(
    "Worker",
    class {
      onerror: (() => void) | null = null;
      constructor() {
        setTimeout(() => this.onerror?.());
      }
      postMessage() {}
      terminate() {}
    },
  );
  vi.stubGlobal("URL", { createObjectURL: () => "blob:", revokeObjectURL() {} });
  const later = await new Background("output").compute(arrays(), CAN, () => {});
  expect(later?.output).toEqual(result?.output);
});

test("a newer job ends an older", async () => {
  vi.useRealTimers();
  vi.stubGlobal("Worker", undefined);
  const background = new Background("output");
  const first = background.compute(arrays(), CAN, () => {});
  const second = background.compute(arrays(), CAN, () => {});
  expect(await first).toBe(null);
  expect(await second).not.toBe(null);
});
