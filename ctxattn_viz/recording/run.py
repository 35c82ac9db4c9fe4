"""`record`: runs code and keeps what every expression of it made."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, TracebackType
from typing import Any, overload

import torch

from ..errors import InputError
from .frames import aside
from .origins import held_by, named_arguments
from .recorder import Recorder
from .recording import Recording

BUDGET = 500_000_000  # bytes


@overload
def record(
    fn: Callable[..., Any], /, *args: Any, memory_budget: int = BUDGET, **kwargs: Any
) -> Recording: ...


@overload
def record(*, memory_budget: int = BUDGET) -> AbstractContextManager[Recording]: ...


def record(
    fn: Callable[..., Any] | None = None,
    /,
    *args: Any,
    memory_budget: int = BUDGET,
    **kwargs: Any,
) -> Recording | AbstractContextManager[Recording]:
    """Run a function and keep what each of its expressions makes with PyTorch.

    Results and gradients are those of a plain run, bit for bit. Functions that `fn` calls are
    stepped through as well, except those of PyTorch, NumPy and Python itself. Without `fn` it
    records a block: `with cv.record() as recording:`. An exception that `fn` raises is kept in the
    recording; one that a block raises goes on as well.

    What PyTorch does not tell of (NumPy, numbers taken out by `.item()`, compiled code, custom
    autograd functions, other threads) appears as a step with a sentence, its `gap`. While it runs,
    `sys.settrace` is the recording's: a debugger or coverage pauses.

    Args:
        fn: any Python function: a lambda, partial, method or module, decorated or not.
        args, kwargs: what it is called with.
        memory_budget: bytes that may be copied, or kept from being freed. Tensors of up to 1 MB are
            copied when they are made; larger ones just before something writes into their memory.
            Where the budget does not suffice, a value has its shape and range, but no tensor.

    Raises:
        InputError: `fn` cannot be called.

    >>> def scores(f, b):
    ...     norms = b.norm(dim=1)
    ...     return f @ (b / norms[:, None]).T
    >>> recording = cv.record(scores, torch.ones(1, 4), torch.ones(2, 4))
    >>> [(step.operation, recording.made(step).shape) for step in recording.steps]
    [('norm', (2,)), ('__getitem__', (2, 1)), ('div', (2, 4)), ('T', (4, 2)), ('matmul', (1, 2))]
    >>> with cv.record() as recording:
    ...     x = torch.ones(2) + 1
    >>> [step.expression for step in recording.steps]
    ['torch.ones(2)', 'torch.ones(2) + 1']
    """
    if type(memory_budget) not in (int, float) or memory_budget < 0:
        raise InputError("memory_budget", "a number of bytes", repr(memory_budget))
    recorder = Recorder(int(memory_budget))
    if fn is None and not args and not kwargs:
        return _block(recorder)
    if not callable(fn):
        raise InputError("fn", "something that can be called", type(fn).__name__)
    return _function(recorder, fn, args, kwargs)


def _function(
    recorder: Recorder, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Recording:
    recording = Recording()
    with recorder.aside():
        for name, thing in named_arguments(fn, args, kwargs):
            recorder.given(name, thing)
        for name, thing in held_by(fn):
            recorder.knows(name, thing)
    recorder.frames.start(sys._getframe())
    try:
        with recorder:
            recording.result = fn(*args, **kwargs)
    except Exception as problem:
        recording.exception = problem.with_traceback(without_recorder(problem.__traceback__))
    finally:
        recorder.frames.stop()
    recorder.finish(recording)
    return recording


@contextmanager
def left_as_it_was() -> Iterator[None]:
    """Around code that something outside may end at any moment, also where a recorder is at work:
    what it has switched off in this thread is on again afterwards."""
    depth, state = aside.depth, torch._C._get_torch_function_state()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        aside.depth = depth
        torch._C._set_torch_function_state(state)  # type: ignore[attr-defined]


@contextmanager
def _block(recorder: Recorder) -> Iterator[Recording]:
    frame = sys._getframe(2)  # the block's; that of contextlib is between
    recording = Recording()
    recorder.frames.start(frame, include=True)
    try:
        with recorder:
            yield recording
    except Exception as problem:
        recording.exception = problem
        raise
    finally:
        recorder.frames.stop()
        recorder.finish(recording)


def without_recorder(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the recorder's own frames, which would keep everything alive."""
    while traceback is not None and is_own(traceback.tb_frame):
        traceback = traceback.tb_next
    if traceback is not None:
        traceback.tb_next = without_recorder(traceback.tb_next)
    return traceback


def is_own(frame: FrameType) -> bool:
    return frame.f_globals.get("__package__") == __package__
