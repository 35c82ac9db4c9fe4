// Deconvolution, watched: patches are laid over each other and divided; then one pixel collects.
import {
  type PasteFrame,
  type PasteMechanism,
  pasteMechanism,
} from "../../engine/mechanisms/deconvolution.ts";
import type { Box } from "../../engine/mechanisms/shrink.ts";
import type { Scene } from "../../state/scene.ts";
import { pixelOf } from "../../steps/deconvolution.tsx";
import { coloursOf } from "../colours.ts";
import { cell, digits } from "../format.ts";
import { At } from "../numbers.tsx";
import { CellWord, Word } from "../Sentence.tsx";
import { Value, Vector } from "../terms.tsx";
import { MixedTile } from "../tiles.tsx";
import { Board, type BoardBox, Figure } from "./Board.tsx";
import type { Filming } from "./film.ts";

export const pasteFilm: Filming = (scene) => {
  if (scene.p < 0) return null;
  const mechanism = pasteMechanism(scene.attention, scene.p, pixelOf(scene));
  return {
    last: mechanism.last,
    draw: (tick) => <Picture scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
    tell: (tick) => <Sentence scene={scene} mechanism={mechanism} frame={mechanism.at(tick)} />,
  };
};

interface FrameProps {
  scene: Scene;
  mechanism: PasteMechanism;
  frame: PasteFrame;
}

const MOST_LAID = 4; // patches over a pixel, away from the border

function Picture({ scene, mechanism, frame }: FrameProps) {
  const { attention } = scene;
  const { rate } = attention.config;
  const { box, whole, pixel } = mechanism;
  const area = box.rows * box.cols;
  const isDivided = frame.phase !== "empty" && frame.phase !== "scatter";
  // Sums of up to four patches, in a quarter of their colours.
  const pixels = isDivided ? frame.pixels : frame.pixels.map((sum) => sum / MOST_LAID);
  const colours = coloursOf(scene, pixels, area);
  const isThere = (i: number) => frame.counts[i] > 0;
  const inBox = (other: Box): Box => ({
    ...other,
    top: other.top - box.top,
    left: other.left - box.left,
  });
  const pasteBox = ([row, column]: readonly [number, number]): Box => ({
    top: row * rate - (rate >> 1),
    left: column * rate - (rate >> 1),
    rows: 2 * rate,
    cols: 2 * rate,
  });
  const gatherer = frame.collected.at(-1);
  const hand = gatherer ? ([gatherer.row, gatherer.col] as const) : frame.laid.at(-1);
  const isGathering = frame.phase === "gather" || frame.phase === "value";
  const boxes: BoardBox[] = [{ box: inBox(whole), role: "query", kind: "light" }];
  if (hand && frame.phase !== "divided" && frame.phase !== "value") {
    boxes.push({ box: inBox(pasteBox(hand)), role: "query" });
  }
  if (isGathering) {
    const [top, left] = pixel;
    boxes.push({ box: inBox({ top, left, rows: 1, cols: 1 }), role: "pixel" });
  }
  const { ledger } = mechanism;
  return (
    <>
      <Figure
        name={
          isDivided
            ? "the output, inside the thin frame"
            : "laid over each other, in a quarter of their strength"
        }
      >
        <Board
          rows={box.rows}
          cols={box.cols}
          colours={(i) => (isThere(i) ? colours(i) : null)}
          side={192}
          label="the output around the query"
          boxes={boxes}
        />
      </Figure>
      <Figure
        name={
          hand ? (
            <>
              patch of <At place={hand} role="query" />
            </>
          ) : (
            "no patch yet"
          )
        }
      >
        {hand ? (
          <MixedTile
            scene={scene}
            p={hand[0] * attention.w + hand[1]}
            side={104}
            ring={gatherer ? [gatherer.dy * 2 * rate + gatherer.dx] : []}
          />
        ) : (
          <span
            class="ctx-tile"
            style={`--rows: 1; --step: ${Math.floor(104 / (2 * rate)) * 2 * rate}px`}
          />
        )}
      </Figure>
      <Figure name="how many patches lie there">
        <Board
          rows={box.rows}
          cols={box.cols}
          colours={(i) => SHADES[Math.min(MOST_LAID, frame.counts[i])]}
          side={192}
          label="how many patches lie over each pixel"
          boxes={[{ box: inBox(whole), role: "query", kind: "light" }]}
          textAt={(i) => String(frame.counts[i])}
        />
      </Figure>
      <dl class="ctx-sums">
        {ledger.terms.map(({ p, row, col, contribution }, i) => (
          <div key={p} class={i < frame.collected.length ? "ctx-taken" : undefined}>
            <dt>{cell(row, col)}</dt>
            <dd>{i < frame.collected.length ? vector(contribution) : "…"}</dd>
          </div>
        ))}
        <div class="ctx-total">
          <dt>÷ {ledger.divisor}</dt>
          <dd>{frame.phase === "value" ? vector(ledger.value) : "…"}</dd>
        </div>
      </dl>
    </>
  );
}

const SHADES = [
  [240, 242, 244],
  [216, 228, 222],
  [180, 214, 200],
  [136, 197, 174],
  [84, 178, 145],
];

/** A number a channel: the first three. */
const vector = (values: Float64Array): string =>
  `${Array.from(values.subarray(0, 3), digits).join(", ")}${values.length > 3 ? ", …" : ""}`;

function Sentence({ scene, mechanism, frame }: FrameProps) {
  const { attention, p } = scene;
  const { ledger, pixel } = mechanism;
  const side = 2 * attention.config.rate;
  const own = attention.place(p);
  const count = frame.laid.length;
  const first = frame.collected.at(-1);
  const isConstant = attention.config.overlap === "constant";
  switch (frame.phase) {
    case "empty":
      return (
        <>
          Scatter: every query lays its {side}×{side} pixels down, and neighbours overlap by half.
          It begins with <CellWord at={own} />.
        </>
      );
    case "scatter":
      return (
        <>
          <CellWord at={frame.laid[count - 1]} isFirst /> adds its patch:{" "}
          <Value name="laid" value={count} /> {count === 1 ? "patch lies" : "patches lie"} here now;
          where most overlap, <Value name="most" value={Math.max(...frame.counts)} /> share a pixel.
        </>
      );
    case "divided":
      return (
        <>
          Divided by {isConstant ? "4 everywhere" : "how many lie there"}: inside the thin frame,
          where no patch is missing, this is the output.
        </>
      );
    case "gather":
      if (!first) return null;
      return (
        <>
          Gather: <Word role="pixel">pixel {cell(...pixel)}</Word> asks{" "}
          <CellWord at={[first.row, first.col]} />, whose patch has{" "}
          <Vector name="contribution" values={first.contribution} /> there; sum so far{" "}
          <Vector name="sum" values={frame.sum} />.
        </>
      );
    case "value":
      return (
        <>
          {ledger.terms.length} {ledger.terms.length === 1 ? "patch" : "patches"}, divided by{" "}
          <Value name="divisor" value={ledger.divisor} />:{" "}
          <Word role="pixel">pixel {cell(...pixel)}</Word> is{" "}
          <Vector name="value" values={ledger.value} />. Laying patches down and collecting them
          give the same output.
        </>
      );
  }
}
