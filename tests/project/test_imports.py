"""What importing costs: the mathematics never loads what only draws."""

from __future__ import annotations

import subprocess
import sys

import pytest

DRAWING = ("matplotlib", "ipywidgets", "anywidget", "skimage", "PIL", "IPython", "jupyterlab")


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import ctxattn_viz",
        "import ctxattn_viz.stages",
        "import ctxattn_viz.samples",
        "import torch, ctxattn_viz as cv; x = torch.rand(1, 2, 4, 4); "
        "cv.trace(x, x)['output'].tensor; cv.contextual_attention(x, x)",
    ],
)
def test_the_library_loads_nothing_that_draws(statement: str) -> None:
    assert loaded_by(statement).isdisjoint(DRAWING)


def test_the_check_above_can_fail() -> None:
    assert "matplotlib" in loaded_by("import matplotlib")
