"""A run with functions swapped in, as the page reads it: what they made, or its rows one by one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..checks import check_index
from ..config import AttentionConfig
from ..errors import BudgetError, InputError
from ..stages import MATRICES, touched_by
from ..traces.swapping import call_of, name_of
from ..units import human
from .state import checked_place

if TYPE_CHECKING:
    from ..traces.run import Trace

# Of what was swapped, as float32: a matrix of grids up to 40×40. Above, rows are sent one by one.
MOST_BYTES = 20_000_000
MOST_QUERIES = 64  # whose rows one message may ask for: of a pixel there are four


def recorded_of(trace: "Trace") -> dict[str, Any]:
    """The tensors of the stages that are swapped: `Recorded` of protocol.ts, empty where none is.

    Raises:
        BudgetError: small stages too large for a page, or a stage beyond the trace's budget.
        InputError: a function that does not return what its stage would.
    """
    if not trace.swapped:
        return {}
    small = [key for key in trace.swapped if key not in MATRICES]
    if (size := _bytes_of(trace, small)) > MOST_BYTES:
        raise BudgetError(
            f"debug: expected at most {human(MOST_BYTES)} of {', '.join(small)} to send to the "
            f"page, got {human(size)}."
        )
    remote = rows_travel_alone(trace)
    return {
        "stages": [
            {
                "key": key,
                "name": name_of(trace.stages[key].function),
                "call": call_of(trace.stages[key]),
                "shape": list(trace.layout(key)[0]),
                "data": None if remote and key in MATRICES else _floats(trace[key].tensor),
            }
            for key in trace.swapped
        ],
        "settings": sorted(_settings_of(trace.swapped)),
        "bytes": _bytes_of(trace, trace.swapped),
        "remote": remote,
    }


def rows_travel_alone(trace: "Trace") -> bool:
    """Whether what was swapped is too large to be sent whole."""
    return _bytes_of(trace, trace.swapped) > MOST_BYTES


def refuse_page(trace: "Trace") -> None:
    """Raise `BudgetError` where a page would need a kernel for its rows."""
    if (size := _bytes_of(trace, trace.swapped)) > MOST_BYTES:
        raise BudgetError(
            f"save_page: expected at most {human(MOST_BYTES)} of what was swapped, "
            f"{', '.join(trace.swapped)}, as a page has no kernel to ask, got {human(size)}. "
            "cv.debug shows it, or a larger rate."
        )


def rows(
    trace: "Trace", content: Mapping[str, Any], sample: int
) -> tuple[dict[str, Any], list[bytes]]:
    """The answer to a page that asks for rows and columns of the matrix stages.

    Args:
        content: `number` of the wish, which the answer repeats; `queries`, places on f's grid; and
            `patch`, the index of one, or null.
        sample: the one on screen.

    Returns:
        a message, and its buffers: of each query its rows at the four stages, `(Q, 4, L)`; of the
        patch its columns, `(4, P)`, or nothing.
    """
    number = check_index("rows number", content.get("number"), 2**31)
    wanted, patch = content.get("queries"), content.get("patch")
    if not isinstance(wanted, Sequence) or isinstance(wanted, str) or len(wanted) > MOST_QUERIES:
        raise InputError("rows queries", f"at most {MOST_QUERIES} places", repr(wanted))
    places = [checked_place("rows queries", place, trace.query_grid) for place in wanted]
    of_queries = [trace.query(*place, sample=sample) for place in places if place is not None]
    stacked = [torch.stack([row[key].flatten() for key in MATRICES]) for row in of_queries]
    buffers = [_floats(torch.stack(stacked)) if stacked else b""]
    if patch is not None:
        index = check_index("rows patch", patch, math.prod(trace.patch_grid))
        columns = [trace[key].tensor[sample].flatten(0, 1)[:, index] for key in MATRICES]
        buffers.append(_floats(torch.stack(columns)))
    message = {"kind": "rows", "number": number, "sample": sample, "patch": patch}
    return message | {"queries": [list(place) for place in places if place]}, buffers


def _settings_of(keys: Sequence[str]) -> set[str]:
    """The settings, and "mask", on which these stages depend by what they declare."""
    names = [*(field.name for field in fields(AttentionConfig)), "mask"]
    return {name for name in names if not touched_by({name}).isdisjoint(keys)}


def _bytes_of(trace: "Trace", keys: Sequence[str]) -> int:
    return sum(4 * math.prod(trace.layout(key)[0]) for key in keys)


def _floats(x: Tensor) -> bytes:
    return x.detach().to("cpu", torch.float32).contiguous().numpy().astype("<f4").tobytes()
