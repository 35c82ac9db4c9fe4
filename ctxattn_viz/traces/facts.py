"""The rules in force for one configuration and these inputs, in sentences: `Trace.facts`.

Each holds for any numbers in the maps, but for those that name one; none needs a row of scores.
"""

import math
from collections.abc import Callable, Iterator

import torch

from ..devices import has_no_values
from ..errors import InputError
from ..stages import patch_grid, query_grid
from ..stages.deconvolution import overlap
from ..stages.downsampling import nearest_indices
from ..stages.mask_validity import valid_patches
from ..stages.matching_scores import NORM_FLOOR, lifted
from .cells import places, query_norms
from .remarks import Remark, Remarks
from .swapping import call_of
from .values import LazyValues

Facts = Iterator[Remark]


def facts_of(values: LazyValues) -> Remarks:
    """What `Trace.facts` returns."""
    if has_no_values(values["f"]):
        raise InputError("facts", "a run with values", f"one on {values['f'].device}")
    with torch.no_grad():
        facts = [remark for rule in RULES for remark in rule(values)]
    kept = (remark for remark in facts if remark.stage not in values.swapped)
    return Remarks("Facts", [*_swapped(values), *kept])


def _swapped(values: LazyValues) -> Facts:
    for key in values.swapped:
        sentence = f"{call_of(values.stages[key])} stands in for this stage: its rules do not hold."
        yield Remark("swapped", sentence, key)


def _same_map(values: LazyValues) -> Facts:
    f, b, config = values["f"], values["b"], values.config
    if f.shape != b.shape or not torch.equal(f, b):
        return
    sentence = "f and b are the same map: away from the hole a query is compared with itself, too"
    if config.norm == "max" and config.stride == 1:
        sentence += ", and no other patch scores more before fusion"
    yield Remark("same_map", f"{sentence}.", "scores")


def _shrink(values: LazyValues) -> Facts:
    config, size = values.config, values["f"].shape[2:]
    if config.rate == 1:
        return
    kept = [nearest_indices(side, config.rate, config.shrink) for side in size]
    further = [index - torch.arange(len(index), device="cpu") * config.rate for index in kept]
    rows = kept[0].tolist()
    some = ", ".join(map(str, rows)) if len(rows) < 5 else f"{rows[0]}, {rows[1]} … {rows[-1]}"
    sentence = (
        f"Shrinking by {config.rate} averages nothing, it keeps one pixel of {config.rate**2}: of "
        f"rows 0 to {size[0] - 1} these, {some} (shrink='{config.shrink}'). What lies between "
        "plays no part in matching."
    )
    cells = (further[0] > 0)[:, None] | (further[1] > 0)
    if cells.any():
        most = max(int(each.max()) for each in further)
        sentence += (
            " At the start a cell keeps the first of its pixels, towards the end one that lies up "
            f"to {most} further on."
        )
    yield Remark("shrink", sentence, "downsampled_f", tuple(places(cells)))


def _padding(values: LazyValues) -> Facts:
    config = values.config
    if config.ksize == 1:
        return
    reach = config.ksize // 2
    sides = [torch.arange(size, device="cpu") for size in values["downsampled_b"].shape[2:]]
    rim = [(side < reach) | (side >= len(side) - reach) for side in sides]
    cells = (rim[0][:, None] | rim[1])[:: config.stride, :: config.stride]
    yield Remark(
        "padding",
        f"A patch of {config.ksize}×{config.ksize} cells at the rim of the map reaches beyond it: "
        "zeros stand there, and count as known.",
        "matching_patches",
        _times(places(cells), config.stride),
        "patch",
    )


def _stride(values: LazyValues) -> Facts:
    stride, (rows, columns) = values.config.stride, patch_grid(values, values.config)
    if stride == 1:
        return
    yield Remark(
        "stride",
        f"Only cells 0, {stride}, {2 * stride} … of b have a patch, {rows}×{columns} in all; one "
        f"place on among patches is {stride} places on among queries. (The references fail here.)",
        "matching_patches",
    )


def _mask_of_batch(values: LazyValues) -> Facts:
    config, mask = values.config, values["downsampled_mask"]
    if config.mask_of_batch != "first" or len(mask) == 1:
        return
    own = valid_patches(mask, config.replace(mask_of_batch="each"))
    for sample in range(1, len(own)):
        differs = (own[sample] != own[0]).unflatten(0, patch_grid(values, config))
        if not differs.any():
            continue
        yield Remark(
            "first_mask",
            f"The first sample's mask counts for all {len(own)}: that of sample {sample} is not "
            f"looked at, and {int(differs.sum())} patches are valid or not for another's sake.",
            "valid",
            _times(places(differs.cpu()), config.stride),
            "patch",
            sample,
        )


