// Runs whose stages a function of the reader's own made, as they come from Python.
import type { MessageToKernel, Model, Traits } from "../protocol.ts";
import { remoteOf } from "./answered.ts";
import { type Swap, swapOf } from "./recorded.ts";
import { Run } from "./run.ts";

export class Swapping {
  private readonly model: Model;
  /** The recorded stages as they were sent last, and as they are read. */
  private last: { sent: Traits["recorded"]; swap: Swap | null } | null = null;

  constructor(model: Model) {
    this.model = model;
  }

  /** What was sent last belongs to this run. */
  readInto(run: Run): void {
    const sent = this.model.get("recorded");
    const known = this.last?.sent === sent ? this.last : null;
    this.last = known ?? { sent, swap: swapOf(sent, run.inputs.n) };
    const { swap } = this.last;
    if (swap === run.swap.value) return;
    const send = (message: MessageToKernel) => this.model.send(message);
    run.record(swap, swap?.isRemote ? remoteOf(run, send) : null);
  }

  /** The run without it, to stand beside it as A; null where nothing is swapped. */
  plainRun({ inputs, config, mask }: Run): Run | null {
    const plain = this.model.get("plain");
    if (!plain?.config) return null;
    const run = new Run(inputs, config, mask, plain.summaries);
    run.fill(plain.arrays, plain);
    return run;
  }
}
