// Flow: how far each query's best match lies from it, as numbers and as colours.
import { wheelColour } from "../engine/colour.ts";
import { equalsOf } from "../engine/ranks.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import type { Colours } from "../views/bitmap.ts";
import { useGo } from "../views/context.ts";
import { cell, digits, thousands } from "../views/format.ts";
import { Link } from "../views/numbers.tsx";
import { PatchWord } from "../views/Sentence.tsx";
import { Chip, Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { Thumbnails } from "../views/thumbnails.tsx";
import { MatchTile, QueryTile } from "../views/tiles.tsx";
import { cellOutline } from "./miniatures.ts";
import type { Arrow, Drawing, InspectorProps, Layer, Miniature, Step } from "./step.ts";
import { Outside, QueryWord } from "./words.tsx";

const BEST = "The best match of ";

/** At most so many arrows along the longer side. */
const MOST_ARROWS = 16;

function Sentence({ scene }: InspectorProps) {
  const { attention, p, q, patch } = scene;
  const [down, right] = attention.offset(p, q);
  const equals = equalsOf(attention.row("attention", p), q, attention.valid);
  const best = equals > 0 ? `The first of ${thousands(equals + 1)} equal matches of ` : BEST;
  return (
    <>
      {patch === null ? best : "The chosen match of "}
      <QueryWord scene={scene} />, <PatchWord at={attention.cellOf(q)} />,{" "}
      {down === 0 && right === 0
        ? "lies at the very same place"
        : `lies ${wayOf(down, right)} of it`}
      .<Outside scene={scene} />
    </>
  );
}

/** "1 down and 7 right" */
export function wayOf(down: number, right: number): string {
  const parts: string[] = [];
  if (down !== 0) parts.push(`${Math.abs(down)} ${down > 0 ? "down" : "up"}`);
  if (right !== 0) parts.push(`${Math.abs(right)} ${right > 0 ? "right" : "left"}`);
  return parts.join(" and ");
}

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q, patch, blank } = scene;
  const go = useGo();
  const query = attention.place(p);
  const [down, right] = attention.offset(p, q);
  const known = scene.run.longest(scene.sample);
  const own = Math.hypot(down, right);
  const colour = wheelColour(down, right, known || own);
  // A patch that the reader chose may lie further away than any best match does.
  const scale = 50 / (Math.max(known, own) || 1);
  return (
    <>
      <Terms>
        <Term
          picture={<MatchTile scene={scene} side={80} />}
          value={
            <Link onClick={() => go("attention", query, patch)}>
              <span data-term="match">{cell(...attention.cellOf(q))}</span>
            </Link>
          }
          role="match"
        >
          {patch === null ? "its best match" : "the patch that you chose"}
        </Term>
        <Sign>−</Sign>
        <Term
          picture={<QueryTile scene={scene} side={80} />}
          value={<span data-term="query">{cell(...query)}</span>}
          role="query"
        >
          the query
        </Term>
        <Sign>=</Sign>
        <Term
          kind="result"
          picture={<Chip colour={colour} />}
          value={
            <>
              (<Value name="down" value={down} />, <Value name="right" value={right} />)
            </>
          }
        >
          offset: rows down, columns right; less than 0 is up, left
        </Term>
        <Term
          picture={
            <span class="ctx-wheel">
              <i style={`left: ${50 + scale * right}%; top: ${50 + scale * down}%`} />
            </span>
          }
          value={scene.known && `${digits(known)} ${known === 1 ? "cell" : "cells"}`}
        >
          {scene.known ? "to the wheel’s rim" : "the rim is known once the output is computed"}
        </Term>
      </Terms>
      <Note>
        {blank ? (
          "Every patch is masked: the first one wins by default, and the offset means nothing."
        ) : (
          <>
            The offset points from the query to{" "}
            {patch === null ? "its best match" : "the patch that you chose"}. Its direction is the
            hue, its length the saturation. Nothing after it uses it: it is there to be looked at.
          </>
        )}
      </Note>
    </>
  );
}

