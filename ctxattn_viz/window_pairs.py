"""Pairs of windows of one photograph, on which features learn to match.

The two overlap. One of them, f, is disturbed; which cell of the other, b, shows the same as a cell
of f is known. Random numbers come from PyTorch's default generator.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import check_real, shape_of
from .errors import InputError

CELL = 4  # pixels along each side of a cell
CELLS = 16  # cells along each side of a window
FARTHEST = 2 * CELL  # pixels that two windows are moved, along each axis
REGION = CELLS * CELL + FARTHEST  # pixels along each side of what holds both windows
LONGEST_SIDES = (160, 256, 400)  # that photographs are scaled to
LEAST_CONTRAST = 0.06  # standard deviation; there is nothing to match in less
TRIES = 100  # to find a place with that


def scaled(photographs: Sequence[Tensor]) -> list[Tensor]:
    """Each photograph at the sizes that are not larger than itself."""
    if not isinstance(photographs, (list, tuple)) or not photographs:
        raise InputError("photographs", "a list of pictures", shape_of(photographs))
    pictures = []
    for photo in photographs:
        check_real("photographs", photo)
        if photo.ndim != 4 or photo.shape[:2] != (1, 3) or not photo.is_floating_point():
            raise InputError("photographs", "floating (1, 3, height, width) ones", shape_of(photo))
        if min(photo.shape[2:]) < REGION:
            raise InputError("photographs", f"sides of at least {REGION}", shape_of(photo))
        contrast = photo.detach().cpu().float().std().item()
        if not contrast > LEAST_CONTRAST:  # NaN is not, either
            expected = f"a standard deviation above {LEAST_CONTRAST}"
            raise InputError("photographs", expected, f"{contrast:.3f}")
        for longest in LONGEST_SIDES:
            scale = longest / max(photo.shape[2:])
            sides = [round(side * scale) for side in photo.shape[2:]]
            if scale <= 1 and min(sides) >= REGION:
                pixels = photo.detach().cpu().float()
                pictures.append(F.interpolate(pixels, sides, mode="bilinear", antialias=True)[0])
    return pictures or [photo.detach().cpu().float()[0] for photo in photographs]


def _uniform(low: float, high: float, *shape: int) -> Tensor:
    return torch.empty(shape, device="cpu").uniform_(low, high)


def drawn_pair(pictures: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """A window that is disturbed, one that is not, and the shares that each cell should give.

    They are `(3, 64, 64)` twice and `(256, 256)`: of a row that is all 0 nothing is asked.
    """
    picture = pictures[int(torch.randint(len(pictures), (), device="cpu"))]
    for _ in range(TRIES):
        top, left = (
            int(torch.randint(side - REGION + 1, (), device="cpu")) for side in picture.shape[1:]
        )
        region = picture[:, top : top + REGION, left : left + REGION]
        if region.std() > LEAST_CONTRAST:
            break
    axes = [axis for axis in (1, 2) if torch.rand((), device="cpu") < 0.5]
    region = region.flip(axes)[torch.randperm(3, device="cpu")]
    region = region.mT if torch.rand((), device="cpu") < 0.5 else region
    region = region * _uniform(0.7, 1.3, 3, 1, 1) + _uniform(-0.2, 0.2, 3, 1, 1)
    moves = [
        2 * int(torch.randint(-FARTHEST // 2, FARTHEST // 2 + 1, (), device="cpu"))
        for _ in range(2)
    ]
    f, b = (
        region[:, y : y + CELLS * CELL, x : x + CELLS * CELL]
        for y, x in ([(FARTHEST + sign * move) // 2 for move in moves] for sign in (-1, 1))
    )
    rows, columns = map(_true_places, moves)
    truth = torch.einsum("yv,xu->yxvu", rows, columns).flatten(2).flatten(0, 1)
    return _disturbed(f), b, truth


def _true_places(move: int) -> Tensor:
    """Along one axis, each cell's share in each: between two cells, half of both; 0 at borders."""
    cells = torch.arange(CELLS, device="cpu")
    places = cells - move / CELL
    inside = [(each >= 1) & (each <= CELLS - 2) for each in (cells, places)]
    shares = (1 - (places[:, None] - cells).abs()).clamp(min=0)
    return shares * (inside[0] & inside[1])[:, None]


def _disturbed(x: Tensor) -> Tensor:
    """A window (3, H, W) in another light, through another lens."""
    if torch.rand((), device="cpu") < 0.5:
        distance = torch.arange(-4.0, 5.0, device="cpu") / _uniform(0.5, 1.6)
        bell = (-(distance**2) / 2).exp()
        kernel = torch.outer(bell, bell)[None, None] / bell.sum() ** 2
        x = F.conv2d(F.pad(x[:, None], (4, 4, 4, 4), mode="replicate"), kernel)[:, 0]
    if torch.rand((), device="cpu") < 0.8:
        x = x * _uniform(0.5, 1.3) + _uniform(-0.4, 0.4)
    if torch.rand((), device="cpu") < 0.5:
        x = x + _uniform(-0.2, 0.2, 3, 1, 1)
    if torch.rand((), device="cpu") < 0.6:
        x = x + torch.randn_like(x) * _uniform(0.0, 0.2)
    return x
