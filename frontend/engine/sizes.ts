// How large everything is, and where a query or a patch lies.
import type { AttentionConfig } from "./config.ts";
import { type Cell, cellAt, type Grid } from "./grid.ts";
import { clamp } from "./numbers.ts";

/** Two maps of c × H × W and c × Hb × Wb numbers. */
export interface Maps {
  f: Float32Array;
  b: Float32Array;
  c: number;
  H: number;
  W: number;
  Hb?: number; // as H and W, if left out
  Wb?: number;
}

export class Sizes {
  readonly config: AttentionConfig;
  readonly c: number;
  readonly H: number;
  readonly W: number;
  readonly Hb: number;
  readonly Wb: number;
  /** Of the shrunk maps. */
  readonly h: number;
  readonly w: number;
  readonly hb: number;
  readonly wb: number;
  /** How many queries there are, and how many patches: gh × gw of them. */
  readonly P: number;
  readonly L: number;
  readonly gh: number;
  readonly gw: number;
  /** The cells of f↓, and the patches of b. */
  readonly queryGrid: Grid;
  readonly patchGrid: Grid;

  constructor({ c, H, W, Hb = H, Wb = W }: Omit<Maps, "f" | "b">, config: AttentionConfig) {
    const { rate, stride } = config;
    this.config = config;
    this.c = c;
    this.H = H;
    this.W = W;
    this.Hb = Hb;
    this.Wb = Wb;
    this.h = Math.floor(H / rate);
    this.w = Math.floor(W / rate);
    this.hb = Math.floor(Hb / rate);
    this.wb = Math.floor(Wb / rate);
    this.gh = Math.ceil(this.hb / stride);
    this.gw = Math.ceil(this.wb / stride);
    this.P = this.h * this.w;
    this.L = this.gh * this.gw;
    this.queryGrid = { rows: this.h, cols: this.w, step: stride };
    this.patchGrid = { rows: this.gh, cols: this.gw, step: 1 };
  }

  /** The cell of a query, and the cell of b↓ that a patch lies around. */
  place(p: number): Cell {
    return cellAt(p, this.w);
  }

  cellOf(q: number): Cell {
    const [row, column] = cellAt(q, this.gw);
    return [row * this.config.stride, column * this.config.stride];
  }

  /** The cell where this run has what lies at a cell of another one, of another rate perhaps. */
  at([row, column]: Readonly<Cell>, other: Pick<AttentionConfig, "rate">): Cell {
    const { rate } = this.config;
    const ownRow = Math.floor((row * other.rate) / rate);
    const ownColumn = Math.floor((column * other.rate) / rate);
    return [clamp(ownRow, this.h), clamp(ownColumn, this.w)];
  }
}
