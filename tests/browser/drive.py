"""A debugger on a page, driven as a person would: moved over, clicked, read back in numbers."""

from __future__ import annotations

import re
import time
from typing import Any

import matplotlib
import numpy as np
import torch
from playwright.sync_api import Locator, Page

import ctxattn_viz as cv
from ctxattn_viz.stages import MATRICES, STAGES

ROOT = '[data-ctxattn="debugger"]'
# The colour of each cell's middle, from the canvas's own pixels.
CELLS = """(canvas, [rows, cols]) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return Array.from({ length: rows * cols }, (_, i) => {
        const y = Math.floor((Math.floor(i / cols) + 0.5) * height / rows);
        const x = Math.floor((i % cols + 0.5) * width / cols);
        return Array.from(data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4));
    });
}"""


class Debugger:
    """One debugger; `grid` is its query grid (h, w)."""

    def __init__(self, page: Page, grid: tuple[int, int], which: int = 0) -> None:
        self.page, self.grid = page, grid
        self.root: Locator = page.locator(ROOT).nth(which)
        self.root.wait_for()

    def canvas(self, view: str) -> Locator:
        return self.root.locator(f'canvas[data-view="{view}"]')

    def point(self, row: int, col: int, view: str, cells: Any) -> tuple[float, float]:
        """Where the middle of a cell of a view is in the window, x and y."""
        rows, cols = cells or self.grid
        self.canvas(view).scroll_into_view_if_needed()
        box = self.canvas(view).bounding_box()
        assert box
        x = box["x"] + (col + 0.5) * box["width"] / cols
        y = box["y"] + (row + 0.5) * box["height"] / rows
        return x, y

    def move(self, row: int, col: int, view: str = "foreground", cells: Any = None) -> None:
        """Move the mouse over a cell of a view; `cells` if they are not the query grid's."""
        self.page.mouse.move(*self.point(row, col, view, cells))
        self.settle()

    def click(self, row: int, col: int, view: str = "foreground", cells: Any = None) -> None:
        self.move(row, col, view, cells)
        self.page.mouse.down()
        self.page.mouse.up()
        self.settle()

    def tap(self, row: int, col: int, view: str = "foreground", cells: Any = None) -> None:
        """As `click`, with a finger."""
        self.page.touchscreen.tap(*self.point(row, col, view, cells))
        self.settle()

    def drag(self, tool: str, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drag a tool from pixel to pixel of the foreground, and take Look in hand again."""
        size = (2 * self.grid[0], 2 * self.grid[1])
        self.settle_output()
        self.root.locator(f'[data-tool="{tool}"]').click()
        self.settle()
        self.move(*start, cells=size)
        self.page.mouse.down()
        self.move(*end, cells=size)
        self.page.mouse.up()
        self.root.locator('[data-tool="look"]').click()
        self.settle()

    def do(self, name: str) -> None:
        """Press what does something; what lies in a menu is found in it."""
        button = self.root.locator(f'[data-do="{name}"]')
        menu = self.root.locator(".ctx-menu").filter(has=self.page.locator(f'[data-do="{name}"]'))
        if menu.count():
            menu.locator("> button").click()
        button.click()
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def data(self, name: str) -> str:
        value = self.root.get_attribute(f"data-{name}")
        assert value is not None
        return value

    def show(self, stage: str) -> None:
        """Choose a stage: the tile of its step, then its tab where a step has several."""
        step = next(each.step for each in STAGES if each.key == stage)
        self.step(step).click()
        tab = self.root.locator(f'[data-focus="tab-{stage}"]')
        if tab.count():
            tab.click()
        self.expect("stage", stage)
        self.settle()

    @property
    def steps(self) -> Locator:
        """The tiles of the strip."""
        return self.root.locator(".ctx-strip .ctx-step")

    def step(self, name: str) -> Locator:
        """The tile of a step."""
        names = list(dict.fromkeys(each.step for each in STAGES))
        return self.steps.nth(names.index(name))

    def facts(self, stage: str) -> str:
        """What a tile says of a stage when it is pointed at: its axes, then its numbers."""
        stage_entry = next(each for each in STAGES if each.key == stage)
        title = self.step(stage_entry.step).get_attribute("title") or ""
        before, _, after = title.partition(f"{stage_entry.title}: ")
        assert not before or before.endswith("\n")
        assert after, f"{stage_entry.title} is not in {title!r}"
        return "\n".join(after.split("\n")[:2])

    def terms(self, name: str) -> list[float]:
        """The numbers of a term of the equation, exactly as they say when pointed at."""
        return exact(self.root.locator(f'.ctx-inspector [data-term="{name}"]'))

    @property
    def result(self) -> list[float]:
        """What comes out of the equation, exactly."""
        return exact(self.root.locator(".ctx-term-result .ctx-term-value [data-term]"))

    def until(self, condition: str, argument: Any = None, seconds: float = 20) -> None:
        """Wait until a JavaScript function of the root is true.

        Asked again and again: a handle to the root would keep it from being collected.
        """
        deadline = time.monotonic() + seconds
        while not self.root.evaluate(condition, argument):
            assert time.monotonic() < deadline, f"never became true: {condition} of {argument!r}"
            self.page.wait_for_timeout(20)

    def expect(self, name: str, value: str) -> None:
        self.until("(root, [name, value]) => root.dataset[name] === value", [name, value])

    def says(self, pattern: str) -> None:
        self.until("(root, pattern) => new RegExp(pattern, 'i').test(root.innerText)", pattern)

    def expect_text(self, selector: str, text: str) -> None:
        self.until(
            "(root, [selector, text]) => root.querySelector(selector)?.innerText === text",
            [selector, text],
        )

    def row(self, stage: str) -> np.ndarray:
        """The numbers drawn for the query at a stage."""
        read = "(root, stage) => Array.from(root.debuggerRow(stage) ?? [])"
        return np.array(self.root.evaluate(read, stage), dtype=np.float64)

    def colour_range(self) -> dict[str, Any]:
        found: dict[str, Any] = self.root.evaluate("(root) => root.debuggerRange()")
        return found

    def painted(self, view: str, cells: tuple[int, int]) -> np.ndarray:
        """`(rows, cols, 4)`: the colour in the middle of each cell of a canvas."""
        return self.cells(self.canvas(view), cells)

    def tile(self, which: int, cells: tuple[int, int]) -> np.ndarray:
        """As `painted`, of one of the pictures in the equation."""
        return self.cells(self.root.locator(".ctx-term-picture canvas").nth(which), cells)

    def thumbnail(self, step: str, cells: tuple[int, int], which: int = 0) -> np.ndarray:
        """As `painted`, of a small picture in a tile of the strip."""
        return self.cells(self.step(step).locator(".ctx-thumb canvas").nth(which), cells)

    def cells(self, canvas: Locator, cells: tuple[int, int]) -> np.ndarray:
        """As `painted`, of any canvas."""
        found = canvas.evaluate(CELLS, list(cells))
        return np.array(found, dtype=int).reshape(*cells, 4)

    def settle_output(self) -> None:
        """Wait until no output is being computed."""
        self.until("(root) => root.getAttribute('aria-busy') !== 'true'")


def exact(numbers: Locator) -> list[float]:
    """What numbers on screen are exactly: they say so when pointed at."""
    titles = numbers.evaluate_all("(all) => all.map((node) => node.title)")
    return [float(title.split()[-1]) for title in titles]


def shown(text: str) -> list[float]:
    """The numbers in a text, as far as it shows them."""
    return [float(each.replace("−", "-")) for each in re.findall(r"−?\d+\.?\d*(?:e−?\d+)?", text)]


def home_cell(run: cv.Trace) -> tuple[int, int]:
    """The cell that is shown while nothing is pointed at: nearest to the middle of the hole."""
    mask = run["downsampled_mask"].tensor[0, 0]
    assert run.query_grid == mask.shape, "the hole is in b alone"
    cells = mask.nonzero().double()
    if not len(cells):
        return run.query_grid[0] // 2, run.query_grid[1] // 2
    row, col = cells[(cells - cells.mean(dim=0)).norm(dim=1).argmin()].long().tolist()
    return row, col


def close(reached: np.ndarray, meant: Any, bound: float = 1e-4) -> None:
    """Equal to `bound` of the row's largest magnitude."""
    wanted = np.asarray(meant, dtype=np.float64).ravel()
    assert reached.shape == wanted.shape
    top = np.nanmax(np.abs(wanted), initial=0.0)
    np.testing.assert_allclose(reached, wanted, rtol=0, atol=bound * top + 1e-12)


def is_colour_map(painted: np.ndarray, values: np.ndarray, shown: dict[str, Any]) -> None:
    """Every cell is the colour map of its value, within one level of the 256.

    cividis for what has no sign, PuOr reversed for what has one: matplotlib's own tables. Where a
    map without a sign is at its lowest level the cell is open: the picture shows through.
    """
    name = "PuOr_r" if shown["signed"] else "cividis"
    table = np.round(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255)
    scaled = 255 * (values.ravel() - shown["low"]) / (shown["high"] - shown["low"])
    level = np.round(np.clip(scaled, 0, 255)).astype(int)
    closed = (scaled > 0.51) | shown["signed"]
    assert closed.any(), "there is nothing to compare"
    near = np.clip(level[:, None] + np.array([-1, 0, 1]), 0, 255)
    cells = painted.reshape(-1, 4)[:, :3]
    distance = np.abs(table[near] - cells[:, None]).max(axis=2).min(axis=1)
    wrong = np.flatnonzero((distance > 1) & closed)
    assert not wrong.size, (
        f"{wrong.size} of {closed.sum()} cells are not {name}: the first, {wrong[0]}, "
        f"is {cells[wrong[0]]} for level {level[wrong[0]]}, which is {table[level[wrong[0]]]}"
    )


def features(channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, height, width, generator=draw) * 2 - 1


def photo_run(config: cv.AttentionConfig | None = None, size: int = 32) -> cv.Trace:
    """A photograph with a hole, as the command line makes it."""
    photo = cv.samples.photograph("chelsea", size)
    shape = (photo.shape[2], photo.shape[3])
    mask = cv.samples.rectangle(
        shape, shape[0] * 3 // 8, shape[1] * 5 // 16, shape[0] // 2, shape[1] // 4
    )
    f = cv.samples.coarse_fill(photo, mask)
    return cv.trace(f, f, mask, config)


def two_maps(config: cv.AttentionConfig | None = None, channels: int = 3) -> cv.Trace:
    """f and b of different sizes, with a hole in b."""
    mask = torch.zeros(1, 1, 20, 28)
    mask[..., 4:11, 7:16] = 1
    f, b = features(channels, 24, 18), features(channels, 20, 28, 1)
    return cv.trace(f, b, mask, config)


def meant_row(run: cv.Trace, stage: str, row: int, col: int) -> torch.Tensor:
    """The numbers that a stage holds for a query, from PyTorch."""
    query = run.query(row, col)
    tensor = run[stage].tensor
    if stage in MATRICES or stage == "valid":
        return query[stage]
    if stage in ("matching_patches", "paste_patches"):
        return tensor[0, query.best(1)[0].index]
    if stage == "output":
        return query.patch
    if stage in ("offsets", "flow"):
        return run["offsets"].tensor[0, row, col]
    return tensor[0, :, row, col] if stage == "downsampled_f" else tensor[0]
