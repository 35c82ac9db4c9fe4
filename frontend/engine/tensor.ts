// A tensor of which all numbers, a part of them or none are here.
import type { Numbers } from "./numbers.ts";

export type Index = readonly number[];

/** How many numbers a tensor of this shape has. */
export const sizeOf = (shape: Index): number => shape.reduce((size, length) => size * length, 1);

/** The index of the number at `offset`, counted in C order. */
export function unravel(offset: number, shape: Index): number[] {
  const index: number[] = new Array(shape.length).fill(0);
  let rest = offset;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

/** Where the number at `index` stands, counted in C order. */
export function ravel(index: Index, shape: Index): number {
  let offset = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    offset = offset * shape[axis] + index[axis];
  }
  return offset;
}

export class Tensor {
  readonly shape: Index;
  /** The numbers that were kept, in C order; null for none. */
  readonly data: Numbers | null;
  /** Where the part that was kept starts, and how long it is, on each axis. */
  readonly start: Index;
  readonly kept: Index;

  constructor(
    shape: Index,
    data: Numbers | null,
    start: Index = shape.map(() => 0),
    kept: Index = shape,
  ) {
    this.shape = shape;
    this.data = data;
    this.start = start;
    this.kept = kept;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** All of its numbers are here. */
  get isWhole(): boolean {
    return this.data !== null && this.data.length === this.size;
  }

  /** The number at an index; null where it was not kept. */
  at(index: Index): number | null {
    const { data, kept, start } = this;
    if (!data) {
      return null;
    }
    let offset = 0;
    for (let axis = 0; axis < kept.length; axis++) {
      const place = index[axis] - start[axis];
      if (place < 0 || place >= kept[axis]) {
        return null;
      }
      offset = offset * kept[axis] + place;
    }
    return data[offset];
  }
}
