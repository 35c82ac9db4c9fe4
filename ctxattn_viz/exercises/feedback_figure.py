"""The drawing of a feedback: what went in, and beside or below it target, yours, difference."""

import math
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from ..figures.drawable import is_drawable
from ..figures.drawing import WIDTH, Figure, canvas, draw_heat, draw_numbers
from ..stages import BY_KEY
from .attempts import Drawing, Grid, place

READABLE = 8  # up to so many rows and columns, numbers are written into the cells
MOST = 96  # rows and columns that are drawn of anything

# What an exercise calls its argument: the stage that is laid out in the same way.
LAID_OUT_AS = {
    "x": "downsampled_b",
    "f": "downsampled_f",
    "b": "downsampled_b",
    "mask": "downsampled_mask",
    "w": "matching_patches",
    "paste": "paste_patches",
    "scores": "scores",
    "valid": "valid",
    "attention": "attention",
}


@dataclass(frozen=True)
class Panel:
    """One matrix of the drawing.

    Attributes:
        values: `(rows, columns)`.
        labels: what a row is, and what a column is.
        pitch: rows and columns to each number of the labels.
    """

    values: Tensor
    labels: tuple[str, str]
    pitch: int = 1


def draw(drawing: Drawing) -> Figure:
    """What went in, target, answer and difference; a box at the element meant."""
    target, at = _panel(drawing.target, drawing.key, drawing)
    yours, _ = _panel(drawing.yours, drawing.key, drawing)
    same = drawing.yours.shape == drawing.target.shape and is_drawable(drawing.yours)
    answers = {"target": target}
    if yours.values.numel():
        answers["yours" if same else f"yours, of shape\n{tuple(drawing.yours.shape)}"] = yours
    if yours.values.numel() and yours.labels == target.labels:
        answers["yours − target" + ("" if same else "\n(as far as both go)")] = _gap(target, yours)
    inputs = {
        _with_part(name, value, drawing): _panel(value, LAID_OUT_AS[name], drawing)[0]
        for name, value in drawing.inputs.items()
    }
    # One input stands beside the answers, several above them.
    rows = [{**inputs, **answers}] if len(inputs) <= 1 else [inputs, answers]
    columns = max(map(len, rows))
    heights = [_height(row, columns) for row in rows]
    figure, axes = canvas(
        len(rows),
        columns,
        height=sum(heights) / len(rows),
        alt=_alt(drawing, same),
        height_ratios=heights,
    )
    limit, signed = _limit([target, yours]), _signed([target, yours])
    for ax in axes.flat:
        ax.set_visible(False)
    for line, row in zip(axes, rows, strict=True):
        for ax, (title, panel) in zip(line, row.items(), strict=False):
            ax.set_visible(True)
            is_answer = title in answers
            _draw_panel(
                ax, panel, title, limit if is_answer else None, signed if is_answer else None
            )
            _fit_numbers(ax, WIDTH / columns - 0.5, panel)
            if at and same and is_answer:
                _point_at(ax, *at)
    return figure


def _with_part(name: str, value: Tensor, drawing: Drawing) -> str:
    """The name of an input, with the sample and the channel that are drawn where it has more."""
    index = drawing.index or (0,) * len(BY_KEY[drawing.key].axes)
    parts = []
    if len(value) > 1:
        parts.append(f"sample {min(index[0], len(value) - 1)}")
    axes = BY_KEY[LAID_OUT_AS[name]].axes
    if "channel" in axes and (channels := value.shape[axes.index("channel")]) > 1:
        parts.append(f"channel {min(_channel(drawing.key, index), channels - 1)}")
    return ", ".join([name, *parts])


def _draw_panel(
    ax: Axes, panel: Panel, title: str, limit: float | None, signed: bool | None
) -> None:
    values = panel.values
    if max(values.shape) <= READABLE:
        draw_numbers(ax, values, title, limit=limit)
    elif "− target" in title:
        draw_heat(ax, values.double(), title, signed=True, bar=len(values) > 4)
    else:
        draw_heat(ax, values.double(), title, limit=limit, signed=signed, bar=len(values) > 4)
    ax.set_ylabel(panel.labels[0], fontsize=7, labelpad=2)
    ax.set_xlabel(panel.labels[1], fontsize=7, labelpad=2)
    for axis, size in ((ax.yaxis, values.shape[0]), (ax.xaxis, values.shape[1])):
        count = math.ceil(size / panel.pitch)
        numbers = range(0, count, max(1, math.ceil(count / 8)))
        middle = (min(panel.pitch, size) - 1 - (panel.pitch > 1)) / 2
        axis.set_ticks([n * panel.pitch + middle for n in numbers], [str(n) for n in numbers])
    ax.tick_params(labelsize=6, length=0, pad=1)


def _fit_numbers(ax: Axes, inches: float, panel: Panel) -> None:
    """Make the numbers small enough for their cells, and leave the gaps between patches empty."""
    rows, columns = panel.values.shape
    longest = max((len(text.get_text()) for text in ax.texts), default=1)
    size = 72 * min(inches / columns / (0.65 * longest), 2.6 / rows / 1.3)
    for text in ax.texts:
        text.set_fontsize(max(min(text.get_fontsize(), size), 4.5))
        column, row = (round(part) for part in text.get_position())
        if panel.pitch > 1 and panel.pitch - 1 in (row % panel.pitch, column % panel.pitch):
            text.set_visible(False)


