"""`make html`: the course as pages that need no kernel and no network, and the API reference.

Every notebook is run; each debugger in it becomes its own page in an iframe, as alive as the
widget. The exercises are not: they are shown as students open them, without solutions and outputs.
"""

from __future__ import annotations

import argparse
import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SITE = ROOT / "site"

# Runs before the first cell: a debugger then shows itself as a page, with the state it has.
LIVE_PAGES = """
def _live(self, **_):
    import html, pathlib, tempfile
    with tempfile.TemporaryDirectory() as folder:
        page = self.save_page(pathlib.Path(folder) / "page.html").read_text(encoding="utf-8")
    frame = '<iframe class="debugger" title="The debugger" srcdoc="{}"></iframe>'
    return {"text/html": frame.format(html.escape(page)), "text/plain": repr(self)}, {}

import ctxattn_viz.debugger
ctxattn_viz.debugger.Debugger._repr_mimebundle_ = _live
"""

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --page: #fff; --soft: #f6f8fa; --line: #d8dee4;
  --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --page: #16181b; --soft: #202327;
  --line: #3a3f45; --link: #7db7ff; } }
body { margin: 0 auto; padding: 0 1rem 4rem; max-width: 62rem; background: var(--page);
  color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); }
nav { padding: .8rem 0; border-bottom: 1px solid var(--line); }
h1, h2, h3 { line-height: 1.25; }
.anchor-link, .jp-InputPrompt, .jp-OutputPrompt, .prompt { display: none; }
blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid var(--line); }
pre { overflow-x: auto; margin: 0; font: 13px/1.45 ui-monospace, monospace; }
.highlight { padding: .6rem .8rem; background: var(--soft); border: 1px solid var(--line); }
.output_area { padding: .5rem .8rem; }
img { max-width: 100%; }
.output_area img { background: #fff; } /* figures are drawn for paper */
iframe.debugger { width: 100%; height: 56rem; border: 1px solid var(--line); }
code { font: .9em ui-monospace, monospace; background: var(--soft); }
pre code, .highlight code { background: none; }
table { border-collapse: collapse; } td, th { padding: .2rem .6rem; border: 1px solid var(--line); }
"""

# A frame is as high as what is in it, so that the page scrolls and the debugger does not.
FRAMES = """
for (const frame of document.querySelectorAll("iframe.debugger")) {
  const fit = () => {
    const body = frame.contentDocument?.body;
    if (!body) return;
    const grow = () => { frame.style.height = `${body.scrollHeight + 4}px`; };
    new ResizeObserver(grow).observe(body);
    grow();
  };
  if (frame.contentDocument?.readyState === "complete") fit();
  frame.addEventListener("load", fit);
}
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<nav><a href="{root}index.html">The course</a> · <a href="{root}api/ctxattn_viz.html">API</a></nav>
<main>
{body}
</main>
<script>{script}</script>
</body>
</html>
"""


def export(source: Path, target: Path, root: str = "") -> None:
    """One notebook or Markdown page as HTML; `root` leads from its folder to the site's."""
    if source.suffix == ".md":
        text = source.read_text(encoding="utf-8")
        title, body = title_of([text]), markdown2html(text)
    else:
        notebook = nbformat.read(source, as_version=4)
        is_exercise = "exercises" in source.parts
        ready = without_outputs(notebook) if is_exercise else run(notebook, source)
        title = title_of(c.source for c in ready.cells if c.cell_type == "markdown")
        body, _ = HTMLExporter(template_name="basic").from_notebook_node(ready)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(title, linked(body), root), encoding="utf-8")


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A page has nothing to fold them away with."""
    return ClearOutputPreprocessor().preprocess(notebook, {})[0]


def run(notebook: NotebookNode, source: Path) -> NotebookNode:
    """The notebook with fresh outputs, its debuggers as pages.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell that fails.
    """
    notebook.cells.insert(0, nbformat.v4.new_code_cell(LIVE_PAGES))
    where = {"metadata": {"path": str(source.parent)}}
    NotebookClient(notebook, timeout=600, resources=where, store_widget_state=False).execute()
    del notebook.cells[0]
    return notebook


def page(title: str, body: str, root: str = "") -> str:
    """A page of the site around `body`."""
    return PAGE.format(title=html.escape(title), style=STYLE, root=root, body=body, script=FRAMES)


def linked(body: str) -> str:
    """Links from one notebook to another lead from page to page."""
    return re.sub(r'(href="(?![a-z]+:)[^"#]+)\.(?:ipynb|md)(?=["#])', r"\1.html", body)


def title_of(texts: Iterable[str]) -> str:
    """The first heading."""
    for text in texts:
        if found := re.search(r"^# +(.+)$", text, re.MULTILINE):
            return found[1].strip()
    return "ctxattn_viz"


def sources() -> Iterator[Path]:
    """Everything that becomes a page, in reading order."""
    yield from sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    yield from sorted(NOTEBOOKS.glob("exercises/[0-9]*.ipynb"))
    yield from sorted(NOTEBOOKS.glob("exercises/*.md"))


def index(pages: Iterable[tuple[Path, str]]) -> str:
    """The first page: links to all others."""
    items = "\n".join(
        f'<li><a href="{at.as_posix()}">{html.escape(title)}</a></li>' for at, title in pages
    )
    return page("Contextual attention", f"<h1>Contextual attention</h1>\n<ul>\n{items}\n</ul>")


def reference(site: Path) -> None:
    """The API reference, made by pdoc from the docstrings."""
    import pdoc

    import ctxattn_viz

    for name in ctxattn_viz.__all__:  # pdoc sees what is there: fetch the names that come when used
        setattr(ctxattn_viz, name, getattr(ctxattn_viz, name))
    pdoc.render.configure(docformat="google")
    pdoc.pdoc("ctxattn_viz", output_directory=site / "api")


def main(arguments: list[str] | None = None) -> None:
    """Write the whole site."""
    parser = argparse.ArgumentParser(prog="make html", description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=SITE, help="the folder to write to")
    parser.add_argument("notebooks", type=Path, nargs="*", help="only these; all by default")
    options = parser.parse_args(arguments)
    made = []
    for source in options.notebooks or sources():
        at = source.resolve().relative_to(NOTEBOOKS).with_suffix(".html")
        print(f"{at} …", flush=True)
        export(source, options.site / at, root="../" * (len(at.parts) - 1))
        title = re.search(r"<title>(.*)</title>", (options.site / at).read_text(encoding="utf-8"))
        made.append((at, html.unescape(title[1]) if title else at.stem))
    (options.site / "index.html").write_text(index(made), encoding="utf-8")
    reference(options.site)
    print(f"open {options.site / 'index.html'}")


if __name__ == "__main__":
    main()
