"""The layer against the stages, which hold the score matrix, and against the floor.

`make bench` runs this and writes RESULTS.md. Nothing here fails for being slow: the bounds are
shown beside what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.attention import choose_method
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.devices import free_memory
from ctxattn_viz.inputs import check_inputs
from ctxattn_viz.traces.values import LazyValues
from ctxattn_viz.units import human
from tests.benchmarks import floors
from tests.benchmarks.peak_memory import measured
from tests.benchmarks.results import table, write_section
from tests.benchmarks.timing import in_turns, median, ratio

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PASSES = ("forward", "forward and backward")
Inputs = tuple[torch.Tensor, torch.Tensor]


def inputs(channels: int, height: int, width: int, grad: bool) -> Inputs:
    generator = torch.Generator().manual_seed(0)
    f, b = torch.randn(2, 1, channels, height, width, generator=generator).to(DEVICE)
    return f.requires_grad_(grad), b.requires_grad_(grad)


def run(attend: Callable[..., torch.Tensor], f: torch.Tensor, b: torch.Tensor, *rest):
    """A call that goes as far as its inputs ask: backward too if they want a gradient."""

    def call() -> object:
        y = attend(f, b, *rest)
        return torch.autograd.grad(y.sum(), (f, b)) if f.requires_grad else y

    return call


def stages(f: torch.Tensor, b: torch.Tensor, mask, config: cv.AttentionConfig) -> torch.Tensor:
    """The materialising pipeline, differentiable."""
    return LazyValues(*check_inputs(f, b, mask, config))["output"]


def floor(channels: int, patches: int, grad: bool) -> Callable[[], object]:
    """Of rate 2 and fusion: 75 numbers in for three channels, nine patches in for more."""
    length = 75 if channels == 3 else 81 * channels // 9
    kind = floors.backward if grad else floors.forward
    return kind(length, patches, 16 * channels, DEVICE)


class Rows:
    """The rows of one section, written when its last benchmark is done."""

    def __init__(self, title: str, columns: list[str], note: str) -> None:
        self.title, self.columns, self.note, self.rows = title, columns, note, []

    def add(self, *cells: str) -> None:
        self.rows.append(list(cells))
        write_section(self.title, f"{table(self.columns, self.rows)}\n\n{self.note}")


@pytest.fixture(scope="module")
def bounds() -> Iterator[Rows]:
    return Rows(
        "Against the floor",
        ["case", "layer", "floor", "layer / floor", "bound", "memory above the inputs", "bound"],
        "The floor is the matrix products and nothing else, over blocks of 256 queries: two and a\n"
        "softmax forward; seven, without any softmax, with a backward that computes the scores\n"
        "again. Vectors are 75 numbers in and 48 out for the worked example (1×3×256×256), 9·128\n"
        "in and 16·128 out for deep features (1×128×64×64); rate 2, fused.",
    )


CASES = {"worked example": (3, 256, 5), "deep features": (128, 64, 21)}


@pytest.mark.parametrize("grad", [False, True], ids=PASSES)
@pytest.mark.parametrize("case", CASES)
def test_against_the_floor(benchmark, bounds: Rows, case: str, grad: bool) -> None:
    channels, size, rounds = CASES[case]
    calls = {
        "layer": run(cv.contextual_attention, *inputs(channels, size, size, grad)),
        "floor": floor(channels, (size // 2) ** 2, grad),
    }
    times = in_turns(benchmark, calls, rounds)
    (peak,) = measured(f"layer {channels}{' backward' if grad else ''}", size)
    limited = case == "worked example" and not grad
    bounds.add(
        f"{case}, {PASSES[grad]}",
        median(times["layer"]),
        median(times["floor"]),
        f"**{ratio(times, 'layer', 'floor'):.2f}**",
        "2",
        human(peak),
        "250 MB" if limited else "linear",
    )
    assert not limited or peak <= 250e6


@pytest.fixture(scope="module")
def grid() -> Iterator[Rows]:
    return Rows(
        "Against the stages",
        [
            "c × size",
            "pass",
            "way",
            "layer",
            "/ floor",
            *(f"stages / layer, {dialect}" for dialect in DIALECTS),
            "memory",
            "stages / layer",
        ],
        "1×c×size×size at rate 2, fused, a hole of a quarter of each side. The stages build the\n"
        "score matrix; – where that, or the floor, was too much to run. Memory is the peak above\n"
        "the inputs, each measured in a process of its own (without the hole).",
    )


@pytest.mark.parametrize("grad", [False, True], ids=PASSES)
@pytest.mark.parametrize("channels", [3, 64, 128])
@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
def test_against_the_stages(benchmark, grid: Rows, size: int, channels: int, grad: bool) -> None:
    patches = (size // 2) ** 2
    mask = torch.zeros(1, 1, size, size, device=DEVICE)
    mask[..., size // 4 : size // 2, size // 4 : size // 2] = 1
    f, b = inputs(channels, size, size, grad)
    calls = {"layer": run(cv.contextual_attention, f, b, mask)}
    work = patches**2 * channels * (7 if grad else 2)  # rises with the seconds that it takes
    if work > 3e11:
        pytest.skip("minutes; 512×512 in full is among the large cases")
    calls["floor"] = floor(channels, patches, grad)
    held = patches**2 * 4 * (16 if grad else 8)
    if fits := held < min(free_memory(f.device) // 2, 10e9):
        for dialect in DIALECTS:
            calls[dialect] = run(stages, f, b, mask, cv.AttentionConfig(dialect=dialect))
    times = in_turns(benchmark, calls, 9 if work < 1e8 else 3 if work < 1e9 else 1)
    tail = " backward" if grad else ""
    (peak,) = measured(f"layer {channels}{tail}", size)
    theirs = measured(f"stages {channels} tensorflow", size) if fits and not grad else None
    grid.add(
        f"{channels} × {size}²",
        PASSES[grad],
        choose_method(channels, cv.AttentionConfig()),
        median(times["layer"]),
        f"{ratio(times, 'layer', 'floor'):.2f}",
        *(f"{ratio(times, d, 'layer'):.1f}" if fits else "–" for d in DIALECTS),
        human(peak),
        f"{theirs[0] / max(peak, 1):.1f}" if theirs else "–",
    )


@pytest.fixture(scope="module")
def large() -> Iterator[Rows]:
    return Rows(
        "Large",
        ["case", "query cells", "way", "layer", "memory above the inputs", "bound"],
        "Once each, all query cells. The score matrix of the first would take 17 GB, that of the\n"
        "second 4.2 GB, before fusion copies it.",
    )


LARGE = {"picture, 1×3×512×512": (3, 512, 512), "1920×1080, 1×128×270×480": (128, 270, 480)}


@pytest.mark.parametrize("case", LARGE)
def test_large(benchmark, large: Rows, case: str) -> None:
    channels, height, width = LARGE[case]
    attend = run(cv.contextual_attention, *inputs(channels, height, width, False))
    times = in_turns(benchmark, {"layer": attend}, 1)
    kind = f"{'wide ' if width > height else ''}layer {channels}"
    (peak,) = measured(kind, height)
    large.add(
        case,
        f"{height // 2}×{width // 2}",
        choose_method(channels, cv.AttentionConfig()),
        median(times["layer"]),
        human(peak),
        "2 GB",
    )
    assert peak <= 2e9


def test_memory_at_five_sizes() -> None:
    sizes = (64, 128, 192, 256, 384)
    patches = [(size // 2) ** 2 for size in sizes]
    rows = []
    for channels, backward in ((3, ""), (3, " backward"), (128, ""), (128, " backward")):
        some = sizes if channels == 3 and not backward else sizes[:-1]
        peaks = measured(f"layer {channels}{backward}", *some)
        said = [human(peak) for peak in peaks] + ["–"] * (len(sizes) - len(some))
        rows.append([f"{channels} channels, {PASSES[bool(backward)]}", *said])
    columns = [
        "",
        *(f"{size}²: {count} patches" for size, count in zip(sizes, patches, strict=True)),
    ]
    write_section(
        "Memory at five sizes",
        table(columns, rows) + "\n\nThe layer's peak above its inputs: linear in the patches, once "
        "past the fixed room\nof a block. The score matrix alone: "
        + ", ".join(human(count**2 * 4) for count in patches)
        + ".",
    )
