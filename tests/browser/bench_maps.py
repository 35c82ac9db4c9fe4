"""How long a page takes to make the maps of doubt of settings that it did not come with.

`make bench` runs this and writes RESULTS.md. Nothing here fails for being slow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import ctxattn_viz as cv
from tests.benchmarks.results import table, write_section
from tests.browser.bench_hover import photo_run
from tests.browser.drive import ROOT

SCALES = (11, 12, 13, 14, 15)
# From the setting until every query has its colour; the output, which the page makes at the same
# time, has ended before the next.
MEASURE = """async (root, scale) => {
    const whole = () => root.debuggerMap()?.isWhole;
    const later = () => new Promise((done) => setTimeout(done, 5));
    const slider = root.querySelector('[data-set="softmax_scale"]');
    const start = performance.now();
    slider.value = String(scale);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (whole()) await later();
    while (!whole()) await later();
    const spent = performance.now() - start;
    while (root.getAttribute("aria-busy") === "true") await later();
    return spent / 1000;
}"""


def test_maps(offline: Any, tmp_path: Path) -> None:
    rows = []
    for size in (64, 128):
        path = cv.save_page(photo_run(size), tmp_path / f"{size}.html", map="margin")
        page = offline(path)
        root = page.locator(ROOT).first
        page.wait_for_function("(root) => root.debuggerMap()?.isWhole", arg=root.element_handle())
        seconds = [root.evaluate(MEASURE, scale) for scale in SCALES]
        half, most = np.median(seconds), max(seconds)
        rows.append([f"{size // 2}×{size // 2}", f"**{half:.2f}**", f"{most:.2f}"])
    write_section(
        "Maps of doubt made in the page",
        f"{table(['grid', 'seconds, median', 'most'], rows)}\n\nFrom another softmax_scale until "
        f"all queries are coloured, {len(SCALES)} times, three channels, with the output made "
        "beside it (aim: 2 s at 64×64).",
    )
