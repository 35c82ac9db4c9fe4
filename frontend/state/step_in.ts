// Opening the code of a stage: from what the page holds, or by asking the kernel, which answers
// one wish at a time.
import { effect, signal, untracked } from "@preact/signals";
import type { StageKey } from "../generated/stages.ts";
import type { Bytes, MessageToPage, StoredRecording } from "../protocol.ts";
import { sameMask } from "./arrays.ts";
import { type Place, queryOf, samePlace } from "./cursor.ts";
import type { Surroundings } from "./face.ts";
import { type Link, PATIENCE } from "./link.ts";
import { recordingOf } from "./recording.ts";
import type { Run } from "./run.ts";
import type { Session } from "./session.ts";
import { differs } from "./settings.ts";
import { Stepping } from "./stepping.ts";

/** A stage, or the whole layer. */
export type Code = StageKey | "forward";

/** Why there is nothing to step through, and which query could be. */
export interface Lack {
  readonly reason: string;
  readonly query: Place | null;
}

const SLOW = "The kernel has not answered yet: it may be busy with a cell.";

export class StepIn {
  readonly stepping = new Stepping();
  /** What is stepped into; null while the code is closed. */
  readonly code = signal<Code | null>(null);
  /** The query that was asked for last. */
  private query: Place | null = null;
  /** What is waited for, in words; "" where nothing is. */
  readonly waiting = signal("");
  readonly lack = signal<Lack | null>(null);
  private readonly link: Link;
  private readonly session: Session;
  /** The number of the last wish. */
  private number = 0;
  private inFlight = false;
  /** Another recording is wanted once the answer is there. */
  private queued = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private unfollow: () => void = () => {};
  /** What the answer on screen, or on its way, was for. */
  private wish: readonly unknown[] = [];
  private stored: StoredRecording[] = [];
  /** The run that the stored ones were made of. */
  private storedRun: Run | null = null;

  constructor(link: Link, session: Session) {
    this.link = link;
    this.session = session;
  }

  /** The page holds other recordings, of the run that it has come with. */
  load(): void {
    this.close();
    this.stored = this.link.model.get("recordings") ?? [];
    this.storedRun = this.session.run;
  }

  /** A page that is saved holds recordings of the run on screen, or none. */
  keepStored(): void {
    this.link.write({ recordings: this.isAsStored ? this.stored : [] });
  }

  stop(): void {
    this.unfollow();
    clearTimeout(this.timer);
  }

  /** Step into the code of a stage, at the query on screen. */
  open(code: Code): void {
    const { scene, home, run } = this.session;
    this.unfollow();
    this.code.value = code;
    this.query = scene.value.query ?? queryOf(home.value, run.config.rate);
    this.wish = [];
    this.unfollow = effect(() => this.follow());
  }

  close(): void {
    this.unfollow();
    this.cancel();
    this.code.value = null;
    this.lack.value = null;
    this.stepping.recording.value = null;
  }

  /** Wait no longer; what was there before stays. */
  cancel(): void {
    clearTimeout(this.timer);
    this.inFlight = false; // the answer, when it comes, is to no wish
    this.queued = false;
    this.waiting.value = "";
  }

  /** Keep the query and the settings of the recording those on screen. */
  private follow(): void {
    const { alone, cursor, kept, run, sample } = this.session;
    if (kept) this.query = queryOf(cursor.value, run.config.rate) ?? this.query;
    // The kernel steps through the run that it has: it must have answered to this one first.
    if (!alone && !run.known(sample.value)) return;
    const wish = [this.code.value, this.query?.join(), run, sample.value, alone];
    if (wish.every((part, i) => part === this.wish[i])) return;
    this.wish = wish;
    untracked(() => this.want());
  }

  private want(): void {
    const stored = this.storedFor();
    this.stepping.surroundings.value = this.surroundings();
    if (stored) {
      this.cancel();
      this.take(stored);
    } else if (this.session.alone) {
      this.cancel();
      this.stepping.recording.value = null;
      this.lack.value = this.lackOf();
    } else {
      this.ask();
    }
  }

  private take(stored: StoredRecording): void {
    try {
      this.stepping.show(recordingOf(stored));
      this.lack.value = null;
    } catch (error) {
      this.lack.value = { reason: (error as Error).message, query: null };
    }
  }

  // ---- what the page holds ----

  /** Whether the run on screen is the one that the page came with. */
  private get isAsStored(): boolean {
    const { storedRun } = this;
    const { run } = this.session;
    if (!storedRun) return false;
    return !differs(storedRun.config, run.config) && sameMask(storedRun.mask, run.mask);
  }

  private storedFor(): StoredRecording | null {
    if (!this.isAsStored) return null;
    const sample = this.session.sample.value;
    const stored = this.stored.find(
      ({ recording }) =>
        recording.stage === this.code.value &&
        recording.sample === sample &&
        samePlace(recording.query, this.query),
    );
    return stored ?? null;
  }

  private lackOf(): Lack {
    const sample = this.session.sample.value;
    const held = this.stored.find(
      ({ recording }) => recording.stage === this.code.value && recording.sample === sample,
    );
    const query = held?.recording.query ?? null;
    if (!query) {
      return {
        reason:
          "There are no recorded steps here, and no kernel that could record them: open cv.debug " +
          "in a notebook, or save the page again.",
        query: null,
      };
    }
    if (!this.isAsStored) {
      return {
        reason:
          "The recorded steps are those of the settings and the hole that this page came with; " +
          "others need Python running. Go back to these, or open cv.debug in a notebook.",
        query: null,
      };
    }
    return {
      reason:
        `Without Python running, this page holds the steps of one query, (${query.join(", ")}): ` +
        "others need cv.debug in a notebook.",
      query,
    };
  }

  private surroundings(): Surroundings {
    const { attention, run } = this.session;
    const { h, w, patchGrid } = attention;
    return {
      look: run.inputs.meta.look,
      grids: [
        [h, w],
        [patchGrid.rows, patchGrid.cols],
      ],
    };
  }

  // ---- what the kernel is asked ----

  private ask(): void {
    const { query } = this;
    const code = this.code.value;
    this.queued = this.inFlight;
    if (this.queued || !query || !code) return;
    this.number += 1;
    this.inFlight = true;
    this.lack.value = null;
    this.waiting.value = `Recording query (${query.join(", ")}) …`;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.waiting.value = SLOW;
    }, PATIENCE);
    const [row, column] = query;
    const { number } = this;
    this.link.model.send({ kind: "step_in", number, stage: code, query: [row, column] });
  }

  /** Whether a message was an answer to a wish of this kind. */
  receive(message: MessageToPage, buffers: readonly Bytes[]): boolean {
    if (message.kind !== "recording" && message.kind !== "no_recording") return false;
    if (message.number !== this.number || !this.inFlight) return true; // of a wish given up
    clearTimeout(this.timer);
    this.inFlight = false;
    this.waiting.value = "";
    if (this.queued) {
      this.ask();
    } else if (message.kind === "recording") {
      this.take({ recording: message.recording, arrays: [...buffers] });
    } else {
      this.stepping.recording.value = null;
      this.lack.value = { reason: message.reason, query: null };
    }
    return true;
  }
}
