// What is said of each tick of the fusion.
import {
  countedAt,
  type FusionFrame,
  type FusionMechanism,
  type Pair,
} from "../../engine/mechanisms/fusion.ts";
import type { Place } from "../../state/cursor.ts";
import type { Scene } from "../../state/scene.ts";
import { At } from "../numbers.tsx";
import { CellWord, PatchWord } from "../Sentence.tsx";
import { Value } from "../terms.tsx";

interface SentenceProps {
  scene: Scene;
  mechanism: FusionMechanism;
  frame: FusionFrame;
}

export function FusionSentence(props: SentenceProps) {
  switch (props.frame.phase) {
    case "unrolled":
      return <Unrolled {...props} />;
    case "rows":
      return <AlongRows {...props} />;
    case "transposed":
      return <Transposed {...props} />;
    case "columns":
      return <DownColumns {...props} />;
    case "back":
      return <Back {...props} />;
  }
}

function Unrolled({ scene, mechanism }: SentenceProps) {
  const { attention } = scene;
  const { p, q } = mechanism;
  if (attention.reach === 0) {
    return <>Nothing moves: without neighbours to add, the score stays what it is.</>;
  }
  return (
    <>
      <CellWord at={attention.place(p)} isFirst /> is number {p},{" "}
      <PatchWord at={attention.cellOf(q)} /> number {q}, counted row by row. Both will take the same
      steps, side by side.
    </>
  );
}

function AlongRows({ scene, frame }: SentenceProps) {
  const { pair } = frame;
  if (!pair) return null;
  const sum = frame.lines[frame.line];
  return (
    <>
      <Met scene={scene} pair={pair} isMiddle={pair.d === 0 && pair.e === 0} />:{" "}
      {pair.inside ? "their score is " : "nothing to add, "}
      <Value name="added" value={pair.value} />; sum along the row so far{" "}
      <Value name="sum" value={sum} />.
    </>
  );
}

interface MetProps {
  scene: Scene;
  pair: Pair;
  isMiddle: boolean;
}

/** Which pair is met, and whether either came there over the end of a line. */
function Met({ scene, pair, isMiddle }: MetProps) {
  const { attention } = scene;
  if (!pair.inside) return <>One step on, one of the two falls off its grid</>;
  const query: Place = attention.place(pair.p);
  const patch: Place = attention.cellOf(pair.q);
  return (
    <>
      {isMiddle ? "The pair itself, " : "Query "}
      <At place={query} role="query" />
      {isMiddle ? " and " : " meets patch "}
      <At place={patch} role="match" />
      {pair.queryWraps || pair.patchWraps ? <Over pair={pair} /> : null}
    </>
  );
}

/** Who ran over the end of a line onto the next. */
function Over({ pair: { queryWraps, patchWraps } }: { pair: Pair }) {
  if (queryWraps && patchWraps) {
    return <em class="ctx-over">, both over the end of their lines, no neighbours</em>;
  }
  const who = queryWraps ? "the query" : "the patch";
  return <em class="ctx-over">, {who} over the end of its line, no neighbour</em>;
}

function Transposed({ scene, mechanism }: SentenceProps) {
  const { queryGrid, patchGrid } = scene.attention;
  const { p, q } = mechanism;
  const query = countedAt(p, queryGrid, "columns");
  const patch = countedAt(q, patchGrid, "columns");
  return (
    <>
      The transpose: no score changes, the cells of both grids are only counted anew, column by
      column. Query {p} is number {query} now, patch {q} number {patch}: one step on is the cell
      below.
    </>
  );
}

function DownColumns({ scene, frame }: SentenceProps) {
  const { pair, total } = frame;
  if (!pair || total === null) return null;
  return (
    <>
      <Met scene={scene} pair={pair} isMiddle={pair.e === 0} />: the first pass has left{" "}
      <Value name="added" value={pair.value} /> there; sum of both passes so far{" "}
      <Value name="sum" value={total} />.
    </>
  );
}

function Back({ scene, mechanism, frame }: SentenceProps) {
  const { attention } = scene;
  const { p, q } = mechanism;
  const count = mechanism.lines.length ** 2;
  return (
    <>
      The second transpose counts row by row again, so that{" "}
      <At place={attention.place(p)} role="query" /> and{" "}
      <At place={attention.cellOf(q)} role="match" /> have their old numbers. The fused score is{" "}
      <Value name="fused" value={frame.total ?? 0} />, the sum of {count}{" "}
      {count === 1 ? "score" : "scores"}.
    </>
  );
}
