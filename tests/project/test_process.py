"""What belongs to the whole process is its owner's: the package leaves it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.debugger.outcome import outcome_of

# Puts back what a student's function has set.
RESTORES = "exercises/settings.py"


def test_no_module_sets_the_number_of_threads(root: Path) -> None:
    folder = root / "ctxattn_viz"
    setting = {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*.py")
        if "set_num_threads" in file.read_text() or "set_num_interop_threads" in file.read_text()
    }
    assert setting == {RESTORES}


def test_a_debugger_s_run_keeps_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(number: int) -> None:
        raise AssertionError(f"{number} threads were asked for")

    monkeypatch.setattr(torch, "set_num_threads", fail)
    x = torch.rand(1, 3, 16, 16)
    run = cv.trace(x, x)
    torch.testing.assert_close(outcome_of(run).output, run["output"].tensor)
