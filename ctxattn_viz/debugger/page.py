"""The debugger as one self-contained HTML file: works from disk, with no kernel and no network."""

import base64
import hashlib
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..files import path_of, writing
from . import assets
from .payload import build
from .state import Place, initial_state

if TYPE_CHECKING:
    from ..traces.run import Trace

# Stands in for the notebook's model: the same methods, and no kernel behind them. The one message
# it answers is the wish for a page, with this page's own text and the state as it is now.
_LOADER = """\
const find = (id) => document.getElementById(id);
const decode = (text) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
};
const encode = (held) => {
  const bytes = ArrayBuffer.isView(held)
    ? new Uint8Array(held.buffer, held.byteOffset, held.byteLength)
    : new Uint8Array(held);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(text);
};
const isBinary = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);
const source = find("ctxattn-module").textContent;
const views = Array.from(document.querySelectorAll("script[data-bytes]"), (node) => (
  new DataView(decode(node.textContent).buffer)));
const values = JSON.parse(find("ctxattn-state").textContent, (key, value) => (
  Number.isInteger(value?.stored) ? views[value.stored] : value));

function saved() {
  const texts = [];
  const kept = { ...values };
  delete kept._module;
  const state = JSON.stringify(kept, (key, value) => {
    if (!isBinary(value)) return value;
    const text = encode(value);
    const at = texts.indexOf(text);
    return { stored: at < 0 ? texts.push(text) - 1 : at };
  });
  const page = document.documentElement.cloneNode(true);
  page.querySelector("#ctxattn").replaceWith(empty.cloneNode(true));
  page.querySelector("#ctxattn-state").textContent = state.replaceAll("<", "\\\\u003c");
  page.querySelectorAll("script[data-bytes]").forEach((node) => node.remove());
  for (const text of texts) {
    const node = document.createElement("script");
    node.type = "text/plain";
    node.dataset.bytes = "";
    node.textContent = text;
    page.querySelector("#ctxattn-loader").before(node);
  }
  return `<!doctype html>\\n${page.outerHTML}`;
}

let listeners = [];
const fire = (name, ...news) => {
  for (const l of [...listeners]) if (l.name === name) l.call(...news);
};
const model = {
  get: (name) => values[name],
  set(name, value) {
    const changes = typeof name === "object" ? name : { [name]: value };
    const changed = Object.keys(changes).filter((key) => values[key] !== changes[key]);
    Object.assign(values, changes);
    for (const key of changed) fire(`change:${key}`, model, values[key]);
    if (changed.length) fire("change", model);
  },
  on(name, call) { listeners.push({ name, call }); },
  off(name, call) {
    listeners = listeners.filter((l) => (name && l.name !== name) || (call && l.call !== call));
  },
  send(message) {
    if (message?.kind !== "save_page") return;
    const answer = { kind: "page", name: "contextual-attention.html", html: saved() };
    queueMicrotask(() => fire("msg:custom", answer, []));
  },
  save_changes() {},
};

values._module = source;
const el = find("ctxattn");
el.replaceChildren();
const empty = el.cloneNode(true);
try {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: front } = await import(url);
  URL.revokeObjectURL(url);
  const cleanup = await front.render({ model, el });
  globalThis.ctxattn = { model, el, cleanup };
} catch (error) {
  el.textContent = `This page could not start: ${error.message}`;
  throw error;
}
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body class="ctxattn-page">
<main id="ctxattn">
<noscript>This page computes what it shows: it needs JavaScript.</noscript>
</main>
<script type="text/plain" id="ctxattn-module">
{module}
</script>
<script type="application/json" id="ctxattn-state">{state}</script>
{data}
<script type="module" id="ctxattn-loader">{loader}</script>
</body>
</html>
"""


def _policy() -> str:
    """Nothing from outside; of what is inside, only the loader and what it makes may run."""
    digest = base64.b64encode(hashlib.sha256(_LOADER.encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'sha256-{digest}' blob:",
            "worker-src blob:",
            "style-src 'unsafe-inline'",
            "img-src blob: data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def render(state: dict[str, Any]) -> str:
    """The page's HTML. `state` is what it opens with: see `state.initial_state`."""
    values = state | {"meta": state["meta"] | {"kernel": False}}
    # f and b are often one tensor, and their pictures then too: each content is stored once.
    texts: list[str] = []

    def reference_to(data: bytes) -> dict[str, int]:
        if (text := base64.b64encode(data).decode()) not in texts:
            texts.append(text)
        return {"stored": texts.index(text)}

    state_text = json.dumps(values, default=reference_to, allow_nan=False)
    return _PAGE.format(
        policy=_policy(),
        title=html.escape(state["meta"]["title"]),
        style=assets.style(),
        module=assets.module(),
        # The only way out of a script element is "<": keep it out of the data.
        state=state_text.replace("<", "\\u003c"),
        data="\n".join(f'<script type="text/plain" data-bytes>{text}</script>' for text in texts),
        loader=_LOADER,
    )


def save_page(
    trace: "Trace",
    path: str | Path,
    *,
    query: Place | None = None,
    pixel: Place | None = None,
    stage: str = "attention",
    sample: int = 0,
    foreground_mask: Tensor | None = None,
    picture_f: Tensor | np.ndarray | None = None,
    picture_b: Tensor | np.ndarray | None = None,
    title: str | None = None,
    python: str | None = None,
) -> Path:
    """Write the debugger of `trace` as one HTML file at `path`; returns the path.

    The file holds the inputs, the output and the whole front end: it opens from disk, needs no
    kernel and no network, and loads nothing. A file at `path` is replaced when the new one is
    complete, and not before. The other arguments are those of `debug`.

    Raises:
        InputError: a path that no file can be written to (raised before anything is computed), a
            disk that is full, an argument that does not fit the trace.
        BudgetError: maps too large for a page.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> path = cv.save_page(cv.trace(photo, photo), "page.html", query=(3, 4), title="Chelsea")
    >>> path.name, "<title>Chelsea</title>" in path.read_text(encoding="utf-8")
    ('page.html', True)
    """
    with writing("path", path) as file:
        file.write(
            page_of(
                trace,
                query=query,
                pixel=pixel,
                stage=stage,
                sample=sample,
                foreground_mask=foreground_mask,
                picture_f=picture_f,
                picture_b=picture_b,
                title=title,
                python=python,
            )
        )
    return path_of("path", path)


def page_of(
    trace: "Trace",
    *,
    query: Any = None,
    pixel: Any = None,
    stage: str = "attention",
    sample: int = 0,
    **options: Any,
) -> bytes:
    """The debugger of `trace` as the bytes of one HTML file; takes and raises what `debug` does."""
    payload = build(trace, **options)
    state = initial_state(payload, trace, query=query, pixel=pixel, stage=stage, sample=sample)
    return render(state).encode()
