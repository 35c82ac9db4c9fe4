"""Exercise 2: which background patches may be used."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages.mask_validity import valid_patches
from ..stages.patch_extraction import extract_patches
from .exercise import Case, Draw, Exercise, Mistake, grid, in_several_ways
from .windows import MOVED, PUSHED_INSIDE, TOO_LONG, TOO_SHORT, Places, placed


def _mistake(name: str, hint: str, valid: Callable[[Tensor, int], Tensor]) -> Mistake:
    return Mistake(name, hint, {"valid": lambda v, c: valid(v["downsampled_mask"], c.ksize)})


def _patches(mask: Tensor, ksize: int) -> Tensor:
    """The mask in each patch as (n, L, k·k)."""
    return extract_patches(mask, ksize, 1).flatten(3).flatten(1, 2)


def _right(mask: Tensor, ksize: int) -> Tensor:
    return valid_patches(mask, AttentionConfig(ksize=ksize))


def _free(padded: Tensor, ksize: int) -> Tensor:
    """True for each ksize×ksize window of a padded mask without a hole, as (n, windows)."""
    return (padded.unfold(2, ksize, 1).unfold(3, ksize, 1) == 0).all(-1).all(-1).flatten(1)


def _around(mask: Tensor, ksize: int, **padding: Any) -> Tensor:
    return F.pad(mask, [ksize // 2] * 4, **padding)


def _one_sided(mask: Tensor, ksize: int, before: int) -> Tensor:
    after = ksize - 1 - before
    return _free(F.pad(mask, (before, after, before, after)), ksize)


def _wrapped_before(mask: Tensor, ksize: int) -> Tensor:
    before, after = (ksize // 2, 0) * 2, (0, ksize // 2) * 2
    return _free(F.pad(F.pad(mask, before, mode="circular"), after), ksize)


def _empty_slices(mask: Tensor, ksize: int) -> Tensor:
    """Where a slice starts below 0 it is empty, and nothing is hole in nothing."""
    valid = _right(mask, ksize).unflatten(1, mask.shape[2:]).clone()
    valid[:, : ksize // 2] = True
    valid[:, :, : ksize // 2] = True
    return valid.flatten(1)


def _reaching(rows: tuple[int, int], columns: tuple[int, int]) -> Callable[[Tensor, int], Tensor]:
    """Windows that reach so much further (back, forth) than ksize // 2; empty ones are free."""

    def valid(mask: Tensor, ksize: int) -> Tensor:
        half = ksize // 2
        top, bottom, left, right = (half + more for more in (*rows, *columns))
        height, width = top + bottom + 1, left + right + 1
        if height < 1 or width < 1:
            return torch.ones_like(mask, dtype=torch.bool).flatten(1)
        windows = F.pad(mask, (left, right, top, bottom)).unfold(2, height, 1).unfold(3, width, 1)
        return (windows == 0).all(-1).all(-1).flatten(1)

    return valid


def _either_axis(ways: tuple[tuple[int, int], ...]) -> list[Callable[[Tensor, int], Tensor]]:
    """Each of these reaches along both axes, along the rows' alone, along the columns' alone."""
    right = (0, 0)
    return [_reaching(*axes) for way in ways for axes in ((way, way), (way, right), (right, way))]


def _mostly_known(mask: Tensor, ksize: int, most_hole: float) -> Tensor:
    return _patches(mask, ksize).mean(2) < most_hole


def _flooded(mask: Tensor, ksize: int, giving: bool) -> Tensor:
    """The hole grown in the mask that is read: each cell takes it from around it, or gives it."""
    grown, half = mask.clone(), ksize // 2
    for y in range(mask.shape[2]):
        for x in range(mask.shape[3]):
            window = grown[:, 0, max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1]
            if giving:
                window.copy_(torch.maximum(window, grown[:, 0, y, x, None, None].clone()))
            else:
                grown[:, 0, y, x] = window.amax((1, 2))
    return (grown == 0).flatten(1)


def _numbered_by_height(mask: Tensor, ksize: int, missing: bool) -> Tensor:
    """Cell (y, x) written to place y·h + x; an IndexError where there are more rows."""
    right = _right(mask, ksize).unflatten(1, mask.shape[2:])
    h, w = mask.shape[2:]
    valid = torch.full((len(mask), h * w), missing)
    for y in range(h):
        for x in range(w):
            valid[:, y * h + x] = right[:, y, x]
    return valid


