// What a hand does: home, hover, click, tap, keys; kept cells, boxes, strokes.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Cursor, keptQuery, type Place, queryOf } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import { hasOneGrid, MOST_KEPT } from "../state/kept.ts";
import type { Kernel } from "../state/kernel.ts";
import { type Clock, queriesOf, sumRegions } from "../state/region.ts";
import { Session } from "../state/session.ts";
import { tableOf } from "../state/table.ts";
import { hole, smallRun } from "./run.ts";

const RATE = 2; // pixels a cell of the small run, which has 6 × 5 of them
const HOME: Place = [2, 2]; // where its hole shrinks to

let session: Session;
let hands: Hands;
let publish: ReturnType<typeof vi.fn>;

/** A kernel that does to the session what the real one does, and counts. */
function open(run = smallRun()): void {
  session = new Session();
  session.open(run);
  publish = vi.fn(({ cursor }: { cursor: Cursor }) => {
    session.cursor.value = cursor;
  });
  const paint = (mask: ReturnType<typeof hole> | null) => {
    session.show(session.run.change(session.run.config, mask));
  };
  hands = new Hands(session, { publish, paint } as unknown as Kernel);
}

beforeEach(() => open());

/** The first pixel of a cell. */
const pixelOf = ([row, column]: Place): Place => [row * RATE, column * RATE];

const query = () => queryOf(session.cursor.value, RATE);

function click(cell: Place, isFurther = false, view: "foreground" | "background" = "foreground") {
  hands.hover(view, pixelOf(cell));
  hands.press(view, pixelOf(cell));
  hands.release(view, pixelOf(cell), isFurther);
}

const tap = (cell: Place) => {
  hands.press("foreground", pixelOf(cell));
  hands.tap("foreground", pixelOf(cell));
};

function press(key: string, shiftKey = false): void {
  hands.key("foreground", new KeyboardEvent("keydown", { key, shiftKey }));
}

describe("home", () => {
  test("is the cell of the hole nearest to its middle, shown and not kept", () => {
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
    open(run);
    const { downsampledMask, w } = run.attention(0);
    const [row, column] = query() ?? [-1, -1];
    expect(downsampledMask[row * w + column]).toBe(1);
  });

  test("is the picture's middle without a hole", () => {
    open(smallRun({ mask: null }));
    expect(query()).toEqual([3, 2]);
  });

  test("is where a mouse that leaves returns to, and Escape lets go to", () => {
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
    session.show(session.run.change(session.run.config, hole(8, 12, 6, 10)));
    expect(query()).toEqual(session.home.value.kind === "query" && session.home.value.query);
    expect(query()).not.toEqual(HOME);
  });

  test("stays away while a cell is kept", () => {
    click([5, 4]);
    session.show(session.run.change(session.run.config, hole(8, 12, 6, 10)));
    expect(query()).toEqual([5, 4]);
  });
});

describe("a click", () => {
  test("keeps, and on the kept cell lets it go", () => {
    click([1, 3]);
    expect(session.cursor.value).toEqual(keptQuery([1, 3]));
    click([1, 3]);
    expect(session.kept).toBe(false);
    expect(query()).toEqual([1, 3]);
  });

  test("on a patch makes it the kept query's partner, and again lets that go", () => {
    click([1, 3]);
    click([4, 0], false, "background");
    expect(session.cursor.value).toEqual(keptQuery([1, 3], 4 * 5));
    click([4, 0], false, "background");
    expect(session.cursor.value).toEqual(keptQuery([1, 3]));
  });
});

describe("a finger", () => {
  test("shows where it taps first, keeps there the second time, lets go the third", () => {
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
    tap([1, 3]);
    tap([1, 3]);
    tap([4, 4]);
    expect(query()).toEqual([4, 4]);
    expect(session.kept).toBe(false);
  });

  test("scrolls unless a tool takes the drag", () => {
    expect(hands.takesDrags("foreground")).toBe(false);
    for (const tool of ["region", "brush", "erase", "rectangle"] as const) {
      hands.choose(tool);
      expect(hands.takesDrags("foreground")).toBe(true);
      expect(hands.takesDrags("output")).toBe(false);
    }
  });
});

describe("kept cells", () => {
  const CELLS: Place[] = [
    [0, 0],
    [1, 3],
    [4, 1],
    [5, 4],
    [3, 0],
  ];

  test("are added with Shift, up to five, the cursor on the last", () => {
    for (const cell of CELLS) click(cell, true);
    expect(session.keptCells.value).toEqual(CELLS);
    expect(query()).toEqual(CELLS[MOST_KEPT - 1]);
    click([2, 4], true);
    expect(session.keptCells.value).toEqual(CELLS);
    expect(session.message.value).toContain("Esc");
  });

  test("each go with Shift, all with a click elsewhere or Escape", () => {
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
    for (const cell of CELLS.slice(0, 3)) click(cell, true);
    session.cursor.value = keptQuery([2, 4]);
    expect(session.keptCells.value).toEqual([[2, 4]]);
  });

  test("have the best match that the attention has, mutual where it is so both ways", () => {
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
    open(run);
    click([3, 2]);
    expect(session.links.value[0]).toMatchObject({ match: [3, 2], isMutual: true });
  });
});

