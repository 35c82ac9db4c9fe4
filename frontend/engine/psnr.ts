// How near two pictures are.
import type { Numbers } from "./numbers.ts";

const PEAK = 2; // from -1 to 1

/**
 * The peak signal-to-noise ratio in dB between pictures in [-1, 1], over the places that are set in
 * a mask: as Python's `samples.psnr`. Infinite where they are equal, null where no place is set.
 */
export function psnr(a: Numbers, b: Numbers, mask: Uint8Array): number | null {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    if (mask[i % mask.length]) {
      sum += (a[i] - b[i]) ** 2;
      count += 1;
    }
  }
  return count === 0 ? null : 10 * Math.log10((PEAK ** 2 * count) / sum);
}
