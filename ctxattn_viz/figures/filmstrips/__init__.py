"""A stage's mechanism as a strip of six pictures: how one query's numbers come about, in order.

What moves in the debugger stands still here, so that a saved notebook keeps it. Every number is
computed from the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib

from ...checks import check_choice, check_index
from ...errors import InputError
from ...traces.run import Trace, check_trace
from ..drawable import LITERALLY, readable
from ..drawing import STYLE, Figure, canvas
from .fusion import fused_along_columns, fused_along_rows
from .subject import FRAMES, Frame, Subject
from .sums import overlapping, products, softmax
from .windows import lifting, offset, shrinking, testing

STRIPS: dict[str, Callable[[Subject], list[Frame]]] = {
    "downsampled_f": shrinking,
    "matching_patches": lifting("matching_patches"),
    "paste_patches": lifting("paste_patches"),
    "valid": testing,
    "scores": products,
    "fused_rows": fused_along_rows,
    "fused_scores": fused_along_columns,
    "attention": softmax,
    "output": overlapping,
    "offsets": offset,
}

# A strip that goes through the stage before its own, too.
BEFORE = {"fused_scores": "fused_rows"}


def filmstrip(
    trace: Trace, stage: str, query: tuple[int, int], *, sample: int = 0, alt: str | None = None
) -> Figure:
    """How a stage makes its numbers for one query, in six pictures with a caption each.

    The patch beside the query is its best match.

    Args:
        stage: its key: which pixels are kept (`"downsampled_f"`), the window that lifts patches
            off or tests the mask (`"matching_patches"`, `"paste_patches"`, `"valid"`), a product
            and its sum (`"scores"`), both passes of the fusion (`"fused_rows"`,
            `"fused_scores"`), the softmax (`"attention"`), the overlap-add (`"output"`) or the
            way to the match (`"offsets"`).
        query: row and column of the query grid (h, w).

    Raises:
        InputError: a stage without a strip or one that was swapped, or a cell or sample that is
            not there.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> figure = cv.figures.filmstrip(cv.trace(photo, photo), "scores", query=(3, 4))
    >>> len(figure.axes), figure.axes[0].get_xlabel().splitlines()[0]
    (6, 'term 1 of 27')
    """
    check_trace(trace)
    check_choice("stage", stage, tuple(STRIPS))
    if swapped := {stage, BEFORE.get(stage, stage)} & set(trace.swapped):
        got = f"{', '.join(sorted(swapped))} of a function of your own"
        raise InputError("stage", "a stage that the layer computed itself", got)
    if not isinstance(query, Sequence) or len(query) != 2:
        raise InputError("query", "a cell (row, column)", repr(query))
    sample = check_index("sample", sample, trace.f.shape[0])
    frames = STRIPS[stage](Subject(trace, trace.query(*query, sample), sample))
    lines = [frame.caption.replace(",\n", "\n").replace(":\n", ": ") for frame in frames]
    captions = "; ".join(line.replace("\n", ", ") for line in lines)
    row, column = query
    alt_text = alt or f"How {stage} of query ({row}, {column}) comes about: {captions}."
    figure, axes = canvas(1, FRAMES, height=2.1, alt=alt_text)
    with matplotlib.rc_context(STYLE):
        for ax, frame in zip(axes[0], frames, strict=True):
            frame.draw(ax)
            ax.set_xlabel(readable(frame.caption), loc="left", fontsize=7.5, **LITERALLY)
    return figure
