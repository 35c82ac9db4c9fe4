"""The hole as a trait: a tensor in Python, bytes on the wire."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import traitlets as t
from torch import Tensor

from ..errors import InputError
from .messages import bytes_of, check_shape
from .undoing import Checked


@dataclass(frozen=True, eq=False)
class Mask:
    """A hole that traitlets can compare: its `link` asks `a != b`, which tensors do not answer.

    Equal to a mask or a tensor of the same shape with the same holes.
    """

    tensor: Tensor

    def __eq__(self, other: object) -> bool:
        other = other.tensor if isinstance(other, Mask) else other
        if not isinstance(other, Tensor) or other.shape != self.tensor.shape:
            return False
        return torch.equal(self.tensor.cpu() != 0, other.cpu() != 0)

    __hash__ = None  # type: ignore[assignment]  # a tensor's values may change


class MaskTrait(Checked):
    """A trait that keeps a `Mask`, hands it to observers, and reads as its tensor."""

    def get(self, obj: t.HasTraits, cls: type[Any] | None = None) -> Any:
        value = super().get(obj, cls)
        return value.tensor if isinstance(value, Mask) else value


def to_wire(mask: Tensor | None, widget: Any = None) -> dict[str, Any] | None:
    """A mask `(1|n, 1, Hb, Wb)` as the trait sends it: its planes, a byte a pixel."""
    if mask is None:
        return None
    plane = (mask[:, 0].cpu() != 0).to(torch.uint8).contiguous()
    return {"shape": list(plane.shape), "data": plane.numpy().tobytes()}


def from_wire(value: dict[str, Any]) -> Tensor:
    """What the page sent, `{"shape": [1|n, Hb, Wb], "data": bytes}`, as `(1|n, 1, Hb, Wb)` uint8.

    A front end without binary traits sends base64 or a list for the bytes.

    Raises:
        InputError: anything else, or bytes that are not as many as the shape says.
    """
    if not {"shape", "data"} <= set(value):
        raise InputError(
            "mask", "shape and data", f"only {', '.join(map(repr, value)) or 'nothing'}"
        )
    data = bytes_of("mask", value["data"])
    sizes = check_shape("mask", value["shape"], data, "(n, H, W)")
    # A copy: the sender's buffer may be read-only, or be used again.
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(sizes)[:, None]


def as_tensor(value: Any) -> Any:
    """A mask as a tensor: an array, a plane, or what the page sent; anything else as it is."""
    if isinstance(value, Mask):
        return value.tensor
    if isinstance(value, dict):
        return from_wire(value)
    if isinstance(value, Tensor):
        return value.detach()
    if not isinstance(value, np.ndarray):
        return value
    mask = torch.tensor(value, device="cpu")
    if mask.ndim == 2:
        return mask[None, None]
    return mask[:, None] if mask.ndim == 3 else mask  # a plane for each sample
