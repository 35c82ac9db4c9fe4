"""Facts and findings of a run, and the cells for which something holds."""

from __future__ import annotations

import logging
import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.utils._python_dispatch import TorchDispatchMode

import ctxattn_viz as cv
from ctxattn_viz.traces import cells as cells_module
from ctxattn_viz.traces import findings as findings_module
from tests.support import map_oracle
from tests.support.inputs import hole, inputs, maps
from tests.support.strategies import Setting, examples, settings_of_attention

pytestmark = pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")

NONE = cv.AttentionConfig(softmax_scale=3.0)


def traced(setting: Setting) -> cv.Trace:
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    return cv.trace(torch.from_numpy(setting.f), torch.from_numpy(setting.b), mask, setting.config)


# ---- every cell in a few numbers ----------------------------------------------------------------


def numbers_of(run: cv.Trace, sample: int) -> dict[str, np.ndarray]:
    """What `Cells` says, cell by cell, in Python's own float64 and from the whole matrix."""
    config, (h, w), (gh, gw) = run.config, run.query_grid, run.patch_grid
    attention = run["attention"].tensor[sample].numpy()
    valid = run["valid"].tensor[sample].numpy()
    pasted = run["paste_patches"].tensor[sample].flatten(1).numpy()
    mask = run.mask_at_b.numpy()
    hole = mask[min(sample, len(mask) - 1), 0]
    small_masks = run["downsampled_mask"].tensor.numpy()
    small = small_masks[min(sample, len(small_masks) - 1), 0]
    small_f = run["downsampled_f"].tensor[sample].numpy()
    rate, reach = config.rate, config.ksize // 2

    def touches(grid: np.ndarray, top: int, left: int, side: int) -> bool:
        rows, columns = slice(max(top, 0), top + side), slice(max(left, 0), left + side)
        return bool(grid[rows, columns].any())

    cells = [(i * config.stride, j * config.stride) for i in range(gh) for j in range(gw)]
    pastes_hole = np.array(
        [touches(hole, y * rate - rate // 2, x * rate - rate // 2, 2 * rate) for y, x in cells]
    )
    near = np.array([touches(small, y - reach - 1, x - reach - 1, 2 * reach + 3) for y, x in cells])
    same_size = run.f.shape == run.b.shape
    result: dict[str, np.ndarray] = {}
    for row, column in np.ndindex(h, w):
        shares = attention[row, column]
        best, total = int(np.argmax(shares)), float(shares.sum())
        mixed = sum(share * patch for share, patch in zip(shares, pasted, strict=True))
        parts = [share / total for share in shares if share > 0] if total else []
        here = small_f[:, max(row - reach, 0) : row + reach + 1]
        patch = here[:, :, max(column - reach, 0) : column + reach + 1]
        top, left = row * rate - rate // 2, column * rate - rate // 2
        one = {
            "row": row,
            "column": column,
            "hole": same_size and touches(hole, top, left, 2 * rate),
            "norm": math.sqrt((patch**2).sum()),
            "best_row": cells[best][0],
            "best_column": cells[best][1],
            "best_share": shares[best],
            "total_share": total,
            "effective_patches": math.exp(-sum(p * math.log(p) for p in parts)) if parts else 0,
            "from_best": math.sqrt(((mixed - pasted[best]) ** 2).mean()),
            "from_mean": math.sqrt(((mixed - pasted[valid].mean(axis=0)) ** 2).mean()),
            "finite": True,
            "in_rim": bool(near[best] and valid[best] and total > 0),
            "rim_share": float(shares[near & valid].sum()),
            "hole_share": float(shares[pastes_hole & valid].sum()),
        }
        for name, value in one.items():
            result.setdefault(name, np.zeros((h, w)))[row, column] = value
    of_maps = map_oracle.query_maps(attention, gw, config.stride)
    return result | {name: of_maps[name] for name in ("margin", "agreement", "offset_length")}


def is_right(cells: cv.Cells, expected: dict[str, np.ndarray], names: set[str]) -> None:
    assert vars(cells).keys() == expected.keys()
    for name in names:
        x = getattr(cells, name)
        assert tuple(x.shape) == expected[name].shape, name
        np.testing.assert_allclose(x.numpy(), expected[name], rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@settings(max_examples=examples(each_time=8, thorough=200))
@given(settings_of_attention())
def test_the_numbers_are_those_of_the_matrix(setting: Setting) -> None:
    """Read from fused scores that are there, as long vectors, and by the stages."""
    known = traced(setting)
    _ = known["fused_scores"]
    by_vectors, by_stages = traced(setting), traced(setting)
    for sample in range(len(setting.f)):
        expected = numbers_of(traced(setting), sample)
        if not np.isfinite(expected["total_share"]).all():  # no patch is valid, which makes NaN
            assert not by_vectors.cells(sample).finite.any()
            continue
        names = set(expected)
        if not known["valid"].tensor[sample].any():
            names -= {"from_mean"}
        is_right(known.cells(sample), expected, names)
        # Equal shares are told apart by rounding.
        close = (np.sort(known["attention"].tensor[sample].numpy(), axis=-1)[..., -2:]).T
        if len(close) == 2 and (close[1] - close[0] < 1e-9).any():
            names -= {"best_row", "best_column", "offset_length", "from_best", "in_rim"}
            names -= {"margin", "agreement"}
        is_right(by_vectors.cells(sample), expected, names)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cells_module, "MOST_KEYS", 0)
            patch.setattr(cells_module, "BLOCK", 150)
            is_right(by_stages.cells(sample), expected, names)
    assert not by_vectors.computed("scores")
    assert not by_stages.computed("scores")


def test_the_numbers_of_two_cells_by_hand() -> None:
    b = torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2)
    config = cv.AttentionConfig(ksize=1, rate=1, fuse=False, softmax_scale=math.log(3), norm="none")
    cells = cv.trace(torch.tensor([0.0, 0.5]).reshape(1, 1, 1, 2), b, config=config).cells()
    # The first cell scores 0 with both; the second 0.5 and 1.5, of which the shares are 1 : 3.
    torch.testing.assert_close(cells.best_share, torch.tensor([[0.5, 0.75]]))
    odds = 0.25**-0.25 * 0.75**-0.75
    torch.testing.assert_close(cells.effective_patches, torch.tensor([[2.0, odds]]))
    assert cells.best_column.tolist() == [[0, 1]]
    assert cells.offset_length.tolist() == [[0, 0]]
    assert "best_share: 0.5 … 0.75" in repr(cells)


# ---- memory -------------------------------------------------------------------------------------


class Largest(TorchDispatchMode):
    """The largest tensor that anything made, in numbers."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        given = {x.untyped_storage()._cdata for x in args if isinstance(x, torch.Tensor)}
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not result.is_meta:
            storage = result.untyped_storage()
            if storage._cdata not in given:  # of a view there is no new memory
                self.numel = max(self.numel, storage.nbytes() // result.itemsize)
        return result


@pytest.mark.parametrize("most_keys", [0, 100_000_000], ids=["by the stages", "by vectors"])
def test_there_is_never_a_score_matrix(monkeypatch: pytest.MonkeyPatch, most_keys: int) -> None:
    monkeypatch.setattr(cells_module, "BLOCK", 20_000)
    monkeypatch.setattr(cells_module, "MOST_KEYS", most_keys)
    run = cv.trace(maps(side=48), maps(side=48), hole(48))
    for key in ("matching_patches", "paste_patches", "valid"):
        _ = run[key]
    with Largest() as largest:
        _ = run.findings
    assert largest.numel < 576**2 / 2  # the vectors of 576 patches have 243 numbers each


def test_a_second_score_matrix_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells_module, "BLOCK", 20_000)
    run = cv.trace(maps(side=48), maps(side=48), hole(48))
    _ = run["fused_scores"], run["paste_patches"]
    with Largest() as largest:
        _ = run.findings
    assert 10_000 < largest.numel < 576**2 / 2
    assert not run.computed("attention")


def test_a_small_budget_takes_small_blocks_and_the_smallest_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    f, b, mask = maps(side=64), maps(side=64, seed=1), hole(64)
    free, tight = cv.trace(f, b, mask), cv.trace(f, b, mask, budget=4_000_000)
    with caplog.at_level(logging.INFO, logger="ctxattn_viz"):
        few = tight.cells()
    (size,) = re.findall(r"findings will allocate ([\d.]+) MB", caplog.text)
    assert float(size) <= 4
    torch.testing.assert_close(few.best_share, free.cells().best_share)
    with pytest.raises(cv.BudgetError, match=r"findings: expected to fit 100 kB \(the budget\)"):
        _ = cv.trace(f, b, mask, budget=100_000).findings


def test_it_is_looked_at_once() -> None:
    run = cv.trace(*inputs())
    assert run.findings is run.findings
    assert run.facts is run.facts
    assert run.cells() is run.cells(0)
    with pytest.raises(cv.OutOfGridError, match="sample"):
        run.cells(1)


@pytest.mark.parametrize("name", ["facts", "findings"])
def test_shapes_without_values_are_refused(name: str) -> None:
    x = torch.empty(1, 3, 8, 8, device="meta")
    with pytest.raises(cv.InputError, match=f"{name}: expected a run with values"):
        getattr(cv.trace(x, x), name)


# ---- findings: each planted, and absent where it is not ------------------------------------------


def plain(config: cv.AttentionConfig = NONE, **changes: Any) -> cv.Trace:
    """Noise with a hole, in which there is nothing to find."""
    f, b, mask = maps(side=32), maps(side=32, seed=1), hole(32)
    values = {"f": f, "b": b, "mask": mask} | changes
    return cv.trace(values["f"], values["b"], values["mask"], config, allow_nonfinite=True)


def keys(run: cv.Trace) -> list[str]:
    return run.findings.keys()


def test_in_plain_noise_there_is_nothing_to_find() -> None:
    assert keys(plain()) == []
    assert str(plain().findings) == "Findings: none."


def test_a_sharp_softmax_copies() -> None:
    run = plain(cv.AttentionConfig(softmax_scale=1000.0))
    assert keys(run) == ["sharp"]
    finding, cells = run.findings["sharp"], run.cells()
    chosen = run.where(lambda cell: cell.hole & (cell.best_share > 0.9))
    assert set(finding.cells) == set(chosen)
    shares = [float(cells.best_share[place]) for place in finding.cells]
    assert shares == sorted(shares, reverse=True)
    assert finding.sentence.startswith(f"{len(chosen)} of {int(cells.hole.sum())} queries that")
    assert (finding.stage, finding.grid) == ("attention", "query")


def test_a_flat_softmax_averages() -> None:
    run = plain(cv.AttentionConfig(softmax_scale=0.01))
    assert keys(run) == ["flat"]
    cells = run.cells()
    for place in run.findings["flat"].cells:
        assert cells.from_mean[place] < cells.from_best[place]
        assert cells.effective_patches[place] > 0.1 * run["valid"].tensor.sum()


def test_patches_that_all_look_alike_are_not_averaged() -> None:
    """They share the attention, but the mixture is what each of them is."""
    same = torch.ones(1, 3, 32, 32) * 0.3
    assert "flat" not in keys(plain(f=same, b=same))


def test_masked_patches_take_attention_along() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 4:28, 4:28] = 1
    run = plain(cv.AttentionConfig(softmax_scale=0.5), mask=mask)
    finding = run.findings["lost_share"]
    least = min(float(run.cells().total_share[place]) for place in finding.cells)
    assert run.cells().total_share[finding.cells[0]] == pytest.approx(least)
    assert f"the least to {100 * least:.2g} %" in finding.sentence
    assert "lost_share" not in keys(run.revised(config=run.config.replace(masked="minus_infinity")))


def test_best_matches_in_the_rim() -> None:
    """The hole is bright, and nothing else is but the three cells around it."""
    b, mask = maps(side=32, seed=1), torch.zeros(1, 1, 32, 32)
    mask[..., 12:20, 12:20] = 1
    b[..., 6:26, 6:26] = 1
    run = plain(
        cv.AttentionConfig(fuse=False, shrink="floor", softmax_scale=0.3), f=b, b=b, mask=mask
    )
    finding = run.findings["rim"]
    small = run["downsampled_mask"].tensor[0, 0]
    for row, column in finding.cells:
        best = run.query(row, column).best(1)[0]
        around = [slice(max(place - 2, 0), place + 3) for place in (best.row, best.col)]
        assert small[around[0], around[1]].any()
    assert len(finding.cells) >= 16
    shares = [float(run.cells().rim_share[place]) for place in finding.cells]
    assert shares == sorted(shares, reverse=True)
    assert f"has {100 * sum(shares) / len(shares):.2g} % of their attention" in finding.sentence
    assert finding.stage == "offsets"
    assert "rim" not in keys(plain())


def test_hole_pixels_that_leak_through_shrinking() -> None:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 1] = 1  # which align_corners does not keep
    run = plain(mask=mask)
    finding = run.findings["leak"]
    assert finding.grid == "patch"
    assert set(finding.cells) == {(row, column) for row in range(16) for column in (0, 1)}
    assert "32 patches paste some of the hole's 32 pixels" in finding.sentence
    mask[..., 0:3] = 1
    assert "leak" not in keys(plain(mask=mask))


def test_a_patch_that_pastes_more_than_it_matches() -> None:
    run = plain(cv.AttentionConfig(ksize=1, rate=1, softmax_scale=3.0))
    finding = run.findings["leak"]
    assert set(finding.cells) == {
        *((3, column) for column in range(4, 11)),
        *((row, 4) for row in range(4, 10)),
    }
    assert "reaches beyond the one cell" in finding.sentence


def test_a_hole_that_another_samples_mask_does_not_have() -> None:
    f, b = maps(2, side=32), maps(2, side=32, seed=1)
    masks = torch.cat([hole(32), hole(32).flip(2)])
    config = cv.AttentionConfig(mask_of_batch="first", softmax_scale=3.0)
    run = plain(config, f=f, b=b, mask=masks)
    leaks = [remark for remark in run.findings if remark.key in ("leak", "other_mask")]
    assert [(remark.key, remark.sample) for remark in leaks] == [("other_mask", 1)]
    own = plain(config.replace(mask_of_batch="each"), f=f, b=b, mask=masks)["valid"].tensor[1]
    for row, column in leaks[0].cells:
        assert not own.unflatten(0, run.patch_grid)[row, column]


@pytest.mark.parametrize(("dialect", "becomes"), [("tensorflow", "0"), ("mmagic", "NaN")])
def test_rows_without_a_valid_patch(dialect: str, becomes: str) -> None:
    run = plain(cv.AttentionConfig(dialect=dialect), mask=torch.ones(1, 1, 32, 32))
    assert keys(run) == ["nothing_valid"]
    finding = run.findings[0]
    assert len(finding.cells) == 256
    assert f"all 256 rows of attention are {becomes}" in finding.sentence


def test_one_sample_of_two_without_a_valid_patch() -> None:
    masks = torch.cat([hole(32), torch.ones(1, 1, 32, 32)])
    run = plain(NONE, f=maps(2, side=32), b=maps(2, side=32, seed=1), mask=masks)
    assert [(remark.key, remark.sample) for remark in run.findings] == [("nothing_valid", 1)]


@pytest.mark.parametrize(
    ("norm", "largest"), [("max", 2e-4), ("per_element", 2 * math.sqrt(27e-4)), ("none", 2e-4)]
)
def test_queries_whose_norm_is_near_the_floor(norm: str, largest: float) -> None:
    f = maps(side=32)
    f[..., :8, :8] = 0
    f[0, 0, 20:26, 20:26] = 0.9 * largest / math.sqrt(27)
    f[0, 1:, 20:26, 20:26] = 0
    run = plain(cv.AttentionConfig(norm=norm, shrink="floor", softmax_scale=3.0), f=f)
    finding = run.findings["near_floor"]
    assert set(finding.cells) == {*((y, x) for y in range(3) for x in range(3)), (11, 11)}
    assert finding.cells[-1] == (11, 11)  # the clearest first
    f[0, 0, 20:26, 20:26] = 10 * largest
    assert (11, 11) not in plain(run.config, f=f).findings["near_floor"].cells


# ---- where NaN and infinity were born -----------------------------------------------------------


def born(run: cv.Trace) -> list[tuple[str, str, int]]:
    return [(r.stage, r.grid, len(r.cells)) for r in run.findings if r.key == "nonfinite"]


def test_nan_that_came_with_f() -> None:
    f = maps(side=32)
    f[0, 1, 9, 20], f[0, 2, 9, 21] = torch.nan, torch.inf
    run = plain(f=f)
    assert born(run) == [("downsampled_f", "query", 1)]
    assert run.findings[0].cells == ((4, 10),)
    assert "in with f, 2 in number: the first is NaN, in channel 1 of pixel (9, 20)" in (
        run.findings[0].sentence
    )


def test_infinity_that_came_with_b_names_a_cell_that_has_a_patch() -> None:
    b = maps(side=32, seed=1)
    b[0, 0, 10, 23] = -torch.inf
    run = plain(cv.AttentionConfig(stride=2), b=b)
    assert born(run) == [("paste_patches", "patch", 1)]
    assert run.findings[0].cells == ((4, 10),)
    assert "the first is infinity" in run.findings[0].sentence


# Of a row of four cells the first two have large numbers, and each scores them with every patch.
@pytest.mark.parametrize(
    ("size", "config", "stage", "rows"),
    [
        (3e38, cv.AttentionConfig(softmax_scale=1.0), "fused_rows", 2),
        (1.7e38, cv.AttentionConfig(softmax_scale=1.0), "fused_scores", 3),
        (6e37, cv.AttentionConfig(fuse=False), "attention", 2),
        (3e37, cv.AttentionConfig(fuse=False), None, 0),
    ],
)
def test_what_overflows_is_born_where_it_first_does(
    size: float, config: cv.AttentionConfig, stage: str | None, rows: int
) -> None:
    f, b = torch.zeros(1, 1, 1, 4), torch.ones(1, 1, 1, 4)
    f[..., :2] = size
    run = cv.trace(f, b, None, config.replace(rate=1, ksize=1))
    assert born(run) == ([(stage, "query", rows)] if stage else [])


def test_a_product_that_overflows_is_born_in_the_scores() -> None:
    f, b = torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4)
    f[0, 0, 0, 3] = 3e38
    b[0, 0, 1, 1] = 10
    config = cv.AttentionConfig(rate=1, ksize=1, norm="none")
    run = cv.trace(f, b, None, config)
    assert born(run) == [("scores", "query", 1)]
    assert run.findings[0].cells == ((0, 3),)


def test_nothing_is_born_where_nan_is_only_handed_on() -> None:
    f = maps(side=32)
    f[0, 1, 8, 8] = torch.nan
    run = plain(f=f)
    assert run["attention"].summary.nan > 0
    assert born(run) == [("downsampled_f", "query", 1)]


# ---- facts --------------------------------------------------------------------------------------

EACH = {"shrink", "padding", "norm", "wraps", "masked"}
BY_DIALECT = {
    "tensorflow": EACH | {"divides_by_4"},
    "pytorch": EACH | {"divides_by_4", "floor"},
    "mmagic": EACH | {"coverage"},
}


@pytest.mark.parametrize("dialect", BY_DIALECT)
def test_the_facts_of_a_dialect(dialect: str) -> None:
    facts = plain(cv.AttentionConfig(dialect=dialect)).facts
    assert set(facts.keys()) == BY_DIALECT[dialect]
    assert facts.keys().count("wraps") == 2
    adds = "adds exp(0) = 1" if dialect != "mmagic" else "becomes −∞"
    assert adds in facts["masked"].sentence
    rows = "0, 2 … 31 (shrink='align_corners')" if dialect == "tensorflow" else "0, 2 … 30"
    assert rows in facts["shrink"].sentence


def test_facts_have_the_places_that_they_name() -> None:
    facts = plain().facts
    assert facts["wraps"].cells == tuple((row, 15) for row in range(15))
    assert facts[facts.keys().index("wraps") + 1].cells == tuple((15, x) for x in range(15))
    border = {(y, x) for y in range(16) for x in range(16) if {y, x} & {0, 15}}
    assert set(facts["padding"].cells) == border == set(facts["divides_by_4"].cells)
    valid = plain()["valid"].tensor[0].unflatten(0, (16, 16))
    assert set(facts["masked"].cells) == {(y, x) for y, x in (~valid).nonzero().tolist()}
    # Of 32 rows align_corners keeps i·31/15: from the eighth on one more than 2·i.
    assert {row for row, column in facts["shrink"].cells if column == 0} == set(range(8, 16))


def test_a_fact_is_told_only_where_it_holds() -> None:
    config = cv.AttentionConfig(rate=1, ksize=1, fuse=False, stride=2, softmax_scale=0.0)
    x = maps(side=8)
    facts = cv.trace(x, x, None, config).facts
    assert facts.keys() == ["same_map", "stride", "norm", "no_fusion", "scale", "divides_by_4"]
    assert "share alike" in facts["scale"].sentence
    line = cv.trace(x[..., :1, :], x[..., :1, :], None, cv.AttentionConfig(rate=1)).facts
    assert "wraps" not in line  # one row has no next one
    two = cv.trace(maps(2, side=8), maps(2, side=8)).facts
    assert "flow" in two


def test_the_border_darkens_where_b_is_bright() -> None:
    bright, signed = maps(side=8) + 1, maps(side=8)
    assert "darkens, down to 25 %" in cv.trace(bright, bright).facts["divides_by_4"].sentence
    fact = cv.trace(signed, signed).facts["divides_by_4"]
    assert "pulled towards 0" in fact.sentence
    config = cv.AttentionConfig(rate=1)
    at_rate_1 = cv.trace(signed, signed, None, config).facts["divides_by_4"]
    assert set(at_rate_1.cells) == {(y, x) for y in range(8) for x in range(8) if y * x == 0}


def test_the_first_samples_mask_for_all() -> None:
    masks = torch.cat([hole(32), hole(32).flip(2)])
    config = cv.AttentionConfig(dialect="pytorch")
    f, b = maps(2, side=32), maps(2, side=32, seed=1)
    fact = plain(config, f=f, b=b, mask=masks).facts["first_mask"]
    each = plain(config.replace(mask_of_batch="each"), f=f, b=b, mask=masks)["valid"].tensor
    differs = (each[0] != each[1]).unflatten(0, (16, 16)).nonzero().tolist()
    assert fact.cells == tuple((y, x) for y, x in differs)
    assert fact.sample == 1
    equal = plain(config, f=f, b=b, mask=masks[:1].expand(2, -1, -1, -1))
    assert "first_mask" not in equal.facts


def test_patches_below_the_floor() -> None:
    b = maps(side=32, seed=1)
    b[..., :8, :8] = 0
    fact = plain(b=b).facts["floor"]
    assert set(fact.cells) == {(y, x) for y in range(3) for x in range(3)}
    assert "floor" not in plain().facts


def test_facts_need_no_scores() -> None:
    run = plain()
    assert len(run.facts) > 5
    assert not any(run.computed(key) for key in cv.stages.MATRICES)


# ---- where --------------------------------------------------------------------------------------


def test_where_gives_the_cells_row_by_row() -> None:
    run = plain(cv.AttentionConfig(softmax_scale=1000.0))
    attention = run["attention"].tensor[0]
    expected = [
        (row, column)
        for row in range(16)
        for column in range(16)
        if attention[row, column].max() > 0.9
    ]
    assert run.where(lambda cell: cell.best_share > 0.9) == expected != []
    assert run.where(lambda cell: (cell.best_share > 0.9).numpy()) == expected
    assert run.where(lambda cell: cell.hole & (cell.row < 0)) == []


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        (0.9, "predicate: expected a function, .* got 0.9"),
        (lambda cell: cell.share > 0.9, "predicate: expected one of row, column, .* 'share'"),
        (lambda cell: cell.hole and cell.norm > 1, r"ambiguous\. Join conditions by & \| ~"),
        (lambda cell: True, "True or False for each of the 16×16 cells, .* got bool"),
        (lambda cell: cell.norm, r"got a \(16, 16\) tensor of torch.float32"),
        (lambda cell: cell.hole[0], r"got a \(16,\) tensor"),
        (lambda: True, "predicate: .* TypeError"),
    ],
)
def test_a_predicate_that_cannot_be_is_answered_in_a_sentence(predicate: Any, message: str) -> None:
    with pytest.raises(cv.InputError, match=message):
        plain().where(predicate)


# ---- as text ------------------------------------------------------------------------------------


def test_they_print_as_a_list() -> None:
    run = plain(cv.AttentionConfig(softmax_scale=1000.0))
    text = str(run.findings)
    assert text == repr(run.findings)
    first, *lines = text.splitlines()
    assert first == "Findings:"
    assert lines[0].startswith("- sharp: ")
    assert max(map(len, lines)) <= 100
    assert re.search(r"\[attention, query \(\d+, \d+\),", " ".join(lines))
    with pytest.raises(KeyError, match="leak: there are sharp"):
        _ = run.findings["leak"]
    assert run.findings[:1] == (run.findings[0],)
    assert "sharp" in run.findings
    assert run.findings[0] in run.findings


def test_thresholds_stand_between_what_photographs_show() -> None:
    """The figures beside them, on the one of the five that is quickest to look at."""
    photo = cv.samples.photograph("chelsea", 64)
    mask = cv.samples.rectangle((photo.shape[2], photo.shape[3]), 14, 22, 13, 20)
    coarse = cv.samples.coarse_fill(photo, mask)
    copying, averaging = [], []
    for scale in (0.1, 10.0, 100.0):
        run = cv.trace(coarse, coarse, mask, cv.AttentionConfig(softmax_scale=scale))
        cells = run.cells()
        valid = int(run["valid"].tensor.sum())
        averages = (cells.effective_patches > findings_module.AVERAGE * valid) & (
            cells.from_mean < cells.from_best
        )
        copying.append(float((cells.best_share > findings_module.COPY)[cells.hole].float().mean()))
        averaging.append(float(averages[cells.hole].float().mean()))
    assert copying[0] == 0
    assert copying[1] < findings_module.SHARP < copying[2]
    assert averaging[1] == averaging[2] == 0
    assert averaging[0] > findings_module.FLAT
