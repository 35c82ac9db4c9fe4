// Boxes over the pictures, in pixels.
import type { Attention } from "../engine/attention.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import type { Mark } from "./step.ts";

/** A square of pixels that starts `before` pixels above and left of a cell. */
function square({ config }: Attention, place: Place, side: number, before: number): Mark["box"] {
  const [row, column] = place;
  return [row * config.rate - before, column * config.rate - before, side, side];
}

/** The pixels that a cell stands for. */
export function cellBox(attention: Attention, place: Place): Mark["box"] {
  return square(attention, place, attention.config.rate, 0);
}

/** The pixels that a cell pastes, or is pasted from. */
export function pasteBox(attention: Attention, place: Place): Mark["box"] {
  const { rate } = attention.config;
  return square(attention, place, 2 * rate, rate >> 1);
}

/** The pixels that the matching patch around a cell stands for. */
function matchingBox(attention: Attention, place: Place): Mark["box"] {
  const { rate, ksize } = attention.config;
  return square(attention, place, ksize * rate, (ksize >> 1) * rate);
}

/** The patches that a step looks at closely: the query's, the match's, and what that pastes. */
export function patchMarks(view: ViewName, scene: Scene): Mark[] {
  const { attention, query, q, ledger } = scene;
  if (ledger) return []; // a pixel asks about many patches
  if (view === "foreground" && query) {
    return [{ box: matchingBox(attention, query), kind: "query light" }];
  }
  if (view === "background" && q >= 0) {
    const place = attention.cellOf(q);
    return [
      { box: matchingBox(attention, place), kind: "match light" },
      { box: pasteBox(attention, place), kind: "match light" },
    ];
  }
  return [];
}
