// What a hand does on the pictures: 12 × 10 pixels, a cell of 2 × 2, so 6 × 5 queries.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keptQuery, NOTHING } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import type { ViewName } from "../state/scene.ts";
import { H, open, W } from "./stub.ts";

vi.mock("../state/background.ts", () => ({
  Background: class {
    compute = () => new Promise(() => {});
    stop() {}
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function setUp(...how: Parameters<typeof open>) {
  const { session, kernel, model } = open(...how);
  model.saved.length = 0;
  const hands = new Hands(session, kernel);
  const click = (view: ViewName, at: readonly [number, number]) => {
    hands.press(view, at);
    hands.release(view, at);
  };
  const key = (view: ViewName, name: string, more: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent("keydown", { key: name, cancelable: true, ...more });
    hands.key(view, event);
    return event;
  };
  const painted = () => session.run.mask?.data.reduce((sum, bit) => sum + bit, 0) ?? 0;
  return { session, kernel, model, hands, click, key, painted };
}

describe("with nothing kept", () => {
  test("each picture is asked for its own: a query, a patch, a pixel", () => {
    const { session, hands } = setUp();
    hands.hover("foreground", [5, 7]);
    const query = { kind: "query", query: [2, 3], partner: null, kept: false };
    expect(session.cursor.value).toEqual(query);
    hands.hover("background", [5, 7]);
    const patch = { kind: "patch", patch: 2 * 5 + 3, query: null, kept: false };
    expect(session.cursor.value).toEqual(patch);
    hands.hover("output", [5, 7]);
    expect(session.cursor.value).toEqual({ kind: "pixel", pixel: [5, 7], kept: false });
  });

  test("leaving shows nothing", () => {
    const { session, hands } = setUp();
    for (const view of ["foreground", "background", "output"] as const) {
      hands.hover(view, [5, 7]);
      hands.leave(view);
      expect(session.cursor.value).toBe(NOTHING);
    }
  });

  test("hovering sends nothing, and a move within a cell changes nothing", () => {
    const { session, hands, model } = setUp();
    hands.hover("foreground", [4, 6]);
    const before = session.cursor.value;
    hands.hover("foreground", [5, 7]);
    expect(session.cursor.value).toBe(before);
    hands.hover("background", [4, 6]);
    hands.hover("output", [4, 6]);
    hands.leave("output");
    expect(model.saved).toEqual([]);
  });

  test("a place beyond the last cell is the last cell's", () => {
    const { session, hands } = setUp({}, { config: { ...open().session.run.config, rate: 4 } });
    hands.hover("foreground", [H - 1, W - 1]);
    expect(session.cursor.value).toMatchObject({ query: [2, 1] });
  });
});

describe("with a query kept", () => {
  function keep() {
    const all = setUp();
    all.click("foreground", [5, 7]);
    return all;
  }

  test("it is told to the kernel once", () => {
    const { session, model } = keep();
    expect(session.cursor.value).toEqual(keptQuery([2, 3]));
    expect(model.values.query).toEqual([2, 3]);
    expect(model.saved.length).toBe(1);
  });

  test("it stays under the mouse, in the foreground and in the output", () => {
    const { session, hands } = keep();
    const before = session.cursor.value;
    hands.hover("foreground", [0, 0]);
    hands.leave("foreground");
    hands.hover("output", [0, 0]);
    hands.leave("output");
    expect(session.cursor.value).toBe(before);
  });

  test("a patch that is pointed at is compared with it until the mouse leaves", () => {
    const { session, hands, model } = keep();
    hands.hover("background", [0, 2]);
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 1));
    hands.hover("background", [0, 4]);
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 2));
    hands.leave("background");
    expect(session.cursor.value).toEqual(keptQuery([2, 3]));
    expect(model.saved.length).toBe(1);
  });

  test("a patch that is clicked stays its partner", () => {
    const { session, hands, click } = keep();
    click("background", [0, 2]);
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 1));
    hands.hover("background", [0, 8]);
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 4));
    hands.hover("background", [0, 2]);
    hands.leave("background");
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 1));
  });

  test("the partner is the hovered one where that is clicked", () => {
    const { session, hands, click } = keep();
    hands.hover("background", [0, 2]);
    click("background", [0, 2]);
    hands.leave("background");
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 1));
  });

  test("a patch that is chosen elsewhere while one is pointed at stays when the mouse leaves", () => {
    const { session, kernel, hands } = keep();
    hands.hover("background", [0, 2]);
    kernel.publish({ cursor: keptQuery([2, 3], 9) });
    hands.leave("background");
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 9));
  });

  test("what Python sets meanwhile leaves the pair as it is", () => {
    const { session, hands, model } = keep();
    hands.hover("background", [0, 2]);
    model.become("stage", "scores");
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 1));
    hands.leave("background");
    expect(session.cursor.value).toEqual(keptQuery([2, 3]));
  });

  test("another query is kept in its place, and a pixel as well", () => {
    const { session, model, click } = keep();
    click("background", [0, 2]);
    click("foreground", [0, 0]);
    expect(session.cursor.value).toEqual(keptQuery([0, 0]));
    click("output", [3, 9]);
    expect(session.cursor.value).toEqual({ kind: "pixel", pixel: [3, 9], kept: true });
    expect(model.values.query).toBe(null);
    expect(model.values.pixel).toEqual([3, 9]);
  });
});

