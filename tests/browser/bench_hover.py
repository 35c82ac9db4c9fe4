"""How long a hover and a step take, from the handler's entry until everything is drawn.

`make bench` runs this and writes RESULTS.md. Nothing here fails for being slow; it fails if a
hover tells the kernel anything.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from playwright.sync_api import Browser, Page

import ctxattn_viz as cv
from ctxattn_viz.debugger import assets
from tests.benchmarks.results import table, write_section
from tests.browser.drive import ROOT
from tests.browser.lab import Lab, kernel_messages
from tests.browser.pages import VIEWPORT

MOVES = 200
# In each frame one event, as a mouse sends them; then layout and the canvases' pixels are asked
# for, which the browser answers only when all that was drawn is there.
MEASURE = """async (root, { cells, grid, kind }) => {
    const stack = root.querySelector('canvas[data-view="foreground"]').parentElement;
    const steps = [...root.querySelectorAll(".ctx-strip .ctx-step")];
    const canvases = [...root.querySelectorAll("canvas[data-view]")];
    const box = stack.getBoundingClientRect(), spent = [];
    for (const [i, [row, col]] of cells.entries()) {
        await new Promise(requestAnimationFrame);
        const event = new PointerEvent("pointermove", {
            bubbles: true, clientX: box.left + (col + 0.5) * box.width / grid[1],
            clientY: box.top + (row + 0.5) * box.height / grid[0],
        });
        const start = performance.now();
        if (kind === "hover") stack.dispatchEvent(event);
        else steps[i % steps.length].click();
        document.body.offsetHeight;
        for (const canvas of canvases) canvas.getContext("2d").getImageData(0, 0, 1, 1);
        spent.push(performance.now() - start);
        const { query } = root.dataset;
        if (kind === "hover" && query !== `${row},${col}`) throw Error(`drawn: ${query}`);
    }
    return spent;
}"""


# From letting the mouse go until the output is the new hole's.
WATCH = """(root) => {
    let released = 0;
    root.spent = [];
    root.addEventListener("pointerup", () => { released = performance.now(); });
    new MutationObserver(() => {
        if (root.getAttribute("aria-busy") !== "false" || !released) return;
        root.spent.push(performance.now() - released);
        released = 0;
    }).observe(root, { attributeFilter: ["aria-busy"] });
}"""
STROKES = 20


def photo_run(size: int) -> cv.Trace:
    photo = cv.samples.photograph("astronaut", size)
    mask = cv.samples.rectangle((size, size), size // 3, size // 3, size // 4, size // 4)
    f = cv.samples.coarse_fill(photo, mask)
    return cv.trace(f, f, mask)


def deep_run() -> cv.Trace:
    draw = torch.Generator().manual_seed(0)
    f = torch.randn(1, 128, 128, 128, generator=draw)
    return cv.trace(f, f)


def cells(grid: tuple[int, int]) -> list[list[int]]:
    """A path that wanders as a hand does, with a jump now and then."""
    draw = np.random.default_rng(0)
    at, path = np.array(grid) // 2, []
    while len(path) < MOVES:
        step = draw.integers(-3, 4, 2) if draw.random() < 0.9 else draw.integers(-20, 21, 2)
        moved = np.clip(at + step, 0, np.array(grid) - 1)
        if (moved != at).any():
            at = moved
            path.append([int(v) for v in at])
    return path


def spent(page: Page, run: cv.Trace, kind: str) -> str:
    """`p50 / p95` in milliseconds."""
    argument = {"cells": cells(run.query_grid), "grid": list(run.query_grid), "kind": kind}
    root = page.locator(ROOT).first
    root.evaluate(MEASURE, argument | {"cells": argument["cells"][:20]})  # warm
    half, most = np.percentile(root.evaluate(MEASURE, argument), [50, 95])
    return f"{half:.1f} / **{most:.1f}**"


def answered(page: Page) -> str:
    """`p50 / p95` in milliseconds, of strokes that the kernel answers with the whole output."""
    root = page.locator(ROOT).first
    root.locator('[data-tool="rectangle"]').click()
    canvas = root.locator('canvas[data-view="foreground"]')
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    root.evaluate(WATCH)
    for stroke in range(STROKES):
        part = 0.2 + 0.02 * stroke
        x, y = box["x"] + part * box["width"], box["y"] + part * box["height"]
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + box["width"] / 8, y + box["height"] / 16)
        page.mouse.up()
        while len(spent := root.evaluate("(root) => root.spent")) <= stroke:
            page.wait_for_timeout(20)
    half, most = np.percentile(spent, [50, 95])
    return f"{half:.0f} / **{most:.0f}**"


def test_hover_and_step(offline: Any, lab: Lab, chromium: Browser, tmp_path: Path) -> None:
    rows = []
    for name, make, bound in [
        ("64×64, 3 channels", lambda: photo_run(128), 16),
        ("128×128, 3 channels", lambda: photo_run(256), 33),
        ("64×64, 128 channels", deep_run, 100),
    ]:
        run = make()
        path = cv.save_page(run, tmp_path / "page.html")
        start = time.perf_counter()
        page = offline(path)
        page.locator(ROOT).first.wait_for()
        opened = time.perf_counter() - start
        hover = spent(page, run, "hover")
        page.mouse.move(1, 1)
        page.evaluate(f"ctxattn.model.set('query', {[v // 2 for v in run.query_grid]})")
        step = spent(page, run, "step")
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        rows.append([name, "page", hover, step, str(bound), f"{opened:.2f} s", size, "–"])
        page.context.close()
        print(rows[-1])
    run = photo_run(128)
    code = "import ctxattn_viz as cv\nphoto = cv.samples.photograph('astronaut', 128)\n"
    code += "mask = cv.samples.rectangle((128, 128), 42, 42, 32, 32)\n"
    code += "f = cv.samples.coarse_fill(photo, mask)\ntrace = cv.trace(f, f, mask)\n"
    code += "_ = trace['output']"
    context = chromium.new_context(viewport=VIEWPORT)
    page = context.new_page()
    sent = kernel_messages(page)
    lab.open(page, lab.write("bench.ipynb", code, "cv.debug(trace)"))
    lab.do(page, "async () => jupyterapp.commands.execute('notebook:run-cell-and-select-next')")
    start = time.perf_counter()
    lab.do(page, "async () => jupyterapp.commands.execute('notebook:run-cell')")
    page.locator(ROOT).first.wait_for()
    opened = time.perf_counter() - start
    page.wait_for_timeout(1000)
    before = len(sent)
    hover = spent(page, run, "hover")
    told = len(sent) - before
    step = spent(page, run, "step")
    painted = answered(page)
    print("painting", painted)
    row = ["64×64, 3 channels", "JupyterLab", hover, step, "16", f"{opened:.2f} s", "–", str(told)]
    rows.append(row)
    print(row)
    context.close()
    columns = ["grid", "home", "hover, ms p50 / p95", "step, ms p50 / p95", "bound on p95"]
    columns += ["first view", "page", "kernel messages"]
    front_end = sum(path.stat().st_size for path in assets.STATIC.glob("*.js"))
    write_section(
        "The debugger",
        f"{table(columns, rows)}\n\n{MOVES} moves (and as many steps), each from the handler's "
        "entry until layout is done and every canvas can be read back. First view: in the page "
        "from opening the file, in JupyterLab from running the cell of a trace whose stages are "
        "computed, until the debugger is there.\n\nPainting at 64×64 in JupyterLab, from letting "
        f"the mouse go until the kernel's output is drawn, {STROKES} strokes, p50 / p95: {painted} "
        f"ms (bound 300).\n\nThe front end is {front_end / 1000:.1f} KB of "
        "JavaScript.",
    )
    assert told == 0
