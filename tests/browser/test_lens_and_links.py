"""Links into a view of a saved page; the gradient of a pixel or a query, where a kernel is."""

from __future__ import annotations

import random
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

import ctxattn_viz as cv
from tests.browser.drive import ROOT, Debugger, exact, photo_run
from tests.browser.homes import Room

CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
PICTURES = """(root) => Array.from(
    root.querySelectorAll("canvas[data-view]"), (canvas) => canvas.toDataURL(),
)"""
# What is held outside of what is on screen, its bytes as lists.
STATE = """() => {
    const names = ["stage", "sample", "query", "pixel", "config", "mask"];
    const plain = (name, value) =>
        ArrayBuffer.isView(value) ? Array.from(new Uint8Array(value.buffer)) : value;
    return JSON.stringify(names.map((name) => ctxattn.model.get(name)), plain);
}"""


def view(debugger: Debugger) -> tuple[str, list[str]]:
    """All that is held, and the three pictures."""
    debugger.page.mouse.move(1, 1)
    debugger.settle_output()
    debugger.settle()
    return debugger.page.evaluate(STATE), debugger.root.evaluate(PICTURES)


def copied_link(debugger: Debugger) -> str:
    debugger.do("link")
    debugger.says("Copied: a link to this view")
    link: str = debugger.page.evaluate("() => navigator.clipboard.readText()")
    return link


def go(page: Page, fragment: str) -> None:
    page.evaluate("(fragment) => { location.hash = fragment; }", fragment)


def random_fragment(draw: random.Random) -> str:
    """A view in words, as the page itself would write them, of a page with 8 × 16 cells."""

    def cell() -> str:
        return f"{draw.randrange(8)},{draw.randrange(16)}"

    stages = ["downsampled_f", "valid", "scores", "fused_rows", "attention", "output", "flow"]
    parts = [f"stage={draw.choice(stages)}"]
    parts += draw.choice(
        [
            [],
            [f"query={cell()}"],
            [f"query={cell()}", f"beside={cell()}"],
            ["query=7,15", f"cells={cell()};{cell()}"],
            [f"patch={cell()}"],
            [f"pixel={draw.randrange(16)},{draw.randrange(32)}"],
        ]
    )
    parts += draw.choice([[], [f"region={cell()},{cell()}"]])
    parts += draw.choice([[], ["channel=1"]])
    parts += draw.choice([[], ["span=stage"]])
    parts += draw.choice([[], ["tool=brush", "brush=11"]])
    parts += draw.choice([[], ["fuse_k=5"], ["softmax_scale=2.5"]])
    parts += draw.choice([[], ["dialect=mmagic"]])
    return "&".join([*parts, *draw.choice([[], ["mask=none"], ["mask=2s.8.o.8.ac"]])])


def test_a_link_leads_to_the_view_that_it_was_copied_from(opened: Any) -> None:
    debugger = opened(photo_run(), CLIPBOARD)
    page = debugger.page
    debugger.show("scores")
    debugger.click(4, 6)
    page.keyboard.down("Shift")
    debugger.click(2, 9)
    page.keyboard.up("Shift")
    debugger.root.locator('[data-set="fuse_k"]').select_option("5")
    debugger.drag("rectangle", (2, 2), (5, 9))
    debugger.root.locator('[data-set="range"]').select_option("stage")
    state, pictures = view(debugger)
    link = copied_link(debugger)
    assert "#stage=scores&query=2,9&cells=4,6&span=stage&fuse_k=5&mask=" in link
    page.goto("about:blank")
    page.goto(link)
    assert view(debugger) == (state, pictures)
    assert copied_link(debugger) == link
    # By hand from there on: it is as if nothing had been between.
    debugger.click(3, 3)
    assert debugger.data("query") == "3,3"


