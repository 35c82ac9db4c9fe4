// What values of f, b and the output look like.
import { paint, rangeOf } from "../engine/colour.ts";
import { rgbOf } from "../engine/look.ts";
import type { Run } from "../state/run.ts";
import type { Colours } from "./bitmap.ts";

interface Shown {
  readonly run: Run;
  /** The one channel to show, in the signed map; null for the picture. */
  readonly channel: number | null;
}

/** The colours of `area` places of which `values` has a plane for each channel. */
export function coloursOf({ run, channel }: Shown, values: Values, area: number): Colours {
  if (channel === null) return rgbOf(run.inputs.meta.look, values, area);
  const plane = values.subarray(channel * area, (channel + 1) * area);
  const range = rangeOf(plane, true);
  return (i) => paint(plane[i], range);
}

type Values = Float32Array | Float64Array;
