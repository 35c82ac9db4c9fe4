"""Cutting query, matching and paste patches."""

import pytest
import torch

from ctxattn_viz import AttentionConfig
from ctxattn_viz.stages.patch_extraction import (
    extract_patches,
    matching_patches,
    paste_patches,
    patch_grid,
    query_patches,
    same_padding,
)

TWO_BY_TWO = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])


def test_matching_patches_by_hand() -> None:
    patches = matching_patches(TWO_BY_TWO, AttentionConfig(ksize=3))
    assert patches[0, :, 0].tolist() == [
        [[0, 0, 0], [0, 1, 2], [0, 3, 4]],  # around 1, the top left cell
        [[0, 0, 0], [1, 2, 0], [3, 4, 0]],  # around 2
        [[0, 1, 2], [0, 3, 4], [0, 0, 0]],  # around 3
        [[1, 2, 0], [3, 4, 0], [0, 0, 0]],  # around 4
    ]


def test_paste_patches_by_hand_at_rate_1() -> None:
    """At rate 1 they are 2×2, and start at their own cell."""
    patches = paste_patches(TWO_BY_TWO, AttentionConfig(rate=1))
    assert patches[0, :, 0].tolist() == [
        [[1, 2], [3, 4]],
        [[2, 0], [4, 0]],
        [[3, 4], [0, 0]],
        [[4, 0], [0, 0]],
    ]


def test_a_paste_patch_by_hand_at_rate_2() -> None:
    """One cell stands for 2×2 pixels; its paste patch is 4×4 and has them in the middle."""
    patches = paste_patches(TWO_BY_TWO, AttentionConfig(rate=2))
    assert patches[0, :, 0].tolist() == [[[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 0, 0, 0]]]


def test_at_an_odd_rate_the_odd_pixel_of_padding_comes_after() -> None:
    b = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    (patch,) = paste_patches(b, AttentionConfig(rate=3))[0, :, 0]  # 6×6 from pixel (-1, -1)
    assert torch.equal(patch[1:4, 1:4], b[0, 0])
    assert patch.sum() == b.sum()


@pytest.mark.parametrize(
    ("ksize", "step", "padding"),
    [
        (3, 1, (1, 1)),
        (5, 1, (2, 2)),
        (1, 1, (0, 0)),
        (4, 2, (1, 1)),
        (2, 1, (0, 1)),
        (6, 3, (1, 2)),
    ],
)
def test_padding(ksize: int, step: int, padding: tuple[int, int]) -> None:
    assert same_padding(ksize, step) == padding


def test_patches_come_in_reading_order() -> None:
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    patches = matching_patches(x, AttentionConfig(ksize=1))
    assert patches.flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_with_a_stride_matching_and_paste_patches_share_their_cells() -> None:
    """Stride 2 on 3×5 cells keeps (0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4)."""
    config = AttentionConfig(ksize=1, stride=2, rate=2, shrink="floor")
    cells = torch.arange(15.0).reshape(1, 1, 3, 5)
    b = cells.repeat_interleave(2, 2).repeat_interleave(2, 3)  # each cell as 2×2 equal pixels
    assert patch_grid((3, 5), config) == (2, 3)
    assert matching_patches(cells, config).flatten().tolist() == [0, 2, 4, 10, 12, 14]
    pasted = paste_patches(b, config)[0, :, 0, 1:3, 1:3]  # their middles
    assert pasted.reshape(6, 4).tolist() == [[q] * 4 for q in (0, 2, 4, 10, 12, 14)]


def test_channels_and_samples_stay_apart() -> None:
    x = torch.randn(2, 3, 4, 5)
    patches = matching_patches(x, AttentionConfig(ksize=3))
    assert patches.shape == (2, 20, 3, 3, 3)
    assert torch.equal(patches[1, 7, 2], x[1, 2, 0:3, 1:4])  # around cell (1, 2)


def test_query_patches_of_a_few_cells_are_those_of_all() -> None:
    x = torch.randn(2, 3, 4, 5)
    config = AttentionConfig(ksize=3, stride=2)  # a stride is no matter of the queries
    every = query_patches(x, config)
    assert every.shape == (2, 4, 5, 3, 3, 3)
    queries = torch.tensor([19, 0, 7])
    assert torch.equal(query_patches(x, config, queries), every.flatten(1, 2)[:, queries])


def test_extracting_copies_nothing() -> None:
    x = torch.zeros(1, 1, 64, 64)
    patches = extract_patches(x, 5, 1)
    assert patches.untyped_storage().nbytes() < 2 * x.untyped_storage().nbytes()
