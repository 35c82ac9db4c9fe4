// Facts and findings: the folded list, the jump, the walk, and whose run they are about.
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test } from "vitest";
import type { Meta, RemarkData } from "../protocol.ts";
import { queryOf } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import { type Tools, ToolsContext } from "../views/context.ts";
import { Findings } from "../views/Findings.tsx";
import { walkOn, walkStepOf } from "../views/walk.ts";
import { open } from "./stub.ts";

const RIM: RemarkData = {
  key: "rim",
  sentence: "3 of 4 queries have their best match in the rim.",
  stage: "offsets",
  cells: [
    [2, 1],
    [3, 4],
    [0, 0],
  ],
  count: 3,
  grid: "query",
  sample: 0,
};
const LEAK: RemarkData = {
  key: "leak",
  sentence: "1 patch pastes some of the hole’s pixels.",
  stage: "valid",
  cells: [[4, 2]],
  count: 1,
  grid: "patch",
  sample: 0,
};
const FACT: RemarkData = {
  key: "same_map",
  sentence: "f and b are the same map.",
  stage: "scores",
  cells: [],
  count: 0,
  grid: "query",
  sample: 0,
};

const root = document.createElement("div");

afterEach(() => {
  render(null, root);
});

function show(more: Partial<Meta> = {}) {
  const meta = { facts: [FACT], findings: [RIM, LEAK], walk: null, ...more };
  const { model, session, kernel } = open({}, meta);
  const tools: Tools = { session, kernel, hands: new Hands(session, kernel) };
  act(() =>
    render(
      <ToolsContext.Provider value={tools}>
        <Findings />
      </ToolsContext.Provider>,
      root,
    ),
  );
  return { model, session, tools };
}

const text = (): string => (root.textContent ?? "").replaceAll(/\s+/g, " ");

function press(label: string): void {
  const button = root.querySelector<HTMLElement>(`[aria-label="${label}"]`);
  if (!button) throw new Error(`There is no button ${label}.`);
  act(() => button.click());
}

test("it is folded away, and says how many there are", () => {
  show();
  expect(root.querySelector("details")?.open).toBe(false);
  expect(root.querySelector("summary")?.textContent).toContain("1 fact");
  expect(root.querySelector("summary")?.textContent).toContain("2 findings");
  for (const { sentence } of [FACT, RIM, LEAK]) expect(text()).toContain(sentence);
});

test("a jump shows the stage and keeps the first cell, in one message", () => {
  const { model, session } = show();
  model.saved.length = 0;
  press("Show rim");
  expect(session.stage.value).toBe("offsets");
  expect(session.kept).toBe(true);
  expect(queryOf(session.cursor.value, 2)).toEqual([2, 1]);
  expect(model.values.query).toEqual([2, 1]);
  expect(model.saved.length).toBe(1);
});

test("next and previous go round, at the stage on screen", () => {
  const { session, tools } = show();
  press("Show rim");
  session.stage.value = "scores";
  press("Next cell");
  expect(queryOf(session.cursor.value, 2)).toEqual([3, 4]);
  expect(session.stage.value).toBe("scores");
  expect(text()).toContain("2 of 3");
  press("Previous cell");
  press("Previous cell");
  expect(queryOf(session.cursor.value, 2)).toEqual([0, 0]);
  act(() => walkOn(tools, 1));
  expect(queryOf(session.cursor.value, 2)).toEqual([2, 1]);
});

test("a place in the background is a kept patch; a fact without places is a stage", () => {
  const { session } = show();
  press("Show leak");
  expect(session.cursor.value).toEqual({ kind: "patch", patch: 22, query: null, kept: true });
  press("Show same map");
  expect(session.stage.value).toBe("scores");
  expect(session.cursor.value.kind).toBe("patch");
});

test("a cell that the present grid does not have is said", () => {
  const { session } = show({ findings: [{ ...RIM, cells: [[6, 0]] }] });
  press("Show rim");
  expect(session.message.value).toBe("The present grid has no cell (6, 0).");
  expect(session.kept).toBe(false);
});

test("cells to walk through unfold it", () => {
  const { session } = show({
    walk: [
      [1, 1],
      [5, 4],
    ],
  });
  expect(root.querySelector("details")?.open).toBe(true);
  expect(text()).toContain("2 cells to walk through.");
  const { stage } = session;
  const before = stage.value;
  press("Show walk");
  press("Next cell");
  expect(queryOf(session.cursor.value, 2)).toEqual([5, 4]);
  expect(stage.value).toBe(before);
});

test("of other settings it says so, until the kernel has looked again", () => {
  const { model, session, tools } = show();
  expect(text()).not.toContain("before the last change");
  act(() => tools.kernel.change({ softmax_scale: 1 }));
  expect(text()).toContain("These belong to the settings and the hole of before the last change.");
  act(() => root.querySelector<HTMLElement>('[data-do="find"]')?.click());
  expect(model.sent).toEqual([{ kind: "find" }]);
  expect(text()).toContain("The kernel looks …");
  act(() => model.tell("msg:custom", { kind: "findings", facts: [FACT], findings: [] }));
  expect(text()).not.toContain("before the last change");
  expect(text()).toContain("This run shows none of the oddities that are looked for.");
  act(() => tools.kernel.change({ softmax_scale: 10 }));
  expect(text()).toContain("before the last change");
  expect(session.remarks.known.value?.findings).toEqual([]);
});

test("nobody has looked yet: the kernel is asked, or Python named", () => {
  const { model } = show({ findings: null });
  expect(root.querySelector("summary")?.textContent).not.toContain("finding ");
  act(() => root.querySelector<HTMLElement>('[data-do="find"]')?.click());
  act(() => model.tell("msg:custom", { kind: "refused", request: 0, reason: "No." }));
  expect(root.querySelector<HTMLButtonElement>('[data-do="find"]')?.disabled).toBe(false);
  render(null, root);
  show({ findings: null, kernel: false });
  expect(root.querySelector('[data-do="find"]')).toBe(null);
  expect(text()).toContain("Python looks for them: trace.findings.");
});

test("N and P walk, but not in a field and not with Control", () => {
  const key = (name: string, more: object = {}) =>
    walkStepOf({ key: name, target: root, ...more } as unknown as KeyboardEvent);
  expect([key("n"), key("N"), key("p"), key("x")]).toEqual([1, 1, -1, 0]);
  expect(key("n", { ctrlKey: true })).toBe(0);
  expect(key("n", { target: document.createElement("input") })).toBe(0);
});
