// Operations that lay windows over a picture: unfold, fold and conv_transpose2d.
import { type Index, unravel } from "../tensor.ts";
import {
  type Arithmetic,
  type Explain,
  integersOf,
  isTensor,
  type Operand,
  oneTerm,
  option,
  type Part,
  pair,
  partOf,
  type Term,
} from "./parts.ts";

/** Along rows and along columns. */
type Pair = readonly number[];

interface Windows {
  readonly side: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

/** Which window has its number `inside` at `place` of the picture; null if none has. */
function windowAt(place: number, inside: number, windows: Windows, axis: number): number | null {
  const { stride, padding, dilation } = windows;
  const start = place + padding[axis] - inside * dilation[axis];
  return start >= 0 && start % stride[axis] === 0 ? start / stride[axis] : null;
}

const windowsAlong = (length: number, { side, stride, padding, dilation }: Windows, axis: number) =>
  Math.floor(
    (length + 2 * padding[axis] - dilation[axis] * (side[axis] - 1) - 1) / stride[axis] + 1,
  );

/** As F.fold and F.unfold take them, from the operand at `first` on. */
function windowsOf(operands: readonly Operand[], first: number): Windows | null {
  const side = pair(operands, "kernel_size", first, 0);
  const dilation = pair(operands, "dilation", first + 1, 1);
  const padding = pair(operands, "padding", first + 2, 0);
  const stride = pair(operands, "stride", first + 3, 1);
  return side?.[0] && dilation && padding && stride ? { side, dilation, padding, stride } : null;
}

/** `F.unfold(x, side, …)`: each column is a window, channel by channel. */
function columns(operands: readonly Operand[], index: Index): Arithmetic | null {
  const x = operands[0];
  const windows = windowsOf(operands, 1);
  if (!isTensor(x) || !windows || x.shape.length !== index.length + 1) return null;
  const { side, stride, padding, dilation } = windows;
  const [H, W] = x.shape.slice(-2);
  const [row, column] = index.slice(-2);
  const [channel, dy, dx] = unravel(row, [x.shape[x.shape.length - 3], side[0], side[1]]);
  const across = windowsAlong(W, windows, 1);
  const y0 = Math.floor(column / across) * stride[0] - padding[0] + dy * dilation[0];
  const x0 = (column % across) * stride[1] - padding[1] + dx * dilation[1];
  if (y0 < 0 || y0 >= H || x0 < 0 || x0 >= W) {
    return oneTerm("padding:", [{ operand: null, index: [], value: 0 }], "", 0);
  }
  const part = partOf(operands, 0, [...index.slice(0, -2), channel, y0, x0]);
  return part && oneTerm("taken from", [part], "", part.value);
}

/** `x.unfold(axis, size, step)`: a window's numbers come last. */
function along(operands: readonly Operand[], index: Index): Arithmetic | null {
  const x = operands[0];
  const numbers = ["dimension", "size", "step"].map((name, i) =>
    integersOf(option(operands, [name], i + 1)),
  );
  const [axis, , step] = numbers.map((each) => each?.[0]);
  if (!isTensor(x) || axis === undefined || step === undefined) return null;
  const which = axis < 0 ? axis + x.shape.length : axis;
  const inside = index[index.length - 1];
  const at = index.slice(0, -1).with(which, index[which] * step + inside);
  const part = partOf(operands, 0, at);
  return part && oneTerm("taken from", [part], "", part.value);
}

const unfold: Explain = (operands, index) => {
  const x = operands[0];
  const isAlong = isTensor(x) && index.length === x.shape.length + 1;
  return (isAlong ? along : columns)(operands, index);
};

/** `F.fold(columns, size, side, …)`: what lands on one place is added up. */
function fold(operands: readonly Operand[], index: Index): Arithmetic | null {
  const x = operands[0];
  const size = pair(operands, "output_size", 1, 0);
  const windows = windowsOf(operands, 2);
  if (!isTensor(x) || !size || !windows) return null;
  const { side } = windows;
  const [down, across] = size.map((length, axis) => windowsAlong(length, windows, axis));
  const [channel, y, xx] = index.slice(-3);
  const parts: Part[] = [];
  for (let i = 0; i < side[0] * side[1]; i++) {
    const [dy, dx] = unravel(i, side);
    const row = windowAt(y, dy, windows, 0);
    const column = windowAt(xx, dx, windows, 1);
    if (row === null || column === null || row >= down || column >= across) continue;
    const place = [channel * side[0] * side[1] + i, row * across + column];
    const part = partOf(operands, 0, [...index.slice(0, -3), ...place]);
    if (!part) return null;
    parts.push(part);
  }
  return {
    words: `sum of ${parts.length} number${parts.length === 1 ? "" : "s"} that overlap here`,
    terms: parts.map((part) => ({ parts: [part], sign: "", value: part.value })),
    join: "+",
    divisor: null,
    result: parts.reduce((sum, { value }) => sum + value, 0),
  };
}

/** `F.conv_transpose2d(x, kernels, …)`: kernels that lie over one place, each times a number. */
function convTranspose2d(operands: readonly Operand[], index: Index): Arithmetic | null {
  const [x, kernels, bias] = operands;
  if (!isTensor(x) || !isTensor(kernels) || kernels.shape.length !== 4 || isTensor(bias)) {
    return null;
  }
  const stride = pair(operands, "stride", 3, 1);
  const padding = pair(operands, "padding", 4, 0);
  const dilation = pair(operands, "dilation", 7, 1);
  const groups = integersOf(option(operands, ["groups"], 6) ?? "1");
  if (!stride || !padding || !dilation || groups?.[0] !== 1) return null;
  const [ins, , ...side] = kernels.shape;
  const windows = { side, stride, padding, dilation };
  const [H, W] = x.shape.slice(-2);
  const [out, y, xx] = index.slice(-3);
  const terms: Term[] = [];
  for (let i = 0; i < ins * side[0] * side[1]; i++) {
    const [channel, dy, dx] = unravel(i, [ins, ...side]);
    const row = windowAt(y, dy, windows, 0);
    const column = windowAt(xx, dx, windows, 1);
    if (row === null || column === null || row >= H || column >= W) continue;
    const number = partOf(operands, 0, [...index.slice(0, -3), channel, row, column]);
    const weight = partOf(operands, 1, [channel, out, dy, dx]);
    if (!number || !weight) return null;
    terms.push({ parts: [number, weight], sign: "·", value: number.value * weight.value });
  }
  return {
    words: `sum of ${terms.length} product${terms.length === 1 ? "" : "s"}`,
    terms,
    join: "+",
    divisor: null,
    result: terms.reduce((sum, { value }) => sum + value, 0),
  };
}

export const WINDOWS: Readonly<Record<string, Explain>> = {
  unfold,
  fold,
  conv_transpose2d: convTranspose2d,
};
