"""Checks what comes into a run, together: maps, mask and configuration."""

import math
from itertools import compress

import torch
from torch import Tensor

from . import habits
from .checks import check_dense, shape_of
from .config import AttentionConfig
from .devices import recording
from .errors import InputError, UnsupportedError
from .stages import Values
from .stages.fused_softmax import Grid
from .stages.patch_extraction import patch_grid as patch_cells

NO_TRACE = (
    "trace: plain tensors were expected, which can be looked at; inside torch.func's transforms "
    "(vmap, grad, jvp) and recorders (torch.jit.trace, torch.export, make_fx) there are none. "
    "Trace what goes in before, or call contextual_attention, which takes vmap and grad."
)

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


# Sizes of patches and diagonals up to which a configuration is taken as it is, whatever the maps.
ORDINARY = 15

# Above ORDINARY, how much there may be to do in all: additions of one fusion pass, and
# multiplications of all pairs of query and patch. Some seconds each on two CPU cores.
MOST_FUSION = 250_000_000
MOST_MATCHING = 50_000_000_000


def check_inputs(
    f: Tensor, b: Tensor, mask: Tensor | None, config: AttentionConfig | None
) -> tuple[dict[str, Tensor], AttentionConfig]:
    """Shapes, dtypes and devices, checked before anything runs; values are not looked at.

    Args:
        f: foreground `(n, c, H, W)`, floating; H and W multiples of the rate.
        b: background `(n, c, Hb, Wb)`, the dtype and device of f.
        mask: `(1|n, 1, Hb·m, Wb·m)` for a whole m, any dtype, 1 is hole; None: nothing missing.
        config: None for the defaults, what the original's network runs with.

    Returns:
        f, b and mask (in f's dtype) by name, and the config, fitted to their sizes.

    Raises:
        InputError: naming the argument, what was expected and what came.
    """
    config = check_config(config)
    for name, x in (("f", f), ("b", b)):
        _check_image(name, x, config.rate)
    if f.dtype != b.dtype:
        raise InputError("b", f"the dtype of f, {f.dtype}", b.dtype)
    if f.device != b.device:
        raise InputError("b", f"the device of f, {f.device}", b.device)
    for axis, name in enumerate(("samples", "channels")):
        if f.shape[axis] != b.shape[axis]:
            hint = habits.channels_last_hint("b", b) or habits.channels_last_hint("f", f)
            raise InputError("b", f"as many {name} as f, {f.shape[axis]}", b.shape[axis], hint)
    if mask is None:
        mask = b.new_zeros(1, 1, *b.shape[2:])
    check_mask(mask, b, rate=config.rate)
    largest = torch.finfo(torch.promote_types(f.dtype, torch.float32)).max
    if abs(config.softmax_scale) > largest:
        wide = f"a magnitude up to {largest:.2g}, which the scores' dtype holds"
        raise InputError("softmax_scale", wide, config.softmax_scale)
    config = fitted_config(config, f.shape[1], *(cells_of(x, config.rate) for x in (f, b)))
    return {"f": f, "b": b, "mask": mask.to(f.dtype)}, config


def check_config(config: AttentionConfig | None) -> AttentionConfig:
    """`config`, or the defaults for None; raises InputError for anything else."""
    config = AttentionConfig() if config is None else config
    if not isinstance(config, AttentionConfig):
        raise InputError(
            "config", "an AttentionConfig", type(config).__name__, habits.config_hint(config)
        )
    return config


