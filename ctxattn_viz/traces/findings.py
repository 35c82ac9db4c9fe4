"""What is remarkable about one run, with its numbers: `Trace.findings`.

Judged are the queries that paste into the hole, for which the layer is there; all of them where f
has no hole. The thresholds were set on the first five photographs of `samples.PHOTOGRAPHS` at 128
pixels, coarsely filled, each with a hole in its middle, a small one, a wide one and two thin lines,
at a softmax_scale of 10, and with the first hole at 0.1, 1 and 100: the figures beside them. Tried
once on the other five with ten random holes, ten runs had four findings, of which one was judged
untrue: that what surrounds a hole goes on in it, where the rim had 11 % of the attention. Now the
sentence has that number in place of the claim.
"""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..devices import has_no_values
from ..errors import InputError
from ..stages import query_grid
from ..stages.mask_validity import valid_patches
from ..stages.matching_scores import NORM_FLOOR
from .births import births
from .cells import Cells, hole_pixels, leaking_patches, mask_of_sample, places, rim_patches
from .remarks import Remark, Remarks
from .values import LazyValues

# A query copies that takes more than this share from one patch.
COPY = 0.9
# That the softmax is too sharp is said where so many queries copy: 0.58 to 0.80 of them do at a
# scale of 100, at most 0.24 at 10 (but up to 0.60 along thin lines, whose cells find themselves).
SHARP = 0.5
# A query averages that more than this share of the valid patches take part in (by
# `effective_patches`), if what it pastes is nearer to the mean of them all than to its best match.
AVERAGE = 0.1
# That it is too flat is said where so many queries average: 0.46 to 1 at a scale of 0.1, up to 0.59
# at 1, none at 10.
FLAT = 1 / 3
# Masked patches take a query's attention along where its shares add up to less than this, and it
# is said where so many do: 0.33 to 0.42 of them in two photographs at 0.1 and 1, none at 10.
WHOLE = 0.9
LOST = 0.25
# The rim is remarkable where so many best matches lie in it, and so many times more than its part
# of the valid patches: 0.26 to 0.52, 6 to 40 times as many, for most holes in coffee and chelsea,
# whose surroundings go on in them; 0.00 to 0.10 in brick and camera.
RIM = 0.25
RIM_TIMES = 5
# A query's norm is near the floor up to so many times it: of photographs none is (0.15 and more,
# above twice 0.052 too, the floor under three channels with norm="per_element").
NEAR_FLOOR = 2.0


def findings_of(values: LazyValues, cells_of: Callable[[int], Cells]) -> Remarks:
    """What `Trace.findings` returns.

    Args:
        cells_of: the cells of a sample.
    """
    if has_no_values(values["f"]):
        raise InputError("findings", "a run with values", f"one on {values['f'].device}")
    remarks: list[Remark] = []
    for sample in range(len(values["f"])):
        cells = cells_of(sample)
        if not cells.finite.all() or not _inputs_are_finite(values, sample):
            remarks += births(values, sample)
        if not values["valid"][sample].any():
            remarks.append(_nothing_valid(values, sample))
            continue
        remarks += _leaks(values, sample, cells)
        remarks += _of_queries(values, sample, cells)
    return Remarks("Findings", remarks)


def _inputs_are_finite(values: LazyValues, sample: int) -> bool:
    return all(bool(values[name][sample].isfinite().all()) for name in ("f", "b"))


def _nothing_valid(values: LazyValues, sample: int) -> Remark:
    height, width = query_grid(values, values.config)
    becomes = "0" if values.config.masked == "zero" else "NaN"
    sentence = (
        f"No background patch is free of the hole: all {height * width} rows of attention are "
        f"{becomes}, and so is the output."
    )
    everywhere = torch.ones(height, width, dtype=torch.bool, device="cpu")
    return Remark("nothing_valid", sentence, "attention", tuple(places(everywhere)), sample=sample)


def _leaks(values: LazyValues, sample: int, cells: Cells) -> Iterator[Remark]:
    """Hole pixels that are pasted: of patches that the shrunk mask takes for known."""
    config = values.config
    leaking = leaking_patches(values, sample)
    if not leaking.any():
        return
    # By each sample's own mask these would not be valid.
    own = values["downsampled_mask"]
    own_valid = valid_patches(mask_of_sample(own, sample), config)[0]
    pixels = int(hole_pixels(values, sample).sum())
    for key, chosen, reason in (
        ("other_mask", leaking & ~own_valid, "the first sample's mask counts, and not its own"),
        ("leak", leaking & own_valid, _why_it_leaks(config)),
    ):
        if not chosen.any():
            continue
        share = _mean(cells.hole_share, judged(cells))
        sentence = (
            f"{_count(int(chosen.sum()), 'patch pastes', 'patches paste')} some of the hole's "
            f"{pixels} pixels, and count as valid: {reason}. On average {_percent(share)} of a "
            "query's attention goes to patches with hole pixels."
        )
        yield Remark(key, sentence, "valid", _patch_cells(values, chosen), "patch", sample)


