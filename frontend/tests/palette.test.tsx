// The tools at the pictures: the palette, the menus, A and B, the table.
import { describe, expect, test } from "vitest";
import { largestDifference } from "../state/sides.ts";
import { areaOf, edgeOf, svgOf } from "../takeaway/view.ts";
import { Images } from "../views/images.ts";
import { isTableKey } from "../views/Table.tsx";
import { hoveredQuery, kinds, panel, settled, show, text } from "./pictures.tsx";
import { hole, smallRun } from "./run.ts";

const press = (element: Element | null) => (element as HTMLElement | null)?.click();

const button = (view: "foreground" | "background" | "output", selector: string) =>
  panel(view).querySelector<HTMLButtonElement>(selector);

describe("the palette", () => {
  const TOOLS = ["look", "region", "brush", "erase", "rectangle"];

  test("stands at the picture that is painted, and says which tool is chosen", async () => {
    const session = show();
    const tools = [...panel("foreground").querySelectorAll<HTMLElement>("[data-tool]")];
    expect(tools.map(({ dataset }) => dataset.tool)).toEqual(TOOLS);
    expect(panel("background").querySelector("[data-tool]")).toBe(null);
    for (const tool of tools) {
      press(tool);
      await settled();
      expect(session.tool.value).toBe(tool.dataset.tool);
      expect(tools.map((each) => each.getAttribute("aria-pressed"))).toEqual(
        TOOLS.map((name) => String(name === tool.dataset.tool)),
      );
      expect(tool.getAttribute("aria-label")).toBeTruthy();
    }
  });

  test("with Brush or Erase the size takes the caption's place", async () => {
    const session = show();
    for (const tool of ["look", "region", "brush", "erase", "rectangle"] as const) {
      session.tool.value = tool;
      await settled();
      const hasSize = tool === "brush" || tool === "erase";
      expect(panel("foreground").querySelector('[data-set="brush"]') !== null).toBe(hasSize);
      expect(panel("foreground").querySelector(".ctx-caption") === null).toBe(hasSize);
      expect(panel("background").querySelector('[data-set="brush"]')).toBe(null);
    }
  });

  test("a stroke too thin for the shrinking is said at the picture that was painted", async () => {
    const session = show();
    const leak = panel("foreground").querySelector<HTMLElement>(".ctx-leak");
    expect(leak?.hidden).toBe(true);
    session.show(session.run.change({ ...session.run.config, shrink: "floor" }, hole(5, 6, 0, 10)));
    await settled();
    expect(session.attention.leaks).toBeGreaterThan(0);
    expect(leak?.hidden).toBe(false);
    expect(leak?.textContent).toContain(String(session.attention.leaks));
  });
});

describe("A and B", () => {
  function pin() {
    const session = show(smallRun(), "attention", hoveredQuery);
    const A = session.run;
    session.pinned.value = A;
    session.show(A.change({ ...A.config, softmax_scale: 1 }, A.mask));
    const rowOf = (run: typeof A) => Array.from(run.attention(0).row("attention", 4 * 5 + 3));
    return { session, rowA: rowOf(A), rowB: rowOf(session.run) };
  }

  const heat = (session: ReturnType<typeof show>) =>
    Array.from(session.scene.value.backgroundHeat?.values ?? []);

  test("which of them lies over the background is chosen at its head", async () => {
    const { session, rowA, rowB } = pin();
    await settled();
    expect(heat(session)).toEqual(rowB);
    press(button("background", '[data-side="A"]'));
    expect(heat(session)).toEqual(rowA);
    press(button("background", '[data-side="difference"]'));
    expect(heat(session)).toEqual(rowB.map((value, q) => value - rowA[q]));
    await settled();
    expect(text("background", ".ctx-caption")).toMatch(/^B − A: /);
    session.pinned.value = null;
    await settled();
    expect(heat(session)).toEqual(rowB);
    expect(button("background", "[data-side]")).toBe(null);
  });

  test("A and B share their colours", () => {
    const { session, rowA, rowB } = pin();
    const highest = Math.max(...rowA, ...rowB);
    for (const side of ["A", "B"] as const) {
      session.side.value = side;
      expect(session.scene.value.backgroundHeat?.range.high).toBe(highest);
    }
  });

  test("there is no difference where they have other cells", async () => {
    const { session } = pin();
    session.side.value = "difference";
    session.show(session.run.change({ ...session.run.config, rate: 1 }, session.run.mask));
    await settled();
    expect(button("background", '[data-side="difference"]')?.disabled).toBe(true);
    expect(session.scene.value.side).toBe("B");
  });

  test("the difference waits for B, and says how far that is", async () => {
    const { session } = pin();
    session.side.value = "difference";
    session.progress.value = 0.4;
    await settled();
    expect(text("output", ".ctx-caption")).toBe("B is being computed: 40 %");
    const images = new Images();
    expect(images.of("output", session.scene.value)).toBe(null);
    session.progress.value = null;
    await settled();
    expect(text("output", ".ctx-caption")).toBe(
      "B’s output was not computed: there is nothing to subtract",
    );
    const result = session.pinned.value?.known(0);
    if (result) session.run.know(0, { ...result });
    await settled();
    expect(text("output", ".ctx-caption")).toBe("A and B are equal at every pixel");
    if (result) session.run.know(0, { ...result, output: result.output.map((x) => x + 1) });
    await settled();
    expect(text("output", ".ctx-caption")).toMatch(/^how much A and B differ/);
    expect(images.of("output", session.scene.value)).not.toBe(null);
  });

  test("an output of before is not taken for that of these settings", async () => {
    pin();
    await settled();
    expect(text("output", ".ctx-state")).toBe("from before the change");
  });

  test("the largest difference over the channels", () => {
    const A = Float32Array.of(1, 2, 3, 4);
    const B = Float32Array.of(1, 0, 3.5, 5);
    expect(Array.from(largestDifference(A, B, 2))).toEqual([0.5, 2]);
  });
});

