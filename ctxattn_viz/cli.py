"""The command line: a photograph with a hole in, the debugger as one HTML page out."""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from . import samples
from .config import DIALECTS, AttentionConfig
from .errors import BudgetError, InputError, MaskWarning
from .files import path_of, writing
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
    made.add_argument("-o", "--output", required=True, help="the page to write")
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
    options = parser().parse_args(joined(sys.argv[1:] if arguments is None else arguments))
    try:
        page = write(options)
    except (InputError, BudgetError, OSError) as problem:
        print(f"ctxattn-viz: {problem}", file=sys.stderr)
        return 2
    print(f"{page} ({page.stat().st_size / 1e6:.1f} MB): open it in a browser.")
    return 0


def write(options: argparse.Namespace) -> Path:
    """From parsed options to a page on disk."""
    with writing("--output", options.output) as file:  # refused before anything is computed
        file.write(page_for(options))
    return path_of("--output", options.output)


def page_for(options: argparse.Namespace) -> bytes:
    """From parsed options to a page."""
    from .debugger.page import page_of
    from .debugger.payload import check_size

    config = AttentionConfig(dialect=options.dialect)
    if options.size < 2 * config.rate:
        raise InputError("--size", f"at least {2 * config.rate} pixels", options.size)
    multiple = config.rate
    with naming(size="--size"):
        photo = b = samples.photograph(options.photo, options.size, multiple)
    if options.background is not None:
        with naming(photograph="--background", size="--size"):
            b = samples.photograph(options.background, options.size, multiple)
    check_size(photo, b, "--size")  # before a fill that would take minutes
    shape = (photo.shape[2], photo.shape[3])
    with naming(photograph="--mask", size="--size", rectangle="--hole"):
        hole = hole_of(options, shape, multiple)
    with naming(mask="--hole" if options.mask is None else "--mask"):
        f = samples.coarse_fill(photo, hole)
    lines = [
        f"photo = cv.samples.photograph({options.photo!r}, {options.size}, {multiple})",
        f"mask = {written_hole(options, shape, multiple)}",
        "f = b = cv.samples.coarse_fill(photo, mask)",
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MaskWarning)
        if options.background is None:
            run = trace(f, f, hole, config)
            extra: dict[str, Any] = {}
        else:
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
    return page_of(run, title=title, python="\n".join(lines), **extra)


def joined(arguments: Sequence[str]) -> list[str]:
    """`--hole -5,…` as `--hole=-5,…`: argparse would take the number for another option."""
    words: list[str] = []
    for word in arguments:
        if words[-1:] == ["--hole"] and word[:1] == "-" and word[1:2].isdigit():
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


@contextmanager
def naming(**options: str) -> Iterator[None]:
    """Errors about these arguments, said of the options that they came from."""
    try:
        yield
    except InputError as problem:
        option = options.get(problem.argument, problem.argument)
        raise InputError(option, problem.expected, problem.got, problem.hint) from problem


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
