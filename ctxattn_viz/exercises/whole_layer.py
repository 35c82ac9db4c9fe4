"""Capstone: the whole layer. Its mistakes are those of every stage, planted into a whole run."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import BY_KEY, Values
from ..stages.downsampling import downsample, downsample_mask
from ..stages.patch_extraction import paste_patches
from . import deconvolution, fused_softmax, mask_validity, matching_scores, patch_extraction
from .exercise import Case, Draw, Exercise, Mistake, grid


def _mask(v: Values, config: AttentionConfig) -> Tensor:
    return downsample_mask(v["mask"], (v["b"].shape[2], v["b"].shape[3]), config)


SHRINKING = (
    Mistake(
        "every rate-th pixel kept",
        "You keep pixels 0, rate, 2·rate, … when shrinking. That is the rule of other dialects, "
        "the ports' (shrink=\"floor\"). This exercise asks for the original's, which aligns the "
        "corners: the first and the last pixel are both kept.",
        {
            "downsampled_f": lambda v, c: downsample(v["f"], c.replace(shrink="floor")),
            "downsampled_b": lambda v, c: downsample(v["b"], c.replace(shrink="floor")),
            "downsampled_mask": lambda v, c: _mask(v, c.replace(shrink="floor")),
        },
    ),
    Mistake(
        "averaged when shrinking",
        "You average pixels when shrinking f and b. Nearest neighbour picks one of them.",
        {
            "downsampled_f": lambda v, c: F.avg_pool2d(v["f"], c.rate),
            "downsampled_b": lambda v, c: F.avg_pool2d(v["b"], c.rate),
        },
    ),
)

INPUTS = (
    Mistake(
        "f matched with itself",
        "You look for matches in f. Patches are matched with those of b.",
        {"downsampled_b": lambda v, c: v["downsampled_f"]},
    ),
    Mistake(
        "pasted from f",
        "You paste patches of f. What is pasted comes from b.",
        {"paste_patches": lambda v, c: paste_patches(v["f"], c)},
    ),
    Mistake(
        "f and b exchanged",
        "f and b are exchanged: f is what is rebuilt, b is what is pasted from.",
        {
            "downsampled_f": lambda v, c: downsample(v["b"], c),
            "downsampled_b": lambda v, c: downsample(v["f"], c),
            "paste_patches": lambda v, c: paste_patches(v["f"], c),
        },
    ),
    Mistake(
        "the mask not used",
        "The mask changes nothing: the hole may paste from the hole.",
        {"valid": lambda v, c: torch.ones_like(v["downsampled_mask"]).flatten(1).bool()},
    ),
)


def _told_where(mistake: Mistake) -> Mistake:
    """The same mistake, with the stage in its hint."""
    step = BY_KEY[next(iter(mistake.wrong))].step
    return replace(mistake, name=f"{mistake.name} ({step})", hint=f"{step}: {mistake.hint}")


def _one_stage(mistake: Mistake, key: str) -> Mistake:
    return replace(mistake, wrong={key: mistake.wrong[key]})


def _split(mistake: Mistake) -> tuple[Mistake, ...]:
    """A mistake in cutting patches: made in both kinds, in one, in the other."""
    return mistake, *(_one_stage(mistake, key) for key in mistake.wrong)


EVERY_STAGE = (
    *SHRINKING,
    *INPUTS,
    *mask_validity.MISTAKES,
    *matching_scores.MISTAKES,
    *fused_softmax.FUSION,
    *(m for m in fused_softmax.SOFTMAX if m.name not in ("mask inverted", "no mask")),  # validity's
    *fused_softmax.BOTH,
    *deconvolution.MISTAKES,
    *(part for mistake in patch_extraction.IN_SHAPE for part in _split(mistake)),
)


def _arguments(v: Values, c: AttentionConfig, stage: str) -> tuple[object, ...]:
    return v["f"], v["b"], v["mask"], c.ksize, c.rate, c.fuse_k, c.softmax_scale


def _by_hand() -> list[Case]:
    f = grid([[1, 2, 2, 1], [0, 1, 1, 0], [0, 3, 3, 0], [1, 0, 0, 2]])
    b = grid([[1, 2, 0, 1], [0, 1, 3, 0], [0, 2, 1, 0], [1, 0, 1, 2]])
    nothing = {"f": f, "b": b, "mask": torch.zeros(1, 1, 4, 4)}
    hole = {**nothing, "mask": grid([[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])}
    uniform = AttentionConfig(ksize=1, fuse_k=1, softmax_scale=0.0)
    plain = AttentionConfig(ksize=1, rate=1, fuse_k=1, softmax_scale=1.0)
    return [
        Case(
            "softmax_scale 0: all patches alike, pasting alone", "output", nothing, uniform, "hand"
        ),
        Case("the same, with a hole in the corner", "output", hole, uniform, "hand"),
        Case("ksize 1, rate 1, no fusion", "output", hole, plain, "hand"),
    ]


def _drawn(draw: Draw) -> list[Case]:
    config = AttentionConfig(softmax_scale=2.0)
    same = draw.sizes(4, 6)
    large = draw.case("a large hole", "output", config, b_cells=(7, 6))
    large.known["mask"][..., 1:11, 1:11] = 1
    return [
        draw.case(
            "no fusion (fuse_k 1), rate 2",
            "output",
            config.replace(fuse_k=1),
            c=3,
            f_cells=same,
            b_cells=same,
        ),
        draw.case("everything on", "output", config, c=3, f_cells=same, b_cells=same),
        draw.case("f and b of different sizes", "output", config),
        draw.case("a batch of two, a hole each", "output", config, n=2),
        large,
        draw.case("rate 3", "output", config.replace(rate=3), c=1),
        draw.case("ksize 5, fuse_k 5", "output", config.replace(ksize=5, fuse_k=5, rate=1)),
    ]


EXERCISE = Exercise(
    name="whole_layer",
    parameters=("f", "b", "mask", "ksize", "rate", "fuse_k", "softmax_scale"),
    arguments=_arguments,
    by_hand=_by_hand,
    drawn=_drawn,
    mistakes=tuple(map(_told_where, EVERY_STAGE)),
)
