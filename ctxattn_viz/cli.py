"""The command line: a photograph with a hole in, the debugger as one HTML page out."""

import argparse
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import torch
from torch import Tensor

from . import samples
from .config import DIALECTS, AttentionConfig
from .errors import BudgetError, InputError, MaskWarning, PictureWarning, shortened
from .files import path_of, writing
from .pictures.holes import HOW_TO_PAINT
from .traces.starting import trace

USER_WARNINGS = (MaskWarning, PictureWarning)  # the warnings that are for whoever wrote the command

# What is shown without a photograph: the wall between the astronaut and the shuttle. How the hole
# was chosen, and what the layer does on an ordinary one, `python -m tools.best_hole` prints.
EXAMPLE = "astronaut"
EXAMPLE_SIDE = 128
EXAMPLE_HOLE = (6, 80, 24, 16)  # top, left, height, width in that many pixels


def parser() -> argparse.ArgumentParser:
    """The options of `python -m ctxattn_viz`."""
    result = argparse.ArgumentParser(
        prog="ctxattn-viz",
        description="Run contextual attention on a photograph and write the visual debugger as one "
        "HTML page, which opens from disk with no network.",
    )
    result.add_argument(
        "photo",
        nargs="?",
        help=f"a picture file or the name of a bundled one; without it, {EXAMPLE} "
        f"--hole {','.join(map(str, EXAMPLE_HOLE))}",
    )
    result.add_argument("-o", "--output", required=True, help="the page to write")
    hole = result.add_mutually_exclusive_group()
    hole.add_argument(
        "--hole",
        metavar="TOP,LEFT,HEIGHT,WIDTH",
        help="a rectangle in pixels of the picture as it is shown (after --size and cropping)",
    )
    hole.add_argument(
        "--mask",
        metavar="PICTURE",
        help="a picture of the hole, white is missing; without it and --hole, what is transparent "
        "in the photo, or else its middle",
    )
    result.add_argument(
        "--background", metavar="PHOTO", help="paste from this picture instead of the photo itself"
    )
    result.add_argument(
        "--size", type=int, default=128, help="longest side in pixels (default: %(default)s)"
    )
    result.add_argument(
        "--dialect", choices=list(DIALECTS), default="tensorflow", help="whose rules to follow"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page. Returns 0, or 2 with a sentence on stderr for what cannot be used.

    130 after Ctrl-C, as shells expect.
    """
    options = parser().parse_args(
        join_hole_option(sys.argv[1:] if arguments is None else arguments)
    )
    if options.photo is None:
        choose_example(options)
    try:
        with warnings.catch_warnings(record=True) as caught:
            for category in USER_WARNINGS:
                warnings.simplefilter("always", category)
            page = write(options)
    except InputError as problem:
        hint = without_python(problem.hint)
        error = InputError(problem.argument, problem.expected, problem.got, hint)
        print_line(f"ctxattn-viz: {error}", sys.stderr)
        return 2
    except (BudgetError, OSError) as problem:
        print_line(f"ctxattn-viz: {shortened(str(problem), 1000)}", sys.stderr)
        return 2
    except MemoryError:
        print_line(
            "ctxattn-viz: there is not enough memory. A smaller --size needs less.", sys.stderr
        )
        return 2
    except KeyboardInterrupt:
        print_line("ctxattn-viz: interrupted.", sys.stderr)
        return 130
    for warning in caught:
        if issubclass(warning.category, USER_WARNINGS):
            print_line(f"ctxattn-viz: {without_python(str(warning.message))}", sys.stderr)
    if page.is_file():  # and not standard output, say, where the page itself went
        print_line(
            f"{page} ({page.stat().st_size / 1e6:.1f} MB): open it in a browser.", sys.stdout
        )
    return 0


def without_python(text: str) -> str:
    """The sentences of a message or hint that hold no Python, which stands between backquotes."""
    sentences = re.split(r"(?<=[.?]) (?=[A-Z`])", text)
    return " ".join(sentence for sentence in sentences if "`" not in sentence)


def print_line(text: str, stream: TextIO | None) -> None:
    """Print a line, in what letters the stream has. A reader that has gone is no failure."""
    if stream is None:  # closed before we started
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except (OSError, ValueError):
        # Python would try once more on leaving, and complain: what is left goes nowhere.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def choose_example(options: argparse.Namespace) -> None:
    """The bundled photograph, and its hole at the size that was asked for, unless one was named."""
    options.photo = EXAMPLE
    if options.hole is None and options.mask is None:
        top, left, height, width = (x * options.size // EXAMPLE_SIDE for x in EXAMPLE_HOLE)
        options.hole = f"{top},{left},{max(1, height)},{max(1, width)}"


def write(options: argparse.Namespace) -> Path:
    """From parsed options to a page on disk."""
    check_output(options)
    with writing("--output", options.output) as file:  # refused before anything is computed
        file.write(page_for(options))
    return path_of("--output", options.output)


def page_for(options: argparse.Namespace) -> bytes:
    """From parsed options to a page."""
    from .debugger.opening import page_of

    config = AttentionConfig(dialect=options.dialect)
    if options.size < 2 * config.rate:
        raise InputError("--size", f"at least {2 * config.rate} pixels", options.size)
    multiple = config.rate
    check_page_size(options, multiple)
    with options_for(size="--size"):
        photo = b = samples.photograph(options.photo, options.size, multiple)
    if options.background is not None:
        with options_for(photograph="--background", size="--size"):
            b = samples.photograph(options.background, options.size, multiple)
    hole, hole_code = hole_and_code(options, photo, multiple)
    with options_for(mask="--hole" if options.mask is None else "--mask"):
        f = samples.coarse_fill(photo, hole)
    lines = [
        f"photo = cv.samples.photograph({options.photo!r}, {options.size}, {multiple})",
        f"mask = {hole_code}",
        "f = b = cv.samples.coarse_fill(photo, mask)",
    ]
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
    # A name in another encoding than ours holds what no page can.
    name = Path(options.photo).name.encode("utf-8", "replace").decode()
    title = f"Contextual attention: {name}, coarsely filled"
    return page_of(run, title=title, python="\n".join(lines), truth=photo, **extra)


def check_output(options: argparse.Namespace) -> None:
    """Raise `InputError` where the page would take the place of a picture that is read."""
    output = path_of("--output", options.output)
    for option in ("photo", "mask", "background"):
        source = getattr(options, option)
        if source is None or source in samples.PHOTOGRAPHS:
            continue
        if is_same_file(output, os.path.expanduser(source)):
            got = f"{options.output!r}, which is the {option}"
            raise InputError("--output", "a page to write, not a picture to read", got)


def is_same_file(a: str | Path, b: str | Path) -> bool:
    """Whether both are there and one file, whatever links and letters lead to it."""
    try:
        return os.path.samefile(a, b)
    except (OSError, ValueError):
        return False


def check_page_size(options: argparse.Namespace, multiple: int) -> None:
    """Refuse what will not fit on a page by the pictures' heads, before they are decoded."""
    from .debugger.payload import check_size

    sizes = []
    for option, source in (("photograph", options.photo), ("--background", options.background)):
        if source is not None:
            with options_for(photograph=option, size="--size"):
                size = samples.photograph_size(source, options.size, multiple)
            sizes.append(torch.empty(1, 3, *size, device="meta"))
    check_size(sizes[0], sizes[-1], "--size")


def join_hole_option(arguments: Sequence[str]) -> list[str]:
    """`--hole -5,…` as `--hole=-5,…`: argparse would take the number for another option."""
    words: list[str] = []
    for word in arguments:
        if words[-1:] == ["--hole"] and word[:1] == "-" and word[1:2].isdigit():
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


@contextmanager
def options_for(**options: str) -> Iterator[None]:
    """Errors and warnings about these arguments, said of the options that they came from."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield
    except InputError as problem:
        option = options.get(problem.argument, problem.argument)
        raise InputError(option, problem.expected, problem.got, problem.hint) from problem
    for warning in caught:
        argument, colon, text = str(warning.message).partition(": ")
        renamed = f"{options.get(argument, argument)}{colon}{text}"
        warnings.warn(renamed, warning.category, stacklevel=2)


def hole_and_code(options: argparse.Namespace, photo: Tensor, multiple: int) -> tuple[Tensor, str]:
    """The hole that was asked for, and the Python that makes it.

    Without one, what is transparent in the photo; in a photo without that, the middle quarter of
    each side.
    """
    arguments = f"{options.size}, {multiple}"
    if options.mask is not None:
        with options_for(mask_picture="--mask", size="--size"):
            mask = samples.mask_picture(options.mask, options.size, multiple, like=photo)
        if not mask.any():
            raise InputError("--mask", "some white, which is the hole", "none", HOW_TO_PAINT)
        return mask, f"cv.samples.mask_picture({options.mask!r}, {arguments}, like=photo)"
    if options.hole is None:
        mask = samples.erased_area(options.photo, options.size, multiple)
        if mask.any() and not mask.all():
            percent = f"{100 * float(mask.mean()):.0f} %"
            text = f"the hole is what is transparent in the photo, {percent} of it."
            warnings.warn(text, MaskWarning, stacklevel=2)
            return mask, f"cv.samples.erased_area({options.photo!r}, {arguments})"
    shape = (photo.shape[2], photo.shape[3])
    place = rectangle_of(options, shape)
    with options_for(rectangle="--hole"):
        mask = samples.rectangle(shape, *place)
    return mask, f"cv.samples.rectangle({shape}, {', '.join(map(str, place))})"


def rectangle_of(options: argparse.Namespace, shape: tuple[int, int]) -> list[int]:
    """Top, left, height and width in pixels."""
    height, width = shape
    if options.hole is None:
        return [height * 3 // 8, width * 3 // 8, max(1, height // 4), max(1, width // 4)]
    try:
        top, left, rows, columns = map(int, options.hole.split(","))
    except ValueError:
        text = options.hole if len(options.hole) < 60 else options.hole[:57] + "..."
        raise InputError("--hole", "TOP,LEFT,HEIGHT,WIDTH", repr(text)) from None
    return [top, left, rows, columns]