def _known_at(mask: Tensor, ksize: int, places: Places) -> Tensor:
    """Where patches that lie at other places hold no hole."""
    return (placed(mask, ksize, 1, places) == 0).flatten(3).all(3).flatten(1)


MISTAKES = (
    _mistake(
        "inverted",
        "True and False are exchanged. 1 in the mask is a hole; a patch with a hole must not be "
        "used.",
        lambda m, k: ~_right(m, k),
    ),
    *in_several_ways(
        _mistake,
        "1 taken for known",
        "You accept the patches that lie wholly inside the hole. 1 in the mask is a hole, 0 is "
        "known.",
        lambda m, k: _free(1 - _around(m, k), k),
        lambda m, k: _right(1 - m, k),
    ),
    _mistake(
        "only the middle cell counts",
        "You look at the cell in the middle only. A patch that touches the hole with one corner "
        "holds a missing number, too.",
        lambda m, k: (m == 0).flatten(1),
    ),
    *in_several_ways(
        _mistake,
        "one known cell is enough",
        "A patch counts as usable as soon as one of its cells is known. It needs all of them.",
        lambda m, k: (_patches(m, k) == 0).any(2),
        lambda m, k: ~_free(1 - _around(m, k, value=1.0), k),
    ),
    *(
        _mistake(
            name,
            "A patch counts as usable when most of its cells are known. It needs all of them.",
            partial(_mostly_known, most_hole=share),
        )
        for name, share in (
            ("half known is enough", 0.5),
            *(("a few hole cells are forgiven", share) for share in (0.2, 0.15, 0.1, 0.05)),
        )
    ),
    _mistake(
        "one hole cell is forgiven",
        "A patch with a single hole cell counts as usable. It may hold none.",
        lambda m, k: _patches(m, k).sum(2) <= 1,
    ),
    _mistake(
        "3×3 whatever ksize",
        "You look at 3×3 cells even where ksize is another number.",
        lambda m, k: _right(m, 3),
    ),
    *in_several_ways(
        _mistake,
        "the hole grows too far",
        "You refuse patches up to ksize cells away from the hole. How far does a patch reach from "
        "its cell to each side?",
        lambda m, k: _right(m, 2 * k + 1),
        lambda m, k: _right(m, 2 * k - 1),
    ),
    *in_several_ways(
        _mistake,
        "the last row or column left out",
        "Your patches end one cell too early at one side, so that a hole there goes unseen. "
        "Which numbers does a range give, and which does it leave out?",
        *_either_axis(TOO_SHORT),
    ),
    *in_several_ways(
        _mistake,
        "one row or column too many",
        "Your patches reach one cell further to one side than to the other. Write down the "
        "numbers that your range gives for ksize 3. (What is −3 // 2 in Python?)",
        *_either_axis(TOO_LONG),
    ),
    *in_several_ways(
        _mistake,
        "not around the cell",
        "Your patches are as large as they should be, but not centred: they lie one cell off. "
        "Write down the numbers that your range gives for ksize 3. (What is −3 // 2 in "
        "Python?)",
        *_either_axis(MOVED),
    ),
    _mistake(
        "one cell too far all around",
        "You refuse patches that end just before the hole. How far does a patch reach from its "
        "cell to each side?",
        _reaching((1, 1), (1, 1)),
    ),
    *(
        _mistake(
            "the hole grows while it is read",
            "The hole runs on over the map: a cell that you have just marked is read as hole by "
            "the next one. What you read has to stay as it was: write into another tensor.",
            partial(_flooded, giving=giving),
        )
        for giving in (False, True)
    ),
    *(
        _mistake(
            "pushed inside",
            "At the border your patches lie elsewhere: where a patch would start outside, you move "
            "it inside, and it sees cells that are not its own. What lies outside is cut off.",
            partial(_known_at, places=places),
        )
        for places in PUSHED_INSIDE[:2]
    ),
    *(
        _mistake(
            "numbered by the height",
            "On a map that is not square your answers are in the wrong places. How many cells come "
            "before the first one of row y: does that depend on the height or the width?",
            partial(_numbered_by_height, missing=missing),
        )
        for missing in (False, True)
    ),
    _mistake(
        "no padding",
        "You answer for the patches that fit inside the map only. Every cell has a patch, those "
        "at the border too.",
        _free,
    ),
    _mistake(
        "one zero on each side",
        "One zero on each side is right for ksize 3 alone. How far does a patch reach from its "
        "cell?",
        lambda m, k: _free(F.pad(m, [1] * 4), k),
    ),
    _mistake(
        "all zeros after",
        "Your patch starts at its cell and reaches to the right and down. The patch of a cell is "
        "the cells around it.",
        lambda m, k: _one_sided(m, k, 0),
    ),
    _mistake(
        "all zeros before",
        "Your patch ends at its cell and reaches to the left and up. The patch of a cell is the "
        "cells around it.",
        lambda m, k: _one_sided(m, k, k - 1),
    ),
    _mistake(
        "round the corner",
        "A hole at one side rules out patches at the opposite one, as on a torus. Beyond the "
        "border there is padding, and padding is no hole.",
        lambda m, k: _free(_around(m, k, mode="circular"), k),
    ),
    _mistake(
        "counted from the end",
        "A hole at the right or at the bottom rules out patches at the left or at the top: an "
        "index below 0 counts from the end in Python.",
        _wrapped_before,
    ),
    _mistake(
        "empty slices",
        "In the first rows and columns everything counts as usable. What does Python make of a "
        "slice that starts below 0, such as −1 to 2?",
        _empty_slices,
    ),
    _mistake(
        "the border counts as hole",
        "Patches at the border are refused. The zeros padded around the mask say “known”: the "
        "padding is no hole.",
        lambda m, k: _free(_around(m, k, value=1.0), k),
    ),
    _mistake(
        "the first mask for all",
        "Every sample of the batch gets the first one's mask. (One port of the original does "
        "exactly this.)",
        lambda m, k: _right(m[:1], k).expand(len(m), -1),
    ),
    _mistake(
        "a hole in any sample counts for all",
        "A hole in one sample makes the patch invalid in all of them. Each has its own mask.",
        lambda m, k: _right(m.amax(0, keepdim=True), k).expand(len(m), -1),
    ),
    _mistake(
        "patches numbered column by column",
        "The right answers in another order: patches are numbered row by row.",
        lambda m, k: _right(m, k).unflatten(1, m.shape[2:]).mT.flatten(1),
    ),
    _mistake(
        "a plus instead of a square",
        "Only the cells straight above, below and beside the middle are looked at. A patch has "
        "corners.",
        lambda m, k: (
            (F.max_pool2d(m, (k, 1), 1, (k // 2, 0)) == 0)
            & (F.max_pool2d(m, (1, k), 1, (0, k // 2)) == 0)
        ).flatten(1),
    ),
)


def _case(label: str, mask: Tensor, ksize: int = 3, kind: str = "hand") -> Case:
    config = AttentionConfig(ksize=ksize, rate=1)
    known = {"f": torch.zeros_like(mask), "b": torch.zeros_like(mask), "mask": mask}
    return Case(label, "valid", known, config, "hand" if kind == "hand" else "random")


def _hand_cases() -> list[Case]:
    corner = grid([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    line = grid([[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]])
    return [
        _case("4×4, a hole in the corner, ksize 3", corner),
        _case("3×5, a hole at the right border, ksize 3", line),
        _case("the same, ksize 1", line, ksize=1),
    ]


def _random_cases(draw: Draw) -> list[Case]:
    sides, more = draw.sizes(5, 8), draw.sizes(6, 9)
    holes = draw.mask(1, *sides)
    holes[..., draw.choices.randrange(sides[0]), draw.choices.randrange(sides[1])] = 1
    several = draw.mask(3, *more)
    return [
        _case(f"{sides[0]}×{sides[1]}, two holes", holes, kind="random"),
        _case("a batch of three, each its own hole", several, kind="random"),
        _case("the same, ksize 5", several, ksize=5, kind="random"),
        _case("nothing is missing", torch.zeros(1, 1, 3, 4), kind="random"),
        _case("everything is missing", torch.ones(1, 1, 4, 3), kind="random"),
    ]


EXERCISE = Exercise(
    name="mask_validity",
    parameters=("mask", "ksize"),
    arguments=lambda v, c, stage: (v["downsampled_mask"], c.ksize),
    hand_cases=_hand_cases,
    random_cases=_random_cases,
    mistakes=MISTAKES,
)
