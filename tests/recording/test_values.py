"""What a step made stays as it was, whatever is written later; within the budget."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.recording import values as values_module

LARGE = 300_000  # numbers: 1.2 MB, which are not copied at once


def tensors(recording: cv.Recording) -> list[Tensor | None]:
    """What each step made."""
    return [None if (v := recording.made(s)) is None else v.tensor for s in recording.steps]


@pytest.mark.parametrize("size", [3, LARGE])
def test_a_value_is_kept_from_before_it_is_written(size: int) -> None:
    def steps(x: Tensor) -> Tensor:
        y = x * 2
        view = y[1:]
        y += 1
        y[0] = 7
        view.mul_(3)
        torch.add(x, x, out=y)
        F.relu(y, True)
        np.asarray(y)
        return y

    x = torch.linspace(-1, 1, size)
    twice = x * 2
    recording = cv.record(steps, x)
    product, view, added, put, scaled, summed, rectified, *_ = tensors(recording)
    assert torch.equal(product, twice)
    assert torch.equal(view, twice[1:])
    assert torch.equal(added, twice + 1)
    assert torch.equal(put[1:], (twice + 1)[1:])
    assert put[0] == 7
    assert torch.equal(scaled, (twice + 1)[1:] * 3)
    assert torch.equal(summed, twice)
    assert torch.equal(rectified, twice.relu())
    recording.result.zero_()  # nor does it change afterwards
    assert torch.equal(tensors(recording)[-2], twice.relu())


def test_an_operand_has_the_number_of_what_it_holds() -> None:
    def steps(x: Tensor) -> Tensor:
        y = x + 0
        row = y[0]
        y *= 2
        return row.sum()  # the row holds what was written through y

    recording = cv.record(steps, torch.ones(2, 2))
    (operand,) = recording.steps[-1].operands
    assert isinstance(operand, int)
    assert torch.equal(recording.values[operand].tensor, torch.full((2,), 2.0))
    assert recording.values[operand].name == "row"
    assert recording.gaps == ()


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.add(x.numpy(), 1, out=x.numpy()),
        lambda x: x.untyped_storage().fill_(0),
    ],
    ids=["NumPy", "storage"],
)
def test_a_write_that_nobody_tells_of_is_a_gap(write) -> None:
    def steps(x: Tensor) -> Tensor:
        y = x * 2
        y.numpy()  # from here on its memory may be written by others
        write(y)
        return y + 1

    recording = cv.record(steps, torch.ones(3))
    assert any("was changed in place" in str(step.gap) for step in recording.gaps)
    (operand, _) = recording.steps[-1].operands
    assert isinstance(operand, int)
    assert torch.equal(recording.values[operand].tensor + 1, recording.result)


def test_the_budget_holds() -> None:
    def steps(x: Tensor) -> Tensor:
        for _ in range(10):
            x = x + 1
        return x

    x = torch.zeros(25_000)  # 100 kB
    recording = cv.record(steps, x, memory_budget=550_000)
    kept = [tensor for tensor in tensors(recording) if tensor is not None]
    assert len(kept) == 4  # and the argument
    assert all(recording.made(step).maximum == i + 1 for i, step in enumerate(recording.steps))
    assert recording.result[0] == 10
    nothing = cv.record(steps, x, memory_budget=0)
    assert tensors(nothing) == [None] * 10


def test_a_large_tensor_is_kept_once_and_not_copied() -> None:
    def steps(x: Tensor) -> Tensor:
        y = x + 1
        return y.reshape(2, -1).T.sum(1)

    recording = cv.record(steps, torch.zeros(LARGE), memory_budget=4 * LARGE * 2 + 10_000_000)
    made, view, flat, _ = tensors(recording)
    assert made.data_ptr() == view.data_ptr() == flat.data_ptr()
    short = cv.record(steps, torch.zeros(LARGE), memory_budget=4 * LARGE + 10_000)
    assert tensors(short)[0] is None  # the argument took it all


def test_a_view_that_repeats_numbers_is_copied_as_one() -> None:
    def steps(x: Tensor) -> Tensor:
        patches = x.unfold(0, 1000, 1)  # 1000 times as many numbers
        x.add_(1)
        return patches

    recording = cv.record(steps, torch.zeros(3000), memory_budget=200_000)
    patches = tensors(recording)[0]
    assert patches is not None
    assert patches.shape == (2001, 1000)
    assert patches.abs().max() == 0
    assert patches.untyped_storage().nbytes() == 12_000


def test_summaries_count_what_is_not_finite() -> None:
    nan, inf = float("nan"), float("inf")
    recording = cv.record(lambda x: x * 1, torch.tensor([nan, inf, -inf, 2.0, -3.0, nan]))
    value = recording.made(recording.steps[0])
    assert value is not None
    assert (value.minimum, value.maximum, value.nan, value.infinite) == (-3.0, 2.0, 2, 2)
    assert (value.dtype, value.device, value.shape) == ("float32", "cpu", (6,))


@pytest.mark.parametrize(
    "x",
    [
        torch.tensor([True, False]),
        torch.arange(3, dtype=torch.uint8),
        torch.ones(2, dtype=torch.float8_e5m2),
        torch.ones(2, dtype=torch.complex64),
        torch.ones(2).to_sparse(),
        torch.empty(2, device="meta"),
        torch.empty(0),
        torch.ones(2, dtype=torch.float16),
    ],
    ids=lambda x: f"{x.dtype} {x.layout} {x.device} {len(x)}",
)
def test_every_kind_of_tensor_can_be_recorded(x: Tensor) -> None:
    recording = cv.record(lambda x: x.clone(), x)
    assert recording.gaps == ()
    assert recording.made(recording.steps[0]).dtype == str(x.dtype).removeprefix("torch.")


def test_tensors_are_let_go_with_the_recording() -> None:
    x = torch.ones(LARGE)
    recording = cv.record(lambda y: y * 2, x)
    result = weakref.ref(recording.result)
    assert result() is not None
    del recording
    gc.collect()
    assert result() is None


def test_the_threshold_is_what_the_docstring_says() -> None:
    assert values_module.COPIED_AT_ONCE == 1_000_000
    assert "up to 1 MB" in cv.record.__doc__
