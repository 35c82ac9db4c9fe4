"""What recording a stage costs, in time and memory, beside running it plainly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.stages import STAGES, Stage
from ctxattn_viz.traces.values import LazyValues, rows_of
from ctxattn_viz.units import human
from tests.benchmarks.peak_memory import measured
from tests.benchmarks.results import table, write_section
from tests.benchmarks.timing import in_turns, median, ratio

SIZE = 64
MEASURED = ("scores", "fused_scores", "attention", "output")  # those with the largest tensors
COLUMNS = [
    "stage",
    "steps",
    "plain",
    "recorded",
    "recorded / plain",
    "more a step",
    "memory",
    "recorded",
]
NOTE = f"""1×3×{SIZE}×{SIZE} at rate 2, every query; "one query" is one cell with its fusion
neighbours, at every stage up to the softmax. Memory is the peak above the inputs, each in a process
of its own; – where it is small. A recording keeps what each step made, up to 500 MB by default."""


@pytest.fixture(scope="module")
def rows() -> Iterator[list[list[str]]]:
    found: list[list[str]] = []
    yield found
    write_section("Recording", f"{table(COLUMNS, found)}\n\n{NOTE}")


@pytest.fixture(scope="module")
def run() -> cv.Trace:
    torch.manual_seed(0)
    return cv.trace(torch.rand(1, 3, SIZE, SIZE), torch.rand(1, 3, SIZE, SIZE))


def compare(benchmark, rows: list[list[str]], name: str, function, *arguments) -> None:
    calls = {
        "recorded": lambda: cv.record(function, *arguments),
        "plain": lambda: function(*arguments),
    }
    times = in_turns(benchmark, calls, 9)
    steps = len(cv.record(function, *arguments).steps)
    more = [(a - b) / max(steps, 1) for a, b in zip(times["recorded"], times["plain"], strict=True)]
    peaks = [
        measured(f"{kind} {name}", SIZE)[0] for kind in ("plain", "recorded") if name in MEASURED
    ]
    rows.append(
        [
            name,
            str(steps),
            median(times["plain"]),
            median(times["recorded"]),
            f"{ratio(times, 'recorded', 'plain'):.1f}",
            median(more),
            *([human(peak) for peak in peaks] or ["–", "–"]),
        ]
    )


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.key)
def test_a_stage(benchmark, rows: list[list[str]], stage: Stage, run: cv.Trace) -> None:
    values = {"f": run.f, "b": run.b, "mask": run.mask}
    values |= {key: run[key].tensor for key in stage.inputs if key not in values}
    compare(benchmark, rows, stage.key, stage.run, values, run.config)


def test_one_query(benchmark, rows: list[list[str]], run: cv.Trace) -> None:
    values = LazyValues({"f": run.f, "b": run.b, "mask": run.mask}, run.config)
    rows_of(values, run.config, torch.tensor([500]))  # so that the patches are there
    compare(benchmark, rows, "one query", rows_of, values, run.config, torch.tensor([500]))
