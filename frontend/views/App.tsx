// The debugger, whole.
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { isOnPage } from "../state/address.ts";
import { paintedNote } from "../state/painted.ts";
import { valuesOf } from "../state/scene.ts";
import { isStageKey, stagesOf } from "../state/stages.ts";
import { actionsOf } from "./actions.ts";
import { Bar } from "./Bar.tsx";
import { type Tools, ToolsContext, useTools } from "./context.ts";
import { Findings } from "./Findings.tsx";
import { cell, percent } from "./format.ts";
import { Inspector } from "./Inspector.tsx";
import { Lead } from "./Lead.tsx";
import { LensPanel, takeLensKey } from "./lens/Panel.tsx";
import { Matches } from "./Matches.tsx";
import { viewOf } from "./maps/over.ts";
import { walkWorst, worstStepOf } from "./maps/worst.ts";
import { takeMechanismKey } from "./mechanisms/keys.ts";
import { Pictures } from "./Pictures.tsx";
import { Card } from "./questions/Card.tsx";
import { isWithheld, takeQuestionKey } from "./questions/keys.ts";
import { Outputs } from "./questions/Outputs.tsx";
import { spokenRegion } from "./region.tsx";
import { type Root, setRoot } from "./root.ts";
import { neighbour, Strip, showStage } from "./Strip.tsx";
import { Panel, takeSteppingKey } from "./stepping/Panel.tsx";
import { isTableKey } from "./Table.tsx";
import { walkOn, walkStepOf } from "./walk.ts";

export function App({ tools }: { tools: Tools }) {
  const { session } = tools;
  const root = useRef<Root>(null);
  useLayoutEffect(() => {
    const element = root.current;
    if (!element) return;
    setRoot(tools, element);
    element.debuggerRow = (stage) =>
      isStageKey(stage) ? valuesOf(session.scene.value, stage) : null;
    element.debuggerRange = () => {
      const { backgroundHeat, foregroundHeat } = session.scene.value;
      return (backgroundHeat ?? foregroundHeat)?.range;
    };
    element.debuggerMap = () => session.doubt.value;
    return () => setRoot(tools, null);
  }, [tools]);
  // useSignalEffect would wait for the next frame: these say what is shown now.
  useLayoutEffect(
    () =>
      effect(() => {
        const element = root.current;
        if (!element || !session.document.value) return;
        const { stage, query } = session.scene.value;
        element.dataset.stage = stage;
        element.dataset.query = query ? query.join() : "";
        element.dataset.map = session.doubt.value ? viewOf(session.doubt.value) : "";
        element.setAttribute("aria-busy", String(session.progress.value !== null));
      }),
    [session],
  );
  // What was done is said in the place of what the control does that did it.
  useLayoutEffect(
    () =>
      effect(() => {
        if (session.message.value) forgetHint(tools);
      }),
    [tools],
  );
  // Escape lets go wherever the focus is: in a notebook it is often in a cell.
  useLayoutEffect(() => {
    const takeElsewhere = (event: KeyboardEvent) => {
      if (root.current?.contains(event.target as Node)) return;
      const { isPlaying, mapProgress, region } = session;
      const isMaking = isPlaying.value || mapProgress.value !== null;
      const isBusy = isMaking || session.kept || region.value !== null;
      const closesLens = event.key === "Escape" && takeLensKey(tools, event);
      if (event.key === "Escape" && isBusy && !closesLens) letGo(tools);
      // On a page of its own nothing else wants a key that no element has.
      if (isOnPage() && event.key !== "Escape") takeKey(tools, event);
    };
    document.addEventListener("keydown", takeElsewhere);
    return () => document.removeEventListener("keydown", takeElsewhere);
  }, [tools]);
  const bring = (event: DragEvent) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) actionsOf(tools).bring(file); // none: text was dropped
  };
  return (
    <ToolsContext.Provider value={tools}>
      <section
        ref={root}
        class="ctxattn"
        data-ctxattn="debugger"
        data-lm-suppress-shortcuts="true"
        aria-label="Contextual attention, step by step"
        onPointerDownCapture={() => forgetMessage(tools)}
        onKeyDownCapture={() => forgetMessage(tools)}
        onClickCapture={() => forgetHint(tools)}
        onKeyDown={(event) => takeKey(tools, event)}
        onDragOver={(event) => event.preventDefault()}
        onDrop={bring}
      >
        {session.fatal.value ? (
          <p class="ctx-fatal" role="alert">
            {session.fatal.value}
          </p>
        ) : (
          session.document.value && <Whole />
        )}
      </section>
    </ToolsContext.Provider>
  );
}

