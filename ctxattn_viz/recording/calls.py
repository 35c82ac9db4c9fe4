"""What a call of PyTorch is called, what it was given, and whether it writes or reads numbers."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinMethodType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import shortened

LONGEST_TEXT = 60  # characters of a value that is no tensor

# Asked of a tensor, they tell what it is; no number of it is looked at.
_ABOUT = """
    shape size dim ndim ndimension stride numel nelement element_size itemsize nbytes dtype device
    layout storage_offset requires_grad grad_fn is_leaf is_contiguous is_floating_point is_complex
    get_device names has_names output_nr retains_grad _version _base _cdata _backward_hooks
    untyped_storage storage storage_type
    __len__ __hash__ __dir__ __repr__ __format__ __sizeof__ register_hook dense_dim sparse_dim
    result_type can_cast
"""
ABOUT = frozenset(_ABOUT.split())
ABOUT_BEGINS = ("is_", "_is_", "_has_", "_get_", "_set_")
PLAIN = (str, int, float, complex, bool, torch.dtype, torch.device, torch.layout, np.generic)

# What takes numbers out of PyTorch, where nobody sees what becomes of them.
READS = {
    "item": "the number goes on as Python's",
    "__bool__": "Python decides by it",
    "__float__": "the number goes on as Python's",
    "__int__": "the number goes on as Python's",
    "__index__": "the number goes on as Python's",
    "__complex__": "the number goes on as Python's",
    "tolist": "the numbers go on as Python's",
    "is_nonzero": "Python decides by it",
    "equal": "Python decides by it",
    "allclose": "Python decides by it",
    "__contains__": "Python decides by it",
    "numpy": "the numbers go on in NumPy",
    "__array__": "the numbers go on in NumPy",
    "__dlpack__": "the numbers go on in another library",
    "data_ptr": "the numbers may be read and written by their address",
    "backward": "gradients were computed and added to `.grad`; how is not followed",
    "save": "the numbers went to a file",
}
REPLACES = ("data=", "set_", "resize_")  # other numbers, and no version counts it
SHARED = frozenset({"numpy", "__array__", "__dlpack__", "data_ptr"})  # may be written from outside


def operation_of(function: Callable[..., Any]) -> str:
    """Its name in PyTorch: `matmul`, `add_`, `__getitem__`, or an attribute's, such as `T`."""
    name = getattr(function, "__name__", type(function).__name__)
    if name in ("__get__", "__set__"):
        name = getattr(getattr(function, "__self__", None), "__name__", name) + (
            "=" if name == "__set__" else ""
        )
    return name


def is_about(operation: str) -> bool:
    """Whether a call neither makes nor reads numbers."""
    return operation in ABOUT or (operation.startswith(ABOUT_BEGINS) and operation not in READS)


def tensors_in(thing: Any, depth: int = 4) -> Iterator[Tensor]:
    """The tensors among the arguments or results of a call, in lists, tuples and dicts, too."""
    if isinstance(thing, Tensor):
        yield thing
    elif depth and isinstance(thing, (list, tuple)):
        for each in thing:
            yield from tensors_in(each, depth - 1)
    elif depth and isinstance(thing, dict):
        for each in thing.values():
            yield from tensors_in(each, depth - 1)
    elif depth and isinstance(thing, slice):
        yield from tensors_in((thing.start, thing.stop, thing.step), depth - 1)


def may_write(
    function: Callable[..., Any], arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> bool:
    """Whether a call may change one of its operands, or hand its memory to somebody who does."""
    operation = operation_of(function)
    in_place = operation.endswith(("_", "=")) and not operation.endswith("__")
    augmented = re.fullmatch(
        "__i(add|sub|mul|(true|floor)div|mod|pow|and|x?or|[lr]shift)__", operation
    )
    parameters = getattr(getattr(function, "__code__", None), "co_varnames", ())
    by_position = "inplace" in parameters and any(each is True for each in arguments)
    return (
        in_place
        or augmented is not None
        or operation in ("__setitem__", "batch_norm", "instance_norm", *SHARED)
        or keywords.get("out") is not None
        or keywords.get("inplace") is True
        or by_position
    )


def text_of(thing: Any) -> str:
    """What is no tensor, in a few characters; of what is not plain data, its type."""
    if isinstance(thing, slice):
        ends = [thing.start, thing.stop] + [thing.step] * (thing.step is not None)
        return ":".join("" if end is None else text_of(end) for end in ends)
    if thing is Ellipsis:
        return "..."
    if isinstance(thing, np.ndarray):
        return f"array {thing.shape} {thing.dtype}"
    if isinstance(thing, Tensor):
        return "nested tensor" if thing.is_nested else f"tensor {tuple(thing.shape)}"
    if isinstance(thing, (tuple, list)) and len(thing) < 20:
        inside = ", ".join(map(text_of, thing))
        return shortened(f"[{inside}]" if isinstance(thing, list) else f"({inside})", LONGEST_TEXT)
    if thing is None or isinstance(thing, PLAIN):
        return shortened(repr(thing), LONGEST_TEXT)
    return getattr(thing, "__name__", None) or type(thing).__name__


def is_followed(name: str, thing: Any) -> bool:
    """Whether a variable belongs among those that a reader follows."""
    private = name.startswith("_") or not name.isidentifier()
    return not private and not isinstance(
        thing, ModuleType | type | FunctionType | BuiltinMethodType
    )
