"""Whether the debugger works in other hosts: `python -m tools.homes [HOST …]`.

Each host is started on loopback with one small notebook or app that shows a debugger. A Chromium
opens it, hovers a cell, goes to another step, changes `softmax_scale` and paints. The rows on the
page are compared with PyTorch's; what the kernel holds it writes into a file. Prints a line a host.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

import ctxattn_viz as cv
from tests.browser.drive import Debugger, close, meant_row
from tests.browser.lab import Lab
from tests.browser.pages import VIEWPORT, launched

# What every host runs. The kernel writes down what it holds whenever it answers or is told a step.
PROGRAM = """\
import json
from pathlib import Path
import ctxattn_viz as cv

photo = cv.samples.photograph("chelsea", 32)
mask = cv.samples.rectangle((photo.shape[2], photo.shape[3]), 6, 10, 8, 8)
coarse = cv.samples.coarse_fill(photo, mask)
trace = cv.trace(coarse, coarse, mask)
"""
SHOW = """\
debugger = cv.debug(trace)

def write_down(change):
    known = {{
        "stage": debugger.stage,
        "scale": debugger.config.softmax_scale,
        "hole": debugger.mask.sum().item(),
        "request": debugger.request,
        "answered": debugger.answer.get("request", 0),
    }}
    file = Path({file!r})
    file.with_suffix(".new").write_text(json.dumps(known))
    file.with_suffix(".new").rename(file)

debugger.observe(write_down, ["answer", "stage"])
"""
APP = """\
import marimo

app = marimo.App(width="full")


@app.cell
def _():
{cell}
    import marimo as mo
    view = mo.ui.anywidget(debugger)
    view
    return


if __name__ == "__main__":
    app.run()
"""
# Left to itself `marimo edit` waits for a click.
RUN_AT_ONCE = """\
[tool.marimo.runtime]
auto_instantiate = true
"""
PATIENCE = 180  # seconds
LONGEST_REASON = 400  # characters
QUERY = (5, 4)
SCALE = 2.0


class Notebook(Lab):
    """Notebook 7: JupyterLab's parts, one document a page."""

    module = "notebook"
    tree = "notebooks"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def in_notebook(folder: Path, page: Page, known: Path) -> Iterator[None]:
    """The debugger in a notebook of Notebook 7."""
    server = Notebook(folder / "notebook")
    try:
        name = server.write("try.ipynb", PROGRAM, SHOW.format(file=str(known)) + "debugger")
        server.open(page, name, PATIENCE)
        server.run_all(page)
        yield
    finally:
        server.end_sessions()
        server.close()


def in_marimo(mode: str) -> Callable[..., Any]:
    """The debugger in marimo, as `marimo edit` or `marimo run` shows it."""

    @contextmanager
    def opened(folder: Path, page: Page, known: Path) -> Iterator[None]:
        app = folder / "app.py"
        cell = textwrap.indent(PROGRAM + SHOW.format(file=str(known)), "    ")
        app.write_text(APP.format(cell=cell))
        (folder / "pyproject.toml").write_text(RUN_AT_ONCE)
        port, token = free_port(), secrets.token_hex(16)
        command = [sys.executable, "-m", "marimo", "-y", mode, str(app), "--headless"]
        command += ["--host=127.0.0.1", f"--port={port}", "--token", f"--token-password={token}"]
        places = {name: str(folder) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME")}
        places |= {"XDG_CACHE_HOME": str(folder), "MARIMO_SKIP_UPDATE_CHECK": "1"}
        with (folder / "server.log").open("w") as log:
            server = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | places,
            )
        try:
            wait_for_answer(f"http://127.0.0.1:{port}/health", server)
            page.goto(f"http://127.0.0.1:{port}/?access_token={token}")
            yield
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

    return opened


