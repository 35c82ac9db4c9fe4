"""Predict, then see the gap: each kind of question, right, wrong and skipped, with mouse and keys.

Ranks, shares and all other numbers on screen and in `answers` are compared with PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

import ctxattn_viz as cv
from tests.browser.drive import Debugger, close, features, is_colour_map, photo_run, two_maps
from tests.browser.homes import Home, PageHome

Cell = tuple[int, int]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
CELLS = [(3, 5), (1, 2), (6, 13)]
SHARPER = 60.0


# ---- the truth ----


class Row:
    """A query's row, from PyTorch."""

    def __init__(self, run: cv.Trace, cell: Cell, sample: int = 0) -> None:
        self.valid = run["valid"].tensor[sample].bool().flatten()
        self.fused = run["fused_scores"].tensor[(sample, *cell)].flatten()
        self.weights = run["attention"].tensor[(sample, *cell)].flatten()
        stride, (_, self.columns) = run.config.stride, run.patch_grid
        self.cells = [
            (stride * (q // self.columns), stride * (q % self.columns))
            for q in range(len(self.valid))
        ]
        masked = self.fused.masked_fill(~self.valid, -math.inf)
        self.best = self.cells[int(masked.argmax())]
        self.others = [self.cells[q] for q in masked.argsort(descending=True).tolist()]

    def share(self, cell: Cell) -> float:
        return self.weights[self.cells.index(cell)].item()

    def rank(self, cell: Cell) -> int:
        better = self.fused > self.fused[self.cells.index(cell)]
        return 1 + int((better & self.valid).sum())

    @property
    def top(self) -> float:
        return self.share(self.best)


def moved(run: cv.Trace, scale: float, cells: Sequence[Cell]) -> list[float]:
    """The part of each cell's weight that another scale moves."""
    config = run.config.replace(softmax_scale=scale)
    other = cv.trace(run.f, run.b, run.mask, config)
    rows = [(Row(run, cell).weights, Row(other, cell).weights) for cell in cells]
    return [0.5 * (before - after).abs().sum().item() for before, after in rows]


def agreement(run: cv.Trace) -> float:
    """Of the pairs of neighbours in the hole, the part with one offset."""
    offsets = run["offsets"].tensor[0]
    hole = run["downsampled_mask"].tensor[0, 0].bool()
    equal, pairs = 0, 0
    for step in ((1, 0), (0, 1)):
        h, w = hole.shape[0] - step[0], hole.shape[1] - step[1]
        both = hole[:h, :w] & hole[step[0] :, step[1] :]
        same = (offsets[:h, :w] == offsets[step[0] :, step[1] :]).all(dim=-1)
        equal, pairs = equal + int((same & both).sum()), pairs + int(both.sum())
    return equal / pairs


def percent(share: float) -> str:
    """As the page writes it."""
    value = 100 * share
    if value >= 99.5:
        return f"{round(value)} %"
    if value < 0.01:
        return "< 0.01 %"
    exact = Decimal(value)
    last = Decimal(1).scaleb(exact.adjusted() - 1)
    return f"{float(exact.quantize(last, ROUND_HALF_UP)):g} %"


# ---- what a person does ----


class Reader:
    """Who answers, with a mouse or by keys alone."""

    def __init__(self, debugger: Debugger, hand: str, patches: Cell) -> None:
        self.debugger, self.page = debugger, debugger.page
        self.is_mouse, self.patches = hand == "mouse", patches

    @property
    def story(self) -> str:
        return " ".join(self.debugger.root.locator(".ctx-ask .ctx-story").inner_text().split())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.debugger.settle()

    def point_at(self, cell: Cell) -> None:
        """Answer with a patch of the background, a cell away from another by each arrow."""
        if self.is_mouse:
            self.debugger.click(*cell, "background", self.patches)
            return
        self.debugger.root.locator('[aria-label="background"] .ctx-stack').focus()
        self.press("ArrowUp")  # a cross in the middle
        for at, size, names in zip(
            cell, self.patches, (("Up", "Down"), ("Left", "Right")), strict=True
        ):
            steps = at - size // 2
            self.press(*[f"Arrow{names[steps > 0]}"] * abs(steps))
        self.press("Enter")

    def slide_to(self, share: float) -> float:
        """Answer with a share, or one that is as near as a hand comes; returns that."""
        slider = self.debugger.root.locator(".ctx-ask-share input")
        if self.is_mouse:
            box = slider.bounding_box()
            assert box
            y = box["y"] + box["height"] / 2
            self.page.mouse.move(box["x"] + box["width"] / 2, y)  # the handle
            self.page.mouse.down()
            self.page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), y)
            self.page.mouse.up()
            reached = int(slider.input_value()) / 100
            self.debugger.do("answer")
            return reached
        slider.focus()
        self.press("Home", *["PageUp"] * int(10 * share))
        self.press(*["ArrowRight"] * (round(100 * share) - 10 * int(10 * share)), "Enter")
        return share

    def choose(self, which: int) -> None:
        option = self.debugger.root.locator(f'[data-guess="{which}"]')
        if self.is_mouse:
            option.check()
            self.debugger.do("answer")
            return
        self.debugger.root.locator('[data-guess="0"]').focus()
        self.press("Space", *["ArrowRight"] * which, "Enter")

    def skip(self) -> None:
        if self.is_mouse:
            self.debugger.do("skip")
        else:
            self.press("x")

    def go_on(self) -> None:
        if self.is_mouse:
            self.debugger.do("next-question")
        else:
            self.press("n")

    def is_hidden(self) -> bool:
        """No map, no boxes of matches, no list, no strip, no sentence."""
        root = self.debugger.root
        gone = ".ctx-side, .ctx-inspector, .ctx-strip, .ctx-lead, .ctx-marks .match, .ctx-ramp"
        root.locator('.ctx-ask[data-open="true"]').wait_for()
        return root.locator(gone).count() == 0 and self.debugger.colour_range() is None


