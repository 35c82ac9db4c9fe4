// Shrink: of every rate × rate pixels of f, b and the mask one is kept.
import type { Attention } from "../engine/attention.ts";
import { nearestIndices } from "../engine/downsampling.ts";
import type { StageKey } from "../generated/stages.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import type { Colours } from "../views/bitmap.ts";
import { coloursOf } from "../views/colours.ts";
import { cell } from "../views/format.ts";
import { Num, Tuple } from "../views/numbers.tsx";
import type { Drawing, InspectorProps, Step } from "./step.ts";

const HOLE = [204, 121, 167];

/** A map that is shrunk, at the cell of the scene. */
interface ShrunkCell {
  readonly name: "f" | "b" | "m";
  readonly place: Place;
  /** Rows and columns of the map, in pixels. */
  readonly size: Place;
  readonly values: ArrayLike<number>;
}

function cellOf({ stage, attention, p, q }: Scene): ShrunkCell {
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

function Inspector({ scene }: InspectorProps) {
  const { rate, shrink: rule } = scene.attention.config;
  const { name, place, size, values } = cellOf(scene);
  const pixel = cell(
    nearestIndices(size[0], rate, rule)[place[0]],
    nearestIndices(size[1], rate, rule)[place[1]],
  );
  return (
    <>
      <p class="ctx-line">
        {name}↓<b>{cell(...place)}</b> = {name}
        {pixel} = <Tuple values={values} />
      </p>
      <div class="ctx-figures">
        <figure>
          <b class="ctx-big">
            pixel {pixel} → cell {cell(...place)}
          </b>
          <figcaption>
            {rate === 1 ? (
              "at rate 1 every pixel is kept"
            ) : (
              <>
                of every <Num value={rate} />×<Num value={rate} /> pixels one is kept, the others
                are never seen by the matching
              </>
            )}
          </figcaption>
        </figure>
      </div>
      <Rule attention={scene.attention} place={place} size={size} />
      {name === "m" && (
        <p>A hole thinner than the step between kept pixels can fall between them and vanish.</p>
      )}
    </>
  );
}

interface RuleProps {
  attention: Attention;
  place: Place;
  size: Place;
}

/** Which pixel the cell takes, and whether the other rule would take another. */
function Rule({ attention, place, size }: RuleProps) {
  const { rate, shrink: rule } = attention.config;
  const [row, column] = place;
  const [rows, columns] = size.map((length) => nearestIndices(length, rate, "align_corners"));
  const plain = cell(row * rate, column * rate);
  const aligned = cell(rows[row], columns[column]);
  const parting = partingOf(rows, columns, rate);
  if (rule === "align_corners") {
    return (
      <p>
        Aligned corners, as in the original: the first cell takes the first pixel, the last cell the
        last, and those between are spread evenly.{" "}
        {plain === aligned
          ? `Plain steps of ${rate} take the same pixel here${parting}.`
          : `For this cell that is pixel ${aligned}; plain steps of ${rate} would take ${plain}.`}
      </p>
    );
  }
  return (
    <p>
      Plain steps: row {row} takes pixel {row} · {rate} = {row * rate}, column {column} pixel{" "}
      {column} · {rate} = {column * rate}. The original aligns the corners instead, first cell to
      first pixel and last to last:{" "}
      {plain === aligned
        ? `here that is the same pixel${parting}.`
        : `for this cell it would take ${aligned}.`}
    </p>
  );
}

/** Where the two rules begin to take different pixels: once they do, the distance only grows. */
function partingOf(rows: Int32Array, columns: Int32Array, rate: number): string {
  const row = rows.findIndex((pixel, i) => pixel !== i * rate);
  const column = columns.findIndex((pixel, i) => pixel !== i * rate);
  const lines: string[] = [];
  if (row >= 0) lines.push(`row ${row}`);
  if (column >= 0) lines.push(`column ${column}`);
  if (lines.length === 0) return ", as everywhere in a map of this size";
  return `; the two rules part from ${lines.join(" or ")} on`;
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

export const shrink: Step = {
  name: "Shrink",
  rowStage: () => null,
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
