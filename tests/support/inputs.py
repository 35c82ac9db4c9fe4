"""Feature maps and masks that several tests run on, the same each time."""

import math

import torch
from torch import Tensor


def maps(n: int = 1, c: int = 3, side: int = 16, seed: int = 0) -> Tensor:
    return torch.rand(n, c, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def hole(side: int = 16, n: int = 1) -> Tensor:
    mask = torch.zeros(n, 1, side, side)
    mask[..., 4:10, 5:11] = 1
    return mask


def inputs(n: int = 1, side: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    """f, b and a mask for all of the batch, float64."""
    generator = torch.Generator().manual_seed(side)
    f, b = torch.randn(2, n, 3, side, side, generator=generator, dtype=torch.float64)
    mask = torch.zeros(1, 1, side, side, dtype=torch.float64)
    mask[..., 4:8, 4:8] = 1
    return f, b, mask


def inputs_of(channels: int, dtype: torch.dtype, scale: float = 1.0) -> list[Tensor]:
    """f, b and a mask of two samples, f and b of different sizes."""
    generator = torch.Generator().manual_seed(channels)
    f = torch.randn(2, channels, 16, 24, generator=generator) * scale
    b = torch.randn(2, channels, 24, 16, generator=generator) * scale
    mask = torch.zeros(2, 1, 24, 16)
    mask[0, :, 4:12, 2:9] = 1
    mask[1, :, 14:, 9:] = 1
    return [f.to(dtype), b.to(dtype), mask.to(dtype)]


def ulp(x: Tensor, dtype: torch.dtype) -> float:
    """One unit in the last place at the largest magnitude of x."""
    return torch.finfo(dtype).eps * 2.0 ** math.floor(math.log2(x.abs().max().item()))
