// exp, where it is taken millions of times: Math.exp would cost more than all the rest of a weight.

/** Steps of 1 in the table, and how far down it goes. */
const STEPS = 64;
const DEPTH = 32;

/** exp(−i / STEPS). */
const TABLE = Float64Array.from({ length: DEPTH * STEPS + 1 }, (_, i) => Math.exp(-i / STEPS));

/** exp(x) for x from −DEPTH to 0, to eight digits: one more than float32 has. */
export function exp(x: number): number {
  if (!(x > -DEPTH && x <= 0)) {
    return Math.exp(x);
  }
  const i = (-STEPS * x) | 0;
  const rest = x + i / STEPS; // between −1 / STEPS and 0: the first terms of the series will do
  return TABLE[i] * (1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6))));
}
