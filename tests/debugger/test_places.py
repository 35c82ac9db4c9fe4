"""Which debuggers stay open: those that can still be seen, however they came to be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

import ctxattn_viz as cv
from ctxattn_viz.debugger import places
from ctxattn_viz.debugger.widget import Debugger
from tests.support.inputs import hole, maps


class Notebook:
    """An IPython shell that says which message it works on, as ipykernel's does."""

    def __init__(self) -> None:
        self.parent: dict[str, Any] = {}
        self.user_ns: dict[str, Any] = {}
        self.count = 0
        self.trace = cv.trace(maps(), maps(seed=1), hole())

    def get_parent(self) -> dict[str, Any]:
        return self.parent

    @contextlib.contextmanager
    def message(self, content: dict[str, Any], **metadata: str) -> Iterator[None]:
        self.count += 1
        header = {"msg_id": f"message {self.count}"}
        before, self.parent = self.parent, {"header": header, "content": content}
        self.parent["metadata"] = metadata
        try:
            yield
        finally:
            self.parent = before

    def cell(self, code: str, cell: str | None = None) -> Any:
        """Run a cell, with its id or without."""
        return self.message({"code": code}, **({"cellId": cell} if cell else {}))

    def moves(self, control: ipywidgets.Widget) -> Any:
        """A message of a control, within which its callbacks run."""
        return self.message({"comm_id": control.model_id, "data": {}})

    def show(self) -> Debugger:
        return cv.debug(self.trace)


def capturing(output: ipywidgets.Output, notebook: Notebook) -> Any:
    """`with output:` as in a kernel: the widget says whose output it takes up."""

    @contextlib.contextmanager
    def capture() -> Iterator[None]:
        output.msg_id = notebook.parent["header"]["msg_id"]
        try:
            yield
        finally:
            output.msg_id = ""

    return capture()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    notebook = Notebook()
    monkeypatch.setattr("IPython.get_ipython", lambda: notebook)
    monkeypatch.setattr(places, "_entries", [])
    return notebook


def still_open(*debuggers: Debugger) -> list[bool]:
    return [one.comm is not None for one in debuggers]


@pytest.mark.parametrize("cell", ["a", None], ids=["with its id", "without"])
def test_a_cell_that_runs_again_replaces_what_it_made(notebook: Notebook, cell: str | None) -> None:
    first = []
    for _ in range(4):
        with notebook.cell("cv.debug(trace); cv.debug(trace)", cell):
            last = notebook.show(), notebook.show()
        first += last
    assert still_open(*first) == [False] * 6 + [True] * 2


def test_two_cells_keep_a_debugger_each(notebook: Notebook) -> None:
    with notebook.cell("cv.debug(trace)", "a"):
        one = notebook.show()
    with notebook.cell("cv.debug(trace)", "b"):
        other = notebook.show()
    with notebook.cell("cv.debug(trace)"):
        third = notebook.show()
    with notebook.cell("cv.debug(trace, stage='scores')"):
        fourth = notebook.show()
    assert still_open(one, other, third, fourth) == [True] * 4


def test_an_edited_cell_is_the_same_cell(notebook: Notebook) -> None:
    with notebook.cell("cv.debug(trace)", "a"):
        one = notebook.show()
    with notebook.cell("cv.debug(other)", "a"):
        other = notebook.show()
    assert still_open(one, other) == [False, True]


