// The three pictures: drawn when what they show changed, and at once; their words; the mouse.
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StageKey } from "../generated/stages.ts";
import { type Cursor, keptQuery, NOTHING } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import type { Kernel } from "../state/kernel.ts";
import type { Run } from "../state/run.ts";
import { Session } from "../state/session.ts";
import { fitted } from "../views/canvas.ts";
import { ToolsContext } from "../views/context.ts";
import { Pictures } from "../views/Pictures.tsx";
import { hole, smallRun } from "./run.ts";

const VIEWS = ["foreground", "background", "output"] as const;
type View = (typeof VIEWS)[number];
const ROOM = 200; // CSS pixels for each picture

const root = document.createElement("div");
/** Which canvas of the page was drawn on, in order. */
let drawn: string[] = [];

/** jsdom has no canvas: only that it is drawn on is of interest. */
function context(this: HTMLCanvasElement) {
  const image = (cols: number, rows: number) => ({ data: new Uint8ClampedArray(4 * cols * rows) });
  return {
    createImageData: image,
    putImageData() {},
    fillRect() {},
    drawImage() {},
    clearRect: () => drawn.push(this.dataset.view ?? ""),
  };
}

beforeEach(() => {
  drawn = [];
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(ROOM);
  const canvas = vi.spyOn(HTMLCanvasElement.prototype, "getContext");
  canvas.mockImplementation(context as never);
  vi.spyOn(HTMLCanvasElement.prototype, "toDataURL").mockReturnValue("data:,");
});

