// The debugger, whole.
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { valuesOf } from "../state/scene.ts";
import { isStageKey, stagesOf } from "../state/stages.ts";
import { actionsOf } from "./actions.ts";
import { Comparison } from "./Comparison.tsx";
import { Controls } from "./Controls.tsx";
import { type Tools, ToolsContext, useTools } from "./context.ts";
import { cell } from "./format.ts";
import { Inspector } from "./Inspector.tsx";
import { Matches } from "./Matches.tsx";
import { Pictures } from "./Pictures.tsx";
import { type Root, setRoot } from "./root.ts";
import { neighbour, Strip, showStage } from "./Strip.tsx";
import { isTableKey } from "./Table.tsx";

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
        element.setAttribute("aria-busy", String(session.progress.value !== null));
      }),
    [session],
  );
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

function takeKey(tools: Tools, event: KeyboardEvent): void {
  const by = { "[": -1, "]": 1 }[event.key];
  if (event.key === "Escape") {
    tools.hands.letGo();
  } else if (by) {
    const next = neighbour(tools.session, by);
    if (next) showStage(tools, stagesOf(next)[0]);
  } else if (isTableKey(event)) {
    tools.session.showsTable.value = !tools.session.showsTable.value;
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

const Whole = () => (
  <>
    <div class="ctx-whole">
      <Heading />
      <Strip />
      <Controls />
      <div class="ctx-panels">
        <Pictures />
      </div>
      <Notes />
      <div class="ctx-below">
        <Inspector />
        <Matches />
      </div>
      <Comparison />
      <Help />
    </div>
    <Spoken />
  </>
);

function Heading() {
  const { session } = useTools();
  const { config, inputs } = session.run;
  const { meta, n, c, H, W, Hb, Wb } = inputs;
  const side = 2 * config.rate;
  return (
    <p class="ctx-heading">
      {/* biome-ignore lint/a11y/useSemanticElements: a notebook has its own headings */}
      <b role="heading" aria-level={1}>
        {meta.title}
      </b>
      <span>
        <small>f</small> {[n, c, H, W].join(" × ")}
      </span>
      <span>
        <small>b</small> {[n, c, Hb, Wb].join(" × ")}
      </span>
      <span>
        <small>dialect</small> {config.dialect}
      </span>
      <span>
        <small>patches</small> {config.ksize}×{config.ksize}, pasted {side}×{side}
      </span>
      <span>
        <small>stride</small> {config.stride}
      </span>
      <span>
        <small>device</small> {meta.device}, {meta.dtype}
        {session.alone && "; now in this page"}
      </span>
    </p>
  );
}

function Notes() {
  const { session } = useTools();
  const { leaks } = session.attention;
  const { notes } = session.run.inputs.meta;
  const message = session.message.value;
  return (
    <p class="ctx-notes">
      <span class="ctx-warn" role="status" hidden={!leaks}>
        Shrinking loses a thin part of the hole: {leaks} of its pixels lie in patches that may be
        pasted.
      </span>
      <span class="ctx-told" role="status">
        {message && <span key={message}>{message}</span>}
      </span>
      <span role="status">
        {notes.join(" ")} <b>{session.problem.value}</b>{" "}
        {session.offline.value &&
          "The kernel is gone: all of this still works, computed in the page."}
      </span>
    </p>
  );
}

const Help = () => (
  <p class="ctx-help">
    <b>Mouse</b> move to look, click to keep, <kbd>Esc</kbd> lets go · <b>Keys</b> <kbd>Tab</kbd> to
    a picture, arrows move in it (<kbd>Shift</kbd>: by 8), <kbd>Enter</kbd> keeps, or paints with a
    brush · on the strip <kbd>←</kbd> <kbd>→</kbd> step, anywhere <kbd>[</kbd> <kbd>]</kbd> ·{" "}
    <span class="ctx-key ctx-key-query" />
    query <span class="ctx-key ctx-key-match" />
    match <span class="ctx-key ctx-key-hole" />
    hole or masked <span class="ctx-key ctx-key-pixel" />
    output pixel
  </p>
);

/** What a screen reader says when a cell is kept. */
function Spoken() {
  const { session } = useTools();
  const { query, best } = session.scene.value;
  const [first] = best;
  const isSpoken = session.kept && query;
  return (
    <p class="ctx-live" role="status" aria-live="polite">
      {isSpoken && `Query ${cell(...query)}`}
      {isSpoken && first && `: best match ${cell(first.row, first.col)}, weight ${first.weight}`}
    </p>
  );
}