def fitted_config(
    config: AttentionConfig, channels: int, f_cells: Grid, b_cells: Grid
) -> AttentionConfig:
    """The configuration with what reaches beyond the maps cut down to what they hold.

    The answer is the same: a patch's cells beyond the zeros around b, a diagonal's places off the
    flattened grid, and a stride past the last cell change nothing. (Values up to `ORDINARY` stay,
    as they cost nothing.)

    Args:
        channels: of f and b.
        f_cells, b_cells: rows and columns of the shrunk maps.

    Raises:
        InputError: a ksize that would change the answer beyond b (`norm="per_element"` counts a
            patch's numbers), or a ksize or fuse_k that would take minutes to hours; says the
            largest that can be used.
    """
    fitted = clamped_config(config, f_cells, b_cells)
    pairs = math.prod(f_cells) * math.prod(patch_cells(b_cells, fitted))
    too_much = f"There are {pairs} pairs of query and patch: above {ORDINARY}, less is affordable."
    largest_ksize, hint = _odd(math.isqrt(MOST_MATCHING // (pairs * channels))), too_much
    all_of_b = _widest(b_cells)
    if config.norm == "per_element" and fitted.ksize > all_of_b:
        largest_ksize = min(largest_ksize, all_of_b)
        hint = "Beyond b there are zeros alone; but norm='per_element' would count them."
    largest_ksize = max(largest_ksize, ORDINARY)
    if fitted.ksize > largest_ksize:
        expected = f"an odd integer up to {largest_ksize} for maps of this size"
        raise InputError("ksize", expected, config.ksize, hint)
    largest_fuse_k = max(_odd(MOST_FUSION // pairs), ORDINARY)
    if fitted.fuse and fitted.fuse_k > largest_fuse_k:
        expected = f"an odd integer up to {largest_fuse_k} for maps of this size"
        raise InputError("fuse_k", expected, config.fuse_k, too_much)
    return fitted


def clamped_config(config: AttentionConfig, f_cells: Grid, b_cells: Grid) -> AttentionConfig:
    """`fitted_config` without the refusals: what the maps hold, whatever that costs."""
    if max(config.ksize, config.stride, config.fuse_k) <= ORDINARY:
        return config
    changes = {"stride": min(config.stride, max(*b_cells, ORDINARY))}
    if config.norm != "per_element":
        changes["ksize"] = min(config.ksize, max(_widest(b_cells), ORDINARY))
    cells, patches = math.prod(f_cells), math.prod(patch_cells(b_cells, config))
    reach = min((cells - 1) // config.stride, patches - 1)
    changes["fuse_k"] = min(config.fuse_k, max(2 * reach + 1, ORDINARY))
    return config.replace(**changes)


def _widest(b_cells: Grid) -> int:
    """The ksize of a patch that holds all of b, wherever on it it lies."""
    return 2 * max(b_cells) - 1


def _odd(number: int) -> int:
    """The largest odd number up to `number`."""
    return number if number % 2 else number - 1


def cells_of(x: Tensor, rate: int) -> Grid:
    """Rows and columns of a map's cells, each of which is `rate` pixels wide."""
    return x.shape[2] // rate, x.shape[3] // rate


def nothing_valid(valid: Tensor, config: AttentionConfig) -> str:
    """A sentence about the NaN that no valid patch at all makes; empty where there is none.

    Args:
        valid: bool `(m, L)`; its values are looked at.
    """
    if config.masked != "minus_infinity":
        return ""
    empty = [sample for sample, some in enumerate(valid.any(dim=1).tolist()) if not some]
    if not empty:
        return ""
    where = f" in sample {empty[0]}" if len(valid) > 1 else ""
    return (
        f"mask: no background patch is free of the hole{where}, and masked='minus_infinity' "
        "makes attention and output NaN there. Make the hole smaller, or take masked='zero', "
        "which makes them 0."
    )


def check_values(values: Values, allow_nonfinite: bool) -> None:
    """What only looking at the numbers can tell; stalls a GPU, so only a trace does it.

    Raises:
        InputError: NaN or infinity in f or b (unless allowed), a mask that is not 0 and 1.
        UnsupportedError: there are no numbers to look at, in a transform.
    """
    if any(map(torch._C._functorch.is_functorch_wrapped_tensor, values.values())):
        raise UnsupportedError(NO_TRACE)
    mask = values["mask"]
    wrong = {name: ~values[name].isfinite() for name in (() if allow_nonfinite else ("f", "b"))}
    wrong["mask"] = (mask != 0) & (mask != 1)
    # One question for all three, as each makes a GPU wait.
    some = torch.stack([places.any() for places in wrong.values()]).tolist()
    for name, places in compress(wrong.items(), some):
        if name == "mask":
            check_binary("mask", mask)  # which says what else is there
        bad, first = int(places.sum()), tuple(places.nonzero()[0].tolist())
        raise InputError(
            name,
            "finite values",
            f"{bad} NaN or infinite, the first at {first}",
            "To examine them all the same: allow_nonfinite=True.",
        )


def _check_image(name: str, x: Tensor, rate: int) -> None:
    if not isinstance(x, Tensor):
        raise InputError(name, "a torch.Tensor", type(x).__name__, habits.array_hint(name, x))
    if x.is_nested:
        hint = f"`torch.nested.to_padded_tensor({name}, 0.0)` makes one, with zeros at the ends."
        raise InputError(name, "a dense tensor", "a nested one", hint)
    if x.ndim != 4:
        expected = "four dimensions (n, c, height, width)"
        raise InputError(name, expected, shape_of(x), habits.picture_hint(name, x))
    if x.layout != torch.strided:
        raise InputError(name, "a dense tensor", x.layout, f"`{name}.to_dense()` makes one.")
    if x.numel() == 0:
        raise InputError(name, "at least one sample, channel, row and column", shape_of(x))
    if x.dtype not in DTYPES:
        raise InputError(
            name,
            "floating-point values (float64, float32, bfloat16 or float16)",
            x.dtype,
            habits.dtype_hint(name, x),
        )
    for axis, size in zip(("height", "width"), x.shape[2:], strict=True):
        if size % rate:
            crop, pad = size // rate * rate, math.ceil(size / rate) * rate
            advice = f"Crop to {crop} or pad to {pad}." if size > rate else ""
            hint = f"{advice} {habits.channels_last_hint(name, x)}".strip()
            raise InputError(name, f"a {axis} divisible by rate {rate}", size, hint)


def check_mask(
    mask: object,
    x: Tensor,
    name: str = "mask",
    of: str = "b",
    rate: int = 1,
    is_picture: bool = False,
) -> None:
    """The one rule of what fits as a mask; its values are not looked at.

    Args:
        mask: `(1|n, 1, H·m, W·m)` of real numbers for a whole m, on the device of x.
        x: the map that it belongs to, `(n, c, H, W)`.
        name, of: what the mask and the map are called in a message.
        rate: of the run, for a hint.
        is_picture: the map is a picture: m is 1, and the device does not matter.

    Raises:
        InputError: a mask that does not fit.
    """
    if not isinstance(mask, Tensor):
        expected = "a torch.Tensor" if is_picture else "a torch.Tensor or None"
        raise InputError(name, expected, type(mask).__name__, habits.array_hint(name, mask))
    check_dense(name, mask)
    if mask.ndim != 4 or mask.shape[1] != 1:
        hint = habits.mask_hint(name, mask)
        raise InputError(name, "four dimensions (1 or n, 1, height, width)", shape_of(mask), hint)
    if mask.numel() == 0:
        raise InputError(name, "at least one sample, row and column", shape_of(mask))
    if mask.shape[0] not in (1, x.shape[0]):
        raise InputError(name, f"1 sample or as many as {of}, {x.shape[0]}", mask.shape[0])
    if mask.device != x.device and not is_picture:
        raise InputError(name, f"the device of f and b, {x.device}", mask.device)
    size, to = tuple(mask.shape[2:]), tuple(x.shape[2:])
    if is_picture and size != to:
        raise InputError(name, f"{of}'s size {to}", size)
    if size[0] % to[0] or size[1] % to[1] or size[0] // to[0] != size[1] // to[1]:
        hint = habits.mask_size_hint(name, mask, of, x, rate)
        raise InputError(name, f"{of}'s size {to} or a whole multiple of it", size, hint)


def check_binary(name: str, mask: Tensor) -> None:
    """Raise `InputError` unless all values are 0 or 1, which waits for a GPU."""
    other = mask[(mask != 0) & (mask != 1)]
    if other.numel():
        raise InputError(name, "0 (known) and 1 (hole) only", f"also {other[0].item():.4g}")


def refuse_recording() -> None:
    """Raise `UnsupportedError` where a trace would be recorded, to be replayed on other inputs."""
    if recording():
        raise UnsupportedError(NO_TRACE)
