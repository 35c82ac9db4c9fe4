"""A value that cannot be set from Python leaves everything as it was, linked widgets too."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pytest
import torch
import traitlets

import ctxattn_viz as cv
from ctxattn_viz.debugger.widget import Debugger
from tests.support.front_end import Page, refuse_runs, set_together, state_of

OPEN: list[Debugger] = []


def debugger_of(side: int) -> Debugger:
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(side))
    OPEN.append(cv.debug(cv.trace(x, x)))
    return OPEN[-1]


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def listening(debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> Page:
    page = Page(debugger)
    monkeypatch.setattr(debugger, "_send", lambda message, buffers=None: page.heard.append(message))
    return page


def set_alone(debugger: Debugger, **values: Any) -> None:
    for name, value in values.items():
        setattr(debugger, name, value)


# ---- None ----

NO_VALUE = (
    "config",
    "softmax_scale",
    "stage",
    "sample",
    "request",
    "meta",
    "buffers",
    "answer",
    "_esm",
)


@pytest.mark.parametrize("together", [False, True], ids=["alone", "held"])
@pytest.mark.parametrize("name", NO_VALUE)
def test_none_is_refused_where_it_is_no_value(
    name: str, together: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    debugger = debugger_of(8)
    before = debugger.get_state()
    values = {"query": (1, 1), name: None} if together else {name: None}
    with pytest.raises(traitlets.TraitError, match="None"):
        (set_together if together else set_alone)(debugger, **values)
    assert debugger.get_state() == before
    page = listening(debugger, monkeypatch)
    debugger.softmax_scale = 7.0
    page.sets(stage="scores", request=1)
    page.sets(softmax_scale=3.0, request=2)
    assert page.refusals == []
    assert page.answers == [0, 1, 2]
    assert not caplog.records


def test_no_hole_whose_run_fails_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    debugger = debugger_of(8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :3, :3] = 1
    debugger.mask = mask
    before = state_of(debugger)
    with monkeypatch.context() as patched:
        refuse_runs(patched, MemoryError())
        with pytest.raises(traitlets.TraitError):
            debugger.mask = None
    assert state_of(debugger) == before
    debugger.mask = None
    assert not debugger.trace.mask.any()


# ---- links ----


def chain(*debuggers: Debugger, names: tuple[str, ...] = ("config",)) -> None:
    for one, other in itertools.pairwise(debuggers):
        for name in names:
            ipywidgets.link((one, name), (other, name))


def star(first: Debugger, *others: Debugger, names: tuple[str, ...] = ("config",)) -> None:
    for other in others:
        for name in names:
            ipywidgets.link((first, name), (other, name))


def settings_of(debuggers: tuple[Debugger, ...]) -> list[dict[str, Any]]:
    """Their states; a linked one's run may have been made again."""
    return [state_of(one) | {"trace": one.trace.config} for one in debuggers]


@pytest.mark.parametrize("names", [("config",), ("config", "softmax_scale"), ("query", "config")])
@pytest.mark.parametrize("join", [chain, star])
def test_what_a_linked_debugger_refuses_is_undone_in_all(
    join: Callable[..., None],
    names: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    all_of_them = debugger_of(32), debugger_of(32), debugger_of(24)
    join(*all_of_them, names=names)
    before = settings_of(all_of_them)
    with pytest.raises(traitlets.TraitError, match="divisible by rate 16, got 24"):
        all_of_them[0].config = cv.AttentionConfig(rate=16, softmax_scale=4)
    assert settings_of(all_of_them) == before
    with pytest.raises(traitlets.TraitError):
        set_together(
            all_of_them[0], query=(1, 1), config=cv.AttentionConfig(rate=16, softmax_scale=4)
        )
    assert settings_of(all_of_them) == before
    page = listening(all_of_them[0], monkeypatch)
    page.sets(config={"rate": 16}, request=1)
    assert settings_of(all_of_them) == before
    assert [refusal["request"] for refusal in page.refusals] == [1]
    assert all_of_them[0].request == 1
    page.sets(config={"rate": 4, "softmax_scale": 3.0}, softmax_scale=3.0, request=2)
    assert {one.trace.config for one in all_of_them} == {
        cv.AttentionConfig(rate=4, softmax_scale=3)
    }
    assert page.answers[-1] == 2
    all_of_them[0].softmax_scale = 5.0
    assert [one.softmax_scale for one in all_of_them] == [5.0] * 3
    assert len(page.refusals) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("names", [("config", "softmax_scale"), ("softmax_scale", "config")])
def test_config_and_scale_may_be_linked_together(names: tuple[str, ...]) -> None:
    one, other = debugger_of(16), debugger_of(16)
    chain(one, other, names=names)
    for source in (one, other):
        for config in (
            cv.AttentionConfig(rate=4, softmax_scale=3),
            cv.AttentionConfig(dialect="mmagic", softmax_scale=2),
        ):
            source.config = config
            assert one.config == other.config == one.trace.config == other.trace.config == config
            assert one.softmax_scale == other.softmax_scale == config.softmax_scale
        source.softmax_scale = 8.0
        assert one.config == other.config == config.replace(softmax_scale=8)


@pytest.mark.parametrize("name", ["query", "stage", "config", "softmax_scale", "mask"])
def test_what_an_observer_raises_is_undone_from_python(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    debugger = debugger_of(8)
    values: dict[str, Any] = {
        "query": (1, 1),
        "stage": "scores",
        "config": cv.AttentionConfig(rate=4),
        "softmax_scale": 3.0,
        "mask": torch.eye(8)[None, None],
    }
    before = state_of(debugger)

    def observer(change: Any) -> None:
        if change.new is not before[name]:
            raise ValueError("not today")

    debugger.observe(observer, name)
    with pytest.raises(ValueError, match="not today"):
        setattr(debugger, name, values[name])
    assert state_of(debugger) == before
    assert not caplog.records
    debugger.unobserve(observer, name)
    setattr(debugger, name, values[name])
    assert getattr(debugger, name) is not before[name]
