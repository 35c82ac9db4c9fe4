// Traits: what Python may have set, and what it is to be told.
import type { Model, Mask as SentMask, Traits } from "../protocol.ts";
import { maskOf, sameMask } from "./arrays.ts";
import type { Cursor, Place } from "./cursor.ts";

/** Whether a value is a place in a grid of these sizes. */
export const isPlace = (value: unknown, sizes: readonly number[]): value is Place =>
  Array.isArray(value) &&
  value.length === sizes.length &&
  value.every((at, i) => Number.isInteger(at) && at >= 0 && at < sizes[i]);

/** The query or the pixel that is kept. */
export function keptPlaces(cursor: Cursor): Pick<Traits, "query" | "pixel"> {
  return {
    query: cursor.kind === "query" && cursor.kept ? [...cursor.query] : null,
    pixel: cursor.kind === "pixel" && cursor.kept ? [...cursor.pixel] : null,
  };
}

/** The names of those values that the model does not have yet. */
export function newsOf(model: Model, values: Partial<Traits>): (keyof Traits)[] {
  const names = Object.keys(values) as (keyof Traits)[];
  return names.filter((name) => isNews(name, model.get(name) ?? null, values[name]));
}

function isNews(name: keyof Traits, known: unknown, value: unknown): boolean {
  if (name === "mask") {
    return !sameMask(maskOf(known as SentMask | null), maskOf(value as SentMask | null));
  }
  if (name === "buffers") return known !== value;
  return JSON.stringify(known) !== JSON.stringify(value);
}