describe("with a patch or a pixel kept", () => {
  test("a patch is compared with the query that is pointed at, and keeps the last one", () => {
    const { session, hands, click, model } = setUp();
    click("background", [0, 2]);
    const alone = { kind: "patch", patch: 1, query: null, kept: true };
    expect(session.cursor.value).toEqual(alone);
    expect(model.values.query).toBe(null);
    hands.hover("background", [8, 8]);
    hands.hover("output", [8, 8]);
    expect(session.cursor.value).toEqual(alone);
    hands.hover("foreground", [5, 7]);
    expect(session.cursor.value).toEqual({ ...alone, query: [2, 3] });
    hands.leave("foreground");
    expect(session.cursor.value).toEqual({ ...alone, query: [2, 3] });
    click("background", [0, 0]);
    expect(session.cursor.value).toEqual({ ...alone, patch: 0 });
  });

  test("a pixel stays, whatever is pointed at", () => {
    const { session, hands, click } = setUp();
    click("output", [3, 9]);
    const before = session.cursor.value;
    for (const view of ["foreground", "background", "output"] as const) {
      hands.hover(view, [0, 0]);
      hands.leave(view);
    }
    expect(session.cursor.value).toBe(before);
  });
});

describe("keys", () => {
  test("the first key keeps the middle, arrows go on from there by a cell", () => {
    const { session, key } = setUp();
    key("foreground", "ArrowDown");
    expect(session.cursor.value).toEqual(keptQuery([3, 2]));
    key("foreground", "ArrowDown");
    key("foreground", "ArrowRight");
    expect(session.cursor.value).toEqual(keptQuery([4, 3]));
    key("foreground", "ArrowUp");
    key("foreground", "ArrowLeft");
    expect(session.cursor.value).toEqual(keptQuery([3, 2]));
  });

  test("with Shift by eight, and no further than the edge", () => {
    const { session, key } = setUp();
    key("output", "Enter");
    expect(session.cursor.value).toMatchObject({ pixel: [6, 5] });
    key("output", "ArrowUp");
    expect(session.cursor.value).toMatchObject({ pixel: [5, 5] });
    key("output", "ArrowDown");
    key("output", "ArrowUp", { shiftKey: true });
    expect(session.cursor.value).toMatchObject({ pixel: [0, 5] });
    key("output", "ArrowDown", { shiftKey: true });
    expect(session.cursor.value).toMatchObject({ pixel: [8, 5] });
    key("output", "ArrowDown", { shiftKey: true });
    expect(session.cursor.value).toMatchObject({ pixel: [11, 5] });
  });

  test("in the background they move the patch that a kept query is compared with", () => {
    const { session, key, click } = setUp();
    click("foreground", [5, 7]);
    key("background", "ArrowDown");
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 3 * 5 + 2));
    key("background", "ArrowRight");
    expect(session.cursor.value).toEqual(keptQuery([2, 3], 3 * 5 + 3));
  });

  test("Enter and space keep what the mouse shows", () => {
    for (const name of ["Enter", " "]) {
      const { session, hands, key } = setUp();
      hands.hover("foreground", [5, 7]);
      const event = key("foreground", name);
      expect(session.cursor.value).toEqual(keptQuery([2, 3]));
      expect(event.defaultPrevented).toBe(true);
    }
  });

  test("other keys, and those held with Ctrl, Alt or Meta, are left to the page", () => {
    const { session, key } = setUp();
    expect(key("foreground", "a").defaultPrevented).toBe(false);
    for (const held of ["ctrlKey", "altKey", "metaKey"]) {
      expect(key("foreground", "ArrowDown", { [held]: true }).defaultPrevented).toBe(false);
    }
    expect(session.cursor.value).toBe(NOTHING);
  });
});

