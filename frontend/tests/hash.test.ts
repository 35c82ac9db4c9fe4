// A view as the fragment of a link, and back.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AttentionConfig } from "../engine/config.ts";
import { STAGE_KEYS } from "../generated/stages.ts";
import type { Mask } from "../state/arrays.ts";
import type { Cursor, Place } from "../state/cursor.ts";
import { fragmentOf, restore } from "../state/hash.ts";
import { maskOfRuns, runsOf } from "../state/runs.ts";
import type { Session, Tool } from "../state/session.ts";
import { CONFIG, H, open, RULES, W } from "./stub.ts";

const { computed } = vi.hoisted(() => ({ computed: [] as AttentionConfig[] }));
vi.mock("../state/background.ts", () => ({
  Background: class {
    compute = (_arrays: unknown, config: AttentionConfig) => {
      computed.push(config);
      return new Promise(() => {});
    };
    stop() {}
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const SAMPLES = 2;

const openPage = () => open({}, { kernel: false, config: { ...CONFIG } }, SAMPLES);

/** All that a link promises to bring back. */
function stateOf(session: Session): string {
  const { run, cursor, kept } = session;
  const { mask, config } = run;
  return JSON.stringify({
    config,
    mask: mask && [mask.shape, [...mask.data]],
    cursor: kept ? cursor.value : "home",
    home: cursor.value,
    cells: session.keptCells.value,
    region: session.region.value,
    stage: session.stage.value,
    sample: session.sample.value,
    channel: session.channel.value,
    span: session.span.value,
    map: session.map.value,
    tool: session.tool.value,
    brush: session.brush.value,
    side: session.side.value,
    table: session.showsTable.value,
  });
}

/** Random choices, the same in every run. */
class Dice {
  private seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  below(size: number): number {
    this.seed = (this.seed * 48271) % 2147483647;
    return Math.floor((this.seed / 2147483647) * size);
  }

  one<Value>(...values: readonly Value[]): Value {
    return values[this.below(values.length)];
  }

  place([rows, columns]: Place): Place {
    return [this.below(rows), this.below(columns)];
  }
}

function settings(dice: Dice): AttentionConfig {
  const rules = dice.one<Partial<AttentionConfig>>(
    {},
    {},
    { ...RULES },
    { norm: "none" },
    { masked: "minus_infinity", shrink: "floor", mask_of_batch: "first" },
  );
  return {
    ...CONFIG,
    ksize: dice.one(1, 3, 5),
    stride: dice.one(1, 1, 2, 3),
    rate: dice.one(1, 2),
    fuse_k: dice.one(1, 3, 7),
    softmax_scale: dice.one(10, 0, 2.5, 1e-7, 1e21, -0.1, dice.below(1000) / 7),
    fuse: dice.one(true, false),
    ...rules,
  };
}

function hole(dice: Dice): Mask | null {
  const samples = dice.one(1, SAMPLES);
  const data = new Uint8Array(samples * H * W).map(() => dice.below(2));
  return dice.one<Mask | null>(null, null, { shape: [samples, H, W], data });
}

function cursorAt(dice: Dice, session: Session): Cursor {
  const { h, w, L } = session.attention;
  const query = dice.place([h, w]);
  return dice.one<Cursor>(
    session.home.value,
    { kind: "query", query, partner: dice.one(null, dice.below(L)), kept: true },
    { kind: "patch", patch: dice.below(L), query: dice.one(null, query), kept: true },
    { kind: "pixel", pixel: dice.place([H, W]), kept: true },
  );
}

/** Do to a session what a reader may have done. */
function disturb(dice: Dice, { session, kernel }: ReturnType<typeof openPage>): void {
  kernel.become(settings(dice), hole(dice));
  session.sample.value = dice.below(SAMPLES);
  session.letGo();
  const cursor = cursorAt(dice, session);
  const { h, w } = session.attention;
  session.cursor.value = cursor;
  const further = Array.from({ length: dice.below(5) }, () => dice.place([h, w]));
  session.cells.value =
    cursor.kind === "query" && cursor.kept ? [...further, cursor.query] : further;
  session.region.value = dice.one(null, {
    from: dice.place([h, w]),
    to: dice.place([h, w]),
    isComplete: true,
  });
  session.stage.value = dice.one(...STAGE_KEYS);
  session.channel.value = dice.one(null, 0, 2);
  session.span.value = dice.one("row", "stage", "everything");
  session.tool.value = dice.one<Tool>("look", "region", "brush", "erase", "rectangle");
  session.map.value = dice.one(null, "margin", "times_pasted");
  session.brush.value = 1 + dice.below(40);
  session.side.value = dice.one("A", "B", "difference");
  session.showsTable.value = dice.one(true, false);
}

test("500 random states survive, on a page that is opened and on one that shows another", () => {
  const dice = new Dice(11);
  const page = openPage();
  const other = openPage();
  const seen = new Set<string>();
  for (let i = 0; i < 500; i++) {
    disturb(dice, page);
    const { text, isWithoutHole } = fragmentOf(page.session);
    expect(isWithoutHole).toBe(false);
    expect(text).toMatch(/^[\w=&,.;+-]+$/);
    const fresh = i % 5 ? [] : [openPage()];
    for (const { session, kernel } of [other, ...fresh]) {
      expect(restore(text, session, kernel)).toBe("");
      expect(stateOf(session)).toBe(stateOf(page.session));
      expect(fragmentOf(session).text).toBe(text);
    }
    seen.add(text);
  }
  expect(seen.size).toBeGreaterThan(490);
}, 60_000);

test("a link is short and can be read; a page nobody has touched has its stage alone", () => {
  const { session, kernel } = openPage();
  expect(fragmentOf(session).text).toBe("stage=attention");
  session.stage.value = "scores";
  session.cursor.value = { kind: "query", query: [4, 2], partner: null, kept: true };
  kernel.change({ fuse_k: 5 });
  expect(fragmentOf(session).text).toBe("stage=scores&query=4,2&fuse_k=5");
  kernel.change(RULES);
  expect(fragmentOf(session).text).toBe("stage=scores&query=4,2&fuse_k=5&dialect=mmagic");
});

test("Python learns what is kept, and the output is made once; Undo brings the hole before", () => {
  const { session, kernel, model } = openPage();
  computed.length = 0;
  restore("stage=scores&query=4,2&softmax_scale=3&mask=p.5.2i", session, kernel);
  vi.runAllTimers();
  expect(computed.map(({ softmax_scale }) => softmax_scale)).toEqual([3]);
  expect(model.values.stage).toBe("scores");
  expect(model.values.query).toEqual([4, 2]);
  expect(session.undoable.value).toEqual([null]);
  const { run } = session;
  restore("stage=flow&softmax_scale=3&mask=p.5.2i", session, kernel);
  expect(session.run).toBe(run);
  expect(model.values.query).toBeNull();
});

test.each([
  ["stage=nowhere", "stage=nowhere"],
  ["query=99,0&stage=scores", "query=99,0"],
  ["query=1&stage=scores", "query=1"],
  ["query=1,2.5", "query=1,2.5"],
  ["query=1,2&pixel=3,4", "pixel=3,4"],
  ["beside=1,2", "beside=1,2"],
  ["cells=1,2", "cells=1,2"],
  ["query=1,1&cells=0,0;0,1;0,2;0,3;0,4", "cells=0,0;0,1;0,2;0,3;0,4"],
  ["patch=1,1&stride=2", "patch=1,1"],
  ["region=0,0,9", "region=0,0,9"],
  ["ksize=4", "ksize=4"],
  ["ksize=1001", "ksize=1001"],
  ["rate=7", "rate=7"],
  ["softmax_scale=NaN", "softmax_scale=NaN"],
  ["softmax_scale=", ""],
  ["norm=sum", "norm=sum"],
  ["dialect=keras", "dialect=keras"],
  ["mask=5.5", "mask=5.5"],
  ["mask=-1.3d", "mask=-1.3d"],
  ["mask=%%%", "mask=%%%"],
  ["sample=2", "sample=2"],
  ["channel=3", "channel=3"],
  ["brush=0", "brush=0"],
  ["tool=axe&table=maybe", "tool=axe and table=maybe"],
  ["stage=scores&utm_source=mail", "utm_source"],
  ["stage=scores&a&b&c&d", "a, b, c and 1 more"],
])("of #%s what does not fit is named, and the rest is there", (fragment, named) => {
  const { session, kernel } = openPage();
  const problem = restore(fragment, session, kernel);
  if (named === "") expect(problem).toBe("");
  else
    expect(problem).toBe(
      `The link asks for ${named}, which this page cannot show. The rest is restored.`,
    );
  expect(session.scene.value.stage).toBe(fragment.includes("scores") ? "scores" : "attention");
});

test.each(["section-2", "a=b&c", "=", "%"])(
  "a foreign fragment #%s changes nothing",
  (fragment) => {
    const { session, kernel } = openPage();
    session.stage.value = "flow";
    expect(restore(fragment, session, kernel)).toMatch(
      /^The link asks for .*, which this page cannot show\.$/,
    );
    expect(session.stage.value).toBe("flow");
  },
);

test("no fragment changes nothing; commas that a program has escaped are read", () => {
  const { session, kernel } = openPage();
  session.stage.value = "flow";
  expect(restore("", session, kernel)).toBe("");
  expect(session.stage.value).toBe("flow");
  expect(restore("query=4%2C2&stage=scores", session, kernel)).toBe("");
  expect(session.scene.value.query).toEqual([4, 2]);
});

test("a hole with too much edge is left out of the link, which says so", () => {
  const { session, kernel } = openPage();
  const data = new Uint8Array(W * H);
  kernel.paint({ shape: [1, H, W], data: data.map((_, i) => i % 2) });
  expect(fragmentOf(session).isWithoutHole).toBe(false);
  const vast = new Uint8Array(10_000).map((_, i) => i % 2);
  kernel.paint({ shape: [1, 100, 100], data: vast });
  session.showsTable.value = true;
  expect(fragmentOf(session)).toEqual({ text: "stage=attention&table=on", isWithoutHole: true });
});

test("runs of pixels, by hand", () => {
  const mask: Mask = { shape: [1, 2, 3], data: Uint8Array.of(1, 0, 0, 1, 1, 1) };
  expect(runsOf(mask)).toBe("0.1.2.3");
  expect(maskOfRuns("0.1.2.3", { n: 4, Hb: 2, Wb: 3 })).toEqual(mask);
  expect(maskOfRuns("0.1.2.3", { n: 4, Hb: 2, Wb: 4 })).toBeNull();
  expect(maskOfRuns("c", { n: 2, Hb: 2, Wb: 3 })?.shape).toEqual([2, 2, 3]);
});
