// From step to step, and what colours and places the code and the values have.
import { expect, test } from "vitest";
import { tokensOf } from "../engine/python_tokens.ts";
import {
  faceOf,
  firstIndex,
  indexAt,
  NOWHERE,
  numberAt,
  oddPlaces,
  placeIn,
} from "../state/face.ts";
import { layoutOf } from "../state/layout.ts";
import { recordingOf } from "../state/recording.ts";
import { back, callsOf, into, out, over, runTo, timesRun, turnsOf } from "../state/stepper.ts";
import { Stepping } from "../state/stepping.ts";
import { countOf, lookRecording, loopRecording, made, scoresRecording } from "./recording.ts";

const scores = () => recordingOf(scoresRecording());
const loop = () => recordingOf(loopRecording());

test("next goes over calls, into goes into them, out leaves them, back returns", () => {
  const { steps } = scores();
  const called = { ...steps[0], depth: 1 };
  const mixed = [steps[3], called, called, steps[4]];
  expect(over(mixed, 0)).toBe(3);
  expect(into(mixed, 0)).toBe(1);
  expect(into(mixed, 1)).toBeNull();
  expect(out(mixed, 1)).toBe(3);
  expect(out(mixed, 0)).toBeNull();
  expect(back(mixed, 3)).toBe(0);
  expect(back(mixed, 2)).toBe(1);
  expect(over([steps[3], called], 0)).toBe(1); // nothing but a call is left
  expect(over(mixed, 3)).toBeNull();
  expect(back(mixed, 0)).toBeNull();
});

test("from each end all steps are reached by slider, and the ends by next and back", () => {
  const stepping = new Stepping();
  stepping.show(scores());
  expect(stepping.at.value).toBe(0);
  while (stepping.move("next")) expect(stepping.value.value).not.toBeNull();
  expect(stepping.at.value).toBe(6);
  stepping.move("first");
  expect(stepping.at.value).toBe(0);
  stepping.move("last");
  expect(stepping.at.value).toBe(6);
  while (stepping.move("back")) expect(stepping.value.value).not.toBeNull();
  expect(stepping.at.value).toBe(0);
  expect(stepping.target("out")).toBe(3);
});

test("running to a line goes on from the start at the end, and stays where nothing is", () => {
  const { steps } = loop();
  expect(runTo(steps, 0, 0, 4)).toBe(1);
  expect(runTo(steps, 5, 0, 4)).toBe(0);
  expect(runTo(steps, 0, 0, 2)).toBeNull();
  const stepping = new Stepping();
  stepping.show(loop());
  stepping.stand(2);
  stepping.runTo(0, 5);
  expect(stepping.at.value).toBe(6);
  stepping.runTo(0, 2);
  expect(stepping.at.value).toBe(6);
  expect(stepping.told.value).toMatch("line 2");
});

test("turns of loops and how often a line ran are counted", () => {
  const { steps } = loop();
  expect(turnsOf(steps, 4)).toEqual([
    { turn: 2, of: 2 },
    { turn: 2, of: 3 },
  ]);
  expect(turnsOf(steps, 6)).toEqual([]);
  expect(timesRun(steps, 4, 0)).toEqual(new Map([[4, 5]]));
  expect(timesRun(steps, 6, 0).get(5)).toBe(1);
});

test("the calls around a step are those that Python tells, from the outside", () => {
  const { calls } = scores();
  expect(callsOf(calls, 1).map(({ source }) => source)).toEqual([0, 1]);
  expect(callsOf(calls, 0).map(({ source }) => source)).toEqual([0]);
  // One that has made no tensor has no step to tell of it.
  const silent = [...calls, { source: 2, parent: 0, line: 16 }, { source: 1, parent: 2, line: 4 }];
  expect(callsOf(silent, 3).map(({ source }) => source)).toEqual([0, 2, 1]);
});

test("where code is marked as wrong one begins at the mark", () => {
  const { recording, arrays } = loopRecording();
  const stepping = new Stepping();
  const stretch = { steps: [3, 6] as const, pieces: [[0, 4, 8, 12]] as const };
  stepping.show(recordingOf({ recording: { ...recording, stretch }, arrays }));
  expect(stepping.at.value).toBe(3);
});

test("a recording that failed opens at its last step; the same code goes on where it was", () => {
  const stepping = new Stepping();
  stepping.show(loop());
  expect(stepping.at.value).toBe(8);
  stepping.show(scores());
  stepping.stand(5);
  stepping.choose([0, 1, 2]);
  stepping.show(scores());
  expect(stepping.at.value).toBe(5);
  expect(stepping.element.value).toEqual([0, 0, 2]); // the largest of the first row, not chosen
});

test("another value is looked at without leaving the step", () => {
  const stepping = new Stepping();
  stepping.show(scores());
  stepping.stand(6);
  stepping.lookAt(1, [0, 2, 3]);
  expect(stepping.value.value?.about.name).toBe("patches");
  expect(stepping.element.value).toEqual([0, 2, 3]);
  expect(stepping.isAside.value).toBe(true);
  stepping.stand(stepping.at.value);
  expect(stepping.value.value?.number).toBe(8);
  stepping.goToMaker(4);
  expect(stepping.at.value).toBe(2);
});

