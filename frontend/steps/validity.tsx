// Validity: only patches that do not touch the hole may be pasted.
import { useGo } from "../views/context.ts";
import { total } from "../views/format.ts";
import { At, Link, Num } from "../views/numbers.tsx";
import { MatchTile } from "../views/tiles.tsx";
import { patchMarks } from "./boxes.ts";
import type { InspectorProps, Step } from "./step.ts";

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
      <p class="ctx-line">
        valid
        <At place={place} role="match" /> ={" "}
        {holes.length > 0 ? (
          <span>
            <b>0</b>, since m↓(
            <Num value={holes[0][0]} />, <Num value={holes[0][1]} />) = 1
          </span>
        ) : (
          <span>
            <b>1</b>: every m↓ around it is 0
          </span>
        )}
      </p>
      <div class="ctx-figures">
        <figure>
          <MatchTile scene={scene} ring={ring} />
          <figcaption>
            patch <At place={place} role="match" />:{" "}
            {holes.length > 0 ? (
              <span>
                <Num value={holes.length} /> of its cells in the hole, ringed
              </span>
            ) : (
              <span>no cell in the hole</span>
            )}
          </figcaption>
        </figure>
        <figure>
          <b class="ctx-big">
            <Num value={usable} /> of <Num value={L} />
          </b>
          <figcaption>background patches may be used</figcaption>
        </figure>
        <figure>
          <b class="ctx-big">
            <Num value={L - usable} />
          </b>
          <figcaption>touch the hole: hatched in the background</figcaption>
        </figure>
      </div>
      <p>
        Move over the background to test another patch. Made from{" "}
        <Link onClick={() => go("downsampled_mask", query, patch)}>the shrunk mask</Link>.
      </p>
    </>
  );
}

export const validity: Step = {
  name: "Validity",
  rowStage: () => null,
  shape: (_stage, run, { L }) => [run.inputs.n, L],
  values: (_stage, { attention }) => attention.valid,
  marks: patchMarks,
  strikesOut: true,
  Inspector,
};
