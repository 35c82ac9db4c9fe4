// What a reader does with a question: point, choose, answer, skip it, go on, look back.
import { batch, computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { clamp } from "../engine/numbers.ts";
import { WEIGHTS } from "../engine/roles.ts";
import { Background } from "./background.ts";
import { keptQuery, type Place, queryOf, samePlace } from "./cursor.ts";
import { findingsOf, type Gap, gapOf, type Outputs } from "./gap.ts";
import type { Kernel } from "./kernel.ts";
import { patchAt, queryAt } from "./places.ts";
import type { Guess } from "./questions.ts";
import type { Run } from "./run.ts";
import type { ViewName } from "./scene.ts";
import type { Session } from "./session.ts";
import { changedNames } from "./settings.ts";

/** What the share's slider starts at. */
const HALF = 0.5;

export class Asker {
  private readonly session: Session;
  private readonly kernel: Kernel;
  private readonly background = new Background("output");
  /** With and without fusion, once both are computed. */
  readonly outputs = signal<Outputs | null>(null);
  /** How far the second one is, from 0 to 1. */
  readonly progress = signal(0);
  /** Of each question that was answered, the run that was on screen. */
  private readonly answeredUnder = new Map<number, Run>();

  /** Whether settings or hole are others than when the question on screen was answered. */
  readonly isOtherRun: ReadonlySignal<boolean> = computed(() => {
    const { document, questions } = this.session;
    const before = this.answeredUnder.get(questions.at.value ?? -1);
    const now = document.value;
    if (!now || !before || !questions.answer.value) return false;
    return changedNames(before, now).length > 0;
  });

  /** The truth for the question on screen, beside the guess once there is an answer. */
  readonly gap: ReadonlySignal<Gap | null> = computed(() => {
    const { document, questions, sample } = this.session;
    const question = questions.question.value;
    const run = document.value;
    if (!question || !run) return null;
    return gapOf(question, {
      run,
      sample: sample.value,
      cell: questions.cell.value,
      guess: questions.answer.value?.guess ?? null,
      outputs: this.outputs.value,
    });
  });

  constructor(session: Session, kernel: Kernel) {
    this.session = session;
    this.kernel = kernel;
  }

  private get questions() {
    return this.session.questions;
  }

  /** Whether a click in the background answers. */
  private get asksWhere(): boolean {
    const { question, isOpen } = this.questions;
    return isOpen.value && question.value?.kind === "where" && this.canAnswer;
  }

  /** There is something to predict. */
  get canAnswer(): boolean {
    return this.gap.value !== null && this.gap.value.kind !== "nothing";
  }

  /** Let each question and each gap come up as it is its turn; returns what ends that. */
  follow(): () => void {
    this.kernel.link.onChange(["questions", "answers"], () => this.load());
    this.load();
    // A hole that is painted is another document, and no other question.
    const isReady = computed(() => this.session.document.value !== null);
    const endings = [
      effect(() => {
        const { question, isOpen } = this.questions;
        const isStanding = isOpen.value;
        if (!isReady.value || !question.value) return;
        untracked(() => (isStanding ? this.ask() : this.reveal()));
      }),
      effect(() => this.makeOutputs()),
      () => this.background.stop(),
    ];
    return () => {
      for (const end of endings) end();
    };
  }

  private load(): void {
    const { model } = this.kernel.link;
    this.questions.load(model.get("questions") ?? [], model.get("answers") ?? []);
  }

  /** A question comes up. */
  private ask(): void {
    const { session, kernel, questions } = this;
    const question = questions.question.value;
    if (!question) return;
    const { rate } = session.run.config;
    const onScreen = queryOf(session.cursor.value, rate) ?? queryOf(session.home.value, rate);
    const hasCell = question.kind === "where" || question.kind === "share";
    batch(() => {
      questions.cell.value = hasCell ? (question.cell ?? onScreen) : null;
      questions.guess.value = question.kind === "share" ? HALF : null;
      session.tool.value = "look";
      session.region.value = null;
      session.cells.value = [];
      session.isPlaying.value = false;
      session.showsTable.value = false;
      kernel.publish({ sample: question.sample ?? session.sample.value });
      kernel.publish({ cursor: session.home.value });
    });
  }

  /** What was asked about is kept, so that the map, the sentence and the numbers are its own. */
  private reveal(): void {
    const { session, kernel, questions } = this;
    const answer = questions.answer.value;
    if (!answer) return;
    const cell = answer.kind === "sharper" ? (answer.truth as Place | null) : answer.cell;
    batch(() => {
      questions.cell.value = answer.cell;
      session.region.value = null;
      session.cells.value = [];
      if (cell && session.hasCell(cell)) {
        const { sample } = answer;
        kernel.publish({ stage: WEIGHTS, sample, cursor: keptQuery(cell) });
      }
    });
  }

  /** The output under the other setting of fuse, beside the one that is known. */
  private makeOutputs(): void {
    const { document, questions, sample } = this.session;
    const run = document.value;
    const result = run?.known(sample.value);
    const isAsked = questions.question.value?.kind === "fusion";
    this.background.stop();
    this.outputs.value = null;
    if (!run || !result || !isAsked) return;
    this.progress.value = 0;
    const config = { ...run.config, fuse: !run.config.fuse };
    const tell = (share: number) => {
      this.progress.value = share;
    };
    this.background.compute(run.arrays(sample.value), config, tell).then((other) => {
      if (!other) return; // another run is on screen
      this.outputs.value = run.config.fuse
        ? { fused: result, plain: other }
        : { fused: other, plain: result };
    });
  }

  // ---- answering ----

  choose(guess: Guess): void {
    this.questions.guess.value = guess;
  }

  /** Answer with what is chosen; nothing happens where nothing is. */
  answer(): void {
    if (this.questions.guess.value !== null && this.canAnswer) this.record(false);
  }

  /** On to the next question without an answer. */
  skip(): void {
    const { isOpen } = this.questions;
    if (!isOpen.value) return;
    batch(() => {
      this.questions.guess.value = null;
      this.record(true);
      this.questions.next();
    });
  }

  next(): void {
    const { questions } = this;
    if (questions.isOpen.value) return; // it is answered or skipped
    questions.next();
  }

  back(): void {
    this.questions.back();
  }

  private record(skipped: boolean): void {
    const { session, questions } = this;
    const { question, at, cell } = questions;
    if (!question.value || at.value === null) return;
    const guess = questions.guess.value;
    const gap = gapOf(question.value, {
      run: session.run,
      sample: session.sample.value,
      cell: cell.value,
      guess,
      outputs: this.outputs.value,
    });
    this.answeredUnder.set(at.value, session.run);
    questions.take({
      question: at.value,
      kind: question.value.kind,
      sample: session.sample.value,
      cell: cell.value && [...cell.value],
      guess,
      ...findingsOf(question.value, gap),
      skipped,
    });
    // It is written to the model, and goes nowhere else.
    this.kernel.link.write({ answers: [...questions.answers.value] });
  }

  // ---- hands on the pictures: each says whether the question took what was done ----

  private patchCell(patch: number): [number, number] {
    const [row, column] = this.session.attention.cellOf(patch);
    return [row, column];
  }

  hover(view: ViewName, at: Place): boolean {
    if (!this.asksWhere || view !== "background") return false;
    this.point(this.patchCell(patchAt(this.session, at)));
    return true;
  }

  leave(view: ViewName): boolean {
    if (!this.asksWhere || view !== "background") return false;
    this.choose(null);
    return true;
  }

  private point(cell: [number, number]): void {
    const { guess } = this.questions;
    if (!samePlace(guess.value as Place | null, cell)) guess.value = cell;
  }

  /** A click answers. */
  click(view: ViewName, at: Place): boolean {
    if (this.hover(view, at)) {
      this.answer();
      return true;
    }
    return this.chooseCandidate(view, at);
  }

  /** A tap points, a second one at the same place answers. */
  tap(view: ViewName, at: Place): boolean {
    if (!this.asksWhere || view !== "background") return this.chooseCandidate(view, at);
    const cell = this.patchCell(patchAt(this.session, at));
    if (samePlace(this.questions.guess.value as Place | null, cell)) this.answer();
    else this.point(cell);
    return true;
  }

  /** One of the cells to choose from, by its place in the foreground. */
  private chooseCandidate(view: ViewName, at: Place): boolean {
    const { question, isOpen } = this.questions;
    if (!isOpen.value || question.value?.kind !== "sharper" || view !== "foreground") return false;
    const cell = queryAt(this.session, at);
    const candidate = question.value.cells.find((each) => samePlace(each, cell));
    if (candidate) this.choose(candidate);
    return candidate !== undefined;
  }

  /** Arrows move the cross, from the middle on; Enter, with a move of nothing, answers. */
  key(view: ViewName, [down, right]: Place): boolean {
    if (!this.asksWhere || view !== "background") return false;
    const { gh, gw, config } = this.session.attention;
    const { guess } = this.questions;
    const now = guess.value as Place | null;
    if (down === 0 && right === 0 && now) {
      this.answer();
      return true;
    }
    const [row, column] = now
      ? [now[0] / config.stride, now[1] / config.stride]
      : [gh >> 1, gw >> 1];
    const i = clamp(row + (now ? down : 0), gh);
    const j = clamp(column + (now ? right : 0), gw);
    this.choose(this.patchCell(i * gw + j));
    return true;
  }
}
