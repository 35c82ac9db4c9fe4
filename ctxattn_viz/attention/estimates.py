"""What a call of the layer will cost: which method is fastest, and how much memory it takes."""

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..devices import free_memory
from ..errors import BudgetError
from ..inputs import cells_of
from ..stages.matching_scores import lifted
from ..stages.patch_extraction import patch_grid
from ..units import human
from . import blocks, tiles, vectors


@contextlib.contextmanager
def explain_out_of_memory(
    f: Tensor, b: Tensor, method: str, config: AttentionConfig
) -> Iterator[None]:
    """Running out of memory, as a sentence that says what would fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as problem:
        # Where the CPU's memory ends, PyTorch raises a plain RuntimeError.
        typed = isinstance(problem, MemoryError | torch.OutOfMemoryError)
        if not (typed or "allocate memory" in str(problem)):
            raise
        message = _too_large(f, b, method, config)
    else:
        return
    raise BudgetError(message)  # out here, so that nothing holds on to what was allocated


def _too_large(f: Tensor, b: Tensor, method: str, config: AttentionConfig) -> str:
    free, need = free_memory(f.device), expected_memory(f, b, config, method)
    # Memory grows with the area, and a tenth is kept free.
    scale = min((0.9 * free / need) ** 0.5, 0.9)
    fits = [
        "×".join(str(int(size * scale) // config.rate * config.rate) for size in x.shape[2:])
        for x in (f, b)
    ]
    sizes = ["×".join(map(str, x.shape[2:])) for x in (f, b)]
    # What did not fit takes more than there is, whatever was estimated.
    got = f"about {human(need)}" if need > free else "more than that"
    return (
        f"contextual_attention: expected to fit the free memory, {human(free)}, got {got} "
        f"for f {sizes[0]} and b {sizes[1]}. f {fits[0]} and b {fits[1]} would fit; so may "
        "the same sizes with fewer samples, or with queries='hole'."
    )


def expected_memory(f: Tensor, b: Tensor, config: AttentionConfig, method: str) -> int:
    """About how many bytes a call takes above its inputs: an estimate, on the high side.

    Forward alone; what backward keeps and makes is about as much again.

    >>> x = torch.zeros(1, 3, 256, 256)
    >>> bytes_above = cv.attention.expected_memory(x, x, cv.AttentionConfig(), "sdpa")
    >>> bytes_above < 16384**2 * 4  # the score matrix, which a call never makes
    True
    """
    n, channels = f.shape[:2]
    grid, b_grid = (cells_of(x, config.rate) for x in (f, b))
    queries, b_cells, keys = map(math.prod, (grid, b_grid, patch_grid(b_grid, config)))
    pasted = channels * (2 * config.rate) ** 2
    results = 3 * f.numel()
    if method == "diagonals":
        side = tiles.tile_side(grid, b_grid, config, tiles.tile_size(f.device))
        side += tiles.halo_of(config) + 1
        largest = min(side**2, queries + 1) * (b_cells + 1)
        numbers = results + 3 * largest + (queries + 2 * b_cells) * pasted // 4
    else:
        long = vectors.long_length(channels, config)
        short = vectors.length(channels, config)
        numbers = results + blocks.block_size(f.device)
        numbers += keys * (3 * long + 2 * short + 2 * pasted) + queries * (2 * short + 3 * pasted)
    return numbers * lifted(f[:0]).element_size() + n * 24 * queries