def _norm(values: LazyValues) -> Facts:
    config = values.config
    norms = query_norms(values, 0).cpu()
    finite = norms.nan_to_num(0, 0, 0)
    weak, strong = int(norms.nan_to_num(torch.inf).argmin()), int(finite.argmax())
    ends = tuple(divmod(cell, norms.shape[1]) for cell in (weak, strong))
    span = f"{float(norms.flatten()[weak]):.3g} to {float(norms.flatten()[strong]):.3g}"
    if config.norm == "none":
        what = "Nothing is divided by a norm: strong background patches score more than weak ones"
    else:
        what = (
            "A score is no cosine: the background patch is divided by its norm, the query patch is "
            "not"
        )
    yield Remark(
        "norm",
        f"{what}. ‖query patch‖, here {span}, stays in each score, and makes the softmax sharp for "
        "strong queries and flat for weak ones.",
        "scores",
        ends,
    )
    elements = values["matching_patches"][0, 0].numel()
    if config.norm == "per_element":
        yield Remark(
            "floor",
            f"1e-4 is added to the square of each of a patch's {elements} numbers before the norm: "
            f"it is at least {math.sqrt(elements * NORM_FLOOR):.2g}, and weak patches score less "
            "than their likeness is worth.",
            "scores",
        )
    if config.norm == "max":
        squares = lifted(values["matching_patches"]).square().sum(dim=(2, 3, 4))
        low = squares < NORM_FLOOR**2
        for sample in low.any(dim=1).nonzero()[:, 0].tolist():
            cells = places(low[sample].unflatten(0, patch_grid(values, config)).cpu())
            yield Remark(
                "floor",
                f"{len(cells)} background patches have a norm below 1e-4 and are divided by that: "
                "their scores are nearly 0, whatever the query.",
                "scores",
                _times(cells, config.stride),
                "patch",
                sample,
            )


def _fusion(values: LazyValues) -> Facts:
    config, (h, w) = values.config, query_grid(values, values.config)
    if not config.fuse or config.fuse_k == 1:
        yield Remark("no_fusion", "Fusion is off: its two passes hand the scores on.", "fused_rows")
        return
    by_rows = [(row, w - 1) for row in range(h - 1)]
    by_columns = [(h - 1, column) for column in range(w - 1)]
    for key, ends, along, of, to in (
        ("fused_rows", by_rows, "row", f"(0, {w - 1})", "(1, 0)"),
        ("fused_scores", by_columns, "column", f"({h - 1}, 0)", "(0, 1)"),
    ):
        if h > 1 and w > 1:
            yield Remark(
                "wraps",
                f"Fusion's diagonals wrap from the end of a {along} to the start of the next: "
                f"{to} comes after {of}, as if they were neighbours.",
                key,
                tuple(ends),
            )


def _masked(values: LazyValues) -> Facts:
    config = values.config
    for sample, valid in enumerate(values["valid"]):
        count = int((~valid).sum())
        if not count:
            continue
        if config.masked == "zero":
            sentence = (
                f"A masked score becomes 0 before the softmax and is multiplied by 0 after it: "
                f"each of the {count} invalid patches still adds exp(0) = 1 to every row's sum, "
                "and the shares may add up to less than 1."
            )
        else:
            sentence = (
                f"A masked score becomes −∞ before the softmax: the {count} invalid patches add "
                "nothing, and the shares of the others add up to 1."
            )
        cells = places(~valid.unflatten(0, patch_grid(values, config)).cpu())
        where = _times(cells, config.stride)
        yield Remark("masked", sentence, "attention", where, "patch", sample)
        if len(values["mask"]) == 1 or config.mask_of_batch == "first":
            return  # the same for every sample


def _scale(values: LazyValues) -> Facts:
    scale = values.config.softmax_scale
    if scale > 0:
        return
    what = "all patches share alike" if scale == 0 else "the worst match has the largest share"
    yield Remark("scale", f"With softmax_scale {scale:g} {what}.", "attention")


def _overlap(values: LazyValues) -> Facts:
    config, grid = values.config, query_grid(values, values.config)
    covered = overlap(grid, config.replace(overlap="coverage"))[0, 0]
    few = covered < 4
    cells = few.unflatten(1, (-1, config.rate)).unflatten(0, (-1, config.rate)).any(3).any(1)
    if config.overlap == "coverage":
        sentence = (
            "Overlap is divided by how many patches cover a pixel: 4 inside, fewer at the border, "
            "which so keeps its brightness."
        )
        yield Remark("coverage", sentence, "output", tuple(places(cells)))
        return
    darkens = bool((values["b"] >= 0).all())
    how = "darkens" if darkens else "is pulled towards 0"
    sentence = (
        "Overlap is divided by 4 everywhere. At the border fewer patches cover a pixel, somewhere "
        f"just {int(covered.min())}: so it {how}, down to {100 * float(covered.min()) / 4:.0f} % "
        "of what was pasted."
    )
    yield Remark("divides_by_4", sentence, "output", tuple(places(cells)))


def _flow(values: LazyValues) -> Facts:
    if len(values["f"]) == 1:
        return
    yield Remark(
        "flow",
        "The flow's colours are relative to the longest offset so far in the batch: a sample's "
        "colours depend on those before it.",
        "flow",
    )


RULES: tuple[Callable[[LazyValues], Facts], ...] = (
    _same_map,
    _shrink,
    _padding,
    _stride,
    _mask_of_batch,
    _norm,
    _fusion,
    _masked,
    _scale,
    _overlap,
    _flow,
)
"""In the order of the stages."""


def _times(cells: list[tuple[int, int]], stride: int) -> tuple[tuple[int, int], ...]:
    """Patches on their grid as cells of b."""
    return tuple((row * stride, column * stride) for row, column in cells)
