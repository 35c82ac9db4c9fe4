// Painting the hole: 12 × 10 pixels, a cell of 2 × 2.
import { expect, test, vi } from "vitest";
import { paintedNote } from "../state/painted.ts";
import { stopTheClock } from "./clock.ts";
import { setUp } from "./hands.ts";
import { hole, smallRun } from "./run.ts";
import { H, W } from "./stub.ts";

vi.mock("../state/background.ts", () => import("./background.ts"));
stopTheClock();

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
  expect(session.cursor.value).toEqual(session.home.value);
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
  // From home, the middle cell (3, 2), one cell of two pixels down.
  expect(session.run.mask?.data[8 * W + 4]).toBe(1);
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

test("another hole leaves f as it is, and that is said until it is the first one again", () => {
  const first = smallRun();
  expect(paintedNote(first)).toBe("");
  const other = first.change(first.config, hole(0, 2, 0, 2));
  expect(paintedNote(other)).toMatch(/^Only the mask has changed, not f: nothing is filled anew/);
  const gone = first.change(first.config, null);
  expect(paintedNote(gone)).toBe(
    "Only the mask is gone: f still holds what stood under the first hole.",
  );
  expect(paintedNote(gone.change(first.config, hole(4, 7, 4, 7)))).toBe("");
});

test("it is said when a stroke ends, but not in place of what A and B differ in", () => {
  const { session, click, hands } = setUp();
  session.tool.value = "brush";
  click("foreground", [4, 4]);
  expect(session.message.value).toMatch(/^Only the mask has changed/);
  session.message.value = "";
  session.pinned.value = session.run;
  hands.put(null);
  expect(session.message.value).toBe("");
});
