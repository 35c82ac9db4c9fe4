"""Which of the three methods runs: the one that is fastest for so many channels."""

import math

from torch import Tensor

from ..config import AttentionConfig
from ..devices import recording
from ..errors import InputError
from ..inputs import ORDINARY, cells_of
from . import vectors

METHODS = ("auto", "vectors", "diagonals", "sdpa")

# What one pass of additions over the score matrix costs, in multiplications a pair: measured on a
# CPU, where it decides from about how many channels on "diagonals" wins.
PASS = 20


# Where "vectors" and "sdpa" leave long diagonals to "diagonals": above this fuse_k, and above
# ORDINARY with so many numbers in their keys.
LONGEST = 63


MOST_KEYS = 100_000_000


def method_for(method: str, f: Tensor, b: Tensor, config: AttentionConfig) -> str:
    """The method that runs: the one asked for, or for `"auto"` the one that is fastest.

    Raises:
        InputError: vectors as long as `fuse_k`² patches would take gigabytes.
    """
    f_cells, b_cells = (math.prod(cells_of(x, config.rate)) for x in (f, b))
    keys = vectors.long_length(f.shape[1], config) * max(f_cells, b_cells)
    longest = LONGEST if keys <= MOST_KEYS else ORDINARY
    too_long = config.fuse and config.fuse_k > longest
    if recording():  # in plain operations, which "diagonals" is not made of
        if too_long:
            raise InputError("fuse_k", f"up to {longest} in a recording", config.fuse_k)
        return "vectors" if method == "vectors" else "sdpa"
    if method == "auto":
        return "diagonals" if too_long else choose_method(f.shape[1], config)
    if too_long and method != "diagonals":
        got = f"{method!r}, which takes fuse_k² patches for one"
        raise InputError("method", f"'auto' or 'diagonals' with fuse_k={config.fuse_k}", got)
    return method


def choose_method(channels: int, config: AttentionConfig) -> str:
    """The method that is fastest for so many channels: by the multiplications that a pair costs.

    >>> [cv.attention.choose_method(channels, cv.AttentionConfig()) for channels in (3, 128)]
    ['sdpa', 'diagonals']
    """
    costs = multiplications(channels, config)
    return "diagonals" if costs["diagonals"] < costs["sdpa"] else "sdpa"


def multiplications(channels: int, config: AttentionConfig) -> dict[str, int]:
    """About how many multiplications each method takes for a pair of a query and a patch."""
    k, s, r = config.ksize, config.stride, config.rate
    long = vectors.length(channels, config) + (2 * r) ** 2 * channels
    passes = 2 * k * s**2 + (2 * config.fuse_k if config.fuse else 0) + 6 * s**2
    short = s**2 * (1 + r**2) * channels
    return {"diagonals": short + PASS * passes, "sdpa": long}
