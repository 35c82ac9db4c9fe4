// The way to the kernel: hovering never leaves the page; what is kept, set or painted does.
import { batch } from "@preact/signals";
import type { AttentionConfig } from "../engine/config.ts";
import type { StageKey } from "../generated/stages.ts";
import type { MessageToPage, Model, Traits } from "../protocol.ts";
import { followRemote } from "./answered.ts";
import { type Mask, maskOf, sameMask, sentMaskOf } from "./arrays.ts";
import { Background } from "./background.ts";
import type { Cursor } from "./cursor.ts";
import { followCursor } from "./follow.ts";
import { Lens } from "./lens.ts";
import { Link, PATIENCE, REST } from "./link.ts";
import { MapMaker } from "./maps.ts";
import { isLocked } from "./recorded.ts";
import { inputsOf, Run } from "./run.ts";
import { secondsOf } from "./seconds.ts";
import type { Session } from "./session.ts";
import { changedNames, dialectOf, differs } from "./settings.ts";
import { StepIn } from "./step_in.ts";
import { Swapping } from "./swapping.ts";
import { Wishes } from "./wishes.ts";

export class Kernel {
  readonly link: Link;
  private readonly session: Session;
  private readonly background = new Background("output");
  /** The run that the model knows of. */
  private recorded: Run | null = null;
  /** The last run that the kernel, or the page alone, computed: what a refusal goes back to. */
  private confirmed: Run | null = null;
  /** The number of the request that waits for an answer. */
  private inFlight: number | null = null;
  /** Another run is wanted once the answer is there. */
  private queued = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly swapping: Swapping;
  private unfollow: () => void = () => {};
  readonly wishes: Wishes;
  readonly stepIn: StepIn;
  readonly maps: MapMaker;
  readonly lens: Lens;
  /** Whether the front end that shows this has lost its kernel. */
  isGone: () => boolean = () => false;
  /** What the kernel sends beside the traits. */
  onMessage: (message: MessageToPage) => void = () => {};

  constructor(model: Model, session: Session) {
    this.link = new Link(model);
    this.session = session;
    this.swapping = new Swapping(model);
    this.wishes = new Wishes(this.link, session, () => {
      this.record();
      this.stepIn.keepStored();
    });
    this.stepIn = new StepIn(this.link, session);
    this.maps = new MapMaker(this.link, session);
    this.lens = new Lens(this.link, session, (cursor) => this.publish({ cursor }));
  }

  private get model(): Model {
    return this.link.model;
  }

  start(): void {
    const { link, model, session } = this;
    link.onChange(["meta"], () => this.orTell(() => this.load()));
    link.onChange(["answer"], () => this.orTell(() => this.receive()));
    link.onChange(["softmax_scale"], () => {
      this.change({ softmax_scale: model.get("softmax_scale") });
    });
    link.onChange(["query", "pixel", "stage", "sample"], () => followCursor(model, session));
    link.onChange(["config", "mask"], () => this.orTell(() => this.followRun()));
    link.onLife(() => {
      session.offline.value = this.isGone();
    });
    link.onMessage((message, buffers) => {
      this.hear();
      if (message?.kind === "refused") this.refused(message.reason);
      else if (message?.kind === "findings") session.remarks.take(message);
      else if (message?.kind === "rows") session.run.receive(message, buffers);
      else if (this.lens.receive(message, buffers)) return;
      else if (!this.stepIn.receive(message, buffers)) this.onMessage(message);
    });
    session.offline.value = this.isGone();
    this.orTell(() => this.load());
    this.unfollow = followRemote(session);
  }

  stop(): void {
    this.unfollow();
    this.link.stop();
    clearTimeout(this.timer);
    this.wishes.fulfilled();
    this.stepIn.stop();
    this.lens.stop();
    this.background.stop();
  }

  /** A sign of life of the kernel. */
  private hear(): void {
    this.wishes.fulfilled();
    this.session.offline.value = this.isGone();
  }

  // ---- from Python to the page ----

  /** Data that cannot be read are told in a sentence. */
  private orTell(read: () => void): void {
    try {
      read();
    } catch (error) {
      clearTimeout(this.timer); // there is nothing any more of which to compute an output
      this.session.fatal.value = (error as Error).message;
    }
  }

  private load(): void {
    const { session } = this;
    const meta = this.model.get("meta");
    const buffers = this.model.get("buffers");
    const inputs = inputsOf(meta, buffers);
    const run = new Run(inputs, meta.config, inputs.mask, meta.summaries);
    run.fill(meta.arrays, buffers);
    this.swapping.readInto(run);
    session.open(run);
    session.pinned.value = this.swapping.plainRun(run);
    this.recorded = this.confirmed = run;
    this.wishes.fulfilled(); // the photograph that was sent is here
    this.followRun();
    this.stepIn.load();
    this.lens.close();
    followCursor(this.model, this.session);
    this.maps.load(run);
    this.receive();
    if (!session.run.known(0) && session.progress.value === null) this.request();
  }

