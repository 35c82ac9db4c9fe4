"""What a first look needs: a device, photographs, holes, a coarse fill, and how good a result is.

Pictures are (1, 3, H, W) float32 tensors in [-1, 1], masks (1, 1, H, W) float32 with 1 = hole. The
photographs come inside scikit-image's wheel (CC0 or public domain): nothing is downloaded.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .errors import InputError, check_choice, check_whole, one_or, shape_of

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


def default_device() -> torch.device:
    """`cuda` where there is one, else Apple's `mps`, else `cpu`."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def photograph(source: Any = "astronaut", size: int = 256, multiple: int = 8) -> Tensor:
    """A photograph as (1, 3, H, W) float32 in [-1, 1].

    Args:
        source: one of `PHOTOGRAPHS`, the path of a picture, the bytes of one (an upload), a PIL
            image, or an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): uint8, or
            floats in [0, 1]. Grey becomes RGB; what is transparent shows white.
        size: the longest side after scaling, in pixels.
        multiple: both sides are then cropped, around the centre, to a multiple of this.
    """
    pixels = np.array(_fitted(_rgb(_opened(source)), size, multiple, smooth=True))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


def mask_picture(source: Any, size: int = 256, multiple: int = 8) -> Tensor:
    """A mask painted in any picture editor, white = hole, as (1, 1, H, W) of zeros and ones.

    Scaled and cropped as `photograph` does, by nearest sampling, so that it fits a photograph of
    the same shape.
    """
    grey = _rgb(_opened(source), background=0).convert("L")
    pixels = np.array(_fitted(grey, size, multiple, smooth=False))
    return torch.from_numpy(pixels >= 128).float()[None, None]


def rectangle(size: tuple[int, int], top: int, left: int, height: int, width: int) -> Tensor:
    """A mask (1, 1, H, W) with one rectangular hole; `size` is (H, W)."""
    try:
        rows, columns = size
    except (TypeError, ValueError):
        raise InputError("size", "(H, W)", repr(size)) from None
    rows, columns = check_whole("size", rows), check_whole("size", columns)
    if not (
        all(hasattr(x, "__index__") for x in (top, left, height, width))
        and 0 <= top < top + height <= rows
        and 0 <= left < left + width <= columns
    ):
        raise InputError(
            "rectangle",
            f"a hole of at least 1×1 within {rows}×{columns} pixels, in whole numbers",
            f"top={top!r}, left={left!r}, height={height!r}, width={width!r}",
        )
    mask = torch.zeros(1, 1, rows, columns)
    mask[..., top : top + height, left : left + width] = 1
    return mask


def coarse_fill(image: Tensor, mask: Tensor) -> Tensor:
    """`image` with its hole filled smoothly from the rim (biharmonic inpainting, scikit-image).

    The stand-in for the first of the paper's two networks. Known pixels stay as they are.
    """
    from skimage.restoration import inpaint_biharmonic

    n, _, height, width = _checked_image(image)
    holes = _checked_mask(mask, n, height, width)
    if holes.flatten(1).all(1).any():
        raise InputError("mask", "some known pixels to fill the hole from", "a mask of ones")
    filled = image.detach().clone()
    for sample, hole in zip(filled, holes.expand(n, -1, -1), strict=True):
        if not hole.any():
            continue
        known = sample.movedim(0, -1).cpu().double().numpy()
        smooth = inpaint_biharmonic(
            known, hole.cpu().numpy(), channel_axis=-1, split_into_regions=True
        )
        sample[:, hole] = torch.from_numpy(smooth).movedim(-1, 0).to(sample)[:, hole]
    return filled


