"""What a notebook tells its reader to look for on the screen stands in its cells as data, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tests.notebooks.see import entries, problems
from tests.support.notebooks import NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_text_and_entries_say_the_same(path: Any) -> None:
    assert problems(nbformat.read(path, as_version=4)) == []


def test_there_are_entries() -> None:
    (path,) = (path for path in NOTEBOOKS if path.stem == "09_line_by_line")
    assert len(list(entries(nbformat.read(path, as_version=4)))) >= 15


TEXT = """Press **N** twice, and click row 1 and column 4: **41** is on the screen. In *Fuse*,
press *Step in*, choose `fuse` and the number of line 13 once. Then **2 × 3** is on the screen."""


def told() -> NotebookNode:
    """A notebook whose one cell says the same twice."""
    deeds = [["press", "Step in"], ["tile", "Fuse"], ["choose", "fuse"], ["line", 13, 1]]
    see = [
        {"view": "fuse", "do": [["key", "n", 2], ["click", [1, 4], [3, 6]]]},
        {"view": "fuse", "do": deeds},
    ]
    for entry, read, value in zip(see, ("element", "shape"), ("41", "2 × 3"), strict=True):
        entry.update(read=read, value=value)
    return new_notebook(cells=[new_markdown_cell(TEXT, metadata={"ctxattn": {"see": see}})])


Change = Callable[[NotebookNode], object]
FAULTS: dict[str, Change] = {
    "its entries have ['42', '2 × 3']": lambda cell: listed(cell)[0].update(value="42"),
    "its entries have ['41']": lambda cell: listed(cell).pop(),
    "its entries have []": lambda cell: cell.metadata.clear(),
    "nothing reads 'colour'": lambda cell: listed(cell)[0].update(read="colour"),
    "cannot do ['jump', 2]": lambda cell: listed(cell)[0].update(do=[["jump", 2]]),
    "cannot do ['key', 'n']": lambda cell: listed(cell)[0].update(do=[["key", "n"]]),
    "does not say ['key', 'b', 2]": lambda cell: listed(cell)[0].update(do=[["key", "b", 2]]),
    "does not say ['tile', 'Flow']": lambda cell: listed(cell)[0].update(do=[["tile", "Flow"]]),
    "does not say ['line', 14, 1]": lambda cell: listed(cell)[0].update(do=[["line", 14, 1]]),
    "does not say ['click', [2, 4], [3, 6]]": lambda cell: listed(cell)[0].update(
        do=[["click", [2, 4], [3, 6]]]
    ),
    "expected view, do, read and value": lambda cell: listed(cell)[0].pop("view"),
}


def listed(cell: NotebookNode) -> Any:
    return cell.metadata["ctxattn"]["see"]


@pytest.mark.parametrize("sentence", FAULTS)
def test_each_fault_is_found(sentence: str) -> None:
    notebook = told()
    assert problems(notebook) == []
    FAULTS[sentence](notebook.cells[0])
    assert any(sentence in problem for problem in problems(notebook)), problems(notebook)
