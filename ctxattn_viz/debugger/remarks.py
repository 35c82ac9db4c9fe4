"""Facts and findings of a trace, and cells to walk through, as the page reads them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import BudgetError, InputError
from ..traces.remarks import Remark, Remarks
from .state import Place, checked_place

if TYPE_CHECKING:
    from ..traces.run import Trace

# Of each remark so many cells are sent, the clearest first: about 2 kB.
MOST_CELLS = 200


def facts_and_findings(trace: "Trace", with_findings: bool = True) -> dict[str, Any]:
    """`facts`, and `findings`: None where they are not looked for."""
    findings = _sent(trace.findings) if with_findings else None
    return {"facts": _sent(trace.facts), "findings": findings}


def remarks_to_open_with(trace: "Trace", look: bool) -> dict[str, Any]:
    """`facts_and_findings`; a run whose rows do not fit its budget is shown without findings."""
    try:
        return facts_and_findings(trace, look)
    except BudgetError:
        return facts_and_findings(trace, with_findings=False)


def walk(trace: "Trace", cells: Any) -> list[Place] | None:
    """The cells that somebody wants to walk through, checked.

    Raises:
        InputError: no list of (row, column), or a cell outside the grid.
    """
    if cells is None:
        return None
    if isinstance(cells, str | bytes) or not isinstance(cells, Iterable):
        raise InputError("cells", "a list of (row, column), as trace.where gives", repr(cells))
    places = [checked_place("cells", cell, trace.query_grid) for cell in cells]
    if None in places:
        raise InputError("cells", "a list of (row, column), as trace.where gives", "None in it")
    return [place for place in places if place is not None]


def _sent(remarks: Remarks) -> list[dict[str, Any]]:
    return [_sent_remark(remark) for remark in remarks]


def _sent_remark(remark: Remark) -> dict[str, Any]:
    return {
        "key": remark.key,
        "sentence": remark.sentence,
        "stage": remark.stage,
        "cells": [list(cell) for cell in remark.cells[:MOST_CELLS]],
        "count": len(remark.cells),
        "grid": remark.grid,
        "sample": remark.sample,
    }
