// What a hand does on the pictures: where nothing is pointed at, with a mouse, with a finger.
import { describe, expect, test } from "vitest";
import { keptQuery, queryOf } from "../state/cursor.ts";
import { HOME, pixelOf, RATE, setUp } from "./pointing.ts";
import { hole, smallRun } from "./run.ts";

describe("home", () => {
  test("is the cell of the hole nearest to its middle, shown and not kept", () => {
    const { session } = setUp();
    expect(session.cursor.value).toEqual({
      kind: "query",
      query: HOME,
      partner: null,
      kept: false,
    });
  });

  test("is in the hole where the middle is not", () => {
    const ring = hole(0, 10, 0, 10);
    for (let y = 2; y < 8; y++) ring.data.fill(0, y * 10 + 2, y * 10 + 8);
    const run = smallRun({ mask: ring });
    const { query } = setUp(run);
    const { downsampledMask, w } = run.attention(0);
    const [row, column] = query() ?? [-1, -1];
    expect(downsampledMask[row * w + column]).toBe(1);
  });

  test("is the picture's middle without a hole", () => {
    const { query } = setUp(smallRun({ mask: null }));
    expect(query()).toEqual([3, 2]);
  });

  test("is where a mouse that leaves returns to, and Escape lets go to", () => {
    const { session, hands, publish, query, click } = setUp();
    hands.hover("foreground", pixelOf([5, 4]));
    expect(query()).toEqual([5, 4]);
    hands.leave("foreground");
    expect(query()).toEqual(HOME);
    expect(publish).not.toHaveBeenCalled();
    click([5, 4]);
    hands.leave("foreground");
    expect(query()).toEqual([5, 4]);
    hands.letGo();
    expect(query()).toEqual(HOME);
    expect(session.kept).toBe(false);
  });

  test("follows the hole", () => {
    const { session, query } = setUp();
    session.show(session.run.change(session.run.config, hole(8, 12, 6, 10)));
    expect(query()).toEqual(session.home.value.kind === "query" && session.home.value.query);
    expect(query()).not.toEqual(HOME);
  });

  test("stays away while a cell is kept", () => {
    const { session, query, click } = setUp();
    click([5, 4]);
    session.show(session.run.change(session.run.config, hole(8, 12, 6, 10)));
    expect(query()).toEqual([5, 4]);
  });
});

describe("a click", () => {
  test("keeps, and on the kept cell lets it go", () => {
    const { session, query, click } = setUp();
    click([1, 3]);
    expect(session.cursor.value).toEqual(keptQuery([1, 3]));
    click([1, 3]);
    expect(session.kept).toBe(false);
    expect(query()).toEqual([1, 3]);
  });

  test("on a patch makes it the kept query's partner, and again lets that go", () => {
    const { session, click } = setUp();
    click([1, 3]);
    click([4, 0], false, "background");
    expect(session.cursor.value).toEqual(keptQuery([1, 3], 4 * 5));
    click([4, 0], false, "background");
    expect(session.cursor.value).toEqual(keptQuery([1, 3]));
  });
});

describe("a finger", () => {
  test("shows where it taps first, keeps there the second time, lets go the third", () => {
    const { session, hands, query, tap } = setUp();
    tap([1, 3]);
    expect(query()).toEqual([1, 3]);
    expect(session.kept).toBe(false);
    hands.leave("output"); // no such event is passed on for a finger; were it, home would show
    tap([1, 3]);
    tap([1, 3]);
    expect(session.cursor.value).toEqual(keptQuery([1, 3]));
    tap([1, 3]);
    expect(session.kept).toBe(false);
  });

  test("elsewhere lets go what is kept and shows", () => {
    const { session, query, tap } = setUp();
    tap([1, 3]);
    tap([1, 3]);
    tap([4, 4]);
    expect(query()).toEqual([4, 4]);
    expect(session.kept).toBe(false);
  });

  test("scrolls unless a tool takes the drag", () => {
    const { hands } = setUp();
    expect(hands.takesDrags("foreground")).toBe(false);
    for (const tool of ["region", "brush", "erase", "rectangle"] as const) {
      hands.choose(tool);
      expect(hands.takesDrags("foreground")).toBe(true);
      expect(hands.takesDrags("output")).toBe(false);
    }
  });
});

describe("painting", () => {
  test("a drag is one stroke to undo, and keeps nothing", () => {
    const { session, hands } = setUp();
    hands.choose("rectangle");
    const before = session.run.mask;
    hands.press("foreground", [8, 0]);
    hands.drag("foreground", [11, 9]);
    hands.release("foreground", [11, 9]);
    expect(session.run.mask?.data[11 * 10 + 9]).toBe(1);
    expect(session.kept).toBe(false);
    hands.undo();
    expect(session.run.mask).toBe(before);
  });

  test("a finger that paints does not tap", () => {
    const { session, hands, query } = setUp();
    hands.choose("rectangle");
    hands.press("foreground", [8, 0]);
    hands.tap("foreground", [11, 9]);
    expect(query()).toEqual(queryOf(session.home.value, RATE));
    expect(session.undoable.value).toHaveLength(1);
  });
});