@pytest.mark.parametrize("cell", ["a", None], ids=["with its id", "without"])
@pytest.mark.parametrize("count", [1, 2], ids=["one a call", "two a call"])
def test_interact_keeps_what_its_last_call_made(
    notebook: Notebook, cell: str | None, count: int
) -> None:
    calls: list[list[Debugger]] = []
    call = lambda x: calls.append([notebook.show() for _ in range(count)])  # noqa: E731
    with notebook.cell("interact(call, x=5)", cell):
        beside = notebook.show()
        control = ipywidgets.interactive(call, x=ipywidgets.IntSlider(5))
        control.update()
    slider = control.children[0]
    for value in range(6):
        with notebook.moves(slider):
            slider.value = value
    *earlier, last = calls
    assert len(calls) > 6
    assert still_open(*(one for call in earlier for one in call)) == [False] * count * len(earlier)
    assert still_open(beside, *last) == [True] * (count + 1)
    with notebook.cell("slider.value = 9", "elsewhere"):  # the same from Python, in one message
        here = notebook.show()
        slider.value = 9
        slider.value = 8
    assert still_open(*calls[-2], *calls[-3]) == [False] * 2 * count
    assert still_open(beside, here, *calls[-1]) == [True] * (count + 2)
    with notebook.cell("slider.value = 9", "elsewhere"):  # it replaces its own, not interact's
        pass
    with notebook.cell("interact(call, x=5)", cell):  # the cell again: all of it is replaced
        again = ipywidgets.interactive(call, x=ipywidgets.IntSlider(5))
        again.update()
    assert still_open(beside, *calls[-2]) == [False] * (count + 1)
    assert still_open(here, *calls[-1]) == [True] * (count + 1)


def test_interactive_output_keeps_what_its_last_call_made(notebook: Notebook) -> None:
    debuggers: list[Debugger] = []
    slider = ipywidgets.IntSlider(5)
    with notebook.cell("interactive_output(…)", "a"):
        ipywidgets.interactive_output(lambda x: debuggers.append(notebook.show()), {"x": slider})
    for value in range(6):
        with notebook.moves(slider):
            slider.value = value
    assert still_open(*debuggers) == [False] * (len(debuggers) - 1) + [True]


def test_callbacks_that_write_to_an_output_replace_what_stands_there(notebook: Notebook) -> None:
    left, right = ipywidgets.Output(), ipywidgets.Output()
    slider, button = ipywidgets.IntSlider(), ipywidgets.Button()
    debuggers: dict[str, list[Debugger]] = {"left": [], "right": []}

    def show(output: ipywidgets.Output, name: str) -> None:
        with capturing(output, notebook):
            debuggers[name].append(notebook.show())

    slider.observe(lambda _: show(left, "left"), "value")
    button.on_click(lambda _: show(right, "right"))
    with notebook.cell("…", "a"):
        show(left, "left")
        show(right, "right")
    for value in range(1, 7):
        with notebook.moves(slider):
            slider.value = value
    for _ in range(3):
        with notebook.moves(button):
            button.click()
    for some in debuggers.values():
        assert still_open(*some) == [False] * (len(some) - 1) + [True]
    with notebook.moves(button):  # another control, the same place
        show(left, "left")
    assert still_open(*debuggers["left"][-2:], debuggers["right"][-1]) == [False, True, True]


def test_callbacks_without_an_output_replace_their_own(notebook: Notebook) -> None:
    controls = [ipywidgets.Button(), ipywidgets.IntSlider()]
    debuggers: list[list[Debugger]] = [[], []]
    with notebook.cell("box", "a"):
        beside = notebook.show()
    for _ in range(4):
        for control, some in zip(controls, debuggers, strict=True):
            with notebook.moves(control):
                some.append(notebook.show())
    for some in debuggers:
        assert still_open(*some) == [False, False, False, True]
    assert still_open(beside) == [True]


def in_a_notebook(notebook: Notebook, code: str, file: str) -> Any:
    """A function that a cell defines, compiled under the cell's name."""
    notebook.user_ns |= {"show": notebook.show}
    exec(compile(code, file, "exec"), notebook.user_ns)
    return notebook.user_ns


def test_what_a_callback_made_goes_with_the_cell_that_defines_it(notebook: Notebook) -> None:
    code, debuggers = "def call(): return show()\nfirst = show()", []
    for _ in range(3):
        with notebook.cell(code, "a"):
            names = in_a_notebook(notebook, code, "cell a")
        button = ipywidgets.Button()  # a new one each time, as the cell makes it
        with notebook.moves(button):
            debuggers += [names["first"], names["call"]()]
    assert still_open(*debuggers) == [False] * 4 + [True] * 2
    with notebook.cell("show()", "b"):
        in_a_notebook(notebook, "show()", "cell b")
    assert still_open(*debuggers[-2:]) == [True] * 2


