"""Judging a notebook's function outside of the notebook's kernel, for grades.

A hidden cell calls `require`. It sends the source of the notebook's earlier cells to a process of
its own (`python -I`), the *judge*. The judge starts a second one, the *runner*, which runs those
cells and then calls the student's function on inputs alone. Seeds, targets and the comparison stay
in the judge, so that nothing that a student's code replaces reaches them. What comes back from
the runner is read as numbers, never unpickled, and is bounded in size and time.

A kernel can be made to report what it likes: whoever attacks `require` itself is not stopped here.
"""

import functools
import json
import linecache
import math
import os
import queue
import secrets
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from ..errors import InputError
from .attempts import DTYPES, MOST_ELEMENTS, Outcome, Student
from .checking import EXERCISES, answer
from .feedback import Feedback
from .limits import GRADING_SECONDS, LEAST_SECONDS, within
from .ports import faulty_port, name_the_stage
from .settings import usual_settings

# Names a file with a list of integers; `make assignments` writes it into the course's folder.
HIDDEN_SEEDS = "CTXATTN_VIZ_HIDDEN_SEEDS"
SECONDS = 300.0  # for one judgement outside of a course, on however busy a machine
MOST_BYTES = 100_000_000  # of one message
MARK = "BEGIN HIDDEN TESTS"
_FAILED = {"passed": False, "text": "The grading itself failed: tell your teacher."}
_RUNNING = "CTXATTN_VIZ_RUNNING_FOR_GRADES"

# `-I` ignores PYTHONPATH and the user's packages: both folders are named instead.
_START = (
    "import runpy, sys; sys.path[:0] = [sys.argv[2]]; sys.path.append(sys.argv[3]); "
    "sys.argv[1:] = sys.argv[1:2]; "
    "runpy.run_module('ctxattn_viz.exercises.grading', run_name='__main__', alter_sys=True)"
)
_FOLDERS = [str(Path(__file__).parents[2]), str(Path(torch.__file__).parents[1])]


class NotYet(AssertionError):
    """An answer that is not right, shown without the cell that asked."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def require(exercise: str, points: str) -> None:
    """Raise `NotYet` unless the function that the notebook's earlier cells define earns points.

    Args:
        exercise: a key of `EXERCISES`, and the function's name in the notebook.
        points: `"fits"` for tensors of the right shape, `"hand"` for the cases worked by hand,
            `"all"` for these, the random ones and those of the hidden seeds.
    """
    _require({"exercise": exercise, "cells": _earlier_cells()}, points)


def require_stage(seed: int, stage: object) -> None:
    """Raise `NotYet` unless `stage` is where `faulty_port(seed)` goes wrong."""
    _require({"port": seed, "stage": str(stage)[:100]}, "all")


def _earlier_cells() -> list[str]:
    """The source of the cells that ran before this one, without those that are graded."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise InputError("grading", "a notebook's kernel", "none")
    cells = [str(cell) for cell in shell.history_manager.input_hist_raw[:-1]]
    if not any(cells):  # a kernel that is told to keep no history, as nbval tells it
        files = getattr(shell.compile, "_filename_map", ())
        cells = ["".join(linecache.getlines(file)) for file in files]
    return [cell for cell in cells if MARK not in cell]


def _require(request: dict[str, Any], points: str) -> None:
    if os.environ.get(_RUNNING):  # these cells are themselves being run for grades
        return
    verdict = _verdicts(json.dumps(request)).get(points, _FAILED)
    if verdict.get("passed") is not True:
        raise NotYet(str(verdict.get("text")))


