"""What a feature map looks like: colours where it has them, principal components where not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..checks import sample_counts, shape_of
from ..errors import InputError
from ..pictures import opening

Picture = NDArray[np.uint8]  # (n, H, W, 3)


@dataclass(frozen=True)
class Look:
    """How a feature vector becomes a colour: ((x − mean) @ basis − low) / (high − low).

    Attributes:
        mean: `(c,)`. basis: `(c, 3)`. low, high: `(3,)`, what is drawn as 0 and as 255.
    """

    mean: Tensor
    basis: Tensor
    low: Tensor
    high: Tensor

    def __call__(self, x: Tensor) -> Picture:
        """`(n, c, H, W)` as `(n, H, W, 3)` uint8."""
        coordinates = (_plain(x).movedim(1, -1).double() - self.mean) @ self.basis
        levels = (coordinates - self.low) / (self.high - self.low) * 255
        return levels.round().clamp(0, 255).byte().numpy()

    def to_dict(self) -> dict[str, Any]:
        """As lists of numbers: the page draws patches and new outputs by it."""
        return {name: getattr(self, name).tolist() for name in ("mean", "basis", "low", "high")}


def look_of(f: Tensor, b: Tensor) -> tuple[Look, list[str]]:
    """How to draw maps with the channels of f and b, and what to tell the reader about it.

    One and three channels are colours, read as [-1, 1] or [0, 1] where the values allow it and
    stretched where not. Others are projected on the first three principal components of f and b
    together, so that equal features have equal colours in every picture.
    """
    f, b = _plain(f), _plain(b)
    if (c := f.shape[1]) not in (1, 3):
        return _components(f, b), [
            f"The features have {c} channels: pictures of them show the first three principal "
            "components as red, green and blue."
        ]
    low = min(float(f.min()), float(b.min()))
    high = max(float(f.max()), float(b.max()))
    if -1.001 <= low < 0 and high <= 1.001:
        return _colours(c, -1.0, 1.0), []
    if low >= 0 and high <= 1.001:
        return _colours(c, 0.0, 1.0), []
    return _colours(c, low, high), [
        f"Values run from {low:.3g} to {high:.3g}: pictures of them are stretched over that range."
    ]


def picture_at_size(name: str, picture: Any, n: int, size: tuple[int, int]) -> Picture:
    """A picture to show beside features, brought to `size` and to one a sample.

    Args:
        name: the argument, for the error.
        picture: `(n|1, 1|3, H, W)` in [-1, 1], or what `samples.photograph` takes: an array, a
            path, bytes or a PIL image.
    """
    expected = (
        f"a ({sample_counts(n)}, 1 or 3, H, W) tensor in [-1, 1] or an array, path or PIL image"
    )
    if picture is not None and not isinstance(picture, Tensor):
        levels = np.array(opening.Picture(picture, name).pixels().levels)
        tensor = torch.from_numpy(levels).permute(2, 0, 1)[None] / 127.5 - 1
    elif isinstance(picture, Tensor) and picture.is_floating_point():
        tensor = _plain(picture)
    else:
        raise InputError(name, expected, shape_of(picture))
    if tensor.ndim != 4 or len(tensor) not in (1, n) or tensor.shape[1] not in (1, 3):
        raise InputError(name, expected, shape_of(tensor))
    if not tensor.numel() or not -1.001 <= float(tensor.min()) <= float(tensor.max()) <= 1.001:
        raise InputError(name, expected, "values outside [-1, 1]" if tensor.numel() else "no pixel")
    if tuple(tensor.shape[2:]) != size:
        tensor = torch.nn.functional.interpolate(tensor, size, mode="area")
    return _colours(tensor.shape[1], -1.0, 1.0)(tensor.expand(n, -1, -1, -1))


def _plain(x: Tensor) -> Tensor:
    return x.detach().to("cpu", torch.float32).nan_to_num()


def _colours(c: int, low: float, high: float) -> Look:
    basis = torch.eye(3, device="cpu") if c == 3 else torch.ones(1, 3, device="cpu")
    high = max(high, low + max(1e-12, 1e-9 * abs(low)))
    ends = torch.tensor([[low], [high]], dtype=torch.float64, device="cpu").expand(2, 3)
    return Look(torch.zeros(c, dtype=torch.float64, device="cpu"), basis.double(), *ends)


def _components(f: Tensor, b: Tensor) -> Look:
    vectors = torch.cat([x.movedim(1, -1).flatten(0, 2) for x in (f, b)]).double()
    mean = vectors.mean(dim=0)
    centred = vectors - mean
    _, axes = torch.linalg.eigh(centred.mT @ centred)
    basis = axes.flip(1)[:, :3]
    # An axis has no direction of its own: let its largest weight be positive, every time.
    largest = basis.abs().argmax(dim=0)
    basis = basis * basis[largest, torch.arange(basis.shape[1], device="cpu")].sign()
    basis = torch.nn.functional.pad(basis, (0, 3 - basis.shape[1]))  # two channels: no blue
    projected = (centred @ basis).sort(dim=0).values
    low, high = projected[len(projected) // 100], projected[-1 - len(projected) // 100]
    return Look(mean, basis, low, torch.maximum(high, low + (1e-9 * low.abs()).clamp(min=1e-12)))
