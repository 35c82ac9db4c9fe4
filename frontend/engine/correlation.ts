// Inner products of patches, as sums of those of single cells.
//
// Patches overlap: ⟨patch(p), patch(q)⟩ = Σ_t ⟨cell(p + t), cell(q + t)⟩, and the next patch needs
// most of the same products again. So each is computed once: first for cells, then summed down the
// columns of a patch, then over its columns.
import type { PaddedMaps } from "./patches.ts";
import { Recent } from "./recent.ts";
import { sumShifted, type Term } from "./sums.ts";

/** How much is remembered: rows over all cells of the other map. */
export interface Memory {
  cells: number;
  columns: number;
}

export class Correlation {
  private readonly own: PaddedMaps;
  private readonly other: PaddedMaps;
  private readonly cells: Recent<Float32Array>;
  private readonly columns: Recent<Float32Array>;
  private readonly sums: Float32Array;

  constructor(own: PaddedMaps, other: PaddedMaps, { cells, columns }: Memory) {
    this.own = own;
    this.other = other;
    // Nobody else sees them: what is forgotten may be overwritten.
    this.cells = new Recent(cells, true);
    this.columns = new Recent(columns, true);
    this.sums = new Float32Array(other.size);
  }

  /**
   * The patch whose corner is a place of the padded map, with the patch at each place of the other.
   * The next question overwrites the answer.
   */
  patch(y: number, x: number): Float32Array {
    const { other, sums } = this;
    const columns = inLine(other.side, 1, (d) => this.column(y, x + d));
    sumShifted(sums, columns, 0, other.size - other.side + 1);
    return sums;
  }

  private column(y: number, x: number): Float32Array {
    const { own, other } = this;
    return this.columns.get(y * own.width + x, (sums = new Float32Array(other.size)) => {
      const cells = inLine(other.side, other.width, (d) => this.cell(y + d, x));
      sumShifted(sums, cells, 0, other.size - (other.side - 1) * other.width);
      return sums;
    });
  }

  private cell(y: number, x: number): Float32Array {
    const { own, other } = this;
    return this.cells.get(y * own.width + x, (sums = new Float32Array(other.size)) => {
      const cell = own.cell(y, x);
      sums.fill(0);
      for (let channel = 0; channel < cell.length; channel += 3) {
        addThreeChannels(sums, other, cell, channel);
      }
      return sums;
    });
  }
}

/** As many terms, each `shift` places further on than the one before. */
function inLine(count: number, shift: number, rowAt: (d: number) => Float32Array): Term[] {
  return Array.from({ length: count }, (_, d) => ({ values: rowAt(d), shift: d * shift }));
}

/** Where fewer than three are left, a factor of 0 meets a place that is read anyway. */
function addThreeChannels(
  sums: Float32Array,
  { planes, c, size }: PaddedMaps,
  cell: Float32Array,
  first: number,
): void {
  const [v0, v1 = 0, v2 = 0] = cell.subarray(first, first + 3);
  const plane = (channel: number) => {
    const start = Math.min(channel, c - 1) * size;
    return planes.subarray(start, start + size);
  };
  const plane0 = plane(first);
  const plane1 = plane(first + 1);
  const plane2 = plane(first + 2);
  for (let i = 0; i < sums.length; i++) {
    sums[i] += v0 * plane0[i] + v1 * plane1[i] + v2 * plane2[i];
  }
}
