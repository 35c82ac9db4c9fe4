"""The command line: a photograph with a hole in, the debugger as one HTML page out."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from . import samples
from .config import DIALECTS, AttentionConfig
from .errors import BudgetError, InputError, ThinHoleWarning
from .traces import trace


def parser() -> argparse.ArgumentParser:
    """The options of `python -m ctxattn_viz`."""
    made = argparse.ArgumentParser(
        prog="ctxattn-viz",
        description="Run contextual attention on a photograph and write the visual debugger as one "
        "HTML page, which opens from disk with no network.",
    )
    made.add_argument(
        "photo", nargs="?", default="astronaut", help="a picture file; without one, a bundled one"
    )
    made.add_argument("-o", "--output", type=Path, required=True, help="the page to write")
    hole = made.add_mutually_exclusive_group()
    hole.add_argument(
        "--hole",
        metavar="TOP,LEFT,HEIGHT,WIDTH",
        help="a rectangle in pixels of the picture as it is shown (after --size and cropping)",
    )
    hole.add_argument("--mask", type=Path, help="a picture of the hole: white is missing")
    made.add_argument(
        "--background", metavar="PHOTO", help="paste from this picture instead of the photo itself"
    )
    made.add_argument(
        "--size", type=int, default=128, help="longest side in pixels (default: %(default)s)"
    )
    made.add_argument(
        "--dialect", choices=list(DIALECTS), default="tensorflow", help="whose rules to follow"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page. Returns 0, or 2 with a sentence on stderr for what cannot be used."""
    options = parser().parse_args(arguments)
    try:
        page = write(options)
    except (InputError, BudgetError, OSError) as problem:
        print(f"ctxattn-viz: {problem}", file=sys.stderr)
        return 2
    print(f"{page} ({page.stat().st_size / 1e6:.1f} MB): open it in a browser.")
    return 0


def write(options: argparse.Namespace) -> Path:
    """From parsed options to a page on disk."""
    from .debugger import save_page

    config = AttentionConfig(dialect=options.dialect)
    if options.size < 2 * config.rate:
        raise InputError("--size", f"at least {2 * config.rate} pixels", options.size)
    if not options.output.resolve().parent.is_dir():
        raise InputError("--output", "a path in a folder that exists", str(options.output))
    multiple = config.rate
    photo = samples.photograph(options.photo, options.size, multiple)
    shape = (photo.shape[2], photo.shape[3])
    hole = hole_of(options, shape, multiple)
    f = samples.coarse_fill(photo, hole)
    lines = [
        f"photo = cv.samples.photograph({options.photo!r}, {options.size}, {multiple})",
        f"mask = {written_hole(options, shape, multiple)}",
        "f = b = cv.samples.coarse_fill(photo, mask)",
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ThinHoleWarning)
        if options.background is None:
            run = trace(f, f, hole, config)
            extra: dict[str, Any] = {}
        else:
            b = samples.photograph(options.background, options.size, multiple)
            run = trace(f, b, None, config)
            extra = {"foreground_mask": hole}
            lines[-1] = "f = cv.samples.coarse_fill(photo, mask)"
            lines += [
                f"b = cv.samples.photograph({options.background!r}, {options.size}, {multiple})",
                "foreground_mask, mask = mask, None",
            ]
    for warning in caught:
        print(f"ctxattn-viz: {warning.message}", file=sys.stderr)
    title = f"Contextual attention: {Path(options.photo).name}, coarsely filled"
    return save_page(run, options.output, title=title, python="\n".join(lines), **extra)


def hole_of(options: argparse.Namespace, shape: tuple[int, int], multiple: int) -> Tensor:
    """The hole that was asked for; without one, the middle quarter of each side."""
    if options.mask is not None:
        mask = samples.mask_picture(options.mask, options.size, multiple)
        if tuple(mask.shape[2:]) != shape:
            raise InputError("--mask", f"the photo's proportions, {shape}", tuple(mask.shape[2:]))
        if not mask.any():
            raise InputError("--mask", "some white, which is the hole", "none")
        return mask
    return samples.rectangle(shape, *rectangle_of(options, shape))


def rectangle_of(options: argparse.Namespace, shape: tuple[int, int]) -> list[int]:
    """Top, left, height and width in pixels."""
    height, width = shape
    if options.hole is None:
        return [height * 3 // 8, width * 3 // 8, max(1, height // 4), max(1, width // 4)]
    try:
        top, left, rows, columns = map(int, options.hole.split(","))
    except ValueError:
        raise InputError("--hole", "TOP,LEFT,HEIGHT,WIDTH", repr(options.hole)) from None
    return [top, left, rows, columns]


def written_hole(options: argparse.Namespace, shape: tuple[int, int], multiple: int) -> str:
    """The Python that makes the hole."""
    if options.mask is not None:
        return f"cv.samples.mask_picture({str(options.mask)!r}, {options.size}, {multiple})"
    return f"cv.samples.rectangle({shape}, {', '.join(map(str, rectangle_of(options, shape)))})"
