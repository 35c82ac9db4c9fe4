// The questions that come before what they ask for is shown, and what was answered to them.
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { AnswerData, QuestionData } from "../protocol.ts";
import type { Place } from "./cursor.ts";

export type Guess = AnswerData["guess"];

/** What the pictures show of a question. */
export interface Asked {
  readonly isOpen: boolean;
  readonly kind: QuestionData["kind"];
  /** The cells of f that it is about. */
  readonly cells: readonly Place[];
  /** The cell of the patch that is guessed, or was. */
  readonly guess: Place | null;
}

export class Questions {
  readonly list = signal<readonly QuestionData[]>([]);
  readonly answers = signal<readonly AnswerData[]>([]);
  /** Which of them is on screen; null for none. */
  readonly at = signal<number | null>(null);
  /** The cell that it is about; null where it is about several, or none. */
  readonly cell = signal<Place | null>(null);
  /** What the reader points at or has chosen, but not yet answered. */
  readonly guess = signal<Guess>(null);

  readonly question: ReadonlySignal<QuestionData | null> = computed(() => {
    const at = this.at.value;
    return at === null ? null : (this.list.value[at] ?? null);
  });

  /** What was answered to the question on screen. */
  readonly answer: ReadonlySignal<AnswerData | null> = computed(
    () => this.answers.value.find(({ question }) => question === this.at.value) ?? null,
  );

  /** A question waits for its answer: what it asks for is hidden. */
  readonly isOpen: ReadonlySignal<boolean> = computed(
    () => this.question.value !== null && this.answer.value === null,
  );

  /** What the pictures show of it. */
  readonly asked: ReadonlySignal<Asked | null> = computed(() => {
    const question = this.question.value;
    if (!question) return null;
    const isOpen = this.isOpen.value;
    const guess = isOpen ? this.guess.value : (this.answer.value?.guess ?? null);
    const cell = this.cell.value;
    const own = cell ? [cell] : [];
    return {
      isOpen,
      kind: question.kind,
      cells: question.kind === "sharper" ? question.cells : own,
      guess: question.kind === "where" && Array.isArray(guess) ? guess : null,
    };
  });

  /** Questions and answers as they are outside: other ones begin with the first unanswered. */
  load(list: readonly QuestionData[], answers: readonly AnswerData[]): void {
    batch(() => {
      const isNew = JSON.stringify(list) !== JSON.stringify(this.list.value);
      this.list.value = list;
      this.answers.value = answers;
      const begins = isNew || answers.length === 0 || this.at.value === null;
      if (begins) this.at.value = this.unanswered();
    });
  }

  /** The first question without an answer, from an index on; null where all have one. */
  unanswered(from = 0): number | null {
    const isAnswered = (i: number) => this.answers.value.some(({ question }) => question === i);
    const at = this.list.value.findIndex((_, i) => i >= from && !isAnswered(i));
    return at < 0 ? null : at;
  }

  /** One more answer; an earlier one to the same question goes. */
  take(entry: AnswerData): void {
    const others = this.answers.value.filter(({ question }) => question !== entry.question);
    this.answers.value = [...others, entry];
  }

  /** On to the next; after the last one all is over. */
  next(): void {
    const next = (this.at.value ?? 0) + 1;
    this.at.value = next < this.list.value.length ? next : this.unanswered();
  }

  back(): void {
    const at = this.at.value ?? this.list.value.length;
    this.at.value = Math.max(0, at - 1);
  }
}
