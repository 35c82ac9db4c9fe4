"""What is shown of it: on dense screens, in a saved picture, while and after it is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ctxattn_viz as cv
from tests.browser.drive import Debugger, close, home_cell, is_colour_map, photo_run, shown

# Where the pictures stand, in every frame from now on.
PLACES = """(root) => {
    const canvases = [...root.querySelectorAll("canvas[data-view]")];
    const places = root.places = new Set();
    (function look() {
        const boxes = canvases.map((canvas) => canvas.getBoundingClientRect());
        places.add(boxes.map(({ left, top }) => [left, top + scrollY]).join());
        if (root.places === places) requestAnimationFrame(look);
    })();
}"""


@pytest.mark.parametrize("density", [1, 1.5, 2])
def test_cells_are_where_they_are_painted_on_any_screen(opened: Any, density: float) -> None:
    run = photo_run()
    debugger = opened(run, {"device_scale_factor": density}, stage="scores")
    debugger.move(4, 7)
    assert debugger.data("query") == "4,7"
    painted = debugger.painted("background", run.patch_grid)
    is_colour_map(painted, run.query(4, 7).scores.numpy(), debugger.colour_range())
    box = debugger.canvas("foreground").bounding_box()
    mark = debugger.root.locator(".ctx-marks .query").last.bounding_box()
    assert box
    assert mark
    middle = (mark["x"] + mark["width"] / 2 - box["x"]) / box["width"]
    assert middle == pytest.approx(7.5 / run.query_grid[1], abs=0.01)


def test_the_output_says_how_near_the_hole_comes_to_the_photograph(opened: Any) -> None:
    run = photo_run()
    photo = cv.samples.photograph("chelsea", 32)
    debugger: Debugger = opened(run, truth=photo)

    def figures(trace: cv.Trace) -> list[float]:
        pictures = (run.f, trace["output"].tensor)
        return [round(cv.samples.psnr(each, photo, run.mask), 1) for each in pictures]

    head = debugger.root.locator(".ctx-decibels")
    assert shown(head.inner_text()) == pytest.approx(figures(run), abs=0.06)
    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.settle_output()
    plain = run.revised(config=run.config.replace(fuse=False))
    assert figures(plain) != figures(run)
    assert shown(head.inner_text()) == pytest.approx(figures(plain), abs=0.06)


@pytest.mark.parametrize("width", [700, 760, 940, 1100, 1280, 1600])
def test_nothing_moves_under_a_brush(opened: Any, width: int) -> None:
    debugger: Debugger = opened(photo_run(), {"viewport": {"width": width, "height": 1400}})
    for tool in ("rectangle", "brush"):
        debugger.root.locator(f'[data-tool="{tool}"]').click()
        debugger.move(2, 3)
        debugger.root.evaluate(PLACES)
        debugger.page.mouse.down()
        debugger.move(6, 9)
        debugger.page.mouse.up()
        debugger.settle_output()
        debugger.settle()
        assert len(debugger.root.evaluate("(root) => [...root.places]")) == 1


# In one breath: the hand moves on, and the kernel repeats what it was told before.
ECHO = """(root) => {
    const { shape, data } = ctxattn.model.get("mask"), told = new DataView(data.buffer.slice(0));
    const stack = root.querySelector('canvas[data-view="foreground"]').parentElement;
    const box = stack.getBoundingClientRect();
    const [clientX, clientY] = [box.left + box.width / 2, box.top + box.height / 2];
    stack.dispatchEvent(new PointerEvent("pointermove", { buttons: 1, clientX, clientY }));
    ctxattn.model.set("mask", { shape, data: told });
}"""


def test_what_the_kernel_repeats_does_not_undo_a_stroke(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run)
    debugger.root.locator('[data-tool="rectangle"]').click()
    debugger.move(2, 3)
    debugger.page.mouse.down()
    debugger.settle_output()
    debugger.root.evaluate(ECHO)
    mask = run.mask.clone()
    mask[..., 5:9, 7:17] = 1
    debugger.page.mouse.up()
    debugger.settle_output()
    debugger.root.locator('[data-tool="look"]').click()
    debugger.click(1, 2)
    painted = run.revised(mask)
    assert debugger.row("valid").sum() == painted["valid"].tensor.sum()
    close(debugger.row("attention"), painted.query(1, 2).attention)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_saved_picture_is_what_is_on_screen(opened: Any, scheme: str) -> None:
    debugger = opened(photo_run(), {"color_scheme": scheme}, query=(4, 6), stage="scores")
    seen = {view: debugger.painted(view, (32, 32)) for view in ("foreground", "background")}
    places = {view: debugger.canvas(view).bounding_box() for view in seen}
    root = debugger.root.bounding_box()
    with debugger.page.expect_download() as download:
        debugger.do("png")
    with Image.open(download.value.path()) as image:
        picture = np.asarray(image.convert("RGB")).astype(int)
    assert root
    assert picture.shape[1] == pytest.approx(2 * root["width"], abs=2)
    paper = {"light": 255, "dark": 40}[scheme]
    assert abs(int(picture[2, 2].mean()) - paper) < 40
    # The controls are left out, so the pictures stand higher: found by the row of the canvas.
    found = _find(picture, seen["background"][..., :3], places["background"], root)
    assert found, "the background's heat map is not in the picture"


def _find(picture: np.ndarray, cells: np.ndarray, box: Any, root: Any) -> bool:
    """Whether the 32×32 cells stand in the picture at their column, at some height."""
    xs = (2 * (box["x"] - root["x"] + (np.arange(32) + 0.5) * box["width"] / 32)).astype(int)
    steps = (2 * (np.arange(32) + 0.5) * box["height"] / 32).astype(int)
    column = picture[:, xs]
    return any(
        (np.abs(column[top + steps] - cells).max(axis=2) <= 2).mean() > 0.8
        for top in range(picture.shape[0] - steps[-1])
    )


def test_ranges_follow_a_changed_setting_with_no_kernel(opened: Any) -> None:
    run = photo_run(size=16)
    debugger: Debugger = opened(run)
    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.settle_output()
    debugger.settle()
    changed = run.revised(config=run.config.replace(fuse=False))
    for key in set(changed) - {"flow"}:  # that is colours
        extremes = shown(debugger.facts(key).split(" · ")[1])
        summary = changed[key].summary
        assert extremes == pytest.approx([summary.minimum, summary.maximum], rel=0.01)


def test_a_pixels_list_adds_its_overlapping_patches_up(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run, pixel=(9, 13), stage="output")
    ledger = run.pixel(9, 13)
    weights = torch.stack([term.weights for term in ledger.terms]).sum(dim=0)
    best = weights.argsort(descending=True)[:5].tolist()
    named = debugger.root.locator(".ctx-matches .k").all_inner_texts()
    columns = run.patch_grid[1]
    assert named == [f"({q // columns}, {q % columns})" for q in best]
    debugger.says("this pixel")


def test_a_pixels_ledger_stands_under_its_own_equation_at_any_stage(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run, pixel=(9, 13), stage="attention")
    equation = debugger.root.locator(".ctx-equation").inner_text()
    assert equation == run["output"].equation
    assert len(debugger.terms("contribution")) == len(run.pixel(9, 13).terms)


def test_the_list_of_matches_follows_the_query_and_stays_while_stepping(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run)

    def listed() -> list[str]:
        found: list[str] = debugger.root.locator(".ctx-matches .k").all_inner_texts()
        return found

    for place in ((4, 7), (2, 9), (6, 3)):
        debugger.move(*place)
        assert listed() == [f"({m.row}, {m.col})" for m in run.query(*place).best()]
    debugger.click(6, 3)
    before = listed()
    debugger.show("scores")
    assert listed() == before
    third = run.query(6, 3).best()[2]
    debugger.root.locator(".ctx-matches button").nth(2).click()  # it becomes the key
    score = float(run.query(6, 3).scores.flatten()[third.index])
    assert debugger.result == pytest.approx([score], rel=1e-4)
    assert debugger.root.locator('.ctx-matches [aria-pressed="true"]').count() == 1


def test_a_sheet_from_elsewhere_does_not_stop_the_picture(opened: Any) -> None:
    debugger = opened(photo_run(), query=(4, 6))
    debugger.page.evaluate(
        """() => Object.defineProperty(document, "styleSheets", { value: [
            ...document.styleSheets,
            { href: "https://elsewhere/x.css", get cssRules() { throw Error("not ours"); } },
        ] })"""
    )
    with debugger.page.expect_download():
        debugger.do("png")


def test_escape_lets_go_wherever_the_focus_went(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run, pixel=(5, 13), stage="output")
    first = run.pixel(5, 13).terms[0]
    home = "{},{}".format(*home_cell(run))
    debugger.root.locator('.ctx-inspector [data-term="contribution"]').first.click()
    debugger.expect("stage", "attention")
    debugger.expect("query", "{},{}".format(*first.query))
    assert debugger.data("query") != home
    debugger.page.keyboard.press("Escape")
    debugger.expect("query", home)


def test_stepping_away_from_a_pixel_shows_its_cell_and_leaves_the_page_in_place(
    opened: Any,
) -> None:
    debugger = opened(photo_run(), pixel=(5, 13), stage="output")
    debugger.step("Softmax").click()
    debugger.expect("query", "2,6")
    debugger.says(r"Cell \(2, 6\) ")
    debugger.page.set_viewport_size({"width": 1280, "height": 600})
    debugger.page.evaluate("() => scrollTo(0, 300)")
    debugger.page.keyboard.press("[")
    debugger.expect("stage", "fused_scores")
    assert debugger.page.evaluate("() => scrollY") == 300


def test_a_hole_is_painted_by_keyboard_alone(opened: Any) -> None:
    debugger = opened(photo_run(), query=(2, 3))
    debugger.root.locator('[data-tool="brush"]').press("Enter")
    debugger.canvas("foreground").locator("..").focus()
    before = debugger.row("valid").sum()
    debugger.page.keyboard.press("Enter")
    debugger.page.keyboard.press("Shift+ArrowRight")
    debugger.page.keyboard.press("Enter")
    debugger.settle()
    assert debugger.data("query") == "2,11"
    assert debugger.row("valid").sum() < before
    for _ in range(2):
        debugger.root.locator('[data-do="undo"]').press("Enter")
    debugger.settle()
    assert debugger.row("valid").sum() == before
