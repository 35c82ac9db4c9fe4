// A gradient as it arrived, and the maps that it is drawn as.
import { rangeOf } from "../engine/colour.ts";
import type { Bytes, GradientMessage } from "../protocol.ts";
import { arrayOf } from "./arrays.ts";
import type { HeatMap } from "./scene.ts";

/** Of the largest number of a map: what is less gets no colour. */
const NOTICEABLE = 0.01;

/** (c, H, W) numbers. */
interface Planes {
  readonly values: Float32Array;
  readonly rows: number;
  readonly cols: number;
}

/** How a number y follows f and b. */
export interface Gradient {
  /** In words, what y is. */
  readonly of: string;
  readonly value: number | null;
  readonly sentence: string;
  readonly f: Planes;
  readonly b: Planes;
}

export function gradientOf(message: GradientMessage, buffers: readonly Bytes[]): Gradient {
  const { of, value, sentence, shapes } = message;
  const planes = (name: "f" | "b", sent: Bytes | undefined): Planes => {
    const shape = shapes[name];
    const [, rows, cols] = shape;
    return { values: arrayOf(`∂y/∂${name}`, sent, { dtype: "float32", shape }), rows, cols };
  };
  return { of, value, sentence, f: planes("f", buffers[0]), b: planes("b", buffers[1]) };
}

/** The maps over f and b. */
export interface GradientMaps {
  readonly f: HeatMap;
  readonly b: HeatMap;
}

/** Of one channel; of all of them moved together where that is null: their sum. */
export function mapsOf({ f, b }: Gradient, channel: number | null): GradientMaps {
  return { f: mapOf(f, channel), b: mapOf(b, channel) };
}

function mapOf({ values: all, rows, cols }: Planes, channel: number | null): HeatMap {
  const area = rows * cols;
  const values = new Float64Array(area);
  const [first, end] = channel === null ? [0, all.length] : [channel * area, (channel + 1) * area];
  for (let i = first; i < end; i++) values[i % area] += all[i];
  const range = rangeOf(values, true);
  return { values, rows, cols, step: 1, range, least: NOTICEABLE * range.high };
}
