"""The page as text: complete, closed to the outside, safe in whatever it is told."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ctxattn_viz as cv
from ctxattn_viz.debugger import assets
from ctxattn_viz.debugger.page import render
from ctxattn_viz.debugger.payload import build
from ctxattn_viz.debugger.state import initial_state
from tests.support.inputs import hole, maps
from tests.support.page import Reader, state_of

EVIL = "</script><img src=x onerror=alert(1)><!-- \u2028 'quoted' \"twice\" & <b>"


@pytest.fixture(scope="module")
def run() -> cv.Trace:
    return cv.trace(maps(), maps(), hole())


def rendered(run: cv.Trace, **options: Any) -> str:
    return render(initial_state(build(run, **options), run))


def test_it_holds_everything_the_trace_has_to_show(run: cv.Trace, tmp_path: Path) -> None:
    path = cv.save_page(run, tmp_path / "page.html", title="Mine")
    assert path == tmp_path / "page.html"
    state = state_of(path.read_text(encoding="utf-8"))
    payload = build(run)
    assert state["buffers"] == payload.buffers
    assert state["mask"] == payload.mask
    assert state["meta"]["title"] == "Mine"
    assert state["meta"]["kernel"] is False
    assert state["config"] == run.config.to_dict()
    assert state["query"] is None


def test_it_opens_where_it_is_told(run: cv.Trace, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    cv.save_page(run, page, query=(2, 3), pixel=(15, 0), stage="scores")
    state = state_of(page.read_text(encoding="utf-8"))
    assert (state["query"], state["pixel"], state["stage"]) == ([2, 3], [15, 0], "scores")
    with pytest.raises(cv.InputError, match="query row: expected an integer from 0 to 7, got 8"):
        cv.save_page(run, page, query=(8, 3))
    with pytest.raises(cv.InputError, match="stage: expected one of"):
        cv.save_page(run, page, stage="the end")


def test_equal_inputs_are_stored_once(run: cv.Trace) -> None:
    texts = re.findall(r"<script type=\"text/plain\" data-bytes>([^<]*)", rendered(run))
    assert len(texts) == len(set(texts))
    maps = 4
    assert len(texts) == 7 + maps - 2 + 1 + 1  # b and its picture are f's


def test_it_asks_for_nothing_outside_itself(run: cv.Trace) -> None:
    page = rendered(run)
    reader = Reader(page)
    assert not [tag for tag, attrs in reader.tags if {"src", "href"} & set(attrs)]
    assert {tag for tag, _ in reader.tags}.isdisjoint({"link", "iframe", "object", "base"})
    policy = next(a["content"] for tag, a in reader.tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    loader = base64.b64encode(hashlib.sha256(reader.script("ctxattn-loader").encode()).digest())
    assert f"script-src 'sha256-{loader.decode()}' blob:;" in policy


def test_the_front_end_stands_in_it_as_it_is_served(run: cv.Trace) -> None:
    """Nothing in it is taken for markup: neither the end of a script nor a comment."""
    reader = Reader(rendered(run))
    assert reader.script("ctxattn-module").strip() == assets.module().strip()
    assert reader.script("ctxattn-loader") == assets.loader()


def test_no_script_stands_in_python(root: Path) -> None:
    words = re.compile(r"=>|\bdocument\.|globalThis|\baddEventListener\b")
    sources = (root / "ctxattn_viz").rglob("*.py")
    found = [path.name for path in sources if words.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_nothing_it_is_told_becomes_html(run: cv.Trace) -> None:
    plain, evil = (rendered(run, title=text, python=text) for text in ("a plain title", EVIL))
    tags = [[tag for tag, _ in Reader(page).tags] for page in (plain, evil)]
    assert tags[0] == tags[1]
    state = state_of(evil)
    assert state["meta"]["title"] == EVIL
    assert state["meta"]["python"] == EVIL


def test_a_widget_saves_what_is_on_its_screen(run: cv.Trace, tmp_path: Path) -> None:
    debugger = cv.debug(run)
    debugger.query, debugger.stage, debugger.softmax_scale = (2, 3), "scores", 4.0
    debugger.mask = hole().roll(2, 2)
    state = state_of(debugger.save_page(tmp_path / "page.html").read_text(encoding="utf-8"))
    assert state["query"] == [2, 3]
    assert state["stage"] == "scores"
    assert state["softmax_scale"] == state["config"]["softmax_scale"] == 4.0
    assert state["mask"]["data"] == hole().roll(2, 2).byte().numpy().tobytes()
    held = np.frombuffer(state["answer"]["output"], np.float32)
    np.testing.assert_array_equal(held, debugger.trace["output"].tensor.numpy().ravel())
