// Step in: the code of a stage below the pictures of the debugger.
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { StageKey } from "../../generated/stages.ts";
import { keptQuery } from "../../state/cursor.ts";
import type { Code, Lack } from "../../state/step_in.ts";
import { type Tools, useTools } from "../context.ts";
import { bytes } from "../format.ts";
import { useHint } from "../hints.ts";
import { Icon } from "../icons.tsx";
import { Images } from "../images.ts";
import { takeMove } from "./Steering.tsx";
import { Workbench } from "./Workbench.tsx";

/** S, the moves while the code is open, and Escape within it. Whether a key was one of these. */
export function takeSteppingKey(tools: Tools, event: KeyboardEvent): boolean {
  const { stepIn } = tools.kernel;
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey) return false;
  const element = target as Element;
  const isIn = element.closest?.(".ctx-stepping") ?? null;
  if (stepIn.code.value !== null && takeMove(stepIn.stepping, event)) return true;
  if (key === "Escape" && isIn) {
    stepIn.close();
    return true;
  }
  if (key.toLowerCase() !== "s" || element.closest?.("select, textarea, input")) return false;
  if (stepIn.code.value === null) stepIn.open(tools.session.stage.value);
  else stepIn.close();
  return true;
}

export function Panel() {
  const { session, kernel } = useTools();
  const { stepIn } = kernel;
  const panel = useRef<HTMLElement>(null);
  const images = useMemo(() => new Images(), []);
  const below = useMemo(
    () => (view: "foreground" | "background" | "output") => images.of(view, session.scene.peek()),
    [images, session],
  );
  // It takes the focus, so that keys go on here, and gives it back.
  useLayoutEffect(() => {
    const { current } = panel;
    if (!current) return;
    const before = (current.getRootNode() as Document | ShadowRoot).activeElement;
    current.focus({ preventScroll: true });
    current.scrollIntoView?.({ block: "nearest" });
    return () => (before as HTMLElement | null)?.focus?.({ preventScroll: true });
  }, []);
  const recording = stepIn.stepping.recording.value;
  const lack = stepIn.lack.value;
  const waiting = stepIn.waiting.value;
  return (
    <section class="ctx-stepping" aria-label="Step into the code" tabIndex={-1} ref={panel}>
      <header>
        <h3>{recording?.title ?? "Step into the code"}</h3>
        <Which />
        {recording && (
          <small class="ctx-size" title="what its numbers take">
            {recording.steps.length} steps · {bytes(recording.bytes)}
          </small>
        )}
        <button
          type="button"
          class="ctx-tool"
          data-do="close-code"
          aria-label="Close the code"
          title="Close the code (s)"
          onClick={() => stepIn.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      {waiting && (
        <p class="ctx-waiting" role="status">
          {waiting}{" "}
          <button
            type="button"
            class="ctx-chip"
            data-do="cancel-code"
            onClick={() => (recording ? stepIn.cancel() : stepIn.close())}
          >
            Cancel
          </button>
        </p>
      )}
      {lack && <Lacking lack={lack} />}
      <Workbench stepping={stepIn.stepping} below={below} />
    </section>
  );
}

/** This stage, or the whole layer. */
function Which() {
  const { session, kernel } = useTools();
  const { stepIn } = kernel;
  const code = stepIn.code.value;
  const { registry } = session.run.inputs.meta;
  const stage = code === null || code === "forward" ? session.stage.value : code;
  const title = registry.find(({ key }) => key === stage)?.title ?? stage;
  const tab = (which: Code, words: string) => (
    <button
      type="button"
      class="ctx-tab"
      data-code={which}
      aria-pressed={code === which}
      onClick={() => stepIn.open(which)}
    >
      {words}
    </button>
  );
  return (
    <span class="ctx-tabs">
      {tab(stage, title)}
      {tab("forward", "whole layer")}
    </span>
  );
}

function Lacking({ lack }: { lack: Lack }) {
  const { session, kernel } = useTools();
  const { reason, query } = lack;
  return (
    <p class="ctx-lack" role="status">
      {reason}{" "}
      {query && (
        <button
          type="button"
          class="ctx-chip"
          data-do="go-to-query"
          onClick={() => kernel.publish({ stage: session.stage.value, cursor: keptQuery(query) })}
        >
          Go to ({query.join(", ")})
        </button>
      )}
    </p>
  );
}

/** Opens the code of a stage. */
export function StepInButtons({ stage }: { stage: StageKey }) {
  const { stepIn } = useTools().kernel;
  return (
    <span class="ctx-step-in">
      <button
        type="button"
        class="ctx-chip"
        data-do="step-in"
        aria-keyshortcuts="s"
        onClick={() => stepIn.open(stage)}
        {...useHint("The code of this stage, expression by expression, for this cell.")}
      >
        <Icon name="code" /> Step in
      </button>
      <button
        type="button"
        class="ctx-chip"
        data-do="step-in-forward"
        onClick={() => stepIn.open("forward")}
        {...useHint("The code of the whole layer, from pixels to pixels, for this cell.")}
      >
        whole layer
      </button>
    </span>
  );
}

interface TileStepInProps {
  stage: StageKey;
  title: string;
  at: number;
  isCurrent: boolean;
}

/** On the tile of the strip that is chosen, for keys and fingers, too; on others for the mouse. */
export function TileStepIn({ stage, title, at, isCurrent }: TileStepInProps) {
  const { kernel, session } = useTools();
  return (
    <button
      type="button"
      class="ctx-tile-step-in"
      style={`grid-column: ${at + 1}`}
      data-current={isCurrent}
      tabIndex={isCurrent ? 0 : -1}
      aria-label={`Step into ${title}`}
      title={`Step into ${title}`}
      onClick={() => {
        if (session.stage.value !== stage) kernel.publish({ stage });
        kernel.stepIn.open(stage);
      }}
    >
      <Icon name="code" />
    </button>
  );
}
