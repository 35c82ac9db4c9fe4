"""`make notebooks` stores a notebook as the repository keeps it, and again the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.support.notebooks import EXERCISES, NOTEBOOKS, UNSOLVED, problems
from tools import notebooks

SOLVED = [path for path in NOTEBOOKS if path.parent.name == notebooks.SOLUTIONS]
SETUP = """
import torch, ctxattn_viz as cv
from ctxattn_viz import figures
x = torch.rand(1, 3, 16, 12, generator=torch.Generator().manual_seed(0))
print("one")
print("two")
"""


def left_by_an_editor() -> NotebookNode:
    """A notebook after an hour in JupyterLab: run out of order, with a widget's state."""
    old = [new_output("stream", text="old")]
    view = {notebooks.LIVE_WIDGET: {"model_id": "0" * 32}, "text/plain": "w"}
    notebook = new_notebook(
        metadata={
            "kernelspec": {"display_name": "mine", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": "3.12.1"},
            "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}},
        },
        cells=[
            new_markdown_cell("# Text", metadata={"editable": True, "ctxattn": {"numbers": {}}}),
            new_code_cell(SETUP, execution_count=9, outputs=old, metadata={"scrolled": True}),
            new_code_cell("figures.heats({'x': x[0, 0]})", metadata={"tags": ["kept"]}),
            new_code_cell("cv.debug(cv.trace(x, x), query=(2, 2))", execution_count=3),
            new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
            new_code_cell("[1, 2]"),
        ],
    )
    notebook.cells[3].outputs = [new_output("display_data", data=view)]
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one notebook that was renewed."""
    folder = tmp_path_factory.mktemp("course")
    nbformat.write(left_by_an_editor(), folder / "00_small.ipynb")
    assert notebooks.renew(folder / "00_small.ipynb")
    return folder


def test_what_is_stored_is_fit_to_be_committed(course: Path) -> None:
    path = course / "00_small.ipynb"
    assert problems(path) == []
    notebook = nbformat.read(path, as_version=4)
    before = left_by_an_editor()
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in before.cells]
    kept = [{"ctxattn": {"numbers": {}}}, {}, {"tags": ["kept"]}, {}, before.cells[4].metadata, {}]
    assert [cell.metadata for cell in notebook.cells] == kept
    assert notebook.metadata == notebooks.METADATA
    assert path.read_text().endswith("}\n")


def test_outputs_are_new_and_debuggers_are_stills(course: Path) -> None:
    cells = nbformat.read(course / "00_small.ipynb", as_version=4).cells
    assert [output.text for output in cells[1].outputs] == ["one\ntwo\n"]
    assert sorted(cells[2].outputs[0].data) == ["image/png", "text/plain"]
    assert sorted(cells[3].outputs[0].data) == ["image/png", "text/plain"]
    assert cells[4].outputs[0].ename == "ZeroDivisionError"
    assert cells[5].outputs[0].data == {"text/plain": "[1, 2]"}


def test_a_second_run_changes_nothing(course: Path) -> None:
    before = (course / "00_small.ipynb").read_bytes()
    assert not notebooks.renew(course / "00_small.ipynb")
    assert (course / "00_small.ipynb").read_bytes() == before


@pytest.mark.long
@pytest.mark.parametrize("name", ["06_offset_flow", "exercises/solutions/3_matching_scores"])
def test_a_second_run_changes_nothing_in_the_course(name: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(notebooks.NOTEBOOKS / f"{name}.ipynb", tmp_path))
    notebooks.renew(path)
    assert not notebooks.renew(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_stored_in_this_way(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    as_kept = notebooks.stored(notebooks.tidy(nbformat.reads(text, as_version=4))) == text
    assert as_kept, f"run make notebooks ONLY={path.stem}"


def test_a_failing_notebook_stays_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    (tmp_path / "exercises" / "solutions").mkdir(parents=True)
    solution = "exercises/solutions/1_c"  # which runs in its own folder
    sources = {"00_a": "1 / 0", "01_b": "2", solution: "import os; os.getcwd().split('/')[-1]"}
    for name, source in sources.items():
        nbformat.write(new_notebook(cells=[new_code_cell(source)]), tmp_path / f"{name}.ipynb")
    before = (tmp_path / "00_a.ipynb").read_bytes()
    assert notebooks.main([]) == 1
    assert (tmp_path / "00_a.ipynb").read_bytes() == before
    for name in ("01_b", solution):
        assert nbformat.read(tmp_path / f"{name}.ipynb", 4).cells[0].execution_count == 1
    exercise = nbformat.read(tmp_path / "exercises/1_c.ipynb", 4)
    assert exercise.cells[0].source == sources[solution]
    assert exercise.cells[0].outputs[0].data["text/plain"] == "'exercises'"
    lines = capsys.readouterr().out
    assert "ZeroDivisionError" in lines
    assert "01_b.ipynb … stored" in lines
    assert lines.endswith("not stored: 00_a.ipynb\n")
    assert notebooks.main(["01"]) == 0
    assert "01_b.ipynb … as it was" in capsys.readouterr().out


def test_an_exercise_is_handed_out_without_its_solution() -> None:
    source = 'def f():\n    """Doc."""\n    ### BEGIN SOLUTION\n    return 42\n    ### END SOLUTION'
    hidden = "1\n### BEGIN HIDDEN TESTS\nassert f() == 42\n### END HIDDEN TESTS"
    marks = {"grade": False, "grade_id": "a", "locked": False, "schema_version": 3,
             "solution": True, "task": False}  # fmt: skip
    graded = marks | {"grade": True, "grade_id": "b", "locked": True, "points": 1,
                      "solution": False}  # fmt: skip
    outputs = [new_output("stream", text="42")]
    solved = new_notebook(
        cells=[
            new_markdown_cell("[one](../../03_x.ipynb), [two](2_y.ipynb)"),
            new_code_cell(source, metadata={"nbgrader": marks}, outputs=outputs, execution_count=1),
            new_code_cell(hidden, metadata={"nbgrader": graded}, execution_count=2),
        ]
    )
    text, stub, test = notebooks.handed_out(solved).cells
    assert text.source == "[one](../03_x.ipynb), [two](2_y.ipynb)"
    body = "    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert stub.source == f'def f():\n    """Doc."""\n{body}'
    assert (stub.outputs, stub.execution_count, test.source) == ([], None, "1")
    assert solved.cells[1].source == source


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_an_exercise_is_made_from_its_solution(path: Path) -> None:
    made = notebooks.handed_out(nbformat.read(path, as_version=4))
    exercise = nbformat.read(EXERCISES / path.name, as_version=4)
    for cell in exercise.cells:
        if cell.cell_type == "code":  # what running it has added
            cell.update(outputs=[], execution_count=None)
            cell.metadata.pop("jupyter", None)
            cell.metadata.pop("tags", None)
    assert exercise == made, f"run make notebooks ONLY={path.stem}"


def test_what_an_exercise_makes_before_it_is_solved_is_folded_away(tmp_path: Path) -> None:
    exercise = new_notebook(
        cells=[
            new_markdown_cell("Guess."),
            new_code_cell("print(5)"),
            new_code_cell("def f():\n    raise NotImplementedError()"),
            new_code_cell("f()"),
            new_code_cell("6"),
        ]
    )
    _, answer, stub, failing, last = notebooks.opened(exercise, tmp_path).cells
    assert answer.outputs[0].text == "5\n"
    for cell in (answer, failing, last):
        assert cell.metadata.jupyter == {"outputs_hidden": True}
    assert (stub.metadata, failing.metadata["tags"]) == ({}, ["raises-exception"])
    assert failing.outputs[0].ename == "NotImplementedError"
    assert "tags" not in last.metadata


def test_every_exercise_has_its_solution() -> None:
    assert SOLVED
    assert [path.name for path in UNSOLVED] == [path.name for path in SOLVED]


def test_words_choose_notebooks() -> None:
    assert notebooks.chosen([]) == notebooks.chosen([""])
    assert set(notebooks.chosen([])) == set(NOTEBOOKS)
    assert [path.stem for path in notebooks.chosen(["6", "03"])] == [
        "03_matching_scores",
        "6a_whole_layer",
        "6b_wrong_ports",
    ]
    with pytest.raises(SystemExit, match=r"begins, got '99'\. There are 00_quickstart, "):
        notebooks.chosen(["99"])
