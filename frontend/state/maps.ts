// The map of doubt on screen, and the rows that it is made of where the page came without them.
import { batch, computed, effect, signal } from "@preact/signals";
import type { ColourRange } from "../engine/colour.ts";
import { errorMap, mapOfRows, type RowMaps } from "../engine/maps.ts";
import { extremes } from "../engine/numbers.ts";
import type { MapName } from "../generated/maps.ts";
import { MAP_NAMES } from "../generated/maps.ts";
import { sampleOf } from "./arrays.ts";
import { Background } from "./background.ts";
import { REST } from "./link.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";

export interface DoubtMap {
  readonly name: MapName;
  /** Whether its places are queries, or background patches. */
  readonly grid: "query" | "patch";
  readonly rows: number;
  readonly cols: number;
  /** NaN where there is no match, and where the rows are not there yet. */
  readonly values: Float32Array;
  readonly range: ColourRange;
  readonly isWhole: boolean;
  /** Whether a place has its number already. */
  readonly isDone: (place: number) => boolean;
}

export const isMapName = (value: unknown): value is MapName =>
  MAP_NAMES.some((name) => name === value);

export const gridOf = (name: MapName): DoubtMap["grid"] =>
  name === "times_pasted" ? "patch" : "query";

/** Whether a map can be made of this run at all. */
export const isAvailable = (name: MapName, run: Run): boolean =>
  name !== "error" || run.inputs.truth !== null;

/** The map as far as it is known; null where nothing of it is. */
export function doubtOf(name: MapName, run: Run, sample: number): DoubtMap | null {
  const attention = run.attention(sample);
  const { P, h } = attention;
  let values: Float32Array;
  let queriesDone = P;
  if (name === "error") {
    const { truth, c, H, W } = run.inputs;
    const output = run.known(sample)?.output;
    if (!truth || !output) return null;
    values = errorMap(output, sampleOf(truth, sample, c * H * W), attention);
  } else {
    const maps = run.rowMaps.value.get(sample);
    if (!maps) return null;
    values = mapOfRows(name, maps, attention);
    queriesDone = maps.queriesDone;
  }
  const grid = gridOf(name);
  const { rows, cols } = grid === "query" ? attention.queryGrid : attention.patchGrid;
  const isWhole = queriesDone === P;
  // The rows come down the columns of queries, and each adds to every patch.
  const isDone = (p: number) =>
    isWhole || grid === "patch" || (p % cols) * h + Math.floor(p / cols) < queriesDone;
  return { name, grid, rows, cols, values, range: rangeOf(name, values), isWhole, isDone };
}

/** What is many times as much at some places: even steps of colour are so many times more. */
const LOGARITHMIC: readonly MapName[] = ["effective_patches", "times_pasted"];

/** From the least to the largest, which is painted as all others are: nothing shows through. */
function rangeOf(name: MapName, values: Float32Array): ColourRange {
  const [least, most] = extremes(values);
  const [low, high] = least <= most ? [least, most] : [0, 0];
  return { low, high, signed: false, covers: true, isLogarithmic: LOGARITHMIC.includes(name) };
}

/** Makes the rows for the map on screen, as often as settings, hole or sample change. */
export class MapMaker {
  private readonly session: Session;
  private readonly background = new Background("maps");
  /** How often somebody has asked to begin again. */
  private readonly attempts = signal(0);
  private endFollowing: () => void = () => {};

  constructor(session: Session) {
    this.session = session;
  }

  /** Until `end` is called. */
  follow(): void {
    const { session, attempts } = this;
    const needsRows = computed(() => session.map.value !== null && session.map.value !== "error");
    this.endFollowing = effect(() => {
      const run = session.document.value;
      const sample = session.sample.value;
      attempts.value;
      if (!run || !needsRows.value || run.hasAllRows(sample)) return;
      if (run.awaited.value || run.remote) return; // what stands in for a stage is not here
      session.mapProgress.value = 0;
      const timer = setTimeout(() => this.make(run, sample), REST);
      return () => {
        clearTimeout(timer);
        this.end();
      };
    });
  }

  stopFollowing(): void {
    this.endFollowing();
  }

  /** Begin again, where it was stopped. */
  resume(): void {
    if (this.session.mapProgress.value === null) this.attempts.value += 1;
  }

  /** Escape: what is made so far stays. */
  cancel(): void {
    this.end();
    this.session.message.value = "Stopped: the map has the queries that were done so far.";
  }

  private end(): void {
    this.background.stop();
    this.session.mapProgress.value = null;
  }

  private async make(run: Run, sample: number): Promise<void> {
    const { mapProgress } = this.session;
    const { P } = run.attention(sample);
    const learn = (maps: RowMaps) => {
      batch(() => {
        run.learnRows(sample, maps);
        mapProgress.value = maps.queriesDone < P ? maps.queriesDone / P : null;
      });
    };
    const maps = await this.background.compute(run.arrays(sample), run.config, learn);
    if (maps) learn(maps);
  }
}
