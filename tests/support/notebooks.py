"""The notebooks, and every way in which one falls short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

from tests.notebooks.pictures import pictures

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = ROOT / "notebooks" / "exercises"
# The course, and the exercises with their solutions.
NOTEBOOKS = [
    *sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")),
    *sorted((EXERCISES / "solutions").glob("[0-9]*.ipynb")),
]
UNSOLVED = sorted(EXERCISES.glob("[0-9]*.ipynb"))
LARGEST = 400_000  # bytes
LONGEST = 25  # lines of a code cell

OF_OURS = {"code": {"pictures_vary"}, "markdown": {"numbers", "see"}}  # keys under "ctxattn"

UNCOMPARED = re.compile(r"^\s*#\s*(\w*NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)\s*$", re.MULTILINE)
UNCHECKED = {"nbval-ignore-output", "nbval-skip", "pytest-validate-ignore-output"}

LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:href|src)=[\"']([^\"']+)[\"']")


def problems(path: Path) -> list[str]:
    """Every way in which a notebook falls short, each as a sentence."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    found = list(in_the_file(path, notebook))
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    found += in_the_code(code)
    found += in_the_exceptions(notebook)
    found += in_the_links(path, notebook)
    return found


def in_the_file(path: Path, notebook: NotebookNode) -> Iterator[str]:
    if (size := path.stat().st_size) > LARGEST:
        yield f"it has {size} bytes, more than {LARGEST}"
    if "widgets" in notebook.metadata:
        yield "it stores widget state"


def in_the_code(cells: list[NotebookNode]) -> Iterator[str]:
    counts = [cell.execution_count for cell in cells]
    if None in counts:
        yield f"code cell {counts.index(None)} was never executed"
    elif counts != list(range(1, len(counts) + 1)):
        yield f"its cells were not run once from the top: {counts}"
    for number, cell in enumerate(cells):
        if (lines := len(cell.source.splitlines())) > LONGEST:
            yield f"code cell {number} has {lines} lines, more than {LONGEST}"
        for output in cell.outputs:
            expected = "raises-exception" in cell.metadata.get("tags", [])
            if output.output_type == "error" and not expected:
                yield f"code cell {number} ends in {output.ename}"
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                yield f"code cell {number} shows a widget that is not there, over its still"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"code cell {number} writes to stderr: {output.text.strip()[:80]!r}"


def in_the_exceptions(notebook: NotebookNode) -> Iterator[str]:
    """What keeps a cell from being compared with what is stored in it."""
    for number, cell in enumerate(notebook.cells):
        known = OF_OURS.get(cell.cell_type, set())
        for key in set(cell.metadata.get("ctxattn", {})) - known:
            yield f"cell {number} has {key!r} in its metadata, which nothing reads there"
        if "pictures_vary" in cell.metadata.get("ctxattn", {}) and not list(pictures(cell.outputs)):
            yield f"cell {number} says that its pictures vary, and has none"
        marks = [*cell.metadata.get("tags", []), *UNCOMPARED.findall(cell.source)]
        if any(mark.lower().replace("_", "-") in UNCHECKED for mark in marks):
            yield f"cell {number} is not compared: print what does not vary, sanitise what does"


def in_the_links(path: Path, notebook: NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        prose = re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)
        for match in LINK.finditer(prose):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue  # elsewhere, or within this notebook
            file = unquote(target.partition("#")[0])
            if not (path.parent / file).exists():
                yield f"its link to {target} leads nowhere"
