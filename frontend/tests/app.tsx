// The whole page, shown for a run: what is pressed is done to a session without a kernel.
import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, vi } from "vitest";
import type { StageKey } from "../generated/stages.ts";
import type { Cursor } from "../state/cursor.ts";
import { Hands } from "../state/hands.ts";
import type { Kernel } from "../state/kernel.ts";
import type { Run } from "../state/run.ts";
import { Session } from "../state/session.ts";
import { App } from "../views/App.tsx";
import { smallRun } from "./run.ts";

export const host = document.createElement("div");

beforeEach(() => {
  // jsdom has no canvas, no dialog and no layout: nothing of them is of interest here.
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
  HTMLDialogElement.prototype.close = () => {};
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  document.body.append(host);
});

afterEach(() => {
  render(null, host);
  host.remove();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

interface Changes {
  stage?: StageKey;
  cursor?: Cursor;
}

export function openApp(stage: StageKey, run: Run = smallRun()): Session {
  const session = new Session();
  session.open(run);
  session.stage.value = stage;
  const publish = (changes: Changes) => {
    if (changes.stage) session.stage.value = changes.stage;
    if (changes.cursor) session.cursor.value = changes.cursor;
  };
  const stepIn = { code: signal(null) };
  const link = { onChange() {}, write() {}, model: { get: () => undefined } };
  const kernel = { publish, wishes: {}, stepIn, link } as unknown as Kernel;
  const tools = { session, kernel, hands: new Hands(session, kernel) };
  render(<App tools={tools} />, host);
  return session;
}

/** The text of the first element that a selector finds, with single spaces. */
export const words = (selector: string): string =>
  (host.querySelector(selector)?.textContent ?? "").replaceAll(/\s+/g, " ").trim();

export function press(key: string, target: Element = host.querySelector(".ctxattn") ?? host): void {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}

export function click(selector: string): void {
  const element = host.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`There is no ${selector}.`);
  element.click();
}
