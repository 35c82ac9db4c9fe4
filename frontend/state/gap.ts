// What lies between a guess and the truth, in the run on screen.
import type { Attention } from "../engine/attention.ts";
import {
  agreement,
  type Blank,
  bestOf,
  blankAt,
  type Change,
  changeOf,
  largest,
  type Placing,
  patchesFor,
  placingOf,
} from "../engine/gaps.ts";
import { rankOf } from "../engine/ranks.ts";
import { WEIGHTS } from "../engine/roles.ts";
import type { AnswerData, FusionQuestion, QuestionData, SharperQuestion } from "../protocol.ts";
import { type Place, samePlace } from "./cursor.ts";
import { holeCells } from "./home.ts";
import type { Guess } from "./questions.ts";
import type { Result, Run } from "./run.ts";

/** Nothing can be asked about this run: no such cell, or nothing to tell patches apart by. */
export interface NoGap {
  readonly kind: "nothing";
  readonly reason: Blank | "no cell";
  readonly cell: Place;
}

export interface WhereGap extends Placing {
  readonly kind: "where";
  /** Whether there is a guess; otherwise the best patch stands for it. */
  readonly isGuessed: boolean;
  readonly guessPatch: number;
  readonly bestPatch: number;
}

export interface ShareGap {
  readonly kind: "share";
  readonly cell: Place;
  readonly guess: number | null;
  readonly best: Place;
  readonly share: number;
  /** How many patches together take the guessed share; null where all do not. */
  readonly patches: number | null;
  /** How many there are in all. */
  readonly count: number;
}

export interface SharperGap {
  readonly kind: "sharper";
  /** The softmax_scale on screen, and that which it is compared with. */
  readonly scales: readonly [number, number];
  readonly cells: readonly Place[];
  readonly changes: readonly Change[];
  /** Which cell changes most, and which was guessed; -1 for none. */
  readonly most: number;
  readonly guess: number;
}

export interface FusionGap {
  readonly kind: "fusion";
  readonly fused: "A" | "B";
  readonly guess: "A" | "B" | null;
  /** The part of neighbouring cells that take from neighbouring patches. */
  readonly withFusion: number | null;
  readonly withoutFusion: number | null;
  readonly isEqual: boolean;
  /** How many scores fusion adds up to one. */
  readonly terms: number;
  /** Whether only cells of the hole were counted. */
  readonly isOfHole: boolean;
}

export type Gap = NoGap | WhereGap | ShareGap | SharperGap | FusionGap;

/** Both outputs of the run on screen. */
export interface Outputs {
  readonly fused: Result;
  readonly plain: Result;
}

export interface Circumstances {
  readonly run: Run;
  readonly sample: number;
  readonly cell: Place | null;
  readonly guess: Guess;
  readonly outputs: Outputs | null;
}

const SHARPER = 5; // times the scale on screen

/** null while what it takes is not known yet. */
export function gapOf(question: QuestionData, at: Circumstances): Gap | null {
  if (question.kind === "fusion") return fusionGap(question, at);
  const attention = at.run.attention(at.sample);
  const cells = question.kind === "sharper" ? question.cells : [at.cell ?? [0, 0]];
  for (const cell of cells) {
    const reason = isOn(attention, cell) ? blankAt(attention, indexOf(attention, cell)) : "no cell";
    if (reason) return { kind: "nothing", reason, cell };
  }
  if (question.kind === "sharper") return sharperGap(question, attention, at);
  return question.kind === "where"
    ? whereGap(attention, cells[0], at.guess)
    : shareGap(attention, cells[0], at.guess);
}

const isOn = ({ h, w }: Attention, [row, column]: Place): boolean => row < h && column < w;

const indexOf = ({ w }: Attention, [row, column]: Place): number => row * w + column;

const isPlace = (guess: Guess): guess is [number, number] => Array.isArray(guess);

/** The patch around a cell of b; null where the present grid has none. */
function patchOfCell({ gh, gw, config }: Attention, [row, column]: Place): number | null {
  const [i, j] = [row / config.stride, column / config.stride];
  const isThere = Number.isInteger(i) && Number.isInteger(j) && i < gh && j < gw;
  return isThere ? i * gw + j : null;
}

