"""A stage swapped for a function: B beside A on a page, in a notebook, and with its rows afar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.stages import BY_KEY, MATRICES
from tests.browser.drive import close, photo_run
from tests.browser.homes import Room

TERMS = ".ctx-inspector .ctx-term-result .ctx-large"
# In the kernel: a run of the notebook's inputs, and the function that stands in.
SWAPPED = """
    def cosine(f_small, patches, config):
        scores = cv.stages.BY_KEY["scores"].function(f_small, patches, config)
        side = config.ksize
        norms = torch.nn.functional.unfold(f_small, side, padding=side // 2).norm(dim=1)
        return scores / norms.unflatten(1, f_small.shape[2:])[..., None]
    trace = cv.trace(f, f, mask, swap={"scores": cosine})
"""


def cosine(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    scores = BY_KEY["scores"].function(f_small, patches, config)
    side = config.ksize
    norms = torch.nn.functional.unfold(f_small, side, padding=side // 2).norm(dim=1)
    return scores / norms.unflatten(1, f_small.shape[2:])[..., None]


def hardest(fused: Tensor, valid: Tensor, config: cv.AttentionConfig) -> Tensor:
    usable = fused.masked_fill(~valid[:, None, None], -torch.inf)
    return torch.nn.functional.one_hot(usable.argmax(-1), fused.shape[-1]).to(fused)


def swapped_run(run: cv.Trace, **swap: Any) -> cv.Trace:
    return cv.trace(run.f, run.b, run.mask, run.config, swap=swap)


def locked(debugger: Any, name: str) -> bool:
    control = debugger.root.locator(f'[data-set="{name}"]')
    return bool(control.get_attribute("aria-disabled") == "true")


def test_a_page_computes_what_follows_from_what_was_recorded(opened: Any) -> None:
    plain = photo_run()
    run = swapped_run(plain, scores=cosine)
    debugger = opened(run, query=(3, 7), stage="scores")
    for stage in MATRICES:
        debugger.show(stage)
        close(debugger.row(stage), run.query(3, 7)[stage])
    debugger.says("A → B: scores by cosine")
    tags = debugger.root.locator(".ctx-swapped")
    assert [tag.strip() for tag in tags.all_inner_texts()] == ["swapped"]
    assert debugger.step("Matching").locator(".ctx-swapped").count() == 1
    assert "cosine(downsampled_f, matching_patches, config)" in (
        debugger.step("Matching").get_attribute("title") or ""
    )

    # Its equation is the function, beside what the layer itself makes: A.
    debugger.show("scores")
    match = run.query(3, 7).best(1)[0]
    assert debugger.root.locator(".ctx-equation").inner_text().startswith("cosine(downsampled_f")
    (value,) = debugger.root.locator(TERMS).all_inner_texts()
    assert float(value.replace("−", "-")) == pytest.approx(match.score, rel=5e-3)
    debugger.says("in A, the layer’s own")
    debugger.root.get_by_role("button", name="A", exact=True).click()
    debugger.settle()

    # What comes after it can be set, and follows; what it was made with stays, and says why.
    slider = debugger.root.locator('[data-set="softmax_scale"]')
    slider.evaluate("(node) => { node.value = 20; node.dispatchEvent(new Event('input')); }")
    debugger.settle_output()
    other = run.revised(config=run.config.replace(softmax_scale=20.0))
    debugger.show("attention")
    close(debugger.row("attention"), other.query(3, 7).attention)
    assert not locked(debugger, "softmax_scale")
    assert not locked(debugger, "fuse")
    assert locked(debugger, "ksize")
    assert locked(debugger, "dialect")
    ksize = debugger.root.locator('[data-set="ksize"]')
    ksize.focus()
    debugger.says("Needs a kernel: cosine made scores with this setting")
    ksize.evaluate("(node) => { node.value = '5'; node.dispatchEvent(new Event('input')); }")
    debugger.settle()
    assert ksize.input_value() == "3"
    close(debugger.row("attention"), other.query(3, 7).attention)


def test_a_page_keeps_the_hole_of_shares_that_were_recorded(opened: Any) -> None:
    run = swapped_run(photo_run(), attention=hardest)
    debugger = opened(run, query=(3, 7), stage="attention")
    close(debugger.row("attention"), run.query(3, 7).attention)
    assert debugger.root.locator(".ctx-matches li").count() >= 1
    before = debugger.page.evaluate("() => ctxattn.model.get('mask').data.byteLength")
    debugger.root.locator('[data-tool="brush"]').click()
    debugger.move(2, 2)
    debugger.page.mouse.down()
    debugger.move(2, 6)
    debugger.says("Needs a kernel: hardest made attention with this setting")
    debugger.page.mouse.up()
    debugger.root.locator('[data-tool="look"]').click()
    assert debugger.page.evaluate("() => ctxattn.model.get('mask').data.byteLength") == before
    close(debugger.row("attention"), run.query(3, 7).attention)


def test_in_a_notebook_the_function_runs_again(notebook: Room) -> None:
    notebook.python(SWAPPED)
    plain = notebook.trace
    run = swapped_run(plain, scores=cosine)
    notebook.run_cell(1)
    debugger = notebook.debugger()
    debugger.says("scores by cosine")
    debugger.click(4, 6)
    debugger.show("scores")
    close(debugger.row("scores"), run.query(4, 6)["scores"])
    debugger.root.locator('[data-set="ksize"]').select_option("1")
    other = run.revised(config=run.config.replace(ksize=1))
    debugger.until("(root) => root.querySelector('.ctx-swapped')?.innerText === 'swapped'")
    debugger.settle_output()
    close(debugger.row("scores"), other.query(4, 6)["scores"])
    notebook.python("debugger.config = cv.AttentionConfig()")


def test_above_the_limit_its_rows_are_asked_for(notebook: Room) -> None:
    notebook.python("import ctxattn_viz.debugger.swapped as limits; limits.MOST_BYTES = 1000")
    notebook.python(SWAPPED)
    run = swapped_run(notebook.trace, scores=cosine)
    notebook.run_cell(1)
    debugger = notebook.debugger()
    debugger.show("scores")
    for row, col in ((4, 6), (1, 2), (5, 9)):
        debugger.move(row, col)
        debugger.until("(root, at) => root.dataset.query === at", f"{row},{col}")
        for stage in MATRICES:
            close(debugger.row(stage), run.query(row, col)[stage])
    debugger.says("each row is asked for of the kernel")
    debugger.do("page")
    debugger.says("save_page: expected at most 1 kB of what was swapped, scores")
    sweep = [(row, col) for row in range(6) for col in range(12)]
    before = len(notebook.sent)
    for row, col in sweep:
        debugger.page.mouse.move(*debugger.point(row, col, "foreground", None))
    debugger.until("(root, at) => root.dataset.query === at", "5,11")
    assert len(notebook.sent) - before <= len(sweep)
    close(debugger.row("scores"), run.query(5, 11)["scores"])
    assert np.isfinite(debugger.row("attention")).all()
    notebook.python("limits.MOST_BYTES = 20_000_000")
