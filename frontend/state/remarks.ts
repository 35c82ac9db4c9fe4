// Facts and findings: those that are known, of which run, and the cells that are walked through.
import { batch, signal } from "@preact/signals";
import type { FindingsMessage, RemarkData } from "../protocol.ts";
import { sameMask } from "./arrays.ts";
import type { Run } from "./run.ts";
import { differs } from "./settings.ts";

interface KnownRemarks {
  readonly facts: readonly RemarkData[];
  /** null where nobody has looked. */
  readonly findings: readonly RemarkData[] | null;
  /** The run that they are about. */
  readonly run: Run;
}

/** Some cells, one after the other; `at` says which one. */
interface Walk {
  readonly remark: RemarkData;
  readonly at: number;
}

export class Remarks {
  readonly known = signal<KnownRemarks | null>(null);
  readonly walk = signal<Walk | null>(null);
  /** The list is unfolded. */
  readonly isOpen = signal(false);
  /** The run that the kernel was asked about, until it answers. */
  readonly asked = signal<Run | null>(null);

  /** Those that came with the inputs. */
  open(run: Run): void {
    const { facts, findings, walk } = run.inputs.meta;
    batch(() => {
      this.known.value = { facts, findings, run };
      this.walk.value = null;
      this.asked.value = null;
      this.isOpen.value = walk !== null;
    });
  }

  /** Those that the kernel was asked for. */
  take({ facts, findings }: FindingsMessage): void {
    const run = this.asked.value;
    if (!run) return; // other inputs have come meanwhile
    batch(() => {
      this.known.value = { facts, findings, run };
      this.walk.value = null;
      this.asked.value = null;
    });
  }

  /** Whether those that are known are about other settings, or another hole, than `run`. */
  areOld(run: Run): boolean {
    const old = this.known.value?.run;
    if (!old || old === run) return false;
    return differs(old.config, run.config) || !sameMask(old.mask, run.mask);
  }
}
