// How a tensor is laid out flat: which element stands at which place of a picture.
import { type Index, sizeOf } from "../engine/tensor.ts";
import type { ValueData } from "../protocol.ts";
import type { Place } from "./cursor.ts";

/** An axis that is not in the picture: a slider goes along it. */
export interface FreeAxis {
  readonly name: string;
  readonly length: number;
  readonly of: (index: Index) => number;
  readonly set: (index: Index, at: number) => number[];
}

export interface Layout {
  readonly rows: number;
  readonly cols: number;
  /** The element at a place of the picture that goes through the element at `through`. */
  readonly indexAt: (place: Place, through: Index) => number[];
  readonly placeOf: (index: Index) => Place;
  readonly free: readonly FreeAxis[];
  /** Three where the picture is one of colours; `withChannel` goes from one to the other. */
  readonly channels: 1 | 3;
  readonly withChannel: (index: Index, channel: number) => number[];
  /** Of the numbers in C order, how far apart the places of a column and of a row are; null where
   * they do not lie so evenly. */
  readonly steps: Place | null;
  /** How many places a side of what belongs together has: of a patch in a picture of many. */
  readonly block: Place | null;
}

const MOST_WIDE = 64; // places in a row of what is only one row

const without = (rank: number, taken: readonly number[]): number[] =>
  [...Array(rank).keys()].filter((axis) => !taken.includes(axis));

function setAxes(index: Index, axes: readonly number[], places: readonly number[]): number[] {
  const result = [...index];
  axes.forEach((axis, i) => {
    result[axis] = places[i];
  });
  return result;
}

function freeAxes({ shape, axes }: ValueData, taken: readonly number[]): FreeAxis[] {
  const free = without(shape.length, taken).filter((axis) => shape[axis] > 1);
  return free.map((axis) => ({
    name: axes[axis] && axes[axis] !== "?" ? axes[axis] : `axis ${axis}`,
    length: shape[axis],
    of: (index) => index[axis],
    set: (index, at) => setAxes(index, [axis], [at]),
  }));
}

/** How far apart neighbours on an axis are, in C order. */
const strideOf = (shape: Index, axis: number | null): number =>
  axis === null ? 0 : sizeOf(shape.slice(axis + 1));

const oneChannel = { channels: 1 as const, withChannel: (index: Index) => [...index], block: null };

/** Two axes, or none and one: down and across. */
function ofAxes(about: ValueData, down: number | null, across: number | null): Layout {
  const { shape } = about;
  const axes = [down, across].filter((axis) => axis !== null);
  return {
    ...oneChannel,
    rows: down === null ? 1 : shape[down],
    cols: across === null ? 1 : shape[across],
    indexAt: ([row, col], through) => {
      const places = [down === null ? [] : row, across === null ? [] : col].flat();
      return setAxes(through, axes, places);
    },
    placeOf: (index) => [down === null ? 0 : index[down], across === null ? 0 : index[across]],
    free: freeAxes(about, axes),
    steps: [strideOf(shape, down), strideOf(shape, across)],
  };
}

/** One axis, in rows of `cols`. */
function wrapped(about: ValueData, axis: number, cols: number): Layout {
  const length = about.shape[axis];
  return {
    ...oneChannel,
    rows: Math.ceil(length / cols),
    cols,
    indexAt: ([row, col], through) =>
      setAxes(through, [axis], [Math.min(length - 1, row * cols + col)]),
    placeOf: (index) => [Math.floor(index[axis] / cols), index[axis] % cols],
    free: freeAxes(about, [axis]),
    // The last row may be shorter than the others: then its end repeats the last number.
    steps: length % cols ? null : [cols * strideOf(about.shape, axis), strideOf(about.shape, axis)],
  };
}

function plain(about: ValueData): Layout {
  const { shape } = about;
  const long = without(shape.length, []).filter((axis) => shape[axis] > 1);
  const across = long.at(-1) ?? null;
  const down = long.at(-2) ?? null;
  if (across !== null && down === null && shape[across] > MOST_WIDE) {
    return wrapped(about, across, MOST_WIDE);
  }
  return ofAxes(about, down, across);
}

/** The axes of a map of rows × cols: one for both or two; null where there are none. */
function mapAxes(shape: Index, [rows, cols]: Place): number[] | null {
  const flat = shape.lastIndexOf(rows * cols);
  if (flat >= 0 && rows * cols > 1) return [flat];
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    if (shape[axis] === rows && shape[axis + 1] === cols) return [axis, axis + 1];
  }
  return null;
}

function map(about: ValueData, grid: Place): Layout {
  const axes = mapAxes(about.shape, grid);
  if (!axes) return plain(about);
  return axes.length === 1 ? wrapped(about, axes[0], grid[1]) : ofAxes(about, axes[0], axes[1]);
}

/** The last axes of a patch, and where a number of it stands on them. */
interface PatchAxes {
  readonly axes: readonly number[];
  readonly channels: number;
  readonly toIndex: (channel: number, y: number, x: number) => number[];
  readonly fromIndex: (index: Index) => [channel: number, y: number, x: number];
}

