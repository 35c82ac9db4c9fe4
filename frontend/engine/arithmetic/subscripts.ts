// Where the element of x[…] stands in x.
import type { Index } from "../tensor.ts";

/** The index in a tensor of `shape` of the element at `index` of x[text]; null where it is not
 * plain: numbers, slices, `None` and `...`. */
export function indexInside(text: string, shape: Index, index: Index): number[] | null {
  const items = itemsOf(text);
  const axes = items.filter((item) => item !== "None" && item !== "...").length;
  const ellipsis = items.indexOf("...");
  if (axes > shape.length) return null;
  const free = new Array(shape.length - axes).fill(":");
  const all =
    ellipsis < 0
      ? [...items, ...free]
      : [...items.slice(0, ellipsis), ...free, ...items.slice(ellipsis + 1)];
  const rest = [...index];
  const inside: number[] = [];
  for (const item of all) {
    if (item === "None") {
      rest.shift();
      continue;
    }
    const length = shape[inside.length];
    if (/^-?\d+$/.test(item)) {
      const place = Number(item);
      inside.push(place < 0 ? place + length : place);
      continue;
    }
    const at = rest.shift();
    const slice = sliceOf(item, length);
    if (at === undefined || !slice) return null;
    inside.push(slice.start + at * slice.step);
  }
  return rest.length === 0 ? inside : null;
}

/** The items of an index, whether it is written "0, 2:5", "[0, 2:5]" or as a tuple of slices. */
function itemsOf(text: string): string[] {
  const inside = text.trim().replace(/^[[(]|[\])]$/g, "");
  const plain = inside
    .replaceAll(/slice\(([^()]*)\)/g, (_, bounds: string) => asColons(bounds))
    .replaceAll("Ellipsis", "...");
  return plain
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
}

/** "None, 5, None" as ":5". */
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
  const from = start < 0 ? Math.max(0, start + length) : Math.min(start, length);
  return { start: from, step };
}
