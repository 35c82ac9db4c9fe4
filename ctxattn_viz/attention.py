"""Contextual attention as a function and as a layer, without the score matrix.

The same answer as the stages (`trace`), in memory that grows with the pictures and not with their
square, forward and backward. `method` says how; the three are exact and differ in speed alone:

- `"sdpa"`, for few channels: one inner product of longer vectors for each pair of query and patch,
  through one call of PyTorch's `scaled_dot_product_attention`; see `attention_vectors`;
- `"vectors"`: the same vectors, a block of queries at a time: where not only the output is wanted;
- `"diagonals"`, for many channels: products of single cells, then sums along diagonals; see
  `attention_diagonals`.
"""

import contextlib
import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import attention_diagonals as diagonals
from . import attention_tiles as tiles
from . import attention_vectors as vectors
from .budget import free_memory, human
from .config import AttentionConfig
from .errors import BudgetError, InputError, check_choice, shape_of
from .pipeline import check_config, check_inputs, check_mask
from .stages.deconvolution import overlap, overlap_add
from .stages.downsampling import downsample, downsample_mask, mask_at
from .stages.fused_softmax import Grid
from .stages.mask_validity import valid_patches
from .stages.matching_scores import lifted, norms_from_squares
from .stages.offset_flow import displacements, flow_picture
from .stages.patch_extraction import matching_patches, paste_patches, patch_grid, same_padding

METHODS = ("auto", "vectors", "diagonals", "sdpa")

# What one pass of additions over the score matrix costs, in multiplications a pair: measured on a
# CPU, where it decides from about how many channels on "diagonals" wins.
PASS = 20


class AttentionSummary(NamedTuple):
    """The output, and what it takes to compute any attention row later by itself.

    Attributes:
        output: `(n, c, H, W)`, the dtype of f.
        lse: `(n, h, w)`, the log-sum-exp of each query's row exactly as the masked softmax sees
            it: attention(p, q) = exp(logit(p, q) − lse(p)).
        argmax: int64 `(n, h, w)`, each query's best background patch, 0 where it has none.
    """

    output: Tensor
    lse: Tensor
    argmax: Tensor


def contextual_attention(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    method: str = "auto",
    queries: str = "all",
    foreground_mask: Tensor | None = None,
    rest: str | None = None,
) -> Tensor:
    """Rebuild f from patches of b: the whole layer, differentiable in f and b.

    Args:
        f: foreground `(n, c, H, W)`, floating; what is reconstructed.
        b: background `(n, c, Hb, Wb)`; what is pasted from.
        mask: `(1|n, 1, Hb·m, Wb·m)`, 1 is a hole in b, m whole; None: nothing is missing. Whatever
            is not 0 counts as hole here, NaN too; `trace` refuses all but 0 and 1.
        config: None for the original's defaults.
        method: how it is computed, see above; `"auto"` takes what `choose_method` says.
        queries: `"all"`, or `"hole"` for only those query cells whose patches reach into f's hole:
            all that inpainting needs. In the hole the output is the same.
        foreground_mask: f's hole for `queries="hole"`, as `mask` but for f; None: it is `mask`
            (of each sample its own), which then needs f and b of one size.
        rest: what stands outside the hole with `queries="hole"`: `"copy"` of f (so does None), or
            `"zero"`.

    Returns:
        `(n, c, H, W)`, the dtype of f.

    Raises:
        InputError: naming the argument, what was expected and what came. Values are not looked
            at: NaN comes out where NaN went in.
        BudgetError: there is not enough memory; says what would fit.

    Source: `inpaint_ops.contextual_attention` (Yu et al., CVPR 2018, section 4.1).
    """
    values, config = check_inputs(f, b, mask, config)
    check_choice("method", method, METHODS)
    check_choice("queries", queries, ("all", "hole"))
    if rest is not None:
        check_choice("rest", rest, ("copy", "zero"))
    if queries == "all":
        if foreground_mask is not None:
            got = shape_of(foreground_mask)
            raise InputError("foreground_mask", "None, as queries='all'", got)
        if rest is not None:
            raise InputError("rest", "None, as queries='all'", repr(rest))
    hole = None if queries == "all" else _hole(f, b, mask, foreground_mask, config)
    if f.device.type == "meta":
        return torch.empty_like(f)
    if method == "auto":
        method = choose_method(f.shape[1], config)
    with _in_words(f, b, method, config), _exactly(f):
        found = _attend(values, config, method, hole)
        output = torch.cat([y for y, _, _ in found]).to(f.dtype)
    return output if hole is None else torch.where(hole, output, 0 if rest == "zero" else f)


