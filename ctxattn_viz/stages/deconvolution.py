"""Pasting: each query cell receives the weighted mixture of all paste patches, overlap-added.

A paste patch is 2·rate wide and cells are rate apart, so an inner pixel is covered by four
patches: the constant 4 of the original is the mean over them. At the border fewer patches cover
a pixel, and the constant pulls it towards 0.

Original: `yi = tf.nn.conv2d_transpose(yi, wi_center, …, strides=[1,rate,rate,1]) / 4.`
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..config import AttentionConfig
from .matching_scores import lifted
from .patch_extraction import same_padding


def mix_patches(
    attention: Float[Tensor, "n *cells L"], paste_patches: Float[Tensor, "n L c k k"]
) -> Float[Tensor, "n *cells c k k"]:
    """What each query cell pastes: patch(p) = Σ_q attention(p, q) · paste(q).

    Returns:
        the cells of `attention`, each `(c, 2·rate, 2·rate)`; at least float32, not yet divided.
    """
    paste = lifted(paste_patches)
    mixed = attention.flatten(1, -2) @ paste.flatten(2).to(attention.dtype)  # (n, Q, c·k·k)
    return mixed.reshape(*attention.shape[:-1], *paste.shape[2:])


def overlap_add(
    patches: Float[Tensor, "n *cells c k k"],
    grid: tuple[int, int],
    config: AttentionConfig,
    queries: Int[Tensor, "Q"] | None = None,
) -> Float[Tensor, "n c H W"]:
    """The patches laid over each other, `rate` pixels apart, and divided by the overlap.

    Args:
        patches: `(n, h, w, c, 2·rate, 2·rate)`, or `(n, Q, c, …)` for the cells in `queries`;
            cells not named paste nothing.
        grid: the query grid (h, w).

    Returns:
        `(n, c, h·rate, w·rate)`.
    """
    if queries is not None:
        full = patches.new_zeros(patches.shape[0], grid[0] * grid[1], *patches.shape[2:])
        patches = full.index_copy(1, queries, patches)
    columns = patches.reshape(patches.shape[0], grid[0] * grid[1], -1).mT  # (n, c·k·k, h·w)
    return _fold(columns, grid, config.rate) / overlap(grid, config).to(columns, non_blocking=True)


def overlap(grid: tuple[int, int], config: AttentionConfig) -> Float[Tensor, "1 1 H W"]:
    """What the sum at each pixel is divided by: 4, or how many patches cover it.

    Args:
        grid: the query grid (h, w).

    Returns:
        float32 on the CPU, `(1, 1, h·rate, w·rate)`, values 1, 2 and 4.
    """
    size = (1, 1, grid[0] * config.rate, grid[1] * config.rate)
    if config.overlap == "constant":
        return torch.full(size, 4.0, dtype=torch.float32, device="cpu")
    columns = (1, (2 * config.rate) ** 2, grid[0] * grid[1])
    ones = torch.ones(columns, dtype=torch.float32, device="cpu")
    return _fold(ones, grid, config.rate)


def deconvolve(
    attention: Float[Tensor, "n *cells L"],
    paste_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
    grid: tuple[int, int] | None = None,
    queries: Int[Tensor, "Q"] | None = None,
) -> Float[Tensor, "n c H W"]:
    """The output: every query cell's mixture, overlap-added. In the dtype of `paste_patches`.

    Args:
        attention: `(n, h, w, L)`, or `(n, Q, L)` for the cells in `queries` of the query `grid`.

    >>> from ctxattn_viz.stages.deconvolution import deconvolve
    >>> attention = torch.eye(4).reshape(1, 2, 2, 4)  # each cell attends to the patch of its own
    >>> ones = torch.ones(1, 4, 1, 4, 4)
    >>> print(deconvolve(attention, ones, cv.AttentionConfig())[0, 0])  # laid 1, 2, 4 times, / 4
    tensor([[0.2500, 0.5000, 0.5000, 0.2500],
            [0.5000, 1.0000, 1.0000, 0.5000],
            [0.5000, 1.0000, 1.0000, 0.5000],
            [0.2500, 0.5000, 0.5000, 0.2500]])
    """
    mixed = mix_patches(attention, paste_patches)
    output = overlap_add(mixed, grid or (attention.shape[1], attention.shape[2]), config, queries)
    return output.to(paste_patches.dtype)


def _fold(columns: Tensor, grid: tuple[int, int], rate: int) -> Tensor:
    # F.fold pads both sides alike, SAME may not: fold onto the padded canvas, then crop.
    before, after = same_padding(2 * rate, rate)
    height, width = grid[0] * rate, grid[1] * rate
    canvas = (height + before + after, width + before + after)
    folded = F.fold(columns, canvas, 2 * rate, stride=rate)
    return folded[:, :, before : before + height, before : before + width]
