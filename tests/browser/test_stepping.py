"""Stepping into the code: of every step of the strip, of any function, of one tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

import ctxattn_viz as cv
from ctxattn_viz.recording.stage_calls import WHOLE_LAYER, record_stage
from ctxattn_viz.stages import STAGES
from tests.browser.drive import Debugger, home_cell, photo_run
from tests.browser.homes import Home

pytestmark = pytest.mark.recordings

WIDTHS = [390, 760, 1300]
TRIED = 10  # random steps of each code
SLIDE = """(slider, value) => {
    slider.value = String(value);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""


class Code:
    """The stepping view, wherever it is."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".ctx-stepping")
        self.root.locator(".ctx-made").wait_for()

    def stand(self, step: int) -> None:
        """Stand at a step, counted from 0."""
        self.root.locator('[data-set="step"]').evaluate(SLIDE, step + 1)
        self.settle()

    def settle(self) -> None:
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    @property
    def where(self) -> int:
        """The step, counted from 0."""
        return int(self.root.locator(".ctx-where b").first.inner_text()) - 1

    @property
    def expression(self) -> str:
        return self.root.locator(".ctx-expression").inner_text()

    @property
    def shape(self) -> tuple[int, ...]:
        text = self.root.locator("[data-shape]").get_attribute("data-shape")
        return tuple(int(each) for each in (text or "").split(",") if each)

    def element(self) -> tuple[tuple[int, ...], float] | None:
        """Which element is chosen, and its number; None where it was not kept."""
        found = self.root.locator("[data-element]")
        if not found.count():
            assert "not kept" in self.root.locator(".ctx-readout").inner_text()
            return None
        index, number = found.get_attribute("data-element"), found.get_attribute("title")
        assert number is not None
        number = number.replace("Infinity", "inf")
        return tuple(int(each) for each in (index or "").split(",") if each), float(number)

    def choose(self, x: float, y: float) -> None:
        """Click on the picture, at parts of its width and height."""
        canvas = self.root.locator('canvas[data-view="value"]')
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box
        self.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.settle()


def step_in(debugger: Debugger, stage: str) -> Code:
    """Step into a stage, as it is on screen."""
    close = debugger.root.locator('[data-do="close-code"]')
    if close.count():
        close.click()
    if stage == WHOLE_LAYER:
        debugger.do("step-in-forward")
    else:
        debugger.show(stage)
        debugger.do("step-in")
    return Code(debugger.page)


# A few stages say whether what is recorded gets there. Page and JupyterLab differ in who records.
EACH_TIME = {
    "page": ("matching_patches", "scores", "fused_rows", "output", WHOLE_LAYER),
    "lab": ("scores", "flow", WHOLE_LAYER),
}


@pytest.mark.parametrize(
    ("home", "stage"),
    [
        pytest.param(home, stage, marks=[pytest.mark.long] if is_long else [])
        for home in ("page", "lab")
        for stage in (*(each.key for each in STAGES), WHOLE_LAYER)
        for is_long in [stage not in EACH_TIME[home]]
    ],
    indirect=["home"],
)
def test_every_step_shows_pytorch_values(home: Home, stage: str) -> None:
    run, query = photo_run(), (4, 6)
    best = run["attention"].tensor.argmax(dim=-1)
    recording = record_stage(run, stage, query, best=best)
    code = step_in(home.open(run, query=query), stage)
    count = int(code.root.locator('[data-set="step"]').get_attribute("max") or 0)
    assert count == len(recording.steps)
    draw = np.random.default_rng(len(stage))
    order = draw.permutation(count)[:TRIED]
    read = 0
    for number in (*order, order[0]):  # forward and back
        step = recording.steps[number]
        code.stand(int(number))
        assert code.where == number
        if step.value is None:
            continue
        made = recording.values[step.value]
        assert code.shape == made.shape, step.expression
        if not made.tensor.numel():
            continue
        for is_clicked in (False, True):
            if is_clicked:
                x, y = draw.random(2)
                code.choose(float(x), float(y))
            if (element := code.element()) is None:
                assert made.tensor.numel() * 4 > 1 << 14, "small tensors are kept whole"
                continue
            index, shown = element
            meant = float(made.tensor[index].to(torch.float32))
            assert shown == pytest.approx(meant, rel=1e-5, abs=1e-7, nan_ok=True), step.expression
            read += 1
    assert read >= min(count, TRIED)


def test_the_arithmetic_adds_up(opened: Any) -> None:
    run = photo_run()
    code = step_in(opened(run, query=(4, 6)), "scores")
    recording = record_stage(run, "scores", (4, 6))
    at = next(i for i, step in enumerate(recording.steps) if step.operation == "matmul")
    code.stand(at)
    index, number = code.element() or ((), 0.0)
    code.root.locator('[data-do="terms"]').click()
    titles = code.root.locator(".ctx-arithmetic .ctx-link[title*=':']").evaluate_all(
        "(all) => all.map((node) => Number(node.title.split(':').at(-1)))"
    )
    factors = np.array(titles).reshape(-1, 2)
    assert len(factors) == 27
    assert float(factors.prod(axis=1).sum()) == pytest.approx(number, rel=1e-4)
    code.root.locator(".ctx-arithmetic .ctx-link").first.click()
    made = code.element()
    assert made is not None
    assert made[1] == pytest.approx(factors[0, 0], rel=1e-6)
    code.root.locator('[data-do="look-back"]').click()
    assert (code.element() or ((), 0))[0] == index


def test_another_query_is_asked_for_or_named(home: Home) -> None:
    debugger = home.open(photo_run(), query=(4, 6))
    code = step_in(debugger, "scores")
    assert "(4, 6)" in code.root.locator("> header h3").inner_text()
    code.stand(5)
    debugger.click(6, 3)
    if home.page.evaluate("() => 'ctxattn' in window && !!window.ctxattn.model"):  # a page
        code.root.locator(".ctx-lack").wait_for()
        assert "(4, 6)" in code.root.locator(".ctx-lack").inner_text()
        code.root.locator('[data-do="go-to-query"]').click()
        assert list(home.state("query")) == [4, 6]
    else:
        debugger.until(
            "(root) => root.querySelector('.ctx-stepping h3').innerText.includes('6, 3')"
        )
        assert code.where == 5  # the same code goes on where it was
    assert code.root.locator(".ctx-made").count() == 1


def test_keys_alone(opened: Any) -> None:
    run = photo_run()
    steps = record_stage(run, "scores", (4, 6)).steps
    debugger: Debugger = opened(run, query=(4, 6), stage="scores")
    keys = debugger.page.keyboard
    debugger.root.locator('[data-do="step-in"]').focus()
    keys.press("s")
    code = Code(debugger.page)
    assert debugger.page.evaluate("() => document.activeElement.className") == "ctx-stepping"
    last = int(code.root.locator('[data-set="step"]').get_attribute("max") or 0) - 1
    keys.press("End")
    assert code.where == last
    keys.press("b")
    keys.press("n")
    assert code.where == last
    keys.press("Home")
    assert code.where == 0
    keys.press("o")
    assert steps[code.where].depth < steps[0].depth
    before_call = next(i for i, step in enumerate(steps) if steps[i + 1].depth > step.depth)
    code.stand(before_call)
    keys.press("i")
    assert code.where == before_call + 1
    reached = set()
    for _ in range(40):  # everything that can be done is reached by Tab
        keys.press("Tab")
        reached.add(
            debugger.page.evaluate(
                "() => { const { dataset, className, tagName } = document.activeElement;"
                " return dataset.move ?? dataset.set ?? dataset.code ?? dataset.do"
                " ?? (className || tagName); }"
            )
        )
    assert {"next", "into", "out", "step", "forward", "close-code"} <= reached
    assert {"ctx-stack", "ctx-operand"} <= reached
    line = code.root.locator(".ctx-code:not([hidden]) .ctx-line button[tabindex='0']")
    line.focus()
    keys.press("ArrowDown")
    keys.press("Enter")
    code.settle()
    current = code.root.locator(".ctx-code:not([hidden]) [data-current='true'] button")
    assert current.get_attribute("aria-label") == debugger.page.evaluate(
        "() => document.activeElement.getAttribute('aria-label')"
    )
    keys.press("Escape")
    assert not code.root.count()
    assert debugger.page.evaluate("() => document.activeElement.dataset.do") in ("step-in", None)
    assert debugger.page.evaluate("() => ctxattn.model.get('query')") == [4, 6]
    keys.press("?")
    debugger.says("steps into the code")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("stage", ["scores", WHOLE_LAYER])
def test_axe_finds_nothing_serious(opened: Any, scheme: str, stage: str) -> None:
    context = {"color_scheme": scheme, "reduced_motion": "reduce"}
    debugger = opened(photo_run(), context, query=(4, 6))
    step_in(debugger, stage).stand(4)
    nothing_grave(debugger.page)


def nothing_grave(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_and_no_picture_moves(opened: Any, width: int) -> None:
    debugger: Debugger = opened(
        photo_run(), {"viewport": {"width": width, "height": 900}}, query=(4, 6), stage="scores"
    )

    def places() -> list[list[float]]:
        found: list[list[float]] = debugger.root.evaluate(
            "(root) => [...root.querySelectorAll('.ctx-panel canvas')].map((canvas) => {"
            " const { left, top } = canvas.getBoundingClientRect();"
            " return [left, top + scrollY]; })"
        )
        return found

    before = places()
    code = step_in(debugger, "scores")
    assert places() == before
    draw = np.random.default_rng(0)
    tops: set[float] = set()
    for number in draw.integers(0, 20, 8):
        code.stand(int(number))
        assert debugger.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (
            code.expression
        )
        tops.add(code.root.locator(".ctx-code:not([hidden])").evaluate("(node) => node.offsetTop"))
    assert len(tops) == 1


# ---- on its own ----


def walk(x: torch.Tensor, rounds: int) -> torch.Tensor:
    total = torch.zeros(4, 4)
    for i in range(rounds):
        for j in range(2):
            total = total + x[:, i : i + 1] * (j - 0.5)
    odd = (total - total.mean()).log()
    return odd @ x[:3]


@pytest.fixture
def walked(offline: Any, tmp_path: Path) -> Any:
    def open_page(**context: Any) -> Code:
        x = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
        view = cv.step_into(walk, x, 3)
        path = view.save(tmp_path / "walk.html")
        view.close()
        return Code(offline(path, **context))

    return open_page


def words(locator: Locator) -> str:
    return " ".join(locator.inner_text().split())


def test_any_function_can_be_stepped_up_to_where_it_failed(walked: Any) -> None:
    code: Code = walked()
    assert "This line failed: RuntimeError" in words(code.root.locator(".ctx-failure"))
    assert "x: 4 × 4" in words(code.root.locator(".ctx-failure"))
    code.page.keyboard.press("Tab")
    code.root.locator('[data-move="first"]').click()
    code.stand(next(i for i in range(40) if turn_is(code, i, "turn 3 of 3 · turn 2 of 2")))
    assert "×6" in words(code.root.locator(".ctx-code:not([hidden]) [data-current='true']"))


def turn_is(code: Code, step: int, turns: str) -> bool:
    code.stand(step)
    where = words(code.root.locator(".ctx-where"))
    return turns in where and "total +" in code.expression


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_it_alone(walked: Any, scheme: str) -> None:
    code: Code = walked(color_scheme=scheme, reduced_motion="reduce")
    nothing_grave(code.page)
    code.stand(3)
    nothing_grave(code.page)


def test_one_tensor_is_looked_at(offline: Any, tmp_path: Path) -> None:
    x = torch.randn(3, 5, 40, 30, generator=torch.Generator().manual_seed(0))
    x[1, 2, 3, 4], x[1, 2, 10, 11], x[1, 2, 20, 5] = torch.nan, torch.inf, -torch.inf
    view = cv.look(x)
    page = offline(view.save(tmp_path / "look.html"))
    view.close()
    code = Code(page)
    assert code.shape == (3, 5, 40, 30)
    assert "1 NaN, 2 infinite" in words(code.root.locator(".ctx-facts-of-value"))
    sliders = code.root.locator("[data-axis]")
    assert sliders.count() == 2
    sliders.nth(0).evaluate(SLIDE, 1)
    sliders.nth(1).evaluate(SLIDE, 2)
    for row, col in ((3, 4), (10, 11), (20, 5), (39, 29)):
        code.choose((col + 0.5) / 30, (row + 0.5) / 40)
        index, number = code.element() or ((), 0.0)
        assert index == (1, 2, row, col)
        assert number == pytest.approx(float(x[index]), rel=1e-6, nan_ok=True)
    shapes = glyphs(code, [(3, 4), (10, 11), (20, 5), (30, 20)])
    assert len({each.tobytes() for each in shapes}) == 4, "each has a glyph of its own"
    code.page.keyboard.press("ArrowLeft")


def glyphs(code: Code, places: list[tuple[int, int]]) -> list[np.ndarray]:
    """Which pixels of a few cells, and around them, are nearly white."""
    found = code.root.locator('canvas[data-view="value"]').evaluate(
        """(canvas, places) => places.map(([row, col]) => {
            const [across, down] = [canvas.width / 30, canvas.height / 40];
            const x = Math.round((col + 0.5) * across), y = Math.round((row + 0.5) * down);
            const { data } = canvas.getContext("2d").getImageData(x - 6, y - 6, 12, 12);
            return Array.from({ length: 144 }, (_, i) => Math.min(...data.slice(4 * i, 4 * i + 3)));
        })""",
        places,
    )
    return [np.array(each) > 250 for each in found]


def test_a_saved_page_opens_at_the_query_on_screen(opened: Any) -> None:
    run = photo_run()
    debugger = opened(run)
    code = step_in(debugger, "attention")
    assert str(home_cell(run)) in code.root.locator("> header h3").inner_text()
