"""The debugger's Python side: its state, what it refuses, what it answers. No browser here."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

import ctxattn_viz as cv
from ctxattn_viz.debugger import places
from ctxattn_viz.debugger.masks import Mask
from ctxattn_viz.debugger.widget import Debugger
from tests.support.inputs import hole, maps

KEPT = ("scores", "fused_rows", "fused_scores")


@pytest.fixture
def run() -> cv.Trace:
    return cv.trace(maps(), maps(seed=1), hole())


@pytest.fixture
def debugger(run: cv.Trace) -> Iterator[Debugger]:
    made = cv.debug(run)
    yield made
    made.close()


@pytest.fixture
def sent(debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The messages that the debugger sends to the page."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(debugger, "_send", lambda message, buffers=None: messages.append(message))
    return messages


def from_page(debugger: Debugger, **state: Any) -> None:
    """State as the page sends it, in one message."""
    debugger.set_state(state)


def wire(mask: torch.Tensor) -> dict[str, Any]:
    plane = mask[:, 0].to(torch.uint8)
    return {"shape": list(plane.shape), "data": memoryview(plane.numpy().tobytes())}


def answered(debugger: Debugger, name: str) -> np.ndarray:
    described = debugger.answer["arrays"][name]
    held = np.frombuffer(debugger.answer[name], described["dtype"])
    return held.reshape(described["shape"])


# ---- reading, setting, observing ----


def test_the_state_can_be_read(debugger: Debugger, run: cv.Trace) -> None:
    assert debugger.query is None
    assert debugger.stage == "attention"
    assert debugger.sample == 0
    assert debugger.config is run.config
    assert debugger.softmax_scale == 10.0
    torch.testing.assert_close(debugger.mask, run.mask)
    assert debugger.trace is run


def test_the_state_can_be_set_and_observed(debugger: Debugger) -> None:
    seen: list[tuple[str, Any]] = []
    debugger.observe(lambda change: seen.append((change.name, change.new)), ["query", "stage"])
    debugger.query = (3, 4)
    debugger.stage = "scores"
    debugger.query = None
    assert seen == [("query", (3, 4)), ("stage", "scores"), ("query", None)]


def test_it_opens_where_it_is_told(run: cv.Trace) -> None:
    debugger = cv.debug(run, query=[2, 3], pixel=(15, 0), stage="scores", title="Mine")
    assert debugger.query == (2, 3)
    assert debugger.pixel == (15, 0)
    assert debugger.stage == "scores"
    with pytest.raises(cv.InputError, match="query column: expected an integer from 0 to 7"):
        cv.debug(run, query=(2, 8))


def test_its_repr_has_no_address_and_fits_a_line(debugger: Debugger) -> None:
    debugger.query = (1, 2)
    assert repr(debugger) == (
        "Debugger(f (1, 3, 16, 16), b (1, 3, 16, 16), tensorflow, stage attention, query (1, 2))"
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("query", (8, 0), "query row: expected an integer from 0 to 7, got 8"),
        ("query", (0, -1), "query column: expected an integer from 0 to 7, got -1"),
        ("query", 5, r"query: expected \(row, column\) or None, got 5"),
        ("query", (1, 2, 3), "query: expected"),
        ("query", ("a", 2), "query row: expected an integer"),
        ("pixel", (16, 0), "pixel row: expected an integer from 0 to 15, got 16"),
        ("stage", "softmax", "stage: expected one of 'downsampled_f'"),
        ("sample", 1, "sample: expected an integer from 0 to 0, got 1"),
        ("softmax_scale", float("nan"), "softmax_scale: expected a finite number"),
        ("config", {"rate": 3}, "f: expected a height divisible by rate 3"),
        ("config", {"ksize": 2}, "ksize: expected an odd integer"),
        ("config", {"speed": 2}, "config: expected the fields of AttentionConfig"),
        ("config", "fast", "config: expected an AttentionConfig, got str"),
        ("mask", torch.zeros(1, 1, 7, 7), "mask: expected b's size"),
        ("mask", torch.full((1, 1, 16, 16), 0.5), "mask: expected 0 .* and 1"),
        ("mask", "everything", "mask: expected a torch.Tensor"),
    ],
)
def test_bad_state_is_a_clear_error_and_changes_nothing(
    debugger: Debugger, name: str, value: Any, said: str
) -> None:
    before = getattr(debugger, name)
    with pytest.raises(traitlets.TraitError, match=said):
        setattr(debugger, name, value)
    assert getattr(debugger, name) is before


# ---- a changed mask or configuration ----


def test_a_new_mask_is_answered_with_its_own_numbers(debugger: Debugger, run: cv.Trace) -> None:
    run["fused_scores"]
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :3, :7] = 1
    debugger.mask = mask
    meant = cv.trace(run.f, run.b, mask)
    np.testing.assert_allclose(answered(debugger, "output"), meant["output"].tensor, atol=1e-6)
    np.testing.assert_array_equal(
        answered(debugger, "argmax"), meant["attention"].tensor.argmax(-1)
    )
    assert debugger.trace is not run
    torch.testing.assert_close(debugger.trace.mask, mask)
    for key in KEPT:  # painting leaves the scores and their fusion as they are
        assert debugger.trace[key].tensor is run[key].tensor


@pytest.mark.parametrize("form", ["plane", "planes", "whole", "twice the size", "none"])
def test_a_mask_may_come_in_any_form(debugger: Debugger, form: str) -> None:
    meant = hole().roll(2, 3)
    forms = {
        "plane": meant[0, 0].numpy().astype(bool),
        "planes": meant[0].numpy(),
        "whole": meant,
        "twice the size": meant.repeat_interleave(2, 2).repeat_interleave(2, 3),
        "none": None,
    }
    debugger.mask = forms[form]
    if form == "none":
        assert debugger.mask is None
        assert not debugger.trace.mask.any()
    elif form != "twice the size":  # there the dialect's rule picks, as in a trace
        torch.testing.assert_close(debugger.trace.mask, meant)
        torch.testing.assert_close(debugger.mask, meant)


def test_a_new_configuration_is_answered(debugger: Debugger, run: cv.Trace) -> None:
    debugger.config = debugger.config.replace(dialect="mmagic", fuse=False)
    meant = cv.trace(run.f, run.b, run.mask, debugger.config)
    np.testing.assert_allclose(answered(debugger, "output"), meant["output"].tensor, atol=1e-6)
    assert debugger.answer["config"] == debugger.config.to_dict()
    assert debugger.answer["summaries"]["attention"]["computed"]


def test_the_scale_and_the_configuration_follow_each_other(debugger: Debugger) -> None:
    debugger.softmax_scale = 3.0
    assert debugger.config.softmax_scale == 3.0
    debugger.config = debugger.config.replace(softmax_scale=7)
    assert debugger.softmax_scale == 7.0
    assert debugger.trace.config.softmax_scale == 7.0


def test_a_query_that_falls_off_the_new_grid_is_let_go(debugger: Debugger) -> None:
    debugger.query = (7, 7)
    debugger.config = debugger.config.replace(rate=4)
    assert debugger.query is None


# ---- the page's side of the conversation ----


def test_one_message_with_everything_is_answered_once(
    debugger: Debugger, sent: list[dict[str, Any]]
) -> None:
    mask = hole().roll(1, 2)
    config = debugger.config.replace(softmax_scale=4.0).to_dict()
    from_page(debugger, mask=wire(mask), config=config, softmax_scale=4.0, request=5)
    answers = [m["state"]["answer"] for m in sent if "answer" in m.get("state", {})]
    assert [answer["request"] for answer in answers] == [5]
    torch.testing.assert_close(debugger.mask, mask)
    assert debugger.trace.config.softmax_scale == 4.0


def test_asking_again_without_a_change_is_answered_too(debugger: Debugger) -> None:
    from_page(debugger, request=1)
    assert debugger.answer["request"] == 1
    np.testing.assert_array_equal(
        answered(debugger, "output"), debugger.trace["output"].tensor.numpy()
    )


def test_a_query_from_the_page_costs_nothing(
    debugger: Debugger, sent: list[dict[str, Any]]
) -> None:
    from_page(debugger, query=[2, 3], stage="scores")
    assert debugger.query == (2, 3)
    assert [m["method"] for m in sent] == ["echo_update"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"query": [99, 0]}, "query row: expected an integer from 0 to 7, got 99."),
        ({"config": {"softmax_scale": None}}, "softmax_scale: expected a finite number, got None."),
        ({"mask": {"shape": [1, 16, 16], "data": b"123"}}, "mask: expected (1, 16, 16) bytes"),
    ],
)
def test_bad_state_from_the_page_is_refused_in_words_and_put_back(
    debugger: Debugger, sent: list[dict[str, Any]], state: dict[str, Any], said: str
) -> None:
    (name,) = state
    before = getattr(debugger, name)
    from_page(debugger, **state, request=3)
    assert getattr(debugger, name) is before
    refusal = next(m["content"] for m in sent if m["method"] == "custom")
    assert refusal["kind"] == "refused"
    assert refusal["reason"].startswith(said)
    assert refusal["request"] == 3
    assert name in sent[-2]["state"]  # what is so comes first: the reason is the last word
    assert sent[-1]["content"] is refusal


def test_a_photograph_from_the_page_becomes_a_new_trace(debugger: Debugger) -> None:
    debugger.query = (7, 7)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    upload = {"kind": "upload", "shape": [12, 20, 3], "name": "<b>.png"}
    debugger._handle_custom_msg(upload, [memoryview(pixels.tobytes())])
    assert tuple(debugger.trace.f.shape) == (1, 3, 12, 20)
    assert debugger.query is None
    assert debugger.meta["arrays"]["f"]["shape"] == [1, 3, 12, 20]
    known = debugger.mask[0, 0] == 0
    torch.testing.assert_close(
        debugger.trace.f[0][:, known],
        (torch.tensor(pixels).permute(2, 0, 1) / 127.5 - 1)[:, known],
    )


def test_a_broken_upload_is_refused(debugger: Debugger, sent: list[dict[str, Any]]) -> None:
    debugger._handle_custom_msg({"kind": "upload", "shape": [4, 4, 3]}, [b"short"])
    assert sent[-1]["content"]["reason"].startswith("upload: expected (4, 4, 3) bytes, got 5")


def test_the_page_can_be_asked_for(debugger: Debugger, sent: list[dict[str, Any]]) -> None:
    debugger._handle_custom_msg({"kind": "save_page"}, [])
    answer = sent[-1]["content"]
    assert answer["kind"] == "page"
    assert answer["html"].startswith("<!doctype html>")


def test_a_large_run_is_computed_when_the_page_asks(
    run: cv.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctxattn_viz.debugger.outcome.KEEP_BYTES", 1000)
    debugger = cv.debug(run)
    assert debugger.meta["pending"]
    assert debugger.answer == {}
    from_page(debugger, request=1)
    meant = cv.contextual_attention(run.f, run.b, run.mask)
    np.testing.assert_allclose(answered(debugger, "output"), meant, atol=1e-6)
    assert not run.computed("scores")


# ---- living with others ----


def test_two_debuggers_do_not_disturb_each_other(run: cv.Trace) -> None:
    one, other = cv.debug(run), cv.debug(run)
    one.mask = hole().roll(3, 2)
    one.query, one.stage, one.softmax_scale = (1, 1), "scores", 2.0
    assert other.query is None
    assert other.stage == "attention"
    assert other.softmax_scale == 10.0
    torch.testing.assert_close(other.mask, hole())
    assert other.trace is run


def test_it_links_to_sliders_and_to_a_second_debugger(run: cv.Trace) -> None:
    one, other = cv.debug(run), cv.debug(run)
    slider = ipywidgets.FloatSlider(value=10, min=0, max=30)
    ipywidgets.link((slider, "value"), (one, "softmax_scale"))
    for name in ("query", "stage", "mask", "config"):
        ipywidgets.link((one, name), (other, name))
    slider.value = 12.5
    assert one.config.softmax_scale == other.softmax_scale == 12.5
    other.query = (2, 5)
    assert one.query == (2, 5)
    one.mask = hole().roll(1, 3)
    torch.testing.assert_close(other.trace.mask, hole().roll(1, 3))
    ipywidgets.jslink((one, "query"), (other, "query"))
    ipywidgets.HBox([slider, one, other])


class Shell:
    """What ipykernel's shell tells about the cell that runs."""

    cell, message = "a", "1"

    def get_parent(self) -> dict[str, Any]:
        return {"metadata": {"cellId": self.cell}, "header": {"msg_id": self.message}}


