"""Features that are learned for matching: a small encoder, its weights, and how it was trained.

The layer has no weights; what it compares has. Like cells of two pictures get like features, also
where the light differs, one picture is blurred or noisy. `make features` trains the shipped weights
on seven of `samples.PHOTOGRAPHS` (CC0 or public domain); the other three were never seen.

>>> "coffee" in cv.features.TRAINED_ON
False
>>> encoder = cv.features.load()
>>> photo = cv.samples.photograph("coffee", size=64)
>>> f, b = encoder(photo + 0.4), encoder(photo)  # the same, brighter
>>> cells = cv.trace(f, b, config=cv.AttentionConfig(rate=1)).cells()
>>> bool((cells.offset_length <= 1).float().mean() > 0.9)  # most cells find themselves
True
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checks import check_whole, shape_of
from .errors import InputError
from .progress import with_progress_bar
from .window_pairs import CELL, drawn_pair, scaled

__all__ = ["TRAINED_ON", "Encoder", "load", "train"]

WEIGHTS = Path(__file__).with_name("features.npz")  # float16, read by NumPy without pickle
TRAINED_ON = ("brick", "camera", "grass", "gravel", "hubble_deep_field", "retina", "rocket")
BATCH, WARM_UP, SOFTMAX_SCALE = 4, 50, 10.0


class Encoder(nn.Module):
    """Pictures `(n, 3, H, W)` in [-1, 1] to features `(n, 24, H/4, W/4)`, float32.

    74,833 parameters, nothing that normalises over a batch. Every cell sees 63×63 pixels. Its
    features, less their mean over the picture, are brought to one length, which is learned.

    >>> encoder = cv.features.Encoder()
    >>> sum(parameter.numel() for parameter in encoder.parameters())
    74833
    >>> encoder(torch.zeros(1, 3, 32, 48)).shape
    torch.Size([1, 24, 8, 12])
    """

    def __init__(self) -> None:
        super().__init__()

        def convolution(c: int, channels: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
            padding = dilation
            return nn.Conv2d(c, channels, 3, stride, padding, dilation, padding_mode="replicate")

        self.first, self.second = convolution(4, 24, stride=2), convolution(24, 48, stride=2)
        self.blocks = nn.ModuleList(convolution(48, 48, dilation=d) for d in (1, 2, 4))
        self.last = nn.Conv2d(48, 24, 1)
        self.log_length = nn.Parameter(torch.tensor(math.log(0.1), device=self.last.weight.device))

    def forward(self, picture: Tensor, mask: Tensor | None = None) -> Tensor:
        """Features of a picture; where a hole is, `mask` `(n|1, 1, H, W)` is 1.

        Raises:
            InputError: no pictures of three channels, or sides that are not multiples of 4.
        """
        if not isinstance(picture, Tensor) or picture.ndim != 4 or picture.shape[1] != 3:
            raise InputError("picture", "pictures (n, 3, height, width)", shape_of(picture))
        if any(side % CELL or not side for side in picture.shape[2:]):
            expected = f"sides that are multiples of {CELL}"
            raise InputError("picture", expected, shape_of(picture))
        hole = torch.zeros_like(picture[:, :1]) if mask is None else mask.expand_as(picture[:, :1])
        h = F.elu(self.second(F.elu(self.first(torch.cat([picture, hole], 1)))))
        for block in self.blocks:
            h = h + F.elu(block(h))
        features = self.last(h)
        centred = features - features.mean((2, 3), keepdim=True)
        return F.normalize(centred, dim=1) * self.log_length.exp()


def load() -> Encoder:
    """The encoder that comes with the package, trained for 800 steps; on the CPU.

    Its weights take no gradient: what goes in may.

    >>> encoder: cv.Encoder = cv.features.load()
    >>> encoder(cv.samples.photograph("chelsea", size=64)).shape
    torch.Size([1, 24, 10, 16])
    """
    with torch.device("cpu"), np.load(WEIGHTS, allow_pickle=False) as arrays:
        encoder = Encoder()
        encoder.load_state_dict({name: torch.from_numpy(x).float() for name, x in arrays.items()})
    return encoder.eval().requires_grad_(False)


def train(
    photographs: Sequence[Tensor], steps: int = 200, *, seed: int = 0
) -> tuple[Encoder, list[float]]:
    """Train an encoder to find each cell of one window again in another, moved one.

    Two windows of a photograph overlap. One of them, f, is disturbed: blurred, brighter or darker,
    tinted, noisy. The layer matches it with the other; the loss is the cross-entropy to the true
    cell, about log(256) = 5.5 where nothing is known. On the CPU: 200 steps take half a minute of
    one core. The same seed gives the same weights on the same machine, and nothing else
    draws other random numbers for it.

    Args:
        photographs: `(1, 3, H, W)` in [-1, 1]; each is used at up to three sizes.
        steps: how many times four pairs of windows are tried, and the weights moved.
        seed: of the first weights and of all that is drawn.

    Returns:
        the encoder, and the loss of each step.

    Raises:
        InputError: no photographs, ones too small or all of one colour, steps or seed that are
            no integers.

    >>> photo = cv.samples.photograph("brick", size=160)
    >>> encoder, losses = cv.features.train([photo], steps=2)
    >>> len(losses), losses[0] > 3
    (2, True)
    """
    steps, pictures = check_whole("steps", steps), scaled(photographs)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError("seed", "an integer", repr(seed))
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        encoder = Encoder()
        optimizer = torch.optim.AdamW(
            encoder.parameters(), lr=2e-3, betas=(0.9, 0.98), weight_decay=1e-3
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
        losses = []
        for _ in with_progress_bar(range(steps), "train features"):
            pairs = [drawn_pair(pictures) for _ in range(BATCH)]
            f, b, truth = (torch.stack(parts) for parts in zip(*pairs, strict=True))
            features = encoder(torch.cat([f, b]))
            scores = fused_scores(*features.chunk(2))
            shares = (SOFTMAX_SCALE * scores).log_softmax(-1)
            loss = -(truth * shares).sum() / truth.sum()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    return encoder.eval(), losses


def fused_scores(f: Tensor, b: Tensor) -> Tensor:
    """The layer's scores between cells, (n, h·w, h·w): ksize 3, rate 1, fused over three places.

    The stages', but for the sums along diagonals: of three, slices are quicker than a convolution.
    """
    keys = F.unfold(b, 3, padding=1)
    keys = keys / keys.norm(dim=1, keepdim=True).clamp(min=1e-4)
    table = F.unfold(f, 3, padding=1).mT @ keys
    for _ in range(2):  # along the rows of both grids, then along their columns
        padded = F.pad(table, (1, 1, 1, 1))
        table = table + padded[:, :-2, :-2] + padded[:, 2:, 2:]
        grids = table.unflatten(2, b.shape[2:]).unflatten(1, f.shape[2:])
        table = grids.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2)
        f, b = f.mT, b.mT
    return table


def _rate(step: int, steps: int) -> float:
    """Of the learning rate: rising for a while, then falling to 2 % along a cosine."""
    falling = 0.02 + 0.98 * (1 + math.cos(math.pi * step / steps)) / 2
    return min((step + 1) / WARM_UP, 1.0) * falling
