"""What crosses to the page: the right numbers, in few bytes, with nothing JSON cannot say."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.debugger import outcome as outcomes
from ctxattn_viz.debugger.payload import Payload, build
from ctxattn_viz.debugger.pictures import look_of
from ctxattn_viz.errors import NothingValidWarning
from ctxattn_viz.stages.fused_softmax import logits
from ctxattn_viz.traces.results import Summary
from tests.support.inputs import hole, maps


def array(payload: Payload, name: str) -> np.ndarray:
    described = payload.meta["arrays"][name]
    return np.frombuffer(payload.buffers[name], described["dtype"]).reshape(described["shape"])


@pytest.fixture(scope="module", params=["tensorflow", "pytorch", "mmagic"])
def run(request: pytest.FixtureRequest) -> cv.Trace:
    return cv.trace(maps(2), maps(2, seed=1), hole(n=2), cv.AttentionConfig(dialect=request.param))


def test_every_buffer_is_described_and_exactly_as_long_as_described(run: cv.Trace) -> None:
    payload = build(run)
    names = {"f", "b", "mask", "output", "lse", "argmax"}
    names |= {"picture_f", "picture_b", "picture_output"}
    names |= {"effective_patches", "best_share", "margin", "times_pasted"}
    assert set(payload.buffers) == set(payload.meta["arrays"]) == names
    assert all(array(payload, name).size for name in names)


def test_the_picture_before_its_hole_was_filled_goes_along(run: cv.Trace) -> None:
    truth = maps(2, seed=2)
    np.testing.assert_array_equal(array(build(run, truth=truth), "truth"), truth.numpy())


def test_the_numbers_are_the_traces(run: cv.Trace) -> None:
    payload = build(run)
    np.testing.assert_array_equal(array(payload, "f"), run.f.numpy())
    np.testing.assert_array_equal(array(payload, "b"), run.b.numpy())
    np.testing.assert_array_equal(array(payload, "mask"), run.mask[:, 0].numpy())
    np.testing.assert_array_equal(array(payload, "output"), run["output"].tensor.numpy())
    attention = run["attention"].tensor
    np.testing.assert_array_equal(array(payload, "argmax"), attention.argmax(-1).numpy())
    fused, valid = run["fused_scores"].tensor.double(), run["valid"].tensor
    meant = logits(fused, valid, run.config).logsumexp(-1)
    np.testing.assert_allclose(array(payload, "lse"), meant.numpy(), rtol=1e-5)


def test_meta_is_strict_json_and_lists_the_registry(run: cv.Trace) -> None:
    meta = json.loads(json.dumps(build(run).meta, allow_nan=False))
    assert [stage["key"] for stage in meta["registry"]] == [stage.key for stage in cv.STAGES]
    assert set(meta["summaries"]) == set(run)
    assert meta["config"] == run.config.to_dict()
    assert meta["summaries"]["scores"]["shape"] == list(run["scores"].shape)
    assert meta["summaries"]["scores"]["max"] == run["scores"].summary.maximum
    assert meta["summaries"]["attention"]["bytes"] == run["attention"].nbytes


@pytest.mark.parametrize("keep", [0, 1 << 30])
def test_every_way_gives_what_the_stages_give(
    run: cv.Trace, monkeypatch: pytest.MonkeyPatch, keep: int
) -> None:
    monkeypatch.setattr(outcomes, "KEEP_BYTES", keep)
    for block in (7, 1000):
        fresh = cv.trace(run.f, run.b, run.mask, run.config)
        ran = outcomes.outcome_of(fresh, block)
        assert fresh.computed("scores") == bool(keep)
        torch.testing.assert_close(ran.output, run["output"].tensor)
        torch.testing.assert_close(ran.best, run["attention"].tensor.argmax(-1))
        logit = logits(run["fused_scores"].tensor, run["valid"].tensor, run.config)
        torch.testing.assert_close(ran.lse, logit.logsumexp(-1))
        assert ("attention" in ran.stages) == bool(keep)
        for key in ran.stages:
            assert run[key].summary.nan == 0  # makes the stage, whole
            told, meant = outcomes.summary(fresh, key, ran), outcomes.summary(run, key)
            measured = [[each.pop(k) for k in ("min", "max", "mean")] for each in (told, meant)]
            assert measured[0] == pytest.approx(measured[1], rel=1e-4, abs=1e-6)
            assert {**told, "seconds": 0} == {**meant, "seconds": 0}


def test_where_no_patch_is_valid_the_log_sum_exp_is_of_what_the_softmax_sees() -> None:
    everything = torch.ones(1, 1, 16, 16)
    original = cv.trace(maps(), maps(), everything)
    np.testing.assert_allclose(array(build(original), "lse"), np.log(64), rtol=1e-6)
    with pytest.warns(NothingValidWarning):
        mmagic = cv.trace(maps(), maps(), everything, cv.AttentionConfig(dialect="mmagic"))
    assert np.isnan(array(build(mmagic), "output")).all()
    assert not np.isfinite(array(build(mmagic), "lse")).any()
    assert build(mmagic).meta["summaries"]["attention"]["masked_rows"] == 64


def test_a_best_weight_that_underflows_still_gives_its_log_sum_exp() -> None:
    mask = hole()
    config = cv.AttentionConfig(softmax_scale=-2000.0)  # valid scores fall far below a masked 0
    run = cv.trace(maps() ** 2, maps() ** 2, mask, config)
    fused, valid = run["fused_scores"].tensor.double(), run["valid"].tensor
    assert float(run["attention"].tensor.max()) == 0.0
    meant = logits(fused, valid, config).logsumexp(-1)
    np.testing.assert_allclose(array(build(run), "lse"), meant.numpy(), rtol=1e-5)


def test_nothing_missing_means_no_mask_at_all() -> None:
    payload = build(cv.trace(maps(), maps()))
    assert "mask" not in payload.buffers
    assert payload.mask is None


def test_it_grows_with_the_pictures_not_with_their_square() -> None:
    sizes = [
        sum(map(len, build(cv.trace(maps(side=s), maps(side=s), hole(s))).buffers.values()))
        for s in (16, 32, 64)
    ]
    assert [size // sizes[0] for size in sizes] == [1, 4, 16]


def test_a_large_matrix_is_left_until_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "KEEP_BYTES", 1000)
    run = cv.trace(maps(), maps(), hole())
    payload = build(run, at_once=False)
    assert payload.meta["pending"] is True
    assert "output" not in payload.buffers
    assert not run.computed("scores")
    unmade = payload.meta["summaries"]["scores"]
    assert unmade == {
        "shape": [1, 8, 8, 64], "dtype": "float32", "bytes": 4 * 64 * 64, "computed": False,
        "min": None, "max": None, "mean": None, "seconds": None,
        "nan": 0, "inf": 0, "masked_rows": 0,
    }  # fmt: skip
    meant = array(build(cv.trace(maps(), maps(), hole())), "output")
    np.testing.assert_allclose(array(build(run), "output"), meant, atol=1e-6)


def test_a_nan_is_counted_and_told_without_breaking_json() -> None:
    sick = maps()
    sick[0, 0, 2, 2] = torch.nan
    payload = build(cv.trace(sick, maps(), hole(), allow_nonfinite=True))
    json.dumps(payload.meta, allow_nan=False)
    assert payload.meta["summaries"]["output"]["nan"] > 0
    assert np.isnan(array(payload, "f")).sum() == 1


# ---- how features are drawn ----


def test_photographs_are_drawn_as_they_are() -> None:
    photo = cv.samples.photograph("chelsea", 32)
    run = cv.trace(photo, photo)
    np.testing.assert_array_equal(array(build(run), "picture_f")[0], cv.samples.to_picture(photo))
    assert build(run).meta["notes"] == []


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([-1.0, 1.0], [0, 255]),
        ([0.0, 1.0], [0, 255]),
        ([-3.0, 5.0], [0, 255]),
        ([0.0, 0.0], [0, 0]),
    ],
)
def test_the_range_is_read_from_the_values(values: list[float], drawn: list[int]) -> None:
    x = torch.tensor(values).reshape(1, 1, 1, 2)
    look, _ = look_of(x, x)
    assert look(x)[0, 0, :, 0].tolist() == drawn


def test_a_stretched_range_is_said() -> None:
    _, notes = look_of(5 * maps(), maps())
    assert len(notes) == 1
    assert "stretched" in notes[0]


@pytest.mark.parametrize("channels", [2, 5, 128])
def test_deep_features_show_their_components_and_say_so(channels: int) -> None:
    payload = build(cv.trace(maps(c=channels), maps(c=channels, seed=1)))
    assert f"{channels} channels" in payload.meta["notes"][0]
    assert "principal components" in payload.meta["notes"][0]
    again = build(cv.trace(maps(c=channels), maps(c=channels, seed=1)))
    assert payload.buffers["picture_b"] == again.buffers["picture_b"]


def test_equal_features_have_equal_colours_everywhere() -> None:
    f = maps(c=7)
    payload = build(cv.trace(f, f.flip(3)))
    np.testing.assert_array_equal(
        array(payload, "picture_f"), array(payload, "picture_b")[:, :, ::-1]
    )


@pytest.mark.parametrize("channels", [1, 3, 9])
def test_the_page_can_draw_by_the_numbers_in_meta(channels: int) -> None:
    f = maps(c=channels)
    payload = build(cv.trace(f, f))
    look = {name: np.array(values) for name, values in payload.meta["look"].items()}
    part = (f.numpy().transpose(0, 2, 3, 1) - look["mean"]) @ look["basis"]
    levels = np.clip(np.round((part - look["low"]) / (look["high"] - look["low"]) * 255), 0, 255)
    np.testing.assert_array_equal(levels, array(payload, "picture_f"))


def test_a_picture_can_be_shown_beside_features() -> None:
    f, picture = maps(c=6), maps(side=32)
    payload = build(cv.trace(f, f), picture_f=picture, picture_b=np.full((8, 8, 3), 90, np.uint8))
    shown = torch.nn.functional.interpolate(picture, (16, 16), mode="area")
    np.testing.assert_array_equal(array(payload, "picture_f")[0], cv.samples.to_picture(shown))
    assert (array(payload, "picture_b") == 90).all()


# ---- what does not fit ----


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"foreground_mask": hole(8)},
            r"foreground_mask: expected f's size \(16, 16\)",
        ),
        ({"foreground_mask": hole() * 0.5}, "foreground_mask: expected 0 .* also 0.5"),
        ({"foreground_mask": "all"}, "foreground_mask: .* got str"),
        ({"picture_f": maps(c=2)}, r"picture_f: expected .* got a \(1, 2, 16, 16\) tensor"),
        ({"picture_b": maps(n=3)}, "picture_b"),
        ({"picture_b": 2 * maps()}, "picture_b: .* values outside"),
        (
            {"picture_b": np.full((4, 4), 2.0)},
            "picture_b: expected floats in .* got float64 values",
        ),
        ({"truth": maps(c=2)}, r"truth: expected f's shape \(1, 3, 16, 16\), got"),
        ({"truth": np.zeros((1, 3, 16, 16))}, "truth: expected a torch.Tensor"),
        ({"title": 3}, "title: expected a string or None, got 3"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(cv.InputError, match=said):
        build(cv.trace(maps(), maps()), **options)


def test_what_is_no_trace_is_refused() -> None:
    with pytest.raises(cv.InputError, match="trace: expected what"):
        build(maps())  # type: ignore[arg-type]
    on_meta = torch.empty(1, 3, 16, 16, device="meta")
    with pytest.raises(cv.InputError, match="trace"):
        build(cv.trace(on_meta, on_meta))


@pytest.mark.slow
def test_maps_too_large_are_refused_before_anything_runs() -> None:
    huge = torch.zeros(1, 1, 1, 1).expand(1, 64, 1024, 1024)
    with pytest.raises(cv.BudgetError, match=r"expected at most 256 MB .* got 8"):
        build(cv.trace(huge, huge))


def test_a_thin_hole_is_told() -> None:
    thin = torch.zeros(1, 1, 16, 16)
    thin[..., 1] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cv.ThinHoleWarning)
        payload = build(cv.trace(maps(), maps(), thin))
    assert "lost" in payload.meta["notes"][0]


# ---- numbers that are not ordinary --------------------------------------------------------------

EXTREMES: dict[str, float] = {
    "65504": 65504.0,
    "1e19": 1e19,
    "1e39": 1e39,  # beyond float32, which the page gets
    "1e300": 1e300,
    "1e308": 1.7e308,
    "1e-310": 1e-310,
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
}


def check_described(run: cv.Trace) -> dict[str, Any]:
    """What is said of a run is strict JSON, its means in their ranges, its pictures have one."""
    payload = build(run)
    json.dumps(payload.meta, allow_nan=False)
    for described in payload.meta["summaries"].values():
        if described["min"] is not None:
            assert described["min"] <= described["mean"] <= described["max"]
    assert bool((payload.look.low < payload.look.high).all())
    return payload.meta["summaries"]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_a_picture_of_ordinary_size_in_half_precision(dtype: torch.dtype, channels: int) -> None:
    f = (torch.rand(1, channels, 64, 64, dtype=torch.float64) * 255).to(dtype)
    config = cv.AttentionConfig(softmax_scale=1e-4)
    run = cv.trace(f, f, config=config)
    output = check_described(run)["output"]
    exact = cv.trace(f.double(), f.double(), config=config)["output"].tensor.mean()
    assert output["inf"] == output["nan"] == 0
    assert output["mean"] == pytest.approx(float(exact), rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("size", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("scale", [10.0, 3e38])
@pytest.mark.parametrize("spread", [0, 1], ids=["constant", "noise"])
def test_any_numbers_can_be_described(size: float, scale: float, spread: int) -> None:
    noise = torch.rand(1, 3, 4, 4, dtype=torch.float64) * spread
    for channels in (2, 3):
        f = (1 - noise[:, :channels]) * size
        for x in (f, f.half()):
            config = cv.AttentionConfig(softmax_scale=scale)
            check_described(cv.trace(x, x.flip(-1), config=config, allow_nonfinite=True))


def test_a_mean_whose_sum_overflows() -> None:
    """Each by itself, and joined from blocks."""
    x = torch.full((4, 3), 1.5e308, dtype=torch.float64)
    x[0, 0] = -1.5e308
    whole, blocks = Summary.of(x), [Summary.of(block) for block in x.split(1)]
    for summary in (whole, Summary.joined(blocks, x.shape)):
        assert summary.mean == pytest.approx(1.25e308)
        assert (summary.minimum, summary.maximum) == (-1.5e308, 1.5e308)
        assert (summary.nan, summary.infinite, summary.shape) == (0, 0, (4, 3))


def test_a_summary_in_blocks_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 5, 7, 11)
    x[0, 1, 2, 3], x[1, 1], x[1, 2, 3, 4] = torch.nan, 0, torch.inf
    whole = Summary.of(x, rows=True)
    assert (whole.nan, whole.infinite) == (1, 1)
    for size in (1, 11, 30, 200):
        monkeypatch.setattr("ctxattn_viz.traces.results.BLOCK", size)
        parts = Summary.of(x, rows=True)
        assert parts.mean == pytest.approx(whole.mean, rel=1e-9)
        assert replace(parts, mean=whole.mean) == whole
    assert Summary.joined([Summary.of(x[0, :1] * torch.nan), whole], (1,)).mean == whole.mean


@pytest.mark.parametrize("size", [255.0, 1e39, math.inf])
def test_extremes_can_be_shown_and_saved(tmp_path: Path, size: float) -> None:
    """The debugger sends nothing that is not JSON, and both ways of saving a page work."""
    f = maps().double() * size
    if size == 255:
        f = f.half()
    run = cv.trace(f, f, hole(), allow_nonfinite=True)
    debugger = cv.debug(run)
    state = {k: v for k, v in debugger.get_state().items() if k not in ("buffers", "mask")}
    json.dumps(state, allow_nan=False)
    debugger.save_page(tmp_path / "page.html")
    sent: list[Any] = []
    debugger.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    debugger._on_message({"kind": "save_page"}, [])
    assert [message["kind"] for message in sent] == ["page"]
    cv.save_page(run, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 1000
