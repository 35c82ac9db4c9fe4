"""Photographs, holes and fills: from every kind of source, and with a clear word for a bad one."""

from __future__ import annotations

import io
import math
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ctxattn_viz as cv
from ctxattn_viz import samples
from ctxattn_viz.errors import InputError, MaskWarning, PictureWarning

BLOCKS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
# Each of the 2×2 colours as a block of 4×4 pixels, and what it is in [-1, 1].
COLOURS = BLOCKS.repeat(4, 0).repeat(4, 1)
EXPECTED = torch.from_numpy(COLOURS).permute(2, 0, 1)[None].float() / 127.5 - 1


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("name", samples.PHOTOGRAPHS)
def test_every_photograph_comes_without_a_network(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("samples asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    x = samples.photograph(name, size=100, multiple=8)
    assert x.dtype == torch.float32
    assert x.shape[:2] == (1, 3)
    assert max(x.shape[2:]) == 96  # 100 cropped to a multiple of 8
    assert all(side % 8 == 0 for side in x.shape[2:])
    assert -1 <= x.min() < -0.3
    assert 0.3 < x.max() <= 1


def test_the_longest_side_is_size_and_the_crop_is_centred() -> None:
    coffee = samples.photograph("coffee", size=256, multiple=8)  # 400×600 → 171×256 → 168×256
    assert coffee.shape == (1, 3, 168, 256)
    ramp = np.tile(np.arange(10, dtype=np.uint8) + 100, (10, 1))
    cropped = samples.photograph(ramp, size=10, multiple=8)
    levels = samples.to_picture(cropped)[0, :, 0]
    assert levels.tolist() == list(range(101, 109))


def test_every_kind_of_source_gives_the_same_picture(tmp_path: Path) -> None:
    image = Image.fromarray(COLOURS)
    path = tmp_path / "blocks.png"
    image.save(path)
    png = encoded(image)
    opaque = np.dstack([COLOURS, np.full((8, 8, 1), 255, np.uint8)])
    for source in (path, str(path), png, bytearray(png), memoryview(png), image, COLOURS, opaque):
        torch.testing.assert_close(samples.photograph(source, size=8), EXPECTED)
    torch.testing.assert_close(samples.photograph(COLOURS / 255.0, size=8), EXPECTED)


def test_grey_palettes_transparency_and_sixteen_bits() -> None:
    grey = np.full((8, 8), 100, np.uint8)
    want = torch.full((1, 3, 8, 8), 100 / 127.5 - 1)
    deep = Image.fromarray(np.full((8, 8), 100 * 257, np.uint16))
    for source in (grey, grey[..., None], encoded(Image.fromarray(grey)), encoded(deep)):
        torch.testing.assert_close(samples.photograph(source, size=8), want)
    palette = encoded(Image.fromarray(COLOURS).quantize(4))
    torch.testing.assert_close(samples.photograph(palette, size=8), EXPECTED)
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    with pytest.warns(PictureWarning, match="transparent throughout, its alpha 0 of 255 at most"):
        torch.testing.assert_close(samples.photograph(clear, size=8), torch.ones(1, 3, 8, 8))
    assert samples.erased_area(clear, size=8).all()
    assert samples.photograph(np.eye(8, dtype=bool), size=8).unique().tolist() == [-1, 1]


def test_a_photograph_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90° clockwise to show
    turned = encoded(Image.fromarray(np.rot90(COLOURS).copy()), exif=exif)
    torch.testing.assert_close(samples.photograph(turned, size=8), EXPECTED)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("astronot", "expected one of 'astronaut'"),
        ("nowhere/photo.png", "got 'nowhere/photo.png'"),
        (b"not a picture", "13 bytes that are not a picture"),
        (3.5, "got float"),
        (np.zeros((4, 4, 2), np.uint8), r"got \(4, 4, 2\)"),
        (np.zeros((0, 4), np.uint8), "at least one pixel"),
        (np.full((8, 8), 2.0), "from 2 to 2"),
        (np.full((8, 8), np.nan), "in \\[0, 1\\], got float64 values from nan"),
    ],
)
def test_a_source_that_is_no_picture_says_so(source: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        samples.photograph(source)


def test_a_text_file_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_text("hello")
    with pytest.raises(InputError, match="which is not a picture"):
        samples.photograph(path)


@pytest.mark.parametrize(
    ("size", "multiple", "said"),
    [(4, 8, "at least multiple"), (8, 0, "multiple: expected"), (16, 8, "becomes 4×16")],
)
def test_sizes_that_cannot_be(size: int, multiple: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        samples.photograph(np.zeros((8, 32), np.uint8), size=size, multiple=multiple)


def test_a_painted_mask_fits_its_photograph() -> None:
    painted = np.zeros((40, 60, 3), np.uint8)
    painted[10:20, 30:60] = 255
    mask = samples.mask_picture(painted, size=30, multiple=2)
    assert mask.shape == (1, 1, 20, 30)
    torch.testing.assert_close(mask, samples.rectangle((20, 30), 5, 15, 5, 15))
    nothing_painted = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    with pytest.warns(MaskWarning, match="no hole"):
        assert samples.mask_picture(nothing_painted, size=8).sum() == 0


def test_a_rectangle_is_where_it_was_put() -> None:
    mask = samples.rectangle((4, 5), top=1, left=2, height=2, width=3)
    assert mask.dtype == torch.float32
    assert mask[0, 0].tolist() == [[0] * 5, [0, 0, 1, 1, 1], [0, 0, 1, 1, 1], [0] * 5]


@pytest.mark.parametrize("hole", [(-1, 0, 2, 2), (0, 0, 0, 2), (3, 0, 2, 2), (0, 4, 2, 2)])
def test_a_rectangle_stays_inside(hole: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="within 4×5 pixels"):
        samples.rectangle((4, 5), *hole)


def test_a_rectangle_is_of_whole_pixels() -> None:
    with pytest.raises(
        InputError, match=r"in whole numbers, got top=0\.5, left=0, height=4, width=1"
    ):
        samples.rectangle((64, 64), 0.5, 0, 4, 1)
    with pytest.raises(InputError, match="in whole numbers, got top='0', left=0"):
        samples.rectangle((64, 64), "0", 0, 4, 1)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (64, r"size: expected \(H, W\), got 64\."),
        ((64,), r"size: expected \(H, W\), got \(64,\)\."),
        ((64, 0), "size: expected an integer ≥ 1, got 0"),
        ((64, 64.5), r"size: expected an integer ≥ 1, got 64\.5"),
    ],
)
def test_the_size_of_a_mask_is_two_numbers(size: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        samples.rectangle(size, 0, 0, 4, 16)


def test_a_coarse_fill_continues_a_ramp_and_keeps_what_is_known() -> None:
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    ramp = torch.stack([rows, columns, rows + columns])[None] / 22 - 0.5
    image = torch.cat([ramp, -ramp])
    mask = samples.rectangle((12, 12), 4, 5, 3, 4)
    damaged = torch.where(mask.bool(), torch.tensor(1.0), image)
    filled = samples.coarse_fill(damaged, mask)
    torch.testing.assert_close(filled, image, atol=1e-4, rtol=0)  # biharmonic keeps planes
    known = ~mask.bool().expand_as(image)
    assert torch.equal(filled[known], image[known])
    each = torch.cat([mask, torch.zeros_like(mask)])
    assert torch.equal(samples.coarse_fill(damaged, each)[1], damaged[1])


def test_a_fill_needs_something_known_and_a_mask_that_fits() -> None:
    image = torch.zeros(1, 3, 8, 8)
    with pytest.raises(InputError, match="some known pixels"):
        samples.coarse_fill(image, torch.ones(1, 1, 8, 8))
    with pytest.raises(InputError, match=r"mask: expected image's size \(8, 8\), got"):
        samples.coarse_fill(image, torch.zeros(1, 1, 4, 4))
    with pytest.raises(InputError, match="mask: expected 1 sample or as many as image, 2, got 3"):
        samples.coarse_fill(image.repeat(2, 1, 1, 1), torch.zeros(3, 1, 8, 8))
    with pytest.raises(InputError, match="floating"):
        samples.coarse_fill(image.long(), torch.zeros(1, 1, 8, 8))
    with pytest.raises(InputError, match=r"image: expected a floating .* tensor, got ndarray\."):
        samples.coarse_fill(image.numpy(), torch.zeros(1, 1, 8, 8))
    with pytest.raises(InputError, match=r"mask: expected a torch.Tensor, got ndarray\."):
        samples.coarse_fill(image, np.zeros((1, 1, 8, 8)))


def test_a_picture_goes_there_and_back() -> None:
    assert np.array_equal(samples.to_picture(EXPECTED), COLOURS)
    assert np.array_equal(samples.to_picture(EXPECTED[0]), COLOURS)
    grey = samples.to_picture(torch.tensor([[[-3.0, -1.0, 0.0, 1.0, 3.0, math.nan]]]))
    assert grey[0, :, 0].tolist() == [0, 0, 128, 255, 255, 128]
    assert grey.shape == (1, 6, 3)
    with pytest.raises(InputError, match=r"a \(2, 3, 8, 8\) tensor"):
        samples.to_picture(torch.zeros(2, 3, 8, 8))


def test_what_is_not_finite_or_no_tensor_is_refused_by_name() -> None:
    image, mask = torch.zeros(1, 3, 8, 8), samples.rectangle((8, 8), 2, 2, 3, 3)
    for odd in (math.nan, math.inf):
        image[..., 3, 3] = odd  # in the hole nothing is known anyway
        assert samples.coarse_fill(image, mask).isfinite().all()
        image[..., 0, 0] = odd
        with pytest.raises(InputError, match="image: expected finite values outside the hole"):
            samples.coarse_fill(image, mask)
        image[..., 0, 0] = 0
    with pytest.raises(InputError, match="mask: expected numbers"):
        samples.coarse_fill(torch.zeros(1, 3, 8, 8), mask * math.nan)
    with pytest.raises(InputError, match="size: expected at most 178956970 pixels, got 10000"):
        samples.rectangle((10**9, 9), 0, 0, 1, 1)
    with pytest.raises(InputError, match="b: expected a tensor with at least one value, got nd"):
        samples.psnr(image, image.numpy())
    with pytest.raises(InputError, match=r"x: expected one picture .* got ndarray"):
        samples.to_picture(image.numpy())


WITHOUT_NUMBERS = {
    "meta": (lambda x: x.to("meta"), "a tensor with values, got one on meta"),
    "sparse": (lambda x: x.to_sparse(), "a dense tensor of real numbers, got torch.sparse_coo"),
    "complex": (
        lambda x: x + 0j,
        "a dense tensor of real numbers, got .* torch.complex",
    ),
}


@pytest.mark.parametrize(("turn", "message"), WITHOUT_NUMBERS.values(), ids=[*WITHOUT_NUMBERS])
def test_tensors_without_real_numbers_are_refused_by_every_function(turn, message) -> None:
    x, mask = torch.zeros(1, 3, 8, 8), samples.rectangle((8, 8), 2, 2, 3, 3)
    for name, call in {
        "x": lambda: samples.to_picture(turn(x)),
        "a": lambda: samples.psnr(turn(x), x),
        "b": lambda: samples.psnr(x, turn(x)),
        "image": lambda: samples.coarse_fill(turn(x), mask),
        "mask": lambda: samples.coarse_fill(x, turn(mask)),
    }.items():
        with pytest.raises(InputError, match=f"^{name}: expected {message}"):
            call()
    with pytest.raises(InputError, match="mask: expected"):
        samples.psnr(x, x + 0.1, turn(mask))


def test_a_picture_of_another_range_is_noticed() -> None:
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    calls = (samples.to_picture, lambda y: samples.psnr(x, y), lambda y: samples.psnr(y, x))
    for call in calls:
        for levels in ((x * 255).byte(), (x * 255).int()):
            with pytest.raises(InputError, match=r"expected a picture in \[-1, 1\].*x / 127.5 - 1"):
                call(levels)
        with pytest.warns(
            PictureWarning, match=r"expected a picture in \[-1, 1\], got .*127.5 - 1"
        ):
            call(x * 255)
        with pytest.warns(PictureWarning, match=r"expected a picture in \[-1, 1\], got"):
            call(x * 255 - 120)
        for ordinary in (x, x * 2.4 - 1.2, x > 0.5, (x > 0.5).long(), torch.randn(x.shape)):
            call(ordinary)


@pytest.mark.parametrize("number", [torch.tensor, np.int32, np.uint8])
def test_whole_numbers_of_other_libraries_are_sizes(number) -> None:
    size, multiple, painted = number(200), number(8), np.eye(200, dtype=bool)
    assert samples.photograph("coffee", size, multiple).shape == (1, 3, 128, 200)
    assert samples.photograph_size("coffee", size, multiple) == (128, 200)
    assert samples.erased_area("coffee", size, multiple).shape == (1, 1, 128, 200)
    photo = samples.photograph(painted, size, multiple)
    assert samples.mask_picture(painted[::2, ::2], size, multiple, like=photo).shape[2] == 200
    assert samples.rectangle((256, 256), *map(number, (100, 100, 156, 156))).sum() == 156**2


def test_psnr_by_hand() -> None:
    a, b = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    b[..., 0, 0] = 0.2  # error² 0.04 on a quarter of the pixels: 4 / 0.01 is 26.02 dB
    assert samples.psnr(a, b) == pytest.approx(10 * math.log10(400), abs=1e-5)
    corner = samples.rectangle((2, 2), 0, 0, 1, 1)  # within the corner alone: 4 / 0.04 is 20 dB
    assert samples.psnr(a, b, corner) == pytest.approx(20, abs=1e-5)
    assert samples.psnr(a, a) == math.inf
    with pytest.raises(InputError, match="a hole to compare in"):
        samples.psnr(a, b, torch.zeros(1, 1, 2, 2))
    with pytest.raises(InputError, match="the shape of a"):
        samples.psnr(a, b[:, :1])


def test_the_default_device_exists() -> None:
    device = cv.default_device()
    assert isinstance(device, torch.device)
    assert torch.zeros(1, device=device).device.type == device.type
