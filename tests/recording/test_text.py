"""`print(recording)`: of use without a browser."""

from __future__ import annotations

import linecache
import re
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv


def inner(x: Tensor) -> Tensor:
    return x.exp()


def outer(x: Tensor) -> Tensor:
    y = inner(x) + 1
    best, _ = y.max(dim=0)
    for i in range(2):
        best = best * i
    return best


def without_numbers(text: str) -> str:
    return re.sub(r"line \d+", "line N", re.sub(r"took .*", "took …", text))


def test_steps_function_by_function() -> None:
    assert without_numbers(str(cv.record(outer, torch.ones(2, 3)))) == dedent("""\
        5 steps, 0 of them with a gap; PyTorch took …
          inner, test_text.py
            line N: x.exp() → (2, 3)
        outer, test_text.py
          line N: inner(x) + 1 → (2, 3)
          line N: y.max(dim=0) → (3,), (3,)
          line N, turn 0: best * i → (3,)
          line N, turn 1: best * i → (3,)""")


@pytest.mark.parametrize(
    "name", ["<ipython-input-1-abc>", "/tmp/ipykernel_123/456.py"], ids=["IPython", "kernel"]
)
def test_a_cell_has_no_passing_name(name: str) -> None:
    linecache.cache[name] = (
        10,
        None,
        ["def f(x):\n", "    return x + [] if x is None else x @ x\n"],
        name,
    )
    names: dict[str, Any] = {}
    exec(compile("".join(linecache.cache[name][2]), name, "exec"), names)
    text = str(cv.record(names["f"], torch.ones(1, 2)))
    assert "line 2 of f, a notebook's cell:" in text
    assert name not in text


def test_the_failing_line_with_shapes_under_its_names() -> None:
    class Weights:
        keys = torch.ones(4, 5)

    weights = Weights()
    weights.keys = torch.ones(4, 5)

    def attend(query: Tensor) -> Tensor:
        scores = query * 2
        return scores + query @ weights.keys.T

    text = str(cv.record(attend, torch.ones(2, 3)))
    assert text.splitlines()[-6:] == [
        "        return scores + query @ weights.keys.T",
        "               |        |       |",
        "               |        |       (4, 5)",
        "               |        (2, 3)",
        "               (2, 3)",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 5x4)",
    ]
    assert "line N: query * 2 → (2, 3)" in without_numbers(text)
    assert "line N of test_the_failing_line" in without_numbers(text)


def test_shapes_are_those_of_when_it_failed() -> None:
    def code(x: Tensor) -> Tensor:
        try:
            return x @ x
        finally:
            x = x[0, 0]

    recording = cv.record(code, torch.ones(2, 3))
    assert recording.failure.splitlines() == [
        "            return x @ x",
        "                   |   |",
        "                   |   (2, 3)",
        "                   (2, 3)",
    ]
    assert recording.steps[-1].operation == "matmul"
    assert "the run stopped here" in str(recording.steps[-1].gap)


def test_only_the_last_steps_before_a_failure_are_listed() -> None:
    def code(x: Tensor) -> Tensor:
        for _ in range(30):
            x = x + 1
        return [][0]

    lines = str(cv.record(code, torch.ones(1))).splitlines()
    assert "… 18 steps before" in lines
    assert sum("x + 1" in line for line in lines) == 12
    assert lines[-1] == "IndexError: list index out of range"


def test_a_long_run_is_cut_in_its_middle() -> None:
    def code(x: Tensor) -> Tensor:
        for _ in range(200):
            x = x + 1
        return x

    lines = str(cv.record(code, torch.ones(1))).splitlines()
    assert len(lines) == 122
    assert "turn 199" in lines[-1]


@pytest.mark.parametrize(
    ("code", "start", "sentences"),
    [
        (
            lambda x: (torch.log(x) * 0 + 1).sum(),
            0.0,
            [
                "The first NaN was born at line N: torch.log(x) * 0 → (3,) with 3 NaN",
                "The first infinity was born at line N: torch.log(x) → (3,) with 3 inf",
            ],
        ),
        (lambda x: x + 1, float("nan"), ["NaN came in with x"]),
        (lambda x: x + 1, 1.0, []),
    ],
    ids=["born", "given", "none"],
)
def test_where_the_first_nan_and_infinity_come_from(
    code: object, start: float, sentences: list[str]
) -> None:
    text = without_numbers(str(cv.record(code, torch.full((3,), start))))
    assert [line for line in text.splitlines() if "NaN" in line[:20] or "inf" in line[:20]] == (
        sentences
    )
