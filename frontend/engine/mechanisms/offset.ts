// Offset: the largest share of a row is sought, then the way from the query to its patch is walked,
// down or up first, then to the side.
import type { Attention } from "../attention.ts";
import type { Cell } from "../grid.ts";
import type { Mechanism } from "./mechanism.ts";

/** A patch that has more than all before it. */
export interface Leader {
  readonly q: number;
  readonly place: Cell;
  readonly share: number;
}

export interface OffsetFrame {
  readonly phase: "start" | "search" | "walk" | "arrow";
  /** The largest share so far; null before the first, and where the reader chose the patch. */
  readonly leader: Leader | null;
  /** How far the walk has got: rows down and columns to the right of the query. */
  readonly walked: Cell;
  /** Where that is. */
  readonly at: Cell;
}

export interface OffsetMechanism extends Mechanism<OffsetFrame> {
  /** In the order of the row; the last is the best match. */
  readonly leaders: readonly Leader[];
  readonly query: Cell;
  readonly match: Cell;
  readonly offset: Cell;
}

/** @param isChosen by the reader: nothing is sought. */
export function offsetMechanism(
  attention: Attention,
  p: number,
  q: number,
  isChosen: boolean,
): OffsetMechanism {
  const query = attention.place(p);
  const offset = attention.offset(p, q);
  const leaders = isChosen ? [] : leadersOf(attention, p);
  const [rows, columns] = offset.map(Math.abs);
  const walk = rows + columns;

  function walkedAfter(steps: number): Cell {
    const down = Math.min(steps, rows);
    const right = Math.min(Math.max(0, steps - rows), columns);
    return [Math.sign(offset[0]) * down, Math.sign(offset[1]) * right];
  }

  function at(tick: number): OffsetFrame {
    const steps = Math.min(Math.max(0, tick - leaders.length), walk);
    const walked = walkedAfter(steps);
    return {
      phase: phaseOf(tick, leaders.length, walk),
      leader: leaders[Math.min(tick, leaders.length) - 1] ?? null,
      walked,
      at: [query[0] + walked[0], query[1] + walked[1]],
    };
  }

  return {
    last: leaders.length + walk + 1,
    leaders,
    query,
    match: attention.cellOf(q),
    offset,
    at,
  };
}

function phaseOf(tick: number, searched: number, walk: number): OffsetFrame["phase"] {
  if (tick === 0) {
    return "start";
  }
  if (tick <= searched) {
    return "search";
  }
  return tick <= searched + walk ? "walk" : "arrow";
}

function leadersOf(attention: Attention, p: number): Leader[] {
  const shares = attention.row("attention", p);
  const leaders: Leader[] = [];
  let largest = 0;
  for (let q = 0; q < shares.length; q++) {
    if (shares[q] > largest) {
      largest = shares[q];
      leaders.push({ q, place: attention.cellOf(q), share: largest });
    }
  }
  return leaders;
}
