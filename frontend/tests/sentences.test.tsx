// The sentence above everything: one for each branch, with this cell's numbers.
import { describe, expect, test } from "vitest";
import { rankOf } from "../engine/ranks.ts";
import { keptQuery } from "../state/cursor.ts";
import { stepOf } from "../steps/index.ts";
import { percent, thousands } from "../views/format.ts";
import { CURSORS, EVERYWHERE, elements, INVALID, say, sceneOf } from "./inspect.tsx";
import { hole, smallRun } from "./run.ts";

const OUTSIDE = " ⚠ Outside the hole.";
const IN_HOLE = keptQuery([2, 2]);

test("a rank counts those that may be pasted, and of equals none is before the other", () => {
  const values = [5, 9, 7, 7, 1];
  const all = [1, 1, 1, 1, 1];
  expect([0, 1, 2, 3, 4].map((q) => rankOf(values, q, all))).toEqual([4, 1, 2, 2, 5]);
  expect(rankOf(values, 0, [1, 0, 1, 0, 1])).toBe(2);
});

test("large counts are in groups of three", () => {
  expect([0, 999, 1000, 2560, 1_234_567].map(thousands)).toEqual([
    "0",
    "999",
    "1\u202f000",
    "2\u202f560",
    "1\u202f234\u202f567",
  ]);
});

describe("where the query is", () => {
  const stages = ["downsampled_f", "scores", "fused_rows", "attention", "output", "flow"] as const;
  test.each(stages)("at %s", (stage) => {
    expect(say(smallRun(), stage, IN_HOLE)).toContain("ell (2, 2) in the hole");
    expect(say(smallRun(), stage, IN_HOLE)).not.toContain("⚠");
    const outside = say(smallRun(), stage, keptQuery([4, 3]));
    expect(outside.endsWith(OUTSIDE)).toBe(true);
    expect(elements(".ctx-outside .ctx-word-hole")).toHaveLength(1);
    const whole = say(smallRun({ mask: null }), stage, keptQuery([4, 3]));
    expect(whole).not.toMatch(/hole|⚠/);
  });
});

test("words carry the signs of their roles", () => {
  say(smallRun(), "attention", IN_HOLE);
  const roles = elements(".ctx-story .ctx-glyph").map((glyph) => glyph.className);
  expect(roles).toEqual(["ctx-glyph ctx-query", "ctx-glyph ctx-hole", "ctx-glyph ctx-match"]);
});

describe("shrink", () => {
  test("of f, of b and of the hole", () => {
    const run = smallRun();
    expect(say(run, "downsampled_f", IN_HOLE)).toContain(
      "Cell (2, 2) in the hole stands for 2×2 pixels; the matching sees one of them, (4, 5).",
    );
    const pair = keptQuery([4, 3], INVALID);
    expect(say(run, "downsampled_b", pair)).toBe(
      "Patch (1, 1) lies around a cell that stands for 2×2 pixels; it takes the colour of (2, 2).",
    );
    expect(say(run, "downsampled_mask", pair)).toBe(
      "Patch (1, 1) lies around a cell outside of the hole: what counts is pixel (2, 2).",
    );
    expect(say(run, "downsampled_mask", keptQuery([4, 3], 2 * 5 + 2))).toContain(
      "Patch (2, 2) lies around a cell in the hole: what counts is pixel",
    );
  });

  test("at rate 1", () => {
    const run = smallRun({ config: { rate: 1 }, mask: null });
    expect(say(run, "downsampled_f", IN_HOLE)).toBe(
      "Cell (2, 2) stands for one pixel; the matching sees every one.",
    );
    expect(say(run, "downsampled_b", keptQuery([2, 2], 3))).toBe(
      "Patch (0, 3) lies around a cell that stands for one pixel; it takes the colour of (0, 3).",
    );
  });
});

test("patches, to match and to paste", () => {
  expect(say(smallRun(), "matching_patches", IN_HOLE)).toBe(
    "Cell (2, 2) in the hole is compared as a 3×3 patch; what matches it pastes 4×4 pixels.",
  );
  expect(say(smallRun(), "paste_patches", keptQuery([2, 2], 24))).toBe(
    "Whoever chooses patch (4, 4) pastes 4×4 pixels of the full-size background.",
  );
});

