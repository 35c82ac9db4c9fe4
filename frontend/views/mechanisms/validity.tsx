// Validity, watched: a window slides over the shrunk mask and counts what it covers of the hole.
import type { Mechanism } from "../../engine/mechanisms/mechanism.ts";
import { type ValidityFrame, validityMechanism } from "../../engine/mechanisms/validity.ts";
import type { Scene } from "../../state/scene.ts";
import { HOLE, OUTSIDE } from "../../steps/shrink.tsx";
import type { Colours } from "../bitmap.ts";
import { thousands } from "../format.ts";
import { HoleWord, PatchWord } from "../Sentence.tsx";
import { Value } from "../terms.tsx";
import { Board, cellBox, Figure } from "./Board.tsx";
import type { Filming } from "./film.ts";

export const validityFilm: Filming = (scene) => {
  const mechanism = validityMechanism(scene.attention);
  return {
    last: mechanism.last,
    stops: [scene.q, scene.attention.valid.indexOf(0)].filter((q) => q >= 0),
    draw: (tick) => <Picture scene={scene} mechanism={mechanism} tick={tick} />,
    tell: (tick) => <Sentence scene={scene} frame={mechanism.at(tick)} />,
  };
};

interface PictureProps {
  scene: Scene;
  mechanism: Mechanism<ValidityFrame>;
  tick: number;
}

const USABLE = [86, 180, 233]; // the colour of a match

function Picture({ scene, mechanism, tick }: PictureProps) {
  const { attention, q } = scene;
  const { hb, wb, gh, gw, valid, downsampledMask, config } = attention;
  const { ksize, stride } = config;
  const { place } = mechanism.at(tick);
  const [top, left] = [place[0] - (ksize >> 1), place[1] - (ksize >> 1)];
  const maskAt = (y: number, x: number) =>
    y < 0 || y >= hb || x < 0 || x >= wb ? null : downsampledMask[y * wb + x];
  const under = (i: number) => maskAt(top + Math.floor(i / ksize), left + (i % ksize));
  const windowColours: Colours = (i) => {
    const value = under(i);
    if (value === null) return null;
    return value ? HOLE : OUTSIDE;
  };
  const results: Colours = (i) => {
    if (i > tick) return null;
    return valid[i] ? USABLE : HOLE;
  };
  const chosen = q >= 0 ? attention.cellOf(q) : null;
  return (
    <>
      <Figure name="the mask on the shrunk grid">
        <Board
          rows={hb}
          cols={wb}
          colours={(i) => (downsampledMask[i] ? HOLE : OUTSIDE)}
          sources={[downsampledMask]}
          side={200}
          label="the shrunk mask, with the window over it"
          boxes={[{ box: { top, left, rows: ksize, cols: ksize }, role: "match" }]}
        />
      </Figure>
      <Figure name="under the window: 1 is hole">
        <Board
          rows={ksize}
          cols={ksize}
          colours={windowColours}
          side={128}
          label="the mask under the window"
          textAt={(i) => String(under(i) ?? "")}
        />
      </Figure>
      <Figure name="patches so far: blue may be pasted">
        <Board
          rows={gh}
          cols={gw}
          colours={results}
          side={200}
          label="which patches are valid, as far as they were tested"
          boxes={[
            ...(chosen
              ? [
                  {
                    box: cellBox([chosen[0] / stride, chosen[1] / stride]),
                    role: "match" as const,
                    kind: "done" as const,
                  },
                ]
              : []),
            { box: cellBox([place[0] / stride, place[1] / stride]), role: "match" },
          ]}
        />
      </Figure>
    </>
  );
}

function Sentence({ scene, frame }: { scene: Scene; frame: ValidityFrame }) {
  const { L } = scene.attention;
  const count = frame.holes.length;
  return (
    <>
      The window covers <Value name="holes" value={count} /> {count === 1 ? "cell" : "cells"} of the{" "}
      <HoleWord />: <PatchWord at={frame.place} /> is {frame.isValid ? "valid" : "out"}. Of{" "}
      {thousands(frame.q + 1)} tested, <Value name="valid" value={frame.validCount} /> are valid and{" "}
      <Value name="out" value={frame.outCount} /> out
      {frame.q + 1 < L ? `; ${thousands(L - frame.q - 1)} to come` : ""}.
    </>
  );
}
