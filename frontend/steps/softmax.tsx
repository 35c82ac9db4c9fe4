// Softmax: shares of one, from scores that may be anything.
import { paint, rangeOf } from "../engine/colour.ts";
import { equalsOf } from "../engine/ranks.ts";
import type { Scene } from "../state/scene.ts";
import type { Colours } from "../views/bitmap.ts";
import { useGo } from "../views/context.ts";
import { digits, percent, thousands, total } from "../views/format.ts";
import { ScaleKnob } from "../views/knobs.tsx";
import { At } from "../views/numbers.tsx";
import { HoleWord, PatchWord } from "../views/Sentence.tsx";
import { Chip, Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { backgroundLayer, cellOutline, widened } from "./miniatures.ts";
import type { InspectorProps, Layer, Miniature, Step } from "./step.ts";
import { areLevel, Outside, QueryWord } from "./words.tsx";

const LEAST = 1e-6; // the curve's floor
const ROUNDING = 1e-9;
const COUNTS = ["", "one", "two", "three", "four", "five"];

const fixed = (value: number): string => value.toFixed(2).replace("-", "−");

function Sentence({ scene }: InspectorProps) {
  const { attention, p, q } = scene;
  const weight = attention.row("attention", p)[q];
  const patch = attention.cellOf(q);
  if (!attention.valid[q]) {
    return (
      <>
        <QueryWord scene={scene} isFirst /> takes nothing from <PatchWord at={patch} />, which
        touches the <HoleWord />.<Outside scene={scene} />
      </>
    );
  }
  const weights = attention.row("attention", p);
  if (areLevel(weights, scene)) return <EqualShares scene={scene} weight={weight} />;
  const equals = weight > 0 ? equalsOf(weights, q, attention.valid) : 0;
  return (
    <>
      <QueryWord scene={scene} isFirst /> takes {percent(weight)} from <PatchWord at={patch} />
      {equals > 0 && ` (as from ${thousands(equals)} ${equals === 1 ? "other" : "others"})`}
      <Best scene={scene} />.<Outside scene={scene} />
    </>
  );
}

interface EqualSharesProps extends InspectorProps {
  weight: number;
}

/** Every patch takes the same: because scores do not count, or because they are equal. */
function EqualShares({ scene, weight }: EqualSharesProps) {
  const { attention, q } = scene;
  const { L, valid, config } = attention;
  const count = total(valid);
  // Under the rule "zero" the patches in the hole count in the sum, and then get nothing.
  const whole = [count, L].find((parts) => Math.abs(parts * weight - 1) < ROUNDING);
  return (
    <>
      <QueryWord scene={scene} isFirst /> takes the same {percent(weight)}
      {whole && ` (1/${thousands(whole)})`} from each of {thousands(count)} patches:{" "}
      {config.softmax_scale === 0
        ? "at scale 0 no score counts"
        : "their fused scores are all equal"}
      . <PatchWord at={attention.cellOf(q)} isFirst /> is one of these equals.
      <Outside scene={scene} />
    </>
  );
}

/** What the best five come to; of a patch that is not the best, which one is. */
function Best({ scene }: InspectorProps) {
  const { attention, p, q } = scene;
  const best = attention.best(p);
  const [first] = best;
  if (q !== first.index) {
    return (
      <>
        , its best match is <PatchWord at={[first.row, first.col]} /> with {percent(first.weight)}
      </>
    );
  }
  const together = percent(total(best.map(({ weight }) => weight)));
  if (best.length < 2 || together === percent(first.weight)) return null;
  return (
    <>
      , {together} from its best {COUNTS[best.length]}
    </>
  );
}

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q } = scene;
  const { softmax_scale: scale, masked } = attention.config;
  const go = useGo();
  const query = attention.place(p);
  const fused = attention.row("fused_scores", p);
  const weights = attention.row("attention", p);
  const isValid = attention.valid[q] === 1;
  const lse = attention.lse(p);
  const hiddenLogit = masked === "zero" ? "0" : "−∞";
  return (
    <>
      <Terms>
        <Term
          picture={<Chip colour={paint(fused[q], rangeOf(fused, true))} />}
          value={
            <Value name="fused" value={fused[q]} onClick={() => go("fused_scores", query, q)} />
          }
          role="match"
        >
          {attention.config.fuse ? "fused score s*" : "score s"}
        </Term>
        <Sign>→</Sign>
        <Term
          picture={
            <span class="ctx-fraction">
              <span>
                e<sup>{isValid ? `${digits(scale)} · ${digits(fused[q])}` : hiddenLogit}</sup>
                {!isValid && masked === "zero" && " · 0"}
              </span>
              <span title={String(lse)} data-term="lse">
                e<sup>{fixed(lse)}</sup>
              </span>
            </span>
          }
          value={
            <>
              scale <Value name="scale" value={scale} />
            </>
          }
        >
          this patch over all patches
        </Term>
        <Sign>=</Sign>
        <Term
          kind="result"
          picture={<Chip colour={paint(weights[q], rangeOf(weights, false))} />}
          value={
            <Value
              name="weight"
              value={weights[q]}
              onClick={() => go("output", query, scene.patch)}
            />
          }
          role="match"
        >
          share of <At place={attention.cellOf(q)} role="match" />
        </Term>
        <Term kind="wide" picture={<Curve weights={weights} />}>
          all weights, largest first; both axes logarithmic
        </Term>
      </Terms>
      <Note>
        {!isValid &&
          (masked === "zero" || !scene.blank) &&
          "This patch touches the hole, so its weight is 0. "}
        <Masked scene={scene} lse={lse} />
        {isValid && !Number.isNaN(lse) && <Larger scene={scene} />}
      </Note>
    </>
  );
}

