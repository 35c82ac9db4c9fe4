"""Tensors of a trace's own."""

from collections.abc import Callable, Mapping

from torch import Tensor


def each_once(
    convert: Callable[[Tensor], Tensor], values: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Each tensor converted, once: where f and b are one tensor they stay one."""
    converted = {id(x): convert(x) for x in values.values()}
    return {name: converted[id(x)] for name, x in values.items()}


def copied(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of our own, so that what their owner writes into his later changes nothing here."""
    return each_once(lambda x: x.detach().clone(), values)
