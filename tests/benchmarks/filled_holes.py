"""How well the layer and its variants fill holes: PSNR over holes of the ten photographs.

    python -m tests.benchmarks.filled_holes 1

prints the table for one hole a photograph, in half a minute; `make bench` writes it to RESULTS.md
with eight. Variants give scores of different sizes, so that one softmax_scale would compare them at
different sharpness: each is measured at its own best scale, and at the scale where, over the
queries of all holes, as many patches share the attention as in the original at scale 10.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from scipy.optimize import brentq
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz import variants
from ctxattn_viz.attention.methods import cells_reaching_into
from ctxattn_viz.stages import BY_KEY
from ctxattn_viz.stages.deconvolution import deconvolve
from ctxattn_viz.stages.patch_extraction import query_patches
from tests.benchmarks.results import table

PHOTOGRAPH, WINDOW, HOLE = 128, 64, 16  # sides, in pixels
STEP = 4  # windows and holes start at its multiples
SCALES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
CONFIG = cv.AttentionConfig()  # the original's rate, ksize, fusion, and scale 10
GRID = (WINDOW // CONFIG.rate, WINDOW // CONFIG.rate)
ATTEND = BY_KEY["attention"].function
# These look beyond a query's own row, and so are given all rows.
WHOLE = (variants.fusion_after_softmax, variants.known_share)

Swap = Mapping[str, Callable[..., Tensor]]


# ---- holes --------------------------------------------------------------------------------------


class Hole(NamedTuple):
    """A hole in a window of a photograph."""

    truth: Tensor  # (1, 3, H, W) in [-1, 1]
    mask: Tensor
    coarse: Tensor
    queries: Tensor  # the cells that paste into the hole, flat

    @property
    def is_at_border(self) -> bool:
        """Whether it touches the window's border."""
        inner = self.mask[:, :, 1:-1, 1:-1]
        return bool(self.mask.sum() > inner.sum())

    def psnr(self, picture: Tensor) -> float:
        """In dB within the hole; what a picture cannot show is cut off."""
        return cv.samples.psnr(picture.clamp(-1, 1), self.truth, self.mask)


def random_holes(photographs: Sequence[str], each: int) -> list[Hole]:
    """`each` holes in each photograph, one photograph after the other; the same every time.

    Raises:
        SystemExit: scikit-image has lost its pictures; says so in a sentence.
    """
    draw = random.Random(0)
    return [_hole(_photograph(name), draw) for name in photographs for _ in range(each)]


def _photograph(name: str) -> Tensor:
    try:
        return cv.samples.photograph(name, size=PHOTOGRAPH)
    except (ImportError, OSError) as problem:
        raise SystemExit(
            f"The photograph {name!r} is not in this installation of scikit-image, whose wheel "
            f"holds it: {problem}"
        ) from problem


def _hole(photo: Tensor, draw: random.Random) -> Hole:
    top, left = (draw.randrange(0, side - WINDOW + 1, STEP) for side in photo.shape[2:])
    truth = photo[:, :, top : top + WINDOW, left : left + WINDOW]
    top, left = (draw.randrange(0, WINDOW - HOLE + 1, STEP) for _ in range(2))
    mask = cv.samples.rectangle((WINDOW, WINDOW), top, left, HOLE, HOLE)
    queries = cells_reaching_into(mask.bool(), GRID, CONFIG)[0].nonzero()[:, 0]
    return Hole(truth, mask, cv.samples.coarse_fill(truth, mask), queries)


# ---- one layer over all of them -----------------------------------------------------------------


class Measured(NamedTuple):
    """At one scale."""

    scale: float
    decibels: Tensor  # of each hole, (holes,)
    patches: float  # that share the attention: e to the power of the entropy, the queries' mean


class Layer:
    """The layer with some stages swapped, over all holes: scores once, then any scale."""

    def __init__(self, swap: Swap, holes: Sequence[Hole]) -> None:
        self.holes = holes
        self.attend, self.paste = swap.get("attention", ATTEND), swap.get("output")
        self.values = [self._until_attention(swap, hole) for hole in holes]

    def _until_attention(self, swap: Swap, hole: Hole) -> dict[str, Tensor]:
        run = cv.trace(hole.coarse, hole.coarse, hole.mask, CONFIG, swap=swap)
        values = {key: run[key].tensor for key in ("fused_scores", "valid", "paste_patches")}
        if self.attend not in WHOLE:
            values["fused_scores"] = values["fused_scores"].flatten(1, 2)[:, None, hole.queries]
        return values

    def at(self, scale: float) -> Measured:
        """All holes filled at this scale."""
        config = CONFIG.replace(softmax_scale=scale)
        decibels, patches = [], []
        for hole, values in zip(self.holes, self.values, strict=True):
            rows = self.attend(values["fused_scores"], values["valid"], config).flatten(1, 2)
            shares = rows[:, hole.queries] if self.attend in WHOLE else rows  # (1, Q, L)
            patches.append(effective_patches(shares[0]))
            decibels.append(hole.psnr(self._pasted(hole, shares, values["paste_patches"])))
        return Measured(scale, torch.tensor(decibels), float(torch.cat(patches).mean()))

    def _pasted(self, hole: Hole, shares: Tensor, patches: Tensor) -> Tensor:
        """The output, right in the hole."""
        if self.paste is None:
            return deconvolve(shares, patches, CONFIG, GRID, hole.queries)
        attention = shares.new_zeros(1, math.prod(GRID), shares.shape[2])
        attention[:, hole.queries] = shares
        return self.paste(attention.unflatten(1, GRID), patches, CONFIG)


