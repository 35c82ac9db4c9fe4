// The gradient lens: how the kept output pixel, or the patch that the kept query pastes, follows f
// and b. The kernel computes it, one wish at a time.
import { effect, signal, untracked } from "@preact/signals";
import type { AskGradientMessage, Bytes, MessageToPage } from "../protocol.ts";
import type { Cursor, Place } from "./cursor.ts";
import { gradientOf } from "./gradient.ts";
import { type Link, PATIENCE } from "./link.ts";
import type { Session } from "./session.ts";

/** What y is made of. */
type Source = Pick<AskGradientMessage, "pixel" | "query">;

const SLOW = "The kernel has not answered yet: it may be busy with a cell.";
const NO_SOURCE = "Keep an output pixel, or a query: the gradient is that of what stands there.";
const NO_KERNEL = "There is no kernel here, and a gradient needs PyTorch. In Python:";
const NO_OUTPUT = "The gradient comes once the output of these settings is computed.";

const triple = (place: Place): [number, number] => [place[0], place[1]];

/** Of a pixel itself; of a query, what it pastes. A patch is no part of the output. */
function sourceOf(cursor: Cursor): Source | null {
  if (cursor.kind === "pixel") return { pixel: triple(cursor.pixel), query: null };
  return cursor.kind === "query" ? { pixel: null, query: triple(cursor.query) } : null;
}

/** The line of Python that does it. */
export function lineOf({ cursor, sample }: Session): string {
  const source = sourceOf(cursor.value);
  const place = source?.pixel ?? source?.query;
  if (!place) return "trace.gradient(pixel=(row, column))";
  const ofSample = sample.value ? `, sample=${sample.value}` : "";
  return `trace.gradient(${source?.pixel ? "pixel" : "query"}=(${place.join(", ")})${ofSample})`;
}

export class Lens {
  /** What is waited for, in words; "" where nothing is. */
  readonly waiting = signal("");
  /** Why there is nothing to see; "" where nothing is amiss. */
  readonly lack = signal("");
  private readonly link: Link;
  private readonly session: Session;
  private readonly keep: (cursor: Cursor) => void;
  /** What the answer on screen, or on its way, is to. */
  private wish: readonly unknown[] = [];
  /** The number of the last wish. */
  private number = 0;
  private isInFlight = false;
  /** Another gradient is wanted once the answer is there. */
  private isQueued = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private unfollow: () => void = () => {};

  constructor(link: Link, session: Session, keep: (cursor: Cursor) => void) {
    this.link = link;
    this.session = session;
    this.keep = keep;
  }

  toggle(): void {
    if (this.session.showsGradient.value) this.close();
    else this.open();
  }

  /** What is shown is kept, so that the mouse can read the maps. */
  private open(): void {
    const { cursor, kept } = this.session;
    const now = cursor.value;
    if (!kept && now.kind !== "nothing") this.keep({ ...now, kept: true });
    this.session.showsGradient.value = true;
    this.wish = [];
    this.unfollow = effect(() => this.follow());
  }

  close(): void {
    this.unfollow();
    this.cancel();
    this.lack.value = "";
    this.session.showsGradient.value = false;
    this.session.gradient.value = null;
    this.session.pointed.value = null;
  }

  /** Wait no longer: the answer, when it comes, is to no wish. */
  cancel(): void {
    clearTimeout(this.timer);
    this.isInFlight = false;
    this.isQueued = false;
    this.waiting.value = "";
  }

  stop(): void {
    this.unfollow();
    clearTimeout(this.timer);
  }

  /** The gradient is that of what is kept, in the run on screen. */
  private follow(): void {
    const { alone, cursor, kept, run, sample } = this.session;
    // The kernel has the run that it has answered to.
    const isKnown = run.known(sample.value) !== null;
    const source = kept ? sourceOf(cursor.value) : null;
    const wish = [JSON.stringify(source), run, sample.value, alone, isKnown];
    if (wish.every((part, i) => part === this.wish[i])) return;
    this.wish = wish;
    untracked(() => this.want(source, isKnown));
  }

  private want(source: Source | null, isKnown: boolean): void {
    const { alone, gradient } = this.session;
    gradient.value = null;
    this.lack.value = this.lackOf(source, isKnown);
    if (source && isKnown && !alone) this.ask(source);
    else this.cancel();
  }

  private lackOf(source: Source | null, isKnown: boolean): string {
    if (!source) return NO_SOURCE;
    if (this.session.alone) return NO_KERNEL;
    return isKnown ? "" : NO_OUTPUT;
  }

  private ask(source: Source): void {
    this.isQueued = this.isInFlight;
    if (this.isQueued) return;
    this.number += 1;
    this.isInFlight = true;
    this.waiting.value = "The kernel computes the gradient …";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.waiting.value = SLOW;
    }, PATIENCE);
    this.link.model.send({ kind: "gradient", number: this.number, ...source });
  }

  /** Whether a message was an answer to a wish of this kind. */
  receive(message: MessageToPage, buffers: readonly Bytes[]): boolean {
    if (message.kind !== "gradient" && message.kind !== "no_gradient") return false;
    if (message.number !== this.number || !this.isInFlight) return true; // of a wish given up
    const { isQueued, session } = this;
    this.cancel();
    const source = sourceOf(session.cursor.value);
    if (isQueued && source) this.ask(source);
    else if (message.kind === "gradient") session.gradient.value = gradientOf(message, buffers);
    else this.lack.value = message.reason;
    return true;
  }
}
