"""What one output pixel, or one pasted patch, teaches f and b: `Trace.gradient`.

y = Σ_q a(q)·paste(q): b is in it twice, as what is pasted (the *values*) and, within the attention
a, as what f is compared with (the *scores*). f is in the scores alone. Autograd goes through the
stages, for the queries alone whose patches y is made of, and for those that fusion reads beside
them. With the two roles of b as two leaves it also tells which of them a gradient came through.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..checks import check_index
from ..devices import exact_arithmetic, free_memory, has_no_values
from ..errors import BudgetError, InputError
from ..stages import query_grid
from ..stages.deconvolution import overlap
from ..stages.downsampling import downsample
from ..stages.fused_softmax import rows_needed
from ..stages.matching_scores import lifted
from ..stages.patch_extraction import matching_patches, paste_patches
from ..units import human
from .gradient_words import Flow, explained
from .rows import covering
from .values import LazyValues, rows_of

log = logging.getLogger("ctxattn_viz")

Place = tuple[int, int]

AFTER = ("offsets", "flow")  # stages that the output does not depend on


@dataclass(frozen=True, repr=False)
class Gradient:
    """The slope of one number y of a run: how y follows each number of f and of b.

    Where f and b are one tensor, its gradient is the sum of both. All are at least float32, on the
    run's device, of the one sample.

    Attributes:
        of: in words, what y is.
        value: y.
        sample: which of the batch.
        f: `(c, H, W)`, ∂y/∂f.
        b_values: `(c, Hb, Wb)`, the part of ∂y/∂b that comes through the pasted patches.
        b_scores: `(c, Hb, Wb)`, the part that comes through the scores, and so the attention.
        queries: the cells, (row, column), whose pasted patches y is made of.
        best_shares: `(Q,)`, what the best patch has of each of these queries' attention.
        slack: `(Q,)`, Σ a·(1 − a) over each one's patches: how far its softmax still gives way, 0
            where one patch has everything and near 1 where many share.
        sentence: in words, where the gradient flows and why it does not flow elsewhere.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> gradient: cv.Gradient = cv.trace(photo, photo).gradient(pixel=(7, 9))
    >>> gradient.f.shape, torch.equal(gradient.b, gradient.b_values + gradient.b_scores)
    (torch.Size([3, 16, 32]), True)
    >>> gradient.queries  # four patches are laid over an inner pixel
    [(3, 4), (3, 5), (4, 4), (4, 5)]
    """

    of: str
    value: float
    sample: int
    f: Float[Tensor, "c H W"]
    b_values: Float[Tensor, "c Hb Wb"]
    b_scores: Float[Tensor, "c Hb Wb"]
    queries: list[Place]
    best_shares: Float[Tensor, "Q"]
    slack: Float[Tensor, "Q"]
    sentence: str

    @cached_property
    def b(self) -> Float[Tensor, "c Hb Wb"]:
        """`(c, Hb, Wb)`, ∂y/∂b: both parts."""
        return self.b_values + self.b_scores

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.3g}" for share in self.best_shares.tolist())
        return "\n".join(
            [
                f"gradient of y = {self.of}, sample {self.sample}",
                f"  y = {self.value:.4g}, best shares {shares}",
                f"  ∂y/∂f: {_range_text(self.f)}",
                f"  ∂y/∂b through values: {_range_text(self.b_values)}",
                f"  ∂y/∂b through scores: {_range_text(self.b_scores)}",
                f"  {self.sentence}",
            ]
        )


def _range_text(x: Tensor) -> str:
    low, high = (float(end) for end in x.aminmax())
    return f"{low:.4g} … {high:.4g}, Σ|…| = {float(x.abs().sum()):.4g}"


def gradient_of(
    values: LazyValues,
    budget: int | None,
    pixel: Any,
    query: Any,
    channel: int | None,
    sample: int,
) -> Gradient:
    """What `Trace.gradient` returns."""
    config, f = values.config, values["f"]
    if (pixel is None) == (query is None):
        raise InputError(
            "pixel", "either pixel=(row, column) or query=(row, column)", f"{pixel} and {query}"
        )
    if has_no_values(f):
        raise InputError("gradient", "a run with values", f"one on {f.device}")
    if swapped := [key for key in values.swapped if key not in AFTER]:
        hint = "Whether a function of your own has a gradient is not known."
        raise InputError("gradient", "a run of our stages", f"one with {swapped[0]} swapped", hint)
    sample = check_index("sample", sample, len(f))
    if channel is not None:
        channel = check_index("channel", channel, f.shape[1])
    grid, side = query_grid(values, config), 2 * config.rate
    summed = "its channels added up" if channel is None else f"channel {channel}"
    positions: dict[Place, tuple[int | slice, int | slice]] = {}
    if pixel is not None:
        at = _checked_place("pixel", pixel, (f.shape[2], f.shape[3]))
        positions |= covering(at, grid, config)
        divisor = float(overlap(grid, config)[0, 0, at[0], at[1]])
        of = f"output pixel {at}, {summed}"
    else:
        at = _checked_place("query", query, grid)
        positions[at] = slice(None), slice(None)
        divisor = 1.0
        of = f"the {side}×{side} patch that query {at} pastes, {summed} over its pixels"
    cells = torch.tensor([row * grid[1] + column for row, column in positions], device="cpu")
    _check_memory(values, budget, cells)
    channels = slice(None) if channel is None else slice(channel, channel + 1)
    # (A trace made in inference mode holds tensors that autograd refuses: these are copies.)
    with torch.inference_mode(False), torch.enable_grad(), exact_arithmetic(f.device):
        own = slice(sample, sample + 1)
        leaf_f, for_scores, for_values = (
            lifted(values[name][own]).detach().clone().requires_grad_() for name in ("f", "b", "b")
        )
        inputs = {
            "f": leaf_f,
            "b": for_scores,
            "downsampled_f": downsample(leaf_f, config),
            "matching_patches": matching_patches(downsample(for_scores, config), config),
            "valid": values["valid"][own].clone(),
        }
        attention = rows_of(inputs, config, cells)["attention"][0]  # (Q, L)
        pasted = paste_patches(for_values, config)[0][:, channels]  # (L, c, 2·rate, 2·rate)
        y = torch.zeros_like(attention[0, 0])
        for weights, (row, column) in zip(attention, positions.values(), strict=True):
            y = y + (weights * pasted[:, :, row, column].flatten(1).sum(dim=1)).sum() / divisor
        slopes = torch.autograd.grad(y, (leaf_f, for_scores, for_values))
    shares = attention.detach()
    flow = Flow(
        f=slopes[0][0],
        b_scores=slopes[1][0],
        b_values=slopes[2][0],
        best_shares=shares.amax(dim=1),
        slack=(shares * (1 - shares)).sum(dim=1),
    )
    return Gradient(
        of=of,
        value=float(y.detach()),
        sample=sample,
        queries=[*positions],
        sentence=explained(flow, values, sample),
        **vars(flow),
    )


def _checked_place(name: str, place: Any, sizes: Place) -> Place:
    if not isinstance(place, Sequence) or isinstance(place, str) or len(place) != 2:
        raise InputError(name, "(row, column)", repr(place))
    row, column = (
        check_index(f"{name} {axis}", at, size)
        for axis, at, size in zip(("row", "column"), place, sizes, strict=True)
    )
    return row, column


def _check_memory(values: LazyValues, budget: int | None, cells: Tensor) -> None:
    """Say what the gradient will take, and refuse what does not fit."""
    config, device = values.config, values["f"].device
    grid, length = query_grid(values, config), values["valid"].shape[1]
    width = lifted(values["f"][:0]).element_size()
    by_columns = rows_needed(cells, grid, "columns", config)
    by_rows = rows_needed(by_columns, grid, "rows", config)
    channels = values["f"].shape[1]
    # Fitted to what is allocated at the peak: up to 40 % more, never 11 % less.
    rows = 3 * len(by_rows) + len(by_columns) + len(cells)
    patches = channels * (6 * config.ksize**2 + (2 * config.rate) ** 2)
    maps = values["f"][0].numel() + 2 * values["b"][0].numel()
    need = ((rows + patches) * length + maps) * width
    log.info("gradient will allocate %s", human(need))
    limit = free_memory(device) // 2 if budget is None else budget
    if need > limit:
        raise BudgetError(
            f"gradient: expected to fit {human(limit)} "
            f"({'half of the free memory' if budget is None else 'the budget'}), got "
            f"{human(need)} for {len(by_rows)} rows of {length} scores and the patches of b."
        )
