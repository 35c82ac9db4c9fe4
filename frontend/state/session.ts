// The state of one debugger, as signals, and what may be done to it. It knows no kernel.
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { WEIGHTS } from "../engine/roles.ts";
import type { MapName } from "../generated/maps.ts";
import type { StageKey } from "../generated/stages.ts";
import { answeredCursor } from "./answered.ts";
import type { Mask } from "./arrays.ts";
import {
  type Cursor,
  isKept,
  keptQuery,
  NOTHING,
  type Place,
  queryOf,
  sameCursor,
} from "./cursor.ts";
import { type Gradient, type GradientMaps, mapsOf } from "./gradient.ts";
import { homeOf } from "./home.ts";
import { type KeptLink, keptCellsOf, linksOf } from "./kept.ts";
import { type DoubtMap, doubtOf } from "./maps.ts";
import { Playback } from "./mechanism.ts";
import type { Region, RegionSum } from "./region.ts";
import { Remarks } from "./remarks.ts";
import type { Run } from "./run.ts";
import { type Scene, type Span, sceneOf, type ViewName } from "./scene.ts";
import type { Side } from "./sides.ts";

export type Tool = "look" | "region" | "brush" | "erase" | "rectangle";
/** A role whose place the pictures outline while a term of the equation is pointed at. */
type Highlight = "query" | "match" | "pixel" | null;

export class Session {
  /** The inputs under the present settings and hole; null until they have arrived. */
  readonly document = signal<Run | null>(null);
  readonly cursor = signal<Cursor>(NOTHING);
  /** The cells that were kept one after the other; `keptCells` says which of them still are. */
  readonly cells = signal<readonly Place[]>([]);
  /** The box drawn over the foreground, and what has arrived of the sum of its rows. */
  readonly region = signal<Region | null>(null);
  readonly regionSum = signal<RegionSum | null>(null);
  /** The gradient lens is open; how what is kept follows f and b, once that has arrived. */
  readonly showsGradient = signal(false);
  readonly gradient = signal<Gradient | null>(null);
  /** The pixel of a picture that the mouse is at, while there is a gradient to read. */
  readonly pointed = signal<{ readonly view: ViewName; readonly at: Place } | null>(null);
  /** The map is shown as a table, too. */
  readonly showsTable = signal(false);
  readonly stage = signal<StageKey>(WEIGHTS);
  readonly sample = signal(0);
  /** The one channel that every picture shows; null for all. */
  readonly channel = signal<number | null>(null);
  readonly span = signal<Span>("row");
  /** By what the cells are coloured, and how much of that is made while it is. */
  readonly map = signal<MapName | null>(null);
  readonly mapProgress = signal<number | null>(null);
  readonly tool = signal<Tool>("look");
  /** Diameter of the brush, in pixels. */
  readonly brush = signal(6);
  readonly highlight = signal<Highlight>(null);
  /** The run kept as A, beside which the present one is B. */
  readonly pinned = signal<Run | null>(null);
  /** Which of them lies over the background and is shown as output. */
  readonly side = signal<Side>("B");
  /** How far the output is computed, 0 to 1; null where nothing is being computed. */
  readonly progress = signal<number | null>(null);
  /** About how many seconds it takes in this page; null where that is not known. */
  readonly seconds = signal<number | null>(null);
  /** The holes that Undo goes back to, the latest last. */
  readonly undoable = signal<readonly (Mask | null)[]>([]);
  /** What was done for the reader just now. */
  readonly message = signal("");
  /** What the control does that is pointed at or focused. */
  readonly hint = signal("");
  /** The steps are shown one after the other. */
  readonly isPlaying = signal(false);
  /** The list of keys and colours is open. */
  readonly showsKeys = signal(false);
  /** Why something that was asked for was not done. */
  readonly problem = signal("");
  /** Why nothing can be shown at all. */
  readonly fatal = signal("");
  readonly remarks = new Remarks();
  /** How the step on screen works, in motion. */
  readonly mechanism = new Playback();
  /** The cursor whose rows are here, where they are asked for of the kernel. */
  readonly answered = signal<Cursor | null>(null);
  /** The kernel is gone. */
  readonly offline = signal(false);

  /** What is shown while the reader points at nothing; read only where there is a document. */
  readonly home: ReadonlySignal<Cursor> = computed(() => homeOf(this.run, this.sample.value));

  /** The kept cells, the cursor's last. */
  readonly keptCells: ReadonlySignal<readonly Place[]> = computed(() =>
    keptCellsOf(this.cursor.value, this.cells.value),
  );

  /** Where each of them takes most from. */
  readonly links: ReadonlySignal<readonly KeptLink[]> = computed(() =>
    answeredCursor(this) === this.cursor.value ? linksOf(this.attention, this.keptCells.value) : [],
  );

  /** The map of doubt as far as it is known. */
  readonly doubt: ReadonlySignal<DoubtMap | null> = computed(() => {
    const [name, run] = [this.map.value, this.document.value];
    return name && run && doubtOf(name, run, this.sample.value);
  });

  private readonly gradientMaps: ReadonlySignal<GradientMaps | null> = computed(() => {
    const gradient = this.gradient.value;
    return gradient && mapsOf(gradient, this.channel.value);
  });

  /** The scene; read only where there is a document. */
  readonly scene: ReadonlySignal<Scene> = computed(() => sceneOf(this.view));

  private get view() {
    return {
      run: this.run,
      sample: this.sample.value,
      stage: this.stage.value,
      cursor: answeredCursor(this),
      channel: this.channel.value,
      span: this.span.value,
      pinned: this.pinned.value,
      side: this.side.value,
      links: this.links.value,
      region: this.region.value,
      regionSum: this.regionSum.value,
      doubt: this.doubt.value,
      gradientMaps: this.gradientMaps.value,
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
      this.sample.value = 0;
      this.channel.value = null;
      this.pinned.value = null;
      this.side.value = "B";
      this.progress.value = null;
      this.undoable.value = [];
      this.cells.value = [];
      this.region.value = null;
      this.gradient.value = null;
      this.problem.value = "";
      this.fatal.value = "";
      this.document.value = run;
      this.remarks.open(run);
      this.letGo();
    });
  }

  /** Nothing is kept, and nothing pointed at. */
  letGo(): void {
    this.cursor.value = this.home.value;
  }

  /** Another run of the same inputs; the query stays at its place in the picture. */
  show(run: Run): void {
    const old = this.run;
    const wasHome = sameCursor(this.cursor.value, this.home.value);
    const query = queryOf(this.cursor.value, old.config.rate);
    const { kept } = this;
    batch(() => {
      this.document.value = run;
      if (wasHome) {
        this.letGo();
      } else if (run.config.rate !== old.config.rate || run.config.stride !== old.config.stride) {
        const attention = run.attention(this.sample.value);
        const moved = query && attention.at(query, old.config);
        this.cells.value = this.cells.value.map((cell) => attention.at(cell, old.config));
        this.region.value = null;
        if (kept && moved) this.cursor.value = keptQuery(moved);
        else this.letGo();
      }
      this.problem.value = "";
    });
  }

  get kept(): boolean {
    return isKept(this.cursor.value);
  }
}
