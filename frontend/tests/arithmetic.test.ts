// The arithmetic of one element, against small cases done by hand.
import { expect, test } from "vitest";
import { arithmeticOf } from "../engine/arithmetic/arithmetic.ts";
import type { Operand } from "../engine/arithmetic/parts.ts";
import { ravel, Tensor, unravel } from "../engine/tensor.ts";

const tensor = (shape: number[], data: number[]) => new Tensor(shape, data);
const count = (shape: number[]) =>
  tensor(
    shape,
    Array.from({ length: shape.reduce((size, length) => size * length, 1) }, (_, i) => i),
  );

/** Where the element came from, and its number. */
function origin(
  operation: string,
  operands: Operand[],
  shape: number[],
  index: number[],
  value: number,
) {
  const arithmetic = arithmeticOf(operation, operands, shape, index, value);
  return arithmetic?.terms[0].parts[0].index;
}

test("an index and its place are each other's inverse", () => {
  for (let i = 0; i < 24; i++) expect(ravel(unravel(i, [2, 3, 4]), [2, 3, 4])).toBe(i);
});

test("a tensor of which a part was kept gives the numbers of that part, and null elsewhere", () => {
  const part = new Tensor([4, 5], [7, 8, 9, 10], [2, 1], [2, 2]);
  expect(part.isWhole).toBe(false);
  expect(part.at([2, 1])).toBe(7);
  expect(part.at([3, 2])).toBe(10);
  expect(part.at([0, 0])).toBeNull();
  expect(new Tensor([2], null).at([0])).toBeNull();
});

test("a matrix product is a row with a column, batches broadcast", () => {
  const x = tensor([1, 2, 3], [1, 2, 3, 4, 5, 6]);
  const y = tensor([2, 3, 2], [1, 0, 0, 1, 1, 1, 2, 0, 0, 2, 2, 2]);
  const result = arithmeticOf("matmul", [x, y], [2, 2, 2], [1, 1, 0], 4 * 2 + 5 * 0 + 6 * 2);
  expect(result?.words).toBe("sum of 3 products");
  expect(result?.terms.map(({ value }) => value)).toEqual([8, 0, 12]);
  expect(result?.terms[2].parts.map(({ index }) => index)).toEqual([
    [0, 1, 2],
    [1, 2, 0],
  ]);
  const vector = tensor([3], [1, 1, 1]);
  expect(arithmeticOf("__matmul__", [x, vector], [1, 2], [0, 1], 15)?.result).toBe(15);
});

test("elementwise operations broadcast, reversed ones and numbers in the code too", () => {
  const x = tensor([2, 2], [1, 2, 3, 4]);
  const y = tensor([2, 1], [10, 20]);
  expect(arithmeticOf("add", [x, y], [2, 2], [1, 0], 23)?.terms[0].sign).toBe("+");
  expect(arithmeticOf("__rsub__", [x, "1"], [2, 2], [0, 1], -1)?.result).toBe(-1);
  expect(arithmeticOf("true_divide", [x, y], [2, 2], [0, 1], 0.2)?.result).toBe(0.2);
  expect(arithmeticOf("mul_", [x, "0.5"], [2, 2], [1, 1], 2)?.result).toBe(2);
  expect(arithmeticOf("add", [x, y, "alpha=2"], [2, 2], [0, 0], 21)).toBeNull();
  expect(arithmeticOf("clamp", [x, "min=3"], [2, 2], [0, 0], 3)?.words).toBe("at least 3:");
  const mask = tensor([2, 2], [1, 0, 0, 1]);
  expect(arithmeticOf("masked_fill", [x, mask, "-inf"], [2, 2], [0, 0], -Infinity)?.words).toBe(
    "masked:",
  );
  expect(arithmeticOf("where", [mask, x, y], [2, 2], [0, 1], 10)?.result).toBe(10);
});

test("reductions go along the axes that are named, kept or not", () => {
  const x = count([2, 3, 2]);
  expect(arithmeticOf("sum", [x, "dim=1"], [2, 2], [1, 0], 6 + 8 + 10)?.result).toBe(24);
  expect(arithmeticOf("sum", [x, "(0, 2)", "keepdim=True"], [1, 3, 1], [0, 1, 0], 22)?.words).toBe(
    "sum of 4 numbers",
  );
  const mean = arithmeticOf("mean", [x], [], [], 5.5);
  expect(mean?.divisor).toBe(12);
  expect(arithmeticOf("max", [x, "-1"], [2, 3], [0, 2], 5)?.result).toBe(5);
  expect(arithmeticOf("any", [x], [], [], 1)?.result).toBe(1);
});

