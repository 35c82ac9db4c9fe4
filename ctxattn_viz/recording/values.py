"""The tensors of a recording: numbered, and kept as they were when they were made."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.utils.weak import WeakIdKeyDictionary

from ..devices import has_no_values
from .recording import RecordedValue

COPIED_AT_ONCE = 1_000_000  # bytes; what is larger is copied when something is about to change it


@dataclass(eq=False)
class Kept:
    """A value while the recording goes on."""

    value: RecordedValue
    tensor: Tensor | None = None  # a copy; or the original, while nobody has changed it
    version: int | None = None  # of the original


class Values:
    """All values, each with its number. To be used while PyTorch's function modes are off.

    Args:
        budget: how many bytes may be copied, or kept from being freed.
    """

    def __init__(self, budget: int) -> None:
        self.kept: list[Kept] = []
        self._left = budget
        # Of each living tensor: the number of its value, its version, and the writes to its memory.
        self._known: Any = WeakIdKeyDictionary()
        self._writes: dict[int, int] = {}  # seen so far, by memory
        self._originals: dict[int, list[Kept]] = {}  # not copied so far, by memory

    def number(self, x: Tensor) -> int | None:
        """The number of what `x` holds; None if no step or argument made it so."""
        if x not in self._known:
            return None
        number, version, writes = self._known[x]
        if writes != self._writes.get(memory(x), 0):  # written through another view of it
            return self.add(x, self.kept[number].value.name)
        return number if version == version_of(x) else None

    def is_known(self, x: Tensor) -> bool:
        """Whether `x` has had a number, whatever it holds now."""
        return x in self._known

    def is_unseen(self, x: Tensor) -> bool:
        """Whether nobody who was seen made `x`, or changed it last."""
        if x not in self._known:
            return True
        _, version, writes = self._known[x]
        return writes == self._writes.get(memory(x), 0) and version != version_of(x)

    def add(self, x: Tensor, name: str | None = None) -> int:
        """A new number for what `x` holds now."""
        if name is None and x in self._known:
            name = self.kept[self._known[x][0]].value.name
        self._known[x] = len(self.kept), version_of(x), self._writes.get(memory(x), 0)
        dtype = str(x.dtype).removeprefix("torch.")
        value = RecordedValue(None, tuple(x.shape), dtype, str(x.device), *summary(x), name)
        self.kept.append(Kept(value))
        if has_numbers(x):
            self._keep(self.kept[-1], x)
        return len(self.kept) - 1

    def name(self, x: Tensor, name: str) -> None:
        """The variable in which `x` is kept gives its value a name, if it has none."""
        kept = self.kept[self._known[x][0]]
        if kept.value.name is None:
            kept.value = replace(kept.value, name=name)

    def before_write(self, x: Tensor) -> None:
        """Copy what lies in the memory of `x`, which may be about to change."""
        originals = self._originals.pop(memory(x), [])
        if originals:
            self._left += x.untyped_storage().nbytes()  # no longer kept from being freed
        for kept in originals:
            self._copy(kept)

    def after_write(self, x: Tensor) -> int:
        """A new number for `x`, which was written; other views of its memory get theirs later."""
        self._writes[memory(x)] = self._writes.get(memory(x), 0) + 1
        return self.add(x)

    def relative(self, x: Tensor) -> int | None:
        """The number of the last value that lies in the same memory as `x`, if there is one."""
        numbers = [n for other, (n, *_) in self._known.items() if memory(other) == memory(x)]
        return max(numbers, default=None)

    def finish(self) -> tuple[RecordedValue, ...]:
        """All values. What anybody else still holds is copied now, so that it stays as it is."""
        alive = {memory(x) for x, _ in self._known.items()}
        for place, originals in self._originals.items():
            for kept in originals if place in alive else []:
                self._copy(kept)
        return tuple(replace(kept.value, tensor=kept.tensor) for kept in self.kept)

    def _keep(self, kept: Kept, x: Tensor) -> None:
        kept.tensor, kept.version = x.detach(), version_of(x)
        if x.numel() * x.element_size() <= COPIED_AT_ONCE:
            self._copy(kept)
        elif memory(x) in self._originals:
            self._originals[memory(x)].append(kept)
        elif self._spend(x.untyped_storage().nbytes()):
            self._originals[memory(x)] = [kept]
        else:
            kept.tensor = None

    def _copy(self, kept: Kept) -> None:
        x = kept.tensor
        if x is None:
            return
        whole, size = x.untyped_storage().nbytes(), x.numel() * x.element_size()
        unchanged = kept.version == version_of(x)
        if not unchanged or not self._spend(min(whole, size)):
            kept.tensor = None
        elif whole < size and not x.is_conj() and not x.is_neg():  # a view that repeats numbers
            memory_copy = x.untyped_storage().clone()
            kept.tensor = x.new_empty(0).set_(memory_copy, x.storage_offset(), x.shape, x.stride())
        else:
            kept.tensor = x.clone()

    def _spend(self, size: int) -> bool:
        if size > self._left:
            return False
        self._left -= size
        return True


def memory(x: Tensor) -> int:
    """Where the numbers of `x` lie: the same for all views of them, and for NumPy's."""
    if not has_numbers(x):
        return -id(x)
    storage = x.untyped_storage()
    return storage.data_ptr() or -storage._cdata


def version_of(x: Tensor) -> int | None:
    """How often `x` was written; None where PyTorch does not count."""
    return None if x.is_inference() else x._version


def has_numbers(x: Tensor) -> bool:
    """Whether it is a plain rectangle of numbers that can be read and copied."""
    plain = x.layout == torch.strided and not x.is_nested and not x.is_quantized
    return plain and not has_no_values(x) and not is_functorch_wrapped_tensor(x)


def summary(x: Tensor) -> tuple[float | None, float | None, int, int]:
    """The smallest and largest finite number, and how many are NaN and infinite."""
    if not has_numbers(x) or x.is_complex() or not x.numel():
        return None, None, 0, 0
    x = x.detach()
    try:
        low, high = torch.aminmax(x)
    except (RuntimeError, NotImplementedError):  # of 8 bits, and the like
        x = x.float()
        low, high = torch.aminmax(x)
    if math.isfinite(low) and math.isfinite(high):
        return float(low), float(high), 0, 0
    finite = x[x.isfinite()]
    nan, infinite = int(x.isnan().sum()), int(x.isinf().sum())
    if not finite.numel():
        return None, None, nan, infinite
    return float(finite.min()), float(finite.max()), nan, infinite
