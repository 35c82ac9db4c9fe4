"""What a careless front end sends: taken whole, or refused with a reason and nothing changed."""

from __future__ import annotations

import base64
import json
import operator
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets

import ctxattn_viz as cv
from ctxattn_viz.debugger import uploads
from ctxattn_viz.debugger import widget as widgets
from ctxattn_viz.debugger.widget import Debugger
from ctxattn_viz.debugger.workload import check_work
from tests.support.front_end import Page, refuse_runs, set_together, state_of
from tests.support.inputs import hole, maps

GOOD = {"query": [1, 2], "stage": "scores"}
HUGE = 10**400


@pytest.fixture
def debugger() -> Iterator[Debugger]:
    one = cv.debug(cv.trace(maps(), maps(seed=1), hole()))
    yield one
    one.close()


@pytest.fixture
def page(debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> Page:
    page = Page(debugger)

    def hear(message: dict[str, Any], buffers: Any = None) -> None:
        page.heard.append(message)
        # What jupyter_client does before a message leaves.
        json.dumps(message, ensure_ascii=False, default=lambda _: "bytes").encode()

    monkeypatch.setattr(debugger, "_send", hear)
    return page


# ---- a refused setting is undone, and the next message works ----


@pytest.mark.parametrize(
    "problem",
    [
        cv.BudgetError("output: expected to fit 1 kB, got 2 kB."),
        cv.InputError("mask", "another", "this"),
        MemoryError(),
        RuntimeError("a fault of ours"),
        ZeroDivisionError("a fault of ours"),
    ],
    ids=lambda problem: type(problem).__name__,
)
@pytest.mark.parametrize(
    "state",
    [
        {"config": {"softmax_scale": 3.0}, "softmax_scale": 3.0},
        {"mask": {"shape": [1, 16, 16], "data": bytes(256)}},
        {"query": [0, 0], "stage": "scores", "softmax_scale": 4.0},
    ],
    ids=["config", "mask", "scale and more"],
)
def test_a_run_that_fails_leaves_everything_as_it_was(
    page: Page, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], problem: Exception
) -> None:
    before = state_of(page.debugger)
    with monkeypatch.context() as patched:
        refuse_runs(patched, problem)
        page.sets(**state, request=7)
    assert [refusal["request"] for refusal in page.refusals] == [7]
    assert (str(problem) or "MemoryError") in page.refusals[0]["reason"]
    assert state_of(page.debugger) == before
    page.sets(softmax_scale=5.0, request=8)
    assert page.debugger.config.softmax_scale == 5.0
    assert page.answers == [8]
    page.sets(**GOOD)
    assert page.debugger.query == (1, 2)
    assert len(page.refusals) == 1


def test_a_refused_request_is_not_computed_later(page: Page) -> None:
    page.sets(config={"ksize": 2}, request=3)
    page.sets(query=[1, 1])
    page.debugger.stage = "scores"
    assert page.answers == []
    page.sets(request=4)
    assert page.answers == [4]


def test_the_page_is_told_what_is_so_before_why(page: Page) -> None:
    config = page.debugger.config.to_dict()
    page.sets(config=config | {"rate": 3}, query=[9, 9], request=1)
    update, refusal = page.heard[-2:]
    assert update["state"] == {"config": config, "query": None}
    assert refusal["content"]["kind"] == "refused"


@pytest.mark.parametrize("request_", [None, True, -1, 1.5, "1", [], {}, 1e308, 10**30, 2**53])
def test_a_request_that_is_no_number_is_put_back(page: Page, request_: Any) -> None:
    page.sets(request=4)
    page.sets(request=request_, stage="scores")
    update, refusal = page.heard[-2:]
    assert update["state"] == {"request": 4, "stage": "attention"}
    assert refusal["content"]["request"] == 4


@pytest.mark.parametrize("paths", [[["a", "b"]], [], [["mask", "data"], ["mask", "shape"]], 3])
def test_a_message_that_cannot_be_read_puts_the_page_back(page: Page, paths: Any) -> None:
    state = {"mask": {"shape": [1, 16, 16]}, "stage": "scores", "request": 6, "speed": 1}
    page.says({"method": "update", "state": state, "buffer_paths": paths}, [bytes(256)])
    update, refusal = page.heard[-2:]
    assert set(update["state"]) == {"mask", "stage"}
    assert update["state"]["stage"] == "attention"
    assert refusal["content"]["request"] == page.debugger.request == 6


