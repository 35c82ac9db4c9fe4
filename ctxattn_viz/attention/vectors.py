"""Contextual attention as what it is: scaled dot-product attention of longer vectors.

A score is one inner product, ⟨patch(p), unit patch(q)⟩, and fusion sums such products along moves
(a, b) of p and q: first b places along the column-major order of the grid, then a places along
the row-major one. A sum of inner products is the inner product of the concatenated vectors:

    fused(p, q) = ⟨Q(p), K(q)⟩,  Q(p) = all patch(p moved by (a, b)),  K(q) likewise, 0 off the end

which for three channels are 9·27 = 243 numbers. Away from the border no move of p wraps, so its
nine patches overlap inside one 5×5 window: 75 numbers say the same, once the nine unit patches of
q (wrapped or not) are added up tap by tap. Only the border's queries need the long form.

What remains is softmax(Q·Kᵀ)·V, which `blocks` computes.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import AttentionConfig
from ..devices import recording
from ..stages.fused_softmax import Grid, neighbours
from ..stages.matching_scores import lifted, normed_patches
from ..stages.patch_extraction import matching_patches, patch_grid, query_patches


def moves(config: AttentionConfig) -> list[tuple[int, int]]:
    """The (a, b) over which fusion sums: a places along rows, b along columns."""
    reach = config.fuse_k // 2 if config.fuse else 0
    return [(a, b) for b in range(-reach, reach + 1) for a in range(-reach, reach + 1)]


def destinations(
    grid: Grid, step: int, config: AttentionConfig, device: torch.device
) -> tuple[Int[Tensor, "M Q"], Bool[Tensor, "M Q"]]:
    """Where each move of `step` places takes every cell of a grid, and whether it stays on it.

    First along the columns, then along the rows: the passes run the other way round, but what the
    last one reads is where the first one starts from.
    """
    # What a recorder makes is of use in that recording alone.
    compute = _destinations if recording() else _kept_destinations
    return compute(grid, step, config, device)


def _destinations(
    grid: Grid, step: int, config: AttentionConfig, device: torch.device
) -> tuple[Tensor, Tensor]:
    count, reach = math.prod(grid), config.fuse_k // 2 if config.fuse else 0
    shifts = step * torch.arange(-reach, reach + 1, device=device)
    b, a = torch.cartesian_prod(shifts, shifts).repeat_interleave(count, dim=0).unbind(1)
    cells = torch.arange(count, device=device).repeat(len(shifts) ** 2)
    between, on_column = neighbours(cells, b, grid, "columns")
    place, on_row = neighbours(between, a, grid, "rows")
    return place.view(-1, count), (on_column & on_row).view(-1, count)


# What is made in inference mode could not be used where there are gradients.
_kept_destinations = lru_cache(maxsize=8)(torch.inference_mode(False)(_destinations))


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
    return torch.from_numpy(_away_from_border(grid, config))


def _away_from_border(grid: Grid, config: AttentionConfig) -> np.ndarray:
    h, w = grid
    inside = np.zeros(grid, dtype=bool)
    if window(config) ** 2 <= long_length(1, config):
        reach = (window(config) - config.ksize) // 2
        inside[reach : h - reach, reach : w - reach] = True
    return inside.flatten()


def inner_and_border(h: int, w: int, config: AttentionConfig) -> tuple[Tensor, Tensor]:
    """The flat cells of a grid that are `away_from_border`, and the others; on the CPU."""
    inside = _away_from_border((h, w), config)
    inner, border = np.flatnonzero(inside), np.flatnonzero(~inside)
    return torch.from_numpy(inner), torch.from_numpy(border)


# `torch._dynamo.assume_constant_result`, but that PyTorch's compiler is not imported here: what is
# made of sizes alone is no part of a recording.
vars(inner_and_border).update(_dynamo_marked_constant=True)


def window_queries(
    f_small: Float[Tensor, "1 c h w"], cells: Int[Tensor, "Q"], config: AttentionConfig
) -> Float[Tensor, "Q D"]:
    """Queries away from the border: the window of f around each."""
    return query_patches(lifted(f_small), config.replace(ksize=window(config)), cells)[0].flatten(1)


def window_keys(
    b_small: Float[Tensor, "1 c hb wb"], config: AttentionConfig
) -> Float[Tensor, "L D"]:
    """Keys for them: the unit patches of all moves, each added where its taps are in the window."""
    unit, there, on_grid = _unit_patches(b_small, config)
    if len(there) == 1:
        return unit.flatten(1)
    k, s = config.ksize, config.stride
    keys = unit.new_zeros(*unit.shape[:2], window(config), window(config))  # (L, c, side, side)
    for i, move in enumerate(moves(config)):
        left, top = ((d + config.fuse_k // 2) * s for d in move)
        part = torch.where(on_grid[i, :, None, None, None], unit.index_select(0, there[i]), 0)
        keys[:, :, top : top + k, left : left + k] += part
    return keys.flatten(1)


def long_queries(
    f_small: Float[Tensor, "1 c h w"], cells: Int[Tensor, "Q"], config: AttentionConfig
) -> Float[Tensor, "Q D"]:
    """Queries anywhere: the patches of all moves, one after the other."""
    there, on_grid = destinations(
        (f_small.shape[2], f_small.shape[3]), config.stride, config, f_small.device
    )
    patches = query_patches(lifted(f_small), config, there[:, cells].flatten())[0].flatten(1)
    return _one_after_the_other(patches, on_grid[:, cells])


def long_keys(b_small: Float[Tensor, "1 c hb wb"], config: AttentionConfig) -> Float[Tensor, "L D"]:
    """Keys for them: the unit patches of all moves, one after the other."""
    unit, there, on_grid = _unit_patches(b_small, config)
    return _one_after_the_other(unit.flatten(1).index_select(0, there.flatten()), on_grid)


def _one_after_the_other(patches: Tensor, on_grid: Tensor) -> Tensor:
    """`(M·Q, D)` patches, move by move, as `(Q, M·D)` vectors; zeros off the end."""
    parts = patches.unflatten(0, on_grid.shape).masked_fill_(~on_grid[:, :, None], 0)
    return parts.transpose(0, 1).flatten(1)


def _unit_patches(b_small: Tensor, config: AttentionConfig) -> tuple[Tensor, Tensor, Tensor]:
    """The unit patches `(L, c, k, k)`, and where each move leads."""
    patches = patch_grid((b_small.shape[2], b_small.shape[3]), config)
    unit = normed_patches(matching_patches(b_small, config), config)[0]
    return unit, *destinations(patches, 1, config, b_small.device)


Group = tuple[Tensor, Tensor, Tensor]
"""Some queries: their places among the cells `(Q,)`, their vectors `(Q, D)`, the keys `(L, D)`."""


def queries_and_keys(
    f_small: Float[Tensor, "1 c h w"],
    b_small: Float[Tensor, "1 c hb wb"],
    cells: Int[Tensor, "Q"] | None,
    config: AttentionConfig,
) -> list[Group]:
    """The fused scores of one sample as inner products, for the query cells named.

    Args:
        cells: flat query cells, sorted; on the CPU, so that a GPU need not be waited for.

    Returns:
        the queries away from the border and their keys, then the rest and theirs.
    """
    grid = (f_small.shape[2], f_small.shape[3])
    inner, border = inner_and_border(*grid, config)
    groups = []
    for every, queries, keys in (
        (inner, window_queries, window_keys),
        (border, long_queries, long_keys),
    ):
        some = every if cells is None else every[torch.isin(every, cells)]
        if len(some):
            there = some.to(f_small.device, non_blocking=True)
            groups.append((some, queries(f_small, there, config), keys(b_small, config)))
    return groups
