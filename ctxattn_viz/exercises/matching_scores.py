"""Exercise 3: every foreground patch against every background patch."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import matching_scores as stage
from ..stages.matching_scores import NORM_FLOOR
from .exercise import Case, Draw, Exercise, Mistake, grid

Scores = Callable[[Tensor, Tensor], Tensor]


def _mistake(name: str, hint: str, scores: Scores) -> Mistake:
    return Mistake(
        name, hint, {"scores": lambda v, c: scores(v["downsampled_f"], v["matching_patches"])}
    )


def _dot(queries: Tensor, w: Tensor) -> Tensor:
    """Inner products of patches (n, h, w, c, k, k) with patches (n, L, c, k, k)."""
    flat = queries.flatten(3).flatten(1, 2) @ w.flatten(2).mT
    return flat.unflatten(1, queries.shape[1:3])


def _around(f: Tensor, w: Tensor, mode: str = "constant") -> Tensor:
    """The query patches of f, as large as those of w."""
    side = w.shape[-1]
    padded = F.pad(f, [side // 2] * 4, mode=mode)
    return padded.unfold(2, side, 1).unfold(3, side, 1).permute(0, 2, 3, 1, 4, 5)


def _inside(f: Tensor, side: int) -> Tensor:
    """The query patches that fit inside f."""
    return f.unfold(2, side, 1).unfold(3, side, 1).permute(0, 2, 3, 1, 4, 5)


def _norm(x: Tensor, axes: tuple[int, ...] = (-3, -2, -1)) -> Tensor:
    return x.square().sum(axes, keepdim=True).sqrt().clamp(min=NORM_FLOOR)


def _right(f: Tensor, w: Tensor, norm: str = "max") -> Tensor:
    return stage.matching_scores(f, w, AttentionConfig(ksize=w.shape[-1], norm=norm))


def _padded(f: Tensor, w: Tensor, before: int, mode: str = "constant") -> Tensor:
    """The query patches with so many zeros before and the rest after."""
    side = w.shape[-1]
    after = side - 1 - before
    padded = F.pad(f, (before, after, before, after), mode=mode)
    return _inside(padded, side)


def _middle(x: Tensor) -> Tensor:
    """The middle cells of patches alone, each still a patch."""
    at = x.shape[-1] // 2
    return x[..., at : at + 1, at : at + 1]


def _distance(f: Tensor, w: Tensor) -> Tensor:
    p = _around(f, w)
    squares = p.square().sum((3, 4, 5))[..., None] + w.square().sum((2, 3, 4))[:, None, None]
    return 2 * _dot(p, w) - squares


def _transposed(f: Tensor, w: Tensor) -> Tensor:
    """The table (n, L, h·w), cut as if it were (n, h·w, L)."""
    scores = _right(f, w)
    return scores.flatten(1, 2).mT.reshape(scores.shape)


def _plain_norm(w: Tensor) -> Tensor:
    return w.square().sum((2, 3, 4), keepdim=True).sqrt()


def _added_under_root(small: float) -> Callable[[Tensor], Tensor]:
    return lambda w: (w.square().sum((2, 3, 4), keepdim=True) + small).sqrt()


def _over(divisor: Callable[[Tensor], Tensor]) -> Scores:
    """Scores with the background patches divided by something else than their norms."""
    return lambda f, w: _dot(_around(f, w), w / divisor(w))


_FLOOR = (
    "The length of a dim patch comes out wrong. The divisor is the larger of two numbers, the norm "
    "and 1e-4: it is no 0 that is to be caught, a dim patch is to score low. Work a patch of norm "
    "3e-5 on paper."
)

MISTAKES = (
    _mistake(
        "no norm",
        "A bright patch scores high against everything. Divide each background patch by its own "
        "norm.",
        lambda f, w: _right(f, w, "none"),
    ),
    _mistake(
        "the paper's cosine",
        "This is the cosine of the paper's equation: both patches are divided by their norms. "
        "The code divides the background patch only.",
        lambda f, w: _dot(_around(f, w) / _norm(_around(f, w)), w / _norm(w)),
    ),
    _mistake(
        "the wrong patch's norm",
        "You divide by the norm of the foreground patch. It is the background patch that is "
        "brought to length 1.",
        lambda f, w: _dot(_around(f, w) / _norm(_around(f, w)), w),
    ),
    _mistake(
        "square root forgotten",
        "You divide by the sum of squares. A norm is its square root.",
        _over(lambda w: _norm(w).square().clamp(min=NORM_FLOOR)),
    ),
    _mistake(
        "square root forgotten",
        "You divide by the sum of squares. A norm is its square root.",
        _over(lambda w: _norm(w).square()),
    ),
    _mistake(
        "no floor under the norm",
        "Somewhere you divide 0 by 0: a patch of zeros has no length. The original divides by at "
        "least 1e-4.",
        _over(lambda w: w.square().sum((2, 3, 4), keepdim=True).sqrt()),
    ),
    _mistake(
        "an epsilon for each element",
        "You add a small number to every square before summing, so that dim patches lose most of "
        "their score. The original takes the larger of the norm and 1e-4. (One port does this.)",
        lambda f, w: _right(f, w, "per_element"),
    ),
    _mistake("a smaller floor", _FLOOR, _over(lambda w: _plain_norm(w).clamp(min=1e-12))),
    *(
        _mistake("another floor", _FLOOR, _over(divisor))
        for divisor in (
            lambda w: _plain_norm(w).clamp(min=1e-3),
            lambda w: _plain_norm(w) + 1e-6,
            lambda w: _plain_norm(w) + 1e-5,
            lambda w: _plain_norm(w).square().clamp(min=1e-6).sqrt(),
        )
    ),
    _mistake(
        "the floor added",
        "You add 1e-4 to the norm, which shortens every patch a little. The original takes the "
        "larger of the two.",
        _over(lambda w: _plain_norm(w) + NORM_FLOOR),
    ),
    *(
        _mistake(
            "the floor under the root",
            "You add a small number to the sum of squares, under the root. The original takes the "
            "larger of the finished norm and 1e-4.",
            _over(_added_under_root(small)),
        )
        for small in (1e-4, 1e-5, 1e-6, 1e-8, 1e-10)
    ),
    _mistake(
        "the floor under the root",
        "You take the larger of the sum of squares and 1e-4, and then the root: that is a floor "
        "of 1e-2 under the norm.",
        _over(lambda w: w.square().sum((2, 3, 4), keepdim=True).clamp(min=NORM_FLOOR).sqrt()),
    ),
    _mistake(
        "a mean instead of a sum",
        "You take the mean of the products, not their sum: an inner product adds.",
        lambda f, w: _right(f, w) / w[0, 0].numel(),
    ),
    _mistake(
        "a norm from the mean square",
        "You divide by the root of the mean of the squares. A norm is the root of their sum.",
        _over(lambda w: w.square().mean((2, 3, 4), keepdim=True).sqrt().clamp(min=NORM_FLOOR)),
    ),
    _mistake(
        "a norm for each channel",
        "Each channel of a patch gets a norm of its own. One norm belongs to the whole patch: "
        "channels, rows and columns.",
        _over(lambda w: _norm(w, (3, 4))),
    ),
    _mistake(
        "a norm across the patches",
        "You divide by norms taken across the patches of a sample, for each place in them. The "
        "norm is to run over the numbers of one patch.",
        _over(lambda w: _norm(w, (1,))),
    ),
    _mistake(
        "divided by the largest norm",
        "All patches are divided by the largest norm there is. Each has a norm of its own.",
        _over(lambda w: _norm(w).amax(1, keepdim=True)),
    ),
    _mistake(
        "every cell brought to length 1",
        "You divide each cell of f by its length over the channels. Only the background patches "
        "are divided by anything.",
        lambda f, w: _right(f / f.norm(dim=1, keepdim=True).clamp(min=NORM_FLOOR), w),
    ),
    _mistake(
        "a distance instead of a product",
        "This looks like a squared distance between patches. A score is an inner product.",
        _distance,
    ),
    _mistake(
        "a distance instead of a product",
        "This looks like a squared distance between patches. A score is an inner product.",
        lambda f, w: -_distance(f, w),
    ),
    _mistake(
        "the middle cells only",
        "You compare the middle cells alone. A score takes all cells of the two patches.",
        lambda f, w: _dot(_middle(_around(f, w)), _middle(w / _norm(w))),
    ),
    _mistake(
        "the middle cells only",
        "You compare the middle cells alone. A score takes all cells of the two patches.",
        lambda f, w: _dot(_middle(_around(f, w)), _middle(w) / _norm(_middle(w))),
    ),
    _mistake(
        "a sum of absolute values",
        "You divide by the sum of absolute values. The norm here is the Euclidean one.",
        _over(lambda w: w.abs().sum((2, 3, 4), keepdim=True).clamp(min=NORM_FLOOR)),
    ),
    _mistake(
        "one norm for all patches",
        "All background patches are divided by one number. Each has a norm of its own.",
        _over(lambda w: _norm(w, (1, 2, 3, 4))),
    ),
    _mistake(
        "a norm for every cell of the patch",
        "You divide each cell of a patch by a norm over the channels. One norm belongs to the "
        "whole patch: channels, rows and columns.",
        _over(lambda w: _norm(w, (2,))),
    ),
    _mistake(
        "border repeated",
        "Foreground patches at the border repeat it. What lies outside of f counts as zero.",
        lambda f, w: _dot(_around(f, w, "replicate"), w / _norm(w)),
    ),
    _mistake(
        "border mirrored",
        "Foreground patches at the border mirror it. What lies outside of f counts as zero.",
        lambda f, w: _dot(_around(f, w, "reflect"), w / _norm(w)),
    ),
    _mistake(
        "round the corner",
        "Foreground patches at the border go on at the opposite side. What lies outside of f "
        "counts as zero.",
        lambda f, w: _dot(_around(f, w, "circular"), w / _norm(w)),
    ),
    _mistake(
        "all zeros after",
        "Your foreground patch starts at its cell and reaches to the right and down. The patch of "
        "a cell is what lies around it.",
        lambda f, w: _dot(_padded(f, w, 0), w / _norm(w)),
    ),
    _mistake(
        "all zeros before",
        "Your foreground patch ends at its cell and reaches to the left and up. The patch of a "
        "cell is what lies around it.",
        lambda f, w: _dot(_padded(f, w, w.shape[-1] - 1), w / _norm(w)),
    ),
    _mistake(
        "one zero on each side",
        "One zero on each side is right for 3×3 patches alone. How far does a patch reach from "
        "its cell?",
        lambda f, w: _dot(_inside(F.pad(f, [1] * 4), w.shape[-1]), w / _norm(w)),
    ),
    _mistake(
        "the table transposed",
        "Your table has a row for each background patch, (n, L, h·w), and was cut as if it had "
        "one for each query. A reshape moves no axis: turn it first.",
        _transposed,
    ),
    _mistake(
        "no padding",
        "The border cells have no score. Every cell of f is a query, and what lies outside of f "
        "counts as zero.",
        lambda f, w: _dot(_inside(f, w.shape[-1]), w / _norm(w)),
    ),
    _mistake(
        "the patches upside down",
        "One of the two patches is turned by 180°: that is a convolution in the mathematician's "
        "sense. Matching compares cells in the same place.",
        lambda f, w: _right(f, w.flip(-1, -2)),
    ),
    _mistake(
        "the patches on their side",
        "One of the two patches has its rows and columns swapped.",
        lambda f, w: _right(f, w.mT),
    ),
    _mistake(
        "the first sample's patches for all",
        "Every sample of the batch is matched against the first one's background patches.",
        lambda f, w: _right(f, w[:1].expand_as(w)),
    ),
    _mistake(
        "queries numbered column by column",
        "The right scores at the wrong queries: after flattening column by column, the cells were "
        "put back row by row.",
        lambda f, w: _right(f, w).transpose(1, 2).reshape(_right(f, w).shape),
    ),
)


# On both sides of every floor that somebody may have put in place of 1e-4.
NORMS = (0.0, 3e-5, 8e-5, 3e-4, 5e-3, 1.0)


def of_norms(b: Tensor, norms: tuple[float, ...]) -> None:
    """Give the cells of b these lengths, in turn, in place."""
    flat = b.flatten(2)  # (n, c, cells), a view
    lengths = torch.tensor(norms).repeat(flat.shape[2] // len(norms) + 1)[: flat.shape[2]]
    flat *= lengths / flat.norm(dim=1, keepdim=True)


def _by_hand() -> list[Case]:
    f = grid([[1, 2], [3, 4]])
    w = torch.tensor([[[3.0], [4.0]], [[0.0], [2.0]]]).reshape(1, 2, 2, 1, 1)
    two = torch.stack(
        [torch.tensor([[1.0, 0.0], [3.0, 1.0]]), torch.tensor([[2.0, 1.0], [4.0, 0]])]
    )
    config = AttentionConfig(rate=1, ksize=1)
    given = {"f": two[None], "b": torch.zeros(1, 2, 1, 2), "mask": torch.zeros(1, 1, 1, 2)}
    ones = {"f": f, "b": torch.ones(1, 1, 2, 2), "mask": torch.zeros(1, 1, 2, 2)}
    return [
        Case(
            "1×1 patches of two channels, (3, 4) and (0, 2)",
            "scores",
            {**given, "matching_patches": w},
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


def _drawn(draw: Draw) -> list[Case]:
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
    by_hand=_by_hand,
    drawn=_drawn,
    mistakes=MISTAKES,
)
