"""Where attention beats the coarse fill: `python -m tools.best_hole [PHOTOGRAPH [HOLE …]]`.

A hole counts by its neighbourhood, so that no lucky spot wins: by the median gain over the 25
holes within 4 pixels of it. A gain is in dB within the hole, from the coarse fill to the output, as
the command line makes both (size 128, default settings). Holes that are named, as `--hole` writes
them, are measured. Otherwise nine sizes are tried at every fourth row and column, and then around
the best at every second: minutes for a photograph, an hour on one core for all of them.
"""

from __future__ import annotations

import argparse
from functools import cache
from itertools import product
from statistics import median
from typing import NamedTuple

import torch

import ctxattn_viz as cv

SIDES = (16, 20, 24)
SHIFTS = (-4, -2, 0, 2, 4)
COARSE_SHIFTS = (-4, 0, 4)
REFINED = 3  # places of each size


class Hole(NamedTuple):
    """A rectangle in a bundled photograph, in pixels."""

    photograph: str
    top: int
    left: int
    height: int
    width: int

    def moved(self, rows: int, columns: int) -> Hole:
        """The same rectangle elsewhere."""
        return self._replace(top=self.top + rows, left=self.left + columns)


class Measured(NamedTuple):
    """The gains around a hole; the larger, the better the hole."""

    median: float
    wins: int
    gain: float
    hole: Hole
    gains: list[float]

    def __str__(self) -> str:
        before, after = psnrs(self.hole)
        numbers = ",".join(map(str, self.hole[1:]))
        return (
            f"{self.hole.photograph} --hole {numbers}: {before:.1f} → {after:.1f} dB; of the "
            f"{len(self.gains)} holes around it {self.wins} gain, from {min(self.gains):+.1f} to "
            f"{max(self.gains):+.1f} dB, median {self.median:+.1f} dB"
        )


@cache
def photograph(name: str) -> torch.Tensor:
    """As the command line opens it."""
    return cv.samples.photograph(name, size=128, multiple=cv.AttentionConfig().rate)


@cache
def psnrs(hole: Hole) -> tuple[float, float]:
    """Of the coarse fill and of the output, in dB within the hole."""
    photo = photograph(hole.photograph)
    mask = cv.samples.rectangle(photo.shape[2:], *hole[1:])
    coarse = cv.samples.coarse_fill(photo, mask)
    output = cv.contextual_attention(coarse, coarse, mask, queries="hole")
    return cv.samples.psnr(coarse, photo, mask), cv.samples.psnr(output, photo, mask)


def gain(hole: Hole) -> float:
    """From the coarse fill to the output, in dB."""
    before, after = psnrs(hole)
    return after - before


def is_inside(hole: Hole) -> bool:
    """Whether it lies in its photograph."""
    rows, columns = photograph(hole.photograph).shape[2:]
    bottom, right = hole.top + hole.height, hole.left + hole.width
    return min(hole.top, hole.left) >= 0 and bottom <= rows and right <= columns


def measured(hole: Hole, shifts: tuple[int, ...] = SHIFTS) -> Measured:
    """A hole, by those around it that lie in the photograph."""
    around = [hole.moved(*shift) for shift in product(shifts, repeat=2)]
    gains = [gain(other) for other in around if is_inside(other)]
    wins = sum(one > 0 for one in gains)
    return Measured(median(gains), wins, gain(hole), hole, gains)


def search(name: str) -> list[Measured]:
    """The holes of one photograph, best first: those alone whose surroundings lie in it."""
    rows, columns = photograph(name).shape[2:]
    found: list[Measured] = []
    for height, width in product(SIDES, repeat=2):
        places = product(range(4, rows - height - 3, 4), range(4, columns - width - 3, 4))
        holes = [Hole(name, top, left, height, width) for top, left in places]
        best = sorted((measured(hole, COARSE_SHIFTS) for hole in holes), reverse=True)[:REFINED]
        near = {one.hole.moved(*shift) for one in best for shift in product((-2, 0, 2), repeat=2)}
        found += [measured(hole) for hole in near if is_inside(hole.moved(-4, -4))]
    whole = (one for one in found if len(one.gains) == len(SHIFTS) ** 2)
    return sorted(whole, reverse=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure the holes that are named, or search and print the best three of each photograph."""
    parser = argparse.ArgumentParser(prog="best_hole", description=__doc__.splitlines()[0])
    parser.add_argument("photograph", nargs="?", choices=cv.samples.PHOTOGRAPHS)
    parser.add_argument("hole", nargs="*", help="TOP,LEFT,HEIGHT,WIDTH")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for numbers in options.hole:
        print(measured(Hole(options.photograph, *map(int, numbers.split(",")))))
    if not options.hole:
        for name in [options.photograph] if options.photograph else cv.samples.PHOTOGRAPHS:
            print(*search(name)[:3], sep="\n", flush=True)


if __name__ == "__main__":
    main()
