"""What a bad input raises: the argument by name, what was expected, what came."""

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
