"""A picture's values: what they are, which of them means white, and how they become 0 to 255."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError, PictureWarning
from ..habits import warn

_SHAPES = "an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
FAINTEST = 16  # of 255: what is nowhere brighter looks black, what is nowhere more opaque clear
STRIP = 1 << 22  # values that are worked on at a time


@dataclass(frozen=True)
class Pixels:
    """An upright picture with the values that it holds.

    Attributes:
        values: `(H, W, 1 or 3)`, in the source's own numbers.
        white: the value that means white: 255, 65535 or 1; None where it is unknown.
        alpha: `(H, W)` uint8, 0 where it is transparent; None where nothing can be.
        argument: the name of the argument, for messages.
        reduced_from: `(H, W)` of the picture of which this is a smaller copy, if it is one.
    """

    values: np.ndarray
    white: int | None
    alpha: np.ndarray | None
    argument: str
    reduced_from: tuple[int, int] | None = None

    @property
    def sides(self) -> tuple[int, int]:
        """`(H, W)` of the picture that was opened."""
        rows, columns = self.values.shape[:2]
        return self.reduced_from or (rows, columns)

    @property
    def levels(self) -> np.ndarray:
        """`(H, W, 3)` uint8, over white where it is transparent.

        Raises:
            InputError: values whose white is unknown, or so dark that it cannot be what was meant.

        Warns:
            PictureWarning: what shows nearly black throughout, or white as it is transparent.
        """
        _check_brightness(self.values, self.white, self.argument)
        levels = _levels(self.values, self.white, self.argument)
        if self.alpha is not None and (clear := self.alpha < 255).any():
            alpha = self.alpha[clear][:, None].astype(np.uint16)
            levels = np.array(np.broadcast_to(levels, (*levels.shape[:2], 3)))
            blended = levels[clear] * alpha + 255 * (255 - alpha)
            levels[clear] = (blended + 127) // 255
            if (most := int(self.alpha.max())) < FAINTEST:
                text = f"transparent throughout, its alpha {most} of 255 at most: it shows white."
                if most:
                    text += f" If {most} is opaque, pass `array[..., 3] * {255 // most}` there."
                warn(f"{self.argument}: {text}", PictureWarning)
        if levels.max() < FAINTEST and (high := self.values.max()) > 0:
            text = f"nearly black throughout, {levels.max()} of 255 at most."
            warn(f"{self.argument}: {text} {_brighter(high)}", PictureWarning)
        return np.broadcast_to(levels, (*levels.shape[:2], 3))


def checked_array(array: np.ndarray, argument: str) -> np.ndarray:
    """`array` as (H, W, 1, 3 or 4) of bool, integers or floats, or `InputError`."""
    if np.ma.is_masked(array):
        hint = "`array.filled(…)` says what to show there."
        raise InputError(argument, "a value at each pixel", "a masked array", hint)
    array = np.asarray(array)
    shape = array.shape
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        hint = ""
        if len(shape) == 3 and shape[0] in (1, 3, 4):
            hint = "Channels come last: `array.transpose(1, 2, 0)`."
        elif len(shape) == 4 and shape[0] == 1:
            hint = "One picture, without the batch: `array[0]`."
        raise InputError(argument, _SHAPES, shape, hint)
    if array.size == 0:
        raise InputError(argument, "at least one pixel", shape)
    if array.dtype.kind not in "buif":
        raise InputError(argument, "uint8, uint16, or floats in [0, 1]", array.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def pixels_of_array(array: np.ndarray, argument: str) -> Pixels:
    if array.ndim == 2:
        array = array[..., None]
    white = _white(array)
    if array.dtype.kind == "b":
        array, white = array.astype(np.uint8), 1
    values, alpha = array, None
    if array.shape[2] == 4:
        values, alpha = array[..., :3], _levels(array[..., 3:], white, argument)[..., 0]
    return Pixels(values, white, alpha, argument)


def _white(array: np.ndarray) -> int | None:
    """The value that means white: by dtype, or by the values where those leave no doubt."""
    if array.dtype.kind == "b":
        return 1
    if array.dtype in (np.uint8, np.uint16):
        return int(np.iinfo(array.dtype).max)
    low, high = array.min(), array.max()
    if array.dtype.kind == "f":  # resizing leaves a little more than 1 behind
        return 1 if low >= -0.001 and high <= 1.001 else None
    return 255 if low >= 0 and high <= 255 else None


def _check_brightness(values: np.ndarray, white: int | None, argument: str) -> None:
    """Raise `InputError` for wide integers of which so few bits are used that they show black.

    A byte is what it is; in anything wider, fewer bits than its own are likelier than night.
    """
    if white is None or values.dtype.kind not in "iu" or values.dtype == np.uint8:
        return
    if 0 < (high := values.max()) < white / FAINTEST:
        expected = f"{values.dtype} values that use their range, up to {white}"
        got = f"{high} at most, which would show black"
        raise InputError(argument, expected, got, _brighter(high))


def _levels(values: np.ndarray, white: int | None, argument: str) -> np.ndarray:
    """Values of any kind as uint8 of the same shape."""
    if values.dtype == np.uint8 and white == 255:
        return values
    if white is None:
        low, high = values.min(), values.max()
        expected = "floats in [0, 1]" if values.dtype.kind == "f" else "uint8 or uint16"
        got = f"{values.dtype} values from {low:.5g} to {high:.5g}"
        hint = _scaling(float(low), float(high), values.dtype.kind)
        raise InputError(argument, expected, got, hint)
    levels = np.empty(values.shape, np.uint8)
    rows = max(1, STRIP // values[0].size)
    for top in range(0, len(values), rows):  # floats are large: a strip at a time
        part = values[top : top + rows].astype(np.float32) * np.float32(255 / white)
        levels[top : top + rows] = part.round().clip(0, 255)
    return levels


def _brighter(high: np.generic) -> str:
    """What to do with values up to `high` that are far below white."""
    if high.dtype.kind == "f":
        return f"If {float(high):.3g} is white, pass `array / array.max()`."
    bits = int(high).bit_length()
    if bits == 1:
        return "If 1 is white, pass `array > 0`."
    return f"If these have {bits} bits, pass `array / {2**bits - 1}`."


def _scaling(low: float, high: float, kind: str) -> str:
    """What to do with floats or integers from `low` to `high` whose white is unknown."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return "`np.nan_to_num` replaces what is not finite."
    if low >= 0 and kind in "iu":
        bits = int(high).bit_length()
        return f"If these have {bits} bits, pass `array / {2**bits - 1}`."
    if low < -0.25 and max(-low, high) <= 1.5:
        clipped = "array" if low >= -1.001 and high <= 1.001 else "array.clip(-1, 1)"
        return f"From [-1, 1], pass `({clipped} + 1) / 2`."
    for white, scaled in ((1, "array"), (255, "array / 255"), (65535, "array / 65535")):
        if -0.25 * white <= low <= high <= 1.25 * white:
            is_inside = low >= 0 and high <= white
            bracketed = f"({scaled})" if "/" in scaled else scaled
            return (
                f"If {white} is white, pass `{scaled if is_inside else f'{bracketed}.clip(0, 1)'}`."
            )
    return "Pass `(array - array.min()) / (array.max() - array.min())`."
