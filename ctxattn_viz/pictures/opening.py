"""The one door for pictures: a path, bytes, a PIL image or an array becomes upright pixels.

`photograph`, `mask_picture`, the command line and the debugger's uploads all come through here, so
that they cannot differ in what they accept, how they turn it and how they word a refusal.
"""

from __future__ import annotations

import io
import math
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch

from ..checks import shape_of
from ..errors import InputError
from .metadata import can_lose_metadata, orientation, orientation_alone, upright, without_metadata
from .pixels import STRIP, Pixels, checked_array, pixels_of_array

if TYPE_CHECKING:
    from PIL.Image import Image

READABLE = "PNG, JPEG, WebP, GIF, TIFF, BMP and what else Pillow opens can be read."
SMALLER = "Scale it down first in a picture editor. In Python: `image.thumbnail((2048, 2048))`."
MOST_AT_ONCE = 1 << 24  # pixels: more are reduced before they are turned into colours
MOST_BYTES = 2**31  # of a file
_PROGRAMS = ("EPS", "WMF")  # what Pillow would hand to another program, or to the system, to draw
_DEEP = {"I;16": "<u2", "I;16L": "<u2", "I;16B": ">u2", "I;16N": "=u2"}
_BEGINNINGS = {
    b"%PDF": "which is a PDF",
    b"<": "which is text, such as SVG or HTML",
    b"ftyphei": "which is HEIC",
    b"ftypmif": "which is HEIC",
    b"ftypavif": "which is AVIF, and this Pillow cannot open it",
    # Pictures, but Pillow has refused them.
    b"\x89PNG": "which is a PNG, damaged or cut short",
    b"\xff\xd8": "which is a JPEG, damaged or cut short",
    b"GIF8": "which is a GIF, damaged or cut short",
    b"RIFF": "which is a WebP, damaged or cut short",
    b"II*\0": "which is a TIFF, damaged or cut short",
    b"MM\0*": "which is a TIFF, damaged or cut short",
}


