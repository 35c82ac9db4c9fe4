"""Every query cell in a few numbers, block by block: what findings and `Trace.where` look at."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..attention.methods import cells_reaching_into
from ..attention.vectors import long_length, queries_and_keys
from ..checks import shape_of
from ..devices import exact_arithmetic, free_memory
from ..errors import BudgetError, InputError
from ..progress import with_progress_bar
from ..stages import patch_grid, query_grid
from ..stages.deconvolution import overlap_add
from ..stages.downsampling import mask_at
from ..stages.fused_softmax import masked_softmax
from ..stages.matching_scores import lifted
from ..stages.offset_flow import displacements
from ..stages.patch_extraction import extract_patches, paste_patches
from ..units import human
from .copies import NotPickled
from .maps import agreement, margins
from .rows import computed_rows
from .values import LazyValues

log = logging.getLogger("ctxattn_viz")

Place = tuple[int, int]

BLOCK = 1 << 22  # scores in a block: 16 MB of float32
TENSORS = 6  # as large as a block that stand side by side: scores, logits, shares, …
# Bytes up to which the fused scores are made as products of long vectors, which is quick; above,
# for deep features, by the stages.
MOST_KEYS = 100_000_000


@dataclass(frozen=True, repr=False)
class Cells(NotPickled):
    """The query cells of one sample, each in a few numbers. Every attribute is an `(h, w)` tensor.

    A predicate of `Trace.where` gets one of these and compares whole arrays:
    `run.where(lambda cell: cell.hole & (cell.best_share > 0.9))`. They are joined by `&`, `|` and
    `~`. All lie on the CPU; where a row holds NaN or infinity its shares are NaN.

    Attributes:
        row, column: int64, the cell itself.
        hole: bool, whether the cell pastes into the hole of f: the queries that inpainting needs.
            (f's hole is b's where both have one size; else there is none.)
        norm: ‖query patch‖.
        best_row, best_column: int64, the cell of the best match on b's shrunk grid.
        best_share: the best match's share of the attention, 0 to 1.
        margin: that less the largest share outside the 3×3 patches around the best match, 0 to 1.
        total_share: all shares added up: 1, or less where masked patches take theirs along.
        effective_patches: how many patches share the attention, e to the power of the entropy: 1
            where one has it all, n where n share alike; 0 where there is no attention.
        agreement: the part of the four neighbours, `stride` cells away, that have the same offset
            to their best match, 0 to 1; NaN where there is no attention.
        offset_length: how many cells away the best match lies; NaN where there is no attention.
        from_best: how far what the cell pastes is from its best match's patch: the root of the
            mean square of the differences.
        from_mean: the same from the mean of all valid patches.
        finite: bool, whether all its fused scores and shares are.
        in_rim: bool, whether the best match lies in the ring of valid patches around b's hole.
        rim_share: the share of that whole ring.
        hole_share: the share of valid patches that paste hole pixels; see the finding `leak`.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> cells: cv.Cells = cv.trace(x, x).cells()
    >>> cells.best_share.shape, cells.best_column.tolist()  # each cell finds itself
    (torch.Size([2, 2]), [[0, 1], [0, 1]])
    """

    row: Int[Tensor, "h w"]
    column: Int[Tensor, "h w"]
    hole: Bool[Tensor, "h w"]
    norm: Float[Tensor, "h w"]
    best_row: Int[Tensor, "h w"]
    best_column: Int[Tensor, "h w"]
    best_share: Float[Tensor, "h w"]
    margin: Float[Tensor, "h w"]
    total_share: Float[Tensor, "h w"]
    effective_patches: Float[Tensor, "h w"]
    agreement: Float[Tensor, "h w"]
    offset_length: Float[Tensor, "h w"]
    from_best: Float[Tensor, "h w"]
    from_mean: Float[Tensor, "h w"]
    finite: Bool[Tensor, "h w"]
    in_rim: Bool[Tensor, "h w"]
    rim_share: Float[Tensor, "h w"]
    hole_share: Float[Tensor, "h w"]

    def __repr__(self) -> str:
        h, w = self.row.shape
        lines = [f"Cells: {h}×{w} query cells, each with"]
        for field in fields(self):
            x = getattr(self, field.name)
            if x.dtype == torch.bool:
                lines.append(f"  {field.name}: true for {int(x.sum())}")
            else:
                low, high = (float(end) for end in x.nan_to_num().aminmax())
                lines.append(f"  {field.name}: {low:.4g} … {high:.4g}")
        return "\n".join(lines)


class Swept(NamedTuple):
    """What one pass over a sample's rows of attention gives, on the CPU.

    Attributes:
        cells: the queries, each in a few numbers.
        times_pasted: Σ attention over the queries, `(gh, gw)`.
        output: `(c, H, W)`.
    """

    cells: Cells
    times_pasted: Float[Tensor, "gh gw"]
    output: Float[Tensor, "c H W"]


def places_where(predicate: Callable[[Cells], Tensor], cells: Cells) -> list[Place]:
    """The cells for which `predicate` holds, row by row; see `Trace.where`."""
    example = "`lambda cell: cell.best_share > 0.9`"
    if not callable(predicate):
        raise InputError("predicate", f"a function, such as {example}", repr(predicate))
    try:
        result: Any = predicate(cells)
    except AttributeError as problem:
        names = ", ".join(field.name for field in fields(Cells))
        raise InputError("predicate", f"one of {names}", str(problem)) from problem
    except Exception as problem:
        got = f"{type(problem).__name__}: {problem}".split("\n")[0]
        hint = "Join conditions by & | ~ in brackets: and, or, not, if take no array."
        raise InputError("predicate", f"a condition on arrays, such as {example}", got, hint) from (
            problem
        )
    size = tuple(cells.row.shape)
    if isinstance(result, np.ndarray):  # of a comparison by NumPy
        result = torch.from_numpy(result)
    if not isinstance(result, Tensor) or result.dtype != torch.bool or result.shape != size:
        kind = f" of {result.dtype}" if isinstance(result, Tensor) else ""
        expected = f"True or False for each of the {size[0]}×{size[1]} cells, such as {example}"
        raise InputError("predicate", expected, shape_of(result) + kind)
    return places(result)


def places(chosen: Bool[Tensor, "h w"]) -> list[Place]:
    """(row, column) of every True, row by row."""
    return [(row, column) for row, column in chosen.nonzero().tolist()]


def leaking_patches(values: LazyValues, sample: int) -> Bool[Tensor, "L"]:
    """The patches that count as valid and whose paste patch holds pixels of b's own hole."""
    pixels = hole_pixels(values, sample)
    holds = paste_patches(pixels.float(), values.config)[0].flatten(1).any(dim=1)
    return holds & values["valid"][sample]


