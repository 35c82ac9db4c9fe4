"""A finger: a tap shows, a second one keeps; a swipe scrolls, unless a tool paints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.browser.drive import Debugger, close, photo_run

PHONE = {"viewport": {"width": 390, "height": 700}, "has_touch": True}


@pytest.fixture
def debugger(opened: Any) -> Debugger:
    return opened(photo_run(), context=PHONE)


def place(debugger: Debugger, row: float, col: float) -> tuple[float, float]:
    """Where the middle of a cell of the foreground is on screen."""
    rows, cols = debugger.grid
    box = debugger.canvas("foreground").bounding_box()
    assert box
    x = box["x"] + (col + 0.5) * box["width"] / cols
    return x, box["y"] + (row + 0.5) * box["height"] / rows


def swipe(debugger: Debugger, places: Sequence[tuple[float, float]]) -> None:
    """One finger goes from place to place, a frame each."""
    devtools = debugger.page.context.new_cdp_session(debugger.page)
    for i, (x, y) in enumerate(places):
        kind = "touchMove" if i else "touchStart"
        points = [{"x": x, "y": y}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        debugger.settle()
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    debugger.settle()


def caption(debugger: Debugger) -> str:
    return debugger.root.locator('[aria-label="foreground"] .ctx-caption').inner_text()


def test_a_tap_shows_and_a_second_one_keeps(debugger: Debugger) -> None:
    debugger.canvas("foreground").scroll_into_view_if_needed()
    debugger.tap(3, 4)
    debugger.expect("query", "3,4")
    assert "click keeps it" in caption(debugger)
    debugger.tap(3, 4)
    debugger.expect("query", "3,4")
    assert "kept" in caption(debugger).replace("keeps", "")
    debugger.tap(6, 1)
    debugger.expect("query", "6,1")
    assert "click keeps it" in caption(debugger)


def test_what_a_finger_shows_is_pytorchs_and_only_what_it_keeps_is_told(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run, context=PHONE)

    def told(name: str) -> Any:
        return debugger.page.evaluate("(name) => ctxattn.model.get(name)", name)

    for kept in (None, [2, 9]):
        debugger.tap(2, 9)
        close(debugger.row("attention"), run.query(2, 9).attention)
        assert told("query") == kept
    debugger.tap(6, 3)
    close(debugger.row("attention"), run.query(6, 3).attention)
    assert told("query") is None
    # The output answers for a pixel.
    debugger.show("output")
    for kept in (None, [9, 13]):
        debugger.tap(9, 13, "output", (16, 32))
        assert debugger.terms("value") == pytest.approx(run.pixel(9, 13).value.tolist(), abs=1e-4)
        assert told("pixel") == kept


def test_a_swipe_scrolls_and_with_a_tool_it_paints(debugger: Debugger) -> None:
    page = debugger.page
    debugger.canvas("foreground").scroll_into_view_if_needed()
    query = debugger.data("query")
    x, y = place(debugger, debugger.grid[0] - 2, 8)
    before = page.evaluate("scrollY")
    swipe(debugger, [(x, y - 15 * i) for i in range(12)])
    page.wait_for_function("before => scrollY > before + 40", arg=before)
    assert debugger.data("query") == query
    page.evaluate("y => scrollTo(0, y)", before)
    undo = debugger.root.locator('[data-do="undo"]')
    assert undo.is_disabled()
    debugger.root.locator('[data-tool="rectangle"]').tap()
    scrolled = page.evaluate("scrollY")
    swipe(debugger, [place(debugger, row, row) for row in (1, 2, 3, 4)])
    assert page.evaluate("scrollY") == scrolled
    assert undo.is_enabled()
    assert "click keeps it" in caption(debugger)
