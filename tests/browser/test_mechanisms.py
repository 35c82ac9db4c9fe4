"""Each step in motion: the numbers at six ticks are PyTorch's; keys, mouse, reduced motion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

import ctxattn_viz as cv
from ctxattn_viz.stages import STAGES
from ctxattn_viz.stages.fused_softmax import logits, neighbours
from ctxattn_viz.stages.patch_extraction import query_patches
from tests.browser.drive import Debugger, exact, photo_run
from tests.browser.homes import Home, PageHome

SLIDE = """(slider, value) => {
    slider.value = String(value);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""
QUERY = (4, 6)
IN_LAB = ("scores", "fused_scores", "output")  # the page is the same: some show that it is
GRAVE = ("serious", "critical")


class Moving:
    """The mechanism of the stage on screen."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.root = debugger.root.locator(".ctx-mechanism")
        self.slider = self.root.locator('[data-set="tick"]')

    @property
    def last(self) -> int:
        return int(self.slider.get_attribute("max") or 0)

    @property
    def tick(self) -> int:
        return int(self.root.get_attribute("data-tick") or 0)

    def stand(self, tick: int) -> None:
        self.slider.evaluate(SLIDE, tick)
        self.debugger.settle()

    def numbers(self, name: str) -> list[float]:
        """What the sentence says of a number, exactly."""
        return exact(self.root.locator(f'.ctx-tick [data-term="{name}"]'))


def moved(at: int, shift: int, grid: tuple[int, int], order: str) -> int:
    cells, inside = neighbours(torch.tensor([at]), shift, grid, order)
    return int(cells[0]) if at >= 0 and inside[0] else -1


class Truth:
    """What PyTorch has for a query beside its best match, tick by tick."""

    def __init__(self, run: cv.Trace, query: tuple[int, int]) -> None:
        self.run, self.query = run, query
        self.p = query[0] * run.query_grid[1] + query[1]
        self.row = run.query(*query)
        self.q = int(self.row.order[0])

    def matrix(self, key: str) -> torch.Tensor:
        return self.run[key].tensor.flatten(1, 2)[0].flatten(1)

    def pairs(self) -> list[list[float]]:
        """The scores that both passes of the fusion add, line by line."""
        scores, queries, patches = self.matrix("scores"), self.run.query_grid, self.run.patch_grid
        lines = []
        for e in (-1, 0, 1):
            p1, q1 = moved(self.p, e, queries, "columns"), moved(self.q, e, patches, "columns")
            ps = [moved(p1, d, queries, "rows") for d in (-1, 0, 1)]
            qs = [moved(q1, d, patches, "rows") for d in (-1, 0, 1)]
            pairs = zip(ps, qs, strict=True)
            lines.append([float(scores[p, q]) if min(p, q) >= 0 else 0.0 for p, q in pairs])
        return lines

    def at(self, stage: str, tick: int, last: int) -> dict[str, Any]:
        """Some numbers of the sentence at a tick, by their names."""
        run, (y, x) = self.run, self.query
        match stage:
            case "downsampled_f":
                small = run["downsampled_f"].tensor[0]
                (h, w), (rows, cols) = small.shape[1:], (min(12, s) for s in small.shape[1:])
                top = max(0, min(y - rows // 2, h - rows))
                left = max(0, min(x - cols // 2, w - cols))
                return {"kept": small[:, top + tick // cols, left + tick % cols]}
            case "matching_patches" | "paste_patches":
                return {"patch": [tick], "numbers": [run[stage].tensor[0, tick].numel()]}
            case "valid":
                count = int(run["valid"].tensor[0, : tick + 1].sum())
                return {"valid": [count], "out": [tick + 1 - count]}
            case "scores":
                queries = query_patches(run["downsampled_f"].tensor, run.config).flatten(1, 2)
                key = run["matching_patches"].tensor[0, self.q]
                products = (queries[0, self.p] * key).flatten().double()
                if tick == last:
                    return {"sum": [products.sum()], "score": [self.row.scores.flatten()[self.q]]}
                if tick == 0:
                    return {}
                return {"product": [products[tick - 1]], "sum": [products[:tick].sum()]}
            case "fused_rows":
                own = self.pairs()[1]
                return {"added": [own[tick - 1]], "sum": [sum(own[:tick])]} if tick else {}
            case "fused_scores":
                lines = self.pairs()
                if tick == last:
                    return {"fused": [self.matrix("fused_scores")[self.p, self.q]]}
                if 0 < tick <= 9:
                    line, done = divmod(tick - 1, 3)
                    return {"sum": [sum(lines[line][: done + 1])]}
                return {"sum": [sum(map(sum, lines[: tick - 10]))]} if tick > 10 else {}
            case "attention":
                logit = logits(run["fused_scores"].tensor, run["valid"].tensor, run.config)
                logit = logit.flatten(1, 2)[0, self.p].double()
                parts = (logit - logit.max()).exp()
                ordered = parts[run["valid"].tensor[0]].sort(descending=True).values
                if tick == last - 1:
                    share = self.matrix("attention")[self.p, self.q]
                    return {"sum": [parts.sum()], "share": [share]}
                return {"sum": [ordered[: tick - 3].sum()]} if 4 <= tick <= 11 else {}
            case "output":
                pixel = run.pixel(y * 2 + 1, x * 2 + 1)
                if tick == last:
                    return {"value": run["output"].tensor[0, :, y * 2 + 1, x * 2 + 1]}
                if (collected := tick - 10) > 0:
                    return {"sum": sum(term.contribution for term in pixel.terms[:collected])}
                return {"laid": [tick]} if 0 < tick < 10 else {}
            case "downsampled_b" | "downsampled_mask":
                return {}
            case _:
                offset = run["offsets"].tensor[0, y, x]
                return {"down": [offset[0]], "right": [offset[1]]} if tick == last else {}


def nothing_grave(page: Page) -> None:
    found = Axe().run(page, context=".ctx-inspector").response["violations"]
    grave = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in GRAVE]
    assert not grave


def six(last: int) -> Iterator[int]:
    yield from sorted({0, 1, last // 3, last // 2, last - 1, last})


def test_six_ticks_of_each_step_are_pytorchs(home: Home) -> None:
    run = photo_run()
    debugger = home.open(run, query=QUERY)
    truth = Truth(run, QUERY)
    debugger.do("watch")
    checked = set()
    in_page = isinstance(home, PageHome)
    for stage in (each.key for each in STAGES) if in_page else IN_LAB:
        debugger.show(stage)
        moving = Moving(debugger)
        assert moving.tick == 0, "it begins at the beginning"
        for tick in six(moving.last):
            moving.stand(tick)
            for name, meant in truth.at(stage, tick, moving.last).items():
                wanted = [float(value) for value in meant]
                reached = moving.numbers(name)
                assert reached == pytest.approx(wanted, rel=1e-4, abs=1e-5), (stage, tick, name)
                checked.add((stage, name))
    assert len(checked) >= (18 if in_page else 6)
    debugger.do("watch")
    assert not moving.root.count()


def test_keys_mouse_and_what_stays(opened: Any) -> None:
    debugger = opened(photo_run(), query=QUERY, stage="fused_scores")
    page, moving = debugger.page, Moving(debugger)
    page.keyboard.press("m")
    assert moving.tick == 0
    for key, tick in ((".", 1), (".", 2), (",", 1)):
        page.keyboard.press(key)
        assert moving.tick == tick
    moving.slider.focus()
    page.keyboard.press("End")
    assert moving.tick == moving.last == 14
    page.keyboard.press("Home")
    assert moving.tick == 0
    moving.root.locator('[data-do="tick-on"]').click()
    page.keyboard.press("End")  # on a button, too
    assert moving.tick == 14
    nothing_grave(page)

    # Another cell while it stands still: the same tick of another query.
    page.keyboard.press("Escape")
    assert not moving.root.count(), "Escape within it closes it"
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    moving.stand(5)
    before = moving.root.inner_text()
    debugger.move(2, 3)
    assert (moving.tick, moving.root.inner_text() == before) == (5, False)

    # While it plays its subject stays, and it ends at the last tick.
    page.keyboard.press("k")
    told = moving.root.locator('[aria-label^="the queries"]').inner_html
    middle = told()
    debugger.move(7, 7)
    assert moving.root.locator('[data-playing="true"]').count()
    assert moving.root.locator("th.q").first.inner_text() in middle
    page.keyboard.press("k")
    assert moving.root.locator('[data-playing="false"]').count()

    # Another step begins at its beginning.
    page.keyboard.press("]")
    debugger.settle()
    assert (moving.tick, debugger.data("stage")) == (0, "attention")


def test_it_plays_to_the_end_and_with_reduced_motion_tick_by_tick(opened: Any) -> None:
    ticks = """(root) => {
        window.seen = [];
        const note = () => window.seen.push(+root.querySelector(".ctx-mechanism").dataset.tick);
        new MutationObserver(note).observe(root, { subtree: true, attributeFilter: ["data-tick"] });
    }"""
    for motion in ("no-preference", "reduce"):
        context = {"reduced_motion": motion}
        debugger = opened(photo_run(), context, query=QUERY, stage="fused_rows")
        debugger.page.clock.install()
        debugger.do("watch")
        debugger.root.evaluate(ticks)
        debugger.page.clock.run_for(3000)
        assert debugger.page.evaluate("seen") == [], "nothing plays by itself"
        debugger.page.keyboard.press("k")
        debugger.page.clock.run_for(6000)
        assert debugger.page.evaluate("seen") == [1, 2, 3]
        assert Moving(debugger).root.locator('[data-playing="false"]').count()
