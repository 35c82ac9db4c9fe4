"""Tensors of a trace's own, and what is not to be copied by pickling."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ..errors import InputError


def each_once(
    convert: Callable[[Tensor], Tensor], values: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Each tensor converted, once: where f and b are one tensor they stay one."""
    converted = {id(x): convert(x) for x in values.values()}
    return {name: converted[id(x)] for name, x in values.items()}


def copied(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of our own, so that what their owner writes into his later changes nothing here."""
    return each_once(lambda x: x.detach().clone(), values)


class NotPickled:
    """Base of what refuses to be pickled, and says what to do instead."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise InputError(
            "pickle",
            "values that can be pickled",
            f"a {type(self).__name__}",
            "`trace.save(path)` keeps the whole run, and `ctxattn_viz.load_trace(path)` reads it "
            "again; a result's `tensor` can be pickled by itself.",
        )
