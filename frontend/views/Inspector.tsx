// What the stage on screen does to this cell.
import { useLayoutEffect, useRef } from "preact/hooks";
import { RESULT, SIMILARITY, VALIDITY, WEIGHTS } from "../engine/roles.ts";
import type { StageKey } from "../generated/stages.ts";
import type { Scene } from "../state/scene.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import { stepOf } from "../steps/index.ts";
import { PatchInspector } from "../steps/patch.tsx";
import { useTools } from "./context.ts";
import { named } from "./format.ts";

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
  const { session } = useTools();
  const scene = session.scene.value;
  const question = questionOf(scene);
  const stage = question === "pixel" ? RESULT : scene.stage;
  const entry = scene.run.inputs.meta.registry.find(({ key }) => key === stage);
  const view = useRef<HTMLDivElement>(null);
  // What had the focus may go: then the view itself takes it, and keys go on working.
  const hadFocus = view.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (hadFocus && !view.current?.contains(document.activeElement)) {
      view.current?.focus({ preventScroll: true });
    }
  });
  return (
    <section class="ctx-inspector" aria-label="What this stage does to this cell">
      <Title stage={stage} title={question === "query" ? undefined : TITLES[question]} />
      <div class="ctx-view" tabIndex={-1} ref={view}>
        <Warning scene={scene} />
        <Answer scene={scene} question={question} stage={stage} />
      </div>
      <p class="ctx-source">
        in TensorFlow’s original: <code>{entry?.source}</code>
      </p>
    </section>
  );
}

function Title({ stage, title }: { stage: StageKey; title?: string }) {
  const { session, kernel } = useTools();
  const { run, attention } = session;
  const { registry } = run.inputs.meta;
  const entry = registry.find(({ key }) => key === stage);
  const siblings = stagesOf(stepNameOf(stage));
  const shape = stepOf(stage).shape(stage, run, attention);
  return (
    <div>
      <header>
        <h3>{title ?? entry?.title}</h3>
        <span class="ctx-tabs">
          {siblings.length > 1 &&
            siblings.map((key) => (
              <button
                key={key}
                type="button"
                class="ctx-tab"
                data-focus={`tab-${key}`}
                aria-pressed={key === session.stage.value}
                onClick={() => kernel.publish({ stage: key })}
              >
                {registry.find((each) => each.key === key)?.title}
              </button>
            ))}
        </span>
        <small>{named(entry?.axes ?? [], shape)}</small>
      </header>
      <p class="ctx-equation">
        <code>{entry?.equation}</code>
      </p>
    </div>
  );
}

/** Why a row says nothing. */
function Warning({ scene }: { scene: Scene }) {
  const { attention, blank, rowStage, p } = scene;
  if (blank && rowStage === WEIGHTS) {
    return attention.config.masked === "zero" ? (
      <p class="ctx-warn">Every patch touches the hole: all weights are 0.</p>
    ) : (
      <p class="ctx-warn">
        Every patch touches the hole: the softmax has nothing to divide by and gives NaN.
      </p>
    );
  }
  if (p < 0 || !attention.row(rowStage ?? SIMILARITY, p).some(Number.isNaN)) return null;
  return (
    <p class="ctx-warn">
      This row holds values that are not numbers; the softmax spreads one over the whole row.
    </p>
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
