"""What only a JupyterLab has: cells that read, set, observe and link; reruns; a kernel's end."""

from __future__ import annotations

import base64

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

import ctxattn_viz as cv
from tests.browser.drive import ROOT, close
from tests.browser.homes import SETUP, SHOW, Room, furnish
from tests.browser.lab import Lab
from tests.browser.leaks import alive, used

HOME = "4,6"  # the cell of SETUP's run that is shown while nothing is kept


@pytest.fixture
def room(notebook: Room) -> Room:
    """The notebook of the tests that leave it as they found it."""
    notebook.python("debugger.query, debugger.stage, debugger.mask = None, 'attention', mask")
    notebook.python("debugger.config = cv.AttentionConfig()")
    notebook.page.mouse.move(1, 1)
    debugger = notebook.debugger()
    debugger.expect("stage", "attention")
    debugger.expect("query", HOME)
    return notebook


# ---- silent ----


def test_hovering_sends_the_kernel_nothing(room: Room) -> None:
    debugger = room.debugger()
    before = len(room.sent)
    for step in range(24):
        debugger.move(step // 6 + 2, step % 6 * 2)
        assert debugger.data("query") == f"{step // 6 + 2},{step % 6 * 2}"
    assert len(room.sent) == before
    debugger.click(3, 3)  # the watch works: a lock is told
    room.page.wait_for_timeout(200)
    assert len(room.sent) > before


# ---- read and set from a cell ----


def test_the_state_is_set_saved_and_restored_from_a_cell(room: Room) -> None:
    debugger = room.debugger()
    room.python("debugger.query, debugger.stage = (2, 9), 'scores'")
    debugger.expect("query", "2,9")
    debugger.expect("stage", "scores")
    close(debugger.row("scores"), room.trace.query(2, 9)["scores"])
    room.python("kept = {k: getattr(debugger, k) for k in ('query', 'stage', 'config', 'mask')}")
    room.python("debugger.query, debugger.stage, debugger.mask = (0, 0), 'valid', None")
    debugger.expect("query", "0,0")
    room.python("for k, v in kept.items(): setattr(debugger, k, v)")
    debugger.expect("query", "2,9")
    debugger.expect("stage", "scores")
    assert room.python("print(json.dumps(bool((debugger.trace.mask == mask).all())))")


def test_what_the_person_does_can_be_observed(room: Room) -> None:
    room.python("seen = []; debugger.observe(lambda change: seen.append(change.new), 'query')")
    room.debugger().click(3, 4)
    room.page.wait_for_timeout(300)
    assert room.python("print(json.dumps(seen))") == [[3, 4]]
    room.python("debugger.unobserve_all('query')")


def test_a_new_configuration_from_a_cell_reaches_the_rows_and_the_output(room: Room) -> None:
    debugger = room.debugger()
    room.python("debugger.config = cv.AttentionConfig(dialect='mmagic', softmax_scale=3.0)")
    config = cv.AttentionConfig(dialect="mmagic", softmax_scale=3.0)
    meant = cv.trace(room.trace.f, room.trace.b, room.trace.mask, config)
    debugger.says("mmagic")
    debugger.move(4, 7)
    close(debugger.row("attention"), meant.query(4, 7)["attention"])


def test_a_mask_from_a_cell_reaches_the_rows(room: Room) -> None:
    debugger = room.debugger()
    room.python("debugger.mask = torch.roll(mask, (5, 3), (2, 3)); debugger.query = (4, 7)")
    meant = room.trace.revised(room.trace.mask.roll((5, 3), (2, 3)))
    debugger.expect("query", "4,7")
    debugger.settle()
    close(debugger.row("valid"), meant.query(4, 7)["valid"])
    close(debugger.row("attention"), meant.query(4, 7)["attention"])


def test_bad_state_is_refused_in_python_and_leaves_the_page_alone(room: Room) -> None:
    debugger = room.debugger()
    room.python("debugger.query = (1, 2)")
    debugger.expect("query", "1,2")
    said = room.lab.execute(room.page, "debugger.query = (99, 0)")
    assert "TraitError" in said
    assert "query row: expected an integer from 0 to" in said
    debugger.settle()
    assert debugger.data("query") == "1,2"


# ---- for every eye ----


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious_in_a_theme(room: Room, theme: str) -> None:
    room.lab.theme(room.page, theme)
    room.python("debugger.query = (2, 9)")
    room.debugger().expect("query", "2,9")
    found = Axe().run(room.page, context=ROOT).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]


