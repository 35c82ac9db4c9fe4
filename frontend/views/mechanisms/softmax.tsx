// Softmax, watched: bars that are masked, scaled, exponentiated, added up and divided.
import type { AttentionConfig } from "../../engine/config.ts";
import {
  type Bar,
  type SoftmaxFrame,
  type SoftmaxMechanism,
  softmaxMechanism,
} from "../../engine/mechanisms/softmax.ts";
import type { Scene } from "../../state/scene.ts";
import { cell, digits, percent, thousands } from "../format.ts";
import { HoleWord } from "../Sentence.tsx";
import { Value } from "../terms.tsx";
import type { Filming } from "./film.ts";

export const softmaxFilm: Filming = (scene) => {
  if (scene.p < 0) return null;
  const mechanism = softmaxMechanism(scene.attention, scene.p);
  return {
    last: mechanism.last,
    draw: (tick) => <Bars scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
    tell: (tick) => <Sentence scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
  };
};

interface FrameProps {
  scene: Scene;
  mechanism: SoftmaxMechanism;
  frame: SoftmaxFrame;
}

function Bars({ scene, mechanism, frame }: FrameProps) {
  const { phase, values, added } = frame;
  const finite = values.map(Math.abs).filter(Number.isFinite);
  const largest = phase === "shares" || phase === "cleared" ? 1 : Math.max(...finite) || 1;
  const isShare = largest === 1 && phase !== "sum" && phase !== "exponentials";
  return (
    <ol class="ctx-softmax" data-phase={phase}>
      {mechanism.bars.map((bar, i) => (
        <li key={i} class={`ctx-of-${bar.kind}`} data-added={phase === "sum" && i < added}>
          <span>{nameOf(scene, bar, phase)}</span>
          <i>
            <b
              class={values[i] < 0 ? "ctx-negative" : undefined}
              style={`width: ${lengthOf(values[i], largest)}%`}
            />
          </i>
          <span data-bar={bar.kind} title={String(values[i])}>
            {isShare ? percent(values[i]) : digits(values[i])}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** In hundredths of the longest bar; what is not finite has none. */
const lengthOf = (value: number, largest: number): number =>
  Number.isFinite(value) ? (100 * Math.abs(value)) / largest : 0;

/** Of several patches the largest is shown first, and then all of them together. */
function nameOf({ attention }: Scene, { kind, q, count }: Bar, phase: SoftmaxFrame["phase"]) {
  if (kind === "patch") return cell(...attention.cellOf(q));
  const isLargest = phase === "scores" || phase === "masked" || phase === "scaled";
  const which = kind === "hole" ? "in the hole" : "others";
  const many = thousands(count);
  return isLargest && count > 1 ? `largest of ${many} ${which}` : `${many} ${which}`;
}

function Sentence({ scene, mechanism, frame }: FrameProps) {
  const { config, L } = scene.attention;
  const { bars, top, whole } = mechanism;
  const { values, added, sum } = frame;
  const [first] = bars;
  const hole = bars.find(({ kind }) => kind === "hole");
  const best = first.kind === "patch" ? values[0] : Number.NaN;
  switch (frame.phase) {
    case "scores":
      return (
        <>
          {thousands(L)} fused scores: the largest one by one, the others together. The first is{" "}
          <Value name="first" value={values[0]} />.
        </>
      );
    case "masked":
      return (
        <>
          The {thousands(hole?.count ?? 0)} patches that touch the <HoleWord /> drop out:{" "}
          {maskingOf(config)}
        </>
      );
    case "scaled":
      return (
        <>
          Every score times softmax_scale, <Value name="scale" value={config.softmax_scale} />: the
          gaps between them grow as much. The first is <Value name="first" value={values[0]} /> now.
        </>
      );
    case "exponentials":
      return (
        <>
          e to the power of each, less the largest exponent <Value name="top" value={top} />, which
          changes no share and lets nothing overflow: the first becomes{" "}
          <Value name="first" value={values[0]} />.
        </>
      );
    case "sum":
      return (
        <>
          <AddedName scene={scene} bar={bars[added - 1]} />{" "}
          {bars[added - 1].count === 1 ? "adds" : "add"}{" "}
          <Value name="added" value={values[added - 1]} />; sum so far{" "}
          <Value name="sum" value={sum} />.
        </>
      );
    case "shares":
      if (Number.isNaN(whole)) return <>No patch may be pasted: 0 divided by 0 is not a number.</>;
      return (
        <>
          Each divided by the sum <Value name="sum" value={whole} />
          {first.kind === "patch" && (
            <>
              : the first gets <Value name="share" value={best} />, {percent(best)}
            </>
          )}
          . Together they are 1.
        </>
      );
    case "cleared":
      return (
        <>
          Masked once more: what the {thousands(hole?.count ?? 0)} patches in the <HoleWord /> had
          is 0 again, and the others sum to{" "}
          <Value name="kept" value={values.reduce((total, value) => total + value, 0)} />.
        </>
      );
  }
}

/** What the rule makes of a score that is masked. */
function maskingOf({ masked }: AttentionConfig): string {
  if (masked === "minus_infinity") return "their scores become −∞, so that e to that power is 0.";
  return "their scores become 0. That is not nothing: e to the power of 0 still counts in the sum.";
}

function AddedName({ scene, bar }: { scene: Scene; bar: Bar }) {
  if (bar.kind === "patch") return <>Patch {cell(...scene.attention.cellOf(bar.q))}</>;
  if (bar.kind === "hole") {
    return (
      <>
        The {thousands(bar.count)} in the <HoleWord />, each with a score of 0,
      </>
    );
  }
  return <>All {thousands(bar.count)} others together</>;
}
