// What each step says where it has something of its own to say.
import { describe, expect, test } from "vitest";
import { keptQuery } from "../state/cursor.ts";
import { stepOf } from "../steps/index.ts";
import {
  CURSORS,
  EVERYWHERE,
  elements,
  INVALID,
  publish,
  say,
  sceneOf,
  show,
  term,
} from "./inspect.tsx";
import { smallRun } from "./run.ts";

describe("shrink", () => {
  test("where both rules agree it says so, and where they part", () => {
    const text = show(smallRun(), "downsampled_f", keptQuery([1, 1]));
    expect(text).toContain("pixel (2, 2)f around it; the ringed one is kept→(");
    expect(text).toContain("f↓ at cell (1, 1)");
    expect(text).toContain(
      "Plain steps of 2 take the same pixel here; the two rules part from row 3 or column 2 on.",
    );
  });

  test("where they differ it says what the other would take", () => {
    const aligned = show(smallRun(), "downsampled_f", keptQuery([4, 3]));
    expect(aligned).toContain(
      "this cell that is pixel (9, 7); plain steps of 2 would take (8, 6).",
    );
    const floor = smallRun({ config: { shrink: "floor" } });
    const plain = show(floor, "downsampled_b", keptQuery([0, 0], 4 * 5 + 3));
    expect(plain).toContain("pixel (8, 6)b around it");
    expect(plain).toContain("row 4 takes pixel 4 · 2 = 8, column 3 pixel 3 · 2 = 6.");
    expect(plain).toContain("for this cell it would take (9, 7).");
  });

  test("at rate 1 the rules never part", () => {
    const text = show(smallRun({ config: { rate: 1 } }), "downsampled_f", keptQuery([4, 3]));
    expect(text).toContain("f: every pixel is kept");
    expect(text).toContain("At rate 1 nothing is shrunk: the matching sees every pixel.");
  });

  test("the numbers are the pixel's, and the hole is painted over the background", () => {
    const run = smallRun();
    show(run, "downsampled_f", keptQuery([4, 3]));
    const { f } = run.inputs;
    const channels = [0, 1, 2].map((k) => f[(k * 12 + 9) * 10 + 7]);
    expect(term("kept")).toEqual(channels);
    expect(show(run, "downsampled_mask", keptQuery([4, 3]))).toContain("fall between them and van");
    const { scene } = sceneOf(run, "downsampled_mask", keptQuery([4, 3]));
    const picture = stepOf("downsampled_mask").picture?.("background", scene);
    expect(picture?.colours(2 * 5 + 2)).toEqual([204, 121, 167]);
    expect(picture?.colours(0)).not.toEqual([204, 121, 167]);
  });
});

describe("validity", () => {
  test("a patch that touches the hole, and one that does not", () => {
    const touching = show(smallRun(), "valid", CURSORS["an invalid patch"]);
    expect(touching).toContain("m↓(2, 2) is 1, so valid(1, 1) is 0: one cell of the shrunk hole");
    expect(touching).toContain("1 in the holecells of patch (1, 1), ringed");
    expect(touching).toContain("70 %21 of 30patches may be pasted");
    expect(term("valid")).toEqual([0]);
    expect(elements(".ctx-tile i").map((ring) => ring.getAttribute("style"))).toEqual([
      "--x: 2; --y: 2;",
    ]);
    const other = show(smallRun(), "valid", CURSORS["a patch"]);
    expect(other).toContain("0 in the holecells of patch (5, 0)→");
    expect(other).not.toContain("is 1, so");
    expect(term("valid")).toEqual([1]);
  });
});

describe("matching", () => {
  test("what a score would be as a cosine, where it is divided by one norm", () => {
    const text = show(smallRun(), "scores", keptQuery([4, 3], 24));
    expect(text).toContain("Not quite a cosine: only the key is divided by its norm.");
    expect(text).toContain("max(‖w‖, 0.0001)");
    const none = show(smallRun({ config: { norm: "none" } }), "scores", keptQuery([4, 3], 24));
    expect(none).toContain("neither patch is divided by its norm");
    expect(none).not.toContain("Not quite");
  });
});

