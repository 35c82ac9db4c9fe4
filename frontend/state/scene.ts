// What there is to see, computed once for all views from the run and the cursor.
import type { Attention, Ledger, Match } from "../engine/attention.ts";
import { type ColourRange, rangeOf } from "../engine/colour.ts";
import { extremes } from "../engine/numbers.ts";
import { WEIGHTS } from "../engine/roles.ts";
import { MATRIX_KEYS, type MatrixKey, type StageKey } from "../generated/stages.ts";
import { stepOf } from "../steps/index.ts";
import { type Cursor, type Place, patchOf, queryOf } from "./cursor.ts";
import type { GradientMaps } from "./gradient.ts";
import type { KeptLink } from "./kept.ts";
import type { DoubtMap } from "./maps.ts";
import type { Asked } from "./questions.ts";
import type { Region, RegionSum } from "./region.ts";
import type { Result, Run } from "./run.ts";
import { type Answers, answersOf, difference, rowOf, type Side, sideOf } from "./sides.ts";

export type ViewName = "foreground" | "background" | "output";
/** Which numbers reach from end to end of the colour map. */
export type Span = "row" | "stage" | "everything";

/** Numbers laid over a picture, `step` pixels a cell. */
export interface HeatMap {
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly cols: number;
  readonly step: number;
  readonly range: ColourRange;
  /** Whether a cell has its number already; left out where all have. */
  readonly isDone?: (cell: number) => boolean;
  /** Numbers up to this, either way, get no colour: the picture below shows. */
  readonly least?: number;
}

/** What the scene is computed from. */
export interface View {
  readonly run: Run;
  readonly sample: number;
  readonly stage: StageKey;
  readonly cursor: Cursor;
  readonly channel: number | null;
  readonly span: Span;
  /** The run kept as A, and which side is looked at. */
  readonly pinned: Run | null;
  readonly side: Side;
  /** The kept cells, each with its best match. */
  readonly links: readonly KeptLink[];
  readonly region: Region | null;
  readonly regionSum: RegionSum | null;
  /** The map of doubt, which lies over the picture that has its cells. */
  readonly doubt: DoubtMap | null;
  /** The question on screen, if any. */
  readonly asked: Asked | null;
  /** In place of the stage's maps, while the gradient lens is open. */
  readonly gradientMaps: GradientMaps | null;
}

export interface Scene extends View {
  readonly attention: Attention;
  readonly known: Result | null;
  /** The query cell, and its index p; null and -1 where there is none. */
  readonly query: Place | null;
  readonly p: number;
  /** The patch that was chosen; null where it is the best match that counts. */
  readonly patch: number | null;
  /** The patch that the query is compared with: the chosen one or the best; -1 for none. */
  readonly q: number;
  readonly pixel: Place | null;
  /** The query's five best, or the pixel's. */
  readonly best: readonly Match[];
  /** The row of the score matrix that the stage shows, or is made with. */
  readonly rowStage: MatrixKey | null;
  /** Every patch touches the hole. */
  readonly blank: boolean;
  /** Where the colour of a pixel comes from. */
  readonly ledger: Ledger | null;
  /** How much of a patch goes to each query. */
  readonly pasted: ArrayLike<number> | null;
  readonly foregroundHeat: HeatMap | null;
  readonly backgroundHeat: HeatMap | null;
  /** A's answers to the same query; null where no A is pinned. */
  readonly ofA: Answers | null;
}

