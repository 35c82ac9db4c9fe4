// Patches: small squares around each cell, of the shrunk maps to match, of b itself to paste.
import { useGo } from "../views/context.ts";
import { At, Link, Num } from "../views/numbers.tsx";
import { MatchTile, PasteTile, QueryTile } from "../views/tiles.tsx";
import { patchMarks } from "./boxes.ts";
import type { InspectorProps, Step } from "./step.ts";

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q, query, patch } = scene;
  const { c } = attention;
  const { ksize, rate } = attention.config;
  const side = 2 * rate;
  const go = useGo();
  const match = attention.cellOf(q);
  return (
    <>
      <p class="ctx-line">
        w<sub>q</sub>: <Num value={ksize} /> · <Num value={ksize} /> · <Num value={c} /> ={" "}
        <Num value={ksize * ksize * c} /> numbers; v<sub>q</sub>: <Num value={side} /> ·{" "}
        <Num value={side} /> · <Num value={c} /> = <Num value={side * side * c} /> numbers, both of
        cell <At place={match} role="match" />
      </p>
      <div class="ctx-figures">
        <figure>
          <QueryTile scene={scene} />
          <figcaption>
            query <At place={attention.place(p)} role="query" /> of f↓, {ksize}×{ksize}
          </figcaption>
        </figure>
        <figure>
          <MatchTile scene={scene} />
          <figcaption>
            matching patch <At place={match} role="match" /> of b↓, {ksize}×{ksize}
          </figcaption>
        </figure>
        <figure>
          <PasteTile scene={scene} />
          <figcaption>
            its paste patch of b, {side}×{side}
          </figcaption>
        </figure>
      </div>
      <p>
        Matching compares {ksize}×{ksize} patches of the shrunk maps; what is pasted is {side}×
        {side} of the full-size background, every {rate} pixels, so that neighbours overlap. Hatched
        places are padding: zeros. Made from{" "}
        <Link onClick={() => go("downsampled_b", query, patch)}>the shrunk background</Link>.
      </p>
    </>
  );
}

export const patches: Step = {
  name: "Patches",
  rowStage: () => null,
  shape: (stage, run, { c, L, config }) => {
    const side = stage === "matching_patches" ? config.ksize : 2 * config.rate;
    return [run.inputs.n, L, c, side, side];
  },
  values: (stage, { attention, q }) =>
    stage === "matching_patches" ? attention.matchingPatch(q) : attention.pastePatch(q),
  marks: patchMarks,
  Inspector,
};