describe("the table", () => {
  test("opens over the background with the focus in it, and gives that back", async () => {
    const session = show(smallRun(), "attention", hoveredQuery);
    document.body.append(panel("foreground").parentElement as HTMLElement);
    const stack = panel("foreground").querySelector<HTMLElement>(".ctx-stack");
    stack?.focus();
    session.showsTable.value = true;
    await settled();
    const table = panel("background").querySelector<HTMLElement>(".ctx-table");
    expect(document.activeElement).toBe(table);
    expect(table?.querySelectorAll("tbody tr")).toHaveLength(20);
    expect(table?.querySelector("caption")?.textContent).toContain("20 of 30");
    table?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    await settled();
    expect(session.showsTable.value).toBe(false);
    expect(document.activeElement).toBe(stack);
  });

  test("says where there is a map, at a step without one", async () => {
    const session = show(smallRun(), "downsampled_f", hoveredQuery);
    session.showsTable.value = true;
    await settled();
    expect(text("background", ".ctx-table p")).toContain("Softmax");
  });

  test("T opens it, but not where letters are typed or chosen", () => {
    const opens = (tag: string, more: KeyboardEventInit = {}) => {
      const element = document.createElement(tag);
      const results: boolean[] = [];
      element.addEventListener("keydown", (event) => results.push(isTableKey(event)));
      element.dispatchEvent(new KeyboardEvent("keydown", { key: "t", ...more }));
      return results[0];
    };
    expect(opens("div")).toBe(true);
    expect(opens("button", { key: "T" })).toBe(true);
    expect(opens("input")).toBe(false);
    expect(opens("select")).toBe(false);
    expect(opens("div", { ctrlKey: true })).toBe(false);
    expect(opens("div", { key: "u" })).toBe(false);
  });
});

describe("a picture as a file", () => {
  const bits = { bits: [0, 1, 1, 0, 1, 1], rows: 2, cols: 3, step: 1 };

  test("the hole's area is a rectangle a row, its edge every side once", () => {
    expect(areaOf(bits)).toBe("M1 0h2v1h-2zM1 1h2v1h-2z");
    expect(edgeOf(bits).match(/M/g)).toHaveLength(8);
    expect(areaOf({ ...bits, bits: [1, 0, 1, 0, 0, 0] })).toBe("M0 0h1v1h-1zM2 0h1v1h-1z");
  });

  test("has a frame for each mark, its number and its arrows", () => {
    show();
    const canvas = document.createElement("canvas");
    const svg = svgOf({
      canvas,
      rows: 12,
      cols: 10,
      marks: [{ box: [2, 2, 2, 2], kind: "match dashed", label: "1 <" }],
      arrows: [{ from: [1, 1], to: [5, 5], kind: "query" }],
      hole: bits,
      onlyEdge: false,
      legend: { lines: ["a & b"], range: null },
    });
    const file = new DOMParser().parseFromString(svg, "image/svg+xml");
    expect(file.querySelector("parsererror")).toBe(null);
    expect(file.querySelector("title")?.textContent).toBe("a & b");
    const texts = [...file.querySelectorAll("text")].map((each) => each.textContent);
    expect(texts).toEqual(["1 <", "a & b"]);
    expect(file.querySelectorAll("rect")).toHaveLength(2);
    expect(file.querySelectorAll('path[stroke="#d55e00"]')).toHaveLength(1);
    expect(file.querySelector('[fill="url(#hatch)"]')).not.toBe(null);
  });

  test("is offered at every picture", async () => {
    show();
    for (const view of ["foreground", "background", "output"] as const) {
      press(button(view, `[aria-label="More of the ${view}"]`));
      await settled();
      expect(button(view, '[data-do="view-png"]')?.closest("[hidden]")).toBe(null);
      expect(button(view, '[data-do="view-svg"]')).not.toBe(null);
      expect(button(view, '[data-do="clear"]') !== null).toBe(view === "foreground");
    }
  });
});

test("a region is outlined, and so are the patches that it takes most from", async () => {
  const session = show(smallRun(), "attention", hoveredQuery);
  session.region.value = { from: [1, 1], to: [2, 3], isComplete: true };
  await settled();
  expect(kinds("foreground")).toEqual(["query"]);
  expect(kinds("background")).toEqual(Array(5).fill("match dashed"));
  expect(text("foreground", ".ctx-caption")).toBe("region of 2 × 3 cells");
  expect(text("background", ".ctx-caption")).toMatch(/^attention of 6 cells, added up/);
});
