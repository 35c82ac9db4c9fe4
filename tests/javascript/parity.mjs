// Answers questions about the engine, one JSON line in, one out, until stdin ends. Python keeps
// one such process and asks it about thousands of settings: starting Node for each would be slow.
import { createInterface } from "node:readline";
import { Attention } from "../../frontend/engine/attention.ts";
import { errorMap, mapOfRows, mapsOf } from "../../frontend/engine/maps.ts";
import { MAP_NAMES } from "../../frontend/generated/maps.ts";
import { mechanismsOf } from "./mechanisms.mjs";

const decode = (text, Type) => {
  const bytes = Buffer.from(text, "base64");
  return new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
// Doubles as bytes: JSON has no NaN and no infinity.
const encode = (numbers) => Buffer.from(Float64Array.from(numbers).buffer).toString("base64");

const ROWS = ["valid", "scores", "fused_rows", "fused_scores", "attention"];

const engineOf = ({ shape, f, b, mask, recorded, config }) => new Attention(
  {
    ...shape,
    f: decode(f, Float32Array),
    b: decode(b, Float32Array),
    mask: mask === null ? null : decode(mask, Uint8Array),
    lse: null,
    recorded: Object.fromEntries(
      Object.entries(recorded).map(([stage, values]) => [stage, decode(values, Float32Array)]),
    ),
  },
  config,
);

function resultOf(steps) {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

function answerMaps(question) {
  const engine = engineOf(question);
  const maps = resultOf(mapsOf(engine));
  const { output } = resultOf(engine.output());
  const truth = decode(question.truth, Float32Array);
  const valuesOf = (name) =>
    name === "error" ? errorMap(output, truth, engine) : mapOfRows(name, maps, engine);
  return { maps: Object.fromEntries(MAP_NAMES.map((name) => [name, encode(valuesOf(name))])) };
}

function answer(question) {
  const { queries, patches, pixels, moving } = question;
  const engine = engineOf(question);
  if (moving) return mechanismsOf(engine, moving);
  const told = {
    downsampled_f: encode(engine.downsampledF),
    downsampled_b: encode(engine.downsampledB),
    downsampled_mask: encode(engine.downsampledMask),
    norms: encode(engine.norms),
    rows: queries.map((p) => ({
      ...Object.fromEntries(ROWS.map((stage) => [stage, encode(engine.row(stage, p))])),
      lse: encode([engine.lse(p)]),
      argmax: engine.argmax(p),
      offset: Array.from(engine.offset(p)),
      best_offset: Array.from(engine.bestOffset(p, engine.argmax(p))),
      best: engine.best(p, 3),
      patch: encode(engine.patch(p)),
      query_patch: encode(engine.scoreTerms(p, 0).query),
    })),
    fusion: queries.map((p) => patches.map((q) => (
      encode([engine.fusionTerms(p, q).reduce((sum, term) => sum + term.score, 0)])))),
    terms: queries.map((p) => patches.map((q) => encode([engine.scoreTerms(p, q).score]))),
    pixels: pixels.map(([y, x]) => {
      const { total, divisor, value } = engine.pixel(y, x);
      return { total: encode(total), divisor, value: encode(value) };
    }),
  };
  const { output, lse, argmax } = resultOf(engine.output());
  // The log-sum-exp is known now: the matrix can be read down its columns.
  told.columns = patches.map((q) => ({
    scores: encode(engine.column("scores", q)),
    fused_rows: encode(engine.column("fused_rows", q)),
    fused_scores: encode(engine.column("fused_scores", q)),
    attention: encode(engine.wherePasted(q)),
    matching_patch: encode(engine.matchingPatch(q)),
    paste_patch: encode(engine.pastePatch(q)),
  }));
  return { ...told, output: encode(output), lse: encode(lse), argmax: Array.from(argmax) };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const question = JSON.parse(line);
    reply = "truth" in question ? answerMaps(question) : answer(question);
  } catch (error) {
    reply = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
