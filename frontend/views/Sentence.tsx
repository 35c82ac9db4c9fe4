// The sentence above everything: what the step does to this cell. Its coloured words carry the
// signs of their roles, so that it is the legend, too.
import type { ComponentChildren } from "preact";
import { RESULT, SIMILARITY, VALIDITY, WEIGHTS } from "../engine/roles.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene } from "../state/scene.ts";
import { stepOf } from "../steps/index.ts";
import { useTools } from "./context.ts";
import { cell, percent } from "./format.ts";
import { RegionSentence } from "./region.tsx";

type SentenceRole = "query" | "match" | "hole" | "pixel";

/** A word in the colour of its role, behind the sign of that role. */
export const Word = ({ role, children }: { role: SentenceRole; children: ComponentChildren }) => (
  <var class={`ctx-word-${role}`}>
    <span class={`ctx-glyph ctx-${role}`} />
    {children}
  </var>
);

export const CellWord = ({ at, isFirst }: { at: Place; isFirst?: boolean }) => (
  <Word role="query">
    {isFirst ? "Cell" : "cell"} {cell(...at)}
  </Word>
);

export const PatchWord = ({ at, isFirst }: { at: Place; isFirst?: boolean }) => (
  <Word role="match">
    {isFirst ? "Patch" : "patch"} {cell(...at)}
  </Word>
);

export const HoleWord = () => <Word role="hole">hole</Word>;

export function Sentence() {
  const { session } = useTools();
  const scene = session.scene.value;
  const warning = warningOf(scene);
  if (warning) return <p class="ctx-story ctx-warn">⚠ {warning}</p>;
  return (
    <p class="ctx-story">
      <About scene={scene} />
    </p>
  );
}

function About({ scene }: { scene: Scene }) {
  const { Sentence: OfStep } = stepOf(scene.cursor.kind === "pixel" ? RESULT : scene.stage);
  if (scene.regionSum) return <RegionSentence scene={scene} />;
  if (scene.cursor.kind === "patch" && scene.stage !== VALIDITY) return <OfPatch scene={scene} />;
  if (scene.q < 0) return <>Move over a picture: each cell of the foreground is a query.</>;
  return <OfStep scene={scene} />;
}

function OfPatch({ scene }: { scene: Scene }) {
  const { attention, q, pasted, foregroundHeat, rowStage } = scene;
  const at = attention.cellOf(q);
  if (!attention.valid[q]) {
    return (
      <>
        <PatchWord at={at} isFirst /> touches the <HoleWord />: it is pasted nowhere.
      </>
    );
  }
  if (rowStage === WEIGHTS && !pasted) {
    return (
      <>
        Where <PatchWord at={at} /> is pasted is known once the output has been computed.
      </>
    );
  }
  if (!foregroundHeat) {
    return (
      <>
        <PatchWord at={at} isFirst /> may be pasted: Matching, Fuse and Softmax show where.
      </>
    );
  }
  if (!pasted) {
    return (
      <>
        The foreground shows how well each cell matches <PatchWord at={at} />.
      </>
    );
  }
  let most = 0;
  for (let p = 1; p < pasted.length; p++) if (pasted[p] > pasted[most]) most = p;
  if (pasted[most] === 0) {
    return (
      <>
        <PatchWord at={at} isFirst /> may be pasted, but no cell takes anything of it.
      </>
    );
  }
  return (
    <>
      <PatchWord at={at} isFirst /> is pasted most at <CellWord at={attention.place(most)} />, which
      takes {percent(pasted[most])} of its colours from it.
    </>
  );
}

/** Why this cell says nothing. */
function warningOf({ attention, blank, rowStage, pixel, p }: Scene): string | null {
  if (blank && (pixel || rowStage === WEIGHTS)) {
    return attention.config.masked === "zero"
      ? "Every patch touches the hole: all weights are 0."
      : "Every patch touches the hole: the softmax has nothing to divide by and gives NaN.";
  }
  if (p < 0 || !attention.row(rowStage ?? SIMILARITY, p).some(Number.isNaN)) return null;
  return "This row holds values that are not numbers; the softmax spreads one over the whole row.";
}
