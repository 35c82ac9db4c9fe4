"""Windows that reach too far, not far enough, or start in the wrong place: what loops slip into."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..stages.patch_extraction import same_padding

# Where each window reads along an axis, (windows, side), from where each should start.
Places = Callable[[Tensor, int, int], Tensor]

# How much further than half a window a range reaches (back, forth), by what is wrong with it.
TOO_SHORT = ((0, -1), (-1, 0))
TOO_LONG = ((1, 0), (0, 1))
MOVED = ((1, -1), (-1, 1))


def reading(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Windows (n, h, w, c, side, side) of x at these rows and columns, zeros outside."""
    height, width = x.shape[2:]
    with_zero = F.pad(x, (0, 1, 0, 1))
    rows = torch.where((rows >= 0) & (rows < height), rows, height)
    columns = torch.where((columns >= 0) & (columns < width), columns, width)
    windows = with_zero[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    return windows.permute(0, 2, 3, 1, 4, 5)


def placed(x: Tensor, side: int, step: int, places: Places) -> Tensor:
    """The windows of x, one every `step` pixels, each axis read at other places."""
    before, _ = same_padding(side, step)
    rows, columns = (
        places(torch.arange(0, size, step)[:, None] - before, side, size) for size in x.shape[2:]
    )
    return reading(x, rows, columns)


def _start_clamped(starts: Tensor, side: int, size: int) -> Tensor:
    return starts.clamp(min=0) + torch.arange(side)


def _both_ends_clamped(starts: Tensor, side: int, size: int) -> Tensor:
    return starts.clamp(0, max(size - side, 0)) + torch.arange(side)


def _cut_at_the_end(starts: Tensor, side: int, size: int) -> Tensor:
    """What is left of a window at the first border is put at its start, zeros behind it."""
    places = _start_clamped(starts, side, size)
    return torch.where(places < starts + side, places, -1)


PUSHED_INSIDE: tuple[Places, ...] = (_start_clamped, _both_ends_clamped, _cut_at_the_end)
