"""A trace: lazy, kept, in order; one query's row; one pixel's ledger; within a budget; its own."""

import ast
import copy
import dataclasses
import inspect
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ctxattn_viz as cv
from ctxattn_viz.config import CHOICES
from ctxattn_viz.errors import NothingValidWarning
from ctxattn_viz.stages import BY_KEY, MATRICES, Stage
from ctxattn_viz.traces import budget as budget_module
from tests.support.allocations import Allocations
from tests.support.closeness import equal
from tests.support.inputs import inputs
from tests.support.strategies import Setting, settings_of_attention


@pytest.fixture
def trace() -> cv.Trace:
    return cv.trace(*inputs(n=2))


def traced(setting: Setting) -> cv.Trace:
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    return cv.trace(torch.from_numpy(setting.f), torch.from_numpy(setting.b), mask, setting.config)


# --- stages ---------------------------------------------------------------------------------------


def test_stages_are_computed_when_asked_for(trace: cv.Trace) -> None:
    assert not any(trace.computed(key) for key in MATRICES)
    _ = trace["fused_rows"]
    assert [key for key in MATRICES if trace.computed(key)] == ["scores", "fused_rows"]


def test_stages_are_kept(trace: cv.Trace) -> None:
    for key in cv.stages.BY_KEY:
        assert trace[key] is trace[key]
        assert trace[key].tensor is trace[key].tensor


def test_it_is_a_mapping_in_the_order_of_the_paper(trace: cv.Trace) -> None:
    assert list(trace) == [
        *("downsampled_f", "downsampled_b", "downsampled_mask"),
        *("matching_patches", "paste_patches", "valid"),
        *("scores", "fused_rows", "fused_scores", "attention"),
        *("output", "offsets", "flow"),
    ]
    assert len(trace) == len(cv.STAGES) == 13
    assert not any(trace.computed(key) for key in MATRICES)  # listing computes nothing


def test_steps_come_one_at_a_time_in_order() -> None:
    steps = cv.steps(*inputs())
    assert [stage.key for stage in steps] == [stage.key for stage in cv.STAGES]
    assert next(steps, None) is None


def test_what_a_stage_tells(trace: cv.Trace) -> None:
    for key, result in trace.items():
        assert result.key == key
        assert result.shape == tuple(result.tensor.shape)
        assert len(result.axes) == result.tensor.ndim, key
        assert result.nbytes == result.tensor.numel() * result.tensor.element_size()
        assert result.seconds >= 0
        assert result.title
        assert result.equation
        assert result.source
        assert result.code == inspect.getsource(result.stage.function)
        assert "0x" not in repr(result)
    assert trace["scores"].axes == ("sample", "query row", "query column", "background patch")
    assert trace["scores"].shape == (2, 6, 6, 36)
    assert trace["scores"].nbytes == 2 * 36 * 36 * 8


def test_a_summary_by_hand() -> None:
    f = torch.tensor([[1.0, 2.0], [3.0, float("nan")]]).reshape(1, 1, 2, 2)
    config = cv.AttentionConfig(rate=1)
    summary = cv.trace(f, f, config=config, allow_nonfinite=True)["downsampled_f"].summary
    assert (summary.minimum, summary.maximum, summary.mean) == (1, 3, 2)
    assert (summary.nan, summary.infinite) == (1, 0)
    assert summary.shape == (1, 1, 2, 2)
    assert summary.dtype == "float32"


@pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
def test_a_summary_counts_the_queries_that_attend_to_nothing(dialect: str) -> None:
    f, b, mask = inputs()
    config = cv.AttentionConfig(dialect=dialect)
    warned = pytest.warns(NothingValidWarning) if dialect == "mmagic" else nullcontext()
    with warned:
        masked = cv.trace(f, b, torch.ones_like(mask), config)["attention"].summary
    assert masked.empty_rows == 36
    assert masked.nan == (0 if dialect == "tensorflow" else 36 * 36)
    assert cv.trace(f, b, mask, config)["attention"].summary.empty_rows == 0


def test_nothing_in_a_trace_requires_gradients() -> None:
    f, b, mask = inputs()
    trace = cv.trace(f.requires_grad_(), b.requires_grad_(), mask)
    assert not any(result.tensor.requires_grad for result in trace.values())
    assert not trace.f.requires_grad
    assert not trace.b.requires_grad


