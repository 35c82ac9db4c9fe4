// The stepping view: what is on screen at a step, and what keys and clicks do.
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { StoredRecording } from "../protocol.ts";
import { recordingOf } from "../state/recording.ts";
import { Stepping } from "../state/stepping.ts";
import { Alone } from "../views/stepping/Alone.tsx";
import { lookRecording, loopRecording, made, SCORE, scoresRecording } from "./recording.ts";

const root = document.createElement("div");
let stepping = new Stepping();

beforeEach(() => {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  HTMLCanvasElement.prototype.getContext = () => null;
  document.body.append(root);
});

afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

async function show(stored: StoredRecording): Promise<void> {
  stepping = new Stepping();
  stepping.show(recordingOf(stored));
  await act(() => render(<Alone stepping={stepping} problem="" />, root));
}

const query = (selector: string): HTMLElement => {
  const element = root.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`There is no ${selector}.`);
  return element;
};
const words = (selector: string): string =>
  (query(selector).textContent ?? "").replaceAll(/\s+/g, " ").trim();
const press = (key: string, element: Element = query(".ctx-stepping")) =>
  act(() => {
    element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  });
const click = (selector: string) => act(() => query(selector).click());
const at = (): string => words(".ctx-where");

test("on a page of its own keys need no focus, in a notebook they do", async () => {
  await show(scoresRecording());
  await press("n", document.body);
  expect(at()).toBe("step 1 of 7");
  document.body.classList.add("ctxattn-page");
  await show(scoresRecording());
  await press("n", document.body);
  expect(at()).not.toBe("step 1 of 7");
  await press("b");
  expect(at()).toBe("step 1 of 7");
  document.body.classList.remove("ctxattn-page");
});

test("a step says where it is, what it made and how one element came about", async () => {
  await show(scoresRecording());
  await press("End");
  expect(at()).toBe("step 7 of 7");
  expect(words(".ctx-expression")).toBe("p @ q.mT");
  expect(words(".ctx-facts-of-value")).toMatch(/^1 × 1 × L 6 · float32 · .* · one score a patch$/);
  const best = SCORE.indexOf(Math.max(...SCORE));
  const element = query("[data-element]");
  expect(element.dataset.element).toBe(`0,0,${best}`);
  expect(Number(element.title)).toBeCloseTo(SCORE[best], 5);
  expect(words(".ctx-readout")).toMatch(`patch (${Math.floor(best / 3)}, ${best % 3})`);
  expect(words(".ctx-arithmetic")).toMatch(/^sum of 4 products/);
  expect(Number(query(".ctx-arithmetic").dataset.result)).toBeCloseTo(SCORE[best], 5);
  expect(words(".ctx-live")).toMatch(/^step 7 of 7: p @ q.mT, 1 × 1 × 6, −?\d.* to \d/);
});

test("keys go through the code, over calls, into them and out", async () => {
  await show(scoresRecording());
  expect(words(".ctx-calls button[aria-current]")).toBe("patch_norms");
  await press("o");
  expect(at()).toBe("step 4 of 7");
  expect(words(".ctx-calls button[aria-current]")).toBe("matching_scores");
  await press("n");
  expect(at()).toBe("step 5 of 7");
  await press("b");
  await press("b");
  expect(at()).toBe("step 3 of 7");
  await press("Home");
  await press("N");
  expect(at()).toBe("step 2 of 7");
  await act(() => {
    const event = new KeyboardEvent("keydown", { key: "n", ctrlKey: true, bubbles: true });
    query(".ctx-stepping").dispatchEvent(event);
  });
  expect(at()).toBe("step 2 of 7");
});

test("buttons say when they lead nowhere, and keep the focus", async () => {
  await show(scoresRecording());
  const back = query('[data-move="back"]');
  expect(back.getAttribute("aria-disabled")).toBe("true");
  expect(query('[data-move="next"]').getAttribute("aria-disabled")).toBe("false");
  await click('[data-move="back"]');
  expect(at()).toBe("step 1 of 7");
  await click('[data-move="last"]');
  expect(at()).toBe("step 7 of 7");
});

test("the sub-expression is marked, what has run is ticked, a click runs to a line", async () => {
  await show(scoresRecording());
  await press("o");
  expect(words(".ctx-code:not([hidden]) mark")).toBe("norms[:, :, None]");
  expect(words('.ctx-code:not([hidden]) [data-current="true"]')).toMatch(/^✓16/);
  await click('[data-line="17"] button');
  expect(at()).toBe("step 6 of 7");
  await click('[data-line="16"]');
  expect(at()).toBe("step 4 of 7"); // once round
  expect(root.querySelector('[data-line="15"] button')).toBeNull();
});

test("line numbers are one stop for Tab; the arrows go among them", async () => {
  await show(scoresRecording());
  await press("o");
  const stops = [...root.querySelectorAll<HTMLElement>(".ctx-code:not([hidden]) [aria-label]")];
  expect(stops.filter(({ tabIndex }) => tabIndex === 0).map((each) => each.textContent)).toEqual([
    "16",
  ]);
  query('[data-line="16"] button').focus();
  await press("ArrowDown", query('[data-line="16"] button'));
  expect(document.activeElement?.textContent).toBe("17");
});

