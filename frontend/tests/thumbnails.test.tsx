// The strip's small pictures: painted after the large ones, and only when what they show changed.
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STEP_KEYS, type StepKey } from "../generated/stages.ts";
import { type Cursor, keptQuery, NOTHING } from "../state/cursor.ts";
import type { Run } from "../state/run.ts";
import { Session } from "../state/session.ts";
import { STEPS } from "../steps/index.ts";
import { widened } from "../steps/miniatures.ts";
import { type Tools, ToolsContext } from "../views/context.ts";
import { CURSORS, EVERYWHERE } from "./inspect.tsx";
import { smallRun } from "./run.ts";

/** How often each canvas was composed, and the last pixels that were put on any. */
const composed = new Map<HTMLCanvasElement, number>();
const pixels = new WeakMap<HTMLCanvasElement, ImageData>();

function penOf(this: HTMLCanvasElement) {
  return {
    clearRect: () => composed.set(this, (composed.get(this) ?? 0) + 1),
    drawImage: () => {},
    createImageData: (width: number, height: number) => ({
      width,
      height,
      data: new Uint8ClampedArray(4 * width * height),
    }),
    putImageData: (image: ImageData) => pixels.set(this, image),
  };
}

const root = document.createElement("div");
let frames: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => frames.push(callback));
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(penOf as never);
});

