// What is written below a picture that is taken away.
import { describe, expect, test } from "vitest";
import { type Cursor, keptQuery } from "../state/cursor.ts";
import type { Run } from "../state/run.ts";
import { Session } from "../state/session.ts";
import { legendShape, linesOf, wrapped } from "../takeaway/legend.ts";
import { CURSORS, INVALID } from "./inspect.tsx";
import { smallRun } from "./run.ts";

function sessionOf(run: Run, cursor: Cursor): Session {
  const session = new Session();
  session.open(run);
  session.stage.value = "scores";
  session.cursor.value = cursor;
  return session;
}

describe("the lines below a picture", () => {
  test("step, query, and the defaults", () => {
    const { scene } = sessionOf(smallRun(), keptQuery([4, 3]));
    expect(linesOf(scene.value)).toEqual([
      "step 4 of 9, Matching · query (4, 3)",
      "Settings: the defaults",
    ]);
  });

  test("the settings that differ, a dialect for all its rules", () => {
    const settings = { softmax_scale: 50, fuse: false, norm: "none" } as const;
    const run = smallRun({ config: { ...settings, dialect: "custom" } });
    const { scene } = sessionOf(run, keptQuery([4, 3], INVALID));
    expect(linesOf(scene.value)).toEqual([
      "step 4 of 9, Matching · query (4, 3) with patch (1, 1)",
      "Settings: softmax_scale 50, fuse false, dialect custom, norm none",
    ]);
    const rules = run.inputs.meta.dialects.pytorch;
    const ported = smallRun({ config: { ...rules, dialect: "pytorch" } });
    expect(linesOf(sessionOf(ported, keptQuery([4, 3])).scene.value)[1]).toBe(
      "Settings: dialect pytorch",
    );
  });

  test("patch, pixel, region, channel and side", () => {
    const run = smallRun();
    const first = (session: Session) => linesOf(session.scene.value)[0].split(" · ").slice(1);
    expect(first(sessionOf(run, CURSORS["a patch"]))).toEqual(["patch (5, 0)"]);
    expect(first(sessionOf(run, CURSORS["a pixel"]))).toEqual(["output pixel (5, 5)"]);
    const session = sessionOf(run, keptQuery([4, 3]));
    session.region.value = { from: [4, 3], to: [2, 1], isComplete: true };
    session.channel.value = 2;
    session.pinned.value = run;
    session.side.value = "difference";
    expect(first(session)).toEqual(["region of 3 × 3 cells from (2, 1)", "channel 2", "B − A"]);
    expect(linesOf(session.scene.value)[1]).toBe("Settings of A: the defaults. Of B: the defaults");
  });
});

describe("the legend as SVG", () => {
  const parse = (svg: string) =>
    new DOMParser().parseFromString(`<svg>${svg}</svg>`, "image/svg+xml");

  test("has the colour bar with its two numbers, then the lines", () => {
    const range = { low: -3, high: 3, signed: true };
    const { svg, height } = legendShape({ lines: ["A < B", "below"], range }, 100, 384, 1);
    const file = parse(svg);
    expect(file.querySelector("parsererror")).toBe(null);
    const texts = [...file.querySelectorAll("text")];
    expect(texts.map((text) => text.textContent)).toEqual(["−3", "3", "A < B", "below"]);
    expect(file.querySelectorAll("stop").length).toBeGreaterThan(10);
    const bottoms = texts.map((text) => Number(text.getAttribute("y")));
    expect(Math.min(...bottoms)).toBeGreaterThan(100);
    expect(Math.max(...bottoms)).toBeLessThan(100 + height);
  });

  test("has no bar where the colours are a photograph's", () => {
    const { svg } = legendShape({ lines: ["title"], range: null }, 100, 384, 1);
    expect(parse(svg).querySelector("linearGradient")).toBe(null);
  });

  test("is broken where a narrow picture has no room", () => {
    expect(wrapped("one two three", 8)).toEqual(["one two", "three"]);
    expect(wrapped("one", 8)).toEqual(["one"]);
    const { svg } = legendShape({ lines: ["one two three four five"], range: null }, 0, 120, 1);
    expect(parse(svg).querySelectorAll("text").length).toBeGreaterThan(1);
  });
});
