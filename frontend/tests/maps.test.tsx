// Maps of doubt: what is drawn while the rows still come, what Escape stops, where the walk leads.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Attention } from "../engine/attention.ts";
import { paint } from "../engine/colour.ts";
import { mapOfRows, mapsOf, type RowMaps, worstFirst } from "../engine/maps.ts";
import { doubtOf } from "../state/maps.ts";
import { host, openApp, press, words } from "./app.tsx";
import { hole, smallRun } from "./run.ts";
import { CONFIG, open } from "./stub.ts";

interface Job {
  readonly progress: (maps: RowMaps) => void;
  readonly settle: (maps: RowMaps | null) => void;
}

const jobs: Job[] = [];

vi.mock("../state/background.ts", () => ({
  Background: class {
    private end = () => {};
    private readonly job: string;
    constructor(job: string) {
      this.job = job;
    }
    compute(_arrays: unknown, _config: unknown, progress: Job["progress"]) {
      return new Promise((settle: Job["settle"]) => {
        this.end = () => settle(null);
        if (this.job === "maps") jobs.push({ progress, settle });
      });
    }
    stop() {
      this.end();
    }
  },
}));

/** The rows of a run, whole and after some queries. */
function rowsOf(run = smallRun(), queries?: number): RowMaps {
  const steps = mapsOf(new Attention(run.arrays(0), run.config));
  let step = steps.next();
  while (!step.done) step = steps.next();
  return queries === undefined ? step.value : { ...step.value, queriesDone: queries };
}

beforeEach(() => {
  vi.useFakeTimers();
  jobs.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

test("rows that are not there yet have no colour, and those that are have theirs", () => {
  const run = smallRun();
  const { h, w } = run.attention(0);
  run.learnRows(0, rowsOf(run, h + 2)); // a column, and two of the next
  const doubt = doubtOf("margin", run, 0);
  const done = [...Array(h * w).keys()].filter((p) => doubt?.isDone(p));
  expect(done).toEqual(
    [...Array(h * w).keys()].filter((p) => p % w === 0 || (p % w === 1 && p < 2 * w)),
  );
  expect(doubt?.isWhole).toBe(false);
  expect(doubtOf("times_pasted", run, 0)?.isDone(0)).toBe(true); // a sum so far
});

test("a map covers the picture at its lowest level, too", () => {
  const range = { low: 1, high: 9, signed: false };
  expect(paint(1, range)[3]).toBe(0);
  expect(paint(1, { ...range, covers: true })[3]).toBe(255);
  // Half the way from log 2 to log 10.
  const logarithmic = { ...range, isLogarithmic: true };
  expect(paint(Math.sqrt(20) - 1, logarithmic)).toEqual(paint(5, range));
  expect(paint(3, { low: 3, high: 3, signed: false, isLogarithmic: true })[3]).toBe(0);
});

test("the worst comes first, of equals the first, and what is no number not at all", () => {
  const values = Float32Array.of(2, Number.NaN, 1, 2, 3);
  expect(worstFirst(values, true)).toEqual([4, 0, 3, 2]);
  expect(worstFirst(values, false)).toEqual([2, 0, 3, 4]);
});

describe("the rows are made", () => {
  test("for the map on screen, and again for other settings", async () => {
    const { session, kernel, model } = open();
    vi.advanceTimersByTime(1000);
    expect(jobs).toEqual([]); // nobody has asked
    kernel.maps.choose("margin");
    expect(model.values.map).toBe("margin");
    vi.advanceTimersByTime(50);
    expect(jobs.length).toBe(1);
    const maps = rowsOf(session.run);
    jobs[0].progress({ ...maps, queriesDone: 15 });
    expect(session.mapProgress.value).toBe(0.5);
    kernel.maps.choose("best_share");
    vi.advanceTimersByTime(50);
    expect(jobs.length).toBe(1); // the same rows
    jobs[0].settle(maps);
    await vi.runAllTicks();
    await Promise.resolve();
    expect(session.mapProgress.value).toBe(null);
    expect(session.doubt.value?.isWhole).toBe(true);
    kernel.change({ softmax_scale: CONFIG.softmax_scale + 1 });
    expect(session.doubt.value).toBe(null);
    vi.advanceTimersByTime(50);
    expect(jobs.length).toBe(2);
    kernel.change({ softmax_scale: CONFIG.softmax_scale });
    vi.advanceTimersByTime(50);
    expect(jobs.length).toBe(3); // the second was ended
  });

  test("until Escape stops it; what was made stays", async () => {
    const { session, kernel } = open();
    kernel.maps.choose("margin");
    vi.advanceTimersByTime(50);
    jobs[0].progress({ ...rowsOf(session.run), queriesDone: 20 });
    kernel.maps.cancel();
    expect(session.mapProgress.value).toBe(null);
    expect(session.doubt.value?.isDone(0)).toBe(true);
    expect(session.message.value).toMatch(/Stopped/);
    vi.advanceTimersByTime(1000);
    expect(jobs.length).toBe(1);
    kernel.maps.choose("margin");
    vi.advanceTimersByTime(50);
    expect(jobs.length).toBe(2);
  });

  test("not for the error, which follows from the output", () => {
    const truth = new Float32Array(3 * 12 * 10).fill(0.5);
    const run = smallRun({ truth });
    expect(doubtOf("error", run, 0)?.values[0]).toBe(0.5); // the output of this run is 0
    expect(doubtOf("error", smallRun({ truth, isKnown: false }), 0)).toBe(null);
    expect(doubtOf("error", smallRun(), 0)).toBe(null);
  });
});

test("what Python names and this run lacks gets a sentence", () => {
  const { session, model } = open({ map: "error" });
  expect(session.map.value).toBe(null);
  expect(session.problem.value).toMatch(/cannot show the map error/);
  model.become("map", "agreement");
  expect(session.map.value).toBe("agreement");
});

describe("on screen", () => {
  test("a map says its value at the cell, and what is worst", async () => {
    vi.useRealTimers();
    const run = smallRun();
    const maps = rowsOf(run);
    run.learnRows(0, maps);
    const session = openApp("attention", run);
    session.cursor.value = { kind: "query", query: [1, 2], partner: null, kept: false };
    session.map.value = "margin";
    await new Promise(requestAnimationFrame);
    const told = host.querySelector<HTMLElement>("[data-map-value]")?.title;
    expect(Number(told)).toBe(maps.margin[1 * 5 + 2]);
    expect(words(".ctx-map p")).toMatch(/Worst is least/);
  });

  test("W walks through the hole from the worst on, and N goes on from there", () => {
    const mask = hole(4, 8, 4, 8);
    const run = smallRun({ mask });
    run.learnRows(0, rowsOf(run));
    const session = openApp("attention", run);
    press("w");
    expect(session.kept).toBe(false); // no map is on
    session.map.value = "margin";
    const values = mapOfRows("margin", rowsOf(run), run.attention(0));
    const inHole = [2 * 5 + 2, 2 * 5 + 3, 3 * 5 + 2, 3 * 5 + 3];
    const order = inHole.sort((one, other) => values[one] - values[other] || one - other);
    const places = () => session.scene.value.p;
    press("w");
    expect(places()).toBe(order[0]);
    press("w");
    press("n");
    expect(places()).toBe(order[2]);
    press("W");
    expect(places()).toBe(order[3]);
  });
});