describe("painting", () => {
  test("a brush paints along the drag, and one Undo takes the whole drag back", () => {
    const { session, hands, painted } = setUp();
    session.tool.value = "brush";
    session.brush.value = 1;
    expect(hands.press("foreground", [4, 1])).toBe(true);
    expect(painted()).toBe(1);
    hands.drag("foreground", [4, 5]);
    hands.drag("foreground", [8, 5]);
    hands.release("foreground", [8, 5]);
    expect(painted()).toBe(9);
    expect(session.cursor.value).toBe(NOTHING);
    expect(session.undoable.value.length).toBe(1);
    hands.undo();
    expect(session.run.mask).toBe(null);
    expect(session.undoable.value.length).toBe(0);
    hands.undo();
    expect(session.run.mask).toBe(null);
  });

  test("an eraser takes away what was painted", () => {
    const { session, click, painted } = setUp();
    session.tool.value = "brush";
    session.brush.value = 3;
    click("foreground", [4, 4]);
    const before = painted();
    session.tool.value = "erase";
    session.brush.value = 1;
    click("foreground", [4, 4]);
    expect(painted()).toBe(before - 1);
  });

  test("a rectangle follows the mouse: what it covered on the way is not painted", () => {
    const { session, hands, painted } = setUp();
    session.tool.value = "rectangle";
    hands.press("foreground", [2, 2]);
    hands.drag("foreground", [9, 9]);
    hands.drag("foreground", [3, 4]);
    hands.release("foreground", [3, 4]);
    expect(painted()).toBe(6);
  });

  test("only one picture is painted on; elsewhere a click keeps", () => {
    const { session, hands, click, painted } = setUp();
    session.tool.value = "brush";
    expect(hands.canvas).toBe("foreground");
    expect(hands.press("background", [4, 4])).toBe(false);
    hands.drag("background", [4, 8]);
    expect(painted()).toBe(0);
    click("output", [4, 4]);
    expect(session.cursor.value).toMatchObject({ kind: "pixel", kept: true });
    hands.press("foreground", [4, 4]);
    const before = painted();
    hands.drag("background", [4, 8]);
    expect(painted()).toBe(before);
  });

  test("where f has a hole of its own, b is painted on", () => {
    const own = new Uint8Array(H * W);
    const { hands } = setUp({}, {}, 1, {
      arrays: { foreground_mask: { dtype: "uint8", shape: [1, H, W] } },
      buffers: { foreground_mask: own },
    });
    expect(hands.canvas).toBe("background");
  });

  test("Enter paints at the cursor, an arrow only moves", () => {
    const { session, key, painted } = setUp();
    session.tool.value = "brush";
    session.brush.value = 1;
    key("foreground", "ArrowDown");
    expect(painted()).toBe(0);
    key("foreground", "Enter");
    expect(painted()).toBe(1);
    expect(session.run.mask?.data[6 * W + 4]).toBe(1);
    expect(session.undoable.value.length).toBe(1);
  });

  test("of a mask for each sample only the one on screen is painted", () => {
    const mask = { shape: [2, H, W] as [number, number, number], data: new Uint8Array(2 * H * W) };
    const { session, click } = setUp({ mask, sample: 1 }, {}, 2);
    session.tool.value = "brush";
    session.brush.value = 1;
    click("foreground", [0, 0]);
    const data = session.run.mask?.data ?? new Uint8Array();
    expect([data[0], data[H * W]]).toEqual([0, 1]);
    expect(mask.data.includes(1)).toBe(false);
  });

  test("another hole is put in place of the present one, and can be undone", () => {
    const { session, hands, click, painted } = setUp();
    session.tool.value = "brush";
    click("foreground", [4, 4]);
    const before = painted();
    hands.put(null);
    expect(session.run.mask).toBe(null);
    hands.undo();
    expect(painted()).toBe(before);
  });

  test("the kernel is told when the hand rests, not on the way", () => {
    const { session, hands, model } = setUp();
    vi.advanceTimersByTime(50);
    const before = model.saved.length;
    session.tool.value = "brush";
    hands.press("foreground", [4, 4]);
    hands.drag("foreground", [4, 8]);
    expect(model.saved.length).toBe(before);
    expect(session.progress.value).not.toBe(null);
  });
});