/** A clock of which each look costs as much, and whose frames come when they are called for. */
function slowClock(milliseconds: number) {
  let time = 0;
  let frame: (() => void) | null = null;
  const clock: Clock = {
    now: () => {
      time += milliseconds;
      return time;
    },
    onNextFrame: (call) => {
      frame = call;
      return () => {
        frame = null;
      };
    },
  };
  const next = () => {
    const call = frame;
    frame = null;
    call?.();
    return call !== null;
  };
  return { clock, next };
}

describe("a region", () => {
  const box = { from: [1, 3], to: [4, 1], isComplete: true } as const;

  /** The sum of the rows of the box, the slow way. */
  function expected(): number[] {
    const { attention } = session;
    const sum = new Array<number>(attention.L).fill(0);
    for (let row = 1; row <= 4; row++) {
      for (let column = 1; column <= 3; column++) {
        attention.row("attention", row * attention.w + column).forEach((value, q) => {
          sum[q] += value;
        });
      }
    }
    return sum;
  }

  test("is drawn by a drag, and its sum is that of its cells' rows", () => {
    const { clock } = slowClock(0);
    const stop = sumRegions(session, clock);
    hands.choose("region");
    expect(hands.press("foreground", pixelOf([1, 3]))).toBe(true);
    expect(session.regionSum.value).toBe(null);
    hands.drag("foreground", pixelOf([4, 1]));
    hands.release("foreground", pixelOf([4, 1]));
    expect(session.region.value).toEqual(box);
    const sum = session.regionSum.value;
    expect(sum?.rowsDone).toBe(12);
    expected().forEach((value, q) => {
      expect(sum?.values[q]).toBeCloseTo(value, 12);
    });
    expect(session.scene.value.backgroundHeat?.values).toBe(sum?.values);
    stop();
  });

  test("arrives in slices, and says so once it is slow", () => {
    const { clock, next } = slowClock(13);
    const stop = sumRegions(session, clock);
    session.region.value = box;
    const arrived = [session.regionSum.value];
    while (next()) arrived.push(session.regionSum.value);
    expect(arrived.map((sum) => sum?.rowsDone)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    expect(arrived[0]?.isSlow).toBe(false);
    expect(arrived.at(-1)?.isSlow).toBe(true);
    expect(Array.from(arrived.at(-1)?.values ?? [])).toEqual(expected());
    stop();
  });

  test("is summed anew under another hole, and no longer once it is gone", () => {
    const { clock, next } = slowClock(13);
    const stop = sumRegions(session, clock);
    session.region.value = box;
    next();
    session.show(session.run.change(session.run.config, hole(8, 12, 6, 10)));
    expect(session.regionSum.value?.rowsDone).toBe(1);
    while (next());
    expect(Array.from(session.regionSum.value?.values ?? [])).toEqual(expected());
    session.region.value = box;
    hands.letGo();
    expect(session.regionSum.value).toBe(null);
    expect(next()).toBe(false);
    stop();
  });

  test("by keys: Enter sets a corner, arrows move, Enter ends, Escape cancels", () => {
    hands.choose("region");
    press("Enter");
    press("ArrowRight");
    press("ArrowDown");
    press("ArrowDown");
    press("Enter");
    expect(session.region.value).toEqual({ from: HOME, to: [4, 3], isComplete: true });
    expect(session.kept).toBe(false);
    hands.letGo();
    expect(session.region.value).toBe(null);
    press("Enter");
    hands.letGo();
    expect(session.region.value).toBe(null);
  });

  test("goes with another tool, and with what is kept next", () => {
    session.region.value = box;
    hands.choose("look");
    expect(session.region.value).toBe(null);
    session.region.value = box;
    click([0, 0]);
    expect(session.region.value).toBe(null);
  });

  test("has its queries row by row", () => {
    expect(queriesOf(box, { w: 5 })).toEqual([6, 7, 8, 11, 12, 13, 16, 17, 18, 21, 22, 23]);
  });
});

describe("the table", () => {
  test("has the largest values of the map, largest first, at their places", () => {
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
    open(smallRun({ config: { rate: 1, stride: 2 } }));
    const { attention } = session;
    for (const { place, value } of tableOf(session.scene.value)?.rows ?? []) {
      const q = (place[0] / 2) * attention.gw + place[1] / 2;
      expect(attention.cellOf(q)).toEqual(place);
      expect(session.scene.value.backgroundHeat?.values[q]).toBe(value);
    }
  });

  test("is none at a step without a map", () => {
    session.stage.value = "downsampled_f";
    expect(tableOf(session.scene.value)).toBe(null);
  });

  test("leaves out what is no number", () => {
    open(smallRun({ mask: hole(0, 12, 0, 10), config: { masked: "minus_infinity" } }));
    expect(tableOf(session.scene.value)?.rows).toEqual([]);
  });
});

describe("painting", () => {
  test("a drag is one stroke to undo, and keeps nothing", () => {
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
    hands.choose("rectangle");
    hands.press("foreground", [8, 0]);
    hands.tap("foreground", [11, 9]);
    expect(query()).toEqual(queryOf(session.home.value, RATE));
    expect(session.undoable.value).toHaveLength(1);
  });
});
