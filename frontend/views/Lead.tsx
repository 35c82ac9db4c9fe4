// One sentence with this cell's numbers, whose coloured words are the legend; and the stepper.
import { useEffect } from "preact/hooks";
import { STEP_KEYS } from "../generated/stages.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import { useTools } from "./context.ts";
import { useHint } from "./hints.ts";
import { Icon } from "./icons.tsx";
import { Sentence } from "./Sentence.tsx";
import { moveTo, neighbour, showStage } from "./Strip.tsx";

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
  const isPlaying = session.isPlaying.value;
  const at = STEP_KEYS.indexOf(stepNameOf(session.stage.value));
  const isAtEnd = at === STEP_KEYS.length - 1;
  const step = (by: number) => {
    const next = neighbour(session, by);
    if (next) showStage(tools, stagesOf(next)[0]);
  };
  const play = () => {
    if (isAtEnd) moveTo(tools, stagesOf(STEP_KEYS[0])[0]);
    session.isPlaying.value = !isPlaying;
  };
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      const next = neighbour(session, 1);
      if (next) moveTo(tools, stagesOf(next)[0]);
      if (!neighbour(session, 1)) session.isPlaying.value = false;
    }, MILLISECONDS_A_STEP);
    return () => clearInterval(timer);
  }, [isPlaying]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box
    <div
      class="ctx-stepper"
      role="group"
      aria-label="Step"
      {...useHint("From step to step, for the same cell. Play goes through them; Esc stops it.")}
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
        disabled={isAtEnd}
        onClick={() => step(1)}
      >
        <Icon name="next" />
      </button>
      <button type="button" class="ctx-wide" data-do="play" data-playing={isPlaying} onClick={play}>
        <PlayWords isPlaying={isPlaying} isAtEnd={isAtEnd} />
      </button>
    </div>
  );
}

/** What the button will do. */
function PlayWords({ isPlaying, isAtEnd }: { isPlaying: boolean; isAtEnd: boolean }) {
  if (isPlaying) {
    return (
      <>
        <Icon name="pause" />
        Pause
      </>
    );
  }
  return (
    <>
      <Icon name="play" />
      {isAtEnd ? "Replay" : "Play"}
    </>
  );
}
