// A view as the fragment of a link: #stage=scores&query=4,6&fuse_k=5. A field is one entry of a
// table; one that a fragment leaves out is as on a page that nobody has touched.
import { batch } from "@preact/signals";
import { sameMask } from "./arrays.ts";
import { RUN_FIELDS, type Wish } from "./hash_run.ts";
import { VIEW_FIELDS } from "./hash_view.ts";
import type { Kernel } from "./kernel.ts";
import type { Session } from "./session.ts";
import { differs } from "./settings.ts";

/** Characters of a fragment that mail and chat programs pass on whole. */
const LONGEST = 8000;

const NAMES: readonly string[] = [...RUN_FIELDS, ...VIEW_FIELDS].map(({ name }) => name);

export interface Fragment {
  /** Without the #. */
  readonly text: string;
  /** The hole was left out: it has too many pixels of edge. */
  readonly isWithoutHole: boolean;
}

export function fragmentOf(session: Session): Fragment {
  const parts = (fields: readonly (readonly [string, string])[]) =>
    fields.filter(([, text]) => text !== "").map(([name, text]) => `${name}=${text}`);
  const ofRun = RUN_FIELDS.map(({ name, write }) => [name, write(session.run)] as const);
  const ofView = VIEW_FIELDS.map(({ name, write }) => [name, write(session)] as const);
  const text = parts([...ofView, ...ofRun]).join("&");
  if (text.length <= LONGEST) return { text, isWithoutHole: false };
  const others = ofRun.filter(([name]) => name !== "mask");
  return { text: parts([...ofView, ...others]).join("&"), isWithoutHole: true };
}

/** Restore what a fragment describes; returns a sentence about what had to be left out, or "". */
export function restore(
  fragment: string,
  session: Session,
  kernel: Pick<Kernel, "become" | "publish">,
): string {
  const texts = textsOf(fragment);
  const foreign = [...texts.keys()].filter((name) => !NAMES.includes(name));
  if (foreign.length === texts.size) return leftOut(foreign);
  const unread: string[] = [];
  const note = (name: string, isRead: boolean) => {
    if (!isRead) unread.push(`${name}=${texts.get(name)}`);
  };
  const { run, undoable } = session;
  const { inputs } = run;
  const wish: Wish = { config: inputs.meta.config, mask: inputs.mask };
  batch(() => {
    for (const { name, read } of RUN_FIELDS) {
      note(name, read(texts.get(name) ?? "", { wish, inputs }));
    }
    const isSameHole = sameMask(wish.mask, run.mask);
    if (!isSameHole) undoable.value = [...undoable.value, run.mask];
    if (!isSameHole || differs(wish.config, run.config)) kernel.become(wish.config, wish.mask);
    session.isPlaying.value = false;
    session.letGo();
    for (const { name, read } of VIEW_FIELDS) note(name, read(texts.get(name) ?? "", session));
    if (!session.kept) session.letGo(); // the sample may be another
    kernel.publish({ sample: session.sample.value, cursor: session.cursor.value });
  });
  const parts = [...unread, ...foreign];
  return parts.length ? `${leftOut(parts)} The rest is restored.` : "";
}

/** What stands behind each name. A chat program may have escaped it. */
function textsOf(fragment: string): Map<string, string> {
  const parts = fragment.split("&").filter((part) => part !== "");
  return new Map(
    parts.map((part) => {
      const [name, ...text] = part.split("=");
      return [unescaped(name), unescaped(text.join("="))];
    }),
  );
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const MOST_NAMED = 3;
const LONGEST_NAMED = 40;

function leftOut(parts: readonly string[]): string {
  if (!parts.length) return "";
  const named = parts.slice(0, MOST_NAMED).map((part) => {
    return part.length > LONGEST_NAMED ? `${part.slice(0, LONGEST_NAMED)}…` : part;
  });
  const others = parts.length - named.length;
  const all = others ? [...named, `${others} more`] : named;
  const list = all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all.at(-1)}` : all[0];
  return `The link asks for ${list}, which this page cannot show.`;
}
