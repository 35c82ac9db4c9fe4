// What Python sets of stage, sample and cursor is taken over.
import { batch } from "@preact/signals";
import type { Model } from "../protocol.ts";
import { keptQuery, type Place, samePlace } from "./cursor.ts";
import type { Session } from "./session.ts";
import { isStageKey } from "./stages.ts";

const isPlace = (value: unknown, sizes: readonly number[]): value is Place =>
  Array.isArray(value) &&
  value.length === sizes.length &&
  value.every((at, i) => Number.isInteger(at) && at >= 0 && at < sizes[i]);

/** Take over stage, sample, query and pixel; what is not in this run gets a sentence. */
export function followCursor(model: Model, session: Session): void {
  const { run } = session;
  const { n, H, W } = run.inputs;
  const stage = model.get("stage");
  const sample = model.get("sample");
  const query = model.get("query");
  const pixel = model.get("pixel");
  const { h, w } = run.attention(session.sample.value);
  const wrong = (name: string, value: unknown) => {
    session.problem.value =
      `The debugger cannot show ${name} ${value}: it is not in this run, which has ${n} ` +
      `samples, ${h} × ${w} cells and ${H} × ${W} pixels.`;
  };
  batch(() => {
    session.problem.value = "";
    if (isStageKey(stage)) session.stage.value = stage;
    else wrong("stage", stage);
    if (isPlace([sample], [n])) session.sample.value = sample;
    else wrong("sample", sample);
    if (pixel) {
      if (isPlace(pixel, [H, W])) session.cursor.value = { kind: "pixel", pixel, kept: true };
      else wrong("pixel", pixel);
    } else if (query) {
      if (isPlace(query, [h, w])) keepQuery(session, query);
      else wrong("query", query);
    } else if (session.cursor.value.kind !== "patch" || !session.kept) {
      session.letGo();
    }
  });
}

function keepQuery({ cursor }: Session, query: Place): void {
  const now = cursor.value;
  // The same one stays as it is, beside the patch that it is compared with.
  if (now.kind === "query" && now.kept && samePlace(now.query, query)) return;
  cursor.value = keptQuery(query);
}