def wait_for_answer(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer")


HOSTS = {
    "notebook": ("notebook", in_notebook),
    "marimo edit": ("marimo", in_marimo("edit")),
    "marimo run": ("marimo", in_marimo("run")),
}


class Visit:
    """What a reader does with a debugger, each step compared with PyTorch or with the kernel."""

    def __init__(self, page: Page, known: Path) -> None:
        made: dict[str, Any] = {}
        exec(PROGRAM, made)
        self.trace: cv.Trace = made["trace"]
        self.page = page
        self.known = known

    def opens(self) -> None:
        """The debugger is there, with its pictures."""
        self.page.locator('[data-ctxattn="debugger"]').wait_for(timeout=PATIENCE * 1000)
        self.debugger = Debugger(self.page, self.trace.query_grid)
        fatal = self.debugger.root.locator(".ctx-fatal")
        assert not fatal.count(), fatal.inner_text()
        self.debugger.canvas("foreground").wait_for()
        self.debugger.settle_output()

    def hovers(self) -> None:
        """A cell under the mouse shows its row of attention."""
        self.is_row_of(self.trace, "attention")

    def steps(self) -> None:
        """Another step shows its row, and the kernel is told."""
        self.debugger.show("scores")
        self.is_row_of(self.trace, "scores")
        self.settle_with_kernel(lambda known: known["stage"] == "scores")

    def changes(self) -> None:
        """A setting goes to the kernel, and its answer is what the page shows."""
        before = self.read()["request"]
        self.debugger.show("attention")
        self.debugger.root.locator('[data-set="softmax_scale"]').fill(str(SCALE))
        self.settle_with_kernel(
            lambda known: known["answered"] > before and known["scale"] == SCALE
        )
        changed = self.trace.revised(config=self.trace.config.replace(softmax_scale=SCALE))
        self.is_row_of(changed, "attention")
        self.debugger.show("output")
        self.is_row_of(changed, "output")

    def paints(self) -> None:
        """A painted hole goes to the kernel, its bytes in a trait that holds others."""
        before = self.read()
        self.debugger.root.locator('[data-tool="brush"]').click()
        self.debugger.move(1, 1)
        self.page.mouse.down()
        self.debugger.move(1, 3)
        self.page.mouse.up()
        self.settle_with_kernel(
            lambda known: known["answered"] > before["answered"] and known["hole"] > before["hole"]
        )

    def is_row_of(self, trace: cv.Trace, stage: str) -> None:
        """Hover the query: its numbers are PyTorch's."""
        self.debugger.move(*QUERY)
        self.debugger.expect("query", ",".join(map(str, QUERY)))
        close(self.debugger.row(stage), meant_row(trace, stage, *QUERY))

    def read(self) -> dict[str, Any]:
        """What the kernel wrote down last."""
        known: dict[str, Any] = json.loads(self.known.read_text())
        return known

    def settle_with_kernel(self, is_there: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for the kernel, and then for the page, which must not have gone on alone."""
        deadline = time.monotonic() + 30
        while not (self.known.exists() and is_there(self.read())):
            known = self.known.read_text() if self.known.exists() else "nothing"
            assert time.monotonic() < deadline, f"the kernel wrote down {known}"
            self.page.wait_for_timeout(50)
        self.debugger.settle_output()
        said = self.debugger.root.inner_text()
        assert "the kernel is gone" not in said, "the page goes on without a kernel"
        refusal = self.debugger.root.locator(".ctx-story[role=alert]")
        assert not refusal.count(), refusal.inner_text()


STEPS = (Visit.opens, Visit.hovers, Visit.steps, Visit.changes, Visit.paints)


def seen(host: str, browser: Browser) -> tuple[str, bool]:
    """A host's line, and whether all of it worked."""
    package, opened = HOSTS[host]
    if importlib.util.find_spec(package) is None:
        return f"{host}: not installed (pip install {package})", False
    words, works = [], False
    with tempfile.TemporaryDirectory() as folder:
        context = browser.new_context(viewport=VIEWPORT)
        page = context.new_page()
        known = Path(folder) / "known.json"
        try:
            with opened(Path(folder), page, known):
                visit = Visit(page, known)
                for step in STEPS:
                    words.append(step.__name__)
                    step(visit)
                works = True
        except Exception as problem:
            reason = " ".join(str(problem).split())[:LONGEST_REASON]
            last = words.pop() if words else "starts"
            words.append(f"{last}: NO ({type(problem).__name__}: {reason})")
        context.close()
    return f"{host} {version(package)}: {' · '.join(words)}", works


def main(arguments: list[str] | None = None) -> None:
    """Try the hosts one after the other."""
    parser = argparse.ArgumentParser(prog="homes", description=__doc__.splitlines()[0])
    parser.add_argument("hosts", nargs="*", choices=[*HOSTS, []], help="default: all of them")
    options = parser.parse_args(arguments)
    worked = []
    with launched() as browser:
        for host in options.hosts or HOSTS:
            line, works = seen(host, browser)
            print(line, flush=True)
            worked.append(works)
    if not all(worked):
        sys.exit(1)


if __name__ == "__main__":
    main()
