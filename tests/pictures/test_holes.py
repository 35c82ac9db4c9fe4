"""Masks as people have them: of any size and values, in colours or alpha; nothing lost unsaid."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import ctxattn_viz as cv
from ctxattn_viz import samples
from ctxattn_viz.errors import MaskWarning
from ctxattn_viz.pictures.holes import resize_hole

ROWS, COLUMNS = 24, 32
HOLE = np.zeros((ROWS, COLUMNS), bool)
HOLE[6:14, 9:20] = True
PHOTO = samples.photograph("coffee", COLUMNS, 1)
PHOTO = torch.nn.functional.interpolate(PHOTO, (ROWS, COLUMNS))
SCENE = samples.to_picture(PHOTO)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def hole_in(source: Any, **options: Any) -> np.ndarray:
    """The mask at its own size."""
    mask = samples.mask_picture(source, **{"size": COLUMNS, "multiple": 1} | options)
    assert mask.dtype == torch.float32
    assert set(mask.unique().tolist()) <= {0, 1}
    return mask[0, 0].bool().numpy()


def coloured(stroke: tuple[int, ...], backdrop: Any) -> np.ndarray:
    """A stroke over the hole on some backdrop."""
    return np.where(HOLE[..., None], np.array(stroke, np.uint8), np.array(backdrop, np.uint8))


# ---- values ----


@pytest.mark.parametrize(
    "mask",
    [
        HOLE,
        HOLE.astype(int),
        HOLE.astype(float),
        HOLE.astype(np.uint8),
        HOLE.astype(np.uint8) * 100,
        HOLE.astype(np.uint8) * 255,
        HOLE.astype(np.uint16),
        HOLE.astype(np.uint16) * 255,
        HOLE.astype(np.uint16) * 65535,
        HOLE.astype(np.float32) * 255,
        HOLE.astype(np.float64) * 2 - 1,
        HOLE.astype(np.int32) * 1000,
        HOLE[..., None],
        np.where(HOLE, 200, 20).astype(np.uint8),
        np.where(HOLE, 255, 128).astype(np.uint8),
        np.where(HOLE, 3, 2).astype(np.uint8),
        np.where(HOLE, 0.0, -1.0),
    ],
    ids=lambda x: f"{x.dtype}-{x.min()}-{x.max()}",
)
def test_of_two_values_the_brighter_is_the_hole(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(hole_in(mask), HOLE)
    if mask.dtype in (np.uint8, np.uint16) and mask.ndim == 2:
        np.testing.assert_array_equal(hole_in(saved(Image.fromarray(mask))), HOLE)
        np.testing.assert_array_equal(hole_in(Image.fromarray(mask)), HOLE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I", "F", "I;16"])
def test_white_on_black_in_every_mode(mode: str) -> None:
    image = Image.fromarray(HOLE.astype(np.uint8) * 255)
    if mode == "I;16":
        image = Image.fromarray(HOLE.astype(np.uint16) * 65535)
    else:
        image = image.convert(mode)
    np.testing.assert_array_equal(hole_in(image), HOLE)


def test_soft_edges_and_jpeg_are_cut_at_the_half() -> None:
    soft = np.zeros((ROWS, COLUMNS), np.uint8)
    soft[6:14, 9:20] = 255
    soft[5], soft[14] = np.where(HOLE[6], 100, 0), np.where(HOLE[6], 200, 0)
    want = HOLE.copy()
    want[14] = HOLE[6]
    np.testing.assert_array_equal(hole_in(soft), want)
    np.testing.assert_array_equal(hole_in(saved(Image.fromarray(soft), "JPEG")), want)


@pytest.mark.parametrize("brightest", [3, 100])
def test_many_values_without_white_are_told_with_the_brightest(brightest: int) -> None:
    grey = np.linspace(0, brightest, ROWS * COLUMNS).reshape(ROWS, COLUMNS).round()
    for source in (grey.astype(np.uint8), saved(Image.fromarray(grey.astype(np.uint8)))):
        with pytest.raises(
            cv.InputError,
            match=rf"white \(255\) in the hole, got {brightest} as the brightest value. Paint the "
            "hole white on black",
        ):
            hole_in(source)
    with pytest.raises(cv.InputError, match="the brightest value"):
        hole_in(np.full((ROWS, COLUMNS), brightest, np.uint8))
    with pytest.raises(cv.InputError, match="two values, one for the hole, got 300 as the bright"):
        hole_in(np.arange(301).repeat(3).reshape(21, 43))


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(odd: float) -> None:
    with pytest.raises(cv.InputError, match="mask_picture: expected finite values"):
        hole_in(np.where(HOLE, odd, 0.0))


def test_a_photograph_for_a_mask_is_told() -> None:
    with pytest.raises(cv.InputError, match=r"many colours, \d+ % of it coloured.*== colour"):
        hole_in(samples.to_picture(samples.photograph("coffee", 64)))
    with pytest.warns(MaskWarning, match="neither black nor white, as in a photograph"):
        hole_in(np.asarray(Image.fromarray(SCENE).convert("L")))


# ---- colours ----


@pytest.mark.parametrize("backdrop", [(255, 255, 255), (0, 0, 0)])
@pytest.mark.parametrize(
    "stroke", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (128, 0, 0)]
)
@pytest.mark.parametrize("kind", ["array", "PNG", "palette", "JPEG", "soft"])
def test_strokes_of_one_colour(
    stroke: tuple[int, ...], backdrop: tuple[int, ...], kind: str
) -> None:
    drawn = coloured(stroke, backdrop)
    source: Any = drawn
    if kind == "PNG":
        source = saved(Image.fromarray(drawn))
    elif kind == "palette":
        source = saved(Image.fromarray(drawn).quantize(4))
    elif kind == "JPEG":
        source = saved(Image.fromarray(drawn), "JPEG", quality=92, subsampling=0)
    elif kind == "soft":
        half = (drawn.astype(int)[:, 8] + drawn[:, 9]) // 2  # an edge between both colours
        source = drawn.copy()
        source[:, 8] = half
    result = hole_in(source)
    if kind == "soft":  # the half may fall either way
        result[:, 8] = False
    assert (result ^ HOLE).sum() <= (8 if kind == "JPEG" else 0)


def test_strokes_on_the_photograph_and_of_several_colours_are_told() -> None:
    several = coloured((255, 0, 0), (255, 255, 255))
    several[2:5] = 0, 0, 255
    for source in (coloured((255, 0, 0), SCENE), several, coloured((255, 0, 0), (0, 0, 255))):
        with pytest.raises(cv.InputError, match=r"strokes of one colour .* Paint the hole white"):
            hole_in(source)


# ---- alpha ----


@pytest.mark.parametrize("stroke", [(255, 255, 255), (0, 0, 0), (255, 0, 0), (90, 90, 90)])
@pytest.mark.parametrize("opacity", [255, 90])
def test_strokes_on_a_transparent_layer(stroke: tuple[int, ...], opacity: int) -> None:
    layer = np.dstack([coloured(stroke, (0, 0, 0)), HOLE.astype(np.uint8) * opacity])
    for source in (layer, Image.fromarray(layer), saved(Image.fromarray(layer))):
        np.testing.assert_array_equal(hole_in(source), HOLE)


def test_black_and_white_beside_transparency() -> None:
    layer = np.dstack([coloured((255, 255, 255), (0, 0, 0)), np.full(HOLE.shape, 255, np.uint8)])
    layer[:3, :, 3] = 0
    np.testing.assert_array_equal(hole_in(layer), HOLE)


@pytest.mark.parametrize("beneath", [0, 255])
def test_the_erased_area_of_a_photograph_is_the_hole(beneath: int, tmp_path: Path) -> None:
    erased = np.dstack([np.where(HOLE[..., None], beneath, SCENE), 255 - 255 * HOLE]).astype(
        np.uint8
    )
    Image.fromarray(erased).save(path := tmp_path / "erased.png")
    for source in (erased, path, Image.fromarray(erased)):
        np.testing.assert_array_equal(hole_in(source), HOLE)
        area = samples.erased_area(source, COLUMNS, 1)
        np.testing.assert_array_equal(area[0, 0].bool().numpy(), HOLE)
    assert samples.erased_area("coffee", 64).sum() == 0
    cover = np.dstack([np.zeros_like(SCENE), erased[..., 3]])
    with pytest.warns(MaskWarning, match="one colour with 11 % transparent.*`1 - mask`"):
        result = hole_in(cover)
    np.testing.assert_array_equal(result, HOLE)


def test_a_soft_rim_of_the_erased_area_belongs_to_it() -> None:
    alpha = np.full((ROWS, COLUMNS), 255, np.uint8)
    alpha[8:12, 8:12], alpha[7, 8:12] = 0, 180
    area = samples.erased_area(np.dstack([SCENE, alpha]), COLUMNS, 1)
    np.testing.assert_array_equal(area[0, 0].bool().numpy(), alpha < 255)
    faint = np.dstack([SCENE, np.full_like(alpha, 200)])
    assert samples.erased_area(faint, COLUMNS, 1).sum() == 0


# ---- sizes ----


@settings(deadline=None)
@given(
    hole=st.integers(1, 9).flatmap(
        lambda w: st.lists(st.lists(st.booleans(), min_size=w, max_size=w), min_size=1, max_size=9)
    ),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_a_pixel_is_hole_where_any_part_of_it_is(
    hole: list[list[bool]], size: tuple[int, int]
) -> None:
    given_rows, given_columns = len(hole), len(hole[0])
    result = resize_hole(np.array(hole), size)
    assert result.shape == size
    for row in range(size[0]):
        for column in range(size[1]):
            # Pixel i of n covers [i / n, (i + 1) / n): they overlap unless one ends before.
            want = any(
                hole[r][c]
                for r in range(given_rows)
                for c in range(given_columns)
                if r * size[0] < (row + 1) * given_rows
                and row * given_rows < (r + 1) * size[0]
                and c * size[1] < (column + 1) * given_columns
                and column * given_columns < (c + 1) * size[1]
            )
            assert result[row, column] == want


@pytest.mark.parametrize("width", [1, 2, 3])
def test_thin_strokes_survive_any_scaling(width: int) -> None:
    image = Image.new("L", (1999, 1500))
    draw = ImageDraw.Draw(image)
    draw.line((0, 40, 1998, 1450), fill=255, width=width)
    draw.line((700, 0, 700, 1499), fill=255, width=width)
    mask = samples.mask_picture(image, 64, 1)[0, 0]
    assert mask.any(dim=0).all()
    assert mask.any(dim=1).all()
    assert mask.mean() < 0.1


@settings(deadline=None, max_examples=100)
@given(
    rows=st.integers(40, 1500),
    columns=st.integers(40, 1500),
    factor=st.floats(0.3, 3),
    size=st.integers(40, 300),
    multiple=st.sampled_from([1, 2, 4, 8]),
)
def test_a_mask_of_another_size_of_the_same_picture_fits(
    rows: int, columns: int, factor: float, size: int, multiple: int
) -> None:
    """Both sides of the copy are rounded, down as well as up."""
    try:
        height, width = samples.photograph_size(np.zeros((rows, columns), bool), size, multiple)
    except cv.InputError:
        return
    for rounded in (np.floor, np.ceil):
        copy = int(rounded(rows * factor)), int(rounded(columns * factor))
        painted = np.zeros(copy, bool)
        painted[copy[0] // 3 : copy[0] // 2, copy[1] // 3 : copy[1] // 2] = True
        mask = samples.mask_picture(painted, size, multiple, like=(height, width))
        assert mask.shape == (1, 1, height, width)
        # At the photograph's own place, whatever the size of the mask: within two pixels.
        inside = torch.nonzero(mask[0, 0]).double()
        scale = size / max(rows, columns)
        top = (max(1, round(rows * scale)) - height) // 2
        want = rows * scale / 3 - top
        assert abs(float(inside[:, 0].min()) - want) <= 3 + 2 / factor * scale


def test_a_true_half_fits_whatever_the_rounding() -> None:
    photo = samples.photograph(np.zeros((667, 1001), np.uint8), 256, 2)
    for half in ((333, 500), (334, 501), (333, 501), (334, 500), (67, 100), (13, 20)):
        mask = np.zeros(half, bool)
        mask[5:10, 5:10] = True
        assert samples.mask_picture(mask, 256, 2, like=photo).shape[2:] == photo.shape[2:]
    with pytest.raises(
        cv.InputError, match="mask_picture: expected the photo's proportions, 170×256"
    ):
        samples.mask_picture(np.eye(256, dtype=bool), 256, 2, like=photo)
    with pytest.raises(cv.InputError, match="proportions"):
        samples.mask_picture(np.eye(501, 334, dtype=bool), 256, 2, like=photo)


def test_a_mask_painted_on_what_was_returned_lies_where_it_was_painted() -> None:
    photo = samples.photograph("coffee", 100, 8)  # 67×100, cropped to 64×96
    painted = np.zeros(photo.shape[2:], bool)
    painted[0, 0] = painted[30, 50] = True
    mask = samples.mask_picture(painted, 100, 8, like=photo)
    np.testing.assert_array_equal(mask[0, 0].bool().numpy(), painted)


@pytest.mark.parametrize("like", [3, "photo", (8,), (8, 0), (8.0, 8), torch.zeros(8, 8), None])
def test_like_is_a_photograph_or_its_size(like: Any) -> None:
    if like is None:
        samples.mask_picture(np.eye(8, dtype=bool), 8, like=like)
        return
    with pytest.raises(cv.InputError, match="like: expected"):
        samples.mask_picture(np.eye(8, dtype=bool), 8, like=like)


@pytest.mark.parametrize("like", [(-64, 64), (64.0, 64.0), (64, 64, 3)])
def test_a_size_that_is_none_is_shown(like: Any) -> None:
    with pytest.raises(cv.InputError, match=rf"its \(H, W\), got {re.escape(repr(like))}\."):
        samples.mask_picture(np.eye(8, dtype=bool), 8, like=like)


def test_like_goes_with_the_size_that_made_it() -> None:
    photo = samples.photograph("coffee", 64)
    with pytest.raises(
        cv.InputError, match="size: expected the size and multiple that made the ph"
    ):
        samples.mask_picture(np.eye(40, 60, dtype=bool), like=photo)


# ---- what is lost, or too much ----


def test_what_cropping_loses_is_said() -> None:
    mask = np.zeros((38, 38), bool)
    mask[:2, 10:20] = True  # 38 becomes 32: three rows go at the top
    with pytest.raises(cv.InputError, match="one of 20 pixels that lies whole in the rim"):
        samples.mask_picture(mask, 38, 8)
    mask[20:25, 20:25] = True
    with pytest.warns(MaskWarning, match="20 of the hole's 45 pixels lie in the rim"):
        assert samples.mask_picture(mask, 38, 8).sum() == 25
    through = np.zeros((38, 38), bool)
    through[:, 10:20] = True  # what goes on inside is not lost
    assert samples.mask_picture(through, 38, 8).sum() == 320


@pytest.mark.parametrize(("share", "warns"), [(0.5, False), (0.79, False), (0.85, True), (1, True)])
def test_a_hole_nearly_everywhere_may_be_inverted(share: float, warns: bool) -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[: int(100 * share)] = 255
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        samples.mask_picture(mask, 100, 1)
    assert [warning.category for warning in caught] == [MaskWarning] * warns
    assert all("Is it inverted?" in str(warning.message) for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)


def test_no_hole_is_said() -> None:
    with pytest.warns(MaskWarning, match="there is no hole in it. Paint the hole white on black"):
        assert hole_in(np.zeros((ROWS, COLUMNS), np.uint8)).sum() == 0
