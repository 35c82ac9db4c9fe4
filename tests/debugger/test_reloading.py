"""With ANYWIDGET_HMR=1 an open debugger follows what `make front-watch` builds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ctxattn_viz as cv
from ctxattn_viz.debugger import assets, reloading
from ctxattn_viz.debugger.widget import Debugger
from tests.support.inputs import maps


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The built front end, to be changed."""
    copy = tmp_path / "static"
    shutil.copytree(assets.STATIC, copy)
    monkeypatch.setattr(assets, "STATIC", copy)
    yield copy
    assets.forget()


@pytest.fixture
def debugger() -> Debugger:
    return cv.debug(cv.trace(maps(), maps()))


def build(static: Path, name: str, text: str) -> None:
    file = static / name
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


def test_a_new_front_end_reaches_an_open_debugger(static: Path, debugger: Debugger) -> None:
    sent: list[Any] = []
    debugger.observe(lambda change: sent.append(change.name), ["_module", "_css"])
    before = assets.modified()
    assert reloading.renew(debugger, before)
    assert sent == []  # nothing is new
    build(static, "debugger.js", "// built\n")
    build(static, "debugger.css", "/* built */\n")
    assert reloading.renew(debugger, before)
    assert sent == ["_css", "_module"]  # the page renders anew last
    assert (debugger._module, debugger._css) == ("// built\n", "/* built */\n")
    assert reloading.renew(debugger, assets.modified())
    assert len(sent) == 2


def test_a_closed_debugger_is_let_go(debugger: Debugger) -> None:
    debugger.close()
    assert not reloading.renew(debugger, assets.modified())
    assert not reloading.renew(None, assets.modified())


@pytest.mark.parametrize("hot", [True, False])
def test_only_who_asks_is_followed(hot: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[Debugger] = []
    monkeypatch.setattr(assets, "HOT", hot)
    monkeypatch.setattr(reloading, "follow", followed.append)
    debugger = cv.debug(cv.trace(maps(), maps()))
    assert followed == ([debugger] if hot else [])
