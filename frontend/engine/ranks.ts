// How a patch stands among those that may be pasted.

/** Its number when they are ordered by value, the largest first: 1 for the best. */
export function rankOf(values: ArrayLike<number>, q: number, valid: ArrayLike<number>): number {
  let rank = 1;
  for (let i = 0; i < values.length; i++) {
    if (valid[i] && values[i] > values[q]) {
      rank += 1;
    }
  }
  return rank;
}

/** How many others of those that may be pasted have the same value. */
export function equalsOf(values: ArrayLike<number>, q: number, valid: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (valid[i] && i !== q && values[i] === values[q]) {
      count += 1;
    }
  }
  return count;
}