export function sceneOf(view: View): Scene {
  const { run, sample, stage, cursor } = view;
  const attention = run.attention(sample);
  const { rate, stride } = attention.config;
  const query = queryOf(cursor, rate);
  const p = query ? query[0] * attention.w + query[1] : -1;
  const patch = patchOf(cursor);
  const rowStage = stepOf(stage).rowStage(stage);
  const overQueries = (values: ArrayLike<number>, kind: StageKey | null) => {
    const { rows, cols } = attention.queryGrid;
    return { values, rows, cols, step: rate, range: rangeFor(view, kind ?? stage, values) };
  };
  const overPatches = (values: ArrayLike<number>, kind: StageKey) => {
    const { rows, cols } = attention.patchGrid;
    return { values, rows, cols, step: stride * rate, range: rangeFor(view, kind, values) };
  };
  const side = sideOf(view);
  const ofA = view.pinned && query && answersOf(view.pinned, run, sample, query);
  let best: readonly Match[] = [];
  let ledger: Ledger | null = null;
  let pasted: ArrayLike<number> | null = null;
  let foregroundHeat: HeatMap | null = null;
  let backgroundHeat: HeatMap | null = null;
  if (cursor.kind === "pixel") {
    ledger = attention.pixel(...cursor.pixel);
    const sources = sourcesOf(attention, ledger);
    best = attention.best(p, 5, sources);
    backgroundHeat = overPatches(sources, WEIGHTS);
  } else {
    if (p >= 0) best = matchesOf(view, attention, p);
    if (cursor.kind === "patch" && rowStage) {
      const values =
        rowStage === WEIGHTS
          ? attention.wherePasted(cursor.patch)
          : attention.column(rowStage, cursor.patch);
      if (values) foregroundHeat = overQueries(values, rowStage);
      if (rowStage === WEIGHTS) pasted = values;
    } else if (p >= 0 && rowStage) {
      const values = attention.row(rowStage, p);
      backgroundHeat = ofA
        ? heatOfSide(view, side, ofA, rowStage, overPatches(values, rowStage))
        : overPatches(values, rowStage);
    }
  }
  const match = patch ?? best[0]?.index ?? -1;
  if (view.regionSum) {
    const { stage: summed, values, weights, rowsDone } = view.regionSum;
    // The cells' mean: their shares add up to 1, as a query's do.
    const means = Float64Array.from(weights, (sum) => sum / (rowsDone || 1));
    best = attention.best(Math.max(p, 0), 5, means);
    backgroundHeat = { ...overPatches(values, summed), range: rangeOf(values, summed !== WEIGHTS) };
    foregroundHeat = null;
  }
  const { doubt } = view;
  if (doubt?.grid === "query") foregroundHeat = { ...doubt, step: rate };
  if (doubt?.grid === "patch") backgroundHeat = { ...doubt, step: stride * rate };
  if (view.gradientMaps) {
    foregroundHeat = view.gradientMaps.f;
    backgroundHeat = view.gradientMaps.b;
  }
  return {
    ...view,
    attention,
    known: run.known(sample),
    query,
    p,
    patch,
    q: match,
    pixel: cursor.kind === "pixel" ? cursor.pixel : null,
    best,
    rowStage,
    blank: !attention.valid.includes(1),
    ledger,
    pasted,
    foregroundHeat,
    backgroundHeat,
    side,
    ofA,
  };
}

/** The query's best; shares of a function of the reader's own may be 0 for all but a few. */
function matchesOf({ run }: View, attention: Attention, p: number): readonly Match[] {
  const best = attention.best(p);
  if (!run.swap.value?.stageOf(WEIGHTS)) return best;
  return best.filter(({ weight }, i) => i === 0 || weight > 0);
}

const NOTICEABLE = 1e-6; // of what B's colours span

/** The row of A, of B, or what lies between them; A and B in the same colours. */
function heatOfSide(view: View, side: Side, ofA: Answers, stage: MatrixKey, ofB: HeatMap): HeatMap {
  const values = rowOf(ofA, stage);
  if (side === "difference") {
    const gap = difference(values, ofB.values);
    // What is lost in rounding gets no colour.
    const least = NOTICEABLE * ofB.range.high;
    return { ...ofB, values: gap, range: rangeOf([...gap, least], true) };
  }
  const both = [...extremes(values), ...extremes(ofB.values)];
  const range = rangeFor(view, stage, both);
  if (side === "B") return { ...ofB, range };
  const { patchGrid, config } = ofA.attention;
  const { rows, cols } = patchGrid;
  return { values, rows, cols, step: config.stride * config.rate, range };
}

/** The share of each patch in a pixel, over all patches that overlap there. */
function sourcesOf(attention: Attention, ledger: Ledger): Float64Array {
  const sources = new Float64Array(attention.L);
  for (const { p } of ledger.terms) {
    const row = attention.row(WEIGHTS, p);
    for (let q = 0; q < row.length; q++) sources[q] += row[q] / ledger.divisor;
  }
  return sources;
}

/** Least and largest number of a stage of the whole run, as far as they are known. */
export function stageRange(run: Run, sample: number, stage: StageKey): [number, number] | null {
  const own = run.known(sample)?.ranges?.[stage];
  if (own) return [own[0], own[1]];
  const summary = run.summaries.value?.[stage];
  const { min, max } = summary ?? { min: null, max: null };
  return min !== null && max !== null && Number.isFinite(min) ? [min, max] : null;
}

function rangeFor({ run, sample, span }: View, stage: StageKey, values: ArrayLike<number>) {
  const signed = stage !== WEIGHTS;
  if (span === "everything" && !signed) return { low: 0, high: 1, signed };
  let stages: readonly StageKey[] = [];
  if (span === "stage") stages = [stage];
  if (span === "everything") stages = MATRIX_KEYS.filter((key) => key !== WEIGHTS);
  const known = stages.flatMap((key) => stageRange(run, sample, key) ?? []);
  return rangeOf([...known, ...extremes(values)], signed);
}

/** The numbers of a stage for the cell that the cursor is on; null where it is on none. */
export function valuesOf(scene: Scene, stage: StageKey): ArrayLike<number> | null {
  return scene.p < 0 ? null : stepOf(stage).values(stage, scene);
}
