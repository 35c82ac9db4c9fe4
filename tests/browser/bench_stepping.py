"""How long a step of code takes, from the key until everything is drawn, and how long opening does.

`make bench` runs this and writes RESULTS.md. Nothing here fails for being slow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

import ctxattn_viz as cv
from tests.benchmarks.results import table, write_section
from tests.browser.bench_hover import photo_run
from tests.browser.drive import ROOT, home_cell

pytestmark = pytest.mark.recordings
STEPS = 60
# In each frame one key; then layout and the canvases' pixels are asked for, which the browser
# answers only when all that was drawn is there.
MEASURE = """async (root, { stage, steps }) => {
    const draw = () => {
        document.body.offsetHeight;
        for (const canvas of root.querySelectorAll(".ctx-stepping canvas")) {
            if (canvas.width) canvas.getContext("2d").getImageData(0, 0, 1, 1);
        }
    };
    const tick = () => new Promise(requestAnimationFrame);
    const isOn = async (step) => {
        const words = () => root.querySelector(".ctx-stepping .ctx-where b")?.textContent;
        for (let i = 0; words() !== String(step); i++) {
            if (i > 5000) throw Error(`step ${step} is not drawn, but ${words()}`);
            await new Promise((done) => setTimeout(done));
        }
    };
    await tick();
    ctxattn.model.set("stage", stage === "forward" ? "scores" : stage);
    const name = stage === "forward" ? "step-in-forward" : "step-in";
    await tick();
    await tick();
    const start = performance.now();
    root.querySelector(`[data-do="${name}"]`).click();
    await isOn(1);
    draw();
    const opened = performance.now() - start;
    const slider = root.querySelector('.ctx-stepping [data-set="step"]');
    const count = Number(slider.max), spent = [];
    for (let i = 0; i < steps; i++) {
        await tick();
        const before = performance.now();
        slider.value = String((i % count) + 1);
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await isOn((i % count) + 1);
        draw();
        spent.push(performance.now() - before);
    }
    return { opened, spent, count };
}"""
CLOSE = """(root) => root.querySelector('[data-do="close-code"]').click()"""


def spent(page: Page, stage: str) -> list[str]:
    root = page.locator(ROOT).first
    measured = root.evaluate(MEASURE, {"stage": stage, "steps": STEPS})
    half, most = np.percentile(measured["spent"], [50, 95])
    opened = f"{measured['opened']:.0f}"
    root.evaluate(CLOSE)
    steps = str(measured["count"])
    return [stage, steps, opened, f"{half:.1f} / **{most:.1f}**"]


def test_stepping(offline: Any, tmp_path: Path) -> None:
    run = photo_run(128)
    page = offline(cv.save_page(run, tmp_path / "page.html", query=home_cell(run)))
    page.locator(ROOT).first.wait_for()
    page.wait_for_timeout(1000)  # the recordings are inflated
    rows = [spent(page, stage) for stage in ("scores", "fused_scores", "output", "forward")]
    columns = ["code", "steps", "opening, ms", "a step, ms p50 / p95"]
    write_section(
        "Stepping through code",
        f"{table(columns, rows)}\n\nA page of a 64×64 grid, {STEPS} steps each through all that "
        "was recorded, from the event until layout is done and every canvas of the code's view can "
        "be read back (aim: 16 ms); opening likewise (bound 1000).",
    )
