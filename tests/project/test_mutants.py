"""The table of faults fits the code as it is now; that the tests see each is `make mutants`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.table import FAULTS, Fault, PythonFault

EVERY_STAGE = {
    "downsampling",
    "patch extraction",
    "mask validity",
    "matching scores",
    "fusion",
    "softmax",
    "deconvolution",
    "offset flow",
    "no matrix",
    "recorder",
    "engine",
}
IN_PYTHON = [fault for fault in FAULTS if fault.file.endswith(".py")]


def named(fault: Fault) -> str:
    return f"{fault.stage}: {fault.why}"


def planted(fault: Fault, source: str) -> str:
    """What a fault makes of Python source, without its layout."""
    return ast.dump(ast.parse(fault.applied_to(source)))


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_a_fault_can_be_planted(fault: Fault, root: Path) -> None:
    source = (root / fault.path).read_text()
    assert fault.applied_to(source) != source  # raises unless `old` stands there exactly once
    for test in fault.tests:
        path, _, name = test.partition("::")
        text = (root / path).read_text()
        assert not name or re.search(rf"^(def|class) {name}\b", text, re.MULTILINE), test


@pytest.mark.parametrize("fault", IN_PYTHON, ids=named)
def test_a_fault_of_python_does_not_hang_on_the_layout(fault: Fault, root: Path) -> None:
    source = (root / fault.path).read_text()
    assert isinstance(fault, PythonFault)
    assert planted(fault, source) != ast.dump(ast.parse(source))
    assert planted(fault, ast.unparse(ast.parse(source))) == planted(fault, source)


SOURCE = """
class A:
    def f(self, é):  # é: two bytes
        return ((é + 1) *
                '2')

def f(x):
    y = x + 1
    return y
"""


@pytest.mark.parametrize(
    ("function", "old", "new", "expected"),
    [
        ("A.f", "é + 1", "é - 1", "return (é - 1) * '2'"),
        ("A.f", '(é + 1) * "2"', "0", "return 0"),
        ("f", "y = x + 1", "y = 3", "y = 3"),
        ("f", "return y", "pass", "pass"),
        ("f", "y = x + 1; return y", "y = 2; return 3", "y = 2\n    return 3"),
    ],
)
def test_where_a_fault_goes(function: str, old: str, new: str, expected: str) -> None:
    faulty = PythonFault("", "x.py", "", old, new, (), function).applied_to(SOURCE)
    assert expected in ast.unparse(ast.parse(faulty))


@pytest.mark.parametrize(
    ("function", "old", "problem"),
    [
        ("f", "x + 2", "0 times"),
        ("f", "1 + x", "0 times"),
        ("f", "é + 1", "0 times"),  # it is another function's
        ("", "return y", None),
        ("", "self", "0 times"),  # a parameter is no expression
        ("f", "y", "2 times"),
        ("f", "return y; y = x + 1", "0 times"),
        ("A", "1", None),
        ("g", "1", "no g"),
        ("A.g", "1", "no A.g"),
    ],
)
def test_a_place_has_to_be_the_only_one(function: str, old: str, problem: str | None) -> None:
    fault = PythonFault("", "x.py", "", old, "pass", (), function)
    if problem is None:
        fault.applied_to(SOURCE)
    else:
        with pytest.raises(ValueError, match=rf"x\.py: .*{problem}"):
            fault.applied_to(SOURCE)


def test_each_stage_has_at_least_three() -> None:
    count = Counter(fault.stage for fault in FAULTS)
    assert set(count) >= EVERY_STAGE
    assert min(count.values()) >= 3
    places = {(f.file, getattr(f, "function", ""), f.old, f.new) for f in FAULTS}
    assert len(places) == len(FAULTS)