/** What another scale would do. */
function Larger({ scene }: InspectorProps) {
  const { attention, p } = scene;
  const { softmax_scale: scale } = attention.config;
  if (scale === 0) {
    return <> At scale 0 every exponent is 0: with the slider under Softmax scores count again.</>;
  }
  if (areLevel(attention.row("fused_scores", p), scene)) {
    return <> Equal scores get equal shares at any scale.</>;
  }
  if (scale < 0) return <> A scale below 0 turns the order round: the least score takes most.</>;
  return <> A larger scale gives the best match more: try the slider under Softmax.</>;
}

/** What the patches that touch the hole have to do with the sum. */
function Masked({ scene, lse }: InspectorProps & { lse: number }) {
  const { attention } = scene;
  const count = attention.L - total(attention.valid);
  if (count === 0) return <>All weights sum to 1.</>;
  const patches =
    count === 1 ? "The patch that touches" : `The ${thousands(count)} patches that touch`;
  if (attention.config.masked === "minus_infinity") {
    if (count === attention.L) {
      return (
        <>All patches touch the hole: a score of −∞ each leaves 0 to divide by, which is NaN.</>
      );
    }
    return (
      <>
        {patches} the hole {count === 1 ? "counts" : "count"} for nothing in the sum: a score of −∞
        {count === 1 ? "" : " each"}.
      </>
    );
  }
  if (Number.isNaN(lse)) return <>One score that is not a number makes every weight NaN.</>;
  const share = count * Math.exp(-lse);
  return (
    <>
      {patches} the hole {count === 1 ? "counts as exp(0)" : "count as exp(0) each"},{" "}
      <Value name="masked" value={share}>
        {percent(share)}
      </Value>{" "}
      of the sum, and then {count === 1 ? "gets" : "get"} 0.
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
    const x = 34 + (174 * Math.log10(1 + i)) / (Math.log10(count) || 1);
    const y = 6 - 12 * Math.max(Math.log10(LEAST), Math.log10(sorted[i]));
    points.push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  return (
    <svg viewBox="0 0 216 96" role="img" aria-label="weights, largest first" class="ctx-curve">
      <path d="M34 6H212M34 42H212M34 78H212" />
      <polyline points={points.join(" ")} />
      <text x="30" y="10" text-anchor="end">
        1
      </text>
      <text x="30" y="46" text-anchor="end">
        10⁻³
      </text>
      <text x="30" y="82" text-anchor="end">
        10⁻⁶
      </text>
      <text x="34" y="94">
        rank 1
      </text>
      <text x="212" y="94" text-anchor="end">
        {count}
      </text>
    </svg>
  );
}

const DARK = [8, 12, 24, 178]; // over the background, so that the weights stand out
const VEIL: Layer = { rows: 1, cols: 1, step: 0, sources: [], colours: () => () => DARK };

function heatMap(scene: Scene): Miniature | null {
  const { attention, p, q } = scene;
  if (p < 0) return null;
  const { hb, wb, gh, gw, config } = attention;
  const row = attention.row("attention", p);
  const colours = (): Colours => {
    const range = rangeOf(row, false);
    const wide = widened(row, gh, gw);
    return (i) => paint(wide[i], range);
  };
  const heat: Layer = { rows: gh, cols: gw, step: config.stride, sources: [row], colours };
  const veil = { ...VEIL, step: Math.max(hb, wb) };
  const outlines = q < 0 ? [] : [cellOutline(attention.cellOf(q), "match")];
  return { rows: hb, cols: wb, layers: [backgroundLayer(scene), veil, heat], outlines };
}

/** What the query takes of its five best, and of all others. */
function shares({ attention, p }: Scene): number[] {
  const best = attention.best(p);
  const ofBest = Array.from({ length: 5 }, (_, i) => best[i]?.weight ?? 0);
  return [...ofBest, total(attention.row("attention", p)) - total(ofBest)];
}

const PICTURES = [heatMap];

export const softmax: Step = {
  name: "Softmax",
  short: "Softmax",
  Sentence,
  value: ({ attention, p, q }) => (p < 0 ? "" : percent(attention.row("attention", p)[q])),
  Thumbnail: () => <Thumbnails step={softmax} pictures={PICTURES} shares={shares} />,
  Foot: ScaleKnob,
  rowStage: () => "attention",
  shape: (_stage, run, { h, w, L }) => [run.inputs.n, h, w, L],
  values: (_stage, { attention, p }) => attention.row("attention", p),
  strikesOut: true,
  Inspector,
};
