"""The table of faults fits the code as it is now; that the tests see each is `make mutants`."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.table import FAULTS, Fault

EVERY_STAGE = {
    "downsampling",
    "patch extraction",
    "mask validity",
    "matching scores",
    "fusion",
    "softmax",
    "deconvolution",
    "offset flow",
    "no matrix",
    "attention.js",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.stage}: {fault.why}")
def test_a_fault_can_be_planted(fault: Fault, root: Path) -> None:
    source = (root / "ctxattn_viz" / fault.file).read_text()
    faulty = fault.applied_to(source)  # raises unless `old` stands there exactly once
    assert faulty != source
    if fault.file.endswith(".py"):
        ast.parse(faulty)
    assert all((root / test.partition("::")[0]).exists() for test in fault.tests)


def test_each_stage_has_at_least_three() -> None:
    count = Counter(fault.stage for fault in FAULTS)
    assert set(count) >= EVERY_STAGE
    assert min(count.values()) >= 3
    assert len({(fault.file, fault.old, fault.new) for fault in FAULTS}) == len(FAULTS)
