// A bar of colours between the numbers at its two ends.
import { type ColourRange, gradient, shareAlong } from "../engine/colour.ts";

interface RampProps {
  range: ColourRange;
  title: string;
  words: (value: number) => string;
  /** What is marked on it; null for nothing. */
  value?: number | null;
}

export function Ramp({ range, title, words, value = null }: RampProps) {
  const { low, high, signed, isLogarithmic } = range;
  const isMarked = value !== null && !Number.isNaN(value);
  return (
    <>
      <span>
        <span title={String(low)}>{words(low)}</span>
      </span>
      <span class="ctx-ramp" title={title} style={{ background: gradient(signed) }}>
        {isMarked && <i style={{ left: `${(100 * shareAlong(value, range)).toFixed(1)}%` }} />}
      </span>
      <span>
        <span title={String(high)}>{words(high)}</span>
        {isLogarithmic && " · log"}
      </span>
    </>
  );
}
