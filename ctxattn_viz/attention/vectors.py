"""Contextual attention as what it is: scaled dot-product attention of longer vectors.

A score is one inner product, ⟨patch(p), unit patch(q)⟩, and fusion sums such products along moves
(a, b) of p and q: first b places along the column-major order of the grid, then a places along
the row-major one. A sum of inner products is the inner product of the concatenated vectors:

    fused(p, q) = ⟨Q(p), K(q)⟩,  Q(p) = all patch(p moved by (a, b)),  K(q) likewise, 0 off the end

which for three channels are 9·27 = 243 numbers. Away from the border no move of p wraps, so its
nine patches overlap inside one 5×5 window: 75 numbers say the same, once the nine unit patches of
q (wrapped or not) are added up tap by tap. Only the border's queries need the long form.

What remains is softmax(Q·Kᵀ)·V, computed here for a block of queries at a time. Masked keys are
left out, which saves work: with `masked="zero"` each adds exp(0) to the denominator, which one more
key of logit log(how many) says as well.
"""

import math
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import AttentionConfig
from ..progress import shown
from ..stages.fused_softmax import Grid, neighbours
from ..stages.matching_scores import lifted, normed_patches
from ..stages.patch_extraction import matching_patches, patch_grid, query_patches
from .contexts import differentiable_once, first_derivative_only

# Numbers in a block of scores: 16 MB of float32 on a CPU stays in its last cache, and lets each
# step be long enough to be worth dividing among cores. A GPU wants more work at a time.
ROOM = {"cpu": 4_000_000}
ROOM_ELSEWHERE = 64_000_000
FEWEST_ROWS = 16

# Pairs of query and key in one call of PyTorch's own: a fraction of a second.
PAIRS = {"cpu": 100_000_000}
PAIRS_ELSEWHERE = 20_000_000_000

# Where counting the masked keys, so as to leave them out, makes nobody wait.
COUNTS = ("cpu",)


def moves(config: AttentionConfig) -> list[tuple[int, int]]:
    """The (a, b) over which fusion sums: a places along rows, b along columns."""
    reach = config.fuse_k // 2 if config.fuse else 0
    return [(a, b) for b in range(-reach, reach + 1) for a in range(-reach, reach + 1)]


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # or what is kept could not be used where there are gradients
def moved(
    grid: Grid, step: int, config: AttentionConfig, device: torch.device
) -> tuple[Int[Tensor, "M Q"], Bool[Tensor, "M Q"]]:
    """Where every cell of a grid comes by each move of `step` places, and whether it stays on it.

    First along the columns, then along the rows: the passes run the other way round, but what the
    last one reads is where the first one starts from.
    """
    cells = torch.arange(grid[0] * grid[1], device=device)
    there, stays = [], []
    for a, b in moves(config):
        between, first = neighbours(cells, step * b, grid, "columns")
        place, second = neighbours(between, step * a, grid, "rows")
        there.append(place)
        stays.append(first & second)
    return torch.stack(there), torch.stack(stays)


def long_length(channels: int, config: AttentionConfig) -> int:
    """How long the vectors of a query at the border are."""
    return channels * (config.fuse_k if config.fuse else 1) ** 2 * config.ksize**2


def length(channels: int, config: AttentionConfig) -> int:
    """How long the vectors of a query away from the border are."""
    return min(channels * window(config) ** 2, long_length(channels, config))


def window(config: AttentionConfig) -> int:
    """Side of the window that the moved patches of a query away from the border fill."""
    return config.ksize + (config.stride * (config.fuse_k - 1) if config.fuse else 0)


def away_from_border(grid: Grid, config: AttentionConfig) -> Bool[Tensor, "hw"]:
    """The queries none of whose moves wraps; none at all where the window would not be shorter."""
    h, w = grid
    if window(config) ** 2 > long_length(1, config):
        return torch.zeros(h * w, dtype=torch.bool, device="cpu")
    reach = (window(config) - config.ksize) // 2
    inside = torch.zeros(h, w, dtype=torch.bool, device="cpu")
    inside[reach : h - reach, reach : w - reach] = True
    return inside.flatten()


