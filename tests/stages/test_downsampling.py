"""Shrinking f, b and the mask by `rate`."""

import pytest
import torch

from ctxattn_viz import AttentionConfig
from ctxattn_viz.stages.downsampling import (
    downsample,
    downsample_mask,
    lost_fraction,
    mask_at,
    nearest_indices,
)

RULES = ("align_corners", "floor")


@pytest.mark.parametrize(
    ("size", "rate", "shrink", "kept"),
    [
        (8, 2, "align_corners", [0, 2, 5, 7]),  # 0, 7/3, 14/3, 7
        (8, 2, "floor", [0, 2, 4, 6]),
        (6, 2, "align_corners", [0, 3, 5]),  # 0, 2.5, 5: the half goes up
        (12, 3, "align_corners", [0, 4, 7, 11]),  # 0, 11/3, 22/3, 11
        (12, 3, "floor", [0, 3, 6, 9]),
        (4, 2, "align_corners", [0, 3]),  # both corners are kept
        (4, 2, "floor", [0, 2]),
    ],
)
def test_which_pixels_are_kept(size: int, rate: int, shrink: str, kept: list[int]) -> None:
    assert nearest_indices(size, rate, shrink).tolist() == kept


@pytest.mark.parametrize("shrink", RULES)
def test_a_single_cell_keeps_the_first_pixel_and_rate_1_keeps_all(shrink: str) -> None:
    assert nearest_indices(3, 3, shrink).tolist() == [0]
    assert nearest_indices(5, 1, shrink).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("size", "rate", "at", "kept"),
    [
        (54, 2, 13, 26),  # 13 * 53/26 = 26.5 exactly, in float32 a little less
        (76, 4, 15, 62),  # 15 * 75/18 = 62.5
        (182, 2, 45, 90),
        (6, 2, 1, 3),  # 2.5: float32 keeps this half, and rounds it up
        (10, 2, 2, 5),  # 4.5
    ],
)
def test_halves_fall_as_float32_makes_them_fall(size: int, rate: int, at: int, kept: int) -> None:
    """As TensorFlow's own kernel rounds (checked against tensorflow 2.21), not as reals do."""
    assert nearest_indices(size, rate, "align_corners")[at] == kept


def test_a_picture_by_hand() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    floor = downsample(x, AttentionConfig(rate=2, shrink="floor"))
    corners = downsample(x, AttentionConfig(rate=2, shrink="align_corners"))
    assert floor[0, 0].tolist() == [[0, 2], [8, 10]]
    assert corners[0, 0].tolist() == [[0, 3], [12, 15]]


def test_rows_are_rows_and_columns_are_columns() -> None:
    x = torch.arange(16.0).reshape(1, 1, 2, 8)
    assert downsample(x, AttentionConfig(rate=2))[0, 0].tolist() == [[0, 2, 5, 7]]
    assert downsample(x.mT, AttentionConfig(rate=2))[0, 0].tolist() == [[0], [2], [5], [7]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_values_are_picked_not_mixed(dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 6, 9).to(dtype)
    small = downsample(x, AttentionConfig(rate=3, shrink="floor"))
    assert small.dtype == dtype
    assert torch.equal(small, x[:, :, ::3, ::3])


def test_only_the_kept_pixels_have_a_gradient() -> None:
    x = torch.ones(1, 1, 4, 4, requires_grad=True)
    downsample(x, AttentionConfig(rate=2, shrink="align_corners")).sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0].tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]


def test_a_larger_mask_first_comes_to_the_size_of_b() -> None:
    """Two roundings in a row: 16 to 8 to 4 keeps other pixels than 16 to 4 in one go."""
    config = AttentionConfig(rate=2, shrink="align_corners")
    columns = torch.arange(16.0).expand(1, 1, 16, 16)  # each pixel holds its own column
    at_b = mask_at(columns, (8, 8), config)
    shrunk = downsample_mask(columns, (8, 8), config)
    assert at_b[0, 0, 0].tolist() == [0, 2, 4, 6, 9, 11, 13, 15]
    assert shrunk[0, 0, 0].tolist() == [0, 4, 11, 15]  # those at 0, 2, 5, 7 of the former
    assert nearest_indices(16, 4, "align_corners").tolist() == [0, 5, 10, 15]


def test_a_mask_of_the_size_of_b_stays() -> None:
    mask = (torch.rand(2, 1, 6, 4) < 0.5).float()
    config = AttentionConfig(rate=1)
    assert torch.equal(downsample_mask(mask, (6, 4), config), mask)


def test_a_thin_hole_can_vanish() -> None:
    config = AttentionConfig(rate=2, shrink="floor", ksize=1)
    for column, lost in ((3, 1.0), (4, 0.0)):  # floor keeps the even columns
        mask = torch.zeros(1, 1, 8, 8)
        mask[..., column] = 1
        shrunk = downsample_mask(mask, (8, 8), config)
        assert bool(shrunk.any()) is (lost == 0)
        assert lost_fraction(mask, shrunk, config) == lost


def test_nothing_is_lost_of_no_hole_or_of_a_thick_one() -> None:
    config = AttentionConfig(rate=2)
    for mask in (torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)):
        assert lost_fraction(mask, downsample_mask(mask, (8, 8), config), config) == 0