def test_no_mask_is_a_mask_of_nothing() -> None:
    f, b, _ = inputs()
    trace = cv.trace(f, b)
    assert trace["valid"].tensor.all()
    assert not trace.mask.any()


def test_the_mask_may_be_of_any_type() -> None:
    f, b, mask = inputs()
    expected = cv.trace(f, b, mask)["output"].tensor
    for dtype in (torch.bool, torch.uint8, torch.int64, torch.float16):
        assert torch.equal(cv.trace(f, b, mask.to(dtype))["output"].tensor, expected)


def test_what_it_shows_has_no_addresses(trace: cv.Trace) -> None:
    said = repr(trace)
    assert "0x" not in said
    assert "scores" not in said
    _ = trace["scores"]
    assert "scores" in repr(trace)


# --- one query, one pixel -------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
@settings(max_examples=40)
@given(settings_of_attention(), st.data())
def test_a_query_is_its_row_of_the_full_matrices(setting: Setting, data: st.DataObject) -> None:
    trace = traced(setting)
    (h, w), (gh, gw) = trace.query_grid, trace.patch_grid
    row, col = data.draw(st.integers(0, h - 1)), data.draw(st.integers(0, w - 1))
    sample = data.draw(st.integers(0, len(setting.f) - 1))
    alone = trace.query(row, col, sample)
    assert not any(trace.computed(key) for key in MATRICES), "a row does not need the matrix"
    full = {key: trace[key].tensor[sample, row, col].unflatten(0, (gh, gw)) for key in MATRICES}
    again = trace.query(row, col, sample)
    for key in MATRICES:
        torch.testing.assert_close(alone[key], full[key], rtol=1e-9, atol=1e-9, equal_nan=True)
        assert equal(again[key], full[key])
    assert alone["valid"] is alone.valid
    assert torch.equal(alone.valid, trace["valid"].tensor[sample].unflatten(0, (gh, gw)))
    paste = trace["paste_patches"].tensor[sample]
    mixed = torch.einsum("q,qcyx->cyx", full["attention"].flatten(), paste)
    torch.testing.assert_close(alone.patch, mixed, equal_nan=True)