def asked(home: Home, hand: str, run: cv.Trace, ask: list[Any], **options: Any) -> Reader:
    return Reader(home.open(run, ask=ask, **options), hand, run.patch_grid)


def answers(home: Home) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = home.state("answers")
    return told


# ---- each kind ----


def where_a_cell_looks(home: Home, hand: str) -> None:
    run = photo_run()
    cell = (5, 7)
    row = Row(run, cell)
    wrong = row.others[13]
    reader = asked(home, hand, run, [{"kind": "where", "cell": cell}] * 3)
    assert "Where will cell (5, 7) in the hole look?" in reader.story
    assert reader.is_hidden()
    reader.point_at(row.best)
    assert f"Yes: patch {row.best} is the best of {int(row.valid.sum())}" in reader.story
    assert reader.story.endswith(f"with {percent(row.top)}.")
    reader.go_on()
    assert reader.is_hidden()
    reader.point_at(wrong)
    assert f"is number {row.rank(wrong)} of" in reader.story
    assert f"gets {percent(row.share(wrong))}. The best, patch {row.best}" in reader.story
    debugger = reader.debugger
    close(debugger.row("attention"), row.weights)
    is_colour_map(
        debugger.painted("background", run.patch_grid),
        row.weights.double().numpy(),
        debugger.colour_range(),
    )
    cross = debugger.root.locator('[aria-label="background"] .ctx-marks .guess').bounding_box()
    assert cross
    middle = (cross["x"] + cross["width"] / 2, cross["y"] + cross["height"] / 2)
    assert middle == pytest.approx(debugger.point(*wrong, "background", run.patch_grid), abs=1.5)
    reader.go_on()
    reader.skip()
    assert debugger.root.locator(".ctx-ask").count() == 0
    debugger.step("Softmax").wait_for()
    right, gap, skipped = answers(home)
    common = {"kind": "where", "sample": 0, "cell": list(cell), "truth": list(row.best)}
    for number, (answer, guess) in enumerate(((right, row.best), (gap, wrong))):
        assert answer == common | {
            "question": number,
            "guess": list(guess),
            "rank": row.rank(guess),
            "share": pytest.approx(row.share(guess), rel=1e-4),
            "skipped": False,
        }
    nothing = {"guess": None, "rank": None, "share": None}
    assert skipped == common | nothing | {"question": 2, "skipped": True}


