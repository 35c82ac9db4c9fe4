"""The two fusion passes, and the masked softmax."""

import math

import pytest
import torch

from ctxattn_viz import AttentionConfig
from ctxattn_viz.stages.fused_softmax import fuse, logits, masked_softmax, neighbours, rows_needed

GRID = (2, 2)


def single(p: int, q: int, size: int = 4) -> torch.Tensor:
    """A score matrix of one 1, on a 2×2 grid of queries."""
    matrix = torch.zeros(4, size)
    matrix[p, q] = 1
    return matrix.reshape(1, 2, 2, size)


def fused(scores: torch.Tensor, order: str, patches=GRID, **changes) -> list[list[float]]:
    config = AttentionConfig(**changes)
    return fuse(scores, GRID, patches, order, config).flatten(1, 2)[0].tolist()


def ones_at(*cells: tuple[int, int], size: int = 4) -> list[list[float]]:
    return [[float((p, q) in cells) for q in range(size)] for p in range(4)]


def test_along_rows_a_match_helps_its_neighbours_on_the_diagonal() -> None:
    """Cells 0 1 / 2 3: query 1 matches patch 2, so 0 is helped with 1 and 2 with 3."""
    assert fused(single(1, 2), "rows") == ones_at((0, 1), (1, 2), (2, 3))


def test_along_columns_the_neighbours_are_those_above_and_below() -> None:
    """Column by column the cells come 0 2 1 3: after query 0 comes 2, after patch 0 comes 2."""
    assert fused(single(0, 0), "columns") == ones_at((0, 0), (2, 2))
    assert fused(single(1, 3), "columns") == ones_at((1, 3), (2, 1))


def test_the_end_of_a_row_touches_the_start_of_the_next() -> None:
    assert fused(single(1, 1), "rows") == ones_at((0, 0), (1, 1), (2, 2))


def test_both_passes_of_the_identity_by_hand() -> None:
    rows = fuse(torch.eye(4).reshape(1, 2, 2, 4), GRID, GRID, "rows", AttentionConfig())
    assert rows.flatten(1, 2)[0].diagonal().tolist() == [2, 3, 3, 2]  # the ends have one neighbour
    both = fuse(rows, GRID, GRID, "columns", AttentionConfig())
    # In the order 0 2 1 3 the diagonal is 2 3 3 2: each with its neighbours 5 8 8 5.
    assert both.flatten(1, 2)[0].diagonal().tolist() == [5, 8, 8, 5]
    assert both.sum() == 5 + 8 + 8 + 5


def test_a_longer_diagonal() -> None:
    assert fused(single(0, 0), "rows", fuse_k=5) == ones_at((0, 0), (1, 1), (2, 2))


def test_with_a_stride_one_place_in_b_is_as_many_in_f() -> None:
    """Patches of every second cell: one place on among them is two cells on in f."""
    scores = single(2, 1, size=2)
    assert fused(scores, "rows", (1, 2), stride=2) == ones_at((2, 1), (0, 0), size=2)


def test_patches_of_another_grid() -> None:
    """b of 3×1 cells: its columns are its rows; off its end nothing is added."""
    assert fused(single(0, 2, size=3), "rows", (3, 1)) == ones_at((0, 2), size=3)
    assert fused(single(0, 1, size=3), "columns", (3, 1)) == ones_at((0, 1), (2, 2), size=3)


@pytest.mark.parametrize("changes", [{"fuse": False}, {"fuse_k": 1}])
def test_without_fusion_scores_stay(changes: dict) -> None:
    scores = torch.randn(1, 2, 2, 4)
    for order in ("rows", "columns"):
        got = fuse(scores, GRID, GRID, order, AttentionConfig(**changes))
        assert torch.equal(got, scores)


def test_neighbours_by_hand() -> None:
    cells, inside = neighbours(torch.arange(6), 1, (2, 3), "columns")  # 0 3 1 4 2 5
    assert cells[inside].tolist() == [3, 4, 5, 1, 2]
    assert inside.tolist() == [True, True, True, True, True, False]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("fuse_k", [1, 3, 5])
@pytest.mark.parametrize("order", ["rows", "columns"])
def test_a_few_queries_are_exactly_the_rows_of_all(order: str, fuse_k: int, stride: int) -> None:
    config = AttentionConfig(fuse_k=fuse_k, stride=stride)
    grid, patches = (4, 5), (3, 2)
    scores = torch.randn(2, 4, 5, 6)
    every = fuse(scores, grid, patches, order, config).flatten(1, 2)
    queries = torch.tensor([19, 3, 3, 0])
    rows = rows_needed(queries, grid, order, config)
    assert len(rows) < 20
    some = fuse(scores.flatten(1, 2)[:, rows], grid, patches, order, config, queries, rows)
    assert torch.equal(some, every[:, queries])


# --- softmax ----------------------------------------------------------------------------------

LOG_1_2_5 = torch.tensor([0.0, math.log(2), math.log(5)]).reshape(1, 1, 1, 3)
TWO_OF_THREE = torch.tensor([[True, True, False]])


def shares(valid: torch.Tensor, **changes) -> list[float]:
    config = AttentionConfig(**{"softmax_scale": 1.0, **changes})
    return masked_softmax(LOG_1_2_5, valid, config).flatten().tolist()


def test_softmax_by_hand() -> None:
    """exp of the scores: 1, 2, 5."""
    assert shares(torch.tensor([[True] * 3])) == pytest.approx([1 / 8, 2 / 8, 5 / 8])


def test_a_masked_score_of_zero_still_counts_in_the_denominator() -> None:
    """1, 2 and exp(0) = 1 for the masked one: quarters that sum to 3/4."""
    assert shares(TWO_OF_THREE, masked="zero") == pytest.approx([1 / 4, 2 / 4, 0])


def test_a_masked_score_of_minus_infinity_does_not() -> None:
    assert shares(TWO_OF_THREE, masked="minus_infinity") == pytest.approx([1 / 3, 2 / 3, 0])


def test_the_scale_sharpens() -> None:
    """Scale 2 squares the weights: 1, 4, 25."""
    every = torch.tensor([[True] * 3])
    assert shares(every, softmax_scale=2.0) == pytest.approx([1 / 30, 4 / 30, 25 / 30])


def test_everything_masked() -> None:
    nothing = torch.tensor([[False] * 3])
    assert shares(nothing, masked="zero") == [0, 0, 0]
    assert all(math.isnan(share) for share in shares(nothing, masked="minus_infinity"))


def test_each_sample_has_its_own_mask_or_all_share_one() -> None:
    scores = torch.zeros(2, 1, 1, 2)
    config = AttentionConfig(masked="minus_infinity")
    own = masked_softmax(scores, torch.tensor([[True, False], [True, True]]), config)
    shared = masked_softmax(scores, torch.tensor([[True, False]]), config)
    assert own.flatten().tolist() == [1, 0, 0.5, 0.5]
    assert shared.flatten().tolist() == [1, 0, 1, 0]


def test_logits_are_what_the_softmax_exponentiates() -> None:
    scores, valid = torch.randn(2, 3, 4, 5), torch.rand(2, 5) < 0.6
    valid[:, 0] = True
    for masked in ("zero", "minus_infinity"):
        config = AttentionConfig(masked=masked)
        keep = valid[:, None, None]
        expected = torch.softmax(logits(scores, valid, config), dim=-1) * keep
        assert torch.equal(masked_softmax(scores, valid, config), expected)
