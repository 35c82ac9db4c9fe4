// Reading and writing the traits that the page shares with Python.
import type { MessageToPage, Model, Mask as SentMask, Traits } from "../protocol.ts";
import { maskOf, sameMask } from "./arrays.ts";

/** Milliseconds that the kernel has to answer. */
export const PATIENCE = 5000;
/** Milliseconds to wait for the end of a drag before anything is computed. */
export const REST = 50;

export class Link {
  readonly model: Model;
  /** Undo what is listened to. */
  private readonly undoings: (() => void)[] = [];
  /** The page itself is setting traits: what comes back is no news. */
  private writing = false;

  constructor(model: Model) {
    this.model = model;
  }

  onChange(names: readonly (keyof Traits)[], call: () => void): void {
    const unlessWriting = () => {
      if (!this.writing) call();
    };
    for (const name of names) {
      this.model.on(`change:${name}`, unlessWriting);
      this.undoings.push(() => this.model.off(`change:${name}`, unlessWriting));
    }
  }

  onMessage(call: (message: MessageToPage, buffers: DataView[]) => void): void {
    this.model.on("msg:custom", call);
    this.undoings.push(() => this.model.off("msg:custom", call));
  }

  /** The kernel came or went. */
  onLife(call: () => void): void {
    this.model.on("comm_live_update", call);
    this.undoings.push(() => this.model.off("comm_live_update", call));
  }

  /** What is to be ended with all the rest. */
  onStop(call: () => void): void {
    this.undoings.push(call);
  }

  stop(): void {
    for (const undo of this.undoings.splice(0)) undo();
  }

  /** Set what differs, in one message. */
  write(values: Partial<Traits>): void {
    const names = Object.keys(values) as (keyof Traits)[];
    const changed = names.filter((name) => this.isNews(name, values[name]));
    if (!changed.length) return;
    this.writing = true;
    for (const name of changed) this.model.set(name, values[name] as never);
    this.writing = false;
    this.model.save_changes();
  }

  private isNews(name: keyof Traits, value: unknown): boolean {
    const known = this.model.get(name) ?? null;
    if (name === "mask") {
      return !sameMask(maskOf(known as SentMask | null), maskOf(value as SentMask | null));
    }
    if (name === "buffers") return known !== value;
    return JSON.stringify(known) !== JSON.stringify(value);
  }
}
