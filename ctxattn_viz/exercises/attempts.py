"""Running a student's function on a case, and what it gave."""

import inspect
import linecache
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor

from ..comparison import StageDifference, difference
from ..stages import BY_KEY
from . import limits
from .exercise import Case, Exercise
from .limits import LastLines, OutOfTime, TimeAllowed, is_students, printing_to
from .settings import restored, signals_restored

PACKAGE = str(Path(__file__).resolve().parents[1])
# Ours, running while a student's function does.
_OWN_FILES = {__file__, limits.__file__}
_RECORDING = str(Path(PACKAGE, "recording"))  # while it is stepped through

DTYPES = {
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
}
MOST_ELEMENTS = 1_000_000  # of an answer; the largest target has some thousands
MOST_TEXT = 500  # characters of an exception's text that are shown

UNFINISHED = "your loop does not end"
NO_LOOP = "It may be waiting for something; if the computer is busy, try again."
STOPPED = "You stopped it."


Grid = tuple[int, int]


@dataclass(frozen=True)
class Outcome:
    """What one call gave.

    Attributes:
        yours: the tensor that it returned, on the CPU; None where there is none.
        problem: what is wrong with it other than its numbers; empty when nothing is.
        printed: the end of what it printed.
        ended: whether it ended by itself. Otherwise no more calls are made.
    """

    yours: Tensor | None = None
    problem: str = ""
    printed: str = ""
    ended: bool = True


@dataclass(frozen=True, kw_only=True)
class Answer(Outcome):
    """What a function gave for one case.

    Attributes:
        difference: how it differs from the target; None where it cannot be compared.
    """

    case: Case
    target: Tensor
    difference: StageDifference | None = None

    @property
    def right(self) -> bool:
        return not self.problem and self.difference is not None and self.difference.same

    @property
    def fits(self) -> bool:
        return self.yours is not None and self.yours.shape == self.target.shape


@dataclass(frozen=True)
class Drawing:
    """A target and an answer to lay side by side.

    Attributes:
        key: the stage they belong to.
        target, yours: the two tensors.
        grids: that of query cells and that of background patches.
        index: the element to point at; None for none.
        inputs: the tensors that went in, by the names of the parameters.

    >>> feedback = cv.exercises.check("mask_validity", lambda mask, ksize: mask.flatten(1) == 0)
    >>> drawing: cv.Drawing = feedback.drawing
    >>> drawing.key, drawing.target.shape == drawing.yours.shape
    ('valid', True)
    """

    key: str
    target: Tensor = field(repr=False)
    yours: Tensor = field(repr=False)
    grids: tuple[Grid, Grid]
    index: tuple[int, ...] | None = None
    inputs: Mapping[str, Tensor] = field(default_factory=dict, repr=False)


class Student:
    """A function that was handed in, run within limits.

    A call never raises. All calls together get the seconds of `limits.SECONDS`; what is set,
    replaced or printed meanwhile does not reach the rest of the process.
    """

    def __init__(self, function: Callable[..., Any], parameters: tuple[str, ...]) -> None:
        self.function, self.parameters = function, parameters
        self.time = TimeAllowed()

    def __call__(self, *arguments: Any) -> Outcome:
        file = LastLines()
        ended, yours = True, None
        with restored(), printing_to(file):
            try:
                with signals_restored():  # before a timer that was left goes off
                    yours, problem = self.time.run(
                        lambda: _call(self.function, self.parameters, arguments)
                    )
            except OutOfTime as error:
                ended = False
                seconds = f"{self.time.seconds:.3g} s"
                problem = f"Stopped: it did not end within {seconds}. {NO_LOOP}"
                if self.time.in_a_loop:
                    problem = f"Stopped after {seconds}: {UNFINISHED}."
                problem += _line_of(error)
            except KeyboardInterrupt as error:
                ended, problem = False, STOPPED + _line_of(error)
            except BaseException:  # raised while its exception or its answer was looked at
                problem = "Looking at what your function returned or raised raises an error, too."
        return Outcome(yours, problem, file.end(), ended)


def attempt(exercise: Exercise, student: Callable[..., Outcome], case: Case) -> Answer:
    """What a function gives for a case, beside what is right."""
    values = case.values()
    target = values[case.stage]
    arguments = exercise.arguments(values, case.config, case.stage)
    outcome = student(*(x.contiguous().clone() if isinstance(x, Tensor) else x for x in arguments))
    answer = Answer(**vars(outcome), case=case, target=target)
    if outcome.yours is None:
        return answer
    answer = replace(answer, difference=difference(case.stage, target, outcome.yours))
    if answer.fits:
        if not answer.problem and target.dtype == torch.bool != outcome.yours.dtype:
            problem = f"Expected dtype {target.dtype}: True or False. Got {outcome.yours.dtype}."
            return replace(answer, problem=problem)
        return answer
    axes = ", ".join(BY_KEY[case.stage].axes)
    problem = f"Expected shape {tuple(target.shape)}: {axes}. Got {tuple(outcome.yours.shape)}."
    return replace(answer, problem=problem)


def place(key: str, index: tuple[int, ...]) -> str:
    """An index in words: `sample 0, query row 1, …`."""
    return ", ".join(f"{axis} {i}" for axis, i in zip(BY_KEY[key].axes, index, strict=True))