def to_picture(x: Tensor) -> np.ndarray:
    """A picture in [-1, 1], with or without the batch axis, 1 or 3 channels → (H, W, 3) uint8."""
    channels_first = x[0] if x.ndim == 4 and x.shape[0] == 1 else x
    if channels_first.ndim != 3 or channels_first.shape[0] not in (1, 3):
        raise InputError("x", "one picture of 1 or 3 channels, (1, 3, H, W)", shape_of(x))
    levels = (channels_first.detach().float().nan_to_num(0).clamp(-1, 1) + 1) * 127.5
    pixels = levels.round().to(torch.uint8).movedim(0, -1).cpu().numpy()
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def psnr(a: Tensor, b: Tensor, mask: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB between pictures in [-1, 1]; within the hole of `mask`."""
    if a.shape != b.shape:
        raise InputError("b", f"the shape of a, {tuple(a.shape)}", tuple(b.shape))
    # In float64, which MPS has not: on the CPU.
    squares = (a.detach().cpu().double() - b.detach().cpu().double()) ** 2
    if mask is not None:
        n, channels, height, width = _checked_image(a)
        hole = _checked_mask(mask, n, height, width)[:, None].expand(n, channels, -1, -1)
        if not hole.any():
            raise InputError("mask", "a hole to compare in", "a mask of zeros")
        squares = squares[hole.to(squares.device)]
    error = float(squares.mean())
    peak = 2.0  # from -1 to 1
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def _opened(source: Any) -> Any:
    """Whatever `photograph` takes, as a PIL image."""
    from PIL import Image, ImageOps

    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        return Image.fromarray(_levels(source))
    if isinstance(source, str) and source in PHOTOGRAPHS:
        import skimage.data

        return Image.fromarray(getattr(skimage.data, source)())
    if isinstance(source, (bytes, bytearray, memoryview)):
        file: Any = io.BytesIO(source)
        got = f"{len(source)} bytes that are none"
    elif isinstance(source, (str, Path)):
        file = Path(source).expanduser()
        if isinstance(source, str) and not file.suffix and not file.exists():
            check_choice("photograph", source, PHOTOGRAPHS)
        got = f"{str(source)!r}, " + ("which is none" if file.is_file() else "which is no file")
    else:
        expected = "a name, a path, bytes, an array or a PIL image"
        raise InputError("photograph", expected, type(source).__name__)
    try:
        with Image.open(file) as image:
            image.load()
            return ImageOps.exif_transpose(image)  # upright, as the camera was held
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise InputError("photograph", "a picture that can be read", got) from problem


def _levels(array: np.ndarray) -> np.ndarray:
    """An array of any supported form as uint8 (H, W) or (H, W, 3 or 4)."""
    is_grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    if not is_grey and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        expected = "an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        raise InputError("photograph", expected, array.shape)
    if array.size == 0:
        raise InputError("photograph", "at least one pixel", array.shape)
    if is_grey:
        array = array.reshape(array.shape[:2])
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            got = f"values from {array.min():.3g} to {array.max():.3g}"
            raise InputError("photograph", "floats in [0, 1]", got)
        return np.round(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise InputError("photograph", "uint8, or floats in [0, 1]", array.dtype)
    return array


def _rgb(image: Any, background: int = 255) -> Any:
    """A PIL image of any mode as RGB, over `background` where it is transparent."""
    from PIL import Image

    if image.mode.startswith("I;16"):  # 16 bits: keep the upper 8
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("RGB")
    over = Image.new("RGBA", image.size, (background, background, background, 255))
    return Image.alpha_composite(over, image.convert("RGBA")).convert("RGB")


def _fitted(image: Any, size: int, multiple: int, smooth: bool) -> Any:
    """Scaled to `size` on the longest side, then cropped around the centre to `multiple`."""
    from PIL import Image

    if check_whole("size", size) < check_whole("multiple", multiple):
        raise InputError("size", f"at least multiple, which is {multiple}", size)
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    method = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    if (width, height) != image.size:
        image = image.resize((width, height), method)
    kept = (width - width % multiple, height - height % multiple)
    if 0 in kept:
        got = f"a picture that becomes {height}×{width} at size={size}"
        raise InputError("size", f"both sides of at least {multiple} after scaling", got)
    left, top = ((side - keep) // 2 for side, keep in zip((width, height), kept, strict=True))
    return image.crop((left, top, left + kept[0], top + kept[1]))


def _checked_image(image: Tensor) -> torch.Size:
    if not isinstance(image, Tensor) or image.ndim != 4 or not image.is_floating_point():
        of = f" of {image.dtype}" if isinstance(image, Tensor) else ""
        raise InputError("image", "a floating (n, c, H, W) tensor", shape_of(image) + of)
    return image.shape


def _checked_mask(mask: Tensor, n: int, height: int, width: int) -> Tensor:
    """(n|1, H, W) bool: True in the hole."""
    good = isinstance(mask, Tensor) and mask.ndim == 4 and mask.shape[0] in (1, n)
    if not good or mask.shape[1:] != (1, height, width):
        expected = f"a ({one_or(n)}, 1, {height}, {width}) tensor"
        raise InputError("mask", expected, shape_of(mask))
    return mask[:, 0] > 0.5
