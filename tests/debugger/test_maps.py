"""The maps of doubt of a debugger: what crosses to the page, and the trait that chooses one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets as t

import ctxattn_viz as cv
from ctxattn_viz.debugger import outcome
from ctxattn_viz.debugger.payload import build
from tests.support.front_end import Page
from tests.support.inputs import hole, maps

SENT = ("effective_patches", "best_share", "margin", "times_pasted")


def run_of(n: int = 1) -> cv.Trace:
    return cv.trace(maps(n=n), maps(n=n, seed=1), hole())


@pytest.fixture
def debugger() -> Any:
    debugger = cv.debug(run_of())
    yield debugger
    debugger.close()


def test_what_the_rows_alone_give_crosses_for_every_sample() -> None:
    run = run_of(n=2)
    payload = build(run)
    for name in SENT:
        described = payload.meta["arrays"][name]
        sent = np.frombuffer(payload.buffers[name], np.float32).reshape(described["shape"])
        for sample in range(2):
            np.testing.assert_array_equal(sent[sample], run.map(name, sample).numpy())
    # Agreement and offsets follow from the best matches, the error from the output.
    assert not {"agreement", "offset_length", "error"} & payload.buffers.keys()


def test_it_adds_no_more_than_is_said() -> None:
    run = run_of()
    added = sum(len(build(run).buffers[name]) for name in SENT)
    cells, patches = (size[0] * size[1] for size in (run.query_grid, run.patch_grid))
    assert added == 12 * cells + 4 * patches <= 7 * 4 * cells


def test_a_large_run_opens_without_maps_and_a_page_has_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(outcome, "KEEP_BYTES", 0)
    assert not set(SENT) & build(run_of(), at_once=False).buffers.keys()
    path = cv.save_page(run_of(), tmp_path / "page.html")
    assert '"margin": {"stored"' in path.read_text()


def test_a_map_is_chosen_in_python_and_in_the_page(debugger: Any) -> None:
    seen: list[Any] = []
    debugger.observe(lambda change: seen.append(change["new"]), "map")
    debugger.map = "margin"
    page = Page(debugger)
    page.sets(map="times_pasted")
    page.sets(map=None)
    assert seen == ["margin", "times_pasted", None]


def test_a_wrong_map_is_refused_and_leaves_the_old_one(debugger: Any) -> None:
    debugger.map = "margin"
    with pytest.raises(t.TraitError, match=r"map: expected one of effective_patches, .*'doubt'"):
        debugger.map = "doubt"
    with pytest.raises(t.TraitError, match=r"map: expected a map that needs no truth, or a truth"):
        debugger.map = "error"
    page = Page(debugger)
    debugger.send = page.heard.append
    page.sets(map=3)
    assert debugger.map == "margin"
    assert "map: expected one of" in page.heard[-1]["reason"]


def test_both_homes_open_with_a_map(tmp_path: Path) -> None:
    run = run_of()
    debugger = cv.debug(run, map="error", truth=run.f)
    assert debugger.map == "error"
    debugger.close()
    path = cv.save_page(run, tmp_path / "page.html", map="agreement")
    state = re.search(r'id="ctxattn-state">(.*?)</script>', path.read_text(), re.DOTALL)
    assert state
    assert json.loads(state[1])["map"] == "agreement"
    for open_debugger in (
        lambda **options: cv.debug(run, **options),
        lambda **options: cv.save_page(run, tmp_path / "other.html", **options),
    ):
        with pytest.raises(cv.InputError, match="map: expected one of"):
            open_debugger(map="Margin")
        with pytest.raises(cv.InputError, match="The truth is an argument of"):
            open_debugger(map="error")
    assert not (tmp_path / "other.html").exists()


def test_a_photographs_run_keeps_the_map() -> None:
    debugger = cv.debug(run_of(), map="margin")
    pixels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8).numpy().tobytes()
    Page(debugger).asks({"kind": "upload", "name": "photo.png", "shape": [16, 16, 3]}, pixels)
    assert debugger.map == "margin"
    debugger.map = "error"  # the photograph is the truth
    debugger.close()
