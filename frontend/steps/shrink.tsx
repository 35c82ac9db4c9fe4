// Shrink: of every rate × rate pixels of f, b and the mask one is kept.
import type { Attention } from "../engine/attention.ts";
import { nearestIndices } from "../engine/downsampling.ts";
import { clamp } from "../engine/numbers.ts";
import type { StageKey } from "../generated/stages.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import type { Colour, Colours } from "../views/bitmap.ts";
import { coloursOf } from "../views/colours.ts";
import { cell } from "../views/format.ts";
import { RateKnob } from "../views/knobs.tsx";
import { At } from "../views/numbers.tsx";
import { HoleWord, PatchWord } from "../views/Sentence.tsx";
import { Chip, Note, Sign, Term, Terms, Vector } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { Tile } from "../views/tiles.tsx";
import { holeOfQueries } from "./hole.ts";
import { cellOutline } from "./miniatures.ts";
import { Rule } from "./shrink_rule.tsx";
import type { Drawing, InspectorProps, Miniature, Step } from "./step.ts";
import { Outside, QueryWord } from "./words.tsx";

export const HOLE = [204, 121, 167];
export const OUTSIDE = [230, 233, 236];

/** A map that is shrunk, at the cell of the scene. */
export interface ShrunkCell {
  readonly name: "f" | "b" | "m";
  readonly place: Place;
  /** Rows and columns of the map, in pixels. */
  readonly size: Place;
  readonly values: ArrayLike<number>;
}

export function cellOf({ stage, attention, p, q }: Scene): ShrunkCell {
  const { H, W, Hb, Wb, P, wb } = attention;
  if (stage === "downsampled_f") {
    const values = channelsAt(attention.downsampledF, p, P);
    return { name: "f", place: attention.place(p), size: [H, W], values };
  }
  const place = attention.cellOf(q);
  const index = place[0] * wb + place[1];
  if (stage === "downsampled_mask") {
    return { name: "m", place, size: [Hb, Wb], values: [attention.downsampledMask[index]] };
  }
  const values = channelsAt(attention.downsampledB, index, attention.hb * wb);
  return { name: "b", place, size: [Hb, Wb], values };
}

/** The number of each channel at a place of maps of `area` places. */
function channelsAt(maps: ArrayLike<number>, index: number, area: number): number[] {
  return Array.from({ length: maps.length / area }, (_, k) => maps[k * area + index]);
}

/** The pixel of the full map that a cell takes. */
function pixelOf({ config }: Attention, { place, size }: ShrunkCell): Place {
  const rows = nearestIndices(size[0], config.rate, config.shrink);
  const columns = nearestIndices(size[1], config.rate, config.shrink);
  return [rows[place[0]], columns[place[1]]];
}

function Sentence({ scene }: InspectorProps) {
  const { attention, stage, q } = scene;
  const { rate } = attention.config;
  const shrunk = cellOf(scene);
  const pixel = cell(...pixelOf(attention, shrunk));
  const square = `${rate}×${rate} pixels`;
  if (stage === "downsampled_f") {
    return (
      <>
        <QueryWord scene={scene} isFirst /> stands for {rate === 1 ? "one pixel" : square}; the
        matching sees {rate === 1 ? "every one" : `one of them, ${pixel}`}.
        <Outside scene={scene} />
      </>
    );
  }
  const patch = <PatchWord at={attention.cellOf(q)} isFirst />;
  if (stage === "downsampled_b") {
    return (
      <>
        {patch} lies around a cell that stands for {rate === 1 ? "one pixel" : square}; it takes the
        colour of {pixel}.
      </>
    );
  }
  return (
    <>
      {patch} lies around a cell {shrunk.values[0] ? "in" : "outside of"} the <HoleWord />: what
      counts is pixel {pixel}.
    </>
  );
}

function Inspector({ scene }: InspectorProps) {
  const { attention } = scene;
  const { rate } = attention.config;
  const shrunk = cellOf(scene);
  const { name, place, values } = shrunk;
  const role = name === "f" ? "query" : "match";
  const pixel = pixelOf(attention, shrunk);
  return (
    <>
      <Terms>
        <Term
          picture={<Surroundings scene={scene} shrunk={shrunk} pixel={pixel} />}
          value={`pixel ${cell(...pixel)}`}
          role={role}
        >
          {rate === 1
            ? `${name}: every pixel is kept`
            : `${name} around it; the ringed one is kept`}
        </Term>
        <Sign>→</Sign>
        <Term
          kind="result"
          picture={<Chip colour={colourOfMap(scene, shrunk)(place)} />}
          value={<Vector name="kept" values={values} />}
          role={role}
        >
          {name}↓ at cell <At place={place} role={role} />
        </Term>
      </Terms>
      <Note>
        <Explanation attention={attention} shrunk={shrunk} />
      </Note>
    </>
  );
}

