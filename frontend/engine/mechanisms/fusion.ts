// Fusion: two grids moving together. A query and a patch walk side by side along the rows of their
// grids, and the scores of the pairs that they meet are added up; then the same down the columns,
// with the sums of the first pass.
//
// The original does this on the matrix of scores. Its lines stand in the order in which the cells
// are counted: one step on, query and patch together, is one step down the diagonal. Counted row by
// row that is the next column; after a transpose of both grids it is the next row.
import type { Attention } from "../attention.ts";
import { along, cellAt, flat, type Grid } from "../grid.ts";
import type { Mechanism } from "./mechanism.ts";

/** Which stage is explained: the sum along the rows, or that of both passes. */
export type FusedStage = "fused_rows" | "fused_scores";
/** How the cells of both grids are counted: row by row, or column by column. */
export type Order = "rows" | "columns";

/** A query and a patch that are met, and what they add. */
export interface Pair {
  /** How many steps along the rows, in the line that lies e steps along the columns. */
  readonly d: number;
  readonly e: number;
  readonly p: number;
  readonly q: number;
  /** Off either end of the matrix there is nothing to add. */
  readonly inside: boolean;
  readonly value: number;
  /** Which of the two ran over the end of a line onto the next. */
  readonly queryWraps: boolean;
  readonly patchWraps: boolean;
}

/** The matrix around the diagonal: a query in each row, a patch in each column. */
export interface Block {
  readonly order: Order;
  /** Cells by their index, −1 off the end. */
  readonly queries: readonly number[];
  readonly patches: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

export interface FusionFrame {
  readonly phase: "unrolled" | "rows" | "transposed" | "columns" | "back";
  readonly order: Order;
  /** The line that the first pass is at, counted from the first. */
  readonly line: number;
  /** The pair that was added last in this pass; null before the first. */
  readonly pair: Pair | null;
  /** All that were added in this line, or in this pass. */
  readonly added: readonly Pair[];
  /** What the first pass has of each line so far. */
  readonly lines: readonly number[];
  /** What the second pass has so far; null before it. */
  readonly total: number | null;
  readonly block: Block;
}

export interface FusionMechanism extends Mechanism<FusionFrame> {
  readonly p: number;
  readonly q: number;
  /** The pairs of the first pass, line by line, and those of the second: the lines' middles. */
  readonly lines: readonly (readonly Pair[])[];
  readonly middles: readonly Pair[];
}

export function fusionMechanism(
  attention: Attention,
  p: number,
  q: number,
  stage: FusedStage,
): FusionMechanism {
  const { reach } = attention;
  const isFirstPass = stage === "fused_rows";
  const steps = stepsOf(reach);
  const lines = (isFirstPass ? [0] : steps).map((e) => lineOf(attention, p, q, e));
  const sums = lines.map((line) => line.reduce((sum, { value }) => sum + value, 0));
  const middles = lines.map((line, i) => middleOf(attention, p, q, line[reach], sums[i]));
  const { length } = steps;
  const pairCount = lines.length * length;
  const last = isFirstPass ? pairCount : pairCount + length + 2;

  function firstPassAt(tick: number): FusionFrame {
    const line = Math.max(0, Math.ceil(tick / length) - 1);
    const added = lines[line].slice(0, tick - line * length);
    const sum = added.reduce((total, { value }) => total + value, 0);
    return {
      phase: tick === 0 ? "unrolled" : "rows",
      order: "rows",
      line,
      pair: added.at(-1) ?? null,
      added,
      lines: [...sums.slice(0, line), sum],
      total: null,
      block: blockOf(lines[line], "rows", (i, j) => attention.row("scores", i)[j]),
    };
  }

  function secondPassAt(count: number): FusionFrame {
    const added = middles.slice(0, Math.min(count, length));
    const whole = (i: number, j: number) => attention.row("fused_rows", i)[j];
    return {
      phase: phaseOf(count, length),
      order: count > length ? "rows" : "columns",
      line: lines.length - 1,
      pair: added.at(-1) ?? null,
      added,
      lines: sums,
      total: added.reduce((total, { value }) => total + value, 0),
      block: blockOf(middles, "columns", whole),
    };
  }

  return {
    last,
    p,
    q,
    lines,
    middles,
    at: (tick) => (tick <= pairCount ? firstPassAt(tick) : secondPassAt(tick - pairCount - 1)),
  };
}

function phaseOf(count: number, length: number): FusionFrame["phase"] {
  if (count === 0) {
    return "transposed";
  }
  return count > length ? "back" : "columns";
}

const stepsOf = (reach: number): number[] =>
  Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);

/** The pairs of the first pass that lie `e` steps along the columns. */
function lineOf(attention: Attention, p: number, q: number, e: number): Pair[] {
  const { queryGrid, patchGrid } = attention;
  const terms = attention.fusionTerms(p, q).filter((term) => term.e === e);
  const middle = terms[attention.reach];
  const middleOfQuery = along(p, queryGrid.step * e, queryGrid);
  const middleOfPatch = along(q, patchGrid.step * e, patchGrid);
  return terms.map((term) => ({
    d: term.d,
    e,
    p: term.p,
    q: term.q,
    inside: term.inside,
    value: term.score,
    queryWraps: middle.inside && leaves(0, middleOfQuery, term.p, queryGrid),
    patchWraps: middle.inside && leaves(0, middleOfPatch, term.q, patchGrid),
  }));
}

/** What the second pass adds of a line: its sum, at the line's middle. */
function middleOf(attention: Attention, p: number, q: number, middle: Pair, sum: number): Pair {
  const { queryGrid, patchGrid } = attention;
  return {
    ...middle,
    value: sum,
    queryWraps: leaves(1, p, middle.p, queryGrid),
    patchWraps: leaves(1, q, middle.q, patchGrid),
  };
}

/** Whether a walk went from one row (axis 0) or column (axis 1) to another one. */
function leaves(axis: 0 | 1, from: number, to: number, { cols }: Grid): boolean {
  return to >= 0 && cellAt(from, cols)[axis] !== cellAt(to, cols)[axis];
}

/** The matrix whose diagonal some pairs are. */
function blockOf(
  pairs: readonly Pair[],
  order: Order,
  score: (p: number, q: number) => number,
): Block {
  const queries = pairs.map(({ p }) => p);
  const patches = pairs.map(({ q }) => q);
  const values = pairs.map((pair, i) =>
    pairs.map((other, j) => {
      if (i === j) {
        return pair.inside ? pair.value : null;
      }
      return pair.p >= 0 && other.q >= 0 ? score(pair.p, other.q) : null;
    }),
  );
  return { order, queries, patches, values };
}

/** Which number a cell has where cells are counted row by row, or column by column. */
export function countedAt(index: number, { rows, cols }: Grid, order: Order): number {
  const [row, column] = cellAt(index, cols);
  return order === "rows" ? index : column * rows + row;
}

/** The cell that comes `d` steps after another one in an order; −1 off either end. */
export const stepped = (index: number, d: number, grid: Grid, order: Order): number =>
  along(index, d * grid.step, order === "rows" ? flat(grid) : grid);
