// Operations that make each element from the elements at its place.
import type { Index } from "../tensor.ts";
import {
  type Arithmetic,
  broadcastIndex,
  type Explain,
  isTensor,
  numberOf,
  type Operand,
  oneTerm,
  option,
  type Part,
  partOf,
} from "./parts.ts";

type Binary = (x: number, y: number) => number;
type Unary = (x: number) => number;

const truth = (value: boolean): number => (value ? 1 : 0);

const BINARY: Readonly<Record<string, readonly [sign: string, compute: Binary]>> = {
  add: ["+", (x, y) => x + y],
  sub: ["−", (x, y) => x - y],
  mul: ["·", (x, y) => x * y],
  div: ["÷", (x, y) => x / y],
  floordiv: ["⌊÷⌋", (x, y) => Math.floor(x / y)],
  mod: ["mod", (x, y) => x - y * Math.floor(x / y)],
  pow: ["to the power of", (x, y) => x ** y],
  maximum: ["or, if larger,", Math.max],
  minimum: ["or, if smaller,", Math.min],
  eq: ["=", (x, y) => truth(x === y)],
  ne: ["≠", (x, y) => truth(x !== y)],
  gt: [">", (x, y) => truth(x > y)],
  ge: ["≥", (x, y) => truth(x >= y)],
  lt: ["<", (x, y) => truth(x < y)],
  le: ["≤", (x, y) => truth(x <= y)],
  and: ["and", (x, y) => truth(x !== 0 && y !== 0)],
  or: ["or", (x, y) => truth(x !== 0 || y !== 0)],
};

const UNARY: Readonly<Record<string, readonly [words: string, compute: Unary]>> = {
  exp: ["e to the power of", Math.exp],
  log: ["natural logarithm of", Math.log],
  sqrt: ["square root of", Math.sqrt],
  rsqrt: ["1 over the square root of", (x) => 1 / Math.sqrt(x)],
  square: ["square of", (x) => x * x],
  abs: ["size of", Math.abs],
  neg: ["the negative of", (x) => -x],
  reciprocal: ["1 over", (x) => 1 / x],
  sigmoid: ["sigmoid of", (x) => 1 / (1 + Math.exp(-x))],
  tanh: ["tanh of", Math.tanh],
  relu: ["0, or if larger:", (x) => Math.max(0, x)],
  elu: ["itself, or eˣ − 1 below zero:", (x) => (x > 0 ? x : Math.expm1(x))],
  sin: ["sine of", Math.sin],
  cos: ["cosine of", Math.cos],
  floor: ["rounded down:", Math.floor],
  ceil: ["rounded up:", Math.ceil],
  trunc: ["without its fraction:", Math.trunc],
  isnan: ["whether it is NaN:", (x) => truth(Number.isNaN(x))],
  isfinite: ["whether it is finite:", (x) => truth(Number.isFinite(x))],
  not: ["not", (x) => truth(x === 0)],
};

/** Keyword arguments such as `alpha=2` change what is computed: no arithmetic is given then. */
const positional = (operands: readonly Operand[]): boolean =>
  operands.every((operand) => isTensor(operand) || !/^\w+=/.test(operand));

function binary(sign: string, compute: Binary, isReversed: boolean): Explain {
  return (operands, index) => {
    if (operands.length !== 2 || !positional(operands)) return null;
    const x = partAt(operands, isReversed ? 1 : 0, index);
    const y = partAt(operands, isReversed ? 0 : 1, index);
    return x && y && oneTerm("", [x, y], sign, compute(x.value, y.value));
  };
}

function unary(words: string, compute: Unary): Explain {
  return (operands, index) => {
    const x = partAt(operands, 0, index);
    return x && oneTerm(words, [x], "", compute(x.value));
  };
}

function partAt(operands: readonly Operand[], which: number, index: Index): Part | null {
  const operand = operands[which];
  return partOf(operands, which, isTensor(operand) ? broadcastIndex(operand.shape, index) : []);
}

/** `clamp(x, min, max)`, with numbers for its bounds. */
function clamp(operands: readonly Operand[], index: Index): Arithmetic | null {
  const x = partAt(operands, 0, index);
  const low = numberOf(option(operands, ["min"], 1) ?? "-inf");
  const high = numberOf(option(operands, ["max"], 2) ?? "inf");
  if (!x || low === null || high === null) return null;
  const result = Math.min(high, Math.max(low, x.value));
  const bounds: string[] = [];
  if (Number.isFinite(low)) bounds.push(`at least ${low}`);
  if (Number.isFinite(high)) bounds.push(`at most ${high}`);
  return oneTerm(`${bounds.join(", ")}:`, [x], "", result);
}

/** `where(condition, x, y)`. */
function where(operands: readonly Operand[], index: Index): Arithmetic | null {
  const condition = partAt(operands, 0, index);
  if (!condition) return null;
  const which = condition.value ? 1 : 2;
  const chosen = partAt(operands, which, index);
  const words = which === 1 ? "the condition holds:" : "the condition does not hold:";
  return chosen && oneTerm(words, [chosen], "", chosen.value);
}

/** `masked_fill(x, mask, value)`. */
function maskedFill(operands: readonly Operand[], index: Index): Arithmetic | null {
  const mask = partAt(operands, 1, index);
  if (!mask) return null;
  const chosen = partAt(operands, mask.value ? 2 : 0, index);
  return chosen && oneTerm(mask.value ? "masked:" : "kept:", [chosen], "", chosen.value);
}

export const ELEMENTWISE: Readonly<Record<string, Explain>> = {
  ...Object.fromEntries(
    Object.entries(BINARY).flatMap(([name, [sign, compute]]) => [
      [name, binary(sign, compute, false)],
      [`r${name}`, binary(sign, compute, true)],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(UNARY).map(([name, [words, compute]]) => [name, unary(words, compute)]),
  ),
  clamp,
  where,
  masked_fill: maskedFill,
};
