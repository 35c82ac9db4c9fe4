"""Every foreground patch against every background patch.

The paper (eq. 3) writes a cosine, s = ⟨f / ‖f‖, b / ‖b‖⟩. The original and its ports divide by
the background patch's norm alone, so a score is ‖f‖·cosine: the foreground norm stays in, and
makes the softmax that follows sharper where f is strong.

Original: `wi_normed = wi / tf.maximum(tf.sqrt(tf.reduce_sum(tf.square(wi), axis=[0,1,2])), 1e-4)`
and `yi = tf.nn.conv2d(xi, wi_normed, strides=[1,1,1,1], padding="SAME")`.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import AttentionConfig
from .patch_extraction import query_patches

NORM_FLOOR = 1e-4


def lifted(x: Tensor) -> Tensor:
    """x in at least float32: half precision is too coarse for norms, scores and softmax."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def patch_norms(
    matching_patches: Float[Tensor, "n L c k k"], config: AttentionConfig
) -> Float[Tensor, "n L"]:
    """What each background patch w is divided by; see `AttentionConfig.norm`.

    Returns:
        `(n, L)`, at least float32, > 0. The gradient at an all-zero patch is 0, not NaN.
    """
    squares = lifted(matching_patches).square().sum(dim=(2, 3, 4))
    return norms_from_squares(squares, matching_patches[0, 0].numel(), config)


def norms_from_squares(
    squares: Float[Tensor, "n L"], elements: int, config: AttentionConfig
) -> Float[Tensor, "n L"]:
    """The norms, where Σw² is known already.

    Args:
        squares: Σw² of each patch.
        elements: how many numbers a patch has.
    """
    if config.norm == "per_element":  # √Σ(w² + floor)
        return (squares + elements * NORM_FLOOR).sqrt()
    if config.norm == "none":
        return torch.ones_like(squares)
    # The floor goes under the root, whose slope at 0 is infinite.
    return squares.clamp(min=NORM_FLOOR**2).sqrt()


def normed_patches(
    matching_patches: Float[Tensor, "n L c k k"], config: AttentionConfig
) -> Float[Tensor, "n L c k k"]:
    """The background patches divided by their norms: the original's `wi_normed`."""
    norms = patch_norms(matching_patches, config)
    return lifted(matching_patches) / norms[:, :, None, None, None]


def matching_scores(
    downsampled_f: Float[Tensor, "n c h w"],
    matching_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
    queries: Int[Tensor, "Q"] | None = None,
) -> Float[Tensor, "n *cells L"]:
    """score(p, q) = ⟨query patch p, matching patch q⟩ / norm(q), as one matrix product.

    The original writes the same as a convolution of f with every patch of b as a kernel.

    Args:
        queries: flat foreground cells; all when None.

    Returns:
        `(n, h, w, L)`, or `(n, Q, L)` when `queries` are named; at least float32.

    >>> from ctxattn_viz.stages.matching_scores import matching_scores
    >>> f = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)  # one cell of two channels
    >>> w = torch.tensor([[2.0, 0.0], [6.0, 8.0]]).reshape(1, 2, 2, 1, 1)  # two patches of 1×1
    >>> matching_scores(f, w, cv.AttentionConfig(ksize=1))  # 3·2 / 2, and (3·6 + 4·8) / 10
    tensor([[[[3., 5.]]]])
    """
    p = lifted(query_patches(downsampled_f, config, queries)).flatten(-3)  # (n, *cells, c·k·k)
    q = normed_patches(matching_patches, config).flatten(2)  # (n, L, c·k·k)
    return (p.flatten(1, -2) @ q.mT).reshape(*p.shape[:-1], q.shape[1])
