"""The bookkeeping of `diagonals`: which rows and keys each of its sums reads and writes.

Made from sizes and the configuration alone, before any number is looked at.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Int
from torch import Tensor

from ..config import AttentionConfig
from ..stages.fused_softmax import Grid, neighbours, rows_needed
from ..stages.patch_extraction import patch_grid

# Numbers in one array of a tile; two such arrays are held, four in backward.
TILE_SIZE = {"cpu": 32_000_000}
TILE_SIZE_ELSEWHERE = 128_000_000

Rows = tuple[int, int, int]
"""A run of rows: the first summed into, the first read, how many."""

Keys = tuple[slice, slice]
"""Rows and columns of a grid of keys."""

EVERY = slice(None)


Term = tuple[list[Rows], list[tuple[Keys, Keys]]]
"""One shift: runs of rows, and where keys are summed into and read."""


@dataclass(frozen=True)
class Sum:
    """to(u, v) = Σ_shifts source(u + shift, v + shift) for some rows u of a tile and all keys v.

    Attributes:
        to: `(rows, height, width)` of what is summed into; likewise `source`.
        terms: one for each shift.
        whole: whether the first term covers all of `to`, so that nothing need be zeroed first.
    """

    to: tuple[int, int, int]
    source: tuple[int, int, int]
    terms: list[Term]
    whole: bool

    def add(self, source: Tensor, buffer: Tensor) -> Tensor:
        """The sum, written into `buffer`."""
        to, source = view_of(buffer, self.to), source.view(self.source)
        if not self.whole:
            to.zero_()
        for i, (runs, keys) in enumerate(self.terms):
            for u, v, count in runs:
                for k, l in keys:
                    part, term = to[u : u + count, *k], source[v : v + count, *l]
                    part.copy_(term) if self.whole and i == 0 else part.add_(term)
        return to

    def spread(self, d_to: Tensor, buffer: Tensor) -> Tensor:
        """The gradient of the source from the gradient of the sum, written into `buffer`."""
        d_to, d_source = d_to.view(self.to), view_of(buffer, self.source).zero_()
        for runs, keys in self.terms:
            for u, v, count in runs:
                for k, l in keys:
                    d_source[v : v + count, *l].add_(d_to[u : u + count, *k])
        return d_source


def view_of(buffer: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The first numbers of a flat array, in a shape."""
    return buffer[: math.prod(shape)].view(shape)


def _shifted(size: int, shift: int) -> tuple[slice, slice]:
    """Where i and i + shift are both within `size`: the slice of i, the slice of i + shift."""
    low, high = max(0, -shift), max(min(size, size - shift), max(0, -shift))
    return slice(low, high), slice(low + shift, high + shift)


