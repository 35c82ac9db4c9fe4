// The way to the kernel: hovering never leaves the page; what is kept, set or painted does.
import { batch } from "@preact/signals";
import type { AttentionConfig } from "../engine/config.ts";
import type { StageKey } from "../generated/stages.ts";
import type { MessageToPage, Model, Traits } from "../protocol.ts";
import { type Mask, maskOf, sameMask } from "./arrays.ts";
import { Background } from "./background.ts";
import { type Cursor, keptQuery, NOTHING, type Place, samePlace } from "./cursor.ts";
import { inputsOf, Run } from "./run.ts";
import type { Session } from "./session.ts";
import { dialectOf, differs } from "./settings.ts";
import { isStageKey } from "./stages.ts";
import { isPlace, keptPlaces, newsOf } from "./traits.ts";

/** Milliseconds that the kernel has before the page computes for itself. */
const PATIENCE = 5000;
/** Milliseconds to wait for the end of a drag before anything is computed. */
const REST = 50;

export class Kernel {
  private readonly model: Model;
  private readonly session: Session;
  private readonly background = new Background();
  /** Undo what `start` listens to. */
  private readonly undoings: (() => void)[] = [];
  /** The page itself is setting traits: what comes back is no news. */
  private writing = false;
  /** The run that the model knows of. */
  private recorded: Run | null = null;
  /** The number of the request that waits for an answer. */
  private inFlight: number | null = null;
  /** Another run is wanted once the answer is there. */
  private queued = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the front end that shows this has lost its kernel. */
  isGone: () => boolean = () => false;
  /** What the kernel sends beside the traits. */
  onMessage: (message: MessageToPage) => void = () => {};

  constructor(model: Model, session: Session) {
    this.model = model;
    this.session = session;
  }

  start(): void {
    const { model } = this;
    this.onChange(["meta"], () => this.load());
    this.onChange(["answer"], () => this.receive());
    this.onChange(["softmax_scale"], () => {
      this.change({ softmax_scale: model.get("softmax_scale") });
    });
    this.onChange(["query", "pixel", "stage", "sample"], () => this.follow());
    this.onChange(["config", "mask"], () => this.followRun());
    const checkLife = () => {
      this.session.offline.value = this.isGone();
    };
    model.on("comm_live_update", checkLife);
    const read = (message: MessageToPage) => {
      if (message?.kind === "refused") this.refused(message.reason);
      else this.onMessage(message);
    };
    model.on("msg:custom", read);
    this.undoings.push(
      () => model.off("comm_live_update", checkLife),
      () => model.off("msg:custom", read),
    );
    this.load();
  }

  private onChange(names: readonly (keyof Traits)[], call: () => void): void {
    const unlessWriting = () => {
      if (!this.writing) call();
    };
    for (const name of names) {
      this.model.on(`change:${name}`, unlessWriting);
      this.undoings.push(() => this.model.off(`change:${name}`, unlessWriting));
    }
  }

  stop(): void {
    for (const undo of this.undoings.splice(0)) undo();
    clearTimeout(this.timer);
    this.background.stop();
  }

  // ---- from Python to the page ----

  private load(): void {
    const { session } = this;
    try {
      const meta = this.model.get("meta");
      const buffers = this.model.get("buffers");
      const inputs = inputsOf(meta, buffers);
      const run = new Run(inputs, meta.config, inputs.mask, meta.summaries);
      run.fill(meta.arrays, buffers);
      session.open(run);
      this.recorded = run;
      this.followRun();
      this.follow();
      this.receive();
      if (!session.run.known(0) && session.progress.value === null) this.request();
    } catch (error) {
      session.fatal.value = (error as Error).message;
    }
  }

  /** Take over stage, sample, query and pixel; what is not in this run gets a sentence. */
  private follow(): void {
    const { model, session } = this;
    const { run } = session;
    const { n, H, W } = run.inputs;
    const stage = model.get("stage");
    const sample = model.get("sample");
    const query = model.get("query");
    const pixel = model.get("pixel");
    const { h, w } = run.attention(session.sample.value);
    const sizes = `${n} samples, ${h} × ${w} cells and ${H} × ${W} pixels`;
    const wrong = (name: string, value: unknown) => {
      session.problem.value = `The debugger cannot show ${name} ${value}: it is not in this run, which has ${sizes}.`;
    };
    batch(() => {
      session.problem.value = "";
      if (isStageKey(stage)) session.stage.value = stage;
      else wrong("stage", stage);
      if (isPlace([sample], [n])) session.sample.value = sample;
      else wrong("sample", sample);
      if (pixel) {
        if (isPlace(pixel, [H, W])) session.cursor.value = { kind: "pixel", pixel, kept: true };
        else wrong("pixel", pixel);
      } else if (query) {
        if (isPlace(query, [h, w])) this.keepQuery(query);
        else wrong("query", query);
      } else if (session.cursor.value.kind !== "patch" || !session.kept) {
        session.cursor.value = NOTHING;
      }
    });
  }