function Explanation({ attention, shrunk }: { attention: Attention; shrunk: ShrunkCell }) {
  if (attention.config.rate === 1) {
    return <>At rate 1 nothing is shrunk: the matching sees every pixel.</>;
  }
  if (shrunk.name === "m") {
    return (
      <>
        The hole is shrunk by the same rule as f and b. One that is thinner than the step between
        kept pixels can fall between them and vanish.
      </>
    );
  }
  return <Rule attention={attention} place={shrunk.place} size={shrunk.size} />;
}

/** The colour that each cell has on the shrunk map. */
export function colourOfMap(
  scene: Scene,
  { name }: Pick<ShrunkCell, "name">,
): (place: Place) => Colour | null {
  const { downsampledF, downsampledB, downsampledMask, P, w, hb, wb } = scene.attention;
  if (name === "m") return ([row, column]) => (downsampledMask[row * wb + column] ? HOLE : OUTSIDE);
  if (name === "f") {
    const colours = coloursOf(scene, downsampledF, P);
    return ([row, column]) => colours(row * w + column);
  }
  const colours = coloursOf(scene, downsampledB, hb * wb);
  return ([row, column]) => colours(row * wb + column);
}

interface SurroundingsProps {
  scene: Scene;
  shrunk: ShrunkCell;
  pixel: Place;
}

/** The full map around the pixel that is kept. */
function Surroundings({ scene, shrunk, pixel }: SurroundingsProps) {
  const { rate } = scene.attention.config;
  const [rows, cols] = shrunk.size;
  const side = Math.min(3 * rate, rows, cols);
  const top = clamp(pixel[0] - (side >> 1), rows - side + 1);
  const left = clamp(pixel[1] - (side >> 1), cols - side + 1);
  const all = fullColours(scene, shrunk);
  const colours: Colours = (i) => all((top + Math.floor(i / side)) * cols + left + (i % side));
  const ring = [(pixel[0] - top) * side + pixel[1] - left];
  return <Tile rows={side} side={80} colours={colours} ring={ring} />;
}

/** The colours of the map before it is shrunk. */
export function fullColours(scene: Scene, { name, size }: ShrunkCell): Colours {
  const { attention } = scene;
  const [rows, cols] = size;
  if (name === "m") return (i) => (attention.mask?.[i] ? HOLE : OUTSIDE);
  return coloursOf(scene, name === "f" ? attention.f : attention.b, rows * cols);
}

function picture(view: ViewName, scene: Scene): Drawing | null {
  const { attention, stage, channel } = scene;
  const { h, w, hb, wb, downsampledF, downsampledB, downsampledMask } = attention;
  if (stage === "downsampled_f") {
    if (view !== "foreground") return null;
    const colours = coloursOf(scene, downsampledF, h * w);
    return { rows: h, cols: w, colours, sources: [downsampledF, channel] };
  }
  if (view !== "background") return null;
  const plain = coloursOf(scene, downsampledB, hb * wb);
  if (stage !== "downsampled_mask") {
    return { rows: hb, cols: wb, colours: plain, sources: [downsampledB, channel] };
  }
  const colours: Colours = (i) => (downsampledMask[i] ? HOLE : plain(i));
  const sources = [downsampledB, downsampledMask, channel];
  return { rows: hb, cols: wb, colours, sources };
}

function values(stage: StageKey, { attention, p }: Scene): ArrayLike<number> {
  if (stage === "downsampled_f") return channelsAt(attention.downsampledF, p, attention.P);
  return stage === "downsampled_mask" ? attention.downsampledMask : attention.downsampledB;
}

/** f↓ with the hole, and the query. */
function miniature(scene: Scene): Miniature {
  const { attention, run, sample, channel, p } = scene;
  const { h, w, downsampledF, downsampledMask } = attention;
  const colours = (): Colours => {
    const plain = coloursOf(scene, downsampledF, h * w);
    const hole = holeOfQueries(scene);
    const isStriped = (i: number) => hole?.[i] && (Math.floor(i / w) + (i % w)) % 4 === 0;
    return (i) => (isStriped(i) ? HOLE : plain(i));
  };
  const hole = run.inputs.foregroundMask ?? downsampledMask;
  const sources = [downsampledF, hole, sample, channel];
  const layers = [{ rows: h, cols: w, step: 1, sources, colours }];
  const outlines = p < 0 ? [] : [cellOutline(attention.place(p), "query", 0)];
  return { rows: h, cols: w, layers, outlines };
}

const PICTURES = [miniature];

export const shrink: Step = {
  name: "Shrink",
  short: "Shrink",
  Sentence,
  value: ({ query }) => (query ? cell(...query) : ""),
  Thumbnail: () => <Thumbnails step={shrink} pictures={PICTURES} />,
  Foot: RateKnob,
  rowStage: () => null,
  noRegion: "Colours are not added up",
  shape: (stage, run, { c, h, w, hb, wb }) => {
    const { n } = run.inputs;
    if (stage === "downsampled_f") return [n, c, h, w];
    if (stage === "downsampled_b") return [n, c, hb, wb];
    return [run.mask?.shape[0] ?? 1, 1, hb, wb];
  },
  values,
  picture,
  Inspector,
};