def _panel(x: Tensor, key: str, drawing: Drawing) -> tuple[Panel, tuple[int, int] | None]:
    """A stage as a matrix: the sample (and channel) of the index; and where the index is in it."""
    if not is_drawable(x) or not x.numel():
        return Panel(torch.zeros(0, 0), ("", "")), None
    x = x.detach().cpu()
    axes = BY_KEY[key].axes
    if x.ndim != len(axes):
        return _first_plane(x), None
    index = drawing.index or (0,) * len(BY_KEY[drawing.key].axes)
    (_, w), patches = drawing.grids
    plane = x[min(index[0], len(x) - 1)]
    at: tuple[int, int] | None = None
    panel: Panel
    if "patch row" in axes:  # every patch in its place, a gap between them
        channel = min(_channel(drawing.key, index), plane.shape[1] - 1)
        _, gw = grid = _grid_of(len(plane), patches)
        side = x.shape[-1] + 1
        panel = Panel(
            _mosaic(plane[:, channel], grid), ("row of patches", "column of patches"), side
        )
        if key == drawing.key:
            _, q, _, i, j = index
            at = (q // gw * side + i, q % gw * side + j)
    elif len(axes) == 2:  # (sample, background patch)
        _, gw = grid = _grid_of(len(plane), patches)
        panel = Panel(plane.unflatten(0, grid), ("row of patches", "column of patches"))
        if key == drawing.key:
            at = (index[1] // gw, index[1] % gw)
    elif axes[-1] == "background patch":  # a row for each query
        panel = Panel(plane.flatten(0, 1), ("query, row by row", "background patch"))
        if key == drawing.key:
            at = (index[1] * w + index[2], index[3])
    else:  # (sample, channel, row, column)
        channel = min(_channel(drawing.key, index), len(plane) - 1)
        panel = Panel(plane[channel], ("row", "column"))
        if key == drawing.key:
            at = (index[2], index[3])
    visible = Panel(panel.values[:MOST, :MOST], panel.labels, panel.pitch)
    return visible, at if drawing.index else None


def _channel(key: str, index: tuple[int, ...]) -> int:
    axes = BY_KEY[key].axes
    return index[axes.index("channel")] if "channel" in axes else 0


def _grid_of(count: int, grid: Grid) -> Grid:
    """The grid of so many patches: the one expected where they are as many, else one like it."""
    if count == grid[0] * grid[1]:
        return grid
    rows = [rows for rows in range(1, count + 1) if count % rows == 0]
    best = min(rows, key=lambda r: abs(math.log(r * r / count * grid[1] / grid[0])))
    return best, count // best


def _mosaic(patches: Tensor, grid: Grid) -> Tensor:
    framed = torch.nn.functional.pad(patches.double(), (0, 1, 0, 1), value=torch.nan)
    rows = framed.unflatten(0, grid).transpose(1, 2).flatten(2, 3).flatten(0, 1)
    return rows[:-1, :-1]


def _first_plane(x: Tensor) -> Panel:
    """The last two axes of anything, at index 0 of the others."""
    while x.ndim > 2:
        x = x[0]
    x = x if x.ndim == 2 else x.reshape(1, -1)
    return Panel(x[:MOST, :MOST], ("last axis but one", "last axis"))


def _gap(target: Panel, yours: Panel) -> Panel:
    """The difference as far as both go; rounding is not drawn."""
    rows, columns = (min(target.values.shape[i], yours.values.shape[i]) for i in (0, 1))
    a, b = (panel.values[:rows, :columns].double() for panel in (target, yours))
    agrees = torch.isclose(a, b, rtol=1e-4, atol=1e-6)
    return Panel((b - a).masked_fill(agrees, 0), target.labels, target.pitch)


def _limit(panels: list[Panel]) -> float:
    """The largest finite number of target and yours."""
    values = torch.cat([panel.values.double().flatten() for panel in panels[:2]])
    finite = values[values.isfinite()]
    return float(finite.abs().max()) if finite.numel() and finite.any() else 1.0


def _signed(panels: list[Panel]) -> bool:
    return any(bool((panel.values.double() < 0).any()) for panel in panels)


def _height(row: dict[str, Panel], columns: int) -> float:
    """Inches that a row of panels takes, title and labels with it."""
    width = WIDTH / columns - 0.6
    tallest = max(panel.values.shape[0] / panel.values.shape[1] for panel in row.values())
    return min(max(width * tallest, 0.5), 2.6) + 0.6


def _point_at(ax: Axes, row: int, column: int) -> None:
    for colour, width in (("white", 3.0), ("black", 1.3)):
        box = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width, zorder=6
        )
        ax.add_patch(box)


def _alt(drawing: Drawing, same: bool) -> str:
    title = BY_KEY[drawing.key].title
    start = f"What went in ({', '.join(drawing.inputs)}); then the" if drawing.inputs else "The"
    if not same:
        return f"{start} {title} expected, and beside them what came, of another shape."
    sentence = f"{start} {title} expected, beside them what came, and the difference"
    if drawing.index is None:
        return f"{sentence}, which is zero everywhere."
    where = place(drawing.key, drawing.index)
    return f"{sentence}. A box marks the first element that differs: {where}."
