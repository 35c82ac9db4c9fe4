"""Exercise 4: both fusion passes, then the masked, scaled softmax."""

from dataclasses import replace

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values, patch_grid
from .exercise import Case, Draw, Exercise
from .fusion_mistakes import FUSION
from .softmax_mistakes import BOTH, SOFTMAX


def _arguments(v: Values, c: AttentionConfig, stage: str) -> tuple[object, ...]:
    return v["scores"], v["valid"], patch_grid(v, c), c.fuse_k, c.softmax_scale


def _hand_cases() -> list[Case]:
    row, column, square = torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 3, 1), torch.zeros(1, 1, 2, 2)
    three, four = (torch.arange(1.0, count + 1).diag() for count in (3, 4))
    ramps = torch.tensor([[0.0, 1.0, 2.0]] * 3)
    config = AttentionConfig(rate=1, softmax_scale=1.0)
    unfused, mild = config.replace(fuse_k=1), config.replace(softmax_scale=0.1)

    def case(label: str, like: Tensor, scores: Tensor, config: AttentionConfig, valid: str) -> Case:
        known = {"f": like, "b": like, "mask": torch.zeros_like(like)}
        known["scores"] = scores.reshape(1, *like.shape[2:], -1)
        known["valid"] = torch.tensor([[digit == "1" for digit in valid]])
        return Case(label, "attention", known, config, "hand")

    return [
        case(
            "fuse_k 1 (no fusion): scores 0, 1, 2, the last invalid",
            row,
            ramps,
            unfused,
            "110",
        ),
        case("fuse_k 3: scores 1, 2, 3 on the diagonal, one row", row, three, config, "111"),
        case("the same, one column", column, three, config, "111"),
        case("2×2 cells: 1, 2, 3, 4 on the diagonal, scale 0.1", square, four, mild, "1111"),
    ]


def _random_cases(draw: Draw) -> list[Case]:
    scale = draw.choices.choice([2.0, 3.0, 4.0])
    some = AttentionConfig(rate=1, softmax_scale=scale)
    hopeless = draw.case("a batch of two, one of them all hole", "attention", some, n=2)
    hopeless.known["mask"][1] = 1
    strong = draw.case("whole-number scores, large", "attention", AttentionConfig(rate=1))
    # Whole numbers leave nothing to rounding, however sharp the softmax is.
    scores = draw.whole_numbers(*strong.target.shape, most=100)
    strong = replace(strong, known={**strong.known, "scores": scores})
    return [
        draw.case(
            "no fusion (fuse_k 1), some patches invalid", "attention", some.replace(fuse_k=1)
        ),
        draw.case("one sample, f and b of different sizes", "attention", some),
        draw.case("a batch of two", "attention", some, n=2, c=3),
        draw.case("fuse_k 5", "attention", some.replace(fuse_k=5), f_cells=(4, 5), b_cells=(6, 4)),
        draw.case("softmax_scale 10", "attention", AttentionConfig(rate=1)),
        hopeless,
        strong,
    ]


EXERCISE = Exercise(
    name="fused_softmax",
    parameters=("scores", "valid", "patches", "fuse_k", "softmax_scale"),
    arguments=_arguments,
    hand_cases=_hand_cases,
    random_cases=_random_cases,
    mistakes=(*SOFTMAX, *FUSION, *BOTH),
)