function whereGap(attention: Attention, cell: Place, guess: Guess): WhereGap {
  const p = indexOf(attention, cell);
  const { patch: bestPatch } = bestOf(attention, p);
  const guessed = isPlace(guess) ? patchOfCell(attention, guess) : null;
  const guessPatch = guessed ?? bestPatch;
  const placing = placingOf(attention, p, guessPatch);
  return { kind: "where", ...placing, isGuessed: guessed !== null, guessPatch, bestPatch };
}

function shareGap(attention: Attention, cell: Place, guess: Guess): ShareGap {
  const p = indexOf(attention, cell);
  const { patch, share } = bestOf(attention, p);
  const weights = attention.row(WEIGHTS, p);
  return {
    kind: "share",
    cell,
    guess: typeof guess === "number" ? guess : null,
    best: attention.cellOf(patch),
    share,
    patches: typeof guess === "number" ? patchesFor(weights, guess) : null,
    count: attention.valid.reduce((sum, bit) => sum + bit, 0),
  };
}

export const scaleOf = (question: SharperQuestion, { config }: Run): number =>
  question.scale ?? SHARPER * config.softmax_scale;

function sharperGap(question: SharperQuestion, now: Attention, at: Circumstances): SharperGap {
  const { run, guess } = at;
  const scale = scaleOf(question, run);
  const config = { ...run.config, softmax_scale: scale };
  const sharper = now.change(config, now.mask) ?? now;
  const { cells } = question;
  const changes = cells.map((cell) => changeOf(now, sharper, indexOf(now, cell)));
  return {
    kind: "sharper",
    scales: [run.config.softmax_scale, scale],
    cells,
    changes,
    most: largest(changes.map(({ moved }) => moved)),
    guess: isPlace(guess) ? cells.findIndex((cell) => samePlace(cell, guess)) : -1,
  };
}

function fusionGap({ fused }: FusionQuestion, at: Circumstances): FusionGap | null {
  const { run, sample, guess, outputs } = at;
  if (!outputs) return null;
  const attention = run.attention(sample);
  const { h, w } = attention;
  const ofHole = holeCells(run, sample);
  const all = Array.from({ length: h * w }, (_, p) => attention.place(p));
  const inHole = agreement(attention, outputs.fused.argmax, ofHole);
  const cells = inHole === null ? all : ofHole;
  return {
    kind: "fusion",
    fused,
    guess: guess === "A" || guess === "B" ? guess : null,
    withFusion: agreement(attention, outputs.fused.argmax, cells),
    withoutFusion: agreement(attention, outputs.plain.argmax, cells),
    isEqual: outputs.fused.output.every((value, i) => value === outputs.plain.output[i]),
    terms: run.config.fuse_k ** 2,
    isOfHole: inHole !== null,
  };
}

type Found = Pick<AnswerData, "truth" | "rank" | "share">;

/** What goes into the answer beside the guess. */
export function findingsOf(question: QuestionData, gap: Gap | null): Found {
  const nothing = { truth: null, rank: null, share: null };
  if (question.kind === "fusion") return { ...nothing, truth: question.fused };
  if (!gap || gap.kind === "nothing") return nothing;
  if (gap.kind === "where") {
    const { best, rank, share, isGuessed } = gap;
    const truth: [number, number] = [...best];
    return isGuessed ? { truth, rank, share } : { ...nothing, truth };
  }
  if (gap.kind === "share") return { ...nothing, truth: gap.share };
  if (gap.kind === "fusion") return nothing; // of another question
  const { cells, changes, most, guess } = gap;
  const [row, column] = cells[most];
  const moved = changes.map((change) => change.moved);
  const everyOne = moved.map(() => 1);
  return {
    truth: [row, column],
    rank: guess < 0 ? null : rankOf(moved, guess, everyOne),
    share: guess < 0 ? null : moved[guess],
  };
}
