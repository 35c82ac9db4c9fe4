// Patches, watched: a window slides over the grid and lifts one patch after the other off.
import {
  type PatchFrame,
  type PatchMechanism,
  patchMechanism,
} from "../../engine/mechanisms/patches.ts";
import type { Scene } from "../../state/scene.ts";
import type { Colours } from "../bitmap.ts";
import { coloursOf } from "../colours.ts";
import { cell, thousands } from "../format.ts";
import { At } from "../numbers.tsx";
import { Value } from "../terms.tsx";
import { PatchTile } from "../tiles.tsx";
import { Board, Figure } from "./Board.tsx";
import type { Filming } from "./film.ts";

export const patchFilm: Filming = (scene) => {
  const kind = scene.stage === "paste_patches" ? "paste" : "matching";
  const mechanism = patchMechanism(scene.attention, kind);
  return {
    last: mechanism.last,
    stops: scene.q < 0 ? [] : [scene.q],
    draw: (tick) => (
      <Picture scene={scene} mechanism={mechanism} tick={tick} isPaste={kind === "paste"} />
    ),
    tell: (tick) => <Sentence scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
  };
};

interface PictureProps {
  scene: Scene;
  mechanism: PatchMechanism;
  tick: number;
  isPaste: boolean;
}

const MOST_LIFTED = 5; // earlier patches on the pile

function Picture({ scene, mechanism, tick, isPaste }: PictureProps) {
  const { attention } = scene;
  const { map, at } = mechanism;
  const frame = at(tick);
  const values = isPaste ? attention.b : attention.downsampledB;
  const inner = coloursOf(scene, values, map.rows * map.cols);
  const colours: Colours = (i) => {
    const y = Math.floor(i / map.width) - map.before;
    const x = (i % map.width) - map.before;
    return y >= 0 && y < map.rows && x >= 0 && x < map.cols ? inner(y * map.cols + x) : null;
  };
  const [top, left] = frame.corner;
  const window = {
    top: top + map.before,
    left: left + map.before,
    rows: map.side,
    cols: map.side,
  };
  const earlier = Array.from({ length: MOST_LIFTED }, (_, i) => tick - i - 1);
  const placeOf = (q: number) => {
    const [row, column] = attention.cellOf(q);
    return [row, column].map((each) => each * (isPaste ? attention.config.rate : 1));
  };
  const tileOf = (q: number) => {
    const [row, column] = placeOf(q);
    return { scene, maps: map, at: [row, column] as const, role: "match" as const };
  };
  return (
    <>
      <Figure name={isPaste ? "b, with zeros around it" : "b↓, with zeros around it"}>
        <Board
          rows={map.height}
          cols={map.width}
          colours={colours}
          sources={[values, scene.channel]}
          side={200}
          label="the background, with the window over it"
          boxes={[{ box: window, role: "match" }]}
        />
      </Figure>
      <Figure
        name={
          <>
            lifted off: patch {thousands(frame.q)}, <At place={frame.place} role="match" />
          </>
        }
      >
        <PatchTile {...tileOf(tick)} side={128} />
      </Figure>
      <Figure name="those before it">
        <span class="ctx-pile">
          {earlier.map((q, i) =>
            q >= 0 ? (
              <PatchTile key={i} {...tileOf(q)} side={44} />
            ) : (
              <span
                key={i}
                class="ctx-tile"
                style={`--rows: ${map.side}; --step: ${Math.floor(44 / map.side)}px`}
              />
            ),
          )}
        </span>
      </Figure>
    </>
  );
}

interface SentenceProps {
  scene: Scene;
  mechanism: PatchMechanism;
  frame: PatchFrame;
}

function Sentence({ scene, mechanism, frame }: SentenceProps) {
  const { c, L } = scene.attention;
  const { side } = mechanism.map;
  const { step } = mechanism;
  return (
    <>
      Patch <Value name="patch" value={frame.q} /> of {thousands(L)}: the window around cell{" "}
      {cell(...frame.place)} lifts {side} · {side} · {c} ={" "}
      <Value name="numbers" value={frame.values.length} /> numbers off
      {frame.outside > 0 && (
        <>
          , of which <Value name="zeros" value={c * frame.outside} /> lie outside and are 0
        </>
      )}
      ; <Next scene={scene} q={frame.q} step={step} />.
    </>
  );
}

/** Where the window goes from a patch. */
function Next({ scene, q, step }: { scene: Scene; q: number; step: number }) {
  const { L, gw } = scene.attention;
  if (q === L - 1) return <>it was the last one</>;
  if ((q + 1) % gw === 0) return <>then it goes to the start of the next row</>;
  return <>then it moves {step === 1 ? "one column" : `${step} columns`} on</>;
}
