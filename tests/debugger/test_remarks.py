"""Facts, findings and cells to walk through, as they cross to the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.debugger import outcome, remarks
from ctxattn_viz.debugger.payload import build
from tests.support.inputs import hole, maps

SHARP = cv.AttentionConfig(softmax_scale=1000.0)


def sharp_run() -> cv.Trace:
    return cv.trace(maps(side=32), maps(side=32, seed=1), hole(32), SHARP)


def test_they_cross_whole_and_in_little() -> None:
    run = sharp_run()
    meta = build(run).meta
    for name, expected in (("facts", run.facts), ("findings", run.findings)):
        sent = meta[name]
        assert [each["key"] for each in sent] == expected.keys() != []
        for each, remark in zip(sent, expected, strict=True):
            assert each["sentence"] == remark.sentence
            assert each["stage"] in run
            assert each["count"] == len(remark.cells)
            assert [tuple(cell) for cell in each["cells"]] == list(remark.cells[:200])
            assert (each["grid"], each["sample"]) == (remark.grid, remark.sample)
    assert meta["walk"] is None


def test_of_many_cells_the_first_are_sent() -> None:
    many = cv.trace(maps(side=64), maps(side=64, seed=1), None, SHARP)
    (sharp,) = build(many).meta["findings"]
    assert (
        len(sharp["cells"])
        == remarks.MOST_CELLS
        < sharp["count"]
        == len(many.findings["sharp"].cells)
    )
    sizes = [len(json.dumps(build(many).meta[name])) for name in ("facts", "findings")]
    assert sum(sizes) < 20_000


def test_they_are_looked_for_where_that_takes_a_while_only_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outcome, "KEEP_BYTES", 1000)
    run = sharp_run()
    debugger = cv.debug(run)
    assert debugger.meta["findings"] is None
    assert [each["key"] for each in debugger.meta["facts"]] == run.facts.keys()
    sent: list[Any] = []
    monkeypatch.setattr(debugger, "send", sent.append)
    debugger._on_message({"kind": "find"}, [])
    ((message),) = sent
    assert message["kind"] == "findings"
    assert [each["key"] for each in message["findings"]] == ["sharp"]
    assert build(run).meta["findings"] == message["findings"]  # a page that is saved has them
    debugger.close()


def test_what_is_asked_for_is_of_the_run_on_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    debugger = cv.debug(sharp_run())
    sent: list[Any] = []
    monkeypatch.setattr(debugger, "send", sent.append)
    debugger.config = cv.AttentionConfig(softmax_scale=0.01, overlap="coverage")
    debugger._show_asked_run()
    debugger._on_message({"kind": "find"}, [])
    asked = sharp_run().revised(config=debugger.config)
    assert [each["key"] for each in sent[-1]["facts"]] == asked.facts.keys()
    assert [each["key"] for each in sent[-1]["findings"]] in ([], ["flat"])
    debugger.close()


def test_findings_that_do_not_fit_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    debugger = cv.debug(cv.trace(maps(side=32), maps(side=32), hole(32)))
    sent: list[Any] = []
    monkeypatch.setattr(debugger, "send", sent.append)
    debugger.trace.__dict__.pop("findings", None)
    debugger.trace._swept.clear()
    monkeypatch.setattr(debugger.trace, "budget", 1000)
    debugger._on_message({"kind": "find"}, [])
    assert sent[-1]["kind"] == "refused"
    assert "findings: expected to fit 1 kB" in sent[-1]["reason"]
    debugger.close()


def test_a_page_of_what_does_not_fit_opens_without_findings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outcome, "KEEP_BYTES", 1000)
    meta = build(cv.trace(maps(side=32), maps(side=32), hole(32), budget=100_000)).meta
    assert meta["findings"] is None
    assert meta["facts"]


def test_a_sick_run_is_strict_json() -> None:
    f = maps(side=32)
    f[0, 0, 4, 4] = torch.nan
    meta = build(cv.trace(f, f * torch.inf, hole(32), allow_nonfinite=True)).meta
    json.dumps(meta, allow_nan=False)
    assert {each["key"] for each in meta["findings"]} >= {"nonfinite"}


# ---- cells to walk through ----------------------------------------------------------------------


def test_cells_of_where_can_be_walked_through() -> None:
    run = sharp_run()
    cells = run.where(lambda cell: cell.hole)
    debugger = cv.debug(run, cells=cells)
    assert [tuple(cell) for cell in debugger.meta["walk"]] == cells
    debugger.close()
    assert build(run, cells=[]).meta["walk"] == []


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (3, r"cells: expected a list of \(row, column\), as trace.where gives, got 3"),
        ("(1, 2)", "cells: expected a list"),
        ([None], "cells: expected a list .* got None in it"),
        ([(16, 0)], "cells row: expected an integer from 0 to 15, got 16"),
        ([(1, 2, 3)], r"cells: expected \(row, column\) or None"),
    ],
)
def test_cells_that_cannot_be_are_refused(cells: Any, message: str) -> None:
    with pytest.raises(cv.InputError, match=message):
        build(sharp_run(), cells=cells)
