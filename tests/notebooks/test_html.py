"""`make html`: pages with their figures described and their debuggers alive, with no network."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.browser.pages import Offline
from tools import html as site

SETUP = """
import torch
import ctxattn_viz as cv
from ctxattn_viz import figures
f = torch.rand(1, 3, 16, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
b = torch.rand(1, 3, 12, 20, generator=torch.Generator().manual_seed(1)) * 2 - 1
trace = cv.trace(f, b)
"""
FIGURE = 'figures.heats({"noise": f[0, 0]}, alt="Noise, and nothing else.")'
DEBUGGER = 'cv.debug(trace, stage="fused_scores", query=(3, 2))'
# An address in one of these places is fetched when a page is opened; one in a link is not.
FETCHED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*(?:src|href)=[\"'](?:https?:)?//[^\"']+")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small notebook, exported."""
    folder = tmp_path_factory.mktemp("site")
    notebook = new_notebook()
    notebook.cells = [
        new_markdown_cell("# A & B\n\n[on](02_x.ipynb#there), [out](https://example.org/y.ipynb)"),
        *map(new_code_cell, (SETUP, FIGURE, DEBUGGER)),
    ]
    nbformat.write(notebook, folder / "small.ipynb")
    site.export(folder / "small.ipynb", folder / "small.html")
    return folder / "small.html"


@pytest.mark.browser
def test_the_debugger_lives_without_kernel_and_network(page: Path, offline: Offline) -> None:
    import ctxattn_viz as cv

    shown = offline(page)
    inside = shown.frame_locator("iframe.debugger")
    root = inside.locator('[data-ctxattn="debugger"]')
    root.wait_for()
    assert root.get_attribute("data-stage") == "fused_scores"
    assert root.get_attribute("data-query") == "3,2"
    known: dict[str, object] = {}
    exec(SETUP, known)
    trace = known["trace"]
    assert isinstance(trace, cv.Trace)
    expected = trace.query(3, 2).fused_scores.flatten().tolist()
    drawn = root.evaluate("(root) => Array.from(root.debuggerRow('fused_scores'))")
    assert drawn == pytest.approx(expected, abs=1e-4 * max(map(abs, expected)))

    picture = inside.locator('canvas[data-view="foreground"]')
    box = picture.bounding_box()
    assert box is not None
    picture.click(
        position={"x": box["width"] * 0.9, "y": box["height"] * 0.9}
    )  # a cell near the end
    assert root.get_attribute("data-query") == "7,5"


@pytest.mark.browser
def test_the_frame_is_as_high_as_the_debugger(page: Path, offline: Offline) -> None:
    shown = offline(page)
    shown.frame_locator("iframe.debugger").locator('[data-ctxattn="debugger"]').wait_for()
    shown.wait_for_function(
        """() => {
          const frame = document.querySelector("iframe.debugger");
          const needed = frame.contentDocument.body.scrollHeight;
          return needed > 200 && frame.clientHeight >= needed;
        }"""
    )


def test_a_figure_keeps_its_alternative_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    pictures = re.findall(r"<img\b[^>]*>", text.split("srcdoc=")[0], re.DOTALL)
    assert pictures
    assert all('alt="Noise, and nothing else."' in picture for picture in pictures)


def test_links_lead_from_page_to_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert 'href="02_x.html#there"' in text
    assert 'href="https://example.org/y.ipynb"' in text
    assert "<title>A &amp; B</title>" in text


def test_a_page_fetches_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert FETCHED.findall(text) == []
    assert FETCHED.findall('<script src="https://cdn.example/x.js">')


def test_a_failing_cell_stops_the_export(tmp_path: Path) -> None:
    notebook = new_notebook()
    notebook.cells = [new_code_cell("1 / 0")]
    nbformat.write(notebook, tmp_path / "x.ipynb")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        site.export(tmp_path / "x.ipynb", tmp_path / "x.html")


def test_an_exercise_is_shown_without_being_run(tmp_path: Path) -> None:
    notebook = new_notebook()
    answer = new_output("stream", text="the answer")  # to be guessed first
    notebook.cells = [new_markdown_cell("# Three"), new_code_cell("1 / 0", outputs=[answer])]
    (tmp_path / "exercises").mkdir()
    nbformat.write(notebook, tmp_path / "exercises" / "3_x.ipynb")
    site.export(tmp_path / "exercises" / "3_x.ipynb", tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert "<title>Three</title>" in page
    assert "the answer" not in page


def test_every_notebook_becomes_a_page() -> None:
    found = [path.relative_to(site.NOTEBOOKS).as_posix() for path in site.sources()]
    assert found[0] == "00_quickstart.ipynb"
    assert found.index("07_two_images.ipynb") == 7
    assert "exercises/TEACHING.md" in found
    assert "exercises/6b_wrong_ports.ipynb" in found
    assert not any("solutions" in page for page in found)
    assert len(found) == len(set(found))


def test_the_reference_holds_every_public_name(tmp_path: Path) -> None:
    import ctxattn_viz as cv

    site.reference(tmp_path)
    text = (tmp_path / "api" / "ctxattn_viz.html").read_text(encoding="utf-8")
    modules = {path.stem for path in (tmp_path / "api" / "ctxattn_viz").glob("*.html")}
    missing = [name for name in cv.__all__ if f'id="{name}"' not in text and name not in modules]
    assert missing == []
    assert FETCHED.findall(text) == []
