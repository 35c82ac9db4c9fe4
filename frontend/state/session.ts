// The state of one debugger, as signals, and what may be done to it. It knows no kernel.
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { WEIGHTS } from "../engine/roles.ts";
import type { StageKey } from "../generated/stages.ts";
import type { Mask } from "./arrays.ts";
import { type Cursor, isKept, keptQuery, NOTHING, queryOf } from "./cursor.ts";
import type { Run } from "./run.ts";
import { type Scene, type Span, sceneOf } from "./scene.ts";

export type Tool = "look" | "brush" | "erase" | "rectangle";

export class Session {
  /** The inputs under the present settings and hole; null until they have arrived. */
  readonly document = signal<Run | null>(null);
  readonly cursor = signal<Cursor>(NOTHING);
  readonly stage = signal<StageKey>(WEIGHTS);
  readonly sample = signal(0);
  /** The one channel that every picture shows; null for all. */
  readonly channel = signal<number | null>(null);
  readonly span = signal<Span>("row");
  readonly tool = signal<Tool>("look");
  /** Diameter of the brush, in pixels. */
  readonly brush = signal(6);
  /** The run kept as A, beside which the present one is B. */
  readonly pinned = signal<Run | null>(null);
  /** How far the output is computed, 0 to 1; null where nothing is being computed. */
  readonly progress = signal<number | null>(null);
  /** The holes that Undo goes back to, the latest last. */
  readonly undoable = signal<readonly (Mask | null)[]>([]);
  /** What was done for the reader just now. */
  readonly message = signal("");
  /** Why something that was asked for was not done. */
  readonly problem = signal("");
  /** Why nothing can be shown at all. */
  readonly fatal = signal("");
  /** The kernel is gone. */
  readonly offline = signal(false);

  /** The scene; read only where there is a document. */
  readonly scene: ReadonlySignal<Scene> = computed(() => sceneOf(this.view));

  private get view() {
    return {
      run: this.run,
      sample: this.sample.value,
      stage: this.stage.value,
      cursor: this.cursor.value,
      channel: this.channel.value,
      span: this.span.value,
    };
  }

  get run(): Run {
    const run = this.document.value;
    if (!run) throw new Error("The inputs have not arrived yet.");
    return run;
  }

  get attention() {
    return this.run.attention(this.sample.value);
  }

  /** Whether the page computes by itself what a kernel would. */
  get alone(): boolean {
    return !this.run.inputs.meta.kernel || this.offline.value;
  }

  /** Other inputs: everything that belonged to the old ones goes. */
  open(run: Run): void {
    batch(() => {
      this.cursor.value = NOTHING;
      this.sample.value = 0;
      this.channel.value = null;
      this.pinned.value = null;
      this.progress.value = null;
      this.undoable.value = [];
      this.problem.value = "";
      this.fatal.value = "";
      this.document.value = run;
    });
  }

  /** Another run of the same inputs; the query stays at its place in the picture. */
  show(run: Run): void {
    const old = this.run;
    const query = queryOf(this.cursor.value, old.config.rate);
    batch(() => {
      if (run.config.rate !== old.config.rate || run.config.stride !== old.config.stride) {
        const moved = query && run.attention(this.sample.value).at(query, old.config);
        this.cursor.value = moved ? keptQuery(moved) : NOTHING;
      }
      this.document.value = run;
      this.problem.value = "";
    });
  }

  get kept(): boolean {
    return isKept(this.cursor.value);
  }
}
