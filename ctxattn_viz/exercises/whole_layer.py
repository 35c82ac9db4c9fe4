"""Capstone: the whole layer. Its mistakes are those of every stage, planted into a whole run."""

from dataclasses import replace

import torch

from ..config import AttentionConfig
from ..stages import BY_KEY, Values
from . import deconvolution, mask_validity, matching_mistakes, matching_scores, patch_extraction
from .exercise import Case, Draw, Exercise, Mistake, grid
from .fusion_mistakes import FUSION
from .input_mistakes import INPUT_MISTAKES, SHRINKING
from .softmax_mistakes import BOTH, SOFTMAX


def _with_stage_in_hint(mistake: Mistake) -> Mistake:
    """The same mistake, with the stage in its hint."""
    step = BY_KEY[next(iter(mistake.wrong))].step
    return replace(mistake, name=f"{mistake.name} ({step})", hint=f"{step}: {mistake.hint}")


def _one_stage(mistake: Mistake, key: str) -> Mistake:
    return replace(mistake, wrong={key: mistake.wrong[key]})


_EVEN_PATCHES_ONLY = (
    "the odd zero before",
    "as many zeros as for step 1",
)


def _split(mistake: Mistake) -> tuple[Mistake, ...]:
    """A mistake in cutting patches: made in both kinds, in one, in the other."""
    if mistake.name in _EVEN_PATCHES_ONLY:
        return (_one_stage(mistake, "paste_patches"),)  # matching patches are odd, one cell apart
    return mistake, *(_one_stage(mistake, key) for key in mistake.wrong)


# What cannot be made in the layer, or makes there what a mistake of an earlier step makes.
_NOT_IN_THE_LAYER = {
    "fewer zeros than none",
    "patches on their side",
    "the patches on their side",
    "mask inverted",
    "no mask",
    "the first sample's valid for all",
    "invalid in one sample, invalid in all",
    "shares brought to sum 1",
    "queries not turned back",
    "as many zeros before whatever step",
    "a few hole cells are forgiven",
    "scrambled before the product",
}

EVERY_STAGE = (
    *INPUT_MISTAKES,
    *SHRINKING,
    *(
        mistake
        for table in (
            mask_validity.MISTAKES,
            matching_mistakes.MISTAKES,
            FUSION,
            SOFTMAX,
            BOTH,
            deconvolution.MISTAKES,
        )
        for mistake in table
        if mistake.name not in _NOT_IN_THE_LAYER
    ),
    *(
        part
        for mistake in patch_extraction.IN_SHAPE
        if mistake.name not in _NOT_IN_THE_LAYER
        for part in _split(mistake)
    ),
)


def _arguments(v: Values, c: AttentionConfig, stage: str) -> tuple[object, ...]:
    return v["f"], v["b"], v["mask"], c.ksize, c.rate, c.fuse_k, c.softmax_scale


def _hand_cases() -> list[Case]:
    f = grid([[1, 2, 2, 1], [0, 1, 1, 0], [0, 3, 3, 0], [1, 0, 0, 2]])
    b = grid([[1, 2, 0, 1], [0, 1, 3, 0], [0, 2, 1, 0], [1, 0, 1, 2]])
    no_hole = {"f": f, "b": b, "mask": torch.zeros(1, 1, 4, 4)}
    hole = {**no_hole, "mask": grid([[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])}
    uniform = AttentionConfig(ksize=1, fuse_k=1, softmax_scale=0.0)
    plain = AttentionConfig(ksize=1, rate=1, fuse_k=1, softmax_scale=1.0)
    return [
        Case(
            "softmax_scale 0: all patches alike, pasting alone", "output", no_hole, uniform, "hand"
        ),
        Case("the same, with a hole in the corner", "output", hole, uniform, "hand"),
        Case("ksize 1, rate 1, no fusion", "output", hole, plain, "hand"),
    ]


def _random_cases(draw: Draw) -> list[Case]:
    config = AttentionConfig(softmax_scale=2.0)
    same = draw.sizes(4, 6)
    large = draw.case("a large hole", "output", config, b_cells=(7, 6))
    large.known["mask"][..., 1:11, 1:11] = 1
    halves = draw.case(
        "f and b of different sizes", "output", config, f_cells=(3, 4), b_cells=(5, 3)
    )
    # Pixel (5, 3) is kept where halves are rounded up, and (0, 1) never.
    halves.known["mask"].zero_()[..., (5, 0), (3, 1)] = 1
    batch = draw.case("a batch of three, a hole each, the last all hole", "output", config, n=3)
    cells = draw.mask(3, *batch.grids[1])
    cells[2] = 1
    batch.known["mask"][:] = cells.repeat_interleave(2, 2).repeat_interleave(2, 3)
    whole = draw.case("everything on", "output", config, c=3, f_cells=same, b_cells=same)
    # A hole at the end of b and none at its beginning: whoever counts from -1 meets it there.
    whole.known["mask"][..., :4, :] = 0
    whole.known["mask"][..., -2:, :2] = 1
    single = config.replace(ksize=1, fuse_k=1, rate=1)
    tiny = draw.case("b with cells of norms 0 to 1, some below 1e-4", "output", single)
    tiny.known["f"] *= 3
    matching_scores.of_norms(tiny.known["b"], matching_scores.NORMS)
    # One whole number a patch: over its norm it is ±1, and no rounding decides.
    strong = draw.case("large whole numbers, one channel", "output", single, c=1)
    for name, most in (("f", 400), ("b", 9)):
        strong.known[name].copy_(draw.whole_numbers(*strong.known[name].shape, most=most))
    strong.known["b"][..., ::2] *= -1
    return [
        draw.case(
            "no fusion (fuse_k 1), rate 2",
            "output",
            config.replace(fuse_k=1),
            c=3,
            f_cells=same,
            b_cells=same,
        ),
        whole,
        halves,
        batch,
        large,
        draw.case("rate 3", "output", config.replace(rate=3), c=1),
        draw.case("rate 4", "output", config.replace(rate=4), c=1, f_cells=(3, 2), b_cells=(2, 4)),
        draw.case(
            "rate 3, f a row of cells and b a column",
            "output",
            config.replace(rate=3),
            f_cells=(1, 4),
            b_cells=(3, 1),
        ),
        draw.case("ksize 5, fuse_k 5", "output", config.replace(ksize=5, fuse_k=5, rate=1)),
        tiny,
        strong,
    ]


EXERCISE = Exercise(
    name="whole_layer",
    parameters=("f", "b", "mask", "ksize", "rate", "fuse_k", "softmax_scale"),
    arguments=_arguments,
    hand_cases=_hand_cases,
    random_cases=_random_cases,
    mistakes=tuple(map(_with_stage_in_hint, EVERY_STAGE)),
)