test("a softmax is e to the power of a number, over the sum of such", () => {
  const x = tensor([1, 3], [1, 2, 4]);
  const powers = [1, 2, 4].map(Math.exp);
  const share = powers[1] / (powers[0] + powers[1] + powers[2]);
  const result = arithmeticOf("softmax", [x, "dim=-1"], [1, 3], [0, 1], share);
  expect(result?.result).toBeCloseTo(share, 12);
  expect(result?.terms[0].parts[0].value).toBe(2);
});

test("a convolution lays a kernel on the picture; the padding adds nothing", () => {
  const x = count([1, 2, 3, 3]);
  const kernels = count([2, 2, 2, 2]);
  let sum = 5; // the bias
  for (let channel = 0; channel < 2; channel++) {
    for (let dx = 0; dx < 2; dx++) sum += (9 * channel + dx + 1) * (8 + 4 * channel + 2 + dx);
  }
  const operands = [x, kernels, tensor([2], [3, 5]), "stride=2", "padding=(1, 1)"];
  const result = arithmeticOf("conv2d", operands, [1, 2, 2, 2], [0, 1, 0, 1], sum);
  expect(result?.words).toBe("sum of 4 products and the bias");
  expect(result?.result).toBe(sum);
});

test("an einsum is a sum over the letters that are gone", () => {
  const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const y = tensor([3, 2], [1, 0, 0, 1, 1, 1]);
  const product = arithmeticOf("einsum", ["'ij,jk->ki'", x, y], [2, 2], [1, 0], 2 + 3);
  expect(product?.words).toBe("sum of 3 products");
  expect(product?.terms[1].parts.map(({ operand, index }) => [operand, index])).toEqual([
    [1, [0, 1]],
    [2, [1, 1]],
  ]);
  expect(arithmeticOf("einsum", ["ij,jk", x, y], [2, 2], [1, 0], 4 + 6)?.result).toBe(10);
  expect(arithmeticOf("einsum", ["ij->j", x], [3], [2], 9)?.words).toBe("sum of 2 numbers");
  expect(arithmeticOf("einsum", ["ii->", count([2, 2])], [], [], 3)?.result).toBe(3);
  expect(arithmeticOf("einsum", ["i,j,ij->", count([2]), count([3]), x], [], [], 17)?.result).toBe(
    17,
  );
  expect(arithmeticOf("einsum", ["...j->...", x], [2], [0], 6)).toBeNull();
});

// The numbers are those that PyTorch gives for counting numbers.
const PICTURE = count([1, 2, 3, 3]);

test("unfold takes a window's numbers, along an axis or of a picture, with padding", () => {
  const options = ["2", "padding=1", "stride=2"];
  const from = (index: number[], value: number) =>
    arithmeticOf("unfold", [PICTURE, ...options], [1, 8, 4], index, value);
  expect(from([0, 7, 3], 17)?.terms[0].parts[0].index).toEqual([0, 1, 2, 2]);
  expect(from([0, 2, 1], 1)?.terms[0].parts[0].index).toEqual([0, 0, 0, 1]);
  expect(from([0, 0, 0], 0)?.words).toBe("padding:");
  const windows = arithmeticOf(
    "unfold",
    [PICTURE, "2", "2", "1"],
    [1, 2, 2, 3, 2],
    [0, 1, 1, 2, 1],
    17,
  );
  expect(windows?.terms[0].parts[0].index).toEqual([0, 1, 2, 2]);
});

test("fold adds up the windows that lie over a place", () => {
  const x = count([1, 4, 4]);
  const middle = arithmeticOf("fold", [x, "(3, 3)", "2"], [1, 1, 3, 3], [0, 0, 1, 1], 30);
  expect(middle?.words).toBe("sum of 4 numbers that overlap here");
  expect(middle?.terms.map(({ value }) => value)).toEqual([3, 6, 9, 12]);
  const corner = arithmeticOf("fold", [x, "(3, 3)", "2"], [1, 1, 3, 3], [0, 0, 2, 2], 15);
  expect(corner?.terms[0].parts[0].index).toEqual([0, 3, 3]);
});

