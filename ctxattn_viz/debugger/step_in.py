"""Stepping into the stages: recordings at one query cell, for a message of the page or a file."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..checks import check_choice, check_index
from ..errors import BudgetError, InputError
from ..recording.context import context_of
from ..recording.stage_calls import WHOLE_LAYER, record_stage
from ..stages import BY_KEY
from ..stages.downsampling import downsample
from ..traces.cells import mask_of_sample
from ..traces.swapping import name_of
from . import page
from .messages import is_ours, reason
from .recordings import pack
from .state import Place, checked_place
from .undoing import MOST_REQUESTS, log

if TYPE_CHECKING:
    from ..traces.run import Trace

STEPPABLE = (*BY_KEY, WHOLE_LAYER)
# Of the function that shrinks f and b alike.
STAGE_DIMENSIONS = {
    "downsampled_f": {"x": "n c H W", "return": "n c h w"},
    "downsampled_b": {"x": "n c Hb Wb", "return": "n c hb wb"},
}
BESIDE_WHOLE = {
    "equation": "y = contextual attention of f to b",
    "paper": "learns where to borrow or copy feature information from known background patches",
    "original": "def contextual_attention(f, b, mask=None, ksize=3, stride=1, rate=1, fuse_k=3, …)",
    "torch": "forward(f, b, mask, config)",
}


def stored_recording(
    trace: "Trace", stage: Any, query: Any, sample: int = 0, best: Tensor | None = None
) -> dict[str, Any]:
    """A stage, or `"forward"`, at one query cell: `StoredRecording` of protocol.ts.

    Args:
        best: int `(n, h, w)`, the best patch of each query, where it is known.

    Raises:
        InputError: a stage or a query that this trace does not have.
        BudgetError: what it needs is too large.
    """
    check_choice("stage", stage, STEPPABLE)
    place = checked_place("query", query, trace.query_grid)
    if place is None:
        raise InputError("query", "(row, column)", None)
    row, columns = trace.query(*place, sample=sample), trace.patch_grid[1]
    match = int(row.order[0])
    cells = {"h": place[0], "w": place[1], "hb": match // columns, "wb": match % columns}
    cells = {name: at * (trace.config.stride if "b" in name else 1) for name, at in cells.items()}
    names = {"h": "H", "w": "W", "hb": "Hb", "wb": "Wb"}
    pixels = {names[name]: at * trace.config.rate for name, at in cells.items()}
    name = stage if stage == WHOLE_LAYER else name_of(trace.stages[stage].function)
    recording = record_stage(trace, stage, place, sample, best)
    return pack(
        recording,
        title=f"{name} at query ({place[0]}, {place[1]})",
        context=context_of(trace, place, sample),
        dimensions=None if stage in trace.swapped else STAGE_DIMENSIONS.get(stage),
        focus={"L": match, **cells, **pixels},
        one_row=stage == WHOLE_LAYER,
        stage=stage,
        query=list(place),
        sample=sample,
        beside=beside(trace, stage),
    )


def step_in(
    trace: "Trace", content: Mapping[str, Any], sample: int, state: Mapping[str, Any]
) -> tuple[dict[str, Any], list[bytes]]:
    """The answer to a page that wants to step into a stage: a message and its buffers.

    Args:
        content: `number` of the wish, which the answer repeats; `stage` and `query`.
        sample: the one on screen.
        state: of the page.
    """
    number = check_index("step_in number", content.get("number"), MOST_REQUESTS)
    try:
        best = best_patches(state)
        answer = stored_recording(trace, content.get("stage"), content.get("query"), sample, best)
    except Exception as problem:
        if not is_ours(problem):
            log.error("A stage could not be stepped into.", exc_info=problem)
        return {"kind": "no_recording", "number": number, "reason": reason(problem)}, []
    message = {"kind": "recording", "number": number, "recording": answer["recording"]}
    return message, answer["arrays"]


def beside(trace: "Trace", stage: str) -> dict[str, str]:
    """The equation, the paper's words, the original's line and the one of PyTorch."""
    if stage == WHOLE_LAYER:
        return BESIDE_WHOLE
    entry = trace.stages[stage]
    return {
        "equation": entry.equation,
        "paper": entry.paper,
        "original": entry.source,
        "torch": entry.torch,
    }


def opening_recordings(trace: "Trace", state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every stage and the whole layer at the query that a page opens with; what is too large for
    that is left out.

    Args:
        state: of the page.
    """
    place, best = opening_query(trace, state), best_patches(state)
    stored = []
    layer = () if trace.swapped else (WHOLE_LAYER,)
    for stage in (*BY_KEY, *layer):
        try:
            stored.append(stored_recording(trace, stage, place, state["sample"], best))
        except BudgetError:
            continue
    return stored


def page_with_steps(trace: "Trace", state: Mapping[str, Any]) -> str:
    """The page of a debugger in a state, with the steps of the code at the query it opens with."""
    return page.render({**state, "recordings": opening_recordings(trace, state)})


def opening_query(trace: "Trace", state: Mapping[str, Any]) -> Place:
    """The query that was kept, or the chosen pixel's; else the one that the page shows meanwhile:
    the cell of f's hole that is nearest to its middle, or the middle of f."""
    if state["query"] is not None:
        return state["query"][0], state["query"][1]
    if state["pixel"] is not None:
        row, column = (at // trace.config.rate for at in state["pixel"])
        return row, column
    hole = hole_of_f(trace, state)
    cells = [] if hole is None else downsample(hole, trace.config)[0, 0].nonzero().tolist()
    if not cells:
        return trace.query_grid[0] // 2, trace.query_grid[1] // 2
    middle = [sum(at) / len(cells) for at in zip(*cells, strict=True)]
    row, column = min(cells, key=lambda cell: math.hypot(cell[0] - middle[0], cell[1] - middle[1]))
    return row, column


def hole_of_f(trace: "Trace", state: Mapping[str, Any]) -> Tensor | None:
    """The hole that is drawn over a sample of f, `(1, 1, H, W)`; None where there is none."""
    if "foreground_mask" in state["buffers"]:
        shape = state["meta"]["arrays"]["foreground_mask"]["shape"]
        planes = np.frombuffer(state["buffers"]["foreground_mask"], np.uint8).reshape(shape)
        mask = torch.tensor(planes, dtype=torch.float32, device="cpu")[:, None]
    elif trace.f.shape[2:] == trace.b.shape[2:]:
        mask = trace.mask_at_b.cpu()
    else:
        return None
    return mask_of_sample(mask, state["sample"])


def best_patches(state: Mapping[str, Any]) -> Tensor | None:
    """The best patch of each query, if the page has been told: `(n, h, w)`."""
    for arrays, buffers in (
        (state["answer"].get("arrays", {}), state["answer"]),
        (state["meta"]["arrays"], state["buffers"]),
    ):
        if "argmax" in arrays and "argmax" in buffers:
            best = np.frombuffer(buffers["argmax"], "<i4").reshape(arrays["argmax"]["shape"])
            return torch.from_numpy(best.astype(np.int64))
    return None
