"""The state of a debugger: what both homes start with, and what may be set."""

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from ..checks import check_choice, check_index
from ..config import AttentionConfig
from ..errors import InputError
from ..inputs import check_config
from ..stages import BY_KEY
from ..traces.maps import check_map

if TYPE_CHECKING:
    from ..traces.run import Trace
    from .payload import Payload

Place = tuple[int, int]


def initial_state(
    payload: "Payload",
    trace: "Trace",
    *,
    query: Any = None,
    pixel: Any = None,
    stage: str = "attention",
    sample: int = 0,
    map: str | None = None,
    questions: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The traits that a debugger opens with, as the page reads them.

    Args:
        questions: as `checked_questions` makes them.

    Raises:
        InputError: a query, pixel, stage, sample or map that this trace does not have.
    """
    return {
        "meta": payload.meta,
        "buffers": payload.buffers,
        "answer": {},
        "recordings": [],
        "questions": list(questions),
        "answers": [],
        "recorded": payload.recorded,
        "plain": payload.plain,
        "request": 0,
        "query": checked_place("query", query, trace.query_grid),
        "pixel": checked_place("pixel", pixel, (trace.f.shape[2], trace.f.shape[3])),
        "stage": checked_stage(stage),
        "sample": check_index("sample", sample, trace.f.shape[0]),
        "config": payload.meta["config"],
        "softmax_scale": payload.meta["config"]["softmax_scale"],
        "mask": payload.mask,
        "map": checked_map(map, payload),
    }


def checked_stage(key: Any) -> str:
    """A stage's key."""
    check_choice("stage", key, BY_KEY)
    return str(key)


def checked_map(name: Any, payload: "Payload") -> str | None:
    """None, or the name of a map of doubt that can be made of these inputs."""
    if name is None:
        return None
    if check_map(name) == "error" and "truth" not in payload.meta["arrays"]:
        hint = "The truth is an argument of `debug` and `save_page`."
        raise InputError("map", "a map that needs no truth, or a truth", repr(name), hint)
    return str(name)


def checked_config(value: Any) -> AttentionConfig:
    """A config, or the one that the page describes as a dict."""
    if value is None:  # elsewhere the defaults
        raise InputError("config", "an AttentionConfig", None)
    return check_config(AttentionConfig.from_dict(value) if isinstance(value, dict) else value)


def checked_place(name: str, value: Any, grid: Place) -> Place | None:
    """None, or `(row, column)` on a grid."""
    if value is None:
        return None
    try:
        if isinstance(value, (str, bytes, bytearray, memoryview, Mapping, Set)):
            raise TypeError("no two numbers in an order")
        row, col = value
    except (TypeError, ValueError):
        raise InputError(name, "(row, column) or None", repr(value)) from None
    return check_index(f"{name} row", row, grid[0]), check_index(f"{name} column", col, grid[1])
