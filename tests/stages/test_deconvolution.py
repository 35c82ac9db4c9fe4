"""Pasting: mixing patches by attention, and laying them over each other."""

import pytest
import torch

from ctxattn_viz import AttentionConfig
from ctxattn_viz.stages.deconvolution import deconvolve, mix_patches, overlap, overlap_add
from ctxattn_viz.stages.patch_extraction import paste_patches


def test_two_by_two_by_hand() -> None:
    """At rate 1 four 2×2 patches of ones start at the four cells."""
    attention = torch.ones(1, 2, 2, 1)
    paste = torch.ones(1, 1, 1, 2, 2)
    constant = deconvolve(attention, paste, AttentionConfig(rate=1, overlap="constant"))
    coverage = deconvolve(attention, paste, AttentionConfig(rate=1, overlap="coverage"))
    assert constant[0, 0].tolist() == [[1 / 4, 2 / 4], [2 / 4, 4 / 4]]
    assert coverage[0, 0].tolist() == [[1, 1], [1, 1]]


def test_one_cell_by_hand() -> None:
    """At rate 2 the 4×4 patch starts one pixel up and left of the cell: its middle is seen."""
    paste = torch.arange(1.0, 17.0).reshape(1, 1, 1, 4, 4)
    got = deconvolve(torch.ones(1, 1, 1, 1), paste, AttentionConfig(rate=2))
    assert got[0, 0].tolist() == [[6 / 4, 7 / 4], [10 / 4, 11 / 4]]


def test_which_pixels_one_cell_paints() -> None:
    """Cell (1, 0) of a 3×2 grid at rate 2 covers rows 1 to 4 and columns -1 to 2."""
    attention = torch.zeros(1, 3, 2, 1)
    attention[0, 1, 0] = 1
    painted = deconvolve(attention, torch.ones(1, 1, 1, 4, 4), AttentionConfig(rate=2))
    expected = torch.zeros(6, 4)
    expected[1:5, 0:3] = 1 / 4
    assert torch.equal(painted[0, 0], expected)


def test_how_often_a_pixel_is_covered() -> None:
    config = AttentionConfig(rate=2, overlap="coverage")
    assert overlap((2, 2), config)[0, 0].tolist() == [
        [1, 2, 2, 1],
        [2, 4, 4, 2],
        [2, 4, 4, 2],
        [1, 2, 2, 1],
    ]
    # At rate 1 only along the top and the left, at rate 3 on all sides but wider below.
    assert overlap((2, 2), config.replace(rate=1))[0, 0].tolist() == [[1, 2], [2, 4]]
    assert overlap((1, 2), config.replace(rate=3))[0, 0, 0].tolist() == [1, 1, 2, 2, 2, 1]
    assert (overlap((2, 2), config.replace(overlap="constant")) == 4).all()


def test_a_mixture_by_hand() -> None:
    """A quarter of the patch 4 and three quarters of the patch 8 make 7."""
    attention = torch.tensor([0.25, 0.75]).reshape(1, 1, 1, 2)
    paste = torch.tensor([4.0, 8.0]).reshape(1, 2, 1, 1, 1).expand(1, 2, 3, 2, 2)
    mixed = mix_patches(attention, paste)
    assert mixed.shape == (1, 1, 1, 3, 2, 2)
    assert (mixed == 7).all()


@pytest.mark.parametrize("rate", [1, 2, 3, 4])
def test_who_attends_to_their_own_cell_alone_gets_b_back(rate: int) -> None:
    b = torch.randn(2, 3, 4 * rate, 5 * rate, dtype=torch.float64)
    config = AttentionConfig(rate=rate, overlap="coverage")
    attention = torch.eye(20, dtype=torch.float64).reshape(1, 4, 5, 20).expand(2, -1, -1, -1)
    torch.testing.assert_close(deconvolve(attention, paste_patches(b, config), config), b)


def test_some_cells_alone_paste_what_they_paste_among_all() -> None:
    config = AttentionConfig(rate=2)
    patches = torch.randn(2, 3, 4, 2, 4, 4)
    queries = torch.tensor([11, 0, 5])
    others = torch.ones(12, dtype=torch.bool)
    others[queries] = False
    flat = patches.flatten(1, 2)
    some = overlap_add(flat[:, queries], (3, 4), config, queries)
    rest = flat.clone()
    rest[:, others] = 0
    assert torch.equal(some, overlap_add(rest.reshape(patches.shape), (3, 4), config))


def test_the_output_has_the_dtype_of_what_is_pasted() -> None:
    attention = torch.ones(1, 1, 1, 1)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        paste = torch.ones(1, 1, 1, 4, 4, dtype=dtype)
        assert deconvolve(attention, paste, AttentionConfig()).dtype == dtype