def test_best_matches_come_first_and_name_their_cells() -> None:
    f, b, mask = inputs()
    config = cv.AttentionConfig(stride=2, softmax_scale=1.0)
    query = cv.trace(f, b, mask, config).query(2, 3)
    best = query.best(9)
    assert len(best) == 9  # 3×3 background patches
    assert all(one.weight >= other.weight for one, other in pairwise(best))
    for match in best:
        i, j = divmod(match.index, 3)
        assert (match.row, match.col) == (2 * i, 2 * j)
        assert match.score == query.scores[i, j]
        assert match.fused == query.fused_scores[i, j]
        assert match.weight == query.attention[i, j]
    assert [one.index for one in query.best(2)] == [one.index for one in best[:2]]


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
@settings(max_examples=40)
@given(settings_of_attention(), st.data())
def test_a_ledger_sums_to_the_output_pixel(setting: Setting, data: st.DataObject) -> None:
    trace = traced(setting)
    _, channels, height, width = setting.f.shape
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    sample = data.draw(st.integers(0, len(setting.f) - 1))
    ledger = trace.pixel(row, col, sample)
    pixel = trace["output"].tensor[sample, :, row, col]
    torch.testing.assert_close(ledger.value, pixel, rtol=1e-9, atol=1e-9, equal_nan=True)
    total = sum(term.contribution for term in ledger.terms)
    assert equal(ledger.total, total)
    for term in ledger.terms:
        (y, x), (dy, dx) = term.query, term.position
        rate = setting.config.rate
        assert (y * rate - rate // 2 + dy, x * rate - rate // 2 + dx) == (row, col)
        assert torch.equal(
            term.colours, trace["paste_patches"].tensor[sample, :, :, dy, dx].to(term.weights)
        )
        assert term.contribution.shape == (channels,)


def test_a_ledger_by_hand() -> None:
    """Four pixels of one cell, rate 2: its own patch alone covers it, and is divided by 4."""
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    ledger = cv.trace(x, x).pixel(1, 0)
    (term,) = ledger.terms
    assert (term.query, term.position) == ((0, 0), (2, 1))
    assert term.weights.tolist() == [1]
    assert term.colours.tolist() == [[3]]
    assert (ledger.total.item(), ledger.divisor, ledger.value.item()) == (3, 4, 0.75)
    assert term.best() == [((0, 0), 1.0, [3.0])]


def test_how_many_patches_meet_at_a_pixel(trace: cv.Trace) -> None:
    counts = {at: len(trace.pixel(*at).terms) for at in ((0, 0), (0, 5), (5, 5), (11, 11))}
    assert counts == {(0, 0): 1, (0, 5): 2, (5, 5): 4, (11, 11): 1}
    coverage = cv.trace(trace.f, trace.b, trace.mask, cv.AttentionConfig(dialect="mmagic"))
    assert [coverage.pixel(*at).divisor for at in counts] == [1, 2, 4, 1]
    assert [trace.pixel(*at).divisor for at in counts] == [4, 4, 4, 4]


# --- revised --------------------------------------------------------------------------------------


def test_another_mask_keeps_the_scores_and_their_fusion(trace: cv.Trace) -> None:
    scores, fused = trace["scores"], trace["fused_scores"]
    mask = torch.zeros_like(trace.mask)
    mask[..., :4, :] = 1
    revised = trace.revised(mask)
    assert revised["scores"] is scores
    assert revised["fused_scores"] is fused
    fresh = cv.trace(trace.f, trace.b, mask)
    for key in fresh:
        assert torch.equal(revised[key].tensor, fresh[key].tensor), key


# Every field, and for each rule every choice that the trace above does not follow.
CHANGES: list[dict[str, Any]] = [
    {"ksize": 1},
    {"stride": 2},
    {"rate": 1},
    {"fuse_k": 5},
    {"softmax_scale": 2.0},
    {"fuse": False},
    *({name: choice} for name, choices in CHOICES.items() for choice in choices[1:]),
]


def test_every_field_is_changed_below() -> None:
    fields = {field.name for field in dataclasses.fields(cv.AttentionConfig)}
    assert {name for change in CHANGES for name in change} == fields - {"dialect"}
    assert all(getattr(cv.AttentionConfig(), name) == CHOICES[name][0] for name in CHOICES)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [*CHANGES, {"dialect": "mmagic"}, {}], ids=str)
@pytest.mark.parametrize("new_mask", [False, True])
def test_what_a_change_keeps_is_what_a_fresh_run_makes(changes: dict, new_mask: bool) -> None:
    f, b, mask = inputs(n=2)
    mask = mask.repeat(2, 1, 1, 1)
    mask[1] = mask[1].flip(-1).roll(3, dims=-2)
    run = cv.trace(f, b, mask)
    assert all(run[key].tensor.numel() for key in run)
    config = run.config.replace(**changes)
    other = mask.roll(2, dims=-1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    revised = run.revised(other if new_mask else None, config)
    fresh = cv.trace(f, b, other if new_mask else mask, config)
    assert revised.config == fresh.config
    kept = [key for key in revised if revised.computed(key)]
    for key in kept:
        assert revised[key].tensor is run[key].tensor, key
    for key in revised:
        assert torch.equal(revised[key].tensor, fresh[key].tensor), key
        # Nothing is thrown away either that would have been of use.
        if key not in kept:
            inputs_kept = all(x in (*kept, "f", "b") for x in BY_KEY[key].inputs)
            touched = {*changes} & {*BY_KEY[key].settings} or "dialect" in changes
            assert touched or not inputs_kept, key


BEFORE_FUSION = ["downsampled_f", "downsampled_b", "matching_patches", "paste_patches", "scores"]
OF_THE_MASK = ["downsampled_mask", "valid"]
FUSION = ["fused_rows", "fused_scores"]


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, [stage.key for stage in cv.STAGES]),
        ({"softmax_scale": 2.0}, [*BEFORE_FUSION, *OF_THE_MASK, *FUSION]),
        ({"mask_of_batch": "first"}, [*BEFORE_FUSION, "downsampled_mask", *FUSION]),
        ({"overlap": "coverage"}, [s.key for s in cv.STAGES if s.key != "output"]),
        ({"norm": "none"}, [*BEFORE_FUSION[:-1], *OF_THE_MASK]),
        ({"fuse_k": 5}, [*BEFORE_FUSION, *OF_THE_MASK]),
        ({"rate": 1}, []),
    ],
    ids=str,
)
def test_what_a_change_keeps_by_hand(trace: cv.Trace, changes: dict, kept: list[str]) -> None:
    for key in trace:
        _ = trace[key]
    revised = trace.revised(config=trace.config.replace(**changes))
    assert {key for key in revised if revised.computed(key)} == {*kept}


