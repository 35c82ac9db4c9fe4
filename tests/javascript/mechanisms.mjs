// The mechanisms of one query, patch and pixel, at every tick, for Python to compare with PyTorch.
import { pasteMechanism } from "../../frontend/engine/mechanisms/deconvolution.ts";
import { fusionMechanism } from "../../frontend/engine/mechanisms/fusion.ts";
import { matchingMechanism } from "../../frontend/engine/mechanisms/matching.ts";
import { offsetMechanism } from "../../frontend/engine/mechanisms/offset.ts";
import { patchMechanism } from "../../frontend/engine/mechanisms/patches.ts";
import { shrinkMechanism } from "../../frontend/engine/mechanisms/shrink.ts";
import { softmaxMechanism } from "../../frontend/engine/mechanisms/softmax.ts";
import { validityMechanism } from "../../frontend/engine/mechanisms/validity.ts";

// Doubles as bytes: JSON has no NaN and no infinity.
const encode = (numbers) => Buffer.from(Float64Array.from(numbers).buffer).toString("base64");

const frames = (mechanism) => (
  Array.from({ length: mechanism.last + 1 }, (_, tick) => mechanism.at(tick)));

const fusion = (engine, p, q, stage) => {
  const mechanism = fusionMechanism(engine, p, q, stage);
  return {
    lines: mechanism.lines,
    frames: frames(mechanism).map(({ phase, line, pair, lines, total, block }) => ({
      phase, line, pair, lines, total, block,
    })),
  };
};

/** @param about query p, patch q, pixel [y, x] of the output. */
export function mechanismsOf(engine, { p, q, pixel }) {
  const { H, W, f } = engine;
  const matching = matchingMechanism(engine, p, q);
  const softmax = softmaxMechanism(engine, p);
  const paste = pasteMechanism(engine, p, pixel);
  const offset = offsetMechanism(engine, p, engine.argmax(p), false);
  const shrink = shrinkMechanism(engine, { rows: H, cols: W, values: f }, engine.place(p));
  const patches = ["matching", "paste"].map((kind) => patchMechanism(engine, kind));
  return {
    shrink: frames(shrink).map(({ cell, pixel: kept, values, kept: all }) => (
      { cell, pixel: kept, values: encode(values), count: all.length })),
    patches: patches.map((mechanism) => frames(mechanism).map(({ place, outside, values }) => (
      { place, outside, values: encode(values) }))),
    validity: frames(validityMechanism(engine)),
    matching: frames(matching).map(({ term, sum, score, done }) => ({
      product: term?.product ?? null, done, sum, score,
    })),
    rows: fusion(engine, p, q, "fused_rows"),
    columns: fusion(engine, p, q, "fused_scores"),
    softmax: {
      bars: softmax.bars,
      top: encode([softmax.top]),
      frames: frames(softmax).map(({ phase, values, added, sum }) => ({
        phase, values: encode(values), added, sum: encode([sum]),
      })),
    },
    paste: {
      box: paste.box,
      whole: paste.whole,
      frames: frames(paste).map(({ phase, laid, pixels, counts, collected, sum }) => ({
        phase, laid, pixels: encode(pixels), counts: Array.from(counts),
        collected: collected.map((term) => term.p), sum: encode(sum),
      })),
    },
    offset: {
      leaders: offset.leaders,
      frames: frames(offset).map(({ phase, walked, at }) => ({ phase, walked, at })),
    },
  };
}
