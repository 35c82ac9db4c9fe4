// Deconvolution twice: as scatter, where one query's patch is laid down and then its neighbours',
// and as gather, where one pixel collects what all patches over it have there.
import type { Attention } from "../attention.ts";
import type { Cell } from "../grid.ts";
import type { Ledger, LedgerTerm } from "../results.ts";
import type { Mechanism } from "./mechanism.ts";
import type { Box } from "./shrink.ts";

export interface PasteFrame {
  readonly phase: "empty" | "scatter" | "divided" | "gather" | "value";
  /** The queries whose patches lie there, the last one on top. */
  readonly laid: readonly Cell[];
  /** c × rows × cols: the sums, or what they come to once they are divided. */
  readonly pixels: Float64Array;
  /** rows × cols: how many patches lie over each pixel. */
  readonly counts: Uint8Array;
  /** What the chosen pixel has collected, a number a channel, and from whom. */
  readonly collected: readonly LedgerTerm[];
  readonly sum: Float64Array;
}

export interface PasteMechanism extends Mechanism<PasteFrame> {
  /** The pixels that are shown. */
  readonly box: Box;
  /** Those to which every query that pastes there has pasted: the first query's own patch. */
  readonly whole: Box;
  readonly pixel: Cell;
  readonly ledger: Ledger;
}

/** The query itself, and then its neighbours in rows. */
const ORDER: readonly Cell[] = [
  [0, 0],
  [-1, -1],
  [-1, 0],
  [-1, 1],
  [0, -1],
  [0, 1],
  [1, -1],
  [1, 0],
  [1, 1],
];

/** @param pixel lies in the patch that query p pastes. */
export function pasteMechanism(attention: Attention, p: number, pixel: Cell): PasteMechanism {
  const { c, h, w, H, W, config } = attention;
  const { rate } = config;
  const side = 2 * rate;
  const [row, column] = attention.place(p);
  const queries = ORDER.map(([down, right]): Cell => [row + down, column + right]).filter(
    ([y, x]) => y >= 0 && y < h && x >= 0 && x < w,
  );
  const box = clipped((row - 1) * rate - (rate >> 1), (column - 1) * rate - (rate >> 1), 2 * side);
  const whole = clipped(row * rate - (rate >> 1), column * rate - (rate >> 1), side);
  const area = box.rows * box.cols;
  const ledger = attention.pixel(...pixel);
  const scattered = queries.length;
  const gathered = ledger.terms.length;
  const patches = new Map<number, Float64Array>();

  function clipped(top: number, left: number, length: number): Box {
    const [first, start] = [Math.max(0, top), Math.max(0, left)];
    return {
      top: first,
      left: start,
      rows: Math.min(H, top + length) - first,
      cols: Math.min(W, left + length) - start,
    };
  }

  /** Made when it is laid down first: each is a row of the attention. */
  function patchOf([y, x]: Cell): Float64Array {
    const index = y * w + x;
    const patch = patches.get(index) ?? attention.patch(index);
    patches.set(index, patch);
    return patch;
  }

  function lay(laid: readonly Cell[]) {
    const pixels = new Float64Array(c * area);
    const counts = new Uint8Array(area);
    for (const query of laid) {
      const patch = patchOf(query);
      const top = query[0] * rate - (rate >> 1) - box.top;
      const left = query[1] * rate - (rate >> 1) - box.left;
      for (let i = 0; i < side ** 2; i++) {
        const [y, x] = [top + Math.floor(i / side), left + (i % side)];
        if (y < 0 || y >= box.rows || x < 0 || x >= box.cols) {
          continue;
        }
        counts[y * box.cols + x] += 1;
        for (let channel = 0; channel < c; channel++) {
          pixels[channel * area + y * box.cols + x] += patch[channel * side ** 2 + i];
        }
      }
    }
    return { pixels, counts };
  }

  function divide(pixels: Float64Array): Float64Array {
    return pixels.map((sum, i) => {
      const [y, x] = [Math.floor((i % area) / box.cols), i % box.cols];
      return sum / attention.divisor(box.top + y, box.left + x);
    });
  }

  function sumOf(terms: readonly LedgerTerm[]): Float64Array {
    const sum = new Float64Array(c);
    for (const { contribution } of terms) {
      contribution.forEach((value, channel) => {
        sum[channel] += value;
      });
    }
    return sum;
  }

  function at(tick: number): PasteFrame {
    const laid = queries.slice(0, tick);
    const { pixels, counts } = lay(laid);
    const nothing = { laid, counts, collected: [], sum: new Float64Array(c) };
    if (tick <= scattered) {
      return { phase: tick === 0 ? "empty" : "scatter", pixels, ...nothing };
    }
    const divided = divide(pixels);
    const count = tick - scattered - 1;
    if (count === 0) {
      return { phase: "divided", pixels: divided, ...nothing };
    }
    const collected = ledger.terms.slice(0, count);
    const isLast = count > gathered;
    const sum = isLast ? ledger.value : sumOf(collected);
    return { phase: isLast ? "value" : "gather", laid, counts, pixels: divided, collected, sum };
  }

  return { last: scattered + gathered + 2, box, whole, pixel, ledger, at };
}
