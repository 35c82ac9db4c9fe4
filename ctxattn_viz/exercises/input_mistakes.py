"""Mistakes in what the whole layer is given: the inputs, and how they are shrunk."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values
from ..stages.deconvolution import deconvolve
from ..stages.downsampling import downsample, downsample_mask
from ..stages.patch_extraction import extract_patches, paste_patches
from .exercise import Mistake, Run, in_several_ways

Shrink = Callable[[Tensor, int], Tensor]


def _shrunk(shrink: Shrink, *names: str) -> dict[str, Run]:
    """These inputs (all three when none is named) shrunk by another rule."""

    def run(name: str) -> Run:
        return lambda v, c: shrink(v[name], c.rate)

    return {f"downsampled_{name}": run(name) for name in names or ("f", "b", "mask")}


def _kept(position: Callable[[int, int, int], float]) -> Shrink:
    """Pixels at these places, given the number of one, the size and how many are kept."""

    def shrink(x: Tensor, rate: int) -> Tensor:
        for axis in (2, 3):
            size, out = x.shape[axis], x.shape[axis] // rate
            places = [min(int(position(i, size, out)), size - 1) for i in range(out)]
            x = x.index_select(axis, torch.tensor(places))
        return x

    return shrink


def _aligned(rounded: Callable[[float], float]) -> Shrink:
    return _kept(lambda i, size, out: rounded(i * (size - 1) / max(out - 1, 1)))


def _interpolated(mode: str, corners: bool) -> Shrink:
    def shrink(x: Tensor, rate: int) -> Tensor:
        size = [side // rate for side in x.shape[2:]]
        return F.interpolate(x, size=size, mode=mode, align_corners=corners)

    return shrink


SHRINKING = (
    Mistake(
        "every rate-th pixel kept",
        "You keep pixels 0, rate, 2·rate, … when shrinking. That is the rule of other dialects, "
        "the ports' (shrink=\"floor\"). This exercise asks for the original's, which aligns the "
        "corners: the first and the last pixel are both kept.",
        {
            "downsampled_f": lambda v, c: downsample(v["f"], c.replace(shrink="floor")),
            "downsampled_b": lambda v, c: downsample(v["b"], c.replace(shrink="floor")),
            "downsampled_mask": lambda v, c: downsample_mask(
                v["mask"], (v["b"].shape[2], v["b"].shape[3]), c.replace(shrink="floor")
            ),
        },
    ),
    Mistake(
        "averaged when shrinking",
        "You average pixels when shrinking f and b. Nearest neighbour picks one of them.",
        _shrunk(F.avg_pool2d, "f", "b"),
    ),
    Mistake(
        "averaged when shrinking",
        "You average pixels when shrinking. Nearest neighbour picks one of them.",
        _shrunk(F.avg_pool2d),
    ),
    *(
        Mistake(
            "one input shrunk by another rule",
            "f, b and the mask are not all shrunk by the same rule: one of them keeps pixels 0, "
            "rate, 2·rate, … The three are to stay aligned.",
            _shrunk(_kept(lambda i, size, out: i * (size // out)), *names),
        )
        for names in (("f",), ("b",), ("mask",), ("f", "b"), ("b", "mask"))
    ),
    *(
        Mistake(
            "rounded otherwise when shrinking",
            "Some of the pixels that you keep are off by one: i·(size − 1) / (out − 1) is rounded, "
            "and halves go up. (Python's own rounding takes halves to the even number.) Work "
            "6 → 3 and 8 → 4 on paper.",
            _shrunk(_aligned(rounded)),
        )
        for rounded in (round, math.floor, math.ceil, lambda x: math.ceil(x - 0.5))
    ),
    *(
        Mistake(
            "another pixel of each block",
            "You keep one fixed pixel of each block of rate by rate pixels. With aligned corners "
            "the first pixel and the last are kept, and the place in the block wanders.",
            _shrunk(_kept(position)),
        )
        for position in (
            lambda i, size, out: i * (size // out) + size // out // 2,
            lambda i, size, out: i * (size // out) + size // out - 1,
        )
    ),
    *in_several_ways(
        Mistake,
        "spread over out instead of out − 1",
        "The last pixel is never reached: between out pixels there are out − 1 gaps.",
        _shrunk(_kept(lambda i, size, out: i * (size - 1) / out + 0.5)),
        _shrunk(_kept(lambda i, size, out: i * (size - 1) / out)),
    ),
    *(
        Mistake(
            "interpolated when shrinking",
            "The shrunk maps hold numbers between those of the pixels. Nearest neighbour picks one "
            "pixel and leaves its value.",
            _shrunk(_interpolated(mode, corners), *names),
        )
        for mode in ("bilinear", "bicubic")
        for corners in (True, False)
        for names in (("f", "b"), ())
    ),
    *in_several_ways(
        Mistake,
        "the largest of each block",
        "You keep the largest number of each block when shrinking. Nearest neighbour picks a "
        "pixel by its place.",
        _shrunk(F.max_pool2d),
        _shrunk(F.max_pool2d, "f", "b"),
    ),
    Mistake(
        "cropped instead of shrunk",
        "You cut the corner out. Shrinking keeps pixels from all over.",
        _shrunk(lambda x, rate: x[:, :, : x.shape[2] // rate, : x.shape[3] // rate]),
    ),
    Mistake(
        "a cell is hole where any pixel is",
        "Your shrunk mask is hole wherever a block holds a hole pixel. The mask is shrunk as f "
        "and b are: the nearest pixel decides. (So a thin hole can vanish.)",
        _shrunk(F.max_pool2d, "mask"),
    ),
    Mistake(
        "a cell is hole where all pixels are",
        "Your shrunk mask is hole only where a whole block is. The mask is shrunk as f and b are: "
        "the nearest pixel decides.",
        _shrunk(lambda x, rate: -F.max_pool2d(-x, rate), "mask"),
    ),
)


def _without_hole(v: Values) -> Tensor:
    return v["b"] * (1 - v["mask"])


def _from_enlarged(mode: str) -> Run:
    """Paste patches cut from the shrunk b, made as large as b was."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        large = F.interpolate(v["downsampled_b"], size=v["b"].shape[2:], mode=mode)
        return paste_patches(large, config)

    return run


