"""Exercise 1: cutting every ksize×ksize patch, one each step pixels, zeros outside."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values
from ..stages.patch_extraction import extract_patches, same_padding
from .exercise import Case, Draw, Exercise, Mistake, in_several_ways
from .windows import PUSHED_INSIDE, Places, placed

Cut = Callable[[Tensor, int, int], Tensor]


def _arguments(v: Values, config: AttentionConfig, stage: str) -> tuple[Tensor, int, int]:
    if (side := v.get("side")) is not None:  # a size that the layer has no use for
        return v["b"], int(side), config.rate
    if stage == "paste_patches":
        return v["b"], 2 * config.rate, config.rate
    return v["downsampled_b"], config.ksize, 1


def _mistake(name: str, hint: str, cut: Cut) -> Mistake:
    """A wrong way of cutting patches, wherever patches are cut from b."""
    return Mistake(
        name,
        hint,
        {
            "matching_patches": lambda v, c: cut(*_arguments(v, c, "matching_patches")),
            "paste_patches": lambda v, c: cut(*_arguments(v, c, "paste_patches")),
        },
    )


def _cells(x: Tensor, ksize: int, step: int) -> Tensor:
    """The right patches as (n, h, w, c, k, k), for mistakes to start from."""
    return extract_patches(x, ksize, step)


def _padded(
    zeros: Callable[[int, int], tuple[int, int]] = same_padding, mode: str = "constant"
) -> Cut:
    """Patches of a map padded on each axis by so many (before, after), given ksize and step."""

    def cut(x: Tensor, ksize: int, step: int) -> Tensor:
        before, after = zeros(ksize, step)
        return _unpadded(F.pad(x, (before, after, before, after), mode=mode), ksize, step)

    return cut


def _unpadded(x: Tensor, ksize: int, step: int) -> Tensor:
    return x.unfold(2, ksize, step).unfold(3, ksize, step).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


def _unfolded(x: Tensor, ksize: int, step: int) -> Tensor:
    return _cells(x, ksize, step).permute(0, 3, 4, 5, 1, 2).flatten(1, 3).flatten(2)


def _reshaped(order: str) -> Cut:
    """Axes in this order, cut into the right shape: r rows and columns, c channels, k the patch."""
    axes = {"n": (0,), "r": (1, 2), "c": (3,), "k": (4, 5)}

    def cut(x: Tensor, ksize: int, step: int) -> Tensor:
        cells = _cells(x, ksize, step)
        moved = cells.permute([axis for letter in order for axis in axes[letter]])
        return moved.reshape(cells.flatten(1, 2).shape)

    return cut


def _numbered_by_height(x: Tensor, ksize: int, step: int) -> Tensor:
    """Patch (i, j) written to place i·rows + j; an IndexError where there are more rows."""
    cells = _cells(x, ksize, step)
    rows, columns = cells.shape[1:3]
    patches = torch.zeros_like(cells.flatten(1, 2))
    for i in range(rows):
        for j in range(columns):
            patches[:, i * rows + j] = cells[:, i, j]
    return patches


def _each_side_cropped(zeros: Callable[[int], int]) -> Cut:
    """As many zeros before as after, and of all patches as many as there should be."""

    def cut(x: Tensor, ksize: int, step: int) -> Tensor:
        rows, columns = (side // step for side in x.shape[2:])
        windows = F.pad(x, [zeros(ksize)] * 4).unfold(2, ksize, step).unfold(3, ksize, step)
        return windows[:, :, :rows, :columns].permute(0, 2, 3, 1, 4, 5).flatten(1, 2)

    return cut


def _placed(places: Places) -> Cut:
    return lambda x, k, s: placed(x, k, s, places).flatten(1, 2)


def _channels_last(x: Tensor, ksize: int, step: int) -> Tensor:
    """The right vectors of c·k·k numbers, read as if the channels ran fastest."""
    vectors = _cells(x, ksize, step).flatten(1, 2)
    n, patches, c = vectors.shape[:3]
    return vectors.reshape(n, patches, ksize, ksize, c).permute(0, 1, 4, 2, 3)


def _wrapped_before(x: Tensor, ksize: int, step: int) -> Tensor:
    """Indices below 0 count from the end; those past it are outside."""
    before, after = same_padding(ksize, step)
    around = F.pad(x, (before, 0, before, 0), mode="circular")
    return _unpadded(F.pad(around, (0, after, 0, after)), ksize, step)


def _cells_apart(x: Tensor, ksize: int, down: int, across: int) -> Tensor:
    """Patches with a step of its own for each axis."""
    padded = F.pad(x, 2 * [*same_padding(ksize, max(down, across))])
    windows = padded.unfold(2, ksize, down).unfold(3, ksize, across)
    return windows.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


OUT_OF_SHAPE = (
    _mistake(
        "no padding",
        "A patch is cut only where it fits inside x. Every cell has a patch, those at the border "
        "too: what lies outside counts as zero.",
        _unpadded,
    ),
    _mistake(
        "left as unfold makes it",
        "This is the layout of torch's unfold, (sample, c·k·k, patch). Patches come second here, "
        "and each keeps its three axes.",
        _unfolded,
    ),
    _mistake(
        "ksize // 2 zeros on each side",
        "Half a patch on each side is right for odd patches one pixel apart only. How many zeros "
        "do you need so that there is exactly one patch for every step pixels?",
        _padded(lambda k, s: (k // 2, k // 2)),
    ),
    _mistake(
        "ksize // 2 zeros on each side",
        "The same number of zeros on each side is right for odd patches one pixel apart only. How "
        "many zeros do you need so that there is exactly one patch for every step pixels?",
        _padded(lambda k, s: ((k - 1) // 2, (k - 1) // 2)),
    ),
    _mistake(
        "ksize − step zeros on each side",
        "That many zeros are needed in all, along each axis, not on each side.",
        _padded(lambda k, s: (max(k - s, 0), max(k - s, 0))),
    ),
    _mistake(
        "one zero on each side",
        "One zero on each side is right for 3×3 patches at every pixel, and by luck for a few "
        "other sizes. Let the number follow from ksize and step.",
        _padded(lambda k, s: (1, 1)),
    ),
    _mistake(
        "as far apart as they are wide",
        "Your patches stand beside each other without overlapping: they are ksize pixels apart. "
        "How far apart are they to be?",
        lambda x, k, s: _unpadded(F.pad(x, 2 * [*same_padding(k, s)]), k, k),
    ),
    *in_several_ways(
        _mistake,
        "step along one axis only",
        "Along one of the two axes there is a patch at every pixel: step counts for rows and for "
        "columns.",
        lambda x, k, s: _cells_apart(x, k, s, 1),
        lambda x, k, s: _cells_apart(x, k, 1, s),
    ),
    _mistake(
        "3×3 whatever ksize",
        "Your patches are 3×3 even where ksize is another number.",
        lambda x, k, s: _cells(x, 3, s).flatten(1, 2),
    ),
    _mistake(
        "one patch at every pixel",
        "There is a patch at every pixel: step is not used.",
        lambda x, k, s: _unpadded(F.pad(x, 2 * [*same_padding(k, s)]), k, 1),
    ),
)

IN_SHAPE = (
    *(
        _mistake(
            "reshaped where axes should move",
            "The right numbers in the wrong places: a reshape never moves an axis, it only cuts "
            "the same sequence of numbers elsewhere. Bring the axes into order first.",
            _reshaped(order),
        )
        for order in ("nckr", "ncrk", "nrkc", "nkrc", "nkcr", "rnck", "rckn")
    ),
    _mistake(
        "numbered by the height",
        "On a map that is not square your patches are in the wrong places, or missing. How many "
        "patches come before the first one of row i: does that depend on the height or the width?",
        _numbered_by_height,
    ),
    *(
        _mistake(
            "pushed inside",
            "At the border your patches lie elsewhere: where a patch would start before x, the "
            "numbers of its first pixels inside x belong further down in it, behind the zeros. "
            "Write out the first patch on paper.",
            _placed(places),
        )
        for places in PUSHED_INSIDE
    ),
    _mistake(
        "channels read as if they ran fastest",
        "You read each vector as ksize·ksize places with the channels side by side in each. In "
        "PyTorch it is the other way: all places of the first channel, then all of the next. (In "
        "TensorFlow the channels run fastest.)",
        _channels_last,
    ),
    _mistake(
        "fewer zeros than none",
        "Where a patch is smaller than the step, ksize − step is negative, and so many pixels of "
        "the map are cut off. How many zeros are needed there?",
        _padded(lambda k, s: ((k - s) // 2, k - s - (k - s) // 2)),
    ),
    _mistake(
        "as many zeros as for step 1",
        "You count the zeros as if there were a patch at every pixel. With a larger step fewer "
        "are needed.",
        _padded(lambda k, s: same_padding(k, 1)),
    ),
    _mistake(
        "the odd zero before",
        "When the number of zeros is odd, one side gets one more. TensorFlow's SAME puts it "
        "after (right and bottom); you put it before.",
        _padded(lambda k, s: same_padding(k, s)[::-1]),
    ),
    *(
        _mistake(
            "as many zeros before whatever step",
            "Your first patch starts in the wrong place: how many zeros come before it depends on "
            "ksize and on step. Patches left out at the end mend their number, not their places.",
            _each_side_cropped(zeros),
        )
        for zeros in (lambda k: k // 2, lambda k: 1)
    ),
    _mistake(
        "all zeros after",
        "All the padding went to the right and the bottom. A patch sits around its cell: half of "
        "the zeros belong before.",
        _padded(lambda k, s: (0, sum(same_padding(k, s)))),
    ),
    _mistake(
        "all zeros before",
        "All the padding went to the left and the top. A patch sits around its cell: half of the "
        "zeros belong after.",
        _padded(lambda k, s: (sum(same_padding(k, s)), 0)),
    ),
    _mistake(
        "round the corner",
        "Outside of x you go on at the opposite side, as on a torus. There, zeros are to be.",
        _padded(mode="circular"),
    ),
    _mistake(
        "counted from the end",
        "At the first rows or columns you take numbers from the last: an index below 0 counts "
        "from the end in Python. What lies before the first pixel is zero.",
        _wrapped_before,
    ),
    _mistake(
        "border repeated",
        "Outside of x you repeat its border. The original pads with zeros.",
        _padded(mode="replicate"),
    ),
    _mistake(
        "border mirrored",
        "Outside of x you mirror it. The original pads with zeros.",
        _padded(mode="reflect"),
    ),
    _mistake(
        "patch rows and columns swapped",
        "Each patch is in its place but lies on its side: its row and column axes are swapped.",
        lambda x, k, s: _cells(x, k, s).mT.flatten(1, 2),
    ),
    _mistake(
        "patches numbered column by column",
        "The patches are right but in another order: they are numbered row by row, the first row "
        "from left to right first.",
        lambda x, k, s: _cells(x, k, s).transpose(1, 2).flatten(1, 2),
    ),
    _mistake(
        "channels reversed",
        "The patches are right, but their channels come in reverse.",
        lambda x, k, s: _cells(x, k, s).flip(3).flatten(1, 2),
    ),
)


def _hand_cases() -> list[Case]:
    ramp = torch.arange(16.0).reshape(1, 1, 4, 4)
    known = {"f": ramp, "b": ramp, "mask": torch.zeros_like(ramp)}
    label = "of a 4×4 ramp 0 … 15"
    return [
        Case(
            f"3×3 patches {label}, step 1",
            "matching_patches",
            known,
            AttentionConfig(rate=1),
            "hand",
        ),
        Case(f"4×4 patches {label}, step 2", "paste_patches", known, AttentionConfig(), "hand"),
    ]


def _random_cases(draw: Draw) -> list[Case]:
    ksize = draw.choices.choice([3, 5])
    rate = draw.choices.choice([2, 4])
    side, apart = draw.choices.choice([(2, 4), (1, 3), (1, 4)])
    small, paste = "matching_patches", "paste_patches"
    return [
        draw.case("three channels, wider or taller than square", small, AttentionConfig(), c=3),
        draw.case(f"a batch of two, ksize {ksize}", small, AttentionConfig(ksize=ksize), n=2),
        draw.case(f"even patches, step {rate}", paste, AttentionConfig(rate=rate), n=2),
        draw.case("step 3: an odd number of zeros", paste, AttentionConfig(rate=3)),
        draw.case("2×2 patches, step 1: one zero", paste, AttentionConfig(rate=1), c=3),
        draw.case("1×1 patches: nothing to pad", small, AttentionConfig(ksize=1)),
        _of_any_size(draw, "5×5 patches, step 2: three zeros", 5, 2),
        _of_any_size(draw, f"{side}×{side} patches, step {apart}: gaps between them", side, apart),
    ]


def _of_any_size(draw: Draw, label: str, side: int, step: int) -> Case:
    """A case with patches that are not 2·step wide, as the layer's own are."""
    case = draw.case(label, "paste_patches", AttentionConfig(rate=step))
    target = extract_patches(case.known["b"], side, step).flatten(1, 2)
    known = {**case.known, "side": torch.tensor(side), "paste_patches": target}
    return replace(case, known=known)


EXERCISE = Exercise(
    name="patch_extraction",
    parameters=("x", "ksize", "step"),
    arguments=_arguments,
    hand_cases=_hand_cases,
    random_cases=_random_cases,
    mistakes=(*OUT_OF_SHAPE, *IN_SHAPE),
)
