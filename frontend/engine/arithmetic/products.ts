// Operations that make one element as a sum of products.
import { type Index, unravel } from "../tensor.ts";
import { einsum } from "./einsum.ts";
import {
  type Arithmetic,
  broadcastIndex,
  type Explain,
  integersOf,
  isTensor,
  type Operand,
  option,
  pair,
  partOf,
  type Term,
} from "./parts.ts";

function sumOfTerms(terms: readonly Term[], bias: Term | null = null): Arithmetic {
  const all = bias ? [...terms, bias] : terms;
  const count = `${terms.length} product${terms.length === 1 ? "" : "s"}`;
  return {
    words: bias ? `sum of ${count} and the bias` : `sum of ${count}`,
    terms: all,
    join: "+",
    divisor: null,
    result: all.reduce((sum, { value }) => sum + value, 0),
  };
}

/** The product of a number of the first and one of the second operand; null where one lacks. */
function productOf(operands: readonly Operand[], at: Index, ofOther: Index): Term | null {
  const x = partOf(operands, 0, at);
  const y = partOf(operands, 1, ofOther);
  return x && y && { parts: [x, y], sign: "·", value: x.value * y.value };
}

/** A row of the first with a column of the second; a vector is the only row, or column. */
function matmul(operands: readonly Operand[], index: Index): Arithmetic | null {
  const [x, y] = operands;
  if (!isTensor(x) || !isTensor(y)) return null;
  const isRow = x.shape.length === 1;
  const isColumn = y.shape.length === 1;
  const rest = [...index];
  const column = isColumn ? null : rest.pop();
  const row = isRow ? null : rest.pop();
  const batchX = broadcastIndex(x.shape.slice(0, -2), rest);
  const batchY = broadcastIndex(y.shape.slice(0, -2), rest);
  const terms: Term[] = [];
  for (let j = 0; j < x.shape[x.shape.length - 1]; j++) {
    const at = isRow ? [j] : [...batchX, row ?? 0, j];
    const ofOther = isColumn ? [j] : [...batchY, j, column ?? 0];
    const term = productOf(operands, at, ofOther);
    if (!term) return null;
    terms.push(term);
  }
  return sumOfTerms(terms);
}

/** A kernel laid on the picture at one place. */
function conv2d(operands: readonly Operand[], index: Index): Arithmetic | null {
  const [x, kernels] = operands;
  if (!isTensor(x) || !isTensor(kernels) || kernels.shape.length !== 4) return null;
  const bias = operands[2];
  const stride = pair(operands, "stride", 3, 1);
  const padding = pair(operands, "padding", 4, 0);
  const dilation = pair(operands, "dilation", 5, 1);
  const groups = integersOf(option(operands, ["groups"], 6) ?? "1");
  if (!stride || !padding || !dilation || !groups) return null;
  const isBatch = x.shape.length === 4;
  const [sample, out, row, column] = isBatch ? index : [0, ...index];
  const [H, W] = x.shape.slice(-2);
  const [outs, ins, ...sides] = kernels.shape;
  const firstChannel = Math.floor(out / (outs / groups[0])) * ins;
  const terms: Term[] = [];
  for (let i = 0; i < ins * sides[0] * sides[1]; i++) {
    const [channel, dy, dx] = unravel(i, [ins, ...sides]);
    const y0 = row * stride[0] - padding[0] + dy * dilation[0];
    const x0 = column * stride[1] - padding[1] + dx * dilation[1];
    if (y0 < 0 || y0 >= H || x0 < 0 || x0 >= W) continue; // padding: nothing is added
    const place = [firstChannel + channel, y0, x0];
    const at = isBatch ? [sample, ...place] : place;
    const term = productOf(operands, at, [out, channel, dy, dx]);
    if (!term) return null;
    terms.push(term);
  }
  const added = isTensor(bias) ? partOf(operands, 2, [out]) : null;
  if (isTensor(bias) && !added) return null;
  return sumOfTerms(terms, added && { parts: [added], sign: "", value: added.value });
}

export const PRODUCTS: Readonly<Record<string, Explain>> = {
  matmul,
  mm: matmul,
  bmm: matmul,
  mv: matmul,
  dot: matmul,
  conv2d,
  einsum,
};
