"""The stepping view alone: any function, any tensor, in one line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.debugger.views import WHOLE
from tests.support.page import Reader, state_of


def scores(f: Tensor, b: Tensor) -> Tensor:
    norms = b.square().sum(dim=1).sqrt()
    return f @ (b / norms[:, None]).mT


def shown(x: Any) -> dict[str, Any]:
    """The one value of a look at x."""
    view = cv.look(x)
    recording = view.recording["recording"]
    assert recording["steps"] == recording["sources"] == []
    (value,) = recording["values"]
    view.close()
    return value


def test_any_function_is_stepped_into() -> None:
    view = cv.step_into(scores, torch.rand(2, 4), b=torch.rand(3, 4))
    recording = view.recording["recording"]
    assert recording["title"] == "scores"
    assert [step["expression"] for step in recording["steps"]][-1] == "f @ (b / norms[:, None]).mT"
    assert (recording["stage"], recording["query"], recording["error"]) == (None, None, None)
    assert view.recorded is not None
    assert torch.equal(view.recorded.result, view.recorded.values[-1].tensor)
    assert repr(view) == str(view.recorded), "where no widget can run"
    view.close()


def test_what_fails_is_shown_up_to_there() -> None:
    view = cv.step_into(scores, torch.rand(2, 4), torch.rand(3, 5))
    recording = view.recording["recording"]
    assert recording["error"].startswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied")
    assert len(recording["steps"]) >= 5
    assert "(3, 5)" in repr(view)
    view.close()


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(cv.InputError, match="fn: expected something that can be called, got int"):
        cv.step_into(3)  # type: ignore[arg-type]


def test_both_are_saved_as_a_page_that_needs_nothing(tmp_path: Path) -> None:
    for view in (cv.step_into(scores, torch.rand(2, 4), torch.rand(3, 4)), cv.look(torch.rand(3))):
        path = view.save(tmp_path / "view.html")
        page = path.read_text(encoding="utf-8")
        state = state_of(page)
        assert "meta" not in state
        assert state["recording"]["arrays"] == view.recording["arrays"]
        assert state["recording"]["recording"]["title"] == view.recording["recording"]["title"]
        reader = Reader(page)
        assert not [tag for tag, attrs in reader.tags if "src" in attrs or "href" in attrs]
        view.close()
    with pytest.raises(cv.InputError, match="path: expected"):
        cv.look(1).save(tmp_path / "nowhere" / "view.html")


@pytest.mark.parametrize(
    ("x", "shape", "dtype", "minimum", "maximum"),
    [
        (torch.tensor([[1.0, 2.0]], requires_grad=True), [1, 2], "float32", 1, 2),
        (np.arange(6, dtype=">i2")[::-1].reshape(2, 3), [2, 3], "int16", 0, 5),
        ([[1, 2], [3, 4]], [2, 2], "int64", 1, 4),
        ([torch.tensor(1.0), torch.tensor(2.0)], [2], "float32", 1, 2),
        (True, [], "bool", 1, 1),
        (7, [], "int64", 7, 7),
        (2**70, [], "float64", 2.0**70, 2.0**70),
        (1.5, [], "float64", 1.5, 1.5),
        (3 + 4j, [], "complex128", None, None),
        (torch.zeros(0, 3), [0, 3], "float32", None, None),
        (torch.tensor([math.nan]), [1], "float32", None, None),
        (torch.zeros(2, device="meta"), [2], "float32", None, None),
        (np.longdouble(2.5), [], "float64", 2.5, 2.5),
    ],
    ids=str,
)
def test_anything_with_numbers_can_be_looked_at(
    x: Any, shape: list[int], dtype: str, minimum: float | None, maximum: float | None
) -> None:
    value = shown(x)
    assert (value["shape"], value["dtype"]) == (shape, dtype)
    assert (value["minimum"], value["maximum"]) == (minimum, maximum)
    has_numbers = math.prod(shape) > 0 and getattr(x, "is_meta", False) is False
    assert (value["array"] is not None) == has_numbers


def test_a_complex_number_says_that_its_size_is_drawn() -> None:
    view = cv.look(3 + 4j)
    (value,) = view.recording["recording"]["values"]
    assert value["reading"] == "how large each complex number is"
    assert np.frombuffer(view.recording["arrays"][0], "<f4").tolist() == [5]
    view.close()


def test_of_a_huge_tensor_a_part_is_drawn_and_all_is_summed_up() -> None:
    x = torch.zeros(1000, 1000)
    x[-1, -1] = 7
    view = cv.look(x)
    (value,) = view.recording["recording"]["values"]
    assert value["maximum"] == 7
    assert value["slice"] == {"axis_start": [0, 0], "shape": [262, 1000]}
    assert sum(map(len, view.recording["arrays"])) <= WHOLE
    assert repr(view).splitlines()[:2] == [
        "(1000, 1000) float32 on cpu, 0 … 7",
        "drawn: [0:262, 0:1000]",
    ]
    view.close()


@pytest.mark.parametrize(
    ("x", "got"),
    [
        ("abc", "str"),
        (None, "NoneType"),
        ([[1], [2, 3]], "lists of several lengths"),
        (["a"], "list"),
        (object(), "object"),
        (torch.eye(3).to_sparse(), "another kind of tensor"),
    ],
)
def test_what_has_no_numbers_in_a_rectangle_is_refused(x: Any, got: str) -> None:
    with pytest.raises(cv.InputError) as refused:
        cv.look(x)
    assert str(refused.value).startswith("x: expected ")
    assert f"got {got}." in str(refused.value)


def test_a_stage_of_a_trace_names_look_last_and_is_known_by_it() -> None:
    f = torch.rand(1, 3, 8, 12)
    result = cv.trace(f, f)["downsampled_f"]
    assert repr(result).splitlines()[-1] == '  cv.look(trace["downsampled_f"]) draws it'
    value = shown(result)
    assert (value["name"], value["axes"]) == ("downsampled_f", ["n", "c", "h", "w"])
    assert value["picture"] == "picture"


def test_in_place_of_code_that_cannot_be_had_stands_why() -> None:
    names: dict[str, Any] = {}
    exec("def mystery(x):\n    return x * 2\n", names)
    view = cv.step_into(names["mystery"], torch.ones(2))
    (source,) = view.recording["recording"]["sources"]
    view.close()
    lines = source["text"].splitlines()
    assert all(line.startswith("# ") and len(line) <= 60 for line in lines)
    assert "cannot be read" in source["text"]
