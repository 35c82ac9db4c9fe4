"""What a student's function may do to a check: run for ever, raise anything, change settings."""

# ruff: noqa: SIM105, B012 (as students write it)

from __future__ import annotations

import asyncio
import bdb
import cProfile
import decimal
import gc
import itertools
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.exercises import Feedback, attempts, check, limits
from ctxattn_viz.exercises.checking import EXERCISES
from tests.support import students

UNFINISHED = "your loop does not end"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for a check; what comes back with the message was ended by that limit."""
    monkeypatch.setattr(limits, "SECONDS", 0.5)


def only_loops(*_: object) -> None:
    while True:
        pass


def catches_everything(*_: object) -> None:
    while True:
        try:
            pass
        except:  # noqa: E722
            pass


def sleeps_and_catches(*_: object) -> None:
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass


def catches_twice(*_: object) -> None:
    while True:
        try:
            while True:
                try:
                    time.sleep(0.001)
                except BaseException:
                    pass
        except BaseException:
            pass


def continues_in_finally(*_: object) -> None:
    while True:
        try:
            time.sleep(0.001)
        finally:
            continue


def starts_again_elsewhere(*_: object) -> None:
    def inner() -> None:
        while True:
            try:
                time.sleep(0.001)
            except BaseException:
                pass

    while True:
        try:
            inner()
        except BaseException:
            inner()


def sums_without_end(*_: object) -> object:
    return sum(x for x in itertools.count())


def appends_while_reading(*_: object) -> None:
    values = [0]
    for value in values:
        values.append(value)


def computes(mask: Tensor, ksize: int) -> None:
    while True:
        mask = mask @ mask


def computes_long_in_c(*_: object) -> None:
    while True:
        _large = 3**200_000


def computes_long_in_c_and_catches(*_: object) -> None:
    while True:
        try:
            sorted(range(300_000))
        except BaseException:
            pass


def counts_in_c(*_: object) -> int:
    return sum(1 for _ in iter(int, 1))


def prints_without_end(*_: object) -> None:
    while True:
        print("x" * 1000)


def returns_when_ended(*_: object) -> Tensor:
    try:
        only_loops()
    except BaseException:
        pass
    return torch.zeros(1, 16)


def raises_when_ended(*_: object) -> None:
    try:
        only_loops()
    except BaseException:
        raise ValueError from None


class TextWithoutEnd(Exception):
    def __str__(self) -> str:
        return str(only_loops())


def raises_text_without_end(*_: object) -> None:
    raise TextWithoutEnd


class SignatureWithoutEnd:
    @property
    def __signature__(self) -> object:
        return only_loops()

    def __call__(self, *_: object) -> None: ...


class TensorWithoutEnd(Tensor):
    @classmethod
    def __torch_function__(cls, *_: object, **__: object) -> None:
        only_loops()

    @property
    def shape(self) -> Any:
        return only_loops()


def returns_tensor_without_end(*_: object) -> Tensor:
    return Tensor._make_subclass(TensorWithoutEnd, torch.zeros(1, 16))


LOOPS = (
    only_loops,
    catches_everything,
    sleeps_and_catches,
    catches_twice,
    continues_in_finally,
    starts_again_elsewhere,
    sums_without_end,
    appends_while_reading,
    computes,
    computes_long_in_c,
    computes_long_in_c_and_catches,
    counts_in_c,
    prints_without_end,
    returns_when_ended,
    raises_when_ended,
    raises_text_without_end,
    SignatureWithoutEnd(),
    returns_tensor_without_end,
)


def in_another_thread(work: Callable[[], Feedback]) -> Feedback:
    answers: list[Feedback] = []
    thread = threading.Thread(target=lambda: answers.append(work()))
    thread.start()
    thread.join()
    return answers[0]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("thread", ["main", "another"])
@pytest.mark.parametrize("loop", LOOPS, ids=lambda f: getattr(f, "__name__", type(f).__name__))
def test_a_loop_without_end_comes_back(loop: Callable[..., object], thread: str) -> None:
    threads = threading.active_count()
    run = in_another_thread if thread == "another" else lambda work: work()
    feedback = run(lambda: check("mask_validity", loop))
    assert UNFINISHED in str(feedback)
    assert not feedback.passed
    assert not feedback.fits
    assert len(feedback.cases) == 1
    assert f"were not tried any more: {len(EXERCISES['mask_validity'].cases(0)) - 1}" in str(
        feedback
    )
    assert (sys.gettrace(), sys.getprofile()) == (None, None)
    # Nothing is raised later, and the next check is as ever.
    assert sum(1 for _ in range(200_000)) == 200_000
    monkey = check("mask_validity", students.mask_validity, only="hand")
    assert monkey.cases
    assert threading.active_count() == threads


def test_what_ends_the_limit_is_not_interrupted_between_two_steps() -> None:
    """Python code of a library, as in an `Event`, could be left with its lock taken."""
    called: list[str] = []

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_filename)

    watch = limits._Watch(100)
    watch.start()
    sys.setprofile(note)
    watch.stop()
    sys.setprofile(None)
    assert set(called) == {limits.__file__}
    watch.join()
    assert "time limit" not in [thread.name for thread in threading.enumerate()]


EXITS_AFTER_A_LIMIT = """
import threading
from ctxattn_viz.exercises import check, limits
limits.SECONDS = 0.5
feedback = check("mask_validity", lambda mask, ksize: sum(1 for _ in iter(int, 1)))
print("your loop does not end" in str(feedback), [x.name for x in threading.enumerate()])
"""


def test_a_process_ends_after_a_check_that_was_stopped() -> None:
    command = [sys.executable, "-c", EXITS_AFTER_A_LIMIT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split("\n") == ["True ['MainThread']", ""]


def recurses(*_: object, depth: int = 0) -> None:
    if depth < 60:
        recurses(depth=depth + 1)
        recurses(depth=depth + 1)


def sleeps(*_: object) -> None:
    time.sleep(1)


def waits_in_a_loop_of_a_library(*_: object) -> None:
    threading.Condition().wait_for(sleeps)


def waits_after_a_loop(*_: object) -> None:
    for _number in range(3):
        pass
    sleeps()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "function", [recurses, sleeps, waits_in_a_loop_of_a_library, waits_after_a_loop]
)
def test_what_is_no_loop_is_not_called_one(function: Callable[..., object]) -> None:
    feedback = check("mask_validity", function)
    assert "did not end within 0.5 s" in str(feedback)
    assert UNFINISHED not in str(feedback)


YIELDS_WHERE_IT_CATCHES = """
def yields_where_it_catches():
    try: only_loops()
    except BaseException: yield 1
    yield 2
    yield 3
