// What is said and drawn beside an answer, and of several cells.
import { describe, expect, it } from "vitest";
import { marksOf } from "../views/marks.ts";
import { asked, pixel, SHARPER, WHERE } from "./asked.ts";
import { CONFIG } from "./stub.ts";

describe("After the answer", () => {
  it("says when settings are others than it was answered under", () => {
    const { asker, kernel, click } = asked([WHERE]);
    click("background", pixel([4, 1]));
    expect(asker.isOtherRun.value).toBe(false);
    kernel.change({ softmax_scale: 3 });
    expect(asker.isOtherRun.value).toBe(true);
    kernel.change({ softmax_scale: CONFIG.softmax_scale });
    expect(asker.isOtherRun.value).toBe(false);
  });
});

describe("About several cells", () => {
  it("outlines these, and not the query on screen beside them", () => {
    const { session } = asked([SHARPER], { query: [4, 4] });
    const labels = marksOf("foreground", session.scene.value).map(({ label }) => label);
    expect(labels).toEqual(["1", "2", "3"]);
  });
});