test("validity: free of the hole, touching it, or nothing missing", () => {
  expect(say(smallRun(), "valid", keptQuery([2, 2], 25))).toBe(
    "Patch (5, 0) is free of the hole: it may be pasted, like 20 others of 30.",
  );
  expect(say(smallRun(), "valid", keptQuery([2, 2], INVALID))).toBe(
    "Patch (1, 1) touches the hole with 1 of its 9 cells: it must not be pasted.",
  );
  expect(say(smallRun(), "valid", CURSORS["a patch"])).toMatch(/^Patch \(5, 0\) is free of/);
  expect(say(smallRun({ mask: null }), "valid", keptQuery([2, 2], 25))).toBe(
    "Patch (5, 0) may be pasted, like every other: nothing is missing.",
  );
});

describe("ranks", () => {
  const run = smallRun();
  const attention = run.attention(0);
  const p = 2 * 5 + 2;
  const rank = (stage: "scores" | "fused_rows" | "fused_scores", q: number) =>
    rankOf(attention.row(stage, p), q, attention.valid);

  test("by raw score", () => {
    expect(say(run, "scores", keptQuery([2, 2], 24))).toBe(
      `By raw score, patch (4, 4) is number ${rank("scores", 24)} for cell (2, 2) in the hole, ` +
        "of 21 that may be pasted.",
    );
    const invalid = say(run, "scores", keptQuery([2, 2], INVALID));
    expect(invalid).toMatch(/^Patch \(1, 1\) scores [−\d.]+ for cell \(2, 2\) in the hole, /);
    expect(invalid).toMatch(/, but touches the hole and has no rank\.$/);
  });

  test("each pass moves them: up, down or not at all", () => {
    const moves = new Set<string>();
    for (let q = 0; q < 30; q++) {
      if (!attention.valid[q]) continue;
      const [from, to] = [rank("scores", q), rank("fused_rows", q)];
      const text = say(run, "fused_rows", keptQuery([2, 2], q));
      let move = `stays number ${to}`;
      if (to < from) move = `rises from number ${from} to ${to}`;
      if (to > from) move = `falls from number ${from} to ${to}`;
      expect(text).toContain(`${move} for cell (2, 2)`);
      moves.add(move.split(" ")[0]);
    }
    expect([...moves].sort()).toEqual(["falls", "rises", "stays"]);
    const second = say(run, "fused_scores", keptQuery([2, 2], 24));
    expect(second).toMatch(/^With the rows above and below, patch \(4, 4\) \w+ /);
    expect(second).toContain(`number ${rank("fused_rows", 24)}`);
  });

  test("without fusion, or of a patch that touches the hole", () => {
    const off = smallRun({ config: { fuse: false } });
    expect(say(off, "fused_rows", keptQuery([2, 2], 24))).toMatch(
      /^Fusion is off: patch \(4, 4\) keeps its score of [−\d.]+ for cell/,
    );
    expect(say(run, "fused_rows", keptQuery([2, 2], INVALID))).toMatch(
      /goes from [−\d.]+ to [−\d.]+ for cell .* but touches the hole and has no rank\.$/,
    );
  });
});

describe("softmax", () => {
  const run = smallRun();
  const best = run.attention(0).best(12);

  test("the best match, and what five come to", () => {
    const five = best.reduce((sum, { weight }) => sum + weight, 0);
    const { row, col, weight } = best[0];
    expect(say(run, "attention", IN_HOLE)).toBe(
      `Cell (2, 2) in the hole takes ${percent(weight)} from patch (${row}, ${col}), ` +
        `${percent(five)} from its best five.`,
    );
  });

  test("another patch than the best, or one that touches the hole", () => {
    const { row, col, weight } = best[0];
    expect(say(run, "attention", keptQuery([2, 2], best[1].index))).toContain(
      `, its best match is patch (${row}, ${col}) with ${percent(weight)}.`,
    );
    expect(say(run, "attention", keptQuery([2, 2], INVALID))).toBe(
      "Cell (2, 2) in the hole takes nothing from patch (1, 1), which touches the hole.",
    );
  });

  test("all masked", () => {
    expect(say(smallRun({ mask: EVERYWHERE }), "attention", IN_HOLE)).toBe(
      "⚠ Every patch touches the hole: all weights are 0.",
    );
  });
});

