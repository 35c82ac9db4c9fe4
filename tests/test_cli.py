"""`python -m ctxattn_viz`: a photograph in, one page out, and sentences for what cannot be used."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import ctxattn_viz as cv
from ctxattn_viz import samples
from ctxattn_viz.cli import EXAMPLE, EXAMPLE_HOLE, main, print_line
from tests.support.page import buffer, state_of
from tools.best_hole import Hole, measured, psnrs


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 41, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path := tmp_path / "a photo.png")
    return path


def made(tmp_path: Path, *arguments: Any) -> dict[str, Any]:
    """The state of the page that these arguments write."""
    page = tmp_path / "page.html"
    assert main([*map(str, arguments), "-o", str(page)]) == 0
    return state_of(page.read_text(encoding="utf-8"))


def test_without_a_photograph_it_uses_a_bundled_one(tmp_path: Path) -> None:
    state = made(tmp_path, "--size", 32)
    assert state["meta"]["arrays"]["f"]["shape"] == [1, 3, 32, 32]
    assert state["meta"]["title"] == "Contextual attention: astronaut, coarsely filled"
    assert state["meta"]["kernel"] is False
    named = made(tmp_path, "astronaut", "--size", 32)
    assert buffer(named, "mask")[0, 12:20, 12:20].all()  # its middle, as of any photograph
    assert buffer(named, "mask").sum() == 8 * 8


@pytest.mark.parametrize("size", [32, 33, 4])
def test_without_a_photograph_the_hole_is_the_examples_at_any_size(
    tmp_path: Path, size: int
) -> None:
    mask = buffer(made(tmp_path, "--size", size), "mask")[0]
    top, left, height, width = (x * size // 128 for x in EXAMPLE_HOLE)
    height, width = max(1, height), max(1, width)
    assert mask[top : top + height, left : left + width].all()
    assert mask.sum() == height * width


def test_without_a_photograph_a_hole_or_mask_can_still_be_named(tmp_path: Path) -> None:
    mask = buffer(made(tmp_path, "--size", 32, "--hole", "1,2,3,4"), "mask")[0]
    assert mask.sum() == mask[1:4, 2:6].sum() == 12
    painted = np.zeros((32, 32), np.uint8)
    painted[20:25, 4:6] = 255
    Image.fromarray(painted).save(tmp_path / "mask.png")
    mask = buffer(made(tmp_path, "--size", 32, "--mask", tmp_path / "mask.png"), "mask")[0]
    assert mask.sum() == mask[20:25, 4:6].sum() == 10


@pytest.mark.slow
def test_on_the_example_attention_beats_the_coarse_fill_and_not_by_luck(tmp_path: Path) -> None:
    """What README and the quickstart say of it."""
    example = measured(Hole(EXAMPLE, *EXAMPLE_HOLE))
    assert len(example.gains) == 25
    assert example.gain > 10
    assert example.median > 5
    assert example.wins >= 18
    names: dict[str, Any] = {"cv": cv}
    exec(made(tmp_path)["meta"]["python"], names)
    coarse = samples.psnr(names["f"], names["photo"], names["mask"])
    assert coarse == pytest.approx(psnrs(example.hole)[0])


def test_the_page_knows_the_photograph_to_say_how_near_the_output_comes(tmp_path: Path) -> None:
    state = made(tmp_path, "--size", 32, "--hole", "4,6,8,8")
    names: dict[str, Any] = {"cv": cv}
    exec(state["meta"]["python"], names)
    truth = buffer(state, "truth").view("<f4").reshape(names["photo"].shape)
    np.testing.assert_array_equal(truth, names["photo"].numpy())


def test_a_hole_in_a_photograph(tmp_path: Path, photo: Path) -> None:
    state = made(tmp_path, photo, "--hole", "2,4,6,8", "--size", 41, "--dialect", "mmagic")
    assert state["meta"]["arrays"]["f"]["shape"] == [1, 3, 30, 40]  # cropped to a multiple of 2
    mask = buffer(state, "mask")[0]
    assert mask.sum() == 6 * 8
    assert mask[2:8, 4:12].all()
    assert state["config"]["dialect"] == "mmagic"
    f, b = buffer(state, "f")[0], buffer(state, "b")[0]
    np.testing.assert_array_equal(f, b)
    known = np.asarray(Image.open(photo))[:, :40].transpose(2, 0, 1) / 127.5 - 1
    np.testing.assert_allclose(f[:, mask == 0], known[:, mask == 0], atol=1e-6)
    assert np.abs(f[:, mask == 1] - known[:, mask == 1]).max() > 0.1


def test_a_painted_mask(tmp_path: Path, photo: Path) -> None:
    painted = np.zeros((30, 41), np.uint8)
    painted[10:20, 10:20] = 255
    Image.fromarray(painted).save(tmp_path / "mask.png")
    state = made(tmp_path, photo, "--mask", tmp_path / "mask.png", "--size", 41)
    assert buffer(state, "mask")[0, 10:20, 10:20].all()
    assert buffer(state, "mask").sum() == 100


def test_another_background(tmp_path: Path, photo: Path) -> None:
    state = made(tmp_path, photo, "--background", "coffee", "--hole", "2,4,6,8", "--size", 24)
    assert state["meta"]["arrays"]["b"]["shape"] != state["meta"]["arrays"]["f"]["shape"]
    assert state["mask"] is None
    assert buffer(state, "foreground_mask").sum() == 48


def test_the_python_that_the_page_offers_makes_the_same_inputs(tmp_path: Path, photo: Path) -> None:
    for extra in ([], ["--background", "coffee"]):
        state = made(tmp_path, photo, "--hole", "2,4,6,8", "--size", "24", *extra)
        names: dict[str, Any] = {"cv": cv}
        exec(state["meta"]["python"], names)
        np.testing.assert_array_equal(names["f"].numpy(), buffer(state, "f"))
        np.testing.assert_array_equal(names["b"].numpy(), buffer(state, "b"))
        assert (names["mask"] is None) == (state["mask"] is None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.png"], "photograph: expected"),
        (["--hole", "1,2,3"], "--hole: expected TOP,LEFT,HEIGHT,WIDTH, got '1,2,3'"),
        (["--hole", "0,0,99,9", "--size", "32"], "expected a hole of at least 1×1 within 32×32"),
        (["--size", "3"], "--size: expected at least 4 pixels, got 3"),
        (["--mask", "nowhere.png"], "--mask: expected"),
        (["--mask", __file__], "--mask: expected"),
        (["--background", "no.png"], "--background: expected"),
        (["--hole", "0,0,32,32", "--size", "32"], "--hole: expected some known pixels to fill"),
        (["--hole", "200,0,10,10"], "--hole: expected a hole of at least 1×1 within 128×128 pix"),
        (["--hole", "-5,0,10,10"], "in whole numbers, got top=-5, left=0, height=10, width=10."),
        (["--size", "4000"], "--size: expected at most 256 MB to send to the page, got 720 MB"),
        (["--size", "4000"], "About 2385 pixels on the longest side would do.\n"),
        (["-o", "no/such/page.html"], "(No such file or directory)"),
        (["-o", "."], "--output: expected the path of a file to write, got '.' (Is a directory)."),
        (["-o", ""], "--output: expected the path of a file to write, got '' (Is a directory)."),
        (["-o", "/proc/x.html"], "--output: expected the path of a file to write, got '/proc/x.ht"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["-o", str(tmp_path / "page.html"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "page.html").exists()


def test_no_python_is_told_to_a_shell(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.asarray(Image.open(photo))
    Image.fromarray(noise // 4).save(tmp_path / "dim.png")
    Image.fromarray(noise // 64).save(tmp_path / "dark.png")
    Image.fromarray(np.full((30, 41), 100, np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(noise.astype(np.uint16)[..., 0]).save(tmp_path / "deep.png")
    page = ["--size", "41", "-o", str(tmp_path / "page.html")]
    for mask in ("dim.png", "grey.png", "a photo.png", "deep.png", "dark.png"):
        main([str(photo), "--mask", str(tmp_path / mask), *page])
        main([str(tmp_path / mask), *page])
    error = capsys.readouterr().err
    assert "--mask: expected" in error
    assert "Paint the hole white on black." in error
    for python in ("`", "array", "mask_picture"):
        assert python not in error


@pytest.mark.parametrize("option", [[], ["--background"]])
def test_a_transparent_picture_is_said_and_the_page_is_written(
    tmp_path: Path, photo: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGBA", (64, 48)).save(clear := tmp_path / "clear.png")
    made(tmp_path, *([photo, *option] if option else []), clear, "--size", 32)
    argument = option[0] if option else "photograph"
    assert f"ctxattn-viz: {argument}: transparent throughout" in capsys.readouterr().err


def test_a_mask_of_white_alone_is_refused(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full((30, 41), 255, np.uint8)).save(tmp_path / "mask.png")
    page = str(tmp_path / "page.html")
    assert main([str(photo), "--mask", str(tmp_path / "mask.png"), "-o", page]) == 2
    assert "--mask: expected some known pixels to fill the hole from" in capsys.readouterr().err


@pytest.mark.parametrize("proportions", [(10, 41), (41, 10)])
def test_a_mask_of_other_proportions_is_refused(
    tmp_path: Path, photo: Path, proportions: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full(proportions, 255, np.uint8)).save(tmp_path / "mask.png")
    page = str(tmp_path / "page.html")
    assert main([str(photo), "--mask", str(tmp_path / "mask.png"), "-o", page]) == 2
    assert "--mask: expected the photo's proportions" in capsys.readouterr().err


def test_a_thin_hole_is_said_and_the_page_is_written(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = made(tmp_path, photo, "--hole", "0,1,30,1", "--size", 41)
    assert "lost" in capsys.readouterr().err
    assert "lost" in state["meta"]["notes"][0]


def test_a_hole_that_leaves_no_patch_is_said_and_the_page_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = made(tmp_path, "--hole", "1,1,31,31", "--size", 32, "--dialect", "mmagic")
    (note,) = state["meta"]["notes"]
    assert note.startswith("mask: ")
    assert note in capsys.readouterr().err


@pytest.mark.slow
def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "ctxattn_viz", "--size", "32", "-o", str(page)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(r".*page\.html \(\d\.\d MB\): open it in a browser\.\n", ran.stdout)
    wrong = subprocess.run([*command, "--dialect", "french"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "invalid choice: 'french'" in wrong.stderr
    assert json.dumps(state_of(page.read_text(encoding="utf-8"))["config"])


# ---- the output is never an input ----


@pytest.mark.parametrize("way", ["same", "relative", "symbolic link", "hard link", "~"])
@pytest.mark.parametrize("role", ["photo", "mask", "background"])
def test_a_picture_that_is_read_is_never_overwritten(
    tmp_path: Path,
    photo: Path,
    role: str,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (read := tmp_path / "read.png").write_bytes(photo.read_bytes())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    output = {"same": str(read), "relative": "./read.png", "~": "~/read.png"}.get(way, "other.html")
    if way == "symbolic link":
        Path(output).symlink_to(read)
    if way == "hard link":
        os.link(read, output)
    arguments = [str(read)] if role == "photo" else [str(photo), f"--{role}", "~/read.png"]
    assert main([*arguments, "-o", output]) == 2
    assert f"--output: expected a page to write, not a picture to read, got {output!r}, which " in (
        error := capsys.readouterr().err
    )
    assert f"which is the {role}." in error
    assert read.read_bytes() == photo.read_bytes()


def test_home_is_expanded_in_every_path(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Image.fromarray(np.eye(30, 41, dtype=bool)).save(tmp_path / "mask.png")
    arguments = ["~/a photo.png", "--mask", "~/mask.png", "--background", "~/a photo.png"]
    assert main([*arguments, "--size", "41", "-o", "~/page.html"]) == 0
    names: dict[str, Any] = {"cv": cv}
    state = state_of((tmp_path / "page.html").read_text(encoding="utf-8"))
    exec(state["meta"]["python"], names)
    np.testing.assert_array_equal(names["f"].numpy(), buffer(state, "f"))
    np.testing.assert_array_equal(names["foreground_mask"][0], buffer(state, "foreground_mask"))


# ---- one sentence, status 2 ----


def png_of(columns: int, rows: int) -> bytes:
    """A PNG of one bit a pixel, whole and black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    pixels = zlib.compress((b"\0" + bytes((columns + 7) // 8)) * rows, 9)
    head = struct.pack(">IIBBBBB", columns, rows, 1, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["~nosuchuser/photo.png"], "got '~nosuchuser/photo.png'"),
        (["--mask", "~nosuchuser"], "--mask: expected"),
        (["--background", "~nosuchuser/x.png"], "--background: expected"),
        (["-o", "~nosuchuser/page.html"], "--output: expected the path of a file to write, got"),
        (["-o", "~nosuchuser"], "(no such user)"),
        (["-o", "a\0b.html"], "--output: expected the path of a file to write, got 'a\\x00b.html'"),
        (["a\0b.png"], "got 'a\\x00b.png'"),
        (["--mask", "a\0b.png"], "got 'a\\x00b.png'"),
        (["--background", "a\0b"], "--background: expected one of"),
        (["a" * 5000 + ".png"], "photograph: expected"),
        (["no-such-\udcff.png"], "got 'no-such-\\udcff.png'"),
        (["--mask", "\ud800.png"], "got '\\ud800.png'"),
        (["--size", "1000000000"], "--size: expected at most 13377 for this picture, got far more"),
        (["--size", str(10**23)], "--size: expected at most 13377 for this picture, got far more"),
        (["--size", str(10**400)], "--size: expected at most 13377 for this picture"),
        (["--size", "0"], "--size: expected at least 4 pixels, got 0"),
        (["--size", "-7"], "--size: expected at least 4 pixels, got -7"),
        (["--background", "coffee", "--size", "3000"], "--size: expected at most 256 MB"),
        (["--hole", f"0,0,{10**30},1"], "--hole: expected a hole of at least 1×1 within 128×128"),
        (["--hole", "9" * 5000 + ",0,1,1"], "--hole: expected TOP,LEFT,HEIGHT,WIDTH, got '999"),
        (["--hole", "nan,0,1,1"], "--hole: expected TOP,LEFT,HEIGHT,WIDTH, got 'nan,0,1,1'"),
        (["--hole", "1.5,0,1,1"], "--hole: expected TOP,LEFT,HEIGHT,WIDTH, got '1.5,0,1,1'"),
        (["/dev/zero"], "got '/dev/zero'"),
        (["--mask", "/"], "--mask: expected a picture that can be read, got '/'"),
    ],
)
def test_hostile_arguments_end_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["-o", str(tmp_path / "page.html"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("ctxattn-viz: ")
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", ["1.5", "nan", "1e3", "", "9" * 5000])
def test_a_size_that_is_no_whole_number_is_argparses_to_refuse(
    size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--size", size, "-o", "page.html"])
    assert left.value.code == 2
    assert "argument --size: invalid int value" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("role", ["photo", "mask", "background"])
@pytest.mark.parametrize("sides", [(60_000_000, 1), (1, 1_000_000), (20_000, 20_000)])
def test_pictures_beyond_use_are_refused_before_they_are_decoded(
    tmp_path: Path,
    role: str,
    sides: tuple[int, int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (path := tmp_path / "picture.png").write_bytes(png_of(*sides))
    load = PngImagePlugin.PngImageFile.load

    def never(image: Any) -> Any:
        assert max(image.size) < 1000, "it was decoded"
        return load(image)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", never)
    arguments = [str(path)] if role == "photo" else [f"--{role}", str(path)]
    assert main([*arguments, "--size", "32", "-o", str(tmp_path / "page.html")]) == 2
    error = capsys.readouterr().err
    # By its head: what is too large, or what scaling would leave nothing of.
    assert re.search("both sides of at least 2 after scaling|at most (179|34) million", error)
    assert not (tmp_path / "page.html").exists()


def test_a_page_too_large_is_refused_before_the_photo_is_decoded(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", never)
    assert main([str(photo), "--size", "9000", "-o", str(tmp_path / "page.html")]) == 2
    assert "--size: expected at most 256 MB to send to the page" in capsys.readouterr().err


# ---- names and terminals ----


@pytest.mark.slow
def test_names_that_are_no_utf_8_and_a_terminal_that_prints_little(
    tmp_path: Path, photo: Path
) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\xe2\x89\xa0"  # a stray byte and ≠
    os.mkdir(folder)
    (given := Path(os.fsdecode(folder + b"/ph\xf8to.png"))).write_bytes(photo.read_bytes())
    page = folder + b"/p\xe4ge.html"
    ran = subprocess.run(
        [sys.executable, "-m", "ctxattn_viz", os.fsencode(given), "--size", "32", "-o", page],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"\\u2260/p\\udce4ge.html (" in ran.stdout
    with open(page, encoding="utf-8") as file:
        state = state_of(file.read())
    assert state["meta"]["title"] == "Contextual attention: ph?to.png, coarsely filled"
    names: dict[str, Any] = {"cv": cv}
    exec(state["meta"]["python"], names)
    np.testing.assert_array_equal(names["f"].numpy(), buffer(state, "f"))


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8", "utf-16"])
def test_every_terminal_is_told_something(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    print_line("expected ≠ \udcff", stream)
    text = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert text == ("expected ≠ " if "utf" in encoding else "expected \\u2260 ") + "\\udcff\n"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["the reader has gone", "closed before the start"])
def test_a_reader_that_has_gone_is_no_failure(way: str, tmp_path: Path) -> None:
    """In a process of its own: Python flushes once more when it leaves."""
    (page := tmp_path / "page.html").write_text("a page")
    code = "import sys; from pathlib import Path; from ctxattn_viz import cli;"
    code += f"cli.write = lambda options: Path({str(page)!r}); sys.exit(cli.main(['-o', 'x']))"
    end, start = os.pipe()
    os.close(end)
    command = [sys.executable, "-c", code]
    if way != "the reader has gone":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    with os.fdopen(start, "wb") as gone:
        ran = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_ctrl_c_ends_in_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(samples, "coarse_fill", interrupted)
    assert main(["--size", "32", "-o", str(tmp_path / "page.html")]) == 130
    assert capsys.readouterr().err == "ctxattn-viz: interrupted.\n"
    monkeypatch.setattr(samples, "coarse_fill", lambda *_: exec("raise MemoryError"))
    assert main(["--size", "32", "-o", str(tmp_path / "page.html")]) == 2
    assert "not enough memory" in capsys.readouterr().err


# ---- masks ----


def test_a_mask_of_half_the_size_lies_where_it_was_painted(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (667, 1001, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photo := tmp_path / "photo.png")
    painted = np.zeros((333, 500), np.uint8)
    painted[100:140, 200:260] = 1  # of 255: two values will do
    Image.fromarray(painted).save(tmp_path / "mask.png")
    state = made(tmp_path, photo, "--mask", tmp_path / "mask.png", "--size", 100)
    mask = buffer(state, "mask")[0]
    rows, columns = np.nonzero(mask)
    assert mask.shape == (66, 100)
    assert abs(rows.min() - 20) <= 1
    assert abs(columns.min() - 40) <= 1
    assert mask.sum() >= 8 * 12


def test_what_is_odd_about_a_mask_is_said_under_the_options_name(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painted = np.full((30, 41), 255, np.uint8)
    painted[5:8, 5:15] = 0
    Image.fromarray(painted).save(tmp_path / "mask.png")
    made(tmp_path, photo, "--mask", tmp_path / "mask.png", "--size", 41)
    assert "ctxattn-viz: --mask: 98 % of it is hole. Is it inverted?" in capsys.readouterr().err
    Image.fromarray(painted * 0).save(tmp_path / "mask.png")
    page = str(tmp_path / "page.html")
    assert main([str(photo), "--mask", str(tmp_path / "mask.png"), "-o", page]) == 2
    error = capsys.readouterr().err
    assert "--mask: expected some white, which is the hole, got none. Paint the hole wh" in error


def test_the_erased_area_of_a_photo_is_its_hole(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = Image.open(photo).convert("RGBA")
    alpha = np.full((30, 41), 255, np.uint8)
    alpha[4:10, 8:20] = 0
    image.putalpha(Image.fromarray(alpha))
    image.save(erased := tmp_path / "erased.png")
    state = made(tmp_path, erased, "--size", 41)
    np.testing.assert_array_equal(buffer(state, "mask")[0], alpha[:, :40] == 0)
    assert "the hole is what is transparent in the photo, 6 % of it." in capsys.readouterr().err
    names: dict[str, Any] = {"cv": cv}
    exec(state["meta"]["python"], names)
    np.testing.assert_array_equal(names["mask"][0], buffer(state, "mask"))
    given = made(tmp_path, erased, "--size", 41, "--hole", "20,2,4,4")
    assert buffer(given, "mask").sum() == 16
    assert capsys.readouterr().err == ""
