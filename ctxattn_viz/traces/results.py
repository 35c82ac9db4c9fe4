"""What looking into a trace returns: a stage, one query's row, one pixel's ledger."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..checks import check_whole
from ..config import AttentionConfig
from ..errors import UnknownKeyError
from ..stages import MATRICES, Stage
from ..units import human
from .copies import NotPickled

BLOCK = 1 << 22  # values that are widened at a time


@dataclass(frozen=True)
class Summary:
    """The numbers that tell whether a stage is healthy.

    Attributes:
        shape, dtype: of the tensor.
        minimum, maximum, mean: over finite values, and finite themselves; None where there are
            none (meta tensors too).
        nan, infinite: how many values are.
        empty_rows: for attention, query cells that attend to nothing (all zero or NaN).

    >>> x = torch.tensor([[[[1.0, 2.0], [3.0, torch.inf]]]])
    >>> run = cv.trace(x, x, config=cv.AttentionConfig(rate=1), allow_nonfinite=True)
    >>> summary: cv.Summary = run["downsampled_f"].summary
    >>> print(summary)
    (1, 1, 2, 2) float32, 1 … 3, 1 infinite
    >>> summary.maximum, summary.infinite
    (3.0, 1)
    """

    shape: tuple[int, ...]
    dtype: str
    minimum: float | None
    maximum: float | None
    mean: float | None
    nan: int
    infinite: int
    empty_rows: int

    @classmethod
    def of(cls, x: Tensor, rows: bool = False) -> "Summary":
        """The numbers of `x`; with `rows`, also how many rows along its last axis are empty."""
        shape, dtype = tuple(x.shape), str(x.dtype).removeprefix("torch.")
        if x.device.type == "meta":
            return cls(shape, dtype, None, None, None, 0, 0, 0)
        if x.numel() > BLOCK and x.numel() > x.shape[-1]:
            blocks = x.reshape(-1, x.shape[-1]).split(max(1, BLOCK // x.shape[-1]))
            return cls.joined([cls.of(block, rows) for block in blocks], shape)
        # Summed in the input's own dtype, ordinary pictures in half precision are infinite.
        wide = torch.float32 if x.device.type == "mps" else torch.float64
        sums = x.sum(dim=-1, dtype=wide)
        empty = int((~(sums > 0)).sum()) if rows else 0
        total = float(sums.sum())
        finite, nan = x, 0
        mean = total / x.numel()
        if not math.isfinite(total):  # a NaN or an infinity anywhere is one here too
            finite, nan = x[x.isfinite()], int(x.isnan().sum())
            if not finite.numel():
                return cls(shape, dtype, None, None, None, nan, x.numel() - nan, empty)
            mean = float((finite.to(wide) / finite.numel()).sum())  # a sum of large ones overflows
        low, high = (float(extreme) for extreme in finite.aminmax())
        infinite = x.numel() - finite.numel() - nan
        return cls(shape, dtype, low, high, min(max(mean, low), high), nan, infinite, empty)

    @classmethod
    def joined(cls, parts: Sequence["Summary"], shape: Sequence[int]) -> "Summary":
        """The numbers of a tensor of this shape, from those of its parts."""
        finite = [math.prod(part.shape) - part.nan - part.infinite for part in parts]
        nan, infinite = sum(part.nan for part in parts), sum(part.infinite for part in parts)
        empty, total = sum(part.empty_rows for part in parts), sum(finite)
        lows = [part.minimum for part in parts if part.minimum is not None]
        highs = [part.maximum for part in parts if part.maximum is not None]
        if not lows:
            return cls(tuple(shape), parts[0].dtype, None, None, None, nan, infinite, empty)
        low, high = min(lows), max(highs)
        means = zip((part.mean for part in parts), finite, strict=True)
        mean = sum(mean * (count / total) for mean, count in means if mean is not None)
        mean = min(max(mean, low), high)
        return cls(tuple(shape), parts[0].dtype, low, high, mean, nan, infinite, empty)

    def __str__(self) -> str:
        if self.minimum is None:
            return f"{self.shape} {self.dtype}, no finite value"
        counts = {"NaN": self.nan, "infinite": self.infinite, "empty rows": self.empty_rows}
        parts = [f"{self.shape} {self.dtype}, {self.minimum:.4g} … {self.maximum:.4g}"]
        parts += [f"{count} {name}" for name, count in counts.items() if count]
        return ", ".join(parts)


@dataclass(frozen=True)
class StageResult(NotPickled):
    """One stage of one run. It can be indexed, and stands for an array: `np.asarray(result)`.

    Attributes:
        stage: its entry in the registry.
        tensor: what it computed.
        seconds: time it took by itself, device included.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> result: cv.StageResult = cv.trace(x, x)["scores"]
    >>> result.shape, result.axes
    ((1, 2, 2, 4), ('sample', 'query row', 'query column', 'background patch'))
    >>> result.equation
    's(p, q) = ⟨patch_p, w_q⟩ / max(‖w_q‖, 1e-4)'
    """

    stage: Stage
    tensor: Tensor = field(repr=False)
    seconds: float

    @property
    def key(self) -> str:
        """The stage's name in a trace."""
        return self.stage.key

    @property
    def title(self) -> str:
        """A few words for a person."""
        return self.stage.title

    @property
    def step(self) -> str:
        """Which step of the paper it belongs to."""
        return self.stage.step

    @property
    def axes(self) -> tuple[str, ...]:
        """What each dimension is."""
        return self.stage.axes

    @property
    def equation(self) -> str:
        """What it computes, in plain mathematical notation."""
        return self.stage.equation

    @property
    def source(self) -> str:
        """The original's lines."""
        return self.stage.source

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes in the order of `axes`."""
        return tuple(self.tensor.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return self.tensor.numel() * self.tensor.element_size()

    @property
    def code(self) -> str:
        """The Python source of the function that computed it; empty where there is none to read."""
        try:
            return inspect.getsource(self.stage.function)
        except (OSError, TypeError):  # a function swapped in may be of C, or typed at a prompt
            return ""

    @cached_property
    def summary(self) -> Summary:
        """Range, mean, and what is wrong with it, if anything."""
        return Summary.of(self.tensor, rows=self.key == "attention")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The values where NumPy asks for them: on the CPU, and not copied unless it must be."""
        return np.array(self.tensor.numpy(), dtype=dtype, copy=copy)

    def __getitem__(self, index: Any) -> Tensor:
        """A part of the tensor, as `result.tensor[index]`."""
        return self.tensor[index]

    def __len__(self) -> int:
        """The size of the first axis."""
        return len(self.tensor)

    def __copy__(self) -> "StageResult":
        return replace(self)

    def __deepcopy__(self, memo: dict[int, object]) -> "StageResult":
        return replace(self, tensor=self.tensor.clone())

    def __repr__(self) -> str:
        axes = " × ".join(f"{s} {a}" for a, s in zip(self.axes, self.shape, strict=True))
        look = f'cv.look(trace["{self.key}"]) draws it'
        numbers = f"{self.equation}\n  {self.summary}\n  {look}"
        return f"{self.key}: {axes}, {human(self.nbytes)}\n  {numbers}"


