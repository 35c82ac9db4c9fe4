// The inspector and the sentence, shown for a run, a stage and a cursor.
import { render, type VNode } from "preact";
import { afterEach, vi } from "vitest";
import type { StageKey } from "../generated/stages.ts";
import { type Cursor, keptQuery, NOTHING } from "../state/cursor.ts";
import type { Run } from "../state/run.ts";
import type { Scene } from "../state/scene.ts";
import { Session } from "../state/session.ts";
import { type Tools, ToolsContext } from "../views/context.ts";
import { Inspector } from "../views/Inspector.tsx";
import { Sentence } from "../views/Sentence.tsx";
import { hole } from "./run.ts";

export const VIEWS = ["foreground", "background", "output"] as const;
export const EVERYWHERE = hole(0, 12, 0, 10);
/** A patch that touches the hole, which shrinks to the cell (2, 2). */
export const INVALID = 1 * 5 + 1;
export const CURSORS: Record<string, Cursor> = {
  nothing: NOTHING,
  "a query": { kind: "query", query: [2, 2], partner: null, kept: false },
  "a query in the corner": { kind: "query", query: [0, 0], partner: null, kept: false },
  "a pair": keptQuery([4, 3], 24),
  "a pair whose patch is invalid": keptQuery([4, 3], INVALID),
  "a patch": { kind: "patch", patch: 25, query: null, kept: false },
  "a patch beside a query": { kind: "patch", patch: 4, query: [1, 1], kept: false },
  "an invalid patch": { kind: "patch", patch: INVALID, query: null, kept: false },
  "a pixel": { kind: "pixel", pixel: [5, 5], kept: false },
  "a pixel in the corner": { kind: "pixel", pixel: [0, 0], kept: false },
};

export const publish = vi.fn();
export const root = document.createElement("div");

export function sceneOf(
  run: Run,
  stage: StageKey,
  cursor: Cursor,
): { session: Session; scene: Scene } {
  const session = new Session();
  session.open(run);
  session.stage.value = stage;
  session.cursor.value = cursor;
  return { session, scene: session.scene.value };
}

function textOf(run: Run, stage: StageKey, cursor: Cursor, content: VNode): string {
  const { session } = sceneOf(run, stage, cursor);
  const tools = { session, kernel: { publish } } as unknown as Tools;
  render(<ToolsContext.Provider value={tools}>{content}</ToolsContext.Provider>, root);
  return (root.textContent ?? "").replaceAll(/\s+/g, " ");
}

/** What the inspector shows: its text with single spaces. */
export const show = (run: Run, stage: StageKey, cursor: Cursor): string =>
  textOf(run, stage, cursor, <Inspector />);

/** The sentence above everything. */
export const say = (run: Run, stage: StageKey, cursor: Cursor): string =>
  textOf(run, stage, cursor, <Sentence />);

export function elements(selector: string): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(selector)];
}

/** The exact numbers of a term, as they are said when pointed at. */
export function term(name: string): number[] {
  return elements(`[data-term="${name}"]`).map(({ title }) => Number(title));
}

afterEach(() => {
  render(null, root);
  publish.mockClear();
});
