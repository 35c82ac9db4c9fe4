// Operations that move numbers: where an element came from.
import { type Index, ravel, type Tensor, unravel } from "../tensor.ts";
import {
  type Arithmetic,
  broadcastIndex,
  type Explain,
  integersOf,
  isTensor,
  numberOf,
  type Operand,
  oneTerm,
  option,
  partOf,
} from "./parts.ts";
import { indexInside } from "./subscripts.ts";

const FROM = "taken from";

function taken(operands: readonly Operand[], which: number, at: Index | null): Arithmetic | null {
  const part = at && partOf(operands, which, at);
  return part && oneTerm(FROM, [part], "", part.value);
}

/** Where an element of the result stands in x. */
type Origin = (x: Tensor, index: Index, operands: readonly Operand[]) => Index | null;

const moved =
  (origin: Origin): Explain =>
  (operands, index) => {
    const x = operands[0];
    return isTensor(x) ? taken(operands, 0, origin(x, index, operands)) : null;
  };

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** All of the positional whole numbers: `permute(0, 2, 1)`, or `permute((0, 2, 1))`. */
function integers(operands: readonly Operand[], names: readonly string[]): number[] | null {
  const named = integersOf(option(operands, names, -1));
  if (named) return named;
  const texts = operands.slice(1).filter((operand) => !isTensor(operand));
  return integersOf(texts.join(","));
}

function swapped(index: Index, one: number, other: number): number[] {
  const result = [...index];
  [result[one], result[other]] = [result[other], result[one]];
  return result;
}

const transposed: Origin = (_, index, operands) => {
  const axes = integers(operands, ["dims"]);
  const rank = index.length;
  return axes && swapped(index, axisOf(axes[0], rank), axisOf(axes[1], rank));
};

const lastTwoSwapped: Origin = (_, index) => swapped(index, index.length - 1, index.length - 2);

const permuted: Origin = (_, index, operands) => {
  const axes = integers(operands, ["dims"]);
  if (axes?.length !== index.length) return null;
  const result: number[] = new Array(index.length);
  axes.forEach((axis, i) => {
    result[axisOf(axis, index.length)] = index[i];
  });
  return result;
};

const flipped: Origin = (x, index, operands) => {
  const axes = integers(operands, ["dims"])?.map((axis) => axisOf(axis, index.length));
  return axes
    ? index.map((place, axis) => (axes.includes(axis) ? x.shape[axis] - 1 - place : place))
    : null;
};

const subscripted: Origin = (x, index, operands) => indexInside(operands.slice(1), x.shape, index);

const broadcast: Origin = (x, index) => broadcastIndex(x.shape, index);
const repeated: Origin = (x, index) => {
  const skipped = index.length - x.shape.length;
  return x.shape.map((length, axis) => index[axis + skipped] % length);
};

/** In the same order, in another shape: `shape` is the result's. */
export const reshaped = (operands: readonly Operand[], index: Index, shape: Index) => {
  const x = operands[0];
  if (!isTensor(x)) return null;
  return taken(operands, 0, unravel(ravel(index, shape), x.shape));
};

/** `pad(x, (left, right, top, bottom, …))`, with a constant. */
function padded(operands: readonly Operand[], index: Index): Arithmetic | null {
  const x = operands[0];
  const widths = integersOf(option(operands, ["pad"], 1));
  const mode = option(operands, ["mode"], 2) ?? "constant";
  if (!isTensor(x) || !widths || !mode.includes("constant")) return null;
  const rank = index.length;
  const at = index.map((place, axis) => place - (widths[2 * (rank - 1 - axis)] ?? 0));
  if (at.every((place, axis) => place >= 0 && place < x.shape[axis])) return taken(operands, 0, at);
  const value = numberOf(option(operands, ["value"], 3) ?? "0");
  return value === null
    ? null
    : oneTerm("padding:", [{ operand: null, index: [], value }], "", value);
}

/** `cat((x, y, …), dim)`: operands are the tensors, then the axis. */
function joined(operands: readonly Operand[], index: Index): Arithmetic | null {
  const axes = integersOf(option(operands, ["dim", "axis"], operands.length - 1)) ?? [0];
  const axis = axisOf(axes[0], index.length);
  let place = index[axis];
  for (const [which, operand] of operands.entries()) {
    if (!isTensor(operand)) continue;
    if (place < operand.shape[axis]) {
      return taken(operands, which, index.with(axis, place));
    }
    place -= operand.shape[axis];
  }
  return null;
}

/** `stack((x, y, …), dim)`. */
function stacked(operands: readonly Operand[], index: Index): Arithmetic | null {
  const axes = integersOf(option(operands, ["dim", "axis"], operands.length - 1)) ?? [0];
  const axis = axisOf(axes[0], index.length);
  return taken(operands, index[axis], index.toSpliced(axis, 1));
}

/** The operand that is a tensor and not the first: the places that are picked. */
const placesOf = (operands: readonly Operand[]): Tensor | undefined =>
  operands.slice(1).find(isTensor);

/** `gather(x, axis, places)`, or `take_along_dim(x, places, axis)`. */
const gathered: Origin = (_, index, operands) => {
  const text = operands.find((operand) => typeof operand === "string");
  const axis = integersOf(text?.replace(/^dim=/, ""))?.[0];
  const place = placesOf(operands)?.at(index) ?? null;
  if (axis === undefined || place === null) return null;
  return index.with(axisOf(axis, index.length), place);
};

/** `index_select(x, axis, places)`. */
const selected: Origin = (_, index, operands) => {
  const axis = integersOf(option(operands, ["dim"], 1))?.[0];
  if (axis === undefined) return null;
  const which = axisOf(axis, index.length);
  const place = placesOf(operands)?.at([index[which]]) ?? null;
  return place === null ? null : index.with(which, place);
};

const same = moved((_, index) => index);

export const MOVING: Readonly<Record<string, Explain>> = {
  getitem: moved(subscripted),
  gather: moved(gathered),
  take_along_dim: moved(gathered),
  index_select: moved(selected),
  transpose: moved(transposed),
  swapaxes: moved(transposed),
  swapdims: moved(transposed),
  permute: moved(permuted),
  mT: moved(lastTwoSwapped),
  T: moved((_, index) => [...index].reverse()),
  t: moved(lastTwoSwapped),
  flip: moved(flipped),
  expand: moved(broadcast),
  expand_as: moved(broadcast),
  broadcast_to: moved(broadcast),
  repeat: moved(repeated),
  tile: moved(repeated),
  pad: padded,
  cat: joined,
  concat: joined,
  stack: stacked,
  clone: same,
  contiguous: same,
  detach: same,
  to: same,
  float: same,
  double: same,
  half: same,
  int: same,
  long: same,
  bool: same,
  cpu: same,
  type: same,
};

/** Those that keep the order of the numbers and change the shape. */
export const RESHAPING: ReadonlySet<string> = new Set([
  "reshape",
  "view",
  "flatten",
  "unflatten",
  "unsqueeze",
  "squeeze",
  "ravel",
]);