class Picture:
    """What a person brought, before it is decoded.

    Args:
        source: the path of a file, the bytes of one, a PIL image, or an array of shape (H, W),
            (H, W, 1), (H, W, 3) or (H, W, 4).
        argument: the name of the argument, for messages.

    Raises:
        InputError: a source of another kind, or a path that is not a file's.
    """

    def __init__(self, source: Any, argument: str) -> None:
        self.argument = argument
        self._source = source
        if isinstance(source, (bytes, bytearray, memoryview)):
            self._source = bytes(source)
            self.name = f"{len(self._source)} bytes"
        elif isinstance(source, (str, os.PathLike)):
            self._source, self.name = self._checked_path(source), repr(os.fspath(source))
        elif isinstance(source, np.ndarray):
            self._source, self.name = checked_array(source, argument), "an array"
        elif _is_image(source):
            self.name = f"a PIL image of mode {source.mode}"
        else:
            expected = "a name, the path of a file, bytes, an array or a PIL image"
            raise InputError(argument, expected, _kind_of(source), _hint_for(source))

    def sides(self) -> tuple[int, int]:
        """`(rows, columns)`, read from the file's head: nothing is decoded.

        Raises:
            InputError: no picture, or one of more pixels than are decoded here.
        """
        if isinstance(self._source, np.ndarray):
            rows, columns = self._source.shape[:2]
        else:
            rows, columns = self._read(_sides_of_image)
        if not rows * columns:
            raise InputError(self.argument, "at least one pixel", f"{rows}×{columns}")
        if rows * columns > most_pixels():
            raise self._too_large(f"{rows}×{columns}")
        return rows, columns

    def pixels(self, at_least: int | None = None) -> Pixels:
        """The picture, decoded and upright.

        Args:
            at_least: how many pixels on the longest side are needed. A picture of very many may
                then be a copy with three times as many, which takes far less memory.

        Raises:
            InputError: no picture, a damaged one, one that is too large, or colours unknown.
        """
        self.sides()
        if isinstance(self._source, np.ndarray):
            return pixels_of_array(self._source, self.argument)
        return self._read(partial(self._decode, at_least=at_least))

    def _read(self, part: Callable[[Image], Any]) -> Any:
        """What `part` makes of the opened picture."""
        try:
            with self._opened() as image:
                return part(image)
        except InputError:
            if _is_image(self._source) or not can_lose_metadata(self._beginning()):
                raise
        # Pillow refuses a file for a damaged part on which no pixel depends.
        self._source = without_metadata(self._data())
        with self._opened() as image:
            return part(image)

    def _checked_path(self, source: Any) -> str:
        name = repr(os.fspath(source))
        try:
            path = os.path.expanduser(os.fspath(source))
            status = os.stat(path)
        except PermissionError as problem:
            raise self._unreadable(f"{name}, which this process may not read") from problem
        except (OSError, ValueError) as problem:  # ValueError: a NUL, or no way to encode it
            raise self._unreadable(f"{name}, which is not a file") from problem
        if not isinstance(path, str):
            raise InputError(self.argument, "a path as text", name)
        if stat.S_ISDIR(status.st_mode):
            raise self._unreadable(f"{name}, which is a folder")
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device might never end
            raise self._unreadable(f"{name}, which is not a regular file")
        if not status.st_size:  # as some in /proc are, and reading them may fail or never end
            raise self._unreadable(f"{name}, which is empty")
        if status.st_size > MOST_BYTES:
            raise self._unreadable(f"{name}, a file of {status.st_size / 1e9:.1f} GB")
        return path

    @contextmanager
    def _opened(self) -> Iterator[Image]:
        """The picture as Pillow opens it. Pillow's warnings are ours to word, and are not shown."""
        from PIL import Image

        with warnings.catch_warnings(), ExitStack() as opened:
            warnings.simplefilter("ignore")
            if _is_image(self._source):
                yield self._source
                return
            try:
                # Pillow would leave open a file that it opened and failed to read.
                file = opened.enter_context(self._file())
                image = opened.enter_context(Image.open(file))
            except Image.DecompressionBombError as problem:
                raise self._too_large("more") from problem
            except PermissionError as problem:
                raise self._unreadable(f"{self.name}, which this process may not read") from problem
            except Exception as problem:  # each of Pillow's readers fails in its own way
                reason = getattr(problem, "strerror", None)  # the system's word, not Pillow's
                kind = f", which cannot be read: {reason}" if reason else self._kind()
                raise self._unreadable(f"{self.name}{kind}") from problem
            if image.format in _PROGRAMS:
                raise self._unreadable(f"{self.name}, which is a drawing ({image.format})")
            yield image

    def _decode(self, image: Image, at_least: int | None) -> Pixels:
        columns, rows = image.size
        is_large = at_least is not None and rows * columns > MOST_AT_ONCE
        enough = 3 * (at_least or 1)
        try:
            if is_large and not _is_image(self._source):
                # JPEG decodes to a half, a quarter or an eighth of its size.
                shrunk = max(columns, rows) / enough
                image.draft(image.mode, (math.ceil(columns / shrunk), math.ceil(rows / shrunk)))
            _load(image)
        except Exception as problem:
            kind = f"{image.format} " if image.format else ""
            got = f"{self.name}, whose {kind}data is damaged or cut short"
            if _is_image(self._source):
                got += ", or which was closed"
            raise InputError(self.argument, "a picture that can be read", got) from problem
        try:
            if not is_large:
                return _pixels_of_image(image, self.argument)
            is_turned = orientation(image) >= 5
            pixels = _pixels_of_image(_reduce(image, enough), self.argument)
            return replace(pixels, reduced_from=(columns, rows) if is_turned else (rows, columns))
        except InputError:
            raise
        except Exception as problem:
            hint = "`image.convert('RGB')` may make one that can be."
            raise InputError(
                self.argument,
                "a picture whose colours can be read",
                f"{self.name} (mode {image.mode})",
                hint,
            ) from problem

    def _file(self) -> BinaryIO:
        """The file, or the bytes as one."""
        is_path = isinstance(self._source, str)
        return open(self._source, "rb") if is_path else io.BytesIO(self._source)

    def _data(self) -> bytes:
        with self._file() as file:
            return file.read()

    def _beginning(self) -> bytes:
        try:
            with self._file() as file:
                return file.read(64)
        except OSError:
            return b"?"

    def _kind(self) -> str:
        """What the data is instead of a picture, as far as its beginning shows."""
        beginning = self._beginning().removeprefix(b"\xef\xbb\xbf").lstrip()
        if beginning[4:8] == b"ftyp":
            beginning = beginning[4:]
        for start, kind in _BEGINNINGS.items():
            if beginning.startswith(start):
                return f", {kind}"
        if isinstance(self._source, str):
            return ", which is not a picture" if beginning else ", which is empty"
        return " that are not a picture" if beginning else ""

    def _unreadable(self, got: str) -> InputError:
        return InputError(self.argument, "a picture that can be read", got, READABLE)

    def _too_large(self, count: str) -> InputError:
        expected = f"a picture of at most {most_pixels() / 1e6:.0f} million pixels"
        return InputError(self.argument, expected, f"{count} in {self.name}", SMALLER)


def most_pixels() -> int:
    """How many pixels are decoded: Pillow's own limit, which its users can move or take away."""
    from PIL import Image

    return 2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else 2**40


def _is_image(source: Any) -> bool:
    from PIL import Image

    return isinstance(source, Image.Image)


