"""Every notebook of the course in a real JupyterLab: run whole, no error, each debugger painted."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.drive import ROOT, Debugger
from tests.browser.lab import Lab

# For `make test-long`: each time, test_line_by_line runs one in JupyterLab and reads its numbers,
# and `make test-notebooks` sees that each runs and prints and draws what is stored in it.
pytestmark = pytest.mark.long
COURSE = [
    pytest.param(path, id=path.stem)
    for path in sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
]


def shown(notebook: Path) -> int:
    """How many of its cells show a debugger."""
    code = [cell.source for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code"]
    return sum(source.splitlines()[-1].startswith("cv.debug(") for source in code if source)


@pytest.mark.parametrize("notebook", COURSE)
def test_a_notebook_runs_and_paints_its_debuggers(lab: Lab, lab_page: Page, notebook: Path) -> None:
    lab.open(lab_page, f"notebooks/{notebook.name}")
    lab.run_all(lab_page, seconds=300)
    expected = shown(notebook)
    assert expected == (0 if notebook.stem.startswith("08") else 1)
    if expected:
        lab_page.locator(ROOT).last.wait_for()
    assert lab_page.locator(ROOT).count() == expected
    for which in range(expected):
        debugger = Debugger(lab_page, (8, 8), which)
        debugger.settle_output()
        for view in ("foreground", "background", "output"):
            painted = debugger.painted(view, (16, 16))[..., :3].reshape(-1, 3)
            assert len(np.unique(painted, axis=0)) > 10, f"{view} is blank"