def the_share_of_the_best(home: Home, hand: str) -> None:
    run = photo_run(cv.AttentionConfig(softmax_scale=2.0))
    cell = (5, 7)
    row = Row(run, cell)
    ask = [{"kind": "share", "cell": cell}, "share", "share"]
    reader = asked(home, hand, run, ask)
    assert reader.is_hidden()
    right = reader.slide_to(round(row.top, 2))
    assert reader.story.startswith("Close: ")
    assert f"patch {row.best} gets {percent(row.top)}" in reader.story
    reader.go_on()
    far = reader.slide_to(round(row.top, 2) + 0.24)
    sums = row.weights.sort(descending=True).values.cumsum(0)
    count = 1 + int((sums < far).sum())
    assert f"It takes the best {count} together to get {percent(far)}." in reader.story
    bar = reader.debugger.root.locator(".ctx-ask-gauge .ctx-track > span")
    width = float((bar.get_attribute("style") or "").split(":")[1].rstrip("%;"))
    assert width == pytest.approx(100 * row.top, rel=1e-4)
    reader.go_on()
    reader.skip()
    told = answers(home)
    assert [answer["guess"] for answer in told] == [pytest.approx(right), pytest.approx(far), None]
    assert all(answer["truth"] == pytest.approx(row.top, rel=1e-4) for answer in told)
    assert [answer["skipped"] for answer in told] == [False, False, True]


def what_a_sharper_softmax_changes(home: Home, hand: str) -> None:
    run = photo_run()
    parts = moved(run, SHARPER, CELLS)
    most = parts.index(max(parts))
    least = parts.index(min(parts))
    ask = [{"kind": "sharper", "cells": CELLS, "scale": SHARPER}] * 3
    reader = asked(home, hand, run, ask)
    assert "Let softmax_scale go from 10 to 60" in reader.story
    reader.choose(most)
    assert f"Yes: cell {CELLS[most]} changes most: {percent(parts[most])}" in reader.story
    reader.go_on()
    reader.choose(least)
    assert f"Cell {CELLS[most]} changes most" in reader.story
    assert f"moves {percent(parts[least])}" in reader.story
    cells = reader.debugger.root.locator(".ctx-ask-changes tbody td:nth-child(4)")
    drawn = cells.evaluate_all("(all) => all.map((node) => Number(node.title))")
    assert drawn == pytest.approx(parts, rel=1e-3)
    reader.go_on()
    reader.skip()
    told = answers(home)
    assert all(answer["truth"] == list(CELLS[most]) for answer in told)
    assert [answer["rank"] for answer in told] == [1, 3, None]
    assert told[1]["share"] == pytest.approx(parts[least], rel=1e-3)


def which_output_was_fused(home: Home, hand: str) -> None:
    run = photo_run()
    plain = cv.trace(run.f, run.b, run.mask, run.config.replace(fuse=False))
    ask = [{"kind": "fusion", "fused": "B"}] * 3
    reader = asked(home, hand, run, ask)
    debugger = reader.debugger
    grid = (run.f.shape[2], run.f.shape[3])
    for number, which in enumerate((1, 0)):
        debugger.says("inside the line lies the hole")  # both are there
        for name, output in (("A", plain), ("B", run)):
            canvas = debugger.root.locator(f'canvas[data-output="{name}"]')
            picture = output["output"].tensor[0].permute(1, 2, 0)
            drawn = torch.tensor(debugger.cells(canvas, grid))[..., :3] / 127.5 - 1
            torch.testing.assert_close(drawn, picture.clamp(-1, 1), rtol=0, atol=0.01)
        reader.choose(which)
        assert reader.story.startswith("Yes: B had" if which else "No: B had"), number
        assert f"side by side in the hole, {percent(agreement(run))} take" in reader.story
        assert reader.story.endswith(f"without fusion {percent(agreement(plain))}.")
        reader.go_on()
    reader.skip()
    told = answers(home)
    assert [answer["guess"] for answer in told] == ["B", "A", None]
    assert [answer["truth"] for answer in told] == ["B", "B", "B"]


