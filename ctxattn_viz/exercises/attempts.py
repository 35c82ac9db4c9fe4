"""Running a student's function on a case, and what it gave."""

import inspect
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from ..comparison import StageDifference, difference
from ..stages import BY_KEY
from .exercise import Case, Exercise

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


def attempt(exercise: Exercise, function: Callable[..., Any], case: Case) -> Answer:
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
    if not is_tensor(result):
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


def is_tensor(x: object) -> bool:
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