"""


@pytest.mark.parametrize("before", [None, lambda *_: None], ids=["untraced", "traced"])
def test_nothing_is_raised_or_traced_after_the_limit(before: Any) -> None:
    names: dict[str, Any] = {"only_loops": only_loops}
    exec(YIELDS_WHERE_IT_CATCHES, names)
    generator = names["yields_where_it_catches"]()
    sys.settrace(before)
    try:
        with pytest.raises(limits.OutOfTime):
            limits.within(0.2, lambda: next(generator))
        assert sys.gettrace() is before
        sys.settrace(lambda *_: None)  # under a debugger its lines would be traced again
        left = list(generator)
    finally:
        sys.settrace(None)
    assert left in ([], [2, 3])


def test_many_limits_that_end_as_work_does_leave_nothing_behind() -> None:
    """The exception may be on its way as the work returns: then `within` raises it."""
    for i in range(300):
        end = time.monotonic() + 0.002 + i % 10 * 1e-5

        def work(end: float = end) -> None:
            while time.monotonic() < end:
                pass

        try:
            limits.within(0.002, work)
        except limits.OutOfTime:
            pass
        assert sum(1 for _ in range(50)) == 50
    assert sys.gettrace() is None


@pytest.mark.usefixtures("quick")
def test_the_line_that_loops_and_earlier_answers_are_told() -> None:
    calls = []

    def loops_in_the_third(mask: Tensor, ksize: int) -> Tensor:
        calls.append(1)
        while len(calls) > 2:
            time.sleep(0)
        return students.mask_validity(mask, ksize)

    feedback = check("mask_validity", loops_in_the_third)
    assert [agrees for _, agrees in feedback.cases] == [True, True, False]
    assert "in the line: " in str(feedback)
    assert len(calls) == 3


def test_the_limit_holds_for_all_cases_together() -> None:
    assert limits.SECONDS <= 12
    allowed = limits.TimeAllowed()
    allowed.left = 0
    with pytest.raises(limits.OutOfTime):
        allowed.run(lambda: pytest.fail("there is no time left"))


def test_grading_limits_all_checks_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.GRADING_SECONDS, "24")
    monkeypatch.setattr(limits.TimeAllowed, "used_by_all", 0.0)
    assert limits.TimeAllowed().left == limits.SECONDS
    limits.TimeAllowed.used_by_all = 9.0
    assert limits.TimeAllowed().left == 3
    limits.TimeAllowed.used_by_all = 100.0
    assert limits.TimeAllowed().left == limits.LEAST_SECONDS
    monkeypatch.setenv(limits.GRADING_SECONDS, "soon")
    assert limits.TimeAllowed().left == limits.SECONDS


@pytest.mark.usefixtures("quick")
def test_time_in_a_debugger_does_not_count() -> None:
    class Waits(bdb.Bdb):
        def user_line(self, frame: object) -> None:
            if not waited:
                waited.append(True)
                time.sleep(2 * limits.SECONDS)
            self.set_continue()

    waited: list[bool] = []

    def debugged(mask: Tensor, ksize: int) -> Tensor:
        return Waits().runcall(students.mask_validity, mask, ksize) if not waited else right(mask)

    def right(mask: Tensor) -> Tensor:
        return students.mask_validity(mask, 3)

    feedback = check("mask_validity", debugged, only="hand")
    assert UNFINISHED not in str(feedback)
    assert waited


# What is printed


def test_what_a_call_prints_is_kept_to_its_last_lines(capfd: pytest.CaptureFixture[str]) -> None:
    def talks(mask: Tensor, ksize: int) -> Tensor:
        for i in range(1000):
            print(f"line {i}")
        print("<b>the end</b>", file=sys.stderr)
        return students.mask_validity(mask, ksize)

    feedback = check("mask_validity", talks)
    assert feedback.passed
    lines = feedback.printed.split("\n")
    assert lines[0] == "…"
    assert lines[1:] == [*(f"line {i}" for i in range(801, 1000)), "<b>the end</b>"]
    assert feedback.printed in str(feedback)
    assert "&lt;b&gt;the end" in feedback._repr_html_()
    assert capfd.readouterr() == ("", "")


def test_lines_of_any_length_are_bounded() -> None:
    file = limits.LastLines()
    for _ in range(50):
        print("y" * 1_000_000, end="", file=file)
    assert sum(map(len, file._pieces)) <= 3 * limits.CHARACTERS
    assert len(file.end()) <= limits.CHARACTERS + 2
    assert file.end().startswith("…\nyyy")
    few = limits.LastLines()
    print("one\ntwo", file=few)
    assert few.end() == "one\ntwo"


# Whatever is raised, returned or handed over


class OfMyOwn(BaseException):
    pass


class TextRaises(Exception):
    def __str__(self) -> str:
        raise OfMyOwn

    __repr__ = __str__


class TextIsNone(Exception):
    def __str__(self) -> Any:
        return None


class SignatureRaises:
    @property
    def __signature__(self) -> object:
        raise OfMyOwn

    __code__ = 3

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __call__(self, mask: Tensor, ksize: int) -> Tensor:
        return students.mask_validity(mask, ksize)


class Hostile(Tensor):
    @classmethod
    def __torch_function__(cls, *_: object, **__: object) -> None:
        raise OfMyOwn


class ClassRaises:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise OfMyOwn


def raising(error: BaseException) -> Callable[..., None]:
    def function(*_: object) -> None:
        raise error

    return function


def returning(value: object) -> Callable[..., object]:
    return lambda mask, ksize: value


STRANGE = {
    "OfMyOwn": raising(OfMyOwn()),
    "GeneratorExit": raising(GeneratorExit()),
    "SystemExit: 3": raising(SystemExit(3)),
    "StopIteration": raising(StopIteration()),
    "raised TextRaises": raising(TextRaises()),
    "raised TextIsNone": raising(TextIsNone()),
    "xxx …": raising(ValueError("x" * 10_000_000)),
    "raised TypeError": torch.clone,
    "raised RecursionError": lambda mask, ksize: STRANGE["raised RecursionError"](mask, ksize),
    "usual type, as float32, got torch.float8_e4m3fn": returning(
        torch.zeros(1, 16).to(torch.float8_e4m3fn)
    ),
    "small tensor, got shape (1000000000000,)": returning(torch.zeros(1).expand(10**12)),
    "got ClassRaises": returning(ClassRaises()),
    "got _TensorMeta": returning(Tensor),
    "got shape (1, 16)": returning(torch.zeros(1, 16).as_subclass(Hostile)),
}
STRANGE["elements differ"] = STRANGE.pop("got shape (1, 16)")


@pytest.mark.parametrize("words", STRANGE)
def test_whatever_is_raised_or_returned_is_feedback(words: str) -> None:
    feedback = check("mask_validity", STRANGE[words])
    assert not feedback.passed
    assert words in str(feedback)
    assert len(str(feedback)) < 3000
    assert feedback._repr_html_()


def test_arguments_of_another_type_by_now_are_told() -> None:
    def changes(mask: Tensor, ksize: int) -> Tensor:
        valid = students.mask_validity(mask, ksize)
        mask.data = mask.double()
        mask.resize_(0)
        return valid

    assert "changed its argument mask" in str(check("mask_validity", changes))


def test_a_signature_that_raises_costs_nothing() -> None:
    assert check("mask_validity", SignatureRaises()).passed


@pytest.mark.parametrize("seed", ["x", 1.5, 10**30, None, [], object(), torch.zeros(3)])
def test_any_seed_is_answered(seed: Any) -> None:
    feedback = check("mask_validity", students.mask_validity, seed=seed)
    assert not feedback.passed
    assert "seed: expected an integer of 64 bits, got" in str(feedback)


@pytest.mark.parametrize("only", ["", "foot", 3, ["hand"], torch.zeros(3), OfMyOwn()], ids=str)
def test_any_kind_of_case_is_answered(only: Any) -> None:
    feedback = check("mask_validity", students.mask_validity, only=only)
    assert not feedback.passed
    assert "only: expected one of 'hand', 'random', None, got" in str(feedback)


@pytest.mark.parametrize("exercise", [None, [], {}, torch.zeros(3), ClassRaises, "", 3])
def test_an_exercise_that_does_not_exist_is_an_input_error(exercise: Any) -> None:
    with pytest.raises(cv.InputError, match="exercise: expected one of 'patch_extraction'"):
        check(exercise, students.mask_validity)


def test_what_is_no_function_is_feedback() -> None:
    for function in (None, ClassRaises(), 3, torch.zeros(3)):
        assert "Expected a function of (mask, ksize)" in str(check("mask_validity", function))


def test_ctrl_c_stops_a_check_and_leaves_nothing_armed() -> None:
    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass

    feedback = check("mask_validity", interrupted)
    assert attempts.STOPPED in str(feedback)
    assert UNFINISHED not in str(feedback)
    assert len(feedback.cases) == 1
    assert (sys.gettrace(), sys.getprofile()) == (None, None)
    assert check("mask_validity", students.mask_validity).passed


# Profilers, debuggers, settings


def test_a_right_answer_is_right_under_a_profiler() -> None:
    profiler = cProfile.Profile()
    feedback = profiler.runcall(check, "mask_validity", students.mask_validity)
    assert feedback.passed, feedback
    names = {entry.code.co_name for entry in profiler.getstats() if hasattr(entry.code, "co_name")}
    assert "mask_validity" in names


def test_a_right_answer_is_right_under_a_trace_function() -> None:
    seen = set()

    def trace(frame: Any, event: str, _: object) -> Any:
        seen.add(frame.f_code.co_name)
        return trace

    sys.settrace(trace)
    try:
        feedback = check("mask_validity", students.mask_validity, only="hand")
        assert sys.gettrace() is trace
    finally:
        sys.settrace(None)
    assert feedback.passed
    assert "mask_validity" in seen


def test_calls_of_the_library_are_seen_under_a_profiler_too() -> None:
    def borrows(mask: Tensor, ksize: int) -> Tensor:
        return cv.stages.mask_validity.valid_patches(mask, cv.AttentionConfig(ksize=ksize))

    feedback = cProfile.Profile().runcall(check, "mask_validity", borrows)
    assert "calls ctxattn_viz." in str(feedback)


def test_settings_and_functions_are_as_before() -> None:
    def changes(mask: Tensor, ksize: int) -> Tensor:
        valid = students.mask_validity(mask, ksize)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(123)
        random.seed(123)
        np.random.seed(123)  # noqa: NPY002
        sys.settrace(lambda *_: None)
        sys.stdout = None  # type: ignore[assignment]
        torch.softmax = torch.isclose = F.unfold = None  # type: ignore[assignment]
        cv.comparison.difference = None  # type: ignore[assignment]
        Tensor.sum = None  # type: ignore[assignment]
        os.chdir("/")
        return valid

    def settings() -> list[object]:
        return [
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_rng_state().tolist(),
            random.getstate(),
            np.random.get_state()[1].tolist(),  # noqa: NPY002
            sys.gettrace(),
            sys.stdout,
            (torch.softmax, torch.isclose, F.unfold, cv.comparison.difference, Tensor.sum),
            os.getcwd(),
        ]

    torch.use_deterministic_algorithms(False)  # loads what it needs, which takes seconds
    before = settings()
    feedback = check("mask_validity", changes)
    assert feedback.passed, feedback
    assert settings() == before


def _sets(name: str, value: object, owner: Any = sys) -> Callable[[], object]:
    return lambda: setattr(owner, name, value)


def _no_answer(*_: object) -> None: ...


def _timer_goes_off() -> None:
    signal.signal(signal.SIGALRM, raising(ValueError("too late")))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


THIRD = torch.tensor(1 / 3)

# What a function may do to the process, and how that is seen.
CHANGES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "ctrl-c": (
        lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGINT),
    ),
    "another signal": (
        lambda: signal.signal(signal.SIGTERM, _no_answer),
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "timer": (_timer_goes_off, lambda: signal.getitimer(signal.ITIMER_REAL)),
    "handler of the timer": (_timer_goes_off, lambda: signal.getsignal(signal.SIGALRM)),
    "profiling timer": (
        lambda: signal.setitimer(signal.ITIMER_PROF, 1000),
        lambda: signal.getitimer(signal.ITIMER_PROF),
    ),
    "blocked signals": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]),
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []),
    ),
    "running loop": (
        lambda: asyncio._set_running_loop(object()),  # type: ignore[arg-type]
        asyncio._get_running_loop,
    ),
    "recursion": (lambda: sys.setrecursionlimit(500), sys.getrecursionlimit),
    "switch interval": (lambda: sys.setswitchinterval(1), sys.getswitchinterval),
    "garbage": (gc.disable, gc.isenabled),
    "garbage thresholds": (lambda: gc.set_threshold(1), gc.get_threshold),
    "environment": (lambda: os.environ.update(OF_MINE="1"), lambda: dict(os.environ)),
    "environment emptied": (os.environ.clear, lambda: dict(os.environ)),
    "path": (sys.path.clear, lambda: list(sys.path)),
    "path rebound": (_sets("path", []), lambda: (sys.path, list(sys.path))),
    "modules": (lambda: sys.modules.pop("torch"), lambda: sys.modules.get("torch")),
    "excepthook": (_sets("excepthook", None), lambda: sys.excepthook),
    "displayhook": (_sets("displayhook", None), lambda: sys.displayhook),
    "unraisablehook": (_sets("unraisablehook", _no_answer), lambda: sys.unraisablehook),
    "hook of threads": (_sets("excepthook", None, threading), lambda: threading.excepthook),
    "trace of threads": (lambda: threading.settrace(_no_answer), threading.gettrace),
    "stdin": (_sets("stdin", None), lambda: sys.stdin),
    "stderr": (_sets("stderr", None), lambda: sys.stderr),
    "sleep": (_sets("sleep", None, time), lambda: time.sleep),
    "signal": (_sets("getpid", None, os), lambda: os.getpid),
    "sum": (_sets("max", None, np), lambda: np.max),
    "numpy's errors": (lambda: np.seterr(all="raise"), np.geterr),
    "modes of new files": (lambda: os.umask(0o777), _umask),
    "decimals": (
        lambda: setattr(decimal.getcontext(), "prec", 3),
        lambda: decimal.getcontext().prec,
    ),
    "how numpy prints": (lambda: np.set_printoptions(precision=1), np.get_printoptions),
    "how torch prints": (lambda: torch.set_printoptions(precision=1), lambda: repr(THIRD)),
    "how often torch warns": (lambda: torch.set_warn_always(True), torch.is_warn_always_enabled),
    "logging": (lambda: logging.disable(logging.CRITICAL), lambda: logging.root.manager.disable),
    "locale": (
        lambda: locale.setlocale(locale.LC_ALL, "C"),
        lambda: locale.setlocale(locale.LC_ALL),
    ),
    "warnings": (lambda: warnings.simplefilter("ignore"), lambda: list(warnings.filters)),
    "autocast": (
        lambda: torch.set_autocast_enabled("cpu", True),
        lambda: torch.is_autocast_enabled("cpu"),
    ),
    "precision": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_belongs_to_the_process_is_as_before(name: str) -> None:
    change, state = CHANGES[name]

    def changes(mask: Tensor, ksize: int) -> Tensor:
        valid = students.mask_validity(mask, ksize)
        change()
        return valid

    if name == "locale":
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    before = state()
    feedback = check("mask_validity", changes, only="hand")
    assert state() == before
    assert feedback.cases
    assert not any(word in str(feedback) for word in (UNFINISHED, "too late"))


def _without_memory(x: Tensor) -> Tensor:
    x.untyped_storage().resize_(0)
    return x


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (lambda m: _without_memory(torch.zeros(1, 16)), "another kind"),
        (lambda m: (_without_memory(m), torch.zeros(1, 16) > 0)[1], "changed its argument"),
        (lambda m: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]), "another kind"),
    ],
    ids=["answer", "argument", "nested"],
)
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_tensors_without_memory_of_their_own_end_no_process(
    returned: Callable[[Tensor], Tensor], told: str
) -> None:
    feedback = check("mask_validity", lambda mask, ksize: returned(mask), only="hand")
    assert told in str(feedback)


@pytest.mark.usefixtures("quick")
def test_ctrl_c_works_after_a_loop_of_asyncio_was_stopped() -> None:
    async def waits() -> None:
        while True:
            await asyncio.sleep(0.001)

    hooks = sys.get_asyncgen_hooks()
    loop = asyncio._get_running_loop()  # the browser's, where a test before this one has used it
    asyncio._set_running_loop(None)
    try:
        feedback = check("mask_validity", lambda mask, ksize: asyncio.run(waits()))
        assert "Stopped: it did" in str(feedback)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert asyncio._get_running_loop() is None
        assert sys.get_asyncgen_hooks() == hooks
    finally:
        asyncio._set_running_loop(loop)


def test_a_timer_of_before_goes_on() -> None:
    signal.setitimer(signal.ITIMER_REAL, 1000, 2000)
    try:
        check("mask_validity", lambda mask, ksize: signal.setitimer(signal.ITIMER_REAL, 0))
        left, interval = signal.getitimer(signal.ITIMER_REAL)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert 500 < left < 1000
    assert interval == 2000


def test_a_right_answer_is_right_whatever_the_notebook_has_set() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.no_grad(), torch.autocast("cpu"):
            feedback = check("matching_scores", students.matching_scores)
        assert torch.get_default_dtype() is torch.float64
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert feedback.passed, feedback
