"""The maps of doubt against loops over the whole attention, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import ctxattn_viz as cv
from ctxattn_viz.traces import cells as cells_module
from ctxattn_viz.traces.maps import MAPS
from tests.support import map_oracle, oracle
from tests.support.inputs import hole, inputs, maps
from tests.support.strategies import Setting, examples, settings_of_attention

pytestmark = pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")

ONE_PIXEL = {"ksize": 1, "rate": 1, "fuse": False, "norm": "none"}


def traced(setting: Setting) -> cv.Trace:
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    return cv.trace(torch.from_numpy(setting.f), torch.from_numpy(setting.b), mask, setting.config)


def is_right(setting: Setting, *runs: cv.Trace) -> None:
    """Every map of every sample is that of the oracle's attention and output, to 1e-6.

    Where shares are equal up to rounding any of them may count as the best.
    """
    expected = oracle.run(setting.f, setting.b, setting.mask, setting.config)
    truth = np.random.default_rng(0).standard_normal(setting.f.shape)
    stride, grid = setting.config.stride, runs[0].patch_grid
    for sample, attention in enumerate(expected["attention"]):
        meant = map_oracle.query_maps(attention, grid[1], stride)
        meant["times_pasted"] = map_oracle.times_pasted(attention, grid)
        output = expected["output"][sample]
        meant["error"] = map_oracle.error(output, truth[sample], setting.config.rate)
        assert meant.keys() == set(MAPS)
        clear, clear_around = map_oracle.clear_of(attention, stride, close=1e-9)
        told_apart = {"margin": clear, "offset_length": clear, "agreement": clear_around}
        for name, values in meant.items():
            where = told_apart.get(name, np.ones(values.shape, dtype=bool))
            for run in runs:
                reached = run.map(name, sample, torch.from_numpy(truth)).numpy()
                assert reached.shape == values.shape, name
                np.testing.assert_allclose(
                    reached[where], values[where], rtol=1e-6, atol=1e-7, err_msg=name
                )


@settings(max_examples=examples(12, thorough=200))
@given(settings_of_attention())
def test_every_map_is_that_of_loops(setting: Setting) -> None:
    """Made of long vectors, by the stages block by block, and of fused scores that are there."""
    by_vectors, by_stages, known = (traced(setting) for _ in range(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells_module, "BLOCK", 50)
        patch.setattr(cells_module, "MOST_KEYS", 0)
        for sample in range(len(setting.f)):
            by_stages.map("margin", sample)
    _ = known["fused_scores"]
    is_right(setting, by_vectors, by_stages, known)
    assert not by_vectors.computed("scores")
    assert not by_stages.computed("scores")


def run_of(scores: list[float], queries: int = 1, **settings: Any) -> cv.Trace:
    """Patches in a row, which each query of a row has these scores with, times its place."""
    config = cv.AttentionConfig(**ONE_PIXEL, softmax_scale=1.0, **settings)
    f = torch.ones(queries, dtype=torch.float64)[None, None, None]
    return cv.trace(f, torch.tensor(scores, dtype=torch.float64)[None, None, None], config=config)


def test_a_row_of_patches_by_hand() -> None:
    """The shares are 3, 2, 1 and 2 of 8: the second peak is the last patch, and no neighbour."""
    run = run_of([np.log(3), np.log(2), 0, np.log(2)], queries=2)
    assert run.map("best_share").tolist() == [[pytest.approx(3 / 8)] * 2]
    assert run.map("margin").tolist() == [[pytest.approx(1 / 8)] * 2]
    assert run.map("offset_length").tolist() == [[0, 1]]
    assert run.map("agreement").tolist() == [[0, 0]]  # one takes what is here, one from the left
    times = [[pytest.approx(2 * share / 8) for share in (3, 2, 1, 2)]]
    assert run.map("times_pasted").tolist() == times
    entropy = -sum(share / 8 * np.log(share / 8) for share in (3, 2, 1, 2))
    assert run.map("effective_patches").tolist() == [[pytest.approx(np.exp(entropy))] * 2]


def test_of_equal_shares_the_first_is_the_best() -> None:
    run = run_of([0, 1, 1, 0, 1], queries=3)
    assert run.map("offset_length").tolist() == [[1, 0, 1]]
    assert run.map("margin").tolist() == [[0, 0, 0]]  # the last is as good, and far


def test_without_a_patch_further_away_the_margin_is_the_share() -> None:
    run = run_of([0, 1])
    assert torch.equal(run.map("margin"), run.map("best_share"))
    assert run.map("agreement").tolist() == [[1]]  # no neighbour differs


def test_neighbours_are_a_stride_away() -> None:
    """Patches lie at every second cell: queries so far apart can move alike, those between not."""
    f = torch.arange(6.0).cos()[None, None, None]
    run = cv.trace(f, f, config=cv.AttentionConfig(**ONE_PIXEL | {"norm": "max"}, stride=2))
    offsets = run["offsets"].tensor[0, 0, :, 1].tolist()
    around = [[i for i in (p - 2, p + 2) if 0 <= i < 6] for p in range(6)]
    alike = [sum(offsets[i] == offsets[p] for i in around[p]) / len(around[p]) for p in range(6)]
    assert run.map("agreement").tolist() == [alike]
    assert sum(alike) > 0


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.NothingValidWarning")
@pytest.mark.parametrize("masked", ["zero", "minus_infinity"])
def test_without_a_valid_patch_there_is_no_match(masked: str) -> None:
    f, b, _ = inputs()
    run = cv.trace(f, b, torch.ones_like(f[:, :1]), cv.AttentionConfig(masked=masked))
    for name in ("agreement", "offset_length"):
        assert run.map(name).isnan().all()
    for name in ("effective_patches", "best_share", "margin"):
        assert (run.map(name) == 0).all() if masked == "zero" else run.map(name).isnan().all()
    assert (run.map("times_pasted") == 0).all()


def test_a_sick_query_is_nan_and_spoils_no_other() -> None:
    f, b, mask = inputs()
    config = cv.AttentionConfig(fuse=False)
    well = cv.trace(f, b, mask, config)
    f[0, 0, 0, 0] = torch.nan
    run = cv.trace(f, b, mask, config, allow_nonfinite=True)
    for name in set(MAPS) - {"times_pasted", "error"}:
        sick = run.map(name).isnan()
        assert sick.sum() == 4, name  # the patches of 3×3 that hold the corner
        if name != "agreement":
            torch.testing.assert_close(run.map(name)[~sick], well.map(name)[~sick])
    total = run.map("times_pasted").sum()
    assert total == pytest.approx(float(run.cells().total_share.nansum()))
    assert run.map("error", truth=b).isnan().sum() == 9  # whose pixels a sick patch reaches


def test_the_error_of_a_swapped_output_is_its_own() -> None:
    f, b, mask = inputs()
    run = cv.trace(f, b, mask, swap={"output": lambda attention, paste, config: torch.ones_like(f)})
    torch.testing.assert_close(run.map("error", truth=f).mean(), (1 - f).abs().mean())


def test_a_map_is_the_readers_own() -> None:
    run = cv.trace(maps(), maps(seed=1), hole())
    for name in MAPS:
        run.map(name, truth=run.f).fill_(7)
        assert not (run.map(name, truth=run.f) == 7).all()
    assert not run.computed("scores")


def test_wrong_questions_are_answered_in_a_sentence() -> None:
    run = cv.trace(maps(), maps(seed=1), hole())
    for ask, sentence in (
        (lambda: run.map("doubt"), r"map: expected one of effective_patches, .*, got 'doubt'"),
        (lambda: run.map(["margin"]), r"map: expected one of effective_patches, .*, got \["),
        (lambda: run.map("margin", sample=1), r"sample: expected an integer from 0 to 0, got 1"),
        (lambda: run.map("error"), r"truth: expected f's shape \(1, 3, 16, 16\) .*, got None"),
        (
            lambda: run.map("error", truth=run.f[0]),
            r"truth: expected f's shape \(1, 3, 16, 16\), got a \(3, 16, 16\) tensor",
        ),
        (lambda: run.map("error", truth="photo"), r"truth: expected a torch.Tensor, got str"),
    ):
        with pytest.raises(cv.InputError, match=sentence):
            ask()