KINDS = [
    where_a_cell_looks,
    the_share_of_the_best,
    what_a_sharper_softmax_changes,
    which_output_was_fused,
]


# In the ordinary suite keys answer on a page and a mouse in JupyterLab, in the long one both do.
@pytest.mark.parametrize("hand", [pytest.param("mouse", marks=pytest.mark.long), "keys"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_on_a_page(kind: Any, hand: str, opened: Any) -> None:
    kind(PageHome(opened), hand)


@pytest.mark.parametrize("hand", ["mouse", pytest.param("keys", marks=pytest.mark.long)])
def test_in_jupyterlab(hand: str, notebook: Any) -> None:
    for kind in KINDS:
        kind(notebook, hand)
    notebook.python("debugger.answers = []")  # asks all again
    notebook.debugger().says("Question 1 of 3")


# ---- other circumstances ----


def test_the_truth_follows_a_hole_that_is_painted(opened: Any) -> None:
    run = photo_run()
    row = Row(run, (5, 7))
    page: Debugger = opened(run, ask=[{"kind": "where", "cell": (5, 7)}])
    y, x = row.best
    page.drag("rectangle", (2 * y, 2 * x), (2 * y + 1, 2 * x + 1))
    page.settle_output()
    mask = run.mask_at_b.clone()
    mask[..., 2 * y : 2 * y + 2, 2 * x : 2 * x + 2] = 1
    now = Row(cv.trace(run.f, run.b, mask, run.config), (5, 7))
    assert now.best != row.best
    assert page.colour_range() is None
    reader = Reader(page, "mouse", run.patch_grid)
    reader.point_at(row.best)
    assert "touches the hole: it may not be pasted" in reader.story
    assert f"The best, patch {now.best}, gets {percent(now.top)}" in reader.story


def test_f_unlike_b_in_another_sample(opened: Any) -> None:
    first, second = two_maps(), two_maps()
    f, b = torch.cat([first.f, features(3, 24, 18, 5)]), torch.cat([second.b, -second.b])
    run = cv.trace(f, b, None, cv.AttentionConfig(stride=2))
    row = Row(run, (7, 3), sample=1)
    guess = row.others[4]
    page: Debugger = opened(run, ask=[{"kind": "where", "cell": (7, 3), "sample": 1}])
    gh, gw = run.patch_grid
    page.click(guess[0] // 2, guess[1] // 2, "background", (gh, gw))
    (answer,) = page.page.evaluate("() => ctxattn.model.get('answers')")
    assert answer["sample"] == 1
    assert answer["guess"] == list(guess)
    assert answer["truth"] == list(row.best)
    assert answer["rank"] == row.rank(guess) == 5
    assert answer["share"] == pytest.approx(row.share(guess), rel=1e-4)


def test_nothing_is_asked_where_every_patch_touches_the_hole(opened: Any) -> None:
    f = features(3, 16, 16)
    run = cv.trace(f, f, torch.ones(1, 1, 16, 16))
    page: Debugger = opened(run, ask=[{"kind": "where", "cell": (2, 3)}, "share"])
    reader = Reader(page, "keys", run.patch_grid)
    assert "There is nothing to predict for cell (2, 3)" in reader.story
    reader.press("n", "n")
    page.step("Softmax").wait_for()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_with_a_finger_and_for_axe(opened: Any, scheme: str) -> None:
    run = photo_run()
    ask = [
        {"kind": "where", "cell": (5, 7)},
        "share",
        {"kind": "sharper", "cells": CELLS},
        "fusion",
    ]
    page: Debugger = opened(run, PHONE | {"color_scheme": scheme}, ask=ask)
    for _ in range(2):
        page.tap(2, 3, "background")
    reader = Reader(page, "keys", run.patch_grid)
    for _ in ask:
        found = Axe().run(page.page).response["violations"]
        grave = [each for each in found if each["impact"] in ("serious", "critical")]
        assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]
        wide = page.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 390
        reader.press("x", "n")
