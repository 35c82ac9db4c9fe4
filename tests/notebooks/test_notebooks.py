"""What every committed notebook keeps to; that its outputs are right is nbval's part
(`make test-notebooks`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebooks.pictures import pictures

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)
LARGEST = 400_000  # bytes
LONGEST = 25  # lines of a code cell

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
        known = {"code": {"pictures_vary"}, "markdown": {"numbers"}}.get(cell.cell_type, set())
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_fit_to_be_committed(path: Path) -> None:
    assert problems(path) == []


def test_there_are_notebooks() -> None:
    assert (ROOT / "notebooks" / "00_quickstart.ipynb") in NOTEBOOKS


def healthy() -> NotebookNode:
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("[here](#below), [there](https://example.org/x), [next](other.txt#part)"),
        new_code_cell("1 + 1", execution_count=1),
        new_code_cell("  ", execution_count=None),
    ]
    return notebook


def write_widget_state(notebook: NotebookNode) -> None:
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}


def raise_in_a_cell(notebook: NotebookNode) -> None:
    notebook.cells[1].outputs = [new_output("error", ename="KeyError", evalue="", traceback=[])]


def warn_in_a_cell(notebook: NotebookNode) -> None:
    notebook.cells[1].outputs = [new_output("stream", name="stderr", text="UserWarning")]


def leave_a_widget(notebook: NotebookNode) -> None:
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "w"}
    notebook.cells[1].outputs = [new_output("display_data", data=data)]


FAULTS: dict[str, Callable[[NotebookNode], object]] = {
    "has 4": lambda notebook: notebook.cells.append(new_markdown_cell("x" * LARGEST)),
    "widget state": write_widget_state,
    "never executed": lambda notebook: notebook.cells[1].update(execution_count=None),
    "once from the top": lambda notebook: notebook.cells[1].update(execution_count=7),
    "26 lines": lambda notebook: notebook.cells[1].update(source="1\n" * 26),
    "ends in KeyError": raise_in_a_cell,
    "writes to stderr": warn_in_a_cell,
    "a widget that is not there": leave_a_widget,
    "'number' in its": lambda notebook: notebook.cells[0].metadata.update(ctxattn={"number": {}}),
    "'numbers' in its": lambda notebook: notebook.cells[1].metadata.update(ctxattn={"numbers": {}}),
    "and has none": lambda notebook: notebook.cells[1].metadata.update(
        ctxattn={"pictures_vary": "seconds"}
    ),
    "not compared: print": lambda notebook: notebook.cells[1].metadata.update(tags=["nbval-skip"]),
    "is not compared": lambda notebook: notebook.cells[1].update(
        source="1 + 1\n# NBVAL_IGNORE_OUTPUT"
    ),
    "gone.md": lambda notebook: notebook.cells.append(new_markdown_cell("[to](gone.md)")),
    "gone.png": lambda notebook: notebook.cells.append(new_markdown_cell("<img src='gone.png'>")),
}


@pytest.mark.parametrize("said", FAULTS)
def test_each_fault_is_found(said: str, tmp_path: Path) -> None:
    (tmp_path / "other.txt").touch()
    path = tmp_path / "notebook.ipynb"
    nbformat.write(healthy(), path)
    assert problems(path) == []
    notebook = healthy()
    FAULTS[said](notebook)
    nbformat.write(notebook, path)
    (found,) = problems(path)
    assert said in found
