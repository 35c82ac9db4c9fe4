// What the small pictures of several steps are made of.
import { paint, rangeOf } from "../engine/colour.ts";
import type { PaddedMaps } from "../engine/patches.ts";
import type { MatrixKey } from "../generated/stages.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import type { Colours } from "../views/bitmap.ts";
import { coloursOf } from "../views/colours.ts";
import type { Role } from "../views/numbers.tsx";
import type { Layer, Miniature, Miniaturist, Outline } from "./step.ts";

/** A cell is too small to be seen: what is outlined is this much wider. */
const WIDER = 1;

export function cellOutline([row, column]: Place, role: Role, wider = WIDER): Outline {
  const side = 1 + 2 * wider;
  return { box: [row - wider, column - wider, side, side], role };
}

/** The shrunk background, over which the maps of patches lie. */
export function backgroundLayer(scene: Scene): Layer {
  const { hb, wb, downsampledB } = scene.attention;
  const colours = () => coloursOf(scene, downsampledB, hb * wb);
  return { rows: hb, cols: wb, step: 1, sources: [downsampledB, scene.channel], colours };
}

/** The scores of the query with every patch, and where the match is. */
export const scoreMap =
  (stage: MatrixKey): Miniaturist =>
  (scene) => {
    const { attention, p, q } = scene;
    if (p < 0) return null;
    const { hb, wb, gh, gw, config } = attention;
    const row = attention.row(stage, p);
    const colours = (): Colours => {
      const range = rangeOf(row, true);
      return (i) => paint(row[i], range);
    };
    const layer: Layer = { rows: gh, cols: gw, step: config.stride, sources: [row], colours };
    const outlines = [cellOutline(attention.cellOf(q), "match")];
    return { rows: hb, cols: wb, layers: [layer], outlines };
  };

/** The patch of a padded map at a cell: what lies beyond the map is open. */
export function patchMiniature(scene: Scene, maps: PaddedMaps, at: Place, role: Role): Miniature {
  const { side, before, rows, cols } = maps;
  const [top, left] = [at[0] - before, at[1] - before];
  const colours = (): Colours => {
    const inner = coloursOf(scene, maps.patch(...at), side * side);
    return (i) => {
      const row = top + Math.floor(i / side);
      const column = left + (i % side);
      return row >= 0 && row < rows && column >= 0 && column < cols ? inner(i) : null;
    };
  };
  const sources = [maps, at[0], at[1], scene.channel];
  const layer: Layer = { rows: side, cols: side, step: 1, sources, colours };
  const outlines: Outline[] = [{ box: [0, 0, side, side], role }];
  return { rows: side, cols: side, layers: [layer], outlines };
}

/** The largest of each 3 × 3 values: a single one would be too small to be seen. */
export function widened(values: ArrayLike<number>, rows: number, cols: number): Float64Array {
  return largestOfThree(largestOfThree(values, rows, cols, 1), rows, cols, cols);
}

/** The largest of each value and its two neighbours, `step` places away along one axis. */
function largestOfThree(
  values: ArrayLike<number>,
  rows: number,
  cols: number,
  step: number,
): Float64Array {
  const isAcross = step === 1;
  const last = (isAcross ? cols : rows) - 1;
  const result = Float64Array.from(values);
  for (let i = 0; i < result.length; i++) {
    const at = isAcross ? i % cols : Math.floor(i / cols);
    if (at > 0) result[i] = Math.max(result[i], values[i - step]);
    if (at < last) result[i] = Math.max(result[i], values[i + step]);
  }
  return result;
}
