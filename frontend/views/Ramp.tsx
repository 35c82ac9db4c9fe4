// A bar of colours between the numbers at its two ends.
import { type ColourRange, gradient } from "../engine/colour.ts";

interface RampProps {
  range: ColourRange;
  title: string;
  words: (value: number) => string;
  /** What is marked on it; null for nothing. */
  value?: number | null;
}

export function Ramp({ range, title, words, value = null }: RampProps) {
  const { low, high, signed } = range;
  const share = value === null ? Number.NaN : (value - low) / (high - low || 1);
  return (
    <>
      <span title={String(low)}>{words(low)}</span>
      <span class="ctx-ramp" title={title} style={{ background: gradient(signed) }}>
        {Number.isFinite(share) && <i style={{ left: `${(100 * share).toFixed(1)}%` }} />}
      </span>
      <span title={String(high)}>{words(high)}</span>
    </>
  );
}