test("loops say which turn, and how often a line ran", async () => {
  await show(loopRecording());
  await act(() => stepping.stand(4));
  expect(at()).toBe("step 5 of 9 · turn 2 of 2 · turn 2 of 3");
  expect(words('[data-line="4"] .ctx-times')).toBe("×5");
  expect(query('[data-line="4"] button').getAttribute("aria-label")).toBe(
    "Run to line 4, ran 5 times",
  );
});

test("variables are listed, and those that changed say so", async () => {
  await show(scoresRecording());
  await press("o");
  expect(words('[data-local="norms"]')).toMatch(/^norms1 × 6 · .*● changed$/);
  expect(words('[data-local="p"]')).not.toMatch("changed");
  await click('[data-local="patches"] button');
  expect(words(".ctx-expression")).toBe("patches");
  await click('[data-do="look-back"]');
  expect(words(".ctx-expression")).toBe("norms[:, :, None]");
});

test("a number of the arithmetic leads to where it comes from, step by step", async () => {
  await show(scoresRecording());
  await press("End");
  const parts = root.querySelectorAll<HTMLElement>(".ctx-arithmetic .ctx-link");
  await act(() => parts[1].click()); // of q.mT
  expect(words(".ctx-expression")).toBe("q.mT");
  expect(words(".ctx-aside")).toMatch("made at step 6");
  expect(words(".ctx-arithmetic")).toMatch(/^taken from q\[/);
  await click('[data-do="go-to-maker"]');
  expect(at()).toBe("step 6 of 7");
});

test("an exception shows its line with the shapes under its names", async () => {
  await show(loopRecording());
  expect(at()).toBe("step 9 of 9");
  expect(words(".ctx-failure")).toMatch("This line failed: RuntimeError");
  const rows = [...root.querySelectorAll(".ctx-failure pre")].map((row) => row.textContent);
  expect(rows).toEqual(["           x: 2 × 3", "               y: 2 × 3"]);
  expect(words(".ctx-failed")).toMatch("The run stopped here");
  expect(root.querySelectorAll(".ctx-operand")).toHaveLength(2);
  await press("b");
  expect(root.querySelector(".ctx-failure")).toBeNull();
  expect(words(".ctx-gap-words")).toBe("a number left PyTorch");
  expect(query("mark").className).toBe("ctx-gap");
});

test("what is not finite is said in words", async () => {
  await show(loopRecording());
  await act(() => stepping.stand(6));
  expect(words(".ctx-facts-of-value")).toMatch("⚠ 1 NaN, 1 infinite");
  expect(words(".ctx-live")).toMatch("1 NaN, 1 infinite");
});

test("what stands beside is there where there is something", async () => {
  await show(scoresRecording());
  expect([...root.querySelectorAll("dt")].map((each) => each.textContent)).toEqual([
    "equation",
    "the paper’s words",
  ]);
  await show(loopRecording());
  expect(root.querySelector(".ctx-beside")).toBeNull();
});

test("a value alone has no code; sliders go along its other axes, arrows choose", async () => {
  await show(lookRecording(made([2, 3, 4], [...Array(24).keys()], { name: "x" })));
  expect(root.querySelector(".ctx-code, .ctx-steering")).toBeNull();
  const slider = query('[data-axis="axis 0"]') as HTMLInputElement;
  await act(() => {
    slider.value = "1";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await press("ArrowDown", query('[role="application"]'));
  await press("ArrowRight", query('[role="application"]'));
  await press("ArrowLeft", query('[role="application"]'));
  await press("ArrowLeft", query('[role="application"]')); // the edge
  expect(query("[data-element]").dataset.element).toBe("1,1,0");
  expect(query("[data-element]").title).toBe("16");
});

test("a part that was not kept says so", async () => {
  const part = made([4, 3], [1, 2, 3], { name: "x", slice: { axis_start: [2, 0], shape: [1, 3] } });
  await show(lookRecording(part));
  expect(query("[data-element]").dataset.element).toBe("2,0");
  await press("ArrowUp", query('[role="application"]'));
  expect(words(".ctx-readout")).toMatch("not kept in this page");
});

test("an exercise's answer: its stretch underlined, what is expected a click away", async () => {
  const stored = scoresRecording();
  const { line, source } = stored.recording.steps[0];
  await show({
    ...stored,
    recording: {
      ...stored.recording,
      stretch: { steps: [0, 1], pieces: [[source, line, 4, 9]] },
      target: 0,
      sentence: "After it, none does.",
    },
  });
  expect(query(".ctx-verdict p").textContent).toBe("After it, none does.");
  const mark = query(`[data-line="${line}"] .ctx-stretch`);
  expect(mark.dataset.stretch).toBe("4,9");
  expect(mark.style.left).toBe("4ch");
  expect(mark.style.width).toBe("5ch");
  await act(() => query('[data-do="to-stretch"]').click());
  expect(stepping.at.value).toBe(1);
  await act(() => query('[data-do="look-at-target"]').click());
  expect(stepping.value.value?.number).toBe(0);
});

test("other code has no verdict", async () => {
  await show(scoresRecording());
  expect(root.querySelector(".ctx-verdict, .ctx-stretch")).toBe(null);
});
