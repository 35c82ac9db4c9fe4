"""One thing on one matplotlib axes: what the figures are composed of."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
import numpy as np
import torch
from cycler import cycler
from matplotlib import figure as mpl
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.patches import Rectangle
from torch import Tensor

from .. import samples
from ..checks import check_choice, check_index, check_real, check_whole, shape_of
from ..errors import InputError
from ..palette import COLOURS, LINES
from .drawable import (
    LITERALLY,
    LONGEST_ALT,
    LONGEST_NUMBER,
    MOST_AXES,
    MOST_DIGITS,
    MOST_INCHES,
    MOST_NUMBERS,
    MOST_PIXELS,
    check_size,
    extent_of,
    finite_range,
    largest_colour,
    matrix,
    outline_points,
    readable,
    thinning,
)

WIDTH = 8.6  # inches: the column of a notebook
DPI = 100
SMALL = 40_000  # bytes of a PNG that need no saving
STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.prop_cycle": cycler(
        color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#7F7F7F"],
        linestyle=["-", "--", "-.", ":", "-", "--"],
    ),
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "hatch.linewidth": 0.6,
}

Picture = Tensor | np.ndarray
"""(3 or 1, H, W) or (1, 3 or 1, H, W) in [-1, 1], or (H, W, 3) uint8."""


class Figure(mpl.Figure):
    """A matplotlib figure that shows itself in a notebook, with its alternative text.

    >>> figure: cv.Figure = cv.figures.heats({"a ramp": torch.arange(6.0).reshape(2, 3)})
    >>> figure.alt  # what a screen reader says
    'Heat maps: a ramp.'
    >>> figure.savefig("ramp.png")
    """

    alt: str = ""

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """As matplotlib's; a sign that no font here has is drawn as a box, without a warning."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
            super().savefig(*args, **kwargs)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        png, jpeg = self._encoded("png"), self._encoded("jpeg")
        # Photographs are several times smaller as JPEG; plots and numbers stay exact.
        keep_png = len(png) < max(SMALL, 1.5 * len(jpeg))
        kind, data = ("image/png", png) if keep_png else ("image/jpeg", jpeg)
        bundle = {kind: base64.b64encode(data).decode(), "text/plain": self.alt}
        return bundle, {kind: {"alt": self.alt, "needs_background": "light"}}

    def _encoded(self, kind: str) -> bytes:
        file = io.BytesIO()
        options = {"quality": 86, "optimize": True} if kind == "jpeg" else {"optimize": True}
        with matplotlib.rc_context(STYLE):
            self.savefig(
                file, format=kind, dpi=DPI, bbox_inches="tight", pad_inches=0.04, pil_kwargs=options
            )
        return file.getvalue()


def canvas(
    rows: int = 1,
    columns: int = 1,
    *,
    height: float = 2.6,
    width: float = WIDTH,
    alt: str = "",
    **grid: Any,
) -> tuple[Figure, np.ndarray]:
    """An empty figure and its axes, `(rows, columns)`, for the `draw_*` functions.

    Args:
        height: of one row, in inches.
        alt: what the finished figure shows, in words.
        grid: further arguments of matplotlib's `subplots`, such as `width_ratios`.

    Raises:
        InputError: more than 100 axes, or a figure of more than 20 million pixels.

    >>> figure, axes = cv.figures.canvas(2, 3, height=1.5, alt="Six empty panels.")
    >>> axes.shape, figure.get_size_inches()[1].item()
    ((2, 3), 3.0)
    """
    rows, columns = check_whole("rows", rows), check_whole("columns", columns)
    if rows * columns > MOST_AXES:
        got = f"{rows} × {columns}"
        raise InputError("figure", f"at most {MOST_AXES} axes", got, "Show some of them.")
    check_size("height", height)
    check_size("width", width)
    total_height = rows * height
    if max(width, total_height) > MOST_INCHES or width * total_height * DPI**2 > MOST_PIXELS:
        expected = f"at most {MOST_PIXELS} pixels, {DPI} an inch, and {MOST_INCHES} inches a side"
        raise InputError("figure", expected, f"{width:.4g} × {total_height:.4g} inches")
    with matplotlib.rc_context(STYLE):
        figure = Figure((width, total_height), layout="constrained")
        figure.alt = readable(alt, LONGEST_ALT, 1)
        axes = figure.subplots(rows, columns, squeeze=False, **grid)
    return figure, axes


