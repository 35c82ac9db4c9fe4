"""Which functions are being run, and which turn each of their loops is in.

Python tells this to a debugger, by `sys.settrace`; a recording asks as one. It knows no PyTorch.
"""

import ast
import dis
import sys
import sysconfig
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Protocol

from .places import (
    COMPREHENSIONS,
    Places,
    Scope,
    Span,
    ancestors,
    contains,
    parent_of,
    span_at,
    span_of,
)

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

NAMES_ITERATED = sys.version_info >= (3, 13)  # where a loop asks for more: before, all of it
YIELD = dis.opmap["YIELD_VALUE"]

# Whose own calls are not a user's code: what they make belongs to the expression that called them.
NOT_ENTERED = ("torch", "numpy", "jaxtyping", "beartype", "typeguard", "executing")


PACKAGES = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
STANDARD = Path(sysconfig.get_path("stdlib"))


@cache
def is_entered(file: str) -> bool:
    """Whether functions of this file are stepped through, as opposed to PyTorch's and Python's."""
    if file.startswith(("<frozen", "<@beartype", "<__array_function__")):
        return False
    path = Path(file)
    for folder in PACKAGES:
        if path.is_relative_to(folder):
            return path.relative_to(folder).parts[0] not in NOT_ENTERED
    return not (path.is_relative_to(STANDARD) or path.is_relative_to(Path(__file__).parent))


@cache
def is_library(file: str) -> bool:
    """Whether it was installed, and is entered only where it is given a tensor."""
    return any(Path(file).is_relative_to(folder) for folder in PACKAGES)


def is_generated(frame: FrameType) -> bool:
    """Whether a library wrote that function: of a named tuple or data class, or to check types."""
    module = str(frame.f_globals.get("__name__"))
    return module.startswith(("namedtuple_", "jaxtyping")) or (
        frame.f_code.co_qualname.startswith("__create_fn__")
    )


def is_import(code: CodeType) -> bool:
    """Whether it is Python's own, that loads a module."""
    return code.co_name == "_find_and_load" and code.co_filename.startswith("<frozen importlib")


@dataclass(eq=False)
class Entered:
    """One call of a function: its frame while it runs, and how far each of its loops is."""

    frame: FrameType
    number: int
    depth: int
    caller: "Entered | None" = None
    around: "Entered | None" = None  # of a comprehension: the function that it stands in
    offset: int = 0  # where its last line began
    line: int = 0
    turns: dict[ast.AST, int] = field(default_factory=dict)

    def turn_of(self, loop: ast.AST) -> int:
        if loop in self.turns or self.around is None:
            return self.turns.get(loop, 0)
        return self.around.turn_of(loop)


class Aside(threading.local):
    """How many recorders of this thread are at work themselves: that is not to be recorded."""

    depth = 0


aside = Aside()


class Watcher(Protocol):
    """Who wants to hear of it."""

    def aside(self) -> AbstractContextManager[None]:
        """What is done in here is no part of what is followed, and does not fail it."""

    def entered(self, call: Entered) -> None:
        """A function was called; it has done nothing yet."""

    def left_line(self, call: Entered) -> None:
        """A line has run, that at `call.offset`."""

    def returned(self, call: Entered, result: Any) -> None:
        """A function ended with this result, or a generator yields it."""

    def raised(self, call: Entered, problem: BaseException) -> None:
        """An exception came up in a function; not told again of those that called it."""

    def concerns(self, frame: FrameType) -> bool:
        """Whether a library's function is of interest."""


