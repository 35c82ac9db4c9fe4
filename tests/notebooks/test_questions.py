"""Every question that people have asked about contextual attention has its place in the course:
a heading in their words, the threads where they asked, and a cell below it that was run and says
something."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


class Question(NamedTuple):
    words: str
    notebook: str
    asked: tuple[str, ...]  # numbers of the threads in the original's repository or DAA233's


QUESTIONS = {
    "Q1": Question("Why are f and b the same tensor?", "03_matching_scores", ("39", "28")),
    "Q2": Question(
        "Why match with 3×3 but paste 4×4 (2·rate)?",
        "01_patch_extraction",
        ("22", "73", "284", "294"),
    ),
    "Q3": Question("Why divide by 4?", "05_deconvolution", ("22", "272")),
    "Q4": Question("What is mm?", "02_mask_validity", ("25",)),
    "Q5": Question(
        "Why convolve with an identity twice, with transposes between?",
        "04_fused_softmax",
        ("272", "25"),
    ),
    "Q6": Question("Fuse before or after the softmax?", "04_fused_softmax", ("158",)),
    "Q7": Question("One mask for the whole batch?", "02_mask_validity", ("85", "379", "25")),
    "Q8": Question("What is the offset flow, and what is it for?", "06_offset_flow", ("93", "51")),
    "Q9": Question(
        "How do I get the attention map out, for two images of different sizes?",
        "07_two_images",
        ("66", "234"),
    ),
    "Q10": Question("Why does stride ≠ 1 fail?", "07_two_images", ("185",)),
    "Q11": Question("Why does my image size fail?", "01_patch_extraction", ("29", "14")),
    "Q12": Question("Why does it need 24 GB for 1920×1080?", "08_it_is_attention", ("144",)),
    "Q13": Question(
        "Why is the port misaligned with the original?", "01_patch_extraction", ("58",)
    ),
    "Q14": Question("What is learned, if the layer has no weights?", "07_two_images", ("91",)),
    "Q15": Question("Why not plain self-attention?", "07_two_images", ("431",)),
    "Q16": Question(
        "My variant misbehaves: how do I see the values step by step?",
        "09_line_by_line",
        ("221",),
    ),
    "Q17": Question(
        "Is it really a cosine? Why is only the background normalised?",
        "03_matching_scores",
        ("10", "274", "280", "281", "441", "37"),
    ),
}


def section(notebook: NotebookNode, number: str) -> list[NotebookNode]:
    """The cells from the heading of a question to the next heading of its level."""
    found: list[NotebookNode] = []
    for cell in notebook.cells:
        text = cell.source if cell.cell_type == "markdown" else ""
        if found and re.match(r"#{1,2} ", text):
            break
        if found or re.search(rf"^## {number} ·", text, re.MULTILINE):
            found.append(cell)
    return found


def shortcomings(notebook: NotebookNode, number: str, question: Question) -> list[str]:
    """What keeps a question from being answered, each as a sentence."""
    cells = section(notebook, number)
    if not cells:
        return [f"no heading '## {number} · …'"]
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    heading = re.search(rf"^## {number} · (.*)$", prose, re.MULTILINE)
    assert heading is not None
    missing = [n for n in question.asked if not re.search(rf"#{n}\b", prose)]
    answers = [c for c in cells if c.cell_type == "code" and c.execution_count and c.outputs]
    found = []
    if heading[1].replace("`", "") != question.words:
        found.append(f"its heading says {heading[1]!r}, not {question.words!r}")
    if missing:
        found.append(f"threads not named: {missing}")
    if not answers:
        found.append("no code cell that was run and has an output")
    if any(o.output_type == "error" for cell in answers for o in cell.outputs):
        found.append("a cell that ends in an error")
    return found


def test_seventeen_questions_are_asked() -> None:
    assert list(QUESTIONS) == [f"Q{number}" for number in range(1, 18)]


@pytest.mark.parametrize("number", QUESTIONS)
def test_a_question_is_answered_by_a_cell_that_runs(number: str) -> None:
    question = QUESTIONS[number]
    path = NOTEBOOKS / f"{question.notebook}.ipynb"
    assert shortcomings(nbformat.read(path, as_version=4), number, question) == []


def answered() -> NotebookNode:
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("# Title"),
        new_markdown_cell("## Q3 · Why divide by 4?\n\nasked in #22 and #272"),
        new_code_cell("4", execution_count=1, outputs=[new_output("stream", text="4\n")]),
        new_markdown_cell("## Next"),
        new_code_cell("5", execution_count=2, outputs=[new_output("stream", text="5\n")]),
    ]
    return notebook


FAULTS = {
    "no heading": lambda cells: cells[1].update(source="## Why divide by 4? #22 #272"),
    "its heading says": lambda cells: cells[1].update(source="## Q3 · Why by 4? #22 #272"),
    "threads not named": lambda cells: cells[1].update(source="## Q3 · Why divide by 4?\n#22"),
    "no code cell": lambda cells: cells[2].update(outputs=[]),
    "an error": lambda cells: cells[2].update(
        outputs=[new_output("error", ename="E", evalue="", traceback=[])]
    ),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_question_left_open_is_noticed(said: str) -> None:
    notebook = answered()
    assert shortcomings(notebook, "Q3", QUESTIONS["Q3"]) == []
    FAULTS[said](notebook.cells)
    assert any(said in sentence for sentence in shortcomings(notebook, "Q3", QUESTIONS["Q3"]))