def test_a_cell_that_runs_again_replaces_its_debuggers(
    run: cv.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(places, "_entries", [])
    elsewhere = cv.debug(run)
    shell.cell = "b"
    for message in "23456":
        shell.message = message
        pair = cv.debug(run), cv.debug(run)
    assert all(one.comm is not None for one in (*pair, elsewhere))
    held = ipywidgets.widgets.widget._instances.values()
    assert {w for w in held if isinstance(w, Debugger)} >= {*pair, elsewhere}
    mine = [entry.debugger for entry in places._entries]
    assert mine == [elsewhere, *pair]


def test_a_closed_debugger_lets_its_trace_go_and_says_so(run: cv.Trace) -> None:
    debugger = cv.debug(run)
    layout = debugger.layout
    debugger.close()
    held = ipywidgets.widgets.widget._instances.values()
    assert debugger not in held
    assert layout not in held
    assert repr(debugger) == "Debugger(closed)"
    with pytest.raises(RuntimeError, match="was closed"):
        debugger.trace  # noqa: B018
    debugger.close()


# ---- where no widget can run ----


def test_a_still_picture_stands_in_and_is_small_and_repeatable(run: cv.Trace) -> None:
    photo = cv.samples.photograph("coffee", 128, 2)
    trace = cv.trace(photo, photo, cv.samples.rectangle(photo.shape[2:], 30, 40, 30, 30))
    (first, _), (second, _) = (cv.debug(trace)._repr_mimebundle_() for _ in range(2))
    picture = base64.b64decode(first["image/png"])
    assert picture == base64.b64decode(second["image/png"])
    assert len(picture) < 60_000
    assert "text/plain" in first
    assert "application/vnd.jupyter.widget-view+json" in first
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    assert image.width > 3 * 150
    assert len(image.getcolors(1 << 20) or []) > 40  # a picture, not a blank


def test_the_still_of_a_query_shows_its_row_and_its_best_match() -> None:
    photo = cv.samples.photograph("chelsea", 64)
    trace = cv.trace(photo, photo, cv.samples.rectangle(photo.shape[2:], 12, 20, 16, 16))
    plain = cv.debug(trace)._repr_mimebundle_()[0]["image/png"]
    stills = {
        stage: cv.debug(trace, stage=stage, query=(9, 13))._repr_mimebundle_()[0]["image/png"]
        for stage in ("scores", "attention")
    }
    assert len({plain, *stills.values()}) == 3
    for stage, picture in stills.items():
        data = base64.b64decode(picture)
        assert len(data) < 60_000
        colours = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).reshape(-1, 3).astype(int)
        roles = {"query": (213, 94, 0), "match": (86, 180, 233), "pixel": (0, 158, 115)}
        for role, colour in roles.items():  # a palette rounds a little
            near = np.abs(colours - colour).max(axis=1) < 12
            assert near.sum() > 10, f"no {role} in the still of {stage}"


