"""The debugger as one self-contained HTML file: works from disk, with no kernel and no network."""

import base64
import hashlib
import html
import json
from typing import Any

from . import assets
from .recordings import deflated

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
<script type="text/plain" id="ctxattn-packed">{packed}</script>
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
    """The page's HTML.

    Args:
        state: what it opens with: see `state.initial_state`; or of a stepping view alone, its
            `recording`.
    """
    packed = {name: state[name] for name in ("recording", "recordings") if state.get(name)}
    values = {name: value for name, value in state.items() if name not in packed}
    if "meta" in values:
        title, values["meta"] = values["meta"]["title"], values["meta"] | {"kernel": False}
    else:
        title = state["recording"]["recording"]["title"]
    # f and b are often one tensor, and their pictures then too: each content is stored once.
    texts: list[str] = []

    def reference_to(data: bytes) -> dict[str, int]:
        if (text := base64.b64encode(data).decode()) not in texts:
            texts.append(text)
        return {"stored": texts.index(text)}

    state_text = json.dumps(values, default=reference_to, allow_nan=False)
    return _PAGE.format(
        policy=_policy(assets.loader()),
        title=html.escape(title),
        style=assets.style(),
        module=assets.module(),
        # The only way out of a script element is "<": keep it out of the data.
        state=state_text.replace("<", "\\u003c"),
        data="\n".join(f'<script type="text/plain" data-bytes>{text}</script>' for text in texts),
        packed=base64.b64encode(deflated(packed)).decode() if packed else "",
        loader=assets.loader(),
    )
