"""Other ways of comparing a query patch with a background patch, in place of `scores`."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..config import AttentionConfig
from ..stages.matching_scores import NORM_FLOOR, lifted
from ..stages.patch_extraction import query_patches

Scores = Float[Tensor, "n h w L"]  # of every query with every patch
KEPT = 8  # numbers of a patch that `projection` keeps


def true_cosine(
    downsampled_f: Float[Tensor, "n c h w"],
    matching_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
) -> Scores:
    """In place of `scores`: the paper's equation 3, both patches divided by their norms.

    Is it really a cosine (Q17)? Not in the code, which leaves ‖query patch‖ in: a factor for the
    whole row, but one that the softmax then sees as a temperature. Here bright and dim queries are
    equally sharp, and all scores lie between -1 and 1, so that the same softmax_scale averages over
    more patches.

    >>> f = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)  # one cell of two channels
    >>> w = torch.tensor([[2.0, 0.0], [6.0, 8.0]]).reshape(1, 2, 2, 1, 1)  # two patches of 1×1
    >>> cv.variants.true_cosine(f, w, cv.AttentionConfig(ksize=1))  # where the layer has 3 and 5
    tensor([[[[0.6000, 1.0000]]]])
    """
    p, q = _vectors(downsampled_f, matching_patches, config)
    return _products(_unit(p), _unit(q))


def no_norm(
    downsampled_f: Float[Tensor, "n c h w"],
    matching_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
) -> Scores:
    """In place of `scores`: plain products, no patch divided by its norm.

    Why divide at all? A product is large where the patch is, so that the strongest patches of b win
    whatever the query looks like: dividing takes that away.

    >>> f = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    >>> w = torch.tensor([[3.0, 4.0], [9.0, 0.0]]).reshape(1, 2, 2, 1, 1)  # equal to f, and large
    >>> cv.variants.no_norm(f, w, cv.AttentionConfig(ksize=1))
    tensor([[[[25., 27.]]]])
    """
    return _products(*_vectors(downsampled_f, matching_patches, config))


def distance(
    downsampled_f: Float[Tensor, "n c h w"],
    matching_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
) -> Scores:
    """In place of `scores`: by squared distance, how much nearer a patch is than the farthest.

    Why compare by direction? With a cosine a dim patch equals a bright one of the same pattern, and
    a flat grey has no direction to speak of. A distance tells them apart. It is subtracted from the
    row's largest, so that 0 is the worst score: that is what the mask's trick and the ends of the
    fusion's diagonals take 0 for. (What is added to a row drops out of the softmax.)

    >>> f = torch.tensor([3.0, 4.0]).reshape(1, 2, 1, 1)
    >>> w = torch.tensor([[3.0, 4.0], [6.0, 8.0]]).reshape(1, 2, 2, 1, 1)
    >>> cv.variants.distance(f, w, cv.AttentionConfig(ksize=1))  # 0 away, and √25
    tensor([[[[25.,  0.]]]])
    """
    p, q = _vectors(downsampled_f, matching_patches, config)
    squares = q.square().sum(dim=-1)[:, None, None] - 2 * _products(p, q)  # ‖p − q‖² − ‖p‖²
    return squares.amax(dim=-1, keepdim=True) - squares


def projection(
    downsampled_f: Float[Tensor, "n c h w"],
    matching_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
) -> Scores:
    """In place of `scores`: those of projected patches, as self-attention projects its own.

    Why not plain self-attention, with learned projections (Q15)? What is learned here is learned
    from b alone, the same each time: the eight directions in which its patches differ most from
    their mean (principal components). Both patches are told by those, and the query is again left
    without a norm. Away go the mean, which all patches share, and the finest detail.

    >>> w = torch.tensor([[0.0, 1.0], [2.0, 1.0]]).reshape(1, 2, 2, 1, 1)  # they differ in one
    >>> f = torch.tensor([3.0, 9.0]).reshape(1, 2, 1, 1)  # 2 above the mean in that one
    >>> cv.variants.projection(f, w, cv.AttentionConfig(ksize=1))
    tensor([[[[-2.,  2.]]]])
    """
    p, q = _vectors(downsampled_f, matching_patches, config)
    mean = q.mean(dim=1, keepdim=True)  # (n, 1, c·k·k)
    covariance = (q - mean).mT @ (q - mean)
    basis = torch.linalg.eigh(covariance).eigenvectors[:, :, -KEPT:]  # (n, c·k·k, 8)
    return _products((p - mean[:, None]) @ basis[:, None], _unit((q - mean) @ basis))


def _vectors(f: Tensor, patches: Tensor, config: AttentionConfig) -> tuple[Tensor, Tensor]:
    """Query patches (n, h, w, c·k·k) and background patches (n, L, c·k·k), at least float32."""
    return lifted(query_patches(f, config)).flatten(-3), lifted(patches).flatten(2)


def _unit(q: Tensor) -> Tensor:
    """Vectors divided by max(norm, 1e-4), as the original does with the background's."""
    return F.normalize(q, dim=-1, eps=NORM_FLOOR)


def _products(p: Tensor, q: Tensor) -> Tensor:
    return torch.einsum("nhwd, nld -> nhwl", p, q)
