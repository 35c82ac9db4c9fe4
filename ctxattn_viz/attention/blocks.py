"""softmax(Q·Kᵀ)·V with a mask, for some queries at a time: what `vectors` leaves to do.

Masked keys are left out where that is cheap to know, which saves work. With `masked="zero"` each
adds exp(0) to the denominator, which one more key of logit log(how many) says as well.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import AttentionConfig
from ..devices import may_count, recording
from ..progress import with_progress_bar
from .contexts import differentiable_once, first_derivative_only
from .vectors import Group

# Numbers in a block of scores: 16 MB of float32 on a CPU on_grid in its last cache, and lets each
# step be long enough to be worth dividing among cores. A GPU wants more work at a time.
BLOCK_SIZE = {"cpu": 4_000_000}
BLOCK_SIZE_ELSEWHERE = 64_000_000
FEWEST_ROWS = 16

# Pairs of query and key in one call of PyTorch's own: a fraction of a second.
PAIRS = {"cpu": 100_000_000}
PAIRS_ELSEWHERE = 20_000_000_000


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
    if not may_count(valid):
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
    length = math.ceil(max(k.shape[1], v.shape[1]) / 8) * 8
    q4, k4, v4 = (F.pad(x, (0, length - x.shape[1]))[None, None] for x in (q, k, v))
    rows = max(PAIRS.get(q.device.type, PAIRS_ELSEWHERE) // len(k), 1)
    parts = q4.split(rows, dim=2)
    mixed = [
        F.scaled_dot_product_attention(part, k4, v4, scale=1.0)
        for part in (parts if recording() else with_progress_bar(parts, "attention"))
    ]
    y = torch.cat(mixed, dim=2)[0, 0, :, : v.shape[1]]
    return y if recording() else differentiable_once(y)


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
    if recording():
        return _plain_attention_in_blocks(q, k, v, usable)
    return _AttentionInBlocks.apply(q, k, v, usable)


def _plain_attention_in_blocks(q: Tensor, k: Tensor, v: Tensor, usable: Tensor) -> Any:
    """`attention_in_blocks` in operations that a recorder can keep and PyTorch differentiates."""
    parts = []
    for some in q.split(_rows_of_a_block(q, k)):
        logits = some @ k.mT
        attention = logits.softmax(dim=1)
        share, key = (attention.detach() * usable).max(dim=1)
        lse = logits.detach().logsumexp(dim=1)
        parts.append((attention @ v, lse, torch.where(share > 0, key, -1)))
    return tuple(map(torch.cat, zip(*parts, strict=True)))


class _AttentionInBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, usable: Tensor) -> Any:
        out, lse = q.new_empty(len(q), v.shape[1]), q.new_empty(len(q))
        best = torch.empty(len(q), dtype=torch.int64, device=q.device)
        blocks, buffer = _blocks(q, k)
        for rows in with_progress_bar(blocks, "attention"):
            logits = buffer[: len(q[rows]) * len(k)].view(-1, len(k))
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
        blocks, buffer = _blocks(q, k)
        d_buffer = torch.empty_like(buffer)
        for rows in with_progress_bar(blocks, "attention, backward"):
            logits, d_a = (x[: len(q[rows]) * len(k)].view(-1, len(k)) for x in (buffer, d_buffer))
            torch.mm(q[rows], k.mT, out=logits)
            a = torch.softmax(logits, dim=1, out=logits)
            dv.addmm_(a.mT, d_out[rows])
            torch.mm(d_out[rows], v.mT, out=d_a)
            d_logits = d_a.sub_(mean[rows]).mul_(a)
            torch.mm(d_logits, k, out=dq[rows])
            dk.addmm_(d_logits.mT, q[rows])
        return dq, dk, dv, None


def _blocks(q: Tensor, k: Tensor) -> tuple[list[slice], Tensor]:
    """The queries in blocks of about `block_size` scores; a buffer for those of one."""
    rows = _rows_of_a_block(q, k)
    blocks = [slice(first, first + rows) for first in range(0, len(q), rows)]
    return blocks, q.new_empty(rows * len(k))


def block_size(device: torch.device) -> int:
    """About how many numbers a block of scores has."""
    return BLOCK_SIZE.get(device.type, BLOCK_SIZE_ELSEWHERE)


def _rows_of_a_block(q: Tensor, k: Tensor) -> int:
    return min(max(block_size(q.device) // len(k), FEWEST_ROWS), len(q))


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
    back = torch.cat([cells for cells, _, _ in groups]).argsort()
    back = back.to(valid.device, non_blocking=True)
    mixed, lse, best = (torch.cat(part)[back] for part in zip(*parts, strict=True))
    if config.masked == "minus_infinity" and not may_count(valid):
        mixed = mixed * torch.where(valid.any(), 1.0, torch.nan).to(mixed.dtype)
        lse = torch.where(valid.any(), lse, -torch.inf)
    return mixed, lse, best
