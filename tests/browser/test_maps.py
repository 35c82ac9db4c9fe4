"""Cells coloured by a map of doubt: the paint, its legend, the walk to the worst, the worker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

import ctxattn_viz as cv
from ctxattn_viz.traces.maps import MAPS
from tests.browser.drive import Debugger, is_colour_map, photo_run, shown
from tests.browser.homes import Home, PageHome

READ = """(root) => {
    const map = root.debuggerMap();
    return map && { ...map.range, name: map.name, values: [...map.values], isWhole: map.isWhole };
}"""
# Workers wait for `window.go`.
HOLD_WORKERS = """() => {
    window.Worker = class extends Worker {
        postMessage(task) { if (window.go) super.postMessage(task); }
    };
}"""
COUNT_REPAINTS = """(canvas) => {
    const pen = canvas.getContext("2d"), clear = pen.clearRect.bind(pen);
    window.repaints = 0;
    pen.clearRect = (...box) => { window.repaints += 1; clear(...box); };
}"""
LOGARITHMIC = ("effective_patches", "times_pasted")


@pytest.fixture(scope="module")
def run() -> cv.Trace:
    return photo_run()


@pytest.fixture(scope="module")
def truth(run: cv.Trace) -> torch.Tensor:
    return cv.samples.photograph("chelsea", 32)


def whole(debugger: Debugger, name: str) -> dict[str, Any]:
    """The map on screen, once all of it is there and drawn."""
    condition = "(root, name) => root.debuggerMap()?.isWhole && root.debuggerMap().name === name"
    debugger.until(condition, name)
    debugger.settle()
    read: dict[str, Any] = debugger.root.evaluate(READ)
    return read


def is_shown(debugger: Debugger, name: str, meant: torch.Tensor) -> None:
    """The numbers, the canvas and the legend are those of Python's map."""
    told = whole(debugger, name)
    values = meant.numpy().ravel()
    np.testing.assert_allclose(told["values"], values, rtol=1e-4, atol=1e-5, err_msg=name)
    ends = float(np.nanmin(values)), float(np.nanmax(values))
    assert (told["low"], told["high"]) == pytest.approx(ends, rel=1e-4, abs=1e-5)
    view = "background" if name == "times_pasted" else "foreground"
    panel = debugger.root.locator(f'.ctx-panel[aria-label="{view}"]')
    if ends[0] < ends[1]:
        scale = np.log1p if name in LOGARITHMIC else np.asarray
        low, high = (float(scale(end)) for end in ends)
        # Marks lie in elements of their own: the canvas has the map alone, its lowest level too.
        painted = debugger.painted(view, tuple(meant.shape))
        is_colour_map(painted, scale(values), {"low": low, "high": high, "signed": False})
    words = panel.locator(".ctx-legend").inner_text()
    legend = [number / (100 if "%" in words else 1) for number in shown(words)]
    assert legend == pytest.approx(ends, rel=0.06, abs=1e-4), words


def cells_of_walk(run: cv.Trace, name: str, is_high_worse: bool) -> list[list[int]]:
    """The queries in the hole, the worst first."""
    values = run.map(name).flatten()
    values = values.where(run["downsampled_mask"].tensor[0, 0].flatten() != 0, torch.nan)
    order = (-values if is_high_worse else values).sort(stable=True).indices
    width = run.query_grid[1]
    return [list(divmod(p, width)) for p in order.tolist() if not values[p].isnan()]


def test_every_map_is_painted_and_walked_by_keys(
    home: Home, run: cv.Trace, truth: torch.Tensor
) -> None:
    debugger = home.open(run, map="margin", truth=truth)
    assert home.state("map") == "margin"
    is_shown(debugger, "margin", run.map("margin"))
    for name in MAPS:
        debugger.do(f"map-{name}")
        is_shown(debugger, name, run.map(name, truth=truth))
    assert home.state("map") == "times_pasted"

    debugger.do("map-effective_patches")
    cells = cells_of_walk(run, "effective_patches", is_high_worse=True)
    debugger.root.locator(".ctx-stack").first.focus()
    for key, at in (("w", 0), ("w", 1), ("w", 2), ("Shift+W", 1)):
        debugger.page.keyboard.press(key)
        row, column = cells[at]
        debugger.expect("query", f"{row},{column}")
    assert home.state("query") == cells[1]
    debugger.says(rf"2 of {len(cells)}")
    value = debugger.root.locator("[data-map-value]")
    told = float(value.get_attribute("title") or "nothing")
    assert told == pytest.approx(float(run.map("effective_patches")[tuple(cells[1])]), rel=1e-4)
    debugger.root.get_by_role("button", name="Next worst").click()
    debugger.expect("query", ",".join(map(str, cells[2])))

    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.until("(root) => root.debuggerMap()?.isWhole")
    is_shown(debugger, "effective_patches", home.held().map("effective_patches"))
    debugger.do("map-off")
    assert home.state("map") is None
    assert debugger.root.evaluate(READ) is None
    if not isinstance(home, PageHome):
        home.python("debugger.map = 'agreement'")
        whole(debugger, "agreement")


def test_the_making_of_a_map_is_stopped_and_begun_again(opened: Any, run: cv.Trace) -> None:
    debugger = opened(run, map="best_share")
    page: Page = debugger.page
    is_shown(debugger, "best_share", run.map("best_share"))  # it came with the page
    page.evaluate(HOLD_WORKERS)
    page.evaluate("ctxattn.model.set('softmax_scale', 2)")
    progress = debugger.root.locator(".ctx-map progress")
    progress.wait_for()
    page.keyboard.press("w")
    debugger.says("not whole yet")
    page.keyboard.press("Escape")
    debugger.says("Stopped: the map")
    assert progress.count() == 0
    page.evaluate("window.go = true")
    debugger.do("map-best_share")
    meant = run.revised(config=run.config.replace(softmax_scale=2.0)).map("best_share")
    is_shown(debugger, "best_share", meant)


def test_pointing_repaints_no_map(opened: Any, run: cv.Trace) -> None:
    debugger = opened(run, map="margin")
    whole(debugger, "margin")
    debugger.canvas("foreground").evaluate(COUNT_REPAINTS)
    margin = run.map("margin")
    for row, column in ((2, 3), (7, 12), (4, 4)):
        debugger.move(row, column)
        told = debugger.root.locator("[data-map-value]").get_attribute("title")
        assert float(told) == pytest.approx(float(margin[row, column]), rel=1e-4)
    assert debugger.page.evaluate("repaints") == 0


def test_by_keyboard_alone_and_without_a_barrier(opened: Any, run: cv.Trace) -> None:
    context = {"color_scheme": "dark", "viewport": {"width": 390, "height": 900}}
    debugger = opened(run, context)
    page: Page = debugger.page
    debugger.root.get_by_role("button", name="Colour cells by").focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert whole(debugger, "margin")["isWhole"]
    page.keyboard.press("Enter")  # the menu again, which has the focus
    assert not debugger.root.locator('[data-do="map-error"]').is_enabled()  # without a truth
    found = Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
