"""`make features`: train the encoder that `cv.features.load` returns, and say how well it matches.

The figures are on photographs that training does not see. They differ a little from machine to
machine, as the weights do: `tests/test_features.py` holds what they have to reach.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ctxattn_viz import features, samples

STEPS = 800
SIDE, FARTHEST = 128, 16  # pixels: of a window, and between two
UNSEEN = sorted({*samples.PHOTOGRAPHS} - {*features.TRAINED_ON})

Features = Callable[[Tensor], Tensor]  # of a picture (1, 3, H, W), one for each cell of 4×4 pixels


def raw_colours(x: Tensor) -> Tensor:
    """One pixel's colours of each cell, as the layer shrinks."""
    return x[..., 1::4, 1::4]


def centred_colours(x: Tensor) -> Tensor:
    """The mean colour of each cell, less that of the picture."""
    means = F.avg_pool2d(x, 4)
    return means - means.mean((2, 3), keepdim=True)


def darker_blurred_noisy(x: Tensor) -> Tensor:
    """Much at once: half the contrast, darker, tinted, blurred, noisy."""
    generator = torch.Generator().manual_seed(0)
    tint = torch.tensor([0.15, -0.15, 0.1])[:, None, None]
    noise = torch.randn(x.shape, generator=generator) * 0.25
    return F.avg_pool2d(F.pad(x, [1] * 4, mode="replicate"), 3, 1) * 0.5 - 0.3 + tint + noise


LIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "unchanged": lambda x: x,
    "brighter": lambda x: x + 0.4,
    "all at once": darker_blurred_noisy,
}


def share_found(of: Features, light: Callable[[Tensor], Tensor], pairs: int = 10) -> float:
    """The share of cells whose best match lies within one cell of the right place.

    f and b are two windows of one photograph; f then comes in another light.
    """
    found = []
    draw = torch.Generator().manual_seed(0)
    for i in range(pairs):
        photo = samples.photograph(UNSEEN[i % len(UNSEEN)], size=256)
        most = [side - SIDE + 1 for side in photo.shape[2:]]
        top, left = (int(torch.randint(end, (), generator=draw)) for end in most)
        moves = torch.randint(-FARTHEST, FARTHEST + 1, (2,), generator=draw).tolist()
        down, right = (
            min(max(at + move, 0), end - 1)
            for at, move, end in zip((top, left), moves, most, strict=True)
        )
        f = photo[..., top : top + SIDE, left : left + SIDE]
        b = photo[..., down : down + SIDE, right : right + SIDE]
        with torch.no_grad():
            best = features.fused_scores(of(light(f)), of(b))[0].argmax(-1)
        cells = SIDE // 4
        y, x = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
        true = torch.stack([y + (top - down) / 4, x + (left - right) / 4]).flatten(1)
        there = torch.stack([best // cells, best % cells])
        inside = ((true >= 0) & (true <= cells - 1)).all(0)
        found.append(((there - true).abs().amax(0) <= 1)[inside].float().mean().item())
    return sum(found) / len(found)


def report(encoder: features.Encoder) -> str:
    """A table of methods and lights, in per cent."""
    torch.manual_seed(0)
    methods: dict[str, Features] = {
        "raw colours": raw_colours,
        "centred colours": centred_colours,
        "not trained": features.Encoder(),
        "trained": encoder,
    }
    lines = ["".ljust(18) + "".join(name.rjust(14) for name in LIGHTS)]
    for name, of in methods.items():
        shares = [share_found(of, light) for light in LIGHTS.values()]
        lines.append(name.ljust(18) + "".join(f"{100 * share:14.0f}" for share in shares))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Train, store, and print the table."""
    parser = argparse.ArgumentParser(prog="make features", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--report", action="store_true", help="only print the table")
    options = parser.parse_args(arguments)
    if not options.report:
        photographs = [samples.photograph(name, size=400) for name in features.TRAINED_ON]
        encoder, losses = features.train(photographs, options.steps)
        last = losses[-20:]
        print(f"loss: {losses[0]:.2f}, in the end {sum(last) / len(last):.2f}")
        arrays = {name: x.half().numpy() for name, x in encoder.state_dict().items()}
        np.savez(features.WEIGHTS, **arrays)
    print(report(features.load()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
