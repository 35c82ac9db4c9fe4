// Small helpers for rows of numbers.

export type Numbers = ArrayLike<number>;
export type Extremes = [low: number, high: number];

/** `value`, or the nearest index of an axis of `size` places. */
export function clamp(value: number, size: number): number {
  return Math.min(size - 1, Math.max(0, value));
}

/** The lowest and the highest of the finite ones, beginning with what is known already. */
export function extremes(
  values: Numbers,
  [low, high]: Extremes = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
): Extremes {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < low && value > Number.NEGATIVE_INFINITY) {
      low = value;
    }
    if (value > high && value < Number.POSITIVE_INFINITY) {
      high = value;
    }
  }
  return [low, high];
}

/** The lowest and the highest of a part, infinite ones too: for long rows, as the loop meets one
 * type of numbers alone. */
export function extremesOf(row: Float32Array, start: number, end: number): Extremes {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = start; i < end; i++) {
    const value = row[i];
    if (value < low) {
      low = value;
    }
    if (value > high) {
      high = value;
    }
  }
  return [low, high];
}

/** Where the `count` largest stand, largest first; of equals the first. */
export function strongest(values: Numbers, count: number): number[] {
  const order: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const isFull = order.length === count;
    if (isFull && !(values[i] > values[order[count - 1]])) {
      continue;
    }
    if (isFull) {
      order.pop();
    }
    let place = order.length;
    while (place > 0 && values[i] > values[order[place - 1]]) {
      place -= 1;
    }
    order.splice(place, 0, i);
  }
  return order;
}
