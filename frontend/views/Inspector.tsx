// What the stage on screen does to this cell.
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { RESULT, VALIDITY } from "../engine/roles.ts";
import type { StageKey } from "../generated/stages.ts";
import type { Scene } from "../state/scene.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import { stepOf } from "../steps/index.ts";
import { PatchInspector } from "../steps/patch.tsx";
import { useTools } from "./context.ts";
import { named } from "./format.ts";
import { LensButton } from "./lens/Panel.tsx";
import { MechanismPanel, WatchButton } from "./mechanisms/Panel.tsx";
import { rootOf } from "./root.ts";
import { factsOf } from "./Strip.tsx";
import { SwappedInspector } from "./Swapped.tsx";
import { StepInButtons } from "./stepping/Panel.tsx";

/** What is asked: a pixel's colour, where a patch goes, or what the stage does to a query. */
function questionOf({ cursor, stage }: Scene): "pixel" | "patch" | "query" {
  if (cursor.kind === "pixel") return "pixel";
  return cursor.kind === "patch" && stage !== VALIDITY ? "patch" : "query";
}

const TITLES = {
  pixel: "Where this pixel comes from, in (row, column)",
  patch: "Where this patch is pasted",
};

export function Inspector() {
  const tools = useTools();
  const { session } = tools;
  const scene = session.scene.value;
  const question = questionOf(scene);
  const stage = question === "pixel" ? RESULT : scene.stage;
  const entry = scene.run.inputs.meta.registry.find(({ key }) => key === stage);
  const isSwapped = Boolean(scene.run.swap.value?.stageOf(stage));
  const view = useRef<HTMLDivElement>(null);
  // What had the focus may go: then the view itself takes it, and keys go on working.
  const hadFocus = view.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (hadFocus && !view.current?.contains(document.activeElement)) {
      view.current?.focus({ preventScroll: true });
    }
  });
  // The pictures outline the place of the term that is pointed at.
  useLayoutEffect(
    () =>
      effect(() => {
        const highlight = session.highlight.value;
        const root = rootOf(tools);
        if (!root) return;
        if (highlight) root.dataset.highlight = highlight;
        else delete root.dataset.highlight;
      }),
    [tools],
  );
  return (
    <section class="ctx-inspector" aria-label="What this stage does to this cell">
      <Head stage={stage} title={question === "query" ? undefined : TITLES[question]} />
      <div class="ctx-view" tabIndex={-1} ref={view}>
        {session.mechanism.isOpen.value ? (
          <MechanismPanel scene={scene} stage={stage} />
        ) : (
          <Answer scene={scene} question={question} stage={stage} />
        )}
      </div>
      <p class="ctx-source">
        <span>
          <small>{isSwapped ? "your function" : "formula"}</small>{" "}
          <code class="ctx-equation">{entry?.equation}</code>
        </span>{" "}
        {entry?.source && (
          <span>
            <small>TensorFlow</small> <code>{entry.source}</code>
          </span>
        )}
      </p>
    </section>
  );
}

/** What is explained, the other stages of the step, and what is known of the tensor. */
function Head({ stage, title }: { stage: StageKey; title?: string }) {
  const { session, kernel } = useTools();
  const { run, attention } = session;
  const { registry } = run.inputs.meta;
  const titleOf = (wanted: StageKey) => registry.find(({ key }) => key === wanted)?.title;
  const axes = registry.find(({ key }) => key === stage)?.axes ?? [];
  const siblings = stagesOf(stepNameOf(stage));
  const shape = stepOf(stage).shape(stage, run, attention);
  return (
    <header>
      <h3>{title ?? titleOf(stage)}</h3>
      {siblings.length > 1 && (
        <span class="ctx-tabs">
          {siblings.map((key) => (
            <button
              key={key}
              type="button"
              class="ctx-tab"
              data-focus={`tab-${key}`}
              aria-pressed={key === session.stage.value}
              onClick={() => kernel.publish({ stage: key })}
            >
              {titleOf(key)}
            </button>
          ))}
        </span>
      )}
      <WatchButton />
      <StepInButtons stage={stage} />
      <LensButton />
      <small class="ctx-facts" title={named(axes, shape)}>
        {factsOf(stage, session)}
      </small>
    </header>
  );
}

interface AnswerProps {
  scene: Scene;
  question: "pixel" | "patch" | "query";
  stage: StageKey;
}

function Answer({ scene, question, stage }: AnswerProps) {
  if (question === "patch") return <PatchInspector scene={scene} />;
  if (question === "query" && scene.q < 0) return <Invitation />;
  const { Inspector: StepInspector } = stepOf(stage);
  if (scene.run.swap.value?.stageOf(stage)) return <SwappedInspector scene={scene} stage={stage} />;
  return <StepInspector scene={scene} />;
}

const Invitation = () => (
  <>
    <p>
      <b>Move over the foreground:</b> every cell of it is a query that looks for its best matches
      in the background.
    </p>
    <p>
      Move over the <b>output</b> to ask where a pixel’s colour comes from, over the{" "}
      <b>background</b> to ask where a patch is pasted. Click keeps a cell, Esc lets it go.
    </p>
  </>
);
