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


def _policy(loader: str) -> str:
    """Nothing from outside; of what is inside, only the loader and what it makes may run."""
    digest = base64.b64encode(hashlib.sha256(loader.encode()).digest()).decode()
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
        policy=_policy(assets.loader()),
        title=html.escape(state["meta"]["title"]),
        style=assets.style(),
        module=assets.module(),
        # The only way out of a script element is "<": keep it out of the data.
        state=state_text.replace("<", "\\u003c"),
        data="\n".join(f'<script type="text/plain" data-bytes>{text}</script>' for text in texts),
        loader=assets.loader(),
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
