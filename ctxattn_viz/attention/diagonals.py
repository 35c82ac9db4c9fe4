"""Contextual attention for many channels: sums along diagonals instead of long vectors.

Patches overlap, so the inner product of two patches is a sum of products of single cells along a
diagonal: ⟨patch(p), patch(q)⟩ = Σ_t ⟨f(p + t), b(q + t)⟩. With c channels the products of cells
take c multiplications a pair where patches take ksize²·c; the sums cost the same whatever c is.
Fusion is sums along diagonals already. And pasting overlapping patches is one more: a paste patch
is 2×2 blocks of rate×rate pixels, so block P of the output is Σ_q' a'(P, q')·block(q') with
a'(P, q') = Σ_δ a(P − δ, q' − δ), a quarter of the multiplications.

So all the work on the score matrix is

    cell products → taps → / norm → fuse along rows → along columns → softmax → blocks → mixture

done here for one tile of query cells at a time, with the cells around it that the sums read. Every
sum is a list of shifted additions of one array to another; backward adds the other way.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import AttentionConfig
from ..progress import with_progress_bar
from ..stages.fused_softmax import Grid
from ..stages.patch_extraction import same_padding
from .contexts import first_derivative_only
from .tiles import Plan, Sum, Tile, view_of


def diagonal_attention(
    f_cells: Float[Tensor, "hw c"],
    b_cells: Float[Tensor, "hbwb c"],
    norms: Float[Tensor, "L"],
    b_blocks: Float[Tensor, "B E"],
    valid: Bool[Tensor, "L"],
    plan: Plan,
    config: AttentionConfig,
    find_best: bool = False,
) -> tuple[Float[Tensor, "P E"], Float[Tensor, "hw"], Int[Tensor, "hw"]]:
    """The output of one sample in blocks of rate×rate pixels, not yet divided by the overlap.

    Args:
        f_cells, b_cells: the shrunk maps, a cell a row.
        norms: of the background patches.
        b_blocks: b cut as `cut_blocks` does.
        valid: True where a background patch may be used.
        plan: what `plan` made of the wanted query cells.
        find_best: also the log-sum-exp and best patch of each query (else zeros).

    Returns:
        `((h + 1)·(w + 1), c·rate²)`, differentiable; log-sum-exp and best patch, which are not.
    """
    return _DiagonalAttention.apply(
        f_cells, b_cells, 1 / norms, b_blocks, valid, plan, config, find_best
    )


class _DiagonalAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        f: Tensor,
        b: Tensor,
        inverse: Tensor,
        blocks: Tensor,
        valid: Tensor,
        plan: Plan,
        config: AttentionConfig,
        find_best: bool,
    ) -> Any:
        buffers = _Buffers(f, plan, 2)
        out = blocks.new_zeros((plan.grid[0] + 1) * (plan.grid[1] + 1), blocks.shape[1])
        lse, best = f.new_zeros(len(f)), torch.zeros(len(f), dtype=torch.int64, device=f.device)
        for tile in with_progress_bar(plan.tiles, "attention"):
            scores = _normed_scores(tile, f, b, inverse, plan.b_grid, config, buffers)
            logits, attention = _attention(tile, scores, valid, config, buffers)
            if find_best:
                cells = tile.cells.to(f.device, non_blocking=True)
                lse[cells] = logits.values.logsumexp(dim=1)
                best[cells] = attention.values.argmax(dim=1)
            mixture = _chain(tile.pastes, attention, buffers).rows @ blocks
            out.index_add_(0, tile.blocks.to(f.device, non_blocking=True), mixture)
        ctx.save_for_backward(f, b, inverse, blocks, valid)
        ctx.plan, ctx.config = plan, config
        ctx.mark_non_differentiable(lse, best)
        ctx.set_materialize_grads(False)
        return out, lse, best

    @staticmethod
    @first_derivative_only
    def backward(ctx: Any, d_out: Tensor | None, *rest: Any) -> Any:
        f, b, inverse, blocks, valid = ctx.saved_tensors
        if d_out is None:
            return (None,) * 8
        plan, config, buffers = ctx.plan, ctx.config, _Buffers(f, ctx.plan, 4)
        df, db, d_inverse, d_blocks = map(torch.zeros_like, (f, b, inverse, blocks))
        for tile in with_progress_bar(plan.tiles, "attention, backward"):
            # Forward again, up to the attention spread over blocks.
            scores = _normed_scores(tile, f, b, inverse, plan.b_grid, config, buffers)
            _, a = _attention(tile, scores, valid, config, buffers, scores)
            pasted = _chain(tile.pastes, a, buffers, a, scores)
            d_mixture = d_out.index_select(0, tile.blocks.to(f.device, non_blocking=True))
            d_blocks.addmm_(pasted.rows.mT, d_mixture)

            torch.mm(d_mixture, blocks.mT, out=pasted.rows)  # now its gradient
            d_a = _chain_back(tile.pastes, pasted, buffers, a, scores)
            d_fused = buffers.free(tuple(a.values.shape), d_a, a, scores)
            torch.mul(a.values, d_a.rows, out=d_fused.values)
            d_fused.values.addcmul_(
                a.values, d_fused.values.sum(dim=1, keepdim=True), value=-1
            ).mul_(config.softmax_scale)
            d_normed = _chain_back(tile.fuses, d_fused, buffers, scores)
            product = buffers.free(tuple(d_normed.rows.shape), d_normed, scores)
            torch.mul(d_normed.rows, scores.rows, out=product.values)
            d_inverse += product.values.sum(dim=0) / inverse
            d_normed.rows.mul_(inverse)  # now of the scores not yet normed
            d_scores = _unstrided(d_normed, plan.b_grid, config, buffers)
            d_products = _chain_back(tile.taps, d_scores, buffers)
            reads = tile.reads.to(f.device, non_blocking=True)
            df.index_add_(0, reads, d_products.rows @ b)
            db.addmm_(d_products.rows.mT, f.index_select(0, reads))
        return df, db, d_inverse, d_blocks, *[None] * 4


class _Array(NamedTuple):
    """Numbers, and the buffer that they lie in."""

    values: Tensor
    buffer: Tensor

    @property
    def rows(self) -> Tensor:
        """Them with one row a query cell."""
        return self.values.flatten(1)


class _Buffers:
    """A few arrays large enough for any step of any tile, used over and over."""

    def __init__(self, like: Tensor, plan: Plan, count: int) -> None:
        rows = max((tile.rows for tile in plan.tiles), default=0)
        numbers = rows * (plan.b_grid[0] + 1) * (plan.b_grid[1] + 1)
        self.buffers = [like.new_empty(numbers) for _ in range(count)]

    def free(self, shape: tuple[int, ...], *in_use: _Array) -> _Array:
        """Room for numbers of a shape where none of `in_use` lies."""
        buffer = next(x for x in self.buffers if all(x is not y.buffer for y in in_use))
        return _Array(view_of(buffer, shape), buffer)


def _chain(sums: list[Sum], x: _Array, buffers: _Buffers, *in_use: _Array) -> _Array:
    for each in sums:
        to = buffers.free(each.to, x, *in_use)
        x = to._replace(values=each.add(x.values, to.buffer))
    return x


def _chain_back(sums: list[Sum], d: _Array, buffers: _Buffers, *in_use: _Array) -> _Array:
    for each in reversed(sums):
        source = buffers.free(each.source, d, *in_use)
        d = source._replace(values=each.spread(d.values, source.buffer))
    return d


def _normed_scores(
    tile: Tile,
    f: Tensor,
    b: Tensor,
    inverse: Tensor,
    b_grid: Grid,
    config: AttentionConfig,
    buffers: _Buffers,
) -> _Array:
    """Products of cells, summed over the taps of two patches, over the norm of the second."""
    q = f.index_select(0, tile.reads.to(f.device, non_blocking=True))
    products = buffers.free((len(q), *b_grid))
    torch.mm(q, b.mT, out=products.values.view(len(q), -1))
    scores = _chain(tile.taps, products, buffers)
    s = config.stride
    if s == 1:
        scores.values.mul_(inverse.view(b_grid))
        return scores
    strided = scores.values[:, ::s, ::s]
    normed = buffers.free(tuple(strided.shape), scores)
    torch.mul(strided, inverse.view(strided.shape[1:]), out=normed.values)
    return normed


def _unstrided(d: _Array, b_grid: Grid, config: AttentionConfig, buffers: _Buffers) -> _Array:
    """The gradient of the scores of all cells of b from that of every stride-th."""
    s = config.stride
    if s == 1:
        return d
    full = buffers.free((len(d.values), *b_grid), d)
    full.values.zero_()
    full.values[:, ::s, ::s] = d.values.view(full.values[:, ::s, ::s].shape)
    return full


def _attention(
    tile: Tile,
    scores: _Array,
    valid: Tensor,
    config: AttentionConfig,
    buffers: _Buffers,
    *in_use: _Array,
) -> tuple[_Array, _Array]:
    """What the masked softmax sees, `(rows, L)`, and what it makes of it."""
    sums = _chain(tile.fuses, scores, buffers, *in_use)
    fused = sums.rows
    logits = buffers.free(tuple(fused.shape), sums, *in_use)
    attention = buffers.free(tuple(fused.shape), logits, *in_use)
    if config.masked == "zero":
        torch.mul(fused, valid.to(fused.dtype) * config.softmax_scale, out=logits.values)
        torch.softmax(logits.values, dim=1, out=attention.values)
        attention.values.mul_(valid)
        return logits, attention
    torch.mul(fused, config.softmax_scale, out=logits.values)
    logits.values.masked_fill_(~valid, -torch.inf)
    torch.softmax(logits.values, dim=1, out=attention.values)
    return logits, attention


def cut_blocks(b: Float[Tensor, "n c Hb Wb"], rate: int) -> Float[Tensor, "n B E"]:
    """b as blocks of rate×rate pixels, so placed that a paste patch is 2×2 of them.

    Returns:
        `(n, (hb + 1)·(wb + 1), c·rate²)`, zeros outside b.
    """
    before, after = same_padding(2 * rate, rate)
    padded = F.pad(b, (before, after, before, after))
    return F.pixel_unshuffle(padded, rate).flatten(2).mT


def join_blocks(blocks: Float[Tensor, "n P E"], grid: Grid, rate: int) -> Float[Tensor, "n c H W"]:
    """What `cut_blocks` did, undone."""
    before, _ = same_padding(2 * rate, rate)
    canvas = F.pixel_shuffle(blocks.mT.unflatten(2, (grid[0] + 1, grid[1] + 1)), rate)
    h, w = grid[0] * rate, grid[1] * rate
    return canvas[:, :, before : before + h, before : before + w]
