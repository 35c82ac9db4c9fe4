// Operations that make one element from many of one tensor.
import { type Index, type Tensor, unravel } from "../tensor.ts";
import {
  type Arithmetic,
  type Explain,
  integersOf,
  isTensor,
  type Operand,
  option,
  type Part,
  partOf,
} from "./parts.ts";

/** More than anybody reads, and than is quickly added up. */
const MOST = 70_000;

/** The axes that are reduced; all where none is named. */
function axesOf(operands: readonly Operand[], rank: number): number[] {
  const named = integersOf(option(operands, ["dim", "axis"], 1));
  const axes = named ?? [...Array(rank).keys()];
  return axes.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** The numbers along some axes, through the element at `index` of what came out. */
function partsAlong(operands: readonly Operand[], axes: readonly number[], index: Index) {
  const x = operands[0];
  if (!isTensor(x)) return null;
  const rank = x.shape.length;
  const isKept = index.length === rank;
  const fixed = isKept ? [...index] : spread(index, axes, rank);
  const lengths = axes.map((axis) => x.shape[axis]);
  const count = lengths.reduce((product, length) => product * length, 1);
  if (count > MOST) return null;
  const parts: Part[] = [];
  for (let i = 0; i < count; i++) {
    const along = unravel(i, lengths);
    const at = [...fixed];
    axes.forEach((axis, j) => {
      at[axis] = along[j];
    });
    const part = partOf(operands, 0, at);
    if (!part) return null;
    parts.push(part);
  }
  return parts;
}

/** An index without some axes, as one with them. */
function spread(index: Index, axes: readonly number[], rank: number): number[] {
  const rest = [...index];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 0 : (rest.shift() ?? 0)));
}

interface Reduction {
  /** What is done with n numbers. */
  readonly words: (n: number) => string;
  readonly join: string;
  readonly compute: (values: readonly number[]) => number;
  /** By how much their sum is divided. */
  readonly divisor?: (n: number) => number;
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const numbers = (n: number) => (n === 1 ? "1 number" : `${n} numbers`);

const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => (value > most || Number.isNaN(value) ? value : most));
const smallest = (values: readonly number[]): number =>
  values.reduce((least, value) => (value < least || Number.isNaN(value) ? value : least));

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  sum: { words: (n) => `sum of ${numbers(n)}`, join: "+", compute: sum },
  mean: {
    words: (n) => `mean of ${numbers(n)}`,
    join: "+",
    compute: (values) => sum(values) / values.length,
    divisor: (n) => n,
  },
  prod: {
    words: (n) => `product of ${numbers(n)}`,
    join: "·",
    compute: (values) => values.reduce((product, value) => product * value, 1),
  },
  max: { words: (n) => `largest of ${numbers(n)}`, join: ",", compute: largest },
  amax: { words: (n) => `largest of ${numbers(n)}`, join: ",", compute: largest },
  min: { words: (n) => `smallest of ${numbers(n)}`, join: ",", compute: smallest },
  amin: { words: (n) => `smallest of ${numbers(n)}`, join: ",", compute: smallest },
  argmax: {
    words: (n) => `place of the largest of ${numbers(n)}`,
    join: ",",
    compute: (values) => values.indexOf(largest(values)),
  },
  argmin: {
    words: (n) => `place of the smallest of ${numbers(n)}`,
    join: ",",
    compute: (values) => values.indexOf(smallest(values)),
  },
  any: {
    words: (n) => `whether any of ${numbers(n)} is not 0`,
    join: ",",
    compute: (values) => (values.some((value) => value !== 0) ? 1 : 0),
  },
  all: {
    words: (n) => `whether none of ${numbers(n)} is 0`,
    join: ",",
    compute: (values) => (values.every((value) => value !== 0) ? 1 : 0),
  },
  logsumexp: {
    words: (n) => `logarithm of the sum of e to the power of ${numbers(n)}`,
    join: ",",
    compute: (values) => {
      const most = largest(values);
      return most + Math.log(sum(values.map((value) => Math.exp(value - most))));
    },
  },
};

function reduce({ words, join, compute, divisor }: Reduction): Explain {
  return (operands, index) => {
    const x = operands[0];
    if (!isTensor(x)) return null;
    const parts = partsAlong(operands, axesOf(operands, x.shape.length), index);
    if (!parts?.length) return null;
    return {
      words: words(parts.length),
      terms: parts.map((part) => ({ parts: [part], sign: "", value: part.value })),
      join,
      divisor: divisor?.(parts.length) ?? null,
      result: compute(parts.map(({ value }) => value)),
    };
  };
}

/** e to the power of this number, over the sum of all such along an axis. */
function softmax(operands: readonly Operand[], index: Index): Arithmetic | null {
  const x = operands[0] as Tensor;
  const axis = integersOf(option(operands, ["dim", "axis"], 1));
  if (!isTensor(x) || axis?.length !== 1) return null;
  const along = axis[0] < 0 ? axis[0] + x.shape.length : axis[0];
  const parts = partsAlong(operands, [along], index);
  const own = parts?.[index[along]];
  if (!parts || !own) return null;
  const most = largest(parts.map(({ value }) => value));
  const powers = parts.map(({ value }) => Math.exp(value - most));
  const value = powers[index[along]];
  const divisor = sum(powers);
  return {
    words: `e to the power of this, over the sum of ${parts.length} such (each less the largest)`,
    terms: [{ parts: [own, { operand: null, index: [], value: most }], sign: "−", value }],
    join: "",
    divisor,
    result: value / divisor,
  };
}

export const REDUCING: Readonly<Record<string, Explain>> = {
  ...Object.fromEntries(
    Object.entries(REDUCTIONS).map(([name, reduction]) => [name, reduce(reduction)]),
  ),
  softmax,
};
