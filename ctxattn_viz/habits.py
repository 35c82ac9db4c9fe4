"""What people bring from other code: tensors of another layout, keywords of another signature.

Each function makes the sentence that says what to write instead.
"""

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from .config import AttentionConfig
from .errors import ChannelsLastWarning, InputError, PictureWarning, UnknownOptionError

P = ParamSpec("P")
T = TypeVar("T")

PICTURE_CHANNELS = (1, 3, 4)
"""How many channels a picture has: grey, RGB, RGBA."""

PERMUTE = "permute(0, 3, 1, 2)"

# Whose lines a warning is not about: this package's, and those of the modules that called it.
INNER = tuple(f"{Path(module).parent}{os.sep}" for module in (__file__, torch.__file__))


def channels_last_hint(name: str, x: Tensor) -> str:
    """For a call that fails anyway: how to turn x round, if it may be (n, height, width, c)."""
    if x.ndim != 4 or x.shape[3] not in PICTURE_CHANNELS or x.shape[1] <= max(PICTURE_CHANNELS):
        return ""
    return (
        f"If {name} is channels-last, (n, height, width, channels): `{name}.{PERMUTE}` makes it "
        "(n, channels, height, width)."
    )


def warn_if_channels_last(**maps: Tensor) -> None:
    """For a call that works: sizes that can be meant, but are more often channels-last."""
    for name, x in maps.items():
        if x.shape[3] in PICTURE_CHANNELS and x.shape[1] > 16:
            warn(
                f"{name}: {shape(x)} is read as {x.shape[1]} channels of {x.shape[2]}×{x.shape[3]}"
                f" pixels. {channels_last_hint(name, x)}",
                ChannelsLastWarning,
            )


def picture_hint(name: str, x: Tensor) -> str:
    """For a picture of two, three or five dimensions."""
    if x.ndim == 2:
        return f"One grey picture: `{name}[None, None]`."
    if x.ndim == 3 and x.shape[2] in PICTURE_CHANNELS and x.shape[0] > max(PICTURE_CHANNELS):
        return f"One picture, channels last: `{name}.permute(2, 0, 1)[None]`."
    if x.ndim == 3:
        return f"One picture: `{name}[None]` (or `{name}.unsqueeze(0)`)."
    if x.ndim == 5:
        return f"A batch of batches, or a film: `{name}.flatten(0, 1)`."
    return ""


def dtype_hint(name: str, x: Tensor) -> str:
    """For values that are not floating."""
    if x.is_complex():
        return ""
    if hint := channels_last_hint(name, x):
        if x.dtype == torch.uint8:
            return f"{hint} And a uint8 picture becomes floating by `x / 127.5 - 1`."
        return hint
    if x.dtype == torch.bool:
        return f"`{name}.float()` makes them 0 and 1."
    if x.dtype.is_floating_point:  # of eight bits
        return f"`{name}.float()` is one."
    return "A uint8 picture becomes one by `x / 127.5 - 1`."


def array_hint(name: str, x: object) -> str:
    """For what is no tensor."""
    kind = f"{type(x).__module__}.{type(x).__qualname__}"
    if kind == "numpy.ndarray":
        return f"`torch.from_numpy({name})` makes one."
    if kind.startswith("PIL."):
        return f"`ctxattn_viz.samples.photograph({name})` makes one."
    if isinstance(x, (list, tuple)):
        return f"`torch.stack({name})` or `torch.tensor({name})` makes one."
    return ""


def mask_hint(name: str, mask: Tensor) -> str:
    """For a mask that has not four dimensions, of which the second is 1."""
    if mask.ndim == 2:
        return f"One mask: `{name}[None, None]`."
    if mask.ndim == 3 and mask.shape[2] == 1:
        return f"One mask, channels last: `{name}.permute(2, 0, 1)[None]`."
    if mask.ndim == 3:
        return f"A mask a sample: `{name}[:, None]`."
    if mask.ndim == 4 and mask.shape[3] == 1:
        return f"Channels-last: `{name}.{PERMUTE}`."
    if mask.ndim == 4 and mask.shape[1] in (3, 4):
        return f"A picture of a mask: `{name}[:, :1]` is its first channel."
    if mask.ndim == 4 and mask.shape[3] in (3, 4):
        return f"A picture of a mask, channels-last: `{name}[..., :1].{PERMUTE}`."
    return ""


