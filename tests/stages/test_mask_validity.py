"""Which background patches may be used."""

import torch

from ctxattn_viz import AttentionConfig
from ctxattn_viz.stages.mask_validity import valid_patches


def holes(height: int, width: int, *cells: tuple[int, int]) -> torch.Tensor:
    mask = torch.zeros(1, 1, height, width)
    for row, col in cells:
        mask[0, 0, row, col] = 1
    return mask


def grid(valid: torch.Tensor, height: int, width: int) -> list[list[int]]:
    return valid[0].reshape(height, width).int().tolist()


def test_two_by_two_by_hand() -> None:
    mask = holes(2, 2, (0, 0))
    assert grid(valid_patches(mask, AttentionConfig(ksize=1)), 2, 2) == [[0, 1], [1, 1]]
    # Every 3×3 patch of a 2×2 grid holds all four cells.
    assert grid(valid_patches(mask, AttentionConfig(ksize=3)), 2, 2) == [[0, 0], [0, 0]]


def test_a_hole_disqualifies_the_patches_around_it() -> None:
    valid = valid_patches(holes(4, 5, (0, 1)), AttentionConfig(ksize=3))
    assert grid(valid, 4, 5) == [
        [0, 0, 0, 1, 1],
        [0, 0, 0, 1, 1],
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1],
    ]


def test_a_wider_patch_reaches_farther() -> None:
    valid = valid_patches(holes(1, 6, (0, 0)), AttentionConfig(ksize=5))
    assert grid(valid, 1, 6) == [[0, 0, 0, 1, 1, 1]]


def test_outside_the_picture_is_no_hole() -> None:
    assert valid_patches(torch.zeros(1, 1, 2, 3), AttentionConfig(ksize=5)).all()


def test_everything_missing() -> None:
    assert not valid_patches(torch.ones(1, 1, 3, 3), AttentionConfig()).any()


def test_with_a_stride_only_the_patches_that_are_kept_are_judged() -> None:
    config = AttentionConfig(ksize=3, stride=2)
    valid = valid_patches(holes(1, 5, (0, 1)), config)  # cells 0, 2, 4 are kept
    assert grid(valid, 1, 3) == [[0, 0, 1]]


def test_whose_mask_counts_in_a_batch() -> None:
    mask = torch.cat([holes(1, 3, (0, 0)), holes(1, 3, (0, 2))])
    each = valid_patches(mask, AttentionConfig(ksize=1, mask_of_batch="each"))
    first = valid_patches(mask, AttentionConfig(ksize=1, mask_of_batch="first"))
    assert each.int().tolist() == [[0, 1, 1], [1, 1, 0]]
    assert first.int().tolist() == [[0, 1, 1]]
