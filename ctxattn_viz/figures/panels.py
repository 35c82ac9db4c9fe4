"""Things of one kind side by side, each under its name: pictures, patches, numbers, maps, lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from .. import samples
from ..checks import check_choice, check_real, check_whole, shape_of
from ..errors import InputError
from .drawable import LARGEST, LITERALLY, MOST_AXES, MOST_PIXELS, check_size, finite_range, readable
from .drawing import STYLE, WIDTH, Figure, Picture, canvas, draw_heat, draw_numbers, draw_picture

TALLEST = 8.0  # inches of a row, where its height follows from the pictures
MOST_PATCHES = 1024
MOST_POINTS = 1_000_000  # of all lines of a figure


def pictures(
    named: Mapping[str, Picture],
    *,
    hole: Tensor | None = None,
    columns: int | None = None,
    height: float | None = None,
    alt: str | None = None,
) -> Figure:
    """Pictures side by side, each under its name; `hole` is drawn on the first.

    Raises:
        InputError: no picture, what is none, or more than a figure can hold.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> cv.figures.pictures({"as it is": photo, "turned": photo.flip(3)}).alt
    'Pictures side by side: as it is; turned.'
    """
    columns = _columns(named, "pictures", columns)
    first = next(iter(named.values()))
    ratio = 1.0
    if isinstance(first, Tensor) and first.ndim > 1 and first.numel():
        ratio = first.shape[-2] / first.shape[-1]
    row_height = min(WIDTH / columns * ratio, TALLEST) + 0.3 if height is None else height
    width = min(WIDTH, columns * (max(row_height - 0.3, 0.1) / ratio + 0.1))
    alt_text = alt or "Pictures side by side: " + "; ".join(_one_line(name) for name in named) + "."
    figure, axes_list = _axes_for(len(named), columns, height=row_height, width=width, alt=alt_text)
    for i, (ax, (name, x)) in enumerate(zip(axes_list, named.items(), strict=True)):
        draw_picture(ax, x, name, hole if i == 0 else None)
    return figure


def patches(
    cut: Tensor,
    *,
    columns: int | None = None,
    titles: Sequence[str] | None = None,
    height: float | None = None,
    alt: str | None = None,
) -> Figure:
    """Patches `(N, c, k, k)` in [-1, 1] as pictures, in rows of `columns`.

    With `titles` each patch gets its own axes and name; without, they form one mosaic.

    Raises:
        InputError: no patches, or more than a figure can hold.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> cut = cv.trace(photo, photo)["paste_patches"].tensor[0, :8]
    >>> cv.figures.patches(cut, columns=4).alt
    '8 patches of 4 by 4 pixels.'
    """
    _check_patches(cut)
    columns = min(len(cut), 16) if columns is None else check_whole("columns", columns)
    alt_text = alt or f"{len(cut)} patches of {cut.shape[2]} by {cut.shape[3]} pixels."
    if titles is not None:
        row_height = WIDTH / columns + 0.25 if height is None else height
        figure, axes_list = _axes_for(len(cut), columns, height=row_height, alt=alt_text)
        for ax, x, title in zip(axes_list, cut, titles, strict=False):
            draw_picture(ax, x, title)
        return figure
    rows = math.ceil(len(cut) / columns)
    row_height = min(WIDTH / columns, 0.8) * rows + 0.1 if height is None else height
    figure, axes = canvas(1, 1, height=row_height, alt=alt_text)
    draw_picture(axes[0, 0], mosaic(cut, columns))
    return figure


def mosaic(cut: Tensor, columns: int) -> np.ndarray:
    """Patches `(N, c, k, k)` in one (H, W, 3) uint8 picture, a white line between them.

    Raises:
        InputError: no patches, or more than 1024 of them, or than 20 million pixels in all.

    >>> cv.figures.mosaic(torch.zeros(4, 3, 4, 4), columns=2).shape
    (28, 28, 3)
    """
    _check_patches(cut)
    n, _, k, m = cut.shape
    columns = min(check_whole("columns", columns), n)
    rows = math.ceil(n / columns)
    scale = max(1, 12 // k)  # the white line is thin beside the enlarged pixels
    size = rows * (k * scale + 2), columns * (m * scale + 2)
    if size[0] * size[1] > MOST_PIXELS:
        raise InputError(
            "cut", f"a mosaic of at most {MOST_PIXELS} pixels", f"{size[0]} × {size[1]}"
        )
    sheet = np.full((*size, 3), 255, np.uint8)
    for i, x in enumerate(cut):
        top, left = i // columns * (k * scale + 2) + 1, i % columns * (m * scale + 2) + 1
        pixels = samples.to_picture(x).repeat(scale, 0).repeat(scale, 1)
        sheet[top : top + k * scale, left : left + m * scale] = pixels
    return sheet


def numbers(
    named: Mapping[str, Tensor],
    *,
    columns: int | None = None,
    height: float = 2.2,
    digits: int = 2,
    marks: Mapping[str, Iterable[tuple[int, int]]] | None = None,
    alt: str | None = None,
) -> Figure:
    """Small matrices side by side with their numbers in the cells; see `draw_numbers`.

    Raises:
        InputError: no matrix, what is none, or more cells than can be read.

    >>> cv.figures.numbers({"scores": torch.eye(2), "shares": torch.eye(2).softmax(1)}).alt
    'Small matrices with their numbers: scores; shares.'
    """
    _check_matrices(named)
    columns = _columns(named, "matrices", columns)
    check_size("height", height)
    alt_text = alt or "Small matrices with their numbers: " + "; ".join(map(_one_line, named)) + "."
    ratios = [x.shape[-1] / x.shape[-2] for x in list(named.values())[:columns]]
    width = min(WIDTH, sum(ratios) * max(height - 0.25, 0) + 0.3 * columns)
    widths: Any = {"width_ratios": ratios} if len(named) == columns else {}
    figure, axes_list = _axes_for(
        len(named), columns, height=height, width=width, alt=alt_text, **widths
    )
    for ax, (name, x) in zip(axes_list, named.items(), strict=True):
        ax.axis("on")
        draw_numbers(ax, x, name, digits=digits, marks=marks)
    return figure


def heats(
    named: Mapping[str, Tensor],
    *,
    columns: int | None = None,
    height: float = 2.4,
    shared: bool = False,
    alt: str | None = None,
) -> Figure:
    """Matrices side by side as colours; `shared`: one scale for all of them.

    Raises:
        InputError: no matrix, what is none, or more than a figure can hold.

    >>> ramp = torch.arange(4.0).reshape(2, 2)
    >>> figure = cv.figures.heats({"low": ramp, "high": 9 * ramp}, shared=True)
    >>> len({axes.images[0].get_clim() for axes in figure.axes[:2]})  # one scale for both
    1
    """
    _check_matrices(named)
    columns = _columns(named, "matrices", columns)
    alt_text = alt or "Heat maps: " + "; ".join(map(_one_line, named)) + "."
    figure, axes_list = _axes_for(len(named), columns, height=height, alt=alt_text)
    ends = [abs(end) for x in named.values() for end in finite_range(x)] if shared else []
    limit = max(ends, default=0) or None  # None: each its own
    for ax, (name, x) in zip(axes_list, named.items(), strict=True):
        draw_heat(ax, x, name, limit=limit)
    return figure


def curves(
    named: Mapping[str, tuple[Any, Any]],
    x_label: str,
    y_label: str,
    *,
    log: str = "",
    height: float = 2.8,
    width: float = 6.0,
    alt: str | None = None,
) -> Figure:
    """Lines over a common axis, each named in a legend; `log`: `"x"`, `"y"` or `"xy"`.

    Raises:
        InputError: no line, x and y that do not fit each other, or more than a million points.

    >>> figure = cv.figures.curves({"square": ([1, 2, 3], [1, 4, 9])}, "side", "area", log="xy")
    >>> figure.alt
    'area over side: square.'
    """
    check_choice("log", log, ("", "x", "y", "xy", "yx"))
    _columns(named, "lines (x, y)", None)
    lines = {name: _line(f"named[{name!r}]", line) for name, line in named.items()}
    points = sum(len(x) for x, _ in lines.values())
    if points > MOST_POINTS:
        raise InputError("named", f"at most {MOST_POINTS} points", points)
    alt_text = alt or f"{y_label} over {x_label}: {', '.join(map(_one_line, named))}."
    figure, axes = canvas(1, 1, height=height, width=width, alt=alt_text)
    ax = axes[0, 0]
    with matplotlib.rc_context(STYLE):
        plotted = [ax.plot(x, y, linewidth=1.6)[0] for x, y in lines.values()]
        for scale, values in zip("xy", zip(*lines.values(), strict=True), strict=True):
            if scale in log and any(
                (axis_values > 0).any() for axis_values in values
            ):  # else: no such scale
                ax.set(**{f"{scale}scale": "log"})
        ax.set_xlabel(readable(x_label), **LITERALLY)
        ax.set_ylabel(readable(y_label), **LITERALLY)
        legend = ax.legend(
            plotted, [" "] * len(plotted)
        )  # one that starts with _ would be left out
        for text, name in zip(legend.get_texts(), lines, strict=True):
            text.set(text=readable(name), **LITERALLY)
    return figure


def _columns(named: Any, what: str, columns: int | None) -> int:
    """In how many columns to show what is named; there has to be something, and not too much."""
    if not isinstance(named, Mapping) or not named:
        raise InputError("named", f"{what} by name, {{'a': …}}", _kind_of(named))
    if len(named) > MOST_AXES:
        raise InputError("named", f"at most {MOST_AXES} {what}", len(named), "Show some of them.")
    return len(named) if columns is None else check_whole("columns", columns)


def _kind_of(named: Any) -> str:
    return "none" if isinstance(named, Mapping) else shape_of(named)


def _check_patches(cut: Any) -> None:
    """Raise `InputError` unless these are patches, as many as a figure can hold."""
    check_real("cut", cut)
    if cut.ndim != 4 or not cut.numel() or cut.shape[1] not in (1, 3):
        raise InputError("cut", "(N, 1 or 3, k, k) patches", shape_of(cut))
    if len(cut) > MOST_PATCHES:
        raise InputError("cut", f"at most {MOST_PATCHES} patches", len(cut), "Show some of them.")


def _check_matrices(named: Any) -> None:
    """Raise `InputError` unless these are matrices by name."""
    _columns(named, "matrices", None)
    for name, x in named.items():
        if not isinstance(x, Tensor):
            hint = "A stage's is its `.tensor`."
            raise InputError(f"named[{name!r}]", "a torch.Tensor", type(x).__name__, hint)
        finite_range(x)


def _axes_for(count: int, columns: int, **options: Any) -> tuple[Figure, list[Axes]]:
    """An empty figure, and the bare axes of `count` things in rows of `columns`."""
    figure, axes = canvas(math.ceil(count / columns), columns, **options)
    for ax in axes.flat:
        ax.axis("off")
    return figure, axes.flatten().tolist()[:count]


def _line(name: str, line: Any) -> tuple[np.ndarray, np.ndarray]:
    """A pair of x and y as float64, of one length."""
    try:
        x, y = (_numbers(values) for values in line)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(name, "a pair of lists of numbers (x, y)", shape_of(line)) from None
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(name, "x and y of one length", f"shapes {x.shape} and {y.shape}")
    return x, y


def _numbers(values: Any) -> np.ndarray:
    if isinstance(values, Tensor):
        check_real("line", values)
        values = values.detach().cpu().double()
    numbers: np.ndarray = np.ma.asarray(values, dtype=float).filled(np.nan)  # masked: a gap too
    return np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)  # what is not finite: a gap


def _one_line(name: object) -> str:
    return readable(name, lines=1)
