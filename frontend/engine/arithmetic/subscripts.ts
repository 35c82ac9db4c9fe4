// Where the element of x[…] stands in x.
import { type Index, Tensor } from "../tensor.ts";
import { broadcastIndex } from "./parts.ts";

/** What stands between the brackets: text as Python writes it, or a tensor of whole numbers. */
export type Subscript = string | Tensor;

/** The index in a tensor of `shape` of the element at `index` of x[…]; null where it is not one of
 * numbers, slices, `None`, `...` and tensors of places. */
export function indexInside(
  subscripts: readonly Subscript[],
  shape: Index,
  index: Index,
): number[] | null {
  const items = withEllipsis(subscripts.flatMap(itemsOf), shape.length);
  const tensors = items?.filter((item) => item instanceof Tensor) ?? [];
  if (!items) return null;
  const shared = Math.max(0, ...tensors.map((tensor) => tensor.shape.length));
  const rest = [...index];
  /** The axes of the result that the tensors share; they stand where the first tensor does. */
  let places: number[] | null = null;
  const inside: number[] = [];
  for (const item of items) {
    const length = shape[inside.length];
    if (item instanceof Tensor) {
      places ??= rest.splice(0, shared);
      const place = item.at(broadcastIndex(item.shape, places));
      if (place === null) return null;
      inside.push(fromStart(place, length));
    } else if (item === "None") {
      rest.shift();
    } else if (/^-?\d+$/.test(item)) {
      inside.push(fromStart(Number(item), length));
    } else {
      const at = rest.shift();
      const slice = sliceOf(item, length);
      if (at === undefined || !slice) return null;
      inside.push(slice.start + at * slice.step);
    }
  }
  return rest.length === 0 ? inside : null;
}

const fromStart = (place: number, length: number): number => (place < 0 ? place + length : place);

/** With a slice for each axis that is not named. */
function withEllipsis(items: readonly Subscript[], rank: number): Subscript[] | null {
  const named = items.filter((item) => item !== "None" && item !== "...").length;
  if (named > rank) return null;
  const free = new Array(rank - named).fill(":");
  const ellipsis = items.indexOf("...");
  if (ellipsis < 0) return [...items, ...free];
  return [...items.slice(0, ellipsis), ...free, ...items.slice(ellipsis + 1)];
}

/** The items of a text, whether it is written "0, 2:5", "[0, 2:5]" or as a tuple of slices. */
function itemsOf(subscript: Subscript): Subscript[] {
  if (subscript instanceof Tensor) return [subscript];
  const plain = subscript
    .trim()
    .replaceAll(/slice\(([^()]*)\)/g, (_, bounds: string) => asColons(bounds))
    .replaceAll("Ellipsis", "...")
    .replace(/^[[(]|[\])]$/g, "");
  return plain
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
}

/** "None, 5, None" as ":5:". */
function asColons(bounds: string): string {
  const [start, stop, step] = bounds.split(",").map((bound) => bound.trim().replace("None", ""));
  if (stop === undefined) return `:${start}`;
  return step ? `${start}:${stop}:${step}` : `${start}:${stop}`;
}

function sliceOf(item: string, length: number): { start: number; step: number } | null {
  const match = item.match(/^(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(-?\d*))?$/);
  if (!match) return null;
  const step = Number(match[3] || 1);
  const start = match[1] ? Number(match[1]) : 0;
  return { start: start < 0 ? Math.max(0, start + length) : Math.min(start, length), step };
}
