// What the pictures say of a cell: captions, headings, legends, boxes and arrows.
import { describe, expect, test } from "vitest";
import type { StageKey } from "../generated/stages.ts";
import { type Cursor, keptQuery, NOTHING } from "../state/cursor.ts";
import { captions, hoveredQuery, kinds, panel, settled, show, text, VIEWS } from "./pictures.tsx";
import { smallRun } from "./run.ts";

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

  test("names, and beside the output's how far it is, or that the flow stands there", async () => {
    const session = show(smallRun({ isKnown: false }), "attention");
    expect(VIEWS.map((view) => text(view, "h3"))).toEqual(["Foreground", "Background", "Output"]);
    expect(text("output", ".ctx-state")).toBe("none yet");
    session.progress.value = 0.404;
    await settled();
    expect(text("output", ".ctx-state")).toBe("computing, 40 %");
    show(smallRun(), "flow");
    expect(text("output", ".ctx-state")).toBe("offset flow");
    show(smallRun(), "attention");
    expect(text("output", ".ctx-state")).toBe("");
  });

  test("the legend says between which numbers the colours lie, and of what", async () => {
    const session = show(smallRun(), "attention", hoveredQuery);
    const most = Math.max(...Array.from(session.scene.value.backgroundHeat?.values ?? []));
    const ends = [
      ...panel("background").querySelectorAll<HTMLElement>(".ctx-legend span > [title]"),
    ];
    expect(ends.map(({ title }) => Number(title))).toEqual([0, most]);
    const ramp = panel("background").querySelector<HTMLElement>(".ctx-ramp");
    expect(ramp?.style.background).toContain("linear-gradient");
    expect(ramp?.title).toBe("the colours span this query");
    expect(text("foreground", ".ctx-legend")).toBe("");
    session.span.value = "stage";
    await settled();
    expect(ramp?.title).toBe("the colours span this stage");
    session.span.value = "everything";
    await settled();
    expect(ramp?.title).toBe("the colours span everything");
    expect(text("background", ".ctx-legend")).toBe("01");
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
    expect(kinds("foreground")).toEqual(["query light", "query kept"]);
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
    expect(panel("background").querySelector("svg.ctx-arrows")?.getAttribute("viewBox")).toBe(
      "0 0 10 12",
    );
  });
});