function patchAxes(shape: Index, [height, width]: Place): PatchAxes | null {
  const rank = shape.length;
  const last = shape[rank - 1] ?? 0;
  const area = height * width;
  if (rank >= 2 && last === width && shape[rank - 2] === height) {
    const hasChannels = rank >= 3;
    const first = rank - (hasChannels ? 3 : 2);
    return {
      axes: without(rank, without(first, [])),
      channels: hasChannels ? shape[rank - 3] : 1,
      toIndex: (channel, y, x) => (hasChannels ? [channel, y, x] : [y, x]),
      fromIndex: (index) => [hasChannels ? index[first] : 0, index[rank - 2], index[rank - 1]],
    };
  }
  if (rank === 0 || last % area !== 0) return null;
  return {
    axes: [rank - 1],
    channels: last / area,
    toIndex: (channel, y, x) => [channel * area + y * width + x],
    fromIndex: (index) => {
      const at = index[rank - 1];
      return [Math.floor(at / area), Math.floor((at % area) / width), at % width];
    },
  };
}

/** A patch, or many side by side: those along the `many` axes, in rows of `across`. */
function patches(about: ValueData, side: Place, many: readonly number[], across: number): Layout {
  const patch = patchAxes(about.shape, side);
  if (!patch) return plain(about);
  const [height, width] = side;
  const lengths = many.map((axis) => about.shape[axis]);
  const count = lengths.reduce((product, length) => product * length, 1);
  const numberOf = (index: Index): number =>
    many.reduce((number, axis, i) => number * lengths[i] + index[axis], 0);
  const placesOf = (number: number): number[] =>
    lengths.length === 2
      ? [Math.floor(number / lengths[1]), number % lengths[1]]
      : lengths.map(() => number);
  const channelAxis: FreeAxis = {
    name: "channel",
    length: patch.channels,
    of: (index) => patch.fromIndex(index)[0],
    set: (index, channel) => withChannel(index, channel),
  };
  const withChannel = (index: Index, channel: number): number[] => {
    const [, y, x] = patch.fromIndex(index);
    return setAxes(index, patch.axes, patch.toIndex(channel, y, x));
  };
  return {
    rows: Math.ceil(count / across) * height,
    cols: across * width,
    indexAt: ([row, col], through) => {
      const number = Math.floor(row / height) * across + Math.floor(col / width);
      const [channel] = patch.fromIndex(through);
      const inPatch = patch.toIndex(channel, row % height, col % width);
      const among = setAxes(through, many, placesOf(Math.min(count - 1, number)));
      return setAxes(among, patch.axes, inPatch);
    },
    placeOf: (index) => {
      const number = numberOf(index);
      const [, y, x] = patch.fromIndex(index);
      return [Math.floor(number / across) * height + y, (number % across) * width + x];
    },
    free: [
      ...freeAxes(about, [...many, ...patch.axes]),
      ...(patch.channels > 1 ? [channelAxis] : []),
    ],
    channels: patch.channels === 3 ? 3 : 1,
    withChannel,
    steps: null,
    block: many.length ? side : null,
  };
}

/** The axes along which there are several patches: the last one, or rows and columns of a grid. */
function manyAxes(about: ValueData, side: Place, grids: readonly Place[]): number[] {
  const taken = patchAxes(about.shape, side)?.axes ?? [];
  const before = without(about.shape.length - taken.length, []);
  const [one, other] = before.slice(-2);
  const isGrid = grids.some(
    ([rows, cols]) => about.shape[one] === rows && about.shape[other] === cols,
  );
  return isGrid && before.length > 1 ? [one, other] : before.slice(-1);
}

/** How many patches side by side: as in the grid that has so many, else about a square. */
function acrossOf(count: number, grids: readonly Place[]): number {
  const grid = grids.find(([rows, cols]) => rows * cols === count);
  return grid ? grid[1] : Math.ceil(Math.sqrt(count));
}

/** A picture of c channels: the last three axes, or two. */
function picture(about: ValueData): Layout {
  const rank = about.shape.length;
  if (rank < 2) return plain(about);
  const flat = ofAxes(about, rank - 2, rank - 1);
  const channelAxis = rank - 3;
  if (about.shape[channelAxis] !== 3) return flat;
  return {
    ...flat,
    channels: 3,
    withChannel: (index, channel) => setAxes(index, [channelAxis], [channel]),
  };
}

/** @param grids rows and columns of the grids of cells and of patches that the run has. */
export function layoutOf(about: ValueData, grids: readonly Place[]): Layout {
  const { grid, shape } = about;
  if (about.picture === "picture") return picture(about);
  if (!grid || about.picture === "plain") return plain(about);
  if (about.picture === "patch") return patches(about, grid, [], 1);
  if (about.picture === "patches") {
    const many = manyAxes(about, grid, grids);
    const count = many.reduce((product, axis) => product * shape[axis], 1);
    const isGrid = many.length === 2;
    return patches(about, grid, many, isGrid ? shape[many[1]] : acrossOf(count, grids));
  }
  return map(about, grid);
}
