// The stages of a run that a function of the reader's own made, as Python sends them.
import type { Recorded } from "../engine/source.ts";
import type { StageKey } from "../generated/stages.ts";
import type { KernelTraits, RecordedStage } from "../protocol.ts";
import { arrayOf, sampleOf } from "./arrays.ts";
import type { Session } from "./session.ts";

/** A stage, and the call that stands for its equation. */
export type SwappedStage = Pick<RecordedStage, "key" | "name" | "call">;

export class Swap {
  /** In the paper's order; there is one at least. */
  readonly stages: readonly SwappedStage[];
  /** The settings, and "mask", whose change makes them anew. */
  readonly settings: readonly string[];
  /** The matrices among them are too large to travel: their rows are asked for. */
  readonly isRemote: boolean;
  private readonly tensors: Recorded;
  private readonly n: number;
  private readonly bySample = new Map<number, Recorded>();

  constructor(stages: readonly RecordedStage[], settings: string[], isRemote: boolean, n: number) {
    this.stages = stages;
    this.settings = settings;
    this.isRemote = isRemote;
    this.n = n;
    const sent = stages.filter(({ data }) => data !== null);
    this.tensors = Object.fromEntries(
      sent.map(({ key, shape, data }) => [
        key,
        arrayOf(key, data ?? undefined, { dtype: "float32", shape }),
      ]),
    );
  }

  /** What the engine reads of a sample: the same object each time. */
  tensorsOf(sample: number): Recorded {
    const known = this.bySample.get(sample);
    if (known) return known;
    const parts = this.partsOf(sample);
    this.bySample.set(sample, parts);
    return parts;
  }

  private partsOf(sample: number): Recorded {
    const { n, tensors } = this;
    const keys = Object.keys(tensors) as StageKey[];
    const parts = keys.map((key) => {
      const whole = tensors[key] as Float32Array;
      // One mask may stand for all samples.
      const { shape } = this.stageOf(key) as RecordedStage;
      const count = shape[0] === n ? n : 1;
      return [key, sampleOf(whole, count === 1 ? 0 : sample, whole.length / count)];
    });
    return Object.fromEntries(parts);
  }

  stageOf(key: StageKey): SwappedStage | null {
    return this.stages.find((stage) => stage.key === key) ?? null;
  }

  /** Whether a change of these makes it anew; rows that are asked for follow all settings. */
  dependsOn(names: readonly string[]): boolean {
    return this.isRemote || names.some((name) => this.settings.includes(name));
  }

  /** "fused_rows and attention" */
  get names(): string {
    return this.stages.map(({ key }) => key).join(" and ");
  }
}

/**
 * Why these settings, or the hole, stay as they are: what was recorded belongs to them, and nobody
 * is there to make it anew. "" where they may change.
 */
export function lockOf({ document, alone }: Session, names: readonly string[]): string {
  const swap = document.value?.swap.value;
  if (!swap?.dependsOn(names) || !alone) return "";
  const [{ key, name }] = swap.stages;
  return `Needs a kernel: ${name} made ${key} with this setting.`;
}

/** null where nothing is swapped. */
export function swapOf(sent: KernelTraits["recorded"] | undefined, n: number): Swap | null {
  if (!sent?.stages?.length) return null;
  return new Swap(sent.stages, sent.settings, sent.remote, n);
}