# ---- where no widget can run ----


def test_a_saved_notebook_shows_a_picture_where_no_widget_can_run(room: Room) -> None:
    save = "() => jupyterapp.commands.execute('docmanager:save')"
    room.lab.do(room.page, f"async {save}")
    path = room.lab.root / room.name
    assert path.stat().st_size < 400_000
    notebook = nbformat.read(path, as_version=4)
    (output,) = notebook.cells[1].outputs
    assert len(base64.b64decode(output.data["image/png"])) < 60_000
    assert output.data["text/plain"].startswith("Debugger(f (1, 3, ")
    assert "widgets" not in notebook.metadata
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert output.data["image/png"].replace("\n", "")[:200] in page.replace("\n", "")


# ---- with others ----


@pytest.mark.long
def test_linked_and_alone(lab: Lab, chromium: Browser) -> None:
    """Three debuggers: two linked to each other and to a slider, in boxes; a third that is not."""
    cells = [
        SETUP,
        "from ipywidgets import FloatSlider, HBox, VBox, jslink, link\n"
        "one, two, three = cv.debug(trace), cv.debug(trace), cv.debug(trace)\n"
        "slider = FloatSlider(value=10, min=0, max=40)\n"
        "_ = link((one, 'query'), (two, 'query')), link((one, 'stage'), (two, 'stage'))\n"
        "_ = jslink((slider, 'value'), (one, 'softmax_scale'))\n"
        "VBox([slider, one, HBox([two])])",
        "three",
    ]
    for room in furnish(lab, chromium, "linked.ipynb", *cells):
        one, two, three = (room.debugger(which) for which in range(3))
        assert room.page.locator(ROOT).count() == 3
        one.click(4, 5)
        two.expect("query", "4,5")
        room.python("two.stage = 'scores'")
        one.expect("stage", "scores")
        close(two.row("scores"), room.trace.query(4, 5)["scores"])
        room.python("slider.value = 2.5")
        meant = room.trace.revised(config=room.trace.config.replace(softmax_scale=2.5))
        room.page.wait_for_timeout(500)
        close(one.row("attention"), meant.query(4, 5)["attention"])
        assert room.python("print(one.softmax_scale)") == 2.5
        close(two.row("attention"), room.trace.query(4, 5)["attention"])
        assert three.data("query") == HOME
        assert three.data("stage") == "attention"
        three.move(0, 1)
        assert three.data("query") == "0,1"
        assert one.data("query") == "4,5"


# ---- tidy: nothing is left behind ----


@pytest.mark.long  # over a minute
def test_twenty_reruns_leave_nothing_behind(lab: Lab, chromium: Browser) -> None:
    for room in furnish(lab, chromium, "rerun.ipynb", SETUP, SHOW):
        for count in range(1, 21):
            room.run_cell(1)
            debugger = room.debugger()
            for col in range(12 if count < 4 else 2):  # compiled code is there before it is counted
                debugger.move(4, col)
                debugger.expect("query", f"4,{col}")
            if count == 3:
                ours = alive(room)
                assert ours["sessions"] == 1
                assert ours["listeners"] > 20, "ours are not found"
                heap = used(room)  # counting leaves something of its own behind, the first time
        grown = used(room) - heap
        assert room.page.locator(ROOT).count() == 1
        assert alive(room) == ours
        # (Bare JupyterLab grows too, by some 30 KB a rerun of a cell that prints. A module that
        # stayed each time would be 7 MB.)
        assert grown < 1_500_000


# ---- mortal ----


def test_a_restarted_kernel_leaves_the_picture_explorable(lab: Lab, chromium: Browser) -> None:
    for room in furnish(lab, chromium, "restart.ipynb", SETUP, SHOW):
        debugger = room.debugger()
        lab.do(
            room.page,
            """async () => {
                const { sessionContext } = jupyterapp.shell.currentWidget.context;
                await sessionContext.session.kernel.restart();
                await sessionContext.session.kernel.info;
            }""",
        )
        debugger.says("the kernel is gone")
        debugger.move(4, 7)
        close(debugger.row("attention"), room.trace.query(4, 7)["attention"])
        debugger.root.locator('[data-set="fuse"]').uncheck()
        debugger.settle_output()
        plain = room.trace.revised(config=room.trace.config.replace(fuse=False))
        debugger.move(4, 6)
        close(debugger.row("attention"), plain.query(4, 6)["attention"])
