// Where patches are equal nothing is called the best without a word.
import { describe, expect, test } from "vitest";
import type { AttentionConfig } from "../engine/config.ts";
import { equalsOf } from "../engine/ranks.ts";
import { keptQuery } from "../state/cursor.ts";
import { openApp, words } from "./app.tsx";
import { CURSORS, INVALID, say, show } from "./inspect.tsx";
import { smallRun } from "./run.ts";

const QUERY = keptQuery([2, 2]);
const withScale = (softmax_scale: number, more: Partial<AttentionConfig> = {}) =>
  smallRun({ config: { softmax_scale, ...more } });

test("equals are counted among those that may be pasted, without the one that asks", () => {
  const values = [5, 7, 7, 7, 1];
  expect(equalsOf(values, 1, [1, 1, 1, 1, 1])).toBe(2);
  expect(equalsOf(values, 1, [1, 1, 0, 1, 1])).toBe(1);
  expect(equalsOf(values, 0, [1, 1, 1, 1, 1])).toBe(0);
});

describe("at scale 0", () => {
  test("every patch gets the same share, and the reason is said", () => {
    const sentence = say(withScale(0), "attention", QUERY);
    expect(sentence).toContain(
      "Cell (2, 2) in the hole takes the same 3.3 % (1/30) from each of 21",
    );
    expect(sentence).toMatch(/: at scale 0 no score counts\. Patch \(\d, \d\) is one of these eq/);
    expect(show(withScale(0), "attention", QUERY)).toContain(
      "At scale 0 every exponent is 0: with the slider under Softmax scores count again.",
    );
  });

  test("without the masked ones in the sum it is one of those that may be pasted", () => {
    const run = withScale(0, { masked: "minus_infinity" });
    expect(say(run, "attention", QUERY)).toContain("the same 4.8 % (1/21) from each of 21 patches");
  });

  test("a masked patch still takes nothing, and scores keep their ranks", () => {
    expect(say(withScale(0), "attention", keptQuery([2, 2], INVALID))).toContain("takes nothing");
    expect(say(withScale(0), "scores", QUERY)).toMatch(/By raw score, .* is number \d+ for/);
  });

  test("flow and pixel name no best one either", () => {
    expect(say(withScale(0), "flow", QUERY)).toContain("The first of 21 equal matches of cell");
    expect(say(withScale(10), "flow", QUERY)).toContain("The best match of cell (2, 2)");
    const pixel = CURSORS["a pixel"];
    expect(say(withScale(0), "output", pixel)).toContain("No patch gives most: the first ones");
    expect(say(withScale(10), "output", pixel)).toContain("The largest share, ");
  });
});

describe("a query of zeros", () => {
  const run = () => smallRun({ isDark: true });

  test("has equal scores with all patches: none has a rank", () => {
    expect(say(run(), "scores", QUERY)).toBe(
      "The raw scores of cell (2, 2) in the hole with all 21 patches that may be pasted are " +
        "equal: none comes first.",
    );
    expect(say(run(), "fused_scores", QUERY)).toContain("The fused scores of cell (2, 2)");
    expect(say(run(), "attention", QUERY)).toContain(
      "from each of 21 patches: their fused scores are all equal.",
    );
    expect(show(run(), "attention", QUERY)).toContain("equal shares at any scale.");
  });
});

test("a scale below 0 is not said to favour the best", () => {
  const text = show(withScale(-5), "attention", QUERY);
  expect(text).toContain("turns the order round");
  expect(text).not.toContain("A larger scale");
});

test("the share of all others leaves out what the masked ones have of the sum", () => {
  openApp("attention", withScale(0));
  // 21 of 30 parts, less the five that are listed.
  expect(words(".ctx-others .ctx-weight")).toBe("53 %");
});
