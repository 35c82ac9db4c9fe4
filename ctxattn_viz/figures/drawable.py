"""What can be drawn at a bounded cost: titles, matrices and masks, checked and brought to size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import Tensor

from ..checks import check_real, is_dense, shape_of
from ..devices import has_no_values
from ..errors import InputError

MOST_AXES = 100  # of one figure: laying out each takes some 10 ms
MOST_PIXELS = 20_000_000  # of one figure
MOST_INCHES = 200  # of a side
MOST_NUMBERS = 1024  # cells with a number written in each
MOST_SIDE = 2048  # pictures and maps beyond are thinned out: no figure has as many pixels
MOST_CELLS = 1 << 28  # of one matrix: to find its range takes a quarter of a second
MOST_DIGITS = 10
MOST_POINTS = 1024  # a side, to draw the outline of a mask
LARGEST, SMALLEST = 1e300, 1e-300  # values that matplotlib's scales can still divide
LITERALLY: Any = {"parse_math": False, "usetex": False}  # a `$` in a title is a `$`
LONGEST_NUMBER = 9  # characters in a cell; beyond, powers of ten
LONGEST_LINE, MOST_LINES = 100, 4  # of a title
LONGEST_ALT = 2000


def readable(text: object, longest: int = LONGEST_LINE, lines: int = MOST_LINES) -> str:
    """A text that can be drawn and sent: so long and no longer, and without what is no sign."""
    decoded = str(text).encode("utf-8", "replace").decode()
    first_lines = decoded.split("\n")[:lines] if lines > 1 else [decoded]
    printable = [
        "".join(c if c.isprintable() else " " for c in line[: longest + 1]) for line in first_lines
    ]
    return "\n".join(
        line if len(line) <= longest else line[: longest - 1] + "…" for line in printable
    )


def is_drawable(x: Tensor) -> bool:
    """Whether it holds real numbers that are there."""
    return is_dense(x) and not x.is_complex() and not has_no_values(x)


def check_size(name: str, inches: object) -> None:
    """Raise `InputError` unless it is a length."""
    if isinstance(inches, bool) or not isinstance(inches, (int, float)) or not 0 < inches < 1e6:
        raise InputError(name, "a positive number of inches", repr(inches))


def finite_range(values: Tensor) -> tuple[float, float]:
    """The least and the largest finite value of a matrix; 0 and 0 where there is none.

    Raises:
        InputError: what is not a matrix, or an empty one.
    """
    check_real("values", values)
    if values.ndim < 2 or values.numel() != values.shape[-2] * values.shape[-1]:
        raise InputError("values", "a matrix (rows, columns)", shape_of(values))
    if not values.numel():
        raise InputError("values", "at least one row and column", shape_of(values))
    if values.numel() > MOST_CELLS:
        hint = "Draw a part of it, or every n-th row and column."
        raise InputError("values", f"at most {MOST_CELLS} cells", shape_of(values), hint)
    flat = values.detach()
    if not flat.is_floating_point():
        flat = flat.cpu().double()
    low, high = (float(x) for x in (flat.min(), flat.max()))
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = flat[flat.isfinite()]
        low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 0.0)
    return low, high


def matrix(x: Tensor) -> np.ndarray:
    """A matrix as float64, without leading axes of length 1."""
    check_real("values", x)
    flat = x.detach().cpu()
    while flat.ndim > 2 and flat.shape[0] == 1:
        flat = flat[0]
    if flat.ndim != 2:
        raise InputError("values", "a matrix (rows, columns)", shape_of(x))
    return flat.double().numpy()


def thinning(height: int, width: int) -> int:
    """Which row and column to draw, so that no more are drawn than can be seen: every n-th."""
    return math.ceil(max(height, width) / MOST_SIDE)


def extent_of(height: int, width: int) -> tuple[float, float, float, float]:
    """Left, right, bottom, top: one cell a unit, its middle on whole numbers."""
    return -0.5, width - 0.5, height - 0.5, -0.5


def largest_colour(limit: float | None, low: float, high: float) -> float:
    """The value of the last colour, within what matplotlib can scale."""
    if limit is not None and not (math.isfinite(limit) and limit >= 0):
        raise InputError("limit", "a finite number ≥ 0 or None", limit)
    top = limit or max(abs(low), abs(high))
    return min(top, LARGEST) if top > SMALLEST else 1.0


def outline_points(cells: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """x, y and the cells, enlarged so that contours run along edges and not through middles."""
    check_real("mask", cells)
    if not cells.numel() or not bool((cells > 0.5).any()):
        return None
    inside: np.ndarray = matrix(cells > 0.5) > 0
    # Each cell as 8 × 8 points where cells are large; where there are many, several as one point.
    step = math.ceil(max(inside.shape) / MOST_POINTS)
    times = max(min(MOST_POINTS // max(inside.shape), 8), 1)
    if step > 1:  # a point is inside where any of its cells is: thin strokes stay
        missing = [(0, -side % step) for side in inside.shape]
        rows = math.ceil(inside.shape[0] / step)
        inside = np.pad(inside, missing).reshape(rows, step, -1, step).max(axis=(1, 3))
    enlarged = np.pad(inside, 1).repeat(times, 0).repeat(times, 1).astype(float)
    y, x = (((np.arange(side) + 0.5) / times - 1) * step - 0.5 for side in enlarged.shape)
    return x, y, enlarged
