"""A dozen stages made otherwise: short functions to read, and to put in a stage's place.

Each answers a question by changing one thing. `ALL` has them by name, with the stages that they
replace; a few replace two or three, as what they change spans several.

A function takes the values of its stage's `inputs`, whole tensors with the sample axis, and then
the configuration; it returns what the stage would: the same shape, dtype and device. Copy one and
change a line to try an idea of your own. What each does to the filling of holes was measured on ten
photographs: see "The layer, made otherwise" in tests/benchmarks/RESULTS.md.

>>> ", ".join(cv.variants.ALL)
'true_cosine, no_norm, distance, projection, rows_only, all_ones, fusion_after_softmax,
minus_infinity, hard_argmax, top_k, soft_mask, coverage_count'
>>> variant: cv.variants.Variant = cv.variants.ALL["all_ones"]
>>> variant.question
'What if the fusion kernel were all ones, as in a blur?'
>>> {key: function.__name__ for key, function in variant.swap.items()}
{'fused_rows': 'ones_along_rows', 'fused_scores': 'ones_along_columns'}
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from .config import AttentionConfig
from .errors import InputError
from .stages.deconvolution import mix_patches, overlap_add
from .stages.fused_softmax import fuse, masked_softmax
from .stages.matching_scores import NORM_FLOOR, lifted
from .stages.patch_extraction import query_patches

__all__ = [
    "ALL",
    "Variant",
    "coverage_count",
    "distance",
    "fusion_after_softmax",
    "hard_argmax",
    "known_share",
    "minus_infinity",
    "no_norm",
    "no_pass",
    "ones_along_columns",
    "ones_along_rows",
    "projection",
    "top_k",
    "true_cosine",
    "valid_centres",
]

Scores = Float[Tensor, "n h w L"]  # of every query with every patch
KEPT = 8  # numbers of a patch that `projection` keeps


@dataclass(frozen=True)
class Variant:
    """A question, and what to put in place of which stages to answer it.

    Attributes:
        name: its key in `ALL`.
        question: what it answers.
        swap: the function for each stage that it replaces, by the stage's key.

    >>> variant = cv.variants.Variant("mine", "What if?", {"scores": cv.variants.no_norm})
    >>> list(variant.swap)
    ['scores']
    """

    name: str
    question: str
    swap: Mapping[str, Callable[..., Tensor]]


# ---- matching -----------------------------------------------------------------------------------


def true_cosine(
    downsampled_f: Float[Tensor, "n c h w"],
    matching_patches: Float[Tensor, "n L c k k"],
    config: AttentionConfig,
) -> Scores:
    """`scores` as the paper's equation 3 has them: both patches divided by their norms.

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
    """`scores` as plain products: no patch is divided by its norm.

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
    """`scores` by squared distance: how much nearer a patch is than the query's farthest one.

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
    """`scores` of patches that a projection has made shorter, as queries and keys are elsewhere.

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


# ---- fusion -------------------------------------------------------------------------------------


def no_pass(scores: Scores, config: AttentionConfig) -> Scores:
    """`fused_scores` (or `fused_rows`) without a pass of fusion: what comes in goes out.

    Are two passes needed? In place of the second, only neighbours to the left and right vote. The
    sums have a third of the terms, so that the same softmax_scale averages over more patches.

    >>> scores = torch.eye(3).reshape(1, 1, 3, 3)
    >>> cv.variants.no_pass(scores, cv.AttentionConfig()) is scores
    True
    """
    return scores


def ones_along_rows(scores: Scores, config: AttentionConfig) -> Scores:
    """`fused_rows` by a kernel of ones where the layer has the identity matrix.

    Is fusion a blur (Q5)? Blurring the table of scores adds s(p + 1, q) and s(p, q + 1) as well,
    pairs that do not move together. Goes with `ones_along_columns`.

    >>> scores = torch.eye(3).reshape(1, 1, 3, 3)  # a row of three cells, each like itself
    >>> print(cv.variants.ones_along_rows(scores, cv.AttentionConfig())[0, 0])
    tensor([[2., 2., 1.],
            [2., 3., 2.],
            [1., 2., 2.]])
    """
    reach, step = config.fuse_k // 2, config.stride  # one place in b is `stride` places in f
    table = scores.flatten(1, 2)[:, None]  # (n, 1, h·w, L)
    ones = table.new_ones(1, 1, config.fuse_k, config.fuse_k)
    fused = F.conv2d(table, ones, padding=(step * reach, reach), dilation=(step, 1))
    return fused.reshape(scores.shape)


def ones_along_columns(fused_rows: Scores, config: AttentionConfig) -> Scores:
    """`fused_scores` by a kernel of ones, both grids read column by column.

    Raises:
        InputError: f and b differ in size.

    >>> rows = torch.eye(4).reshape(1, 2, 2, 4)
    >>> print(cv.variants.ones_along_columns(rows, cv.AttentionConfig())[0, 0])  # 0 2 1 3 in turn
    tensor([[2., 1., 2., 0.],
            [1., 3., 2., 2.]])
    """
    grid = _patch_grid(fused_rows, config)
    turned = _column_by_column(fused_rows, grid)
    return _column_by_column(ones_along_rows(turned, config), grid[::-1])


def fusion_after_softmax(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig
) -> Scores:
    """`attention` by a softmax first and fusion after it; `fused_scores` are to come unfused.

    Fuse before or after the softmax (Q6)? The paper's equations say after, its code before. Shares
    are never negative: a neighbour's match can only add to a patch, so that a sum of nine maps is
    broader than each. Scores are multiplied by the softmax instead, e^(a + b) = e^a · e^b: only a
    patch that all nine agree on keeps its share. The sum is divided by its row's, to be shares
    again.

    Raises:
        InputError: f and b differ in size.

    >>> scores = torch.eye(4).reshape(1, 2, 2, 4)  # each cell is like itself
    >>> sure = cv.AttentionConfig(softmax_scale=100.0)
    >>> cv.variants.fusion_after_softmax(scores, torch.ones(1, 4) > 0, sure)[0, 0, 0].round()
    tensor([1., 0., 0., 0.])
    """
    queries, patches = (
        (fused_scores.shape[1], fused_scores.shape[2]),
        _patch_grid(fused_scores, config),
    )
    shares = masked_softmax(fused_scores, valid, config)
    for order in ("rows", "columns"):
        shares = fuse(shares, queries, patches, order, config)
    shares = shares * valid[:, None, None]
    return shares / shares.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(shares.dtype).tiny)


# ---- softmax ------------------------------------------------------------------------------------


def minus_infinity(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig
) -> Scores:
    """`attention` without the mask's trick: a masked score becomes −∞ before the softmax.

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
    """`attention` for the best valid patch alone: all of it or nothing, the first of equals.

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
    """`attention` for the k best valid patches: a softmax over those, nothing for the others.

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
    """`valid` where the middle cell is known, whatever lies around it. Goes with `known_share`.

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
    """`attention` weighted by how much of each patch is known, instead of all or nothing.

    Must a patch be whole to be used? With `valid_centres` for `valid`, a patch with six of nine
    cells known weighs two thirds. That opens the rim of the hole, where the rest of a patch is
    coarse fill: it is like the query, being made by the same hand, and is pasted along.

    Raises:
        InputError: f and b differ in size.

    >>> scores, valid = torch.zeros(1, 1, 4, 4), torch.tensor([[False, True, True, True]])
    >>> cv.variants.known_share(scores, valid, cv.AttentionConfig())[0, 0, 0].mul(34).round()
    tensor([8., 8., 9., 9.])
    """
    holes = 1 - valid.to(fused_scores).unflatten(1, _patch_grid(fused_scores, config))
    share = 1 - F.avg_pool2d(holes, config.ksize, stride=1, padding=config.ksize // 2)
    weight = share.flatten(1)[:, None, None]  # (m, 1, 1, L); outside of b counts as known
    return torch.softmax(config.softmax_scale * fused_scores + weight.log(), dim=-1)


# ---- deconvolution ------------------------------------------------------------------------------


def coverage_count(
    attention: Scores, paste_patches: Float[Tensor, "n L c k k"], config: AttentionConfig
) -> Float[Tensor, "n c H W"]:
    """`output` divided by how many patches really cover each pixel, not by 4 everywhere.

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


