// The buttons that play the steps and pin a run: each says what it will do, and does it.
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keptQuery } from "../state/cursor.ts";
import { click, host, openApp, press, words } from "./app.tsx";

const PLAY = '[data-do="play"]';
const STEP = 1600; // milliseconds

vi.setConfig({ testTimeout: 60_000 }); // the whole page is drawn many times over

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const open = (...input: Parameters<typeof openApp>) => {
  let session!: ReturnType<typeof openApp>;
  act(() => {
    session = openApp(...input);
  });
  return session;
};
const wait = (milliseconds: number) => act(() => void vi.advanceTimersByTime(milliseconds));
const clickIt = (selector: string) => act(() => click(selector));
const pressIt = (key: string, target?: Element) => act(() => press(key, target));

describe("Play", () => {
  test("goes on to the last step, and stops there", () => {
    const session = open("output");
    expect(words(PLAY)).toBe("Play");
    clickIt(PLAY);
    expect(words(PLAY)).toBe("Pause");
    wait(STEP);
    expect(session.stage.value).toBe("offsets");
    expect(words(PLAY)).toBe("Replay");
    expect(session.isPlaying.value).toBe(false);
  });

  test("at the last step begins with the first one", () => {
    const session = open("flow");
    clickIt(PLAY);
    expect(session.stage.value).toBe("downsampled_f");
    wait(STEP);
    expect(session.stage.value).toBe("matching_patches");
    clickIt(PLAY);
    expect(words(PLAY)).toBe("Play");
    wait(3 * STEP);
    expect(session.stage.value).toBe("matching_patches");
  });

  test("Escape stops it and lets nothing go; the next one does", () => {
    const session = open("scores");
    act(() => {
      session.cursor.value = keptQuery([4, 3]);
    });
    clickIt(PLAY);
    pressIt("Escape");
    expect([session.isPlaying.value, session.kept]).toEqual([false, true]);
    pressIt("Escape");
    expect(session.kept).toBe(false);
    clickIt(PLAY);
    pressIt("Escape", document.body);
    expect(session.isPlaying.value).toBe(false);
  });

  test.each([
    ["a tile", () => clickIt(".ctx-step-1")],
    ["a step on", () => clickIt('[data-do="next"]')],
    ["a key", () => pressIt("]")],
  ])("%s that is chosen stops it", (_what, choose) => {
    const session = open("scores");
    clickIt(PLAY);
    choose();
    const { value } = session.stage;
    expect(session.isPlaying.value).toBe(false);
    wait(3 * STEP);
    expect(session.stage.value).toBe(value);
  });
});

test("Pin says what it will do, and is no switch of two names", () => {
  const session = open("scores");
  const pin = '[data-do="pin"]';
  const button = host.querySelector(pin);
  const hint = () => {
    act(() => void button?.dispatchEvent(new FocusEvent("focusin", { bubbles: true })));
    return session.hint.value;
  };
  expect(words(pin)).toBe("Pin as A");
  expect(hint()).toMatch(/^Keeps this run as A/);
  clickIt(pin);
  expect(words(pin)).toBe("Unpin A");
  expect(button?.hasAttribute("aria-pressed")).toBe(false);
  expect(hint()).toMatch(/^Lets A go/);
});
