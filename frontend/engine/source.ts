// Where a run's numbers come from. What the page computes and what was recorded elsewhere, by a
// function of the reader's own or by a port, answer the same questions.
import type { MatrixKey, StageKey } from "../generated/stages.ts";
import type { Numbers } from "./numbers.ts";
import type { Ledger } from "./results.ts";

/** Whoever answers for one sample of a run. */
export interface Source {
  /** A query's row of a stage, over the patches. */
  row(stage: MatrixKey | "valid", p: number): Numbers;
  /** A patch's column of a stage, over the queries; null where it is not known yet. */
  column(stage: MatrixKey, q: number): Numbers | null;
  /** The patch that a query pastes. */
  patch(p: number): Float64Array;
  /** Where an output pixel comes from. */
  pixel(y: number, x: number): Ledger;
}

/** One stage of every query with every patch. */
export interface Matrix {
  row(p: number): Float32Array;
  column(q: number): Float32Array;
  at(p: number, q: number): number;
}

/** The tensors of one sample that were made elsewhere, by stage. */
export type Recorded = { readonly [Key in StageKey]?: Float32Array };

/** The matrix stages that are not computed here. */
export type Matrices = { readonly [Key in MatrixKey]?: Matrix };

export class RecordedMatrix implements Matrix {
  private readonly values: Float32Array;
  private readonly L: number;

  /** @param values P × L of them. */
  constructor(values: Float32Array, L: number) {
    this.values = values;
    this.L = L;
  }

  row(p: number): Float32Array {
    return this.values.subarray(p * this.L, (p + 1) * this.L);
  }

  column(q: number): Float32Array {
    const column = new Float32Array(this.values.length / this.L);
    return column.map((_, p) => this.at(p, q));
  }

  at(p: number, q: number): number {
    return this.values[p * this.L + q];
  }
}

/** Patch q of L that stand one after the other. */
export function patchIn(patches: Float32Array, q: number, L: number): Float64Array {
  const length = patches.length / L;
  return Float64Array.from(patches.subarray(q * length, (q + 1) * length));
}

/** Those of `remote` that were not recorded, beside those that were. */
export function matricesOf(recorded: Recorded, remote: Matrices, L: number): Matrices {
  const { scores, fused_rows, fused_scores, attention } = recorded;
  const of = (values: Float32Array | undefined, other: Matrix | undefined) =>
    values ? new RecordedMatrix(values, L) : other;
  return {
    scores: of(scores, remote.scores),
    fused_rows: of(fused_rows, remote.fused_rows),
    fused_scores: of(fused_scores, remote.fused_scores),
    attention: of(attention, remote.attention),
  };
}

/** Whether both have the same tensors of these stages. */
export const agreeIn = (stages: readonly StageKey[], one: Recorded, other: Recorded): boolean =>
  stages.every((stage) => one[stage] === other[stage]);
