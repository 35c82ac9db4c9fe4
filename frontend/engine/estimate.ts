// How long the whole output takes, before it is begun.
import type { Sweep } from "./sweep.ts";

/** Where the work is tried, as shares of the height and width: pictures differ from place to place,
 * and no two spots share a row. */
const SPOTS = [
  [0.1, 0.4],
  [0.4, 0.9],
  [0.6, 0.1],
  [0.9, 0.6],
] as const;

/** Queries tried at a spot: one below the other. */
const ROWS = 16;

/**
 * About how many seconds outputOf takes: the same work is timed for a few queries.
 *
 * Each spot is begun a column before, and the first spot is visited twice: by then the code is
 * compiled, and the rows are remembered that the whole output would remember there.
 *
 * @param now the time in milliseconds.
 */
export function estimateSeconds(sweep: Sweep, now = () => performance.now()): number {
  const { h, w, P } = sweep.attention;
  const rows = Math.min(h, ROWS);
  const spots = SPOTS.map(([y, x]) => ({
    top: Math.floor(y * (h - rows)),
    column: Math.floor(x * (w - 1)),
  }));
  const visit = (top: number, column: number) => {
    for (let row = top; row < top + rows; row++) {
      sweep.paste(row, column);
      sweep.block(row, column);
    }
  };
  const times = [spots[0], ...spots].map(({ top, column }) => {
    visit(top, Math.max(0, column - 1));
    const start = now();
    visit(top, column);
    return now() - start;
  });
  const [, ...counted] = times;
  const total = counted.reduce((sum, time) => sum + time, 0);
  return (total / (counted.length * rows)) * (P / 1000);
}
