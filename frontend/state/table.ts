// The map that lies over a picture, as a table: its largest values and where they are.
import { strongest } from "../engine/numbers.ts";
import type { Place } from "./cursor.ts";
import type { Scene } from "./scene.ts";

const MOST_ROWS = 20;

export interface MapTable {
  /** What a place of the map is: a patch of b, a query of f, or a pixel of b. */
  readonly of: "patch" | "query" | "pixel";
  /** How many values the map has. */
  readonly count: number;
  readonly rows: readonly TableRow[];
}

interface TableRow {
  readonly place: Place;
  readonly value: number;
}

/** The largest first; what is no number is left out. Null where there is no map. */
export function tableOf(scene: Scene): MapTable | null {
  const { attention, backgroundHeat, foregroundHeat, gradientMaps } = scene;
  const heat = backgroundHeat ?? foregroundHeat;
  if (!heat) return null;
  const { values, cols, step } = heat;
  // Of a place of the map, along a side; a gradient has a place for each pixel.
  const cells = gradientMaps ? 1 : step / attention.config.rate;
  const sizeOf = gradientMaps ? Math.abs : (value: number) => value;
  const numbers = Float64Array.from(values, (value) =>
    Number.isNaN(value) ? -Infinity : sizeOf(value),
  );
  const largest = strongest(numbers, MOST_ROWS).filter((i) => !Number.isNaN(values[i]));
  return {
    of: placeName(scene),
    count: values.length,
    rows: largest.map((i) => ({
      place: [Math.floor(i / cols) * cells, (i % cols) * cells],
      value: values[i],
    })),
  };
}

function placeName({ backgroundHeat, gradientMaps }: Scene): MapTable["of"] {
  if (gradientMaps) return "pixel";
  return backgroundHeat ? "patch" : "query";
}
