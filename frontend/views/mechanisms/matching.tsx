// Matching, watched: product after product, a sum that grows, and one division at the end.
import { paint, rangeOf } from "../../engine/colour.ts";
import {
  type MatchingFrame,
  type MatchingMechanism,
  matchingMechanism,
} from "../../engine/mechanisms/matching.ts";
import { extremes } from "../../engine/numbers.ts";
import type { Scene } from "../../state/scene.ts";
import type { Colours } from "../bitmap.ts";
import { digits } from "../format.ts";
import type { Role } from "../numbers.tsx";
import { CellWord, PatchWord } from "../Sentence.tsx";
import { Sign, Value } from "../terms.tsx";
import { Board, brief, cellBox, Figure, pale } from "./Board.tsx";
import type { Filming } from "./film.ts";

export const matchingFilm: Filming = (scene) => {
  const { attention, p, q } = scene;
  if (p < 0 || q < 0) return null;
  const mechanism = matchingMechanism(attention, p, q);
  return {
    last: mechanism.last,
    draw: (tick) => <Picture scene={scene} mechanism={mechanism} tick={tick} />,
    tell: (tick) => <Sentence scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
  };
};

interface PictureProps {
  scene: Scene;
  mechanism: MatchingMechanism;
  tick: number;
}

const SIDE = 132;

function Picture({ scene, mechanism, tick }: PictureProps) {
  const { ksize, norm } = scene.attention.config;
  const { query, key, products } = mechanism;
  const frame = mechanism.at(tick);
  const channel = frame.term?.channel ?? 0;
  const channels = products.length / ksize ** 2;
  const of = channels === 1 ? "" : `, channel ${channel} of 0 to ${channels - 1}`;
  const plane = { ksize, channel, frame };
  return (
    <>
      <Figure name={`the query’s patch${of}`}>
        <Plane {...plane} values={query} role="query" label="the query’s patch" />
      </Figure>
      <Sign>·</Sign>
      <Figure name={`the key, patch of b↓${of}`}>
        <Plane {...plane} values={key} role="match" label="the key" />
      </Figure>
      <Sign>=</Sign>
      <Figure name="products so far">
        <Plane {...plane} values={products} role="pixel" label="the products so far" isFilling />
      </Figure>
      <Figure
        name={
          norm === "none"
            ? "the sum, term by term"
            : `the sum, term by term; ‖key‖ is ${digits(mechanism.norm)}`
        }
      >
        <Growth mechanism={mechanism} done={frame.done} />
      </Figure>
    </>
  );
}

interface PlaneProps {
  values: Float64Array;
  ksize: number;
  channel: number;
  frame: MatchingFrame;
  role: Role;
  label: string;
  /** Only what was multiplied already is there. */
  isFilling?: boolean;
}

/** One channel of a patch, with its numbers. */
function Plane({ values, ksize, channel, frame, role, label, isFilling = false }: PlaneProps) {
  const area = ksize ** 2;
  const range = rangeOf(values, true);
  const isThere = (i: number) => !isFilling || channel * area + i < frame.done;
  const colours: Colours = (i) =>
    isThere(i) ? pale(paint(values[channel * area + i], range)) : null;
  const { term } = frame;
  const boxes =
    term && frame.phase === "products" ? [{ box: cellBox([term.row, term.column]), role }] : [];
  return (
    <Board
      rows={ksize}
      cols={ksize}
      colours={colours}
      side={SIDE}
      label={label}
      boxes={boxes}
      textAt={(i) => (isThere(i) ? brief(values[channel * area + i]) : "")}
    />
  );
}

const [WIDTH, HEIGHT, TOP] = [200, 116, 6];

/** The sum after each term, as far as it has got. */
function Growth({ mechanism, done }: { mechanism: MatchingMechanism; done: number }) {
  const { sums } = mechanism;
  const [low, high] = extremes(sums);
  const span = high - low || 1;
  const xOf = (i: number) => 4 + ((WIDTH - 8) * i) / (sums.length - 1);
  const yOf = (sum: number) => TOP + HEIGHT * (1 - (sum - low) / span);
  const points = Array.from(sums.subarray(0, done + 1), (sum, i) => {
    const before = i > 0 ? `${xOf(i).toFixed(1)},${yOf(sums[i - 1]).toFixed(1)} ` : "";
    return `${before}${xOf(i).toFixed(1)},${yOf(sum).toFixed(1)}`;
  });
  return (
    <svg
      class="ctx-growth"
      viewBox={`0 0 ${WIDTH} ${HEIGHT + 2 * TOP}`}
      role="img"
      aria-label="the sum after each term"
    >
      <path d={`M0 ${yOf(0)}H${WIDTH}`} />
      <polyline points={points.join(" ")} />
      <circle cx={xOf(done)} cy={yOf(sums[done])} r="4" />
    </svg>
  );
}

interface SentenceProps {
  scene: Scene;
  mechanism: MatchingMechanism;
  frame: MatchingFrame;
}

function Sentence({ scene, mechanism, frame }: SentenceProps) {
  const { attention, p, q } = scene;
  const count = mechanism.products.length;
  const { term, sum, score } = frame;
  if (!term) {
    return (
      <>
        <CellWord at={attention.place(p)} isFirst /> and <PatchWord at={attention.cellOf(q)} />:{" "}
        {count} numbers each. Number by number they are multiplied, and the products added up.
      </>
    );
  }
  if (score === null) {
    return (
      <>
        Term <Value name="term" value={frame.done} /> of {count}:{" "}
        <Value name="of-query" value={term.query} /> × <Value name="of-key" value={term.key} /> ={" "}
        <Value name="product" value={term.product} />; sum so far <Value name="sum" value={sum} />.
      </>
    );
  }
  return (
    <>
      All {count} terms: <Value name="sum" value={sum} />, divided by{" "}
      {attention.config.norm === "none" ? "nothing under this rule" : "the key’s norm "}
      {attention.config.norm !== "none" && <Value name="norm" value={mechanism.norm} />}: the score
      is <Value name="score" value={score} />.
    </>
  );
}
