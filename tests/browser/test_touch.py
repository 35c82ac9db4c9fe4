"""A finger: a tap shows, a second one keeps; a swipe scrolls, unless a tool paints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.browser.drive import Debugger, close, photo_run

LEAST = 40  # CSS pixels, both ways
# Links in the equation are words: a finger need not meet them exactly.
SMALL = """(root, least) => [...root.querySelectorAll(
        "button:not(.ctx-link), select, input:not([type=checkbox], .ctx-hidden), label")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
    .filter(([, { width, height }]) => Math.min(width, height) < least - 0.1)
    .map(([html, { width, height }]) => `${html}: ${width} × ${height}`)"""

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


@pytest.mark.parametrize("width", [390, 760, 1000])
def test_each_control_is_large_enough_for_a_finger(opened: Any, width: int) -> None:
    debugger: Debugger = opened(
        photo_run(), {"viewport": {"width": width, "height": 900}, "has_touch": True}
    )

    def small() -> list[str]:
        found: list[str] = debugger.root.evaluate(SMALL, LEAST)
        return found

    assert debugger.page.evaluate("() => matchMedia('(pointer: coarse)').matches")
    assert small() == []
    debugger.do("pin")
    debugger.root.locator('[data-tool="brush"]').tap()
    for tile in debugger.steps.all():
        tile.tap()
        debugger.settle()
        assert small() == [], debugger.data("stage")
    for menu in debugger.root.locator(".ctx-menu > button").all():
        menu.tap()
        assert small() == []
        debugger.page.keyboard.press("Escape")
    debugger.page.keyboard.press("t")
    debugger.settle()
    assert debugger.root.locator(".ctx-table").count() == 1
    assert small() == []
    debugger.page.keyboard.press("Escape")
    debugger.root.locator('[data-do="keys"]').tap()
    assert small() == []


def test_a_mouse_gets_a_page_that_is_not_taller_for_it(opened: Any) -> None:
    heights = []
    for has_touch in (False, True):
        debugger: Debugger = opened(photo_run(), {**PHONE, "has_touch": has_touch})
        heights.append(debugger.page.evaluate("() => document.documentElement.scrollHeight"))
    assert heights[0] < heights[1]


def test_the_stepper_goes_along_to_what_it_explains(debugger: Debugger) -> None:
    """The explanation follows the pictures, and the stepper is on screen beside it."""
    page = debugger.page
    explanation = debugger.root.locator(".ctx-inspector")
    matches = debugger.root.locator(".ctx-side")
    above, below = explanation.bounding_box(), matches.bounding_box()
    assert above
    assert below
    assert above["y"] < below["y"]
    explanation.evaluate("(one) => one.scrollIntoView({ block: 'center' })")
    stepper = debugger.root.locator(".ctx-stepper").bounding_box()
    assert stepper
    assert 0 <= stepper["y"] < 60
    before = debugger.data("stage")
    debugger.root.locator('[data-do="back"]').tap()
    debugger.settle()
    assert debugger.data("stage") != before
    again = explanation.bounding_box()
    assert again
    assert 0 < again["y"] < page.viewport_size["height"]
