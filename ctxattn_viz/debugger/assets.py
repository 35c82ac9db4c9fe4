"""Joins the front end's files into the one module and the one style sheet that are served.

anywidget and the page load the module from a Blob URL, where `import "./x.js"` cannot resolve.
So the files stay plain ES modules on disk (Node's tests import them as they are) and are put
behind one another here, each after the files it imports; the markup and its words (debugger.html)
go before them as a constant. No bundler, no CDN.
"""

import hashlib
import json
import re
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
ENTRY = "debugger.js"

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./([\w-]+\.js)";?[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import\b|export\b(?! default\b)).*$", re.MULTILINE)
_TOP_LEVEL = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let|var) +([\w$]+)", re.MULTILINE
)


def files(entry: str = ENTRY, static: Path = STATIC) -> list[str]:
    """The names of `entry` and all it imports, each after the files it needs."""
    names: list[str] = []

    def visit(name: str) -> None:
        for _, sibling in _IMPORT.findall((static / name).read_text(encoding="utf-8")):
            if sibling not in names:
                visit(sibling)
        names.append(name)

    visit(entry)
    return names


def join(entry: str = ENTRY, static: Path = STATIC) -> str:
    """The source of one module that does what `entry` and its imports do together.

    Raises:
        ValueError: a construct that joining cannot carry over (a renamed import, an export
            list), a top-level name that two files share, or text that would end a <script>.
    """
    owner: dict[str, str] = {}
    parts = []
    for name in files(entry, static):
        source = (static / name).read_text(encoding="utf-8")
        for names, sibling in _IMPORT.findall(source):
            if " as " in names:
                raise ValueError(f"{name} renames what it imports from {sibling}: {names.strip()}")
        for top in _TOP_LEVEL.findall(source):
            if top in owner:
                raise ValueError(f"{name} and {owner[top]} both define {top}")
            owner[top] = name
        body = _EXPORT.sub("", _IMPORT.sub("", source))
        if name != entry and "export default" in body:
            raise ValueError(f"{name} has a default export; only {entry} may")
        if left_over := _LEFT_OVER.search(body):
            raise ValueError(f"{name} has a line that cannot be joined: {left_over.group()}")
        if end := re.search(r"</script|<!--", body, re.IGNORECASE):
            raise ValueError(f"{name} holds {end.group()}, which would end the page's script")
        parts.append(f"// {name}\n{body.strip()}\n")
    return "\n".join(parts)


@cache
def module() -> str:
    """The front end: one ES module whose default export is `{ render }`."""
    markup = (STATIC / "debugger.html").read_text(encoding="utf-8")
    # "<" is escaped: inside a page's <script>, markup must not look like markup.
    return f"const MARKUP = {json.dumps(markup).replace('<', chr(92) + 'u003c')};\n{join()}"


@cache
def bootstrap() -> str:
    """What anywidget imports: it imports `module` from the `_module` trait, once for each page.

    anywidget imports a widget's module anew for every instance, and a browser never lets a module
    go: with the front end itself, every rerun of a cell would leave it behind once more. JupyterLab
    in turn never lets the model of a closed comm go, so that is emptied (twice: once more for the
    copy that it keeps of what it held before). And it says on `el` whether the kernel is there, as
    ipywidgets do and anywidget does not.
    """
    digest = hashlib.sha256(module().encode()).hexdigest()[:16]
    return f"""\
async function load(source) {{
  const url = URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }}));
  try {{
    return (await import(url)).default;
  }} finally {{
    URL.revokeObjectURL(url);
  }}
}}
const HELD = {{ _module: "", _css: "", meta: {{}}, buffers: {{}}, answer: {{}}, mask: null }};
export default {{
  initialize({{ model }}) {{
    model.on("destroy", () => {{
      model.set(HELD, {{ silent: true }});
      model.set(HELD, {{ silent: true }});
    }});
  }},
  async render(context) {{
    context.model.on("comm_live_update", function () {{
      context.el.classList.toggle("jupyter-widgets-disconnected", !this?.model?.comm_live);
    }});
    const key = Symbol.for("ctxattn_viz {digest}");
    const front = await (globalThis[key] ??= load(context.model.get("_module")));
    return front.render(context);
  }},
}};
"""


@cache
def style() -> str:
    """The front end's style sheet."""
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted(STATIC.glob("*.css")))
