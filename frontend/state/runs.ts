// A hole as text: how many pixels are present, then missing, then present … row by row.
import type { Mask } from "./arrays.ts";

const BASE = 36;

export function runsOf({ data }: Mask): string {
  const lengths: string[] = [];
  let value = 0;
  let start = 0;
  for (let i = 0; i <= data.length; i++) {
    if (i < data.length && data[i] === value) continue;
    lengths.push((i - start).toString(BASE));
    start = i;
    value = 1 - value;
  }
  return lengths.join(".");
}

interface Sizes {
  readonly n: number;
  readonly Hb: number;
  readonly Wb: number;
}

/** The hole for one sample or for all `n`; null where the text is none of this size. */
export function maskOfRuns(text: string, { n, Hb, Wb }: Sizes): Mask | null {
  const lengths = text.split(".").map((length) => Number.parseInt(length, BASE));
  const isText = lengths.map((length) => length.toString(BASE)).join(".") === text;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const samples = total / (Hb * Wb);
  const isFit = isText && lengths.every((length) => length >= 0);
  if (!isFit || (samples !== 1 && samples !== n)) return null;
  const data = new Uint8Array(total);
  let at = 0;
  lengths.forEach((length, i) => {
    data.fill(i % 2, at, at + length);
    at += length;
  });
  return { shape: [samples, Hb, Wb], data };
}
