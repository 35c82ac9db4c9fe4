// The two passes in the original's words: how cells are counted, and what comes next.
import { describe, expect, test } from "vitest";
import { keptQuery } from "../state/cursor.ts";
import { elements, show } from "./inspect.tsx";
import { smallRun } from "./run.ts";

// 6 × 5 cells and as many patches.
const order = () => {
  const text = elements(".ctx-order")[0]?.textContent?.replaceAll(/\s+/g, " ");
  return text?.slice(text.search(/(Row by row|Column by column):/));
};

describe("the original's order", () => {
  test("along the rows: one further is one to the right", () => {
    const text = show(smallRun(), "fused_rows", keptQuery([3, 2], 1 * 5 + 3));
    expect(text).toContain("a 3×3 identity kernel along its diagonal.");
    expect(text).toContain(
      "One step on, both lie one column to the right; past a row’s end, in the next row.",
    );
    expect(text).not.toContain("transposed");
    expect(order()).toBe(
      "Row by row: query 3·5 + 2 = 17, patch 1·5 + 3 = 8; next 18 and 9: (3, 3) with (1, 4)",
    );
  });

  test("along the columns: transposed, one further is one below", () => {
    const text = show(smallRun(), "fused_scores", keptQuery([3, 2], 1 * 5 + 3));
    expect(text).toContain("both grids transposed, so that cells are counted column by column");
    expect(text).toContain("both transposed back. One step on, both lie one row below;");
    expect(order()).toBe(
      "Column by column: query 2·6 + 3 = 15, patch 3·6 + 1 = 19; " +
        "next 16 and 20: (4, 2) with (2, 3)",
    );
  });

  test("past the end of a line comes the next, and past the last nothing", () => {
    show(smallRun(), "fused_rows", keptQuery([3, 4], 0));
    expect(order()).toMatch(/next 20 and 1: \(4, 0\) with \(0, 1\), which is no neighbour$/);
    show(smallRun(), "fused_scores", keptQuery([5, 2], 0));
    expect(order()).toMatch(/next 18 and 1: \(0, 3\) with \(1, 0\), which is no neighbour$/);
    show(smallRun(), "fused_rows", keptQuery([5, 4], 0));
    expect(order()).toContain("the next on the diagonal lies outside of the matrix and counts 0");
  });

  test("is that of the sum itself, with patches two cells apart, too", () => {
    const run = smallRun({ config: { stride: 2 } });
    const text = show(run, "fused_rows", keptQuery([3, 2], 1));
    expect(text).toContain("both lie 2 columns to the right");
    expect(order()).toBe(
      "Row by row: query 3·5 + 2 = 17, patch 0·3 + 1 = 1; next 19 and 2: (3, 4) with (0, 4)",
    );
    const terms = run.attention(0).fusionTerms(17, 1);
    expect(terms.find(({ d, e }) => d === 1 && e === 0)).toMatchObject({ p: 19, q: 2 });
  });

  test("is not spoken of where nothing is added", () => {
    const one = show(smallRun({ config: { fuse_k: 1 } }), "fused_rows", keptQuery([3, 2]));
    expect(one).toContain("A kernel of 1×1 adds no neighbour");
    expect(order()).toBeUndefined();
    show(smallRun({ config: { fuse: false } }), "fused_rows", keptQuery([3, 2]));
    expect(order()).toBeUndefined();
  });
});
