// Matching: the products of two patches, added up one by one, then divided by the key's norm.
import type { Attention } from "../attention.ts";
import type { Mechanism } from "./mechanism.ts";

/** One product: which number of the patches it is of. */
export interface MatchingTerm {
  readonly index: number;
  readonly channel: number;
  readonly row: number;
  readonly column: number;
  readonly query: number;
  readonly key: number;
  readonly product: number;
}

export interface MatchingFrame {
  readonly phase: "start" | "products" | "norm";
  /** The product that was added last; null before the first. */
  readonly term: MatchingTerm | null;
  /** How many products are in the sum. */
  readonly done: number;
  readonly sum: number;
  /** The sum divided by the norm; null before that. */
  readonly score: number | null;
}

export interface MatchingMechanism extends Mechanism<MatchingFrame> {
  readonly query: Float64Array;
  readonly key: Float64Array;
  readonly products: Float64Array;
  /** The sum of the first i products. */
  readonly sums: Float64Array;
  readonly norm: number;
}

/** Tick 0 is before the first product, tick i adds the i-th, the last one divides. */
export function matchingMechanism(attention: Attention, p: number, q: number): MatchingMechanism {
  const { query, key, products, norm } = attention.scoreTerms(p, q);
  const side = attention.config.ksize;
  const count = products.length;
  const sums = new Float64Array(count + 1);
  products.forEach((product, i) => {
    sums[i + 1] = sums[i] + product;
  });
  const termAt = (index: number): MatchingTerm => ({
    index,
    channel: Math.floor(index / side ** 2),
    row: Math.floor(index / side) % side,
    column: index % side,
    query: query[index],
    key: key[index],
    product: products[index],
  });
  return {
    last: count + 1,
    query,
    key,
    products,
    sums,
    norm,
    at: (tick) => {
      if (tick === 0) {
        return { phase: "start", term: null, done: 0, sum: 0, score: null };
      }
      const done = Math.min(tick, count);
      const sum = sums[done];
      const term = termAt(done - 1);
      if (tick <= count) {
        return { phase: "products", term, done, sum, score: null };
      }
      return { phase: "norm", term, done, sum, score: sum / norm };
    },
  };
}
