"""Checks what comes in, and runs stages on it, whole or for a few query cells."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from .config import AttentionConfig
from .errors import InputError, shape_of
from .stages import BY_KEY, Values, patch_grid, query_grid
from .stages.fused_softmax import fuse, masked_softmax, rows_needed
from .stages.matching_scores import matching_scores

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def check_inputs(
    f: Tensor, b: Tensor, mask: Tensor | None, config: AttentionConfig | None
) -> tuple[dict[str, Tensor], AttentionConfig]:
    """Shapes, dtypes and devices, checked before anything runs; values are not looked at.

    Args:
        f: foreground `(n, c, H, W)`, floating; H and W multiples of the rate.
        b: background `(n, c, Hb, Wb)`, the dtype and device of f.
        mask: `(1|n, 1, Hb·m, Wb·m)` for a whole m, any dtype, 1 is hole; None: nothing missing.
        config: None for the original's defaults.

    Returns:
        f, b and mask (in f's dtype) by name, and the config.

    Raises:
        InputError: naming the argument, what was expected and what came.
    """
    config = check_config(config)
    for name, x in (("f", f), ("b", b)):
        _check_image(name, x, config.rate)
    for what in ("dtype", "device"):
        if getattr(f, what) != getattr(b, what):
            raise InputError("b", f"the {what} of f, {getattr(f, what)}", getattr(b, what))
    for axis, what in enumerate(("samples", "channels")):
        if f.shape[axis] != b.shape[axis]:
            raise InputError("b", f"as many {what} as f, {f.shape[axis]}", b.shape[axis])
    if mask is None:
        mask = b.new_zeros(1, 1, *b.shape[2:])
    check_mask(mask, b)
    return {"f": f, "b": b, "mask": mask.to(f.dtype)}, config


def check_config(config: AttentionConfig | None) -> AttentionConfig:
    """`config`, or the original's defaults for None; raises InputError for anything else."""
    config = AttentionConfig() if config is None else config
    if not isinstance(config, AttentionConfig):
        raise InputError("config", "an AttentionConfig", type(config).__name__)
    return config


def check_values(values: Values, allow_nonfinite: bool) -> None:
    """What only looking at the numbers can tell; stalls a GPU, so only a trace does it.

    Raises:
        InputError: NaN or infinity in f or b (unless allowed), a mask that is not 0 and 1.
    """
    for name in () if allow_nonfinite else ("f", "b"):
        if bad := int((~values[name].isfinite()).sum()):
            first = (~values[name].isfinite()).nonzero()[0].tolist()
            raise InputError(
                name,
                "finite values",
                f"{bad} NaN or infinite, the first at {tuple(first)}",
                "To examine them all the same: allow_nonfinite=True.",
            )
    mask = values["mask"]
    if bool((wrong := (mask != 0) & (mask != 1)).any()):
        raise InputError("mask", "0 (known) and 1 (hole) only", f"also {mask[wrong][0].item():.4g}")


class LazyValues(Mapping[str, Tensor]):
    """The inputs, and each stage's tensor by key, computed when first asked for and then kept."""

    def __init__(
        self,
        values: Values,
        config: AttentionConfig,
        on_compute: Callable[[str, Callable[[], Tensor]], Tensor] = lambda key, run: run(),
    ) -> None:
        self.known = dict(values)
        self.config = config
        self._on_compute = on_compute

    def __getitem__(self, key: str) -> Tensor:
        if key not in self.known:
            stage = BY_KEY[key]
            self.known[key] = self._on_compute(key, lambda: stage.run(self, self.config))
        return self.known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["f", "b", "mask", *BY_KEY])

    def __len__(self) -> int:
        return 3 + len(BY_KEY)


def rows_of(values: Values, config: AttentionConfig, queries: Tensor) -> dict[str, Tensor]:
    """The rows of a few query cells at every stage, without the score matrix.

    The same stage functions, on the cells asked for and the neighbours that fusion reads.

    Args:
        values: f, b, mask and the stages up to `valid` (a `LazyValues` has them).
        queries: int64 `(Q,)`, flat cells row·w + column.

    Returns:
        `scores`, `fused_rows`, `fused_scores` and `attention`, each `(n, Q, L)`.
    """
    grid, patches = query_grid(values, config), patch_grid(values, config)
    for_columns = rows_needed(queries, grid, "columns", config)
    for_rows = rows_needed(for_columns, grid, "rows", config)
    scores = matching_scores(values["downsampled_f"], values["matching_patches"], config, for_rows)
    fused_rows = fuse(scores, grid, patches, "rows", config, for_columns, for_rows)
    fused_scores = fuse(fused_rows, grid, patches, "columns", config, queries, for_columns)
    attention = masked_softmax(fused_scores, values["valid"], config)
    return {
        "scores": scores[:, torch.searchsorted(for_rows, queries)],
        "fused_rows": fused_rows[:, torch.searchsorted(for_columns, queries)],
        "fused_scores": fused_scores,
        "attention": attention,
    }


def _check_image(name: str, x: Tensor, rate: int) -> None:
    if not isinstance(x, Tensor):
        raise InputError(name, "a torch.Tensor", type(x).__name__)
    if x.ndim != 4:
        raise InputError(name, "four dimensions (n, c, height, width)", shape_of(x))
    if x.layout != torch.strided:
        raise InputError(name, "a dense tensor", x.layout, f"`{name}.to_dense()` makes one.")
    if x.numel() == 0:
        raise InputError(name, "at least one sample, channel, row and column", shape_of(x))
    if x.dtype not in DTYPES:
        raise InputError(
            name,
            "floating-point values (float64, float32, bfloat16 or float16)",
            x.dtype,
            "A uint8 picture becomes one by `x / 127.5 - 1`." if not x.is_complex() else "",
        )
    for axis, size in zip(("height", "width"), x.shape[2:], strict=True):
        if size % rate:
            raise InputError(
                name,
                f"a {axis} divisible by rate {rate}",
                size,
                f"Crop to {size // rate * rate} or pad to {-(-size // rate) * rate}.",
            )


def check_mask(mask: Tensor, x: Tensor, name: str = "mask", of: str = "b") -> None:
    """A mask for the map `x`: raises InputError, with the mask called `name` and the map `of`."""
    if not isinstance(mask, Tensor):
        raise InputError(name, "a torch.Tensor or None", type(mask).__name__)
    if mask.ndim != 4 or mask.shape[1] != 1:
        raise InputError(name, "four dimensions (1 or n, 1, height, width)", shape_of(mask))
    if mask.numel() == 0:
        raise InputError(name, "at least one sample, row and column", shape_of(mask))
    if mask.shape[0] not in (1, x.shape[0]):
        raise InputError(name, f"1 sample or as many as {of}, {x.shape[0]}", mask.shape[0])
    if mask.layout != torch.strided or mask.is_complex():
        raise InputError(name, "a dense tensor of real numbers", f"{mask.layout} {mask.dtype}")
    if mask.device != x.device:
        raise InputError(name, f"the device of f and b, {x.device}", mask.device)
    size, to = tuple(mask.shape[2:]), tuple(x.shape[2:])
    if size[0] % to[0] or size[1] % to[1] or size[0] // to[0] != size[1] // to[1]:
        raise InputError(name, f"{of}'s size {to} or a whole multiple of it", size)
