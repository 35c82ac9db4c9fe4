"""Memory grows with the number of patches and not with its square, forward and backward."""

from __future__ import annotations

import sys

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.attention import choose_method, expected_memory
from tests.benchmarks.peak_memory import measured

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")

SIDES = (48, 64, 96, 128, 160)  # in pixels, at rate 2: 576 to 6400 patches


@pytest.mark.parametrize(
    "backward",
    [pytest.param("", marks=pytest.mark.long), " backward"],  # which goes forward first
    ids=["forward", "backward"],
)
@pytest.mark.parametrize(
    "way", ["3 vectors", "3 sdpa", pytest.param("64 diagonals", marks=pytest.mark.long)]
)
def test_five_sizes_grow_linearly(way: str, backward: str) -> None:
    patches = [(side // 2) ** 2 for side in SIDES]
    peaks = measured(way + backward, *SIDES, threads=1)
    each = [peak / count for peak, count in zip(peaks, patches, strict=True)]
    # With the square it would be 11 times as much for each patch at the end as at the start.
    assert each[-1] <= 1.3 * max(each[:-1]), [round(bytes_) for bytes_ in each]
    assert peaks[-1] < patches[-1] ** 2 * 4 / 2, "half a score matrix, in float32"


def test_the_stages_do_not() -> None:
    """The measurement itself can tell: the pipeline holds the matrix, and more than once."""
    small, large = measured("stages 3 tensorflow", 64, 128, threads=1)
    assert large > 2 * 4096**2 * 4
    assert large > 8 * small


@pytest.mark.parametrize(("channels", "side"), [(3, 192), (64, 96)])
def test_what_a_shortage_says_is_on_the_high_side_but_not_by_far(channels: int, side: int) -> None:
    f, config = torch.empty(1, channels, side, side), cv.AttentionConfig()
    said = expected_memory(f, f, config, choose_method(channels, config))
    (peak,) = measured(f"layer {channels}", side, threads=1)
    assert peak <= said <= 4 * peak
