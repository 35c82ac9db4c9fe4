"""A swapped run on its way to the page: what is sent, what is asked for, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.debugger import swapped
from ctxattn_viz.debugger.payload import build
from ctxattn_viz.debugger.step_in import stored_recording
from ctxattn_viz.stages import BY_KEY, MATRICES
from tests.support.inputs import hole, maps


def doubled(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    plain = BY_KEY["scores"].function(f_small, patches, config)
    return 2 * plain


def other_shares(fused: Tensor, valid: Tensor, config: cv.AttentionConfig) -> Tensor:
    return torch.softmax(fused, dim=-1) * valid[:, None, None]


def run_of(**swap: Any) -> cv.Trace:
    return cv.trace(maps(2), maps(2, seed=1), hole(n=2), swap=swap)


@pytest.fixture
def debugger() -> Iterator[cv.Debugger]:
    opened = cv.debug(run_of(scores=doubled))
    yield opened
    opened.close()


def sent_to(debugger: cv.Debugger, content: dict[str, Any]) -> list[tuple[Any, list[bytes]]]:
    """What the page hears after a message of its own."""
    answers: list[tuple[Any, list[bytes]]] = []
    debugger.send = lambda message, buffers=(): answers.append((message, list(buffers)))
    data = {"method": "custom", "content": content}
    debugger._handle_msg({"content": {"data": data}, "buffers": []})
    return answers


def numbers(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<f4")


def test_the_recorded_stages_travel_beside_the_run_without_them() -> None:
    run = run_of(attention=other_shares, scores=doubled)
    payload = build(run)
    first, second = payload.recorded["stages"]
    assert (first["key"], first["name"]) == ("scores", "doubled")
    assert first["call"] == "doubled(downsampled_f, matching_patches, config)"
    assert second["key"] == "attention"
    for stage in (first, second):
        expected = run[stage["key"]].tensor.numpy()
        assert stage["shape"] == list(expected.shape)
        np.testing.assert_array_equal(numbers(stage["data"]), expected.ravel())
    assert payload.recorded["bytes"] == 2 * 4 * run["scores"].tensor.numel()
    plain = build(cv.trace(run.f, run.b, run.mask))
    for name in ("output", "lse", "argmax", "picture_output"):
        assert payload.plain[name] == plain.buffers[name]
    assert payload.buffers["output"] != plain.buffers["output"]
    np.testing.assert_array_equal(
        numbers(payload.buffers["output"]), run["output"].tensor.numpy().ravel()
    )
    equations = {entry["key"]: entry["equation"] for entry in payload.meta["registry"]}
    assert equations["scores"] == first["call"]
    assert equations["output"] == BY_KEY["output"].equation
    assert not build(cv.trace(run.f, run.b)).recorded


@pytest.mark.parametrize(
    ("key", "belongs", "free"),
    [
        ("scores", {"ksize", "rate", "norm", "shrink", "stride"}, {"softmax_scale", "mask"}),
        ("attention", {"softmax_scale", "mask", "fuse_k", "norm"}, {"overlap"}),
        ("downsampled_mask", {"mask", "rate"}, {"ksize", "softmax_scale"}),
    ],
)
def test_it_says_to_which_settings_a_stage_belongs(key: str, belongs: set, free: set) -> None:
    settings = set(swapped._settings_of([key]))
    assert belongs <= settings
    assert not free & settings


def test_a_change_runs_the_function_again_and_sends_what_differs(debugger: cv.Debugger) -> None:
    first = debugger.recorded
    sent: list[Any] = []
    debugger.observe(sent.append, "recorded")
    for changes in ({"softmax_scale": 2.0}, {"ksize": 1}):
        debugger.config = debugger.config.replace(**changes)
        expected = cv.trace(
            maps(2), maps(2, seed=1), hole(n=2), debugger.config, swap={"scores": doubled}
        )
        np.testing.assert_array_equal(
            numbers(debugger.answer["output"]), expected["output"].tensor.numpy().ravel()
        )
        np.testing.assert_array_equal(
            numbers(debugger.recorded["stages"][0]["data"]),
            expected["scores"].tensor.numpy().ravel(),
        )
        if "ksize" not in changes:
            assert not sent, "what is the same is not sent again"
    assert len(sent) == 1
    assert debugger.recorded != first


def test_rows_and_columns_that_the_page_asks_for(debugger: cv.Debugger) -> None:
    debugger.sample = 1
    wish = {"kind": "rows", "number": 3, "queries": [[2, 5], [0, 0]], "patch": 7}
    ((message, (rows, columns)),) = sent_to(debugger, wish)
    assert message == {**wish, "sample": 1}
    run = debugger.trace
    asked = run.query(2, 5, sample=1), run.query(0, 0, sample=1)
    expected = [row[key].flatten() for row in asked for key in MATRICES]
    np.testing.assert_allclose(numbers(rows), torch.cat(expected), rtol=1e-6)
    expected = [run[key].tensor[1, :, :, 7].flatten() for key in MATRICES]
    np.testing.assert_array_equal(numbers(columns), torch.cat(expected))
    for wrong in ({"queries": [[99, 0]]}, {"patch": -1}, {"queries": "all"}, {"number": None}):
        ((message, _),) = sent_to(debugger, wish | wrong)
        assert message["kind"] == "refused"


def test_above_the_limit_rows_stay_with_the_kernel_and_a_page_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(swapped, "MOST_BYTES", 10_000)
    run = run_of(scores=doubled, valid=lambda mask, config: torch.ones(1, 64, dtype=torch.bool))
    recorded = build(run).recorded
    assert recorded["remote"]
    assert [stage["data"] is None for stage in recorded["stages"]] == [False, True]
    with pytest.raises(cv.BudgetError, match=r"save_page: .* at most 10 kB of .* got 33\.3 kB"):
        cv.save_page(run, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    opened = cv.debug(run)
    ((message, _),) = sent_to(opened, {"kind": "save_page"})
    assert message["kind"] == "refused"
    assert "got 33.3 kB" in message["reason"]
    opened.close()
    large = run_of(paste_patches=lambda b, config: BY_KEY["paste_patches"].function(b, config))
    with pytest.raises(cv.BudgetError, match=r"debug: expected at most 10 kB of paste_patches"):
        cv.debug(large)


def test_its_own_code_is_stepped_into() -> None:
    run = run_of(scores=doubled, attention=other_shares)
    stored = stored_recording(run, "scores", (3, 4), sample=1)["recording"]
    assert stored["title"] == "doubled at query (3, 4)"
    texts = [line for source in stored["sources"] for line in source["text"].splitlines()]
    assert any("return 2 * plain" in line for line in texts)
    assert stored["beside"]["equation"] == run["scores"].equation
    # The stages after it start from what it made.
    for key in ("fused_rows", "fused_scores", "output", "offsets", "flow"):
        assert stored_recording(run, key, (3, 4), sample=1)["recording"]["stage"] == key
    with pytest.raises(cv.InputError, match=r"a run in which scores, attention is"):
        stored_recording(run, "forward", (3, 4))


def test_what_fails_is_told_and_changes_nothing(debugger: cv.Debugger) -> None:
    def only_three(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
        if config.ksize != 3:
            raise NotImplementedError("ksize 3 alone")
        return doubled(f_small, patches, config)

    picky = cv.debug(run_of(scores=only_three))
    before = picky.recorded
    with pytest.raises(traitlets.TraitError, match=r'swap\["scores"\].* ksize 3 alone'):
        picky.config = picky.config.replace(ksize=5)
    assert picky.config.ksize == 3
    assert picky.recorded is before
    picky.close()
    with pytest.raises(cv.InputError, match=r'swap\["scores"\]: expected .*, got NoneType'):
        cv.debug(run_of(scores=lambda *_: None))
