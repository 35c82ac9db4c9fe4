// Shrink, cell by cell: which pixel each cell keeps, in the surroundings of one cell.
import type { Attention } from "../attention.ts";
import type { AttentionConfig } from "../config.ts";
import { nearestIndices } from "../downsampling.ts";
import { type Cell, cellAt } from "../grid.ts";
import { clamp } from "../numbers.ts";
import type { Mechanism } from "./mechanism.ts";

/** A map before it is shrunk. */
export interface FullMap {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float32Array | Uint8Array;
}

/** Some cells, or pixels, of a map. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly cols: number;
}

export interface ShrinkFrame {
  readonly cell: Cell;
  /** Where the cell falls on the full map, before it is rounded to a pixel. */
  readonly exact: readonly [row: number, column: number];
  /** The pixel that is kept, and its number of each channel. */
  readonly pixel: Cell;
  readonly values: readonly number[];
  /** The pixels that have been kept so far, this one included. */
  readonly kept: readonly Cell[];
}

export interface ShrinkMechanism extends Mechanism<ShrinkFrame> {
  /** What is gone through: the cells, and the pixels that they stand for. */
  readonly cells: Box;
  readonly pixels: Box;
}

const MOST_PIXELS = 24; // on a side of what is shown
const MOST_CELLS = 12;
const LEAST_CELLS = 4;

/** So many cells on a side around one, as far as the map has them. */
function around(at: number, count: number, most: number): readonly [start: number, size: number] {
  const size = Math.min(most, count);
  return [clamp(at - (size >> 1), count - size + 1), size];
}

export function shrinkMechanism(
  { config }: Pick<Attention, "config">,
  map: FullMap,
  subject: Cell,
): ShrinkMechanism {
  const { rate } = config;
  const rowsKept = nearestIndices(map.rows, rate, config.shrink);
  const columnsKept = nearestIndices(map.cols, rate, config.shrink);
  const most = Math.min(MOST_CELLS, Math.max(LEAST_CELLS, Math.floor(MOST_PIXELS / rate)));
  const [top, rows] = around(subject[0], rowsKept.length, most);
  const [left, cols] = around(subject[1], columnsKept.length, most);
  const down = pixelsOf(rowsKept, top, rows, rate, map.rows);
  const across = pixelsOf(columnsKept, left, cols, rate, map.cols);
  const area = map.rows * map.cols;
  const channels = map.values.length / area;
  const steps = [
    stepOf(map.rows, rowsKept.length, rate, config.shrink),
    stepOf(map.cols, columnsKept.length, rate, config.shrink),
  ];
  const cellOf = (tick: number): Cell => {
    const [row, column] = cellAt(tick, cols);
    return [top + row, left + column];
  };
  const pixelOf = ([row, column]: Cell): Cell => [rowsKept[row], columnsKept[column]];
  return {
    last: rows * cols - 1,
    cells: { top, left, rows, cols },
    pixels: { top: down[0], left: across[0], rows: down[1], cols: across[1] },
    at: (tick) => {
      const cell = cellOf(tick);
      const pixel = pixelOf(cell);
      const index = pixel[0] * map.cols + pixel[1];
      return {
        cell,
        exact: [cell[0] * steps[0], cell[1] * steps[1]],
        pixel,
        values: Array.from({ length: channels }, (_, k) => map.values[k * area + index]),
        kept: Array.from({ length: tick + 1 }, (_, i) => pixelOf(cellOf(i))),
      };
    },
  };
}

/** How many pixels lie between one cell and the next, before rounding. */
function stepOf(
  size: number,
  cells: number,
  rate: number,
  rule: AttentionConfig["shrink"],
): number {
  return rule === "floor" ? rate : Math.fround((size - 1) / Math.max(1, cells - 1));
}

/** The pixels that some cells stand for, or keep: where they start, and how many. */
function pixelsOf(
  kept: Int32Array,
  first: number,
  count: number,
  rate: number,
  size: number,
): readonly [start: number, length: number] {
  const start = Math.min(first * rate, kept[first]);
  const end = Math.max((first + count) * rate, kept[first + count - 1] + 1);
  return [start, Math.min(end, size) - start];
}
