// Softmax: shares of one, from scores that may be anything.
import { useGo } from "../views/context.ts";
import { digits, total } from "../views/format.ts";
import { At, Num } from "../views/numbers.tsx";
import type { InspectorProps, Step } from "./step.ts";

const LEAST = 1e-6; // the curve's floor

const fixed = (value: number): string => value.toFixed(2).replace("-", "−");

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q } = scene;
  const { softmax_scale: scale, masked } = attention.config;
  const go = useGo();
  const query = attention.place(p);
  const fused = attention.row("fused_scores", p)[q];
  const isValid = attention.valid[q] === 1;
  const lse = attention.lse(p);
  const invalid = attention.L - total(attention.valid);
  const asZero = masked === "zero";
  const share = asZero ? invalid * Math.exp(-lse) : 0;
  const hiddenLogit = asZero ? "0" : "−∞";
  return (
    <>
      <p class="ctx-line">
        a(
        <At place={query} role="query" />, <At place={attention.cellOf(q)} role="match" />) = exp(
        <Num value={scale} /> · <Num value={fused} onClick={() => go("fused_scores", query, q)} />
        {!isValid && (asZero ? " · 0" : " − ∞")}) / Σ exp = e
        <sup>
          {isValid ? fixed(scale * fused) : hiddenLogit} − {fixed(lse)}
        </sup>
        {!isValid && asZero && " · 0"} ={" "}
        <b>
          <Num value={attention.row("attention", p)[q]} />
        </b>
      </p>
      <div class="ctx-figures">
        <figure class="ctx-wide">
          <Curve weights={attention.row("attention", p)} />
          <figcaption>the weights, largest first (both axes logarithmic, down to 10⁻⁶)</figcaption>
        </figure>
        <figure>
          <b class="ctx-big">{digits(share < LEAST ? 0 : 100 * share)} %</b>
          <figcaption>
            of the denominator is masked: <Num value={invalid} />{" "}
            {invalid === 1 ? "patch" : "patches"}
            {asZero ? ", exp(0) each" : " at −∞"}
          </figcaption>
        </figure>
      </div>
      <p>
        {!isValid &&
          (asZero || !scene.blank) &&
          "This patch touches the hole, so its weight is 0. "}
        The denominator Σ exp is e<sup>{fixed(lse)}</sup>. A larger softmax_scale gives the best
        match more: try the slider.
      </p>
    </>
  );
}

/** All weights of a row by their rank. */
function Curve({ weights }: { weights: ArrayLike<number> }) {
  const sorted = Float64Array.from(weights).sort().reverse();
  const count = sorted.length;
  const points: string[] = [];
  // Ranks 8 % apart: a point for each would be thousands.
  for (let i = 0; i < count && sorted[0] >= 0; i = Math.max(i + 1, Math.floor(i * 1.08))) {
    const x = 34 + (216 * Math.log10(1 + i)) / (Math.log10(count) || 1);
    const y = 8 - 15 * Math.max(Math.log10(LEAST), Math.log10(sorted[i]));
    points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  return (
    <svg
      viewBox="0 0 260 120"
      width="260"
      height="120"
      role="img"
      aria-label="weights, largest first"
      class="ctx-curve"
    >
      <path d="M34 8H250M34 53H250M34 98H250" />
      <polyline points={points.join(" ")} />
      <text x="30" y="12" text-anchor="end">
        1
      </text>
      <text x="30" y="57" text-anchor="end">
        10⁻³
      </text>
      <text x="30" y="102" text-anchor="end">
        10⁻⁶
      </text>
      <text x="34" y="114">
        rank 1
      </text>
      <text x="250" y="114" text-anchor="end">
        {count}
      </text>
    </svg>
  );
}

export const softmax: Step = {
  name: "Softmax",
  rowStage: () => "attention",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("attention", p),
  strikesOut: true,
  Inspector,
};
