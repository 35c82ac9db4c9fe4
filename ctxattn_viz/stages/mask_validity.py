"""Which background patches may be used: those that touch no hole.

Original: `mm = tf.cast(tf.equal(tf.reduce_mean(m, axis=[0,1,2], keep_dims=True), 0.), …)`.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from ..config import AttentionConfig
from .patch_extraction import matching_patches


def valid_patches(
    downsampled_mask: Float[Tensor, "m 1 hb wb"], config: AttentionConfig
) -> Bool[Tensor, "rows L"]:
    """True where a matching patch holds no hole cell. The zero padding is no hole.

    Args:
        downsampled_mask: 1 is hole; m is 1 (one mask for all) or the batch size.

    Returns:
        bool, `(m, L)`; the first sample's row alone when `config.mask_of_batch` is `"first"`.

    >>> from ctxattn_viz.stages.mask_validity import valid_patches
    >>> mask = cv.samples.rectangle((1, 4), 0, 0, 1, 1)  # a hole in the first of four cells
    >>> valid_patches(mask, cv.AttentionConfig(ksize=3))
    tensor([[False, False,  True,  True]])
    """
    if config.mask_of_batch == "first":
        downsampled_mask = downsampled_mask[:1]
    return (matching_patches(downsampled_mask, config) == 0).all(dim=(2, 3, 4))
