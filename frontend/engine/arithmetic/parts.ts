// What the arithmetic of one element is made of, and how operands are read.
import type { Index, Tensor } from "../tensor.ts";

export type Operand = Tensor | string;

/** A number that goes in. */
export interface Part {
  /** Which operand it is a number of; null for one that is written in the code. */
  readonly operand: number | null;
  readonly index: Index;
  readonly value: number;
}

/** Parts that are joined by a sign: 0.31 · 0.29. */
export interface Term {
  readonly parts: readonly Part[];
  readonly sign: string;
  readonly value: number;
}

export interface Arithmetic {
  /** What is done with the terms: "sum of 27 products". */
  readonly words: string;
  readonly terms: readonly Term[];
  /** What stands between terms. */
  readonly join: string;
  /** What their sum is divided by. */
  readonly divisor: number | null;
  readonly result: number;
}

/** An operation on one element; null where it cannot be said. */
export type Explain = (operands: readonly Operand[], index: Index) => Arithmetic | null;

export const isTensor = (operand: Operand | undefined): operand is Tensor =>
  operand !== undefined && typeof operand !== "string";

/** The index of a tensor that is broadcast to the shape of which `index` is one. */
export function broadcastIndex(shape: Index, index: Index): number[] {
  const skipped = index.length - shape.length;
  return shape.map((length, axis) => (length === 1 ? 0 : (index[axis + skipped] ?? 0)));
}

/** A number of a tensor, or one that is written in the code; null where it is not known. */
export function partOf(operands: readonly Operand[], which: number, index: Index): Part | null {
  const operand = operands[which];
  if (operand === undefined) {
    return null;
  }
  if (typeof operand === "string") {
    const value = numberOf(operand);
    return value === null ? null : { operand: null, index: [], value };
  }
  const value = operand.at(index);
  return value === null ? null : { operand: which, index, value };
}

const WORDS: Readonly<Record<string, number>> = {
  True: 1,
  False: 0,
  inf: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
};

export function numberOf(text: string): number | null {
  if (text in WORDS) {
    return WORDS[text];
  }
  const isNumber = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  return isNumber ? Number(text.replaceAll("_", "")) : null;
}

/** The whole numbers in "2", "(2, 3)" or "[2, 3]"; null where it is something else. */
export function integersOf(text: string | undefined): number[] | null {
  const inside = text?.trim().replace(/^(?:torch\.Size\()?[([]?|[)\]]*$/g, "");
  if (!inside) {
    return null;
  }
  const numbers = inside.split(",").filter((piece) => piece.trim());
  const integers = numbers.map(Number);
  return integers.every(Number.isInteger) ? integers : null;
}

/** The text of a keyword argument, or of the operand at a place. */
export function option(
  operands: readonly Operand[],
  names: readonly string[],
  place: number,
): string | undefined {
  for (const operand of operands) {
    if (typeof operand !== "string") continue;
    const name = names.find((each) => operand.startsWith(`${each}=`));
    if (name) return operand.slice(name.length + 1);
  }
  const operand = operands[place];
  return typeof operand === "string" && !/^\w+=/.test(operand) ? operand : undefined;
}

/** One whole number for both axes, or one for each. */
export function pair(
  operands: readonly Operand[],
  name: string,
  place: number,
  usual: number,
): number[] | null {
  const text = option(operands, [name], place);
  if (text === undefined) return [usual, usual];
  const numbers = integersOf(text);
  return numbers && [numbers[0], numbers[numbers.length - 1]];
}

export const oneTerm = (words: string, parts: readonly Part[], sign: string, result: number) => ({
  words,
  terms: [{ parts, sign, value: result }],
  join: "",
  divisor: null,
  result,
});
