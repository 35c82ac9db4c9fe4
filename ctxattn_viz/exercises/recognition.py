"""Recognising mistakes in what a function gave, and saying what it looks like."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from ..comparison import difference
from ..stages import BY_KEY
from .attempts import Answer, attempt
from .exercise import Exercise, Mistake


def hint_for(
    exercise: Exercise, function: Callable[..., Any], wrong: list[Answer]
) -> tuple[Mistake | None, str]:
    """The mistake that is recognised, if one is, and what to say."""
    mistake, explained = recognise(exercise, wrong)
    if mistake and explained == len(wrong):
        return mistake, mistake.hint
    said = []
    if mistake:
        said.append(
            f"{mistake.hint} (That explains {explained} of the {len(wrong)} cases that differ; in "
            "the others something else differs as well.)"
        )
    elif general := _general_hint(wrong):
        return None, general
    batches = [answer for answer in wrong if len(answer.target) > 1]
    if batches and all(_first_sample_alone(exercise, function, answer) for answer in batches):
        said.append(
            "Of a batch, your answer uses the first sample alone: whatever follows it changes "
            "nothing. Each sample needs an answer of its own."
        )
    if not mistake and not (said and batches == wrong):
        said.append(_more_than_one(wrong))
    return mistake, " ".join(filter(None, said))


def recognise(exercise: Exercise, wrong: list[Answer]) -> tuple[Mistake | None, int]:
    """The mistake that gives just these answers, and how many of them it explains.

    It has to explain the first answer that there is, and most of them: a few are alike by
    chance, where sizes are small. Of several mistakes, the one that explains most.
    """
    held = _with_numbers(wrong)
    best: tuple[Mistake | None, int] = (None, 0)
    for mistake in exercise.mistakes if held else ():
        if not _explains(mistake, held[0]):
            continue
        count = sum(_explains(mistake, answer) for answer in held)
        if count > best[1]:
            best = mistake, count
    return best if _most(best[1], wrong) else (None, 0)


def _with_numbers(wrong: list[Answer]) -> list[Answer]:
    """Those that differ in their numbers or their shape; not those that give no tensor at all."""
    return [answer for answer in wrong if answer.difference and not answer.difference.same]


def _most(count: int, wrong: list[Answer]) -> bool:
    return 2 * count > len(wrong)


def all_alike(answers: list[Answer]) -> str:
    """What can be said of a function that gives one number everywhere."""
    given = [answer for answer in answers if answer.yours is not None]
    # What is asked for may be one number, too: somewhere it has to be more than that.
    varied = any(not a.right and len(a.target.unique()) > 1 for a in given)
    if not varied or not all(answer.fits for answer in given):
        return ""
    tensors = [answer.yours for answer in given if answer.yours is not None]
    numbers = [yours.double().unique() for yours in tensors]
    if any(len(found) > 1 or not found.isfinite().all() for found in numbers):
        return ""
    if len(torch.cat(numbers).unique()) > 1:
        return "In each case all your numbers are alike: no place gets its own."
    value = float(numbers[0]) + 0.0  # which is 0 for -0.0
    said = bool(value) if tensors[0].dtype == torch.bool else f"{value:.4g}"
    return f"Whatever goes in, every element of yours is {said}."


def _first_sample_alone(exercise: Exercise, function: Callable[..., Any], answer: Answer) -> bool:
    """Whether an answer is that to copies of the first sample, and not that to any samples."""

    def to_copies(sample: int) -> Answer:
        known = {k: x[sample, None].expand_as(x).clone() for k, x in answer.case.known.items()}
        return attempt(exercise, function, replace(answer.case, known=known))

    first, second = to_copies(0), to_copies(1)
    if answer.yours is None or first.yours is None or second.yours is None:
        return False
    return (
        torch.equal(answer.yours, first.yours)
        and not torch.equal(answer.yours, second.yours)
        and not torch.equal(answer.target, first.target)
    )


def _more_than_one(wrong: list[Answer]) -> str:
    """What can be said when no single mistake gives these numbers."""
    first = next((answer.case.label for answer in wrong if answer.fits and not answer.problem), "")
    return first and (
        "No single mistake that is known here gives these numbers: more than one thing may differ. "
        f"Take the first case that differs ({first}), work it on paper, and compare after each "
        "of your steps, from the first."
    )


def _explains(mistake: Mistake, answer: Answer) -> bool:
    assert answer.yours is not None
    try:
        made = answer.case.values(mistake)[answer.case.stage]
        return difference(answer.case.stage, made, answer.yours).same
    except Exception:  # it cannot be made here: sizes that do not fit any more
        return False


def _general_hint(wrong: list[Answer]) -> str:
    """What can be said of numbers that no known mistake gives."""
    held = _with_numbers(wrong)
    if not held:
        return ""
    if said := _unfit_numbers(held[0]):
        return said
    ((said, count),) = Counter(map(_relation, held)).most_common(1)
    return said if _most(count, wrong) else ""


def _relation(held: Answer) -> str:
    """How an answer comes from the target as a whole, if it does."""
    assert held.yours is not None
    target, yours = held.target.double(), held.yours.double()
    if yours.ndim == target.ndim and target.numel() == yours.numel() > 1:
        for order in permutations(range(target.ndim)):
            moved = target.permute(order)
            if moved.shape == yours.shape != target.shape and _close(moved, yours):
                names = ", ".join(BY_KEY[held.case.stage].axes[axis] for axis in order)
                return f"The right numbers, with the axes in another order: yours are ({names})."
    if yours.shape != target.shape:
        if target.numel() == yours.numel() and _close(target.flatten(), yours.flatten()):
            return "The right numbers in the right order, in another shape: reshape them."
        return ""
    scale = float((yours * target).sum() / target.square().sum()) if target.any() else 0.0
    if scale and math.isfinite(scale) and _close(target * scale, yours):
        if abs(scale + 1) < 1e-4:
            return "Everything has the wrong sign."
        return f"Everything is {scale:.4g} times what it should be."
    return ""


def _unfit_numbers(held: Answer) -> str:
    """What is wrong with an answer's kind of numbers, of the right shape."""
    assert held.yours is not None
    dtype, yours = held.yours.dtype, held.yours
    if not held.fits:
        return ""
    if held.target.is_floating_point() and not dtype.is_floating_point:
        return f"Your numbers are whole ({dtype}): something rounds them."
    if dtype in (torch.float16, torch.bfloat16):
        return f"Your numbers are {dtype}, which keeps three digits at most: stay with float32."
    if yours.isnan().any():
        return "There are NaN among your numbers: 0 / 0, or infinity minus infinity."
    if yours.isinf().any():
        return "There are infinite numbers among yours: a division by 0?"
    return ""


