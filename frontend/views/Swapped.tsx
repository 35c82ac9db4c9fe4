// What is said of a stage for which a function of the reader's own stands in.
import { RESULT } from "../engine/roles.ts";
import type { StageKey } from "../generated/stages.ts";
import type { Scene } from "../state/scene.ts";
import { stepOf } from "../steps/index.ts";
import { useTools } from "./context.ts";
import { Large, Note, Sign, Term, Terms, Vector } from "./terms.tsx";
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

interface SwappedProps {
  scene: Scene;
  stage: StageKey;
}

/** In place of the stage's own equation. */
export function SwappedInspector({ scene, stage }: SwappedProps) {
  const swap = scene.run.swap.value;
  const swapped = swap?.stageOf(stage);
  if (!swap || !swapped) return null;
  return (
    <>
      <Terms>
        <Term picture={<Large>{swapped.name}</Large>}>your function</Term>
        <Numbers scene={scene} stage={stage} />
      </Terms>
      <Note>
        Your function <b>{swapped.name}</b> stands in for this stage: what comes after it is
        computed from what it returned.
        {swap.isRemote && " It is too large for the page: each row is asked for of the kernel."}
      </Note>
    </>
  );
}

/** What it made here, beside what the layer itself makes. */
function Numbers({ scene, stage }: SwappedProps) {
  const other = useOther().value;
  const { value } = stepOf(stage);
  if (stage === RESULT) {
    if (!scene.ledger) return null;
    return (
      <>
        <Sign>=</Sign>
        <Term picture={<Vector name="value" values={scene.ledger.value} />} kind="result">
          this pixel, by channels
        </Term>
      </>
    );
  }
  return (
    <>
      <Sign>=</Sign>
      <Term picture={<Large>{value(scene)}</Large>} kind="result" role="match">
        here
      </Term>
      {other && (
        <>
          <Sign>beside</Sign>
          <Term picture={<Large>{value(other)}</Large>}>in A, the layer’s own</Term>
        </>
      )}
    </>
  );
}
