"""A real JupyterLab, a real Chromium, and pages opened from disk with the network cut.

def test_something(lab, lab_page):
    name = lab.write("try.ipynb", "import ctxattn_viz as cv", "cv.debug(cv.trace(f, b))")
    lab.open(lab_page, name)
    lab.run_all(lab_page)
    lab_page.locator('[data-ctxattn="debugger"]').wait_for()

def test_something_else(offline, tmp_path):
    page = offline(tmp_path / "page.html")

def test_a_third_thing(home):  # twice: in a page, and in a JupyterLab
    debugger = home.open(run, query=(4, 6))
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.lab import Lab
from tests.browser.pages import VIEWPORT

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Lab]:
    """A JupyterLab server for the whole session, with a copy of the notebooks in it."""
    server = Lab(tmp_path_factory.mktemp("lab"))
    if (root / "notebooks").exists():
        server.copy(root / "notebooks")
    yield server
    server.close()


@pytest.fixture
def lab_page(lab: Lab, chromium: Browser) -> Iterator[Page]:
    """A page in which to open notebooks; its kernels end with the test."""
    context = chromium.new_context(viewport=VIEWPORT)
    yield context.new_page()
    context.close()
    lab.end_sessions()


@pytest.fixture
def opened(offline: Any, tmp_path: Path) -> Any:
    """Open the page of a trace; every message on the page's console fails the test."""
    import ctxattn_viz as cv
    from tests.browser.drive import Debugger

    told: list[str] = []

    def open_page(run: Any, context: dict[str, Any] | None = None, **options: Any) -> Any:
        path = cv.save_page(run, tmp_path / f"page{len(told)}.html", **options)
        page: Page = offline(path, **(context or {}))
        page.on("console", lambda message: told.append(message.text))
        return Debugger(page, run.query_grid)

    yield open_page
    # Reading pixels back is what tests do, not what the page does.
    assert [text for text in told if not text.startswith("Canvas2D")] == []


@pytest.fixture(scope="module")
def notebook(lab: Lab, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Any]:
    """One notebook for the tests of a module, before any that furnish a room of their own."""
    from tests.browser.homes import SETUP, SHOW, furnish

    yield from furnish(lab, chromium, f"{request.module.__name__}.ipynb", SETUP, SHOW)


@pytest.fixture(params=["page", "lab"])
def home(request: pytest.FixtureRequest) -> Any:
    """Where the debugger lives: a page from disk with the network cut, a real JupyterLab."""
    from tests.browser.homes import PageHome

    if request.param == "page":
        return PageHome(request.getfixturevalue("opened"))
    return request.getfixturevalue("notebook")