def test_links_that_are_put_into_the_address_of_an_open_page(opened: Any) -> None:
    debugger = opened(photo_run(), CLIPBOARD)
    draw, page, views = random.Random(3), debugger.page, {}
    for fragment in [random_fragment(draw) for _ in range(20)]:
        go(page, fragment)
        debugger.expect("stage", fragment.split("&")[0].split("=")[1])
        assert copied_link(debugger).split("#")[1] == fragment
        views[fragment] = view(debugger)
    assert len({state for state, _ in views.values()}) > 15
    for fragment in draw.sample([*views], 6):
        go(page, fragment)
        assert view(debugger) == views[fragment], fragment
    # What cannot be shown is named, and the page is never blank.
    go(page, "query=99,1&stage=scores")
    debugger.says("The link asks for query=99,1, which this page cannot show. The rest is restored")
    debugger.expect("stage", "scores")
    go(page, "section-4")
    debugger.says("The link asks for section-4, which this page cannot show")
    debugger.expect("stage", "scores")
    # Without a clipboard the link is where it can be copied from.
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    debugger.do("link")
    debugger.says("No clipboard: the link is in the address bar")
    assert page.url.endswith("#stage=scores")
    # A gradient needs PyTorch: what would show it says so, and how.
    debugger.click(3, 3)
    page.keyboard.press("g")
    debugger.says("There is no kernel here, and a gradient needs PyTorch")
    assert debugger.root.locator(".ctx-lens code").inner_text() == "trace.gradient(query=(3, 3))"
    debugger.click(7, 9, "output", (16, 32))
    assert debugger.root.locator(".ctx-lens code").inner_text() == "trace.gradient(pixel=(7, 9))"
    page.keyboard.press("Escape")
    debugger.until("(root) => !root.querySelector('.ctx-lens')")
    page.keyboard.press("Escape")  # the first one closed the lens alone
    debugger.until("(root) => root.dataset.query !== '3,4'")


def test_the_gradient_of_what_is_kept(notebook: Room) -> None:
    debugger, run, page = notebook.debugger(), notebook.trace, notebook.page
    assert debugger.root.locator('[data-do="python"]').count() == 1
    assert debugger.root.locator('[data-do="link"]').count() == 0  # its address is the notebook's
    size = (run.f.shape[2], run.f.shape[3])
    debugger.click(7, 14, "output", size)
    debugger.root.locator('[data-do="gradient"]').click()
    f, b = (x.clone().requires_grad_() for x in (run.f, run.b))
    cv.contextual_attention(f, b, run.mask)[0, :, 7, 14].sum().backward()
    assert f.grad is not None
    assert b.grad is not None
    debugger.says("In the 4 queries that paste here")
    assert run.gradient(pixel=(7, 14)).sentence in debugger.root.inner_text()
    reads(debugger, "foreground", "f", f.grad[0].sum(0))
    reads(debugger, "background", "b", b.grad[0].sum(0))
    debugger.root.locator('[data-set="channel"]').select_option("1")
    reads(debugger, "foreground", "f", f.grad[0, 1])
    debugger.root.locator('[data-set="channel"]').select_option("all")
    found = Axe().run(page, context=ROOT).response["violations"]
    assert not [each for each in found if each["impact"] in ("serious", "critical")]
    # Another place, and other settings, have another gradient.
    debugger.click(4, 6)
    debugger.says("patch that query \\(4, 6\\) pastes")
    notebook.python("debugger.softmax_scale = 200.0")
    sharp = run.revised(config=run.config.replace(softmax_scale=200.0)).gradient(query=(4, 6))
    debugger.says("nothing flows to the others")
    reads(debugger, "foreground", "f", sharp.f.sum(0))
    assert sharp.sentence in debugger.root.inner_text()
    debugger.root.locator(".ctx-lens").focus()
    page.keyboard.press("g")
    debugger.until("(root) => !root.querySelector('.ctx-lens')")
    notebook.python("debugger.softmax_scale, debugger.query = 10.0, None")


def reads(debugger: Debugger, view: str, name: str, meant: torch.Tensor) -> None:
    """The map over a picture, and the numbers where the mouse is, are those that are meant."""
    cells = (meant.shape[0], meant.shape[1])
    values, most = meant.double().numpy(), float(meant.abs().max())
    debugger.until("(root) => root.querySelector('.ctx-lens td[data-pointed]') !== null")
    for row, col in np.argwhere(np.abs(values) > 0.2 * most)[:2].tolist():
        debugger.move(row, col, view, cells)
        number = debugger.root.locator(f'[data-pointed="{name}"] span')
        assert exact(number) == pytest.approx([values[row, col]], rel=1e-4)
    painted = debugger.painted(view, cells)[..., :3]
    clear = np.abs(values) > 0.02 * most
    table = np.round(matplotlib.colormaps["PuOr_r"](np.arange(256))[:, :3] * 255)
    level = np.round(255 * (values + most) / (2 * most)).astype(int)
    near = np.clip(level[..., None] + np.array([-1, 0, 1]), 0, 255)
    distance = np.abs(table[near] - painted[:, :, None]).max(axis=-1).min(axis=-1)
    assert (distance[clear] <= 1).all()