/** What was done is old news once something else is. */
function forgetMessage({ session }: Tools): void {
  session.message.value = "";
}

/** Who uses a control knows what it does, and wants to see what it did. */
function forgetHint({ session }: Tools): void {
  session.hint.value = "";
}

/** Escape first stops what plays or is made; pressed again, it lets go what is kept or drawn. */
function letGo({ session, kernel, hands }: Tools): void {
  if (session.isPlaying.value) session.isPlaying.value = false;
  else if (session.mapProgress.value !== null) kernel.maps.cancel();
  else hands.letGo();
}

/** Whether a part of the page that is open has done what the key does there. */
const isTaken = (tools: Tools, event: KeyboardEvent): boolean =>
  takeSteppingKey(tools, event) || takeMechanismKey(tools, event) || takeLensKey(tools, event);

function takeKey(tools: Tools, event: KeyboardEvent): void {
  const by = { "[": -1, "]": 1 }[event.key];
  if (tools.session.showsKeys.value) return; // the dialog has its own
  if (takeQuestionKey(tools, event)) {
    // it did what it does
  } else if (isWithheld(tools, event)) {
    return;
  } else if (isTaken(tools, event)) {
    // it did what it does
  } else if (event.key === "Escape") {
    letGo(tools);
  } else if (event.key === "?") {
    tools.session.showsKeys.value = true;
  } else if (by) {
    const next = neighbour(tools.session, by);
    if (next) showStage(tools, stagesOf(next)[0]);
  } else if (isTableKey(event)) {
    tools.session.showsTable.value = !tools.session.showsTable.value;
  } else if (tools.session.remarks.walk.value && walkStepOf(event)) {
    walkOn(tools, walkStepOf(event));
  } else if (tools.session.map.value && worstStepOf(event)) {
    walkWorst(tools, worstStepOf(event));
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function Whole() {
  const { session, hands } = useTools();
  const { question, isOpen } = session.questions;
  useLayoutEffect(() => hands.asker.follow(), [hands]);
  return (
    <>
      <div class="ctx-whole">
        <Bar />
        {question.value ? (
          <Card />
        ) : (
          <>
            <Lead />
            <Strip />
          </>
        )}
        <Panels />
        {!isOpen.value && <Findings />}
        <Notes />
      </div>
      <Spoken />
    </>
  );
}

/** The code, while it is open, stands in the place of what the stage does to this cell. */
function Panels() {
  const { kernel, session } = useTools();
  const { question, isOpen } = session.questions;
  const isSteppedInto = kernel.stepIn.code.value !== null;
  if (question.value?.kind === "fusion" || isOpen.value) return <AskedPanels />;
  const Below = session.showsGradient.value ? LensPanel : Inspector;
  return (
    <div
      class="ctx-panels"
      data-stepped-into={isSteppedInto}
      data-gradient={session.gradient.value !== null}
    >
      <Pictures />
      {isSteppedInto ? <Panel /> : <Below />}
      <Matches />
    </div>
  );
}

/** While a question stands: the pictures, and nothing that would answer it. */
function AskedPanels() {
  const question = useTools().session.questions.question.value;
  return (
    <div class="ctx-panels">
      <Pictures views={question?.kind === "fusion" ? ["foreground"] : undefined} />
      {question?.kind === "fusion" && <Outputs question={question} />}
    </div>
  );
}

/** What holds for the whole run. */
function Notes() {
  const { run } = useTools().session;
  const notes = [paintedNote(run), ...run.inputs.meta.notes].filter(Boolean);
  if (!notes.length) return null;
  return <p class="ctx-notes">{notes.join(" ")}</p>;
}

/** What a screen reader says when a cell is kept, or a region has been added up. */
function Spoken() {
  const { session } = useTools();
  const scene = session.scene.value;
  if (scene.region) {
    return (
      <p class="ctx-live" role="status" aria-live="polite">
        {spokenRegion(scene)}
      </p>
    );
  }
  const { query, best, pixel } = scene;
  const [first] = best;
  const isSpoken = session.kept && query && !pixel;
  return (
    <p class="ctx-live" role="status" aria-live="polite">
      {session.kept && pixel && `Pixel ${cell(...pixel)}`}
      {isSpoken && `Query ${cell(...query)}`}
      {isSpoken && first && `: best match ${cell(first.row, first.col)}, ${percent(first.weight)}`}
    </p>
  );
}
