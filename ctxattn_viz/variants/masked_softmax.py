"""Other ways of turning scores into shares, in place of `attention`."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from ..config import AttentionConfig
from .fusion import patch_grid_of
from .matching_scores import Scores


def minus_infinity(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig
) -> Scores:
    """In place of `attention`: a masked score becomes −∞ before the softmax, not 0.

    What is `mm` (Q4)? The original multiplies by 0 before and after, so that each masked patch
    takes exp(0) of the denominator along and a row's shares sum to less than 1: the hole fades
    towards grey. With −∞ they sum to 1. Where no patch is valid that is 0 / 0, NaN.

    >>> scores, valid = torch.zeros(1, 1, 1, 4), torch.tensor([[True, True, False, False]])
    >>> cv.variants.minus_infinity(scores, valid, cv.AttentionConfig())  # by 0 they have a quarter
    tensor([[[[0.5000, 0.5000, 0.0000, 0.0000]]]])
    """
    return torch.softmax(_logits(fused_scores, valid, config), dim=-1)


def hard_argmax(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig
) -> Scores:
    """In place of `attention`: all of it for the best valid patch, the first of equals.

    Why a soft attention? To paste one patch is sharper, and needs no softmax_scale. But a step has
    no slope: no gradient comes back, and the features before the layer would learn nothing from it
    (Q14). Where no patch is valid, nothing is pasted.

    >>> scores, valid = torch.tensor([[[[1.0, 2.0, 9.0]]]]), torch.tensor([[True, True, False]])
    >>> cv.variants.hard_argmax(scores, valid, cv.AttentionConfig())
    tensor([[[[0., 1., 0.]]]])
    """
    keep = valid[:, None, None]
    best = fused_scores.masked_fill(~keep, -torch.inf).argmax(dim=-1)
    return F.one_hot(best, fused_scores.shape[-1]).to(fused_scores) * keep


def top_k(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig, k: int = 5
) -> Scores:
    """In place of `attention`: a softmax over the k best valid patches, nothing for the others.

    Do the many small shares matter? A thousand patches with a thousandth each blur as much as one
    with a half would sharpen. Here they are cut off, and five patches still have a gradient. For
    another k: `functools.partial(cv.variants.top_k, k=3)`.

    >>> scores, valid = torch.tensor([[[[0.0, 2.0, 2.0, 9.0]]]]), torch.tensor([[1, 1, 1, 0]]) > 0
    >>> cv.variants.top_k(scores, valid, cv.AttentionConfig(), k=2)
    tensor([[[[0.0000, 0.5000, 0.5000, 0.0000]]]])
    """
    logits = _logits(fused_scores, valid, config)
    best = logits.topk(min(k, logits.shape[-1]), dim=-1)
    return torch.zeros_like(logits).scatter(-1, best.indices, best.values.softmax(dim=-1))


def valid_centres(
    downsampled_mask: Float[Tensor, "m 1 hb wb"], config: AttentionConfig
) -> Bool[Tensor, "rows L"]:
    """In place of `valid`: whether the middle cell is known. Goes with `known_share`.

    >>> mask = cv.samples.rectangle((1, 4), 0, 0, 1, 1)  # a hole in the first of four cells
    >>> cv.variants.valid_centres(mask, cv.AttentionConfig())
    tensor([[False,  True,  True,  True]])
    """
    samples = 1 if config.mask_of_batch == "first" else len(downsampled_mask)
    known = downsampled_mask[:samples, 0, :: config.stride, :: config.stride] == 0
    return known.flatten(1).expand(len(downsampled_mask), -1)


def known_share(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig
) -> Scores:
    """In place of `attention`: each patch weighted by how much of it is known.

    Must a patch be whole to be used? With `valid_centres` for `valid`, a patch with six of nine
    cells known weighs two thirds. That opens the rim of the hole, where the rest of a patch is
    coarse fill: it is like the query, being made by the same hand, and is pasted along.

    Raises:
        InputError: f and b differ in size.

    >>> scores, valid = torch.zeros(1, 1, 4, 4), torch.tensor([[False, True, True, True]])
    >>> cv.variants.known_share(scores, valid, cv.AttentionConfig())[0, 0, 0].mul(34).round()
    tensor([8., 8., 9., 9.])
    """
    holes = 1 - valid.to(fused_scores).unflatten(1, patch_grid_of(fused_scores, config))
    share = 1 - F.avg_pool2d(holes, config.ksize, stride=1, padding=config.ksize // 2)
    weight = share.flatten(1)[:, None, None]  # (m, 1, 1, L); outside of b counts as known
    return torch.softmax(config.softmax_scale * fused_scores + weight.log(), dim=-1)


def _logits(fused_scores: Tensor, valid: Tensor, config: AttentionConfig) -> Tensor:
    """What the softmax exponentiates where a masked score is −∞."""
    return (config.softmax_scale * fused_scores).masked_fill(~valid[:, None, None], -torch.inf)
