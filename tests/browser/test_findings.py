"""Facts and findings on screen: the jump, the walk by keys, in a page and in a notebook."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

import ctxattn_viz as cv
from tests.browser.drive import features
from tests.browser.homes import Home

KEPT = "() => [ctxattn.model.get('stage'), ...(ctxattn.model.get('query') ?? [])]"


@pytest.fixture
def run() -> cv.Trace:
    """Sharp, with a thin line that leaks."""
    f = features(3, 32, 32)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 10:20, 8:18] = 1
    mask[..., 3, :] = 1
    config = cv.AttentionConfig(softmax_scale=100.0)
    with pytest.warns(cv.ThinHoleWarning):
        return cv.trace(f, features(3, 32, 32, 1), mask, config)


def test_a_finding_leads_to_its_cells_by_keys_alone(opened: Any, run: cv.Trace) -> None:
    cells = [list(cell) for cell in run.findings["sharp"].cells]
    debugger = opened(run)
    page = debugger.page
    debugger.root.locator(".ctx-remarks summary").focus()
    page.keyboard.press("Enter")
    button = debugger.root.get_by_role("button", name="Show sharp")
    button.focus()
    page.keyboard.press("Enter")
    debugger.settle()
    assert page.evaluate(KEPT) == ["attention", *cells[0]]
    page.keyboard.press("n")
    assert page.evaluate(KEPT) == ["attention", *cells[1]]
    page.keyboard.press("]")
    page.keyboard.press("n")
    assert page.evaluate(KEPT) == ["output", *cells[2]]
    page.keyboard.press("p")
    assert page.evaluate(KEPT) == ["output", *cells[1]]
    debugger.says(rf"cell 2 of {len(cells)}")


def test_it_leads_to_a_patch(home: Home, run: cv.Trace) -> None:
    debugger = home.open(run)
    debugger.root.locator(".ctx-remarks summary").click()
    debugger.root.get_by_role("button", name="Show leak").click()
    debugger.expect("stage", "valid")
    row, column = run.findings["leak"].cells[0]
    debugger.says(rf"patch \({row}, {column}\)")
    assert home.state("stage") == "valid"


def test_every_sentence_is_there(home: Home, run: cv.Trace) -> None:
    debugger = home.open(run)
    debugger.root.locator(".ctx-remarks summary").click()
    text = debugger.root.locator(".ctx-remarks").inner_text()
    for remark in (*run.facts, *run.findings):
        assert remark.sentence in text
    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.says("before the last change")


def test_cells_of_where_are_walked_through(opened: Any, run: cv.Trace) -> None:
    cells = run.where(lambda cell: cell.hole & (cell.best_share > 0.9))
    debugger = opened(run, cells=cells, stage="scores")
    debugger.root.get_by_role("button", name="Show walk").click()
    for row, column in cells[:3]:
        assert debugger.page.evaluate(KEPT) == ["scores", row, column]
        debugger.page.keyboard.press("n")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_axe_finds_nothing_serious(opened: Any, run: cv.Trace, scheme: str, width: int) -> None:
    context = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    debugger = opened(run, context, cells=[(1, 2), (3, 4)])
    debugger.root.get_by_role("button", name="Show sharp").click()
    found = Axe().run(debugger.page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]
    box = debugger.root.locator(".ctx-remarks").bounding_box()
    assert box
    assert box["x"] + box["width"] <= width
