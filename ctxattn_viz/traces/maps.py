"""The maps of doubt, `Trace.map`: where matching is unsure, and which patches are pasted most."""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..checks import check_real, shape_of
from ..errors import InputError, UnknownKeyError
from .values import LazyValues

if TYPE_CHECKING:
    from .cells import Swept

MAPS = (
    "effective_patches",
    "best_share",
    "margin",
    "agreement",
    "offset_length",
    "error",
    "times_pasted",
)
"""Their names, in the order of the debugger's menu."""


def map_of(
    values: LazyValues, numbers: "Swept", name: str, sample: int, truth: Tensor | None
) -> Float[Tensor, "rows columns"]:
    """What `Trace.map` returns.

    Args:
        numbers: what one pass over the sample's rows gave.
        truth: checked; read for the error alone.
    """
    if name == "error" and truth is not None:
        is_swapped = "output" in values.swapped  # then the rows do not tell it
        output = values["output"][sample].cpu() if is_swapped else numbers.output
        return error_map(output, truth[sample].cpu(), values.config.rate)
    if name == "times_pasted":
        return numbers.times_pasted.clone()
    of_queries: Tensor = getattr(numbers.cells, name)
    return of_queries.clone()


def check_map(name: object) -> str:
    """The name of a map, or `UnknownKeyError`."""
    if not isinstance(name, str) or name not in MAPS:
        raise UnknownKeyError("map", "one of " + ", ".join(MAPS), repr(name))
    return name


def checked_truth(truth: Any, f: Tensor) -> Tensor:
    """The picture before its hole was filled, or what is wrong with it."""
    if truth is None:
        hint = "The error is that of the output against it."
        raise InputError("truth", f"f's shape {tuple(f.shape)} for the map of errors", None, hint)
    check_real("truth", truth)
    if truth.shape != f.shape:
        raise InputError("truth", f"f's shape {tuple(f.shape)}", shape_of(truth))
    checked: Tensor = truth
    return checked


def margins(
    shares: Float[Tensor, "Q L"], best: Int[Tensor, "Q"], patches: tuple[int, int]
) -> Float[Tensor, "Q"]:
    """How far each best share is above the largest one outside the 3×3 patches around it."""
    rows, columns = patches
    aside = torch.arange(-1, 2, device=best.device)
    near_rows = (best[:, None] // columns + aside).clamp(0, rows - 1)
    near_columns = (best[:, None] % columns + aside).clamp(0, columns - 1)
    near = (near_rows[:, :, None] * columns + near_columns[:, None, :]).flatten(1)
    best_share = shares.gather(1, best[:, None])[:, 0]
    return best_share - shares.scatter(1, near, 0.0).amax(dim=1)


def agreement(
    offsets: Int[Tensor, "h w 2"], matched: Bool[Tensor, "h w"], stride: int
) -> Float[Tensor, "h w"]:
    """The part of each cell's neighbours, `stride` cells away, that are offset as it is.

    Args:
        matched: the cells whose offset means something; the others agree with none.
    """
    agreeing, neighbours = torch.zeros(2, *matched.shape, device="cpu")
    for axis, size in enumerate(matched.shape):
        count = size - stride
        if count < 1:
            continue
        ends = [slice(0, count), slice(stride, size)]
        one, other = (tuple([slice(None)] * axis + [end]) for end in ends)
        same = (offsets[one] == offsets[other]).all(dim=-1) & matched[one] & matched[other]
        for end in (one, other):
            agreeing[end] += same
            neighbours[end] += 1
    return torch.where(neighbours > 0, agreeing / neighbours, 1)


def error_map(
    output: Float[Tensor, "c H W"], truth: Float[Tensor, "c H W"], rate: int
) -> Float[Tensor, "h w"]:
    """|output − truth|, averaged over the pixels of a cell and over channels."""
    gap = (output - truth.to(output.dtype)).abs().mean(dim=0)
    return F.avg_pool2d(gap[None], rate)[0]