def _enlarged(side: Callable[[AttentionConfig], int], mode: str) -> Run:
    """Patches of the shrunk b, so many cells wide, each made 2·rate pixels wide."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        small = extract_patches(v["downsampled_b"], side(config), 1).flatten(1, 2)
        large = F.interpolate(small.flatten(0, 1), size=[2 * config.rate] * 2, mode=mode)
        return large.unflatten(0, small.shape[:2])

    return run


def _composed(compose: Callable[[Tensor, Tensor, Tensor], Tensor], other: str) -> Mistake:
    """The output put together with an input by means of the mask, where sizes allow it."""

    def output(v: Values, config: AttentionConfig) -> Tensor:
        pasted = deconvolve(v["attention"], v["paste_patches"], config)
        fits = pasted.shape[2:] == v[other].shape[2:] == v["mask"].shape[2:]
        return compose(pasted, v[other], v["mask"]) if fits else pasted

    return Mistake(
        "known pixels put back",
        "Your output holds pixels of an input, or nothing, at places that the mask picks out. The "
        "layer returns what was pasted, at every pixel: who keeps the known ones, and where in "
        "the network?",
        {"output": output},
    )


INPUT_MISTAKES = (
    *(
        Mistake(
            "pasted from the shrunk b",
            "You paste pieces of the shrunk background, made larger. How many pixels of b are "
            "left in them? What is pasted is cut from b itself.",
            {"paste_patches": run},
        )
        for run in (
            *map(_from_enlarged, ("nearest", "bilinear", "bicubic")),
            *(
                _enlarged(side, mode)
                for side in (lambda c: 2, lambda c: c.ksize)
                for mode in ("nearest", "bilinear", "bicubic")
            ),
        )
    ),
    *(
        _composed(compose, other)
        for other in ("f", "b")
        for compose in (
            lambda y, x, mask: y * mask + x * (1 - mask),
            lambda y, x, mask: y * (1 - mask) + x * mask,
        )
    ),
    *(
        _composed(compose, "f")
        for compose in (lambda y, x, mask: y * mask, lambda y, x, mask: y * (1 - mask))
    ),
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
        "kernel and picture exchanged",
        "The patches of f are your kernels, and they are laid over b. It is the other way round: "
        "each background patch is a kernel, of length 1, and f is the picture.",
        {
            "downsampled_f": lambda v, c: downsample(v["b"], c),
            "downsampled_b": lambda v, c: downsample(v["f"], c),
        },
    ),
    Mistake(
        "the hole made black",
        "You clear the hole in b before anything else. The original leaves b as it is: what may "
        "be used, the mask alone decides.",
        {
            "downsampled_b": lambda v, c: downsample(_without_hole(v), c),
            "paste_patches": lambda v, c: paste_patches(_without_hole(v), c),
        },
    ),
    Mistake(
        "the mask not used",
        "The mask changes nothing: the hole may paste from the hole.",
        {"valid": lambda v, c: torch.ones_like(v["downsampled_mask"]).flatten(1).bool()},
    ),
)