@dataclass(frozen=True)
class Match:
    """One background patch as a match of one query cell.

    Attributes:
        index: which background patch, 0 to L − 1.
        row, col: its cell on b's shrunk grid.
        score, fused: its matching score, before and after fusion.
        weight: its share of the attention.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> match: cv.Match = cv.trace(x, x).query(1, 0).best(1)[0]
    >>> match.row, match.col, match.index  # the grid is 2×2: patch 2 is the cell (1, 0)
    (1, 0, 2)
    >>> match.score < match.fused  # fusion adds the scores of the neighbours that fit
    True
    """

    index: int
    row: int
    col: int
    score: float
    fused: float
    weight: float


@dataclass(frozen=True, repr=False)
class QueryRow:
    """One foreground cell: its row at every stage.

    Attributes:
        row, col, sample: the query cell.
        config: the run's.
        scores, fused_rows, fused_scores, attention: `(gh, gw)`, over the background patches.
        valid: bool `(gh, gw)`.
        patch: `(c, 2·rate, 2·rate)`, what the cell pastes, before dividing by the overlap.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> row: cv.QueryRow = cv.trace(x, x).query(1, 0)
    >>> row["attention"].shape  # one share for each background patch
    torch.Size([2, 2])
    >>> round(row.attention.sum().item(), 4)
    1.0
    >>> row.order.shape, row.patch.shape
    (torch.Size([4]), torch.Size([3, 4, 4]))
    """

    row: int
    col: int
    sample: int
    config: AttentionConfig
    scores: Tensor
    fused_rows: Tensor
    fused_scores: Tensor
    attention: Tensor
    valid: Tensor
    patch: Tensor

    def __getitem__(self, key: str) -> Tensor:
        """The row at a stage by its key.

        Raises:
            UnknownKeyError: a stage that has no row over the background.
        """
        keys = ("valid", *MATRICES)
        if key not in keys:
            raise UnknownKeyError("stage", "one of " + ", ".join(keys), repr(key))
        return getattr(self, key)

    @property
    def order(self) -> Tensor:
        """int64 `(L,)`: background patches by attention, best first (ties: first first)."""
        return self.attention.flatten().nan_to_num(-1).argsort(descending=True, stable=True)

    def best(self, count: int = 5) -> list[Match]:
        """The `count` background patches with the largest share, best first."""
        columns = self.attention.shape[1]
        step = self.config.stride
        return [
            Match(
                index=q,
                row=q // columns * step,
                col=q % columns * step,
                score=float(self.scores.flatten()[q]),
                fused=float(self.fused_scores.flatten()[q]),
                weight=float(self.attention.flatten()[q]),
            )
            for q in self.order[: check_whole("count", count)].tolist()
        ]

    def __repr__(self) -> str:
        lines = [f"query ({self.row}, {self.col}), sample {self.sample}"]
        lines += [
            f"  match ({m.row}, {m.col}): score {m.score:.4g}, fused {m.fused:.4g}, "
            f"weight {m.weight:.4g}"
            for m in self.best()
        ]
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class PixelTerm:
    """One pasted patch that covers an output pixel.

    Attributes:
        query: (row, column) of the cell that pasted it.
        position: where in its 2·rate × 2·rate patch the pixel lies.
        weights: `(L,)`, the cell's attention.
        colours: `(L, c)`, each background patch's value at that position.
        patches, config: the patch grid (gh, gw) and the run's configuration.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> term: cv.PixelTerm = cv.trace(x, x).pixel(1, 1).terms[0]
    >>> term.query, term.position  # the cell that pasted, and where in its 4×4 patch the pixel lies
    ((0, 0), (2, 2))
    >>> torch.allclose(term.contribution, term.weights @ term.colours)
    True
    """

    query: tuple[int, int]
    position: tuple[int, int]
    weights: Tensor
    colours: Tensor
    patches: tuple[int, int]
    config: AttentionConfig

    @property
    def contribution(self) -> Tensor:
        """`(c,)`: Σ weights · colours, before dividing by the overlap."""
        return (self.weights[:, None] * self.colours).sum(dim=0)  # no product for autocast to round

    def best(self, count: int = 5) -> list[tuple[tuple[int, int], float, list[float]]]:
        """The heaviest patches: (cell on b's grid, weight, colour), heaviest first."""
        step, columns = self.config.stride, self.patches[1]
        order = self.weights.nan_to_num(-1).argsort(descending=True, stable=True)
        return [
            (
                (q // columns * step, q % columns * step),
                float(self.weights[q]),
                self.colours[q].tolist(),
            )
            for q in order[: check_whole("count", count)].tolist()
        ]


@dataclass(frozen=True, repr=False)
class PixelLedger:
    """One output pixel as the sum that made it: Σ terms / divisor.

    Attributes:
        row, col, sample: the output pixel.
        terms: the patches that cover it, four of them away from the border.
        divisor: 4, or how many patches cover it.
        swapped: `(c,)`, the pixel as a function made it that stands in for the deconvolution, which
            the terms need not add up to; None where none does.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run = cv.trace(x, x)
    >>> ledger: cv.PixelLedger = run.pixel(1, 1)
    >>> len(ledger.terms), ledger.divisor  # four patches over an inner pixel
    (4, 4.0)
    >>> torch.allclose(ledger.value, run["output"].tensor[0, :, 1, 1])
    True
    """

    row: int
    col: int
    sample: int
    terms: list[PixelTerm]
    divisor: float
    swapped: Tensor | None = None

    @property
    def total(self) -> Tensor:
        """`(c,)`: the sum over terms, before dividing."""
        return torch.stack([term.contribution for term in self.terms]).sum(dim=0)

    @property
    def value(self) -> Tensor:
        """`(c,)`: the pixel of the output, in the precision that it was summed in."""
        return self.total / self.divisor if self.swapped is None else self.swapped

    def __repr__(self) -> str:
        lines = [f"pixel ({self.row}, {self.col}), sample {self.sample}"]
        for term in self.terms:
            place = f"from query {term.query} at {term.position} of its patch"
            lines.append(f"  + {_colour_text(term.contribution)} {place}")
        total, value = self.total, self.total / self.divisor
        lines.append(f"  = {_colour_text(total)} / {self.divisor:g} = {_colour_text(value)}")
        if self.swapped is not None:
            lines.append(f"  the function in place of the output: {_colour_text(self.swapped)}")
        return "\n".join(lines)


def _colour_text(colour: Tensor) -> str:
    return "[" + ", ".join(f"{channel:.4g}" for channel in colour.tolist()) + "]"
