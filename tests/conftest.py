"""What every test may use. Nothing here imports the package at the top: pytest's hook that checks
the shapes in signatures must come first."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).resolve().parents[1]

pytest.register_assert_rewrite("tests.support")  # its assertions tell as much as a test's

# Settings drawn at random differ widely in size and the machine may be busy: no deadlines. In CI
# the same examples come every time, so that a red run can be repeated; `make test-long` tries more,
# and others each time. Where a fault was planted, the first example that shows it is enough: no
# time is spent on making it smaller.
settings.register_profile(
    "ctxattn",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("ctxattn"), derandomize=False)
settings.register_profile(
    "mutants",
    settings.get_profile("ctxattn"),
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("CTXATTN_HYPOTHESIS", "ctxattn"))


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        import torch

        torch.set_num_threads(1)  # the workers share the cores already


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch

    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="there is no CUDA GPU here"))


@pytest.fixture(autouse=True)
def _pages_open_quickly(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages go without the steps of their code, but for tests that look at these."""
    if not request.node.get_closest_marker("recordings"):
        name = "ctxattn_viz.debugger.step_in.opening_recordings"
        monkeypatch.setattr(name, lambda trace, state: [])


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of recorded figures."""
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def node() -> str:
    """Node, out of Playwright's wheel: a fresh machine needs only Python and make."""
    import playwright

    name = "node.exe" if sys.platform == "win32" else "node"
    bundled = Path(playwright.__file__).parent / "driver" / name
    found = str(bundled) if bundled.exists() else shutil.which("node")
    assert found, f"no Node in Playwright's wheel ({bundled}) and none on the PATH"
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium: one for all tests of a process, as Playwright allows no second."""
    from tests.browser.pages import launched

    with launched() as browser:
        yield browser


@pytest.fixture
def offline(chromium: Any) -> Iterator[Any]:
    """`offline(path, **context_options)` opens a file from disk in a page without a network.

    The test fails if the page asked for anything but its own file, or if a script in it threw.
    """
    from tests.browser.pages import Offline

    opener = Offline(chromium)
    yield opener
    for context in opener.contexts:
        context.close()
    assert opener.asked == [], f"the page asked for {opener.asked}"
    assert opener.thrown == [], f"the page threw {opener.thrown}"