# --- budget ---------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_before_it_is_allocated(trace: cv.Trace) -> None:
    small = cv.trace(trace.f, trace.b, trace.mask, budget=30_000)
    with pytest.raises(cv.BudgetError) as caught:
        small["scores"]
    assert not small.computed("scores")
    assert not small.computed("matching_patches")
    assert re.fullmatch(
        r"scores: expected to fit 30 kB \(the budget\), got [\d.]+ kB for f 12×12 and b 12×12\. "
        r"The largest size of the same proportions that fits: 8×8\. "
        r"`trace\.query` and `contextual_attention` do not need the whole matrix\.",
        str(caught.value),
    )
    assert small.query(0, 0).scores.shape == (6, 6)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["scores", "fused_scores", "attention", "output", "flow"])
@pytest.mark.parametrize("budget", [20_000, 100_000])
def test_the_largest_size_that_it_names_fits_and_the_next_does_not(key: str, budget: int) -> None:
    f, b, mask = inputs(side=32)
    with pytest.raises(cv.BudgetError) as caught:
        cv.trace(f, b, mask, budget=budget)[key]
    (said,) = re.findall(r"that fits: (\d+)×\1\.", str(caught.value))
    fits = int(said)
    _ = cv.trace(*(x[..., :fits, :fits] for x in (f, b, mask)), budget=budget)[key]
    more = fits + 2
    with pytest.raises(cv.BudgetError):
        cv.trace(*(x[..., :more, :more] for x in (f, b, mask)), budget=budget)[key]


def test_the_sizes_it_names_have_the_proportions_of_f_and_b() -> None:
    f, b = torch.zeros(1, 1, 40, 20), torch.zeros(1, 1, 20, 40)
    with pytest.raises(cv.BudgetError, match=r"that fits: (\d+)×(\d+) with b \2×\1\."):
        cv.trace(f, b, budget=20_000)["scores"]


def test_where_nothing_fits_it_says_so() -> None:
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(cv.BudgetError, match="that fits: none, not even a single cell"):
        cv.trace(x, x, budget=64)["attention"]


def test_the_budget_is_half_of_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    f, b, mask = inputs()
    trace = cv.trace(f, b, mask)
    monkeypatch.setattr(budget_module, "free_memory", lambda device: 20_000)
    with pytest.raises(cv.BudgetError, match=r"fit 10 kB \(half of the free memory\)"):
        _ = trace["scores"]
    monkeypatch.setattr(budget_module, "free_memory", lambda device: 20_000_000)
    assert trace["scores"].shape == (1, 6, 6, 36)


