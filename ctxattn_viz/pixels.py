"""A picture's values: what they are, which of them means white, and how they become 0 to 255."""

from dataclasses import dataclass

import numpy as np

from .errors import InputError

_SHAPES = "an array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"


@dataclass(frozen=True)
class Pixels:
    """An upright picture with the values that it holds.

    Attributes:
        values: `(H, W, 1 or 3)`, in the source's own numbers.
        white: the value that means white: 255, 65535 or 1; None where nothing tells.
        alpha: `(H, W)` uint8, 0 where it is transparent; None where nothing can be.
        argument: whose picture it is, for messages.
    """

    values: np.ndarray
    white: int | None
    alpha: np.ndarray | None
    argument: str

    @property
    def levels(self) -> np.ndarray:
        """`(H, W, 3)` uint8, over white where it is transparent.

        Raises:
            InputError: values whose white is unknown, or so dark that it cannot be what was meant.
        """
        levels = _levels(self.values, self.white, self.argument)
        if self.alpha is not None and (clear := self.alpha < 255).any():
            alpha = self.alpha[clear][:, None].astype(np.uint16)
            levels = np.array(np.broadcast_to(levels, (*levels.shape[:2], 3)))
            over = levels[clear] * alpha + 255 * (255 - alpha)
            levels[clear] = (over + 127) // 255
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


def _levels(values: np.ndarray, white: int | None, argument: str) -> np.ndarray:
    """Values of any kind as uint8 of the same shape."""
    if values.dtype == np.uint8 and white == 255:
        return values
    low, high = values.min(), values.max()
    if white is None:
        expected = "floats in [0, 1]" if values.dtype.kind == "f" else "uint8 or uint16"
        got = f"{values.dtype} values from {low:.5g} to {high:.5g}"
        raise InputError(argument, expected, got, _scaling(float(low), float(high)))
    if values.dtype.kind in "iu" and 0 < high < white / 16:
        # A byte is what it is; in anything wider, fewer bits than its own are likelier than night.
        expected = f"{values.dtype} values that use their range, up to {white}"
        bits = int(high).bit_length()
        hint = f"If these have {bits} bits, pass `array / {2**bits - 1}`."
        raise InputError(argument, expected, f"{high} at most, which would show black", hint)
    scaled = values.astype(np.float32) * np.float32(255 / white)
    return scaled.round().clip(0, 255).astype(np.uint8)


def _scaling(low: float, high: float) -> str:
    """What to do with values from `low` to `high` whose white is unknown."""
    if -1.001 <= low < 0 and high <= 1.001:
        return "From [-1, 1], pass `(array + 1) / 2`."
    for white in (255, 65535):
        if low >= 0 and high <= white:
            return f"If {white} is white, pass `array / {white}`."
    if np.isfinite(low) and np.isfinite(high):
        return "Pass `(array - array.min()) / (array.max() - array.min())`."
    return "`np.nan_to_num` replaces what is not finite."
