// What each step says where it has something of its own to say.
import { describe, expect, test } from "vitest";
import { keptQuery } from "../state/cursor.ts";
import { stepOf } from "../steps/index.ts";
import {
  CURSORS,
  EVERYWHERE,
  elements,
  exact,
  INVALID,
  publish,
  sceneOf,
  show,
} from "./inspect.tsx";
import { smallRun } from "./run.ts";

describe("shrink", () => {
  test("where both rules agree it says so, and where they part", () => {
    const text = show(smallRun(), "downsampled_f", keptQuery([1, 1]));
    expect(text).toContain("f↓(1, 1) = f(2, 2) = (");
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
    expect(plain).toContain("b↓(4, 3) = b(8, 6) = (");
    expect(plain).toContain("row 4 takes pixel 4 · 2 = 8, column 3 pixel 3 · 2 = 6.");
    expect(plain).toContain("for this cell it would take (9, 7).");
  });

  test("plain steps, where the original would take the same", () => {
    const text = show(
      smallRun({ config: { shrink: "floor" } }),
      "downsampled_f",
      keptQuery([2, 1]),
    );
    expect(text).toContain(
      "here that is the same pixel; the two rules part from row 3 or column 2 on.",
    );
  });

  test("at rate 1 the rules never part", () => {
    const text = show(smallRun({ config: { rate: 1 } }), "downsampled_f", keptQuery([4, 3]));
    expect(text).toContain("at rate 1 every pixel is kept");
    expect(text).toContain("take the same pixel here, as everywhere in a map of this size.");
  });

  test("the numbers are the pixel's, and the hole is painted over the background", () => {
    const run = smallRun();
    show(run, "downsampled_f", keptQuery([4, 3]));
    const { f } = run.inputs;
    const channels = [0, 1, 2].map((k) => f[(k * 12 + 9) * 10 + 7]);
    expect(exact(".ctx-line")).toEqual(channels);
    expect(show(run, "downsampled_mask", keptQuery([4, 3]))).toContain("fall between them and van");
    const { scene } = sceneOf(run, "downsampled_mask", keptQuery([4, 3]));
    const { picture: pictureOf } = stepOf("downsampled_mask");
    expect(pictureOf?.("foreground", scene)).toBeNull();
    expect(pictureOf?.("output", scene)).toBeNull();
    const picture = pictureOf?.("background", scene);
    expect(picture?.colours(2 * 5 + 2)).toEqual([204, 121, 167]);
    expect(picture?.colours(0)).not.toEqual([204, 121, 167]);
  });
});

describe("validity", () => {
  test("a patch that touches the hole, and one that does not", () => {
    const touching = show(smallRun(), "valid", CURSORS["an invalid patch"]);
    expect(touching).toContain("valid(1, 1) = 0, since m↓(2, 2) = 1");
    expect(touching).toContain("1 of its cells in the hole, ringed");
    expect(touching).toContain("21 of 30background patches may be used");
    expect(elements(".ctx-tile i").map((ring) => ring.getAttribute("style"))).toEqual([
      "--x: 2; --y: 2;",
    ]);
    show(smallRun(), "valid", keptQuery([0, 0], 3 * 5 + 3));
    expect(elements(".ctx-tile i").map((ring) => ring.getAttribute("style"))).toEqual([
      "--x: 0; --y: 0;",
    ]);
    const other = show(smallRun(), "valid", CURSORS["a patch"]);
    expect(other).toContain("valid(5, 0) = 1: every m↓ around it is 0");
    expect(other).toContain("no cell in the hole");
  });
});