def test_what_is_there_already_costs_nothing(trace: cv.Trace) -> None:
    before = trace.cost("attention")
    held = trace["fused_scores"].nbytes
    assert trace.cost("fused_scores") == 0
    assert held <= trace.cost("attention") < before


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"fuse": False}, {"rate": 1, "dialect": "mmagic"}, {"stride": 2}, {"ksize": 5}],
    ids=str,
)
@pytest.mark.parametrize(("channels", "side"), [(3, 40), (48, 20)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_stated_cost_is_what_is_allocated(
    changes: dict, channels: int, side: int, dtype: torch.dtype
) -> None:
    """Many channels make the patches the largest thing, few the matrix."""
    config = cv.AttentionConfig(**changes)
    side = side // 2 * config.rate
    f, b = torch.rand(2, 1, channels, side, side).to(dtype)
    for key in ("scores", "fused_rows", "fused_scores", "attention"):
        trace = cv.trace(f, b, config=config)
        cost = trace.cost(key)
        with Allocations() as allocations:
            _ = trace[key]
        assert 0.85 * cost <= allocations.peak <= 1.03 * cost, key


def test_it_says_what_a_stage_will_cost(trace: cv.Trace, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="ctxattn_viz"):
        cost = trace.cost("scores")
        _ = trace["scores"]
    assert cost >= trace["scores"].nbytes
    assert "scores will allocate" in caplog.text


def test_a_plan_names_every_stage_and_computes_none(trace: cv.Trace) -> None:
    plan = trace.plan()
    assert [line.split()[0] for line in plan.splitlines()[1:]] == list(trace)
    assert "(2, 6, 6, 36)" in plan
    assert not trace.computed("matching_patches")
    assert trace.layout("scores") == ((2, 6, 6, 36), torch.float64)


# --- health ---------------------------------------------------------------------------------------


def test_a_thin_hole_is_warned_about() -> None:
    x = torch.zeros(1, 1, 16, 16)
    line = torch.zeros(1, 1, 16, 16)
    line[..., 3] = 1  # floor keeps the even columns
    config = cv.AttentionConfig(dialect="pytorch")
    for run in (cv.trace, cv.steps):
        with pytest.warns(
            cv.ThinHoleWarning, match=r"shrinking by rate 2 lost 100\.0% of the hole"
        ):
            run(x, x, line, config)
    box = torch.zeros(1, 1, 16, 16)
    box[..., 4:10, 4:10] = 1
    for kept in (box, line.roll(1, 3), torch.zeros_like(line), torch.ones_like(line)):
        cv.trace(x, x, kept, config)  # a warning would be an error here


@pytest.mark.parametrize("run", [cv.trace, cv.steps])
def test_a_hole_that_leaves_no_patch_is_warned_about_where_it_makes_nan(run: Callable) -> None:
    x = torch.zeros(2, 1, 16, 16)
    config = cv.AttentionConfig(masked="minus_infinity")
    hole = torch.ones(1, 1, 16, 16)
    hole[..., :2, :2] = 0  # one known cell, but no patch without a hole
    with pytest.warns(NothingValidWarning, match=r"^mask: no background patch is free of the hole"):
        run(x, x, hole, config)
    kept = torch.zeros_like(hole)
    with pytest.warns(NothingValidWarning, match=r"hole in sample 1, and masked='minus_infinity'"):
        run(x, x, torch.cat([kept, hole]), config)
    run(x, x, torch.cat([kept, hole]), config.replace(mask_of_batch="first"))  # else: an error
    run(x, x, hole, config.replace(masked="zero"))
    run(x, x, kept, config)


def test_a_sick_model_can_be_examined() -> None:
    f, b, mask = inputs()
    f[0, 0, 4, 4] = float("nan")  # a pixel that shrinking keeps
    trace = cv.trace(f, b, mask, allow_nonfinite=True)
    assert trace["downsampled_f"].summary.nan == 1
    assert trace["scores"].summary.nan == 9 * 36  # the 3×3 query patches that hold it
    assert trace["output"].tensor.isnan().any()
    assert not trace.query(5, 5).scores.isnan().any()


def test_a_nan_reaches_no_cell_that_fusion_does_not_read() -> None:
    """Rows past the grid's end are not there: their place must not be filled with 0 · NaN."""
    f, b, _ = inputs()
    config = cv.AttentionConfig(rate=1, ksize=1)
    f[0, :, 0, 0] = float("nan")
    fused = cv.trace(f, b, config=config, allow_nonfinite=True)["fused_scores"].tensor
    sick = fused.isnan().flatten(3).any(dim=3)[0]
    # Along rows (0, 0) reaches (0, 1); then along columns each reaches the cell below it, and
    # (0, 1) the one before it too: the foot of the first column.
    assert sick.nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [11, 0]]


# --- its own, and shared --------------------------------------------------------------------------


def write_into(x: Any) -> None:
    """Other values in the same memory."""
    if isinstance(x, torch.Tensor) and x.dtype == torch.bool:
        x.logical_not_()
    else:
        x += 1


@pytest.mark.parametrize("way", ["in place", "by NumPy", "through a view"])
@pytest.mark.parametrize("make", [cv.trace, lambda *x: cv.trace(x[0], x[1]).revised(x[2])])
def test_what_the_caller_writes_later_changes_nothing(make: Any, way: str) -> None:
    f, b, mask = inputs()
    expected = {key: stage.tensor for key, stage in cv.trace(*inputs()).items()}
    run = make(f, b, mask)
    _ = run["scores"]
    for x in (f, b, mask):
        write_into({"in place": x, "by NumPy": x.numpy(), "through a view": x[0]}[way])
    for key, tensor in expected.items():
        assert torch.equal(run[key].tensor, tensor), key


def test_one_tensor_for_both_is_copied_once() -> None:
    x = inputs()[0]
    run = cv.trace(x, x)
    assert run.f is run.b
    assert run.f.data_ptr() != x.data_ptr()


def test_a_copy_keeps_dtype_and_layout_and_needs_no_gradients() -> None:
    f, b, mask = inputs()
    f = f.double().to(memory_format=torch.channels_last).requires_grad_()
    run = cv.trace(f, b.double(), mask.bool())
    assert run.f.dtype == run.mask.dtype == torch.float64
    assert run.f.stride() == f.stride()
    assert not run.f.requires_grad


@pytest.mark.parametrize("kept", [False, True], ids=["rows alone", "stages kept"])
@pytest.mark.parametrize("config", [cv.AttentionConfig(), cv.AttentionConfig(rate=1, fuse=False)])
def test_writing_into_a_row_or_a_ledger_changes_no_trace(
    kept: bool, config: cv.AttentionConfig
) -> None:
    run, again = (cv.trace(*inputs(), config) for _ in range(2))
    if kept:
        _ = list(run.values())
    row, ledger = run.query(1, 2), run.pixel(3, 4)
    for key in (*MATRICES, "valid", "patch"):
        write_into(getattr(row, key))
    for term in ledger.terms:
        write_into(term.weights)
        write_into(term.colours)
    for key in run:
        assert torch.equal(run[key].tensor, again[key].tensor), key


def test_eight_threads_compute_each_stage_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = cv.trace(*inputs())
    computed: list[str] = []
    original = Stage.run

    def counted(stage: Stage, values: Any, config: cv.AttentionConfig) -> torch.Tensor:
        if not values["f"].is_meta:  # there, a plan is made
            computed.append(stage.key)
            time.sleep(0.002)  # lets the other threads in
        return original(stage, values, config)

    monkeypatch.setattr(Stage, "run", counted)
    start = threading.Barrier(8)

    def use(number: int) -> list[torch.Tensor]:
        start.wait(timeout=60)
        if number % 2:
            run.query(number % 6, 1), run.pixel(1, number), run.plan()
        keys = list(run) if number % 4 else list(run)[::-1]
        tensors = {key: run[key].tensor for key in keys}
        assert run.cost("flow") == 0
        return [tensors[key] for key in run] + [run.revised()["scores"].tensor]

    known = {key for key in run if run.computed(key)}
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(use, range(8)))
    assert sorted(computed) == sorted(set(run) - known)
    assert all(x is y for other in results[1:] for x, y in zip(results[0], other, strict=True))
    assert all(run[key].seconds >= 0 for key in run)
    monkeypatch.undo()
    again = cv.trace(*inputs())
    assert all(torch.equal(run[key].tensor, again[key].tensor) for key in run)


