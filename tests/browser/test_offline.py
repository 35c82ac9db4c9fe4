"""The page from disk, with the network cut: what it draws and says against PyTorch's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page

import ctxattn_viz as cv
from tests.browser.drive import (
    MATRICES,
    close,
    features,
    home_cell,
    is_colour_map,
    meant_row,
    photo_run,
    two_maps,
)

pytestmark = pytest.mark.recordings

DIALECTS = ("tensorflow", "pytorch", "mmagic")
EACH_TIME = [(photo_run, "tensorflow"), (two_maps, "mmagic")]


# ---- the right cells light up ----


@pytest.mark.parametrize(
    ("make", "dialect"),
    [
        pytest.param(make, dialect, marks=[] if is_each_time else [pytest.mark.long])
        for make in (photo_run, two_maps)
        for dialect in DIALECTS
        for is_each_time in [(make, dialect) in EACH_TIME]
    ],
)
def test_every_stage_shows_pytorchs_numbers(opened: Any, make: Any, dialect: str) -> None:
    run = make(cv.AttentionConfig(dialect=dialect))
    debugger = opened(run)
    h, w = run.query_grid
    for row, col in [(4, 6), (0, 0), (h - 1, w - 1)]:
        debugger.move(row, col)
        assert debugger.data("query") == f"{row},{col}"
        for stage in run:
            close(debugger.row(stage), meant_row(run, stage, row, col))
    for stage in MATRICES:
        debugger.show(stage)
        for row, col in [(5, 3), (h - 2, 0)]:
            debugger.move(row, col)
            values = run.query(row, col)[stage].numpy()
            close(debugger.row(stage), values)
            painted = debugger.painted("background", run.patch_grid)
            is_colour_map(painted, values, debugger.colour_range())


@pytest.mark.parametrize(
    "config",
    [
        cv.AttentionConfig(rate=1, ksize=1, fuse=False),
        cv.AttentionConfig(stride=2, fuse_k=5, ksize=5, softmax_scale=3.0),
    ],
)
def test_other_settings_show_pytorchs_numbers_too(opened: Any, config: Any) -> None:
    run = two_maps(config, channels=5)
    debugger = opened(run)
    debugger.move(3, 7)
    for stage in run:
        close(debugger.row(stage), meant_row(run, stage, 3, 7))
    values = run.query(3, 7)["attention"].numpy()
    is_colour_map(debugger.painted("background", run.patch_grid), values, debugger.colour_range())


def test_the_comparison_of_colours_can_fail(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run)
    debugger.move(4, 6)
    painted = debugger.painted("background", run.patch_grid)
    values = run.query(4, 7)["attention"].numpy()  # its neighbour's
    with pytest.raises(AssertionError):
        is_colour_map(painted, values, debugger.colour_range())


def test_it_opens_where_it_was_saved(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run, query=(2, 9), stage="fused_scores")
    debugger.expect("query", "2,9")
    assert debugger.data("stage") == "fused_scores"
    close(debugger.row("fused_scores"), run.query(2, 9)["fused_scores"])


# ---- bad state from outside ----


def test_a_title_is_only_ever_text(opened: Any) -> None:
    evil = "<img src=x onerror='document.title=`harmed`'></script><b>bold</b>"
    debugger = opened(photo_run(), title=evil, python=evil)
    assert debugger.page.title() == evil
    assert debugger.root.locator("img").count() == 0
    assert evil in debugger.root.inner_text()


@pytest.mark.parametrize("query", ["[99, 0]", "[-1, 2]", "['a', 1]", "[1]"])
def test_a_query_off_the_map_is_answered_in_words(opened: Any, query: str) -> None:
    run = photo_run()
    debugger = opened(run)
    debugger.page.evaluate(f"() => ctxattn.model.set('query', {query})")
    debugger.settle()
    assert debugger.data("query") == "{},{}".format(*home_cell(run))
    assert "cannot show query" in debugger.root.inner_text()


def test_a_payload_cut_short_gives_a_sentence(offline: Any, tmp_path: Path) -> None:
    path = cv.save_page(photo_run(), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    start = text.index("data-bytes>") + len("data-bytes>")
    path.write_text(text[:start] + text[start + 400 :], encoding="utf-8")
    page: Page = offline(path)
    page.wait_for_timeout(500)
    said = page.locator("body").inner_text()
    assert said.strip()
    assert "bytes" in said or "short" in said, said
    assert "NaN" not in said


def test_nan_features_are_shown_for_what_they_are(opened: Any) -> None:
    f = features(3, 24, 18)
    f[0, :, 8:10, 8:10] = torch.nan
    run = cv.trace(f, features(3, 20, 28, 1), allow_nonfinite=True)
    debugger = opened(run)
    debugger.move(4, 4)
    assert np.isnan(debugger.row("attention")).all()
    debugger.move(11, 8)
    close(debugger.row("attention"), run.query(11, 8)["attention"])


@pytest.mark.parametrize("size", [255.0, 1e39, np.inf])
def test_numbers_that_are_not_ordinary_open(opened: Any, size: float) -> None:
    """Half precision of ordinary size, and what float32 cannot hold."""
    f = features(3, 24, 18).double() * size
    run = cv.trace(
        f.half() if size == 255 else f,
        f.half() if size == 255 else f,
        None,
        cv.AttentionConfig(softmax_scale=1e-4),
        allow_nonfinite=True,
    )
    debugger = opened(run)
    debugger.move(4, 4)
    row = debugger.row("scores")
    if size == 255:
        close(row, run.query(4, 4)["scores"].float())
    else:
        assert not np.isfinite(row).all()
        assert "NaN" in debugger.root.inner_text()
