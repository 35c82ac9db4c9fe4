// The words at each picture: what it shows of this cell, and between which numbers its colours lie.
import { gradient } from "../engine/colour.ts";
import type { Cursor } from "../state/cursor.ts";
import type { HeatMap, Scene, Span, ViewName } from "../state/scene.ts";
import { stepOf } from "../steps/index.ts";
import { useTools } from "./context.ts";
import { cell } from "./format.ts";
import { Num } from "./numbers.tsx";

interface OfView {
  view: ViewName;
}

/** The heat map that lies over a picture. */
export function heatOf(view: ViewName, scene: Scene): HeatMap | null {
  if (view === "output") return null;
  return view === "foreground" ? scene.foregroundHeat : scene.backgroundHeat;
}

// ---- beside the name: what kind of picture ----

export function Heading({ view }: OfView) {
  const { session } = useTools();
  const scene = session.scene.value;
  const { c, H, W, Hb, Wb } = scene.run.inputs;
  const isOutput = view === "output";
  if (isOutput && !scene.known) return <>{lateness(session.progress.value)}</>;
  if (isOutput && stepOf(scene.stage).showsFlow) return <>offset flow</>;
  const shape = view === "background" ? [c, Hb, Wb] : [c, H, W];
  return <>{shape.join(" × ")}</>;
}

const lateness = (progress: number | null): string =>
  progress === null ? "not computed" : `computing, ${Math.round(100 * progress)} %`;

// ---- the legend of the colours ----

export function Legend({ view }: OfView) {
  const { session } = useTools();
  const scene = session.scene.value;
  const heat = heatOf(view, scene);
  if (!heat) return null;
  const { low, high, signed } = heat.range;
  return (
    <>
      <span>
        <Num value={low} />
      </span>
      <span class="ctx-ramp" style={{ background: gradient(signed) }} />
      <span>
        <Num value={high} />
      </span>
      <small>{spanWords(scene.span, scene.cursor)}</small>
    </>
  );
}

function spanWords(span: Span, cursor: Cursor): string {
  if (span === "everything") return span;
  return `this ${span === "row" ? cursor.kind : span}`;
}

// ---- the caption below ----

export function Caption({ view }: OfView) {
  const { session } = useTools();
  const scene = session.scene.value;
  if (view === "foreground") return <ForegroundCaption scene={scene} />;
  if (view === "background") return <BackgroundCaption scene={scene} />;
  return <OutputCaption scene={scene} />;
}

interface OfScene {
  scene: Scene;
}

const Kept = ({ cursor }: { cursor: Cursor }) => {
  const isKept = cursor.kind !== "nothing" && cursor.kept;
  return <span>{isKept ? " · kept" : " · click keeps it"}</span>;
};

function ForegroundCaption({ scene }: OfScene) {
  const { cursor, ledger, run, sample, attention } = scene;
  if (cursor.kind === "nothing") return <>each cell is a query</>;
  if (cursor.kind === "pixel") {
    return (
      <>
        the <Num value={ledger?.terms.length ?? 0} /> queries whose patches overlap there
      </>
    );
  }
  if (cursor.kind === "patch") return <PatchUses scene={scene} />;
  const [row, column] = cursor.query;
  if (cursor.partner !== null) {
    return (
      <>
        query {cell(row, column)}
        {cursor.kept && <span> · kept</span>}
      </>
    );
  }
  const { rate } = attention.config;
  const isHole = run.foregroundMaskOf(sample)?.[(row * attention.W + column) * rate];
  return (
    <>
      query {cell(row, column)}
      {isHole ? <span>, in the hole</span> : null}
      <Kept cursor={cursor} />
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
  const { attention, cursor } = scene;
  if (cursor.kind === "nothing") return <>where the patches come from</>;
  if (cursor.kind === "pixel") return <>where its colour comes from</>;
  if (cursor.kind === "patch") {
    return (
      <>
        patch {cell(...attention.cellOf(cursor.patch))}
        <Kept cursor={cursor} />
      </>
    );
  }
  if (cursor.partner !== null) {
    return <>patch {cell(...attention.cellOf(cursor.partner))} against the query</>;
  }
  return (
    <>
      {scene.rowStage && <span>{titleOf(scene)}; </span>}
      best five outlined
    </>
  );
}

function OutputCaption({ scene }: OfScene) {
  const { attention, cursor } = scene;
  if (cursor.kind === "nothing") return <>what attention puts together</>;
  if (cursor.kind === "patch") return <>the places it is pasted most</>;
  if (cursor.kind === "pixel") {
    return (
      <>
        pixel {cell(...cursor.pixel)}
        <Kept cursor={cursor} />
      </>
    );
  }
  const side = 2 * attention.config.rate;
  return (
    <>
      the <Num value={side} />×<Num value={side} /> pixels it helps to rebuild
    </>
  );
}

/** The title of the stage whose row is shown. */
function titleOf({ rowStage, run, stage }: Scene): string {
  const key = rowStage ?? stage;
  return run.inputs.meta.registry.find((entry) => entry.key === key)?.title ?? key;
}
