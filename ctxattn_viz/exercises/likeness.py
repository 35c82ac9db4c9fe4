"""Whether a right answer has a value, too, up to the order of its axes, its shape, its scale."""

import math
from collections.abc import Iterable
from enum import IntEnum
from itertools import permutations

import torch
from torch import Tensor

from ..recording import Recording
from ..recording.values import has_numbers
from .dataflow import Span, span_of, writes

CLOSE, NEAR_ZERO = 1e-4, 1e-6  # of a number, and of the largest one
MOST_AXES = 6  # whose orders are all tried
SAYS_ENOUGH = 7.0  # bits: a value that says less agrees with others by accident


class Likeness(IntEnum):
    """How much a value is like one of a right answer."""

    SILENT = -1  # it says too little to tell: a constant, zeros, indices
    OTHER = 0
    ALIKE = 1  # up to the order of axes, or scale
    SAME = 2  # number for number, in this order


class RightValues:
    """The values of right answers to one case."""

    def __init__(self, recordings: Iterable[Recording], given: Iterable[Tensor] = ()) -> None:
        self._of_size: dict[int, list[Tensor]] = {}
        for recording in recordings:
            # What is written over later was not finished: half a sum agrees by accident.
            over = {step.operands[0] for step in recording.steps if writes(step) and step.operands}
            for number, value in enumerate(recording.values):
                if value.tensor is not None and number not in over:
                    self._add(value.tensor)
            for x in over_turns(recording).values():
                self._add(x)
        for x in given:
            self._add(x)

    def likeness(self, x: Tensor | None) -> Likeness:
        """How much `x` is like the right value that it is most like."""
        numbers = None if x is None else _numbers(x)
        if x is None or numbers is None:
            return Likeness.OTHER
        if _bits(x, numbers) < SAYS_ENOUGH:
            return Likeness.SILENT
        there = self._of_size.get(numbers.numel(), [])
        flat = numbers.flatten()
        if any(_close(flat, right.flatten()) for right in there):
            return Likeness.SAME
        scaled = _scaled(numbers)
        ordered = scaled.flatten().sort().values
        for right in there:
            other = _scaled(right)
            if _close(ordered, other.flatten().sort().values) and _reordered(scaled, other):
                return Likeness.ALIKE
        return Likeness.OTHER

    def _add(self, x: Tensor) -> None:
        numbers = _numbers(x)
        if numbers is not None and _bits(x, numbers) >= SAYS_ENOUGH:
            there = self._of_size.setdefault(numbers.numel(), [])
            if not any(right.shape == numbers.shape and right.equal(numbers) for right in there):
                there.append(numbers)


def over_turns(recording: Recording) -> dict[int, Tensor]:
    """By step of a loop: what its expression made in all turns, as code without a loop would."""
    turns: dict[Span, list[int]] = {}
    for step in recording.steps:
        if step.value is not None and step.iteration:
            turns.setdefault(span_of(step), []).append(step.index)
    stacks: dict[int, Tensor] = {}
    for indices in turns.values():
        values = [recording.values[recording.steps[i].value or 0] for i in indices]
        tensors = [value.tensor for value in values if value.tensor is not None]
        alike = len({(value.shape, value.dtype) for value in values}) == 1
        if alike and len(indices) == len(tensors) > 1 and has_numbers(tensors[0]):
            stacks |= dict.fromkeys(indices, torch.stack([x.detach() for x in tensors]))
    return stacks


def _numbers(x: Tensor) -> Tensor | None:
    """Its numbers, axes of length 1 left out; None where they cannot be compared."""
    if not has_numbers(x) or x.is_complex():
        return None
    numbers = x.detach().double().squeeze()
    return numbers if bool(numbers.isfinite().all()) else None


def _bits(x: Tensor, numbers: Tensor) -> float:
    """How much it tells: in which order its numbers stand, and each that is no whole number."""
    if x.dtype not in (torch.bool, torch.uint8) and not x.is_floating_point():
        return 0.0  # indices are alike whoever counts
    values, counts = numbers.flatten().unique(return_counts=True)
    orders = math.lgamma(numbers.numel() + 1) - float(torch.lgamma(counts + 1.0).sum())
    return orders / math.log(2) + 8 * int((values != values.round()).sum())


def _scaled(x: Tensor) -> Tensor:
    return x / x.abs().amax().clamp(min=1e-30)


def _close(a: Tensor, b: Tensor) -> bool:
    size = b.abs()
    return bool(((a - b).abs() <= CLOSE * size + NEAR_ZERO * size.amax()).all())


def _reordered(x: Tensor, right: Tensor) -> bool:
    """Whether one is the other with its axes in another order, however they are grouped."""
    return _has_order_of(x, right) or _has_order_of(right, x)


def _has_order_of(x: Tensor, other: Tensor) -> bool:
    flat = x.flatten()
    if other.dim() > MOST_AXES:
        return _close(flat, other.flatten())
    for order in permutations(range(other.dim())):
        moved = other.permute(order).flatten()
        if bool((moved[:16] - flat[:16]).abs().amax() <= CLOSE) and _close(moved, flat):
            return True
    return False
