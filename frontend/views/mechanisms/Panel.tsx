// The mechanism of a step: a slider over its ticks, one sentence, and pictures that move.
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { dwell, nextStation, playOn, SLOW } from "../../engine/mechanisms/pace.ts";
import { clamp } from "../../engine/numbers.ts";
import type { StageKey } from "../../generated/stages.ts";
import type { Playback } from "../../state/mechanism.ts";
import type { Scene } from "../../state/scene.ts";
import { stepNameOf } from "../../state/stages.ts";
import { useTools } from "../context.ts";
import { useHint } from "../hints.ts";
import { Icon } from "../icons.tsx";
import type { Film } from "./film.ts";
import { FILMS } from "./index.ts";

/** Shows the step on screen in motion, and ends that. */
export function WatchButton() {
  const { mechanism } = useTools().session;
  const isOpen = mechanism.isOpen.value;
  return (
    <button
      type="button"
      class="ctx-chip"
      data-do="watch"
      aria-pressed={isOpen}
      aria-keyshortcuts="m"
      onClick={() => mechanism.toggle()}
      {...useHint("How this step works, tick by tick, with the numbers of this cell.")}
    >
      <Icon name="play" /> Tick by tick
    </button>
  );
}

interface PanelProps {
  /** What is pointed at now. */
  scene: Scene;
  stage: StageKey;
}

export function MechanismPanel({ scene: now, stage }: PanelProps) {
  const { mechanism } = useTools().session;
  const scene = useSubject({ ...now, stage }, mechanism);
  const { attention, p, q, patch, channel } = scene;
  const pixel = scene.pixel?.join();
  const film = useMemo(
    () => (lackOf(scene) ? null : FILMS[stepNameOf(scene.stage)](scene)),
    [attention, attention.valid, scene.stage, p, q, patch, pixel, channel],
  );
  const stageBefore = useRef(stage);
  useLayoutEffect(() => {
    if (stageBefore.current !== stage) mechanism.rewind();
    stageBefore.current = stage;
  }, [stage]);
  const lack = lackOf(scene) ?? (film ? null : NO_QUERY);
  if (lack) return <p class="ctx-tick">{lack}</p>;
  if (!film) return null;
  return <Watching film={film} mechanism={mechanism} />;
}

const NO_QUERY =
  "This step asks about a query: move over the foreground, and click to keep a cell.";

/** Why there is nothing to watch: a function of the reader's own does the work, elsewhere. */
function lackOf({ run, stage }: Scene): string | null {
  const swap = run.swap.value;
  if (!swap) return null;
  const swapped = swap.stageOf(stage) ?? (stage === FUSED ? swap.stageOf("fused_rows") : null);
  if (swapped) {
    return `How ${swapped.name} works, your function in place of this step, is not known here.`;
  }
  return swap.isRemote ? "What this needs of a swapped run is not in the page." : null;
}

/** While it plays, what it is about stays, wherever the mouse is; other settings replace it. */
function useSubject(now: Scene, { isPlaying }: Playback): Scene {
  const kept = useRef(now);
  const { run, sample, stage } = kept.current;
  const isOld = run !== now.run || sample !== now.sample || stage !== now.stage;
  if (!isPlaying.value || isOld) kept.current = now;
  return kept.current;
}

const FUSED = "fused_scores";
const SMOOTH = 300; // milliseconds: what is looked at for longer glides from tick to tick

function Watching({ film, mechanism }: { film: Film; mechanism: Playback }) {
  const { last } = film;
  useLayoutEffect(() => {
    mechanism.last.value = last;
  }, [last]);
  usePlaying(mechanism, film);
  const tick = clamp(mechanism.tick.value, last + 1);
  return (
    <section
      class="ctx-mechanism"
      aria-label="How this step works, tick by tick"
      data-tick={tick}
      data-glides={dwell(tick, film) > SMOOTH}
    >
      <Steering mechanism={mechanism} tick={tick} last={last} />
      <p class="ctx-tick" aria-live={mechanism.isPlaying.value ? "off" : "polite"}>
        {film.tell(tick)}
      </p>
      <div class="ctx-scene">{film.draw(tick)}</div>
    </section>
  );
}

interface SteeringProps {
  mechanism: Playback;
  tick: number;
  last: number;
}

function Steering({ mechanism, tick, last }: SteeringProps) {
  const isPlaying = mechanism.isPlaying.value;
  return (
    <div class="ctx-steering">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be drawn as a box */}
      <div class="ctx-stepper" role="group" aria-label="Through the mechanism">
        <button
          type="button"
          data-do="tick-back"
          aria-label="One tick back"
          aria-keyshortcuts=","
          title="One tick back (,)"
          aria-disabled={tick === 0}
          onClick={() => mechanism.step(-1)}
        >
          <Icon name="back" />
        </button>
        <button
          type="button"
          class="ctx-wide"
          data-do="tick-play"
          data-playing={isPlaying}
          aria-keyshortcuts="k"
          title={`${isPlaying ? "Pause" : "Play"} (k)`}
          onClick={() => mechanism.play()}
        >
          <Icon name={isPlaying ? "pause" : "play"} />
          {isPlaying ? "Pause" : "Play"}
        </button>
        <button
          type="button"
          data-do="tick-on"
          aria-label="One tick on"
          aria-keyshortcuts="."
          title="One tick on (.)"
          aria-disabled={tick === last}
          onClick={() => mechanism.step(1)}
        >
          <Icon name="next" />
        </button>
      </div>
      <input
        type="range"
        data-set="tick"
        aria-label="tick"
        min={0}
        max={last}
        step={1}
        value={tick}
        onInput={({ currentTarget }) => mechanism.stand(currentTarget.valueAsNumber)}
      />
      <span class="ctx-where">
        tick <b>{tick}</b> of {last}
      </span>
    </div>
  );
}

/** Let the ticks pass while it plays, until the last one; it ends with what shows it. */
function usePlaying(mechanism: Playback, film: Film): void {
  const { last } = film;
  const isPlaying = mechanism.isPlaying.value;
  useEffect(() => {
    if (!isPlaying) return;
    const { tick } = mechanism;
    const endAt = (at: number) => {
      tick.value = at;
      if (at >= last) mechanism.isPlaying.value = false;
    };
    if (isStill()) {
      const timer = setInterval(() => endAt(nextStation(tick.value, film)), SLOW);
      return () => clearInterval(timer);
    }
    let before = performance.now();
    let position = { tick: Math.min(tick.value, last), spent: 0 };
    let frame = 0;
    const advance = () => {
      const time = performance.now();
      position = playOn(position, time - before, film);
      before = time;
      endAt(position.tick);
      frame = requestAnimationFrame(advance);
    };
    frame = requestAnimationFrame(advance);
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, film]);
  useEffect(
    () => () => {
      mechanism.isPlaying.value = false;
    },
    [mechanism],
  );
}

/** The reader wants no motion: it goes from tick to tick, and nothing flashes past. */
const isStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
