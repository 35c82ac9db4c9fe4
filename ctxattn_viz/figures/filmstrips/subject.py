"""What every strip is made of: a query beside its best match, and one picture with a caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from matplotlib.axes import Axes
from torch import Tensor

from ...palette import COLOURS
from ...traces.results import QueryRow
from ...traces.run import Trace

FRAMES = 6


@dataclass(frozen=True)
class Frame:
    """One picture of a strip."""

    caption: str
    draw: Callable[[Axes], None]


@dataclass(frozen=True)
class Subject:
    """One query of a trace beside its best match."""

    trace: Trace
    row: QueryRow
    sample: int

    @cached_property
    def cell(self) -> tuple[int, int]:
        return self.row.row, self.row.col

    @cached_property
    def p(self) -> int:
        return self.row.row * self.trace.query_grid[1] + self.row.col

    @cached_property
    def q(self) -> int:
        return int(self.row.order[0])

    @property
    def mask_sample(self) -> int:
        return min(self.sample, self.trace.mask.shape[0] - 1)

    def match_cell(self, q: int | None = None) -> tuple[int, int]:
        i, j = divmod(self.q if q is None else q, self.trace.patch_grid[1])
        return i * self.trace.config.stride, j * self.trace.config.stride

    def query_at(self, p: int) -> QueryRow:
        return self.trace.query(*divmod(p, self.trace.query_grid[1]), self.sample)


def six(items: Sequence[int]) -> list[int]:
    """Six of them, evenly spread, the first and the last among them; repeated where there are few.

    >>> from ctxattn_viz.figures.filmstrips.subject import six
    >>> six(range(11))
    [0, 2, 4, 6, 8, 10]
    """
    return [items[round(i * (len(items) - 1) / (FRAMES - 1))] for i in range(FRAMES)]


def seen(x: Tensor) -> Tensor:
    """A map `(c, H, W)` as a picture: its mean where it has other than 1 or 3 channels."""
    return x if x.shape[0] in (1, 3) else x.mean(dim=0, keepdim=True)


def brief(value: float | Tensor) -> str:
    return f"{float(value):.3g}".replace("-", "−")


def bars(values: dict[str, float]) -> Callable[[Axes], None]:
    """One bar a number, under its name."""

    def draw(ax: Axes) -> None:
        finite = torch.tensor(list(values.values()), device="cpu").nan_to_num(0, posinf=0, neginf=0)
        ax.barh(list(values), finite.tolist(), color=COLOURS["match"], height=0.7)
        ax.invert_yaxis()
        ax.set(xticks=[])
        ax.tick_params(axis="y", labelsize=6.5, length=0)

    return draw


def framed(ax: Axes) -> None:
    """A thin line around what may be white at its edge."""
    ax.spines[:].set(visible=True, color="#BBBBBB", linewidth=0.6)
