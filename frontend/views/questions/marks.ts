// What a question draws over the pictures: what it is about, the guess, and the way to the truth.
import { type Place, samePlace } from "../../state/cursor.ts";
import type { Asked } from "../../state/questions.ts";
import type { Scene, ViewName } from "../../state/scene.ts";
import { cellBox } from "../../steps/boxes.ts";
import type { Arrow, Mark } from "../../steps/step.ts";

/** Boxes above those of the cursor. */
export function askedMarks(view: ViewName, scene: Scene, asked: Asked): Mark[] {
  if (view === "background") return isGapOnScreen(scene, asked) ? guessMarks(scene, asked) : [];
  const isNamed = asked.isOpen || asked.cells.length > 1;
  if (view === "output" || !isNamed) return []; // of a gap the cell is kept
  return asked.cells
    .filter((cell) => isOn(scene, cell))
    .map((cell, i) => ({
      box: cellBox(scene.attention, cell),
      kind: "query kept",
      label: asked.cells.length > 1 ? String(i + 1) : "?",
    }));
}

/** What is pointed at, or what was guessed of the cell that is still on screen. */
const isGapOnScreen = ({ query }: Scene, { isOpen, cells }: Asked): boolean =>
  isOpen || cells.some((cell) => samePlace(cell, query));

const isOn = ({ attention }: Scene, [row, column]: Place): boolean =>
  row < attention.h && column < attention.w;

function guessMarks({ attention }: Scene, { guess, isOpen }: Asked): Mark[] {
  if (!guess || guess[0] >= attention.hb || guess[1] >= attention.wb) return [];
  const label = isOpen ? "" : "yours";
  return [{ box: cellBox(attention, guess), kind: "guess", label }];
}

/** From the guessed patch to the best one. */
export function gapArrows(view: ViewName, scene: Scene): Arrow[] {
  const { asked, attention, best } = scene;
  if (view !== "background" || !asked?.guess || asked.isOpen || !best.length) return [];
  if (!isGapOnScreen(scene, asked)) return [];
  const [{ row, col }] = best;
  if (samePlace(asked.guess, [row, col])) return [];
  const { rate } = attention.config;
  const middle = ([y, x]: Place): Place => [(y + 0.5) * rate, (x + 0.5) * rate];
  return [{ from: middle(asked.guess), to: middle([row, col]), kind: "many" }];
}
