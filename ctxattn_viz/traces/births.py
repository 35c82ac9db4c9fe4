"""Where NaN and infinity were born: not there in what a stage read, there in what it made."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..devices import exact_arithmetic
from ..progress import with_progress_bar
from ..stages import BY_KEY, MATRICES, query_grid
from ..stages.fused_softmax import Grid, neighbours
from ..stages.matching_scores import lifted
from ..stages.patch_extraction import query_patches
from .cells import BLOCK, places
from .remarks import Remark
from .rows import matrix_rows
from .swapping import name_of
from .values import LazyValues

REASONS = {
    "scores": "a product of two finite patches",
    "fused_rows": "a sum of finite scores",
    "fused_scores": "a sum of finite scores",
    "attention": "softmax_scale times a finite score",
}
"""What was too large for its dtype, by the stage that made it."""


def births(values: LazyValues, sample: int) -> Iterator[Remark]:
    """A remark for each input and each matrix stage in which values that are not finite begin."""
    for name in ("f", "b"):
        yield from _of_input(values, name, sample)
    grid = query_grid(values, values.config)
    dtype = str(lifted(values["f"][:0]).dtype).removeprefix("torch.")
    for key, born in _born_in(values, sample).items():
        if key == "attention" and not values["valid"][sample].any():
            continue  # 0 / 0, which is told as what it is
        if not born.any():
            continue
        cells = tuple(places(born.unflatten(0, grid)))
        reason = f"{REASONS[key]} is beyond what {dtype} holds"
        if key in values.swapped:
            reason = f"{name_of(values.stages[key].function)}, which was swapped in, made it"
        sentence = (
            f"NaN or infinity is born in {key}, in {len(cells)} of {len(born)} rows: {reason}."
        )
        yield Remark("nonfinite", sentence, key, cells, sample=sample)


def _of_input(values: LazyValues, name: str, sample: int) -> Iterator[Remark]:
    """What came with f or b."""
    wrong = ~values[name][sample].isfinite()
    if not wrong.any():
        return
    rate = values.config.rate
    channel, row, column = wrong.nonzero()[0].tolist()
    first = "NaN" if values[name][sample, channel, row, column].isnan() else "infinity"
    cells = wrong.any(dim=0).unflatten(1, (-1, rate)).unflatten(0, (-1, rate)).any(3).any(1)
    sentence = (
        f"NaN or infinity came in with {name}, {int(wrong.sum())} in number: the first is {first}, "
        f"in channel {channel} of pixel ({row}, {column})."
    )
    if name == "f":
        where = tuple(places(cells.cpu()))
        yield Remark("nonfinite", sentence, "downsampled_f", where, sample=sample)
        return
    # Only cells that have a patch can be shown.
    step = values.config.stride
    where = tuple(dict.fromkeys((y // step * step, x // step * step) for y, x in places(cells)))
    yield Remark("nonfinite", sentence, "paste_patches", where, "patch", sample)


def _born_in(values: LazyValues, sample: int) -> dict[str, Tensor]:
    """By matrix stage, True for each query `(h·w,)` in whose row something begins."""
    config, grid = values.config, query_grid(values, values.config)
    f_small = values["downsampled_f"][sample : sample + 1]
    healthy = values["matching_patches"][sample].flatten(1).isfinite().all(dim=1)  # (L,)
    bad: dict[str, list[Tensor]] = {key: [] for key in MATRICES}
    overflowing = []
    blocks = torch.arange(grid[0] * grid[1], device="cpu").split(max(BLOCK // len(healthy), 1))
    with exact_arithmetic(f_small.device):
        for queries in with_progress_bar(blocks, "NaN and infinity"):
            rows = matrix_rows(values, queries, sample)
            for key, x in rows.items():
                bad[key].append((~x.isfinite()).any(dim=1).cpu())
            patches = query_patches(f_small, config, queries.to(f_small.device))[0].flatten(1)
            wrong = ~rows["scores"].isfinite() & healthy & patches.isfinite().all(1, keepdim=True)
            overflowing.append(wrong.any(dim=1).cpu())
    whole = {key: torch.cat(x) for key, x in bad.items()}
    own = [key for key in MATRICES if key in values.swapped]
    return {
        "scores": torch.cat(overflowing),
        "fused_rows": whole["fused_rows"] & ~_reached(whole["scores"], grid, "rows", config),
        "fused_scores": whole["fused_scores"]
        & ~_reached(whole["fused_rows"], grid, "columns", config),
        "attention": whole["attention"] & ~whole["fused_scores"],
        **{key: whole[key] & _reads_finite(values, key, sample) for key in own},
    }


def _reads_finite(values: LazyValues, key: str, sample: int) -> bool:
    """Whether a function swapped in, which may read all of its inputs, was given finite ones."""
    return all(bool(values[name][sample].isfinite().all()) for name in BY_KEY[key].inputs)


def _reached(bad: Tensor, grid: Grid, order: str, config: AttentionConfig) -> Tensor:
    """The rows into which one pass of fusion carries what is `bad`."""
    reach = config.fuse_k // 2 if config.fuse else 0
    result = torch.zeros_like(bad)
    for d in range(-reach, reach + 1):
        cells, inside = neighbours(
            torch.arange(len(bad), device="cpu"), config.stride * d, grid, order
        )
        result |= bad[cells] & inside
    return result