def window_queries(
    f_small: Float[Tensor, "1 c h w"], cells: Int[Tensor, "Q"], config: AttentionConfig
) -> Float[Tensor, "Q D"]:
    """Queries away from the border: the window of f around each."""
    return query_patches(lifted(f_small), config.replace(ksize=window(config)), cells)[0].flatten(1)


def window_keys(
    b_small: Float[Tensor, "1 c hb wb"], config: AttentionConfig
) -> Float[Tensor, "L D"]:
    """Keys for them: the unit patches of all moves, each added where its taps are in the window."""
    unit, there, stays = _unit_patches(b_small, config)
    if len(there) == 1:
        return unit.flatten(1)
    k, s = config.ksize, config.stride
    keys = unit.new_zeros(*unit.shape[:2], window(config), window(config))  # (L, c, side, side)
    for i, move in enumerate(moves(config)):
        left, top = ((d + config.fuse_k // 2) * s for d in move)
        part = torch.where(stays[i, :, None, None, None], unit.index_select(0, there[i]), 0)
        keys[:, :, top : top + k, left : left + k] += part
    return keys.flatten(1)


def long_queries(
    f_small: Float[Tensor, "1 c h w"], cells: Int[Tensor, "Q"], config: AttentionConfig
) -> Float[Tensor, "Q D"]:
    """Queries anywhere: the patches of all moves, one after the other."""
    there, stays = moved(
        (f_small.shape[2], f_small.shape[3]), config.stride, config, f_small.device
    )
    patches = query_patches(lifted(f_small), config, there[:, cells].flatten())[0].flatten(1)
    return _one_after_the_other(patches, stays[:, cells])


def long_keys(b_small: Float[Tensor, "1 c hb wb"], config: AttentionConfig) -> Float[Tensor, "L D"]:
    """Keys for them: the unit patches of all moves, one after the other."""
    unit, there, stays = _unit_patches(b_small, config)
    return _one_after_the_other(unit.flatten(1).index_select(0, there.flatten()), stays)


def _one_after_the_other(patches: Tensor, stays: Tensor) -> Tensor:
    """`(M·Q, D)` patches, move by move, as `(Q, M·D)` vectors; zeros off the end."""
    parts = patches.unflatten(0, stays.shape).masked_fill_(~stays[:, :, None], 0)
    return parts.transpose(0, 1).flatten(1)


def _unit_patches(b_small: Tensor, config: AttentionConfig) -> tuple[Tensor, Tensor, Tensor]:
    """The unit patches `(L, c, k, k)`, and where each move leads."""
    patches = patch_grid((b_small.shape[2], b_small.shape[3]), config)
    unit = normed_patches(matching_patches(b_small, config), config)[0]
    return unit, *moved(patches, 1, config, b_small.device)


Group = tuple[Tensor, Tensor, Tensor]
"""Some queries: their places among the cells `(Q,)`, their vectors `(Q, D)`, the keys `(L, D)`."""


def queries_and_keys(
    f_small: Float[Tensor, "1 c h w"],
    b_small: Float[Tensor, "1 c hb wb"],
    cells: Int[Tensor, "Q"],
    config: AttentionConfig,
) -> list[Group]:
    """The fused scores of one sample as inner products, for the query cells named.

    Args:
        cells: flat query cells; on the CPU, so that a GPU need not be waited for.

    Returns:
        the queries away from the border and their keys, then the rest and theirs.
    """
    grid = (f_small.shape[2], f_small.shape[3])
    inner = away_from_border(grid, config)[cells]
    groups = []
    for which, queries, keys in (
        (inner, window_queries, window_keys),
        (~inner, long_queries, long_keys),
    ):
        if len(here := which.nonzero()[:, 0]):
            some = cells[here].to(f_small.device, non_blocking=True)
            groups.append((here, queries(f_small, some, config), keys(b_small, config)))
    return groups


def masked_keys(
    q: Float[Tensor, "Q D"],
    k: Float[Tensor, "L D"],
    v: Float[Tensor, "L E"],
    valid: Bool[Tensor, "L"],
    config: AttentionConfig,
) -> tuple[Tensor, Tensor, Tensor, Int[Tensor, "M"]]:
    """Queries, keys and values, one number longer, whose plain softmax is the masked one.

    The queries' last number is 1, so the keys' is added to their logits. On a CPU masked keys are
    left out; with `masked="zero"`, where each still adds exp(0) = 1 to the denominator, one more
    key of logit log(how many) and value 0 stands for them. Elsewhere, where counting them would
    make everything wait, they stay: as zero vectors with value 0, or far below any other logit.

    Returns:
        `(Q, D + 1)`, `(M, D + 1)`, `(M, E)`, and which background patch each key is, −1 for none
        that may be used.
    """
    q = F.pad(q * config.softmax_scale, (0, 1), value=1.0)
    zero = config.masked == "zero"
    if valid.device.type not in COUNTS:
        if zero:
            k, v = (torch.where(valid[:, None], x, 0) for x in (k, v))
        far = 0.0 if zero else torch.finfo(k.dtype).min / 4
        below = k.new_zeros(len(k)).masked_fill_(~valid, far)
        every = torch.arange(len(k), device=k.device)
        return q, torch.cat((k, below[:, None]), dim=1), v, torch.where(valid, every, -1)
    kept = valid.nonzero()[:, 0]
    absent = len(valid) - len(kept) if zero else 0
    more = int(absent > 0)
    k = F.pad(k.index_select(0, kept), (0, 1, 0, more))
    v = F.pad(v.index_select(0, kept), (0, 0, 0, more))
    if absent:
        k[-1, -1] = math.log(absent)
    return q, k, v, F.pad(kept, (0, more), value=-1)


def attention_in_one_call(
    q: Float[Tensor, "Q D"], k: Float[Tensor, "M D"], v: Float[Tensor, "M E"]
) -> Float[Tensor, "Q E"]:
    """softmax(q·kᵀ)·v by PyTorch's `scaled_dot_product_attention`.

    Queries, keys and values are filled up with zeros to one length, a multiple of 8: then PyTorch
    has kernels, for CPU and GPU, that never hold the matrix. What takes long is asked for in parts,
    so that progress shows.
    """
    length = -(-max(k.shape[1], v.shape[1]) // 8) * 8
    q4, k4, v4 = (F.pad(x, (0, length - x.shape[1]))[None, None] for x in (q, k, v))
    rows = max(PAIRS.get(q.device.type, PAIRS_ELSEWHERE) // len(k), 1)
    mixed = [
        F.scaled_dot_product_attention(some, k4, v4, scale=1.0)
        for some in shown(q4.split(rows, dim=2), "attention")
    ]
    return differentiable_once(torch.cat(mixed, dim=2)[0, 0, :, : v.shape[1]])


def attention_in_blocks(
    q: Float[Tensor, "Q D"],
    k: Float[Tensor, "M D"],
    v: Float[Tensor, "M E"],
    usable: Bool[Tensor, "M"],
) -> tuple[Float[Tensor, "Q E"], Float[Tensor, "Q"], Int[Tensor, "Q"]]:
    """softmax(q·kᵀ)·v for some queries at a time; backward computes each block of scores again.

    Args:
        usable: which keys can be a query's best; the value of any other is 0.

    Returns:
        the mixture, differentiable; the log-sum-exp and the best key of each row (−1 where the
        attention to every usable key is 0 or NaN), which are not.
    """
    return _AttentionInBlocks.apply(q, k, v, usable)


class _AttentionInBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, usable: Tensor) -> Any:
        out, lse = q.new_empty(len(q), v.shape[1]), q.new_empty(len(q))
        best = torch.empty(len(q), dtype=torch.int64, device=q.device)
        blocks, room = _blocks(q, k)
        for rows in shown(blocks, "attention"):
            logits = room[: len(q[rows]) * len(k)].view(-1, len(k))
            torch.mm(q[rows], k.mT, out=logits)
            top = logits.amax(dim=1)
            a = torch.softmax(logits, dim=1, out=logits)
            lse[rows] = top - a.amax(dim=1).log()  # there the attention cannot have vanished
            share, key = a.mul_(usable).max(dim=1)
            best[rows] = torch.where(share > 0, key, -1)
            torch.mm(a, v, out=out[rows])
        ctx.save_for_backward(q, k, v, out)
        ctx.mark_non_differentiable(lse, best)
        ctx.set_materialize_grads(False)
        return out, lse, best

    @staticmethod
    @first_derivative_only
    def backward(ctx: Any, d_out: Tensor | None, *rest: Any) -> Any:
        q, k, v, out = ctx.saved_tensors
        if d_out is None:
            return (None,) * 4
        dq, dk, dv = map(torch.zeros_like, (q, k, v))
        d_out = d_out.contiguous()
        mean = (out * d_out).sum(dim=1, keepdim=True)  # Σ_q attention · d attention
        blocks, room = _blocks(q, k)
        d_room = torch.empty_like(room)
        for rows in shown(blocks, "attention, backward"):
            logits, d = (x[: len(q[rows]) * len(k)].view(-1, len(k)) for x in (room, d_room))
            torch.mm(q[rows], k.mT, out=logits)
            a = torch.softmax(logits, dim=1, out=logits)
            dv.addmm_(a.mT, d_out[rows])
            torch.mm(d_out[rows], v.mT, out=d)
            d.sub_(mean[rows]).mul_(a)  # of the logits
            torch.mm(d, k, out=dq[rows])
            dk.addmm_(d.mT, q[rows])
        return dq, dk, dv, None


def _blocks(q: Tensor, k: Tensor) -> tuple[list[slice], Tensor]:
    """The queries in blocks of which the scores have about `ROOM` numbers; that room."""
    room = ROOM.get(q.device.type, ROOM_ELSEWHERE)
    rows = min(max(room // len(k), FEWEST_ROWS), len(q))
    blocks = [slice(first, first + rows) for first in range(0, len(q), rows)]
    return blocks, q.new_empty(rows * len(k))


def fused_attention(
    groups: list[Group],
    values: Float[Tensor, "L E"],
    valid: Bool[Tensor, "L"],
    config: AttentionConfig,
    *,
    in_one_call: bool,
) -> tuple[Float[Tensor, "Q E"], Float[Tensor, "Q"], Int[Tensor, "Q"]]:
    """What every query pastes.

    Args:
        groups: what `queries_and_keys` made.
        values: what is mixed: the paste patches, flat.
        valid: True where a key may be used.
        in_one_call: leave each group to `attention_in_one_call`, which finds the mixture alone.

    Returns:
        the mixture, the log-sum-exp as the masked softmax sees it and the best patch (both zeros
        if `in_one_call`), in the order of the cells.
    """
    parts = []
    for _, queries, keys in groups:
        q, k, v, patch = masked_keys(queries, keys, values, valid, config)
        if not len(k):
            # NaN, and in backward too: the gradient of whatever would have been mixed.
            nothing = torch.nan * (queries.sum() + keys.sum() + values.sum())
            part = (
                nothing.expand(len(q), v.shape[1]),
                v.new_full((len(q),), -torch.inf),
                patch.new_zeros(len(q)),
            )
        elif in_one_call:
            part = attention_in_one_call(q, k, v), v.new_zeros(len(q)), patch.new_zeros(len(q))
        else:
            mixed, lse, best = attention_in_blocks(q, k, v, patch >= 0)
            part = mixed, lse, torch.where(best < 0, 0, patch[best])
        parts.append(part)
    back = torch.cat([here for here, _, _ in groups]).argsort()
    back = back.to(valid.device, non_blocking=True)
    mixed, lse, best = (torch.cat(part)[back] for part in zip(*parts, strict=True))
    if config.masked == "minus_infinity" and valid.device.type not in COUNTS:
        mixed = mixed * torch.where(valid.any(), 1.0, torch.nan).to(mixed.dtype)
        lse = torch.where(valid.any(), lse, -torch.inf)
    return mixed, lse, best
