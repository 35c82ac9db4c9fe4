// The cells that the reader keeps, at most five: the cursor is on the last one.
import type { Attention } from "../engine/attention.ts";
import { type Cursor, type Place, samePlace } from "./cursor.ts";

export const MOST_KEPT = 5;

/** A kept cell and the patch that it takes most from. */
export interface KeptLink {
  /** Counted from 1, in the order in which they were kept. */
  readonly number: number;
  readonly cell: Place;
  readonly match: Place;
  /** Where there is a query at the match's place: whether it takes most from the cell. */
  readonly isMutual: boolean;
}

export const includesCell = (cells: readonly Place[], cell: Place): boolean =>
  cells.some((each) => samePlace(each, cell));

export const withoutCell = (cells: readonly Place[], cell: Place): Place[] =>
  cells.filter((each) => !samePlace(each, cell));

/** Each cell once, where it came first: a cell that moves by keys may lie on another. */
const distinct = (cells: readonly Place[]): Place[] =>
  cells.filter((cell, i) => !includesCell(cells.slice(0, i), cell));

/** The kept cells. Those that lead up to another cursor than the present one are forgotten. */
export function keptCellsOf(cursor: Cursor, cells: readonly Place[]): readonly Place[] {
  if (cursor.kind !== "query" || !cursor.kept) return [];
  const last = cells.at(-1) ?? null;
  return samePlace(last, cursor.query) ? distinct(cells) : [cursor.query];
}

/** f and b have the same cells: each query lies where a patch does. */
export const hasOneGrid = ({ h, w, hb, wb }: Attention): boolean => h === hb && w === wb;

export function linksOf(attention: Attention, cells: readonly Place[]): KeptLink[] {
  const bestOf = ([row, column]: Place): Place =>
    attention.cellOf(attention.argmax(row * attention.w + column));
  return cells.map((cell, i) => {
    const match = bestOf(cell);
    const isMutual = hasOneGrid(attention) && samePlace(bestOf(match), cell);
    return { number: i + 1, cell, match, isMutual };
  });
}
