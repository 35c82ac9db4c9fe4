"""The drawing of a feedback: target, yours, difference."""

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from ..drawable import MOST_SIDE, is_drawable
from ..drawing import WIDTH, Figure, canvas, draw_heat, draw_numbers
from ..stages import BY_KEY
from .feedback import Drawing, Grid, place

READABLE = 6  # up to so many rows and columns, numbers are written into the cells


def draw(drawing: Drawing) -> Figure:
    """Target and answer with one scale of colours, their difference, the element pointed at."""
    target, at = _flat(drawing.target, drawing)
    same = drawing.yours.shape == drawing.target.shape and is_drawable(drawing.yours)
    yours = _flat(drawing.yours, drawing)[0] if same else _first_plane(drawing.yours)
    panels = {"target": target}
    if same:
        gap = yours - target
        agrees = torch.isclose(yours, target, rtol=1e-4, atol=1e-6)  # rounding is not drawn
        panels |= {"yours": yours, "yours − target": gap.masked_fill(agrees, 0)}
    elif yours.numel():
        panels[f"yours, of shape {tuple(drawing.yours.shape)}"] = yours
    shown = torch.cat([x[x.isfinite()] for x in (target, yours)])
    limit = float(shown.abs().max()) if shown.numel() and shown.any() else 1.0
    signed = bool((shown < 0).any())
    wide = max(x.shape[1] / x.shape[0] for x in panels.values())
    height = min(max(WIDTH / len(panels) / wide, 1.2), 3.2) + 0.4
    figure, axes = canvas(1, len(panels), height=height, alt=_alt(drawing, same))
    for ax, (title, x) in zip(axes.flat, panels.items(), strict=False):
        if max(x.shape) <= READABLE:
            draw_numbers(ax, x, title, limit=limit)
        elif title.endswith("− target"):
            draw_heat(ax, x, title, signed=True)
        else:
            draw_heat(ax, x, title, limit=limit, signed=signed)
        if at and same:
            _point_at(ax, *at)
    return figure


def _flat(x: Tensor, drawing: Drawing) -> tuple[Tensor, tuple[int, int] | None]:
    """A stage as a matrix: the sample (and channel) of the index; and the index in it."""
    x = x.detach().cpu().double()
    axes = BY_KEY[drawing.key].axes
    index = drawing.index or (0,) * len(axes)
    (_, w), (gh, gw) = drawing.grids
    plane = x[index[0]]
    at: tuple[int, int]
    if "patch row" in axes:  # every patch in its place, a gap between them
        _, q, channel, i, j = index
        plane, at = _mosaic(plane[:, channel], (gh, gw)), (0, 0)
        side = x.shape[-1] + 1
        at = (q // gw * side + i, q % gw * side + j)
    elif len(axes) == 2:  # (sample, background patch)
        plane, at = plane.unflatten(0, (gh, gw)), (index[1] // gw, index[1] % gw)
    elif axes[-1] == "background patch":  # a row for each query
        plane, at = plane.flatten(0, 1), (index[1] * w + index[2], index[3])
    else:  # (sample, channel, row, column)
        plane, at = plane[index[1]], (index[2], index[3])
    return plane, at if drawing.index else None


def _mosaic(patches: Tensor, grid: Grid) -> Tensor:
    framed = torch.nn.functional.pad(patches, (0, 1, 0, 1), value=torch.nan)
    rows = framed.unflatten(0, grid).transpose(1, 2).flatten(2, 3).flatten(0, 1)
    return rows[:-1, :-1]


def _first_plane(x: Tensor) -> Tensor:
    """The last two axes of anything, at index 0 of the others."""
    if not is_drawable(x) or not x.numel():
        return torch.zeros(0, 0)
    while x.ndim > 2:
        x = x[0]
    plane = x if x.ndim == 2 else x.reshape(1, -1)
    return plane[:MOST_SIDE, :MOST_SIDE].detach().cpu().double()


def _point_at(ax: Axes, row: int, column: int) -> None:
    for colour, width in (("white", 3.0), ("black", 1.3)):
        box = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width, zorder=6
        )
        ax.add_patch(box)


def _alt(drawing: Drawing, same: bool) -> str:
    title = BY_KEY[drawing.key].title
    if not same:
        return f"The {title} expected, and beside them what came, of another shape."
    said = f"The {title} expected, beside them what came, and the difference"
    if drawing.index is None:
        return f"{said}, which is zero everywhere."
    return (
        f"{said}. A box marks the first element that differs: {place(drawing.key, drawing.index)}."
    )
