"""The hole as a trait: a tensor in Python, bytes on the wire."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .messages import check_shape


class _Alone(Tensor):
    """A kind of tensor whose results are plain tensors."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


class _Same(_Alone):
    """The answer to `mask == other`: element by element, and true where all are."""

    def __bool__(self) -> bool:
        return bool(self.all())


class _Other(_Alone):
    """The answer to `mask != other`: element by element, and true where any is."""

    def __bool__(self) -> bool:
        return bool(self.any())


class Mask(_Alone):
    """A tensor that traitlets can compare: its `link` asks `if a != b`, which tensors refuse."""

    __hash__ = Tensor.__hash__

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Tensor) or self.shape != other.shape:
            return False if not isinstance(other, (int, float)) else super().__eq__(other)
        return super().__eq__(other).as_subclass(_Same)

    def __ne__(self, other: object) -> Any:
        if not isinstance(other, Tensor) or self.shape != other.shape:
            return True if not isinstance(other, (int, float)) else super().__ne__(other)
        return super().__ne__(other).as_subclass(_Other)


def plain(mask: Tensor) -> Tensor:
    """The mask as an ordinary tensor."""
    return mask.as_subclass(Tensor)


def to_wire(mask: Tensor | None, widget: Any = None) -> dict[str, Any] | None:
    """A mask `(1|n, 1, Hb, Wb)` as the trait sends it: its planes, a byte a pixel."""
    if mask is None:
        return None
    plane = (plain(mask[:, 0]).cpu() != 0).to(torch.uint8).contiguous()
    return {"shape": list(plane.shape), "data": plane.numpy().tobytes()}


def from_wire(value: dict[str, Any]) -> Tensor:
    """What the page sent, `{"shape": [1|n, Hb, Wb], "data": bytes}`, as `(1|n, 1, Hb, Wb)` uint8.

    Raises:
        InputError: anything else, or bytes that are not as many as the shape says.
    """
    if not {"shape", "data"} <= set(value):
        raise InputError(
            "mask", "shape and data", f"only {', '.join(map(repr, value)) or 'nothing'}"
        )
    sizes = check_shape("mask", value["shape"], value["data"], "(n, H, W)")
    # A copy: the sender's buffer may be read-only, or be used again.
    return torch.frombuffer(bytearray(value["data"]), dtype=torch.uint8).view(sizes)[:, None]


def as_tensor(value: Any) -> Any:
    """A mask as a tensor: an array, a plane, or what the page sent; anything else as it is."""
    if isinstance(value, np.ndarray):
        mask = torch.tensor(value, device="cpu")
        if mask.ndim in (2, 3):  # one plane, or one a sample
            mask = (mask[None] if mask.ndim == 2 else mask)[:, None]
        return mask
    if isinstance(value, dict):
        return from_wire(value)
    return plain(value).detach() if isinstance(value, Tensor) else value