  /** Take over settings and hole. What the kernel was told comes back while a hand paints on. */
  private followRun(): void {
    const { recorded, session } = this;
    if (!recorded) return;
    const config = this.model.get("config");
    const mask = maskOf(this.model.get("mask"));
    const isSameMask = sameMask(mask, recorded.mask);
    if (isSameMask && !differs(recorded.config, config)) return;
    const { confirmed } = this;
    if (confirmed && !differs(confirmed.config, config) && sameMask(mask, confirmed.mask)) {
      this.recorded = confirmed; // refused and put back: its output is known
      session.show(confirmed);
      return;
    }
    const { run } = session;
    session.show(run.change({ ...run.config, ...config }, isSameMask ? run.mask : mask));
    this.recorded = session.run;
    if (session.alone) this.request();
  }

  /** An answer for the run that was recorded; one for an older run comes too late. */
  private receive(): void {
    const { model, recorded, session } = this;
    const answer = model.get("answer");
    if (!recorded || !answer?.config || (answer.request ?? 0) < (model.get("request") ?? 0)) return;
    if (differs(recorded.config, answer.config)) return;
    this.hear();
    batch(() => {
      this.swapping.readInto(recorded);
      recorded.fill(answer.arrays, answer);
      recorded.summaries.value = answer.summaries;
      this.confirmed = recorded;
      if (recorded !== session.run) session.run.showMeanwhile(recorded);
      this.finish();
    });
  }

  /** The kernel has put its state back: so does the page, with the reason why. */
  private refused(reason: string): void {
    const { confirmed, session } = this;
    this.queued = false;
    this.finish();
    if (confirmed && session.run !== confirmed) {
      this.recorded = confirmed;
      session.show(confirmed);
    }
    session.remarks.asked.value = null;
    session.problem.value = reason;
  }

  // ---- from the page to Python ----

  /** Look at another stage, sample or place: written to the model at once. */
  publish(changes: { stage?: StageKey; sample?: number; cursor?: Cursor }): void {
    const { session } = this;
    batch(() => {
      if (changes.stage) session.stage.value = changes.stage;
      if (changes.sample !== undefined) {
        session.sample.value = changes.sample;
        if (!session.kept) session.letGo();
      }
      if (changes.cursor) session.cursor.value = changes.cursor;
    });
    const cursor = session.cursor.value;
    this.link.write({
      stage: session.stage.value,
      sample: session.sample.value,
      query: cursor.kind === "query" && cursor.kept ? [...cursor.query] : null,
      pixel: cursor.kind === "pixel" && cursor.kept ? [...cursor.pixel] : null,
    });
    if (changes.sample !== undefined && !session.run.known(changes.sample)) this.request();
  }

  /** Other settings: the rows at once, the output when it is computed. */
  change(settings: Partial<AttentionConfig>): void {
    const { run } = this.session;
    if (!differs(settings, run.config)) return;
    this.become({ ...run.config, ...settings }, run.mask);
  }

  paint(mask: Mask | null): void {
    this.become(this.session.run.config, mask);
  }

  /** Other settings and another hole; the dialect's name follows from the settings. */
  become(config: AttentionConfig, mask: Mask | null): void {
    const { run } = this.session;
    const dialect = dialectOf(config, run.inputs.meta.dialects);
    const next = run.change({ ...config, dialect }, mask);
    if (isLocked(this.session, changedNames(run, next))) return;
    this.session.show(next);
    this.request();
  }

  /** The output of the run on screen, once the hand rests. */
  request(): void {
    this.queued = this.inFlight !== null;
    if (this.queued) return;
    clearTimeout(this.timer);
    this.session.progress.value = 0;
    this.timer = setTimeout(() => (this.session.alone ? this.compute() : this.ask()), REST);
  }

  private ask(): void {
    this.inFlight = (this.model.get("request") ?? 0) + 1;
    this.record({ request: this.inFlight });
    this.timer = setTimeout(() => {
      // Gone, or busy with a cell: the page goes on by itself until there is a sign of life.
      this.session.offline.value = true;
      this.finish();
      this.compute();
    }, PATIENCE);
  }

  /** Stop computing, or waiting for, the output; the one of before stays on screen. */
  cancel(): void {
    clearTimeout(this.timer);
    this.background.stop();
    this.queued = false;
    this.finish();
    this.session.message.value = "Stopped: the output is still that of before.";
  }

  /** Write down the run on screen, for the kernel or for a page to be saved. */
  record(more: Partial<Traits> = {}): void {
    const { run } = this.session;
    this.recorded = run;
    const { config, mask } = run;
    this.link.write({
      config,
      softmax_scale: config.softmax_scale,
      mask: sentMaskOf(mask),
      ...more,
    });
  }

  private finish(): void {
    clearTimeout(this.timer);
    this.inFlight = null;
    this.session.progress.value = null;
    this.session.seconds.value = null;
    if (this.queued) this.request();
  }

  private async compute(): Promise<void> {
    const { session } = this;
    const { run } = session;
    const sample = session.sample.value;
    this.record();
    session.progress.value = 0;
    session.seconds.value = secondsOf(run.attention(sample));
    const result = await this.background.compute(run.arrays(sample), run.config, (share) => {
      session.progress.value = share;
    });
    if (!result || run !== session.run) return;
    batch(() => {
      run.know(sample, result);
      this.confirmed = run;
      session.progress.value = null;
      session.seconds.value = null;
    });
  }
}