def where_they_differ(answer: Answer) -> str:
    """Where all differences lie, when they do so in one place of an axis or on the border."""
    assert answer.yours is not None
    key = answer.case.stage
    a, b = answer.target.double(), answer.yours.double()
    off = ~torch.isclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)
    if not bool(off.any()):
        return ""
    said = []
    for axis, name in enumerate(BY_KEY[key].axes):
        at = off.nonzero()[:, axis].unique().tolist()
        if len(at) == 1 and off.shape[axis] > 1:
            said.append(f"{name} {at[0]}")
    if key == "output" and not bool(off[..., 1:-1, 1:-1].any()) and min(off.shape[-2:]) > 2:
        said.append("the border")
    return f", all of them at {', '.join(said)}" if said else ""


def both_numbers(expected: float, got: float, answer: Answer) -> str:
    """Two numbers, with as many digits as it takes to tell them apart."""
    assert answer.yours is not None
    digits = next((d for d in (4, 6, 9) if f"{expected:.{d}g}" != f"{got:.{d}g}"), 12)
    said = [
        str(bool(value)) if x.dtype == torch.bool else f"{value:.{digits}g}"
        for value, x in ((expected, answer.target), (got, answer.yours))
    ]
    return f"expected {said[0]}, got {said[1]}"


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)
