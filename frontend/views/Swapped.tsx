// What is said of a stage for which a function of the reader's own stands in.
import type { StageKey } from "../generated/stages.ts";
import type { Scene } from "../state/scene.ts";
import { stepOf } from "../steps/index.ts";
import { useTools } from "./context.ts";
import { Large, Note, Sign, Term, Terms } from "./terms.tsx";
import { useOther } from "./thumbnails.tsx";

/** On the tile of a step: that one of its stages is swapped. */
export function SwappedTag({ stages }: { stages: readonly StageKey[] }) {
  const { run } = useTools().session;
  const { swap, awaited } = run;
  const isSwapped = stages.some((key) => swap.value?.stageOf(key));
  const isAwaited = stages.some((key) => awaited.value?.stageOf(key));
  if (!isSwapped && !isAwaited) return null;
  return <span class="ctx-swapped">{isSwapped ? "swapped" : "runs again"}</span>;
}

/** In place of the stage's own equation. */
export function SwappedInspector({ scene, stage }: { scene: Scene; stage: StageKey }) {
  const stageOfSwap = scene.run.swap.value?.stageOf(stage);
  const other = useOther().value;
  const step = stepOf(stage);
  if (!stageOfSwap) return null;
  const { name, call } = stageOfSwap;
  return (
    <>
      <Terms>
        <Term picture={<Large>{name}</Large>} kind="wide">
          {call}
        </Term>
        <Sign>=</Sign>
        <Term picture={<Large>{step.value(scene) || "…"}</Large>} kind="result" role="match">
          what it made here
        </Term>
        {other && (
          <Term picture={<Large>{step.value(other) || "…"}</Large>}>A: the layer’s own stage</Term>
        )}
      </Terms>
      <Note>
        Your function <b>{name}</b> stands in for this stage. What comes after it is computed from
        what it returned; what comes before is the layer’s own.
      </Note>
    </>
  );
}
