"""Limits on a student's function: its time, what it prints, and what it leaves changed."""

import builtins
import ctypes
import functools
import io
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, TypeVar

import numpy as np
import torch

Result = TypeVar("Result")

# Seconds that a student's function may take in one check, all its cases together.
SECONDS = 10.0
# Seconds that grading one notebook may take, from the environment. Half of them are for the checks.
GRADING_SECONDS = "CTXATTN_VIZ_GRADING_SECONDS"
# When they are used up, a check still gets as long as a right function takes.
LEAST_SECONDS = 2.0
AGAIN = 0.001  # seconds between two tries to end a function

LINES, CHARACTERS = 200, 20_000  # kept of what one call prints

# Kept here, where a function that replaces them in `torch` does not reach.
_set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
# Trace functions: they are called with a frame, an event and its argument, which they ignore. In
# Python they would themselves be where the exception is raised.
_Trace = [ctypes.py_object] * 3
_raise_soon = ctypes.PYFUNCTYPE(None, ctypes.c_ulong, ctypes.py_object, *_Trace)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)
_do_nothing = ctypes.PYFUNCTYPE(None, *_Trace)(("PyThread_get_thread_ident", ctypes.pythonapi))
_DEBUGGERS = {"bdb", "pdb", "ipdb", "debugpy", "pydevd", "_pydevd_bundle"}


class OutOfTime(BaseException):
    """Raised in a function that has used up its time.

    Python makes the exception where an `except` or a `finally` may take it. From then on each
    line of the function raises it again: also the lines of that `except` or `finally`.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        inside = []
        frame: FrameType | None = sys._getframe()
        while frame is not None and frame.f_code is not within.__code__:
            inside.append(frame)
            frame = frame.f_back
        theirs = [f for f in inside if not _is_ours(f)]
        if frame is None or not theirs:
            return
        frame.f_locals["watch"].traced.update(theirs)
        for each in theirs:
            each.f_trace = functools.partial(_raise_soon, threading.get_ident(), OutOfTime)
        sys.settrace(_do_nothing)  # without one no line is traced


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(__package__)


def _wait_for_an_exception() -> None:
    for _ in range(2):  # Python looks for one that waits where a loop jumps back
        pass


class TimeAllowed:
    """The time of one check: what is left of it, and running work within that.

    While grading, all checks of a process share the time that the environment allows.
    """

    used_by_all = 0.0

    def __init__(self) -> None:
        self.seconds = self.left = seconds_allowed(TimeAllowed.used_by_all)

    def run(self, work: Callable[[], Result]) -> Result:
        """What `work` returns; `OutOfTime` when it does not end in the time that is left."""
        if self.left <= 0:
            raise OutOfTime
        start = time.monotonic()
        watch = _Watch(self.left)
        try:
            return within(self.left, work, watch)
        finally:
            used = time.monotonic() - start - watch.not_counted
            self.left -= used
            TimeAllowed.used_by_all += used


def seconds_allowed(used_by_all: float = 0.0) -> float:
    """Seconds for one check: fewer while grading, when earlier checks have used up theirs."""
    try:
        in_all = float(os.environ[GRADING_SECONDS]) / 2
    except (KeyError, ValueError):
        return SECONDS
    return max(LEAST_SECONDS, min(SECONDS, in_all - used_by_all))


def within(seconds: float, work: Callable[[], Result], watch: "_Watch | None" = None) -> Result:
    """What `work` returns or raises, or `OutOfTime` when it has not ended after `seconds`.

    A second thread then raises `OutOfTime` in this one, again and again until `work` is left.
    Time spent waiting in a debugger does not count. Nothing is raised and no line is traced once
    this has returned: the other thread looks where this one is, and raises only inside of `work`.

    What is not ended in time, as Python cannot interrupt it: one long call in C (it ends when it
    returns), code that restarts in a `__del__` or a callback of a C library, where Python ignores
    exceptions, and threads that `work` has started, which go on.
    """
    watch = watch or _Watch(seconds)
    watch.frame, trace = sys._getframe(), sys.gettrace()
    try:
        try:
            watch.start()
            result = work()
            watch.stop()
        except BaseException:
            watch.stop()
            raise
    except BaseException:  # the first stop may itself have been interrupted
        watch.stop()
        raise
    finally:
        if sys.gettrace() is _do_nothing:
            sys.settrace(trace)
        for frame in watch.traced:  # a generator among them may be resumed later
            frame.f_trace = None
        watch.traced.clear()
    if watch.raised:  # work caught it, and returned all the same
        raise OutOfTime
    return result


class _Watch:
    """Raises `OutOfTime` in the thread of `frame` while that is inside what `frame` calls."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.not_counted = seconds, 0.0
        self.frame: FrameType | None = None
        self.thread = ctypes.c_ulong(threading.get_ident())
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.over = self.raised = False
        self.traced: set[FrameType] = set()  # whose lines raise

    def start(self) -> None:
        thread = threading.Thread(target=self._watch, name="time limit", daemon=True)
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined] # not a debugger's concern
        thread.start()

    def stop(self) -> None:
        """Nothing is raised after this; what still waits to be is raised in here."""
        with self.lock:  # not between the other thread's look and its raising
            self.over = True
        self.frame = None
        self.stopped.set()
        _wait_for_an_exception()

    def _watch(self) -> None:
        wait, start = self.seconds, time.monotonic()
        while not self.stopped.wait(wait):
            with self.lock:
                names = self._modules_inside()
                if self.over or names is None:
                    return
                if names and names[0] == __name__:  # here already, on its way out
                    wait = AGAIN
                elif not self.raised and _DEBUGGERS.intersection(names):
                    wait, self.not_counted = 0.25, time.monotonic() - start
                else:
                    wait, self.raised = AGAIN, True
                    _set_exception(self.thread, ctypes.py_object(OutOfTime))

    def _modules_inside(self) -> list[str] | None:
        """The modules of the calls inside the frame, the innermost first; None once it is left."""
        names: list[str] = []
        frame = sys._current_frames().get(self.thread.value)
        while frame is not None:
            if frame is self.frame:
                return names or [__name__]
            name = str(frame.f_globals.get("__name__"))
            names.append(name if name == __name__ else name.partition(".")[0])
            frame = frame.f_back
        return None


