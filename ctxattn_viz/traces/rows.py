"""One query's row and one pixel's ledger, out of a run's values and without its score matrix."""

import torch
from torch import Tensor

from ..checks import check_index
from ..config import AttentionConfig
from ..devices import exact_arithmetic
from ..stages import MATRICES, patch_grid, query_grid
from ..stages.deconvolution import mix_patches, overlap
from ..stages.patch_extraction import same_padding
from .results import PixelLedger, PixelTerm, QueryRow
from .values import LazyValues, rows_of


def query_row(values: LazyValues, row: int, col: int, sample: int) -> QueryRow:
    """What `Trace.query` returns."""
    queries, patches = query_grid(values, values.config), patch_grid(values, values.config)
    row, col = check_index("row", row, queries[0]), check_index("col", col, queries[1])
    sample = check_index("sample", sample, values["f"].shape[0])
    cell = torch.tensor([row * queries[1] + col], device="cpu")
    rows = {key: x[0].unflatten(0, patches) for key, x in matrix_rows(values, cell, sample).items()}
    paste = values["paste_patches"][sample : sample + 1]
    with exact_arithmetic(paste.device):
        patch = mix_patches(rows["attention"].reshape(1, 1, -1), paste)[0, 0]
    return QueryRow(
        row=row,
        col=col,
        sample=sample,
        config=values.config,
        valid=values["valid"][sample].unflatten(0, patches).clone(),
        patch=patch,
        **rows,
    )


def pixel_ledger(values: LazyValues, row: int, col: int, sample: int) -> PixelLedger:
    """What `Trace.pixel` returns."""
    config, f = values.config, values["f"]
    row, col = check_index("row", row, f.shape[2]), check_index("col", col, f.shape[3])
    sample = check_index("sample", sample, f.shape[0])
    height, width = query_grid(values, config)
    positions = covering((row, col), (height, width), config)
    queries = torch.tensor([y * width + x for y, x in positions], device="cpu")
    weights = matrix_rows(values, queries, sample)["attention"]  # (Q, L)
    paste = values["paste_patches"][sample]  # (L, c, 2·rate, 2·rate)
    patches = patch_grid(values, config)
    terms = []
    for (cell, position), weight in zip(positions.items(), weights, strict=True):
        colours = paste[:, :, position[0], position[1]].to(weight.dtype, copy=True)
        terms.append(PixelTerm(cell, position, weight, colours, patches, config))
    divisor = float(overlap((height, width), config)[0, 0, row, col])
    swapped = values["output"][sample, :, row, col].clone() if "output" in values.swapped else None
    return PixelLedger(row, col, sample, terms, divisor, swapped)


def covering(
    pixel: tuple[int, int], grid: tuple[int, int], config: AttentionConfig
) -> dict[tuple[int, int], tuple[int, int]]:
    """The query cells whose pasted patches cover an output pixel, and where in each it lies."""
    side, rate = 2 * config.rate, config.rate
    before, _ = same_padding(side, rate)
    # The first cell that may reach the pixel, and the one after the last, along each axis.
    spans = [
        range(max((at + before - side) // rate + 1, 0), min((at + before) // rate + 1, size))
        for at, size in zip(pixel, grid, strict=True)
    ]
    return {
        (y, x): (pixel[0] - y * rate + before, pixel[1] - x * rate + before)
        for y in spans[0]
        for x in spans[1]
    }


def matrix_rows(values: LazyValues, queries: Tensor, sample: int) -> dict[str, Tensor]:
    """`(Q, L)` rows of one sample at the four matrix stages: read where those are computed."""
    computed = [key for key in MATRICES if key in values.known]
    rows = {}
    if len(computed) < len(MATRICES):
        rows = computed_rows(values, queries, sample)
    queries = queries.to(values["f"].device, non_blocking=True)
    for key in computed:
        rows[key] = values[key][sample].flatten(0, 1)[queries]
    return rows


def computed_rows(values: LazyValues, queries: Tensor, sample: int) -> dict[str, Tensor]:
    """`(Q, L)` rows of one sample at the four matrix stages, computed for these queries alone.

    Stages for which a function of the reader's own stands in are there as a whole alone, and read.
    """
    keys = ("f", "b", "downsampled_f", "matching_patches", "valid")
    one = slice(sample, sample + 1)
    inputs = {key: values[key][one] for key in keys}
    whole = {key: values[key][one].flatten(1, 2) for key in MATRICES if key in values.swapped}
    return {key: x[0] for key, x in rows_of(inputs, values.config, queries, whole).items()}
