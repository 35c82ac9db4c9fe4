// Stepping through a recording: which step, which value is looked at, which element of it.
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Index } from "../engine/tensor.ts";
import type { StepData } from "../protocol.ts";
import { type Face, faceOf, firstIndex, NOWHERE, type Surroundings } from "./face.ts";
import type { Recording, Value } from "./recording.ts";
import { back, into, out, over, runTo } from "./stepper.ts";

export type Move = "next" | "back" | "into" | "out" | "first" | "last";

/** Where one begins to look: at what is marked, or at what failed. */
function openingStep({ stretch, error, steps }: Recording): number {
  if (stretch) return stretch.steps[0];
  return error === null ? 0 : Math.max(0, steps.length - 1);
}

export class Stepping {
  readonly recording = signal<Recording | null>(null);
  /** The number of the step, from 0. */
  readonly at = signal(0);
  /** The value that is looked at in place of the one that the step made. */
  private readonly looked = signal<number | null>(null);
  /** The source that is read in place of the step's own. */
  private readonly read = signal<number | null>(null);
  /** The chosen element of each value, once one was chosen. */
  private readonly chosen = signal<ReadonlyMap<number, Index>>(new Map());
  /** Why a line cannot be run to. */
  readonly told = signal("");
  /** What of the run helps to draw. */
  readonly surroundings = signal<Surroundings>(NOWHERE);

  readonly step: ReadonlySignal<StepData | null> = computed(
    () => this.recording.value?.steps[this.at.value] ?? null,
  );

  /** The value on screen; null where the step made none. */
  readonly value: ReadonlySignal<Value | null> = computed(() => {
    const { recording } = this;
    const values = recording.value?.values ?? [];
    if (this.looked.value !== null) return values[this.looked.value] ?? null;
    if (!recording.value?.steps.length) return values[0] ?? null;
    return recording.value.madeAt(this.at.value);
  });

  /** The value on screen is not the step's own. */
  readonly isAside: ReadonlySignal<boolean> = computed(() => this.looked.value !== null);

  readonly element: ReadonlySignal<Index> = computed(() => {
    const value = this.value.value;
    if (!value) return [];
    return this.chosen.value.get(value.number) ?? firstIndex(value);
  });

  readonly face: ReadonlySignal<Face | null> = computed(() => {
    const value = this.value.value;
    return value && faceOf(value, this.element.value, this.surroundings.value);
  });

  /** The number of the source on screen. */
  readonly source: ReadonlySignal<number> = computed(
    () => this.read.value ?? this.step.value?.source ?? 0,
  );

  /** Another recording; of the same code it goes on at the same step. */
  show(recording: Recording): void {
    const before = this.step.value;
    const isSame =
      recording.stage === this.recording.value?.stage &&
      recording.steps.length === this.recording.value.steps.length &&
      recording.steps[this.at.value]?.expression === before?.expression;
    batch(() => {
      this.recording.value = recording;
      this.chosen.value = new Map();
      if (isSame) return;
      this.stand(openingStep(recording));
    });
  }

  /** Stand at a step, and look at what it made. */
  stand(at: number): void {
    batch(() => {
      this.at.value = at;
      this.looked.value = null;
      this.read.value = null;
      this.told.value = "";
    });
  }

  /** Where a move leads; null where it leads nowhere. */
  target(move: Move): number | null {
    const steps = this.recording.value?.steps ?? [];
    const at = this.at.value;
    if (!steps.length) return null;
    const targets: Record<Move, () => number | null> = {
      next: () => over(steps, at),
      back: () => back(steps, at),
      into: () => into(steps, at),
      out: () => out(steps, at),
      first: () => (at > 0 ? 0 : null),
      last: () => (at < steps.length - 1 ? steps.length - 1 : null),
    };
    return targets[move]();
  }

  /** Whether it led somewhere. */
  move(move: Move): boolean {
    const target = this.target(move);
    if (target !== null) this.stand(target);
    return target !== null;
  }

  runTo(source: number, line: number): void {
    const steps = this.recording.value?.steps ?? [];
    const target = runTo(steps, this.at.value, source, line);
    if (target === null) this.told.value = `Nothing on line ${line} made a tensor.`;
    else this.stand(target);
  }

  /** Read another source, without leaving the step. */
  readSource(source: number): void {
    this.read.value = source === this.step.value?.source ? null : source;
  }

  choose(index: Index): void {
    const value = this.value.value;
    if (value) this.chosen.value = new Map(this.chosen.value).set(value.number, index);
  }

  /** Look at a value, at one of its elements; without leaving the step. */
  lookAt(number: number, index: Index | null = null): void {
    batch(() => {
      this.looked.value = number === this.step.value?.value ? null : number;
      if (index) this.chosen.value = new Map(this.chosen.value).set(number, index);
    });
  }

  /** Go to the step that made a value. */
  goToMaker(number: number): void {
    const maker = this.recording.value?.makers.get(number);
    if (maker !== undefined) this.stand(maker);
  }
}
