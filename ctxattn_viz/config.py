"""The settings of contextual attention: the original's arguments, and the rules its ports changed.

Each setting stands once, as a field of `AttentionConfig`: its type, its default (for a rule, what
each dialect does), its meaning and its check. `CHOICES`, `DIALECTS` and the docstring follow.
"""

import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from .checks import check_choice, check_whole
from .errors import InputError

LARGEST = 2**63 - 1  # odd, more cells than any map has, and the most that PyTorch and files hold


def _finite(name: str, value: Any) -> float:
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise InputError(name, "a finite number", repr(value))
    try:
        number = float(value)
    except OverflowError:  # an integer of more than 308 digits
        number = math.inf
    except (TypeError, ValueError):  # an array of several numbers
        raise InputError(name, "a finite number", repr(value)) from None
    if not math.isfinite(number):
        raise InputError(name, "a finite number", number)
    return number


def _whole(name: str, value: Any) -> int:
    return min(check_whole(name, value), LARGEST)


def _odd(name: str, value: Any) -> int:
    return min(check_whole(name, value, odd=True), LARGEST)


def _true_or_false(name: str, value: Any) -> bool:
    # NumPy's and PyTorch's scalars stand for the Python value in them.
    plain: Any = value.item() if getattr(value, "ndim", None) == 0 else value
    if not isinstance(plain, (bool, int)) or plain not in (True, False):
        raise InputError(name, "True or False", repr(value))
    return bool(plain)


def _choice(name: str, value: Any) -> str:
    check_choice(name, value, CHOICES[name])
    return str(value)


def _dialect(name: str, value: Any) -> str:
    check_choice(name, value, [*DIALECTS, "custom"])
    return str(value)


def _setting(default: object, check: Callable[[str, Any], Any], meaning: str) -> Any:
    """A field; `check(name, value)` returns the value to keep or raises `InputError`."""
    return field(default=default, metadata={"check": check, "meaning": meaning})


def _rule(*, tensorflow: str, pytorch: str, mmagic: str, meaning: str) -> Any:
    """A field whose default is what the dialect does; its type lists the choices."""
    dialects = {"tensorflow": tensorflow, "pytorch": pytorch, "mmagic": mmagic}
    return field(
        default=None, metadata={"check": _choice, "meaning": meaning, "dialects": dialects}
    )


