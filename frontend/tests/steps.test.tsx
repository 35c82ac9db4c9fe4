// Every stage under every cursor: what it says holds numbers, and they are the engine's.
import { render } from "preact";
import { act } from "preact/test-utils";
import { describe, expect, test } from "vitest";
import { MATRIX_KEYS, STAGE_KEYS, STEP_KEYS, type StageKey } from "../generated/stages.ts";
import { keptQuery } from "../state/cursor.ts";
import { valuesOf } from "../state/scene.ts";
import { STEPS, stepOf } from "../steps/index.ts";
import { type Tools, ToolsContext } from "../views/context.ts";
import { digits, percent } from "../views/format.ts";
import { Inspector } from "../views/Inspector.tsx";
import { setRoot } from "../views/root.ts";
import {
  CURSORS,
  EVERYWHERE,
  elements,
  root,
  say,
  sceneOf,
  show,
  term,
  VIEWS,
} from "./inspect.tsx";
import { smallRun } from "./run.ts";

test("each step has the name that it is listed under", () => {
  for (const [name, step] of Object.entries(STEPS)) expect(step.name).toBe(name);
});

describe("every stage with every cursor", () => {
  const runs = {
    "as it is": smallRun(),
    "without a hole": smallRun({ mask: null }),
    "without an output": smallRun({ isKnown: false }),
    "all hole": smallRun({ mask: EVERYWHERE }),
    "without fusion": smallRun({ config: { fuse: false } }),
    "as mmagic has it": smallRun({
      config: { shrink: "floor", masked: "minus_infinity", overlap: "coverage" },
    }),
    "of other sizes": smallRun({ config: { rate: 1, stride: 2, ksize: 5, fuse_k: 5 } }),
    "of norms by the element": smallRun({ config: { norm: "per_element" } }),
    "of a black picture": smallRun({ isDark: true }),
    "of no norms": smallRun({ config: { norm: "none" } }),
  };
  const cases = Object.keys(runs).flatMap((name) =>
    Object.keys(CURSORS).map((cursor) => [name, cursor] as const),
  );
  test.each(cases)("a run %s, %s", (name, cursor) => {
    const run = runs[name as keyof typeof runs];
    for (const stage of STAGE_KEYS) {
      const text = show(run, stage, CURSORS[cursor]);
      expect(text, stage).not.toMatch(/undefined|NaN|\[object|Infinity/);
      expect(root.innerHTML, stage).not.toMatch(/undefined|NaN|\[object/);
      const sentence = say(run, stage, CURSORS[cursor]);
      expect(sentence, stage).not.toMatch(/undefined|NaN|\[object|Infinity| {2}/);
      expect(sentence, stage).toMatch(/\.$/);
      const { scene } = sceneOf(run, stage, CURSORS[cursor]);
      const step = stepOf(stage);
      for (const view of VIEWS) {
        const marks = step.marks?.(view, scene) ?? [];
        const arrows = step.arrows?.(view, scene) ?? [];
        const numbers = [
          ...marks.flatMap(({ box }) => box),
          ...arrows.flatMap(({ from, to }) => [...from, ...to]),
        ];
        expect(numbers.every(Number.isFinite), `${stage}: ${view}`).toBe(true);
        const picture = step.picture?.(view, scene);
        for (let i = 0; picture && i < picture.rows * picture.cols; i++) {
          expect(Array.from(picture.colours(i) ?? [])).toHaveLength(3);
        }
      }
    }
  });

  test("NaN is said to be one, where the softmax gives it", () => {
    const run = smallRun({ mask: EVERYWHERE, config: { masked: "minus_infinity" } });
    for (const stage of STAGE_KEYS) expect(show(run, stage, keptQuery([2, 2]))).toBeTruthy();
    const sentence = say(run, "attention", keptQuery([2, 2]));
    expect(sentence).toContain("the softmax has nothing to divide by and gives NaN");
    expect(show(run, "attention", keptQuery([2, 2]))).not.toContain("its weight is 0");
  });
});

describe("numbers", () => {
  test("a stage has as many as its shape without sample and, in a row, without the queries", () => {
    const run = smallRun();
    for (const stage of STAGE_KEYS) {
      const { scene } = sceneOf(run, stage, keptQuery([4, 3]));
      const shape = stepOf(stage).shape(stage, run, scene.attention);
      const values = valuesOf(scene, stage);
      const { c, L, config } = scene.attention;
      const counts: Partial<Record<StageKey, number>> = {
        downsampled_f: c,
        downsampled_b: shape[1] * shape[2] * shape[3],
        downsampled_mask: shape[2] * shape[3],
        matching_patches: c * config.ksize ** 2,
        paste_patches: c * (2 * config.rate) ** 2,
        output: c * (2 * config.rate) ** 2,
        offsets: 2,
        flow: 2,
      };
      expect(values?.length, stage).toBe(counts[stage] ?? L);
    }
  });

  test("each equation ends with the number that its row has", () => {
    const run = smallRun();
    const results = ["score", "fused", "fused", "weight"];
    for (const [i, stage] of MATRIX_KEYS.entries()) {
      show(run, stage, keptQuery([4, 3], 24));
      const value = run.attention(0).row(stage, 4 * 5 + 3)[24];
      expect(term(results[i]).at(-1)).toBeCloseTo(value, 6);
      const { scene } = sceneOf(run, stage, keptQuery([4, 3], 24));
      const said = stage === "attention" ? percent(value) : digits(value);
      expect(stepOf(stage).value(scene)).toBe(said);
    }
  });

  test("one foot spans both passes of the fusion, and every other step has its own", () => {
    const spans = STEP_KEYS.map((name) => (STEPS[name].Foot ? (STEPS[name].footSpan ?? 1) : 0));
    expect(spans).toEqual([1, 1, 1, 1, 2, 0, 1, 1, 1]);
  });

  test("pointing at a term says whose place it is, until it is left or gone", () => {
    const { session } = sceneOf(smallRun(), "flow", keptQuery([4, 3]));
    const tools = { session, kernel: {} } as unknown as Tools;
    const element = document.createElement("section");
    setRoot(tools, element);
    const inspector = (
      <ToolsContext.Provider value={tools}>
        <Inspector />
      </ToolsContext.Provider>
    );
    act(() => render(inspector, root));
    const [match] = elements(".ctx-term");
    match.dispatchEvent(new Event("pointerenter"));
    expect(session.highlight.value).toBe("match");
    expect(element.dataset.highlight).toBe("match");
    match.dispatchEvent(new Event("pointerleave"));
    expect(element.dataset.highlight).toBeUndefined();
    match.querySelector("button")?.dispatchEvent(new Event("focusin", { bubbles: true }));
    expect(session.highlight.value).toBe("match");
    act(() => render(null, root));
    expect(session.highlight.value).toBeNull();
  });

  test("shapes are those of Python's tensors", () => {
    const run = smallRun();
    const shapes = STAGE_KEYS.map((key) => stepOf(key).shape(key, run, run.attention(0)).join(" "));
    expect(shapes).toEqual([
      "1 3 6 5",
      "1 3 6 5",
      "1 1 6 5",
      "1 30 3 3 3",
      "1 30 3 4 4",
      "1 30",
      ...MATRIX_KEYS.map(() => "1 6 5 30"),
      "1 3 12 10",
      "1 6 5 2",
      "1 3 6 5",
    ]);
  });
});
