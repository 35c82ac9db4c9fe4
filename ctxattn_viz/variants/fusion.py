"""Other ways of letting neighbours vote, in place of `fused_rows` and `fused_scores`."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool
from torch import Tensor

from ..config import AttentionConfig
from ..errors import InputError
from ..stages.fused_softmax import fuse, masked_softmax
from .matching_scores import Scores


def no_pass(scores: Scores, config: AttentionConfig) -> Scores:
    """In place of `fused_scores` or `fused_rows`: no pass of fusion, what comes in goes out.

    Are two passes needed? In place of the second, only neighbours to the left and right vote. The
    sums have a third of the terms, so that the same softmax_scale averages over more patches.

    >>> scores = torch.eye(3).reshape(1, 1, 3, 3)
    >>> cv.variants.no_pass(scores, cv.AttentionConfig()) is scores
    True
    """
    return scores


def ones_along_rows(scores: Scores, config: AttentionConfig) -> Scores:
    """In place of `fused_rows`: a kernel of ones where the layer has the identity matrix.

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
    """In place of `fused_scores`: a kernel of ones, both grids read column by column.

    Raises:
        InputError: f and b differ in size.

    >>> rows = torch.eye(4).reshape(1, 2, 2, 4)
    >>> print(cv.variants.ones_along_columns(rows, cv.AttentionConfig())[0, 0])  # 0 2 1 3 in turn
    tensor([[2., 1., 2., 0.],
            [1., 3., 2., 2.]])
    """
    grid = patch_grid_of(fused_rows, config)
    turned = _column_by_column(fused_rows, grid)
    return _column_by_column(ones_along_rows(turned, config), grid[::-1])


def fusion_after_softmax(
    fused_scores: Scores, valid: Bool[Tensor, "m L"], config: AttentionConfig
) -> Scores:
    """In place of `attention`: a softmax, then fusion of the shares. Scores are to come unfused.

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
    queries = fused_scores.shape[1], fused_scores.shape[2]
    patches = patch_grid_of(fused_scores, config)
    shares = masked_softmax(fused_scores, valid, config)
    for order in ("rows", "columns"):
        shares = fuse(shares, queries, patches, order, config)
    shares = shares * valid[:, None, None]
    return shares / shares.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(shares.dtype).tiny)


def patch_grid_of(scores: Tensor, config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of patches: a table of scores tells only their product."""
    rows, columns = (math.ceil(side / config.stride) for side in scores.shape[1:3])
    if rows * columns != scores.shape[3]:
        expected = f"the size of f, which has {rows}×{columns} patches"
        raise InputError("b", expected, f"one of {scores.shape[3]} patches")
    return rows, columns


def _column_by_column(scores: Tensor, patches: tuple[int, int]) -> Tensor:
    """Queries and patches counted column by column, (n, w, h, gw·gh)."""
    return scores.unflatten(-1, patches).permute(0, 2, 1, 4, 3).flatten(-2)
