"""The tensors of a recording: numbered, and kept as they were when they were made."""

import math
import weakref
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from ..devices import has_no_values
from .recording import RecordedValue

COPIED_AT_ONCE = 1_000_000  # bytes; what is larger is copied when something is about to change it


@dataclass(eq=False)
class Kept:
    """A value while the recording goes on."""

    value: RecordedValue
    tensor: Tensor | None = None  # a copy; or the original, while nobody has changed it
    version: int | None = None  # of the original


@dataclass(slots=True)
class Known:
    """What is known of a tensor: of which value its number is, if nothing has changed since."""

    tensor: weakref.ref[Tensor]
    number: int
    version: int | None
    memory: int
    writes: int  # to that memory, seen so far


class Values:
    """All values, each with its number. To be used while PyTorch's function modes are off.

    Args:
        budget: how many bytes may be copied, or kept from being freed.
    """

    def __init__(self, budget: int) -> None:
        self.kept: list[Kept] = []
        self._left = budget
        self._known: dict[int, Known] = {}  # by the tensor's id
        self._writes: dict[int, int] = {}  # seen so far, by memory
        self._shared: set[int] = set()  # memory into which others may write unseen
        self._originals: dict[int, list[Kept]] = {}  # not copied so far, by memory

    def number(self, x: Tensor) -> int | None:
        """The number of what `x` holds; None if no step or argument made it so."""
        known = self._entry(x)
        if known is None:
            return None
        if known.writes != self._writes.get(known.memory, 0):  # written through another view
            return self.add(x)
        return None if self._has_changed(x, known) else known.number

    def is_known(self, x: Tensor) -> bool:
        """Whether `x` has had a number, whatever it holds now."""
        return self._entry(x) is not None

    def is_unseen(self, x: Tensor) -> bool:
        """Whether nobody who was seen made `x`, or changed it last."""
        known = self._entry(x)
        if known is None:
            return True
        seen_write = known.writes != self._writes.get(known.memory, 0)
        return not seen_write and self._has_changed(x, known)

    def add(self, x: Tensor, name: str | None = None) -> int:
        """A new number for what `x` holds now."""
        before, place = self._entry(x), memory(x)
        if name is None and before is not None:
            name = self.kept[before.number].value.name
        number, writes = len(self.kept), self._writes.get(place, 0)
        self._known[id(x)] = Known(weakref.ref(x), number, version_of(x), place, writes)
        dtype = str(x.dtype).removeprefix("torch.")
        value = RecordedValue(
            None, () if x.is_nested else tuple(x.shape), dtype, str(x.device), *summary(x), name
        )
        self.kept.append(Kept(value))
        if has_numbers(x):
            self._keep(self.kept[-1], x, place)
        return number

    def name(self, x: Tensor, name: str) -> None:
        """The variable in which `x` is kept gives its value a name, if it has none."""
        kept = self.kept[self._known[id(x)].number]
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

    def share(self, x: Tensor) -> None:
        """The memory of `x` is NumPy's, too, or somebody else's: compare it at each use."""
        self.before_write(x)
        self._shared.add(memory(x))

    def relative(self, x: Tensor) -> int | None:
        """The number of the last value that lies in the same memory as `x`, if there is one."""
        place = memory(x)
        alive = [each.number for each in self._living() if each.memory == place]
        return max(alive, default=None)

    def _entry(self, x: Tensor) -> Known | None:
        known = self._known.get(id(x))
        return known if known is not None and known.tensor() is x else None

    def _living(self) -> list[Known]:
        return [known for known in self._known.values() if known.tensor() is not None]

    def _has_changed(self, x: Tensor, known: Known) -> bool:
        if known.version != version_of(x):
            return True
        if known.memory not in self._shared:
            return False
        kept = self.kept[known.number]
        if kept.tensor is None:
            value = kept.value
            return summary(x) != (value.minimum, value.maximum, value.nan, value.infinite)
        return not bool(same_numbers(kept.tensor, x.detach()))

    def finish(self) -> tuple[RecordedValue, ...]:
        """All values. What anybody else still holds is copied now, so that it stays as it is."""
        alive = {known.memory for known in self._living()}
        for place, originals in self._originals.items():
            for kept in originals if place in alive else []:
                self._copy(kept)
        return tuple(replace(kept.value, tensor=kept.tensor) for kept in self.kept)

    def _keep(self, kept: Kept, x: Tensor, place: int) -> None:
        kept.tensor, kept.version = x.detach(), version_of(x)
        if x.numel() * x.element_size() <= COPIED_AT_ONCE or place in self._shared:
            self._copy(kept)
        elif place in self._originals:
            self._originals[place].append(kept)
        elif self._spend(x.untyped_storage().nbytes()):
            self._originals[place] = [kept]
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


def same_numbers(a: Tensor, b: Tensor) -> Tensor:
    """Whether two tensors of one shape hold the same; NaN is the same as NaN."""
    return ((a == b) | ((a != a) & (b != b))).all()


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
