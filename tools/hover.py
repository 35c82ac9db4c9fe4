"""How quick a hover is, beside another front end's: `python -m tools.hover [--against TAG]`.

A saved page of this tree and one of the tag, a worktree of which is made for the time, lie open in
one Chromium. At each of the nine steps the mouse wanders over the foreground, in one page and then
in the other, in turns. A move counts from the handler's entry until the big pictures and the
numbers can be read back, which the browser answers only when all of them are there. Prints, for
each step, the median over the rounds of the ratio of the 95th percentiles, and the milliseconds.
It takes a quarter of an hour at 64×64, and wants a machine on which nothing else runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from playwright.sync_api import Page

from tests.browser.drive import ROOT
from tests.browser.pages import launched

HERE = Path(__file__).parents[1]
BEFORE = "front-end-of-2026-11"
VIEWPORT: Any = {"width": 1300, "height": 1000}
# The same picture for both, with what both trees' packages have.
SAVE = """
import sys
import torch
import ctxattn_viz as cv
path, side = sys.argv[1], int(sys.argv[2])
photo = cv.samples.photograph("chelsea", side)
photo = torch.nn.functional.interpolate(photo, (side, side))
mask = cv.samples.rectangle((side, side), 3 * side // 8, 3 * side // 8, side // 4, side // 4)
f = cv.samples.coarse_fill(photo, mask)
cv.save_page(cv.trace(f, f, mask), path)
"""
# The same wandering for both, from a seed. What the page does in promises belongs to the move.
WANDER = """async (root, [moves, seed]) => {
    const stack = root.querySelector('canvas[data-view="foreground"]').closest(".ctx-stack");
    const canvases = [...root.querySelectorAll("canvas[data-view]")];
    const box = stack.querySelector("canvas").getBoundingClientRect();
    let state = seed;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const wandered = (part) => Math.min(0.98, Math.max(0.02, part + (random() - 0.5) / 10));
    const spent = [];
    let x = 0.5, y = 0.5;
    for (let move = 0; move < moves; move++) {
        x = wandered(x);
        y = wandered(y);
        const event = new PointerEvent("pointermove", {
            bubbles: true, pointerType: "mouse",
            clientX: box.left + x * box.width, clientY: box.top + y * box.height,
        });
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const start = performance.now();
        stack.dispatchEvent(event);
        for (let turn = 0; turn < 4; turn++) await 0;
        for (const canvas of canvases) canvas.getContext("2d").getImageData(0, 0, 1, 1);
        root.querySelector(".ctx-inspector").textContent;
        root.querySelector(".ctx-side").textContent;
        spent.push(performance.now() - start);
    }
    return spent;
}"""


def spent(page: Page, step: int, moves: int, seed: int) -> tuple[float, float]:
    """The 50th and the 95th percentile of the moves at a step, in milliseconds."""
    page.bring_to_front()
    root = page.locator(ROOT)
    root.locator(".ctx-strip .ctx-step").nth(step).click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    root.evaluate(WANDER, [10, seed + 1])  # warm
    half, most = np.percentile(root.evaluate(WANDER, [moves, seed]), [50, 95])
    return float(half), float(most)


def compare(pages: dict[str, Page], rounds: int, moves: int) -> None:
    """Print a line for each step as soon as it is measured."""
    titles = pages["now"].locator(".ctx-strip .ctx-step").count()
    for step in range(titles):
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
        for turn in range(rounds):
            order = list(pages) if (step + turn) % 2 else list(pages)[::-1]
            for name in order:
                times[name].append(spent(pages[name], step, moves, 1234 + turn))
        halves = {name: median(half for half, _ in values) for name, values in times.items()}
        mosts = {name: median(most for _, most in values) for name, values in times.items()}
        line = f"step {step + 1}: now {halves['now']:.1f} / {mosts['now']:.1f} ms (p50 / p95)"
        if len(pages) > 1:
            ratios = [
                now / before
                for (_, now), (_, before) in zip(times["now"], times["before"], strict=True)
            ]
            line += f", before {halves['before']:.1f} / {mosts['before']:.1f} ms, ratio of p95 "
            line += f"{median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})"
        print(line, flush=True)


def save(root: Path, path: Path, side: int) -> None:
    """The page as a tree's own package saves it."""
    command = [sys.executable, "-c", SAVE, str(path), str(side)]
    subprocess.run(command, check=True, cwd=root, env=os.environ | {"PYTHONPATH": str(root)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="TAG", default=BEFORE, help=f"default: {BEFORE}")
    parser.add_argument("--alone", action="store_true", help="this tree only")
    parser.add_argument("--side", type=int, default=128, help="of the picture, twice the grid's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--moves", type=int, default=200)
    options = parser.parse_args()
    git = ["git", "-C", str(HERE), "worktree"]
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        roots = {"now": HERE}
        if not options.alone:
            roots["before"] = Path(folder) / "before"
            add = [*git, "add", "--quiet", "--detach", str(roots["before"]), options.against]
            subprocess.run(add, check=True)
        try:
            pages = {}
            for name, root in roots.items():
                path = Path(folder) / f"{name}.html"
                save(root, path, options.side)
                pages[name] = browser.new_page(viewport=VIEWPORT)
                pages[name].goto(path.as_uri())
                pages[name].locator(ROOT).wait_for()
            compare(pages, options.rounds, options.moves)
        finally:
            if "before" in roots:
                subprocess.run([*git, "remove", "--force", str(roots["before"])], check=True)


if __name__ == "__main__":
    main()
