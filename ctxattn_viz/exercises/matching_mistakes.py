"""Exercise 3's mistakes in scoring patches."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import matching_scores as stage
from ..stages.matching_scores import NORM_FLOOR
from .exercise import Mistake, in_several_ways
from .windows import PUSHED_INSIDE, TOO_SHORT, Places, placed

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
    return _padded(f, w, w.shape[-1] // 2, mode)


def _inside(f: Tensor, side: int) -> Tensor:
    """The query patches that fit inside f."""
    return f.unfold(2, side, 1).unfold(3, side, 1).permute(0, 2, 3, 1, 4, 5)


def _norm(x: Tensor, axes: tuple[int, ...] = (-3, -2, -1)) -> Tensor:
    return x.square().sum(axes, keepdim=True).sqrt().clamp(min=NORM_FLOOR)


def _right(f: Tensor, w: Tensor, **rules: Any) -> Tensor:
    return stage.matching_scores(f, w, AttentionConfig(ksize=w.shape[-1], **rules))


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


def _part(back: int, forth: int) -> Scores:
    """Products over a part of the two patches: all rows and columns but those past these ends."""

    def scores(f: Tensor, w: Tensor) -> Tensor:
        part = slice(-back, w.shape[-1] + forth)
        return _dot(_around(f, w)[..., part, part], (w / _norm(w))[..., part, part])

    return scores


def _placed(places: Places) -> Scores:
    return lambda f, w: _dot(placed(f, w.shape[-1], 1, places), w / _norm(w))


def _one_too_many(f: Tensor, w: Tensor) -> Tensor:
    """Loops that begin one place before the patches, where index −1 is the last."""
    half = w.shape[-1] // 2
    padded = F.pad(F.pad(f, [half] * 4), (1, 0, 1, 0), mode="circular")
    last_first = F.pad((w / _norm(w)).flatten(0, 1), (1, 0, 1, 0), mode="circular")
    return _dot(_inside(padded, w.shape[-1] + 1), last_first.unflatten(0, w.shape[:2]))


def _channels_fastest(f: Tensor, w: Tensor) -> Tensor:
    """One patch flattened with its channels last, the other with its channels first."""
    queries = _around(f, w)
    moved = queries.permute(0, 1, 2, 4, 5, 3).reshape(queries.shape)
    return _dot(moved, w / _norm(w))


def _unfold_reshaped(f: Tensor, w: Tensor) -> Tensor:
    """Unfold's (n, c·k·k, h·w), cut as if it were (n, h·w, c·k·k)."""
    queries = _around(f, w)
    return _dot(queries.permute(0, 3, 4, 5, 1, 2).reshape(queries.shape), w / _norm(w))


def _exchanged(f: Tensor, w: Tensor) -> Tensor:
    """Queries numbered row by row, read as (n, w, h, L) and turned."""
    scores = _right(f, w)
    n, height, width, patches = scores.shape
    return scores.reshape(n, width, height, patches).transpose(1, 2)


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
        lambda f, w: _right(f, w, norm="none"),
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
    *in_several_ways(
        _mistake,
        "square root forgotten",
        "You divide by the sum of squares. A norm is its square root.",
        _over(lambda w: _norm(w).square().clamp(min=NORM_FLOOR)),
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
        lambda f, w: _right(f, w, norm="per_element"),
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
    *in_several_ways(
        _mistake,
        "a distance instead of a product",
        "This looks like a squared distance between patches. A score is an inner product.",
        _distance,
        lambda f, w: -_distance(f, w),
    ),
    *in_several_ways(
        _mistake,
        "the middle cells only",
        "You compare the middle cells alone. A score takes all cells of the two patches.",
        lambda f, w: _dot(_middle(_around(f, w)), _middle(w / _norm(w))),
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
    *(
        _mistake(
            "the last row or column left out",
            "One row and one column of each patch are missing from your sums. Which numbers does "
            "a range give, and which does it leave out?",
            _part(*reach),
        )
        for reach in TOO_SHORT
    ),
    _mistake(
        "one row or column too many",
        "Your sums have a term more than a patch has rows and columns, and index −1 is the last. "
        "Write down the numbers that your range gives for ksize 3. (What is −3 // 2 in Python?)",
        _one_too_many,
    ),
    *(
        _mistake(
            "pushed inside",
            "At the border your foreground patches lie elsewhere: where a patch would start "
            "outside of f, you move it. Each number of it belongs to one place, seen from its "
            "cell, and what lies outside counts as zero.",
            _placed(places),
        )
        for places in PUSHED_INSIDE
    ),
    *in_several_ways(
        _mistake,
        "scrambled before the product",
        "Before the product one of the two patches is scrambled: a reshape never moves an axis. "
        "In which order do the c·k·k numbers of each come, and in which order the patches?",
        _channels_fastest,
        _unfold_reshaped,
    ),
    _mistake(
        "height and width exchanged",
        "The right scores at the wrong queries, wherever f is not square: you cut the list of "
        "queries as (w, h). They are numbered row by row; how long is a row?",
        _exchanged,
    ),
)
