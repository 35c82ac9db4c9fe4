"""What a first look needs: a device, photographs, holes, a coarse fill, and how good a result is.

Pictures are (1, 3, H, W) float32 tensors in [-1, 1], masks (1, 1, H, W) float32 with 1 = hole. The
photographs come inside scikit-image's wheel (CC0 or public domain): nothing is downloaded.

>>> photo = cv.samples.photograph(cv.samples.PHOTOGRAPHS[0], size=32)
>>> mask = cv.samples.rectangle(photo.shape[2:], top=8, left=8, height=6, width=6)
>>> coarse = cv.samples.coarse_fill(photo, mask)
>>> cv.contextual_attention(coarse, coarse, mask).shape
torch.Size([1, 3, 32, 32])
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .checks import check_choice, check_real, check_whole, shape_of
from .errors import InputError
from .habits import check_range
from .inputs import check_mask
from .pictures.holes import check_share, crop_hole, hole_of, resize_hole
from .pictures.holes import erased_area as transparent
from .pictures.opening import MOST_AT_ONCE, SMALLER, Picture, most_pixels
from .renamed import missing_attribute

__all__ = [
    "PHOTOGRAPHS",
    "coarse_fill",
    "erased_area",
    "mask_picture",
    "photograph",
    "photograph_size",
    "psnr",
    "rectangle",
    "to_picture",
]

Size = tuple[int, int]  # rows, columns
MOST_MASK_PIXELS = 2 * MOST_AT_ONCE  # each counts, so that none can be reduced first

PHOTOGRAPHS = (
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "coffee",
    "grass",
    "gravel",
    "hubble_deep_field",
    "retina",
    "rocket",
)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise missing_attribute(__name__, name)


def photograph(source: Any = "astronaut", size: int = 256, multiple: int = 8) -> Tensor:
    """A photograph as (1, 3, H, W) float32 in [-1, 1].

    Args:
        source: one of `PHOTOGRAPHS`, the path of a picture, the bytes of one (an upload), a PIL
            image, or an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): uint8, uint16,
            bool, other integers up to 255, or floats in [0, 1]. Grey becomes RGB; what is
            transparent shows white; a picture taken sideways stands upright.
        size: the longest side after scaling, in pixels.
        multiple: both sides are then cropped, around the centre, to a multiple of this.

    Raises:
        InputError: what is no picture, is damaged, or is too large; sizes that cannot be.

    Warns:
        PictureWarning: it is nearly black throughout, or transparent, and so white.

    >>> cv.samples.photograph("chelsea", size=64).shape  # 300×451 pixels, scaled to 43×64
    torch.Size([1, 3, 40, 64])
    """
    picture = _open(source, "photograph")
    _scaled_size(picture.sides(), size, multiple)  # before anything is decoded
    decoded = picture.pixels(at_least=check_whole("size", size))
    scaled, (height, width) = _scaled_size(decoded.sides, size, multiple)
    pixels = _resize(decoded.levels, scaled)
    top, left = (scaled[0] - height) // 2, (scaled[1] - width) // 2
    pixels = pixels[top : top + height, left : left + width]
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def photograph_size(source: Any, size: int = 256, multiple: int = 8) -> tuple[int, int]:
    """The (H, W) that `photograph` gives these, from the file's head: nothing is decoded.

    A picture that says only after its pixels that it lies sideways has H and W exchanged here.

    >>> cv.samples.photograph_size("chelsea", size=64)
    (40, 64)
    """
    return _scaled_size(_open(source, "photograph").sides(), size, multiple)[1]


def mask_picture(
    source: Any,
    size: int = 256,
    multiple: int = 8,
    like: Tensor | tuple[int, int] | None = None,
) -> Tensor:
    """A mask painted in any picture editor, white = hole, as (1, 1, H, W) of zeros and ones.

    A pixel is hole if any pixel of the source within it is, so that thin strokes survive.

    Args:
        source: as for `photograph`. Two values of any size will do, of which the brighter is the
            hole; so will strokes of one colour on white, black or nothing, and a photograph with
            an erased area.
        size, multiple: as given to `photograph`.
        like: the photograph that those made, or its (H, W). The mask may then be of any size, as
            long as it has the photograph's proportions to within a pixel of either.

    Raises:
        InputError: no picture, no hole to be seen in it, or proportions that do not fit.

    Warns:
        MaskWarning: no hole, more than 80 % hole, or parts of it lost by cropping.

    >>> painted = torch.eye(64).bool().numpy()  # a thin line
    >>> cv.samples.mask_picture(painted, size=16).sum().item()  # each pixel that it touches
    16.0
    """
    argument = "mask_picture"
    size, multiple = check_whole("size", size), check_whole("multiple", multiple)
    picture = _open(source, argument)
    rows, columns = picture.sides()
    if rows * columns > MOST_MASK_PIXELS:
        expected = f"a mask of at most {MOST_MASK_PIXELS / 1e6:.0f} million pixels"
        raise InputError(argument, expected, f"{rows}×{columns}", SMALLER)
    _scaled_size((rows, columns), size, multiple)
    hole = hole_of(picture.pixels())
    check_share(hole, argument)
    scaled, final_size = _scaled_size(hole.shape, size, multiple)
    if like is not None:
        final_size = _size_of(like)
        scaled = _size_before_cropping(hole.shape, final_size, size, multiple, argument)
    return _as_mask(crop_hole(resize_hole(hole, scaled), final_size, argument))


def erased_area(source: Any, size: int = 256, multiple: int = 8) -> Tensor:
    """Where a photograph is transparent, as a mask (1, 1, H, W) for what `photograph` makes of it.

    Zeros throughout where nothing is, ones where everything is or nearly so (which `photograph`
    shows white and warns of). A pixel that is hole in part is hole.

    >>> picture = torch.full((16, 16, 4), 255, dtype=torch.uint8)
    >>> picture[:4, :4, 3] = 0  # transparent
    >>> cv.samples.erased_area(picture.numpy(), size=16).sum().item()
    16.0
    """
    picture = _open(source, "photograph")
    _scaled_size(picture.sides(), size, multiple)
    pixels = picture.pixels(at_least=check_whole("size", size))
    hole = transparent(pixels)
    scaled, final_size = _scaled_size(pixels.sides, size, multiple)
    return _as_mask(crop_hole(resize_hole(hole, scaled), final_size, "photograph"))


def rectangle(size: tuple[int, int], top: int, left: int, height: int, width: int) -> Tensor:
    """A mask (1, 1, H, W) with one rectangular hole; `size` is (H, W).

    >>> cv.samples.rectangle((3, 4), top=1, left=2, height=2, width=1)[0, 0].nonzero().tolist()
    [[1, 2], [2, 2]]
    """
    try:
        rows, columns = size
    except (TypeError, ValueError):
        raise InputError("size", "(H, W)", repr(size)) from None
    rows, columns = check_whole("size", rows), check_whole("size", columns)
    if rows * columns > most_pixels():
        raise InputError("size", f"at most {most_pixels()} pixels", f"{rows}×{columns}")
    place = (top, left, height, width)
    is_whole = all(hasattr(x, "__index__") for x in place)
    if is_whole:  # Python's integers: NumPy's may wrap around
        top, left, height, width = (x.__index__() for x in place)
    if not (is_whole and 0 <= top < top + height <= rows and 0 <= left < left + width <= columns):
        raise InputError(
            "rectangle",
            f"a hole of at least 1×1 within {rows}×{columns} pixels, in whole numbers",
            f"top={top!r}, left={left!r}, height={height!r}, width={width!r}",
        )
    mask = torch.zeros(1, 1, rows, columns, device="cpu")
    mask[..., top : top + height, left : left + width] = 1
    return mask


def coarse_fill(image: Tensor, mask: Tensor) -> Tensor:
    """`image` with its hole filled smoothly from the rim (biharmonic inpainting, scikit-image).

    The stand-in for the first of the paper's two networks. Known pixels stay as they are.

    Args:
        image: (n, c, H, W), floating; finite outside the hole.
        mask: (1 or n, 1, H, W); the hole is where it is more than a half.

    Raises:
        InputError: other shapes or types, nothing known, or known pixels that are not finite.

    >>> slope = torch.linspace(-1, 1, 9).expand(1, 1, 9, 9)
    >>> hole = cv.samples.rectangle((9, 9), 3, 3, 3, 3)
    >>> torch.allclose(cv.samples.coarse_fill(slope, hole), slope, atol=1e-3)
    True
    """
    from skimage.restoration import inpaint_biharmonic

    _check_image(image)
    holes = _hole_in(image, mask)
    if holes.flatten(1).all(1).any():
        raise InputError("mask", "some known pixels to fill the hole from", "a mask of ones")
    filled = image.detach().clone()
    for sample, hole in zip(filled, holes.expand(len(image), -1, -1), strict=True):
        if not hole.any():
            continue
        known = sample.masked_fill(hole.to(sample.device), 0).movedim(0, -1).cpu().double().numpy()
        if not np.isfinite(known).all():
            raise InputError("image", "finite values outside the hole", "NaN or infinity")
        smooth = inpaint_biharmonic(
            known, hole.cpu().numpy(), channel_axis=-1, split_into_regions=True
        )
        sample[:, hole] = torch.from_numpy(smooth).movedim(-1, 0).to(sample)[:, hole]
    return filled


def to_picture(x: Tensor) -> np.ndarray:
    """A picture in [-1, 1], with or without the batch axis, 1 or 3 channels → (H, W, 3) uint8.

    What is a little outside is cut off; NaN is grey.

    Raises:
        InputError: what is not one picture, or integers beyond [-1, 1].

    Warns:
        PictureWarning: floats of another range, such as 0 to 255: they show white or black.

    >>> cv.samples.to_picture(torch.tensor([[[-1.0, 0.0, 1.0]]])).tolist()
    [[[0, 0, 0], [128, 128, 128], [255, 255, 255]]]
    """
    if not isinstance(x, Tensor):
        raise InputError("x", "one picture of 1 or 3 channels, (1, 3, H, W)", shape_of(x))
    check_real("x", x)
    channels_first = x[0] if x.ndim == 4 and x.shape[0] == 1 else x
    if channels_first.ndim != 3 or channels_first.shape[0] not in (1, 3):
        raise InputError("x", "one picture of 1 or 3 channels, (1, 3, H, W)", shape_of(x))
    check_range("x", x)
    levels = (channels_first.detach().float().nan_to_num(0).clamp(-1, 1) + 1) * 127.5
    pixels = levels.round().to(torch.uint8).movedim(0, -1).cpu().numpy()
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def psnr(a: Tensor, b: Tensor, mask: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB between pictures in [-1, 1]; within the hole of `mask`.

    Infinity where they are equal, NaN where either holds NaN.

    Raises:
        InputError: what is no picture, two of different shapes, integers beyond [-1, 1], or a
            mask without a hole.

    Warns:
        PictureWarning: floats of another range, such as 0 to 255.

    >>> black = torch.full((1, 3, 4, 4), -1.0)
    >>> round(cv.samples.psnr(black, black + 0.2), 2)  # a tenth of the range everywhere: 20 dB
    20.0
    """
    for name, x in (("a", a), ("b", b)):
        if not isinstance(x, Tensor) or x.is_nested or not x.numel():
            raise InputError(name, "a tensor with at least one value", shape_of(x))
        check_real(name, x)
        check_range(name, x)
    if a.shape != b.shape:
        raise InputError("b", f"the shape of a, {tuple(a.shape)}", tuple(b.shape))
    # In float64, which MPS has not: on the CPU.
    squares = (a.detach().cpu().double() - b.detach().cpu().double()) ** 2
    if mask is not None:
        _check_image(a)
        hole = _hole_in(a, mask)[:, None].expand_as(a)
        if not hole.any():
            raise InputError("mask", "a hole to compare in", "a mask of zeros")
        squares = squares[hole.to(squares.device)]
    error = float(squares.mean())
    peak = 2.0  # from -1 to 1
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def _open(source: Any, argument: str) -> Picture:
    if isinstance(source, str) and source in PHOTOGRAPHS:
        import skimage.data

        return Picture(getattr(skimage.data, source)(), argument)
    is_word = isinstance(source, str) and not {".", "/", os.sep} & set(source)
    if is_word and not os.path.exists(os.path.expanduser(source)):
        check_choice(argument, source, PHOTOGRAPHS)
    return Picture(source, argument)


