// One sentence with this cell's numbers, whose coloured words are the legend; and the stepper.
import { useEffect, useState } from "preact/hooks";
import { STEP_KEYS } from "../generated/stages.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import { useTools } from "./context.ts";
import { useHint } from "./hints.ts";
import { Icon } from "./icons.tsx";
import { Sentence } from "./Sentence.tsx";
import { neighbour, showStage } from "./Strip.tsx";

export const Lead = () => (
  <div class="ctx-lead">
    <Story />
    <Stepper />
  </div>
);

/** What was refused comes first: it is why the screen is not as it was asked. */
function Story() {
  const { session } = useTools();
  const problem = session.problem.value;
  if (!problem) return <Sentence />;
  return (
    <p class="ctx-story ctx-warn" role="alert">
      ⚠ {problem}
      <button
        type="button"
        class="ctx-chip ctx-round"
        aria-label="Close this message"
        onClick={() => {
          session.problem.value = "";
        }}
      >
        <Icon name="close" />
      </button>
    </p>
  );
}

const MILLISECONDS_A_STEP = 1600;

function Stepper() {
  const tools = useTools();
  const { session } = tools;
  const [isPlaying, setPlaying] = useState(false);
  const at = STEP_KEYS.indexOf(stepNameOf(session.stage.value));
  const step = (by: number) => {
    const next = neighbour(session, by);
    if (next) showStage(tools, stagesOf(next)[0]);
    return next !== null;
  };
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      if (!step(1)) setPlaying(false);
    }, MILLISECONDS_A_STEP);
    return () => clearInterval(timer);
  }, [isPlaying]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box
    <div
      class="ctx-stepper"
      role="group"
      aria-label="Step"
      {...useHint("From step to step, for the same cell.")}
    >
      <button
        type="button"
        data-do="back"
        aria-label="Step back"
        disabled={at === 0}
        onClick={() => step(-1)}
      >
        <Icon name="back" />
      </button>
      <span>
        {at + 1} of {STEP_KEYS.length}
      </span>
      <button
        type="button"
        data-do="next"
        aria-label="Step on"
        disabled={at === STEP_KEYS.length - 1}
        onClick={() => step(1)}
      >
        <Icon name="next" />
      </button>
      <button
        type="button"
        class="ctx-wide"
        data-do="play"
        aria-pressed={isPlaying}
        onClick={() => setPlaying(!isPlaying)}
      >
        <Icon name={isPlaying ? "pause" : "play"} />
        {isPlaying ? "Pause" : "Play"}
      </button>
    </div>
  );
}
