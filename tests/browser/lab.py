"""A real JupyterLab on loopback, in a folder of its own, and what a person does in it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, WebSocket

# Asked of the page, which has the application as a global (--expose-app-in-browser).
PANEL_IS_OPEN = "() => Boolean(window.jupyterapp?.shell?.currentWidget?.context?.sessionContext)"
READY = """async () => {
    const panel = jupyterapp.shell.currentWidget, session = panel.context.sessionContext;
    await panel.context.ready;
    await session.ready;
    // On a busy machine the session may be told before its kernel is.
    while (!session.session?.kernel) await new Promise((resume) => setTimeout(resume, 50));
    await session.session.kernel.info;
}"""
IS_IDLE = """() => {
    const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel;
    return kernel?.status === "idle" && kernel.connectionStatus === "connected";
}"""
ERRORS = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
    .filter((cell) => cell.type === "code")
    .flatMap((cell) => cell.outputs.toJSON())
    .filter((output) => output.output_type === "error")
    .map((output) => `${output.ename}: ${output.evalue}`)"""
# Playwright's evaluate waits for a promise without end, so the promise is kept and looked at.
START = """(source) => {
    const kept = (window.ctxattnTest = { done: false, error: null });
    eval(`(${source})`)().then(
        () => { kept.done = true; },
        (error) => { kept.done = true; kept.error = String(error); },
    );
}"""

SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # Every cell is in the document, also those that are scrolled away.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}


class Lab:
    """One JupyterLab server; `root` is the folder that it shows."""

    module = "jupyterlab"  # what is run, and where it shows a notebook
    tree = "lab/tree"

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.log = folder / "server.log"
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name, values in SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        places = {
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "IPYTHONDIR": "ipython",
        }
        command = [sys.executable, "-m", self.module, "--no-browser", "--expose-app-in-browser"]
        command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}"]
        command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"]
        command += [f"--IdentityProvider.token={self.token}"]
        command += ["--allow-root"] if os.geteuid() == 0 else []
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {name: str(folder / place) for name, place in places.items()},
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def close(self) -> None:
        """Stop the server and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the server's REST interface."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells into `root`; returns its name, for `open`."""
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.root / name)
        return name

    def copy(self, folder: Path, name: str = "notebooks") -> None:
        """Put a copy of a folder of notebooks into `root`, so that a test never edits ours."""
        ignored = shutil.ignore_patterns(".ipynb_checkpoints")
        shutil.copytree(folder, self.root / name, ignore=ignored, dirs_exist_ok=True)

    def open(self, page: Page, name: str, seconds: float = 90) -> None:
        """Show a notebook, by its path under `root`, and wait until its kernel is ready."""
        query = f"token={self.token}&reset"
        address = f"http://127.0.0.1:{self.port}/{self.tree}/{name}?{query}"
        page.goto(address, timeout=seconds * 1000)
        page.wait_for_function(PANEL_IS_OPEN, timeout=seconds * 1000)
        self.do(page, READY, seconds)
        page.wait_for_function(IS_IDLE, timeout=seconds * 1000)

    def run_all(self, page: Page, seconds: float = 180, errors: bool = False) -> None:
        """Run all cells and wait for the last; an error in a cell fails unless `errors`."""
        run = "() => jupyterapp.commands.execute('notebook:run-all-cells')"
        self.do(page, f"async {run}", seconds)
        if not errors:
            raised = self.errors(page)
            assert not raised, "\n".join(raised)

    def errors(self, page: Page) -> list[str]:
        """What the notebook's cells raised."""
        return page.evaluate(ERRORS)

    def execute(self, page: Page, code: str, seconds: float = 60) -> str:
        """Run code in the notebook's kernel beside its cells; returns what it printed."""
        source = f"""async () => {{
            const session = jupyterapp.shell.currentWidget.context.sessionContext.session;
            const future = session.kernel.requestExecute({{ code: {json.dumps(code)} }});
            let text = "";
            future.onIOPub = ({{ header, content }}) => {{
                if (header.msg_type === "stream") text += content.text;
                if (header.msg_type === "error") text += content.traceback.join("\\n");
            }};
            await future.done;
            window.ctxattnTest.text = text;
        }}"""
        self.do(page, source, seconds)
        return page.evaluate("() => window.ctxattnTest.text")

    def theme(self, page: Page, name: str) -> None:
        """Switch to a theme: "JupyterLab Light", "JupyterLab Dark"."""
        change = f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: {name!r} }})"
        self.do(page, f"async () => {change}")
        light = str("Dark" not in name).lower()
        page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    def do(self, page: Page, source: str, seconds: float = 60) -> None:
        """Run an async JavaScript function in the page, waiting no longer than `seconds`."""
        page.evaluate(START, source)
        page.wait_for_function("() => window.ctxattnTest.done", timeout=seconds * 1000)
        error = page.evaluate("() => window.ctxattnTest.error")
        assert error is None, error

    def end_sessions(self) -> None:
        """Shut down every kernel, so that the next test starts from nothing."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")

    def _wait_until_it_answers(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.api("status")
                return
            except OSError:
                time.sleep(0.2)
        self.close()
        raise RuntimeError(f"{self.module} did not start:\n{self.log.read_text()[-4000:]}")


def kernel_messages(page: Page) -> list[str | bytes]:
    """A list that grows by each message the page sends to a kernel. Ask before opening a page."""
    sent: list[str | bytes] = []

    def watch(wire: WebSocket) -> None:
        if "/channels" in wire.url:
            wire.on("framesent", lambda frame: sent.append(frame))

    page.on("websocket", watch)
    return sent