describe("fusion", () => {
  test.each([
    ["fused_rows", 3],
    ["fused_scores", 9],
  ] as const)("%s names query and patch of each of its %i terms", (stage, count) => {
    const run = smallRun();
    show(run, stage, keptQuery([3, 2], 3 * 5 + 1));
    const boxes = elements(".ctx-micro");
    expect(boxes).toHaveLength(count);
    for (const box of boxes) {
      const [query, match] = [...box.querySelectorAll("small var")].map((each) => each.textContent);
      expect(box.querySelector("small")?.textContent).toBe(`${query} → ${match}`);
      expect(box.title).toMatch(`s(${query}, ${match}) = `);
    }
    const names = boxes.map((box) => box.querySelector("small")?.textContent);
    expect(names).toContain("(3, 1) → (3, 0)");
    expect(names.includes("(2, 2) → (2, 1)")).toBe(stage === "fused_scores");
    const scores = boxes.map(({ title }) => Number(title.split(" ").at(-1)));
    const sum = scores.reduce((total, score) => total + score, 0);
    expect(sum).toBeCloseTo(run.attention(0).row(stage, 17)[16], 5);
    const step = stepOf(stage);
    const { scene } = sceneOf(run, stage, keptQuery([3, 2], 3 * 5 + 1));
    expect(step.marks?.("foreground", scene)).toHaveLength(count);
    expect(step.marks?.("background", scene)).toHaveLength(count);
    boxes[0].click();
    const [row, column] = stage === "fused_rows" ? [3, 1] : [2, 1];
    const patch = stage === "fused_rows" ? 15 : 10;
    const cursor = keptQuery([row, column], patch);
    expect(publish).toHaveBeenCalledWith({ stage: "scores", cursor });
  });

  test("terms that wrap are dashed, and those off the end count 0", () => {
    const text = show(smallRun(), "fused_scores", keptQuery([0, 0], 0));
    expect(text).toContain("of these (dashed) ran over the end of a line onto the next.");
    expect(text).toMatch(/\d off the end counted 0\./);
    expect(elements(".ctx-wraps").length).toBeGreaterThan(0);
    expect(elements(".ctx-off").length).toBeGreaterThan(0);
    const inside = show(smallRun(), "fused_scores", keptQuery([3, 2], 16));
    expect(inside).not.toMatch(/dashed|off the end/);
  });

  test("switched off it says so", () => {
    const text = show(smallRun({ config: { fuse: false } }), "fused_rows", keptQuery([3, 2]));
    expect(text).toContain("Fusion is off: both passes leave the scores as they are.");
    expect(elements(".ctx-micro")).toHaveLength(1);
  });
});

describe("softmax", () => {
  test("what is masked takes part of the denominator, or none", () => {
    const pair = keptQuery([4, 3], INVALID);
    const run = smallRun({ config: { softmax_scale: 1 } });
    const zero = show(run, "attention", pair);
    expect(zero).toMatch(
      /The 9 patches that touch the hole count as exp\(0\) each, [\d.]+ % of the sum/,
    );
    const share = 9 * Math.exp(-run.attention(0).lse(4 * 5 + 3));
    expect(term("masked")[0]).toBeCloseTo(share, 12);
    expect(zero).toContain("This patch touches the hole, so its weight is 0.");
    expect(zero).toMatch(/→e0 · 0e[\d.]+scale 1/);
    expect(term("weight")).toEqual([0]);
    const config = { masked: "minus_infinity" } as const;
    const infinite = show(smallRun({ config }), "attention", pair);
    expect(infinite).toMatch(/→e−∞e[\d.]+scale 10/);
    expect(infinite).toContain("The 9 patches that touch the hole count for nothing in the sum");
    const whole = show(smallRun({ mask: null }), "attention", keptQuery([4, 3]));
    expect(whole).toContain("All weights sum to 1.");
  });

  test("every patch masked is said", () => {
    const text = say(smallRun({ mask: EVERYWHERE }), "attention", keptQuery([2, 2]));
    expect(text).toContain("Every patch touches the hole: all weights are 0.");
  });
});

