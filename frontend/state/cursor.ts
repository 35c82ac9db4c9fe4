// What the reader points at: nothing, a query of f, a patch of b or a pixel of the output.

/** (row, column). */
export type Place = readonly [number, number];

export type Cursor =
  | { readonly kind: "nothing" }
  /** A query, beside the patch it is compared with (its best match where that is null). */
  | {
      readonly kind: "query";
      readonly query: Place;
      readonly partner: number | null;
      readonly kept: boolean;
    }
  /** A patch, and the query that it is compared with. */
  | {
      readonly kind: "patch";
      readonly patch: number;
      readonly query: Place | null;
      readonly kept: boolean;
    }
  | { readonly kind: "pixel"; readonly pixel: Place; readonly kept: boolean };

export const NOTHING: Cursor = { kind: "nothing" };

export const keptQuery = (query: Place, partner: number | null = null): Cursor => ({
  kind: "query",
  query,
  partner,
  kept: true,
});

export const isKept = (cursor: Cursor): boolean => cursor.kind !== "nothing" && cursor.kept;

/** The query cell that the cursor stands for; a pixel's is the cell that it lies in. */
export function queryOf(cursor: Cursor, rate: number): Place | null {
  if (cursor.kind === "nothing") return null;
  if (cursor.kind !== "pixel") return cursor.query;
  const [y, x] = cursor.pixel;
  return [Math.floor(y / rate), Math.floor(x / rate)];
}

/** The background patch that the reader chose; null where it is the query's best match. */
export function patchOf(cursor: Cursor): number | null {
  if (cursor.kind === "query") return cursor.partner;
  return cursor.kind === "patch" ? cursor.patch : null;
}

export const samePlace = (one: Place | null, other: Place | null): boolean =>
  one === other || (one?.[0] === other?.[0] && one?.[1] === other?.[1]);

/** Whether both show the same. At a rate of 1, a pixel is its own cell. */
export const sameCursor = (one: Cursor, other: Cursor): boolean =>
  one.kind === other.kind &&
  isKept(one) === isKept(other) &&
  patchOf(one) === patchOf(other) &&
  samePlace(queryOf(one, 1), queryOf(other, 1));
