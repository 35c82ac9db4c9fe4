// The numbers and sentences of a gap.
import { describe, expect, it } from "vitest";
import { agreement, largest, type Placing, patchesFor } from "../engine/gaps.ts";
import { positionOf, reasonOf, relationOf } from "../views/questions/words.ts";
import { smallRun } from "./run.ts";

const PLACING: Placing = {
  query: [5, 5],
  guess: [2, 3],
  best: [2, 10],
  rank: 14,
  rawRank: 14,
  of: 100,
  share: 0.01,
  bestShare: 0.4,
  likeness: 0.2,
};

describe("The sentence says how the best lies to the guess", () => {
  const cases: [string, Partial<Placing>, string][] = [
    ["in its row", {}, "It lies in the same row as yours, 7 columns to the right."],
    [
      "alike",
      { likeness: 0.987 },
      "It looks much the same as yours, cosine 0.99, and lies in the same row as yours, " +
        "7 columns to the right.",
    ],
    [
      "beside it",
      { best: [3, 2] },
      "They are neighbours: it lies 1 row below yours and 1 column to its left.",
    ],
    ["in its column", { best: [9, 3] }, "It lies in the same column as yours, 7 rows below."],
    ["opposite", { best: [8, 7] }, "It lies just as far from the cell, on the opposite side."],
    [
      "as far",
      { best: [7, 8] },
      "It lies just as far from the cell as yours: 5 rows below yours and 5 columns to its right.",
    ],
    [
      "put back by fusion",
      { rawRank: 2, likeness: 0.99 },
      "It lies in the same row as yours, 7 columns to the right. By raw score yours was " +
        "number 2: fusion, which asks the neighbours, put it back.",
    ],
    [
      "in the hole",
      { rank: null, rawRank: null },
      "It lies in the same row as yours, 7 columns to the right.",
    ],
  ];
  it.each(cases)("%s", (_, more, sentence) => {
    expect(relationOf({ ...PLACING, ...more })).toBe(sentence);
  });

  it("in all directions", () => {
    expect(positionOf(-1, 0)).toBe("in the same column as yours, 1 row above");
    expect(positionOf(0, -2)).toBe("in the same row as yours, 2 columns to the left");
    expect(positionOf(-2, 1)).toBe("2 rows above yours and 1 column to its right");
  });

  it("and why there is none", () => {
    for (const reason of ["none", "nan", "level", "no cell"] as const) {
      expect(reasonOf({ kind: "nothing", reason, cell: [4, 6] })).toMatch(
        /^There is no.*\(4, 6\).*\.$/,
      );
    }
  });
});

describe("A gap counts", () => {
  it("the patches that make up a share", () => {
    expect(patchesFor([0.1, 0.5, 0.2, 0.15], 0.5)).toBe(1);
    expect(patchesFor([0.1, 0.5, 0.2, 0.15], 0.6)).toBe(2);
    expect(patchesFor([0.1, 0.5, 0.2, 0.15], 0.97)).toBeNull();
  });

  it("the first of equals as the largest", () => {
    expect(largest([1, 3, 3, 2])).toBe(1);
  });

  it("pairs of cells that take from patches side by side", () => {
    const { attention } = { attention: smallRun().attention(0) };
    const argmax = Int32Array.from({ length: attention.P }, (_, p) => p); // each from its own place
    const cells = [0, 1, 2].map((column) => [0, column] as const);
    expect(agreement(attention, argmax, cells)).toBe(1);
    argmax[2] = 0;
    expect(agreement(attention, argmax, cells)).toBe(0.5);
    expect(agreement(attention, argmax, [[0, 0]])).toBeNull();
  });
});
