"""Cutting patches: small ones of the shrunk maps to match with, larger ones of b to paste.

A matching patch is `ksize` cells wide on the shrunk map. The paste patch of the same cell is
2·rate pixels wide on b at full size: twice the `rate` pixels that the cell stands for, so that
neighbouring pasted patches overlap by half and blend.

Original: the three `tf.extract_image_patches` of `inpaint_ops.contextual_attention`.
"""

import math

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..config import AttentionConfig


def same_padding(ksize: int, step: int) -> tuple[int, int]:
    """Zeros before and after an axis that TensorFlow's SAME adds for patches every `step`.

    The axis is taken to be a multiple of `step`. An odd remainder goes after.
    """
    total = max(ksize - step, 0)
    return total // 2, total - total // 2


def extract_patches(
    x: Float[Tensor, "n c H W"], ksize: int, step: int
) -> Float[Tensor, "n h w c k k"]:
    """All `ksize`×`ksize` patches of x, one every `step` pixels, zeros outside.

    Args:
        x: H and W multiples of `step`.

    Returns:
        `(n, H / step, W / step, c, ksize, ksize)`: a view of the padded x, nothing is copied.
    """
    before, after = same_padding(ksize, step)
    padded = F.pad(x, (before, after, before, after))  # (n, c, H + pad, W + pad)
    patches = padded.unfold(2, ksize, step).unfold(3, ksize, step)  # (n, c, h, w, k, k)
    return patches.permute(0, 2, 3, 1, 4, 5)


def query_patches(
    downsampled_f: Float[Tensor, "n c h w"],
    config: AttentionConfig,
    queries: Int[Tensor, "Q"] | None = None,
) -> Float[Tensor, "n *cells c k k"]:
    """The foreground patch around every query cell, or around those named.

    Args:
        queries: flat cells row·w + column; all when None.

    Returns:
        `(n, h, w, c, ksize, ksize)`, or `(n, Q, c, ksize, ksize)` when `queries` are named.
    """
    patches = extract_patches(downsampled_f, config.ksize, 1)
    if queries is None:
        return patches
    width = downsampled_f.shape[3]
    return patches[:, queries // width, queries % width]


def matching_patches(
    downsampled_b: Float[Tensor, "n c hb wb"], config: AttentionConfig
) -> Float[Tensor, "n L c k k"]:
    """The background patches that queries are compared with: those of cells 0, stride, 2·stride…

    Returns:
        `(n, L, c, ksize, ksize)` with L = ⌈hb / stride⌉·⌈wb / stride⌉, in row-major order.

    >>> from ctxattn_viz.stages.patch_extraction import matching_patches
    >>> b = torch.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    >>> print(matching_patches(b, cv.AttentionConfig())[0, 0, 0])  # around cell (0, 0)
    tensor([[0., 0., 0.],
            [0., 1., 2.],
            [0., 3., 4.]])
    """
    return _strided(extract_patches(downsampled_b, config.ksize, 1), config.stride)


def paste_patches(
    b: Float[Tensor, "n c Hb Wb"], config: AttentionConfig
) -> Float[Tensor, "n L c k k"]:
    """What is pasted for each matching patch: the 2·rate pixels around its cell in b itself.

    Returns:
        `(n, L, c, 2·rate, 2·rate)`. The patch of cell (y, x) starts at pixel
        (y·rate − rate // 2, x·rate − rate // 2).

    >>> from ctxattn_viz.stages.patch_extraction import paste_patches
    >>> paste_patches(torch.zeros(1, 3, 8, 12), cv.AttentionConfig(rate=2)).shape  # 4·6 of 4×4
    torch.Size([1, 24, 3, 4, 4])
    """
    return _strided(extract_patches(b, 2 * config.rate, config.rate), config.stride)


def patch_grid(b_cells: tuple[int, int], config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of background patches, given b's shrunk `(hb, wb)`."""
    return math.ceil(b_cells[0] / config.stride), math.ceil(b_cells[1] / config.stride)


def _strided(patches: Tensor, stride: int) -> Tensor:
    return patches[:, ::stride, ::stride].flatten(1, 2)
