"""Which expression of which line made it, in which call and which turn of which loop."""

from __future__ import annotations

import importlib.util
import linecache
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ctxattn_viz as cv

X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
ONES = np.ones(2, np.float32)
TABLE = torch.ones(2)  # a global


def listed(recording: cv.Recording) -> list[str]:
    """Expressions with what stands in front of them: the turns of their loops."""
    assert recording.exception is None
    return [
        "".join(f"{turn}: " for turn in step.iteration) + step.expression
        for step in recording.steps
    ]


def helper(row: Tensor, times: int) -> Tensor:
    return F.pad(row, (times, 0)) * 2


def test_nested_expressions_slices_and_in_place_statements() -> None:
    def code(x: Tensor) -> Tensor:
        y = (x @ x.T).softmax(dim=-1)[:, 1:]
        y[0, 0] = x.sum()
        y += 1
        y.mul_(2)
        return -y if True else y

    recording = cv.record(code, X)
    assert listed(recording) == [
        "x.T",
        "x @ x.T",
        "(x @ x.T).softmax(dim=-1)",
        "(x @ x.T).softmax(dim=-1)[:, 1:]",
        "x.sum()",
        "y[0, 0] = x.sum()",
        "y += 1",
        "y.mul_(2)",
        "-y",
    ]
    assert [step.operation for step in recording.steps] == (
        ["T", "matmul", "softmax", "__getitem__", "sum", "__setitem__", "add_", "mul_", "neg"]
    )
    assert recording.steps[2].operands == (2, "dim=-1")
    assert recording.steps[3].operands == (3, ":, 1:")
    first = recording.steps[0]
    lines = Path(__file__).read_text().splitlines()
    assert lines[first.line - 1][first.column : first.end_column] == "x.T"
    assert first.end_line == first.line
    assert [value.name for value in recording.values[:1]] == ["x"]
    assert recording.values[4].name == "y"


def test_an_expression_over_several_lines() -> None:
    def code(x: Tensor) -> Tensor:
        return torch.cat(
            [x, x],  # é, two bytes
            dim=1,
        )

    (step,) = cv.record(code, X).steps
    assert step.end_line == step.line + 3
    assert step.expression.startswith("torch.cat( [x, x],")
    assert step.operands == (0, 0, "dim=1")


def test_turns_of_loops() -> None:
    def code(x: Tensor) -> Tensor:
        total = x.new_zeros(())
        for i in range(3):
            if i == 1:
                continue
            for row in x:
                total = total + row.sum()
        n = 0
        while n < 2:
            n += 1
            total = total * n
        return total

    assert listed(cv.record(code, X)) == [
        "x.new_zeros(())",
        "0: x",
        "0: 0: row.sum()",
        "0: 0: total + row.sum()",
        "0: 1: row.sum()",
        "0: 1: total + row.sum()",
        "2: x",
        "2: 0: row.sum()",
        "2: 0: total + row.sum()",
        "2: 1: row.sum()",
        "2: 1: total + row.sum()",
        "0: total * n",
        "1: total * n",
    ]


def test_comprehensions_belong_to_their_function() -> None:
    def code(x: Tensor) -> list[Tensor]:
        rows = [a * b for a in x.unbind() for b in (1, 2) if a.sum()]
        by_name = {str(i): row + i for i, row in enumerate(rows)}
        return [sum(row - 1 for row in rows), *by_name.values()]

    recording = cv.record(code, X)
    assert listed(recording)[:9] == [
        "x.unbind()",
        *("0: 0: a.sum()", "0: 0: a.sum()", "0: 0: a * b"),
        *("0: 1: a.sum()", "0: 1: a.sum()", "0: 1: a * b"),
        *("1: 0: a.sum()", "1: 0: a.sum()"),
    ]
    assert {(step.depth, step.frame) for step in recording.steps} == {(0, 0)}
    assert [call.frame for call in recording.calls] == [0]


def test_calls_have_depths_numbers_arguments_and_results() -> None:
    def twice(x: Tensor, times: int) -> Tensor:
        return helper(helper(x, times), times)

    recording = cv.record(twice, X, 1)
    assert [(step.depth, step.frame) for step in recording.steps] == [(1, 1)] * 2 + [(1, 2)] * 2
    names = [recording.sources[call.source].name.rpartition(".")[2] for call in recording.calls]
    assert names == ["twice", "helper", "helper"]
    assert [call.parent for call in recording.calls] == [None, 0, 0]
    assert [call.arguments for call in recording.calls] == [
        (("x", 0),),
        (("row", 0),),
        (("row", 2),),
    ]
    assert [call.returned for call in recording.calls] == [4, 2, 4]
    source = recording.sources[recording.calls[0].source]
    lines = source.text.split("\n")
    for call in recording.calls[1:]:  # where it was called
        assert call.place is not None
        line, column, end_line, end_column = call.place
        assert line == end_line
        assert lines[line - source.first_line][column:end_column].startswith("helper(")
    assert recording.steps[0].locals == (("row", 0), ("times", "1"))
    assert "def helper" in recording.sources[recording.calls[1].source].text


