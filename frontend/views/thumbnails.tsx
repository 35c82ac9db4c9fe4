// The strip's small pictures: this cell's value at a step, a frame after the large ones.

import { computed, effect, type ReadonlySignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Attention } from "../engine/attention.ts";
import { firstDifference } from "../engine/difference.ts";
import { STAGE_KEYS, type StepKey } from "../generated/stages.ts";
import { type Cursor, keptQuery, NOTHING } from "../state/cursor.ts";
import type { Run } from "../state/run.ts";
import { type Scene, sceneOf } from "../state/scene.ts";
import type { Session } from "../state/session.ts";
import { stagesOf, stepNameOf } from "../state/stages.ts";
import type { Miniaturist, Step } from "../steps/step.ts";
import { useTools } from "./context.ts";
import { ThumbnailCanvas } from "./thumbnail_canvas.ts";

interface ThumbnailsProps {
  step: Step;
  /** One, or two beside each other. */
  pictures: readonly Miniaturist[];
  /** Shares of one, drawn as bars beside the picture. */
  shares?: (scene: Scene) => readonly number[];
}

/** The same pair of cells in A; null where nothing is pinned. */
export const useOther = (): ReadonlySignal<Scene | null> => sharedBy(useTools().session).other;

/** A step's thumbnail; where A is pinned, A's above B's. */
export function Thumbnails({ step, pictures, shares }: ThumbnailsProps) {
  const { session } = useTools();
  const shared = sharedBy(session);
  const { other, parting } = shared;
  const isPinned = session.pinned.value !== null;
  // One that is swapped says so, in the same place.
  const { swap } = session.run;
  const isSwapped = stagesOf(step.name).some((key) => swap.value?.stageOf(key));
  const isParting = isPinned && parting.value === step.name && !isSwapped;
  const both = { step, pictures, shares, shared };
  return (
    <>
      {isPinned && <Side key="A" name="A" scene={other} {...both} />}
      <Side key="B" name={isPinned ? "B" : ""} scene={session.scene} {...both} />
      {isParting && <span class="ctx-parting">first to differ</span>}
    </>
  );
}

interface SideProps extends ThumbnailsProps {
  shared: Shared;
  scene: ReadonlySignal<Scene | null>;
  /** A or B where both are there. */
  name: string;
}

function Side({ step, pictures, shares, shared, scene, name }: SideProps) {
  return (
    <span class={`ctx-minis ctx-minis-${pictures.length}`}>
      {pictures.map((picture, i) => (
        <Miniature key={i} shared={shared} scene={scene} picture={picture} />
      ))}
      {shares && <Bars shared={shared} scene={scene} shares={shares} />}
      {name && (
        <span class="ctx-tag">
          <b>{name}</b> <SideValue scene={scene} step={step} />
        </span>
      )}
    </span>
  );
}

function SideValue({ scene, step }: Pick<SideProps, "scene" | "step">) {
  const now = scene.value;
  return <>{now && now.q >= 0 && step.value(now)}</>;
}

interface FollowerProps {
  shared: Shared;
  scene: ReadonlySignal<Scene | null>;
}

function Miniature({ shared, scene, picture }: FollowerProps & { picture: Miniaturist }) {
  const frame = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (!frame.current) return;
    const thumbnail = new ThumbnailCanvas(frame.current);
    return shared.follow(scene, (now) => thumbnail.draw(now && picture(now)));
  }, [shared, scene, picture]);
  return (
    <span class="ctx-thumb" data-blank="true" ref={frame}>
      <canvas />
      <svg aria-hidden="true">
        <path />
      </svg>
    </span>
  );
}

/** How many shares have a bar of their own; the last bar is what the others come to. */
const MOST_BARS = 5;

function Bars({ shared, scene, shares }: FollowerProps & Required<Pick<SideProps, "shares">>) {
  const bars = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const elements = bars.current?.querySelectorAll("i");
    return shared.follow(scene, (now) => {
      const values = now && now.p >= 0 ? shares(now) : [];
      elements?.forEach((element, i) => {
        element.style.width = `${100 * Math.max(0, values[i] || 0)}%`;
      });
    });
  }, [shared, scene, shares]);
  return (
    <span class="ctx-bars" ref={bars}>
      {Array.from({ length: MOST_BARS + 1 }, (_, i) => (
        <i key={i} />
      ))}
    </span>
  );
}

// ---- what all thumbnails of a debugger share ----

const SHARED = new WeakMap<Session, Shared>();

function sharedBy(session: Session): Shared {
  const known = SHARED.get(session);
  if (known) return known;
  const shared = new Shared(session);
  SHARED.set(session, shared);
  return shared;
}

class Shared {
  /** The same pair of cells in A; null where nothing is pinned. */
  readonly other: ReadonlySignal<Scene | null>;
  /** The first step at which A and B differ for this query. */
  readonly parting: ReadonlySignal<StepKey | null>;
  private readonly waiting = new Set<() => void>();
  private isPlanned = false;

  constructor(session: Session) {
    this.other = computed(() => {
      const A = session.pinned.value;
      return A && sceneIn(A, session.scene.value);
    });
    this.parting = computed(() => {
      const A = this.other.value;
      const B = session.scene.value;
      const difference = A && firstDifference(A.attention, B.attention, A.p, B.p, STAGE_KEYS);
      return difference && stepNameOf(difference.stage);
    });
  }

  /**
   * Draw each scene soon after the large pictures do, or a later one in its place.
   *
   * @returns what ends it.
   */
  follow(scene: ReadonlySignal<Scene | null>, draw: (scene: Scene | null) => void): () => void {
    const job = () => draw(scene.peek());
    const stop = effect(() => {
      scene.value;
      this.plan(job);
    });
    return () => {
      stop();
      this.waiting.delete(job);
    };
  }

  /** Once the frame with the large pictures is out: they do not wait for the small ones. */
  private plan(job: () => void): void {
    this.waiting.add(job);
    if (this.isPlanned) return;
    this.isPlanned = true;
    requestAnimationFrame(() => setTimeout(() => this.draw()));
  }

  private draw(): void {
    this.isPlanned = false;
    const jobs = [...this.waiting];
    this.waiting.clear();
    for (const job of jobs) job();
  }
}

/** What A has for the same query and the same patch. */
function sceneIn(A: Run, scene: Scene): Scene {
  const { attention, sample, query, q, stage, channel, span } = scene;
  const a = A.attention(sample);
  let cursor: Cursor = NOTHING;
  if (query && q >= 0) {
    const [row, column] = a.at(query, attention.config);
    cursor = keptQuery([row, column], patchIn(a, scene));
  }
  const ofRegion = { region: null, regionSum: null };
  const over = { gradientMaps: null, doubt: null, asked: null };
  const alone = { pinned: null, side: "B", links: [], ...over, ...ofRegion } as const;
  return sceneOf({ run: A, sample, stage, cursor, channel, span, ...alone });
}

/** A's patch at the place of the scene's. */
function patchIn({ gh, gw, config }: Attention, { attention, q }: Scene): number {
  const scale = attention.config.rate / (config.rate * config.stride);
  const [row, column] = attention.cellOf(q);
  const i = Math.min(gh - 1, Math.floor(row * scale));
  const j = Math.min(gw - 1, Math.floor(column * scale));
  return i * gw + j;
}
