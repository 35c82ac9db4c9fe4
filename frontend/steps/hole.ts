// Where the hole is in f: its queries are those that the layer is there for.
import { shrink } from "../engine/downsampling.ts";
import type { Scene } from "../state/scene.ts";

/** 1 for each query that lies in the hole; null where f has none. */
export function holeOfQueries({ attention, run, sample }: Scene): Uint8Array | Float32Array | null {
  const { foregroundMask, sameSize } = run.inputs;
  if (!foregroundMask) return sameSize && run.mask ? attention.downsampledMask : null;
  const mask = run.foregroundMaskOf(sample);
  return mask && shrink(mask, 1, attention.H, attention.W, attention.config);
}

/** Whether the scene's query lies in the hole; null where there is no hole. */
export function isInHole(scene: Scene): boolean | null {
  const hole = holeOfQueries(scene);
  if (!hole?.includes(1)) return null;
  return hole[scene.p] === 1;
}