def _load(image: Image) -> None:
    try:
        image.load()
    except OSError:
        raise
    except Exception:
        # A TIFF's directory, say, that fails after the pixels were decoded. Asked again, an
        # image whose pixels are there returns them; one whose pixels are not fails again.
        if getattr(image, "tile", None):
            raise
        image.load()


def _reduce(image: Image, enough: int) -> Image:
    """A smaller copy, `enough` pixels on the longest side: each the mean of a square of pixels.

    In strips, as colours take more memory than the one bit, say, of the file. What has more than
    8 bits a channel stays as it is.
    """
    from PIL import Image

    factor = max(image.size) // enough
    if factor < 2 or image.mode in (*_DEEP, "I", "F"):
        return image
    mode = "L" if image.mode in ("1", "L") else "RGB"
    if image.has_transparency_data:
        mode = "RGBA"
    columns, rows = image.size
    step = factor * max(1, STRIP // (factor * columns))
    result = Image.new(mode, (math.ceil(columns / factor), math.ceil(rows / factor)))
    for top in range(0, rows, step):
        strip = image.crop((0, top, columns, min(top + step, rows)))
        strip = strip.convert("LA") if image.mode == "La" else strip
        result.paste(strip.convert(mode).reduce(factor), (0, top // factor))
    result.info["exif"] = orientation_alone(image)
    return result


def _sides_of_image(image: Image) -> tuple[int, int]:
    columns, rows = image.size
    return (rows, columns) if orientation(image) < 5 else (columns, rows)


def _pixels_of_image(image: Image, argument: str) -> Pixels:
    # Before 11.3 Pillow read deep grey PNG as I, and it still reads deep PGM so.
    is_deep = image.mode in _DEEP or (image.mode == "I" and image.format in ("PNG", "PPM"))
    clear_value = image.info.get("transparency")
    image = upright(image)
    if is_deep or image.mode in ("I", "F"):
        if image.mode in _DEEP:
            values = np.frombuffer(image.tobytes(), _DEEP[image.mode]).astype(np.uint16)
            values = values.reshape(image.height, image.width)
        else:
            values = np.array(image)
        if is_deep:
            values = values.clip(0, 65535).astype(np.uint16)
        pixels = pixels_of_array(values, argument)
        if isinstance(clear_value, int) and clear_value in values:
            alpha = np.where(values == clear_value, 0, 255).astype(np.uint8)
            pixels = replace(pixels, alpha=alpha)
        return pixels
    if image.mode == "La":  # premultiplied, and known to no other conversion
        image = image.convert("LA")
    if image.mode in ("1", "L") and not image.has_transparency_data:
        return Pixels(np.asarray(image.convert("L"))[..., None], 255, None, argument)
    if not image.has_transparency_data:
        return Pixels(np.asarray(image.convert("RGB")), 255, None, argument)
    try:
        rgba = np.asarray(image.convert("RGBA"))
    except Exception:  # a damaged note of which colour is clear
        return Pixels(np.asarray(image.convert("RGB")), 255, None, argument)
    alpha = rgba[..., 3]
    return Pixels(rgba[..., :3], 255, alpha if (alpha < 255).any() else None, argument)


def _kind_of(source: Any) -> str:
    if hasattr(source, "read_bytes"):  # a Path, as more than one library has
        return f"{type(source).__module__.partition('.')[0]}.{type(source).__name__}"
    return shape_of(source)


def _hint_for(source: Any) -> str:
    if isinstance(source, torch.Tensor):
        return _hint_for_tensor(source)
    if hasattr(source, "read_bytes"):
        return "Pass its bytes: `path.read_bytes()`."
    if hasattr(source, "__array__"):
        return "`np.asarray(…)` makes an array."
    if isinstance(source, (list, tuple)):
        return "`np.asarray(…)` makes an array."
    return "An open file: pass its path, or `file.read()`." if hasattr(source, "read") else ""


def _hint_for_tensor(x: torch.Tensor) -> str:
    if x.is_nested or x.ndim not in (2, 3, 4):
        return ""
    code = f"tensor{'.detach()' if x.requires_grad else ''}{'' if x.is_cpu else '.cpu()'}"
    if x.ndim == 4 and len(x) == 1 and x.shape[1] in (1, 3) and x.dtype == torch.float32:
        return (
            "What `photograph` or `mask_picture` returned needs no opening. Another's in [0, 1] "
            f"becomes an array by `{code}[0].permute(1, 2, 0).numpy()`."
        )
    if x.ndim == 4:
        return f"An array of one picture: `{code}[0].permute(1, 2, 0).numpy()`."
    if x.ndim == 3 and x.shape[0] in (1, 3, 4):
        return f"An array, channels last: `{code}.permute(1, 2, 0).numpy()`."
    return f"An array: `{code}.numpy()`."