test("a transposed convolution lays kernels over a place, each times its number", () => {
  const x = count([1, 2, 2, 2]);
  const kernels = count([2, 1, 4, 4]);
  const operands = [x, kernels, "stride=2", "padding=1"];
  const at = arithmeticOf("conv_transpose2d", operands, [1, 1, 4, 4], [0, 0, 1, 2], 484);
  expect(at?.words).toBe("sum of 8 products");
  expect(at?.result).toBe(484);
});

test("gather, take_along_dim and index_select take from the places that are picked", () => {
  const x = count([2, 3]);
  const places = tensor([2, 2], [2, 0, 1, 1]);
  expect(origin("gather", [x, "1", places], [2, 2], [0, 0], 2)).toEqual([0, 2]);
  expect(origin("gather", [x, "dim=-1", places], [2, 2], [1, 1], 4)).toEqual([1, 1]);
  expect(origin("take_along_dim", [x, places, "1"], [2, 2], [1, 0], 4)).toEqual([1, 1]);
  expect(origin("index_select", [x, "1", tensor([2], [2, 0])], [2, 2], [1, 0], 5)).toEqual([1, 2]);
});

test("what moves numbers says where they come from", () => {
  const x = count([2, 3, 4]);
  expect(origin("reshape", [x, "6", "4"], [6, 4], [4, 1], 17)).toEqual([1, 1, 1]);
  expect(origin("mT", [x], [2, 4, 3], [1, 2, 0], 14)).toEqual([1, 0, 2]);
  expect(origin("permute", [x, "2", "0", "1"], [4, 2, 3], [3, 1, 2], 23)).toEqual([1, 2, 3]);
  expect(origin("transpose", [x, "0", "-1"], [4, 3, 2], [3, 2, 1], 23)).toEqual([1, 2, 3]);
  expect(origin("flip", [x, "(0, 2)"], [2, 3, 4], [0, 1, 0], 19)).toEqual([1, 1, 3]);
  expect(origin("cat", [x, count([1, 3, 4]), "0"], [3, 3, 4], [2, 0, 1], 1)).toEqual([0, 0, 1]);
  expect(origin("pad", [x, "(1, 0, 2, 0)"], [2, 5, 5], [1, 2, 1], 12)).toEqual([1, 0, 0]);
  expect(arithmeticOf("pad", [x, "(1, 0)"], [2, 3, 5], [0, 0, 0], 0)?.words).toBe("padding:");
  expect(origin("expand", [count([3, 1]), "3", "4"], [3, 4], [2, 3], 2)).toEqual([2, 0]);
});

test.each([
  [["1"], [2], [1, 2, 0], [3, 4], 20],
  [[":, 1:, ::2"], [1, 0, 1], [1, 1, 2], [2, 2, 2], 18],
  [["..., -1"], [1, 1], [1, 1, 3], [2, 3], 19],
  [[":, None, 2"], [1, 0, 3], [1, 2, 3], [2, 1, 4], 23],
  [["(slice(None, None, None), slice(1, None, None))"], [0, 1, 3], [0, 2, 3], [2, 2, 4], 11],
  [["slice(None, 1, None)"], [0, 2, 1], [0, 2, 1], [1, 3, 4], 9],
])("x[%s] comes from its place in x", (text, index, meant, shape, value) => {
  const whole = [...index, ...new Array(shape.length - index.length).fill(0)];
  expect(origin("__getitem__", [count([2, 3, 4]), ...text], shape, whole, value)).toEqual(meant);
});

test("tensors between the brackets pick places together", () => {
  const rows = tensor([2, 1], [2, -3]);
  const cols = tensor([2], [1, 3]);
  const x = count([2, 3, 4]);
  const at = origin("__getitem__", [x, ":", rows, cols], [2, 2, 2], [1, 1, 0], 13);
  expect(at).toEqual([1, 0, 1]);
});

test("what does not give the number on screen is not said", () => {
  const x = tensor([2], [1, 2]);
  expect(arithmeticOf("add", [x, "1"], [2], [0], 2.5)).toBeNull();
  expect(arithmeticOf("fft", [x], [2], [0], 1)).toBeNull();
  expect(arithmeticOf("toString", [x], [2], [0], 1)).toBeNull();
  expect(arithmeticOf("sqrt", [new Tensor([2], null)], [2], [0], 1)).toBeNull();
  expect(arithmeticOf("sqrt", [tensor([1], [-1])], [1], [0], Number.NaN)?.result).toBeNaN();
});