afterEach(() => {
  act(() => render(null, root));
  frames = [];
  composed.clear();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The frame that shows the large pictures goes out; what follows it is done. */
function nextFrame(): void {
  const waiting = frames;
  frames = [];
  for (const callback of waiting) callback();
  vi.runAllTimers();
}

function open(run: Run, cursor: Cursor, pinned: Run | null = null): Session {
  const session = new Session();
  session.open(run);
  session.cursor.value = cursor;
  session.pinned.value = pinned;
  const tools = { session, kernel: {} } as unknown as Tools;
  const thumbnails = STEP_KEYS.map((name) => {
    const { Thumbnail } = STEPS[name];
    return (
      <div key={name} data-step={name}>
        <Thumbnail />
      </div>
    );
  });
  act(() =>
    render(<ToolsContext.Provider value={tools}>{thumbnails}</ToolsContext.Provider>, root),
  );
  return session;
}

const at = (name: StepKey, selector: string): HTMLElement[] => [
  ...root.querySelectorAll<HTMLElement>(`[data-step="${name}"] ${selector}`),
];

/** How often the thumbnails of a step were composed, all together. */
function counts(): Record<string, number> {
  const entries = STEP_KEYS.map((name) => {
    const canvases = at(name, "canvas") as HTMLCanvasElement[];
    return [name, canvases.reduce((sum, canvas) => sum + (composed.get(canvas) ?? 0), 0)];
  });
  return Object.fromEntries(entries);
}

const ONCE = Object.fromEntries(STEP_KEYS.map((name) => [name, name === "Patches" ? 2 : 1]));

describe("when they are painted", () => {
  test("a frame after the first, all at once", () => {
    open(smallRun(), keptQuery([2, 2]));
    expect(composed.size).toBe(0);
    expect(frames).toHaveLength(1);
    nextFrame();
    expect(counts()).toEqual(ONCE);
    expect(frames).toHaveLength(0);
  });

  test("of several moves only the last one is drawn", () => {
    const session = open(smallRun(), keptQuery([2, 2]));
    nextFrame();
    session.cursor.value = keptQuery([3, 3]);
    session.cursor.value = keptQuery([4, 4], 24);
    session.cursor.value = keptQuery([1, 1], 25);
    expect(frames).toHaveLength(1);
    nextFrame();
    expect(counts().Matching).toBe(2);
    const [box] = at("Matching", "i");
    expect(Number.parseFloat(box.style.top)).toBeCloseTo((100 * 5.5) / 6, 3);
    expect(Number.parseFloat(box.style.left)).toBeCloseTo((100 * 0.5) / 5, 3);
  });

  test("a move between the frame and its thumbnails is drawn in time", () => {
    const session = open(smallRun(), keptQuery([2, 2], 7));
    const waiting = frames;
    frames = [];
    for (const callback of waiting) callback();
    session.cursor.value = keptQuery([2, 2], 25);
    vi.runAllTimers();
    nextFrame();
    expect(Number.parseFloat(at("Matching", "i")[0].style.top)).toBeCloseTo((100 * 5.5) / 6, 3);
    expect(frames).toHaveLength(0);
  });

  test("gone, they paint no more", () => {
    const session = open(smallRun(), keptQuery([2, 2]));
    act(() => render(null, root));
    session.cursor.value = keptQuery([3, 3]);
    nextFrame();
    expect(composed.size).toBe(0);
  });
});

describe("what is painted again", () => {
  test("another query: its patch, its rows and its place, not the maps that stay", () => {
    const session = open(smallRun(), keptQuery([2, 2], 24));
    nextFrame();
    session.cursor.value = keptQuery([3, 2], 24);
    nextFrame();
    expect(counts()).toEqual({
      Shrink: 1,
      Patches: 3, // the query's, not the key's
      Validity: 1,
      Matching: 2,
      "Fuse ↔": 2,
      "Fuse ↕": 2,
      Softmax: 2,
      Deconvolution: 2, // what surrounds it
      Flow: 1,
    });
    expect(Number.parseFloat(at("Shrink", "i")[0].style.top)).toBeCloseTo((100 * 3.5) / 6, 3);
  });

  test("another stage or the same cell again: nothing", () => {
    const session = open(smallRun(), keptQuery([2, 2], 24));
    nextFrame();
    session.stage.value = "scores";
    session.cursor.value = keptQuery([2, 2], 24);
    nextFrame();
    expect(counts()).toEqual(ONCE);
  });

  test("another hole: what depends on it", () => {
    const run = smallRun();
    const session = open(run, keptQuery([2, 2], 24));
    nextFrame();
    session.show(run.change(run.config, null));
    nextFrame();
    const after = counts();
    expect([after.Shrink, after.Validity, after.Matching, after.Patches]).toEqual([2, 2, 1, 2]);
    expect([after.Softmax, after.Flow]).toEqual([2, 2]);
  });
});

describe("what they show", () => {
  test.each(Object.keys(CURSORS))("every step for %s", (name) => {
    for (const run of [smallRun(), smallRun({ mask: EVERYWHERE, isKnown: false })]) {
      open(run, CURSORS[name]);
      nextFrame();
      for (const box of root.querySelectorAll<HTMLElement>("i")) {
        expect(box.getAttribute("style")).not.toMatch(/NaN|undefined/);
      }
      const isQuery = CURSORS[name].kind !== "nothing" && CURSORS[name].kind !== "patch";
      if (isQuery) expect(root.querySelectorAll('[data-blank="true"]')).toHaveLength(0);
      act(() => render(null, root));
    }
  });

  test("without a cell: the maps that need none", () => {
    const session = open(smallRun(), keptQuery([2, 2]));
    nextFrame();
    session.cursor.value = NOTHING;
    nextFrame();
    const blank = STEP_KEYS.filter((name) => at(name, '[data-blank="true"]').length > 0);
    expect(blank).toEqual(["Patches", "Matching", "Fuse ↔", "Fuse ↕", "Softmax", "Deconvolution"]);
    expect(at("Softmax", ".ctx-bars i").map((bar) => bar.style.width)).toEqual(
      Array.from({ length: 6 }, () => "0%"),
    );
  });

  test("shares are bars of one scale, the last one all others", () => {
    const run = smallRun();
    open(run, keptQuery([2, 2]));
    nextFrame();
    const widths = at("Softmax", ".ctx-bars i").map((bar) => Number.parseFloat(bar.style.width));
    const best = run.attention(0).best(12);
    best.forEach(({ weight }, i) => {
      expect(widths[i]).toBeCloseTo(100 * weight, 4);
    });
    expect(widths.reduce((sum, width) => sum + width, 0)).toBeLessThanOrEqual(100.001);
  });

  test("the widened attention has the largest of each 3 × 3", () => {
    const values = [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 2];
    expect(Array.from(widened(values, 3, 4))).toEqual([5, 5, 0, 0, 5, 5, 2, 2, 5, 5, 2, 2]);
    expect(Array.from(widened(values, 4, 3))).toEqual([5, 5, 5, 5, 5, 5, 5, 5, 5, 0, 2, 2]);
  });
});

describe("A beside B", () => {
  test("both, with their values, and where they part", () => {
    const A = smallRun();
    const B = A.change({ ...A.config, softmax_scale: 40 }, A.mask);
    const best = B.attention(0).argmax(12);
    const session = open(B, keptQuery([2, 2], best), A);
    nextFrame();
    for (const name of STEP_KEYS) {
      expect(at(name, ".ctx-minis")).toHaveLength(2);
      expect(at(name, ".ctx-parting")).toHaveLength(name === "Softmax" ? 1 : 0);
    }
    const tags = at("Matching", ".ctx-tag").map((tag) => tag.textContent);
    const score = A.attention(0).row("scores", 12)[best];
    expect(tags).toEqual([
      `A ${score.toPrecision(3).replace("-", "−")}`,
      `B ${score.toPrecision(3).replace("-", "−")}`,
    ]);
    const [a, b] = at("Softmax", ".ctx-tag").map((tag) => tag.textContent);
    expect(a?.slice(2)).not.toBe(b?.slice(2));
    act(() => {
      session.pinned.value = null;
    });
    expect(at("Softmax", ".ctx-minis")).toHaveLength(1);
    expect(at("Softmax", ".ctx-tag")).toHaveLength(0);
  });

  test("of other rates: A's cell at the same place, and shapes part first", () => {
    const A = smallRun({ config: { rate: 1 } });
    const B = smallRun();
    open(B, keptQuery([2, 2], 24), A);
    nextFrame();
    const tags = at("Shrink", ".ctx-tag").map((tag) => tag.textContent);
    expect(tags).toEqual(["A (4, 4)", "B (2, 2)"]);
    expect(at("Shrink", ".ctx-parting")).toHaveLength(1);
  });
});