def test_recursion_and_generators() -> None:
    def halves(x: Tensor) -> Tensor:
        return x if len(x) == 1 else halves(x[: len(x) // 2]) + 1

    def rows(x: Tensor) -> Iterator[Tensor]:
        for row in x:
            yield row * 2

    def code(x: Tensor) -> Tensor:
        one, other = rows(x), rows(x)
        return halves(torch.arange(4.0)) + sum(a + b for a, b in zip(one, other, strict=True)).sum()

    recording = cv.record(code, X)
    assert recording.exception is None
    depths = [(step.depth, step.expression) for step in recording.steps if "len" in step.expression]
    assert [depth for depth, _ in depths] == [1, 2, 2, 1]
    generators = {step.frame for step in recording.steps if step.expression == "row * 2"}
    assert len(generators) == 2
    turns = [step.iteration for step in recording.steps if step.expression == "row * 2"]
    assert turns == [(0,), (0,), (1,), (1,)]


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.inner = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x * self.weight)


class Thing:
    def __init__(self) -> None:
        self.weight = torch.ones(2)

    def __call__(self, x: Tensor) -> Tensor:
        return x * self.weight

    def method(self, x: Tensor) -> Tensor:
        return x * self.weight

    @staticmethod
    def static(x: Tensor) -> Tensor:
        return x * TABLE

    @classmethod
    def of_class(cls, x: Tensor) -> Tensor:
        return x * TABLE


def decorated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @wraps(function)
    def wrapper(*args: Any) -> Tensor:
        return function(*args)

    return wrapper


@decorated
@torch.no_grad()
def with_decorators(x: Tensor) -> Tensor:
    return x * TABLE


def with_weight(x: Tensor, weight: Tensor) -> Tensor:
    return x * weight


@pytest.mark.parametrize(
    ("function", "expressions"),
    [
        (lambda x: x * TABLE, ["x * TABLE"]),
        (partial(with_weight, weight=torch.ones(2)), ["x * weight"]),
        (Thing(), ["x * self.weight"]),
        (Thing().method, ["x * self.weight"]),
        (Thing.static, ["x * TABLE"]),
        (Thing.of_class, ["x * TABLE"]),
        (Layer(), ["x * self.weight", "self.inner(x * self.weight)"]),
        (with_decorators, ["x * TABLE"]),
        (np.vectorize(lambda x: x, otypes=[object]), []),
    ],
    ids=[
        "lambda",
        "partial",
        "object",
        "method",
        "static",
        "classmethod",
        "module",
        "decorated",
        "numpy",
    ],
)
def test_whatever_can_be_called(function: Callable[..., Any], expressions: list[str]) -> None:
    recording = cv.record(function, X) if expressions else cv.record(function, [1, 2])
    assert listed(recording) == expressions
    assert recording.gaps == ()
    assert all(source.problem == "" for source in recording.sources)


@pytest.mark.parametrize("function", [torch.Tensor.sum, nn.Linear(2, 2)], ids=["C", "PyTorch's"])
def test_what_has_no_code_of_its_own_says_so(function: Callable[..., Tensor]) -> None:
    recording = cv.record(function, X)
    (step,) = recording.steps
    assert step.expression in ("sum(…)", "linear(…)")
    assert "PyTorch's own" in recording.sources[step.source].problem


CELL = "def cell(x):\n    y = x * 2\n    return y.sum()\n"


def in_notebook(text: str, name: str) -> Callable[..., Tensor]:
    """A function as a notebook's kernel makes it of a cell: its text is kept by linecache alone."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {}
    exec(compile(text, name, "exec"), names)
    return names["cell"]


def test_a_function_typed_in_a_notebook() -> None:
    recording = cv.record(in_notebook(CELL, "<ipython-input-1-abc>"), X)
    assert listed(recording) == ["x * 2", "y.sum()"]
    assert recording.sources[0].text == CELL.rstrip()


def test_code_without_a_text_says_so() -> None:
    names: dict[str, Any] = {}
    exec(CELL, names)
    recording = cv.record(names["cell"], X)
    assert [(step.line, step.expression) for step in recording.steps] == [
        (2, "mul(…)"),
        (3, "sum(…)"),
    ]
    assert "cannot be read" in recording.sources[0].problem
    assert recording.sources[0].problem in str(recording)


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ("", "", True),
        ("* 2", "* 3", False),
        ("def", "import os\n\n\ndef", False),
        ("y.sum()", "y.max()", False),
        (CELL, "", False),
        ("return", "return (", False),
    ],
    ids=["nothing", "a constant", "lines above", "a name", "all of it", "no longer Python"],
)
def test_a_source_that_has_changed_says_so(tmp_path: Path, old: str, new: str, stays: bool) -> None:
    file = tmp_path / "changing.py"
    file.write_text(CELL)
    spec = importlib.util.spec_from_file_location("changing", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    file.write_text(CELL.replace(old, new) if old else CELL)
    recording = cv.record(module.cell, X)
    assert torch.equal(recording.result, (X * 2).sum())
    assert len(recording.steps) == 2
    assert (listed(recording) == ["x * 2", "y.sum()"]) is stays
    problem = recording.sources[0].problem
    assert bool(problem) is not stays
    assert stays or "load it again" in problem or "cannot be read" in problem


def test_what_is_imported_is_not_stepped_through(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "late_import.py").write_text("import torch\ndef f(): return torch.ones(2)\nf()\n")
    monkeypatch.syspath_prepend(tmp_path)

    def code(x: Tensor) -> Tensor:
        import late_import

        return helper(x + late_import.f(), 1)

    recording = cv.record(code, X)
    assert recording.exception is None
    assert [(step.depth, step.expression) for step in recording.steps] == [
        (0, "import late_import"),
        (1, "torch.ones(2)"),
        (0, "x + late_import.f()"),
        (1, "F.pad(row, (times, 0))"),
        (1, "F.pad(row, (times, 0)) * 2"),
    ]
    sys.modules.pop("late_import")


def test_a_block() -> None:
    with cv.record() as recording:
        y = X * 2
        for row in y:
            z = helper(row, 1)
    assert z.shape == (3,)
    assert [(step.depth, step.iteration, step.expression) for step in recording.steps][:4] == [
        (0, (), "X * 2"),
        (0, (), "y"),
        (1, (), "F.pad(row, (times, 0))"),
        (1, (), "F.pad(row, (times, 0)) * 2"),
    ]
    assert recording.gaps == ()
    assert recording.result is None


class Square(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().numpy() ** 2)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient


def in_thread(x: Tensor) -> Tensor:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.exp, x).result() + 1


def stored(x: Tensor) -> Tensor:
    thing = Thing()
    thing.weight = torch.from_numpy(np.ones(2, np.float32))
    return thing.weight + x


def unused(x: Tensor) -> Tensor:
    _other = torch.from_numpy(np.ones(2))
    return x


@pytest.mark.parametrize(
    ("function", "gaps"),
    [
        (lambda x: x * x.sum().item(), [("x.sum().item()", "goes on as Python's: 10.0")]),
        (lambda x: x if x.sum() > 1 else -x, [("x.sum() > 1", "Python decides by it: True")]),
        (lambda x: x * float(x.sum()), [("float(x.sum())", "goes on as Python's")]),
        (lambda x: np.sin(x.numpy()).sum(), [("x.numpy()", "NumPy")]),
        (lambda x: torch.from_numpy(ONES) @ x, [("torch.from_numpy(ONES)", "NumPy")]),
        (lambda x: x.tolist(), [("x.tolist()", "the numbers go on as Python's")]),
        (in_thread, [("pool.submit(torch.exp, x).result()", "another thread")]),
        (stored, [("thing.weight", "NumPy")]),
        (unused, [("_other = torch.from_numpy(np.ones(2))", "NumPy")]),
    ],
    ids=["item", "if", "float", "numpy", "from_numpy", "tolist", "thread", "attribute", "unused"],
)
def test_what_cannot_be_seen_is_one_gap_at_its_place(
    function: Callable[..., Any], gaps: list[tuple[str, str]]
) -> None:
    recording = cv.record(function, X)
    assert recording.exception is None
    assert [step.expression for step in recording.gaps] == [place for place, _ in gaps]
    for step, (_, sentence) in zip(recording.gaps, gaps, strict=True):
        assert sentence in str(step.gap)


def test_a_custom_function_of_autograd_is_seen_inside_or_named() -> None:
    recording = cv.record(lambda x: Square.apply(x) + 1, X.clone().requires_grad_())
    assert [step.expression for step in recording.steps] == [
        "x.detach()",
        "x.detach().numpy()",
        "return torch.from_numpy(x.detach().numpy() ** 2)",
        "Square.apply(x) + 1",
    ]
    assert [step.index for step in recording.gaps] == [1, 2]


def test_code_that_takes_the_tracer_is_told() -> None:
    def code(x: Tensor) -> Tensor:
        sys.settrace(None)
        for _ in range(2):
            x = helper(x, 1)
        return x

    recording = cv.record(code, X)
    assert [step.operation for step in recording.steps if not step.gap] == ["pad", "mul"] * 2
    assert ["sys.settrace" in str(step.gap) for step in recording.gaps] == [True]


def test_a_mistake_of_the_recorder_is_a_gap_and_no_exception(monkeypatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("ctxattn_viz.recording.values.summary", fail)
    recording = cv.record(lambda x: (x * 2).sum(), X)
    assert recording.result == 20
    assert recording.exception is None
    assert any("a mistake" in str(step.gap) for step in recording.gaps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "fn: expected something that can be called, got int"),
        ((None, 3), "fn: expected something that can be called, got NoneType"),
    ],
)
def test_what_cannot_be_recorded_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(cv.InputError, match=message):
        cv.record(*arguments)


@pytest.mark.parametrize("budget", [-1, "1 GB", None, True])
def test_a_budget_is_a_number_of_bytes(budget: Any) -> None:
    with pytest.raises(cv.InputError, match="memory_budget: expected a number of bytes"):
        cv.record(helper, X, 1, memory_budget=budget)
