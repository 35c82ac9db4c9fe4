"""Fusion passes made otherwise, for the table of exercise 4's mistakes."""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values, patch_grid, query_grid
from ..stages.fused_softmax import fuse
from .exercise import Run

Kernel = Callable[[int], Tensor]


def one_pass(x: Tensor, v: Values, config: AttentionConfig, order: str) -> Tensor:
    """One right pass over any scores."""
    return fuse(x, query_grid(v, config), patch_grid(v, config), order, config)


def fusion(rows: Run | None, columns: Run | None) -> dict[str, Run]:
    """The two passes, one or both of them made otherwise."""
    runs = {"fused_rows": rows, "fused_scores": columns}
    return {key: run for key, run in runs.items() if run}


def unfused(source: str) -> Run:
    return lambda v, c: v[source]


def other_way(source: str, order: str) -> Run:
    """Along the other diagonal: q runs backwards while p runs forwards."""
    return lambda v, c: one_pass(v[source].flip(-1), v, c, order).flip(-1)


def mean(source: str, order: str) -> Run:
    return lambda v, c: one_pass(v[source], v, c, order) / c.fuse_k


def unwrapped(source: str, axis: int) -> Run:
    """A pass that stops at the end of a row (axis 2) or column (axis 1) instead of wrapping."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        x = v[source].unflatten(-1, patch_grid(v, config))  # (n, h, w, gh, gw)
        reach = config.fuse_k // 2
        return sum(
            (shift(shift(x, d, axis), d, axis + 2) for d in range(-reach, reach + 1)),
            torch.zeros_like(x),
        ).flatten(-2)

    return run


def shift(x: Tensor, places: int, axis: int) -> Tensor:
    """x(i + places) along an axis, zeros from outside."""
    out = torch.zeros_like(x)
    length = max(x.shape[axis] - abs(places), 0)
    out.narrow(axis, max(-places, 0) if length else 0, length).copy_(
        x.narrow(axis, max(places, 0) if length else 0, length)
    )
    return out


def column_by_column(x: Tensor, patches: tuple[int, int]) -> Tensor:
    """Queries and patches counted column by column, as axes (n, w, h, gw·gh)."""
    return x.unflatten(-1, patches).permute(0, 2, 1, 4, 3).flatten(-2)


def passes(apply: Callable[[Tensor, AttentionConfig], Tensor]) -> dict[str, Run]:
    """Both passes, each made by `one` from a table (n, P, L) of scores in its order."""

    def rows(v: Values, config: AttentionConfig) -> Tensor:
        return apply(v["scores"].flatten(1, 2), config).reshape(v["scores"].shape)

    def columns(v: Values, config: AttentionConfig) -> Tensor:
        table = column_by_column(v["fused_rows"], patch_grid(v, config))
        fused = apply(table.flatten(1, 2), config).reshape(table.shape)
        return column_by_column(fused, patch_grid(v, config)[::-1])

    return fusion(rows, columns)


def convolved(kernel: Kernel) -> Callable[[Tensor, AttentionConfig], Tensor]:
    """The table of scores convolved with a kernel, zeros outside."""

    def apply(table: Tensor, config: AttentionConfig) -> Tensor:
        weight = kernel(config.fuse_k)
        padding = weight.shape[0] // 2, weight.shape[1] // 2
        return F.conv2d(table[:, None], weight[None, None], padding=padding)[:, 0]

    return apply


def gaussian(k: int) -> Tensor:
    line = torch.tensor([1.0])
    for _ in range(k - 1):
        line = F.pad(line, (1, 0)) + F.pad(line, (0, 1))
    return line[:, None] * line / line.sum() ** 2


def box(k: int) -> Tensor:
    return torch.ones(k, k) / k**2


def ones(k: int) -> Tensor:
    return torch.ones(k, k)


def maps_convolved(kernel: Kernel, of: str, times: int = 1) -> dict[str, Run]:
    """Each query's map of scores convolved as a picture, or each patch's map over the queries."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        x = v["scores"] if of == "patches" else v["scores"].permute(0, 3, 1, 2)
        grid = patch_grid(v, config) if of == "patches" else query_grid(v, config)
        maps, weight = x.reshape(-1, 1, *grid), kernel(config.fuse_k)[None, None]
        for _ in range(times):
            maps = F.conv2d(maps, weight, padding=config.fuse_k // 2)
        maps = maps.reshape(x.shape)
        return maps if of == "patches" else maps.permute(0, 2, 3, 1)

    return fusion(run, unfused("fused_rows"))


def along(reach: Callable[[int], Iterable[int]]) -> Callable[[Tensor, AttentionConfig], Tensor]:
    """Sums along the diagonal over other places than those from −(k // 2) to k // 2."""

    def apply(table: Tensor, config: AttentionConfig) -> Tensor:
        places = reach(config.fuse_k)
        terms = (shift(shift(table, d, 1), d, 2) for d in places)
        return sum(terms, torch.zeros_like(table))

    return apply


def rolled(table: Tensor, config: AttentionConfig) -> Tensor:
    half = config.fuse_k // 2
    return sum(
        (table.roll((-d, -d), (1, 2)) for d in range(-half, half + 1)), torch.zeros_like(table)
    )


def mean_inside(table: Tensor, config: AttentionConfig) -> Tensor:
    line = convolved(torch.eye)
    return line(table, config) / line(torch.ones_like(table), config)


def largest(table: Tensor, config: AttentionConfig) -> Tensor:
    half = config.fuse_k // 2
    shifted = [shift(shift(table, d, 1), d, 2) for d in range(-half, half + 1)]
    return torch.stack(shifted).amax(0)


def side_by_side(v: Values, config: AttentionConfig) -> Tensor:
    return one_pass(v["scores"], v, config, "rows") + one_pass(v["scores"], v, config, "columns")


def patches_only(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass with only the patch's axes transposed, not the query's."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    turned = x.unflatten(-1, patches).mT.flatten(-2)
    fused = fuse(turned, query_grid(v, config), patches[::-1], "rows", config)
    return fused.unflatten(-1, patches[::-1]).mT.flatten(-2)


def queries_only(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass with only the query's axes transposed, not the patch's."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    turned = x.transpose(1, 2)
    return fuse(turned, (x.shape[2], x.shape[1]), patches, "rows", config).transpose(1, 2)


def not_turned_back(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass left as it was made: queries and patches counted column by column."""
    fused, (gh, gw) = one_pass(v["fused_rows"], v, config, "columns"), patch_grid(v, config)
    return fused.unflatten(-1, (gh, gw)).permute(0, 2, 1, 4, 3).reshape(fused.shape)


def turned_apart(before: str, after: str) -> Run:
    """The second pass with other axes turned before it than after it: q queries, p patches."""
    axes = {"q": (1, 2), "p": (3, 4)}

    def run(v: Values, config: AttentionConfig) -> Tensor:
        x = v["fused_rows"].unflatten(-1, patch_grid(v, config))
        for grid in before:
            x = x.transpose(*axes[grid])
        fused = convolved(torch.eye)(x.flatten(3).flatten(1, 2), config).reshape(x.shape)
        for grid in after:
            fused = fused.transpose(*axes[grid])
        return fused.reshape(v["fused_rows"].shape)

    return run


def turned_as_before(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass's (w, h, gw, gh), read as (h, w, gh, gw) and turned."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    fused = column_by_column(one_pass(x, v, config, "columns"), patches)
    back = fused.reshape(x.unflatten(-1, patches).shape).permute(0, 2, 1, 4, 3)
    return back.reshape(x.shape)


def turned_by_reshape(v: Values, config: AttentionConfig) -> Tensor:
    """The first pass's (h, w, gh, gw), read as (w, h, gw, gh), and only turned back."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    fused = convolved(torch.eye)(x.flatten(1, 2), config).reshape(x.transpose(1, 2).shape)
    return column_by_column(fused, patches[::-1]).reshape(x.shape)


def height_for_width(queries: bool, patches: bool) -> Run:
    """The second pass with sides exchanged: queries unpacked as (w, h), patches as (gw, gh)."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        x, query_sides, patch_sides = v["fused_rows"], query_grid(v, config), patch_grid(v, config)
        flat = x.reshape(len(x), *(query_sides[::-1] if queries else query_sides), -1)
        patch_sides = patch_sides[::-1] if patches else patch_sides
        fused = fuse(flat, (flat.shape[1], flat.shape[2]), patch_sides, "columns", config)
        return fused.reshape(x.shape)

    return run


def in_place(neighbours: bool) -> Callable[[Tensor, AttentionConfig], Tensor]:
    """Neighbours added into the table that is read: a score's at once, or one d at a time."""

    def apply(table: Tensor, config: AttentionConfig) -> Tensor:
        half, length = config.fuse_k // 2, table.shape[1]
        places = [d for d in range(-half, half + 1) if d]
        steps = [(p, d) for p in range(length) for d in places]
        out = table.clone()
        for p, d in steps if neighbours else sorted(steps, key=lambda step: step[1]):
            if 0 <= p + d < length:
                out[:, p] += shift(out[:, p + d], d, 1)
        return out

    return apply


def whole_tables_in_place(table: Tensor, config: AttentionConfig) -> Tensor:
    """The sum so far is what is moved for the next d."""
    half = config.fuse_k // 2
    for d in range(-half, half + 1):
        table = table + shift(shift(table, d, 1), d, 2) if d else table
    return table
