"""A function of one's own in place of a stage: `cv.trace(f, b, swap={"scores": mine})`.

What it is given are copies and what it returns is copied, so that nothing it does reaches a trace.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ..checks import check_dense, shape_of
from ..config import AttentionConfig
from ..devices import has_no_values
from ..errors import InputError, UnknownKeyError
from ..stages import BY_KEY, Stage, Values
from .copies import copied

Function = Callable[..., Tensor]
Layout = Callable[[str], tuple[tuple[int, ...], torch.dtype]]

LONGEST_NAME = 60  # characters of a function's name


@dataclass(frozen=True)
class Swap:
    """The functions that stand in for stages, by key and in the paper's order.

    Attributes:
        functions: each gets the stage's declared inputs and the configuration.
        allow_nonfinite: whether they may make NaN out of numbers.
    """

    functions: Mapping[str, Function] = field(default_factory=dict)
    allow_nonfinite: bool = False

    def stages(self, layout: Layout) -> dict[str, Stage]:
        """All stages by key, those swapped in place of the registry's.

        Args:
            layout: gives the shape and dtype of a stage.
        """
        swapped = {
            key: _stage_of(BY_KEY[key], function, layout, self.allow_nonfinite)
            for key, function in self.functions.items()
        }
        return {**BY_KEY, **swapped}


def checked_swap(swap: object, allow_nonfinite: bool) -> Swap:
    """`swap` as it was given to `trace`, or what is wrong with it.

    Raises:
        UnknownKeyError: a key that is no stage.
        InputError: no mapping; something that cannot be called with a stage's inputs.
    """
    if swap is None:
        return Swap()
    if not isinstance(swap, Mapping):
        raise InputError("swap", "a dict of functions by stage key or None", shape_of(swap))
    for key, function in swap.items():
        if not isinstance(key, str) or key not in BY_KEY:
            raise UnknownKeyError("swap", "keys among " + ", ".join(BY_KEY), repr(key))
        _check_function(BY_KEY[key], function)
    return Swap({key: swap[key] for key in BY_KEY if key in swap}, allow_nonfinite)


def call_of(stage: Stage) -> str:
    """`scores(downsampled_f, matching_patches, config)`: how a stage's function is called."""
    return f"{name_of(stage.function)}({', '.join((*stage.inputs, 'config'))})"


def name_of(function: Callable[..., Any]) -> str:
    """A function's name; for what has none, that of its type."""
    name = getattr(function, "__name__", type(function).__name__)
    return "lambda" if name == "<lambda>" else str(name)[:LONGEST_NAME]


def _stage_of(stage: Stage, function: Function, layout: Layout, allow_nonfinite: bool) -> Stage:
    """The registry's entry, with another function."""

    def call(values: Values, config: AttentionConfig) -> Tensor:
        inputs = {name: values[name] for name in stage.inputs}
        copies = copied(inputs)
        shape, dtype = layout(stage.key)
        try:
            result = function(*copies.values(), config)
        except Exception as problem:
            got = f"{type(problem).__name__}: {problem}".split("\n")[0].removesuffix(": ")
            raise InputError(_argument(stage), _expected(stage, shape), got) from problem
        _check_inputs_unchanged(stage, inputs, copies)
        if stage.key == "valid" and isinstance(result, Tensor) and result.shape == (1, shape[1]):
            result = result.expand(shape)  # one mask for all holds for every sample
        _check_result(stage, result, shape, dtype, next(iter(inputs.values())))
        if not allow_nonfinite:
            _check_no_nan(stage, result, inputs)
        return result.detach().clone()

    swapped = replace(stage, function=function, call=call, source="", paper="", torch="")
    return replace(swapped, equation=call_of(swapped))


def _argument(stage: Stage) -> str:
    return f'swap["{stage.key}"]'


def _expected(stage: Stage, shape: tuple[int, ...]) -> str:
    return f"a {shape} tensor, {' × '.join(stage.axes)}"


def _check_function(stage: Stage, function: Any) -> None:
    signature = f"a function of ({', '.join((*stage.inputs, 'config'))})"
    if not callable(function):
        raise InputError(_argument(stage), signature, shape_of(function))
    try:
        own = inspect.signature(function)
    except (TypeError, ValueError):  # of a function in C: the call will tell
        return
    try:
        own.bind(*stage.inputs, "config")
    except TypeError:
        raise InputError(_argument(stage), signature, f"{name_of(function)}{own}") from None


def _check_inputs_unchanged(stage: Stage, inputs: Values, copies: Values) -> None:
    for name, x in inputs.items():
        if not has_no_values(x) and not _same(x, copies[name]):
            hint = f"Change a copy of it: `{name}.clone()`."
            expected = "a function that leaves its inputs as they are"
            raise InputError(_argument(stage), expected, f"{name} changed in place", hint)


def _same(x: Tensor, y: Tensor) -> bool:
    """Whether both hold the same values; NaN equals NaN."""
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    return torch.equal(x, y) or bool(((x == y) | (x.isnan() & y.isnan())).all())


def _check_result(
    stage: Stage, result: Any, shape: tuple[int, ...], dtype: torch.dtype, like: Tensor
) -> None:
    """Raise `InputError` unless it is what the stage would have made, but for its numbers."""
    argument = _argument(stage)
    if not isinstance(result, Tensor):
        hint = "A function without `return` returns None." if result is None else ""
        raise InputError(argument, _expected(stage, shape), shape_of(result), hint)
    check_dense(argument, result)
    if tuple(result.shape) != shape:
        raise InputError(argument, _expected(stage, shape), shape_of(result))
    if result.dtype != dtype:
        raise InputError(argument, str(dtype), result.dtype, f"`.to({dtype})` makes it that.")
    if result.device != like.device:
        expected = f"a tensor on {like.device}, where its inputs are"
        raise InputError(argument, expected, f"one on {result.device}")


def _check_no_nan(stage: Stage, result: Tensor, inputs: Values) -> None:
    if not result.is_floating_point() or has_no_values(result) or not result.isnan().any():
        return
    if any(bool(x.isnan().any()) for x in inputs.values()):
        return  # it was not born here
    where = tuple(result.isnan().nonzero()[0].tolist())
    raise InputError(
        _argument(stage),
        "no NaN, as there is none in its inputs",
        f"{int(result.isnan().sum())} of them, the first at {where}",
        "To examine them all the same: allow_nonfinite=True.",
    )
