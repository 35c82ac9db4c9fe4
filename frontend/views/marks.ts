// Boxes over the pictures: those that follow the cursor at every step, above the step's own.
import { strongest } from "../engine/numbers.ts";
import { isKept, type Place, samePlace } from "../state/cursor.ts";
import { hasOneGrid, type KeptLink } from "../state/kept.ts";
import { boxOf, type Region } from "../state/region.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import { bestOf } from "../state/sides.ts";
import { cellBox, pasteBox } from "../steps/boxes.ts";
import { stepOf } from "../steps/index.ts";
import type { Arrow, Mark } from "../steps/step.ts";
import { askedMarks } from "./questions/marks.ts";

const MOST_BEST = 5;
const MOST_PASTES = 12;
const LEAST_SHARE = 0.02; // of a query: less is not worth a box
/** Beside a number: the match takes most from the cell that takes most from it. */
export const MUTUAL = "⇄";
/** Beside a number: the cell takes most from its own place. */
const ITSELF = "↺";

/** All boxes over a picture, the last one on top. */
export function marksOf(view: ViewName, scene: Scene): readonly Mark[] {
  const marks = cursorMarks(view, scene);
  return scene.asked ? [...marks, ...askedMarks(view, scene, scene.asked)] : marks;
}

function cursorMarks(view: ViewName, scene: Scene): readonly Mark[] {
  if (scene.gradientMaps && view !== "output") return []; // they would hide what they are about
  const ofStep = stepOf(scene.stage).marks?.(view, scene) ?? [];
  if (view === "background" && scene.regionSum) return regionBestMarks(scene);
  if (view === "background") {
    return [...ofStep, ...bestMarks(scene), ...linkMarks(scene), ...chosenMarks(scene)];
  }
  if (view === "foreground" && scene.region) return [regionMark(scene, scene.region)];
  const ofCursor = view === "output" ? outputMarks(scene) : queryMarks(scene);
  // A pixel belongs to no one query: what a step says of a query is left out.
  return scene.ledger ? ofCursor : [...ofStep, ...ofCursor];
}

const cellMark = ({ attention }: Scene, cell: Place, kind: string): Mark => ({
  box: cellBox(attention, cell),
  kind,
});

const pasteMark = ({ attention }: Scene, cell: Place, kind: string): Mark => ({
  box: pasteBox(attention, cell),
  kind,
});

/** The box that is drawn, or was. */
function regionMark({ attention }: Scene, region: Region): Mark {
  const { rate } = attention.config;
  const { top, left, height, width } = boxOf(region);
  return { box: [top * rate, left * rate, height * rate, width * rate], kind: "query" };
}

/** The patches that a box takes most from. */
function regionBestMarks(scene: Scene): Mark[] {
  const { attention, regionSum } = scene;
  if (!regionSum) return [];
  const best = strongest(regionSum.weights, MOST_BEST).map((q) => attention.cellOf(q));
  return numbered(best, (cell) => cellBox(attention, cell));
}

/** The best matches of several kept cells, by the numbers of these. */
function linkMarks({ attention, links }: Scene): Mark[] {
  if (links.length === 1 && !links[0].isMutual) return []; // it is among the five best
  return links.map((link) => ({
    box: cellBox(attention, link.match),
    kind: "match",
    label: `${link.number} ${badgeOf(link)}`,
  }));
}

function badgeOf({ cell, match, isMutual }: KeptLink): string {
  if (!isMutual) return "";
  return samePlace(cell, match) ? ITSELF : MUTUAL;
}

/** What is kept has a second frame around it: told apart by shape from what is only shown. */
const orKept = ({ cursor }: Scene, kind: string): string =>
  isKept(cursor) ? `${kind} kept` : kind;

/** The query, or the queries whose patches overlap at the pixel. */
function queryMarks(scene: Scene): Mark[] {
  const { asked, attention, ledger, links, query } = scene;
  // A question about several cells is about no other.
  if (asked?.isOpen && asked.cells.length > 1) return [];
  if (links.length > 1) {
    return links.map(({ number, cell }) => ({
      ...cellMark(scene, cell, "query kept"),
      label: String(number),
    }));
  }
  if (ledger) {
    return ledger.terms.map(({ p }) => cellMark(scene, attention.place(p), "query"));
  }
  return query ? [cellMark(scene, query, orKept(scene, "query"))] : [];
}

/** The five best patches, the best on top. */
function bestMarks(scene: Scene): Mark[] {
  const { cursor, side, ofA } = scene;
  if (cursor.kind === "patch") return [];
  const isOfA = side === "A" && ofA !== null && cursor.kind === "query";
  const attention = isOfA ? ofA.attention : scene.attention;
  const best = isOfA ? bestOf(ofA) : scene.best;
  const cells = best.map(({ index }) => attention.cellOf(index));
  const marks = numbered(cells, (cell) => cellBox(attention, cell));
  const { links } = scene;
  // Where several cells are kept, numbers are theirs; a mutual match has its number with a sign.
  const isNamed = (cell: Place) =>
    links.length > 1 || links.some((link) => link.isMutual && samePlace(link.match, cell));
  return marks.map((mark, i) =>
    isNamed(cells[cells.length - 1 - i]) ? { ...mark, label: "" } : mark,
  );
}

/** Matches by their rank, the best on top. */
function numbered(cells: readonly Place[], boxAt: (cell: Place) => Mark["box"]): Mark[] {
  const marks = cells.map((cell, rank) => ({
    box: boxAt(cell),
    kind: "match dashed",
    label: String(rank + 1),
  }));
  return marks.reverse();
}

/** From each kept cell to its best match, where f and b have the same cells. */
export function linkArrows(view: ViewName, scene: Scene): readonly Arrow[] {
  const { attention, links } = scene;
  if (view !== "background" || scene.regionSum || !hasOneGrid(attention)) return [];
  const { rate } = attention.config;
  const middle = ([row, column]: Place): Place => [(row + 0.5) * rate, (column + 0.5) * rate];
  return links
    .filter(({ cell, match }) => !samePlace(cell, match))
    .map(({ cell, match }) => ({ from: middle(cell), to: middle(match), kind: "query" }));
}

/** The patch that the reader chose. */
function chosenMarks(scene: Scene): Mark[] {
  const { attention, cursor, patch } = scene;
  if (patch === null) return [];
  // Beside a kept query it may be only pointed at.
  const kind = cursor.kind === "patch" ? orKept(scene, "match") : "match";
  return [cellMark(scene, attention.cellOf(patch), kind)];
}

/** What is pasted: around a pixel, for a query, or of a patch. */
function outputMarks(scene: Scene): Mark[] {
  const { attention, ledger, pasted, pixel, query } = scene;
  if (ledger && pixel) {
    const pastes = ledger.terms.map(({ p }) => pasteMark(scene, attention.place(p), "query light"));
    return [...pastes, { box: [pixel[0], pixel[1], 1, 1], kind: orKept(scene, "pixel") }];
  }
  if (query) return [pasteMark(scene, query, "pixel")];
  if (!pasted) return [];
  return strongest(pasted, MOST_PASTES)
    .filter((p) => pasted[p] > LEAST_SHARE)
    .map((p) => pasteMark(scene, attention.place(p), "pixel light"));
}