/** Colours of planes of red, green and blue, 0 to 255. */
const planesOf =
  (planes: Float32Array, area: number): Colours =>
  (i) => [planes[i], planes[area + i], planes[2 * area + i]];

/** The wheel's colour of every query's offset; null until these are known. */
function picture(view: ViewName, { attention, run, sample, known }: Scene): Drawing | null {
  if (view !== "output" || !known) return null;
  const { argmax } = known;
  const longest = run.longest(sample);
  const colours = (p: number) => {
    const [down, right] = attention.bestOffset(p, argmax[p]);
    return wheelColour(down, right, longest);
  };
  const own = attention.recorded.flow;
  const recordedColours = own && planesOf(own, attention.P);
  const sources = [argmax, longest, own];
  return { rows: attention.h, cols: attention.w, colours: recordedColours ?? colours, sources };
}

function arrows(view: ViewName, scene: Scene): Arrow[] {
  const { attention, cursor, p } = scene;
  const { rate } = attention.config;
  const middle = ([row, column]: Place): Place => [(row + 0.5) * rate, (column + 0.5) * rate];
  if (view === "background" && cursor.kind === "query") {
    const best = attention.cellOf(attention.argmax(p));
    return [{ from: middle(cursor.query), to: middle(best), kind: "query" }];
  }
  if (view !== "foreground" || !scene.known) return [];
  const { h, w } = attention;
  const { argmax } = scene.known;
  const step = Math.max(1, Math.ceil(Math.max(h, w) / MOST_ARROWS));
  const many: Arrow[] = [];
  for (let row = step >> 1; row < h; row += step) {
    for (let column = step >> 1; column < w; column += step) {
      const index = row * w + column;
      const [down, right] = attention.bestOffset(index, argmax[index]);
      const length = Math.hypot(down, right);
      if (length === 0) continue;
      // No longer than the way to the next one.
      const part = Math.min(1, (0.8 * step) / length);
      const to = middle([row + down * part, column + right * part]);
      many.push({ from: middle([row, column]), to, kind: "many" });
    }
  }
  return many;
}

/** The flow, with an arrow from the query to its match. */
function miniature(scene: Scene): Miniature {
  const { attention, p, q } = scene;
  const { h, w } = attention;
  const layers: Layer[] = [];
  const drawing = picture("output", scene);
  if (drawing) layers.push({ ...drawing, step: 1, colours: () => drawing.colours });
  if (p < 0 || q < 0) return { rows: h, cols: w, layers, outlines: [], arrow: NOWHERE };
  const query = attention.place(p);
  const match = attention.cellOf(q);
  const middle = ([row, column]: Place): Place => [row + 0.5, column + 0.5];
  const arrow = { from: middle(query), to: middle(match) };
  return { rows: h, cols: w, layers, outlines: [cellOutline(query, "query", 0)], arrow };
}

const NOWHERE = { from: [0, 0], to: [0, 0] } as const;
const PICTURES = [miniature];

function offsetOf({ attention, p, q }: Scene): string {
  if (p < 0) return "";
  const [down, right] = attention.offset(p, q);
  return `(${digits(down)}, ${digits(right)})`;
}

export const flow: Step = {
  name: "Flow",
  short: "Flow",
  Sentence,
  value: offsetOf,
  Thumbnail: () => <Thumbnails step={flow} pictures={PICTURES} />,
  Foot: () => (
    <span>
      <span class="ctx-word">match </span>− query
    </span>
  ),
  rowStage: () => "attention",
  noRegion: "Arrows are not added up",
  shape: (stage, run, { h, w }) =>
    stage === "offsets" ? [run.inputs.n, h, w, 2] : [run.inputs.n, 3, h, w],
  values: (_stage, { attention, p }) => attention.bestOffset(p, attention.argmax(p)),
  picture,
  arrows,
  showsFlow: true,
  Inspector,
};
