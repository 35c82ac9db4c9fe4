"""Each number in a notebook's prose is one that the notebook printed (`prose.py` has the rules)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebooks import prose
from tests.support.notebooks import NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_printed_the_numbers_of_its_prose(path: Path) -> None:
    found = prose.problems(nbformat.read(path, as_version=4))
    assert found == [], "\n".join([path.name, *found])


def said(source: str) -> list[str]:
    """The claims of a Markdown cell, as short strings."""
    found = (claim.number for claim in prose.claims(source))
    return [f"{number.sign}{number.text} {number.unit}".strip() for number in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("It gains 17.4 dB.", ["17.4 dB"]),
        ("37 % of the cells, or 37%, or 37\N{NO-BREAK SPACE}%, or 37&nbsp;%", ["37 %"] * 4),
        ("12 ms, 3 s, 40 MB, 7 µs, 7 us, 2 kB, 5 GB/s, 8 px",
         ["12 ms", "3 s", "40 MB", "7 µs", "7 µs", "2 kB", "5 GB/s", "8 px"]),
        ("12ms and 40MB", ["12 ms", "40 MB"]),
        ("four of 4096 patches in 64×64 cells; Q14, float32, 2s, 3rd, 2026", []),
        ("−0.5 and -0.25, not 3 – 4.5 nor 2-3.5", ["-0.5", "-0.25", "4.5", "3.5"]),
        ("10 to 13 ms, 4–5 %, 2, 3 and 4 dB",
         ["10 ms", "13 ms", "4 %", "5 %", "2 dB", "3 dB", "4 dB"]),
        ("18.4, 18.5, 17.7, 18.3 dB", ["18.4 dB", "18.5 dB", "17.7 dB", "18.3 dB"]),
        ("1,073.5 kB; 16 384 MB", ["1,073.5 kB", "384 MB"]),  # a plain space parts two numbers
        ("16\N{THIN SPACE}384 MB, 1,128 MB", ["16,384 MB", "1,128 MB"]),
        ("**37** % and *1.5* of **2 dB**, __3.25__", ["37 %", "1.5", "2 dB", "3.25"]),
        ("2.4× as quick, 6 × quicker, √0.05, ≈ 0.7, (0.5), [0.25], x=.5",
         ["2.4", "0.05", "0.7", "0.5", "0.25", ".5"]),
        ("3.1·10⁻⁶ and 3.2e-7 and 3.3 × 10<sup>−8</sup>", ["3.1e-6", "3.2e-7", "3.3e-8"]),
        ("a share of 24\nGB, 5 percent, 6 decibels, 7 seconds",
         ["24 GB", "5 %", "6 dB", "7 s"]),
        ("| method | dB |\n|---|---|\n| ours | 17.41 |", ["17.41"]),
        ("# Is 37 % enough?\n\n- 1.5\n- 2.5", ["37 %", "1.5", "2.5"]),
        ("v1.0.0, torch 2.13.0, PyTorch 2.4, Python 3.11", []),
        ("20 minutes, 6 points, 45 minutes", []),  # how long to read
    ],
)  # fmt: skip
def test_what_is_a_claim(source: str, expected: list[str]) -> None:
    assert said(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "`scale=0.5` and ``a ` 0.5``",
        "```python\nx = 0.5\n\ny = 17.4\n```",
        "see [this](https://example.org/v1.5/37.5 'at 0.5') and https://example.org/0.5",
        "<img width='37.5' alt='0.5 dB'> <!-- 0.5 -->",
        "$x = 0.5$ and $$\\frac{1}{0.25}\n= 4.5$$",
        "> The scale is 0.5\n> and 37 %.",
        "They wrote “it takes 24 GB, or\nmore” and \"about 0.5\".",
        "## Q12 · Why does it need 24 GB for 1920×1080?",
        "Section 4.1, with equation 3.2 and Table 2.5",
        "In the paper it is 0.5.",
        "It is 0.5 (paper).",
        "It is 0.5 (the paper, section 4).",
        "The 24 GB are the issue's own number.",
        "He measured 24 GB in issue #144.",
        "He measured 24 GB in [#144](https://example.org/144).",
        "It takes 1.5 s, measured by `make bench`.",
        "It takes 12 ms (bench).",
        "It is 37 % on the screen.",
    ],
)  # fmt: skip
def test_what_is_no_claim(source: str) -> None:
    assert said(source) == []
    assert said(source + "\n\nBut here 0.75.") == ["0.75"]  # and nothing after it is hidden


@pytest.mark.parametrize("opened", ["`", "“", '"', "$", "<!--"])
def test_what_is_not_closed_hides_nothing(opened: str) -> None:
    assert said(f'It is {opened} here.\n\nIt is 0.75, or `0.5`, or "0.5" or “0.5”.') == ["0.75"]


def test_a_mark_is_for_its_sentence_alone() -> None:
    assert said("The paper's fill has 0.5 (e.g. Fig. 3). Ours has 0.6. 3 wide has 0.7.") == [
        "0.6",
        "0.7",
    ]
    assert said("- 0.5 (paper)\n- 0.6") == ["0.6"]
    assert said("Unlike paper, our fill reaches 0.8.") == ["0.8"]
    (claim,) = prose.claims("Once. Ours has\n**0.6** here! Twice.")
    assert claim.sentence == "Ours has 0.6 here!"


def printing(*texts: str, source: str = "run()") -> NotebookNode:
    outputs = [new_output("stream", text=text) for text in texts]
    return new_code_cell(source, execution_count=1, outputs=outputs)


def unprinted(text: str, *outputs: str, source: str = "run()") -> list[str]:
    notebook = new_notebook(cells=[printing(*outputs, source=source), new_markdown_cell(text)])
    return prose.problems(notebook)


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("17.4 dB", "psnr 17.41 dB"),
        ("17.4 dB", "17.4dB"),
        ("17.5 dB", "17.45 dB"),  # which way a half was rounded cannot be seen any more
        ("17.4 dB", "method   dB\nours   17.41\n"),
        ("17.4 dB or 13.1, that", "17.4 dB\n13.1 dB"),  # the second has it from the sentence
        ("37 %", "37%"),
        ("37 %", "37.2 %"),
        ("37 %", "0.37"),
        ("37.1 %", "0.3707"),
        ("0.37", "tensor([0.3700, 0.1250])"),
        ("1.3 dB less", "-1.31 dB"),
        ("−1.3", "-1.31"),
        ("−1.3", "\N{MINUS SIGN}1.31"),
        ("16,384 MB", "16384 MB"),
        ("16384 MB", "16,384 MB"),
        ("0.128", "torch.Size([1,0.128])"),
        ("1.2 · 10⁻⁷", "1.21e-07"),
        ("100 %", "100.00%"),
    ],
)
def test_a_number_that_is_printed(text: str, output: str) -> None:
    assert unprinted(f"It is {text} here.", output) == []


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("17.4 dB", "17.46 dB"),
        ("17.41 dB", "17.4 dB"),  # more digits than were printed
        ("17.4 dB", "17 dB"),
        ("17.4 dB", "17.4 ms"),
        ("17 dB", "17 patches"),
        ("37 %", "37"),
        ("2 %", "found, %: 98.0, of 2 cells"),
        ("0.1", "0.07 MB"),
        ("37 %", "0.4"),
        ("100 %", "99.57%"),
        ("0 %", "0.002"),
        ("−1.3", "1.31"),
        ("17.4", "v17.4.0"),
    ],
)
def test_a_number_that_is_not_printed(text: str, output: str) -> None:
    (problem,) = unprinted(f"Hm. It is {text} here.", output)
    assert problem.startswith("cell 1: no output prints ")
    assert problem.endswith(" here.”")


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        ("print(f'{x:.2f} dB')", True),
        ("print('it is 17.41 dB')", False),
        ("print(f'{17.41} dB')", False),
        ("print(17.41, 'dB')", False),
        ("show(x, alt='The fill, 17.41 dB')", False),
        ("run(17.41)", True),
    ],
)
def test_a_number_typed_into_a_string_is_not_printed_for_the_prose(
    source: str, passes: bool
) -> None:
    assert (unprinted("It is 17.4 dB.", "17.41 dB", source=source) == []) is passes


def test_it_stands_above_or_in_the_next_cell() -> None:
    text, code, other = new_markdown_cell("It is 0.5."), printing("0.5"), printing("1")
    assert prose.problems(new_notebook(cells=[code, other, text])) == []
    assert prose.problems(new_notebook(cells=[text, code])) == []
    assert prose.problems(new_notebook(cells=[text, other, code])) != []


def test_html_is_read_without_its_tags() -> None:
    cell = printing()
    data = {"text/html": "<td width='0.25'>0.5</td><img src='data:image/png;base64,1.25'>"}
    cell.outputs = [new_output("display_data", data=data)]
    (problem,) = prose.problems(new_notebook(cells=[cell, new_markdown_cell("0.5, 0.25")]))
    assert "prints 0.25:" in problem


EXCUSED: dict[str, tuple[Callable[[NotebookNode], object], str]] = {
    "excused": (lambda own: own.update({"16.95": "an hour of learning"}), ""),
    "without a reason": (lambda own: own.update({"16.95": ""}), "without a reason"),
    "another number": (lambda own: own.update({"16.95": "so", "3.5": "so"}), "does not claim"),
    "none": (lambda own: None, "no output prints 16.95 dB: “It is 16.95 dB.”"),
}


@pytest.mark.parametrize("name", EXCUSED)
def test_what_a_cell_lists_is_excused(name: str) -> None:
    change, expected = EXCUSED[name]
    cell = new_markdown_cell("It is 16.95 dB.", metadata={"ctxattn": {"numbers": {}}})
    change(cell.metadata["ctxattn"]["numbers"])
    found = prose.problems(new_notebook(cells=[cell]))
    assert (found == []) if not expected else expected in " ".join(found)
