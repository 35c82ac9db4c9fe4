// Up to five cells that are kept, and the map as a table.
import { describe, expect, test } from "vitest";
import { keptQuery, type Place } from "../state/cursor.ts";
import { hasOneGrid, MOST_KEPT } from "../state/kept.ts";
import { tableOf } from "../state/table.ts";
import { HOME, setUp } from "./pointing.ts";
import { hole, smallRun } from "./run.ts";

describe("kept cells", () => {
  const CELLS: Place[] = [
    [0, 0],
    [1, 3],
    [4, 1],
    [5, 4],
    [3, 0],
  ];

  test("are added with Shift, up to five, the cursor on the last", () => {
    const { session, query, click } = setUp();
    for (const cell of CELLS) click(cell, true);
    expect(session.keptCells.value).toEqual(CELLS);
    expect(query()).toEqual(CELLS[MOST_KEPT - 1]);
    click([2, 4], true);
    expect(session.keptCells.value).toEqual(CELLS);
    expect(session.message.value).toContain("Esc");
  });

  test("each go with Shift, all with a click elsewhere or Escape", () => {
    const { session, hands, click } = setUp();
    for (const cell of CELLS.slice(0, 3)) click(cell, true);
    click(CELLS[2], true);
    expect(session.keptCells.value).toEqual(CELLS.slice(0, 2));
    click([2, 4]);
    expect(session.keptCells.value).toEqual([[2, 4]]);
    click([0, 0], true);
    hands.letGo();
    expect(session.keptCells.value).toEqual([]);
  });

  test("by keys: Shift+Enter leaves one behind, and arrows take another along", () => {
    const { session, press } = setUp();
    press("Enter");
    expect(session.keptCells.value).toEqual([HOME]);
    press("Enter", true);
    press("ArrowRight");
    press("ArrowDown");
    expect(session.keptCells.value).toEqual([HOME, [3, 3]]);
    press("ArrowDown", true);
    expect(session.keptCells.value).toEqual([HOME, [5, 3]]);
    press("ArrowDown");
    expect(session.keptCells.value).toEqual([HOME, [5, 3]]);
  });

  test("are forgotten when the kernel keeps another query", () => {
    const { session, click } = setUp();
    for (const cell of CELLS.slice(0, 3)) click(cell, true);
    session.cursor.value = keptQuery([2, 4]);
    expect(session.keptCells.value).toEqual([[2, 4]]);
  });

  test("have the best match that the attention has, mutual where it is so both ways", () => {
    const { session, click } = setUp();
    const { attention } = session;
    expect(hasOneGrid(attention)).toBe(true);
    for (const cell of CELLS) click(cell, true);
    for (const { cell, match, isMutual } of session.links.value) {
      const [row, column] = attention.cellOf(attention.argmax(cell[0] * attention.w + cell[1]));
      expect(match).toEqual([row, column]);
      const back = attention.cellOf(attention.argmax(row * attention.w + column));
      expect(isMutual).toBe(String(back) === String(cell));
    }
  });

  test("one is mutual where f and b are the same", () => {
    const run = smallRun({ mask: null, config: { fuse: false } });
    run.inputs.b.set(run.inputs.f);
    const { session, click } = setUp(run);
    click([3, 2]);
    expect(session.links.value[0]).toMatchObject({ match: [3, 2], isMutual: true });
  });
});

describe("the table", () => {
  test("has the largest values of the map, largest first, at their places", () => {
    const { session, click } = setUp();
    click([1, 3]);
    const { attention } = session;
    const row = attention.row("attention", 1 * 5 + 3);
    const table = tableOf(session.scene.value);
    const largest = Array.from(row).sort((a, b) => b - a);
    expect(table?.of).toBe("patch");
    expect(table?.count).toBe(30);
    expect(table?.rows.map(({ value }) => value)).toEqual(largest.slice(0, 20));
    for (const { place, value } of table?.rows ?? []) {
      expect(row[place[0] * attention.w + place[1]]).toBe(value);
    }
  });

  test("counts patches by their stride", () => {
    const { session } = setUp(smallRun({ config: { rate: 1, stride: 2 } }));
    const { attention } = session;
    for (const { place, value } of tableOf(session.scene.value)?.rows ?? []) {
      const q = (place[0] / 2) * attention.gw + place[1] / 2;
      expect(attention.cellOf(q)).toEqual(place);
      expect(session.scene.value.backgroundHeat?.values[q]).toBe(value);
    }
  });

  test("is none at a step without a map", () => {
    const { session } = setUp();
    session.stage.value = "downsampled_f";
    expect(tableOf(session.scene.value)).toBe(null);
  });

  test("leaves out what is no number", () => {
    const { session } = setUp(
      smallRun({ mask: hole(0, 12, 0, 10), config: { masked: "minus_infinity" } }),
    );
    expect(tableOf(session.scene.value)?.rows).toEqual([]);
  });
});
