"""What is known of the run that a recording belongs to."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..stages import MATRICES
from ..stages.fused_softmax import rows_needed

if TYPE_CHECKING:
    from ..traces.run import Trace

Sizes = Mapping[str, Set[int]]


@dataclass(frozen=True)
class Context:
    """What is known of the run that a recording is of.

    Attributes:
        sizes: which sizes the axes of a name can have.
        known: tensors with the axes that they are known to have.
        cells: for each count of query cells in one call, which of them is the kept one.
        stride: of the background patches.
    """

    sizes: Sizes = field(default_factory=dict)
    known: Sequence[tuple[Tensor, tuple[str, ...]]] = ()
    cells: Mapping[int, int] = field(default_factory=dict)
    stride: int = 1


NOTHING_KNOWN = Context()


# As in the signatures of the stages.
STAGE_AXES = {
    "downsampled_f": "n c h w",
    "downsampled_b": "n c hb wb",
    "downsampled_mask": "n 1 hb wb",
    "matching_patches": "n L c k k",
    "paste_patches": "n L c k k",
    "valid": "n L",
    "output": "n c H W",
    **dict.fromkeys(MATRICES, "n h w L"),
}


def context_of(
    trace: "Trace", query: tuple[int, int] | None = None, sample: int | None = None
) -> Context:
    """What a run says about a recording of its stages or of somebody's code for them.

    Args:
        query: the query cell that was kept, where the recording is of one.
        sample: the sample of the batch that was taken, where one was.
    """
    config, queries, patches = trace.config, trace.query_grid, trace.patch_grid
    c, (H, W), (Hb, Wb) = trace.f.shape[1], trace.f.shape[2:], trace.b.shape[2:]
    sides = {config.ksize, 2 * config.rate}
    sizes = {"n": {1, len(trace.f)}, "c": {1, c}, "k": sides, "L": {math.prod(patches)}}
    for names, values in (
        (("h", "w"), queries),
        (("gh", "gw"), patches),
        (("H", "W"), (H, W)),
        (("Hb", "Wb"), (Hb, Wb)),
        (("hb", "wb"), (Hb // config.rate, Wb // config.rate)),
        (("Hm", "Wm"), trace.mask.shape[2:]),
    ):
        sizes |= {name: {value} for name, value in zip(names, values, strict=True)}
    cells = {math.prod(queries): 0}
    if query is not None:
        cell = torch.tensor([query[0] * queries[1] + query[1]], device="cpu")
        rows = rows_needed(cell, queries, "columns", config)
        for needed in (rows_needed(rows, queries, "rows", config), rows, cell):
            cells[len(needed)] = needed.tolist().index(int(cell))
        sizes["Q"] = {*cells} - {math.prod(queries)}
        cells[math.prod(queries)] = int(cell)
    part = slice(None) if sample is None else slice(sample, sample + 1)
    known = [
        (trace[key].tensor[part], tuple(names.split()))
        for key, names in STAGE_AXES.items()
        if trace.computed(key)
    ]
    return Context(sizes, known, cells, config.stride)
