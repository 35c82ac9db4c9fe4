"""Every door treats a picture alike, whatever its kind, its metadata and its size."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

import ctxattn_viz as cv
from ctxattn_viz import samples
from ctxattn_viz.debugger import uploads
from ctxattn_viz.debugger.pictures import picture_at_size
from ctxattn_viz.errors import MaskWarning, PictureWarning
from ctxattn_viz.pictures import opening

RNG = np.random.default_rng(0)
# Blocks, so that JPEG and scaling change little: 16 rows, 24 columns.
COLOURS = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def levels(source: Any) -> np.ndarray:
    """The picture unscaled, through `photograph`."""
    rows, columns = samples.photograph_size(source, 10**4, 1)
    longest = max(opening.Picture(source, "photograph").pixels().levels.shape[:2])
    assert max(rows, columns) == 10**4
    return samples.to_picture(samples.photograph(source, longest, 1))


def exif(orientation: int = 1) -> Image.Exif:
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    notes[0x010F] = "a maker of cameras"
    notes[0x011A] = notes[0x011B] = 72.5
    notes[0x0128] = 2
    notes.get_ifd(0x8769)[0x829A] = 0.005
    return notes


# ---- metadata ----

MAKERS = {
    "PNG": {"dpi": (72, 72)},
    "JPEG": {"quality": 95, "subsampling": 0, "dpi": (72, 72), "comment": b"hello"},
    "WEBP": {"lossless": True, "xmp": b"<x/>"},
    "TIFF": {"dpi": (72, 72)},
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_stand_upright_as_a_file_and_as_an_image(
    kind: str, orientation: int
) -> None:
    turns = {2: 0, 3: 1, 4: 2, 5: 3, 6: 4, 7: 5, 8: 6}  # what a camera does, by its own method
    methods = [
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ]
    image = Image.fromarray(COLOURS)
    if orientation > 1:
        image = image.transpose(methods[turns[orientation]])
    data = encoded(image, kind, exif=exif(orientation), **MAKERS[kind])
    for source in (data, Image.open(io.BytesIO(data))):
        result = levels(source).astype(int)
        assert result.shape == COLOURS.shape
        assert np.abs(result - COLOURS).mean() < 4
    in_memory = image.copy()
    in_memory.info["exif"] = exif(orientation).tobytes()
    np.testing.assert_array_equal(levels(in_memory), COLOURS)


def png_regions(data: bytes) -> list[tuple[int, int]]:
    """Where metadata lies in a PNG, without its checksums."""
    at, regions = 8, []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind not in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            regions.append((at + 8, at + 8 + length))
        at += 12 + length
    return regions


def jpeg_regions(data: bytes) -> list[tuple[int, int]]:
    at, regions = 2, []
    while data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE:
            regions.append((at + 4, at + 2 + length))
        at += 2 + length
    return regions


def webp_regions(data: bytes) -> list[tuple[int, int]]:
    at, regions = 12, []
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in (b"EXIF", b"ICCP", b"XMP "):
            regions.append((at + 8, at + 8 + length))
        at += 8 + length + length % 2
    return regions


def tiff_regions(data: bytes) -> list[tuple[int, int]]:
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    regions = []
    for at in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", data, at)
        if tag in (ORIENTATION, 271, 282, 283, 296, 34665):
            regions.append((at + 2, at + 12))
    return regions


WITH_NOTES = {
    kind: encoded(Image.fromarray(COLOURS), kind, exif=exif(), **options)
    for kind, options in MAKERS.items()
}
REGIONS = {"PNG": png_regions, "JPEG": jpeg_regions, "WEBP": webp_regions, "TIFF": tiff_regions}
SOUND = {kind: levels(data).astype(int) for kind, data in WITH_NOTES.items()}


@pytest.mark.parametrize("kind", MAKERS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_damaged_metadata_costs_the_turn_at_most(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(WITH_NOTES[kind])
    regions = REGIONS[kind](WITH_NOTES[kind])
    assert regions
    for _ in range(data.draw(st.integers(1, 12))):
        start, end = data.draw(st.sampled_from(regions))
        damaged[data.draw(st.integers(start, end - 1))] = data.draw(st.integers(0, 255))
    if kind == "PNG" and data.draw(st.booleans()):  # damaged before the checksum was made
        for start, end in regions:
            damaged[end : end + 4] = struct.pack(">I", zlib.crc32(damaged[start - 4 : end]))
    result, sound = levels(bytes(damaged)).astype(int), SOUND[kind]
    turned = [np.rot90(x, k) for x in (sound, sound[::-1]) for k in range(4)]
    assert any(x.shape == result.shape and np.abs(x - result).max() <= 1 for x in turned)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(kind: bytes, data: bytes, after_pixels: bool) -> bytes:
    """The PNG of COLOURS with another chunk before or after its pixels."""
    png = encoded(Image.fromarray(COLOURS), "PNG")
    at = len(png) - 12 if after_pixels else 33
    return png[:at] + chunk(kind, data) + png[at:]


@pytest.mark.parametrize("after_pixels", [False, True])
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"zTXt", b"note\0\0" + zlib.compress(bytes(3 << 20))),
        (b"iTXt", b"note\0\1\0en\0\0" + zlib.compress(bytes(3 << 20))),
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(3 << 20))),
        (b"iCCP", b"profile\0\0no zlib"),
        (b"eXIf", b"nothing of the kind"),
        (b"eXIf", b"II*\0\x08\0\0\0\xff\xff"),
        (b"pHYs", b"\0"),
        (b"gAMA", b""),
        (b"tEXt", b""),
        (b"fcTL", b"\0"),
        (b"acTL", b"\xff"),
    ],
)
def test_a_damaged_or_huge_chunk_costs_nothing(
    kind: bytes, content: bytes, after_pixels: bool, tmp_path: Path
) -> None:
    data = with_chunk(kind, content, after_pixels)
    (path := tmp_path / "photo.png").write_bytes(data)
    for source in (data, path):
        np.testing.assert_array_equal(levels(source), COLOURS)


def test_a_damaged_chunk_leaves_the_turn_of_another() -> None:
    turned = encoded(Image.fromarray(np.rot90(COLOURS).copy()), "PNG", exif=exif(6))
    broken = chunk(b"tEXt", b"a\0b")[:-1] + b"?"
    np.testing.assert_array_equal(levels(turned[:33] + broken + turned[33:]), COLOURS)


@pytest.mark.parametrize("value", [(1, 0), (0, 0), (2**32 - 1, 0)])
def test_a_resolution_with_a_zero_denominator(value: tuple[int, int]) -> None:
    notes = b"II*\0\x08\0\0\0\x02\0" + struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0)
    notes += struct.pack("<HHII", 0x011A, 5, 1, 38) + bytes(4) + struct.pack("<II", *value)
    image = Image.fromarray(np.rot90(COLOURS).copy())
    for kind in ("PNG", "JPEG", "WEBP"):
        data = encoded(image, kind, exif=b"Exif\0\0" + notes, **MAKERS[kind])
        assert np.abs(levels(data).astype(int) - COLOURS).mean() < 4


@pytest.mark.parametrize("kind", MAKERS)
def test_a_picture_cut_short_is_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, kind)
    path = tmp_path / "photo.png"
    for share in (0.05, 0.5, 0.9):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(
            cv.InputError, match=r"expected a picture that can be read, got '.*png'"
        ):
            samples.photograph(path)


# ---- modes ----

RGB = Image.fromarray(COLOURS)
GREY = np.asarray(RGB.convert("L"))
# Clear on the left, and black beneath, which must not be seen.
ALPHA = np.full(COLOURS.shape[:2], 255, np.uint8)
ALPHA[:, :8] = 0
CLEAR = np.dstack([np.where(ALPHA[..., None] > 0, COLOURS, 0).astype(np.uint8), ALPHA])
OVER_WHITE = np.where(ALPHA[..., None] > 0, COLOURS, 255)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "P"])
def test_colours_come_through_in_every_mode(mode: str) -> None:
    if mode == "LAB":
        from PIL import ImageCms

        turn = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        image = ImageCms.applyTransform(RGB, turn)
        assert image is not None
    else:
        image = RGB.quantize(256) if mode == "P" else RGB.convert(mode)
    assert image.mode == mode
    assert np.abs(levels(image).astype(int) - COLOURS).mean() < 4


@pytest.mark.parametrize(
    "mode", ["L", "LA", "La", "1", "F", "I", "I;16", "I;16L", "I;16B", "I;16N"]
)
def test_grey_comes_through_in_every_mode(mode: str) -> None:
    """Scaled as the array is, or refused with what to do: never all white or black."""
    bright = (GREY > 127).astype(np.uint8) * 255
    want = bright if mode == "1" else GREY
    if mode.startswith("I;16"):
        deep = GREY.astype(">u2" if mode == "I;16B" else "<u2") * 257
        image = Image.frombytes(mode, deep.shape[::-1], deep.tobytes())
    elif mode == "F":
        image = Image.fromarray((GREY / 255).astype(np.float32))
    elif mode == "La":
        image = Image.merge("LA", [Image.fromarray(GREY), Image.new("L", GREY.shape[::-1], 255)])
        image = image.convert("La")
    else:
        image = Image.fromarray(want).convert(mode)
    assert image.mode == mode
    result = levels(image)
    np.testing.assert_array_equal(result, np.repeat(want[..., None], 3, axis=2))


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0, -1.0, np.nan])
def test_float_pictures_are_scaled_or_refused(scale: float) -> None:
    values = (GREY / 255 * scale).astype(np.float32)
    for source in (values, Image.fromarray(values)):
        if scale == 1:
            np.testing.assert_array_equal(levels(source)[..., 0], GREY)
        else:
            with pytest.raises(cv.InputError, match=r"floats in \[0, 1\], got float32 values from"):
                samples.photograph(source)


@pytest.mark.parametrize("most", [300, 65536, 2**31 - 1])
def test_wide_integers_are_refused_beyond_a_byte(most: int) -> None:
    values = np.linspace(0, most, 64).astype(np.int32).reshape(8, 8)
    for source in (values, Image.fromarray(values)):
        with pytest.raises(
            cv.InputError, match=f"got int32 values from 0 to {most:.5g}".replace("+", r"\+")
        ):
            samples.photograph(source)
    np.testing.assert_array_equal(levels(np.arange(64).reshape(8, 8))[..., 0].ravel(), range(64))


def test_a_deep_file_keeps_its_greys(tmp_path: Path) -> None:
    deep = GREY.astype(np.uint16) * 257
    image = Image.fromarray(deep)
    pgm = b"P5 %d %d 65535\n" % deep.shape[::-1] + deep.astype(">u2").tobytes()
    for source in (deep, deep.astype(">u2"), encoded(image, "PNG"), encoded(image, "TIFF"), pgm):
        np.testing.assert_array_equal(levels(source)[..., 0], GREY)


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_few_bits_in_a_deep_picture_are_not_shown_black(bits: int) -> None:
    values = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)
    for source in (values, Image.fromarray(values), encoded(Image.fromarray(values), "PNG")):
        with pytest.raises(cv.InputError, match=rf"pass `array / {2**bits - 1}`"):
            samples.photograph(source)
    assert levels(values / (2**bits - 1)).max() == 255
    with pytest.raises(cv.InputError, match="int64 values that use their range, up to 255"):
        samples.photograph(np.eye(8, dtype=int))
    assert samples.photograph(np.zeros((8, 8), np.uint16)).max() == -1  # black is black


DARK = {
    "bytes of 0 and 1": ((GREY > 127).astype(np.uint8), r"1 of 255 at most.*`array > 0`"),
    "two bits": (COLOURS // 64, r"3 of 255 at most.*`array / 3`"),
    "divided twice": (COLOURS / 255 / 255, r"1 of 255 at most.*`array / array.max\(\)`"),
}


@pytest.mark.parametrize(("array", "message"), DARK.values(), ids=[*DARK])
def test_a_picture_nearly_black_throughout_is_noticed(array: np.ndarray, message: str) -> None:
    with pytest.warns(PictureWarning, match=f"photograph: nearly black throughout, {message}"):
        assert samples.photograph(array, 24, 1).max() < -0.9
    if array.dtype == np.uint8:
        with pytest.warns(PictureWarning, match="photograph: nearly black"):
            samples.photograph(encoded(Image.fromarray(array), "PNG"), 24, 1)
    assert samples.photograph(np.zeros_like(array), 24, 1).max() == -1  # black is black


@pytest.mark.parametrize("most", [0, 1, 15])
def test_a_picture_transparent_throughout_is_noticed(most: int) -> None:
    faint = np.dstack([COLOURS, np.full(COLOURS.shape[:2], most, np.uint8)])
    for source in (faint, Image.fromarray(faint), encoded(Image.fromarray(faint), "PNG")):
        with pytest.warns(PictureWarning, match=f"transparent throughout, its alpha {most} of 255"):
            assert samples.photograph(source, 24, 1).min() > 0.8
        assert samples.erased_area(source, 24, 1).all()


def test_the_hint_for_another_range_leads_to_the_picture() -> None:
    picture = COLOURS / 255
    for array, code in {
        "a little more": (picture * 1.06, "array.clip(0, 1)"),
        "a little less": (picture - 0.02, "array.clip(0, 1)"),
        "levels and a little more": (picture * 270, "(array / 255).clip(0, 1)"),
        "levels": (picture * 255, "array / 255"),
        "both signs": (picture * 2.04 - 1.02, "(array.clip(-1, 1) + 1) / 2"),
    }.values():
        with pytest.raises(cv.InputError, match="pass `") as caught:
            samples.photograph(array)
        assert f"pass `{code}`" in str(caught.value)
        result = levels(eval(code, {"array": array})).astype(int)
        assert np.abs(result - COLOURS).max() <= 16
    with pytest.raises(cv.InputError, match="If 1 is white, pass `array > 0`"):
        samples.photograph(np.eye(8, dtype=int))


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "PA", "LA", "La", "P", "RGB with a clear colour"])
def test_what_is_transparent_is_white_in_every_mode(mode: str, tmp_path: Path) -> None:
    image, want = Image.fromarray(CLEAR), OVER_WHITE
    if mode in ("LA", "La"):
        grey = image.convert("L")
        image = Image.merge("LA", [grey, Image.fromarray(ALPHA)]).convert(mode)
        want = np.where(ALPHA > 0, np.asarray(grey), 255)[..., None].repeat(3, 2)
    elif mode in ("P", "PA"):
        image = Image.fromarray(CLEAR[..., :3]).quantize(256)
        if mode == "P":
            image.info["transparency"] = int(np.asarray(image)[0, 0])
        else:
            image = image.convert("PA")
            image.putalpha(Image.fromarray(ALPHA))
    elif mode == "RGBa":
        image = image.convert("RGBa")
    elif mode != "RGBA":
        image = image.convert("RGB")
        image.info["transparency"] = (0, 0, 0)
    assert np.abs(levels(image).astype(int) - want).mean() < 1
    if mode in ("RGBA", "P", "LA"):
        (path := tmp_path / "photo.png").write_bytes(encoded(image, "PNG"))
        assert np.abs(levels(path).astype(int) - want).mean() < 1


def test_transparency_of_arrays_and_uploads_is_white() -> None:
    for array in (CLEAR, CLEAR / 255, CLEAR.astype(np.uint16) * 257, CLEAR.astype(int)):
        np.testing.assert_array_equal(levels(array), OVER_WHITE)
    x = torch.zeros(1, 3, 8, 8)
    content = {"shape": list(CLEAR.shape), "size": 24}
    run, picture = uploads.trace_of_upload(
        content, [memoryview(CLEAR.tobytes())], cv.trace(x, x), cv.AttentionConfig()
    )
    np.testing.assert_array_equal(samples.to_picture(run.f), OVER_WHITE)
    np.testing.assert_array_equal(samples.to_picture(picture), OVER_WHITE)


def test_half_transparent_is_half_white() -> None:
    half = np.dstack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 128, np.uint8)])
    for source in (half, Image.fromarray(half), encoded(Image.fromarray(half), "PNG")):
        assert np.unique(levels(source)).tolist() == [127]


def test_the_first_frame_stands_for_an_animation() -> None:
    frames = [Image.fromarray(COLOURS[::-1].copy()), Image.fromarray(255 - COLOURS)]
    for kind in ("GIF", "TIFF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(RGB, kind, save_all=True, append_images=frames, **options)
        assert np.abs(levels(data).astype(int) - COLOURS).mean() < 6


# ---- arrays ----


def test_arrays_of_every_layout() -> None:
    class Own(np.ndarray):
        pass

    frozen = COLOURS.copy()
    frozen.setflags(write=False)
    layouts = [frozen, np.asfortranarray(COLOURS), COLOURS[::-1][::-1], COLOURS.view(Own)]
    layouts += [np.ma.masked_array(COLOURS), COLOURS.astype(">i4"), (COLOURS / 255).astype(">f8")]
    layouts += [(COLOURS / 255).astype(np.float16), COLOURS / 255 + 1e-6]
    for array in layouts:
        assert np.abs(levels(array).astype(int) - COLOURS).max() <= 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.zeros((3, 8, 9), np.uint8), r"got \(3, 8, 9\)\. Channels come last: `array.transpose"),
        (np.zeros((1, 8, 8, 3), np.uint8), r"without the batch: `array\[0\]`"),
        (np.zeros((8, 8, 2), np.uint8), r"got \(8, 8, 2\)"),
        (np.zeros(8, np.uint8), r"got \(8,\)"),
        (np.zeros((8, 8), object), "got object"),
        (np.zeros((8, 8), complex), "got complex128"),
        (np.zeros((8, 8), "U1"), "got <U1"),
        (np.ma.masked_equal(np.eye(8), 0), "a value at each pixel, got a masked array"),
        ([[0, 1], [1, 0]], r"got list\. `np.asarray"),
        (torch.zeros(1, 3, 8, 8), r"got a \(1, 3, 8, 8\) tensor\. .*needs no opening"),
        (torch.zeros(3, 8, 8), r"last: `tensor\.permute\(1, 2, 0\)\.numpy\(\)`"),
        (torch.zeros(8, 8, 3), r"An array: `tensor\.numpy\(\)`"),
        (io.BytesIO(b""), r"got BytesIO\. An open file: pass its path"),
        (None, "got NoneType"),
        (Image.new("RGB", (0, 4)), "at least one pixel, got 4×0"),
    ],
)
@pytest.mark.parametrize("door", [samples.photograph, samples.mask_picture])
def test_what_cannot_be_shown_is_refused_alike_by_both_doors(
    door: Any, source: Any, said: str
) -> None:
    with pytest.raises(cv.InputError, match=rf"^{door.__name__}: expected .*{said}"):
        door(source)


def test_a_picture_beside_features_comes_through_the_same_door(tmp_path: Path) -> None:
    Image.fromarray(CLEAR).save(path := tmp_path / "photo.png")
    for source in (path, CLEAR, CLEAR / 255, Image.fromarray(CLEAR)):
        beside = picture_at_size("picture_f", source, 2, COLOURS.shape[:2])
        np.testing.assert_array_equal(beside, [OVER_WHITE, OVER_WHITE])
    with pytest.raises(cv.InputError, match=r"picture_f: .* got \(3, 8, 9\)\. Channels come last"):
        picture_at_size("picture_f", np.zeros((3, 8, 9)), 1, (8, 8))


# ---- files that are none ----


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "which is empty"),
        (b"<!doctype html><p>404", "which is text, such as SVG or HTML"),
        (b"\xef\xbb\xbf<svg/>", "which is text, such as SVG or HTML"),
        (b"%PDF-1.7", "which is a PDF"),
        (b"\0\0\0 ftypheic\0\0\0\0", "which is HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "which is a drawing"),
        (b"hello", "which is not a picture"),
    ],
)
def test_a_file_that_is_no_picture_is_named_with_what_can_be_read(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (path := tmp_path / "holiday.jpg").write_bytes(content)
    with pytest.raises(cv.InputError, match=f"holiday.jpg', {said}.*PNG, JPEG, WebP, GIF, TIFF"):
        samples.photograph(path)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_picture_cut_in_its_head_is_known_for_what_it_was(kind: str) -> None:
    with pytest.raises(cv.InputError, match="(?i)" + kind + r"(, | data is )damaged or cut short"):
        samples.photograph(WITH_NOTES[kind][:16])


def test_a_file_that_fails_to_be_read_is_closed_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(5, "Input/output error")

    (path := tmp_path / "photo.png").write_bytes(b"x")
    files: list[Failing] = []

    def opened(*_: Any) -> Failing:
        files.append(Failing())
        return files[-1]

    monkeypatch.setattr(opening, "open", opened, raising=False)
    with pytest.raises(cv.InputError, match="which cannot be read: Input/output error"):
        samples.photograph(path)
    assert files
    assert all(file.closed for file in files)


def test_a_path_within_an_archive_is_told_from_one_of_a_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("photo.png", encoded(RGB, "PNG"))
        within = zipfile.Path(archive, "photo.png")
        with pytest.raises(cv.InputError, match=r"got zipfile.Path\. .*`path\.read_bytes\(\)`"):
            samples.photograph(within)
        np.testing.assert_array_equal(levels(within.read_bytes()), COLOURS)


@pytest.mark.parametrize(
    "source",
    [
        ".",
        "/dev/zero",
        "/dev/null",
        "a\0b.png",
        "x" * 300 + ".png",
        "~nosuchuser/x.png",
        "\ud800.png",
    ],
)
def test_paths_that_are_no_file(source: str) -> None:
    with pytest.raises(cv.InputError, match=r"which is (not a file|a folder|not a regular file)"):
        samples.photograph(source)
    with pytest.raises(cv.InputError):
        samples.mask_picture(source)


def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "pipe.png")
    with pytest.raises(cv.InputError, match=r"got .*pipe\.png"):
        samples.photograph(path)


def test_a_file_far_too_long_is_not_read(tmp_path: Path) -> None:
    with open(path := tmp_path / "film.webp", "wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        file.truncate(5 << 30)  # sparse
    with pytest.raises(cv.InputError, match=r"a file of 5\.4 GB"):
        samples.photograph(path)


# ---- too large ----


def png_of(columns: int, rows: int) -> bytes:
    """A PNG that says it is so large; its pixels are not there."""
    head = struct.pack(">IIBBBBB", columns, rows, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)


@pytest.mark.usefixtures("small_limit")
def test_too_many_pixels_are_refused_alike_by_every_door(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16))
    image.save(path := tmp_path / "photo.png")
    for source in (path, encoded(image, "PNG"), image, np.asarray(image)):
        with pytest.raises(cv.InputError, match=r"pixels, got .* Scale it down first"):
            samples.photograph(source)
    x = torch.zeros(1, 3, 8, 8)
    with pytest.raises(cv.InputError, match="Scale it down first"):
        uploads.trace_of_upload(
            {"shape": (16, 16, 3)}, [image.tobytes()], cv.trace(x, x), cv.AttentionConfig()
        )


@pytest.mark.usefixtures("small_limit")
def test_pillows_own_warning_of_size_is_not_shown() -> None:
    image = Image.new("RGB", (12, 12))  # above Pillow's limit, below twice that
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert samples.photograph(encoded(image, "PNG"), 8).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "La", "CMYK"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_very_large_picture_is_reduced_before_it_is_turned_into_colours(
    mode: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.fromarray(CLEAR).resize((240, 160), Image.Resampling.NEAREST)
    image = image.convert("LA").convert(mode) if mode == "La" else image.convert(mode)
    image.info["exif"] = exif(orientation).tobytes()
    whole = samples.photograph(image, 24, 1)
    monkeypatch.setattr(opening, "MOST_AT_ONCE", 1000)
    pixels = opening.Picture(image, "photograph").pixels(at_least=24)
    assert pixels.values.shape[:2] == ((54, 80) if orientation == 1 else (80, 54))
    assert pixels.sides == opening.Picture(image, "photograph").sides()
    reduced = samples.photograph(image, 24, 1)
    assert reduced.shape == whole.shape
    assert (reduced - whole).abs().mean() < 0.03
    clear = samples.erased_area(image, 24, 1)
    assert clear.shape[2:] == whole.shape[2:]
    assert clear.any() == (mode in ("P", "RGBA", "LA", "La"))


def test_a_very_large_jpeg_is_not_decoded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(RGB.resize((960, 640), Image.Resampling.NEAREST), "JPEG")
    whole = samples.photograph(data, 24, 1)
    monkeypatch.setattr(opening, "MOST_AT_ONCE", 1000)
    monkeypatch.setattr(opening, "_reduce", lambda image, enough: image)
    pixels = opening.Picture(data, "photograph").pixels(at_least=24)
    assert pixels.values.shape == (80, 120, 3)  # an eighth
    assert pixels.sides == (640, 960)
    assert (samples.photograph(data, 24, 1) - whole).abs().mean() < 0.05


def test_a_mask_too_large_to_count_each_pixel_is_refused_by_its_head() -> None:
    with pytest.raises(cv.InputError, match="mask_picture: expected a mask of at most 34 million"):
        samples.mask_picture(png_of(6000, 6000))


@pytest.mark.parametrize(("columns", "rows"), [(60_000_000, 1), (1, 60_000_000), (400_000, 1)])
def test_what_scales_to_nothing_is_refused_before_it_is_decoded(
    columns: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", never)
    for door in (samples.photograph, samples.mask_picture, samples.erased_area):
        refusals = "both sides of at least 8 after scaling|at most 34 million pixels"
        with pytest.raises(cv.InputError, match=refusals):
            door(png_of(columns, rows))


@pytest.mark.parametrize("size", [10**9, 10**23, 10**4000])
def test_a_size_beyond_memory_is_refused_with_the_largest(size: int) -> None:
    for door in (samples.photograph, samples.mask_picture):
        with pytest.raises(cv.InputError, match="size: expected at most 13377 for this picture"):
            door(np.zeros((8, 8), np.uint8), size)


@pytest.mark.parametrize("size", [0, -1, 2.5, np.nan, "9", True, None])
def test_sizes_that_are_no_numbers_of_pixels(size: Any) -> None:
    with pytest.raises(cv.InputError, match="size: expected an integer ≥ 1"):
        samples.photograph(np.zeros((8, 8), np.uint8), size)


# ---- uploads ----


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"shape": None},
        {"shape": 5},
        {"shape": "abc"},
        {"shape": [2, 2]},
        {"shape": [2, 2, 5]},
        {"shape": [2, 2, 3.0]},
        {"shape": [-2, -2, 3]},
        {"shape": [2**32, 2**32, 3]},
        {"shape": [2**31, 2, 4]},
        {"shape": [2, 2, 3], "size": "x"},
        {"shape": [2, 2, 3], "size": -4},
        {"shape": [2, 2, 3], "size": 1.5},
    ],
)
def test_a_malformed_upload_is_refused(content: dict[str, Any]) -> None:
    x = torch.zeros(1, 3, 8, 8)
    with pytest.raises(cv.InputError):
        uploads.trace_of_upload(content, [bytes(12)], cv.trace(x, x), cv.AttentionConfig())


def test_a_thin_hole_survives_the_upload_of_a_smaller_picture() -> None:
    x, mask = torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., 33] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaskWarning)
        shown = cv.trace(x, x, mask)
    run, _ = uploads.trace_of_upload(
        {"shape": (16, 24, 3)}, [COLOURS.tobytes()], shown, cv.AttentionConfig()
    )
    assert run.mask_at_b.any(dim=3).all()