def attention_summary(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    method: str = "auto",
) -> AttentionSummary:
    """The output with each query's log-sum-exp and best patch, in one pass.

    Takes and raises what `contextual_attention` does, but for `method="sdpa"`, which returns
    neither.
    """
    values, config = check_inputs(f, b, mask, config)
    check_choice("method", method, METHODS[:3])
    grid = _cells(f, config)
    if f.device.type == "meta":
        empty = f.new_empty(f.shape[0], *grid)
        return AttentionSummary(torch.empty_like(f), lifted(empty), empty.long())
    if method == "auto":
        method = choose_method(f.shape[1], config)
        method = "vectors" if method == "sdpa" else method
    with _in_words(f, b, method, config), _exactly(f):
        found = _attend(values, config, method, find_best=True)
        output, lse, best = map(torch.cat, zip(*found, strict=True))
    return AttentionSummary(output.to(f.dtype), lse.unflatten(1, grid), best.unflatten(1, grid))


class ContextualAttention(nn.Module):
    """The layer, for a network. It has no weights: what is learned is the features it is given.

    Args:
        config: None for the original's defaults.
        method: as for `attention_summary`.
    """

    def __init__(self, config: AttentionConfig | None = None, *, method: str = "auto") -> None:
        super().__init__()
        check_choice("method", method, METHODS[:3])
        self.config = check_config(config)
        self.method = method

    def forward(self, f: Tensor, b: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The output `(n, c, H, W)` and the flow picture, uint8 `(n, 3, H / rate, W / rate)`.

        Takes and raises what `contextual_attention` does.
        """
        found = attention_summary(f, b, mask, self.config, method=self.method)
        patches = patch_grid(_cells(b, self.config), self.config)
        return found.output, flow_picture(displacements(found.argmax, patches, self.config))

    def extra_repr(self) -> str:
        return f"{self.config}, method={self.method!r}"


def choose_method(channels: int, config: AttentionConfig) -> str:
    """The method that is fastest for so many channels: by the multiplications that a pair costs."""
    k, s, r = config.ksize, config.stride, config.rate
    long = vectors.length(channels, config) + (2 * r) ** 2 * channels
    passes = 2 * k * s**2 + (2 * config.fuse_k if config.fuse else 0) + 6 * s**2
    short = s**2 * (1 + r**2) * channels
    return "diagonals" if short + PASS * passes < long else "sdpa"


Found = tuple[Tensor, Tensor, Tensor]
"""Of one sample: the output `(1, c, H, W)`; log-sum-exp and best patch `(1, Q)` of its queries."""


def _attend(
    values: dict[str, Tensor],
    config: AttentionConfig,
    method: str,
    hole: Tensor | None = None,
    find_best: bool = False,
) -> list[Found]:
    """Each sample by itself, for all query cells or those that paste into the hole."""
    f, b, grid = values["f"], values["b"], _cells(values["f"], config)
    shrunk = downsample_mask(values["mask"], (b.shape[2], b.shape[3]), config)
    valid = valid_patches(shrunk, config).expand(len(f), -1)
    wanted = None if hole is None else _reaching(hole, grid, config).expand(len(f), -1)
    found = []
    for i in range(len(f)):
        cells = None if wanted is None else wanted[i].nonzero()[:, 0].cpu()
        sample = f[i : i + 1], b[i : i + 1], valid[i], cells, config
        if cells is not None and not len(cells):
            nothing = lifted(f[:1, 0, 0, :0])
            found.append((torch.zeros_like(f[:1]), nothing, nothing.long()))
        elif method == "diagonals":
            found.append(_by_diagonals(*sample, find_best))
        else:
            found.append(_by_vectors(*sample, method == "sdpa"))
    return found


def _by_vectors(
    f: Tensor,
    b: Tensor,
    valid: Tensor,
    cells: Tensor | None,
    config: AttentionConfig,
    in_one_call: bool,
) -> Found:
    """Through one inner product a pair."""
    grid = _cells(f, config)
    f_small, b_small = downsample(f, config), downsample(b, config)
    chosen = torch.arange(grid[0] * grid[1]) if cells is None else cells
    pasted = paste_patches(b, config)
    values = lifted(pasted).flatten(2)[0]
    mixed, lse, best = vectors.fused_attention(
        vectors.queries_and_keys(f_small, b_small, chosen, config),
        values,
        valid,
        config,
        in_one_call=in_one_call,
    )
    patches = mixed.reshape(1, -1, *pasted.shape[2:])
    if cells is None:
        patches = patches.unflatten(1, grid)
    else:
        cells = cells.to(f.device)
    return overlap_add(patches, grid, config, cells), lse[None], best[None]


def _by_diagonals(
    f: Tensor,
    b: Tensor,
    valid: Tensor,
    cells: Tensor | None,
    config: AttentionConfig,
    find_best: bool,
) -> Found:
    """Through products of single cells, summed along diagonals."""
    grid, b_grid = _cells(f, config), _cells(b, config)
    f_small, b_small = (lifted(downsample(x, config)) for x in (f, b))
    squares = matching_patches(b_small.square().sum(dim=1, keepdim=True), config)
    norms = norms_from_squares(squares.sum(dim=(2, 3, 4)), f.shape[1] * config.ksize**2, config)
    blocks, lse, best = diagonals.diagonal_attention(
        f_small[0].flatten(1).mT.contiguous(),
        b_small[0].flatten(1).mT.contiguous(),
        norms[0],
        diagonals.cut_blocks(lifted(b), config.rate)[0].contiguous(),
        valid,
        tiles.plan(grid, b_grid, config, cells, f.device),
        config,
        find_best,
    )
    output = diagonals.join_blocks(blocks[None], grid, config.rate)
    return output / overlap(grid, config).to(output, non_blocking=True), lse[None], best[None]


def _cells(x: Tensor, config: AttentionConfig) -> Grid:
    return x.shape[2] // config.rate, x.shape[3] // config.rate


def _hole(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None,
    foreground_mask: Tensor | None,
    config: AttentionConfig,
) -> Tensor:
    """True at the pixels of f that are hole, `(1|n, 1, H, W)`."""
    if foreground_mask is not None:
        check_mask(foreground_mask, f, "foreground_mask", "f")
        mask = foreground_mask.to(f.dtype)
    elif mask is None:
        raise InputError("foreground_mask", "the hole of f, as queries='hole'", "no mask at all")
    elif f.shape != b.shape:
        sizes = f"f {tuple(f.shape[2:])} and b {tuple(b.shape[2:])}"
        raise InputError("foreground_mask", "the hole of f, as its size is not b's", sizes)
    return mask_at(mask, (f.shape[2], f.shape[3]), config) != 0


def _reaching(hole: Tensor, grid: Grid, config: AttentionConfig) -> Tensor:
    """Which query cells paste into the hole, `(1|n, h·w)`."""
    before, after = same_padding(2 * config.rate, config.rate)
    padded = F.pad(hole.float(), (before, after, before, after))
    return (F.max_pool2d(padded, 2 * config.rate, config.rate) > 0).flatten(1)


def _exactly(f: Tensor) -> contextlib.AbstractContextManager:
    """Without autocast, which would round what is at least float32 here."""
    if torch.is_autocast_enabled(f.device.type):
        return torch.autocast(f.device.type, enabled=False)
    return contextlib.nullcontext()


@contextlib.contextmanager
def _in_words(f: Tensor, b: Tensor, method: str, config: AttentionConfig) -> Iterator[None]:
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
    return (
        f"contextual_attention: expected to fit the free memory, {human(free)}, got about "
        f"{human(need)} for f {sizes[0]} and b {sizes[1]}. f {fits[0]} and b {fits[1]} would fit; "
        "so may the same sizes with fewer samples, or with queries='hole'."
    )


def expected_memory(f: Tensor, b: Tensor, config: AttentionConfig, method: str) -> int:
    """About how many bytes a call takes above its inputs: an estimate, on the high side.

    Forward alone; what backward keeps and makes is about as much again.
    """
    n, channels = f.shape[:2]
    queries, b_cells = (math.prod(_cells(x, config)) for x in (f, b))
    keys = math.prod(patch_grid(_cells(b, config), config))
    pasted = channels * (2 * config.rate) ** 2
    results = 3 * f.numel()
    if method == "diagonals":
        room = tiles.ROOM.get(f.device.type, tiles.ROOM_ELSEWHERE)
        largest = min(room, (queries + 1) * (b_cells + 1))
        numbers = results + 3 * largest + (queries + 2 * b_cells) * pasted // 4
    else:
        room = vectors.ROOM.get(f.device.type, vectors.ROOM_ELSEWHERE)
        long = len(vectors.moves(config)) * channels * config.ksize**2
        short = vectors.length(channels, config)
        numbers = results + room + keys * (3 * long + 2 * short + 2 * pasted)
        numbers += queries * (2 * short + 3 * pasted)
    return numbers * lifted(f[:0]).element_size() + n * 24 * queries
