// How one element of a value was made from its operands. What is said is computed and compared
// with the element itself; where it differs, nothing is said.
import type { Index } from "../tensor.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { MOVING, RESHAPING, reshaped } from "./origins.ts";
import type { Arithmetic, Explain, Operand } from "./parts.ts";
import { PRODUCTS } from "./products.ts";
import { REDUCING } from "./reductions.ts";
import { WINDOWS } from "./windows.ts";

const EXPLAIN: Readonly<Record<string, Explain>> = {
  ...ELEMENTWISE,
  ...REDUCING,
  ...PRODUCTS,
  ...MOVING,
  ...WINDOWS,
};

const SAME: Readonly<Record<string, string>> = {
  truediv: "div",
  rtruediv: "rdiv",
  divide: "div",
  true_divide: "div",
  floor_divide: "floordiv",
  remainder: "mod",
  multiply: "mul",
  subtract: "sub",
  negative: "neg",
  absolute: "abs",
  clip: "clamp",
  clamp_min: "clamp",
  less: "lt",
  greater: "gt",
  logical_not: "not",
  invert: "not",
  logical_and: "and",
  bitwise_and: "and",
  logical_or: "or",
  bitwise_or: "or",
  rmatmul: "matmul",
};

/** An operation's name without underscores, and one name for those that do the same. */
function plainName(operation: string): string {
  const bare = operation.replace(/^.*\./, "").replace(/^_+|_+$/g, "");
  const name = SAME[bare] ?? bare;
  const isInPlace = /^i(?:add|sub|mul|truediv|div|and|or)$/.test(name);
  return isInPlace ? plainName(name.slice(1)) : name;
}

/** In float32 a sum of n terms is off by about that much of what goes into it. */
const ROUNDING = 2e-4;

function agrees({ result, terms }: Arithmetic, value: number): boolean {
  if (Number.isNaN(value) || Number.isNaN(result)) {
    return Number.isNaN(value) && Number.isNaN(result);
  }
  if (result === value) return true;
  const scale = terms.reduce((most, term) => Math.max(most, Math.abs(term.value)), Math.abs(value));
  return Math.abs(result - value) <= ROUNDING * scale;
}

/** The arithmetic of the element at `index` of a value of `shape`; null where it is not known. */
export function arithmeticOf(
  operation: string,
  operands: readonly Operand[],
  shape: Index,
  index: Index,
  value: number,
): Arithmetic | null {
  const name = plainName(operation);
  let arithmetic: Arithmetic | null = null;
  if (RESHAPING.has(name)) arithmetic = reshaped(operands, index, shape);
  else if (Object.hasOwn(EXPLAIN, name)) arithmetic = EXPLAIN[name](operands, index);
  return arithmetic && agrees(arithmetic, value) ? arithmetic : null;
}