def _scaled_size(sides: Size, size: int, multiple: int) -> tuple[Size, Size]:
    """Sides scaled to `size` on the longest, and what cropping to `multiple` keeps of them."""
    size, multiple = check_whole("size", size), check_whole("multiple", multiple)
    if size < multiple:
        raise InputError("size", f"at least multiple, which is {multiple}", size)
    longest, shortest = max(sides), min(sides)
    if size * size * shortest > most_pixels() * longest:
        most = math.isqrt(most_pixels() * longest // shortest)
        raise InputError(
            "size", f"at most {most} for this picture", size if size < 10**9 else "far more"
        )
    rows, columns = (max(1, round(side * size / longest)) for side in sides)
    height, width = rows - rows % multiple, columns - columns % multiple
    if not height * width:
        got = f"a picture that becomes {rows}×{columns} at size={size}"
        raise InputError("size", f"both sides of at least {multiple} after scaling", got)
    return (rows, columns), (height, width)


def _resize(levels: np.ndarray, size: Size) -> np.ndarray:
    from PIL import Image

    if levels.shape[:2] == size:
        return np.array(levels)
    image = Image.fromarray(np.ascontiguousarray(levels))
    return np.array(image.resize(size[::-1], Image.Resampling.LANCZOS))


def _size_before_cropping(
    sides: Size, final_size: Size, size: int, multiple: int, argument: str
) -> tuple[int, int]:
    """The size that was cropped to `kept`, by the proportions of a mask of the same picture.

    The photograph's own rounding is not known, nor the mask's: each may be a pixel off, its own or
    the other's.
    """
    if sides == final_size:  # painted on what `photograph` returned
        return final_size
    if max(final_size) != size - size % multiple:
        got = f"size={size} and multiple={multiple}, for one of {final_size[0]}×{final_size[1]}"
        raise InputError("size", "the size and multiple that made the photograph", got)
    factor = size / max(sides)
    exact = [side * factor for side in sides]
    rows, columns = (
        min(max(round(x), side), side + multiple - 1)
        for x, side in zip(exact, final_size, strict=True)
    )
    # Half a pixel of the photograph's; of the mask's a whole one, on both sides.
    allowed = 0.5 + max(0.5, factor * (1 + min(sides) / max(sides)))
    if max(abs(rows - exact[0]), abs(columns - exact[1])) > allowed:
        raise InputError(
            argument,
            f"the photo's proportions, {final_size[0]}×{final_size[1]}",
            f"{sides[0]}×{sides[1]}",
        )
    return rows, columns


def _size_of(like: Any) -> Size:
    if isinstance(like, Tensor) and like.ndim == 4:
        return like.shape[2], like.shape[3]
    try:
        rows, columns = like
        return check_whole("like", rows), check_whole("like", columns)
    except (TypeError, ValueError):
        got = repr(like) if isinstance(like, (tuple, list, int, float, str)) else shape_of(like)
        raise InputError("like", "a (1, 3, H, W) photograph or its (H, W)", got) from None


def _as_mask(hole: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(hole)).float()[None, None]


def _check_image(image: Tensor) -> None:
    if isinstance(image, Tensor):
        check_real("image", image)
    if not isinstance(image, Tensor) or image.ndim != 4 or not image.is_floating_point():
        of = f" of {image.dtype}" if isinstance(image, Tensor) else ""
        raise InputError("image", "a floating (n, c, H, W) tensor", shape_of(image) + of)


def _hole_in(image: Tensor, mask: Tensor) -> Tensor:
    """Where a mask is more than a half, (n|1, H, W) bool."""
    check_mask(mask, image, of="image", is_picture=True)
    check_real("mask", mask)
    if mask.isnan().any():
        raise InputError("mask", "numbers, more than a half in the hole", "NaN")
    return mask[:, 0] > 0.5
