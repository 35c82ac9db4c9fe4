// Shrink, watched: a window goes over the map, and of each rate × rate pixels one is kept.
import {
  type ShrinkFrame,
  type ShrinkMechanism,
  shrinkMechanism,
} from "../../engine/mechanisms/shrink.ts";
import type { Scene } from "../../state/scene.ts";
import { cellOf, colourOfMap, fullColours, type ShrunkCell } from "../../steps/shrink.tsx";
import type { Colours } from "../bitmap.ts";
import { cell } from "../format.ts";
import { Vector } from "../terms.tsx";
import { Board, cellBox, Figure } from "./Board.tsx";
import type { Filming } from "./film.ts";

export const shrinkFilm: Filming = (scene) => {
  const { attention, p, q } = scene;
  const isOfQuery = scene.stage === "downsampled_f";
  if ((isOfQuery ? p : q) < 0) return null;
  const shrunk = cellOf(scene);
  const [rows, cols] = shrunk.size;
  const values = fullValues(scene, shrunk);
  const mechanism = shrinkMechanism(attention, { rows, cols, values }, shrunk.place);
  return {
    last: mechanism.last,
    draw: (tick) => <Picture scene={scene} shrunk={shrunk} mechanism={mechanism} tick={tick} />,
    tell: (tick) => <Sentence scene={scene} shrunk={shrunk} frame={mechanism.at(tick)} />,
  };
};

function fullValues({ attention }: Scene, { name, size }: ShrunkCell) {
  if (name === "m") return attention.mask ?? new Uint8Array(size[0] * size[1]);
  return name === "f" ? attention.f : attention.b;
}

interface PictureProps {
  scene: Scene;
  shrunk: ShrunkCell;
  mechanism: ShrinkMechanism;
  tick: number;
}

const FADED = 56; // of 255: what is left of a pixel that was passed by

function Picture({ scene, shrunk, mechanism, tick }: PictureProps) {
  const { cells, pixels } = mechanism;
  const { rate } = scene.attention.config;
  const frame = mechanism.at(tick);
  const role = shrunk.name === "f" ? "query" : "match";
  const all = fullColours(scene, shrunk);
  const kept = new Set(frame.kept.map(([y, x]) => y * shrunk.size[1] + x));
  const passed = ([row, column]: readonly [number, number]) => {
    const [down, right] = [row - cells.top, column - cells.left];
    return down * cells.cols + right <= tick && right < cells.cols;
  };
  const colours: Colours = (i) => {
    const y = pixels.top + Math.floor(i / pixels.cols);
    const x = pixels.left + (i % pixels.cols);
    const index = y * shrunk.size[1] + x;
    const colour = all(index);
    const isLeft = !kept.has(index) && passed([Math.floor(y / rate), Math.floor(x / rate)]);
    return colour && isLeft ? [colour[0], colour[1], colour[2], FADED] : colour;
  };
  const shrunkColours = colourOfMap(scene, shrunk);
  const smaller: Colours = (i) => {
    if (i > tick) return null;
    const row = cells.top + Math.floor(i / cells.cols);
    const column = cells.left + (i % cells.cols);
    return shrunkColours([row, column]);
  };
  const [row, column] = frame.cell;
  const window = { ...offsetBy([row * rate, column * rate], pixels), rows: rate, cols: rate };
  const pixel = cellBox(placeIn(frame.pixel, pixels));
  return (
    <>
      <Figure name={`${shrunk.name}, ${rate}×${rate} pixels a cell; what is left out fades`}>
        <Board
          rows={pixels.rows}
          cols={pixels.cols}
          colours={colours}
          side={200}
          isPlain
          label={`the map ${shrunk.name} around the cell, with the pixels that are kept`}
          boxes={[
            { box: window, role, kind: "light" },
            { box: pixel, role },
          ]}
        />
      </Figure>
      <Figure name={`${shrunk.name}↓, so far`}>
        <Board
          rows={cells.rows}
          cols={cells.cols}
          colours={smaller}
          side={200}
          label={`the shrunk map ${shrunk.name}, as far as it is made`}
          boxes={[
            { box: cellBox(placeIn(shrunk.place, cells)), role, kind: "light" },
            { box: cellBox(placeIn(frame.cell, cells)), role },
          ]}
        />
      </Figure>
    </>
  );
}

type Corner = { readonly top: number; readonly left: number };

const placeIn = ([y, x]: readonly [number, number], { top, left }: Corner) =>
  [y - top, x - left] as const;

const offsetBy = ([y, x]: readonly [number, number], { top, left }: Corner): Corner => ({
  top: y - top,
  left: x - left,
});

interface SentenceProps {
  scene: Scene;
  shrunk: ShrunkCell;
  frame: ShrinkFrame;
}

function Sentence({ scene, shrunk, frame }: SentenceProps) {
  const { rate, shrink } = scene.attention.config;
  if (rate === 1) {
    return (
      <>
        At rate 1 every pixel is kept: cell {cell(...frame.cell)} has{" "}
        <Vector name="kept" values={frame.values} />.
      </>
    );
  }
  const [row, column] = frame.exact.map((at) => String(Math.round(100 * at) / 100));
  return (
    <>
      Cell {cell(...frame.cell)} falls at row {row} and column {column} of {shrunk.name}
      {shrink === "floor" ? "" : ", rounded"}: pixel {cell(...frame.pixel)} is kept, with{" "}
      <Vector name="kept" values={frame.values} />.
    </>
  );
}
