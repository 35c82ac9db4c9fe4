"""The debugger's two homes behind the same few verbs: a page from disk, and a cell in JupyterLab.

def test_something(home):
    debugger = home.open(run, query=(4, 6))  # a cv.Trace made here
    debugger.root.locator('[data-set="fuse"]').uncheck()
    assert not home.held().config.fuse
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from playwright.sync_api import Browser, Page

import ctxattn_viz as cv
from tests.browser.drive import Debugger
from tests.browser.lab import Lab, kernel_messages
from tests.browser.pages import VIEWPORT

SETUP = """\
import torch
import ctxattn_viz as cv
photo = cv.samples.photograph("chelsea", 32)
mask = cv.samples.rectangle((photo.shape[2], photo.shape[3]), 6, 10, 8, 8)
f = cv.samples.coarse_fill(photo, mask)
trace = cv.trace(f, f, mask)
options = {}
"""
SHOW = "debugger = cv.debug(trace, **options)\ndebugger"
# What a page holds, its bytes as lists.
HELD = """() => {
    const { model } = ctxattn, { arrays } = model.get("meta"), held = model.get("buffers");
    const list = (x) => Array.from(new Uint8Array(x.buffer ?? x, x.byteOffset ?? 0, x.byteLength));
    const mask = model.get("mask"), map = (name) => [arrays[name].shape, list(held[name])];
    return [map("f"), map("b"), mask && [mask.shape, list(mask.data)], model.get("config")];
}"""


class Home(Protocol):
    """Where a debugger lives."""

    page: Page

    def open(self, run: cv.Trace, **options: Any) -> Debugger:
        """A fresh debugger of `run`; `options` are those of `cv.debug`."""

    def state(self, name: str) -> Any:
        """What is known outside of what is on screen: `query`, `pixel`, `stage`, `sample`."""

    def held(self) -> cv.Trace:
        """PyTorch's run of the inputs, the hole and the configuration that the home holds now."""


class PageHome:
    """A page from disk with the network cut."""

    def __init__(self, opened: Callable[..., Debugger]) -> None:
        self._opened = opened

    def open(self, run: cv.Trace, **options: Any) -> Debugger:
        self.debugger = self._opened(run, **options)
        self.page = self.debugger.page
        return self.debugger

    def state(self, name: str) -> Any:
        return self.page.evaluate("(name) => ctxattn.model.get(name)", name)

    def held(self) -> cv.Trace:
        self.debugger.settle_output()
        f, b, mask, config = self.page.evaluate(HELD)

        def tensor(kind: str, shape: list[int], values: list[int]) -> torch.Tensor:
            return torch.tensor(np.frombuffer(bytes(values), kind).reshape(shape).copy())

        hole = mask and tensor("u1", *mask)[:, None].float()
        return cv.trace(
            tensor("<f4", *f), tensor("<f4", *b), hole, cv.AttentionConfig.from_dict(config)
        )


class Room:
    """A notebook that is open, run, and has a debugger in its second cell: SETUP, SHOW.

    `trace` is the run that the debugger shows; in the kernel the names are those of the cells.
    """

    def __init__(self, lab: Lab, page: Page, sent: list[Any], name: str) -> None:
        self.lab, self.page, self.sent, self.name = lab, page, sent, name
        made: dict[str, Any] = {}
        exec(SETUP, made)
        self.trace: cv.Trace = made["trace"]

    def open(self, run: cv.Trace, **options: Any) -> Debugger:
        inputs = {"f": run.f, "b": run.b, "mask": run.mask}
        torch.save([inputs, run.config.to_dict(), options], self.lab.root / "run.pt")
        self.python("""
            import warnings
            inputs, config, options = torch.load("run.pt")
            with warnings.catch_warnings(action="ignore"):
                trace = cv.trace(**inputs, config=cv.AttentionConfig.from_dict(config))
        """)
        self.trace = run
        self.page.mouse.move(1, 1)
        self.run_cell(1)
        return self.debugger()

    def state(self, name: str) -> Any:
        self.catch_up()
        return self.python(f"print(json.dumps(debugger.{name}))")

    def held(self) -> cv.Trace:
        self.debugger().settle_output()
        self.catch_up()
        self.python("""
            assert debugger.answer.get("request", 0) == debugger.request, "not answered"
            held = debugger.trace
            inputs = {"f": held.f, "b": held.b, "mask": held.mask_at_b}
            torch.save([inputs, debugger.config.to_dict()], "held.pt")
        """)
        inputs, config = torch.load(self.lab.root / "held.pt")
        return cv.trace(**inputs, config=cv.AttentionConfig.from_dict(config))

    def catch_up(self) -> None:
        """Wait until the kernel knows what was done.

        What a widget has to tell while an earlier message is under way is sent when that is done:
        then this is done too.
        """
        self.python("pass")

    def debugger(self, which: int = 0) -> Debugger:
        return Debugger(self.page, self.trace.query_grid, which)

    def python(self, code: str) -> Any:
        """Run code in the kernel; the value of its last printed line, read as JSON."""
        said = self.lab.execute(self.page, f"import json\n{textwrap.dedent(code)}").strip()
        assert "Traceback" not in said, said
        return json.loads(said.splitlines()[-1]) if said else None

    def run_cell(self, index: int) -> None:
        self.lab.do(
            self.page,
            f"""async () => {{
                jupyterapp.shell.currentWidget.content.activeCellIndex = {index};
                await jupyterapp.commands.execute("notebook:run-cell");
            }}""",
        )


def furnish(lab: Lab, browser: Browser, name: str, *cells: str, **context: Any) -> Iterator[Room]:
    """A notebook to itself; all kernels end with it, so those who share one come first."""
    opened = browser.new_context(viewport=VIEWPORT, **context)
    page = opened.new_page()
    sent = kernel_messages(page)
    lab.open(page, lab.write(name, *cells))
    lab.run_all(page)
    yield Room(lab, page, sent, name)
    opened.close()
    lab.end_sessions()