def test_a_fault_is_logged_as_well(
    page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuse_runs(monkeypatch, ZeroDivisionError("a fault of ours"))
    page.sets(softmax_scale=2.0)
    assert "ZeroDivisionError: a fault of ours" in page.refusals[0]["reason"]
    assert caplog.records[0].exc_info is not None
    caplog.clear()
    page.sets(softmax_scale="x")  # no fault: the sentence is enough
    assert not caplog.records


def test_an_interrupt_is_told_and_undone(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of(page.debugger)
    refuse_runs(monkeypatch, KeyboardInterrupt())
    page.sets(query=[1, 1], config={"softmax_scale": 3.0}, request=2)
    assert page.refusals[0]["reason"] == "KeyboardInterrupt"
    assert state_of(page.debugger) == before


def test_what_an_observer_raises_undoes_the_message_too(page: Page) -> None:
    def observer(change: Any) -> None:
        raise ValueError("not today")

    before = state_of(page.debugger)
    page.debugger.observe(observer, "query")
    page.sets(query=[1, 1], softmax_scale=2.0, request=1)
    assert page.refusals[-1]["reason"] == "ValueError: not today"
    assert state_of(page.debugger) == before
    page.debugger.unobserve_all("query")
    page.sets(query=[1, 1], softmax_scale=2.0, request=2)
    assert page.debugger.query == (1, 1)
    assert page.debugger.trace.config.softmax_scale == 2.0


# ---- messages of every wrong form ----

WRONG: dict[str, dict[str, Any]] = {
    "query text": {"query": "ab"},
    "query number": {"query": 3},
    "query NaN": {"query": [float("nan"), 0]},
    "query fraction": {"query": [1.0, 2]},
    "query true": {"query": [True, 0]},
    "query nested": {"query": [[1], [2]]},
    "query object": {"query": {"row": 1}},
    "query huge": {"query": [HUGE, 0]},
    "query long": {"query": [0] * 100_000},
    "pixel negative": {"pixel": [-1, 0]},
    "stage number": {"stage": 5},
    "stage none": {"stage": None},
    "stage list": {"stage": ["scores"]},
    "stage surrogate": {"stage": "\ud800"},
    "sample text": {"sample": "0"},
    "sample fraction": {"sample": 0.5},
    "sample true": {"sample": True},
    "sample beyond": {"sample": 1},
    "sample huge": {"sample": HUGE},
    "scale text": {"softmax_scale": "10"},
    "scale NaN": {"softmax_scale": float("nan")},
    "scale huge": {"softmax_scale": HUGE},
    "scale list": {"softmax_scale": [1]},
    "scale none": {"softmax_scale": None},
    "config none": {"config": None},
    "config text": {"config": "fast"},
    "config list": {"config": [["ksize", 3]]},
    "config unknown": {"config": {"speed": 2}},
    "config NaN": {"config": {"softmax_scale": float("nan")}},
    "config nested": {"config": {"ksize": {"ksize": 3}}},
    "config dialect": {"config": {"dialect": ["tensorflow"]}},
    "config rate": {"config": {"rate": 3}},
    "mask text": {"mask": "all"},
    "mask list": {"mask": [[0, 1]]},
    "mask nothing": {"mask": {}},
    "mask no data": {"mask": {"shape": [1, 16, 16]}},
    "mask no bytes": {"mask": {"shape": [1, 16, 16], "data": None}},
    "mask text bytes": {"mask": {"shape": [1, 16, 16], "data": "0" * 256}},
    "mask text that is not base64": {"mask": {"shape": [1, 16, 16], "data": "no base64: é"}},
    "mask numbers that are no bytes": {"mask": {"shape": [1, 16, 16], "data": [256] * 256}},
    "mask huge numbers": {"mask": {"shape": [1, 16, 16], "data": [HUGE] * 256}},
    "mask fractions": {"mask": {"shape": [1, 16, 16], "data": [0.5] * 256}},
    "mask base64 short": {"mask": {"shape": [1, 16, 16], "data": base64.b64encode(b"1").decode()}},
    "mask bytes by index": {"mask": {"shape": [1, 16, 16], "data": {"0": 1}}},
    "mask short": {"mask": {"shape": [1, 16, 16], "data": bytes(255)}},
    "mask long": {"mask": {"shape": [1, 16, 16], "data": bytes(257)}},
    "mask other size": {"mask": {"shape": [1, 7, 7], "data": bytes(49)}},
    "mask values": {"mask": {"shape": [1, 16, 16], "data": bytes([255] * 256)}},
    "mask shape wraps": {"mask": {"shape": [2**32, 2**32, 1], "data": b""}},
    "mask shape wraps to its size": {"mask": {"shape": [2**32 + 1, 2**32, 256], "data": b""}},
    "mask shape negative": {"mask": {"shape": [-1, -16, 16], "data": bytes(256)}},
    "mask shape fraction": {"mask": {"shape": [1.0, 16, 16], "data": bytes(256)}},
    "mask shape true": {"mask": {"shape": [True, 16, 16], "data": bytes(256)}},
    "mask shape text": {"mask": {"shape": "abc", "data": bytes(256)}},
    "mask shape zero": {"mask": {"shape": [0, 16, 16], "data": b""}},
    "request text": {"request": "1"},
    "request NaN": {"request": float("nan")},
    "request true": {"request": True},
    "request negative": {"request": -1},
    "request huge": {"request": HUGE},
    "query bytes": {"query": b"\1\1"},
    "query buffer": {"query": memoryview(b"\1\1")},
    "pixel set": {"pixel": {1, 2}},
    "mask in pieces": {"mask": {"shape": [1, 16, 16], "data": memoryview(bytes(512))[::2]}},
    "config field nested": {"config": {"masked": {"masked": "zero"}}},
    "config fuse text": {"config": {"fuse": "yes"}},
    "config shrink none": {"config": {"shrink": 5}},
    "config custom": {"config": {"dialect": "custom"}},
    "config key": {"config": {"": 1}},
    "unknown": {"speed": 3},
    "meta": {"meta": {}},
    "buffers": {"buffers": {}},
    "answer": {"answer": {"request": 10}},
    "program": {"_esm": "alert(1)"},
    "layout": {"layout": "IPY_MODEL_nowhere"},
    "one good, one wrong": {"query": [1, 1], "stage": "nowhere"},
    "one wrong, one good": {"layout": "IPY_MODEL_nowhere", "query": [99, 99]},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_state_is_refused_and_changes_nothing(page: Page, name: str) -> None:
    before = state_of(page.debugger) | {"meta": page.debugger.meta, "_esm": page.debugger._esm}
    page.sets(**WRONG[name])
    assert len(page.refusals) == 1
    assert 0 < len(page.refusals[0]["reason"]) < 700
    after = state_of(page.debugger) | {"meta": page.debugger.meta, "_esm": page.debugger._esm}
    assert all(after[key] is value for key, value in before.items())
    page.sets(**GOOD, request=5)
    assert page.debugger.query == (1, 2)
    assert page.answers == [5]
    assert len(page.refusals) == 1


MALFORMED: dict[str, Callable[[Page], None]] = {
    "nothing": lambda page: page.debugger._handle_msg(None),
    "no content": lambda page: page.debugger._handle_msg({}),
    "no data": lambda page: page.debugger._handle_msg({"content": {}, "buffers": []}),
    "data text": lambda page: page.says("update"),
    "no method": lambda page: page.says({"state": GOOD}),
    "other method": lambda page: page.says({"method": "explode"}),
    "method list": lambda page: page.says({"method": ["update"], "state": GOOD}),
    "no state": lambda page: page.says({"method": "update"}),
    "state list": lambda page: page.says({"method": "update", "state": [1, 2]}),
    "state none": lambda page: page.says({"method": "update", "state": None}),
    "no content of custom": lambda page: page.says({"method": "custom"}),
    "a path without buffer": lambda page: page.says(
        {"method": "update", "state": {"mask": {}}, "buffer_paths": [["mask", "data"]]}
    ),
    "a buffer without path": lambda page: page.says({"method": "update", "state": GOOD}, [b"1"]),
    "a path to nowhere": lambda page: page.says(
        {"method": "update", "state": GOOD, "buffer_paths": [["mask", "data", 5]]}, [b"1"]
    ),
    "paths that are none": lambda page: page.says(
        {"method": "update", "state": GOOD, "buffer_paths": 3}, [b"1"]
    ),
    "custom text": lambda page: page.asks("save_page"),
    "custom none": lambda page: page.asks(None),
    "custom list": lambda page: page.asks([1]),
    "no kind": lambda page: page.asks({}),
    "unknown kind": lambda page: page.asks({"kind": "explode"}),
    "kind list": lambda page: page.asks({"kind": ["save_page"]}),
    "upload without anything": lambda page: page.asks({"kind": "upload"}),
    "upload without bytes": lambda page: page.asks({"kind": "upload", "shape": [8, 8, 3]}),
    "upload of two": lambda page: page.asks(
        {"kind": "upload", "shape": [8, 8, 3]}, bytes(192), bytes(192)
    ),
    "upload wraps": lambda page: page.asks({"kind": "upload", "shape": [2**32, 2**32, 3]}, b""),
    "upload of five channels": lambda page: page.asks(
        {"kind": "upload", "shape": [8, 6, 5]}, bytes(240)
    ),
    "upload shape text": lambda page: page.asks({"kind": "upload", "shape": "883"}, bytes(192)),
    "upload shape none": lambda page: page.asks({"kind": "upload", "shape": None}, bytes(192)),
    "upload shape number": lambda page: page.asks({"kind": "upload", "shape": 192}, bytes(192)),
    "upload shape negative": lambda page: page.asks(
        {"kind": "upload", "shape": [-8, -8, 3]}, bytes(192)
    ),
    "upload in pieces": lambda page: page.asks(
        {"kind": "upload", "shape": [8, 8, 3]}, memoryview(bytes(384))[::2]
    ),
    **{
        f"upload {name} {value!r:.20}": lambda page, name=name, value=value: page.asks(
            {"kind": "upload", "shape": [8, 8, 3], name: value}, bytes(192)
        )
        for name, values in {
            "config": (5, "x", None, [], {"rate": 10**12}, {"softmax_scale": float("nan")}),
            "name": (5, None, [], {}),
        }.items()
        for value in values
    },
    **{
        f"upload size {size!r:.9}": lambda page, size=size: page.asks(
            {"kind": "upload", "shape": [8, 8, 3], "size": size}, bytes(192)
        )
        for size in ("abc", "8", [8], {}, 0, -3, 1.5, float("nan"), True, 1)
    },
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_message_is_refused_and_changes_nothing(page: Page, name: str) -> None:
    before = state_of(page.debugger)
    MALFORMED[name](page)
    assert len(page.refusals) == 1
    assert "expected" in page.refusals[0]["reason"]
    assert state_of(page.debugger) == before
    page.sets(**GOOD, request=5)
    assert page.debugger.query == (1, 2)
    assert page.answers == [5]


def test_deeply_nested_state_is_refused(page: Page) -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    page.sets(query=value)
    assert len(page.refusals) == 1
    assert page.debugger.query is None


FORMS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "base64": lambda data: base64.b64encode(data).decode(),
    "a list": list,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_host_without_binary_traits_is_read(page: Page, form: str) -> None:
    moved = hole().roll(1, 2)
    data = FORMS[form](moved.to(torch.uint8).numpy().tobytes())
    page.sets(mask={"shape": [1, 16, 16], "data": data}, request=1)
    assert page.refusals == []
    assert page.answers == [1]
    torch.testing.assert_close(page.debugger.trace.mask, moved)
    page.asks({"kind": "upload", "shape": [8, 8, 3]}, FORMS[form](bytes(range(192))))
    assert page.refusals == []
    assert page.debugger.trace.f.shape == (1, 3, 8, 8)


def test_good_messages_are_taken(page: Page) -> None:
    data = memoryview(hole().roll(1, 2).to(torch.uint8).numpy().tobytes())
    state = {"mask": {"shape": [1, 16, 16]}, "request": 1}
    paths = [["mask", "data"]]
    page.says({"method": "update", "state": state, "buffer_paths": paths}, [data])
    torch.testing.assert_close(page.debugger.trace.mask, hole().roll(1, 2))
    page.says({"method": "request_state"})
    assert page.heard[-1]["state"]["request"] == 1
    page.asks({"kind": "save_page"})
    assert page.heard[-1]["content"]["kind"] == "page"
    page.sets(_view_count=1)
    assert page.refusals == []


def test_a_broken_picture_leaves_the_run_on_screen(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state_of(page.debugger) | {"meta": page.debugger.meta}

    def observer(change: Any) -> None:
        if change.new is not before["meta"]:
            raise OSError("the disk is full")

    page.debugger.observe(observer, "meta")
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    page.asks({"kind": "upload", "shape": [12, 20, 3], "request": 4}, pixels.tobytes())
    assert page.refusals == [
        {"kind": "refused", "request": 4, "reason": "OSError: the disk is full"}
    ]
    assert state_of(page.debugger) | {"meta": page.debugger.meta} == before
    monkeypatch.setattr(widgets.uploads, "trace_of_upload", lambda *_: 1 // 0)
    page.asks({"kind": "upload", "shape": [12, 20, 3]}, pixels.tobytes())
    assert page.refusals[-1]["reason"].startswith("ZeroDivisionError")


# ---- what would take minutes ----


def test_an_upload_is_as_small_as_the_page_makes_it(page: Page) -> None:
    pixels = np.zeros((400, 600, 3), np.uint8)
    page.asks({"kind": "upload", "shape": [400, 600, 3], "size": 600}, pixels.tobytes())
    assert page.refusals == []
    assert max(page.debugger.trace.f.shape) == uploads.LONGEST == 256


SLOW: dict[str, dict[str, Any]] = {
    "rate": {"rate": 1},
    "long diagonals": {"fuse_k": 63},
    "large patches": {"ksize": 63},
}


@pytest.mark.parametrize("name", SLOW)
def test_what_would_take_minutes_is_refused_at_once(page: Page, name: str) -> None:
    shape, data = [256, 256, 3], bytes(256 * 256 * 3)
    page.asks({"kind": "upload", "shape": shape, "config": SLOW[name], "request": 1}, data)
    page.asks({"kind": "upload", "shape": shape, "request": 2}, data)
    before = state_of(page.debugger)
    page.sets(config=SLOW[name], request=3)
    assert [refusal["request"] for refusal in page.refusals] == [1, 3]
    for refusal in page.refusals:
        # The layer's own bound for such maps, or the debugger's: each says what is affordable.
        words = re.search(r"About (\d+) pixels|up to (\d+) for maps", refusal["reason"])
        assert words
        assert 1 < int(words[1] or words[2]) < 256
    assert state_of(page.debugger) == before


def test_the_size_that_a_refusal_names_is_taken() -> None:
    f = torch.zeros(1, 3, 512, 512)
    with pytest.raises(cv.BudgetError, match="About") as caught:
        check_work("config", cv.trace(f, f), cv.AttentionConfig())
    side = int(str(caught.value).split("About ")[1].split()[0]) // 2 * 2
    f = f[..., :side, :side]
    check_work("config", cv.trace(f, f), cv.AttentionConfig())


def test_what_python_opened_may_take_its_time(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "MOST_WORK", 10)
    page.sets(softmax_scale=3.0, config={"softmax_scale": 3.0}, request=1)
    page.sets(config={"softmax_scale": 3.0, "rate": 1}, request=2)
    assert [refusal["request"] for refusal in page.refusals] == [2]
    page.debugger.config = cv.AttentionConfig(rate=1)
    assert page.debugger.trace.config.rate == 1


def test_an_upload_takes_the_settings_of_the_page(page: Page) -> None:
    config = page.debugger.config.replace(dialect="mmagic", softmax_scale=3.3).to_dict()
    content = {"kind": "upload", "name": "a.png", "shape": [12, 20, 3], "config": config}
    page.asks(content, bytes(720))
    debugger = page.debugger
    assert page.refusals == []
    assert debugger.trace.config.to_dict() == debugger.config.to_dict() == config
    assert debugger.meta["config"] == config
    assert debugger.softmax_scale == 3.3
    assert debugger.answer == {}
    page.sets(request=1)
    assert page.answers == [1]


def test_an_upload_of_the_same_size_with_other_settings(page: Page) -> None:
    """A photograph dropped before the answer to a changed setting has come."""
    earlier = page.debugger.config.to_dict()
    page.sets(softmax_scale=8.0)
    content = {"kind": "upload", "name": "a.png", "shape": [16, 16, 3], "config": earlier}
    page.asks(content, bytes(768))
    assert page.refusals == []
    assert page.debugger.trace.config.to_dict() == page.debugger.config.to_dict() == earlier


# ---- out of turn ----


def test_messages_after_close_are_let_pass(debugger: Debugger) -> None:
    page = Page(debugger)
    debugger.close()
    page.sets(query=[1, 1], config={"rate": 3}, request=1)
    page.asks({"kind": "save_page"})
    page.asks({"kind": "upload"})
    page.says({"method": "request_state"})
    page.says("nonsense")


def test_a_link_into_a_closed_debugger_does_not_stop_the_slider(debugger: Debugger) -> None:
    other = cv.debug(debugger.trace)
    slider = ipywidgets.FloatSlider(value=10, min=0, max=30)
    for one in (debugger, other):  # the links of a cell that ran twice
        ipywidgets.link((slider, "value"), (one, "softmax_scale"))
    debugger.close()
    slider.value = 4.0
    assert other.config.softmax_scale == 4.0


def test_a_message_may_cause_another(page: Page) -> None:
    debugger = page.debugger

    def observer(change: Any) -> None:
        if change.new == (2, 2):
            page.sets(softmax_scale=6.0, query=[3, 3], request=2)
            page.sets(stage="nowhere", request=3)

    debugger.observe(observer, "query")
    page.sets(query=[2, 2], request=1)
    assert debugger.query == (3, 3)
    assert debugger.trace.config.softmax_scale == 6.0
    assert [refusal["request"] for refusal in page.refusals] == [3]


def test_messages_of_two_threads_take_turns(page: Page) -> None:
    def talk(scale: float) -> None:
        for count in range(5):
            page.sets(softmax_scale=scale + count, request=count + 1)
            page.sets(stage="nowhere")

    threads = [threading.Thread(target=talk, args=(start,)) for start in (10.0, 20.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(page.refusals) == 10
    debugger = page.debugger
    assert debugger.softmax_scale == debugger.config.softmax_scale
    assert debugger.trace.config == debugger.config


# ---- the same from Python ----


@pytest.mark.parametrize("problem", [cv.BudgetError("too large"), MemoryError(), RuntimeError("x")])
@pytest.mark.parametrize("name", ["config", "softmax_scale", "mask"])
def test_a_value_whose_run_fails_is_not_set(
    debugger: Debugger, monkeypatch: pytest.MonkeyPatch, name: str, problem: Exception
) -> None:
    changes: list[Any] = []
    before = state_of(debugger)
    values = {
        "config": cv.AttentionConfig(softmax_scale=3.0),
        "softmax_scale": 3.0,
        "mask": hole().roll(2, 2),
    }
    other = cv.debug(debugger.trace)
    for linked in ("config", "softmax_scale", "mask"):
        ipywidgets.link((debugger, linked), (other, linked))
    debugger.observe(changes.append)
    with monkeypatch.context() as patched:
        refuse_runs(patched, problem)
        with pytest.raises(traitlets.TraitError):
            setattr(debugger, name, values[name])
        with pytest.raises(traitlets.TraitError):
            set_together(debugger, query=(1, 1), **{name: values[name]})
        with pytest.raises(traitlets.TraitError), debugger.hold_sync():
            setattr(debugger, name, values[name])
    assert state_of(debugger) == before
    assert changes == []
    assert other.config == debugger.config
    setattr(debugger, name, values[name])
    equal = torch.equal if name == "mask" else operator.eq
    assert equal(getattr(other, name), getattr(debugger, name))
    assert debugger.softmax_scale == debugger.config.softmax_scale


def test_values_held_together_are_one_run(
    debugger: Debugger, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    results = widgets.results
    monkeypatch.setattr(widgets, "results", lambda *a: runs.append(1) or results(*a))
    config = debugger.config.replace(dialect="mmagic", softmax_scale=3.0)
    set_together(debugger, mask=hole().roll(1, 2), config=config, softmax_scale=3.0)
    assert debugger.trace.config == config
    torch.testing.assert_close(debugger.trace.mask, hole().roll(1, 2))
    assert runs == [1]


@pytest.mark.parametrize(
    "mask",
    [
        np.full((16, 16), np.nan),
        torch.full((1, 1, 16, 16), torch.nan),
        np.full((16, 16), 0.5),
        np.zeros((16, 16), dtype=complex),
        np.array([[None, 1]]),
        np.zeros((0, 0)),
        np.zeros((2, 2, 2, 2, 2)),
        torch.zeros(1, 1, 16, 16, device="meta"),
        torch.zeros(2, 1, 16, 16),
        [[0, 1]],
        {1: 2},
        5,
    ],
    ids=str,
)
def test_a_mask_that_is_none_is_refused(debugger: Debugger, mask: Any) -> None:
    before = state_of(debugger)
    with pytest.raises(traitlets.TraitError):
        debugger.mask = mask
    assert state_of(debugger) == before


@pytest.mark.parametrize(
    "mask",
    [
        hole().bool(),
        hole().half().requires_grad_(),
        hole().numpy().astype(np.float64)[0],
        hole()[0, 0].numpy().astype(np.int16)[::-1][::-1],
        hole().expand(1, 1, 16, 16).numpy().astype(bool),
    ],
    ids=["bool", "grad", "float64", "int16", "four axes"],
)
def test_a_mask_of_another_kind_is_taken(debugger: Debugger, mask: Any) -> None:
    debugger.mask = None
    debugger.mask = mask
    torch.testing.assert_close(debugger.trace.mask, hole())