# ---- what several need --------------------------------------------------------------------------


def _vectors(f: Tensor, patches: Tensor, config: AttentionConfig) -> tuple[Tensor, Tensor]:
    """Query patches (n, h, w, c·k·k) and background patches (n, L, c·k·k), at least float32."""
    return lifted(query_patches(f, config)).flatten(-3), lifted(patches).flatten(2)


def _unit(q: Tensor) -> Tensor:
    """Vectors divided by max(norm, 1e-4), as the original does with the background's."""
    return F.normalize(q, dim=-1, eps=NORM_FLOOR)


def _products(p: Tensor, q: Tensor) -> Tensor:
    return torch.einsum("nhwd, nld -> nhwl", p, q)


def _logits(fused_scores: Tensor, valid: Tensor, config: AttentionConfig) -> Tensor:
    """What the softmax exponentiates where a masked score is −∞."""
    return (config.softmax_scale * fused_scores).masked_fill(~valid[:, None, None], -torch.inf)


def _column_by_column(scores: Tensor, patches: tuple[int, int]) -> Tensor:
    """Queries and patches counted column by column, (n, w, h, gw·gh)."""
    return scores.unflatten(-1, patches).permute(0, 2, 1, 4, 3).flatten(-2)


def _patch_grid(scores: Tensor, config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of patches: a table of scores tells only their product."""
    rows, columns = (math.ceil(side / config.stride) for side in scores.shape[1:3])
    if rows * columns != scores.shape[3]:
        expected = f"the size of f, which has {rows}×{columns} patches"
        raise InputError("b", expected, f"one of {scores.shape[3]} patches")
    return rows, columns


# ---- all of them --------------------------------------------------------------------------------

ALL: dict[str, Variant] = {
    name: Variant(name, question, swap)
    for name, question, swap in (
        ("true_cosine", "What if both patches had norm 1?", {"scores": true_cosine}),
        ("no_norm", "What if no patch were divided by its norm?", {"scores": no_norm}),
        ("distance", "What if patches were compared by distance?", {"scores": distance}),
        ("projection", "What if patches were projected first?", {"scores": projection}),
        ("rows_only", "What if fusion had one pass?", {"fused_scores": no_pass}),
        (
            "all_ones",
            "What if the fusion kernel were all ones, as in a blur?",
            {"fused_rows": ones_along_rows, "fused_scores": ones_along_columns},
        ),
        (
            "fusion_after_softmax",
            "What if fusion came after the softmax?",
            {"fused_rows": no_pass, "fused_scores": no_pass, "attention": fusion_after_softmax},
        ),
        (
            "minus_infinity",
            "What if masked patches took no share along?",
            {"attention": minus_infinity},
        ),
        ("hard_argmax", "What if the best patch had it all?", {"attention": hard_argmax}),
        ("top_k", "What if the five best shared it?", {"attention": top_k}),
        (
            "soft_mask",
            "What if a patch counted as far as it is known?",
            {"valid": valid_centres, "attention": known_share},
        ),
        ("coverage_count", "What if the border were not dark?", {"output": coverage_count}),
    )
}
