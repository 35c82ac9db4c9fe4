// What a hand does on the pictures: 12 × 10 pixels, a cell of 2 × 2, so 6 × 5 queries.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keptQuery, NOTHING } from "../state/cursor.ts";
import { setUp } from "./hands.ts";
import { CONFIG, H, W } from "./stub.ts";

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
    const { session, hands } = setUp({}, { config: { ...CONFIG, rate: 4 } });
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
