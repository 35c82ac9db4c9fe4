// What the class Attention answers.
import type { Ranges } from "./ranges.ts";

/** A patch that a query attends to. `row` and `col` are its cell's. */
export interface Match {
  index: number;
  row: number;
  col: number;
  score: number;
  fused: number;
  weight: number;
}

interface ColouredMatch extends Match {
  /** What this patch has at the pixel that is asked for, one number a channel. */
  colour: Float64Array;
}

/** One of the pasted patches that overlap at a pixel, which lies at (dy, dx) of it. */
export interface LedgerTerm {
  p: number;
  row: number;
  col: number;
  dy: number;
  dx: number;
  contribution: Float64Array;
  best: ColouredMatch[];
}

/** Where an output pixel comes from: value = total / divisor, total = Σ contributions. */
export interface Ledger {
  terms: LedgerTerm[];
  total: Float64Array;
  divisor: number;
  value: Float64Array;
}

/** The whole output, with what the page keeps of each query. */
export interface Output {
  /** c × H × W. */
  output: Float32Array;
  /** The log-sum-exp and the best patch of each query. */
  lse: Float32Array;
  argmax: Int32Array;
  /** The lowest and highest value of each stage. */
  ranges: Ranges;
}
