"""The ways to open a debugger: in a notebook, or as a page on disk. Both take the same options."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..files import path_of, writing
from ..traces.run import check_trace
from .payload import build
from .questions import Question, checked_questions
from .state import Place, checked_place, initial_state
from .step_in import page_with_steps
from .swapped import refuse_page
from .widget import Debugger

if TYPE_CHECKING:
    from ..traces.run import Trace


def debug(
    trace: "Trace",
    *,
    query: Place | None = None,
    pixel: Place | None = None,
    stage: str = "attention",
    sample: int = 0,
    map: str | None = None,
    foreground_mask: Tensor | None = None,
    picture_f: Tensor | np.ndarray | None = None,
    picture_b: Tensor | np.ndarray | None = None,
    truth: Tensor | None = None,
    title: str | None = None,
    python: str | None = None,
    cells: Sequence[Place] | None = None,
    ask: Sequence[Question] | None = None,
) -> "Debugger":
    """Look into `trace`: move over its foreground, step through its stages, paint its hole.

    Args:
        trace: what `ctxattn_viz.trace` returned.
        query: the foreground cell to open at, `(row, column)` on the grid of cells.
        pixel: the output pixel to open at, `(row, column)`.
        stage: the key of the stage to open at.
        sample: which sample of the batch to open at.
        map: colour each query, or each background patch, by a map of doubt: a name of `trace.map`.
        foreground_mask: `(1|n, 1, H, W)` of 0 and 1, the hole to draw over f where it is not b's.
        picture_f, picture_b: what to draw in place of deep features, `(n|1, 1|3, H, W)` in
            [-1, 1] or `(H, W, 3)` uint8.
        truth: the picture before its hole was filled, like f and in [-1, 1]. The page then says
            how near to it the output comes in the hole, in dB.
        title: a name for this run.
        python: lines of Python that define f, b and mask; copied with the view.
        cells: query cells to walk through with "next", `(row, column)` each, as `trace.where`
            gives them.
        ask: questions that come before what they ask for is shown, each a dict or a kind: `"where"`
            and `"share"` about a `cell`, `"sharper"` about two to five `cells`, `"fusion"`; with a
            `text` of your own or without. `ctxattn_viz.debugger.questions` says all. What was
            guessed stands in the widget's `answers`, and goes nowhere else.

    Returns:
        a widget. Its `query`, `stage`, `sample`, `map`, `config`, `softmax_scale` and `mask` can be
        read, set, observed and linked; its `trace` is the run on screen.

    Raises:
        InputError: an argument that does not fit the trace.
        BudgetError: maps too large for a page, or for a question about two outputs.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> debugger = cv.debug(cv.trace(photo, photo), query=(3, 4), stage="scores")
    >>> debugger  # in a notebook: the debugger itself
    Debugger(f (1, 3, 16, 32), b (1, 3, 16, 32), tensorflow, stage scores, query (3, 4))
    >>> debugger.close()
    >>> ask = [{"kind": "where", "cell": (3, 4)}, "share", "fusion"]
    >>> debugger = cv.debug(cv.trace(photo, photo), ask=ask)
    >>> debugger.answers  # nothing yet
    []
    >>> debugger.close()
    """
    return Debugger(
        trace,
        query=query,
        pixel=pixel,
        stage=stage,
        sample=sample,
        map=map,
        foreground_mask=foreground_mask,
        picture_f=picture_f,
        picture_b=picture_b,
        truth=truth,
        title=title,
        python=python,
        cells=cells,
        ask=ask,
    )


def save_page(
    trace: "Trace",
    path: str | Path,
    *,
    query: Place | None = None,
    pixel: Place | None = None,
    stage: str = "attention",
    sample: int = 0,
    map: str | None = None,
    foreground_mask: Tensor | None = None,
    picture_f: Tensor | np.ndarray | None = None,
    picture_b: Tensor | np.ndarray | None = None,
    truth: Tensor | None = None,
    title: str | None = None,
    python: str | None = None,
    cells: Sequence[Place] | None = None,
    ask: Sequence[Question] | None = None,
) -> Path:
    """Write the debugger of `trace` as one HTML file at `path`; returns the path.

    The file holds the inputs, the output and the whole front end: it opens from disk, needs no
    kernel and no network, and loads nothing. A file at `path` is replaced when the new one is
    complete, and not before. The other arguments are those of `debug`.

    Raises:
        InputError: a path that no file can be written to (raised before anything is computed), a
            disk that is full, an argument that does not fit the trace.
        BudgetError: maps too large for a page.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> path = cv.save_page(cv.trace(photo, photo), "page.html", query=(3, 4), title="Chelsea")
    >>> path.name, "<title>Chelsea</title>" in path.read_text(encoding="utf-8")
    ('page.html', True)
    """
    with writing("path", path) as file:
        file.write(
            page_of(
                trace,
                query=query,
                pixel=pixel,
                stage=stage,
                sample=sample,
                map=map,
                foreground_mask=foreground_mask,
                picture_f=picture_f,
                picture_b=picture_b,
                truth=truth,
                title=title,
                python=python,
                cells=cells,
                ask=ask,
            )
        )
    return path_of("path", path)


def page_of(
    trace: "Trace",
    *,
    query: Any = None,
    pixel: Any = None,
    stage: str = "attention",
    sample: int = 0,
    map: str | None = None,
    ask: Any = None,
    **options: Any,
) -> bytes:
    """The debugger of `trace` as the bytes of one HTML file; takes and raises what `debug` does."""
    check_trace(trace)
    questions = checked_questions(trace, ask, checked_place("query", query, trace.query_grid))
    payload = build(trace, **options)
    refuse_page(trace)
    state = initial_state(
        payload,
        trace,
        query=query,
        pixel=pixel,
        stage=stage,
        sample=sample,
        map=map,
        questions=questions,
    )
    return page_with_steps(trace, state).encode()
