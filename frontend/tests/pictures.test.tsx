// The three pictures: drawn when what they show changed, and at once; the mouse over them.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { keptQuery, NOTHING } from "../state/cursor.ts";
import { fitted } from "../views/canvas.ts";
import { drawn, hoveredQuery, panel, show, VIEWS, type View } from "./pictures.tsx";
import { hole, smallRun } from "./run.ts";

describe("the canvases", () => {
  test("each is drawn once to begin with, at whole device pixels a cell", () => {
    show();
    expect(drawn).toEqual(["foreground", "background", "output"]);
    const base = panel("foreground").querySelector("canvas");
    expect([base?.width, base?.height]).toEqual([165, 198]); // 33 a cell of 5 × 6
    expect(base?.parentElement?.style.width).toBe("165px");
  });

  test("only the one that shows something else is drawn again, before all else", () => {
    const session = show();
    drawn.length = 0;
    session.cursor.value = hoveredQuery;
    expect(drawn).toEqual(["background"]);
    session.cursor.value = { ...hoveredQuery, query: [0, 0] };
    expect(drawn).toEqual(["background", "background"]);
    session.cursor.value = { ...hoveredQuery, query: [0, 0], kept: true };
    session.tool.value = "brush";
    session.progress.value = 0.5;
    expect(drawn.length).toBe(2);
  });

  test("a step draws its own pictures, and going back draws the former ones", () => {
    const session = show();
    drawn.length = 0;
    session.stage.value = "downsampled_f";
    expect(drawn).toEqual(["foreground"]);
    session.stage.value = "flow";
    expect(drawn).toEqual(["foreground", "foreground", "output"]);
    session.channel.value = 1;
    expect(drawn.length).toBe(6);
  });

  test("without room nothing is drawn", () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(0);
    show();
    expect(drawn).toEqual([]);
  });

  test("a picture fits its room both ways; tiny cells need not be whole pixels", () => {
    expect(fitted(12, 10, 2, 200)).toEqual({ width: 165, height: 198 });
    expect(fitted(10, 20, 2, 200)).toEqual({ width: 200, height: 100 });
    expect(fitted(256, 256, 1, 300)).toEqual({ width: 300, height: 300 });
  });
});

describe("what is struck out", () => {
  const isHatched = (view: View) =>
    panel(view).querySelector<HTMLElement>(".ctx-hatch")?.hidden === false;

  test("the hole, in all three; nothing where there is none", () => {
    show(smallRun(), "scores");
    expect(VIEWS.map(isHatched)).toEqual([true, true, true]);
    show(smallRun({ mask: null }), "scores");
    expect(VIEWS.map(isHatched)).toEqual([false, false, false]);
  });

  test("moving the mouse makes no new one; a step that strikes out patches does", () => {
    const session = show(smallRun(), "scores");
    const make = vi.mocked(HTMLCanvasElement.prototype.toDataURL);
    make.mockClear();
    session.cursor.value = hoveredQuery;
    session.cursor.value = NOTHING;
    expect(make).not.toHaveBeenCalled();
    session.stage.value = "attention";
    const hatch = panel("background").querySelector<HTMLElement>(".ctx-hatch");
    expect(hatch?.style.getPropertyValue("--size")).toBe("100% 100%");
    expect(make).toHaveBeenCalled();
  });
});

describe("the mouse and the keys", () => {
  function fire(view: View, type: string, more: PointerEventInit = {}) {
    const stack = panel(view).querySelector(".ctx-stack");
    stack?.dispatchEvent(new PointerEvent(type, { bubbles: true, ...more }));
  }

  beforeEach(() => {
    const box = { left: 100, top: 50, width: 160, height: 192 } as DOMRect;
    vi.spyOn(HTMLCanvasElement.prototype, "getBoundingClientRect").mockReturnValue(box);
  });

  test("a move shows, a click keeps, leaving lets go of what is not kept", () => {
    const session = show();
    // 16 CSS pixels a pixel: (50 + 9 · 16, 100 + 7 · 16) is pixel (9, 7), in cell (4, 3).
    const at = { clientX: 100 + 7 * 16, clientY: 50 + 9 * 16 };
    fire("foreground", "pointermove", at);
    expect(session.cursor.value).toEqual(hoveredQuery);
    fire("foreground", "pointerleave");
    expect(session.cursor.value).toEqual(session.home.value);
    fire("foreground", "pointerdown", { ...at, button: 2 });
    fire("foreground", "pointerup", { ...at, button: 2 });
    expect(session.cursor.value).toEqual(session.home.value);
    fire("foreground", "pointerdown", at);
    fire("foreground", "pointerup", at);
    expect(session.cursor.value).toEqual(keptQuery([4, 3]));
  });

  test("a finger shows, and keeps the second time; what it does on the way shows nothing", () => {
    const session = show();
    const at = { clientX: 100 + 7 * 16, clientY: 50 + 9 * 16, pointerType: "touch" };
    const tap = () => {
      fire("foreground", "pointermove", { ...at, clientX: 110 });
      fire("foreground", "pointerdown", at);
      fire("foreground", "pointermove", { ...at, clientX: 120, buttons: 1 });
      fire("foreground", "pointerup", at);
      fire("foreground", "pointerleave", at);
    };
    tap();
    expect(session.cursor.value).toEqual(hoveredQuery);
    tap();
    expect(session.cursor.value).toEqual(keptQuery([4, 3]));
  });

  test("a finger scrolls, unless a tool paints or draws there", () => {
    const session = show();
    const drags = () =>
      VIEWS.map((view) => panel(view).querySelector<HTMLElement>(".ctx-stack")?.dataset.drags);
    expect(drags()).toEqual(["false", "false", "false"]);
    session.tool.value = "brush";
    expect(drags()).toEqual(["true", "false", "false"]);
    session.tool.value = "region";
    expect(drags()).toEqual(["true", "false", "false"]);
  });

  test("with the button down a move shows nothing: it would paint", () => {
    const session = show();
    fire("foreground", "pointermove", { clientX: 110, clientY: 60, buttons: 1 });
    expect(session.cursor.value).toBe(NOTHING);
    fire("foreground", "pointermove", { clientX: -50, clientY: 900 });
    expect(session.cursor.value).toMatchObject({ query: [5, 0] });
    fire("foreground", "pointerleave", { buttons: 1 });
    expect(session.cursor.value).toMatchObject({ query: [5, 0] });
  });

  test("each picture is reached by Tab and says its keys", () => {
    const session = show();
    const stack = panel("output").querySelector<HTMLElement>(".ctx-stack");
    expect(stack?.tabIndex).toBe(0);
    expect(stack?.getAttribute("role")).toBe("application");
    expect(stack?.getAttribute("aria-label")).toContain("arrow keys move");
    stack?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    expect(session.cursor.value).toMatchObject({ kind: "pixel", kept: true });
  });
});

test("another hole is drawn over the pictures at once", () => {
  const session = show();
  const make = vi.mocked(HTMLCanvasElement.prototype.toDataURL);
  make.mockClear();
  session.show(session.run.change(session.run.config, hole(0, 2, 0, 2)));
  expect(make).toHaveBeenCalledTimes(3);
});
