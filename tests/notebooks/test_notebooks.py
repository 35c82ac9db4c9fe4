"""What every committed notebook keeps to; that its outputs are right is nbval's part
(`make test-notebooks`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.support.notebooks import LARGEST, NOTEBOOKS, ROOT, UNSOLVED, problems


@pytest.mark.parametrize(
    "path", NOTEBOOKS + UNSOLVED, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
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