def hole_pixels(values: LazyValues, sample: int) -> Bool[Tensor, "1 1 Hb Wb"]:
    """b's own hole, whosever mask counts."""
    return mask_of_sample(mask_at(values["mask"], _size(values["b"]), values.config), sample) != 0


def rim_patches(values: LazyValues, sample: int) -> Bool[Tensor, "L"]:
    """The valid patches nearest to b's hole: one cell further, and they would touch it."""
    small = mask_of_sample(values["downsampled_mask"], sample)
    reach = values.config.ksize // 2 + 1
    near = F.max_pool2d(small.float(), 2 * reach + 1, 1, reach) > 0
    stride = values.config.stride
    return near[0, 0, ::stride, ::stride].flatten() & values["valid"][sample]


def query_norms(values: LazyValues, sample: int) -> Float[Tensor, "h w"]:
    """‖query patch‖ of every cell."""
    squares = lifted(values["downsampled_f"][sample : sample + 1]).square().sum(1, keepdim=True)
    return extract_patches(squares, values.config.ksize, 1)[0].sum(dim=(-3, -2, -1)).sqrt()


def swept(values: LazyValues, sample: int, budget: int | None) -> Swept:
    """What `Trace.cells` and `Trace.map` return, of one sample.

    Raises:
        BudgetError: not even one row of scores at a time would fit.
    """
    config = values.config
    grid, patches = query_grid(values, config), patch_grid(values, config)
    valid = values["valid"][sample]
    leaking, rim = leaking_patches(values, sample), rim_patches(values, sample)
    pasted = lifted(values["paste_patches"][sample]).flatten(1)  # (L, c·2·rate·2·rate)
    mean = pasted[valid].mean(dim=0)
    times_pasted = pasted.new_zeros(len(pasted))
    numbers: dict[str, list[Tensor]] = {}
    mixtures, order = [], []
    with exact_arithmetic(valid.device):
        for cells, fused in _fused_scores(values, sample, budget):
            shares = _shares(values, sample, cells, fused)
            best_share, best = shares.max(dim=1)
            total = shares.sum(dim=1)
            entropy = torch.special.entr(shares).sum(dim=1) / total + total.log()
            mixed = shares @ pasted
            block = {
                "best_share": best_share,
                "margin": margins(shares, best, patches),
                "best": best,
                "total_share": total,
                "effective_patches": torch.where(total == 0, 0, entropy.exp()),
                "from_best": (mixed - pasted[best]).square().mean(dim=1).sqrt(),
                "from_mean": (mixed - mean).square().mean(dim=1).sqrt(),
                "finite": fused.isfinite().all(dim=1) & total.isfinite(),
                "rim_share": shares[:, rim].sum(dim=1),
                "hole_share": shares[:, leaking].sum(dim=1),
                "in_rim": rim[best] & (total > 0),
            }
            for name, x in block.items():
                numbers.setdefault(name, []).append(x)
            times_pasted += shares.nansum(dim=0)
            mixtures.append(mixed.cpu())
            order.append(cells)
    back = torch.cat(order).argsort()
    joined = {name: torch.cat(x).cpu()[back].unflatten(0, grid) for name, x in numbers.items()}
    best = joined.pop("best")
    if "offsets" in values.swapped:
        down_and_right = values["offsets"][sample].cpu()
    else:
        down_and_right = displacements(best[None], patches, config)[0]
    matched, nan = joined["best_share"] > 0, torch.nan
    row, column = torch.meshgrid(
        *(torch.arange(size, device="cpu") for size in grid), indexing="ij"
    )
    side = 2 * config.rate
    mixed = torch.cat(mixtures)[back].unflatten(1, (-1, side, side))
    every = Cells(
        row=row,
        column=column,
        hole=hole_queries(values, sample),
        norm=query_norms(values, sample).cpu(),
        best_row=best // patches[1] * config.stride,
        best_column=best % patches[1] * config.stride,
        agreement=torch.where(matched, agreement(down_and_right, matched, config.stride), nan),
        offset_length=torch.where(matched, down_and_right.square().sum(dim=-1).sqrt(), nan),
        **joined,
    )
    return Swept(
        cells=every,
        times_pasted=times_pasted.cpu().unflatten(0, patches),
        output=overlap_add(mixed[None], grid, config)[0],
    )


