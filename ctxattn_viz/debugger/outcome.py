"""What follows from a trace's inputs: output, log-sum-exp, best patches, each stage in numbers.

From the fused scores, a block of query cells at a time, where they are kept; without the matrix
where it would be large. Attention is not kept at all. Where a function of the reader's own stands
in for a stage there is no way without the matrix.
"""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..attention.layer import AttentionSummary, attention_summary
from ..devices import synchronize
from ..stages import STAGES
from ..stages.deconvolution import mix_patches, overlap_add
from ..stages.fused_softmax import logits, masked_softmax
from ..stages.offset_flow import displacements, flow_picture
from ..traces.results import Summary

if TYPE_CHECKING:
    from ..traces.run import Trace

# A score matrix up to this size is made and kept, so that painting needs no new scores; above, the
# output is computed only when somebody looks.
KEEP_BYTES = 150_000_000
BLOCK = 1 << 22  # weights a block: enough for threads to share, and 16 MB at a time


@dataclass
class Outcome:
    """Output `(n, c, H, W)`, log-sum-exp and best patch `(n, h, w)`, and numbers by stage.

    `stages` has (summary, seconds) of the stages that were run here and not kept.
    """

    output: Tensor
    lse: Tensor
    best: Tensor
    stages: dict[str, tuple[Summary, float]]


def affordable(trace: "Trace") -> bool:
    """Whether the fused scores are there, or small enough to be made and kept."""
    h, w = trace.query_grid
    gh, gw = trace.patch_grid
    size = trace.f.shape[0] * h * w * gh * gw * max(4, trace.f.element_size())
    return trace.computed("fused_scores") or size <= KEEP_BYTES


@torch.no_grad()
def outcome_of(trace: "Trace", block: int | None = None) -> Outcome:
    """Run `trace` to its end, `block` query cells at a time where the fused scores are kept."""
    if affordable(trace) or trace.swapped:
        result, stages, seconds = _from_scores(trace, block)
    else:
        started = time.perf_counter()
        result, stages = attention_summary(trace.f, trace.b, trace.mask, trace.config), {}
        synchronize(trace.device)
        seconds = time.perf_counter() - started
    stages["output"] = Summary.of(result.output), seconds
    started = time.perf_counter()
    if "offsets" in trace.swapped:
        offsets = trace["offsets"].tensor
    else:
        offsets = displacements(result.argmax, trace.patch_grid, trace.config)
    flow = trace["flow"].tensor if "flow" in trace.swapped else flow_picture(offsets)
    seconds = time.perf_counter() - started
    stages |= {"offsets": (Summary.of(offsets), seconds), "flow": (Summary.of(flow), 0.0)}
    return Outcome(result.output, result.lse, result.argmax, stages)


def _from_scores(
    trace: "Trace", block: int | None
) -> tuple[AttentionSummary, dict[str, tuple[Summary, float]], float]:
    """The softmax and the pasting, from the fused scores that the trace keeps.

    Returns:
        the result; attention's summary and seconds by its key; seconds of the pasting.
    """
    fused = trace["fused_scores"].tensor.flatten(1, 2)
    valid, paste = trace["valid"].tensor, trace["paste_patches"].tensor
    seconds = {"attention": 0.0, "output": 0.0}
    parts, blocks = [], []
    own = trace["attention"].tensor.flatten(1, 2) if "attention" in trace.swapped else None
    size = block or max(1, BLOCK // fused.shape[2])
    for first in range(0, fused.shape[1], size):
        rows = fused[:, first : first + size]
        start = time.perf_counter()
        if own is None:
            weights = masked_softmax(rows, valid, trace.config)
        else:
            weights = own[:, first : first + size]
        top, best = weights.max(dim=-1)
        lse = _log_sum_exp(rows, valid, top, best, trace)
        blocks.append(Summary.of(weights, rows=True))
        softmax_done = time.perf_counter()
        parts.append((mix_patches(weights, paste), lse, best))
        synchronize(trace.device)
        seconds["attention"] += softmax_done - start
        seconds["output"] += time.perf_counter() - softmax_done
    patches, lse, best = (torch.cat(kind, dim=1) for kind in zip(*parts, strict=True))
    grid = trace.query_grid
    output = overlap_add(patches, grid, trace.config).to(trace.f.dtype)
    if "output" in trace.swapped:
        output = trace["output"].tensor
    result = AttentionSummary(output, lse.unflatten(1, grid), best.unflatten(1, grid))
    attention = Summary.joined(blocks, trace.layout("attention")[0])
    return result, {"attention": (attention, seconds["attention"])}, seconds["output"]


def summary(trace: "Trace", key: str, outcome: Outcome | None = None) -> dict[str, Any]:
    """One stage in numbers; of a stage that was never made, only its shape and size."""
    shape, dtype = trace.layout(key)
    size = math.prod(shape) * dtype.itemsize
    layout: dict[str, Any] = {"shape": list(shape), "dtype": str(dtype)[6:], "bytes": size}
    if trace.computed(key):
        numbers, seconds = trace[key].summary, trace[key].seconds
    elif outcome is not None and key in outcome.stages:
        numbers, seconds = outcome.stages[key]
    else:
        nothing = dict.fromkeys(("min", "max", "mean", "seconds"))
        return layout | nothing | {"nan": 0, "inf": 0, "masked_rows": 0, "computed": False}
    return layout | {
        "min": numbers.minimum,
        "max": numbers.maximum,
        "mean": numbers.mean,
        "nan": numbers.nan,
        "inf": numbers.infinite,
        "masked_rows": numbers.empty_rows,
        "seconds": seconds,
        "computed": True,
    }


def summaries(trace: "Trace", outcome: Outcome | None = None) -> dict[str, dict[str, Any]]:
    """`summary` of every stage."""
    return {stage.key: summary(trace, stage.key, outcome) for stage in STAGES}


def _log_sum_exp(rows: Tensor, valid: Tensor, top: Tensor, best: Tensor, trace: "Trace") -> Tensor:
    """log Σ exp of what the softmax sees, `(n, cells)`."""
    # log Σ exp(x) = x_best − log a_best, with nothing to sum again; except where a_best tells
    # nothing: no valid patch at all, or all so far below a masked zero that they underflow.
    lse = trace.config.softmax_scale * rows.gather(-1, best[..., None])[..., 0] - top.log()
    for sample, cells in enumerate(~(top > 1e-30)):
        if bool(cells.any()):
            scores = logits(
                rows[sample : sample + 1, cells], valid[sample : sample + 1], trace.config
            )
            lse[sample, cells] = scores.logsumexp(dim=-1)[0]
    return lse
