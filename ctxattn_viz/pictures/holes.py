"""Which pixels of a painted mask are hole, and how a hole is scaled without losing thin strokes."""

import warnings

import numpy as np

from ..errors import InputError, MaskWarning
from .pixels import FAINTEST, Pixels

Hole = np.ndarray  # (H, W) bool: True in the hole

# What is between backquotes is Python, and left out where the command line says it.
HOW_TO_PAINT = "Paint the hole white on black. An array is plainest as booleans: `array > 0`."
_COLOURED = 64  # of 255 between a pixel's channels; JPEG leaves less in grey


def hole_of(pixels: Pixels) -> Hole:
    """The hole in a painted mask, in any of the usual ways of painting one.

    White on black; two values of any size, the brighter of which is hole (0 and 1, 0 and 100);
    strokes of one colour on black, on white, or on nothing; a photograph with an erased area.

    Raises:
        InputError: a picture in which none of these can be seen; says what it holds.
    """
    if pixels.alpha is not None:
        return _hole_in_alpha(pixels)
    values = pixels.values
    if not np.isfinite(values).all():
        raise InputError(pixels.argument, "finite values", "NaN or infinity", HOW_TO_PAINT)
    least = _COLOURED / 255 * (pixels.white or values.max())
    if values.shape[2] == 3 and np.ptp(values, axis=2).max() >= max(least, 1e-9):
        return _coloured_strokes(pixels)
    return _bright(pixels)


def erased_area(pixels: Pixels) -> Hole:
    """Where a photograph is transparent, half-way edges included; False everywhere if nowhere."""
    if pixels.alpha is None:
        return np.zeros(pixels.values.shape[:2], bool)
    if pixels.alpha.max() < FAINTEST:
        return np.ones(pixels.values.shape[:2], bool)
    # In a smaller copy a thin stroke is but a little clearer than the rest.
    opaque = pixels.alpha.max() * (1.0 if pixels.reduced_from else 0.95)
    return pixels.alpha < opaque


def resize_hole(hole: Hole, size: tuple[int, int]) -> Hole:
    """`hole` at another size: a pixel is hole if any part of it is."""
    for axis, count in enumerate(size):
        size_before = hole.shape[axis]
        if size_before == count:
            continue
        edges = np.arange(count + 1) * size_before
        starts, ends = edges[:-1] // count, (edges[1:] + count - 1) // count  # rounded up
        # reduceat takes pairs of start and end, and an end must be an index: one row more.
        padded = np.concatenate([hole, np.zeros_like(hole.take([0], axis))], axis)
        pairs = np.stack([starts, ends], axis=1).ravel()
        hole = np.logical_or.reduceat(padded, pairs, axis).take(np.arange(0, 2 * count, 2), axis)
    return hole


def crop_hole(hole: Hole, size: tuple[int, int], argument: str) -> Hole:
    """The middle of `hole`; warns of what it loses that does not go on inside.

    Raises:
        InputError: all of the hole lies outside the middle.
    """
    (rows, columns), (height, width) = hole.shape, size
    top, left = (rows - height) // 2, (columns - width) // 2
    kept = hole[top : top + height, left : left + width]
    if (rows, columns) == size:
        return kept
    nearest_row = np.arange(rows).clip(top, top + height - 1) - top
    nearest_column = np.arange(columns).clip(left, left + width - 1) - left
    lost = int((hole & ~kept[nearest_row[:, None], nearest_column]).sum())
    if lost and not kept.any():
        got = f"one of {lost} pixels that lies whole in the rim that is cropped away"
        hint = "A smaller `multiple` crops less."
        raise InputError(argument, "a hole within the picture", got, hint)
    if lost:
        text = f"{lost} of the hole's {int(hole.sum())} pixels lie in the rim that is cropped away."
        _warn(argument, text)
    return kept


def check_share(hole: Hole, argument: str) -> None:
    """Warn of a hole that is nothing, or nearly everything."""
    share = hole.mean()
    if share == 0:
        _warn(argument, f"there is no hole in it. {HOW_TO_PAINT}")
    elif share > 0.8:
        percent = f"{100 * share:.0f} % of it is hole"
        _warn(argument, f"{percent}. Is it inverted? White is the hole. `1 - mask` turns it round.")


