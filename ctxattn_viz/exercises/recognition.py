"""Recognising mistakes in what a function gave, and saying what it looks like."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import torch
from torch import Tensor

from ..comparison import difference
from ..stages import BY_KEY
from .attempts import Answer, Outcome, attempt
from .exercise import Exercise, Mistake


def hint_for(
    exercise: Exercise, student: Callable[..., Outcome], answers: list[Answer]
) -> tuple[Mistake | None, str]:
    """The mistake that is recognised, if one is, and what to say."""
    wrong = [answer for answer in answers if not answer.right]
    compared = [answer for answer in wrong if _comparable(answer)]
    mistake, explained = recognise(exercise, answers)
    if mistake and explained == len(compared):
        return mistake, mistake.hint
    parts = []
    if mistake:
        parts.append(
            f"{mistake.hint} (That explains {explained} of the {len(compared)} cases that differ; "
            "in the others something else differs as well.)"
        )
    elif general := _general_hint(answers):
        return None, general
    batches = [answer for answer in wrong if len(answer.target) > 1]
    if batches and all(_first_sample_alone(exercise, student, answer) for answer in batches):
        parts.append(
            "Of a batch, your answer uses the first sample alone: whatever follows it changes "
            "nothing. Each sample needs an answer of its own."
        )
    if not mistake and not (parts and batches == wrong):
        parts.append(_unknown_mistake(wrong))
    return mistake, " ".join(filter(None, parts))


def recognise(exercise: Exercise, answers: list[Answer]) -> tuple[Mistake | None, int]:
    """The mistake that gives just these answers, and how many of the wrong ones it explains.

    It has to give the right ones as well, the first wrong one that there is, and most of them: a
    few are alike by chance, where sizes are small. Of several mistakes, the one that explains
    most.
    """
    compared = [answer for answer in answers if _comparable(answer)]
    right = [answer for answer in compared if answer.right]
    wrong = [answer for answer in compared if not answer.right]
    best: tuple[Mistake | None, int] = (None, 0)
    for mistake in exercise.mistakes if wrong else ():
        if not _explains(mistake, wrong[0]):
            continue
        count = sum(_explains(mistake, answer) for answer in wrong)
        if count > best[1] and all(_explains(mistake, answer) for answer in right):
            best = mistake, count
    # Of two truth values, many are alike by chance: there, a mistake has to explain all.
    enough = len(wrong) - 1 if wrong and wrong[0].target.dtype == torch.bool else len(wrong) // 2
    return best if best[1] > enough else (None, 0)


def _comparable(answer: Answer) -> bool:
    """Whether there are numbers to look at; where they are right, nothing else may be wrong."""
    return answer.difference is not None and (answer.right or not answer.difference.same)


def one_number_everywhere(answers: list[Answer]) -> str:
    """What can be said of a function that gives one number everywhere."""
    with_tensor = [answer for answer in answers if answer.yours is not None]
    # What is asked for may be one number, too: somewhere it has to be more than that.
    varied = any(not a.right and len(a.target.unique()) > 1 for a in with_tensor)
    if not varied or not all(answer.fits for answer in with_tensor):
        return ""
    tensors = [answer.yours for answer in with_tensor if answer.yours is not None]
    numbers = [yours.double().unique() for yours in tensors]
    if any(len(values) > 1 or not values.isfinite().all() for values in numbers):
        return ""
    if len(torch.cat(numbers).unique()) > 1:
        return "In each case all your numbers are alike: no place gets its own."
    value = float(numbers[0]) + 0.0  # which is 0 for -0.0
    number = bool(value) if tensors[0].dtype == torch.bool else f"{value:.4g}"
    return f"Whatever goes in, every element of yours is {number}."


def _first_sample_alone(
    exercise: Exercise, student: Callable[..., Outcome], answer: Answer
) -> bool:
    """Whether an answer is that to copies of the first sample, and not that to any samples."""

    def to_copies(sample: int) -> Answer:
        known = {
            key: x[sample, None].expand_as(x).clone() if x.ndim else x
            for key, x in answer.case.known.items()
        }
        return attempt(exercise, student, replace(answer.case, known=known))

    first, second = to_copies(0), to_copies(1)
    if answer.yours is None or first.yours is None or second.yours is None:
        return False
    return (
        torch.equal(answer.yours, first.yours)
        and not torch.equal(answer.yours, second.yours)
        and not torch.equal(answer.target, first.target)
    )


def _unknown_mistake(wrong: list[Answer]) -> str:
    """What can be said when no single mistake gives these numbers."""
    if not any(answer.fits and not answer.problem for answer in wrong):
        return ""
    return (
        "No single mistake that is known here gives these numbers: more than one thing may differ. "
        "Take the first case that differs, work it on paper, and compare after each of your "
        "steps, from the first."
    )


def _explains(mistake: Mistake, answer: Answer) -> bool:
    assert answer.yours is not None
    try:
        expected = answer.case.values(mistake)[answer.case.stage]
        return difference(answer.case.stage, expected, answer.yours).same
    except Exception:  # it cannot be made here: sizes that do not fit any more
        return False


def _general_hint(answers: list[Answer]) -> str:
    """What can be said of numbers that no known mistake gives; true in every case compared."""
    compared = [answer for answer in answers if _comparable(answer)]
    wrong = [answer for answer in compared if not answer.right]
    if not wrong:
        return ""
    return (
        _unfit_numbers(wrong[0])
        or _other_order(compared)
        or _other_shape(wrong)
        or _factor(compared)
    )


def _orders(answer: Answer) -> set[tuple[int, ...]]:
    """The orders of the target's axes in which it is the answer."""
    assert answer.yours is not None
    target, yours = answer.target.double(), answer.yours.double()

    def fits(permuted: Tensor) -> bool:
        return permuted.shape == yours.shape and _close(permuted, yours)

    if yours.ndim != target.ndim or yours.numel() != target.numel():
        return set()
    return {order for order in permutations(range(target.ndim)) if fits(target.permute(order))}


