// The three pictures, shown for a run, a stage and a cursor.
import { render } from "preact";
import { afterEach, beforeEach, vi } from "vitest";
import type { StageKey } from "../generated/stages.ts";
import { type Cursor, NOTHING } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import type { Kernel } from "../state/kernel.ts";
import type { Run } from "../state/run.ts";
import { Session } from "../state/session.ts";
import { ToolsContext } from "../views/context.ts";
import { Pictures } from "../views/Pictures.tsx";
import { smallRun } from "./run.ts";

export const VIEWS = ["foreground", "background", "output"] as const;
export type View = (typeof VIEWS)[number];
const ROOM = 200; // CSS pixels for each picture

const root = document.createElement("div");
/** Which canvas of the page was drawn on, in order. */
export const drawn: string[] = [];

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
  drawn.length = 0;
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

export function show(
  run: Run = smallRun(),
  stage: StageKey = "attention",
  cursor: Cursor = NOTHING,
) {
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

export function panel(view: View): HTMLElement {
  const element = root.querySelector<HTMLElement>(`section[aria-label="${view}"]`);
  if (!element) throw new Error(`There is no ${view}.`);
  return element;
}

export const text = (view: View, selector: string): string =>
  (panel(view).querySelector(selector)?.textContent ?? "").replaceAll(/\s+/g, " ").trim();

export const captions = () => VIEWS.map((view) => text(view, ".ctx-caption"));

export const kinds = (view: View): string[] =>
  [...panel(view).querySelectorAll(".ctx-marks i")].map((mark) => mark.className);

/** What Preact draws follows in a microtask. */
export const settled = () => Promise.resolve();

export const hoveredQuery: Extract<Cursor, { kind: "query" }> = {
  kind: "query",
  query: [4, 3],
  partner: null,
  kept: false,
};