// ---- layouts ----

const about = (shape: number[], more: Parameters<typeof made>[2]) =>
  made(shape, countOf(shape), more).about;

test.each([
  ["a flat map", [1, 1, 6], { picture: "background" as const, grid: [2, 3] as [number, number] }],
  [
    "a map of two axes",
    [2, 3, 1],
    { picture: "foreground" as const, grid: [2, 3] as [number, number] },
  ],
  ["a patch", [1, 12], { picture: "patch" as const, grid: [2, 2] as [number, number] }],
  ["patches", [5, 3, 2, 2], { picture: "patches" as const, grid: [2, 2] as [number, number] }],
  [
    "patches of a grid",
    [1, 2, 3, 12],
    { picture: "patches" as const, grid: [2, 2] as [number, number] },
  ],
  ["a picture", [1, 3, 4, 5], { picture: "picture" as const }],
  ["a plain one", [2, 3, 4], {}],
  ["a long row", [1, 130], {}],
  ["a number", [], {}],
])("every element of %s has a place, and the place that element", (_, shape, more) => {
  const layout = layoutOf(about(shape, more), [[2, 3]]);
  for (let i = 0; i < countOf(shape).length; i++) {
    const index: number[] = [];
    let rest = i;
    for (const length of [...shape].reverse()) {
      index.unshift(rest % length);
      rest = Math.floor(rest / length);
    }
    const place = layout.placeOf(index);
    expect(place[0]).toBeLessThan(layout.rows);
    expect(place[1]).toBeLessThan(layout.cols);
    expect(layout.indexAt(place, index)).toEqual(index);
    for (const axis of layout.free) expect(axis.set(index, axis.of(index))).toEqual(index);
  }
});

test("patches lie as the grid does that has as many of them", () => {
  const side: [number, number] = [2, 2];
  const patches = about([1, 6, 12], { picture: "patches", grid: side });
  const layout = layoutOf(patches, [[2, 3]]);
  expect([layout.rows, layout.cols, layout.channels]).toEqual([4, 6, 3]);
  expect(layout.placeOf([0, 4, 4 + 3])).toEqual([3, 3]);
  expect(layout.free.map(({ name }) => name)).toEqual(["channel"]);
});

test("a map opens at its largest, of the kept query; of a large value a part is drawn", () => {
  const map = { picture: "background" as const, grid: [1, 3] as [number, number] };
  const rows = made([2, 3], [9, 0, 0, 1, 3, 2], { ...map, axes: ["Q", "L"], row: 1 });
  expect(firstIndex(recordingOf(lookRecording(rows)).values[0])).toEqual([1, 1]);
  const [large] = recordingOf(lookRecording(made([2, 700], countOf([2, 700])))).values;
  const face = faceOf(large, [1, 600], NOWHERE);
  expect([face.from, face.rows, face.cols]).toEqual([[0, 512], 2, 188]);
  expect(placeIn(face, [1, 600])).toEqual([1, 88]);
  expect(indexAt(face, [1, 88])).toEqual([1, 600]);
  expect(numberAt(face, [1, 88])).toBe(1300);
});

test("what is not finite is found", () => {
  const values = [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const [value] = recordingOf(lookRecording(made([2, 2], values))).values;
  const face = faceOf(value, [0, 0], NOWHERE);
  expect(oddPlaces(face, 9).map(({ odd }) => odd)).toEqual(["nan", "infinity", "minus infinity"]);
});

// ---- colours of code ----

const kinds = (text: string) =>
  tokensOf(text).map((line) => line.map(({ kind, text: piece }) => [kind, piece]));

test("Python's text is cut into what has a colour, and nothing is lost", () => {
  expect(kinds("def f(x): return x @ 2.5e-3  # why")).toEqual([
    [
      ["keyword", "def"],
      ["plain", " "],
      ["definition", "f"],
      ["plain", "(x): "],
      ["keyword", "return"],
      ["plain", " x @ "],
      ["number", "2.5e-3"],
      ["plain", "  "],
      ["comment", "# why"],
    ],
  ]);
  const text = 'a = """one # no\n  two\\""" """\nb1 = \'x\' if None else rb"\\""';
  const lines = kinds(text);
  expect(lines.map((line) => line.map(([, piece]) => piece).join("")).join("\n")).toBe(text);
  expect(lines[1]).toEqual([["string", '  two\\""" """']]);
  expect(lines[2][0]).toEqual(["plain", "b1 = "]);
  expect(lines[2].at(-1)).toEqual(["string", 'rb"\\""']);
});

test("a docstring's further lines can be folded", () => {
  const [source, other] = scores().sources;
  expect(source.docstring).toEqual({ from: 2, to: 5 });
  expect(other.docstring).toBeNull();
});
