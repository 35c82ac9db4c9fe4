"""How a tensor whose axes are known is read and drawn."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .axes import Axes, length, name_of
from .context import NOTHING_KNOWN, Context

if TYPE_CHECKING:
    from .recording import RecordedValue

PIXELS = ({"H", "Hb", "Hm", "h", "hb"}, {"W", "Wb", "Wm", "w", "wb"})  # rows, columns
WORDS = {
    "n": "sample",
    "c": "channel",
    "L": "background patch",
    "Q": "query cell",
    "h·w": "query cell",
    "h": "row",
    "w": "column",
    "H": "row of pixels",
    "W": "column of pixels",
    "c·k·k": "number of a patch",
}


@dataclass(frozen=True)
class Meaning:
    """What one tensor is.

    Attributes:
        axes: a name for each, those of the stages' signatures; flattened ones joined: `"c·k·k"`;
            `"1"`, and `"?"` where it is not known.
        reading: half a sentence; empty where nothing is known.
        picture: how to draw it: background, foreground, patch, patches, picture or plain.
        grid: rows and columns of that map, or of a patch; None where there is none.
        row: which place on the axis of query cells is the kept one's, where there is such an axis.
    """

    axes: tuple[str, ...]
    reading: str
    picture: str
    grid: tuple[int, int] | None
    row: int | None = None


def meaning_of(axes: Axes, value: "RecordedValue", context: Context = NOTHING_KNOWN) -> Meaning:
    """How a tensor of these axes is read and drawn."""
    names = tuple(map(name_of, axes))
    rows = [context.cells.get(length(each)) for each in axes if name_of(each) in ("Q", "h·w")]
    factors = [factor for each in axes for factor in each if factor[0] not in ("1", "n")]
    samples = [size for each in axes for name, size in each if name == "n"]
    one = "yes or no" if value.dtype == "bool" else "one number"
    if "?" in dict(factors) or max(samples, default=1) > 1:
        return Meaning(names, _plainly(names, one), "plain", None, rows[0] if rows else None)
    picture, grid, reading = _picture(factors, one, context)
    reading = reading or _plainly(names, one)
    return Meaning(names, reading, picture, grid, rows[0] if rows else None)


def _plainly(names: tuple[str, ...], one: str) -> str:
    names = tuple(name for name in names if name not in ("1", "n"))
    if not names:
        return one
    if "?" in names:
        return ""
    return f"{one} for each " + " and ".join(WORDS.get(name, name) for name in names)


def _picture(
    factors: list[tuple[str, int]], one: str, context: Context
) -> tuple[str, tuple[int, int] | None, str]:
    """How to draw, on which grid, and in words where that is more than the axes' names."""
    names, sizes = [name for name, _ in factors], [size for _, size in factors]
    last, last_sizes = names[-2:], ([0, 0, *sizes])[-2:]
    grid = (last_sizes[0], last_sizes[1])
    before = math.prod(sizes[:-2])
    if names[-1:] == ["L"] or last == ["gh", "gw"]:
        if "gh" not in context.sizes:
            return "plain", None, ""
        patches = min(context.sizes["gh"]), min(context.sizes["gw"])
        queries = sizes[:-1] if names[-1] == "L" else sizes[:-2]
        each = f", for {count} query cells" if (count := math.prod(queries)) > 1 else ""
        whose = set(names[: len(queries)]) <= {"Q", "h", "w"}
        return "background", patches, f"{one} for each background patch{each if whose else ''}"
    if last == ["k", "k"]:
        return _patches(factors[:-2], grid)
    if len(last) < 2 or not (_is_side(last[0], 0) and _is_side(last[1], 1)):
        return "plain", None, ""
    if before == 1 and last == ["h", "w"]:
        return "foreground", grid, f"{one} for each query cell"
    if before == 1 and last == ["hb", "wb"]:
        return "background", grid, f"{one} for each background cell"
    if before == 1 or names[:-2] == ["c"]:
        what = "cells" if last[0].partition("+")[0] in ("h", "hb") else "pixels"
        padded = ", padded" if "+" in "".join(last) else ""
        return "picture", None, f"a picture of {grid[0]} × {grid[1]} {what}{padded}"
    return "plain", None, ""


def _is_side(name: str, place: int) -> bool:
    return name.partition("+")[0] in PIXELS[place]


def _patches(
    before: list[tuple[str, int]], grid: tuple[int, int]
) -> tuple[str, tuple[int, int], str]:
    if before and before[-1][0] == "c":
        before = before[:-1]
    of = f"a patch of {grid[0]} × {grid[1]}"
    if math.prod(size for _, size in before) == 1:
        return "patch", grid, of
    names = dict(before)
    whose = "background patch" if "L" in names or "hb" in names else "query cell"
    known = {*names} <= {"L", "hb", "wb", "gh", "gw", "Q", "h", "w"}
    return "patches", grid, f"{of} for each {whose}" if known else "patches"
