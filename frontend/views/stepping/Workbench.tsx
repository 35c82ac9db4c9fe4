// Code beside what it makes: the same in the debugger and on its own.
import { useMemo } from "preact/hooks";
import type { Stepping } from "../../state/stepping.ts";
import { Beside } from "./Beside.tsx";
import { type Below, Bitmaps } from "./bitmaps.ts";
import { Calls } from "./Calls.tsx";
import { Code } from "./Code.tsx";
import { SteppingContext } from "./context.ts";
import { Locals } from "./Locals.tsx";
import { Steering } from "./Steering.tsx";
import { Values } from "./Values.tsx";
import { spoken } from "./words.ts";

export function Workbench({ stepping, below }: { stepping: Stepping; below?: Below }) {
  const tools = useMemo(() => ({ stepping, bitmaps: new Bitmaps(below) }), [stepping, below]);
  const recording = stepping.recording.value;
  if (!recording) return null;
  const hasCode = recording.steps.length > 0;
  return (
    <SteppingContext.Provider value={tools}>
      <Steering />
      <div class={hasCode ? "ctx-bench" : "ctx-bench ctx-one"}>
        {hasCode && (
          <div class="ctx-reading-code">
            <Calls />
            <Code />
            <Locals />
          </div>
        )}
        <Values isAlone={!hasCode} />
      </div>
      <Beside beside={recording.beside} />
      <p class="ctx-live" role="status" aria-live="polite">
        {spoken(recording, stepping.at.value)}
      </p>
    </SteppingContext.Provider>
  );
}