def mask_size_hint(name: str, mask: Tensor, of: str, x: Tensor, rate: int) -> str:
    """For a mask of another size than the map `x`, called `of`."""
    size, map_size = tuple(mask.shape[2:]), tuple(x.shape[2:])
    if rate > 1 and size == (map_size[0] // rate, map_size[1] // rate):
        larger = f"{name}.repeat_interleave({rate}, 2).repeat_interleave({rate}, 3)"
        return f"It has the size of the matching grid, {of}'s over rate {rate}: `{larger}` fits."
    if size == (map_size[1], map_size[0]):
        return f"Its rows and columns are exchanged: `{name}.mT` fits."
    return channels_last_hint(of, x)


def check_range(name: str, x: Tensor) -> None:
    """Raises or warns where the values of a picture are not those of [-1, 1].

    Raises:
        InputError: integers beyond [-1, 1].

    Warns:
        PictureWarning: floats of another range, such as 0 to 255.
    """
    if x.dtype == torch.bool or not x.numel():
        return
    low, high = (float(end) for end in x.detach().nan_to_num(0, 0, 0).aminmax())
    if not x.is_floating_point():
        if low < -1 or high > 1:
            got = f"{x.dtype} from {low:.0f} to {high:.0f}"
            raise InputError(name, "a picture in [-1, 1]", got, dtype_hint(name, x))
    elif (low >= 0 and high > 1.5) or max(-low, high) > 16:  # not features, nor an overshoot
        hint = "From 0 to 255, `x / 127.5 - 1` makes it one." if 0 <= low <= high <= 256 else ""
        text = f"{name}: expected a picture in [-1, 1], got values from {low:.3g} to {high:.3g}."
        warn(f"{text} {hint}".strip(), PictureWarning)


def config_hint(config: object) -> str:
    """For a config that is none: how to make one of it."""
    if isinstance(config, str):
        return f"AttentionConfig(dialect={config!r}) makes one."
    if isinstance(config, int):
        return f"The original's ksize is AttentionConfig(ksize={config})."
    return ""


# The arguments of the original and of two ports, and the fields that they are: (field, how its
# value is found). None: there is nothing to say, as it follows from the others or from the device.
FOREIGN: dict[str, tuple[str, Callable[[Any], Any]] | None] = {
    "training": None,
    "use_cuda": None,
    "device_ids": None,
    "unfold_raw_kernel_size": ("rate", lambda size: size // 2),
    "unfold_raw_stride": ("rate", lambda stride: stride),
    "unfold_raw_padding": None,
    "unfold_corr_kernel_size": ("ksize", lambda size: size),
    "unfold_corr_stride": ("stride", lambda stride: stride),
    "unfold_corr_dilation": None,
    "unfold_corr_padding": None,
    "scale": ("rate", lambda scale: round(1 / scale)),
    "fuse_kernel_size": ("fuse_k", lambda size: size),
    "return_attention_score": None,
    **{name: (name, lambda value: value) for name in inspect.signature(AttentionConfig).parameters},
}
PORTS = {
    "pytorch": ("use_cuda", "device_ids"),
    "mmagic": (
        *(name for name in FOREIGN if name.startswith("unfold_")),
        *("fuse_kernel_size", "scale", "return_attention_score"),
    ),
}


def takes_a_config(function: Callable[P, T]) -> Callable[P, T]:
    """Keywords that are settings of the original or of a port are answered by what to write."""
    parameters = inspect.signature(function).parameters
    caller = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def wrapper(*args: P.args, **keywords: P.kwargs) -> T:
        unknown = {name: keywords[name] for name in keywords if name not in parameters}
        if unknown:
            _refuse(caller, unknown)
        return function(*args, **keywords)

    return wrapper


def _refuse(caller: str, unknown: Mapping[str, Any]) -> None:
    """Raises `UnknownOptionError` where every keyword is a setting, else leaves it to Python."""
    if not unknown.keys() <= FOREIGN.keys():
        return
    fields = {}
    for port, keywords in PORTS.items():
        if unknown.keys() & keywords:
            fields["dialect"] = port
    for name, value in unknown.items():
        if (meaning := FOREIGN[name]) is not None:
            try:
                fields[meaning[0]] = meaning[1](value)
            except Exception:  # a value of any kind: then it is shown as it came
                fields[meaning[0]] = value
    arguments = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    rest = "config" if caller == "ContextualAttention" else "f, b, mask, config"
    raise UnknownOptionError(
        caller,
        f"{rest}: the settings are one AttentionConfig",
        "the keywords " + ", ".join(unknown),
        f"Write {caller}({rest.removesuffix('config')}AttentionConfig({arguments})).",
    )


def warn(message: str, category: type[Warning]) -> None:
    """A warning at the line outside this package that led to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INNER):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def shape(x: Tensor) -> str:
    """`(1, 3, 8, 8)`."""
    return str(tuple(x.shape))
