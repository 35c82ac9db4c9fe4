// What both passes of the fusion show: the scores of neighbours, added to a match's own.
import { paint, rangeOf } from "../engine/colour.ts";
import type { FusionTerm } from "../engine/fusion.ts";
import { rankOf } from "../engine/ranks.ts";
import type { Place } from "../state/cursor.ts";
import type { Scene, ViewName } from "../state/scene.ts";
import { useGo } from "../views/context.ts";
import { cell, digits, total } from "../views/format.ts";
import { At } from "../views/numbers.tsx";
import { HoleWord, PatchWord } from "../views/Sentence.tsx";
import { Chip, Note, Sign, Term, Terms, Value } from "../views/terms.tsx";
import { cellBox } from "./boxes.ts";
import { Order } from "./fusion_order.tsx";
import type { Mark } from "./step.ts";
import { areLevel, climb, Level, levelWith, Outside, QueryWord } from "./words.tsx";

/** A pass, and the stage that it starts from. */
export interface Pass {
  readonly stage: "fused_rows" | "fused_scores";
  readonly before: "scores" | "fused_rows";
  /** What it adds to a score, as the sentence begins. */
  readonly neighbours: string;
}

/** The scores that make up fused(p, q) after a pass: the first moves along the rows alone. */
function termsOf({ attention, run, p, q }: Scene, { stage }: Pass): FusionTerm[] {
  const isSwapped = Boolean(run.swap.value?.stageOf("fused_rows"));
  const lines = isSwapped && stage === "fused_scores" ? attention.fusion.linesOf(p, q) : null;
  if (lines) return lines;
  const terms = attention.fusionTerms(p, q);
  return stage === "fused_rows" ? terms.filter(({ e }) => e === 0) : terms;
}

interface FusionProps {
  scene: Scene;
  pass: Pass;
}

/** How the patch climbs, or falls, among those that may be pasted. */
export function FusionSentence({ scene, pass }: FusionProps) {
  const { attention, p, q } = scene;
  const { valid, config } = attention;
  const before = attention.row(pass.before, p);
  const after = attention.row(pass.stage, p);
  const patch = attention.cellOf(q);
  if (attention.reach === 0) {
    const isOff = !config.fuse;
    return (
      <>
        {isOff ? "Fusion is off" : "A kernel of 1×1 adds nothing"}: <PatchWord at={patch} /> keeps
        its score of {digits(after[q])} for <QueryWord scene={scene} />.
        <Outside scene={scene} />
      </>
    );
  }
  if (!valid[q]) {
    return (
      <>
        {pass.neighbours}, <PatchWord at={patch} /> {change(before[q], after[q])} for{" "}
        <QueryWord scene={scene} />, but touches the <HoleWord /> and has no rank.
        <Outside scene={scene} />
      </>
    );
  }
  if (total(valid) === 1) {
    return (
      <>
        {pass.neighbours}, <PatchWord at={patch} /> {change(before[q], after[q])} for{" "}
        <QueryWord scene={scene} />; no other may be pasted.
        <Outside scene={scene} />
      </>
    );
  }
  if (areLevel(after, scene)) return <Level scene={scene} what="fused scores" />;
  return (
    <>
      {pass.neighbours}, <PatchWord at={patch} />{" "}
      {climb(rankOf(before, q, valid), rankOf(after, q, valid))}
      {levelWith(after, scene)} for <QueryWord scene={scene} />.
      <Outside scene={scene} />
    </>
  );
}

function termsName(isOn: boolean, rowsOnly: boolean): string {
  if (!isOn) return "query → patch: their score alone, as fusion is off";
  if (rowsOnly) return "scores of neighbours, query → patch: both moved along their rows";
  return "query → patch: the pass before (↔) added up each line, this one adds the lines";
}

/** "goes from 1.2 to 3.4" */
function change(from: number, to: number): string {
  const words = [digits(from), digits(to)];
  return words[0] === words[1] ? `stays at ${words[1]}` : `goes from ${words[0]} to ${words[1]}`;
}

export function Fusion({ scene, pass }: FusionProps) {
  const { attention, p, q, query, patch } = scene;
  const go = useGo();
  const terms = termsOf(scene, pass);
  const rowsOnly = pass.stage === "fused_rows";
  const isLine = terms.length <= 2 * attention.reach + 1;
  const row = attention.row(pass.stage, p);
  const before = attention.row(pass.before, p)[q];
  const after = row[q];
  const isOn = attention.reach > 0;
  return (
    <>
      <Terms>
        <Term
          kind="wide"
          role="match"
          picture={<Microscope scene={scene} terms={terms} isLine={isLine} />}
        >
          {termsName(isOn, rowsOnly)}
        </Term>
        <Sign>Σ =</Sign>
        <Term
          kind="result"
          role="match"
          picture={<Chip colour={paint(after, rangeOf(row, true))} />}
          value={
            <Value
              name="fused"
              value={after}
              onClick={() => go(rowsOnly ? "fused_scores" : "attention", query, patch)}
            />
          }
        >
          {rowsOnly ? "score s↔" : "score s*"}, before:{" "}
          <Value name="before" value={before} onClick={() => go(pass.before, query, patch)} />
        </Term>
      </Terms>
      <Note>{isOn ? <Explanation terms={terms} /> : <Off scene={scene} />}</Note>
      {isOn && <Order scene={scene} isFirst={rowsOnly} />}
    </>
  );
}

/** Nothing is added: switched off, or by a kernel of one number. */
function Off({ scene }: { scene: Scene }) {
  const { fuse, fuse_k } = scene.attention.config;
  if (fuse_k === 1 && !fuse) return <>Fusion is off: both passes leave the scores as they are.</>;
  const more = fuse_k === 3 ? "nine" : String(fuse_k ** 2); // as many scores are added up
  if (fuse) {
    return <>A kernel of 1×1 adds no neighbour: both passes leave the scores as they are.</>;
  }
  return (
    <>
      Fusion is off: both passes leave the scores as they are. They are some {more} times smaller
      than fused ones, so that the same scale tells them apart less.
    </>
  );
}

function Explanation({ terms }: { terms: readonly FusionTerm[] }) {
  const wraps = terms.filter((term) => term.wraps).length;
  const ends = terms.filter((term) => !term.inside).length;
  return (
    <>
      A match counts for more where its neighbours match side by side: query and patch move
      together, while a blur would move the patch alone.{" "}
      {wraps > 0 && `${wraps} of these (dashed) ran over the end of a line onto the next. `}
      {ends > 0 && `${ends} off the end counted 0. `}
      {wraps + ends === 0 && "Each number leads to that score."}
    </>
  );
}

interface MicroscopeProps {
  scene: Scene;
  terms: readonly FusionTerm[];
  /** All in one line, with room for the places under the numbers. */
  isLine: boolean;
}

/** Every term where it lies: which query's score it is with which patch. */
function Microscope({ scene, terms, isLine }: MicroscopeProps) {
  const { attention } = scene;
  const range = rangeOf(
    terms.map((term) => term.score),
    true,
  );
  const colourOf = (score: number) => `rgb(${Array.from(paint(score, range)).slice(0, 3)})`;
  return (
    <div
      class={isLine ? "ctx-microscope ctx-microscope-line" : "ctx-microscope"}
      style={`--side: ${2 * attention.reach + 1}`}
    >
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
      <b data-term="neighbour">{digits(term.score)}</b>
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
