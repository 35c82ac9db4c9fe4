// The stepping view on its own: what cv.step_into and cv.look show.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Recording } from "../../state/recording.ts";
import type { Stepping } from "../../state/stepping.ts";
import { takeMove } from "./Steering.tsx";
import { Workbench } from "./Workbench.tsx";

export function Alone({ stepping, problem }: { stepping: Stepping; problem: string }) {
  const root = useRef<HTMLElement>(null);
  const takeKey = (event: KeyboardEvent) => {
    if (!takeMove(stepping, event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  // On a page of its own nothing else wants a key that no element has.
  useLayoutEffect(() => {
    if (!document.body.classList.contains("ctxattn-page")) return;
    const takeElsewhere = (event: KeyboardEvent) => {
      if (!root.current?.contains(event.target as Node)) takeKey(event);
    };
    document.addEventListener("keydown", takeElsewhere);
    return () => document.removeEventListener("keydown", takeElsewhere);
  });
  const recording = stepping.recording.value;
  return (
    <section
      ref={root}
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
        {recording && <Verdict stepping={stepping} recording={recording} />}
        <Workbench stepping={stepping} />
      </div>
    </section>
  );
}

/** Of an exercise's answer: what is marked, the way to where it ends, and what is expected. */
function Verdict({ stepping, recording }: { stepping: Stepping; recording: Recording }) {
  const { sentence, stretch, target } = recording;
  if (!sentence) return null;
  return (
    <div class="ctx-verdict">
      <p>{sentence}</p>
      {stretch && (
        <button
          type="button"
          class="ctx-chip"
          data-do="to-stretch"
          onClick={() => stepping.stand(stretch.steps[1])}
        >
          to the end of the underlined part
        </button>
      )}
      {target !== null && (
        <button
          type="button"
          class="ctx-chip"
          data-do="look-at-target"
          onClick={() => stepping.lookAt(target)}
        >
          what is expected
        </button>
      )}
    </div>
  );
}
