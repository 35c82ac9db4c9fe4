// The nine steps in order: what each has made, and the one on screen.
import { useRef } from "preact/hooks";
import type { Attention } from "../engine/attention.ts";
import { RESULT, WEIGHTS } from "../engine/roles.ts";
import { STEP_KEYS, type StageKey, type StepKey } from "../generated/stages.ts";
import { keptQuery, queryOf } from "../state/cursor.ts";
import type { Run } from "../state/run.ts";
import { stageRange } from "../state/scene.ts";
import type { Session } from "../state/session.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import { stepOf } from "../steps/index.ts";
import { type Tools, useTools } from "./context.ts";
import { bytes, digits, named } from "./format.ts";

/** The step before or after the one on screen; null at either end. */
export function neighbour(session: Session, by: number): StepKey | null {
  return STEP_KEYS[STEP_KEYS.indexOf(stepNameOf(session.stage.value)) + by] ?? null;
}

/** Show a stage. A pixel's ledger is the output's alone: other stages show the pixel's cell. */
export function showStage({ session, kernel }: Tools, stage: StageKey): void {
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

export function Strip() {
  const tools = useTools();
  const { session } = tools;
  const nav = useRef<HTMLElement>(null);
  const current = stepNameOf(session.stage.value);
  const move = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = neighbour(session, by);
    if (!next) return;
    showStage(tools, stagesOf(next)[0]);
    const button = nav.current?.children[STEP_KEYS.indexOf(next)] as HTMLElement | undefined;
    button?.focus({ preventScroll: true });
  };
  return (
    <nav
      ref={nav}
      class="ctx-strip"
      aria-label="Stages, in the order of the paper"
      onKeyDown={move}
    >
      {STEP_KEYS.map((step) => (
        <StepButton key={step} step={step} isCurrent={step === current} />
      ))}
    </nav>
  );
}

function StepButton({ step, isCurrent }: { step: StepKey; isCurrent: boolean }) {
  const tools = useTools();
  const { session } = tools;
  const { run, attention } = session;
  const stages = stagesOf(step);
  const [stage] = stages;
  const entry = run.inputs.meta.registry.find(({ key }) => key === stage);
  const shape = stepOf(stage).shape(stage, run, attention);
  const summary = run.summaries.value?.[stage];
  const problems = stages.flatMap((key) => problemsOf(key, run, attention));
  const range = stageRange(run, session.sample.value, stage);
  const size = summary?.bytes ?? 4 * shape.reduce((product, length) => product * length, 1);
  return (
    <button
      type="button"
      class="ctx-step"
      title={[named(entry?.axes ?? [], shape), ...problems].join("; ")}
      aria-current={isCurrent ? "step" : "false"}
      onClick={() => showStage(tools, stage)}
    >
      <b>{step}</b>
      <span class="ctx-badge">{problems.length > 0 && "⚠"}</span>
      <span>{shape.slice(shape[0] === 1 ? 1 : 0).join(" × ")}</span>
      <span>{range ? range.map(digits).join(" … ") : "not computed"}</span>
      <span class="ctx-cost">
        <span>{bytes(size)}</span>
        <span>{summary?.seconds ? `${digits(1000 * summary.seconds)} ms` : ""}</span>
      </span>
    </button>
  );
}
