"""Attention propagation, then the masked softmax.

Fusion rewards matches that continue: where cell p matches patch q and p's neighbour matches
q's neighbour, both scores rise. It sums the score matrix along its diagonals, twice: once with
the two grids flattened row by row (neighbours to the left and right), once column by column
(above and below). The original does this as a convolution with an identity matrix between two
transposes. Flattened, the end of a row touches the start of the next: the diagonals wrap there.

Original: `fuse_weight = tf.reshape(tf.eye(fuse_k), …)`, the two `tf.nn.conv2d(yi, fuse_weight)`,
and `yi *= mm; yi = tf.nn.softmax(yi*scale, 3); yi *= mm`. Paper: "attention propagation".
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import AttentionConfig

Grid = tuple[int, int]


def neighbours(
    queries: Int[Tensor, "Q"], shift: int | Int[Tensor, "Q"], grid: Grid, order: str
) -> tuple[Int[Tensor, "Q"], Bool[Tensor, "Q"]]:
    """The cell `shift` places after each query, and whether there is one.

    Args:
        queries: flat row-major cells (of the query grid, or of the patch grid).
        shift: places along the flattened order, negative for before; one for all, or for each.
        grid: rows and columns of the grid the cells belong to.
        order: `"rows"` (row-major) or `"columns"` (column-major).

    Returns:
        flat row-major cells (0 where there is none), and True where there is one.
    """
    height, width = grid
    place = queries if order == "rows" else queries % width * height + queries // width
    moved = place + shift
    inside = (moved >= 0) & (moved < height * width)
    moved = torch.where(inside, moved, 0)
    return (moved if order == "rows" else moved % height * width + moved // height), inside


def rows_needed(
    queries: Int[Tensor, "Q"], grid: Grid, order: str, config: AttentionConfig
) -> Int[Tensor, "R"]:
    """The query cells whose rows one fusion pass reads to make the rows of `queries`; sorted."""
    if not config.fuse:
        return queries.unique()
    reads = [neighbours(queries, config.stride * d, grid, order) for d in _diagonal(config)]
    return torch.cat([cells[inside] for cells, inside in reads]).unique()


def fuse(
    scores: Float[Tensor, "n *cells L"],
    grid: Grid,
    patches: Grid,
    order: str,
    config: AttentionConfig,
    queries: Int[Tensor, "Q"] | None = None,
    rows: Int[Tensor, "R"] | None = None,
) -> Float[Tensor, "n *cells2 L"]:
    """One fusion pass: fused(p, q) = Σ_d scores(p + stride·d, q + d), d = −fuse_k//2 … fuse_k//2.

    p and q move along the flattened `order` of their grids; terms off either end are 0. With a
    stride, one place among the patches is `stride` places in f.

    Args:
        scores: `(n, h, w, L)`, or `(n, R, L)` for the cells named by `rows`.
        grid: the query grid (h, w).
        patches: the grid of background patches (gh, gw), with L = gh·gw.
        order: `"rows"` or `"columns"`.
        queries: flat cells to make; all of `scores` when None. Needs the rows that
            `rows_needed` names.
        rows: flat cells that `scores` holds, sorted; all when None.

    Returns:
        the shape of `scores`, or `(n, Q, L)` when `queries` are named.

    >>> from ctxattn_viz.stages.fused_softmax import fuse
    >>> scores = torch.eye(3).reshape(1, 1, 3, 3)  # a row of three cells, each like itself
    >>> print(fuse(scores, (1, 3), (1, 3), "rows", cv.AttentionConfig())[0, 0])
    tensor([[2., 0., 0.],
            [0., 3., 0.],
            [0., 0., 2.]])
    """
    if not config.fuse and queries is None:
        return scores
    flat = scores.flatten(1, -2)  # (n, R, L)
    wanted = queries
    if wanted is None:
        wanted = torch.arange(flat.shape[1], device=scores.device) if rows is None else rows
    every = torch.arange(flat.shape[2], device=scores.device)
    fused: Tensor | None = None
    # (Where shapes alone are wanted, any one place tells them.)
    for d in _diagonal(config) if config.fuse and not scores.is_meta else [0]:
        p, p_inside = neighbours(wanted, config.stride * d, grid, order)
        q, q_inside = neighbours(every, d, patches, order)
        # Filled, not multiplied: a NaN in a row that is not meant would survive times 0.
        row = p if rows is None else _place(p, rows)
        term = flat[:, row[:, None], q].masked_fill_(~(p_inside[:, None] & q_inside), 0)
        fused = term if fused is None else fused.add_(term)
        del term  # before the next one is made: these are the largest things there are
    assert fused is not None  # the diagonal has at least one place
    return fused.reshape(scores.shape) if queries is None else fused


def masked_softmax(
    fused_scores: Float[Tensor, "n *cells L"],
    valid: Bool[Tensor, "m L"],
    config: AttentionConfig,
) -> Float[Tensor, "n *cells L"]:
    """The share of each background patch in each query: softmax(softmax_scale · fused).

    With `masked="zero"` invalid scores are multiplied by 0 first, so each still adds exp(0) = 1
    to the denominator, and by 0 again after. With `"minus_infinity"` they add nothing; a row
    with no valid patch at all is then NaN, and so is its gradient.

    Args:
        valid: True where a background patch may be used; m is 1 or n.

    Returns:
        the shape of `fused_scores`, from 0 to 1; rows sum to 1 or (with `"zero"`) less.

    >>> from ctxattn_viz.stages.fused_softmax import masked_softmax
    >>> scores = torch.zeros(1, 1, 1, 4)
    >>> valid = torch.tensor([[True, True, True, False]])
    >>> masked_softmax(scores, valid, cv.AttentionConfig())  # the invalid one takes a share along
    tensor([[[[0.2500, 0.2500, 0.2500, 0.0000]]]])
    >>> masked_softmax(scores, valid, cv.AttentionConfig(masked="minus_infinity"))
    tensor([[[[0.3333, 0.3333, 0.3333, 0.0000]]]])
    """
    return torch.softmax(logits(fused_scores, valid, config), dim=-1) * (
        _beside(valid, fused_scores) if config.masked == "zero" else 1
    )


def logits(
    fused_scores: Float[Tensor, "n *cells L"],
    valid: Bool[Tensor, "m L"],
    config: AttentionConfig,
) -> Float[Tensor, "n *cells L"]:
    """What the softmax exponentiates: softmax_scale · fused, with the masked entries replaced.

    Where no patch is valid and nothing may be added, that is NaN: so the gradient is too.
    """
    keep = _beside(valid, fused_scores)
    if config.masked == "zero":
        return fused_scores * keep * config.softmax_scale
    none = ~keep.any(dim=-1, keepdim=True)
    scale = fused_scores.new_full(none.shape, config.softmax_scale).masked_fill(none, torch.nan)
    return (fused_scores * scale).masked_fill(~(keep | none), -torch.inf)


def _diagonal(config: AttentionConfig) -> range:
    return range(-(config.fuse_k // 2), config.fuse_k // 2 + 1)


def _place(cells: Tensor, rows: Tensor) -> Tensor:
    """Where cells stand among the sorted `rows`; anywhere for those that are not there."""
    return torch.searchsorted(rows, cells).clamp(max=len(rows) - 1)


def _beside(valid: Tensor, scores: Tensor) -> Tensor:
    return valid.reshape(valid.shape[0], *[1] * (scores.ndim - 2), valid.shape[1])
