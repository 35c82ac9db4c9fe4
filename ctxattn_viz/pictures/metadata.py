"""A picture's metadata: which way up it is, and the file without it where it is damaged.

Best effort throughout: what is damaged here costs the turn at most, never the picture.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
# Sizes, layout, compression, colours: the tags on which a TIFF's pixels depend.
_TIFF_PIXELS = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322}
_TIFF_PIXELS |= {323, 324, 325, 332, 338, 339, 347, 512, 513, 514, 515, 519, 520, 521, 529, 530}
_TIFF_PIXELS |= {531, 532}


def orientation(image: Image) -> int:
    """EXIF's number, 1 to 8. Best effort: a damaged note costs the turn, not the picture."""
    try:
        number = image.getexif().get(_ORIENTATION, 1)
        return int(number) if number in range(1, 9) else 1
    except Exception:
        return 1


def orientation_alone(image: Image) -> bytes:
    """EXIF that says nothing but which way up this image is."""
    from PIL.Image import Exif

    exif = Exif()
    exif[_ORIENTATION] = orientation(image)
    return exif.tobytes()


def upright(image: Image) -> Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    turn = turns.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def can_lose_metadata(beginning: bytes) -> bool:
    """Whether `without_metadata` knows the kind of file that begins so."""
    return beginning.startswith(_PNG) or beginning[:4] in _TIFF


def without_metadata(data: bytes) -> bytes:
    """A PNG or TIFF with what its pixels depend on, and its orientation where that is whole."""
    try:
        return _png_pixels(data) if data.startswith(_PNG) else _tiff_pixels(data)
    except struct.error:  # cut short
        return data


def _png_pixels(data: bytes) -> bytes:
    chunks, at = [_PNG], len(_PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = data[at : at + 12 + length]
        is_whole = chunk[-4:] == struct.pack(">I", zlib.crc32(chunk[4:-4]))
        if kind in _PNG_PIXELS or (kind == b"eXIf" and is_whole):
            chunks.append(chunk)
        at += 12 + length
    return b"".join(chunks)


def _tiff_pixels(data: bytes) -> bytes:
    """The same file with a shorter directory; everything stays at its offset."""
    order = _TIFF[data[:4]]
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    entries = []
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number, value = struct.unpack_from(f"{order}HHIH", data, at)
        is_upright = tag == _ORIENTATION and kind == 3 and number == 1 and value in range(1, 9)
        if tag in _TIFF_PIXELS or is_upright:
            entries.append(data[at : at + 12])
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)
    return data[:start] + directory + data[start + len(directory) :]
