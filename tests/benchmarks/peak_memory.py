"""How much memory a call takes at its peak above what was there before: a process of its own.

`python tests/benchmarks/peak_memory.py WHAT SIZE…` prints the bytes for each size, a line each.
The kernel keeps the peak of resident memory and resets it when told to (Linux); large blocks are
given back at once, so that what one call frees does not hide what the next one takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def measured(what: str, *sizes: int, threads: int | None = None) -> list[int]:
    """Peak bytes of `WHAT[what](size)` above its inputs, for each size; in a fresh process."""
    environment = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
        "TQDM_DISABLE": "1",
    }
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    done = subprocess.run(
        [sys.executable, __file__, what, *map(str, sizes)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def peak_above_now(call: Callable[[], object]) -> int:
    """Bytes of resident memory that `call` takes at its peak above what is resident before."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field))
    return int(line.split()[1]) * 1024


def _calls() -> dict[str, Callable[[int], Callable[[], object]]]:
    import torch

    import ctxattn_viz as cv
    from ctxattn_viz.attention import blocks as attention_blocks
    from ctxattn_viz.attention import tiles as attention_tiles

    def small_rooms() -> None:
        """So that what grows is seen, and not the blocks, whose size is fixed."""
        attention_blocks.BLOCK_SIZE["cpu"] = attention_tiles.TILE_SIZE["cpu"] = 300_000
        attention_blocks.FEWEST_ROWS = 1

    def pictures(channels: int, height: int, width: int, grad: bool) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        return [
            torch.randn(1, channels, height, width, generator=generator, requires_grad=grad)
            for _ in "fb"
        ]

    def call(channels: int, method: str, grad: bool, small: bool = True, wide: bool = False):
        def prepared(size: int) -> Callable[[], object]:
            if small:
                small_rooms()
            f, b = pictures(channels, size, size * 16 // 9 // 2 * 2 if wide else size, grad)

            def run() -> object:
                y = cv.contextual_attention(f, b, method=method)
                return torch.autograd.grad(y.sum(), (f, b)) if grad else y

            return run

        return prepared

    def stages(channels: int, **changes) -> Callable[[int], Callable[[], object]]:
        def prepared(size: int) -> Callable[[], object]:
            f, b = pictures(channels, size, size, False)
            config = cv.AttentionConfig(**changes)
            return lambda: cv.trace(f, b, None, config, budget=1 << 40)["output"].tensor

        return prepared

    def stage(key: str, recorded: bool) -> Callable[[int], Callable[[], object]]:
        def prepared(size: int) -> Callable[[], object]:
            run = cv.trace(*pictures(3, size, size, False))
            chosen = cv.stages.BY_KEY[key]
            values = {each: run[each].tensor for each in chosen.inputs if each not in "fb"}
            values |= {"f": run.f, "b": run.b}
            if recorded:
                return lambda: cv.record(chosen.run, values, run.config)
            return lambda: chosen.run(values, run.config)

        return prepared

    calls = {
        f"{channels} {method}{' backward' if grad else ''}": call(channels, method, grad)
        for channels in (3, 64)
        for method in ("vectors", "diagonals", "sdpa")
        for grad in (False, True)
    }
    for channels in (3, 64, 128):
        calls[f"layer {channels}"] = call(channels, "auto", False, small=False)
        calls[f"layer {channels} backward"] = call(channels, "auto", True, small=False)
        for dialect in ("tensorflow", "pytorch", "mmagic"):
            calls[f"stages {channels} {dialect}"] = stages(channels, dialect=dialect)
    for key in ("scores", "fused_scores", "attention", "output"):
        for recorded in (False, True):
            kind = "recorded" if recorded else "plain"
            calls[f"{kind} {key}"] = stage(key, recorded)
    calls["wide layer 128"] = call(128, "auto", False, small=False, wide=True)
    return calls


if __name__ == "__main__":
    chosen = _calls()[sys.argv[1]]
    chosen(8)()  # what is loaded on first use is nobody's
    for size in map(int, sys.argv[2:]):
        print(peak_above_now(chosen(size)), flush=True)