describe("marks of patches", () => {
  test("the query's patch, the match's and what that pastes; none for a pixel", () => {
    for (const stage of ["matching_patches", "valid", "scores"] as const) {
      const { scene } = sceneOf(smallRun(), stage, keptQuery([4, 3], 24));
      const { marks } = stepOf(stage);
      expect(marks?.("foreground", scene)).toEqual([{ box: [6, 4, 6, 6], kind: "query light" }]);
      expect(marks?.("background", scene)).toEqual([
        { box: [6, 6, 6, 6], kind: "match light" },
        { box: [7, 7, 4, 4], kind: "match light" },
      ]);
      expect(marks?.("output", scene)).toEqual([]);
      const pixel = sceneOf(smallRun(), stage, CURSORS["a pixel"]).scene;
      expect(marks?.("background", pixel)).toEqual([]);
    }
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
    const dark = show(smallRun({ isDark: true }), "scores", keptQuery([4, 3], 24));
    expect(dark).toContain("its score with every patch is 0, and no cosine exists.");
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
    const terms = exact(".ctx-microscope");
    const sum = terms.reduce((total, term) => total + term, 0);
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
    const zero = show(smallRun({ config: { softmax_scale: 1 } }), "attention", pair);
    expect(zero).toContain("of the denominator is masked: 9 patches, exp(0) each");
    expect(zero).toContain("This patch touches the hole, so its weight is 0.");
    expect(zero).toMatch(/ · 0\) \/ Σ exp = e0 − [\d.]+ · 0 = 0/);
    const config = { masked: "minus_infinity" } as const;
    expect(show(smallRun({ config }), "attention", pair)).toMatch(
      / − ∞\) \/ Σ exp = e−∞ − [\d.]+ = 0/,
    );
    const infinite = show(smallRun({ config }), "attention", keptQuery([4, 3]));
    expect(infinite).toContain("0 %of the denominator is masked: 9 patches at −∞");
  });

  test("every patch masked is said", () => {
    const text = show(smallRun({ mask: EVERYWHERE }), "attention", keptQuery([2, 2]));
    expect(text).toContain("Every patch touches the hole: all weights are 0.");
  });
});

describe("deconvolution", () => {
  test("a pixel inside is the sum of four, over four", () => {
    const run = smallRun();
    const text = show(run, "attention", CURSORS["a pixel"]);
    expect(text).toContain(
      "4 overlapping patches meet at this pixel; the sum is divided by 4, alw",
    );
    expect(elements(".ctx-ledger tbody tr")).toHaveLength(4);
    const ledger = run.attention(0).pixel(5, 5);
    expect(exact(".ctx-line b")).toEqual(Array.from(ledger.value));
    expect(text).not.toContain("choose another pixel");
    elements(".ctx-ledger td button")[0].click();
    const cursor = keptQuery([ledger.terms[0].row, ledger.terms[0].col]);
    expect(publish).toHaveBeenCalledWith({ stage: "attention", cursor });
  });

  test("at the border fewer meet, which darkens it or is counted", () => {
    const corner = CURSORS["a pixel in the corner"];
    expect(show(smallRun(), "output", corner)).toContain(
      "Only 1 of 4 patches reaches this pixel, yet the sum is divided by 4: the border darkens.",
    );
    const config = { overlap: "coverage" } as const;
    expect(show(smallRun({ config }), "output", corner)).toContain(
      "1 patch alone reaches this pixel; the sum is divided by 1, the true count.",
    );
    const query = show(smallRun(), "output", keptQuery([2, 2]));
    expect(query).toContain("y(5, 5) = ");
    expect(query).toContain("Move over the output to choose another pixel.");
  });
});

describe("flow", () => {
  test("an offset, as numbers and on the wheel", () => {
    const run = smallRun();
    const text = show(run, "flow", keptQuery([4, 3], 1));
    expect(text).toContain("o((4, 3)) = (0, 1) − (4, 3) = (−4, −2)");
    expect(text).toContain("this cell: −4 down, −2 right");
    expect(text).toContain(`the rim is ${run.longest(0).toPrecision(3)} cells`);
    expect(text).toContain("from the query to the patch that you chose.");
    expect(show(run, "offsets", keptQuery([4, 3]))).toContain("to its best match.");
    const late = show(smallRun({ isKnown: false }), "flow", keptQuery([4, 3]));
    expect(late).toContain("how long the rim is, is known once the output is computed");
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
    expect(exact(".ctx-line b").at(-1)).toBeCloseTo(sum, 9);
    expect(elements(".ctx-figures li").length).toBeGreaterThan(0);
    elements(".ctx-figures li button")[0].click();
    expect(publish.mock.calls[0][0].cursor.partner).toBe(25);
  });

  test("pasted nowhere, or not known yet", () => {
    const invalid = show(smallRun(), "attention", CURSORS["an invalid patch"]);
    expect(invalid).toContain("This patch touches the hole, so it is pasted nowhere.");
    expect(elements(".ctx-figures li")).toHaveLength(0);
    expect(show(smallRun(), "scores", CURSORS["a patch"])).toContain(
      "Where it goes is known at the softmax, once the output is computed.",
    );
  });
});