def test_bringing_it_up_does_not_load_matplotlib() -> None:
    code = (
        "import sys, torch, ctxattn_viz as cv; assert 'anywidget' not in sys.modules;"
        "x = torch.rand(1, 3, 8, 8); d = cv.debug(cv.trace(x, x)); d._repr_mimebundle_();"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_thin_stroke_is_told_not_warned(debugger: Debugger) -> None:
    thin = torch.zeros(1, 1, 16, 16)
    thin[..., 1] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        debugger.mask = thin
    assert "lost" in debugger.answer["notes"][0]


def test_a_hole_over_everything_is_told_not_warned(debugger: Debugger) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        debugger.config = debugger.config.replace(masked="minus_infinity")
        debugger.mask = torch.ones(1, 1, 16, 16)
    (note,) = debugger.answer["notes"]
    assert note.startswith("mask: ")
    debugger.mask = hole()
    assert debugger.answer["notes"] == []


# ---- the mask as a value ----


def test_the_mask_is_read_as_a_plain_tensor_and_observed_as_a_value(debugger: Debugger) -> None:
    changes = []
    debugger.observe(changes.append, "mask")
    debugger.mask = hole().roll(1, 2)
    assert type(debugger.mask) is torch.Tensor
    assert isinstance(changes[0].new, Mask)
    assert changes[0].new.tensor is debugger.mask
    debugger.mask = hole().roll(1, 2).bool()  # the same hole: no change
    assert len(changes) == 1


def test_masks_are_equal_where_they_have_the_same_hole() -> None:
    mask, same, other = (Mask(hole().roll(shift, 2)) for shift in (0, 0, 1))
    assert (mask == same) is (mask != other) is True
    assert (mask != same) is (mask == other) is False
    assert mask == hole().bool()
    assert (hole() != mask) is False  # asked of a tensor: what `link` does
    for stranger in (None, 0, "mask", hole()[0], Mask(hole()[..., :4])):
        assert mask != stranger