def _call(
    function: Callable[..., Any], parameters: tuple[str, ...], arguments: tuple[Any, ...]
) -> tuple[Tensor | None, str]:
    """What a function returns, as a plain tensor, and what is wrong with that."""
    if problem := _does_not_take(function, parameters):
        return None, problem
    library_calls: list[str] = []
    copies = [x.clone() if isinstance(x, Tensor) else x for x in arguments]
    try:
        stop_recording = _record_library_calls(library_calls)
        try:
            result = function(*copies)
        finally:
            stop_recording()
    except (OutOfTime, KeyboardInterrupt):
        raise
    except BaseException as error:
        return None, _raised_sentence(error)
    if library_calls:
        called = library_calls[0]
        return None, f"Your function calls {called}: write it yourself, with PyTorch alone."
    with torch._C.DisableTorchFunctionSubclass():
        yours, problem = _as_tensor(result)
        for name, before, after in zip(parameters, arguments, copies, strict=True):
            if not problem and isinstance(before, Tensor) and not _equal(before, after):
                problem = f"Your function changed its argument {name}: make a new tensor instead."
    return yours, problem


def _as_tensor(result: object) -> tuple[Tensor | None, str]:
    if result is None:
        return None, "Expected a torch.Tensor, got None: is the return missing?"
    if not is_tensor(result):
        return None, f"Expected a torch.Tensor, got {type(result).__name__}."
    assert isinstance(result, Tensor)
    if not _is_whole(result):
        return None, "Expected a tensor of numbers in rows and columns, got one of another kind."
    if result.is_complex():
        return None, f"Expected real numbers, got {result.dtype}."
    if result.dtype not in DTYPES:
        return None, f"Expected numbers of a usual type, as float32, got {result.dtype}."
    if result.numel() > MOST_ELEMENTS:
        return None, f"Expected a small tensor, got shape {tuple(result.shape)}."
    kind = f"{result.layout} on {result.device}"
    try:
        yours = result.detach().cpu().clone(memory_format=torch.contiguous_format)
        yours = yours.resolve_conj().resolve_neg()
        is_readable = type(yours) is Tensor and yours.layout == torch.strided and not yours.is_meta
    except Exception:  # a meta or sparse tensor, say
        is_readable = False
    if not is_readable:
        return None, f"Expected a tensor of numbers, got one that is {kind}."
    return yours, ""


def _is_whole(x: Tensor) -> bool:
    """Whether each element has its place in memory: without one, reading it ends the process."""
    if x.is_nested:
        return False
    if x.layout != torch.strided or x.device.type == "meta" or not x.numel():
        return True
    last = x.storage_offset() + sum((size - 1) * x.stride(i) for i, size in enumerate(x.shape))
    return (last + 1) * x.element_size() <= x.untyped_storage().nbytes()


def _equal(before: Tensor, after: Tensor) -> bool:
    try:
        return _is_whole(after) and torch.equal(before, after)
    except RuntimeError:  # of another type by now
        return False


def _does_not_take(function: Callable[..., Any], parameters: tuple[str, ...]) -> str:
    try:
        signature = inspect.signature(function)
    except Exception:  # a built-in that keeps its signature to itself, or one that raises
        return ""
    try:
        signature.bind(*parameters)
    except TypeError:
        return f"Your function has to take {len(parameters)} arguments: {', '.join(parameters)}."
    return ""


def is_tensor(x: object) -> bool:
    return issubclass(type(x), Tensor)


def _raised_sentence(error: BaseException) -> str:
    """An exception in a student's function as a sentence, with their own line."""
    text = _text_of(error)
    if isinstance(error, NotImplementedError) and not text:
        return "Nothing here yet: NotImplementedError is still raised."
    sentence = f"Your function raised {type(error).__name__}"
    return sentence + (f": {text}" if text else "") + _line_of(error)


def _text_of(error: BaseException) -> str:
    try:
        text = str(error)
    except (OutOfTime, KeyboardInterrupt):
        raise
    except BaseException:
        return ""
    text = str.__getitem__(text, slice(MOST_TEXT + 1))
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " …"


def _line_of(error: BaseException) -> str:
    """The innermost line that is the student's: neither ours nor a library's; or nothing."""
    line = ""
    trace: TracebackType | None = error.__traceback__
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if is_students(name):
            number = trace.tb_lineno or 0  # None where what was raised came between two lines
            line = linecache.getline(name, number).strip()[:MOST_TEXT] or line
        trace = trace.tb_next
    return f"\nin the line: {line}" if line else ""


def _record_library_calls(names: list[str]) -> Callable[[], None]:
    """Note which functions of this package are called, until what is returned is called.

    A profiler or a debugger that runs keeps its place. Where both run, nothing is noted.
    """

    def record(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        own = file in _OWN_FILES or file.startswith(_RECORDING)
        if event == "call" and file.startswith(PACKAGE) and not own:
            names.append(f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}")

    def stop() -> None:
        if sys.getprofile() is record:
            sys.setprofile(None)
        if sys.gettrace() is record:
            sys.settrace(None)

    if sys.getprofile() is None:
        sys.setprofile(record)
    elif sys.gettrace() is None:
        sys.settrace(record)
    return stop
