"""What the three methods have in common: each sample by itself, from maps to an output."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..devices import may_count
from ..errors import NothingValidWarning
from ..habits import warn
from ..inputs import cells_of, nothing_valid
from ..stages.deconvolution import overlap, overlap_add
from ..stages.downsampling import downsample, downsample_mask
from ..stages.fused_softmax import Grid
from ..stages.mask_validity import valid_patches
from ..stages.matching_scores import lifted, norms_from_squares
from ..stages.patch_extraction import matching_patches, paste_patches, same_padding
from . import blocks, diagonals, tiles, vectors


class SampleResult(NamedTuple):
    """Of one sample: the output, and the log-sum-exp and best patch of the queries attended for.

    Attributes:
        output: `(1, c, H, W)`.
        lse, best: `(1, Q)`; zeros where the method was not asked for them.
    """

    output: Tensor
    lse: Tensor
    best: Tensor


def attend(
    values: dict[str, Tensor],
    config: AttentionConfig,
    method: str,
    hole: Tensor | None = None,
    find_best: bool = False,
) -> list[SampleResult]:
    """Each sample by itself, for all query cells or those that paste into the hole.

    Args:
        values: f, b and mask, checked.
        method: `"vectors"`, `"diagonals"` or `"sdpa"`.
        hole: True at the pixels of f that are hole; None: all query cells.
        find_best: whether log-sum-exp and best patch are wanted, which `"sdpa"` has not.
    """
    f, b, grid = values["f"], values["b"], cells_of(values["f"], config.rate)
    shrunk = downsample_mask(values["mask"], (b.shape[2], b.shape[3]), config)
    valid = valid_patches(shrunk, config)
    if may_count(valid) and (message := nothing_valid(valid, config)):
        warn(message, NothingValidWarning)
    valid = valid.expand(len(f), -1)
    reaching = None
    if hole is not None:  # copied once for all samples, as a GPU is waited for
        reaching = cells_reaching_into(hole, grid, config).cpu().expand(len(f), -1)
    results = []
    for i in range(len(f)):
        cells = None if reaching is None else reaching[i].nonzero()[:, 0]
        sample = f[i : i + 1], b[i : i + 1], valid[i], cells, config
        if cells is not None and not len(cells):
            nothing = lifted(f[:1, 0, 0, :0])
            results.append(SampleResult(torch.zeros_like(f[:1]), nothing, nothing.long()))
        elif method == "diagonals":
            results.append(_by_diagonals(*sample, find_best))
        else:
            results.append(_by_vectors(*sample, method == "sdpa"))
    return results


def _by_vectors(
    f: Tensor,
    b: Tensor,
    valid: Tensor,
    cells: Tensor | None,
    config: AttentionConfig,
    in_one_call: bool,
) -> SampleResult:
    """Through one inner product a pair."""
    grid = cells_of(f, config.rate)
    f_small, b_small = downsample(f, config), downsample(b, config)
    pasted = paste_patches(b, config)
    values = lifted(pasted).flatten(2)[0]
    mixed, lse, best = blocks.fused_attention(
        vectors.queries_and_keys(f_small, b_small, cells, config),
        values,
        valid,
        config,
        in_one_call=in_one_call,
    )
    patches = mixed.reshape(1, -1, *pasted.shape[2:])
    if cells is None:
        output = overlap_add(patches.unflatten(1, grid), grid, config)
    else:
        output = overlap_add(patches, grid, config, cells.to(f.device, non_blocking=True))
    return SampleResult(output, lse[None], best[None])


def _by_diagonals(
    f: Tensor,
    b: Tensor,
    valid: Tensor,
    cells: Tensor | None,
    config: AttentionConfig,
    find_best: bool,
) -> SampleResult:
    """Through products of single cells, summed along diagonals."""
    grid, b_grid = cells_of(f, config.rate), cells_of(b, config.rate)
    f_small, b_small = (lifted(downsample(x, config)) for x in (f, b))
    squares = matching_patches(b_small.square().sum(dim=1, keepdim=True), config)
    norms = norms_from_squares(squares.sum(dim=(2, 3, 4)), f.shape[1] * config.ksize**2, config)
    output_blocks, lse, best = diagonals.diagonal_attention(
        f_small[0].flatten(1).mT.contiguous(),
        b_small[0].flatten(1).mT.contiguous(),
        norms[0],
        diagonals.cut_blocks(lifted(b), config.rate)[0].contiguous(),
        valid,
        tiles.plan(grid, b_grid, config, cells, f.device),
        config,
        find_best,
    )
    output = diagonals.join_blocks(output_blocks[None], grid, config.rate)
    output = output / overlap(grid, config).to(output, non_blocking=True)
    return SampleResult(output, lse[None], best[None])


def cells_reaching_into(hole: Tensor, grid: Grid, config: AttentionConfig) -> Tensor:
    """Which query cells paste into the hole, `(1|n, h·w)`."""
    before, after = same_padding(2 * config.rate, config.rate)
    padded = F.pad(hole.float(), (before, after, before, after))
    return (F.max_pool2d(padded, 2 * config.rate, config.rate) > 0).flatten(1)
