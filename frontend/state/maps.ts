// The map of doubt on screen, and the rows that it is made of where the page came without them.
import { batch, computed, effect, signal } from "@preact/signals";
import type { ColourRange } from "../engine/colour.ts";
import { errorMap, mapOfRows, type RowMapName, type RowMaps } from "../engine/maps.ts";
import { extremes } from "../engine/numbers.ts";
import type { MapName } from "../generated/maps.ts";
import { MAP_NAMES } from "../generated/maps.ts";
import type { InputArrays, KernelTraits } from "../protocol.ts";
import { arrayOf, sampleOf } from "./arrays.ts";
import { Background } from "./background.ts";
import { type Link, REST } from "./link.ts";
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

/** The maps of all samples, where they came with the inputs; those have results, too. */
function sentMaps(
  { results, inputs }: Run,
  arrays: Partial<InputArrays>,
  buffers: KernelTraits["buffers"],
): ReadonlyMap<number, RowMaps> {
  const valuesOf = (name: RowMapName) => {
    const description = arrays[name];
    return description && arrayOf(name, buffers?.[name], description);
  };
  const effective = valuesOf("effective_patches");
  const share = valuesOf("best_share");
  const margin = valuesOf("margin");
  const times = valuesOf("times_pasted");
  const maps = new Map<number, RowMaps>();
  if (!effective || !share || !margin || !times) return maps;
  for (const [sample, { argmax }] of results.value) {
    const P = argmax.length;
    maps.set(sample, {
      effective_patches: sampleOf(effective, sample, P),
      best_share: sampleOf(share, sample, P),
      margin: sampleOf(margin, sample, P),
      times_pasted: sampleOf(times, sample, times.length / inputs.n),
      argmax,
      queriesDone: P,
    });
  }
  return maps;
}

/** Makes the rows for the map on screen, as often as settings, hole or sample change. */
export class MapMaker {
  private readonly link: Link;
  private readonly session: Session;
  private readonly background = new Background("maps");
  /** How often somebody has asked to begin again. */
  private readonly attempts = signal(0);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isFollowing = false;

  constructor(link: Link, session: Session) {
    this.link = link;
    this.session = session;
  }

  /** Take over what came with the inputs of a run, and from then on what is chosen. */
  load(run: Run): void {
    const { model } = this.link;
    run.rowMaps.value = sentMaps(run, model.get("meta").arrays, model.get("buffers"));
    this.read();
    if (!this.isFollowing) this.follow();
  }

  /** Take over what Python sets. */
  private read(): void {
    const { map, problem, run } = this.session;
    const name = this.link.model.get("map") ?? null;
    const isPossible = name === null || (isMapName(name) && isAvailable(name, run));
    map.value = isPossible ? name : null;
    if (!isPossible) problem.value = `The debugger cannot show the map ${name} of this run.`;
  }

  /** Colour by another map, or by none; one that was stopped is begun again. */
  choose(map: MapName | null): void {
    this.session.map.value = map;
    this.link.write({ map });
    if (this.session.mapProgress.value === null) this.attempts.value += 1;
  }

  private follow(): void {
    const { link, session, attempts } = this;
    this.isFollowing = true;
    link.onChange(["map"], () => this.read());
    const needsRows = computed(() => session.map.value !== null && session.map.value !== "error");
    const endFollowing = effect(() => {
      const run = session.document.value;
      const sample = session.sample.value;
      attempts.value;
      if (!run || !needsRows.value || run.hasAllRows(sample)) return;
      if (run.awaited.value || run.remote) return; // what stands in for a stage is not here
      session.mapProgress.value = 0;
      this.timer = setTimeout(() => this.make(run, sample), REST);
      return () => this.end();
    });
    link.onStop(endFollowing);
  }

  /** Escape: what is made so far stays. */
  cancel(): void {
    this.end();
    this.session.message.value = "Stopped: the map has the queries that were done so far.";
  }

  private end(): void {
    clearTimeout(this.timer);
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