def _wrapped(size: int, shift: int) -> list[tuple[slice, slice, int]]:
    """i + shift within `size`, wrapping: the slice of i, the slice of where it lands, the laps."""
    pieces = []
    for laps in range(shift // size, (size - 1 + shift) // size + 1):
        low, high = max(0, laps * size - shift), min(size, (laps + 1) * size - shift)
        back = shift - laps * size
        pieces.append((slice(low, high), slice(low + back, high + back), laps))
    return pieces


def _runs(to: Tensor, source: Tensor) -> list[tuple[int, int, int]]:
    """Pairs of row numbers as runs of consecutive ones: (first to, first source, how many)."""
    if not len(to):
        return []
    new_run = ((to.diff() != 1) | (source.diff() != 1)).nonzero()[:, 0] + 1
    starts = [0, *new_run.tolist(), len(to)]
    firsts = zip(to[starts[:-1]].tolist(), source[starts[:-1]].tolist(), strict=True)
    return [(t, s, b - a) for (t, s), a, b in zip(firsts, starts, starts[1:], strict=False)]


def _reading(source: Tensor, there: Tensor, exists: Tensor) -> list[tuple[int, int, int]]:
    """Runs of rows, where row i reads cell `there[i]`, a member of the sorted `source`."""
    rows = exists.nonzero()[:, 0]
    return _runs(rows, torch.searchsorted(source, there[rows]))


class Tile:
    """A tile of query cells: what it reads and writes, and the sums between.

    Attributes:
        cells: flat query cells whose attention it makes, sorted.
        reads: the cells of f that it needs for that, sorted.
        blocks: the blocks of the output that it adds to, flat in a grid one larger than f's.
        taps, fuses, pastes: the sums before the norm, after it, and after the softmax.
        rows: the most rows that any of its arrays has.
    """

    def __init__(self, cells: Tensor, grid: Grid, b_grid: Grid, config: AttentionConfig) -> None:
        self.cells = cells
        self.fuses, needed = _fuses(cells, grid, patch_grid(b_grid, config), config)
        self.taps, self.reads = _taps(needed, grid, b_grid, config)
        self.pastes, self.blocks = _pastes(cells, grid, b_grid, config)
        self.rows = max(len(self.reads), len(self.blocks))


def _fuses(
    cells: Tensor, grid: Grid, patches: Grid, config: AttentionConfig
) -> tuple[list[Sum], Tensor]:
    """Fusion along rows, then along columns, made from its end; and the cells it reads."""
    if not config.fuse or config.fuse_k == 1:
        return [], cells
    h, w = patches
    sums: list[Sum] = []
    for order, shape in (("columns", patches), ("rows", (1, h * w))):
        source = rows_needed(cells, grid, order, config)
        terms = []
        for d in _from_middle(config.fuse_k):
            if order == "rows":
                pieces = [((EVERY, i), (EVERY, j)) for i, j in [_shifted(h * w, d)]]
            else:
                pieces = [
                    ((i, k), (j, l))
                    for i, j, laps in _wrapped(h, d)
                    for k, l in [_shifted(w, laps)]
                ]
            reading = _reading(source, *neighbours(cells, config.stride * d, grid, order))
            terms.append((reading, pieces))
        sums.insert(0, Sum((len(cells), *shape), (len(source), *shape), terms, whole=True))
        cells = source
    return sums, cells


def _taps(
    cells: Tensor, grid: Grid, b_grid: Grid, config: AttentionConfig
) -> tuple[list[Sum], Tensor]:
    """Along the columns of a patch, then along its rows, made from its end; the cells it reads."""
    if config.ksize == 1:
        return [], cells
    h, w = grid
    sums: list[Sum] = []
    for axis in (0, 1):
        place, size, step = (cells // w, h, w) if axis == 0 else (cells % w, w, 1)
        reach = _from_middle(config.ksize)
        on_grid = {t: (place + t >= 0) & (place + t < size) for t in reach}
        source = torch.cat([(cells + t * step)[on] for t, on in on_grid.items()]).unique()
        terms = []
        for t, on in on_grid.items():
            i, j = _shifted(b_grid[axis], t)
            piece = ((i, EVERY), (j, EVERY)) if axis == 0 else ((EVERY, i), (EVERY, j))
            terms.append((_reading(source, cells + t * step, on), [piece]))
        sums.insert(0, Sum((len(cells), *b_grid), (len(source), *b_grid), terms, whole=True))
        cells = source
    return sums, cells


def _pastes(
    cells: Tensor, grid: Grid, b_grid: Grid, config: AttentionConfig
) -> tuple[list[Sum], Tensor]:
    """From cells to 2×2 blocks each, downwards and then to the right; and the blocks."""
    (gh, gw), (hb, wb) = patch_grid(b_grid, config), b_grid
    w, s = grid[1], config.stride
    down = torch.cat((cells, cells + w)).unique()  # in a grid of h + 1 rows
    wider = down // w * (w + 1) + down % w  # the same in one of w + 1 columns
    blocks = torch.cat((wider, wider + 1)).unique()
    to_down, to_right = [], []
    for d in (0, 1):
        rows = slice(d, d + s * (gh - 1) + 1, s)
        columns = slice(d, d + s * (gw - 1) + 1, s)
        runs = _runs(torch.searchsorted(down, cells + d * w), _row_numbers(len(cells)))
        to_down.append((runs, [((rows, EVERY), (EVERY, EVERY))]))
        runs = _runs(torch.searchsorted(blocks, wider + d), _row_numbers(len(down)))
        to_right.append((runs, [((EVERY, columns), (EVERY, EVERY))]))
    between = (len(down), hb + 1, gw)
    first = Sum(between, (len(cells), gh, gw), to_down, whole=False)
    second = Sum((len(blocks), hb + 1, wb + 1), between, to_right, whole=False)
    return [first, second], blocks


def _row_numbers(count: int) -> Tensor:
    """0, 1, 2, …, on the CPU, whatever device is the default."""
    return torch.arange(count, device="cpu")


def _from_middle(length: int) -> list[int]:
    """The shifts of a diagonal, 0 first: that term has every row and key."""
    return sorted(range(-(length // 2), length // 2 + 1), key=abs)


@dataclass(frozen=True)
class Plan:
    """The query cells in rectangles; made from sizes alone."""

    tiles: tuple[Tile, ...]
    grid: Grid
    b_grid: Grid


def halo_of(config: AttentionConfig) -> int:
    """How many cells more than it has a tile reads along each axis."""
    return config.ksize - 1 + (config.stride * (config.fuse_k - 1) if config.fuse else 0)


def tile_size(device: torch.device) -> int:
    """About how many numbers an array of a tile has."""
    return TILE_SIZE.get(device.type, TILE_SIZE_ELSEWHERE)


def tile_side(grid: Grid, b_grid: Grid, config: AttentionConfig, size: int) -> int:
    """How many cells wide a tile is, so that what it reads has about `size` numbers.

    Never less than half of what it reads around itself, or tiles would read the same rows over and
    over; and where all of them would read all rows, one tile does.
    """
    halo = halo_of(config)
    if halo >= max(grid):
        return max(grid)
    return max(int((size / ((b_grid[0] + 1) * (b_grid[1] + 1))) ** 0.5) - halo, halo // 2, 4)


def plan(
    grid: Grid,
    b_grid: Grid,
    config: AttentionConfig,
    cells: Int[Tensor, "Q"] | None,
    device: torch.device,
) -> Plan:
    """All query cells, or those named, in rectangles as large as its `tile_size` allows."""
    if cells is None:
        return _whole_plan(grid, b_grid, config, tile_size(device))
    return _plan(grid, b_grid, config, tile_size(device), cells.cpu())


def _plan(grid: Grid, b_grid: Grid, config: AttentionConfig, size: int, cells: Tensor) -> Plan:
    side = tile_side(grid, b_grid, config, size)
    tall, wide = (math.ceil(length / math.ceil(length / side)) for length in grid)  # about the same
    tile_of = cells // grid[1] // tall * grid[1] + cells % grid[1] // wide
    tiles = (Tile(cells[tile_of == t], grid, b_grid, config) for t in tile_of.unique().tolist())
    return Plan(tuple(tiles), grid, b_grid)


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # or what is kept could not be used where there are gradients
def _whole_plan(grid: Grid, b_grid: Grid, config: AttentionConfig, size: int) -> Plan:
    return _plan(grid, b_grid, config, size, _row_numbers(grid[0] * grid[1]))
