"""Shrinking f, b and the mask by `rate`, each by picking the nearest pixel.

Original: `resize(f, scale=1./rate, func=tf.image.resize_nearest_neighbor)`, and likewise b and
the mask, in `inpaint_ops.contextual_attention`.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import AttentionConfig


def nearest_indices(size: int, rate: int, shrink: str) -> Int[Tensor, "out"]:
    """Which of `size` pixels are kept along one axis.

    Args:
        size: length of the axis in pixels, a multiple of `rate`.
        rate: how many times shorter the axis becomes.
        shrink: `"floor"` keeps i·rate (8 → 4 keeps 0, 2, 4, 6); `"align_corners"` keeps
            i·(size − 1)/(out − 1) with halves rounded up (8 → 4 keeps 0, 2, 5, 7).

    Returns:
        int64, `(size / rate,)`, ascending, on the CPU.
    """
    out = size // rate
    index = torch.arange(out, device="cpu")
    if shrink == "floor" or out == 1:
        return index * rate
    # TensorFlow multiplies in float32, which decides some halves: 54 → 27 keeps 26, not 27.
    scale = torch.tensor(size - 1.0, dtype=torch.float32, device="cpu") / (out - 1)
    return (index.float() * scale).double().add(0.5).floor().long()


def downsample(x: Float[Tensor, "n c H W"], config: AttentionConfig) -> Float[Tensor, "n c h w"]:
    """f or b shrunk by `config.rate`, values untouched.

    Args:
        x: any floating dtype; H and W multiples of the rate.

    Returns:
        `(n, c, H / rate, W / rate)`, the dtype of x.

    >>> from ctxattn_viz.stages.downsampling import downsample
    >>> x = torch.arange(8.0).expand(1, 1, 8, 8)
    >>> downsample(x, cv.AttentionConfig(shrink="align_corners"))[0, 0, 0]
    tensor([0., 2., 5., 7.])
    >>> downsample(x, cv.AttentionConfig(shrink="floor"))[0, 0, 0]
    tensor([0., 2., 4., 6.])
    """
    if config.rate == 1:
        return x
    return _pick(x, config.rate, config.shrink)


def downsample_mask(
    mask: Float[Tensor, "n 1 Hm Wm"], size: tuple[int, int], config: AttentionConfig
) -> Float[Tensor, "n 1 hb wb"]:
    """The mask on the grid where patches are matched.

    Ports pass it at image size, so it first comes to b's `size` by the same rule.

    Args:
        mask: 1 is hole, 0 is known; its sides are b's times one whole number.
        size: b's `(Hb, Wb)` in pixels.

    Returns:
        `(n, 1, Hb / rate, Wb / rate)`, values 0 and 1.

    >>> from ctxattn_viz.stages.downsampling import downsample_mask
    >>> mask = cv.samples.rectangle((8, 8), 0, 4, 8, 4)
    >>> downsample_mask(mask, (8, 8), cv.AttentionConfig())[0, 0, 0]
    tensor([0., 0., 1., 1.])
    """
    return downsample(mask_at(mask, size, config), config)


def mask_at(
    mask: Float[Tensor, "n 1 Hm Wm"], size: tuple[int, int], config: AttentionConfig
) -> Float[Tensor, "n 1 Hb Wb"]:
    """The mask at b's `size` in pixels, whatever whole multiple of it came in."""
    multiple = mask.shape[2] // size[0]
    return _pick(mask, multiple, config.shrink) if multiple > 1 else mask


def lost_fraction(
    mask: Float[Tensor, "n 1 Hm Wm"], shrunk: Float[Tensor, "n 1 hb wb"], config: AttentionConfig
) -> float:
    """How much of the hole shrinking lost: hole pixels near no hole cell, over all hole pixels.

    A line thinner than the rate can fall between the pixels that nearest sampling keeps; the
    patches that held it then count as valid, and hole pixels are pasted.

    Args:
        mask: the hole at any multiple of the grid of `shrunk`.
        shrunk: what `downsample_mask` made of it.

    Returns:
        a fraction from 0 to 1; 0 where there is no hole.
    """
    # A hole cell disqualifies the patches around it, so what lies beside it is not lost.
    reach = max(config.ksize // 2, 1)
    near_cells = torch.nn.functional.max_pool2d(shrunk.float(), 2 * reach + 1, 1, reach)
    multiple = mask.shape[2] // shrunk.shape[2]
    near = near_cells.repeat_interleave(multiple, 2).repeat_interleave(multiple, 3)
    hole = mask.float()
    return float((hole * (1 - near)).sum() / hole.sum().clamp(min=1))


def _pick(x: Tensor, rate: int, shrink: str) -> Tensor:
    rows = nearest_indices(x.shape[2], rate, shrink).to(x.device, non_blocking=True)
    columns = nearest_indices(x.shape[3], rate, shrink).to(x.device, non_blocking=True)
    return x.index_select(2, rows).index_select(3, columns)
