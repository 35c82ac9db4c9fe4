"""Exercise 5: mixing the paste patches and laying them over each other."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values
from ..stages.deconvolution import deconvolve, mix_patches
from ..stages.patch_extraction import same_padding
from .exercise import Case, Draw, Exercise, Mistake, in_several_ways

Paste = Callable[[Tensor, Tensor], Tensor]


def _mistake(name: str, hint: str, paste: Paste) -> Mistake:
    return Mistake(name, hint, {"output": lambda v, c: paste(v["attention"], v["paste_patches"])})


def _right(attention: Tensor, paste: Tensor, **rules: Any) -> Tensor:
    config = AttentionConfig(rate=paste.shape[-1] // 2, **rules)
    return deconvolve(attention, paste, config)


def _whole_canvas(attention: Tensor, patches: Tensor) -> Tensor:
    """All patches laid down, those at the border reaching over it, and divided by 4."""
    columns = mix_patches(attention, patches).flatten(3).flatten(1, 2).mT
    return _lay_down(columns, attention, patches, patches.shape[-1] // 2) / 4


def _lay_down(columns: Tensor, attention: Tensor, patches: Tensor, step: int) -> Tensor:
    """Columns (n, c·k·k, h·w) as patches that lie `step` pixels apart, added up."""
    side, (h, w) = patches.shape[-1], attention.shape[1:3]
    return F.fold(columns, ((h - 1) * step + side, (w - 1) * step + side), side, stride=step)


def _crop_from(start: Callable[[int], int]) -> Paste:
    """The pasted canvas, cropped from elsewhere."""

    def paste(attention: Tensor, patches: Tensor) -> Tensor:
        return _picture(_whole_canvas(attention, patches), attention, patches, start)

    return paste


def _picture(
    canvas: Tensor, attention: Tensor, patches: Tensor, start: Callable[[int], int]
) -> Tensor:
    rate = patches.shape[-1] // 2
    at, (h, w) = start(rate), attention.shape[1:3]
    return canvas[:, :, at : at + h * rate, at : at + w * rate]


def _cropped_alike(margin: Callable[[int], int]) -> Paste:
    """As many pixels cut off at each side."""

    def paste(attention: Tensor, patches: Tensor) -> Tensor:
        canvas, cut = _whole_canvas(attention, patches), margin(patches.shape[-1] // 2)
        return canvas[:, :, cut : canvas.shape[2] - cut, cut : canvas.shape[3] - cut]

    return paste


def _beside(attention: Tensor, patches: Tensor) -> Tensor:
    """Patches beside each other, none overlapping."""
    columns = mix_patches(attention, patches).flatten(3).flatten(1, 2).mT
    return _lay_down(columns, attention, patches, patches.shape[-1]) / 4


def _scrambled(attention: Tensor, patches: Tensor) -> Tensor:
    """The mixed patches (n, h·w, c·k·k) cut as if they were (n, c·k·k, h·w)."""
    mixed = mix_patches(attention, patches).flatten(3).flatten(1, 2)
    columns = mixed.reshape(mixed.shape[0], mixed.shape[2], mixed.shape[1])
    canvas = _lay_down(columns, attention, patches, patches.shape[-1] // 2) / 4
    return _picture(canvas, attention, patches, lambda rate: rate // 2)


def _shares_scrambled(attention: Tensor, patches: Tensor) -> Tensor:
    """Attention (n, h, w, L) cut as if it were (n, L, h, w)."""
    n, h, w, length = attention.shape
    return _right(attention.reshape(n, length, h, w).permute(0, 2, 3, 1), patches)


def _exchanged(attention: Tensor, patches: Tensor) -> Tensor:
    """Queries numbered row by row, read as (n, w, h, L) and turned."""
    n, h, w, length = attention.shape
    return _right(attention.reshape(n, w, h, length).transpose(1, 2), patches)


def _over(divisor: Callable[[Tensor, Tensor], Tensor | float]) -> Paste:
    """The sum divided by something else than 4."""
    return lambda a, v: _right(a, v) * 4 / divisor(a, v)


def _mixed_and_canvas(attention: Tensor, patches: Tensor) -> tuple[Tensor, Tensor]:
    """The mixed patches (n, h, w, c, k, k), and zeros (n, c, H + rate, W + rate) to lay them on."""
    mixed = mix_patches(attention, patches)
    n, h, w, c, side = mixed.shape[:5]
    return mixed, mixed.new_zeros(n, c, (h + 1) * side // 2, (w + 1) * side // 2)


def _pushed_inside(cut: bool) -> Paste:
    """Patches that would start before the picture start with it: whole, or cut at their end."""

    def paste(attention: Tensor, patches: Tensor) -> Tensor:
        mixed, canvas = _mixed_and_canvas(attention, patches)
        (h, w), side = mixed.shape[1:3], mixed.shape[-1]
        rate = side // 2
        for y in range(h):
            for x in range(w):
                top, left = y * rate - rate // 2, x * rate - rate // 2
                up, across = (side + min(start, 0) if cut else side for start in (top, left))
                top, left = max(top, 0), max(left, 0)
                place = canvas[:, :, top : top + up, left : left + across]
                place += mixed[:, y, x, :, :up, :across] / 4
        return canvas[:, :, : h * rate, : w * rate]

    return paste


def _divided_on_the_way(of: str) -> Paste:
    """The canvas divided by 4 after each row, column or cell, or each place after each cell."""

    def paste(attention: Tensor, patches: Tensor) -> Tensor:
        mixed, canvas = _mixed_and_canvas(attention, patches)
        (h, w), side = mixed.shape[1:3], mixed.shape[-1]
        rate = side // 2
        cells = [(y, x) for y in range(h) for x in range(w)]
        for y, x in sorted(cells, key=lambda cell: cell[::-1]) if of == "column" else cells:
            top, left = y * rate, x * rate
            place = canvas[:, :, top : top + side, left : left + side]
            place += mixed[:, y, x]
            if of == "place":
                place /= 4
            elif of == "cell" or (of == "row" and x == w - 1) or (of == "column" and y == h - 1):
                canvas /= 4
        return _picture(canvas, attention, patches, lambda rate: rate // 2)

    return paste


def _divided_for_each_sample(attention: Tensor, patches: Tensor) -> Tensor:
    """All that is finished is divided once more for each sample that follows."""
    times = torch.arange(len(attention) - 1, -1, -1)
    return _right(attention, patches) / 4.0 ** times[:, None, None, None]


def _middles(attention: Tensor, patches: Tensor) -> Tensor:
    rate = patches.shape[-1] // 2
    start, _ = same_padding(2 * rate, rate)
    inner = mix_patches(attention, patches)[..., start : start + rate, start : start + rate]
    return inner.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def _written_over(attention: Tensor, patches: Tensor) -> Tensor:
    """Each patch replaces what lies under it."""
    mixed, canvas = _mixed_and_canvas(attention, patches)
    (h, w), side = mixed.shape[1:3], mixed.shape[-1]
    rate = side // 2
    for y in range(h):
        for x in range(w):
            top, left = y * rate, x * rate
            canvas[:, :, top : top + side, left : left + side] = mixed[:, y, x]
    return _picture(canvas, attention, patches, lambda rate: rate // 2)


def _best_only(attention: Tensor, patches: Tensor) -> Tensor:
    best = F.one_hot(attention.argmax(-1), attention.shape[-1]).to(attention)
    return _right(best, patches)


MISTAKES = (
    _mistake(
        "not divided",
        "Everywhere inside, four patches lie over each other, and you return their sum: the "
        "original divides by 4.",
        lambda a, v: _right(a, v) * 4,
    ),
    _mistake(
        "divided by the true cover",
        "You divide each pixel by the number of patches that cover it. That is what one port "
        "does, and it keeps the border bright; the original divides by 4 everywhere.",
        lambda a, v: _right(a, v, overlap="coverage"),
    ),
    _mistake(
        "divided by the patch's area",
        "You divide by the number of pixels in a patch. What matters is how many patches overlap.",
        lambda a, v: _right(a, v) * 4 / v.shape[-1] ** 2,
    ),
    _mistake(
        "divided by rate²",
        "You divide by rate·rate, which is 4 at rate 2 only. How many patches lie over each other "
        "does not depend on the rate.",
        _over(lambda a, v: (v.shape[-1] // 2) ** 2),
    ),
    _mistake(
        "divided by the rate",
        "You divide by the rate. How many patches lie over each other does not depend on it.",
        _over(lambda a, v: v.shape[-1] // 2),
    ),
    _mistake(
        "divided by the patch's side",
        "You divide by the side of a patch, which is 4 at rate 2 only. How many patches lie over "
        "each other does not depend on it.",
        _over(lambda a, v: v.shape[-1]),
    ),
    _mistake(
        "a mean of the patches",
        "You take the mean over all paste patches. A mixture is their sum, each times its share.",
        lambda a, v: _right(a, v) / v.shape[1],
    ),
    _mistake(
        "shares brought to sum 1",
        "You divide by the sum of the shares. Where some patches were invalid a row sums to less "
        "than 1, and the original leaves it so.",
        lambda a, v: _right(a / a.sum(-1, keepdim=True), v),
    ),
    _mistake(
        "a softmax once more",
        "The attention has been through the softmax already: it holds the shares.",
        lambda a, v: _right(a.softmax(-1), v),
    ),
    _mistake(
        "one pixel cut off at each side",
        "One pixel at each side is right at rate 2 alone. How far does a patch reach over the "
        "border at another rate?",
        _cropped_alike(lambda rate: 1),
    ),
    _mistake(
        "rate // 2 cut off at each side",
        "As much cut off before as after is right at even rates alone. At an odd one, how many "
        "pixels too many are there, and on which side?",
        _cropped_alike(lambda rate: rate // 2),
    ),
    _mistake(
        "patches beside each other",
        "Your patches do not overlap: they lie as far apart as they are wide. How far apart are "
        "two cells, in pixels?",
        _beside,
    ),
    _mistake(
        "reshaped where axes should move",
        "Between mixing and laying the numbers are scrambled: a reshape never moves an axis, it "
        "only cuts the same sequence elsewhere.",
        _scrambled,
    ),
    _mistake(
        "the shares scrambled",
        "The shares are cut as if the patches came first. In (n, h, w, L) they come last, and a "
        "reshape never moves an axis.",
        _shares_scrambled,
    ),
    *(
        _mistake(
            "pushed inside",
            "Patches that would start before the picture start at its border instead, and so lie "
            "in the wrong place. What falls outside is to be cut off: from which end of a patch?",
            _pushed_inside(cut),
        )
        for cut in (False, True)
    ),
    *in_several_ways(
        _mistake,
        "divided inside the loop",
        "You divide by 4 inside a loop: what was laid first is divided again with each turn. "
        "When is the sum of all patches complete?",
        *map(_divided_on_the_way, ("row", "column", "cell", "place")),
        _divided_for_each_sample,
    ),
    _mistake(
        "the middles only",
        "Only the middle of each patch is pasted, so nothing overlaps. Paste the whole patch: "
        "2·rate pixels wide, one every rate pixels.",
        _middles,
    ),
    _mistake(
        "written over instead of added",
        "Where patches overlap the last one wins. They should add up.",
        _written_over,
    ),
    _mistake(
        "written over, then divided",
        "Where patches overlap the last one wins. They should add up before you divide.",
        lambda a, v: _written_over(a, v) / 4,
    ),
    _mistake(
        "shifted",
        "The picture has moved down and to the right. The patch of a cell starts rate // 2 pixels "
        "above and to the left of it: crop the canvas accordingly.",
        _crop_from(lambda rate: 0),
    ),
    _mistake(
        "cropped too far",
        "The picture has moved up and to the left: too much is cropped there. The patch of a cell "
        "starts rate // 2 pixels above and to the left of it.",
        _crop_from(lambda rate: rate),
    ),
    _mistake(
        "the odd pixel on the wrong side",
        "At an odd rate the picture is off by one pixel. The patch of a cell starts rate // 2 "
        "pixels above and to the left of it, rounded down.",
        _crop_from(lambda rate: rate - rate // 2),
    ),
    _mistake(
        "not cropped",
        "The canvas that holds all patches is larger than the picture: the patches at the border "
        "reach over it. Cut the picture out of it.",
        _whole_canvas,
    ),
    _mistake(
        "the best match only",
        "You paste the best match alone. Each query pastes a mixture: every patch, weighted by "
        "its attention.",
        _best_only,
    ),
    _mistake(
        "patches upside down",
        "Each pasted patch is turned by 180°.",
        lambda a, v: _right(a, v.flip(-1, -2)),
    ),
    _mistake(
        "patches on their side",
        "Each pasted patch lies on its side: its rows and columns are swapped.",
        lambda a, v: _right(a, v.mT),
    ),
    _mistake(
        "queries numbered column by column",
        "The right patches in the wrong places: the queries are laid out column by column.",
        lambda a, v: _right(a.transpose(1, 2).reshape(a.shape), v),
    ),
    _mistake(
        "height and width exchanged",
        "The right patches in the wrong places, wherever the grid is not square: you cut the list "
        "of queries as (w, h). They are numbered row by row; how long is a row?",
        _exchanged,
    ),
    _mistake(
        "the first sample's patches for all",
        "Every sample of the batch pastes from the first one's background.",
        lambda a, v: _right(a, v[:1].expand_as(v)),
    ),
)


def _arguments(v: Values, c: AttentionConfig, stage: str) -> tuple[Tensor, Tensor]:
    return v["attention"], v["paste_patches"]


def _case(label: str, attention: Tensor, paste: Tensor) -> Case:
    """A case from attention (1, h, w, L) and paste patches (1, L, 1, 2·rate, 2·rate)."""
    config = AttentionConfig(rate=paste.shape[-1] // 2)
    rows, columns = (side * config.rate for side in attention.shape[1:3])
    f, b = torch.zeros(1, 1, rows, columns), torch.zeros(1, 1, config.rate, config.rate)
    known = {"f": f, "b": b, "mask": torch.zeros_like(b)}
    return Case(
        label, "output", {**known, "attention": attention, "paste_patches": paste}, config, "hand"
    )


def _hand_cases() -> list[Case]:
    ones = torch.ones(1, 1, 1, 4, 4)
    ramp = torch.arange(16.0).reshape(1, 1, 1, 4, 4)
    pair = torch.stack([torch.full((1, 2, 2), 4.0), torch.full((1, 2, 2), 8.0)])[None]
    shares = torch.tensor([[[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]]]])
    return [
        _case("one patch of ones, rate 2, on 3×3 cells", torch.ones(1, 3, 3, 1), ones),
        _case("one cell, one patch 0 … 15, rate 2", torch.ones(1, 1, 1, 1), ramp),
        _case("two patches, all 4 and all 8, rate 1, on 2×2 cells", shares, pair),
    ]


def _random_cases(draw: Draw) -> list[Case]:
    config = AttentionConfig(softmax_scale=3.0)
    rate = draw.choices.choice([4, 5])
    return [
        draw.case("three channels, rate 2", "output", config, c=3),
        draw.case("a batch of two, rate 1", "output", config.replace(rate=1), n=2),
        draw.case("rate 3: an odd one", "output", config.replace(rate=3), c=1),
        draw.case(f"rate {rate}, a batch of two", "output", config.replace(rate=rate), n=2, c=1),
    ]


EXERCISE = Exercise(
    name="deconvolution",
    parameters=("attention", "paste"),
    arguments=_arguments,
    hand_cases=_hand_cases,
    random_cases=_random_cases,
    mistakes=MISTAKES,
)
