// Boxes over the pictures: those that follow the cursor at every step, above the step's own.
import { strongest } from "../engine/numbers.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import { bestOf } from "../state/sides.ts";
import { cellBox, pasteBox } from "../steps/boxes.ts";
import { stepOf } from "../steps/index.ts";
import type { Mark } from "../steps/step.ts";

const NEAR = 4; // cells: a second label so near would lie over the first
const MOST_PASTES = 12;
const LEAST_SHARE = 0.02; // of a query: less is not worth a box

/** All boxes over a picture, the last one on top. */
export function marksOf(view: ViewName, scene: Scene): readonly Mark[] {
  const ofStep = stepOf(scene.stage).marks?.(view, scene) ?? [];
  if (view === "background") return [...ofStep, ...bestMarks(scene), ...chosenMarks(scene)];
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

/** The query, or the queries whose patches overlap at the pixel. */
function queryMarks(scene: Scene): Mark[] {
  const { attention, ledger, query } = scene;
  if (ledger) {
    return ledger.terms.map(({ p }) => cellMark(scene, attention.place(p), "query"));
  }
  return query ? [cellMark(scene, query, "query")] : [];
}

/** The five best patches, the best on top; one that is near a better one goes without a number. */
function bestMarks(scene: Scene): Mark[] {
  const { cursor, side, ofA } = scene;
  if (cursor.kind === "patch") return [];
  const isOfA = side === "A" && ofA !== null && cursor.kind === "query";
  const attention = isOfA ? ofA.attention : scene.attention;
  const best = isOfA ? bestOf(ofA) : scene.best;
  const cells = best.map(({ index }) => attention.cellOf(index));
  const marks = cells.map(([row, column], rank) => {
    const isNear = cells.slice(0, rank).some(([y, x]) => Math.hypot(y - row, x - column) < NEAR);
    const label = isNear ? "" : String(rank + 1);
    const box = cellBox(attention, [row, column]);
    return { box, kind: "match dashed", label };
  });
  return marks.reverse();
}

/** The patch that the reader chose. */
function chosenMarks(scene: Scene): Mark[] {
  const { attention, patch } = scene;
  return patch === null ? [] : [cellMark(scene, attention.cellOf(patch), "match")];
}

/** What is pasted: around a pixel, for a query, or of a patch. */
function outputMarks(scene: Scene): Mark[] {
  const { attention, ledger, pasted, pixel, query } = scene;
  if (ledger && pixel) {
    const pastes = ledger.terms.map(({ p }) => pasteMark(scene, attention.place(p), "query light"));
    return [...pastes, { box: [pixel[0], pixel[1], 1, 1], kind: "pixel" }];
  }
  if (query) return [pasteMark(scene, query, "pixel")];
  if (!pasted) return [];
  return strongest(pasted, MOST_PASTES)
    .filter((p) => pasted[p] > LEAST_SHARE)
    .map((p) => pasteMark(scene, attention.place(p), "pixel light"));
}
