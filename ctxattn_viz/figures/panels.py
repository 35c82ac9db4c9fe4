"""Things of one kind side by side, each under its name: pictures, patches, numbers, maps, lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from .. import samples
from ..drawing import STYLE, WIDTH, Figure, Picture, canvas, draw_heat, draw_numbers, draw_picture
from ..errors import InputError, shape_of


def pictures(
    named: Mapping[str, Picture],
    *,
    hole: Tensor | None = None,
    columns: int | None = None,
    height: float | None = None,
    alt: str | None = None,
) -> Figure:
    """Pictures side by side, each under its name; `hole` is drawn on the first."""
    columns = columns or len(named)
    first = next(iter(named.values()))
    ratio = first.shape[-2] / first.shape[-1] if isinstance(first, Tensor) else 1.0
    tall = WIDTH / columns * ratio + 0.3 if height is None else height
    width = min(WIDTH, columns * ((tall - 0.3) / ratio + 0.1))
    said = alt or "Pictures side by side: " + "; ".join(_said(name) for name in named) + "."
    figure, places = _places(len(named), columns, height=tall, width=width, alt=said)
    for i, (ax, (name, x)) in enumerate(zip(places, named.items(), strict=True)):
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
    """
    if cut.ndim != 4:
        raise InputError("cut", "(N, c, k, k) patches", shape_of(cut))
    columns = columns or min(len(cut), 16)
    said = alt or f"{len(cut)} patches of {cut.shape[2]} by {cut.shape[3]} pixels."
    if titles is not None:
        tall = WIDTH / columns + 0.25 if height is None else height
        figure, places = _places(len(cut), columns, height=tall, alt=said)
        for ax, x, title in zip(places, cut, titles, strict=False):
            draw_picture(ax, x, title)
        return figure
    rows = -(-len(cut) // columns)
    tall = min(WIDTH / columns, 0.8) * rows + 0.1 if height is None else height
    figure, axes = canvas(1, 1, height=tall, alt=said)
    draw_picture(axes[0, 0], mosaic(cut, columns))
    return figure


def mosaic(cut: Tensor, columns: int) -> np.ndarray:
    """Patches `(N, c, k, k)` in one (H, W, 3) uint8 picture, a white line between them."""
    n, _, k, m = cut.shape
    rows = -(-n // columns)
    scale = max(1, 12 // k)  # the white line is thin beside the enlarged pixels
    sheet = np.full((rows * (k * scale + 2), columns * (m * scale + 2), 3), 255, np.uint8)
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
    """Small matrices side by side with their numbers in the cells; see `draw_numbers`."""
    _check_matrices(named)
    columns = columns or len(named)
    said = alt or "Small matrices with their numbers: " + "; ".join(map(_said, named)) + "."
    ratios = [x.shape[-1] / x.shape[-2] for x in list(named.values())[:columns]]
    width = min(WIDTH, sum(ratios) * (height - 0.25) + 0.3 * columns)
    uneven: Any = {"width_ratios": ratios} if len(named) == columns else {}
    figure, places = _places(len(named), columns, height=height, width=width, alt=said, **uneven)
    for ax, (name, x) in zip(places, named.items(), strict=True):
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
    """Matrices side by side as colours; `shared`: one scale for all of them."""
    _check_matrices(named)
    columns = columns or len(named)
    said = alt or "Heat maps: " + "; ".join(map(_said, named)) + "."
    figure, places = _places(len(named), columns, height=height, alt=said)
    limit = max(float(x[x.isfinite()].abs().max()) for x in named.values()) if shared else None
    for ax, (name, x) in zip(places, named.items(), strict=True):
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
    """Lines over a common axis, each named in a legend; `log`: `"x"`, `"y"` or `"xy"`."""
    said = alt or f"{y_label} over {x_label}: {', '.join(map(_said, named))}."
    figure, axes = canvas(1, 1, height=height, width=width, alt=said)
    ax = axes[0, 0]
    with matplotlib.rc_context(STYLE):
        for name, (x, y) in named.items():
            ax.plot(_line(x), _line(y), label=name, linewidth=1.6)
        if "x" in log:
            ax.set_xscale("log")
        if "y" in log:
            ax.set_yscale("log")
        ax.set(xlabel=x_label, ylabel=y_label)
        ax.legend()
    return figure


def _check_matrices(named: Any) -> None:
    """Raise `InputError` unless these are tensors by name; `draw_heat` looks at their shapes."""
    if not isinstance(named, Mapping) or not named:
        raise InputError("named", "matrices by name, {'a': …}", shape_of(named))
    for name, x in named.items():
        if not isinstance(x, Tensor):
            hint = "A stage's is its `.tensor`."
            raise InputError(f"named[{name!r}]", "a torch.Tensor", type(x).__name__, hint)


def _places(count: int, columns: int, **options: Any) -> tuple[Figure, list[Axes]]:
    """An empty figure, and the bare axes of `count` things in rows of `columns`."""
    figure, axes = canvas(-(-count // columns), columns, **options)
    for ax in axes.flat:
        ax.axis("off")
    return figure, axes.flatten().tolist()[:count]


def _line(x: Any) -> np.ndarray:
    return np.asarray(x.detach().cpu() if isinstance(x, Tensor) else x, dtype=float)


def _said(name: str) -> str:
    return name.replace("\n", " ")