test("deconvolution: what a query pastes, and what a pixel is made of", () => {
  expect(say(smallRun(), "output", IN_HOLE)).toBe(
    "Cell (2, 2) in the hole pastes 4×4 pixels; " +
      "at each, up to four such patches are added and divided by 4.",
  );
  const config = { overlap: "coverage" } as const;
  expect(say(smallRun({ config }), "output", IN_HOLE)).toContain("divided by how many they are.");
  const pixel = say(smallRun(), "scores", CURSORS["a pixel"]);
  expect(pixel).toMatch(/^Pixel \(5, 5\) is what 4 pasted patches have there, divided by 4\. /);
  expect(pixel).toMatch(/ The largest share, [\d.]+ %, is patch \(\d, \d\)’s\.$/);
  expect(say(smallRun({ config }), "output", CURSORS["a pixel in the corner"])).toContain(
    "Pixel (0, 0) is what 1 pasted patch has there, divided by 1.",
  );
});

test("flow: which way, and nowhere", () => {
  const run = smallRun();
  expect(say(run, "flow", keptQuery([2, 2], 5 * 5 + 1))).toBe(
    "The chosen match of cell (2, 2) in the hole, patch (5, 1), lies 3 down and 1 left of it.",
  );
  expect(say(run, "flow", keptQuery([2, 2], 2 * 5 + 4))).toContain("lies 2 right of it.");
  expect(say(run, "flow", keptQuery([2, 2], 2 * 5 + 2))).toContain("lies at the very same place.");
  expect(say(run, "flow", IN_HOLE)).toMatch(/^The best match of cell/);
  const { scene } = sceneOf(run, "flow", keptQuery([2, 2], 5));
  expect(stepOf("flow").value(scene)).toBe("(−1, −2)");
});

describe("a patch without a query", () => {
  const late = () => smallRun({ isKnown: false });

  test("says what the foreground shows of it, and nothing where it shows nothing", () => {
    const patch = CURSORS["a patch"];
    expect(say(smallRun(), "scores", patch)).toBe(
      "The foreground shows how well each cell matches patch (5, 0).",
    );
    expect(say(smallRun(), "matching_patches", patch)).toBe(
      "Patch (5, 0) may be pasted: Matching, Fuse and Softmax show where.",
    );
    expect(say(late(), "attention", patch)).toBe(
      "Where patch (5, 0) is pasted is known once the output has been computed.",
    );
  });
});

describe("in corner cases no sentence is false", () => {
  test("one cell, one patch", () => {
    const one = () => smallRun({ config: { rate: 10 }, mask: null });
    const query = keptQuery([0, 0]);
    expect(say(one(), "scores", query)).toMatch(/and is the only one that may be pasted\.$/);
    expect(say(one(), "fused_rows", query)).toMatch(/^With .*, patch \(0, 0\) stays at .*; no oth/);
    expect(say(one(), "attention", query)).toBe("Cell (0, 0) takes 100 % from patch (0, 0).");
  });

  test("a share of all is not said twice", () => {
    const sharp = smallRun({ config: { softmax_scale: 500 } });
    expect(say(sharp, "attention", IN_HOLE)).not.toContain("from its best");
    const soft = smallRun({ config: { softmax_scale: 1 } });
    expect(say(soft, "attention", IN_HOLE)).toContain("from its best five");
  });

  test("a kernel of one number adds no neighbour", () => {
    const run = smallRun({ config: { fuse_k: 1 } });
    expect(say(run, "fused_rows", IN_HOLE)).toMatch(
      /^A kernel of 1×1 adds nothing: patch \(\d, \d\) keeps/,
    );
  });

  test("a hole that no cell keeps is not taken for none", () => {
    const thin = smallRun({ mask: hole(0, 12, 1, 2) });
    expect(say(thin, "valid", IN_HOLE)).toContain("no cell keeps any of so thin a hole");
    expect(say(smallRun({ mask: null }), "valid", IN_HOLE)).toContain("nothing is missing");
  });

  test("every patch masked, a pixel has no largest share", () => {
    const text = say(smallRun({ mask: EVERYWHERE }), "scores", CURSORS["a pixel"]);
    expect(text).toBe("⚠ Every patch touches the hole: all weights are 0.");
  });
});
