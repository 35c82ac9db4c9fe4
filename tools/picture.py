"""README's picture of the debugger: `python -m tools.picture` writes docs/debugger.png.

It is what `python -m ctxattn_viz -o page.html` shows, at the cell in the middle of its hole.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import ctxattn_viz as cv
from ctxattn_viz.cli import EXAMPLE, EXAMPLE_HOLE, EXAMPLE_SIDE
from tests.browser.chromium import ADVICE, find

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "debugger.png"
WIDTH = 1240  # of the window, in pixels; the picture is as high as the page


def save_page(path: Path, stage: str) -> None:
    """The example as a page that opens at one stage and keeps one query."""
    photo = cv.samples.photograph(EXAMPLE, EXAMPLE_SIDE)
    mask = cv.samples.rectangle(photo.shape[2:], *EXAMPLE_HOLE)
    coarse = cv.samples.coarse_fill(photo, mask)
    trace = cv.trace(coarse, coarse, mask)
    top, left, height, width = EXAMPLE_HOLE
    rate = trace.config.rate
    query = ((top + height // 2) // rate, (left + width // 2) // rate)
    title = f"Contextual attention: {EXAMPLE}, coarsely filled"
    cv.debug(trace, query=query, stage=stage, title=title).save_page(path)


def draw(page: Path, picture: Path) -> None:
    """What a Chromium shows of a page, from its top to its end."""
    program = find(install=False)
    if program is None:
        raise SystemExit(ADVICE.format(python="python"))
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        window = browser.new_page(viewport={"width": WIDTH, "height": 1000}, offline=True)
        window.goto(page.as_uri())
        window.wait_for_timeout(3000)  # the page computes the row and the output
        window.screenshot(path=picture, full_page=True)
        browser.close()


def main(arguments: list[str] | None = None) -> None:
    """Draw the picture anew."""
    parser = argparse.ArgumentParser(prog="picture", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", default="scores", help="where it opens (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        save_page(page := Path(folder) / "page.html", options.stage)
        draw(page, PICTURE)


if __name__ == "__main__":
    main()