class LastLines(io.TextIOBase):
    """A file to print to, which keeps the end of what is printed."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._forgot = False

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        piece = str.__getitem__(text, slice(-CHARACTERS, None))
        self._forgot |= len(piece) < str.__len__(text)
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > 2 * CHARACTERS:
            self._pieces = ["".join(self._pieces)[-CHARACTERS:]]
            self._length, self._forgot = CHARACTERS, True
        return str.__len__(text)

    def end(self) -> str:
        """The last lines, after a line that says so where there were more."""
        text = "".join(self._pieces)
        lines = text[-CHARACTERS:].rstrip("\n").split("\n")
        forgot = self._forgot or len(text) > CHARACTERS or len(lines) > LINES
        return "\n".join((["…"] if forgot else []) + lines[-LINES:])


@contextmanager
def printing_to(file: LastLines) -> Iterator[None]:
    """What is printed meanwhile, to stdout or stderr, goes to a file; warnings go nowhere."""
    before = sys.stdout, sys.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stdout = sys.stderr = file
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def _set_profile(profile: Any) -> None:
    """One that is written in C cannot be set again from here."""
    sys.setprofile(profile if callable(profile) else None)


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


# What a function may set for the whole process, as (read, write).
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _set_device),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (os.getcwd, os.chdir),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, _set_profile),
)
_RANDOM: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (torch.get_rng_state, torch.set_rng_state),
    (random.getstate, random.setstate),
    (np.random.get_state, np.random.set_state),
)
_OWNERS = (torch, torch.Tensor, torch.nn.functional, torch.linalg, builtins)


@contextmanager
def restored() -> Iterator[None]:
    """Afterwards the process's settings, random states and PyTorch's functions are as before."""
    settings = [(read, write, read()) for read, write in _SETTINGS]
    states = [(write, read()) for read, write in _RANDOM]
    functions = [(owner, dict(vars(owner))) for owner in (*_OWNERS, *_our_modules())]
    try:
        yield
    finally:
        for owner, before in functions:
            now = vars(owner)
            changed = [k for k, v in before.items() if callable(v) and now.get(k) is not v]
            for name in changed:
                setattr(owner, name, before[name])
            if isinstance(owner, type):  # put before what it inherits
                for name in set(now) - set(before):
                    delattr(owner, name)
        for read, write, value in settings:
            now_set = _read(read)
            plain = isinstance(value, (int, str, torch.device))
            if now_set is not value and not (plain and now_set == value):
                write(value)
        for write, state in states:
            write(state)


def _our_modules() -> list[Any]:
    package = __name__.partition(".")[0]
    return [m for name, m in list(sys.modules.items()) if name.partition(".")[0] == package]


def _read(read: Callable[[], Any]) -> Any:
    """A setting; None where it cannot be read, as of a folder that has been removed."""
    try:
        return read()
    except OSError:
        return None


@contextmanager
def usual_settings() -> Iterator[None]:
    """PyTorch as it starts, whatever the notebook around has set; afterwards as it was."""
    with restored(), ExitStack() as stack:
        torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        stack.enter_context(torch.autocast("cpu", enabled=False))
        yield