@dataclass(frozen=True, kw_only=True, repr=False)
class AttentionConfig:
    """Every setting of contextual attention. Frozen, validated, keywords only.

    The first six are the arguments of the original's `contextual_attention`, with the values that
    its network passes (rate 2; the function's own default is 1). The last ones are the rules in
    which the three implementations in use differ: `dialect` sets them all, and a rule given beside
    it (not None) wins.

    Raises:
        InputError: a value out of range; names the field.

    >>> port = cv.AttentionConfig(dialect="pytorch", rate=4)
    >>> port.shrink, port.norm
    ('floor', 'per_element')
    >>> port
    AttentionConfig(ksize=3, stride=1, rate=4, fuse_k=3, softmax_scale=10.0, fuse=True,
    dialect='pytorch')
    >>> port.replace(norm="max").dialect  # no longer the rules of any dialect
    'custom'
    >>> port.replace(softmax_scale=float("nan"))
    Traceback (most recent call last):
        ...
    ctxattn_viz.errors.InputError: softmax_scale: expected a finite number, got nan.
    """

    ksize: int = _setting(
        3, _odd, "Side of a matching patch, in cells of the shrunk map; odd, at least 1."
    )
    stride: int = _setting(
        1,
        _whole,
        "Step between background patches, in cells; at least 1. (The references fail beyond 1; "
        "here the patches of cells 0, s, 2s, … are kept, each with its own paste patch.) Where "
        "ksize, stride or fuse_k reach beyond the maps of a run, the run takes the largest value "
        "that makes a difference; whole numbers above 2⁶³ − 1 become that.",
    )
    rate: int = _setting(
        2, _whole, "How much f, b and the mask are shrunk before matching; at least 1."
    )
    fuse_k: int = _setting(
        3, _odd, "Length of the diagonal that each of the two fusion passes sums; odd, at least 1."
    )
    softmax_scale: float = _setting(
        10.0,
        _finite,
        "Multiplies the scores before the softmax (an inverse temperature); finite.",
    )
    fuse: bool = _setting(True, _true_or_false, "Whether the two fusion passes are run.")
    dialect: Literal["tensorflow", "pytorch", "mmagic", "custom"] = _setting(
        "tensorflow",
        _dialect,
        "Whose rules: JiahuiYu/generative_inpainting v1.0.0 (the original), "
        'DAA233/generative-inpainting-pytorch or open-mmlab/mmagic. `"custom"` sets none, so that '
        "each rule has to be given. Afterwards it is the dialect that the rules below amount to, "
        'whatever was given; `"custom"` if none.',
    )
    shrink: Literal["align_corners", "floor"] = _rule(
        tensorflow="align_corners",
        pytorch="floor",
        mmagic="floor",
        meaning='Nearest-neighbour rule. `"align_corners"`: i·(size − 1)/(out − 1), halves up; '
        '`"floor"`: i·rate.',
    )
    norm: Literal["max", "per_element", "none"] = _rule(
        tensorflow="max",
        pytorch="per_element",
        mmagic="max",
        meaning='What a background patch w is divided by. `"max"`: max(‖w‖, 1e-4); '
        '`"per_element"`: √Σ(w² + 1e-4); `"none"`: 1, which leaves a plain dot product.',
    )
    masked: Literal["zero", "minus_infinity"] = _rule(
        tensorflow="zero",
        pytorch="zero",
        mmagic="minus_infinity",
        meaning='What the score of an invalid patch becomes. `"zero"`: 0 before the softmax (so '
        'it still adds exp(0) to the denominator) and 0 after; `"minus_infinity"`: −∞ before. '
        "Where no patch at all is valid that is 0 / 0: attention and output are NaN, and `trace` "
        "warns.",
    )
    overlap: Literal["constant", "coverage"] = _rule(
        tensorflow="constant",
        pytorch="constant",
        mmagic="coverage",
        meaning='What overlapping pasted pixels are divided by. `"constant"`: 4; `"coverage"`: '
        "how many patches cover the pixel.",
    )
    mask_of_batch: Literal["each", "first"] = _rule(
        tensorflow="each",
        pytorch="first",
        mmagic="each",
        meaning='Whose mask counts when each sample brings one. `"each"`: its own; `"first"`: '
        "the first sample's for all. (The original takes one mask for all and fails on several; "
        "under its dialect each sample's own counts.)",
    )

    def __post_init__(self) -> None:
        dialect = _dialect("dialect", self.dialect)
        given = [name for name in CHOICES if getattr(self, name) is not None]
        if dialect == "custom" and len(given) < len(CHOICES):
            expected = "all of " + ", ".join(CHOICES) + " beside 'custom'"
            raise InputError("dialect", expected, "only " + ", ".join(given) if given else "none")
        for setting in fields(self):
            value = getattr(self, setting.name)
            if value is None and setting.name in CHOICES:
                value = DIALECTS[dialect][setting.name]
            value = setting.metadata["check"](setting.name, value)
            object.__setattr__(self, setting.name, value)
        own = {name: getattr(self, name) for name in CHOICES}
        named = next((name for name, rules in DIALECTS.items() if rules == own), "custom")
        object.__setattr__(self, "dialect", named)

    def replace(self, **changes: Any) -> "AttentionConfig":
        """A copy with `changes`. A named `dialect` among them sets every rule anew.

        Raises:
            InputError: as for a new one.
        """
        if changes.get("dialect", "custom") != "custom":
            changes = dict.fromkeys(CHOICES) | changes
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, as plain Python values: what `from_dict` reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AttentionConfig":
        """The config that `to_dict` described; fields left out take their defaults.

        Raises:
            InputError: a name that is no field, or a value out of range.
        """
        known = {setting.name for setting in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InputError("config", "the fields of AttentionConfig", f"unknown {unknown}")
        return cls(**values)

    def __repr__(self) -> str:
        # A dialect's name says what its rules are; without a name each of them is written.
        written = self.to_dict()
        if self.dialect != "custom":
            written = {name: value for name, value in written.items() if name not in CHOICES}
        return f"AttentionConfig({', '.join(f'{k}={v!r}' for k, v in written.items())})"


_SETTINGS = fields(AttentionConfig)
_RULES = [setting for setting in _SETTINGS if "dialects" in setting.metadata]

CHOICES: dict[str, tuple[str, ...]] = {rule.name: get_args(rule.type) for rule in _RULES}
"""The values that each rule can take."""

DIALECTS: dict[str, dict[str, str]] = {
    name: {rule.name: rule.metadata["dialects"][name] for rule in _RULES}
    for name in ("tensorflow", "pytorch", "mmagic")
}
"""What each implementation does, rule by rule."""

_meanings = "\n".join(
    textwrap.fill(
        f"{setting.name}: {setting.metadata['meaning']}",
        width=100,
        initial_indent=" " * 8,
        subsequent_indent=" " * 12,
    )
    for setting in _SETTINGS
)
AttentionConfig.__doc__ = f"{AttentionConfig.__doc__}\n    Attributes:\n{_meanings}\n    "