  private keepQuery(query: Place): void {
    const { cursor } = this.session;
    const now = cursor.value;
    // The same one stays as it is, beside the patch that it is compared with.
    if (now.kind === "query" && now.kept && samePlace(now.query, query)) return;
    cursor.value = keptQuery(query);
  }

  /** Take over settings and hole. What the kernel was told comes back while a hand paints on. */
  private followRun(): void {
    const { recorded, session } = this;
    if (!recorded) return;
    const config = this.model.get("config");
    const mask = maskOf(this.model.get("mask"));
    const isSameMask = sameMask(mask, recorded.mask);
    if (isSameMask && !differs(recorded.config, config)) return;
    const { run } = session;
    session.show(run.change({ ...run.config, ...config }, isSameMask ? run.mask : mask));
    this.recorded = session.run;
    if (session.alone) this.request();
  }

  /** An answer for the run that was recorded; one for an older run comes too late. */
  private receive(): void {
    const { recorded, session } = this;
    const answer = this.model.get("answer");
    const asked = this.model.get("request") ?? 0;
    if (!recorded || !answer?.config || (answer.request ?? 0) < asked) return;
    if (differs(recorded.config, answer.config)) return;
    batch(() => {
      recorded.fill(answer.arrays, answer);
      recorded.summaries.value = answer.summaries;
      if (recorded !== session.run) session.run.showMeanwhile(recorded);
      this.finish();
    });
  }

  private refused(reason: string): void {
    this.finish();
    this.session.problem.value = reason;
  }

  // ---- from the page to Python ----

  /** Look at another stage, sample or place: written to the model at once. */
  publish(changes: { stage?: StageKey; sample?: number; cursor?: Cursor }): void {
    const { session } = this;
    batch(() => {
      if (changes.stage) session.stage.value = changes.stage;
      if (changes.sample !== undefined) session.sample.value = changes.sample;
      if (changes.cursor) session.cursor.value = changes.cursor;
    });
    this.write({
      stage: session.stage.value,
      sample: session.sample.value,
      ...keptPlaces(session.cursor.value),
    });
    if (changes.sample !== undefined && !session.run.known(changes.sample)) this.request();
  }

  private write(values: Partial<Traits>): void {
    const changed = newsOf(this.model, values);
    if (!changed.length) return;
    this.writing = true;
    for (const name of changed) this.model.set(name, values[name] as never);
    this.writing = false;
    this.model.save_changes();
  }

  /** Other settings: the rows at once, the output when it is computed. */
  change(settings: Partial<AttentionConfig>): void {
    const { run } = this.session;
    if (!differs(settings, run.config)) return;
    const config: AttentionConfig = { ...run.config, ...settings };
    const dialect = dialectOf(config, run.inputs.meta.dialects);
    this.session.show(run.change({ ...config, dialect }, run.mask));
    this.request();
  }

  paint(mask: Mask | null): void {
    const { run } = this.session;
    this.session.show(run.change(run.config, mask));
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
      this.finish();
      this.compute();
    }, PATIENCE);
  }

  /** Write down the run on screen, for the kernel or for a page to be saved. */
  record(more: Partial<Traits> = {}): void {
    const { run } = this.session;
    this.recorded = run;
    const { config, mask } = run;
    this.write({
      config,
      softmax_scale: config.softmax_scale,
      mask: mask && { shape: mask.shape, data: mask.data.slice() },
      ...more,
    });
  }

  private finish(): void {
    clearTimeout(this.timer);
    this.inFlight = null;
    this.session.progress.value = null;
    if (this.queued) this.request();
  }

  private async compute(): Promise<void> {
    const { session } = this;
    const { run } = session;
    const sample = session.sample.value;
    this.record();
    session.progress.value = 0;
    const result = await this.background.compute(run.arrays(sample), run.config, (share) => {
      session.progress.value = share;
    });
    if (!result || run !== session.run) return;
    batch(() => {
      run.know(sample, result);
      session.progress.value = null;
    });
  }

  // ---- pages and photographs ----

  savePage(): void {
    this.record();
    this.model.send({ kind: "save_page" });
  }

  /** Send a photograph to the kernel. */
  upload(name: string, shape: [number, number, number], rgb: Uint8Array<ArrayBuffer>): void {
    const { config } = this.session.run;
    this.model.send({ kind: "upload", name, shape, config }, undefined, [rgb.buffer]);
  }

  /** Other inputs, made in the page. */
  adopt(meta: Traits["meta"], buffers: Traits["buffers"], mask: Traits["mask"]): void {
    this.write({ query: null, pixel: null, sample: 0, answer: {}, buffers, mask });
    this.model.set("meta", { ...meta, config: this.session.run.config });
  }
}
