// What a value looks like: the picture of the slice that goes through one of its elements.
import { type ColourRange, paint } from "../engine/colour.ts";
import { LOOK_OF_RGB, type Look } from "../engine/look.ts";
import { clamp } from "../engine/numbers.ts";
import { type Index, ravel } from "../engine/tensor.ts";
import type { Place } from "./cursor.ts";
import { type Layout, layoutOf } from "./layout.ts";
import type { Value } from "./recording.ts";

/** Places down and across that are drawn at once; of what is larger the part around the element. */
const MOST = 512;

/** What of the run helps to draw a value; nothing of it is known for other code. */
export interface Surroundings {
  readonly look: Look | null;
  readonly grids: readonly Place[];
}

export const NOWHERE: Surroundings = { look: null, grids: [] };

export interface Face {
  readonly value: Value;
  readonly layout: Layout;
  readonly through: Index;
  /** Which part is drawn: its first row and column, and how many. */
  readonly from: Place;
  readonly rows: number;
  readonly cols: number;
  /** Of the numbers; null for a picture of colours. */
  readonly range: ColourRange | null;
  /** Names what is drawn: the same for all elements of one slice. */
  readonly key: string;
}

/** The number at a place of a face; null where it was not kept. */
export function numberAt(face: Face, place: Place): number | null {
  return face.value.tensor.at(indexAt(face, place));
}

export const indexAt = ({ layout, through, from }: Face, [row, col]: Place): number[] =>
  layout.indexAt([row + from[0], col + from[1]], through);

/** Where an element is in the part that is drawn. */
export function placeIn({ layout, from }: Face, index: Index): Place {
  const [row, col] = layout.placeOf(index);
  return [row - from[0], col - from[1]];
}

export function faceOf(value: Value, through: Index, { look, grids }: Surroundings): Face {
  const layout = layoutOf(value.about, grids);
  const [row, col] = layout.placeOf(through);
  const from: Place = [MOST * Math.floor(row / MOST), MOST * Math.floor(col / MOST)];
  const fixed = layout.free.filter(({ name }) => layout.channels === 1 || name !== "channel");
  const slice = fixed.map((axis) => axis.of(through)).join();
  return {
    value,
    layout,
    through,
    from,
    rows: Math.min(MOST, layout.rows - from[0]),
    cols: Math.min(MOST, layout.cols - from[1]),
    range: layout.channels === 3 ? null : rangeOfValue(value),
    key: `${value.number}|${from}|${slice}|${look ? "look" : ""}`,
  };
}

function rangeOfValue({ about }: Value): ColourRange {
  const low = about.minimum ?? 0;
  const high = about.maximum ?? 0;
  if (low >= 0) return { low: 0, high: high || 1, signed: false };
  const most = Math.max(-low, high) || 1;
  return { low: -most, high: most, signed: true };
}

/** Numbers of about the size of colours keep them; others are drawn as far as they reach. */
const COLOURLIKE: readonly [number, number] = [0.4, 1.2];

function lookOf({ about }: Value, look: Look | null): Look {
  const most = Math.max(Math.abs(about.minimum ?? 0), Math.abs(about.maximum ?? 0)) || 1;
  const isColour = most >= COLOURLIKE[0] && most <= COLOURLIKE[1];
  if (isColour && look?.basis.length === 3) return look;
  const low = isColour && (about.minimum ?? 0) >= 0 ? 0 : -most;
  return { ...LOOK_OF_RGB, low: [low, low, low], high: [most, most, most] };
}

const UNKNOWN = [128, 128, 128, 60];
/** What is not finite gets a glyph, on this. */
const ODD = [128, 128, 128, 160];

/** The number at each place, in rows; null where it was not kept. */
function numbersOf(face: Face): (i: number) => number | null {
  const { value, layout, cols } = face;
  const { tensor } = value;
  const { data, isWhole } = tensor;
  if (!data || !isWhole || !layout.steps) {
    return (i) => tensor.at(indexAt(face, [Math.floor(i / cols), i % cols]));
  }
  const first = ravel(indexAt(face, [0, 0]), tensor.shape);
  const [down, across] = layout.steps;
  return (i) => data[first + Math.floor(i / cols) * down + (i % cols) * across];
}

/** The colour of each place of a face, in rows. */
export function coloursOfFace(face: Face, look: Look | null): (i: number) => ArrayLike<number> {
  const { value, layout, range, cols } = face;
  const { tensor } = value;
  const placeOf = (i: number): Place => [Math.floor(i / cols), i % cols];
  if (range) {
    const numbers = numbersOf(face);
    return (i) => {
      const number = numbers(i);
      if (number === null) return UNKNOWN;
      return Number.isFinite(number) ? paint(number, range) : ODD;
    };
  }
  const { mean, basis, low, high } = lookOf(value, look);
  return (i) => {
    const index = indexAt(face, placeOf(i));
    const rgb = [0, 0, 0];
    for (let channel = 0; channel < 3; channel++) {
      const number = tensor.at(layout.withChannel(index, channel));
      if (number === null) return UNKNOWN;
      if (!Number.isFinite(number)) return ODD;
      for (let j = 0; j < 3; j++) rgb[j] += (number - mean[channel]) * basis[channel][j];
    }
    return rgb.map((sum, j) => clamp(Math.round((255 * (sum - low[j])) / (high[j] - low[j])), 256));
  };
}

export type Odd = "nan" | "infinity" | "minus infinity";

/** The places whose number is none, or infinite, up to `most` of them. */
export function oddPlaces(face: Face, most: number): { place: Place; odd: Odd }[] {
  const { value, rows, cols, layout } = face;
  const places: { place: Place; odd: Odd }[] = [];
  if (!value.about.nan && !value.about.infinite) return places;
  for (let i = 0; i < rows * cols && places.length < most; i++) {
    const place: Place = [Math.floor(i / cols), i % cols];
    const index = indexAt(face, place);
    for (let channel = 0; channel < layout.channels; channel++) {
      const at = layout.channels === 3 ? layout.withChannel(index, channel) : index;
      const odd = oddOf(value.tensor.at(at));
      if (!odd) continue;
      places.push({ place, odd });
      break;
    }
  }
  return places;
}

export function oddOf(number: number | null): Odd | null {
  if (number === null || Number.isFinite(number)) return null;
  if (Number.isNaN(number)) return "nan";
  return number > 0 ? "infinity" : "minus infinity";
}

const firsts = new WeakMap<Value, Index>();

/** The element that is looked at first: a map's largest, of the kept query; else the first. */
export function firstIndex(value: Value): Index {
  const known = firsts.get(value);
  if (known) return known;
  const first = findFirst(value);
  firsts.set(value, first);
  return first;
}

function findFirst(value: Value): Index {
  const { shape, axes, row, picture } = value.about;
  const index = shape.map((_, axis) => value.tensor.start[axis] ?? 0);
  const queries = axes.indexOf("Q");
  if (row !== null && queries >= 0) index[queries] = row;
  if (picture !== "background" && picture !== "foreground") return index;
  const face = faceOf(value, index, NOWHERE);
  const numbers = numbersOf(face);
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < face.rows * face.cols; i++) {
    const number = numbers(i);
    if (number === null || !(number > most)) continue;
    most = number;
    best = i;
  }
  return best < 0 ? index : indexAt(face, [Math.floor(best / face.cols), best % face.cols]);
}
