// The stepping view on its own: what cv.step_into and cv.look show.
import type { Stepping } from "../../state/stepping.ts";
import { takeMove } from "./Steering.tsx";
import { Workbench } from "./Workbench.tsx";

export function Alone({ stepping, problem }: { stepping: Stepping; problem: string }) {
  const takeKey = (event: KeyboardEvent) => {
    if (!takeMove(stepping, event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const recording = stepping.recording.value;
  return (
    <section
      class="ctxattn"
      data-ctxattn="stepping"
      data-lm-suppress-shortcuts="true"
      aria-label={recording?.title ?? "Step by step"}
      onKeyDown={takeKey}
    >
      {problem && (
        <p class="ctx-fatal" role="alert">
          {problem}
        </p>
      )}
      <div class="ctx-stepping ctx-alone">
        <header>
          {/* biome-ignore lint/a11y/useSemanticElements: a notebook has its own headings */}
          <p class="ctx-title" role="heading" aria-level={1}>
            <b>{recording?.title}</b>
          </p>
        </header>
        <Workbench stepping={stepping} />
      </div>
    </section>
  );
}
