"""What CONTRIBUTING.md asks for of each stage is there; what is missing is named with its file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.profiling import operations
from ctxattn_viz.stages import MATRICES, STAGES, Stage
from tests.mutants.table import FAULTS


@pytest.fixture(scope="module")
def run() -> cv.Trace:
    return cv.trace(torch.rand(1, 2, 8, 8), torch.rand(1, 2, 8, 8))


def missing(stage: Stage, root: Path, run: cv.Trace) -> list[str]:
    """What a stage lacks, each with the file where it goes."""
    module = stage.function.__module__.rpartition(".")[2]
    lacks = []
    if not (root / f"tests/stages/test_{module}.py").exists():
        lacks.append(f"tests/stages/test_{module}.py: a case to check on paper")
    if sum(fault.file == f"stages/{module}.py" for fault in FAULTS) < 3:
        lacks.append(f"tests/mutants/table.py: three planted faults of stages/{module}.py")
    if f"(ctxattn_viz/stages/{module}.py)" not in (root / "README.md").read_text():
        lacks.append(f"README.md: a row with stages/{module}.py, from the paper to the code")
    keys = (root / "frontend/generated/stages.ts").read_text(encoding="utf-8")
    if f'"{stage.key}"' not in keys:
        lacks.append(f"frontend/generated/stages.ts: {stage.key!r}, which `make front` writes")
    steps = (root / "frontend/steps/index.ts").read_text(encoding="utf-8")
    if not re.search(rf'^  "?{re.escape(stage.step)}"?:', steps, re.MULTILINE):
        lacks.append(f"frontend/steps/index.ts: the step {stage.step!r}, in a file of its own")
    of_pairs = stage.key in MATRICES or not set(MATRICES).isdisjoint(stage.inputs)
    if of_pairs and not operations(run, stage.key):
        lacks.append(f"ctxattn_viz/profiling.py: in `operations`, a count for {stage.key!r}")
    return lacks


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.key)
def test_a_stage_has_all_that_it_takes(stage: Stage, root: Path, run: cv.Trace) -> None:
    assert missing(stage, root, run) == []


def test_what_a_new_stage_lacks_is_named(root: Path, run: cv.Trace) -> None:
    def entropy(attention: torch.Tensor) -> torch.Tensor:
        return -torch.xlogy(attention, attention).sum(dim=-1)

    entropy.__module__ = "ctxattn_viz.stages.entropy"
    axes = ("sample", "query row", "query column")
    stage = Stage("entropy", "", "Entropy", axes, "", "", entropy, ("attention",))
    assert [sentence.partition(":")[0] for sentence in missing(stage, root, run)] == [
        "tests/stages/test_entropy.py",
        "tests/mutants/table.py",
        "README.md",
        "frontend/generated/stages.ts",
        "frontend/steps/index.ts",
        "ctxattn_viz/profiling.py",
    ]
