// A box of cells, and the sum of their rows: what all of them together make of each patch.
import { computed, effect } from "@preact/signals";
import type { Attention } from "../engine/attention.ts";
import { WEIGHTS } from "../engine/roles.ts";
import type { MatrixKey, StageKey } from "../generated/stages.ts";
import { stepOf } from "../steps/index.ts";
import type { Place } from "./cursor.ts";
import type { Session } from "./session.ts";

/** A box between two cells of f, these included. */
export interface Region {
  readonly from: Place;
  readonly to: Place;
  /** False while it is being drawn. */
  readonly isComplete: boolean;
}

/** What has arrived of the sum. */
export interface RegionSum {
  /** Of which matrix the rows are: the step's own, or the attention where it has none. */
  readonly stage: MatrixKey;
  readonly values: Float64Array;
  /** The same rows of the attention added up: what the cells take. */
  readonly weights: Float64Array;
  readonly rowsDone: number;
  readonly rows: number;
  /** It takes so long that the reader is told how far it is. */
  readonly isSlow: boolean;
}

interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

export function boxOf({ from, to }: Region): Box {
  const top = Math.min(from[0], to[0]);
  const left = Math.min(from[1], to[1]);
  return {
    top,
    left,
    height: Math.abs(from[0] - to[0]) + 1,
    width: Math.abs(from[1] - to[1]) + 1,
  };
}

/** The queries of a box, row by row. */
export function queriesOf(region: Region, { w }: Pick<Attention, "w">): number[] {
  const { top, left, height, width } = boxOf(region);
  return Array.from({ length: height * width }, (_, i) => {
    const row = top + Math.floor(i / width);
    return row * w + left + (i % width);
  });
}

/** Time, as a browser has it. */
export interface Clock {
  /** Milliseconds. */
  readonly now: () => number;
  /** Call once before the next picture is drawn; returns what takes the call back. */
  readonly onNextFrame: (call: () => void) => () => void;
}

const BROWSER: Clock = {
  now: () => performance.now(),
  onNextFrame: (call) => {
    const frame = requestAnimationFrame(call);
    return () => cancelAnimationFrame(frame);
  },
};

const SLICE = 12; // milliseconds of a frame
const SLOW = 100; // milliseconds

/** Keep the session's sum that of its region, until the returned function is called. */
export function sumRegions(session: Session, clock: Clock = BROWSER): () => void {
  const stageOfStep = computed(() => summedStage(session.stage.value));
  return effect(() => {
    const region = session.region.value;
    const stage = stageOfStep.value;
    session.regionSum.value = null;
    if (!region?.isComplete || !session.document.value) return;
    if (session.run.swap.value?.isRemote) {
      session.region.value = null;
      session.message.value = "Its rows come from the kernel one by one: no region is added up.";
      return;
    }
    const { attention } = session;
    const queries = queriesOf(region, attention);
    const weights = new Float64Array(attention.L);
    const sum = stage === WEIGHTS ? weights : new Float64Array(attention.L);
    const start = clock.now();
    let rowsDone = 0;
    let takeBack = () => {};
    const work = () => {
      const end = clock.now() + SLICE;
      do {
        addTo(weights, attention.row(WEIGHTS, queries[rowsDone]));
        if (sum !== weights) addTo(sum, attention.row(stage, queries[rowsDone]));
        rowsDone += 1;
      } while (rowsDone < queries.length && clock.now() < end);
      const isSlow = clock.now() - start > SLOW;
      // A copy: pictures tell by it that something is new.
      session.regionSum.value = {
        stage,
        values: sum.slice(),
        weights: weights.slice(),
        rowsDone,
        rows: queries.length,
        isSlow,
      };
      if (rowsDone < queries.length) takeBack = clock.onNextFrame(work);
    };
    work();
    return () => takeBack();
  });
}

/** The matrix whose rows are added up at a stage. */
function summedStage(stage: StageKey): MatrixKey {
  const step = stepOf(stage);
  return (step.noRegion ? null : step.rowStage(stage)) ?? WEIGHTS;
}

function addTo(sum: Float64Array, row: ArrayLike<number>): void {
  for (let q = 0; q < sum.length; q++) sum[q] += row[q];
}
