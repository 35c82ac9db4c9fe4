// The words at each picture: what it shows of this cell, and between which numbers its colours lie.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { type Cursor, samePlace } from "../state/cursor.ts";
import type { KeptLink } from "../state/kept.ts";
import { boxOf } from "../state/region.ts";
import type { HeatMap, Scene, ViewName } from "../state/scene.ts";
import { missingOutput } from "../state/sides.ts";
import { useTools } from "./context.ts";
import { cell, digits } from "./format.ts";
import { MapCaption, MapLegend } from "./maps/MapFoot.tsx";
import { doubtOver } from "./maps/over.ts";
import { MUTUAL } from "./marks.ts";
import { Num } from "./numbers.tsx";
import { AskedCaption } from "./questions/Ask.tsx";
import { Ramp } from "./Ramp.tsx";
import { RegionCaption } from "./region.tsx";

interface OfView {
  view: ViewName;
}

/** The heat map that lies over a picture. */
export function heatOf(view: ViewName, scene: Scene): HeatMap | null {
  if (view === "output") return null;
  return view === "foreground" ? scene.foregroundHeat : scene.backgroundHeat;
}

// ---- the legend of the colours ----

export function Legend({ view }: OfView) {
  const { session } = useTools();
  const scene = session.scene.value;
  const heat = heatOf(view, scene);
  const doubt = doubtOver(view, scene);
  if (doubt) return <MapLegend scene={scene} doubt={doubt} />;
  if (!heat) return null;
  const title = `the colours span ${spanWords(scene)}`;
  return <Ramp range={heat.range} title={title} words={digits} />;
}

function spanWords({ span, cursor, regionSum, gradientMaps }: Scene): string {
  if (gradientMaps) return "this gradient";
  if (regionSum) return "this region";
  if (span === "everything") return span;
  return `this ${span === "row" ? cursor.kind : span}`;
}

// ---- the caption below ----

export function Caption({ view }: OfView) {
  const { session } = useTools();
  const scene = session.scene.value;
  if (scene.gradientMaps && view !== "output") return <GradientCaption view={view} />;
  const doubt = doubtOver(view, scene);
  if (doubt && !scene.region) return <MapCaption scene={scene} doubt={doubt} />;
  if (view === "foreground") return <ForegroundCaption scene={scene} />;
  if (view === "background") return <BackgroundCaption scene={scene} />;
  return <OutputCaption scene={scene} />;
}

const GradientCaption = ({ view }: OfView) => <>∂y/∂{view === "foreground" ? "f" : "b"}</>;

interface OfScene {
  scene: Scene;
}

interface RoleProps {
  role: "query" | "match" | "pixel";
  children: ComponentChildren;
}

/** Words in the colour of what they name. */
const Role = ({ role, children }: RoleProps) => <b class={`ctx-word-${role}`}>{children}</b>;

const Kept = ({ cursor }: { cursor: Cursor }) => {
  const isKept = cursor.kind !== "nothing" && cursor.kept;
  return <span>{isKept ? " · kept" : " · click keeps it"}</span>;
};

function ForegroundCaption({ scene }: OfScene) {
  const { cursor, ledger, links, region, run, sample, attention } = scene;
  if (region) {
    const { height, width } = boxOf(region);
    return (
      <>
        <Role role="query">
          region of {height} × {width} cells
        </Role>
        {!region.isComplete && <span> · Enter or letting go ends it</span>}
      </>
    );
  }
  if (cursor.kind === "nothing") return <>each cell is a query</>;
  if (cursor.kind === "pixel") {
    return <QueriesThere count={ledger?.terms.length ?? 0} />;
  }
  if (cursor.kind === "patch") return <PatchUses scene={scene} />;
  const [row, column] = cursor.query;
  if (cursor.partner !== null) {
    return (
      <>
        <Role role="query">query {cell(row, column)}</Role>
        {cursor.kept && <span> · kept</span>}
      </>
    );
  }
  const { rate } = attention.config;
  const isHole = run.foregroundMaskOf(sample)?.[(row * attention.W + column) * rate];
  return (
    <>
      <Role role="query">query {cell(row, column)}</Role>
      {isHole ? <span>, in the hole</span> : null}
      {links.length > 1 ? <span> · {links.length} cells kept</span> : <Kept cursor={cursor} />}
    </>
  );
}