def test_a_copy_of_a_trace_is_a_run_of_the_same() -> None:
    run = cv.trace(*inputs(), budget=10_000_000)
    for other in (copy.copy(run), copy.deepcopy(run)):
        assert other is not run
        assert (other.config, other.budget) == (run.config, run.budget)
        assert torch.equal(other["output"].tensor, run["output"].tensor)
    assert copy.copy(run)["scores"].tensor is run["scores"].tensor
    assert copy.deepcopy(run).f.data_ptr() != run.f.data_ptr()
    stage = run["scores"]
    assert copy.copy(stage).tensor is stage.tensor
    assert copy.deepcopy(stage).tensor.data_ptr() != stage.tensor.data_ptr()
    assert copy.deepcopy(stage).summary == stage.summary


# --- on another device ----------------------------------------------------------------------------


def test_to_where_it_is_already_is_the_trace_itself(trace: cv.Trace) -> None:
    assert trace.to("cpu") is trace
    assert trace.to(torch.device("cpu")) is trace


def test_to_another_device_takes_along_what_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only other device that is there is the meta device: shapes arrive, and nothing runs."""
    f = inputs()[0]
    run = cv.trace(f, f, config=cv.AttentionConfig(rate=1), budget=10**9)
    output = run["output"]
    monkeypatch.setattr(Stage, "run", lambda *_: pytest.fail("nothing is computed again"))
    moved = run.to("meta")
    assert (moved.config, moved.budget, moved.device.type) == (run.config, run.budget, "meta")
    assert moved.b is moved.f, "one tensor stays one"
    assert moved["downsampled_f"].tensor is moved.f
    assert moved.mask.shape == run.mask.shape
    assert [key for key in moved if moved.computed(key)] == [k for k in run if run.computed(k)]
    for key in moved:
        if moved.computed(key):
            assert moved[key].tensor.shape == run[key].tensor.shape
            assert moved[key].seconds == run[key].seconds
            assert moved[key].tensor.is_meta
    assert run["output"] is output, "the first one stays as it is"
    assert run["output"].tensor.device.type == "cpu"


def test_to_a_device_that_cannot_be(trace: cv.Trace) -> None:
    with pytest.raises(cv.InputError, match=r"^device: expected an available device, got 'xpu:7'"):
        trace.to("xpu:7")
    shapes = cv.trace(*torch.empty(2, 1, 3, 8, 8, device="meta"))
    with pytest.raises(cv.InputError, match=r"^device: expected meta, as the run has no values"):
        shapes.to("cpu")
    assert shapes.to("meta") is shapes


@pytest.mark.gpu
def test_to_a_gpu_and_back() -> None:
    run = cv.trace(*(x.float() for x in inputs()))
    scores = run["scores"].tensor
    there = run.to("cuda")
    assert there.computed("scores")
    assert there["output"].tensor.is_cuda
    back = there.to("cpu")
    assert torch.equal(back["scores"].tensor, scores)
    torch.testing.assert_close(back["output"].tensor, run["output"].tensor)


# --- a result where an array goes -----------------------------------------------------------------


def test_a_result_is_an_array_on_the_cpu(trace: cv.Trace) -> None:
    for result in trace.values():
        array = np.asarray(result)
        assert array.shape == result.shape
        assert np.shares_memory(array, result.tensor.numpy()), "not copied"
        assert np.array_equal(array, result.tensor.numpy())
        assert len(result) == len(result.tensor)
        assert torch.equal(result[0], result.tensor[0])
        assert torch.equal(result[..., -1], result.tensor[..., -1])
        assert [*map(torch.Tensor.tolist, result)] == [x.tolist() for x in result.tensor]
    scores = trace["scores"]
    assert np.asarray(scores, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(scores), scores.tensor.numpy()), "np.array copies"
    assert np.abs(scores).max() == scores.tensor.abs().max()
    with pytest.raises(IndexError):
        scores[2]


def test_a_result_that_is_not_on_the_cpu_is_no_array() -> None:
    shapes = cv.trace(*torch.empty(2, 1, 3, 8, 8, device="meta"))
    with pytest.raises(TypeError, match="meta"):
        np.asarray(shapes["scores"])


# --- by oneself -----------------------------------------------------------------------------------


def test_properties_say_their_types() -> None:
    for owner in (cv.Trace, cv.StageResult):
        for name, value in vars(owner).items():
            if isinstance(value, property):
                assert value.fget.__annotations__.get("return"), f"{owner.__name__}.{name}"
                assert value.fget.__doc__, f"{owner.__name__}.{name}"


def test_nobody_touches_the_private_fields_of_another_object() -> None:
    """In the rooms of the run: what begins with an underscore is one's own, or a module's."""
    root = Path(cv.__file__).parent
    rooms = [*root.glob("traces/*.py"), *root.glob("stages/*.py"), *root.glob("*.py")]
    for path in rooms:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [x for x in ast.walk(tree) if isinstance(x, (ast.Import, ast.ImportFrom))]
        modules = {name.asname or name.name.split(".")[0] for x in imports for name in x.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
                owner = ast.unparse(node.value)
                allowed = owner in ("self", "cls") or owner.split(".")[0] in modules
                assert allowed, f"{path.name}:{node.lineno} {ast.unparse(node)}"
