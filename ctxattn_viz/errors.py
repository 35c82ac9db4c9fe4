"""What a bad input raises: the argument by name, what was expected, what came."""

import operator
from collections.abc import Iterable

import torch

LONGEST_VALUE = 300  # characters of what came, in a message


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """`text`, without its middle where it is longer than that."""
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


class InputError(ValueError):
    """An argument that cannot be used; the message reads `name: expected …, got …`.

    What came, and the argument's name, are shortened to 300 characters each.
    """

    def __init__(self, argument: str, expected: str, got: object, hint: str = "") -> None:
        self.argument, self.got = shortened(argument), shortened(str(got))
        self.expected, self.hint = expected, shortened(hint, 3 * LONGEST_VALUE)
        # Pickle and copy, and so a process pool, make an exception again from these.
        super().__init__(self.argument, self.expected, self.got, self.hint)

    def __str__(self) -> str:
        sentence = f"{self.argument}: expected {self.expected}, got {self.got}."
        return f"{sentence} {self.hint}" if self.hint else sentence


class UnknownKeyError(InputError, KeyError):
    """A stage that does not exist. Also a KeyError, as `trace["…"]` is a look-up."""


class OutOfGridError(InputError, IndexError):
    """A query cell or pixel outside the grid. Also an IndexError."""


class UnknownOptionError(InputError, TypeError):
    """A keyword that a function does not take. Also a TypeError, as Python's own."""


class UnsupportedError(RuntimeError):
    """Something that PyTorch can do to a function and not to this one; says what works instead."""


class BudgetError(MemoryError):
    """A stage that will not fit its memory budget; raised before anything is allocated."""


class ChannelsLastWarning(UserWarning):
    """Sizes that can be used, but look like (n, height, width, channels)."""


class MaskWarning(UserWarning):
    """A mask that a run can use, but hardly as it was meant."""


class ThinHoleWarning(MaskWarning):
    """Shrinking the mask by nearest sampling lost part of the hole."""


class NothingValidWarning(MaskWarning):
    """No background patch is free of the hole, and `masked="minus_infinity"` makes that NaN."""


class PictureWarning(UserWarning):
    """A picture that can be shown, but hardly as it was meant: white, black or transparent."""


def is_dense(x: torch.Tensor) -> bool:
    """Whether it is a rectangle of numbers: neither sparse nor nested, whose shapes are no use."""
    return x.layout == torch.strided and not x.is_nested


def shape_of(x: object) -> str:
    """`a (1, 3, 8, 8) tensor` for a tensor, else the type's name: for the `got` of a message."""
    if isinstance(x, torch.Tensor) and x.is_nested:
        return "a nested tensor"
    return f"a {tuple(x.shape)} tensor" if isinstance(x, torch.Tensor) else type(x).__name__


def one_or(n: int) -> str:
    """How many samples go with n of them: `1`, or `1 or n`."""
    return "1" if n == 1 else f"1 or {n}"


def check_choice(argument: str, value: object, choices: Iterable[str]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    if value not in (named := list(choices)):
        raise InputError(argument, "one of " + ", ".join(map(repr, named)), repr(value))


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
