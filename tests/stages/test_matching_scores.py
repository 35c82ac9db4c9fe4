"""Every foreground patch against every background patch."""

import math

import pytest
import torch

from ctxattn_viz import AttentionConfig
from ctxattn_viz.stages.matching_scores import lifted, matching_scores, normed_patches, patch_norms
from ctxattn_viz.stages.patch_extraction import matching_patches


def config(**changes) -> AttentionConfig:
    return AttentionConfig(**{"ksize": 1, **changes})


def cells(*vectors: tuple[float, ...], grid: tuple[int, int]) -> torch.Tensor:
    """(1, c, h, w), one vector of channels a cell."""
    return torch.tensor(vectors).T.reshape(1, -1, *grid)


def scores(f: torch.Tensor, b: torch.Tensor, config: AttentionConfig) -> torch.Tensor:
    return matching_scores(f, matching_patches(b, config), config)


def test_two_by_two_by_hand() -> None:
    f = cells((3.0, 4.0), (1.0, 0.0), (0.0, 0.0), (0.0, -1.0), grid=(2, 2))
    b = cells((3.0, 4.0), (0.0, 2.0), (-7.0, 0.0), (0.0, 0.0), grid=(2, 2))
    expected = torch.tensor(
        [
            # |(3, 4)| = 5, so the first is (3·3 + 4·4) / 5; a patch of zeros scores 0
            [5.0, 4.0, -3.0, 0.0],
            [0.6, 0.0, -1.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [-0.8, -1.0, 0.0, 0.0],
        ]
    ).reshape(1, 2, 2, 4)
    torch.testing.assert_close(scores(f, b, config()), expected)


def test_the_three_norms_by_hand() -> None:
    patch = cells((3.0, 4.0), grid=(1, 1)).reshape(1, 1, 2, 1, 1)
    assert patch_norms(patch, config(norm="max")).item() == 5
    assert patch_norms(patch, config(norm="none")).item() == 1
    per_element = patch_norms(patch, config(norm="per_element")).item()
    assert per_element == pytest.approx(math.sqrt(9 + 1e-4 + 16 + 1e-4), rel=1e-6)


def test_the_floor_of_a_norm() -> None:
    nothing, little = torch.zeros(1, 1, 1, 3, 3), torch.full((1, 1, 1, 3, 3), 1e-6)
    for patch in (nothing, little):
        assert patch_norms(patch, config(norm="max")).item() == pytest.approx(1e-4)
    assert patch_norms(nothing, config(norm="per_element")).item() == pytest.approx(3e-2)  # √(9e-4)
    assert normed_patches(little, config(norm="max")).max().item() == pytest.approx(1e-2)


def test_it_is_not_a_cosine() -> None:
    """A background patch's length cancels, a foreground patch's does not."""
    f, b = torch.randn(2, 1, 3, 4, 4, dtype=torch.float64).unbind()
    three = config(ksize=3)
    once = scores(f, b, three)
    torch.testing.assert_close(scores(f, 5 * b, three), once)
    torch.testing.assert_close(scores(5 * f, b, three), 5 * once)


def test_f_and_b_may_differ_in_size() -> None:
    f, b = torch.randn(2, 3, 2, 5), torch.randn(2, 3, 4, 3)
    got = scores(f, b, config(ksize=3))
    assert got.shape == (2, 2, 5, 12)
    # Patch (1, 4) of f, off the right edge, against patch 4 = cell (1, 1) of b, which is inside.
    inside = b[1, :, 0:3, 0:3]
    query = torch.nn.functional.pad(f[1], (1, 1, 1, 1))[:, 1:4, 4:7]
    expected = (query * inside).sum() / inside.square().sum().sqrt()
    torch.testing.assert_close(got[1, 1, 4, 4], expected)


def test_a_few_queries_are_the_rows_of_all() -> None:
    """Small whole numbers and no norm: every product and sum is exact in any order."""
    f, b = torch.randint(-9, 10, (2, 2, 3, 5, 6)).double().unbind()
    plain = config(ksize=3, norm="none")
    queries = torch.tensor([29, 0, 13])
    some = matching_scores(f, matching_patches(b, plain), plain, queries)
    assert torch.equal(some, scores(f, b, plain).flatten(1, 2)[:, queries])


@pytest.mark.parametrize(
    ("dtype", "at_least"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_lifted(dtype: torch.dtype, at_least: torch.dtype) -> None:
    x = torch.ones(1, 1, 2, 2, dtype=dtype)
    assert lifted(x).dtype == at_least
    assert scores(x, x, config()).dtype == at_least


def test_half_precision_does_not_overflow() -> None:
    """300² · 9 is beyond float16, whose largest number is 65504."""
    x = torch.full((1, 1, 3, 3), 300.0, dtype=torch.float16)
    assert scores(x, x, config(ksize=3))[0, 1, 1, 4].item() == pytest.approx(900)