/** What the foreground shows of a patch. */
function PatchUses({ scene }: OfScene) {
  if (!scene.foregroundHeat) return <span>see it at matching, fusion or softmax</span>;
  if (scene.pasted) return <span>where it is pasted, and how strongly</span>;
  return <span>its {titleOf(scene)} with every query</span>;
}

function BackgroundCaption({ scene }: OfScene) {
  const { asked, attention, cursor, links, regionSum } = scene;
  if (asked?.isOpen && cursor.kind === "query") return <AskedCaption asked={asked} />;
  if (regionSum) return <RegionCaption scene={scene} sum={regionSum} />;
  if (cursor.kind === "nothing") return <>where the patches come from</>;
  if (cursor.kind === "pixel") return <>where its colour comes from</>;
  if (cursor.kind === "patch") {
    return (
      <>
        <Role role="match">patch {cell(...attention.cellOf(cursor.patch))}</Role>
        <Kept cursor={cursor} />
      </>
    );
  }
  if (cursor.partner !== null) {
    const patch = cell(...attention.cellOf(cursor.partner));
    return (
      <>
        <Role role="match">patch {patch}</Role> against the query
      </>
    );
  }
  return (
    <>
      {scene.side === "A" && <span>A: </span>}
      {scene.side === "difference" && <span>B − A: </span>}
      {scene.rowStage && <span>{titleOf(scene)}; </span>}
      {links.length > 1 ? "match of each cell" : "best five outlined"}
      {links.some(isPair) && (
        <span title="The query at that place takes most from the cell in turn.">
          {" "}
          · {MUTUAL} mutual
        </span>
      )}
    </>
  );
}

const isPair = ({ cell: at, match, isMutual }: KeptLink): boolean =>
  isMutual && !samePlace(at, match);

function OutputCaption({ scene }: OfScene) {
  const { attention, cursor, side } = scene;
  if (side === "A") return <>the output of A</>;
  if (side === "difference") return <GapCaption scene={scene} />;
  if (cursor.kind === "nothing") return <>what attention puts together</>;
  if (cursor.kind === "patch") return <>the places it is pasted most</>;
  if (cursor.kind === "pixel") {
    return (
      <>
        <Role role="pixel">pixel {cell(...cursor.pixel)}</Role>
        <Kept cursor={cursor} />
      </>
    );
  }
  const pixels = 2 * attention.config.rate;
  return (
    <>
      <Role role="pixel">
        the <Num value={pixels} />×<Num value={pixels} /> pixels
      </Role>{" "}
      it helps to rebuild
    </>
  );
}

/** What differs between the outputs of A and B, or why that is not known. */
function GapCaption({ scene }: OfScene) {
  const { session } = useTools();
  const { run, pinned, sample } = scene;
  const A = pinned?.known(sample)?.output;
  const B = run.known(sample)?.output;
  const isSame = useMemo(() => A !== undefined && B !== undefined && areEqual(A, B), [A, B]);
  const progress = session.progress.value;
  const missing = missingOutput(scene, sample);
  if (missing === "B" && progress !== null) {
    return (
      <span class="ctx-adding">
        <progress aria-label="B is being computed" value={progress} />{" "}
        {`B is being computed: ${Math.round(100 * progress)} %`}
      </span>
    );
  }
  if (missing) return <>{missing}’s output was not computed: there is nothing to subtract</>;
  if (isSame) return <>A and B are equal at every pixel</>;
  return <>how much A and B differ, at most over the channels</>;
}

const areEqual = (A: Float32Array, B: Float32Array): boolean =>
  A === B || A.every((value, i) => value === B[i]);

/** The title of the stage whose row is shown. */
export function titleOf({ rowStage, run, stage }: Scene): string {
  const key = rowStage ?? stage;
  return run.inputs.meta.registry.find((entry) => entry.key === key)?.title ?? key;
}

const QueriesThere = ({ count }: { count: number }) =>
  count === 1 ? (
    <>the one query whose patch reaches there</>
  ) : (
    <>
      the <Num value={count} /> queries whose patches overlap there
    </>
  );
