"""Limits on a student's function: its time, and what it prints."""

import ctypes
import dis
import functools
import io
import os
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeVar

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
# `await` and `yield from` jump back too, without being a loop.
_JUMPS = {*dis.hasjrel, *dis.hasjabs} - {dis.opmap.get("JUMP_BACKWARD_NO_INTERRUPT")}
_LIBRARIES = (
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    "<frozen ",
)
_ignore_unraisable = ctypes.PYFUNCTYPE(None, ctypes.py_object)(
    ("PyThread_get_thread_ident", ctypes.pythonapi)
)
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
        students = [f for f in inside if not _is_ours(f)]
        if frame is None or not students:
            return
        frame.f_locals["watch"].traced.update(students)
        for student_frame in students:
            student_frame.f_trace = functools.partial(_raise_soon, threading.get_ident(), OutOfTime)
        sys.settrace(_do_nothing)  # without one no line is traced


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(__package__)


def is_students(file: str) -> bool:
    """Whether the code of a file is neither ours nor a library's."""
    return not file.startswith(_LIBRARIES) and "site-packages" not in file


def _in_a_loop(code: CodeType, offset: int) -> bool:
    """Whether the instruction at an offset is between the two ends of a jump back."""
    for instruction in dis.get_instructions(code):
        target = instruction.argval
        if instruction.opcode in _JUMPS and target <= offset <= instruction.offset:
            return True
    return False


def _wait_for_an_exception() -> None:
    for _ in range(2):  # Python looks for one that waits where a loop jumps back
        pass


class TimeAllowed:
    """The time of one check: what is left of it, and running work within that.

    While grading, all checks of a process share the time that the environment allows.

    Attributes:
        in_a_loop: whether the student's code was in a loop when its time was over.
    """

    used_by_all = 0.0

    def __init__(self) -> None:
        self.seconds = self.left = seconds_allowed(TimeAllowed.used_by_all)
        self.in_a_loop = False

    def run(self, work: Callable[[], Result]) -> Result:
        """What `work` returns; `OutOfTime` when it does not end in the time that is left."""
        if self.left <= 0:
            raise OutOfTime
        start = time.monotonic()
        watch = _Watch(self.left)
        # What is raised where nothing can catch it, as in a finalizer, is not reported.
        hook, sys.unraisablehook = sys.unraisablehook, _ignore_unraisable
        try:
            return within(self.left, work, watch)
        finally:
            sys.unraisablehook = hook
            self.in_a_loop = watch.in_a_loop
            used = time.monotonic() - start - watch.not_counted
            self.left -= used
            TimeAllowed.used_by_all += used


def seconds_allowed(used_by_all: float = 0.0) -> float:
    """Seconds for one check: fewer while grading, when earlier checks have used up theirs."""
    try:
        total = float(os.environ[GRADING_SECONDS]) / 2
    except (KeyError, ValueError):
        return SECONDS
    return max(LEAST_SECONDS, min(SECONDS, total - used_by_all))


def within(seconds: float, work: Callable[[], Result], watch: "_Watch | None" = None) -> Result:
    """What `work` returns or raises, or `OutOfTime` when it has not ended after `seconds`.

    A second thread then raises `OutOfTime` in this one, again and again until `work` is left.
    Time spent waiting in a debugger does not count. Nothing is raised and no line is traced once
    this has returned: the other thread looks where this one is, and raises only inside of `work`.
    Then it ends.

    What is not ended in time, as Python cannot interrupt it: one long call in C (it ends when it
    returns), code that restarts in a `__del__` or a callback of a C library, where Python ignores
    exceptions, a loop that has set `sys.setswitchinterval` so high that no other thread runs, and
    threads that `work` has started, which go on.
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
        watch.join()
    if watch.raised:  # work caught it, and returned all the same
        raise OutOfTime
    return result


class _Watch:
    """Raises `OutOfTime` in the thread of `frame` while that is inside what `frame` calls."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.not_counted = seconds, 0.0
        self.frame: FrameType | None = None
        self.thread = ctypes.c_ulong(threading.get_ident())
        # Plain locks, which C takes and gives back in one step. In an `Event`, which is written in
        # Python, the exception could come between two steps: whoever used it next would wait for
        # ever.
        self.lock, self.running = threading.Lock(), threading.Lock()
        self.over = self.raised = self.in_a_loop = False
        self.traced: set[FrameType] = set()  # whose lines raise
        self.watching = threading.Thread(target=self._watch, name="time limit", daemon=True)
        self.watching.pydev_do_not_trace = True  # type: ignore[attr-defined] # not for a debugger

    def start(self) -> None:
        self.running.acquire()
        self.watching.start()

    def stop(self) -> None:
        """Nothing is raised after this; what still waits to be is raised in here."""
        with self.lock:  # not between the other thread's look and its raising
            self.over = True
        self.frame = None
        if self.running.locked():
            self.running.release()
        _wait_for_an_exception()

    def join(self) -> None:
        """Wait for the other thread, which has nothing left to do but to end."""
        if self.watching.ident is not None:
            self.watching.join(5)

    def _watch(self) -> None:
        wait, start = self.seconds, time.monotonic()
        while not self.running.acquire(timeout=wait):
            with self.lock:
                names = self._modules_inside()
                if self.over or names is None:
                    return
                if names and names[0] == __name__:  # here already, on its way out
                    wait = AGAIN
                elif not self.raised and _DEBUGGERS.intersection(names):
                    wait, self.not_counted = 0.25, time.monotonic() - start
                else:
                    if not self.raised:
                        self.in_a_loop = self._loops_inside()
                    wait, self.raised = AGAIN, True
                    _set_exception(self.thread, ctypes.py_object(OutOfTime))

    def _loops_inside(self) -> bool:
        """Whether one of the student's calls inside the frame is in a loop."""
        frame = sys._current_frames().get(self.thread.value)
        while frame is not None and frame is not self.frame:
            if is_students(frame.f_code.co_filename) and _in_a_loop(frame.f_code, frame.f_lasti):
                return True
            frame = frame.f_back
        return False

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
