// Flow: how far each query's best match lies from it, as numbers and as colours.
import { wheelColour } from "../engine/colour.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import { useGo } from "../views/context.ts";
import { At, Link, Num } from "../views/numbers.tsx";
import type { Arrow, Drawing, InspectorProps, Step } from "./step.ts";

/** At most so many arrows along the longer side. */
const MOST_ARROWS = 16;

function Inspector({ scene }: InspectorProps) {
  const { attention, p, q, patch, blank } = scene;
  const go = useGo();
  const query = attention.place(p);
  const [down, right] = attention.offset(p, q);
  const known = scene.run.longest(scene.sample);
  const own = Math.hypot(down, right);
  const longest = known || own;
  const colour = wheelColour(down, right, longest);
  // A patch that the reader chose may lie further away than any best match does.
  const scale = 50 / (Math.max(longest, own) || 1);
  return (
    <>
      <p class="ctx-line">
        o(
        <At place={query} role="query" />) ={" "}
        <Link onClick={() => go("attention", query, patch)}>
          <At place={attention.cellOf(q)} role="match" />
        </Link>{" "}
        − <At place={query} role="query" /> ={" "}
        <b>
          (<Num value={down} />, <Num value={right} />)
        </b>
      </p>
      <div class="ctx-figures">
        <figure>
          <span class="ctx-wheel">
            <i style={`left: ${50 + scale * right}%; top: ${50 + scale * down}%`} />
          </span>
          <figcaption>
            direction is hue, length saturation;{" "}
            {scene.known ? (
              <>
                the rim is <Num value={known} /> {known === 1 ? "cell" : "cells"}
              </>
            ) : (
              "how long the rim is, is known once the output is computed"
            )}
          </figcaption>
        </figure>
        <figure>
          <span class="ctx-chip" style={`background: rgb(${Array.from(colour).slice(0, 3)})`} />
          <figcaption>
            this cell: <Num value={down} /> down, <Num value={right} /> right
          </figcaption>
        </figure>
      </div>
      <p>
        {blank
          ? "Every patch is masked: the first one wins by default, and the offset means nothing."
          : `The offset points from the query to ${patch === null ? "its best match" : "the patch that you chose"}. Nothing after it uses it: it is there to be looked at.`}
      </p>
    </>
  );
}

/** The wheel's colour of every query's offset; null until these are known. */
function picture(view: ViewName, { attention, run, sample, known }: Scene): Drawing | null {
  if (view !== "output" || !known) return null;
  const { argmax } = known;
  const longest = run.longest(sample);
  const colours = (p: number) => {
    const [down, right] = attention.offset(p, argmax[p]);
    return wheelColour(down, right, longest);
  };
  return { rows: attention.h, cols: attention.w, colours, sources: [argmax, longest] };
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
      const [down, right] = attention.offset(index, argmax[index]);
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

export const flow: Step = {
  name: "Flow",
  rowStage: () => "attention",
  shape: (stage, run, { h, w }) =>
    stage === "offsets" ? [run.inputs.n, h, w, 2] : [run.inputs.n, 3, h, w],
  values: (_stage, { attention, p }) => attention.offset(p),
  picture,
  arrows,
  showsFlow: true,
  Inspector,
};