def effective_patches(shares: Tensor) -> Tensor:
    """Of each row of (Q, L); 0 where nothing is attended to."""
    total = shares.sum(dim=1)
    entropy = torch.special.entr(shares).sum(dim=1) / total + total.log()
    return torch.where(total == 0, 0, entropy.exp())


def as_sharp(layer: Layer, tried: Sequence[Measured], patches: float) -> Measured | None:
    """The layer where so many patches share the attention; None where the softest has fewer."""
    tried = list(tried)
    while tried[-1].patches > patches:
        tried.append(layer.at(10 * tried[-1].scale))
    for softer, sharper in pairwise(tried):
        if softer.patches >= patches > sharper.patches:
            ends = math.log(softer.scale), math.log(sharper.scale)
            log_scale = brentq(lambda x: layer.at(math.exp(x)).patches - patches, *ends, xtol=0.01)
            return layer.at(math.exp(log_scale))
    return None


# ---- the table ----------------------------------------------------------------------------------


def without_mean(f: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    """`scores` of patches less the mean patch: what `projection` does besides projecting."""
    mean = patches.mean(dim=1, keepdim=True)  # (n, 1, c, k, k)
    p = (query_patches(f, config) - mean[:, None]).flatten(-3)
    return torch.einsum("nhwd, nld -> nhwl", p, F.normalize((patches - mean).flatten(2), dim=-1))


CONTROLS: dict[str, Swap] = {
    "no fusion": {"fused_rows": variants.no_pass, "fused_scores": variants.no_pass},
    "less the mean patch": {"scores": without_mean},
}
NOTE = """{holes} holes of {HOLE}×{HOLE} px at random places, {each} in each of the ten photographs
of `cv.samples`: scaled to {PHOTOGRAPH} px, a window of {WINDOW}×{WINDOW} cut out, the coarse fill
as f and b, raw colours, rate 2. {at_border} holes touch the window's border, where alone *coverage
count* differs. The best scale is the best of {scales} for all holes
together; · marks an end of these, beyond which it may be better still. {patches:.0f} patches is
what shares the attention of the original at scale 10, in the mean over the queries; – where there
is no such scale. ± is the standard error over the ten photographs, as holes of one are alike; that
of a difference is the one to judge by, since what makes a hole hard is hard for all. In italics,
two controls: what *rows only* and *projection* have to be told from."""


def spread(decibels: Tensor, each: int, sign: str = "") -> str:
    """Mean ± standard error over the photographs."""
    means = decibels.unflatten(0, (-1, each)).mean(dim=1)
    return f"{means.mean():{sign}.2f} ± {means.std() / len(means) ** 0.5:.2f}"


def report(each: int) -> str:
    """The table in Markdown, for so many holes a photograph, and what was measured how."""
    holes = random_holes(cv.samples.PHOTOGRAPHS, each)
    original = Layer({}, holes)
    usual = original.at(CONFIG.softmax_scale)
    best = best_of([original.at(scale) for scale in SCALES])

    def cells(measured: Measured | None, reference: Measured) -> list[str]:
        if measured is None:
            return ["–"] * 3
        end = " ·" if measured.scale in (SCALES[0], SCALES[-1]) else ""
        scale = f"{measured.scale:.3g}{end}" if measured.scale else ""
        difference = spread(measured.decibels - reference.decibels, each, "+")
        is_itself = measured is reference
        return [scale, spread(measured.decibels, each), "" if is_itself else difference]

    def row(name: str, swap: Swap) -> list[str]:
        layer = Layer(swap, holes)
        tried = [layer.at(scale) for scale in SCALES]
        at_best = cells(best_of(tried), best)
        if tried[0].patches == tried[-1].patches:  # whatever the scale
            at_best[0] = "–"
        equal = cells(as_sharp(layer, tried, usual.patches), usual)
        return [name.replace("_", " "), ", ".join(swap), *at_best, *equal]

    coarse = Measured(0, torch.tensor([hole.psnr(hole.coarse) for hole in holes]), 0)
    rows = [
        ["coarse fill", "", *cells(coarse, best), *cells(coarse, usual)],
        ["original", "", *cells(best, best), *cells(usual, usual)],
        *(row(variant.name, variant.swap) for variant in variants.ALL.values()),
        *(row(f"*{name}*", swap) for name, swap in CONTROLS.items()),
    ]
    three = ["PSNR, dB", "− original"]
    columns = ["", "in place of", "best scale", *three]
    columns += [f"scale for {usual.patches:.0f} patches", *three]
    scales = ", ".join(f"{scale:g}" for scale in SCALES)
    note = NOTE.format(
        holes=len(holes),
        each=each,
        at_border=sum(hole.is_at_border for hole in holes),
        scales=scales,
        patches=usual.patches,
        **{"PHOTOGRAPH": PHOTOGRAPH, "WINDOW": WINDOW, "HOLE": HOLE},
    )
    return f"{table(columns, rows)}\n\n{note}"


def best_of(tried: Sequence[Measured]) -> Measured:
    """The one whose holes are filled best in the mean."""
    return max(tried, key=lambda measured: float(measured.decibels.mean()))


if __name__ == "__main__":
    print(report(int(sys.argv[1]) if sys.argv[1:] else 8))
