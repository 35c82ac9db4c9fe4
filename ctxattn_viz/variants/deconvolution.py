"""Another way of dividing what overlaps, in place of `output`."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..config import AttentionConfig
from ..stages.deconvolution import mix_patches, overlap_add
from .matching_scores import Scores


def coverage_count(
    attention: Scores, paste_patches: Float[Tensor, "n L c k k"], config: AttentionConfig
) -> Float[Tensor, "n c H W"]:
    """In place of `output`: divided by how many patches cover a pixel, not by 4 everywhere.

    Why divide by 4 (Q3)? Inside, four patches lie over each pixel; along an edge two, in a corner
    one, and there a fourth of the sum is too little: the rim fades to grey. Inside nothing changes.

    >>> attention = torch.eye(4).reshape(1, 2, 2, 4)  # each cell attends to the patch of its own
    >>> cv.variants.coverage_count(attention, torch.ones(1, 4, 1, 4, 4), cv.AttentionConfig())[0, 0]
    tensor([[1., 1., 1., 1.],
            [1., 1., 1., 1.],
            [1., 1., 1., 1.],
            [1., 1., 1., 1.]])
    """
    mixed = mix_patches(attention, paste_patches)  # (n, h, w, c, 2·rate, 2·rate)
    grid = attention.shape[1], attention.shape[2]
    total, count = (overlap_add(x, grid, config) for x in (mixed, torch.ones_like(mixed)))
    return (total / count).to(paste_patches.dtype)  # whatever both were divided by drops out
