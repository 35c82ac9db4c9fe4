"""Exercise 3: every foreground patch against every background patch."""

import torch
from torch import Tensor

from ..config import AttentionConfig
from .exercise import Case, Draw, Exercise, grid
from .matching_mistakes import MISTAKES

# On both sides of every floor that an answer may have in place of 1e-4.
NORMS = (0.0, 3e-5, 8e-5, 3e-4, 5e-3, 1.0)


def of_norms(b: Tensor, norms: tuple[float, ...]) -> None:
    """Give the cells of b these lengths, in turn, in place."""
    flat = b.flatten(2)  # (n, c, cells), a view
    lengths = torch.tensor(norms).repeat(flat.shape[2] // len(norms) + 1)[: flat.shape[2]]
    flat *= lengths / flat.norm(dim=1, keepdim=True)


def _hand_cases() -> list[Case]:
    f = grid([[1, 2], [3, 4]])
    w = torch.tensor([[[3.0], [4.0]], [[0.0], [2.0]]]).reshape(1, 2, 2, 1, 1)
    two = torch.stack(
        [torch.tensor([[1.0, 0.0], [3.0, 1.0]]), torch.tensor([[2.0, 1.0], [4.0, 0]])]
    )
    config = AttentionConfig(rate=1, ksize=1)
    maps = {"f": two[None], "b": torch.zeros(1, 2, 1, 2), "mask": torch.zeros(1, 1, 1, 2)}
    ones = {"f": f, "b": torch.ones(1, 1, 2, 2), "mask": torch.zeros(1, 1, 2, 2)}
    return [
        Case(
            "1×1 patches of two channels, (3, 4) and (0, 2)",
            "scores",
            {**maps, "matching_patches": w},
            config,
            "hand",
        ),
        Case(
            "f = [[1, 2], [3, 4]], b all ones, ksize 3",
            "scores",
            ones,
            AttentionConfig(rate=1),
            "hand",
        ),
    ]


def _random_cases(draw: Draw) -> list[Case]:
    config = AttentionConfig(rate=1)
    large = AttentionConfig(rate=1, ksize=5)
    dim = draw.case("b with a dim and a black region", "scores", config, b_cells=(6, 5))
    dim.known["b"][..., :3] *= 0.01
    dim.known["b"][..., 4:, :3] = 0  # wide enough that whole patches are black
    single = config.replace(ksize=1)
    tiny = draw.case("1×1 patches of norms 0 to 1, some below 1e-4", "scores", single, c=3)
    of_norms(tiny.known["b"], NORMS)
    return [
        draw.case("f and b of different sizes, two channels", "scores", config),
        draw.case("three channels, a batch of two", "scores", config, n=2, c=3),
        draw.case("ksize 5", "scores", large, c=1),
        dim,
        tiny,
    ]


EXERCISE = Exercise(
    name="matching_scores",
    parameters=("f", "w"),
    arguments=lambda v, c, stage: (v["downsampled_f"], v["matching_patches"]),
    hand_cases=_hand_cases,
    random_cases=_random_cases,
    mistakes=MISTAKES,
)