def test_a_task_that_outlives_its_run_closes_nothing_newer(notebook: Notebook) -> None:
    with notebook.cell("create_task(…)", "a"):
        old, parent = [notebook.show()], notebook.parent
    with notebook.cell("create_task(…)", "a"):
        new = notebook.show()
    notebook.parent = parent  # as asyncio's tasks remember it
    old += [notebook.show(), notebook.show()]
    assert still_open(new, *old) == [True, False, True, True]
    with notebook.cell("create_task(…)", "a"):
        newest = notebook.show()
    assert still_open(new, *old, newest) == [False] * 4 + [True]


ODD: dict[str, Any] = {
    "none": None,
    "empty": {},
    "text": "parent",
    "no header": {"metadata": {"cellId": "a"}},
    "header none": {"header": None, "metadata": None, "content": None},
    "id number": {"header": {"msg_id": 5}},
    "cell number": {"header": {"msg_id": "1"}, "metadata": {"cellId": 5}, "content": [1]},
}


@pytest.mark.parametrize("name", ODD)
def test_no_parent_of_any_form_stops_a_debugger(notebook: Notebook, name: str) -> None:
    notebook.parent = ODD[name]
    assert still_open(notebook.show(), notebook.show()) == [True, True]


def test_closed_debuggers_are_not_held(notebook: Notebook) -> None:
    with notebook.cell("cv.debug(trace)", "a"):
        one = notebook.show()
        one.close()
        other = notebook.show()
    assert [entry.debugger for entry in places._entries] == [other]


# ---- in a real kernel ----

SETUP = """
import asyncio, torch, ipywidgets, ctxattn_viz as cv
from ipywidgets.widgets.widget import _instances
from ctxattn_viz.debugger.widget import Debugger
trace = cv.trace(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))
def count(): return sum(isinstance(one, Debugger) for one in _instances.values())
"""
INTERACT = """
@ipywidgets.interact(x=(0, 10))
def call(x=5): return cv.debug(trace)
slider = call.widget.children[0]
"""
OBSERVE = """
box, slider = ipywidgets.VBox(), ipywidgets.IntSlider()
def update(change): box.children = [cv.debug(trace)]
slider.observe(update, 'value')
"""


class Kernel:
    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client

    def run(self, code: str) -> None:
        reply = self.client.execute(code, reply=True, timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]

    def ask(self, expression: str) -> Any:
        reply = self.client.execute(
            "", user_expressions={"value": expression}, reply=True, timeout=60
        )
        value = reply["content"]["user_expressions"]["value"]
        return eval(value["data"]["text/plain"])

    def move(self, slider: str, value: int) -> None:
        """What a front end sends when a person moves a slider."""
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        content = {"comm_id": self.ask(f"{slider}.model_id"), "data": data}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))
        assert self.ask(f"{slider}.value") == value


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        kernel = Kernel(client)
        kernel.run(SETUP)
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_kernel_without_cell_ids_replaces_too(kernel: Kernel) -> None:
    before = kernel.ask("count()")
    for _ in range(3):
        kernel.run("one, other = cv.debug(trace), cv.debug(trace)")
    assert kernel.ask("count()") == before + 2


def test_six_moves_of_interacts_slider_leave_one(kernel: Kernel) -> None:
    before = kernel.ask("count()")
    for _ in range(2):
        kernel.run(INTERACT)
        for value in (6, 7, 8, 9, 10, 0):
            kernel.move("slider", value)
        assert kernel.ask("count()") == before + 1


def test_six_moves_of_an_observed_slider_leave_one(kernel: Kernel) -> None:
    before = kernel.ask("count()")
    kernel.run(OBSERVE)
    for value in (6, 7, 8, 9, 10, 1):
        kernel.move("slider", value)
    assert kernel.ask("count()") == before + 1


def test_a_task_of_a_cell_keeps_all_of_its_own(kernel: Kernel) -> None:
    before = kernel.ask("count()")
    kernel.run(
        "async def several():\n    for _ in range(3):\n        cv.debug(trace)\n"
        "        await asyncio.sleep(0)\ntask = asyncio.create_task(several())\nawait task"
    )
    assert kernel.ask("count()") == before + 3
