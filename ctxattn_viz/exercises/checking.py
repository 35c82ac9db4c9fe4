"""Running a student's function, and finding out what it did."""

import inspect
import linecache
import math
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from ..comparison import StageDifference, difference
from ..errors import check_choice
from ..stages import BY_KEY
from . import deconvolution, fused_softmax, mask_validity, matching_scores, patch_extraction
from . import whole_layer as layer
from .exercise import Case, Exercise, Mistake
from .feedback import Drawing, Feedback, place

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (
        patch_extraction,
        mask_validity,
        matching_scores,
        fused_softmax,
        deconvolution,
        layer,
    )
}

PACKAGE = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True)
class Answer:
    """What a function gave for one case.

    Attributes:
        yours: its tensor, on the CPU; None where there is none.
        problem: what is wrong with it other than its numbers; empty when nothing is.
        difference: how it differs from the target; None where it cannot be compared.
    """

    case: Case
    target: Tensor
    yours: Tensor | None = None
    problem: str = ""
    difference: StageDifference | None = None

    @property
    def right(self) -> bool:
        return not self.problem and self.difference is not None and self.difference.same

    @property
    def fits(self) -> bool:
        return self.yours is not None and self.yours.shape == self.target.shape


def check(exercise: str, function: object, *, seed: int = 0, only: str | None = None) -> Feedback:
    """Try a student's function on cases worked by hand and on random ones.

    Whatever the function does, the answer is a `Feedback`, never an exception.

    Args:
        exercise: its name, a key of `EXERCISES`.
        function: what the student wrote.
        seed: chooses the random cases.
        only: `"hand"` or `"random"` cases alone.

    Raises:
        InputError: an exercise or a kind of case that does not exist.
    """
    check_choice("exercise", exercise, EXERCISES)
    check_choice("only", only or "hand", ("hand", "random"))
    chosen = EXERCISES[exercise]
    if not callable(function):
        got = type(function).__name__
        story = f"Expected a function of ({', '.join(chosen.parameters)}), got: {got}."
        hint = "Hand over the function itself, without calling it." if _is_tensor(function) else ""
        return Feedback(exercise, passed=False, story=(story,), hint=hint)
    answers = [_attempt(chosen, function, case) for case in chosen.cases(seed, only)]
    return _feedback(chosen, function, answers)


def _attempt(exercise: Exercise, function: Callable[..., Any], case: Case) -> Answer:
    values = case.values()
    target = values[case.stage]
    given = exercise.arguments(values, case.config, case.stage)
    handed = tuple(x.clone() if isinstance(x, Tensor) else x for x in given)
    if problem := _does_not_take(function, exercise.parameters):
        return Answer(case, target, problem=problem)
    asked: list[str] = []
    try:
        with warnings.catch_warnings(), _watched(asked):
            warnings.simplefilter("ignore")
            result = function(*handed)
    except (Exception, SystemExit) as error:
        return Answer(case, target, problem=_raised(error))
    if asked:
        problem = f"Your function calls {asked[0]}: write it yourself, with PyTorch alone."
        return Answer(case, target, problem=problem)
    if not _is_tensor(result):
        return Answer(case, target, problem=_no_tensor(result))
    try:
        if result.is_complex():
            problem = f"Expected real numbers, got {result.dtype}."
            return Answer(case, target, problem=problem)
        yours = result.detach().cpu().clone()
        found = difference(case.stage, target, yours)
    except Exception:  # a meta or sparse tensor, say
        problem = (
            f"Expected a tensor of numbers, got one that is {result.layout} on {result.device}."
        )
        return Answer(case, target, problem=problem)
    answer = Answer(case, target, yours, difference=found)
    if not answer.fits:
        axes = ", ".join(BY_KEY[case.stage].axes)
        problem = f"Expected shape {tuple(target.shape)}: {axes}. Got {tuple(yours.shape)}."
        return replace(answer, problem=problem)
    for name, before, after in zip(exercise.parameters, given, handed, strict=True):
        if isinstance(before, Tensor) and not torch.equal(before, after):
            problem = f"Your function changed its argument {name}: make a new tensor instead."
            return replace(answer, problem=problem)
    return answer


def _feedback(exercise: Exercise, function: Callable[..., Any], answers: list[Answer]) -> Feedback:
    wrong = [answer for answer in answers if not answer.right]
    feedback = Feedback(
        exercise.name,
        passed=not wrong,
        fits=all(answer.fits for answer in answers),
        cases=tuple((answer.case.label, answer.right) for answer in answers),
    )
    first = wrong[0] if wrong else answers[0]
    if not wrong:
        return replace(feedback, drawing=_drawing(first, None))
    # A function that is not written yet has no mistake to recognise.
    if alike := _all_alike(answers):
        feedback = replace(feedback, hint=alike)
    else:
        mistake, hint = _hint(exercise, function, wrong)
        feedback = replace(feedback, hint=hint, mistake=mistake.name if mistake else None)
    story = [f"First case that differs: {first.case.label}."]
    if first.problem:
        story.append(first.problem)
    found = first.difference
    if found is None or found.first is None:
        return replace(feedback, story=tuple(story), drawing=_drawing(first, None))
    assert first.yours is not None
    assert found.share is not None
    at = found.first
    expected, got = float(first.target[at]), float(first.yours[at])
    story += [
        f"At {place(first.case.stage, at)}: {_both(expected, got, first)}.",
        f"{found.share:.0%} of the elements differ{_where(first)}.",
    ]
    return replace(
        feedback,
        story=tuple(story),
        index=at,
        expected=expected,
        got=got,
        drawing=_drawing(first, at),
    )


def _hint(
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


def _all_alike(answers: list[Answer]) -> str:
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
        return _attempt(exercise, function, replace(answer.case, known=known))

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


def _where(answer: Answer) -> str:
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


def _both(expected: float, got: float, answer: Answer) -> str:
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


def _drawing(answer: Answer, index: tuple[int, ...] | None) -> Drawing | None:
    if answer.yours is None:
        return None
    return Drawing(answer.case.stage, answer.target, answer.yours, answer.case.grids, index)


def _does_not_take(function: Callable[..., Any], parameters: tuple[str, ...]) -> str:
    try:
        inspect.signature(function).bind(*parameters)
    except TypeError:
        return f"Your function has to take {len(parameters)} arguments: {', '.join(parameters)}."
    except ValueError:  # a built-in that keeps its signature to itself
        return ""
    return ""


def _no_tensor(result: object) -> str:
    if result is None:
        return "Expected a torch.Tensor, got None: is the return missing?"
    return f"Expected a torch.Tensor, got {type(result).__name__}."


def _is_tensor(x: object) -> bool:
    return isinstance(x, Tensor)


def _raised(error: BaseException) -> str:
    """An exception in a student's function as a sentence, with their own line."""
    if isinstance(error, NotImplementedError) and not str(error):
        return "Nothing here yet: NotImplementedError is still raised."
    said = f"Your function raised {type(error).__name__}"
    said += f": {error}" if str(error) else ""
    line = ""
    trace = error.__traceback__
    while trace:  # the innermost line of theirs: neither ours nor a library's
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith(PACKAGE) and "site-packages" not in name:
            line = linecache.getline(name, trace.tb_lineno).strip() or line
        trace = trace.tb_next
    return f"{said}\nin the line: {line}" if line else said


@contextmanager
def _watched(asked: list[str]) -> Iterator[None]:
    """Note which functions of this package are called meanwhile."""

    def note(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(PACKAGE) and file != __file__:
            asked.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
