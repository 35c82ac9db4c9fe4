// What is said of a region's sum, step by step.
import { describe, expect, test, vi } from "vitest";
import type { StageKey } from "../generated/stages.ts";
import type { Run } from "../state/run.ts";
import type { Session } from "../state/session.ts";
import { openApp, words } from "./app.tsx";
import { EVERYWHERE } from "./inspect.tsx";
import { settled } from "./pictures.tsx";
import { smallRun } from "./run.ts";

const BOX = { from: [1, 3], to: [4, 1], isComplete: true } as const;
const ROWS = 12;

function open(stage: StageKey, run?: Run) {
  const session = openApp(stage, run);
  session.region.value = BOX;
  return session;
}

/** A busy machine adds up in several frames. */
const whole = (session: Session) =>
  vi.waitFor(() => expect(session.regionSum.value?.rowsDone).toBe(ROWS));

const caption = () => words('[aria-label="background"] .ctx-caption');

/** The sum of a stage's rows over the box, the slow way. */
function sumOf({ attention }: Session, stage: "scores" | "fused_rows" | "attention"): number[] {
  const sum = new Array<number>(attention.L).fill(0);
  for (let row = 1; row <= 4; row++) {
    for (let column = 1; column <= 3; column++) {
      attention.row(stage, row * attention.w + column).forEach((value, q) => {
        sum[q] += value;
      });
    }
  }
  return sum;
}

describe("a region's sum", () => {
  test("is that of the chosen step, and its matches stay those of the attention", async () => {
    const session = open("attention");
    const best = session.scene.value.best.map(({ index }) => index);
    for (const stage of ["scores", "fused_rows", "attention"] as const) {
      session.stage.value = stage;
      const expected = sumOf(session, stage);
      await whole(session);
      const sum = session.regionSum.value;
      expect(sum?.stage).toBe(stage);
      expected.forEach((value, q) => {
        expect(sum?.values[q]).toBeCloseTo(value, 6);
      });
      const { backgroundHeat, best: now } = session.scene.value;
      expect(backgroundHeat?.range.signed).toBe(stage !== "attention");
      expect(now.map(({ index }) => index)).toEqual(best);
    }
  });

  test("is summed anew only where the step has another matrix", () => {
    const session = open("attention");
    const before = session.regionSum.value;
    session.stage.value = "flow";
    expect(session.regionSum.value).toBe(before);
    session.stage.value = "scores";
    expect(session.regionSum.value).not.toBe(before);
  });

  test("is said with the step's number, in caption and sentence", async () => {
    const session = open("fused_scores");
    await whole(session);
    await settled();
    expect(caption()).toMatch(/^(fused along columns|fused_scores) of 12 cells, added up: /);
    const sentence = words(".ctx-story");
    expect(sentence).toMatch(/^The 12 cells of the region score patch \(\d, \d\) highest of those/);
    expect(sentence).toMatch(/those that may be pasted: [\d.]+ each, on average\.$/);
    session.stage.value = "attention";
    await whole(session);
    await settled();
    expect(caption()).toMatch(/^attention of 12 cells, added up: /);
    expect(words(".ctx-story")).toMatch(/take most from patch \(\d, \d\): [\d.]+ % each, on av/);
  });

  test.each([
    ["downsampled_f", "Colours are not added up"],
    ["matching_patches", "Patches are not added up"],
    ["valid", "Validity is the same for every cell"],
    ["output", "Each cell pastes at its own place"],
    ["flow", "Arrows are not added up"],
  ] as const)("at %s it says why the attention is shown instead", async (stage, reason) => {
    const session = open(stage);
    await settled();
    expect(session.regionSum.value?.stage).toBe("attention");
    expect(words(".ctx-story")).toContain(`${reason}: shown is the attention. The 12 `);
  });

  test("is spoken when all of it has arrived, and not before", async () => {
    const session = open("scores");
    await settled();
    expect(words(".ctx-live")).toMatch(
      /^Region, \S.* of 12 cells, added up: most at patch \(\d, \d\), [\d.]+ a cell on average$/,
    );
    const sum = session.regionSum.value;
    session.regionSum.value = sum && { ...sum, rowsDone: ROWS - 1 };
    await settled();
    expect(words(".ctx-live")).toBe("");
    session.region.value = null;
    await settled();
    expect(words(".ctx-live")).toBe("");
  });

  test("leaves the query its own best match", () => {
    const session = open("flow");
    const { p, q } = session.scene.value;
    expect(q).toBe(session.attention.argmax(p));
    expect(q).not.toBe(session.scene.value.best[0].index);
  });

  test("of one cell", async () => {
    const session = open("attention");
    session.region.value = { ...BOX, to: BOX.from };
    await settled();
    expect(words(".ctx-story")).toMatch(/^The one cell of the region takes most from patch/);
  });

  test("with every patch masked there is none to name", async () => {
    open("downsampled_f", smallRun({ mask: EVERYWHERE }));
    await settled();
    expect(words(".ctx-story")).toBe(
      "The region’s cells can take from no patch: none that may be pasted has a number.",
    );
  });
});