class Frames:
    """The calls under way, innermost last. It tells the `watcher` of each call and line."""

    def __init__(self, places: Places, watcher: Watcher) -> None:
        self._places, self._watcher = places, watcher
        self._stack: list[Entered] = []
        self._count = 0
        self._suspended: dict[int, Entered] = {}  # generators that will go on, by their frame's id
        self._headers: dict[int, dict[int, ast.AST]] = {}  # by the id of a function's node
        self._before: list[tuple[FrameType, Any]] = []
        self._importing = False
        self._problem: BaseException | None = None  # the last that came up

    def start(self, outermost: FrameType, include: bool = False) -> None:
        """Follow what `outermost` calls from here on, and with `include` what it does itself."""
        self._outermost, self._tracer = outermost, sys.gettrace()
        if include:
            self._enter(outermost)
            self._before = [(outermost, outermost.f_trace)]
            outermost.f_trace = self._inside
        sys.settrace(self._on_call)

    def stop(self) -> None:
        """Leave everything as it was."""
        sys.settrace(self._tracer)
        for frame, tracer in self._before:
            frame.f_trace = tracer
        del self._outermost
        self._stack, self._suspended, self._before, self._problem = [], {}, [], None

    def is_deaf(self) -> bool:
        """Whether the code itself has taken `sys.settrace`, so that calls and lines go unheard."""
        # A recording within this one is no stranger, and hears on its own account.
        return not isinstance(getattr(sys.gettrace(), "__self__", None), Frames)

    def innermost(self, frame: FrameType | None) -> Entered | None:
        """The call on whose behalf `frame` runs; None if that is nothing that is followed."""
        unknown: list[FrameType] = []
        while frame is not None:
            if self._entered(frame) is not None or frame is self._outermost:
                break
            if is_import(frame.f_code):
                unknown.clear()  # a module's own code belongs to the line that imports it
            elif is_entered(frame.f_code.co_filename):
                unknown.append(frame)  # somebody else traced when it was called
            frame = frame.f_back
        for each in reversed(unknown):
            self._enter(each)
        return self._stack[-1] if self._stack else None

    def turns(self, entered: Entered, node: ast.AST | None) -> tuple[int, ...]:
        """Of each loop around `node`, from the outside: which turn it is in."""
        return tuple(entered.turn_of(loop) for loop in loops_around(node))

    def _entered(self, frame: FrameType) -> Entered | None:
        """The entry of `frame`; what was called by it and has ended unseen is dropped."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place].frame is frame:
                del self._stack[place + 1 :]
                return self._stack[place]
        return None

    def _enter(self, frame: FrameType) -> None:
        top = self._stack[-1] if self._stack else None
        depth = top.depth + 1 if top else 0
        entered, new = self._suspended.pop(id(frame), None), False
        if entered is not None:
            entered.depth = entered.around.depth if entered.around else depth
        elif (
            top
            and frame.f_code in top.frame.f_code.co_consts
            and frame.f_code.co_name in COMPREHENSIONS
        ):
            entered = Entered(frame, top.number, top.depth, around=top)
        else:
            entered, new = Entered(frame, self._count, depth), True
            entered.caller = top
            self._count += 1
        entered.offset, entered.line = frame.f_lasti, frame.f_lineno
        self._stack.append(entered)
        if new:
            self._watcher.entered(entered)
            entered.caller = None  # it would keep alive what that call holds

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if self._importing or aside.depth:
            return None
        if is_import(code):  # thousands of calls, all of no interest
            self._importing, frame.f_trace_lines = True, False
            return self._in_import
        if not is_entered(code.co_filename) or is_generated(frame):
            return None
        if is_library(code.co_filename) and not self._watcher.concerns(frame):
            return None
        with self._watcher.aside():
            self._enter(frame)
        return self._inside

    def _in_import(self, frame: FrameType, event: str, argument: Any) -> Any:
        self._importing = event != "return"
        return self._in_import

    def _inside(self, frame: FrameType, event: str, argument: Any) -> Any:
        with self._watcher.aside():
            entered = self._entered(frame)
            if entered is not None:
                self._hear(entered, event, argument)
        return self._inside

    def _hear(self, entered: Entered, event: str, argument: Any) -> None:
        frame = entered.frame
        if event == "exception" and argument[1] is not self._problem:
            self._problem = argument[1]
            self._watcher.raised(entered, argument[1])
        elif event == "line":
            self._watcher.left_line(entered)
            if frame.f_lasti <= entered.offset or frame.f_lineno == entered.line:  # it jumped back
                self._turn(entered)
            entered.offset, entered.line = frame.f_lasti, frame.f_lineno
        elif event == "return":
            self._watcher.left_line(entered)
            self._watcher.returned(entered, argument)
            self._stack.pop()
            if frame.f_code.co_code[frame.f_lasti] == YIELD:
                self._suspended[id(frame)] = entered

    def _turn(self, entered: Entered) -> None:
        code = entered.frame.f_code
        if id(code) not in self._headers:
            self._headers[id(code)] = headers(code, self._places.scope_of(entered.frame))
        loop = self._headers[id(code)].get(entered.frame.f_lasti)
        if loop is not None:
            entered.turns[loop] = entered.turns.get(loop, 0) + 1
            for other in list(entered.turns):
                if other is not loop and loop in loops_around(other):
                    del entered.turns[other]  # it begins anew


def loops_around(node: ast.AST | None) -> list[ast.AST]:
    """The loops of its function in whose turns `node` runs, from the outside."""
    loops: list[ast.AST] = []
    path = list(ancestors(node))
    for inner, outer in pairwise(path):
        if isinstance(outer, Scope):
            break
        if isinstance(outer, ast.For | ast.AsyncFor):
            loops += [outer] * (inner in outer.body)
        elif isinstance(outer, ast.While):
            loops += [outer] * (inner is outer.test or inner in outer.body)
        elif isinstance(outer, Comprehension):
            # The first generator is the outermost loop; each `for` stands in those before it.
            generators: list[ast.AST] = list(outer.generators)
            if inner in generators:
                position = generators.index(inner)
                below = path[path.index(inner) - 1] if path.index(inner) else inner
                conditions = outer.generators[position].ifs
                generators = generators[: position + (below in conditions)]
            loops += reversed(generators)
    return loops[::-1]


def headers(code: CodeType, scope: ast.AST | None) -> dict[int, ast.AST]:
    """Where a new turn of each loop begins: offsets in `code`, with the loop's node."""
    if scope is None:
        return {}
    instructions = list(dis.get_instructions(code))
    names = {each.offset: each.opname for each in instructions}
    jumps = {
        each.offset: each.argval
        for each in instructions
        if "JUMP_BACKWARD" in each.opname and "NO_INTERRUPT" not in each.opname
    }
    loop_at: dict[int, ast.AST] = {}
    for target in sorted(set(jumps.values())):
        is_for = names[target] in ("FOR_ITER", "EXTENDED_ARG")
        loops = [
            loop
            for loop in ast.walk(scope)
            if loop not in loop_at.values() and begins(loop, span_at(code, target), is_for)
        ]
        if loops:
            loop_at[target] = loops[0] if is_for else loops[-1]
    return loop_at | {jump: loop_at[target] for jump, target in jumps.items() if target in loop_at}


def begins(loop: ast.AST, span: Span, is_for: bool) -> bool:
    """Whether a turn of `loop` begins with an instruction of that span."""
    if isinstance(loop, ast.While):  # with the first statement of its body
        return not is_for and contains(loop.body[0], span)
    if not is_for or not isinstance(loop, ast.For | ast.comprehension):
        return False
    if NAMES_ITERATED:
        return span == span_of(loop.iter)
    whole = loop if isinstance(loop, ast.For) else parent_of(loop)
    return whole is not None and span == span_of(whole)
