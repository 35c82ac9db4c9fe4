"""A pytest plugin: nbval compares the text of every output and skips pictures; this compares them.

`nbval.ini` loads it. A picture is an output of type image/*, the still beside a debugger, or an
`<img src="data:…">` inside HTML, as on the card of an exercise. The stored one and the fresh one
are decoded, laid over white, and may differ in 0.5 % of their pixels by more than 16 of 255
levels: floats differ a little between processors, and antialiasing between versions. One wrong cell
of a heat map, or another title, is less than that, but solid: no square of 4×4 pixels may differ as
a whole.

A cell whose picture differs from run to run says so and why in its metadata; its pictures must
still be there:

    "ctxattn": {"pictures_vary": "the heights are seconds on this machine"}
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from nbval.plugin import IPyNbCell
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

LEVELS = 16  # of 255: a pixel that differs by more is another pixel
SHARE = 0.005  # of a picture's pixels
SQUARE = 4  # pixels: wider than the strokes and edges that antialiasing changes
SVG = "image/svg+xml"

IN_HTML = re.compile(r"<img\b[^>]*>", re.DOTALL | re.IGNORECASE)
SOURCE = re.compile(r"\bsrc\s*=\s*(['\"])data:(image/[\w.+-]+)(;base64)?,(.*?)\1", re.DOTALL)
ALT = re.compile(r"\balt\s*=\s*(['\"])(.*?)\1", re.DOTALL)


class Picture(NamedTuple):
    """One picture of an output: its alternative text, its type and its bytes."""

    name: str
    kind: str
    data: bytes


def pictures(outputs: Iterable[Mapping[str, Any]]) -> Iterator[Picture]:
    """Every picture of a cell's outputs, in order."""
    for output in outputs:
        data, about = output.get("data", {}), output.get("metadata", {})
        for kind in sorted(kind for kind in data if kind.startswith("image/")):
            text = _joined(data[kind])
            name = about.get(kind, {}).get("alt") or _joined(data.get("text/plain", ""))
            yield Picture(name, kind, text.encode() if kind == SVG else base64.b64decode(text))
        for kind in ("text/html", "text/markdown"):
            yield from _inside(_joined(data.get(kind, "")))


def _inside(html: str) -> Iterator[Picture]:
    for tag in IN_HTML.findall(html):
        if source := SOURCE.search(tag):
            alt = ALT.search(tag)
            data = base64.b64decode(source[4]) if source[3] else unquote_to_bytes(source[4])
            yield Picture(alt[2] if alt else "", source[2], data)


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def differences(
    stored: Iterable[Mapping[str, Any]],
    fresh: Iterable[Mapping[str, Any]],
    metadata: Mapping[str, Any] | None = None,
) -> list[str]:
    """What is wrong with the pictures of a cell that was run again, each as a sentence."""
    own = (metadata or {}).get("ctxattn", {})
    vary = "pictures_vary" in own
    reason = own.get("pictures_vary")
    if vary and not (isinstance(reason, str) and reason.strip()):
        return ["The cell's metadata say that its pictures vary, but not why."]
    sentences = []
    for old, new in zip_longest(pictures(stored), pictures(fresh)):
        if new is None:
            sentences.append(f"The stored picture {_named(old)} is not made any more.")
        elif old is None:
            sentences.append(f"The fresh picture {_named(new)} is not stored.")
        elif not vary and (sentence := difference(old, new)):
            sentences.append(f"The picture {_named(old)} {sentence}")
    return sentences


def difference(old: Picture, new: Picture) -> str:
    """How a fresh picture differs from the stored one; empty where it is the same."""
    if old.data == new.data:
        return ""
    if SVG in (old.kind, new.kind):
        return "is another drawing (SVG is compared as text)."
    before, after = pixels(old.data), pixels(new.data)
    if before.shape != after.shape:
        sizes = [f"{width}×{height}" for height, width, _ in (before.shape, after.shape)]
        return f"is stored with {sizes[0]} pixels and is now {sizes[1]}."
    other = (np.abs(before - after) > LEVELS).any(axis=2)
    if (share := other.mean()) > SHARE:
        kinds = "" if old.kind == new.kind else f" It was {old.kind} and is now {new.kind}."
        return (
            f"differs in {100 * share:.2f} % of its pixels by more than {LEVELS} levels; "
            f"{100 * SHARE:.1f} % may.{kinds}"
        )
    if place := _solid(other):
        return (
            f"differs in only {100 * share:.2f} % of its pixels by more than {LEVELS} levels, but "
            f"as a whole around row {place[0]}, column {place[1]}."
        )
    return ""


def pixels(data: bytes) -> np.ndarray:
    """A picture over white, `(height, width, 3)`."""
    with Image.open(io.BytesIO(data)) as picture:
        drawn = picture.convert("RGBA")
    over_white = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)
    return np.asarray(over_white.convert("RGB")).astype(np.int16)


def _solid(other: np.ndarray) -> tuple[int, int] | None:
    """Row and column of the first square in which every pixel differs; None where there is none."""
    if min(other.shape) < SQUARE:
        return None
    whole = sliding_window_view(other, (SQUARE, SQUARE)).all(axis=(2, 3))
    if not whole.any():
        return None
    row, column = np.argwhere(whole)[0]
    return int(row), int(column)


def _named(picture: Picture) -> str:
    name = " ".join(picture.name.split())
    return f"“{name if len(name) <= 160 else name[:159] + '…'}”" if name else "without a name"


def pytest_configure(config: pytest.Config) -> None:
    """Wrap nbval's comparison of a cell's outputs, where the stored and the fresh are at hand."""
    compare_outputs = IPyNbCell.compare_outputs

    def compare(cell: IPyNbCell, fresh: Any, stored: Any, skip_compare: Any = None) -> bool:
        same = compare_outputs(cell, fresh, stored, skip_compare)
        sentences = differences(stored, fresh, cell.cell.metadata)
        cell.comparison_traceback += sentences
        return same and not sentences

    def restore() -> None:
        IPyNbCell.compare_outputs = compare_outputs

    IPyNbCell.compare_outputs = compare
    config.add_cleanup(restore)