@functools.cache  # the cells of a notebook that are graded ask about the same function
def _verdicts(request: str) -> dict[str, Any]:
    """What the judge says, by the points that are asked for; nothing where it fails."""
    judge = subprocess.Popen(
        [sys.executable, "-I", "-c", _START, "judge", *_FOLDERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        # The judge ends by itself at its limit; twice that is for a machine that is stuck.
        reply, _ = judge.communicate(request, 2 * _seconds() + 30)
        return dict(json.loads(reply))
    except (ValueError, subprocess.TimeoutExpired):
        return {}
    finally:
        judge.kill()


def _seconds() -> float:
    try:
        return float(os.environ[GRADING_SECONDS]) / 2
    except (KeyError, ValueError):
        return SECONDS


def hidden_seeds() -> list[int]:
    """The course's seeds; where there is no course, new ones."""
    path = os.environ.get(HIDDEN_SEEDS)
    if not path:
        return [secrets.randbelow(2**32) for _ in range(2)]
    return [int(seed) for seed in json.loads(Path(path).read_text("utf-8"))]


# In the judge


def judge(request: dict[str, Any]) -> dict[str, Any]:
    """The verdicts on what `require` or `require_stage` asks, by points."""
    if "port" in request:
        feedback = name_the_stage(faulty_port(request["port"]), request["stage"])
        return {"all": _verdict(feedback.passed, feedback)}
    seeds = hidden_seeds()
    exercise = EXERCISES[request["exercise"]]
    with usual_settings():
        runner = Runner(request, exercise.parameters)
        try:
            fits = answer(exercise, runner, exercise.cases(0))
            hand = answer(exercise, runner, exercise.cases(0, "hand"))
            hidden = [case for seed in seeds for case in exercise.cases(seed, "random")]
            all_cases = answer(exercise, runner, exercise.cases(0) + hidden)
        finally:
            runner.end()
    return {
        "fits": _verdict(fits.fits, fits),
        "hand": _verdict(hand.passed, hand),
        "all": _verdict(all_cases.passed, all_cases),
    }


def _verdict(passed: bool, feedback: Feedback) -> dict[str, Any]:
    return {"passed": passed, "text": str(feedback)}


class Runner:
    """The process that runs the student's code; called like a `Student`."""

    def __init__(self, request: dict[str, Any], parameters: Sequence[str]) -> None:
        self.deadline = time.monotonic() + _seconds()
        environment = {k: v for k, v in os.environ.items() if k != HIDDEN_SEEDS}
        reading, writing = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, f"run:{writing}:{os.getpid()}", *_FOLDERS],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**environment, _RUNNING: "1", "MPLBACKEND": "Agg"},
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        self.messages: queue.Queue[tuple[dict[str, Any], list[Tensor]] | None] = queue.Queue()
        threading.Thread(target=self._listen, args=[reading], daemon=True).start()
        # In a thread of its own: a runner that does not read must not stop the judge.
        self.requests: queue.Queue[tuple[dict[str, Any], list[Tensor]]] = queue.Queue()
        threading.Thread(target=self._send_requests, daemon=True).start()
        first = {"cells": request["cells"], "function": request["exercise"]}
        self.requests.put(({**first, "parameters": list(parameters)}, []))

    def __call__(self, *arguments: Any) -> Outcome:
        self.requests.put(_packed_arguments(arguments))
        try:
            message = self.messages.get(timeout=max(self.deadline - time.monotonic(), 0))
        except queue.Empty:
            return Outcome(problem="Stopped: your function did not end in time.", ended=False)
        if message is None:
            problem = "The notebook's earlier cells, run by themselves, came to an end too early."
            return Outcome(problem=problem, ended=False)
        values, tensors = message
        yours = tensors[0] if tensors else None
        problem, printed = (str(values.get(key, ""))[:20_000] for key in ("problem", "printed"))
        if yours is None and not problem:
            problem = "Expected a torch.Tensor, got nothing."
        return Outcome(yours, problem, printed, bool(values.get("ended", True)))

    def _send_requests(self) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):
            while True:
                _write(self.process.stdin, *self.requests.get())

    def _listen(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as file, suppress(Exception):
            while True:
                self.messages.put(_read(file))
        self.messages.put(None)

    def end(self) -> None:
        """Kill the process and those that it started in its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


# In the runner


def _end_with(judge: int) -> None:
    """Kill this process, and what it has started, when the judge is gone or its time is over."""
    end = time.monotonic() + 2 * _seconds() + 30
    while os.getppid() == judge and time.monotonic() < end:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


# Magics that show or time something, or run other programs: they define nothing, and take long.
_SKIPPED = (
    *("matplotlib", "pylab", "timeit", "prun", "debug", "pdb", "pip", "conda"),
    *("bash", "sh", "script", "sx", "system", "!"),
)


def _run_cells(cells: Sequence[str]) -> dict[str, Any]:
    """What the cells of a notebook define, run again after the notebook itself.

    One that fails does not stop the next. Nor does one without end: together they get half of the
    time. Lines for the shell have had their effect in the notebook, and are not run again.
    """
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def system(self, cmd: str) -> None: ...

        def getoutput(self, *_: object, **__: object) -> list[str]:
            return []

        def showtraceback(self, *_: object, **__: object) -> None: ...

        showsyntaxerror = showtraceback

    def nothing(line: str, cell: str = "") -> None: ...

    def stop(*_: object) -> None:
        raise TimeoutError

    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    for name in _SKIPPED:
        shell.magics_manager.register_function(nothing, "line_cell", name)
    end = time.monotonic() + _seconds() / 2
    for cell in cells:
        left = max(end - time.monotonic(), LEAST_SECONDS)
        with suppress(BaseException):
            # The alarm ends what only waits, as a long sleep; `within` ends what catches that.
            signal.signal(signal.SIGALRM, stop)
            signal.setitimer(signal.ITIMER_REAL, left, 0.5)
            within(left, functools.partial(shell.run_cell, cell, store_history=True))
        signal.setitimer(signal.ITIMER_REAL, 0)
    return dict(shell.user_ns)


def run(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Run the notebook's cells, then call the function as often as it is asked for."""
    first, _ = _read(requests)
    function = _run_cells(first["cells"]).get(first["function"])
    student = Student(function, tuple(first["parameters"])) if callable(function) else None
    while True:
        values, tensors = _read(requests)
        loaded = [tensors[x["tensor"]] if isinstance(x, dict) else x for x in values["arguments"]]
        arguments = [tuple(x) if isinstance(x, list) else x for x in loaded]
        name = first["function"]
        problem = f"After the earlier cells {name} is not a function, or they took too long."
        outcome = Outcome(problem=problem)
        if student:
            outcome = student(*arguments)
        tensors = [] if outcome.yours is None else [outcome.yours]
        report = {"problem": outcome.problem, "printed": outcome.printed, "ended": outcome.ended}
        _write(replies, report, tensors)


# Messages: their length, a header in JSON, then the numbers of each tensor


def _packed_arguments(arguments: Sequence[Any]) -> tuple[dict[str, Any], list[Tensor]]:
    tensors = [x for x in arguments if isinstance(x, Tensor)]
    places = iter(range(len(tensors)))
    values = [{"tensor": next(places)} if isinstance(x, Tensor) else x for x in arguments]
    return {"arguments": values}, tensors


def _write(file: IO[bytes], values: dict[str, Any], tensors: Sequence[Tensor] = ()) -> None:
    descriptions = [{"dtype": str(x.dtype), "shape": list(x.shape)} for x in tensors]
    header = json.dumps({"values": values, "tensors": descriptions}).encode()
    blocks = [x.contiguous().flatten().view(torch.uint8).numpy().tobytes() for x in tensors]
    file.write(b"".join([struct.pack("<Q", len(header)), header, *blocks]))
    file.flush()


def _read(file: IO[bytes]) -> tuple[dict[str, Any], list[Tensor]]:
    """A message; anything else raises."""
    (length,) = struct.unpack("<Q", _read_exactly(file, 8))
    header = json.loads(_read_exactly(file, length))
    tensors = []
    for description in header["tensors"][:100]:
        dtype = {str(x): x for x in DTYPES}[description["dtype"]]
        shape = [int(size) for size in description["shape"]]
        count = math.prod(shape)
        if len(shape) > 20 or min(shape, default=0) < 0 or count > MOST_ELEMENTS:
            raise ValueError("a tensor of a size that is not expected")
        raw = bytearray(_read_exactly(file, count * dtype.itemsize))
        flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
        # A byte that is neither 0 nor 1 is no bool.
        flat = flat.view(torch.uint8) != 0 if dtype == torch.bool else flat
        tensors.append(flat.reshape(shape))
    return header["values"], tensors


def _read_exactly(file: IO[bytes], length: int) -> bytes:
    if length > MOST_BYTES:
        raise ValueError("a message that is too long")
    data = file.read(length)
    if len(data) < length:
        raise EOFError
    return data


def main() -> None:
    """What the processes run: `judge`, or `run:`, where to answer, and the judge's number."""
    role, _, numbers = sys.argv[1].partition(":")
    if role == "judge":
        print(json.dumps(judge(json.loads(sys.stdin.read()))))
        sys.stdout.flush()
        os._exit(0)  # whatever still waits for the runner does not matter any more
    replies, judge_process = map(int, numbers.split(":"))
    threading.Thread(target=_end_with, args=[judge_process], daemon=True).start()
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # input() of a student ends at once
    with suppress(EOFError, BrokenPipeError):
        run(requests, os.fdopen(replies, "wb"))
    os._exit(0)


if __name__ == "__main__":
    main()
