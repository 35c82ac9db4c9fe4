// The strip: the whole layer for this cell, step by step; and under each step what changes it.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Attention } from "../engine/attention.ts";
import { RESULT, WEIGHTS } from "../engine/roles.ts";
import { STEP_KEYS, type StageKey, type StepKey } from "../generated/stages.ts";
import { keptQuery, queryOf } from "../state/cursor.ts";
import type { Run } from "../state/run.ts";
import { stageRange } from "../state/scene.ts";
import type { Session } from "../state/session.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import { STEPS } from "../steps/index.ts";
import { type Tools, useTools } from "./context.ts";
import { bytes, digits, named } from "./format.ts";
import { SwappedTag } from "./Swapped.tsx";
import { TileStepIn } from "./stepping/Panel.tsx";

/** The step before or after the one on screen; null at either end. */
export function neighbour(session: Session, by: number): StepKey | null {
  return STEP_KEYS[STEP_KEYS.indexOf(stepNameOf(session.stage.value)) + by] ?? null;
}

/** Show a stage that the reader asked for: what plays by itself stops. */
export function showStage(tools: Tools, stage: StageKey): void {
  tools.session.isPlaying.value = false;
  moveTo(tools, stage);
}

/** A pixel's ledger is the output's alone: other stages show the pixel's cell. */
export function moveTo({ session, kernel }: Tools, stage: StageKey): void {
  const cursor = session.cursor.value;
  const query = queryOf(cursor, session.run.config.rate);
  const leaves = cursor.kind === "pixel" && stage !== RESULT;
  kernel.publish(leaves && query ? { stage, cursor: keptQuery(query) } : { stage });
}

/** What is wrong with the values of a stage, if anything. */
function problemsOf(stage: StageKey, run: Run, attention: Attention): string[] {
  const summary = run.summaries.value?.[stage];
  const problems: string[] = [];
  if (summary?.nan) problems.push(`${summary.nan} NaN`);
  if (summary?.inf) problems.push(`${summary.inf} infinite`);
  if (summary?.masked_rows) problems.push(`${summary.masked_rows} rows all masked`);
  else if (stage === WEIGHTS && !attention.valid.includes(1)) problems.push("all masked");
  return problems;
}

/** Shape, range, size and time of a stage's tensor, as far as they are known. */
export function factsOf(stage: StageKey, session: Session): string {
  const { run, attention } = session;
  const shape = STEPS[stepNameOf(stage)].shape(stage, run, attention);
  const summary = run.summaries.value?.[stage];
  const range = stageRange(run, session.sample.value, stage);
  const size = summary?.bytes ?? 4 * shape.reduce((product, length) => product * length, 1);
  const facts = [shape.slice(shape[0] === 1 ? 1 : 0).join(" × ")];
  if (range) facts.push(range.map(digits).join(" … "));
  facts.push(bytes(size));
  if (summary?.seconds) facts.push(`${digits(1000 * summary.seconds)} ms`);
  return facts.join(" · ");
}

export function Strip() {
  const tools = useTools();
  const { session } = tools;
  const strip = useRef<HTMLElement>(null);
  const current = stepNameOf(session.stage.value);
  useLayoutEffect(() => {
    const tile = strip.current?.querySelector<HTMLElement>('[aria-current="step"]');
    if (tile) centre(tile);
  }, [current]);
  const move = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const onTile = (event.target as Element).closest(".ctx-step");
    if (!by || !onTile) return;
    event.preventDefault();
    event.stopPropagation();
    const next = neighbour(session, by);
    if (!next) return;
    showStage(tools, stagesOf(next)[0]);
    const tiles = strip.current?.querySelectorAll<HTMLElement>(".ctx-step");
    tiles?.[STEP_KEYS.indexOf(next)].focus({ preventScroll: true });
  };
  return (
    <div class="ctx-scroll">
      <nav
        ref={strip}
        class="ctx-strip"
        aria-label="Stages, in the order of the paper"
        onKeyDown={move}
      >
        {STEP_KEYS.map((name, at) => (
          <Tile key={name} name={name} at={at} isCurrent={name === current} />
        ))}
        {STEP_KEYS.map((name, at) => (
          <TileStepIn
            key={name}
            stage={stagesOf(name)[0]}
            title={name}
            at={at}
            isCurrent={name === current}
          />
        ))}
        {STEP_KEYS.map((name, at) => {
          const { Foot, footSpan = 1 } = STEPS[name];
          if (!Foot) return null; // the step before has one for both
          return (
            <div
              key={name}
              class={footSpan > 1 ? "ctx-foot ctx-spanning" : "ctx-foot"}
              style={`grid-column: ${at + 1} / span ${footSpan}`}
            >
              <Foot />
            </div>
          );
        })}
      </nav>
    </div>
  );
}

/** Scroll the strip, and nothing around it, so that a tile is in the middle. */
function centre(tile: HTMLElement): void {
  const scroller = tile.closest<HTMLElement>(".ctx-scroll");
  if (!scroller) return;
  const left = tile.offsetLeft - scroller.offsetLeft;
  scroller.scrollLeft = left - (scroller.clientWidth - tile.offsetWidth) / 2;
}

interface TileProps {
  name: StepKey;
  at: number;
  isCurrent: boolean;
}

function Tile({ name, at, isCurrent }: TileProps) {
  const tools = useTools();
  const { session } = tools;
  const { run, attention } = session;
  const { short, Thumbnail } = STEPS[name];
  const stages = stagesOf(name);
  const problems = stages.flatMap((key) => problemsOf(key, run, attention));
  const { registry } = run.inputs.meta;
  const lines = stages.map((stage) => {
    const entry = registry.find(({ key }) => key === stage);
    const shape = STEPS[name].shape(stage, run, attention);
    const swapped = run.swap.value?.stageOf(stage);
    const by = swapped ? `\n${swapped.call} stands in for this stage.` : "";
    return `${entry?.title}: ${named(entry?.axes ?? [], shape)}\n${factsOf(stage, session)}${by}`;
  });
  return (
    <button
      type="button"
      class={`ctx-step ctx-step-${at + 1}`}
      style={`grid-column: ${at + 1}`}
      title={[...lines, ...problems].join("\n")}
      aria-current={isCurrent ? "step" : "false"}
      onClick={() => showStage(tools, stages[0])}
    >
      <span class="ctx-cap">
        <b>
          <span class="ctx-long">{name}</span>
          <span class="ctx-short">{short}</span>
          {problems.length > 0 && <span class="ctx-badge"> ⚠</span>}
        </b>
        <PairValue name={name} />
      </span>
      <span class="ctx-thumbs">
        <Thumbnail />
        <SwappedTag stages={stages} />
      </span>
    </button>
  );
}

/** What the step makes of this query and this patch, in a number. */
function PairValue({ name }: { name: StepKey }) {
  const { session } = useTools();
  const scene = session.scene.value;
  return <span class="ctx-value">{scene.q < 0 ? "" : STEPS[name].value(scene)}</span>;
}