def _warn(argument: str, text: str) -> None:
    warnings.warn(f"{argument}: {text}", MaskWarning, stacklevel=4)


def _hole_in_alpha(pixels: Pixels) -> Hole:
    """Strokes on a transparent layer, or a picture with an erased area."""
    assert pixels.alpha is not None
    most = max(1, int(pixels.alpha.max()))
    opaque = pixels.alpha >= most / 2
    if not opaque.any():
        return opaque
    colours = pixels.values[opaque].astype(float)
    white = float(pixels.white or colours.max())
    if np.ptp(colours, axis=0).max() > white / 8:  # many colours
        is_grey = np.ptp(colours, axis=1).max() < white / 8
        ends = (colours < white / 8) | (colours > white * 7 / 8)
        if is_grey and ends.mean() > 0.9:  # black and white
            return opaque & (pixels.values.max(axis=2) >= white / 2)
        return pixels.alpha < 0.95 * most  # a photograph
    if colours.mean() > white * 7 / 8 or opaque.mean() < 0.5:
        return opaque
    warnings.warn(
        f"{pixels.argument}: one colour with {100 * (1 - opaque.mean()):.0f} % transparent: taken "
        "for a cover with the hole cut out. If the opaque part is the hole, paint it white "
        "and the rest black. `1 - mask` turns a mask round.",
        MaskWarning,
        stacklevel=4,
    )
    return ~opaque


def _bright(pixels: Pixels) -> Hole:
    """White, from the half up; of two values that are apart, the brighter."""
    values, white = pixels.values.max(axis=2), pixels.white
    low, high = values.min(), values.max()
    if low == high == 0:
        return np.zeros(values.shape, bool)
    is_apart = white is None or 2 * int(low) < white or 4 * (float(high) - float(low)) >= white
    if low != high and is_apart and bool(((values == low) | (values == high)).all()):
        return values == high
    if white is None or 2 * float(high) < white:
        expected = f"white ({white}) in the hole" if white else "two values, one for the hole"
        hint = f"{HOW_TO_PAINT} For instance `array > {float(high) / 2:.5g}`."
        raise InputError(pixels.argument, expected, f"{high:.5g} as the brightest value", hint)
    share = ((values > white / 8) & (values < white * 7 / 8)).mean()
    if share > 0.25:
        warnings.warn(
            f"{pixels.argument}: {100 * share:.0f} % of it is neither black nor white, as in a "
            f"photograph. The hole is where it is lighter than half. {HOW_TO_PAINT}",
            MaskWarning,
            stacklevel=4,
        )
    return values >= white / 2


def _coloured_strokes(pixels: Pixels) -> Hole:
    """Strokes of one colour on plain black or white: how far each pixel is on the way to it."""
    white = float(pixels.white or pixels.values.max())
    values = pixels.values.astype(np.float32) / np.float32(white)
    chroma = np.ptp(values, axis=2)
    is_plain = chroma < _COLOURED / 255
    backdrop = np.median(values[is_plain], axis=0) if is_plain.any() else np.full(3, 0.5)
    difference = values - backdrop.astype(np.float32)
    strokes = difference[~is_plain]
    length = np.linalg.norm(strokes, axis=1)
    direction = strokes.sum(axis=0) / np.linalg.norm(strokes.sum(axis=0)).clip(1e-9)
    one_direction = (strokes @ direction >= 0.9 * length).mean() > 0.98
    plain_backdrop = (
        (np.abs(difference[is_plain]).max(axis=1) < 0.2).mean() > 0.98 if is_plain.any() else False
    )
    if not (one_direction and plain_backdrop and (backdrop.max() < 0.15 or backdrop.min() > 0.85)):
        got = f"a picture of many colours, {100 * (~is_plain).mean():.0f} % of it coloured"
        expected = "white in the hole and black elsewhere, or strokes of one colour on either"
        hint = f"{HOW_TO_PAINT} For strokes on the photograph: `(array == colour).all(-1)`."
        raise InputError(pixels.argument, expected, got, hint)
    return difference @ direction >= np.quantile(strokes @ direction, 0.9) / 2
