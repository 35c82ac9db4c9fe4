// Mechanisms: pure functions of time, whose last tick is what the engine's rows hold.
import { describe, expect, test } from "vitest";
import type { Attention } from "../engine/attention.ts";
import type { AttentionConfig } from "../engine/config.ts";
import { pasteMechanism } from "../engine/mechanisms/deconvolution.ts";
import { folded, unfolded } from "../engine/mechanisms/fold.ts";
import { type FusedStage, fusionMechanism } from "../engine/mechanisms/fusion.ts";
import { matchingMechanism } from "../engine/mechanisms/matching.ts";
import type { Mechanism } from "../engine/mechanisms/mechanism.ts";
import { offsetMechanism } from "../engine/mechanisms/offset.ts";
import { dwell, nextStation, playOn, SLOW } from "../engine/mechanisms/pace.ts";
import { patchMechanism } from "../engine/mechanisms/patches.ts";
import { shrinkMechanism } from "../engine/mechanisms/shrink.ts";
import { softmaxMechanism } from "../engine/mechanisms/softmax.ts";
import { validityMechanism } from "../engine/mechanisms/validity.ts";
import { total } from "../views/format.ts";
import { smallRun } from "./run.ts";

const CONFIGS: Record<string, Partial<AttentionConfig>> = {
  "as it is": {},
  "as mmagic has it": { shrink: "floor", masked: "minus_infinity", overlap: "coverage" },
  "of other sizes": { rate: 1, stride: 2, ksize: 5, fuse_k: 5 },
  "without fusion": { fuse: false },
};
const STAGES: readonly FusedStage[] = ["fused_rows", "fused_scores"];

/** Every query with some patches: corners and borders are among them. */
function pairsOf({ P, L }: Attention): [number, number][] {
  return Array.from({ length: P }, (_, p) => [p, (7 * p + 3) % L]);
}

describe.each(Object.keys(CONFIGS))("a run %s", (name) => {
  const attention = smallRun({ config: CONFIGS[name] }).attention(0);

  test("the products add up to the score", () => {
    for (const [p, q] of pairsOf(attention)) {
      const mechanism = matchingMechanism(attention, p, q);
      expect(mechanism.at(mechanism.last).score).toBeCloseTo(attention.row("scores", p)[q], 5);
      const half = mechanism.last >> 1;
      const sum = total(mechanism.products.subarray(0, half));
      expect(mechanism.at(half).sum).toBeCloseTo(sum, 12);
    }
  });

  test.each(STAGES)("the pairs add up to %s", (stage) => {
    for (const [p, q] of pairsOf(attention)) {
      const mechanism = fusionMechanism(attention, p, q, stage);
      const last = mechanism.at(mechanism.last);
      const sum = stage === "fused_rows" ? last.lines[0] : last.total;
      expect(sum).toBeCloseTo(attention.row(stage, p)[q], 4);
      for (const [i, { p: query, q: patch, inside }] of mechanism.middles.entries()) {
        const whole = inside ? attention.row("fused_rows", query)[patch] : 0;
        expect(last.lines[i]).toBeCloseTo(whole, 4);
      }
    }
  });

  test("the shares are the row’s, and the sum is its log-sum-exp’s", () => {
    for (let p = 0; p < attention.P; p++) {
      const { last, at, bars, top, whole } = softmaxMechanism(attention, p);
      expect(top + Math.log(whole)).toBeCloseTo(attention.lse(p), 4);
      const row = attention.row("attention", p);
      bars.forEach(({ kind, q }, i) => {
        if (kind === "patch") expect(at(last).values[i]).toBeCloseTo(row[q], 6);
      });
      expect(total(at(last).values)).toBeCloseTo(total(row), 6);
    }
  });

  test("what is laid down and divided is what pixels collect", () => {
    const { P, H, W, c } = attention;
    for (let p = 0; p < P; p += 3) {
      const [row, column] = attention.place(p);
      const { rate } = attention.config;
      const pixel = [Math.min(H - 1, row * rate), Math.min(W - 1, column * rate)] as const;
      const { last, at, whole, box } = pasteMechanism(attention, p, pixel);
      expect(Array.from(at(last).sum)).toEqual(Array.from(attention.pixel(...pixel).value));
      for (let channel = 0; channel < c; channel++) {
        const place = (whole.top - box.top) * box.cols + whole.left - box.left;
        const { value } = attention.pixel(whole.top, whole.left);
        expect(at(last).pixels[channel * box.rows * box.cols + place]).toBeCloseTo(
          value[channel],
          6,
        );
      }
    }
  });

  test("any tick can be asked for, in any order, and is the same again", () => {
    const [p, q] = [attention.P - 1, 4];
    const map = { rows: attention.H, cols: attention.W, values: attention.f };
    const mechanisms: Mechanism<unknown>[] = [
      shrinkMechanism(attention, map, attention.place(p)),
      patchMechanism(attention, "matching"),
      patchMechanism(attention, "paste"),
      validityMechanism(attention),
      matchingMechanism(attention, p, q),
      fusionMechanism(attention, p, q, "fused_scores"),
      softmaxMechanism(attention, p),
      pasteMechanism(attention, p, [attention.H - 1, attention.W - 1]),
      offsetMechanism(attention, p, q, true),
    ];
    for (const { last, at } of mechanisms) {
      const before = JSON.stringify([at(last), at(0), at(last >> 1)]);
      expect(JSON.stringify([at(last), at(0), at(last >> 1)])).toBe(before);
    }
  });
});

describe("pace", () => {
  const long = { last: 4095, stops: [2000] };

  test("the ends and a stop are slow, what lies between is quick, and all takes a while", () => {
    for (const tick of [0, 2, 1999, 2001, 4095]) expect(dwell(tick, long)).toBe(SLOW);
    expect(dwell(1000, long)).toBeLessThan(2);
    const all = Array.from({ length: long.last }, (_, tick) => dwell(tick, long));
    expect(total(all) / 1000).toBeGreaterThan(15);
    expect(total(all) / 1000).toBeLessThan(40);
    expect(dwell(2, { last: 4 })).toBe(SLOW);
  });

  test("time that passes at once or bit by bit leads to one tick, and not past the last", () => {
    let position = { tick: 0, spent: 0 };
    for (let i = 0; i < 500; i++) position = playOn(position, 16, long);
    const once = playOn({ tick: 0, spent: 0 }, 500 * 16, long);
    expect(position.tick).toBe(once.tick);
    expect(playOn(once, 1e9, long)).toEqual({ tick: 4095, spent: 0 });
  });

  test("without motion a long loop has some forty stations, a short one all its ticks", () => {
    let [tick, count] = [0, 0];
    while (tick < long.last) [tick, count] = [nextStation(tick, long), count + 1];
    expect(count).toBeLessThanOrEqual(40);
    expect(nextStation(3, { last: 14 })).toBe(4);
  });
});

test("an axis is folded where nothing is wanted", () => {
  expect(folded([62, 63, 0], 64, 1)).toEqual([0, 1, 61, 62, 63]);
  expect([...unfolded([0, 1, 61], 0.5)]).toEqual([
    [0, 0],
    [1, 1],
    [61, 2.5],
  ]);
});
