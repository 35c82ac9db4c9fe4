// What both passes of the fusion show: the scores of neighbours, added to a match's own.

import { paint, rangeOf } from "../engine/colour.ts";
import type { FusionTerm } from "../engine/fusion.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import { useGo } from "../views/context.ts";
import { cell, digits } from "../views/format.ts";
import { At, Num, Sum } from "../views/numbers.tsx";
import { cellBox } from "./boxes.ts";
import type { Mark } from "./step.ts";

/** A pass, and the stage that it starts from. */
export interface Pass {
  readonly stage: "fused_rows" | "fused_scores";
  readonly before: "scores" | "fused_rows";
}

/** The scores that make up fused(p, q) after a pass: the first moves along the rows alone. */
function termsOf({ attention, p, q }: Scene, { stage }: Pass): FusionTerm[] {
  const terms = attention.fusionTerms(p, q);
  return stage === "fused_rows" ? terms.filter(({ e }) => e === 0) : terms;
}

interface FusionProps {
  scene: Scene;
  pass: Pass;
}

export function Fusion({ scene, pass }: FusionProps) {
  const { attention, p, q } = scene;
  const { reach, config } = attention;
  const terms = termsOf(scene, pass);
  const wraps = terms.filter((term) => term.wraps).length;
  const ends = terms.filter((term) => !term.inside).length;
  const rowsOnly = pass.stage === "fused_rows";
  const before = attention.row(pass.before, p)[q];
  const after = attention.row(pass.stage, p)[q];
  return (
    <>
      <p class="ctx-line">
        <span>{rowsOnly ? "s↔" : "s*"}</span>(
        <At place={attention.place(p)} role="query" />,{" "}
        <At place={attention.cellOf(q)} role="match" />) ={" "}
        <Sum terms={terms.map((term) => term.score)}>{(score) => <Num value={score} />}</Sum> ={" "}
        <b>
          <Num value={after} />
        </b>
      </p>
      <div class="ctx-figures">
        <figure class="ctx-wide">
          <Microscope scene={scene} terms={terms} />
          <figcaption>
            {rowsOnly ? (
              <span>
                query and key both moved by up to <Num value={reach} /> along their rows
              </span>
            ) : (
              <span>
                each row of boxes was added by the pass before (↔), this pass (↕) adds the rows
              </span>
            )}
          </figcaption>
        </figure>
        <figure>
          <b class="ctx-big">
            <Num value={before} /> → <Num value={after} />
          </b>
          <figcaption>before → after this pass</figcaption>
        </figure>
      </div>
      {config.fuse ? (
        <p>
          A match counts for more where its neighbours match side by side.{" "}
          {wraps > 0 && (
            <span>
              <Num value={wraps} /> of these (dashed) ran over the end of a line onto the next.{" "}
            </span>
          )}
          {ends > 0 && (
            <span>
              <Num value={ends} /> off the end counted 0.{" "}
            </span>
          )}
          Click a number to see that score.
        </p>
      ) : (
        <p>Fusion is off: both passes leave the scores as they are.</p>
      )}
    </>
  );
}

interface MicroscopeProps {
  scene: Scene;
  terms: readonly FusionTerm[];
}

/** Every term where it lies: which query's score it is with which patch. */
function Microscope({ scene, terms }: MicroscopeProps) {
  const { attention } = scene;
  const range = rangeOf(
    terms.map((term) => term.score),
    true,
  );
  const colourOf = (score: number) => `rgb(${Array.from(paint(score, range)).slice(0, 3)})`;
  return (
    <div class="ctx-microscope" style={`--side: ${2 * attention.reach + 1}`}>
      {terms.map((term) =>
        term.inside ? (
          <Micro
            key={`${term.d} ${term.e}`}
            term={term}
            query={attention.place(term.p)}
            match={attention.cellOf(term.q)}
            colour={colourOf(term.score)}
          />
        ) : (
          <span key={`${term.d} ${term.e}`} class="ctx-micro ctx-off">
            0
          </span>
        ),
      )}
    </div>
  );
}

interface MicroProps {
  term: FusionTerm;
  query: Place;
  match: Place;
  colour: string;
}

function Micro({ term, query, match, colour }: MicroProps) {
  const go = useGo();
  return (
    <button
      type="button"
      class={term.wraps ? "ctx-micro ctx-wraps" : "ctx-micro"}
      title={`s(${cell(...query)}, ${cell(...match)}) = ${term.score}`}
      style={`border-color: ${colour}`}
      onClick={() => go("scores", query, term.q)}
    >
      {digits(term.score)}
      <small>
        <At place={query} role="query" /> → <At place={match} role="match" />
      </small>
    </button>
  );
}

/** The cells whose scores are added, in both pictures. */
export function fusionMarks(view: ViewName, scene: Scene, pass: Pass): Mark[] {
  const { attention, cursor } = scene;
  if (view === "output" || cursor.kind !== "query") return [];
  const inside = termsOf(scene, pass).filter((term) => term.inside);
  if (view === "foreground") {
    return inside.map((term) => {
      return { box: cellBox(attention, attention.place(term.p)), kind: "query light" };
    });
  }
  return inside.map((term) => {
    return { box: cellBox(attention, attention.cellOf(term.q)), kind: "match light" };
  });
}
