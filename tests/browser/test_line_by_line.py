"""Notebook 09 in a real JupyterLab: what its text says to press is pressed, in its order, and the
number that it promises is read from the screen (`tests/notebooks/see.py` has the entries)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Lab
from tests.notebooks.see import entries

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "09_line_by_line.ipynb"
SECONDS = 20  # until an answer of the kernel is drawn

# Where on the screen a reading stands.
PLACES = {
    "step": ".ctx-where b",
    "element": ".ctx-readout b",
    "shape": ".ctx-facts-of-value b",
    "odd": ".ctx-facts-of-value .ctx-warn",
    "result": ".ctx-arithmetic > b",
}


class View:
    """One debugger, or one view of stepping alone, found by the title over it."""

    def __init__(self, page: Page, title: str) -> None:
        self.page = page
        heading = page.locator(".ctx-title b", has_text=re.compile(f"^{re.escape(title)}$"))
        self.root: Locator = page.locator("[data-ctxattn]").filter(has=heading)
        expect(self.root).to_have_count(1)

    def do(self, deed: str, *arguments: Any) -> None:
        getattr(self, deed)(*arguments)

    def key(self, key: str, times: int) -> None:
        """As a person would who has just pressed a button of the stepper, or a tile."""
        stepper = self.root.locator('[data-move="next"]')
        for _ in range(times):
            there = stepper if stepper.count() else self.root.locator('[aria-current="step"]').first
            there.press(key)
        if key == "s" and self.root.locator(".ctx-stepping").count():
            self.wait_for_code()

    def press(self, words: str) -> None:
        self.root.get_by_role("button", name=words, exact=True).click()
        self.wait_for_code()

    def tile(self, step: str) -> None:
        tiles = self.root.locator(".ctx-strip .ctx-step")
        tiles.filter(has_text=step).click()

    def choose(self, function: str) -> None:
        self.root.locator('[data-set="source"]').select_option(label=function)

    def line(self, number: int, times: int) -> None:
        for _ in range(times):
            self.root.locator(f'[data-line="{number}"] button').click()

    def click(self, place: list[int], size: list[int]) -> None:
        canvas = self.root.locator('canvas[data-view="value"]')
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box
        x = (place[1] + 0.5) * box["width"] / size[1]
        y = (place[0] + 0.5) * box["height"] / size[0]
        canvas.click(position={"x": x, "y": y})

    def wait_for_code(self) -> None:
        self.root.locator(".ctx-code").wait_for(timeout=1000 * SECONDS)

    def reads(self, reading: str) -> Locator:
        return self.root.locator(PLACES[reading]).first


@pytest.mark.long  # a minute: the whole notebook, in JupyterLab
def test_what_the_text_promises_stands_on_the_screen(lab: Lab, lab_page: Page) -> None:
    lab.open(lab_page, f"notebooks/{NOTEBOOK.name}")
    lab.run_all(lab_page, seconds=400)
    views: dict[str, View] = {}
    for _, entry in entries(nbformat.read(NOTEBOOK, as_version=4)):
        title = entry["view"]
        if title not in views:
            views[title] = View(lab_page, title)
        view = views[title]
        for deed, *arguments in entry["do"]:
            view.do(deed, *arguments)
        expected = entry["value"]
        place = view.reads(entry["read"])
        # What surrounds it on its line is a dot: " · ⚠ 5184 NaN".
        expect(place, f"{entry}").to_have_text(
            expected if entry["read"] != "odd" else f" · {expected}", timeout=1000 * SECONDS
        )
