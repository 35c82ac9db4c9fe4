"""`python -m ctxattn_viz`: a photograph in, one page out, and sentences for what cannot be used."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ctxattn_viz as cv
from ctxattn_viz.cli import main
from tests.test_page import buffer, state_of


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
    assert buffer(state, "mask").sum() == 8 * 8


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
        (["nowhere.png"], "photograph: expected a picture that can be read"),
        (["--hole", "1,2,3"], "--hole: expected TOP,LEFT,HEIGHT,WIDTH, got '1,2,3'"),
        (["--hole", "0,0,99,9", "--size", "32"], "expected a hole of at least 1×1 within 32×32"),
        (["--size", "3"], "--size: expected at least 4 pixels, got 3"),
        (["--mask", "nowhere.png"], "--mask: expected a picture that can be read, got 'nowhere.p"),
        (["--mask", __file__], "--mask: expected a picture that can be read"),
        (["--background", "no.png"], "--background: expected a picture that can be read"),
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
    assert "no background patch is free of the hole" in capsys.readouterr().err
    assert "no background patch is free of the hole" in state["meta"]["notes"][0]


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "ctxattn_viz", "--size", "32", "-o", str(page)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(r".*page\.html \(\d\.\d MB\): open it in a browser\.\n", ran.stdout)
    wrong = subprocess.run([*command, "--dialect", "french"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "invalid choice: 'french'" in wrong.stderr
    assert json.dumps(state_of(page.read_text(encoding="utf-8"))["config"])
