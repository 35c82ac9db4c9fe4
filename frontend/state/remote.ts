// Rows and columns that are asked for of the kernel, where the matrix is too large to travel: one
// request is in flight, and of those that come meanwhile the latest is sent next.
import { signal } from "@preact/signals";
import type { Matrices, Matrix } from "../engine/source.ts";
import { MATRIX_KEYS, type MatrixKey } from "../generated/stages.ts";
import type { Bytes, RowsMessage } from "../protocol.ts";
import { arrayOf } from "./arrays.ts";
import type { Place } from "./cursor.ts";

/** What is asked for: the rows of some queries, and the columns of a patch. */
export interface Question {
  readonly sample: number;
  readonly queries: readonly Place[];
  readonly patch: number | null;
}

const KEEP_NUMBERS = 6e6; // of rows, about 24 MB

export class Remote {
  /** Counts the answers: whoever reads it is told of the next. */
  readonly answers = signal(0);
  readonly isWaiting = signal(false);
  private readonly ask: (number: number, question: Question) => void;
  private readonly sizes: { readonly P: number; readonly L: number; readonly w: number };
  private readonly rows = new Map<number, Float32Array>();
  private columns: { patch: number; values: Float32Array } | null = null;
  private sample = -1;
  private number = 0;
  private next: Question | null = null;
  private readonly nothing: Float32Array;

  constructor(sizes: Remote["sizes"], ask: Remote["ask"]) {
    this.sizes = sizes;
    this.ask = ask;
    this.nothing = new Float32Array(Math.max(sizes.P, sizes.L));
  }

  /** Whether everything that a question asks for is here. */
  has({ sample, queries, patch }: Question): boolean {
    if (sample !== this.sample) return false;
    const hasRows = queries.every(([row, column]) => this.rows.has(row * this.sizes.w + column));
    return hasRows && (patch === null || this.columns?.patch === patch);
  }

  want(question: Question): void {
    if (this.isWaiting.peek()) {
      this.next = question;
      return;
    }
    this.number += 1;
    this.next = null;
    this.isWaiting.value = true;
    this.ask(this.number, question);
  }

  /** Take an answer; those to nobody's question are dropped. */
  receive({ number, sample, queries, patch }: RowsMessage, buffers: readonly Bytes[]): void {
    if (number !== this.number || !this.isWaiting.peek()) return;
    const { P, L, w } = this.sizes;
    if (sample !== this.sample) this.forget();
    this.sample = sample;
    const count = MATRIX_KEYS.length;
    const rows = arrayOf("rows", buffers[0], {
      dtype: "float32",
      shape: [queries.length, count, L],
    });
    queries.forEach(([row, column], i) => {
      this.rows.set(row * w + column, rows.subarray(i * count * L, (i + 1) * count * L));
    });
    while (this.rows.size * count * L > KEEP_NUMBERS && this.rows.size > queries.length) {
      const [oldest] = this.rows.keys();
      this.rows.delete(oldest);
    }
    if (patch !== null) {
      const values = arrayOf("columns", buffers[1], { dtype: "float32", shape: [count, P] });
      this.columns = { patch, values };
    }
    this.isWaiting.value = false;
    if (this.next) this.want(this.next);
    this.answers.value += 1;
  }

  private forget(): void {
    this.rows.clear();
    this.columns = null;
  }

  /** The matrix stages as the engine reads them; what has not arrived is zeros. */
  get matrices(): Matrices {
    const [scores, fused_rows, fused_scores, attention] = MATRIX_KEYS.map((key) =>
      this.matrix(key),
    );
    return { scores, fused_rows, fused_scores, attention };
  }

  private matrix(key: MatrixKey): Matrix {
    const { P, L } = this.sizes;
    const index = MATRIX_KEYS.indexOf(key);
    const row = (p: number) =>
      this.rows.get(p)?.subarray(index * L, (index + 1) * L) ?? this.nothing.subarray(0, L);
    return {
      row,
      column: (q) =>
        this.columns?.patch === q
          ? this.columns.values.subarray(index * P, (index + 1) * P)
          : this.nothing.subarray(0, P),
      at: (p, q) => row(p)[q],
    };
  }
}
