"""Which debuggers can still be seen: in each place those of its last run, the others are closed.

ipywidgets holds every widget until it is closed: without this, each rerun of a cell and each move
of a slider would leave its trace, its comm and its listeners behind.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .widget import Debugger

Place = tuple[str, str]
Run = Any  # the id of a message, or the arguments of one call by `interact`


@dataclass
class Entry:
    """A debugger on screen.

    Attributes:
        runs: which run put it into each place that it stands in.
        past: the runs of a cell that it has replaced; a task may outlive the run that began it.
    """

    debugger: "Debugger"
    runs: dict[Place, Run]
    past: set[str] = field(default_factory=set)


_entries: list[Entry] = []


def take_place(debugger: "Debugger") -> None:
    """Let a new debugger replace those that an earlier run put into the same place.

    A run is one message of the front end, or one call by `interact`. A cell that runs replaces what
    its earlier runs made, and what callbacks have put in their stead. A callback replaces what
    stands in the `Output` that it writes to, and without one, what the same control made before.
    What one run makes stays together: two debuggers in a cell, or twenty in a loop.

    A cell is known by its id. Front ends that send none (nbclient, a plain kernel) tell it by its
    code: there two cells of the same text count as one that runs again.
    """
    from IPython import get_ipython

    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    run = _text(parent, "header", "msg_id")
    if not run:
        return
    _entries[:] = [entry for entry in _entries if entry.debugger.comm is not None]
    comm, cell = _text(parent, "content", "comm_id"), _text(parent, "metadata", "cellId")
    outputs: dict[Place, Run] = {("output", model): run for model in _outputs(run)}
    if comm:
        deciding: dict[Place, Run] = outputs or {("comm", comm): run}
    else:
        deciding = {("cell", cell) if cell else ("code", _text(parent, "content", "code")): run}
    if interaction := next(_interactions(), None):
        output, call = interaction
        place = ("output", output.model_id)
        outputs[place] = call
        is_rerun = comm or any(place in entry.runs for entry in _entries)
        deciding = {place: call} if is_rerun else deciding
    source = ("source", _source(shell))
    new = Entry(debugger, outputs | deciding | ({source: run} if source[1] else {}))
    is_late = any(run in entry.past for entry in _entries if deciding.keys() & entry.runs.keys())
    for entry in [] if is_late else [*_entries]:
        compared = deciding
        if not comm and not {"cell", "code"} & {kind for kind, _ in entry.runs}:
            compared = deciding | {source: run}  # a callback made it: it goes with the code's cell
        runs = {place: entry.runs[place] for place in compared if place in entry.runs}
        if all(_same(earlier, compared[place]) for place, earlier in runs.items()):
            continue
        new.runs = entry.runs | new.runs  # it stands where that one stood, in its cell too
        if not comm:
            new.past |= entry.past | {
                earlier for earlier in runs.values() if isinstance(earlier, str)
            }
        _entries.remove(entry)
        entry.debugger.close()
    _entries.append(new)


def _same(a: Run, b: Run) -> bool:
    return a is b or (isinstance(a, str) and a == b)


def _text(parent: Any, *names: str) -> str:
    """A string within a message; empty where it is not there."""
    for name in names:
        parent = parent.get(name) if isinstance(parent, dict) else None
    return parent if isinstance(parent, str) else ""


def _outputs(run: str) -> list[str]:
    """The `Output` widgets that take up what this run shows."""
    from ipywidgets import Output
    from ipywidgets.widgets.widget import _instances

    widgets = list(_instances.items())
    return [
        model_id
        for model_id, widget in widgets
        if isinstance(widget, Output) and widget.msg_id == run
    ]


def _frames() -> Iterator[FrameType]:
    """The calls that led here, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _interactions() -> Iterator[tuple[Any, dict[str, Any]]]:
    """The `Output` of each `interact` that is calling, and the arguments of this very call."""
    for frame in _frames():
        if frame.f_globals.get("__name__") != "ipywidgets.widgets.interaction":
            continue
        names = frame.f_locals
        if frame.f_code.co_name == "update" and names["self"].clear_output:  # of `interact`
            yield names["self"].out, names["self"].kwargs
        elif frame.f_code.co_name == "observer":  # of `interactive_output`
            yield names["out"], names["kwargs"]


def _source(shell: Any) -> str:
    """The cell whose code runs, or defines the callback that does: the outermost of a notebook.

    (ipykernel compiles the same text under the same name, whichever front end sends it.)
    """
    names = getattr(shell, "user_ns", None)
    files = [frame.f_code.co_filename for frame in _frames() if frame.f_globals is names]
    return files[-1] if files else ""
