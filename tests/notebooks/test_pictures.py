"""`make test-notebooks` sees a wrong picture: nbval itself looks at text alone."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import numpy as np
import pytest
import torch
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from torch import Tensor

from ctxattn_viz import figures, samples
from ctxattn_viz.figures import drawing
from tests.notebooks.pictures import Picture, difference, differences, pictures

ROOT = Path(__file__).resolve().parents[2]

SETUP = """
import torch
import ctxattn_viz as cv
from IPython.display import HTML
from ctxattn_viz import figures, samples
x = torch.rand(24, 24, generator=torch.Generator().manual_seed(0))
photo = samples.photograph("astronaut", size=32)
def draw(**named):
    return figures.heats(named, alt="a heat map")
def card(x):
    bundle = draw(x=x)._repr_mimebundle_()[0]
    return HTML(f"<b>right</b><img alt='a card' src='data:image/png;base64,{bundle['image/png']}'>")
"""
# name: (what the cell draws, what is stored in it, the sentence that nbval then prints)
SHOWN = {
    "an equal picture": ("draw(x=x)", "draw(x=x)", None),
    "a shifted heat map": ("draw(x=x)", "draw(x=x.roll(1, 1))", "“a heat map” differs in"),
    "exchanged axes": ("draw(x=x)", "draw(x=x.T)", "“a heat map” differs in"),
    "another photograph": (
        'figures.pictures({"photo": photo}, alt="a face")',
        'figures.pictures({"photo": samples.photograph("brick", size=32)}, alt="a face")',
        "“a face” differs in",
    ),
    "another size": ("draw(x=x)", "draw(x=x, y=x)", "“a heat map” is stored with"),
    "an older still": (
        "cv.debug(cv.trace(photo, photo), query=(2, 2))",
        "cv.debug(cv.trace(-photo, photo), query=(2, 2))",
        "“Debugger(f (1, 3, 32, 32)",
    ),
    "the same card": ("card(x)", "card(x)", None),
    "a card with another drawing": ("card(x)", "card(x.T)", "“a card” differs in"),
    "a picture that varies": ("draw(x=x)", "draw(x=x.T)", None),
}
VARIES = {"ctxattn": {"pictures_vary": "it is drawn anew each time"}}


def bundle(code: str) -> NotebookNode:
    """What a notebook stores when a cell shows `code`."""
    known: dict[str, Any] = {}
    exec(SETUP, known)
    value = eval(code, known)
    if hasattr(value, "_repr_mimebundle_"):
        data, metadata = value._repr_mimebundle_()
    else:
        data, metadata = {"text/html": value._repr_html_(), "text/plain": repr(value)}, {}
    data.pop("application/vnd.jupyter.widget-view+json", None)
    return new_output("execute_result", data=data, metadata=metadata, execution_count=1)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What nbval says of each cell of `SHOWN`, empty where it passes."""
    notebook = new_notebook(cells=[new_code_cell(SETUP, execution_count=1)])
    for name, (code, stored, _) in SHOWN.items():
        metadata = VARIES if name == "a picture that varies" else {}
        cell = new_code_cell(code, execution_count=1, outputs=[bundle(stored)], metadata=metadata)
        notebook.cells.append(cell)
    folder = tmp_path_factory.mktemp("notebooks")
    nbformat.write(notebook, folder / "shown.ipynb")
    command = [sys.executable, "-m", "pytest", "--config-file", "tests/notebooks/nbval.ini"]
    command += ["--rootdir", ".", "-p", "no:xdist", "--color=no", "-q", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = dict(re.findall(r"^Cell (\d+): (.*?)(?=^Cell \d|\Z)", run.stdout, re.M | re.S))
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed, run.stdout
    assert int(passed[1]) + len(said) == len(SHOWN) + 1, run.stdout
    return {name: said.get(str(number), "") for number, name in enumerate(SHOWN, start=1)}


@pytest.mark.parametrize("name", SHOWN)
def test_a_run_of_a_notebook_compares_its_pictures(name: str, verdicts: dict[str, str]) -> None:
    expected = SHOWN[name][2]
    if expected is None:
        assert verdicts[name] == ""
    else:
        assert "Cell outputs differ" in verdicts[name]
        assert expected in verdicts[name]


# ---- the comparison itself ----


def png(figure: figures.Figure) -> Picture:
    return Picture("a figure", "image/png", figure._encoded("png"))


def painted(pixels: np.ndarray, kind: str = "png") -> Picture:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return Picture("paint", f"image/{kind}", file.getvalue())


def noise(size: int, seed: int) -> Tensor:
    return torch.rand(size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("cells", [16, 32])
def test_one_cell_of_a_heat_map_beside_its_place(cells: int) -> None:
    """Far less than 0.5 % of the pixels, and yet the sharpest attention map there is."""
    x = torch.zeros(cells, cells)
    x[cells // 2, cells // 2] = 1
    others = {"a": noise(cells, 1), "b": noise(cells, 2)}
    moved = png(figures.heats({"x": x.roll(1, 1), **others}))
    assert "as a whole" in difference(png(figures.heats({"x": x, **others})), moved)


def test_another_title_is_another_picture() -> None:
    x = noise(24, 0)
    old, new = (png(figures.heats({title: x}, alt="x")) for title in ("difference", "fill − hole"))
    assert difference(old, new)


@pytest.mark.parametrize("seed", range(3))
def test_floats_of_another_processor_pass(seed: int) -> None:
    x = noise(24, seed)
    old, new = (png(figures.heats({"x": y})) for y in (x, x + 1e-5 * noise(24, seed + 1)))
    assert difference(old, new) == ""
    photo = samples.photograph("astronaut", size=64)
    jpegs = [
        Picture("", "image/jpeg", figures.pictures({"p": y})._encoded("jpeg"))
        for y in (photo, photo + 8e-3 * noise(64, seed))
    ]
    assert jpegs[0].data != jpegs[1].data
    assert difference(*jpegs) == ""


def test_a_little_other_antialiasing_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw() -> Picture:
        return png(figures.numbers({"x": torch.arange(16.0).view(4, 4)}))

    smooth = draw()
    monkeypatch.setitem(drawing.STYLE, "text.antialiased", False)
    rough = draw()
    assert smooth.data != rough.data
    assert matplotlib.rcParams["text.antialiased"]
    assert difference(smooth, rough) == ""


def test_the_limits_are_16_levels_and_half_a_percent() -> None:
    plain = np.full((100, 200, 3), 100, np.uint8)
    assert difference(painted(plain), painted(plain + 16)) == ""
    assert "100.00 %" in difference(painted(plain), painted(plain + 17))
    spread = plain.copy()
    spread.reshape(-1, 3)[: 100 * 200 : 200] += 17  # 100 pixels of 20000, no two together
    assert difference(painted(plain), painted(spread)) == ""
    spread[50, 50, 2] += 17
    assert "0.51 %" in difference(painted(plain), painted(spread))
    solid = plain.copy()
    solid[10:14, 20:24] += 17
    assert "row 10, column 20" in difference(painted(plain), painted(solid))
    assert "200×100 pixels and is now 200×99" in difference(painted(plain), painted(plain[:99]))


def test_what_is_transparent_is_white() -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    assert difference(painted(clear), painted(np.full((8, 8, 3), 255, np.uint8))) == ""
    assert difference(painted(clear), painted(clear[..., :3]))


def test_svg_is_compared_as_text() -> None:
    old, new = (Picture("s", "image/svg+xml", b"<svg>%d</svg>" % n) for n in (1, 2))
    assert difference(old, old) == ""
    assert "another drawing" in difference(old, new)


def shown(*pixels: np.ndarray, **own: Any) -> list[NotebookNode]:
    """Outputs that show pictures, in the way that nbformat stores them."""
    data = [base64.encodebytes(painted(each).data).decode() for each in pixels]
    return [new_output("display_data", data={"image/png": each}, **own) for each in data]


WHITE, BLACK = (np.full((8, 8, 3), value, np.uint8) for value in (255, 0))


def test_a_picture_too_many_or_too_few() -> None:
    assert differences(shown(WHITE), shown(WHITE)) == []
    (missing,) = differences(shown(WHITE, BLACK), shown(WHITE))
    (added,) = differences([], shown(WHITE, metadata={"image/png": {"alt": "news"}}))
    assert "not made any more" in missing
    assert added == "The fresh picture “news” is not stored."


def test_what_varies_needs_a_reason_and_must_be_there() -> None:
    assert differences(shown(WHITE), shown(BLACK), VARIES) == []
    assert differences(shown(WHITE), [], VARIES) != []
    for reason in (True, "", " "):
        (sentence,) = differences([], [], {"ctxattn": {"pictures_vary": reason}})
        assert "not why" in sentence


def test_pictures_are_found_inside_html_too() -> None:
    data = base64.b64encode(painted(WHITE).data).decode()
    html = [f"<p>x</p>\n<IMG src = 'data:image/png;base64,{data}' alt='one'>", "<img src='x.png'>"]
    html += ["<img alt='two' src=\"data:image/svg+xml,%3Csvg/%3E\">"]
    found = list(pictures([new_output("display_data", data={"text/html": html})]))
    assert [picture.name for picture in found] == ["one", "two"]
    assert found[1].data == b"<svg/>"
