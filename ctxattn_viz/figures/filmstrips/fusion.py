"""Strips of the fusion: two grids moving together, along the rows, then down the columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from torch import Tensor

from ...stages.fused_softmax import neighbours
from ..drawing import draw_numbers
from .subject import Frame, Subject, bars, brief


@dataclass(frozen=True)
class Walk:
    """A query and a patch taking the same steps in one order; −1 off the end."""

    queries: list[int]
    patches: list[int]

    @classmethod
    def around(cls, a: Subject, p: int, q: int, order: str) -> Walk:
        config = a.trace.config
        reach = config.fuse_k // 2 if config.fuse else 0
        walks: list[list[int]] = []
        for start, grid, step in (
            (p, a.trace.query_grid, config.stride),
            (q, a.trace.patch_grid, 1),
        ):
            cells: list[int] = []
            for d in range(-reach, reach + 1):
                moved, inside = neighbours(
                    torch.tensor([start], device="cpu"), step * d, grid, order
                )
                cells.append(int(moved[0]) if start >= 0 and inside[0] else -1)
            walks.append(cells)
        return cls(*walks)

    def block(self, a: Subject, key: str) -> Tensor:
        """The matrix of a stage at these queries and patches: what is added is its diagonal."""
        values = torch.zeros(
            len(self.queries), len(self.patches), dtype=torch.float64, device="cpu"
        )
        for i, p in enumerate(self.queries):
            if p < 0:
                continue
            row = a.query_at(p)[key].flatten()
            for j, q in enumerate(self.patches):
                values[i, j] = row[q] if q >= 0 else 0
        return values


def _diagonal(block: Tensor, count: int) -> Callable[[Axes], None]:
    """The block with the first so many terms of its diagonal outlined."""

    def draw(ax: Axes) -> None:
        draw_numbers(ax, block, marks={"pixel": [(i, i) for i in range(count)]})

    return draw


def _numbered(a: Subject, order: str) -> Callable[[Axes], None]:
    """The cells around the query with their numbers in an order."""
    (h, w), (row, column) = a.trace.query_grid, a.cell
    top, left = max(0, min(row - 1, h - 3)), max(0, min(column - 1, w - 3))
    rows = torch.arange(top, min(h, top + 3), device="cpu")[:, None]
    columns = torch.arange(left, min(w, left + 3), device="cpu")[None]
    counted = rows * w + columns if order == "rows" else columns * h + rows

    def draw(ax: Axes) -> None:
        draw_numbers(ax, counted, shade=False, marks={"query": [(row - top, column - left)]})

    return draw


def fused_along_rows(a: Subject) -> list[Frame]:
    walk = Walk.around(a, a.p, a.q, "rows")
    block = walk.block(a, "scores")
    sums = block.diagonal().cumsum(dim=0)
    last = len(sums) - 1
    numbered = Frame(f"queries row by row:\nthis one is {a.p}", _numbered(a, "rows"))
    matrix = Frame(f"query {a.p}, patch {a.q}\nand their neighbours", _diagonal(block, 0))
    terms = [
        Frame(
            f"{walk.queries[i]} with {walk.patches[i]}: {brief(block[i, i])}\nsum {brief(sums[i])}",
            _diagonal(block, i + 1),
        )
        for i in (0, last // 2, last)
    ]
    before, after = (a.row[key].flatten()[a.q] for key in ("scores", "fused_rows"))
    both = {"before": float(before), "after": float(after)}
    result = Frame(f"score {brief(before)},\nalong the row {brief(after)}", bars(both))
    return [numbered, matrix, *terms, result]


def fused_along_columns(a: Subject) -> list[Frame]:
    middles = Walk.around(a, a.p, a.q, "columns")
    count = len(middles.queries)
    names = {0: "above", count // 2: "own row", count - 1: "below"}

    def line(i: int) -> Frame:
        p, q = middles.queries[i], middles.patches[i]
        block = Walk.around(a, p, q, "rows").block(a, "scores") if min(p, q) >= 0 else None
        values = (
            torch.zeros(count, count, dtype=torch.float64, device="cpu") if block is None else block
        )
        total = brief(values.diagonal().sum())
        return Frame(
            f"1st pass, {names[i] if count > 1 else 'own row'}:\nsum {total}",
            _diagonal(values, count),
        )

    block = middles.block(a, "fused_rows")
    whole = block.diagonal().sum()
    before, after = (a.row[key].flatten()[a.q] for key in ("scores", "fused_scores"))
    return [
        *(line(i) for i in (0, count // 2, count - 1)),
        Frame("transposed: queries\ncolumn by column", _numbered(a, "columns")),
        Frame(f"2nd pass adds the sums:\n{brief(whole)}", _diagonal(block, count)),
        Frame(
            f"transposed back: {brief(before)}\nbecame {brief(after)}",
            bars({"before": float(before), "after": float(after)}),
        ),
    ]
