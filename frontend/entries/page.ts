// Starts the front end on a saved page. Stands in for the notebook's model: the same methods, and
// no kernel behind them. The one message it answers is the wish for a page, with this page's own
// text and the state as it is now.
import type {
  FrontEnd,
  MessageToKernel,
  MessageToPage,
  Model,
  PageState,
  SteppingTraits,
  Traits,
} from "../protocol.ts";
import { fromBase64 } from "../state/bytes.ts";

/** Where the state has bytes: which of the page's `script[data-bytes]` holds them. */
interface StoredBytes {
  stored: number;
}

interface Listener {
  name: string;
  call: (...news: never[]) => void;
}

/** Those of a debugger, and of a page that holds the stepping view alone. */
type AnyTraits = Traits & SteppingTraits;

const NAME = "contextual-attention.html";
const CHUNK = 32768; // as many arguments as every browser takes

function find(id: string): HTMLElement {
  const node = document.getElementById(id);
  if (!node) {
    throw new Error(`the page has no #${id}`);
  }
  return node;
}

function encode(value: ArrayBuffer | ArrayBufferView): string {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  let binary = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  }
  return btoa(binary);
}

function isBinary(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function isStored(value: unknown): value is StoredBytes {
  return Number.isInteger((value as StoredBytes | null)?.stored);
}

function readState(): PageState {
  const nodes = document.querySelectorAll("script[data-bytes]");
  const views = Array.from(
    nodes,
    (node) => new DataView(fromBase64(node.textContent ?? "").buffer),
  );
  return JSON.parse(find("ctxattn-state").textContent ?? "", (_, value) =>
    isStored(value) ? views[value.stored] : value,
  );
}

/**
 * The recordings, which a page holds deflated: the length of the JSON, the JSON, the arrays' bytes.
 * A browser that cannot inflate them shows the page without.
 */
async function readPacked(): Promise<Partial<AnyTraits>> {
  const text = find("ctxattn-packed").textContent ?? "";
  if (text === "" || !("DecompressionStream" in globalThis)) {
    return {};
  }
  const deflated = new Blob([fromBase64(text)]).stream();
  const inflated = deflated.pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(inflated).arrayBuffer();
  let end = 4 + new DataView(buffer).getUint32(0, true);
  const json = new TextDecoder().decode(new Uint8Array(buffer, 4, end - 4));
  const lengths: number[] = JSON.parse(json).lengths;
  const views = lengths.map((length) => {
    end += length;
    return new DataView(buffer, end - length, length);
  });
  return JSON.parse(json, (_, value) => (isStored(value) ? views[value.stored] : value)).values;
}

const source = find("ctxattn-module").textContent ?? "";
const values: Partial<AnyTraits> = { ...readState(), _module: source };
const el = find("ctxattn");
el.replaceChildren();
const emptyEl = el.cloneNode(true);

/** The text of this page with the state as it is now; what it asks is asked anew. */
function pageText(): string {
  const texts: string[] = [];
  const { _module, recordings, recording, ...state } = values;
  const unanswered = { ...state, answers: [] };
  const stateText = JSON.stringify(unanswered, (_, value) => {
    if (!isBinary(value)) {
      return value;
    }
    const text = encode(value);
    const index = texts.indexOf(text);
    return { stored: index < 0 ? texts.push(text) - 1 : index };
  });
  const page = document.documentElement.cloneNode(true) as HTMLElement;
  page.querySelector("#ctxattn")?.replaceWith(emptyEl.cloneNode(true));
  const stateNode = page.querySelector("#ctxattn-state");
  if (stateNode) {
    // The only way out of a script element is "<": keep it out of the data.
    stateNode.textContent = stateText.replaceAll("<", "\\u003c");
  }
  if (!recordings?.length && !recording) {
    page.querySelector("#ctxattn-packed")?.replaceChildren(); // they are not of this run any more
  }
  for (const node of page.querySelectorAll("script[data-bytes]")) {
    node.remove();
  }
  for (const text of texts) {
    const node = document.createElement("script");
    node.type = "text/plain";
    node.dataset.bytes = "";
    node.textContent = text;
    page.querySelector("#ctxattn-loader")?.before(node);
  }
  return `<!doctype html>\n${page.outerHTML}`;
}

let listeners: Listener[] = [];

function fire(name: string, ...news: unknown[]): void {
  for (const listener of [...listeners]) {
    if (listener.name === name) {
      listener.call(...(news as never[]));
    }
  }
}

const model: Model = {
  get<Name extends keyof AnyTraits>(name: Name): AnyTraits[Name] {
    return values[name] as AnyTraits[Name];
  },
  set(nameOrChanges: keyof Traits | Partial<Traits>, value?: unknown): void {
    const changes: Partial<Traits> =
      typeof nameOrChanges === "object" ? nameOrChanges : { [nameOrChanges]: value };
    const names = Object.keys(changes) as (keyof Traits)[];
    const changed = names.filter((name) => values[name] !== changes[name]);
    Object.assign(values, changes);
    for (const name of changed) {
      fire(`change:${name}`, model, values[name]);
    }
    if (changed.length > 0) {
      fire("change", model);
    }
  },
  on(name: string, call: Listener["call"]): void {
    listeners.push({ name, call });
  },
  off(name: string, call: Listener["call"]): void {
    listeners = listeners.filter((listener) => listener.name !== name || listener.call !== call);
  },
  send(message: MessageToKernel): void {
    if (message.kind !== "save_page") {
      return;
    }
    const answer: MessageToPage = { kind: "page", name: NAME, html: pageText() };
    queueMicrotask(() => fire("msg:custom", answer, []));
  },
  save_changes(): void {},
};

async function start(): Promise<void> {
  Object.assign(values, await readPacked());
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const module: { default: FrontEnd } = await import(url);
  URL.revokeObjectURL(url);
  const cleanup = module.default.render({ model, el });
  Object.assign(globalThis, { ctxattn: { model, el, cleanup } }); // for whoever looks into a page
}

try {
  await start();
} catch (error) {
  el.textContent = `This page could not start: ${(error as Error).message}`;
  throw error;
}