def _other_order(compared: list[Answer]) -> str:
    orders = set.intersection(*map(_orders, compared))
    if not orders or any(tuple(range(len(order))) == order for order in orders):
        return ""
    axes = BY_KEY[compared[0].case.stage].axes
    names = ", ".join(axes[axis] for axis in min(orders))
    return f"The right numbers, with the axes in another order: yours are ({names})."


def _other_shape(wrong: list[Answer]) -> str:
    for answer in wrong:
        assert answer.yours is not None
        target, yours = answer.target.double(), answer.yours.double()
        if yours.shape == target.shape or yours.numel() != target.numel():
            return ""
        if not _close(target.flatten(), yours.flatten()):
            return ""
    return "The right numbers in the right order, in another shape: reshape them."


def _factor(compared: list[Answer]) -> str:
    """What everything is multiplied by, where that holds in every case."""
    factors = {}
    for answer in compared:
        assert answer.yours is not None
        target, yours = answer.target.double(), answer.yours.double()
        if yours.shape != target.shape:
            return ""
        if not target.any() and not yours.any():
            continue  # any factor fits
        factor = float((yours * target).sum() / target.square().sum())
        if not factor or not math.isfinite(factor) or not _close(target * factor, yours):
            return ""
        factors[answer.case.label] = factor
    if not factors:
        return ""
    values = list(factors.values())
    if max(values) - min(values) < 1e-4 * abs(values[0]):
        if abs(values[0] + 1) < 1e-4:
            return "Everything has the wrong sign."
        return f"Everything is {values[0]:.4g} times what it should be."
    listed = "; ".join(f"{factor:.4g} ({label})" for label, factor in list(factors.items())[:4])
    return (
        "In each case everything is so many times what it should be, but not equally many: "
        f"{listed}. Which number of the case is that?"
    )


def _unfit_numbers(answer: Answer) -> str:
    """What is wrong with an answer's kind of numbers, of the right shape."""
    assert answer.yours is not None
    dtype, target, yours = answer.yours.dtype, answer.target.double(), answer.yours.double()
    if not answer.fits:
        return ""
    if answer.target.is_floating_point() and not answer.yours.is_floating_point():
        rounded = bool(((yours - target).abs() <= 1).all())
        return f"Your numbers are whole ({dtype}): something rounds them." if rounded else ""
    if dtype in (torch.float16, torch.bfloat16) and torch.allclose(yours, target, 1e-2, 1e-2):
        return f"Your numbers are {dtype}, which keeps three digits at most: stay with float32."
    if yours.isnan().any() and not target.isnan().any():
        return "There are NaN among your numbers: 0 / 0, or infinity minus infinity."
    if yours.isinf().any():
        return "There are infinite numbers among yours: a division by 0?"
    return ""


def place_of_differences(answer: Answer) -> str:
    """Where all differences lie, when they do so in one place of an axis or on the border."""
    assert answer.yours is not None
    key = answer.case.stage
    a, b = answer.target.double(), answer.yours.double()
    off = ~torch.isclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)
    if not bool(off.any()):
        return ""
    places = []
    for axis, name in enumerate(BY_KEY[key].axes):
        at = off.nonzero()[:, axis].unique().tolist()
        if len(at) == 1 and off.shape[axis] > 1:
            places.append(f"{name} {at[0]}")
    if key == "output" and not bool(off[..., 1:-1, 1:-1].any()) and min(off.shape[-2:]) > 2:
        places.append("the border")
    return f", all of them at {', '.join(places)}" if places else ""


def expected_and_got(expected: float, got: float, answer: Answer) -> str:
    """Two numbers, with as many digits as it takes to tell them apart."""
    assert answer.yours is not None
    digits = next((d for d in (4, 6, 9) if f"{expected:.{d}g}" != f"{got:.{d}g}"), 12)
    texts = [
        str(bool(value)) if x.dtype == torch.bool else f"{value:.{digits}g}"
        for value, x in ((expected, answer.target), (got, answer.yours))
    ]
    return f"expected {texts[0]}, got {texts[1]}"


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)
