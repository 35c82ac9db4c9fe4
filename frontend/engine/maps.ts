// Where matching is in doubt: a number for each query, or for each patch, as trace.map in Python.
import type { MapName } from "../generated/maps.ts";
import type { Attention } from "./attention.ts";
import type { Sizes } from "./sizes.ts";
import type { Weights } from "./softmax.ts";
import { RowSweep, SCORES_A_STEP } from "./sweep.ts";

/** What the rows of the attention give, as far as they were gone through. */
export interface RowMaps {
  /** Of each query: how many patches share its attention, e to the power of the entropy. */
  readonly effective_patches: Float32Array;
  /** The share of its best match, and by how much it is above any that is no neighbour of it. */
  readonly best_share: Float32Array;
  readonly margin: Float32Array;
  /** Its best match. */
  readonly argmax: Int32Array;
  /** Of each patch: what all queries take of it together. */
  readonly times_pasted: Float32Array;
  /** How many queries are done, down the columns of their grid; the numbers of others are NaN. */
  readonly queriesDone: number;
}

export type RowMapName = Exclude<keyof RowMaps, "argmax" | "queriesDone">;

/** Weights that are such a part of the largest, all patches together, change no map noticeably. */
const NEGLIGIBLE = 1e-12;

/** What all rows of an attention tell; each step yields what is there so far. */
export function* mapsOf(attention: Attention): Generator<RowMaps, RowMaps> {
  const { P, L, h, w } = attention;
  const sweep = new RowSweep(attention, NEGLIGIBLE / L);
  const maps = {
    effective_patches: new Float32Array(P).fill(Number.NaN),
    best_share: new Float32Array(P).fill(Number.NaN),
    margin: new Float32Array(P).fill(Number.NaN),
    argmax: new Int32Array(P),
    times_pasted: new Float32Array(L),
    queriesDone: 0,
  };
  const times = new Float64Array(L);
  const queriesAStep = Math.ceil(SCORES_A_STEP / L);
  for (let column = 0; column < w; column++) {
    for (let row = 0; row < h; row++) {
      const p = row * w + column;
      const weights = sweep.weigh(p);
      const numbers = numbersOf(weights, attention, times);
      maps.effective_patches[p] = numbers.effective;
      maps.best_share[p] = weights.largest;
      maps.margin[p] = weights.largest - numbers.second;
      maps.argmax[p] = weights.argmax;
      maps.queriesDone += 1;
      if (maps.queriesDone % queriesAStep === 0 && maps.queriesDone < P) {
        maps.times_pasted.set(times);
        yield copyOf(maps);
      }
    }
  }
  maps.times_pasted.set(times);
  return maps;
}

const copyOf = (maps: RowMaps): RowMaps => ({
  effective_patches: maps.effective_patches.slice(),
  best_share: maps.best_share.slice(),
  margin: maps.margin.slice(),
  argmax: maps.argmax.slice(),
  times_pasted: maps.times_pasted.slice(),
  queriesDone: maps.queriesDone,
});

/**
 * How many patches share a query's attention, and the largest share that is no neighbour of the
 * best one. What the query takes of each patch is added to `times`.
 */
function numbersOf(weights: Weights, { gw }: Sizes, times: Float64Array) {
  const { patches, values, count, argmax, others } = weights;
  if (Number.isNaN(others)) {
    return { effective: Number.NaN, second: Number.NaN };
  }
  const bestRow = Math.floor(argmax / gw);
  const bestColumn = argmax % gw;
  const isNear = (q: number) =>
    Math.abs(Math.floor(q / gw) - bestRow) <= 1 && Math.abs((q % gw) - bestColumn) <= 1;
  let total = 0;
  let logarithms = 0;
  let second = 0;
  for (let i = 0; i < count; i++) {
    const share = values[i];
    const q = patches[i];
    times[q] += share;
    if (share > 0) {
      total += share;
      logarithms += share * Math.log(share);
    }
    if (share > second && !isNear(q)) {
      second = share;
    }
  }
  // Of shares that add up to 1: masked patches may have taken some along.
  const entropy = Math.log(total) - logarithms / total;
  return { effective: total > 0 ? Math.exp(entropy) : 0, second };
}

// ---- what follows from the rows, and from the output ----

/** A query's neighbours: how many places down, and to the right. */
const SIDES = [
  [-1, 0],
  [1, 0],
  [0, -1],
  [0, 1],
] as const;

/** Whether a query has a match at all: not where no patch is valid, or its attention is NaN. */
const isMatched = ({ best_share }: RowMaps, p: number): boolean => best_share[p] > 0;

/** How many cells away each query's best match lies. */
function offsetLengths(maps: RowMaps, attention: Attention): Float32Array {
  return maps.best_share.map((_, p) => {
    return isMatched(maps, p) ? Math.hypot(...attention.offset(p, maps.argmax[p])) : Number.NaN;
  });
}

/** The part of each query's four neighbours, `stride` cells away, whose best match lies as its. */
function agreements(maps: RowMaps, attention: Attention): Float32Array {
  const { config, h, w } = attention;
  const offsets = Array.from(maps.argmax, (q, p) => attention.offset(p, q));
  return maps.best_share.map((_, p) => {
    if (!isMatched(maps, p)) {
      return Number.NaN;
    }
    const [row, column] = attention.place(p);
    let neighbours = 0;
    let agreeing = 0;
    for (const [down, right] of SIDES) {
      const y = row + down * config.stride;
      const x = column + right * config.stride;
      if (y < 0 || y >= h || x < 0 || x >= w) {
        continue;
      }
      neighbours += 1;
      const other = y * w + x;
      const isSame = offsets[other][0] === offsets[p][0] && offsets[other][1] === offsets[p][1];
      if (isSame && isMatched(maps, other)) {
        agreeing += 1;
      }
    }
    return neighbours === 0 ? 1 : agreeing / neighbours;
  });
}

/** A map that the rows give. */
export function mapOfRows(name: Exclude<MapName, "error">, maps: RowMaps, attention: Attention) {
  switch (name) {
    case "agreement":
      return agreements(maps, attention);
    case "offset_length":
      return offsetLengths(maps, attention);
    default:
      return maps[name];
  }
}

/** |output − truth|, averaged over the pixels of each cell and over channels. */
export function errorMap(output: Float32Array, truth: Float32Array, sizes: Sizes): Float32Array {
  const { c, H, W, h, w, config } = sizes;
  const { rate } = config;
  const sums = new Float64Array(h * w);
  for (let channel = 0; channel < c; channel++) {
    for (let y = 0; y < h * rate; y++) {
      for (let x = 0; x < w * rate; x++) {
        const at = (channel * H + y) * W + x;
        sums[Math.floor(y / rate) * w + Math.floor(x / rate)] += Math.abs(output[at] - truth[at]);
      }
    }
  }
  return Float32Array.from(sums, (sum) => sum / (c * rate * rate));
}

/** The places of a map from the worst on, without those that are no number; of equals the first
 * comes first. */
export function worstFirst(values: Float32Array, isHighWorse: boolean): number[] {
  const places = [...values.keys()].filter((i) => Number.isFinite(values[i]));
  const sign = isHighWorse ? -1 : 1;
  return places.sort((one, other) => sign * (values[one] - values[other]) || one - other);
}
