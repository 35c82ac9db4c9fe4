"""The whole layer on one page: every stage in the paper's order, in plain operations of PyTorch.

Source: `inpaint_ops.contextual_attention` (Yu et al., CVPR 2018, section 4.1).
"""

from jaxtyping import Float
from torch import Tensor

from ..config import AttentionConfig
from .deconvolution import deconvolve
from .downsampling import downsample, downsample_mask
from .fused_softmax import fuse, masked_softmax
from .mask_validity import valid_patches
from .matching_scores import matching_scores
from .patch_extraction import matching_patches, paste_patches, patch_grid


def forward(
    f: Float[Tensor, "n c H W"],
    b: Float[Tensor, "n c Hb Wb"],
    mask: Float[Tensor, "m 1 Hm Wm"],
    config: AttentionConfig,
) -> Float[Tensor, "n c H W"]:
    """f rebuilt from patches of b: what `ctxattn_viz.contextual_attention` computes.

    This is the algorithm to read, and to differentiate as often as you like. It holds the score
    matrix of every query cell with every background patch; `contextual_attention` never does.
    Inputs are not checked, and autocast, if it is on, rounds the products in here; `trace` checks
    the one and switches off the other.

    Args:
        f: foreground, floating; H and W multiples of the rate.
        b: background, in the dtype and on the device of f; Hb and Wb multiples of the rate.
        mask: 1 is a hole in b, 0 is known, at b's size or a whole multiple of it; m is 1 or n.
            Zeros where nothing is missing.
        config: the original's arguments and the dialect.

    Returns:
        `(n, c, H, W)`, the dtype of b.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> y = cv.stages.forward(x, x, torch.zeros(1, 1, 4, 4), cv.AttentionConfig())
    >>> torch.allclose(y, cv.contextual_attention(x, x))
    True
    """
    f_small = downsample(f, config)  # (n, c, h, w)
    b_small = downsample(b, config)  # (n, c, hb, wb)
    mask_small = downsample_mask(mask, (b.shape[2], b.shape[3]), config)  # (m, 1, hb, wb)

    matching = matching_patches(b_small, config)  # (n, L, c, ksize, ksize)
    paste = paste_patches(b, config)  # (n, L, c, 2·rate, 2·rate)
    valid = valid_patches(mask_small, config)  # (m, L)

    scores = matching_scores(f_small, matching, config)  # (n, h, w, L)

    queries = f_small.shape[2], f_small.shape[3]  # the query grid (h, w)
    patches = patch_grid((b_small.shape[2], b_small.shape[3]), config)  # (gh, gw), L = gh·gw
    fused_rows = fuse(scores, queries, patches, "rows", config)  # (n, h, w, L)
    fused_scores = fuse(fused_rows, queries, patches, "columns", config)  # (n, h, w, L)

    attention = masked_softmax(fused_scores, valid, config)  # (n, h, w, L)
    return deconvolve(attention, paste, config)  # (n, c, H, W)