def draw_picture(ax: Axes, x: Picture, title: str = "", hole: Tensor | None = None) -> None:
    """A picture without ticks; `hole`, a mask at its size, is outlined and hatched.

    Raises:
        InputError: what is not a picture, or a hole of another size.

    Warns:
        PictureWarning: a tensor of another range than [-1, 1], which shows white or black.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> figure, axes = cv.figures.canvas()
    >>> hole = cv.samples.rectangle(photo.shape[2:], 4, 4, 6, 6)
    >>> cv.figures.draw_picture(axes[0, 0], photo, "a cat", hole)
    >>> axes[0, 0].get_title(loc="left")
    'a cat'
    """
    if isinstance(x, np.ndarray):
        if x.ndim not in (2, 3) or (x.ndim == 3 and x.shape[2] not in (1, 3, 4)) or not x.size:
            raise InputError("picture", "an (H, W, 3) array", f"one of shape {x.shape}")
        if x.dtype.kind not in "buif":
            raise InputError("picture", "an array of uint8", x.dtype)
        height, width = x.shape[:2]
        step = thinning(height, width)
        pixels = x[::step, ::step]
        if x.dtype.kind == "f":
            pixels = np.nan_to_num(pixels, posinf=1, neginf=0).clip(0, 1)
        elif x.dtype.kind == "i":
            pixels = pixels.clip(0, 255)
    else:
        check_real("picture", x)
        if x.ndim not in (3, 4) or not x.numel():
            raise InputError("picture", "(1 or 3, H, W) in [-1, 1]", shape_of(x))
        height, width = x.shape[-2:]
        step = thinning(height, width)
        pixels = samples.to_picture(x[..., ::step, ::step])
    if hole is not None:
        check_real("hole", hole)
        if hole.shape[-2:] != (height, width):
            raise InputError("hole", f"the picture's size, {height}×{width}", shape_of(hole))
    ax.imshow(pixels, extent=extent_of(height, width))
    remove_ticks(ax, title)
    if hole is not None:
        hatch(ax, hole)


def draw_heat(
    ax: Axes,
    values: Tensor,
    title: str = "",
    *,
    limit: float | None = None,
    signed: bool | None = None,
    bar: bool = True,
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """A matrix as colours: cividis from 0 up, or purple–white–orange where signs differ.

    Args:
        values: `(rows, columns)`; NaN and infinity are left white.
        limit: the value of the last colour, if not the largest in `values`.
        signed: which of the two maps, if not what `values` ask for.
        bar: whether to draw the scale beside it.
        extent: left, right, bottom, top: where to draw it, if not one cell a unit.

    >>> figure, axes = cv.figures.canvas()
    >>> cv.figures.draw_heat(axes[0, 0], torch.tensor([[-1.0, 0.0], [0.5, 2.0]]))
    >>> axes[0, 0].images[0].get_cmap().name, axes[0, 0].images[0].get_clim()  # 0 is white
    ('PuOr_r', (-2.0, 2.0))
    """
    low, high = finite_range(values)
    top = largest_colour(limit, low, high)
    signed = low < 0 if signed is None else signed
    height, width = values.shape[-2:]
    step = thinning(height, width)
    drawn_cells = matrix(values[..., ::step, ::step])
    image = ax.imshow(  # leaves out what is not finite
        drawn_cells,
        cmap="PuOr_r" if signed else "cividis",
        vmin=-top if signed else 0,
        vmax=top,
        interpolation="nearest",
        aspect="equal",
        extent=extent_of(height, width) if extent is None else extent,
    )
    remove_ticks(ax, title)
    if bar:
        bar_axes = ax.inset_axes((1.03, 0, 0.04, 1))
        ax.figure.colorbar(image, cax=bar_axes).outline.set_visible(False)
        bar_axes.tick_params(labelsize=7, length=2)


def draw_numbers(
    ax: Axes,
    values: Tensor,
    title: str = "",
    *,
    shade: bool = True,
    limit: float | None = None,
    digits: int = 2,
    marks: Mapping[str, Iterable[tuple[int, int]]] | None = None,
) -> None:
    """A small matrix with its numbers written into the cells: a case worked by hand.

    Args:
        values: `(rows, columns)`; bool shows as ✓ and ·.
        shade: colour the cells by value.
        limit: the value of the last colour, if not the largest in `values`.
        digits: behind the decimal point; whole numbers are written whole.
        marks: role (a key of `COLOURS`) to the cells to outline in its colour.

    Raises:
        InputError: not a matrix, or one of more than 1024 cells.

    >>> figure, axes = cv.figures.canvas()
    >>> values = torch.tensor([[1.0, 0.25]])
    >>> cv.figures.draw_numbers(axes[0, 0], values, marks={"query": [(0, 1)]})
    >>> [text.get_text() for text in axes[0, 0].texts]
    ['1.00', '0.25']
    """
    check_real("values", values)
    if values.numel() > MOST_NUMBERS:
        expected = f"at most {MOST_NUMBERS} cells to write numbers into"
        raise InputError("values", expected, shape_of(values), "`draw_heat` shows more.")
    low, high = finite_range(values)
    top = largest_colour(limit, low, high)
    if isinstance(digits, bool) or digits not in range(MOST_DIGITS + 1):
        raise InputError("digits", f"an integer from 0 to {MOST_DIGITS}", repr(digits))
    numbers = matrix(values)
    ax.imshow(
        numbers if shade else np.zeros_like(numbers),
        cmap=_pale(),
        vmin=-top,
        vmax=top,
    )
    is_bool = values.dtype == torch.bool
    is_whole = bool((numbers[np.isfinite(numbers)] % 1 == 0).all())
    size = float(np.clip(60 / max(numbers.shape), 6, 10))
    for (i, j), value in np.ndenumerate(numbers):
        text = f"{value:.0f}" if is_whole or not np.isfinite(value) else f"{value:.{digits}f}"
        if len(text) > LONGEST_NUMBER:
            text = f"{value:.1e}"
        text = ("✓" if value else "·") if is_bool else text.replace("-", "−").replace("inf", "∞")
        ax.text(j, i, text, ha="center", va="center", fontsize=size, family="DejaVu Sans")
    ax.set_xticks(np.arange(-0.5, numbers.shape[1]), minor=True)
    ax.set_yticks(np.arange(-0.5, numbers.shape[0]), minor=True)
    ax.grid(which="minor", color="#BBBBBB", linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    remove_ticks(ax, title)
    ax.spines[:].set(visible=True, color="#BBBBBB", linewidth=0.6)
    for role, cells in (marks or {}).items():
        for row, col in {(int(row), int(col)) for row, col in cells}:
            row = check_index("marks row", row, numbers.shape[0])
            outline(ax, role, row, check_index("marks column", col, numbers.shape[1]))


def outline(
    ax: Axes,
    role: str,
    top: float,
    left: float,
    height: float = 1,
    width: float | None = None,
    *,
    line: str | None = None,
) -> None:
    """A box around rows `top` to `top + height` in the colour of its role, and its `line`.

    >>> figure, axes = cv.figures.canvas()
    >>> cv.figures.outline(axes[0, 0], "query", top=2, left=3, height=2)
    >>> axes[0, 0].patches[0].get_xy()  # cells have their middles on whole numbers
    (2.5, 1.5)
    """
    check_choice("role", role, tuple(COLOURS))
    width = height if width is None else width
    ax.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),
            width,
            height,
            fill=False,
            edgecolor=COLOURS[role],
            linestyle=line or LINES[role],
            linewidth=1.5,
            zorder=5,
        )
    )


