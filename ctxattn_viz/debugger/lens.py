"""The gradient of an output pixel, or of what a query pastes, for a message of the page."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..checks import check_index
from .messages import is_ours, reason
from .state import checked_place
from .undoing import MOST_REQUESTS, log

if TYPE_CHECKING:
    from ..traces.run import Trace


def gradient(
    trace: "Trace", content: Mapping[str, Any], sample: int
) -> tuple[dict[str, Any], list[bytes]]:
    """The answer to a page that asks for a gradient: a message, and ∂y/∂f and ∂y/∂b as float32.

    Args:
        content: `number` of the wish, which the answer repeats; `pixel` or `query`.
        sample: the one on screen.
    """
    number = check_index("gradient number", content.get("number"), MOST_REQUESTS)
    size = trace.f.shape[2], trace.f.shape[3]
    try:
        pixel = checked_place("pixel", content.get("pixel"), size)
        query = checked_place("query", content.get("query"), trace.query_grid)
        answer = trace.gradient(pixel=pixel, query=query, sample=sample)
    except Exception as problem:
        if not is_ours(problem):
            log.error("A gradient could not be computed.", exc_info=problem)
        return {"kind": "no_gradient", "number": number, "reason": reason(problem)}, []
    message = {
        "kind": "gradient",
        "number": number,
        "of": answer.of,
        "value": answer.value if math.isfinite(answer.value) else None,
        "sentence": answer.sentence,
        "shapes": {"f": list(answer.f.shape), "b": list(answer.b.shape)},
    }
    return message, [_bytes(answer.f), _bytes(answer.b)]


def _bytes(x: Tensor) -> bytes:
    return np.ascontiguousarray(x.cpu().numpy().astype("<f4")).tobytes()
