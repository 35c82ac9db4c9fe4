"""The engine against the stages: one mathematics in two languages, on settings drawn at random.

One Node process answers all questions; hypothesis asks. The stages run in float64 on the float32
numbers that the page holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.config import AttentionConfig
from ctxattn_viz.stages import MATRICES, STAGES, patch_grid, query_grid
from ctxattn_viz.stages.deconvolution import mix_patches, overlap, overlap_add
from ctxattn_viz.stages.fused_softmax import logits
from ctxattn_viz.stages.matching_scores import patch_norms
from ctxattn_viz.traces.maps import MAPS
from tests.support import map_oracle
from tests.support.engine import (
    Engine,
    Setting,
    drawn,
    numbers,
    plain,
    question_of,
    rounding,
    run,
    text,
)
from tests.support.strategies import examples


@pytest.fixture(scope="module")
def engine(node: str, root: Path) -> Iterator[Engine]:
    running = Engine(node, root / "tests" / "javascript" / "parity.mjs")
    yield running
    running.close()


def check(name: str, got: str, want: Tensor, bound: float = 1e-5, scale: float = 0.0) -> None:
    """Equal to `bound` of the largest magnitude; NaN where and only where NaN is meant."""
    reached, meant = numbers(got), want.double().numpy().ravel()
    assert reached.shape == meant.shape, f"{name}: {reached.shape} for {meant.shape}"
    top = max(np.nanmax(np.abs(meant[np.isfinite(meant)]), initial=0.0), scale)
    np.testing.assert_allclose(
        reached, meant, rtol=0, atol=bound * top + 1e-30, equal_nan=True, err_msg=name
    )


def compare(engine: Engine, setting: Setting, swapped: Sequence[str] = ()) -> None:
    f, b, mask = setting.inputs()
    config = setting.config
    v = run(f, b, mask, config, swapped)
    (h, w), (gh, gw) = query_grid(v, config), patch_grid(v, config)
    pick = np.random.default_rng(setting.seed)
    queries = sorted({0, h * w - 1, *map(int, pick.integers(h * w, size=3))})
    patches = sorted({0, gh * gw - 1, *map(int, pick.integers(gh * gw, size=2))})
    H, W = f.shape[2:]
    pixels = [[0, 0], [H - 1, W - 1], [int(pick.integers(H)), int(pick.integers(W))]]
    told = engine.ask(
        question_of(setting, {key: v[key] for key in swapped})
        | {"queries": queries, "patches": patches, "pixels": pixels}
    )
    for key in ("downsampled_f", "downsampled_b", "downsampled_mask"):
        check(key, told[key], v[key], bound=0)
    check("norms", told["norms"], patch_norms(v["matching_patches"], config), 1e-6)
    has_own_shares = "attention" not in swapped  # whose logarithm was divided by nothing here

    soft = max(1e-5, rounding(config, v["fused_scores"]))
    exponent = float((config.softmax_scale * v["fused_scores"]).abs().max())
    flat = {key: v[key].reshape(1, h * w, -1)[0] for key in MATRICES}
    logit = logits(v["fused_scores"], v["valid"], config).reshape(h * w, -1)
    lse = logit.logsumexp(1)
    lse[lse.isneginf()] = torch.nan  # the sum over no patch at all: JavaScript calls it NaN
    mixed = mix_patches(v["attention"], v["paste_patches"])
    top = {key: float(flat[key].nan_to_num().abs().max()) for key in MATRICES}
    largest_colour = float(v["paste_patches"].abs().max())
    if not has_own_shares:
        largest_colour *= float(v["attention"].sum(-1).max())
    for p, row in zip(queries, told["rows"], strict=True):
        check("valid", row["valid"], v["valid"], bound=0)
        for key in MATRICES:
            check(f"{key}[{p}]", row[key], flat[key][p], soft, scale=top[key])
        if has_own_shares:
            check(f"lse[{p}]", row["lse"], lse[p], soft, scale=max(1.0, exponent))
        check(f"patch[{p}]", row["patch"], mixed.flatten(1, 2)[0, p], soft, scale=largest_colour)
        # Ties may fall either way: what counts is that the weight there is the largest.
        chosen = flat["attention"][p]
        largest = chosen.nan_to_num(nan=np.inf).max()
        assert chosen.nan_to_num(nan=np.inf)[row["argmax"]] >= largest * (1 - 2 * soft)
        i, j = divmod(row["argmax"], gw)
        assert row["offset"] == [i * config.stride - p // w, j * config.stride - p % w]
        if "offsets" in swapped:
            assert row["best_offset"] == v["offsets"].flatten(1, 2)[0, p].tolist()
        if not chosen.isnan().any():
            meant = chosen.sort(descending=True).values[: len(row["best"])]
            reached = torch.tensor([match["weight"] for match in row["best"]]).double()
            torch.testing.assert_close(reached, meant, rtol=0, atol=soft)
    for p, sums, scores in zip(queries, told["fusion"], told["terms"], strict=True):
        for q, total, score in zip(patches, sums, scores, strict=True):
            if not set(MATRICES).isdisjoint(swapped):
                continue  # they are not sums of these any more
            check("fusionTerms", total, flat["fused_scores"][p, q], scale=top["fused_scores"])
            check("scoreTerms", score, flat["scores"][p, q], scale=top["scores"])
    for q, column in zip(patches, told["columns"], strict=True):
        for key in MATRICES:
            check(f"{key}[:, {q}]", column[key], flat[key][:, q], 2 * soft, scale=top[key])
        check("matchingPatch", column["matching_patch"], v["matching_patches"][0, q], bound=0)
        check("pastePatch", column["paste_patch"], v["paste_patches"][0, q], bound=0)
    check("output", told["output"], v["output"], soft, scale=largest_colour)
    if has_own_shares:
        check("lse", told["lse"], lse, soft, scale=max(1.0, exponent))
    divided = overlap((h, w), config).double() * overlap_add(mixed, (h, w), config)
    for (y, x), pixel in zip(pixels, told["pixels"], strict=True):
        check("pixel value", pixel["value"], v["output"][0, :, y, x], soft, scale=largest_colour)
        check("pixel total", pixel["total"], divided[0, :, y, x], soft, scale=4 * largest_colour)
        assert pixel["divisor"] == overlap((h, w), config)[0, 0, y, x]


@settings(max_examples=examples(60, thorough=150))
@given(drawn())
@example(plain())
@example(plain(config=AttentionConfig(dialect="mmagic"), hole=1.0))  # NaN throughout
@example(plain(config=AttentionConfig(stride=3, fuse_k=5), f_grid=(4, 7), b_grid=(7, 5)))
@example(plain(config=AttentionConfig(rate=2), f_grid=(1, 27), b_grid=(2, 27)))  # 54 → 27
def test_every_number_agrees(engine: Engine, setting: Setting) -> None:
    compare(engine, setting)


def compare_maps(engine: Engine, setting: Setting, f: Tensor) -> None:
    """To 1e-4 of the values, or of 1 for shares; where best shares are equal either may win."""
    _, b, mask = setting.inputs()
    config = setting.config
    run = cv.trace(f.double(), b.double(), mask.double(), config, allow_nonfinite=True)
    truth = torch.randn(f.shape, generator=torch.Generator().manual_seed(setting.seed))
    question = question_of(setting, {}) | {
        "f": text(f, np.float32),
        "truth": text(truth, np.float32),
    }
    told = engine.ask(question)["maps"]
    bound = max(1e-4, 2 * rounding(config, run["fused_scores"].tensor.nan_to_num()))
    attention = run["attention"].tensor[0].numpy()
    clear, clear_around = map_oracle.clear_of(attention, config.stride, bound)
    told_apart = {"margin": clear, "offset_length": clear, "agreement": clear_around}
    for name in MAPS:
        meant = run.map(name, truth=truth.double()).numpy()
        where = told_apart.get(name, np.ones(meant.shape, dtype=bool))
        least = float(b.abs().max()) if name == "error" else 1.0
        reached = numbers(told[name]).reshape(meant.shape)
        np.testing.assert_allclose(
            reached[where], meant[where], rtol=bound, atol=bound * least, err_msg=name
        )


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
@settings(max_examples=examples(40, thorough=200))
@given(drawn())
@example(plain())
@example(plain(config=AttentionConfig(dialect="mmagic"), hole=1.0))  # no match at all
@example(plain(f_grid=(1, 9), b_grid=(7, 1)))
def test_every_map_agrees(engine: Engine, setting: Setting) -> None:
    compare_maps(engine, setting, setting.inputs()[0])


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
@pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
def test_the_maps_of_a_sick_model_agree(engine: Engine, dialect: str) -> None:
    setting = plain(config=AttentionConfig(dialect=dialect, fuse=False), f_grid=(6, 6))
    f, _, _ = setting.inputs()
    f[0, 1, 4, 4] = torch.nan
    compare_maps(engine, setting, f)


@pytest.mark.parametrize("dialect", ["tensorflow", "pytorch", "mmagic"])
def test_the_dialects_agree_on_a_larger_map(engine: Engine, dialect: str) -> None:
    compare(
        engine,
        plain(config=AttentionConfig(dialect=dialect), f_grid=(13, 17), b_grid=(16, 11), hole=0.01),
    )


@settings(max_examples=examples(15, thorough=150))
@given(drawn(), st.lists(st.sampled_from([stage.key for stage in STAGES]), min_size=1, max_size=3))
def test_what_follows_a_recorded_stage_agrees(
    engine: Engine, setting: Setting, swapped: list[str]
) -> None:
    compare(engine, setting, swapped)


@pytest.mark.parametrize("key", [stage.key for stage in STAGES])
def test_every_stage_can_be_recorded(engine: Engine, key: str) -> None:
    dialect = AttentionConfig(dialect="mmagic" if key == "attention" else "tensorflow")
    compare(engine, plain(config=dialect, f_grid=(6, 5)), [key])


def test_a_planted_fault_is_seen(engine: Engine) -> None:
    """The comparison itself can fail: it is shown another config than the stages ran with."""

    class Liar(Engine):
        def __init__(self) -> None:
            self.process = engine.process

        def ask(self, question: dict[str, Any]) -> dict[str, Any]:
            return super().ask(question | {"config": question["config"] | {"fuse_k": 1}})

    with pytest.raises(AssertionError, match="fused_rows"):
        compare(Liar(), plain())
