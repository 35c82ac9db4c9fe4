// The address of a saved page: the view that it opens with, and the link to the present one.
import { fragmentOf, restore } from "./hash.ts";
import type { Kernel } from "./kernel.ts";
import type { Inputs } from "./run.ts";
import type { Session } from "./session.ts";

const OTHER_PICTURES =
  "A link leads to the pictures that this page came with, and not to your photograph: save the " +
  "page instead.";

export class Address {
  private readonly session: Session;
  private readonly kernel: Kernel;
  /** The inputs that the page came with; null where it shows nothing. */
  private readonly inputs: Inputs | null;

  constructor(session: Session, kernel: Kernel) {
    this.session = session;
    this.kernel = kernel;
    this.inputs = session.document.value?.inputs ?? null;
  }

  /** Show the view that the address names, now and whenever another one is put there. */
  follow(): () => void {
    const open = () => this.open();
    open();
    addEventListener("hashchange", open);
    return () => removeEventListener("hashchange", open);
  }

  private open(): void {
    const { session, kernel } = this;
    if (!this.inputs) return;
    const problem = this.isOwn ? restore(location.hash.slice(1), session, kernel) : OTHER_PICTURES;
    if (problem) session.message.value = problem;
  }

  private get isOwn(): boolean {
    return this.session.run.inputs === this.inputs;
  }

  /** Copy a link to the view on screen, or put it where it can be copied from. */
  async copyLink(): Promise<void> {
    const { message } = this.session;
    if (!this.isOwn) {
      message.value = OTHER_PICTURES;
      return;
    }
    const { text, isWithoutHole } = fragmentOf(this.session);
    const rest = isWithoutHole
      ? " It leads to the first hole: yours is too detailed for a link, save the page instead."
      : "";
    const url = `${location.href.split("#")[0]}#${text}`;
    try {
      await navigator.clipboard.writeText(url);
      message.value = `Copied: a link to this view.${rest}`;
    } catch {
      history.replaceState(null, "", `#${text}`);
      message.value = `No clipboard: the link is in the address bar.${rest}`;
    }
  }
}

/** A debugger has an address of its own on a saved page; that of a notebook is the notebook's. */
export const isOnPage = (): boolean => document.body.classList.contains("ctxattn-page");
