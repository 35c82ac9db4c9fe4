"""The settings of contextual attention: the original's arguments, and the dialect spoken."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from .checks import check_choice, check_whole
from .errors import InputError

# Every way in which the three implementations in use differ, by name. `tensorflow` is the
# original (JiahuiYu/generative_inpainting, branch v1.0.0), `pytorch` is
# DAA233/generative-inpainting-pytorch, `mmagic` is open-mmlab/mmagic.
DIALECTS: dict[str, dict[str, str]] = {
    "tensorflow": {
        "shrink": "align_corners",
        "norm": "max",
        "masked": "zero",
        "overlap": "constant",
        "mask_of_batch": "each",
    },
    "pytorch": {
        "shrink": "floor",
        "norm": "per_element",
        "masked": "zero",
        "overlap": "constant",
        "mask_of_batch": "first",
    },
    "mmagic": {
        "shrink": "floor",
        "norm": "max",
        "masked": "minus_infinity",
        "overlap": "coverage",
        "mask_of_batch": "each",
    },
}

# Odd, more cells than any map has, and the largest whole number that PyTorch and files hold.
LARGEST = 2**63 - 1

CHOICES: dict[str, tuple[str, ...]] = {
    "shrink": ("align_corners", "floor"),
    "norm": ("max", "per_element", "none"),
    "masked": ("zero", "minus_infinity"),
    "overlap": ("constant", "coverage"),
    "mask_of_batch": ("each", "first"),
}


@dataclass(frozen=True, kw_only=True, init=False, repr=False)
class AttentionConfig:
    """Everything contextual attention can be told. Frozen and validated.

    The first six are the arguments of the original's `contextual_attention`, and by default what
    its network passes (rate 2; the function's own signature says 1). The other five are what
    its ports changed. `dialect=`, a key of `DIALECTS`, sets those five; one given
    explicitly wins. `dialect="custom"` sets none, so that all five have to be given.

    Attributes:
        ksize: side of a matching patch in cells of the shrunk map; odd, ≥ 1.
        stride: step between background patches, in cells; ≥ 1. (The references fail beyond 1;
            here the patches of cells 0, s, 2s, … are kept, each with its own paste patch.) Where
            ksize, stride or fuse_k reach beyond the maps of a run, the run takes the largest value
            that makes a difference (see `fitted_config`); whole numbers above 2⁶³ − 1 become that.
        rate: how much f, b and the mask are shrunk before matching; ≥ 1.
        fuse_k: length of the diagonal that each of the two fusion passes sums; odd, ≥ 1.
        softmax_scale: multiplies the scores before the softmax (an inverse temperature); finite.
        fuse: whether to run the two fusion passes at all.
        shrink: nearest-neighbour rule. `"align_corners"`: i·(size − 1)/(out − 1), halves up;
            `"floor"`: i·rate.
        norm: what a background patch w is divided by. `"max"`: max(‖w‖, 1e-4); `"per_element"`:
            √Σ(w² + 1e-4); `"none"`: 1, which leaves a plain dot product.
        masked: what the score of an invalid patch becomes. `"zero"`: 0 before the softmax (so it
            still adds exp(0) to the denominator) and 0 after; `"minus_infinity"`: −∞ before.
            Where no patch at all is valid that is 0 / 0: attention and output are NaN, and
            `trace` warns.
        overlap: what overlapping pasted pixels are divided by. `"constant"`: 4;
            `"coverage"`: how many patches cover the pixel.
        mask_of_batch: whose mask counts when each sample brings one. `"each"`: its own;
            `"first"`: the first sample's for all. (The original takes one mask for all and fails
            on several; under its dialect each sample's own counts.)

    Raises:
        InputError: a value outside the ranges above, naming the field.
    """

    ksize: int = 3
    stride: int = 1
    rate: int = 2
    fuse_k: int = 3
    softmax_scale: float = 10.0
    fuse: bool = True
    shrink: str = "align_corners"
    norm: str = "max"
    masked: str = "zero"
    overlap: str = "constant"
    mask_of_batch: str = "each"

    def __init__(
        self,
        *,
        ksize: int = 3,
        stride: int = 1,
        rate: int = 2,
        fuse_k: int = 3,
        softmax_scale: float = 10.0,
        fuse: bool = True,
        dialect: str = "tensorflow",
        shrink: str | None = None,
        norm: str | None = None,
        masked: str | None = None,
        overlap: str | None = None,
        mask_of_batch: str | None = None,
    ) -> None:
        check_choice("dialect", dialect, [*DIALECTS, "custom"])
        explicit = {
            "shrink": shrink,
            "norm": norm,
            "masked": masked,
            "overlap": overlap,
            "mask_of_batch": mask_of_batch,
        }
        if dialect == "custom" and None in explicit.values():
            given = [name for name, value in explicit.items() if value is not None]
            expected = "all of " + ", ".join(explicit) + " beside 'custom'"
            raise InputError("dialect", expected, "only " + ", ".join(given) if given else "none")
        chosen: dict[str, Any] = DIALECTS.get(dialect, {}) | {
            k: v for k, v in explicit.items() if v is not None
        }
        for name, value in chosen.items():
            check_choice(name, value, CHOICES[name])
        chosen |= {
            "ksize": _whole("ksize", ksize, odd=True),
            "stride": _whole("stride", stride),
            "rate": _whole("rate", rate),
            "fuse_k": _whole("fuse_k", fuse_k, odd=True),
            "softmax_scale": _finite("softmax_scale", softmax_scale),
            "fuse": _flag("fuse", fuse),
        }
        for name, value in chosen.items():
            object.__setattr__(self, name, value)

    @property
    def dialect(self) -> str:
        """The dialect whose five fields these are, or `"custom"`."""
        own = {name: getattr(self, name) for name in CHOICES}
        return next((name for name, values in DIALECTS.items() if values == own), "custom")

    def replace(self, **changes: Any) -> "AttentionConfig":
        """A copy with `changes`. A `dialect` among them resets the five fields first."""
        if changes.get("dialect", "custom") == "custom":
            return replace(self, **{"dialect": "custom", **asdict(self), **changes})
        arguments = {k: v for k, v in asdict(self).items() if k not in CHOICES}
        return AttentionConfig(**{**arguments, **changes})

    def to_dict(self) -> dict[str, Any]:
        """Every field, and the dialect's name: what `from_dict` reads back."""
        return {**asdict(self), "dialect": self.dialect}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AttentionConfig":
        """The config that `to_dict` described; fields left out take the dialect's values."""
        known = {field.name for field in fields(cls)} | {"dialect"}
        if unknown := sorted(set(values) - known):
            raise InputError("config", "the fields of AttentionConfig", f"unknown {unknown}")
        return cls(**values)

    def __repr__(self) -> str:
        # Say the dialect once, then only what differs from it.
        named = self.dialect if self.dialect != "custom" else "tensorflow"
        usual = {**asdict(AttentionConfig(dialect=named)), "dialect": "tensorflow"}
        own = {**asdict(self), "dialect": named}
        said = [f"{k}={own[k]!r}" for k in own if k not in CHOICES]
        said += [f"{k}={own[k]!r}" for k in CHOICES if own[k] != usual[k]]
        return f"AttentionConfig({', '.join(said)})"


def _finite(name: str, value: object) -> float:
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


def _whole(name: str, value: object, odd: bool = False) -> int:
    return min(check_whole(name, value, odd), LARGEST)


def _flag(name: str, value: object) -> bool:
    # NumPy's and PyTorch's scalars stand for the Python value that they hold.
    plain: Any = value.item() if getattr(value, "ndim", None) == 0 else value  # type: ignore[attr-defined]
    if not isinstance(plain, (bool, int)) or plain not in (True, False):
        raise InputError(name, "True or False", repr(value))
    return bool(plain)
