// Step 1: f, b and the mask, shrunk by nearest neighbours before they are matched.
import type { AttentionConfig } from "./config.ts";

/** The pixel that each cell samples. Aligned corners round in float32, as TensorFlow does. */
export function nearestIndices(
  size: number,
  rate: number,
  shrinkRule: AttentionConfig["shrink"],
): Int32Array {
  const cells = Math.floor(size / rate);
  const scale = Math.fround((size - 1) / Math.max(1, cells - 1));
  const indices = new Int32Array(cells);
  for (let i = 0; i < cells; i++) {
    const aligned = Math.floor(Math.fround(Math.fround(i * scale) + 0.5));
    indices[i] = shrinkRule === "floor" ? i * rate : aligned;
  }
  return indices;
}

/** A map of `channels` × `height` × `width`, shrunk. */
export function shrink<Values extends Float32Array | Uint8Array>(
  map: Values,
  channels: number,
  height: number,
  width: number,
  config: Pick<AttentionConfig, "rate" | "shrink">,
): Values {
  const rows = nearestIndices(height, config.rate, config.shrink);
  const columns = nearestIndices(width, config.rate, config.shrink);
  const size = channels * rows.length * columns.length;
  const result = map.slice(0, size) as Values;
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (const row of rows) {
      for (const column of columns) {
        result[at] = map[(channel * height + row) * width + column];
        at += 1;
      }
    }
  }
  return result;
}
