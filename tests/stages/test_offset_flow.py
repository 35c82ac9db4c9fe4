"""Where each cell's best match lies, as a displacement and as a colour."""

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.stages.offset_flow import colour_wheel, flow_picture, offsets, recorded_flow


def best(*patches: int, of: int = 4) -> torch.Tensor:
    """Attention on a 2×2 grid whose cells attend to these patches alone."""
    return torch.eye(of)[list(patches)].reshape(1, 2, 2, of)


def test_two_by_two_by_hand() -> None:
    """Cells 0 1 / 2 3 look at 3 1 / 2 0: down and right, stay, stay, up and left."""
    got = offsets(best(3, 1, 2, 0), (2, 2), cv.AttentionConfig())
    assert got.tolist() == [[[[1, 1], [0, 0]], [[0, 0], [-1, -1]]]]
    assert got.dtype == torch.int64


def test_patches_count_in_rows_of_b_not_of_f() -> None:
    """b has 1×4 cells: its patch 3 is cell (0, 3)."""
    got = offsets(best(3, 3, 3, 3), (1, 4), cv.AttentionConfig())
    assert got.tolist() == [[[[0, 3], [0, 2]], [[-1, 3], [-1, 2]]]]


def test_with_a_stride_offsets_count_cells() -> None:
    """At stride 2 patch 1 is cell (0, 2), patch 2 is cell (2, 0)."""
    got = offsets(best(1, 2, 0, 3), (2, 2), cv.AttentionConfig(stride=2))
    assert got.tolist() == [[[[0, 2], [2, -1]], [[-1, 0], [1, 1]]]]


def test_the_first_of_equals_wins() -> None:
    equal = torch.full((1, 1, 1, 4), 0.25)
    assert offsets(equal, (2, 2), cv.AttentionConfig()).flatten().tolist() == [0, 0]


def picture(*moves: tuple[int, int]) -> list[list[int]]:
    """The colours of a row of offsets (down, right)."""
    return flow_picture(torch.tensor([[list(moves)]]))[0, :, 0].T.tolist()


def test_the_wheel() -> None:
    wheel = (colour_wheel() * 255).int().tolist()
    assert len(wheel) == 55
    primaries = {0: "red", 15: "yellow", 21: "green", 25: "cyan", 36: "blue", 49: "magenta"}
    named = {
        "red": [255, 0, 0],
        "yellow": [255, 255, 0],
        "green": [0, 255, 0],
        "cyan": [0, 255, 255],
        "blue": [0, 0, 255],
        "magenta": [255, 0, 255],
    }
    assert {at: wheel[at] for at in primaries} == {at: named[is_] for at, is_ in primaries.items()}
    assert wheel[1] == [255, 17, 0]  # 255 / 15


def test_colours_by_hand() -> None:
    stay, down, up, half_down = picture((0, 0), (2, 0), (-2, 0), (1, 0))
    assert stay == [255, 255, 255]
    assert down == [255, 0, 0]  # the wheel's start
    assert up == [0, 209, 255]  # half-way around, place 27: two steps of 11 from cyan to blue
    assert half_down == [255, 127, 127]  # as long as half the longest: half as saturated


def test_right_and_left_are_opposite_quarters() -> None:
    """Places 13.5 and 40.5 of 54: nearly yellow; a third of the way from blue to magenta."""
    right, left = picture((0, 1), (0, -1))
    assert right == [255, 229, 0]  # between 13 · 17 = 221 and 14 · 17 = 238
    assert left == [88, 0, 255]  # between floor(4 · 255 / 13) = 78 and floor(5 · 255 / 13) = 98


def test_lengths_are_relative_to_the_longest_so_far_in_the_batch() -> None:
    short, long = [[[1, 0]]], [[[4, 0]]]
    first, second, third = flow_picture(torch.tensor([short, long, short]))[:, :, 0, 0].tolist()
    assert first == [255, 0, 0]
    assert second == [255, 0, 0]
    assert third == [255, 191, 191]  # a quarter as long as the second


def test_recorded_forms_by_hand() -> None:
    flow = torch.zeros(1, 3, 1, 2, dtype=torch.uint8)
    flow[..., 1] = 255
    tensorflow = recorded_flow(flow, 2, "tensorflow")
    assert tensorflow.shape == (1, 2, 4, 3)
    assert tensorflow[0, 0, :, 0].tolist() == [-1, -1, 1, 1]
    pytorch = recorded_flow(flow, 2, "pytorch")
    assert pytorch.shape == (1, 3, 8, 16)
    assert pytorch[0, 0, 0].tolist() == [0] * 8 + [1] * 8


def test_enlarging_with_aligned_corners() -> None:
    """3 to 6 samples at 0, 0.4, 0.8, 1.2, 1.6, 2: the rounded ones are not all doubled."""
    flow = torch.tensor([0, 100, 200], dtype=torch.uint8).expand(1, 3, 1, 3)
    got = recorded_flow(flow, 2, "tensorflow")[0, 0, :, 0]
    assert ((got + 1) * 127.5).round().tolist() == [0, 0, 100, 100, 200, 200]
    five = torch.arange(5, dtype=torch.uint8).expand(1, 3, 1, 5)
    got = recorded_flow(five, 3, "tensorflow")[0, 0, :, 0]
    assert ((got + 1) * 127.5).round().tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4]


def test_mmagic_returns_no_flow() -> None:
    x = torch.rand(1, 1, 4, 4)
    with pytest.raises(cv.InputError, match="'tensorflow', 'pytorch', got 'mmagic'"):
        cv.flow_like(cv.trace(x, x), "mmagic")
