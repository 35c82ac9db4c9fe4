"""Whether a right answer has a value, too, up to the order of its axes, its shape, its scale."""

import math
from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import permutations

import torch
from torch import Tensor

from ..recording import Recording
from ..recording.values import has_numbers
from .dataflow import span_of, writes

CLOSE, NEAR_ZERO = 1e-4, 1e-6  # of a number, and of the largest one
MOST_AXES = 6  # whose orders are all tried
SAYS_ENOUGH = 7.0  # bits: a value that says less agrees with others by accident


class Likeness(IntEnum):
    """How much a value is like one of a right answer."""

    SILENT = -1  # it says too little to tell: a constant, zeros, indices
    OTHER = 0
    SCALED = 1  # up to scale, and the order of axes
    REORDERED = 2  # up to the order of axes
    SAME = 3  # number for number, in this order


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
            for x in over_runs(recording).values():
                self._add(x)
        for x in given:
            self._add(x)

    def likeness(self, x: Tensor | None, begun: bool = False) -> Likeness:
        """How much `x` is like the right value that it is most like.

        Args:
            begun: it may also be how such a value begins, as what a loop made that was cut short.
        """
        numbers = None if x is None else _numbers(x)
        if x is None or numbers is None:
            return Likeness.OTHER
        if _bits(x, numbers) < SAYS_ENOUGH:
            return Likeness.SILENT
        grade = Likeness.OTHER
        for right in self._of_size.get(numbers.numel(), []):
            grade = max(grade, _likeness(numbers, right, best=grade))
        larger = (size for size in self._of_size if begun and size > numbers.numel())
        for right in (right for size in larger for right in self._of_size[size]):
            grade = max(grade, _likeness_begun(numbers, right))
        return grade

    def _add(self, x: Tensor) -> None:
        numbers = _numbers(x)
        if numbers is not None and _bits(x, numbers) >= SAYS_ENOUGH:
            there = self._of_size.setdefault(numbers.numel(), [])
            if not any(right.shape == numbers.shape and right.equal(numbers) for right in there):
                there.append(numbers)


def over_runs(recording: Recording) -> dict[int, Tensor]:
    """By step: what its expression made each time that it ran, in a loop or in a function that is
    called in one. Code without the loop would have made that at once."""
    runs: dict[tuple[object, ...], list[int]] = {}
    for step in recording.steps:
        if step.value is not None:
            runs.setdefault((span_of(step), *way_to(recording, step.frame)), []).append(step.index)
    stacks: dict[int, Tensor] = {}
    for indices in runs.values():
        values = [recording.values[recording.steps[i].value or 0] for i in indices]
        tensors = [value.tensor for value in values if value.tensor is not None]
        alike = len({(value.shape, value.dtype) for value in values}) == 1
        if alike and len(indices) == len(tensors) > 1 and has_numbers(tensors[0]):
            stacks |= dict.fromkeys(indices, torch.stack([x.detach() for x in tensors]))
    return stacks


def way_to(recording: Recording, frame: int) -> Iterator[object]:
    """Where the calls stand through which one came to run, from the inside."""
    while frame and recording.calls[frame].parent is not None:
        call = recording.calls[frame]
        yield call.place
        frame = call.parent or 0


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


def _likeness(x: Tensor, right: Tensor, best: Likeness) -> Likeness:
    """Of numbers to a right value with as many; at least as good as the `best` so far, or OTHER."""
    if _close(x.flatten(), right.flatten()):
        return Likeness.SAME
    for grade, a, b in (
        (Likeness.REORDERED, x, right),
        (Likeness.SCALED, _scaled(x), _scaled(right)),
    ):
        alike = grade > best and _close(a.flatten().sort().values, b.flatten().sort().values)
        if alike and (_has_order_of(a, b) or _has_order_of(b, a)):
            return grade
    return Likeness.OTHER


def _likeness_begun(x: Tensor, right: Tensor) -> Likeness:
    """Of numbers to how a right value begins, when its axes are in some order."""
    flat = x.flatten()
    if _close(flat, right.flatten()[: len(flat)]):
        return Likeness.SAME
    return Likeness.REORDERED if _has_order_of(x, right) else Likeness.OTHER


def _has_order_of(x: Tensor, other: Tensor) -> bool:
    """Whether `x` is the other with its axes in another order, or how that begins."""
    flat = x.flatten()
    if other.dim() > MOST_AXES:
        return _close(flat, other.flatten()[: len(flat)])
    for order in permutations(range(other.dim())):
        moved = other.permute(order).flatten()[: len(flat)]
        first = (moved[:16] - flat[:16]).abs().amax()  # most orders are told apart by them
        if bool(first <= CLOSE * flat.abs().amax()) and _close(moved, flat):
            return True
    return False
