"""What a person can do, each of the nine, in both homes: a page from disk and a real JupyterLab.

What only JupyterLab has (the state read, set, observed and linked from cells) is in test_lab.py.
"""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

import ctxattn_viz as cv
from tests.browser.drive import (
    MATRICES,
    Debugger,
    close,
    exact,
    features,
    home_cell,
    is_colour_map,
    photo_run,
    shown,
    two_maps,
)
from tests.browser.homes import SETUP, Home

STEPS = ["Shrink", "Patches", "Validity", "Matching", "Fuse ↔", "Fuse ↕", "Softmax"]
STEPS += ["Deconvolution", "Flow"]
INPUTS = SETUP.split("trace =")[0] + "b = f"  # what makes f and b of photo_run
DROP = """(root, [name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: "image/png" }));
    root.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""
HAS_SIZE = "(root, size) => root.querySelector('.ctx-step').title.includes(size)"


def shows(home: Home, debugger: Debugger, run: cv.Trace) -> None:
    """The home holds this run and nothing else, and its output is painted."""
    held = home.held()
    assert held.config == run.config
    assert torch.equal(held.mask, run.mask)
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    painted = debugger.painted("output", (run.f.shape[2], run.f.shape[3]))[..., :3]
    sample = home.state("sample")
    meant = cv.samples.to_picture(run["output"].tensor[sample : sample + 1])
    assert np.abs(painted - meant).max() <= 1


# ---- 1. step ----


def test_1_step_through_the_stages(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run, query=(4, 6), stage="downsampled_f")
    assert debugger.root.locator(".ctx-strip .ctx-long").all_inner_texts() == STEPS
    for step, tile in zip(STEPS, debugger.steps.all(), strict=True):
        tile.click()
        debugger.settle()
        assert run[debugger.data("stage")].step == step
        assert tile.get_attribute("aria-current") == "step"
        for result in (each for each in run.values() if each.step == step):
            axes, facts = debugger.facts(result.key).split("\n")
            sizes = zip(result.axes, result.shape, strict=True)
            assert axes == " × ".join(f"{axis} {size}" for axis, size in sizes)
            shape, extremes = facts.split(" · ")[:2]
            assert shape == " × ".join(map(str, result.shape[result.shape[0] == 1 :]))
            assert shown(extremes) == pytest.approx(
                [float(result.tensor.min()), float(result.tensor.max())], rel=6e-3
            )
            if result.key == debugger.data("stage"):
                assert debugger.root.locator(".ctx-facts").inner_text() == facts
    debugger.steps.last.focus()
    debugger.page.keyboard.press("ArrowLeft")
    debugger.expect("stage", "output")
    debugger.page.keyboard.press("ArrowRight")
    assert run[debugger.data("stage")].step == "Flow"
    debugger.root.locator('[data-do="back"]').click()
    debugger.expect("stage", "output")
    assert home.state("stage") == "output"
    assert list(home.state("query")) == [4, 6]
    debugger.show("fused_scores")
    debugger.root.locator('[data-do="play"]').click()
    debugger.expect("stage", "attention")
    debugger.root.locator('[data-do="play"]').click()


@pytest.mark.filterwarnings("ignore::ctxattn_viz.NothingValidWarning")
@pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
def test_1_a_run_without_a_valid_patch_wears_a_badge(home: Home, dialect: str) -> None:
    f = features(3, 16, 16)
    run = cv.trace(f, f, torch.ones(1, 1, 16, 16), cv.AttentionConfig(dialect=dialect))
    debugger = home.open(run, query=(3, 3))
    assert debugger.step("Softmax").locator(".ctx-badge").inner_text().strip()
    weights = debugger.row("attention")
    assert np.isnan(weights).all() if dialect == "mmagic" else (weights == 0).all()
    debugger.says("every patch touches the hole")


# ---- 2. each stage as what it is, 3. the formula with this cell's numbers ----


def test_2_and_3_patches_and_validity(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run, query=(0, 6), stage="downsampled_f")
    query, best = run.query(0, 6), run.query(0, 6).best(1)[0]
    close(np.array(debugger.terms("kept")), run["downsampled_f"].tensor[0, :, 0, 6])
    # A query at the upper border: the upper row of its patch is padding.
    debugger.show("matching_patches")
    around = run["downsampled_f"].tensor[:, :, :2, 5:8]
    tile = debugger.tile(0, (3, 3))
    assert (tile[0, :, 3] == 0).all()
    assert np.abs(tile[1:, :, :3] - cv.samples.to_picture(around)).max() <= 1
    for which, stage, side in [(1, "matching_patches", 3), (2, "paste_patches", 4)]:
        patch, tile = run[stage].tensor[:, best.index], debugger.tile(which, (side, side))
        inside = tile[..., 3] > 0
        assert inside.any()
        assert np.abs(tile[..., :3] - cv.samples.to_picture(patch))[inside].max() <= 1
        assert (patch[0].numpy()[:, ~inside] == 0).all()
    # Which patches touch the hole, and what disqualifies one of them.
    debugger.show("valid")
    assert f"{int(query.valid.sum())} of {query.valid.numel()}" in debugger.root.inner_text()
    row, col = (query.valid == 0).nonzero()[0].tolist()
    debugger.move(row, col, "background", run.patch_grid)
    assert debugger.terms("valid") == [0]
    told = debugger.root.locator(".ctx-note").inner_text()
    (y, x) = re.findall(r"m↓\((\d+), (\d+)\) is 1", told)[0]
    assert f"valid({row}, {col}) is 0" in told
    assert run["downsampled_mask"].tensor[0, 0, int(y), int(x)] == 1
    assert max(abs(int(y) - row), abs(int(x) - col)) <= 1


def test_2_and_3_each_row_and_its_formula_are_pytorchs(home: Home) -> None:
    run = two_maps()
    debugger = home.open(run, query=(5, 4))
    query = run.query(5, 4)
    best = query.best(1)[0].index
    for stage in MATRICES:
        debugger.show(stage)
        values = query[stage].numpy()
        close(debugger.row(stage), values)
        painted = debugger.painted("background", run.patch_grid)
        is_colour_map(painted, values, debugger.colour_range())
        assert debugger.result == pytest.approx([float(values.flatten()[best])], rel=1e-4)
        assert debugger.root.locator(".ctx-inspector .ctx-term").count() > 1
    # The softmax's curve starts at the largest weight; what is masked adds to the denominator.
    debugger.root.locator('[data-set="softmax_scale"]').fill("1")
    changed = run.revised(config=run.config.replace(softmax_scale=1.0))
    row, scale = changed.query(5, 4), 1.0
    debugger.settle()
    close(debugger.row("attention"), row.attention)
    points = debugger.root.locator(".ctx-curve polyline").get_attribute("points")
    assert points
    first = float(points.split()[0].split(",")[1])
    assert first == pytest.approx(6 - 12 * math.log10(float(row.attention.max())), abs=0.06)
    masked = int((row.valid == 0).sum())
    whole = float((scale * row.fused_scores * row.valid).double().exp().sum())
    assert debugger.terms("masked") == pytest.approx([masked / whole], rel=1e-4)
    # The offset, as numbers and as the colour of the wheel.
    debugger.show("offsets")
    down, right = changed["offsets"].tensor[0, 5, 4].tolist()
    assert debugger.terms("down") + debugger.terms("right") == [down, right]
    ways = [(down, "down", "up"), (right, "right", "left")]
    told = [f"{abs(by)} {ahead if by > 0 else back}" for by, ahead, back in ways if by]
    assert " and ".join(told) in debugger.root.locator(".ctx-story").inner_text()
    debugger.settle_output()
    chip = debugger.root.locator(".ctx-term-result .ctx-colour").evaluate(
        "(chip) => getComputedStyle(chip).backgroundColor"
    )
    colour = changed["flow"].tensor[0, :, 5, 4].tolist()
    assert chip == f"rgb({', '.join(map(str, colour))})"


# ---- 4. ask backwards ----


def test_4_ask_backwards(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run)
    # Where is this background patch pasted?
    debugger.move(2, 3, "background", run.patch_grid)
    index = 2 * run.patch_grid[1] + 3
    pasted = run["attention"].tensor[0, :, :, index].numpy()
    painted = debugger.painted("foreground", run.query_grid)
    is_colour_map(painted, pasted, debugger.colour_range())
    assert debugger.result == pytest.approx([float(pasted.sum())], rel=1e-4)
    # Where does this output pixel come from?
    pixel = (9, 13)
    debugger.show("output")
    debugger.move(*pixel, "output", (run.f.shape[2], run.f.shape[3]))
    ledger = run.pixel(*pixel)
    assert debugger.terms("value") == pytest.approx(ledger.value.tolist(), abs=1e-4)
    contributions = [float(term.contribution[0]) for term in ledger.terms]
    assert debugger.terms("contribution") == pytest.approx(contributions, abs=1e-4)
    assert debugger.terms("divisor") == [ledger.divisor]
    share = sum(term.weights for term in ledger.terms).reshape(run.patch_grid) / ledger.divisor
    painted = debugger.painted("background", run.patch_grid)
    is_colour_map(painted, share.numpy(), debugger.colour_range())
    listed = exact(debugger.root.locator(".ctx-matches li > button .ctx-weight"))
    top = share.flatten().sort(descending=True).values[:5]
    assert listed == pytest.approx(top.tolist(), rel=1e-3)
    # Which values of the stage before made this one?
    debugger.click(4, 6)
    debugger.show("fused_scores")
    terms = debugger.root.locator(".ctx-micro[title]")
    best = run.query(4, 6).best(1)[0]
    assert sum(exact(terms)) == pytest.approx(best.fused, rel=1e-4)
    name = terms.first.get_attribute("title")
    assert name
    row, col, y, x = map(int, re.findall(r"\d+", name)[:4])
    made_of = float(run["scores"].tensor[0, row, col, y * run.patch_grid[1] + x])
    assert exact(terms.first) == pytest.approx([made_of], rel=1e-4)
    terms.first.click()
    debugger.expect("stage", "scores")
    debugger.expect("query", f"{row},{col}")
    assert debugger.result == pytest.approx([made_of], rel=1e-4)


# ---- 5. paint the hole ----


def test_5_paint_the_hole(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run)
    debugger.drag("rectangle", (2, 3), (6, 25))
    mask = run.mask.clone()
    mask[..., 2:7, 3:26] = 1
    painted = run.revised(mask)
    debugger.move(7, 9)
    close(debugger.row("valid"), painted.query(7, 9)["valid"])
    close(debugger.row("attention"), painted.query(7, 9)["attention"])
    shows(home, debugger, painted)
    debugger.do("undo")
    shows(home, debugger, run)
    debugger.drag("brush", (1, 1), (1, 12))
    brushed = home.held()
    assert brushed.mask.sum() > run.mask.sum()
    shows(home, debugger, brushed)
    debugger.drag("erase", (1, 1), (1, 12))
    assert home.held().mask.sum() < brushed.mask.sum()
    debugger.do("clear")
    shows(home, debugger, run.revised(torch.zeros_like(run.mask)))
    debugger.do("restore")
    shows(home, debugger, run)


# ---- 6. change the settings live ----


SETTINGS = [
    ("dialect", "pytorch", {"dialect": "pytorch"}),
    ("dialect", "mmagic", {"dialect": "mmagic"}),
    ("fuse", False, {"fuse": False}),
    ("fuse_k", "5", {"fuse_k": 5}),
    ("softmax_scale", "3", {"softmax_scale": 3.0}),
    ("ksize", "1", {"ksize": 1}),
    ("rate", "1", {"rate": 1}),
]
# The page and the kernel compute; how a setting gets to the kernel is alike for most of them.
IN_LAB_EACH_TIME = ("mmagic", "3", "1")


@pytest.mark.parametrize(
    ("home", "control", "value", "changes"),
    [
        pytest.param(home, *setting, marks=[pytest.mark.long] if is_long else [])
        for home in ("page", "lab")
        for setting in SETTINGS
        for is_long in [home == "lab" and setting[1] not in IN_LAB_EACH_TIME]
    ],
    indirect=["home"],
)
def test_6_change_a_setting(home: Home, control: str, value: Any, changes: Any) -> None:
    run = photo_run(size=16)
    debugger = home.open(run)
    node = debugger.root.locator(f'[data-set="{control}"]')
    if value is False:
        node.uncheck()
    elif control == "softmax_scale":
        node.fill(value)
    else:
        node.select_option(value)
    changed = run.revised(config=run.config.replace(**changes))
    debugger.grid = changed.query_grid
    debugger.move(1, 5)
    for stage in ("scores", "fused_scores", "attention"):
        close(debugger.row(stage), changed.query(1, 5)[stage])
    shows(home, debugger, changed)


# ---- 7. compare ----


def test_7_compare_two_runs(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run, query=(4, 6))
    debugger.do("pin")
    debugger.says("nothing differs")
    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.settle_output()
    debugger.says("fuse true → false")
    debugger.expect_text(".ctx-parting", "first to differ")
    assert debugger.step("Fuse ↔").locator(".ctx-parting").count() == 1
    plain = run.revised(config=run.config.replace(fuse=False))
    # Each tile has both thumbnails, and beside each its number for the same query and patch.
    a, b = run.query(4, 6), plain.query(4, 6)
    best = b.best(1)[0].index
    for step, stage in [
        ("Matching", "scores"),
        ("Fuse ↔", "fused_rows"),
        ("Fuse ↕", "fused_scores"),
    ]:
        tags = [
            shown(text)[0] for text in debugger.step(step).locator(".ctx-tag").all_inner_texts()
        ]
        numbers = [float(each[stage].flatten()[best]) for each in (a, b)]
        assert tags == pytest.approx(numbers, rel=6e-3)
    # A, B and what differs lie over the background, and stand as the output.
    rows = {"A": a.attention.numpy(), "B": b.attention.numpy()}
    top = max(float(row.max()) for row in rows.values())
    outputs = {"A": run["output"].tensor, "B": plain["output"].tensor}
    for side, row in rows.items():
        debugger.root.locator(f'[data-side="{side}"]').click()
        debugger.settle()
        painted = debugger.painted("background", run.patch_grid)
        meant = {"low": 0, "high": top, "signed": False}
        assert debugger.colour_range() == pytest.approx(meant, rel=1e-4)
        is_colour_map(painted, row, debugger.colour_range())
        painted = debugger.painted("output", (16, 32))[..., :3]
        assert np.abs(painted - cv.samples.to_picture(outputs[side])).max() <= 1
    debugger.root.locator('[data-side="difference"]').click()
    debugger.settle()
    gap = rows["B"] - rows["A"]
    most = float(np.abs(gap).max())
    meant = {"low": -most, "high": most, "signed": True}
    assert debugger.colour_range() == pytest.approx(meant, rel=1e-4)
    is_colour_map(debugger.painted("background", run.patch_grid), gap, debugger.colour_range())
    apart = (outputs["B"] - outputs["A"]).abs().amax(dim=1).numpy()
    is_colour_map(
        debugger.painted("output", (16, 32)),
        apart,
        {"low": 0.0, "high": float(apart.max()), "signed": False},
    )
    debugger.root.locator('[data-set="dialect"]').select_option("pytorch")
    debugger.says("shrink align_corners → ")
    assert debugger.step("Shrink").locator(".ctx-parting").count() == 1
    debugger.do("pin")
    assert debugger.root.locator(".ctx-tag, [data-side]").count() == 0


# ---- 8. take it away ----

# Where a picture's canvas lies in the saved one, which is without controls and twice as large.
IN_PICTURE = """(root, view) => {
    root.classList.add("ctx-picture");
    const outer = root.getBoundingClientRect();
    const { left, top, width, height } =
        root.querySelector(`canvas[data-view="${view}"]`).getBoundingClientRect();
    root.classList.remove("ctx-picture");
    return [top - outer.top, left - outer.left, height, width].map((length) => 2 * length);
}"""
# The fainter one of the hatching's two colours: red, green, blue and alpha.
HATCHING = """(root) => {
    const hatch = root.querySelector('[aria-label="background"] .ctx-hatch');
    return getComputedStyle(hatch).backgroundImage.match(/rgba\\(([^)]*)\\)/)[1]
        .split(",").map(Number);
}"""


def is_saved(
    pixels: np.ndarray,
    place: list[float],
    painted: np.ndarray,
    hole: np.ndarray,
    hatching: list[float],
) -> None:
    """Each cell's colour is found at its place, under the hatching where the hole covers it all.

    Outlines and ranks are laid over parts of a few cells.
    """
    rows, cols = painted.shape[:2]
    top, left, height, width = place
    *tint, alpha = hatching
    covered = hole.reshape(rows, hole.shape[0] // rows, cols, -1).all(axis=(1, 3))
    hidden = []
    assert 0 < covered.sum() < covered.size
    for row in range(rows):
        for col in range(cols):
            y, x = round(top + row * height / rows), round(left + col * width / cols)
            cell = pixels[y : y + round(height / rows), x : x + round(width / cols)]
            wanted = painted[row, col]
            if covered[row, col]:
                wanted = (1 - alpha) * wanted + alpha * np.array(tint)
            distance = np.abs(cell - wanted).max(axis=2)
            if (distance <= 2).mean() <= 0.2:
                hidden.append((row, col))
    # Under the boxes of the five best, their numbers, and the arrow to the best with its badge.
    assert len(hidden) <= 10, hidden


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.ThinHoleWarning")
def test_8_take_it_away(home: Home, offline: Any, tmp_path: Path) -> None:
    page = tmp_path / "taken.html"
    debugger = home.open(photo_run(), query=(4, 6), stage="scores", python=INPUTS)
    debugger.drag("rectangle", (2, 3), (6, 25))
    debugger.root.locator('[data-set="fuse_k"]').select_option("5")
    debugger.settle_output()
    with debugger.page.expect_download() as download:
        debugger.do("page")
    download.value.save_as(page)
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    painted = debugger.painted("background", debugger.grid)[..., :3]
    place = debugger.root.evaluate(IN_PICTURE, "background")
    hatching = debugger.root.evaluate(HATCHING)
    with debugger.page.expect_download() as download:
        debugger.do("png")
    assert download.value.suggested_filename == "scores.png"
    with Image.open(download.value.path()) as picture:
        assert picture.width > 600
        pixels = np.array(picture.convert("RGB")).astype(int)
    hole = home.held().mask[0, 0].bool()
    is_saved(pixels, place, painted, hole.numpy(), hatching)
    debugger.do("python")
    debugger.says(r"Copied|saved as view\.py")
    made: dict[str, Any] = {}
    exec(debugger.root.evaluate("(root) => root.debuggerPython"), made)
    run: cv.Trace = made["trace"]
    assert run.config == cv.AttentionConfig(fuse_k=5)
    assert made["stage"].key == "scores"
    close(debugger.row("attention"), made["row"].attention)
    shows(home, debugger, run)
    again = Debugger(offline(page), run.query_grid)
    again.expect("query", "4,6")
    assert again.data("stage") == "scores"
    close(again.row("attention"), run.query(4, 6)["attention"])
    again.settle_output()
    painted = again.painted("output", (run.f.shape[2], run.f.shape[3]))[..., :3]
    assert np.abs(painted - cv.samples.to_picture(run["output"].tensor)).max() <= 1


# ---- 9. your own data ----


def photograph(height: int, width: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def test_9_bring_your_own_photograph(home: Home) -> None:
    debugger = home.open(photo_run())
    upload = {"name": "<b>my own</b>.png", "mimeType": "image/png", "buffer": photograph(37, 50)}
    debugger.root.locator('input[type="file"]').set_input_files(upload)
    debugger.says("50 × 37.*cropped to 48 × 32")
    assert debugger.root.locator("b", has_text="my own").locator("b").count() == 0
    debugger.until(HAS_SIZE, "channel 3 × row 16 × column 24")
    run = home.held()
    assert run.f.shape == (1, 3, 32, 48)
    debugger.grid = run.query_grid
    debugger.move(3, 9)
    close(debugger.row("attention"), run.query(3, 9)["attention"])
    shows(home, debugger, run)
    dropped = base64.b64encode(photograph(30, 20)).decode()
    debugger.root.evaluate(DROP, ["dropped.png", dropped])
    debugger.says("dropped.png: 20 × 30.*cropped to 16 × 24")
    debugger.until(HAS_SIZE, "channel 3 × row 12 × column 8")
    run = home.held()
    debugger.grid = run.query_grid
    debugger.move(3, 7)
    close(debugger.row("attention"), run.query(3, 7)["attention"])
    shows(home, debugger, run)


def test_9_deep_features_and_batches(home: Home) -> None:
    f = torch.cat([features(6, 16, 24, seed) for seed in (0, 1)])
    run = cv.trace(f, f.flip(3))
    debugger = home.open(run)
    assert "principal components" in debugger.root.inner_text()
    debugger.move(2, 3)
    close(debugger.row("attention"), run.query(2, 3)["attention"])
    debugger.root.locator('[data-set="sample"]').select_option("1")
    debugger.move(2, 4)
    close(debugger.row("attention"), run.query(2, 4, sample=1)["attention"])
    assert home.state("sample") == 1
    debugger.root.locator('[data-set="channel"]').select_option("5")
    debugger.settle()
    channel = f[1, 5].numpy()
    top = float(np.abs(channel).max())
    painted = debugger.painted("foreground", (16, 24))
    is_colour_map(painted, channel, {"low": -top, "high": top, "signed": True})
    # A picture to show beside features is an argument.
    beside = features(3, 16, 24, 2)
    debugger = home.open(run, picture_f=beside)
    painted = debugger.painted("foreground", (16, 24))[..., :3]
    assert np.abs(painted - cv.samples.to_picture(beside)).max() <= 1


def test_9_one_channel(home: Home) -> None:
    grey = features(1, 16, 16)
    run = cv.trace(grey, grey)
    debugger = home.open(run, query=(1, 1))
    close(debugger.row("attention"), run.query(1, 1)["attention"])
    shows(home, debugger, run)


# ---- by hand, by keyboard, for every eye ----


def test_hover_shows_click_locks_escape_releases(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run)
    debugger.move(3, 4)
    assert debugger.data("query") == "3,4"
    assert home.state("query") is None  # hovering is told to nobody
    debugger.click(5, 6)
    debugger.move(7, 9)
    assert debugger.data("query") == "5,6"
    assert list(home.state("query")) == [5, 6]
    debugger.page.keyboard.press("Escape")
    debugger.settle()
    assert home.state("query") is None
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    assert debugger.data("query") == "{},{}".format(*home_cell(run))
    debugger.move(7, 7)
    assert debugger.data("query") == "7,7"


def test_everything_goes_by_keyboard(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run)
    stack = debugger.canvas("foreground").locator("..")
    stack.focus()
    debugger.page.keyboard.press("Enter")
    row, col = map(int, debugger.data("query").split(","))
    debugger.page.keyboard.press("ArrowDown")
    debugger.page.keyboard.press("ArrowRight")
    debugger.settle()
    assert debugger.data("query") == f"{row + 1},{col + 1}"
    live = debugger.root.locator('[aria-live="polite"]')
    assert f"({row + 1}, {col + 1})" in live.inner_text()
    assert list(home.state("query")) == [row + 1, col + 1]
    debugger.page.keyboard.press("Escape")
    debugger.settle()
    assert home.state("query") is None
    assert debugger.data("query") == "{},{}".format(*home_cell(run))
    outline = debugger.root.evaluate(
        "(root) => { const s = getComputedStyle(document.activeElement); return s.outlineStyle; }"
    )
    assert outline != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("stage", ["attention", "output", "fused_scores"])
def test_axe_finds_nothing_serious(opened: Any, scheme: str, stage: str) -> None:
    context = {"color_scheme": scheme, "reduced_motion": "reduce"}
    debugger = opened(photo_run(), context, query=(4, 6), stage=stage)
    debugger.do("pin")
    found = Axe().run(debugger.page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]
