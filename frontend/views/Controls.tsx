// What each control is set to, and what turning it does.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Span } from "../state/scene.ts";
import { stagesOf } from "../state/stages.ts";
import { type Actions, useActions } from "./actions.ts";
import { useTools } from "./context.ts";
import { Button, Choice, upTo } from "./control_parts.tsx";
import { digits } from "./format.ts";
import { Painting } from "./Painting.tsx";
import { neighbour, showStage } from "./Strip.tsx";

export function Controls() {
  const actions = useActions();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box
    <div class="ctx-controls" role="group" aria-label="Controls">
      <small>Point at a control: what it does is said here.</small>
      <Stepper />
      <Looks />
      <Settings />
      <Painting />
      <Comparing />
      <TakeAway actions={actions} />
      <Bring actions={actions} />
    </div>
  );
}

// ---- the groups ----

const MILLISECONDS_A_STEP = 1600;

function Stepper() {
  const tools = useTools();
  const [isPlaying, setPlaying] = useState(false);
  const step = (by: number) => {
    const next = neighbour(tools.session, by);
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
    <span class="ctx-group">
      <Button name="back" label="Step back" onClick={() => step(-1)}>
        ◀
      </Button>
      <Button name="next" label="Step on" onClick={() => step(1)}>
        ▶
      </Button>
      <Button name="play" isPressed={isPlaying} onClick={() => setPlaying(!isPlaying)}>
        Play
      </Button>
      <small>from stage to stage, for the same cell</small>
    </span>
  );
}

const SPANS: readonly Span[] = ["row", "stage", "everything"];
const SPAN_WORDS = { row: "this query", stage: "this stage", everything: "everything" };

function Looks() {
  const { session, kernel } = useTools();
  const { n, c } = session.run.inputs;
  return (
    <>
      {n > 1 && (
        <Choice
          name="sample"
          help="which picture of the batch"
          value={session.sample.value}
          values={upTo(n)}
          onChoice={(sample) => kernel.publish({ sample })}
        />
      )}
      {c > 1 && (
        <Choice
          name="channel"
          help="one channel in the signed map, in every picture"
          value={session.channel.value ?? -1}
          values={[-1, ...upTo(c)]}
          words={(channel) => (channel < 0 ? "all" : String(channel))}
          onChoice={(channel) => {
            session.channel.value = channel < 0 ? null : channel;
          }}
        />
      )}
      <Choice
        name="range"
        label="colours span"
        help="which numbers reach from end to end of the colour map"
        value={session.span.value}
        values={SPANS}
        words={(span) => SPAN_WORDS[span]}
        onChoice={(span) => {
          session.span.value = span;
        }}
      />
    </>
  );
}

const SIDES = [1, 3, 5, 7];
const LARGEST_RATE = 8;

function Settings() {
  const { session, kernel } = useTools();
  const { config, inputs } = session.run;
  const { H, W, Hb, Wb, meta } = inputs;
  const names = Object.keys(meta.dialects) as (keyof typeof meta.dialects)[];
  const dialects = [...names, ...(config.dialect === "custom" ? (["custom"] as const) : [])];
  const sidesWith = (side: number) => [...new Set([...SIDES, side])].sort((a, b) => a - b);
  const divides = (rate: number) => [H, W, Hb, Wb].every((size) => size % rate === 0);
  const rates = upTo(LARGEST_RATE + 1).filter((rate) => rate > 0 && divides(rate));
  return (
    <>
      <Choice
        name="dialect"
        help="shrinking, norms, masking and overlap as this code has them"
        value={config.dialect}
        values={dialects}
        onChoice={(name) => {
          if (name !== "custom") kernel.change(meta.dialects[name]);
        }}
      />
      <label>
        softmax_scale{" "}
        <input
          type="range"
          data-set="softmax_scale"
          min="0"
          max="50"
          step="0.5"
          value={config.softmax_scale}
          onInput={({ currentTarget }) =>
            kernel.change({ softmax_scale: currentTarget.valueAsNumber })
          }
        />
        <output>{digits(config.softmax_scale)}</output>
        <small>larger: one match takes all; 0: all alike</small>
      </label>
      <label>
        <input
          type="checkbox"
          data-set="fuse"
          checked={config.fuse}
          onInput={({ currentTarget }) => kernel.change({ fuse: currentTarget.checked })}
        />{" "}
        fuse
        <small>add the scores of neighbours that match side by side</small>
      </label>
      <Choice
        name="fuse_k"
        help="how many scores each pass adds up"
        value={config.fuse_k}
        values={sidesWith(config.fuse_k)}
        onChoice={(fuse_k) => kernel.change({ fuse_k })}
      />
      <Choice
        name="ksize"
        help="side of the patches compared"
        value={config.ksize}
        values={sidesWith(config.ksize)}
        onChoice={(ksize) => kernel.change({ ksize })}
      />
      <Choice
        name="rate"
        help="how much the maps are shrunk before matching; half the rate is 16 times the work"
        value={config.rate}
        values={rates}
        onChoice={(rate) => kernel.change({ rate })}
      />
    </>
  );
}

function Comparing() {
  const { pinned, document } = useTools().session;
  const isPinned = pinned.value !== null;
  return (
    <span class="ctx-group">
      <Button
        name="pin"
        isPressed={isPinned}
        onClick={() => {
          pinned.value = isPinned ? null : document.value;
        }}
      >
        {isPinned ? "Unpin A" : "Pin as A"}
      </Button>
      <small>keeps this run: change anything and see B beside it, below</small>
    </span>
  );
}

const TakeAway = ({ actions }: { actions: Actions }) => (
  <span class="ctx-group">
    <Button name="python" onClick={actions.copyPython}>
      Copy as Python
    </Button>
    <Button name="png" onClick={actions.savePicture}>
      PNG
    </Button>
    <Button name="page" onClick={actions.savePage}>
      Save page
    </Button>
    <small>this view as code, as a picture, or as a page that works without a kernel</small>
  </span>
);

function Bring({ actions }: { actions: Actions }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <label>
      photograph{" "}
      <input
        ref={input}
        type="file"
        accept="image/*"
        onChange={() => {
          const file = input.current?.files?.[0];
          if (file) actions.bring(file); // none: the chooser was cleared
        }}
      />
      <small>
        your own: cropped to fit, with a hole in its middle, filled smoothly; or drop one anywhere
        here
      </small>
    </label>
  );
}
