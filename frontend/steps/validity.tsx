// Validity: only patches that do not touch the hole may be pasted.
import type { Scene } from "../state/scene.ts";
import type { Colours } from "../views/bitmap.ts";
import { useGo, useTools } from "../views/context.ts";
import { cell, percent, thousands, total } from "../views/format.ts";
import { At, Link } from "../views/numbers.tsx";
import { HoleWord, PatchWord } from "../views/Sentence.tsx";
import { Large, Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { MatchTile } from "../views/tiles.tsx";
import { patchMarks } from "./boxes.ts";
import { backgroundLayer, cellOutline } from "./miniatures.ts";
import type { InspectorProps, Layer, Miniature, Step } from "./step.ts";

function Sentence({ scene }: InspectorProps) {
  const { attention, q } = scene;
  const patch = <PatchWord at={attention.cellOf(q)} isFirst />;
  const holes = attention.holeCells(q).length;
  if (holes > 0) {
    const side = attention.config.ksize;
    return (
      <>
        {patch} touches the <HoleWord /> with {holes} of its {side * side} cells: it must not be
        pasted.
      </>
    );
  }
  const { invalid, L, valid } = attention;
  if (!invalid && attention.leaks > 0) {
    return <>{patch} may be pasted, like every other: no cell keeps any of so thin a hole.</>;
  }
  if (!invalid) return <>{patch} may be pasted, like every other: nothing is missing.</>;
  const others = total(valid) - 1;
  return (
    <>
      {patch} is free of the <HoleWord />: it may be pasted,{" "}
      {others === 0
        ? "the only one"
        : `like ${thousands(others)} ${others === 1 ? "other" : "others"}`}{" "}
      of {thousands(L)}.
    </>
  );
}

/** It asks about a patch alone: there need be no query. */
function Inspector({ scene }: InspectorProps) {
  const { attention, q, query, patch } = scene;
  const { L, valid } = attention;
  const { ksize } = attention.config;
  const go = useGo();
  const place = attention.cellOf(q);
  const [top, left] = [place[0] - (ksize >> 1), place[1] - (ksize >> 1)];
  const holes = attention.holeCells(q);
  const ring = holes.map(([row, column]) => (row - top) * ksize + column - left);
  const usable = total(valid);
  return (
    <>
      <Terms>
        <Term
          picture={<MatchTile scene={scene} side={80} ring={ring} />}
          value={
            <>
              <Value name="holes" value={holes.length} /> in the hole
            </>
          }
          role="match"
        >
          cells of patch <At place={place} role="match" />
          {holes.length > 0 && ", ringed"}
        </Term>
        <Sign>→</Sign>
        <Term
          kind="result"
          picture={<Large>{valid[q]}</Large>}
          value={
            <Value name="valid" value={valid[q]}>
              {valid[q] ? "valid" : "out"}
            </Value>
          }
          role="match"
        >
          may it be pasted?
        </Term>
        <Term
          picture={<Large>{percent(usable / L)}</Large>}
          value={
            <>
              <Value name="usable" value={usable}>
                {thousands(usable)}
              </Value>{" "}
              of {thousands(L)}
            </>
          }
        >
          patches may be pasted
        </Term>
      </Terms>
      <Note>
        {holes.length > 0
          ? `m↓${cell(...holes[0])} is 1, so valid${cell(...place)} is 0: one cell of `
          : "One cell of "}
        <Link onClick={() => go("downsampled_mask", query, patch)}>the shrunk hole</Link> under a
        patch is enough to take it out. Such patches are hatched in the background: move over it to
        test another.
      </Note>
    </>
  );
}

const STRIPE = [204, 121, 167];
const BETWEEN = [70, 40, 60];

/** The background, with the patches struck out that touch the hole. */
function miniature(scene: Scene): Miniature {
  const { attention, q } = scene;
  const { hb, wb, gw, valid, config } = attention;
  const colours = (): Colours => (i) => {
    const [row, column] = [Math.floor(i / wb), i % wb];
    const patch = Math.floor(row / config.stride) * gw + Math.floor(column / config.stride);
    if (valid[patch]) return null;
    return (row + column) % 3 === 0 ? STRIPE : BETWEEN;
  };
  const out: Layer = { rows: hb, cols: wb, step: 1, sources: [valid], colours };
  const outlines = q < 0 ? [] : [cellOutline(attention.cellOf(q), "match", config.ksize >> 1)];
  return { rows: hb, cols: wb, layers: [backgroundLayer(scene), out], outlines };
}

const PICTURES = [miniature];

function Foot() {
  const { session } = useTools();
  const { L, valid } = session.attention;
  return <span>{thousands(L - total(valid))} out</span>;
}

export const validity: Step = {
  name: "Validity",
  short: "Validity",
  Sentence,
  value: ({ attention, q }) => (attention.valid[q] ? "valid" : "out"),
  Thumbnail: () => <Thumbnails step={validity} pictures={PICTURES} />,
  Foot,
  rowStage: () => null,
  noRegion: "Validity is the same for every cell",
  shape: (_stage, run, { L }) => [run.inputs.n, L],
  values: (_stage, { attention }) => attention.valid,
  marks: patchMarks,
  strikesOut: true,
  Inspector,
};
