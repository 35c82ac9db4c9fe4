// Where one pixel of the output comes from.
import type { Attention } from "./attention.ts";
import { coveringCells } from "./deconvolution.ts";
import type { Ledger, LedgerTerm } from "./results.ts";

/** What the pasted patches are divided by where they overlap at a pixel. */
export function divisorAt({ config, h, w }: Attention, y: number, x: number): number {
  if (config.overlap === "constant") {
    return 4;
  }
  return coveringCells(y, config.rate, h).length * coveringCells(x, config.rate, w).length;
}

export function ledgerAt(attention: Attention, y: number, x: number): Ledger {
  const { config, c, h, w } = attention;
  const terms: LedgerTerm[] = [];
  for (const row of coveringCells(y, config.rate, h)) {
    for (const col of coveringCells(x, config.rate, w)) {
      terms.push(termOf(attention, y, x, row, col));
    }
  }
  const total = new Float64Array(c);
  for (const { contribution } of terms) {
    for (let channel = 0; channel < c; channel++) {
      total[channel] += contribution[channel];
    }
  }
  const divisor = attention.divisor(y, x);
  const { output } = attention.recorded;
  const { H, W } = attention;
  const value = total.map((sum, channel) =>
    output ? output[(channel * H + y) * W + x] : sum / divisor,
  );
  return { terms, total, divisor, value };
}

/** What the patch that is pasted at a cell adds to a pixel. */
function termOf(a: Attention, y: number, x: number, row: number, col: number): LedgerTerm {
  const { rate } = a.config;
  const p = row * a.w + col;
  const dy = y - row * rate + (rate >> 1);
  const dx = x - col * rate + (rate >> 1);
  const side = 2 * rate;
  const colourIn = (patch: Float64Array) => {
    const colour = new Float64Array(a.c);
    return colour.map((_, channel) => patch[(channel * side + dy) * side + dx]);
  };
  const best = a.best(p, 3).map((match) => {
    return { ...match, colour: colourIn(a.pastePatch(match.index)) };
  });
  return { p, row, col, dy, dx, contribution: colourIn(a.patch(p)), best };
}