def _shares(values: LazyValues, sample: int, cells: Tensor, fused: Tensor) -> Tensor:
    """The attention `(Q, L)` of some query cells, from their fused scores or as it was swapped."""
    if "attention" in values.swapped:
        return values["attention"][sample].flatten(0, 1)[cells.to(fused.device)]
    return masked_softmax(fused[None], values["valid"][sample][None], values.config)[0]


def hole_queries(values: LazyValues, sample: int) -> Bool[Tensor, "h w"]:
    """The query cells that paste into f's hole, on the CPU; none where b's hole is not f's."""
    grid = query_grid(values, values.config)
    if _size(values["f"]) != _size(values["b"]):
        return torch.zeros(grid, dtype=torch.bool, device="cpu")
    reaching = cells_reaching_into(hole_pixels(values, sample), grid, values.config)
    return reaching[0].unflatten(0, grid).cpu()


def _fused_scores(
    values: LazyValues, sample: int, budget: int | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """The fused scores of one sample, some query cells at a time, within the budget.

    Read where they are computed; else made without being kept, as products of long vectors or,
    where those would be too long, by the stages.

    Yields:
        flat query cells `(Q,)`, on the CPU, and their `(Q, L)`.
    """
    config, device = values.config, values["f"].device
    count, length = math.prod(query_grid(values, config)), values["valid"].shape[1]
    width = lifted(values["f"][:0]).element_size()
    # Gathered, filled and turned: the keys stand there three times while they are made.
    keys = 3 * long_length(values["f"].shape[1], config) * length * width
    is_known = "fused_scores" in values.known
    is_plain = {"matching_patches", "scores", "fused_rows"}.isdisjoint(values.swapped)
    by_vectors = not is_known and keys <= MOST_KEYS and is_plain
    pasted = values["paste_patches"][sample].numel() * width
    mixed = pasted // length * count
    fixed = pasted + mixed + (keys if by_vectors else 0)
    # The stages read neighbours, too: three rows for one, and each of them is made anew.
    row = TENSORS * length * width * (1 if is_known or by_vectors else config.fuse_k**2)
    limit = free_memory(device) // 2 if budget is None else budget
    rows = min(count, max(BLOCK // length, 1), int(limit - fixed) // row)
    log.info("findings will allocate %s", human(fixed + max(rows, 1) * row))
    if rows < 1:
        raise BudgetError(
            f"findings: expected to fit {human(limit)} "
            f"({'half of the free memory' if budget is None else 'the budget'}), got "
            f"{human(fixed + row)} for a single row of {length} scores."
        )
    every = torch.arange(count, device="cpu").split(rows)
    if is_known:
        fused = values["fused_scores"][sample].flatten(0, 1)
        yield from zip(every, fused.split(rows), strict=True)
    elif by_vectors:
        f, b = (values[key][sample : sample + 1] for key in ("downsampled_f", "downsampled_b"))
        for cells, queries, keys_of_all in queries_and_keys(f, b, None, config):
            parts = [*zip(cells.split(rows), queries.split(rows), strict=True)]
            for some, q in with_progress_bar(parts, "query cells"):
                yield some, q @ keys_of_all.mT
    else:
        for cells in with_progress_bar(every, "query cells"):
            yield cells, computed_rows(values, cells, sample)["fused_scores"]


def mask_of_sample(mask: Tensor, sample: int) -> Tensor:
    """A sample's own mask, `(1, …)`: of a batch of masks one, or the one of all."""
    return mask[sample : sample + 1] if len(mask) > 1 else mask


def _size(x: Tensor) -> Place:
    return x.shape[2], x.shape[3]