def _why_it_leaks(config: AttentionConfig) -> str:
    if config.ksize == 1:
        return "what is pasted reaches beyond the one cell that is matched"
    return f"shrinking by {config.rate} keeps one pixel of {config.rate**2}, and those were known"


def judged(cells: Cells) -> Tensor:
    """The queries that findings are about: those that paste into the hole, or all."""
    return cells.hole if cells.hole.any() else torch.ones_like(cells.hole)


def _of_queries(values: LazyValues, sample: int, cells: Cells) -> Iterator[Remark]:
    """What many of the queries have in common."""
    config, asked = values.config, judged(cells)
    valid = int(values["valid"][sample].sum())
    who = f"{int(asked.sum())} queries"
    if cells.hole.any():
        who += " that paste into the hole"

    def remark(
        key: str, stage: str, chosen: Tensor, sentence: str, order: Tensor, least: float
    ) -> Iterator[Remark]:
        chosen = chosen & asked
        part = _mean(chosen.float(), asked)
        if part >= least and part > 0:
            text = f"{int(chosen.sum())} of {who} {sentence}"
            yield Remark(key, text, stage, _in_order(chosen, order), sample=sample)

    yield from remark(
        "sharp",
        "attention",
        cells.best_share > COPY,
        f"take over {100 * COPY:.0f} % from one patch: the softmax is so sharp that they copy (the "
        f"median best share is {_percent(_median(cells.best_share, asked))}).",
        cells.best_share,
        SHARP,
    )
    averages = (cells.effective_patches > AVERAGE * valid) & (cells.from_mean < cells.from_best)
    yield from remark(
        "flat",
        "attention",
        averages,
        f"average: over {100 * AVERAGE:.0f} % of the {valid} valid patches share their attention "
        f"(the median is {_median(cells.effective_patches, asked):.0f}), and what they paste is "
        "nearer to the mean of all patches than to the best match.",
        cells.effective_patches,
        FLAT,
    )
    yield from remark(
        "lost_share",
        "attention",
        cells.total_share < WHOLE,
        f"have shares that add up to less than {100 * WHOLE:.0f} % (the least to "
        f"{_percent(_least(cells, asked))}): masked patches take the rest along, and the "
        "output is nearer to 0 for it.",
        -cells.total_share,
        LOST,
    )
    rim = int(rim_patches(values, sample).sum())
    in_rim = cells.in_rim & asked
    of_rim = _mean(cells.rim_share, in_rim) if in_rim.any() else 0.0
    yield from remark(
        "rim",
        "offsets",
        in_rim,
        f"have their best match in the hole's own rim, which is {_percent(rim / valid)} of the "
        f"valid patches and has {_percent(of_rim)} of their attention.",
        cells.rim_share,
        max(RIM, RIM_TIMES * rim / valid),
    )
    yield from _near_floor(config, sample, cells, values["matching_patches"][0, 0].numel())


def _near_floor(
    config: AttentionConfig, sample: int, cells: Cells, elements: int
) -> Iterator[Remark]:
    """Of all queries: whose own scores say nothing."""
    floor = math.sqrt(elements * NORM_FLOOR) if config.norm == "per_element" else NORM_FLOOR
    dark = cells.norm <= NEAR_FLOOR * floor
    if not dark.any():
        return
    largest = float(cells.norm[dark].max())
    per = " for each unit of the patch's norm" if config.norm == "none" else ""
    sentence = (
        f"{_count(int(dark.sum()), 'query has', 'queries have')} a norm of at most {largest:.2g}, "
        f"near the floor of {floor:.2g}: no score of theirs is larger than that{per}, so by "
        "themselves all patches are nearly alike to them."
    )
    yield Remark("near_floor", sentence, "scores", _in_order(dark, -cells.norm), sample=sample)


# ---- places and numbers ----


def _in_order(chosen: Tensor, order: Tensor) -> tuple[tuple[int, int], ...]:
    """The chosen cells, those first where `order` is largest."""
    cells = places(chosen)
    return tuple(cells[i] for i in order[chosen].argsort(descending=True, stable=True).tolist())


def _patch_cells(values: LazyValues, chosen: Tensor) -> tuple[tuple[int, int], ...]:
    """Cells of b of the chosen patches."""
    stride, columns = values.config.stride, values["downsampled_b"].shape[3]
    width = math.ceil(columns / stride)
    return tuple((q // width * stride, q % width * stride) for q in chosen.nonzero()[:, 0].tolist())


def _mean(x: Tensor, asked: Tensor) -> float:
    return float(x[asked].nan_to_num().mean())


def _median(x: Tensor, asked: Tensor) -> float:
    return float(x[asked].nanmedian())


def _least(cells: Cells, asked: Tensor) -> float:
    return float(cells.total_share[asked].nan_to_num(1).min())


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _percent(share: float) -> str:
    return "100 %" if share > 0.995 else f"{100 * share:.2g} %"
