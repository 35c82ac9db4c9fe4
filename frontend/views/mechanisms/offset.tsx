// Offset, watched: the largest share is sought, then the way to it is walked: rows, then columns.
import { wheelColour } from "../../engine/colour.ts";
import {
  type OffsetFrame,
  type OffsetMechanism,
  offsetMechanism,
} from "../../engine/mechanisms/offset.ts";
import type { Scene } from "../../state/scene.ts";
import { wayOf } from "../../steps/flow.tsx";
import { coloursOf } from "../colours.ts";
import { cell, percent } from "../format.ts";
import { CellWord, PatchWord } from "../Sentence.tsx";
import { Chip, Value } from "../terms.tsx";
import { Board, type BoardBox, cellBox, Figure } from "./Board.tsx";
import type { Filming } from "./film.ts";

export const offsetFilm: Filming = (scene) => {
  const { attention, p, q, patch } = scene;
  if (p < 0 || q < 0) return null;
  const mechanism = offsetMechanism(attention, p, q, patch !== null);
  return {
    last: mechanism.last,
    draw: (tick) => <Picture scene={scene} mechanism={mechanism} tick={tick} />,
    tell: (tick) => <Sentence scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
  };
};

const MOST_LEADERS = 7; // in the list

interface PictureProps {
  scene: Scene;
  mechanism: OffsetMechanism;
  tick: number;
}

function Picture({ scene, mechanism, tick }: PictureProps) {
  const { attention, run, sample } = scene;
  const { h, w, hb, wb, downsampledB } = attention;
  const { query, match, offset, leaders } = mechanism;
  const frame = mechanism.at(tick);
  const [rows, cols] = [Math.max(h, hb), Math.max(w, wb)];
  const inner = coloursOf(scene, downsampledB, hb * wb);
  const led = leaders.slice(0, tick);
  const boxes: BoardBox[] = [];
  const isSought = frame.phase === "start" || frame.phase === "search";
  const target = isSought ? frame.leader?.place : match;
  if (target) boxes.push({ box: cellBox(target), role: "match" });
  boxes.push({ box: cellBox(query), role: "query" });
  const corner = [query[0] + frame.walked[0], query[1]];
  const length = Math.hypot(...offset);
  const known = run.longest(sample);
  const isDone = frame.phase === "arrow";
  const scale = 50 / (Math.max(known, length) || 1);
  const [down, right] = frame.walked;
  return (
    <>
      <Figure name="b↓, with the query’s own place in it">
        <Board
          rows={rows}
          cols={cols}
          colours={(i) => {
            const [row, column] = [Math.floor(i / cols), i % cols];
            return row < hb && column < wb ? inner(row * wb + column) : null;
          }}
          sources={[downsampledB, scene.channel]}
          side={224}
          label="the way from the query to its match"
          boxes={boxes}
        >
          <g class="ctx-move">
            <Line from={query} to={[corner[0], corner[1]]} />
            <Line from={[corner[0], corner[1]]} to={frame.at} />
          </g>
          {isDone && (
            <g class="ctx-move ctx-whole-way">
              <Line from={query} to={match} />
            </g>
          )}
        </Board>
      </Figure>
      <Figure name="hue is direction, distance length">
        <span class="ctx-wheel">
          <i style={`left: ${50 + scale * right}%; top: ${50 + scale * down}%`} />
        </span>
      </Figure>
      <Figure name="its colour in the flow">
        <Chip colour={isDone ? wheelColour(offset[0], offset[1], known || length) : null} />
      </Figure>
      {leaders.length > 0 && (
        <dl class="ctx-sums ctx-leaders">
          {led.slice(-MOST_LEADERS).map(({ q, place, share }, i, all) => (
            <div key={q} class={i === all.length - 1 ? "ctx-taken" : undefined}>
              <dt>{cell(...place)}</dt>
              <dd>{percent(share)}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

type Point = readonly [number, number];

/** Between the middles of two cells. */
function Line({ from, to }: { from: Point; to: Point }) {
  const ends = { x1: from[1] + 0.5, y1: from[0] + 0.5, x2: to[1] + 0.5, y2: to[0] + 0.5 };
  return (
    <>
      <line {...ends} class="ctx-dark" />
      <line {...ends} />
    </>
  );
}

interface SentenceProps {
  scene: Scene;
  mechanism: OffsetMechanism;
  frame: OffsetFrame;
}

function Sentence({ scene, mechanism, frame }: SentenceProps) {
  const { query, match, leaders } = mechanism;
  const { leader, walked } = frame;
  if (frame.phase === "start") {
    return leaders.length > 0 ? (
      <>
        <CellWord at={query} isFirst /> has a share for each of {scene.attention.L} patches. They
        are gone through from the first to the last; whichever has more than all before it leads.
      </>
    ) : (
      <>
        <CellWord at={query} isFirst />, and <PatchWord at={match} />.
      </>
    );
  }
  if (frame.phase === "search" && leader) {
    return (
      <>
        <PatchWord at={leader.place} isFirst /> leads with{" "}
        <Value name="share" value={leader.share} />, {percent(leader.share)}.
      </>
    );
  }
  const [down, right] = walked;
  return (
    <>
      From <CellWord at={query} /> {down === 0 && right === 0 ? "no step" : wayOf(down, right)}
      {frame.phase === "arrow" ? (
        <>
          , which leads to <PatchWord at={match} />. The offset in rows down and columns right is
        </>
      ) : (
        <>: it stands at {cell(...frame.at)}. So far, in rows down and columns right,</>
      )}{" "}
      (<Value name="down" value={down} />, <Value name="right" value={right} />
      ).
    </>
  );
}
