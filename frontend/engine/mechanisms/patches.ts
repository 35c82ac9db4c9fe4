// Patches: a window slides over the grid and lifts one patch after the other off.
import type { Attention } from "../attention.ts";
import type { Cell } from "../grid.ts";
import type { PaddedMaps } from "../patches.ts";
import type { Mechanism } from "./mechanism.ts";

/** "matching": of the shrunk background, to compare; "paste": of the background itself. */
export type PatchKind = "matching" | "paste";

export interface PatchFrame {
  /** The patch's number, and the cell that it lies around. */
  readonly q: number;
  readonly place: Cell;
  /** The window's corner on the map: above and left of it where it is negative. */
  readonly corner: Cell;
  /** What is lifted off: channel by channel, row by row. */
  readonly values: Float64Array;
  /** How many places of the window lie outside of the map: zeros. */
  readonly outside: number;
}

export interface PatchMechanism extends Mechanism<PatchFrame> {
  readonly map: PaddedMaps;
  /** How many places the window moves at a time. */
  readonly step: number;
}

export function patchMechanism(attention: Attention, kind: PatchKind): PatchMechanism {
  const { rate, stride } = attention.config;
  const isPaste = kind === "paste";
  const map = isPaste ? attention.paste : attention.background;
  const scale = isPaste ? rate : 1;
  return {
    last: attention.L - 1,
    map,
    step: scale * stride,
    at: (q) => {
      const place = attention.cellOf(q);
      const [row, column] = [place[0] * scale, place[1] * scale];
      const corner: Cell = [row - map.before, column - map.before];
      const inside = within(corner[0], map.side, map.rows) * within(corner[1], map.side, map.cols);
      return {
        q,
        place,
        corner,
        values: map.patch(row, column),
        outside: map.side ** 2 - inside,
      };
    },
  };
}

/** How many of `count` places from `start` on an axis has. */
function within(start: number, count: number, size: number): number {
  return Math.max(0, Math.min(start + count, size) - Math.max(start, 0));
}
