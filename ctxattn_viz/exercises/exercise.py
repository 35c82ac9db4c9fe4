"""What an exercise is made of: cases to run it on, and the mistakes that it recognises.

A mistake is a stage that goes wrong. Planting it into a run gives what a student who makes it
gets, at any later stage: so the same tables serve each exercise, the capstone that asks for the
whole layer, and the faulty ports of the one that asks for the stage.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values, patch_grid, query_grid
from ..traces.values import LazyValues

Run = Callable[[Values, AttentionConfig], Tensor]


@dataclass(frozen=True)
class Mistake:
    """A way in which a stage often goes wrong.

    Attributes:
        name: what it is, in a few words.
        hint: what to think about, without saying what to write.
        wrong: stage key to what the mistake makes of that stage.
    """

    name: str
    hint: str
    wrong: Mapping[str, Run] = field(repr=False)


Way = TypeVar("Way")


def in_several_ways(
    mistake: Callable[[str, str, Way], Mistake], name: str, hint: str, *ways: Way
) -> tuple[Mistake, ...]:
    """A mistake that can be made in several ways: each with the same name and hint."""
    return tuple(mistake(name, hint, way) for way in ways)


@dataclass(frozen=True)
class Case:
    """One input that a student's function is tried on.

    Attributes:
        label: what is special about it.
        stage: the key of the stage that the function stands for.
        known: f, b and mask, and whatever stages are given by hand; that of `stage` itself is
            then the target.
        config: the run's.
        kind: `"hand"`, small enough for paper, or `"random"`.
    """

    label: str
    stage: str
    known: Mapping[str, Tensor] = field(repr=False)
    config: AttentionConfig
    kind: Literal["hand", "random"] = "random"

    def values(self, *mistakes: Mistake) -> LazyValues:
        """Every stage of this case, with mistakes planted where they belong."""
        return planted(self.known, self.config, *mistakes)

    @property
    def target(self) -> Tensor:
        """What the function should return."""
        return self.values()[self.stage]

    @property
    def grids(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The grid of query cells (h, w) and that of background patches (gh, gw)."""
        return query_grid(self.known, self.config), patch_grid(self.known, self.config)


@dataclass(frozen=True)
class Exercise:
    """A function to write, the cases it is tried on and the mistakes that are recognised.

    Attributes:
        name: what `check` calls it.
        parameters: the names of the function's parameters, in order.
        arguments: the values for them, given the stages of a case, its config and stage key.
        by_hand: makes the cases that fit on paper.
        drawn: makes random cases from a seeded `Draw`.
        mistakes: what is recognised, the likeliest first.
    """

    name: str
    parameters: tuple[str, ...]
    arguments: Callable[[Values, AttentionConfig, str], tuple[Any, ...]]
    hand_cases: Callable[[], list[Case]]
    random_cases: Callable[["Draw"], list[Case]]
    mistakes: tuple[Mistake, ...]

    def cases(self, seed: int, only: str | None = None) -> list[Case]:
        """The cases of a seed; `only` one kind of them, where it is named."""
        cases = [*self.hand_cases(), *self.random_cases(Draw(seed))]
        return [case for case in cases if only in (None, case.kind)]


class Draw:
    """Random settings and tensors, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.choices = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, scale: float = 0.3) -> Tensor:
        """Normally distributed float32 values."""
        return torch.randn(*shape, generator=self.generator) * scale

    def whole_numbers(self, *shape: int, most: int) -> Tensor:
        """Float32 values from {1, 2, …, most}."""
        return torch.randint(1, most + 1, shape, generator=self.generator).float()

    def sizes(self, low: int = 3, high: int = 5) -> tuple[int, int]:
        """Two different sides, so that rows and columns cannot be mixed up unnoticed."""
        first, second = self.choices.sample(range(low, high + 1), 2)
        return first, second

    def mask(self, n: int, height: int, width: int) -> Tensor:
        """One small hole a sample, each elsewhere: no two masks are alike."""
        mask = torch.zeros(n, 1, height, width)
        for sample, at in zip(mask, self.choices.sample(range(height * width), n), strict=True):
            top, left = divmod(at, width)
            sample[:, top : top + max(height // 4, 1), left : left + max(width // 4, 1)] = 1
        return mask

    def case(
        self,
        label: str,
        stage: str,
        config: AttentionConfig,
        *,
        n: int = 1,
        c: int = 2,
        f_cells: tuple[int, int] | None = None,
        b_cells: tuple[int, int] | None = None,
    ) -> Case:
        """A case with f, b and a mask of these sizes in cells, or of sizes drawn.

        Sizes drawn give f another number of cells than b, so that the two cannot be mixed up.
        """
        fh, fw = f_cells or self.sizes()
        bh, bw = b_cells or self.sizes(4, 6)
        while fh * fw == bh * bw and not (f_cells and b_cells):
            bh, bw = b_cells or self.sizes(4, 6)
            fh, fw = f_cells or self.sizes()
        r = config.rate
        known = {
            "f": self.normal(n, c, fh * r, fw * r),
            "b": self.normal(n, c, bh * r, bw * r),
            "mask": self.mask(n, bh * r, bw * r),
        }
        return Case(label, stage, known, config)


def planted(known: Mapping[str, Tensor], config: AttentionConfig, *mistakes: Mistake) -> LazyValues:
    """The stages of a run in which `mistakes` are made."""
    wrong = {key: run for mistake in mistakes for key, run in mistake.wrong.items()}

    def compute(key: str, right: Callable[[], Tensor]) -> Tensor:
        return wrong[key](values, config) if key in wrong else right()

    known = {key: value for key, value in known.items() if key not in wrong}
    values = LazyValues(known, config, compute)
    return values


def grid(rows: list[list[float]]) -> Tensor:
    """Numbers written by hand as a map (1, 1, rows, columns)."""
    return torch.tensor(rows, dtype=torch.float32)[None, None]
