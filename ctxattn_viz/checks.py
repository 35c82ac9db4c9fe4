"""Checks of single arguments, and how a message names what came instead."""

import operator
from collections.abc import Iterable

import torch
from torch import Tensor

from .devices import has_no_values
from .errors import InputError, OutOfGridError


def is_dense(x: torch.Tensor) -> bool:
    """Whether it is a rectangle of numbers: neither sparse nor nested, whose shapes are no use."""
    return x.layout == torch.strided and not x.is_nested


def shape_of(x: object) -> str:
    """`a (1, 3, 8, 8) tensor` for a tensor, else the type's name: for the `got` of a message."""
    if isinstance(x, torch.Tensor) and x.is_nested:
        return "a nested tensor"
    return f"a {tuple(x.shape)} tensor" if isinstance(x, torch.Tensor) else type(x).__name__


def sample_counts(n: int) -> str:
    """How many samples a mask or picture may have beside n of them: `1`, or `1 or n`."""
    return "1" if n == 1 else f"1 or {n}"


def check_choice(argument: str, value: object, choices: Iterable[str]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    allowed = list(choices)
    if value not in allowed:
        raise InputError(argument, "one of " + ", ".join(map(repr, allowed)), repr(value))


def _whole(argument: str, value: object, kind: str) -> int:
    """`value` as an int, or an `InputError` that asks for a `kind` of one."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:  # also of an array or a tensor that is no integer
        raise InputError(argument, kind, repr(value)) from None


def check_whole(argument: str, value: object, odd: bool = False) -> int:
    """`value` as an int ≥ 1, or `InputError`."""
    kind = "an odd integer ≥ 1" if odd else "an integer ≥ 1"
    number = _whole(argument, value, kind)
    if number < 1 or (odd and number % 2 == 0):
        raise InputError(argument, kind, number)
    return number


def check_device(argument: str, value: torch.device | str | None) -> torch.device:
    """A device that can be used here, or `InputError`; None is PyTorch's default."""
    try:
        return torch.empty(1, device=value).device  # a device may have a name and not be there
    except Exception as problem:  # each backend raises another kind
        raise InputError(argument, "an available device", repr(str(value))) from problem


def check_index(argument: str, value: object, size: int) -> int:
    """`value` as an int in [0, size), or `OutOfGridError`; negative indices are not wrapped."""
    index = _whole(argument, value, f"an integer from 0 to {size - 1}")
    if not 0 <= index < size:
        raise OutOfGridError(argument, f"an integer from 0 to {size - 1}", index)
    return index


def check_dense(name: str, x: Tensor) -> None:
    """Raise `InputError` unless `x` is a rectangle of real numbers."""
    if x.is_complex() or not is_dense(x) or x.is_quantized:
        kind = "a nested one" if x.is_nested else f"{x.layout} {x.dtype}"
        raise InputError(name, "a dense tensor of real numbers", kind)


def check_real(name: str, x: object) -> None:
    """Raise `InputError` unless `x` is a tensor of real numbers that are there."""
    if not isinstance(x, Tensor):
        raise InputError(name, "a torch.Tensor", shape_of(x))
    check_dense(name, x)
    if has_no_values(x):
        raise InputError(name, "a tensor with values", "one on meta")