describe("deconvolution", () => {
  test("a pixel inside is the sum of four, over four", () => {
    const run = smallRun();
    const text = show(run, "attention", CURSORS["a pixel"]);
    expect(text).toContain(
      "4 overlapping patches meet at this pixel; the sum is divided by 4, at the border, too",
    );
    const ledger = run.attention(0).pixel(5, 5);
    expect(term("value")).toEqual(Array.from(ledger.value));
    const first = ledger.terms.map(({ contribution }) => contribution[0]);
    expect(term("contribution")).toEqual(first);
    expect(text).not.toContain("choose another pixel");
    elements(".ctx-term button")[0].click();
    const cursor = keptQuery([ledger.terms[0].row, ledger.terms[0].col]);
    expect(publish).toHaveBeenCalledWith({ stage: "attention", cursor });
  });

  test("at the border fewer meet, which pulls it to 0 or is counted", () => {
    const corner = CURSORS["a pixel in the corner"];
    expect(show(smallRun(), "output", corner)).toContain(
      "Only 1 of 4 patches reaches this pixel, yet the sum is divided by 4: " +
        "the border is pulled towards 0.",
    );
    const config = { overlap: "coverage" } as const;
    expect(show(smallRun({ config }), "output", corner)).toContain(
      "1 patch alone reaches this pixel; the sum is divided by 1, the true count.",
    );
    const query = show(smallRun(), "output", keptQuery([2, 2]));
    expect(query).toContain("pixel (5, 5)");
    expect(query).toContain("Move over the output to choose another pixel.");
  });
});

describe("flow", () => {
  test("an offset, as numbers and on the wheel", () => {
    const run = smallRun();
    const text = show(run, "flow", keptQuery([4, 3], 1));
    expect(text).toMatch(/\(0, 1\)the patch that you chose−\(4, 3\)the query=\(−4, −2\)/);
    expect([term("down"), term("right")]).toEqual([[-4], [-2]]);
    expect(text).toContain(`${run.longest(0).toPrecision(3)} cellsto the wheel’s rim`);
    expect(text).toContain("from the query to the patch that you chose.");
    expect(show(run, "offsets", keptQuery([4, 3]))).toContain("to its best match.");
    const late = show(smallRun({ isKnown: false }), "flow", keptQuery([4, 3]));
    expect(late).toContain("the rim is known once the output is");
  });

  test("every patch masked, the offset means nothing", () => {
    const text = show(smallRun({ mask: EVERYWHERE }), "flow", keptQuery([2, 2]));
    expect(text).toContain("the first one wins by default, and the offset means nothing");
  });

  test("the wheel's colours stand in the output's place once they are known", () => {
    const { scene } = sceneOf(smallRun(), "flow", keptQuery([4, 3]));
    const picture = stepOf("flow").picture?.("output", scene);
    expect([picture?.rows, picture?.cols]).toEqual([6, 5]);
    expect(stepOf("flow").picture?.("foreground", scene)).toBeNull();
    const late = sceneOf(smallRun({ isKnown: false }), "flow", keptQuery([4, 3])).scene;
    expect(stepOf("flow").picture?.("output", late)).toBeNull();
    expect(stepOf("flow").arrows?.("background", late)).toHaveLength(1);
    expect(stepOf("flow").arrows?.("foreground", late)).toHaveLength(0);
  });
});

describe("a patch", () => {
  test("where it is pasted, in all and by whom most", () => {
    const run = smallRun();
    const text = show(run, "attention", CURSORS["a patch"]);
    expect(text).toContain("Where this patch is pasted");
    expect(text).toContain("The foreground shows every place it is pasted.");
    const pasted = run.attention(0).wherePasted(25) ?? [];
    const sum = Array.from(pasted).reduce((total, weight) => total + weight, 0);
    expect(term("pasted")[0]).toBeCloseTo(sum, 9);
    const parts = [...term("taken"), ...term("rest")];
    expect(parts.reduce((total, part) => total + part, 0)).toBeCloseTo(sum, 9);
    elements(".ctx-term button")[0].click();
    expect(publish.mock.calls[0][0].cursor.partner).toBe(25);
  });

  test("pasted nowhere, or not known yet", () => {
    const invalid = show(smallRun(), "attention", CURSORS["an invalid patch"]);
    expect(invalid).toContain("This patch touches the hole, so it is pasted nowhere.");
    expect(term("taken")).toHaveLength(0);
    expect(invalid).not.toMatch(/every place|Where it goes/);
    const known = show(smallRun(), "scores", CURSORS["a patch"]);
    expect(known).toContain("Where it goes stands at the softmax.");
    expect(show(smallRun({ isKnown: false }), "scores", CURSORS["a patch"])).toContain(
      "Where it goes is known at the softmax, once the output is computed.",
    );
  });
});
