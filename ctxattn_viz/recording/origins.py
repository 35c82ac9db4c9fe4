"""Tensors that no step made: those that were there before, and where others may come from."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor, nn

from .values import Values

DEEPEST = 4  # objects in objects that are looked into
NO_DATA = (ModuleType, type, FunctionType, MethodType, str, bytes, int, float)


def named_arguments(
    function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> list[tuple[str, Any]]:
    """Each argument with the name of its parameter."""
    try:
        return list(inspect.signature(function).bind(*arguments, **keywords).arguments.items())
    except (TypeError, ValueError):  # of some functions written in C, or called wrongly
        return [*((f"argument {i}", each) for i, each in enumerate(arguments)), *keywords.items()]


def held_by(function: Any) -> Iterator[tuple[str, Any]]:
    """What something that is called brings along: the object of a method, a partial's arguments."""
    if isinstance(function, partial):
        yield from ((f"argument {i}", each) for i, each in enumerate(function.args))
        yield from function.keywords.items()
        yield from held_by(function.func)
    elif isinstance(function, MethodType):
        yield "self", function.__self__
    elif not isinstance(function, FunctionType):
        yield "self", function


def variables_outside(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """Tensors and modules among the globals of a function."""
    for name, thing in list(frame.f_globals.items()):
        if isinstance(thing, Tensor | nn.Module):
            yield name, thing


def tensors_of(name: str, thing: Any, depth: int = DEEPEST) -> Iterator[tuple[str, Tensor]]:
    """The tensors in a thing, each with a name such as `batch[1]` or `self.weight`."""
    if isinstance(thing, Tensor):
        yield name, thing
    elif isinstance(thing, nn.Module):
        for inner, x in (*thing.named_parameters(), *thing.named_buffers()):
            yield f"{name}.{inner}", x
        for inner, each in vars(thing).items():
            if depth and not inner.startswith("_"):
                yield from tensors_of(f"{name}.{inner}", each, depth - 1)
    elif not depth or isinstance(thing, NO_DATA):
        return
    elif isinstance(thing, list | tuple):
        for i, each in enumerate(thing):
            yield from tensors_of(f"{name}[{i}]", each, depth - 1)
    elif isinstance(thing, dict):
        for key, each in list(thing.items()):
            yield from tensors_of(f"{name}[{key!r}]", each, depth - 1)
    elif type(getattr(thing, "__dict__", None)) is dict:
        for inner, each in list(vars(thing).items()):
            yield from tensors_of(f"{name}.{inner}", each, depth - 1)


def origin(x: Tensor, values: Values) -> str:
    """What can be said of a tensor that no step made."""
    relative = values.relative(x)
    if relative is not None:
        name = values.kept[relative].value.name or f"value {relative}"
        return f"it lies in the memory of {name}, as what goes through NumPy does"
    return "NumPy, compiled code or another thread did, or it was there before"