def hatch(ax: Axes, mask: Tensor) -> None:
    """The hole of a mask, hatched and outlined: one cell of the mask is one unit of the axes.

    >>> figure, axes = cv.figures.canvas()
    >>> cv.figures.hatch(axes[0, 0], cv.samples.rectangle((8, 8), 2, 2, 3, 3))
    >>> len(axes[0, 0].collections)  # the hatching, and its outline
    2
    """
    grid = outline_points(mask)
    if grid is None:
        return
    limits = ax.get_xlim(), ax.get_ylim()
    hatching = ax.contourf(*grid, [0.5, 2], colors="none", hatches=["////"])
    hatching.set_edgecolor(COLOURS["hole"])
    hatching.set_linewidth(0)
    ax.contour(*grid, [0.5], colors=[COLOURS["hole"]], linewidths=1.2)
    ax.set(xlim=limits[0], ylim=limits[1])


def surround(ax: Axes, role: str, cells: Tensor) -> None:
    """A line around the true cells of a matrix, in the colour and line of its role.

    >>> figure, axes = cv.figures.canvas()
    >>> cv.figures.surround(axes[0, 0], "query", torch.eye(4) > 0)
    >>> len(axes[0, 0].collections)
    1
    """
    grid = outline_points(cells)
    if grid is None:
        return
    limits = ax.get_xlim(), ax.get_ylim()
    ax.contour(*grid, [0.5], colors=[COLOURS[role]], linestyles=[LINES[role]], linewidths=1.5)
    ax.set(xlim=limits[0], ylim=limits[1])


def remove_ticks(ax: Axes, title: str) -> None:
    """No ticks and no frame; the title at the left."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    if title not in ("", None):
        ax.set_title(readable(title), fontsize=9, loc="left", pad=5, **LITERALLY)


def _pale() -> Colormap:
    """Purple–white–orange, pale enough to read black numbers on."""
    return LinearSegmentedColormap.from_list("pale", ["#B8A9D9", "#FFFFFF", "#FDC98B"])