afterEach(() => {
  render(null, root);
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function show(run: Run = smallRun(), stage: StageKey = "attention", cursor: Cursor = NOTHING) {
  const session = new Session();
  session.open(run);
  session.stage.value = stage;
  session.cursor.value = cursor;
  const publish = vi.fn((changes: { cursor: Cursor }) => {
    session.cursor.value = changes.cursor;
  });
  const kernel = { publish } as unknown as Kernel;
  const hands = new Hands(session, kernel);
  render(
    <ToolsContext.Provider value={{ session, kernel, hands }}>
      <Pictures />
    </ToolsContext.Provider>,
    root,
  );
  return session;
}

function panel(view: View): HTMLElement {
  const element = root.querySelector<HTMLElement>(`section[aria-label="${view}"]`);
  if (!element) throw new Error(`There is no ${view}.`);
  return element;
}

const text = (view: View, selector: string): string =>
  (panel(view).querySelector(selector)?.textContent ?? "").replaceAll(/\s+/g, " ").trim();

const captions = () => VIEWS.map((view) => text(view, ".ctx-caption"));

const kinds = (view: View): string[] =>
  [...panel(view).querySelectorAll(".ctx-marks i")].map((mark) => mark.className);

/** What Preact draws follows in a microtask. */
const settled = () => Promise.resolve();

const hoveredQuery: Cursor = { kind: "query", query: [4, 3], partner: null, kept: false };

describe("the canvases", () => {
  test("each is drawn once to begin with, at whole device pixels a cell", () => {
    show();
    expect(drawn).toEqual(["foreground", "background", "output"]);
    const base = panel("foreground").querySelector("canvas");
    expect([base?.width, base?.height]).toEqual([165, 198]); // 33 a cell of 5 × 6
    expect(base?.parentElement?.style.width).toBe("165px");
  });

  test("only the one that shows something else is drawn again, before anything else happens", () => {
    const session = show();
    drawn = [];
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
    drawn = [];
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

describe("words", () => {
  test.each<[string, StageKey, Cursor, string[]]>([
    [
      "nothing",
      "attention",
      NOTHING,
      ["each cell is a query", "where the patches come from", "what attention puts together"],
    ],
    [
      "a query in the hole",
      "scores",
      { ...hoveredQuery, query: [2, 2] },
      [
        "query (2, 2), in the hole · click keeps it",
        "scores; best five outlined",
        "the 4×4 pixels it helps to rebuild",
      ],
    ],
    [
      "a kept query",
      "valid",
      keptQuery([5, 4]),
      ["query (5, 4) · kept", "best five outlined", "the 4×4 pixels it helps to rebuild"],
    ],
    [
      "a pair",
      "attention",
      keptQuery([5, 4], 7),
      [
        "query (5, 4) · kept",
        "patch (1, 2) against the query",
        "the 4×4 pixels it helps to rebuild",
      ],
    ],
    [
      "a patch",
      "attention",
      { kind: "patch", patch: 7, query: null, kept: false },
      [
        "where it is pasted, and how strongly",
        "patch (1, 2) · click keeps it",
        "the places it is pasted most",
      ],
    ],
    [
      "a patch at a step without rows",
      "valid",
      { kind: "patch", patch: 7, query: null, kept: true },
      [
        "see it at matching, fusion or softmax",
        "patch (1, 2) · kept",
        "the places it is pasted most",
      ],
    ],
    [
      "a pixel",
      "output",
      { kind: "pixel", pixel: [5, 5], kept: false },
      [
        "the 4 queries whose patches overlap there",
        "where its colour comes from",
        "pixel (5, 5) · click keeps it",
      ],
    ],
  ])("below the pictures: %s", (_, stage, cursor, words) => {
    show(smallRun(), stage, cursor);
    expect(captions()).toEqual(words);
  });

  test("a stage goes by its title", () => {
    const run = smallRun();
    const [entry] = run.inputs.meta.registry;
    run.inputs.meta.registry.push({ ...entry, key: "scores", title: "Matching scores" });
    show(run, "scores", hoveredQuery);
    run.inputs.meta.registry.pop();
    expect(captions()[1]).toBe("Matching scores; best five outlined");
  });

  test("beside the names: shapes, the flow, how far the output is", async () => {
    const session = show(smallRun({ isKnown: false }), "attention");
    expect(VIEWS.map((view) => text(view, "h3 span"))).toEqual([
      "3 × 12 × 10",
      "3 × 12 × 10",
      "not computed",
    ]);
    session.progress.value = 0.404;
    await settled();
    expect(text("output", "h3")).toBe("output computing, 40 %");
    show(smallRun(), "flow");
    expect(text("output", "h3 span")).toBe("offset flow");
  });

  test("the legend says between which numbers the colours lie, and of what", async () => {
    const session = show(smallRun(), "attention", hoveredQuery);
    const most = Math.max(...Array.from(session.scene.value.backgroundHeat?.values ?? []));
    const ends = [...panel("background").querySelectorAll<HTMLElement>(".ctx-legend [title]")];
    expect(ends.map(({ title }) => Number(title))).toEqual([0, most]);
    const ramp = panel("background").querySelector<HTMLElement>(".ctx-ramp");
    expect(ramp?.style.background).toContain("linear-gradient");
    expect(text("background", ".ctx-legend small")).toBe("this query");
    expect(text("foreground", ".ctx-legend")).toBe("");
    session.span.value = "stage";
    await settled();
    expect(text("background", ".ctx-legend small")).toBe("this stage");
    session.span.value = "everything";
    await settled();
    expect(text("background", ".ctx-legend")).toBe("01everything");
  });
});

describe("boxes and arrows", () => {
  test("a query, its five best with the best on top, and where it pastes", () => {
    show(smallRun(), "attention", hoveredQuery);
    expect(kinds("foreground")).toEqual(["query"]);
    expect(kinds("background")).toEqual(Array(5).fill("match dashed"));
    expect(kinds("output")).toEqual(["pixel"]);
    const query = panel("foreground").querySelector<HTMLElement>(".ctx-marks i");
    // Cell (4, 3) of 2 × 2 pixels: its middle is (9, 7) of 12 × 10.
    expect(query?.style.left).toBe("70%");
    expect(query?.style.top).toBe("75%");
    expect([query?.style.width, query?.style.height]).toEqual(["20%", "16.667%"]);
    const labels = [...panel("background").querySelectorAll<HTMLElement>(".ctx-marks i")];
    expect(labels.at(-1)?.dataset.label).toBe("1");
  });

  test("a chosen patch lies over the best ones; a step's own boxes lie below", () => {
    show(smallRun(), "scores", keptQuery([4, 3], 7));
    expect(kinds("foreground")).toEqual(["query light", "query"]);
    expect(kinds("background").slice(0, 2)).toEqual(["match light", "match light"]);
    expect(kinds("background").at(-1)).toBe("match");
  });

  test("a pixel: the queries that overlap there, and nothing that a step says of one query", () => {
    show(smallRun(), "scores", { kind: "pixel", pixel: [5, 5], kept: false });
    expect(kinds("foreground")).toEqual(Array(4).fill("query"));
    expect(kinds("output")).toEqual([...Array(4).fill("query light"), "pixel"]);
  });

  test("a patch: where it is pasted most, no more than twelve", () => {
    show(smallRun({ mask: null }), "attention", {
      kind: "patch",
      patch: 7,
      query: null,
      kept: false,
    });
    expect(kinds("background")).toEqual(["match"]);
    expect(kinds("output").length).toBeGreaterThan(0);
    expect(kinds("output").length).toBeLessThanOrEqual(12);
  });

  test("the flow's arrows begin in the middle of a cell", () => {
    show(smallRun(), "flow", hoveredQuery);
    const arrow = panel("background").querySelector(".ctx-arrows g path");
    expect(arrow?.getAttribute("d")).toMatch(/^M7 9L/);
    expect(panel("background").querySelector("svg")?.getAttribute("viewBox")).toBe("0 0 10 12");
  });
});

describe("the mouse and the keys", () => {
  function fire(view: View, type: string, more: MouseEventInit = {}) {
    const stack = panel(view).querySelector(".ctx-stack");
    stack?.dispatchEvent(new MouseEvent(type, { bubbles: true, ...more }));
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
    expect(session.cursor.value).toBe(NOTHING);
    fire("foreground", "pointerdown", { ...at, button: 2 });
    fire("foreground", "pointerup", { ...at, button: 2 });
    expect(session.cursor.value).toBe(NOTHING);
    fire("foreground", "pointerdown", at);
    fire("foreground", "pointerup", at);
    expect(session.cursor.value).toEqual(keptQuery([4, 3]));
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
