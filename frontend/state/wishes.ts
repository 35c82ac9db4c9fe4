// What is asked of the kernel beside its traits: a page of what is on screen, a photograph's run.
import type { Traits } from "../protocol.ts";
import { type Link, PATIENCE } from "./link.ts";
import type { Session } from "./session.ts";

const WAITING = "Waiting for the kernel, which writes the page …";
const NO_PAGE = "The kernel writes the page, and it does not answer: save again once it does.";

export class Wishes {
  private readonly link: Link;
  private readonly session: Session;
  /** Write down the run on screen. */
  private readonly record: () => void;
  private wait: ReturnType<typeof setTimeout> | undefined;

  constructor(link: Link, session: Session, record: () => void) {
    this.link = link;
    this.session = session;
    this.record = record;
  }

  /** There was an answer: no more waiting. */
  fulfilled(): void {
    clearTimeout(this.wait);
    const { message } = this.session;
    if (message.value === WAITING) message.value = "";
  }

  savePage(): void {
    const { session } = this;
    this.record();
    if (session.offline.value) {
      session.message.value = NO_PAGE;
      return;
    }
    this.link.model.send({ kind: "save_page" });
    if (session.alone) return; // a page answers at once
    this.fulfilled();
    session.message.value = WAITING;
    this.wait = setTimeout(() => {
      session.message.value = NO_PAGE;
    }, PATIENCE);
  }

  /** Ask what is remarkable about the run on screen. */
  find(): void {
    this.record();
    this.session.remarks.asked.value = this.session.run;
    this.link.model.send({ kind: "find" });
  }

  /** Send a photograph to the kernel; `otherwise` is done where it gives no sign of life. */
  upload(
    name: string,
    shape: [number, number, number],
    rgb: Uint8Array<ArrayBuffer>,
    otherwise: () => void,
  ): void {
    const { config } = this.session.run;
    this.link.model.send({ kind: "upload", name, shape, config }, undefined, [rgb.buffer]);
    this.fulfilled();
    this.wait = setTimeout(() => {
      this.session.offline.value = true;
      otherwise();
    }, PATIENCE);
  }

  /** Other inputs, made in the page. */
  adopt(meta: Traits["meta"], buffers: Traits["buffers"], mask: Traits["mask"]): void {
    const nothing = { query: null, pixel: null, sample: 0, answer: {}, recordings: [] };
    // Questions are about the cells of another picture.
    const ofOthers = { recorded: {}, plain: {}, questions: [], answers: [] };
    this.link.write({ ...nothing, ...ofOthers, buffers, mask });
    this.link.model.set("meta", { ...meta, config: this.session.run.config });
  }
}
