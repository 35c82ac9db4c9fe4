"""The look: what comes first, what stays in its place, thumbnails, regions, tables, files."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.drive import (
    Debugger,
    close,
    exact,
    home_cell,
    is_colour_map,
    photo_run,
    shown,
)

WIDTHS = [390, 760, 1000, 1300]
KNOWN = "() => ctxattn.model.get('query')"  # what is told: a cell that is kept


def at_width(width: int, **context: Any) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 900}, **context}


def box(debugger: Debugger, selector: str) -> dict[str, float]:
    found = debugger.root.locator(selector).first.bounding_box()
    assert found, f"{selector} is not to be seen"
    return dict(found)


# ---- it opens with a query shown, not kept ----


def test_it_opens_with_a_query_shown_and_not_kept(opened: Any) -> None:
    run = photo_run()
    row, col = home_cell(run)
    debugger: Debugger = opened(run)
    assert debugger.data("query") == f"{row},{col}"
    assert debugger.page.evaluate(KNOWN) is None
    close(debugger.row("attention"), run.query(row, col).attention)
    assert f"Cell ({row}, {col})" in debugger.root.locator(".ctx-story").inner_text()
    debugger.move(1, 2)
    assert debugger.data("query") == "1,2"
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    assert debugger.data("query") == f"{row},{col}"
    assert debugger.page.evaluate(KNOWN) is None


FOCUS = [
    "body",
    '[data-do="play"]',
    '[data-set="dialect"]',
    '[data-set="softmax_scale"]',
    '[data-tool="look"]',
    ".ctx-step",
    ".ctx-matches button",
    ".ctx-inspector button",
    ".ctx-stack",
]


def test_escape_lets_go_wherever_the_focus_is(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run)
    home = "{},{}".format(*home_cell(run))
    for focus in FOCUS:
        debugger.click(2, 3)
        assert debugger.page.evaluate(KNOWN) == [2, 3]
        debugger.page.mouse.move(1, 1)
        if focus == "body":
            debugger.page.evaluate("() => document.activeElement.blur()")
        else:
            debugger.root.locator(focus).first.focus()
        debugger.page.keyboard.press("Escape")
        debugger.settle()
        assert debugger.page.evaluate(KNOWN) is None, focus
        assert debugger.data("query") == home, focus


def test_what_was_done_is_said_though_the_mouse_is_on_the_control(opened: Any) -> None:
    debugger: Debugger = opened(photo_run())
    status = debugger.root.locator(".ctx-status")
    facts = status.inner_text()
    debugger.root.locator('[data-do="pin"]').hover()
    assert status.inner_text().startswith("Keeps this run as A")
    debugger.do("pin")
    assert "nothing differs yet" in status.inner_text()
    debugger.do("pin")
    debugger.root.locator('section[aria-label="output"] .ctx-menu > button').click()
    with debugger.page.expect_download():
        debugger.root.locator('section[aria-label="output"] [data-do="view-png"]').click()
    debugger.settle()
    assert "Saved as" in status.inner_text()
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    assert "Saved as" in status.inner_text()
    debugger.click(2, 3)
    assert status.inner_text() == facts


# ---- pictures first ----


@pytest.mark.parametrize("width", [760, 1300])
def test_the_sentence_and_the_pictures_come_before_what_is_folded(opened: Any, width: int) -> None:
    debugger: Debugger = opened(photo_run(size=64), at_width(width))
    sentence = box(debugger, ".ctx-story")
    strip = box(debugger, ".ctx-strip")
    equation = box(debugger, ".ctx-inspector")
    matches = box(debugger, ".ctx-side")
    assert shown(debugger.root.locator(".ctx-story").inner_text())
    assert sentence["y"] + sentence["height"] <= strip["y"]
    for view in ("foreground", "background"):
        picture = box(debugger, f'canvas[data-view="{view}"]')
        assert strip["y"] + strip["height"] <= picture["y"] < 320
        bottom = picture["y"] + picture["height"]
        assert bottom < 900, "not on the first screen"
        assert bottom < min(equation["y"], matches["y"])
    output = box(debugger, 'canvas[data-view="output"]')
    assert output["y"] + output["height"] < equation["y"]
    # What is folded is not there until it is asked for.
    assert debugger.root.locator(".ctx-menu > div:visible").count() == 0
    assert debugger.root.locator("dialog:visible, .ctx-table").count() == 0
    # Above the sentence there is but the bar.
    controls = debugger.root.locator("button, select, input, [role=application]").evaluate_all(
        """(all) => all.filter((one) => one.checkVisibility() && !one.closest(".ctx-bar"))
            .map((one) => one.getBoundingClientRect().bottom)"""
    )
    assert len(controls) > 20
    assert min(controls) > sentence["y"]


@pytest.mark.parametrize(
    "width", [390, 1000, *(pytest.param(width, marks=pytest.mark.long) for width in (760, 1300))]
)
def test_no_page_is_wider_than_the_window(opened: Any, width: int) -> None:
    run = photo_run()
    debugger: Debugger = opened(run, at_width(width))
    for pinned in (False, True):
        if pinned:
            debugger.do("pin")
            debugger.root.locator('[data-set="fuse"]').uncheck()
            debugger.settle_output()
        for stage in run:
            debugger.show(stage)
            wide = debugger.page.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= width, stage
            root = debugger.root.bounding_box()
            assert root
            for view in ("foreground", "background", "output"):
                picture = box(debugger, f'canvas[data-view="{view}"]')
                assert picture["x"] >= root["x"], stage
                assert picture["x"] + picture["width"] <= root["x"] + root["width"], stage


# Where the pictures begin, at most: the sentence, the strip and its settings stand above.
HIGHEST = {760: 272, 1000: 272, 1300: 276}


@pytest.mark.parametrize("width", HIGHEST)
def test_little_stands_above_the_pictures(opened: Any, width: int) -> None:
    debugger: Debugger = opened(photo_run(), at_width(width))
    for view in ("foreground", "background"):
        assert box(debugger, f'canvas[data-view="{view}"]')["y"] <= HIGHEST[width]


# Words that do not fit their element, and selects that are narrower than they would be.
CUT = """(root) => {
    const words = [...root.querySelectorAll(
        ".ctx-title, .ctx-chip, .ctx-foot, .ctx-foot > span, .ctx-cap b, .ctx-head h3, .ctx-tag," +
        ".ctx-parting, .ctx-segment button, .ctx-stepper span")];
    const cut = words.filter((one) => one.checkVisibility() && one.clientWidth &&
        one.scrollWidth > one.clientWidth);
    const narrow = [...root.querySelectorAll("select")].filter((one) => {
        const { width } = one.getBoundingClientRect();
        one.style.maxWidth = "none";
        const isNarrow = one.getBoundingClientRect().width > width + 0.5;
        one.style.maxWidth = "";
        return isNarrow;
    });
    return [...cut, ...narrow].map((one) => `${one.className} ${one.innerText}`);
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_words_are_cut(opened: Any, width: int) -> None:
    run = photo_run(size=64)
    title = "Contextual attention: astronaut, coarsely filled"
    debugger: Debugger = opened(run, at_width(width), title=title)
    assert debugger.root.evaluate(CUT) == []
    debugger.do("pin")
    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.settle_output()
    for stage in ("attention", "flow"):
        debugger.show(stage)
        assert debugger.root.evaluate(CUT) == [], stage


COVERED = """(root) => {
    const boxes = (tile, selector) =>
        [...tile.querySelectorAll(selector)].map((one) => one.getBoundingClientRect());
    return [...root.querySelectorAll(".ctx-step")].flatMap((tile) =>
        boxes(tile, ".ctx-tag, .ctx-parting, .ctx-cap b").flatMap((words) =>
            boxes(tile, ".ctx-thumb, .ctx-bars").filter((thumb) =>
                Math.min(words.right, thumb.right) - Math.max(words.left, thumb.left) > 0.5 &&
                Math.min(words.bottom, thumb.bottom) - Math.max(words.top, thumb.top) > 0.5
            ).map(() => tile.innerText)));
}"""
TOPS = """(root) => [".ctx-strip", ".ctx-foot", "canvas[data-view]", ".ctx-inspector", ".ctx-side"]
    .flatMap((selector) => [...root.querySelectorAll(selector)].map((one) => {
        const { left, top } = one.getBoundingClientRect();
        return [selector, Math.round(left + (one.closest(".ctx-scroll")?.scrollLeft ?? 0)),
            Math.round(top + scrollY)];
    }))"""


@pytest.mark.parametrize("width", WIDTHS)
def test_pinning_moves_nothing_and_covers_nothing(opened: Any, width: int) -> None:
    debugger: Debugger = opened(photo_run(size=64), at_width(width))
    before = debugger.root.evaluate(TOPS)
    assert len(before) > 10
    debugger.do("pin")
    debugger.root.locator('[data-set="fuse"]').uncheck()
    debugger.settle_output()
    debugger.expect_text(".ctx-parting", "first to differ")
    assert debugger.root.locator(".ctx-tag").count() == 18
    assert debugger.root.evaluate(TOPS) == before
    assert debugger.root.evaluate(COVERED) == []


# The hatch over a picture of one colour.
GROUNDS = ["#ffffff", "#000000", "#e65a1e", "#f2d6b8", "#cc79a7", "#808080"]
FILL = """(canvas, colour) => {
    const pen = canvas.getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, canvas.width, canvas.height);
}"""


def luminance(image: Image.Image) -> np.ndarray:
    """As contrast has it: 0 to 1."""
    channels = np.asarray(image.convert("RGB")) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def test_the_hatch_is_seen_on_any_ground(opened: Any) -> None:
    debugger: Debugger = opened(photo_run(size=64), query=(1, 1))
    canvas = debugger.canvas("foreground")
    with Image.open(io.BytesIO(canvas.screenshot())) as image:
        width, height = image.size
    middle = (int(width * 0.35), int(height * 0.42), int(width * 0.52), int(height * 0.8))
    for ground in GROUNDS:
        canvas.evaluate(FILL, ground)
        with Image.open(io.BytesIO(canvas.screenshot())) as image:
            light = luminance(image.crop(middle))
            plain = luminance(image.crop((width - 20, height - 20, width - 4, height - 4)))
        assert plain.std() < 0.01, "the corner is not in the hole"
        levels = np.percentile(light, [5, 95])
        assert (levels[1] + 0.05) / (levels[0] + 0.05) > 3, ground


def test_numbers_of_the_best_lie_over_no_box_and_no_arrow(opened: Any) -> None:
    """As the browser draws them: the style sheet and labels.ts agree."""
    run = photo_run(size=64)
    debugger: Debugger = opened(run, at_width(1300))
    boxes = """(root) => [...root.querySelectorAll('[aria-label="background"] .ctx-marks i')]
        .map((mark) => {
            const { left, top, right, bottom } = mark.getBoundingClientRect();
            const style = getComputedStyle(mark, "::after");
            const x = (left + right) / 2 + parseFloat(mark.style.getPropertyValue("--right"));
            const y = (top + bottom) / 2 + parseFloat(mark.style.getPropertyValue("--down"));
            const label = mark.dataset.label && [x, y, x + parseFloat(style.width),
                y + parseFloat(style.height)];
            return [[left, top, right, bottom], label || null];
        })"""
    rows, cols = run.query_grid
    for stage in ("attention", "flow"):
        debugger.show(stage)
        for row, col in [(rows // 2, cols // 2), (0, 0), (rows - 1, cols - 1), (3, cols - 1)]:
            debugger.move(row, col)
            marks = debugger.root.evaluate(boxes)
            labels = [label for _, label in marks if label]
            assert labels
            for i, one in enumerate(labels):
                for other in labels[i + 1 :]:
                    assert not overlap(one, other), (stage, row, col)


def overlap(one: list[float], other: list[float]) -> bool:
    return (
        min(one[2], other[2]) - max(one[0], other[0]) > 0.5
        and min(one[3], other[3]) - max(one[1], other[1]) > 0.5
    )


def test_the_circle_of_the_brush_is_as_large_as_what_it_paints(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run, at_width(1300))
    debugger.root.locator('[data-tool="brush"]').click()
    assert debugger.root.locator(".ctx-brush").count() == 0
    picture = box(debugger, 'canvas[data-view="foreground"]')
    size = int(debugger.root.locator('[data-set="brush"]').input_value())
    pixel = picture["width"] / 32
    x, y = picture["x"] + 8.5 * pixel, picture["y"] + 5.5 * pixel
    debugger.page.mouse.move(x, y)
    debugger.settle()
    circle = box(debugger, ".ctx-brush")
    assert circle["width"] == pytest.approx(size * pixel, abs=1)
    assert circle["x"] + circle["width"] / 2 == pytest.approx(x, abs=1)
    assert circle["y"] + circle["height"] / 2 == pytest.approx(y, abs=1)
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    assert debugger.root.locator(".ctx-brush").count() == 0
    # By keys, where they paint.
    debugger.root.locator('[aria-label="foreground"] .ctx-stack').focus()
    debugger.settle()
    assert debugger.root.locator(".ctx-brush").count() == 1


# ---- nothing moves under the mouse ----

BOXES = """(root) => {
    const selectors = [".ctx-lead", ".ctx-strip", ".ctx-step", ".ctx-foot", "canvas[data-view]",
        ".ctx-below-picture", ".ctx-inspector", ".ctx-terms", ".ctx-note", ".ctx-source",
        ".ctx-side", ".ctx-matches > li", ".ctx-gives"];
    return Object.fromEntries(selectors.map((selector) => {
        const boxes = [...root.querySelectorAll(selector)].map((one) => {
            const { left, top, width, height } = one.getBoundingClientRect();
            return [left, top + scrollY, width, height].map((side) => Math.round(side));
        });
        return [selector, boxes];
    }));
}"""
# Whose height goes with their words, within a place that does not.
INNER = (".ctx-terms", ".ctx-note", ".ctx-source")


def outer(boxes: dict[str, Any]) -> dict[str, Any]:
    return {selector: each for selector, each in boxes.items() if selector not in INNER}


def around(boxes: dict[str, Any]) -> dict[str, Any]:
    """Without the rows of matches: a patch alone has none."""
    return {key: each for key, each in outer(boxes).items() if key != ".ctx-matches > li"}


@pytest.mark.parametrize(
    "make", [photo_run, pytest.param(lambda: photo_run(size=64), marks=pytest.mark.long)]
)
def test_nothing_moves_under_the_mouse(opened: Any, make: Any) -> None:
    run = make()
    debugger: Debugger = opened(run, at_width(1300))
    before = debugger.root.evaluate(BOXES)
    assert all(before.values())
    rows, cols = run.query_grid
    draw = np.random.default_rng(0)
    places = [(0, 0), (rows - 1, cols - 1), home_cell(run)]
    places += [(int(draw.integers(rows)), int(draw.integers(cols))) for _ in range(17)]
    for place in places:
        debugger.move(*place)
        # At one step, not even the parts of the equation move.
        assert debugger.root.evaluate(BOXES) == before, place
    for tile in debugger.steps.all():
        tile.click()
        debugger.settle()
        stage = debugger.data("stage")
        assert outer(debugger.root.evaluate(BOXES)) == outer(before), stage
        for place in places[:5]:
            debugger.move(*place)
            assert outer(debugger.root.evaluate(BOXES)) == outer(before), (stage, place)
        for view, grid in [("background", run.patch_grid), ("output", run.query_grid)]:
            debugger.move(rows // 2, 3, view, grid)
            now = debugger.root.evaluate(BOXES)
            assert around(now) == around(before), (stage, view)


# ---- thumbnails ----


def test_thumbnails_are_of_the_cell_where_the_mouse_rests(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run)
    steps = {"Matching": "scores", "Fuse ↔": "fused_rows", "Fuse ↕": "fused_scores"}
    debugger.canvas("foreground").scroll_into_view_if_needed()
    picture = box(debugger, 'canvas[data-view="foreground"]')
    rows, cols = run.query_grid

    def sweep(row: int, col: int) -> None:
        """Move on and on without waiting for anything, and rest at a cell."""
        for away in range(5, -1, -1):
            x = picture["x"] + (col - away + 0.5) * picture["width"] / cols
            y = picture["y"] + (row + 0.5) * picture["height"] / rows
            debugger.page.mouse.move(x, y)
        debugger.settle()
        debugger.settle()

    for row, col in [(4, 7), (0, 12), (7, 5)]:
        sweep(row, col)
        query = run.query(row, col)
        assert debugger.data("query") == f"{row},{col}"
        close(debugger.row("attention"), query.attention)
        for step, stage in steps.items():
            values = query[stage].numpy()
            top = float(np.abs(values).max())
            painted = debugger.thumbnail(step, run.patch_grid)
            is_colour_map(painted, values, {"low": -top, "high": top, "signed": True})
            number = shown(debugger.step(step).locator(".ctx-value").inner_text())
            best = query.best(1)[0].index
            assert number == pytest.approx([float(values.flatten()[best])], rel=6e-3)
        # The best share lights up, one cell wider, and the bars beside it are the shares.
        heat = debugger.thumbnail("Softmax", run.patch_grid)[..., :3].sum(axis=2)
        best = query.best(1)[0]
        assert heat[best.row, best.col] == heat.max()
        bars = (
            debugger.step("Softmax")
            .locator(".ctx-bars i")
            .evaluate_all("(bars) => bars.map((bar) => parseFloat(bar.style.width))")
        )
        shares = [100 * match.weight for match in query.best()]
        assert bars[:5] == pytest.approx(shares, abs=0.01)
        assert bars[5] == pytest.approx(100 - sum(shares), abs=0.01)


# ---- table, region, kept cells, files ----


def test_the_table_holds_the_twenty_largest_values(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run, query=(2, 9), stage="fused_scores")
    debugger.step("Fuse ↕").focus()
    for stage in ("fused_scores", "attention"):
        debugger.show(stage)
        debugger.page.keyboard.press("t")
        debugger.settle()
        values = run.query(2, 9)[stage].flatten()
        table = debugger.root.locator(".ctx-table")
        assert f"{len(values)} values" in table.locator("caption").inner_text()
        largest = values.sort(descending=True).values[:20].tolist()
        found = exact(table.locator("tbody [title]"))
        assert found == pytest.approx(largest, rel=1e-4, abs=1e-9)
        places = [
            tuple(int(v) for v in shown(text))
            for text in table.locator("tbody th").all_inner_texts()
        ]
        assert len(set(places)) == 20
        columns = run.patch_grid[1]
        there = [float(values[row * columns + col]) for row, col in places]
        assert there == pytest.approx(largest, rel=1e-4, abs=1e-6)
        debugger.page.keyboard.press("Escape")
        debugger.settle()
        assert table.count() == 0
        assert debugger.page.evaluate(KNOWN) == [2, 9], "Escape closed the table, no more"


def test_a_region_is_the_sum_of_its_rows(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run)
    debugger.root.locator('[data-tool="region"]').click()
    debugger.move(3, 5)
    debugger.page.mouse.down()
    debugger.move(5, 8)
    debugger.page.mouse.up()
    debugger.says("added up")
    attention = run["attention"].tensor[0, 3:6, 5:9]
    summed = attention.sum(dim=(0, 1)).numpy()
    shown_range = debugger.colour_range()
    assert shown_range == pytest.approx(
        {"low": 0, "high": float(summed.max()), "signed": False}, rel=1e-4
    )
    debugger.page.mouse.move(1, 1)
    debugger.settle()
    is_colour_map(debugger.painted("background", run.patch_grid), summed, shown_range)
    caption = debugger.root.locator('[aria-label="background"] .ctx-caption [title]')
    assert exact(caption) == pytest.approx([12, float(summed.sum())], rel=1e-4)
    debugger.page.keyboard.press("t")
    found = exact(debugger.root.locator(".ctx-table tbody [title]"))
    assert found == pytest.approx(sorted(summed.tolist(), reverse=True)[:20], rel=1e-4, abs=1e-9)
    debugger.page.keyboard.press("Escape")
    debugger.page.keyboard.press("Escape")
    debugger.settle()
    assert debugger.data("query") == "{},{}".format(*home_cell(run))
    assert "added up" not in debugger.root.inner_text()


def labels(debugger: Debugger, view: str) -> list[str]:
    """What is written beside the boxes over a picture."""
    marks = debugger.root.locator(f'[aria-label="{view}"] .ctx-marks i')
    found = marks.evaluate_all("(all) => all.map((mark) => mark.dataset.label)")
    return sorted(label.strip() for label in found if label)


def test_up_to_five_cells_are_kept_and_numbered(opened: Any) -> None:
    run = photo_run()
    debugger: Debugger = opened(run, stage="scores")
    cells = [(1, 2), (4, 7), (6, 12), (2, 14), (0, 0)]
    debugger.click(*cells[0])
    with_shift = [*cells[1:], (7, 3)]
    debugger.page.keyboard.down("Shift")
    for count, cell in enumerate(with_shift, 2):
        debugger.click(*cell)
        assert labels(debugger, "foreground") == [str(n + 1) for n in range(min(count, 5))]
    debugger.page.keyboard.up("Shift")
    debugger.says("5 cells are kept; no more can be")
    assert debugger.page.evaluate(KNOWN) == [0, 0]
    # Each has its match by its number, with a sign where both are each other's best.
    weights = run["attention"].tensor[0].flatten(0, 1)
    columns = run.query_grid[1]
    signs = []
    for number, (row, col) in enumerate(cells, 1):
        p = row * columns + col
        q = int(weights[p].argmax())
        mutual = "↺" if q == p else "⇄"
        signs.append(f"{number} {mutual}" if int(weights[q].argmax()) == p else str(number))
    assert len({sign[1:] for sign in signs}) > 1, "nothing to tell apart"
    assert labels(debugger, "background") == signs
    debugger.page.keyboard.press("Escape")
    debugger.settle()
    assert debugger.page.evaluate(KNOWN) is None
    assert debugger.data("query") == "{},{}".format(*home_cell(run))


@pytest.mark.parametrize("view", ["foreground", "background", "output"])
def test_each_picture_is_saved_as_png_and_svg(opened: Any, view: str) -> None:
    run = photo_run()
    debugger: Debugger = opened(run, query=(4, 7), stage="scores")
    painted = debugger.painted(view, (16, 32))[..., :3]
    panel = debugger.root.locator(f'section[aria-label="{view}"]')
    saved = {}
    for ending in ("png", "svg"):
        panel.get_by_label(f"More of the {view}").click()
        with debugger.page.expect_download() as download:
            panel.locator(f'[data-do="view-{ending}"]').click()
        assert download.value.suggested_filename == f"scores-{view}.{ending}"
        saved[ending] = download.value.path().read_bytes()
    with Image.open(io.BytesIO(saved["png"])) as image:
        picture = np.asarray(image.convert("RGB"))
    colours = {tuple(each) for each in picture.reshape(-1, 3).tolist()}
    drawn = {tuple(each) for each in painted.reshape(-1, 3).tolist()}
    assert len(drawn - colours) < len(drawn) / 10, "marks lie over a few cells"
    svg = ElementTree.fromstring(saved["svg"])
    kinds = [each.tag.rpartition("}")[2] for each in svg.iter()]
    assert "image" in kinds
    assert "rect" in kinds
    if view == "background":
        assert "1" in ["".join(each.itertext()) for each in svg.findall(".//{*}text")]
