// Validity: a window slides over the shrunk mask; a patch that covers no cell of the hole is valid.
import type { Attention } from "../attention.ts";
import type { Cell } from "../grid.ts";
import type { Mechanism } from "./mechanism.ts";

export interface ValidityFrame {
  /** The patch's number, and the cell that it lies around. */
  readonly q: number;
  readonly place: Cell;
  /** The cells of the hole under the window. */
  readonly holes: readonly Cell[];
  readonly isValid: boolean;
  /** How many were valid so far, and how many were not; this one is among them. */
  readonly validCount: number;
  readonly outCount: number;
}

export function validityMechanism(attention: Attention): Mechanism<ValidityFrame> {
  const { valid } = attention;
  return {
    last: attention.L - 1,
    at: (q) => {
      let validCount = 0;
      for (let i = 0; i <= q; i++) {
        validCount += valid[i];
      }
      return {
        q,
        place: attention.cellOf(q),
        holes: attention.holeCells(q),
        isValid: valid[q] === 1,
        validCount,
        outCount: q + 1 - validCount,
      };
    },
  };
}
