"""How each stage is called for one query cell: the stage functions, on that cell and the neighbours
that fusion reads."""

from collections.abc import Callable
from inspect import unwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..devices import exact_arithmetic
from ..errors import InputError
from ..stages import BY_KEY, MATRICES, forward
from ..stages.deconvolution import deconvolve
from ..stages.downsampling import downsample_mask
from ..stages.fused_softmax import fuse, masked_softmax, rows_needed
from ..stages.matching_scores import matching_scores
from ..stages.offset_flow import displacements, flow_picture, offsets
from ..traces.copies import copied
from ..traces.values import LazyValues

if TYPE_CHECKING:
    from ..traces.run import Trace
    from .recording import Recording

WHOLE_LAYER = "forward"  # stands for the whole layer where others name a stage
Call = tuple[Callable[..., Tensor], tuple[Any, ...]]


def record_stage(
    trace: "Trace",
    stage: str,
    query: tuple[int, int],
    sample: int = 0,
    best: Tensor | None = None,
) -> "Recording":
    """Record the function of a stage, or `forward` with all of them, at one query cell.

    Args:
        stage: its key, or `"forward"`.
        query: (row, column) of a cell of the query grid.
        sample: of the batch.
        best: int64 `(n, h, w)`, the best patch of each query, where it is known; the picture of the
            flow needs it.
    """
    from . import record

    with torch.no_grad(), exact_arithmetic(trace.device):
        function, arguments = _call(trace, stage, query, sample, best)
        return record(function, *arguments)


def _call(
    trace: "Trace", stage: str, query: tuple[int, int], sample: int, best: Tensor | None
) -> Call:
    if stage in trace.swapped:
        return _swapped_call(trace, stage)
    if stage == WHOLE_LAYER and trace.swapped:
        hint = "Each stage can be stepped into by itself."
        swapped = f"a run in which {', '.join(trace.swapped)} is swapped"
        raise InputError("forward", "a run of the layer's own stages", swapped, hint)
    config, grid, patches = trace.config, trace.query_grid, trace.patch_grid
    first = slice(sample, sample + 1)
    mask = trace.mask[first] if len(trace.mask) > 1 else trace.mask
    if config.mask_of_batch == "first":
        mask = trace.mask[:1]
    f, b = trace.f[first], trace.b[first]
    f, b = (f, f) if trace.f is trace.b else (f, b)
    values = LazyValues({"f": f, "b": b, "mask": mask}, config)
    for key in ("downsampled_f", "downsampled_b", "matching_patches", "paste_patches", "valid"):
        if trace.computed(key) or key in trace.swapped:
            values.known[key] = trace[key].tensor[first]
    cell = torch.tensor([query[0] * grid[1] + query[1]], device=trace.device)
    down = rows_needed(cell, grid, "columns", config)  # whose rows the second pass reads
    across = rows_needed(down, grid, "rows", config)  # and the first
    if stage == WHOLE_LAYER:
        return _forward_at(cell, down, across, grid), (f, b, mask, config)
    if stage == "downsampled_mask":
        return downsample_mask, (mask, (b.shape[2], b.shape[3]), config)
    if stage == "flow":
        return flow_picture, (_two_offsets(_all_offsets(trace, best)[: sample + 1], query),)
    if stage not in (*MATRICES, "output", "offsets"):
        entry = BY_KEY[stage]
        return entry.function, (*(values[key] for key in entry.inputs), config)
    f_small, matching = values["downsampled_f"], values["matching_patches"]
    if stage == "scores":
        return matching_scores, (f_small, matching, config, cell)

    def rows(key: str, cells: Tensor, function: Callable[..., Tensor], *arguments: Any) -> Tensor:
        """Read of a stage that is swapped, which is there as a whole alone."""
        if key in trace.swapped:
            return trace[key].tensor[first].flatten(1, 2)[:, cells]
        return function(*arguments)

    if stage == "fused_rows":
        reads = rows_needed(cell, grid, "rows", config)
        scores = rows("scores", reads, matching_scores, f_small, matching, config, reads)
        return fuse, (scores, grid, patches, "rows", config, cell, reads)
    scores = rows("scores", across, matching_scores, f_small, matching, config, across)
    by_rows = scores, grid, patches, "rows", config, down, across
    fused_rows = rows("fused_rows", down, fuse, *by_rows)
    by_columns = fused_rows, grid, patches, "columns", config, cell, down
    if stage == "fused_scores":
        return fuse, by_columns
    fused_scores = rows("fused_scores", cell, fuse, *by_columns)
    weighing = fused_scores, values["valid"], config
    if stage == "attention":
        return masked_softmax, weighing
    attention = rows("attention", cell, masked_softmax, *weighing)
    if stage == "output":
        return deconvolve, (attention, values["paste_patches"], config, grid, cell)
    return offsets, (attention, patches, config, torch.tensor([query], device=trace.device))


def _swapped_call(trace: "Trace", stage: str) -> Call:
    """A function of the reader's own, on copies of what it was given: whole tensors."""
    given = {"f": trace.f, "b": trace.b, "mask": trace.mask}
    entry = trace.stages[stage]
    inputs = {name: given[name] if name in given else trace[name].tensor for name in entry.inputs}
    return entry.function, (*copied(inputs).values(), trace.config)


def _two_offsets(offsets: Tensor, query: tuple[int, int]) -> Tensor:
    """Of a cell of the last sample, and of the longest so far: colours are relative to that."""
    flat = offsets.flatten(0, 2)
    longest = flat[flat.square().sum(dim=1).argmax()]
    return torch.stack((offsets[-1, query[0], query[1]], longest))[None, None]  # (1, 1, 2, 2)


def _all_offsets(trace: "Trace", best: Tensor | None) -> Tensor:
    if best is None or trace.computed("offsets") or "offsets" in trace.swapped:
        return trace["offsets"].tensor
    return displacements(best, trace.patch_grid, trace.config)


def _forward_at(
    cell: Tensor, down: Tensor, across: Tensor, grid: tuple[int, int]
) -> Callable[..., Tensor]:
    """`forward`, line by line the same, whose stages make only the rows that are needed."""

    def scores(f_small: Tensor, matching: Tensor, config: Any) -> Tensor:
        return matching_scores(f_small, matching, config, across)

    def fused(x: Tensor, queries: Any, patches: Any, order: str, config: Any) -> Tensor:
        made, read = (down, across) if order == "rows" else (cell, down)
        return fuse(x, queries, patches, order, config, made, read)

    def pasted(attention: Tensor, paste: Tensor, config: Any) -> Tensor:
        return deconvolve(attention, paste, config, grid, cell)

    instead = {"matching_scores": scores, "fuse": fused, "deconvolve": pasted}
    given = {"query": cell, "rows_of_second_pass": down, "rows_of_first_pass": across}
    plain: Any = unwrap(forward)
    at_cell = FunctionType(
        plain.__code__, plain.__globals__ | instead | given, plain.__name__, plain.__defaults__
    )
    at_cell.__qualname__ = forward.__qualname__
    return at_cell
