"""One query's row and one pixel's ledger, out of a trace and without its score matrix."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..checks import check_index
from ..devices import exact_arithmetic
from ..stages import MATRICES
from ..stages.deconvolution import mix_patches, overlap
from ..stages.patch_extraction import same_padding
from .results import PixelLedger, PixelTerm, QueryRow
from .values import rows_of

if TYPE_CHECKING:
    from .run import Trace


def query_row(trace: "Trace", row: int, col: int, sample: int) -> QueryRow:
    """What `Trace.query` returns."""
    grid = trace.query_grid
    row, col = check_index("row", row, grid[0]), check_index("col", col, grid[1])
    sample = check_index("sample", sample, trace.f.shape[0])
    one = trace._sample(sample)
    rows = _rows(trace, torch.tensor([row * grid[1] + col], device="cpu"), sample)
    rows = {key: x[0].unflatten(0, trace.patch_grid) for key, x in rows.items()}
    with exact_arithmetic(trace.device):
        patch = mix_patches(rows["attention"].reshape(1, 1, -1), one["paste_patches"])[0, 0]
    return QueryRow(
        row=row,
        col=col,
        sample=sample,
        config=trace.config,
        valid=one["valid"][0].unflatten(0, trace.patch_grid).clone(),
        patch=patch,
        **rows,
    )


def pixel_ledger(trace: "Trace", row: int, col: int, sample: int) -> PixelLedger:
    """What `Trace.pixel` returns."""
    row, col = (
        check_index("row", row, trace.f.shape[2]),
        check_index("col", col, trace.f.shape[3]),
    )
    sample = check_index("sample", sample, trace.f.shape[0])
    grid, rate = trace.query_grid, trace.config.rate
    before, _ = same_padding(2 * rate, rate)
    cells = [
        (y, x)
        for y in range(grid[0])
        for x in range(grid[1])
        if 0 <= row - y * rate + before < 2 * rate and 0 <= col - x * rate + before < 2 * rate
    ]
    queries = torch.tensor([y * grid[1] + x for y, x in cells], device="cpu")
    weights = _rows(trace, queries, sample)["attention"]  # (Q, L)
    paste = trace._sample(sample)["paste_patches"][0]  # (L, c, 2·rate, 2·rate)
    terms = []
    for (y, x), weight in zip(cells, weights, strict=True):
        at = (row - y * rate + before, col - x * rate + before)
        colours = paste[:, :, at[0], at[1]].to(weight.dtype, copy=True)
        terms.append(PixelTerm((y, x), at, weight, colours, trace.patch_grid, trace.config))
    divisor = float(overlap(grid, trace.config)[0, 0, row, col])
    return PixelLedger(row, col, sample, terms, divisor)


def _rows(trace: "Trace", queries: Tensor, sample: int) -> dict[str, Tensor]:
    """`(Q, L)` rows of one sample at the four matrix stages."""
    kept = [key for key in MATRICES if trace.computed(key)]
    rows = {}
    if len(kept) < len(MATRICES):
        with torch.no_grad():
            rows = rows_of(trace._sample(sample), trace.config, queries)
        rows = {key: x[0] for key, x in rows.items()}
    queries = queries.to(trace.device, non_blocking=True)
    return rows | {key: trace[key].tensor[sample].flatten(0, 1)[queries] for key in kept}
