"""Two runs side by side: the first stage at which they part, where, and by how much."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .checks import check_real, shape_of
from .config import CHOICES
from .devices import has_no_values
from .errors import InputError, UnknownKeyError
from .stages import BY_KEY, touched_by
from .traces.results import StageResult
from .traces.run import Trace

# Other rules are tried on a stage that takes no more than this to make: a moment each.
MOST_TO_TRY = 200_000_000


@dataclass(frozen=True)
class StageDifference:
    """How one stage differs between two runs.

    Attributes:
        key, axes: the stage.
        shapes: of a and b; where they differ the rest is None.
        largest: the largest absolute difference; infinity where only one of them is NaN.
        relative: that, over the largest magnitude in a.
        where: the index of the largest difference, one number an axis.
        first: the index of the first element that differs, in row-major order.
        values: (a, b) at `where`.
        share: how many of the elements differ, from 0 to 1.
        patch_at: (row, column) in b↓ of the background patch at `where`, for stages that have
            such an axis.
    """

    key: str
    axes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    largest: float | None = None
    relative: float | None = None
    where: tuple[int, ...] | None = None
    first: tuple[int, ...] | None = None
    values: tuple[float, float] | None = None
    share: float | None = None
    patch_at: tuple[int, int] | None = None

    @property
    def same(self) -> bool:
        """Whether the two agree within the tolerance asked for."""
        return self.share == 0

    def __str__(self) -> str:
        if self.largest is None:
            return f"{self.key}: {self._shapes()}"
        if self.same:
            return f"{self.key}: same (largest difference {self.largest:.2g})"
        assert self.where is not None
        assert self.values is not None
        assert self.share is not None
        of = math.prod(self.shapes[0])
        at = {axis: f"{axis} {i}" for axis, i in zip(self.axes, self.where, strict=True)}
        if self.patch_at:
            at["background patch"] += f" at {self.patch_at}"
        return (
            f"{self.key}: {round(self.share * of):,} of {of:,} elements differ, "
            f"most at {', '.join(at.values())}: "
            f"{self.values[0]:.6g} in a, {self.values[1]:.6g} in b"
        )

    def _shapes(self) -> str:
        """The axes by name; where b's only stand in another order, the order that would fit."""
        a, b = self.shapes
        named = " × ".join(f"{axis} {size}" for axis, size in zip(self.axes, a, strict=True))
        orders = permutations(range(len(b))) if len(a) == len(b) else ()
        fits = next((order for order in orders if tuple(b[i] for i in order) == a), None)
        hint = f"; b.permute{fits} would have that shape" if fits else ""
        return f"shapes differ, {a} ({named}) in a, {b} in b{hint}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two runs, stage by stage in the paper's order; `comparison[key]` is one of them.

    Attributes:
        stages: a `StageDifference` for every stage compared.
        rules: settings of a, as `shrink='floor'`, with any one of which the first stage that
            differs would not: b may follow that rule by intention.
    """

    stages: tuple[StageDifference, ...]
    rules: tuple[str, ...] = ()

    @property
    def first(self) -> StageDifference | None:
        """The first stage that differs; None where none does."""
        return next((stage for stage in self.stages if not stage.same), None)

    def __getitem__(self, key: str) -> StageDifference:
        found = {stage.key: stage for stage in self.stages}
        if key not in found:
            raise UnknownKeyError("key", "a stage compared: " + ", ".join(found), repr(key))
        return found[key]

    def __repr__(self) -> str:
        lines = [("  " if stage.same else "≠ ") + str(stage) for stage in self.stages]
        found = f"first difference: {self.first.key}" if self.first else "no stage differs"
        if len(self.stages) < len(BY_KEY):
            found += f" ({len(self.stages)} of {len(BY_KEY)} stages compared)"
        if self.rules:
            found += f"; with {' or '.join(self.rules)} a would agree there"
        return "\n".join([*lines, found])


def compare(
    a: Trace, b: Trace | Mapping[str, Any], rtol: float = 1e-4, atol: float = 1e-6
) -> Comparison:
    """Where two runs part: the tool for a port that is "slightly misaligned".

    Args:
        a: a trace.
        b: another, or the arrays of a foreign implementation by stage key: PyTorch's, NumPy's or
            whatever NumPy reads. Only the stages that are there are compared. Shapes are those of
            `a.plan()`: maps are `(sample, channel, row, column)`; scores, fused_rows,
            fused_scores and attention `(sample, query row, query column, background patch)`;
            patches `(sample, background patch, channel, patch row, patch column)`; valid
            `(sample, background patch)`. Background patches are counted row by row. One sample
            stands for all where a has several, and the other way round.
        rtol: how far apart two elements may be, relative to the largest magnitude of a's stage.
        atol: and absolutely. Both finite and ≥ 0.

    Raises:
        UnknownKeyError: a key that is no stage.
        InputError: something that is neither a trace nor arrays of real numbers, nothing to
            compare, or a tolerance out of range.
    """
    if not isinstance(a, Trace):
        raise InputError("a", "a Trace", shape_of(a))
    for name, run in (("a", a), ("b", b)):
        if isinstance(run, Trace) and has_no_values(run.f):
            raise InputError(name, "a run with values", f"one on {run.device}")
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if type(bound) not in (int, float) or not 0 <= bound < math.inf:
            raise InputError(name, "a finite number ≥ 0", repr(bound))
    if not isinstance(b, Mapping):
        raise InputError("b", "a Trace or tensors by stage key", shape_of(b))
    for key in b:
        if key not in BY_KEY:
            raise UnknownKeyError("b", "keys among " + ", ".join(BY_KEY), repr(key))
    if not b:
        raise InputError("b", "at least one stage", "none")
    other = {key: _numbers(f"b[{key!r}]", b[key]) for key in BY_KEY if key in b}

    def differs(of: Trace, key: str) -> StageDifference:
        ours, theirs = _same_samples(of[key].tensor, other[key])
        grid = of.patch_grid[1], of.config.stride
        return difference(key, ours, theirs, rtol, atol, grid)

    found = Comparison(tuple(differs(a, key) for key in other))
    if not found.first or found.first.largest is None:
        return found
    return Comparison(found.stages, _rules(a, found.first.key, differs))


def difference(
    key: str,
    ours: Tensor,
    theirs: Tensor,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    grid: tuple[int, int] | None = None,
) -> StageDifference:
    """How two tensors of one stage differ; NaN equals NaN. `grid`: patches in a row, and stride."""
    axes, shapes = BY_KEY[key].axes, (tuple(ours.shape), tuple(theirs.shape))
    if shapes[0] != shapes[1]:
        return StageDifference(key, axes, shapes)
    a, b = (x.detach().cpu().double() for x in (ours, theirs))
    same = (a == b) | (a.isnan() & b.isnan())
    gap = torch.where(same, 0, (a - b).abs()).nan_to_num(torch.inf)
    finite = a[a.isfinite()]
    scale = float(finite.abs().max()) if finite.numel() else 0.0
    off = gap > atol + rtol * scale
    at = tuple(int(i) for i in torch.unravel_index(gap.argmax(), gap.shape))
    first = tuple(off.nonzero()[0].tolist()) if bool(off.any()) else None
    patch_at = None
    if grid and "background patch" in axes:
        row, col = divmod(at[axes.index("background patch")], grid[0])
        patch_at = row * grid[1], col * grid[1]
    return StageDifference(
        key=key,
        axes=axes,
        shapes=shapes,
        largest=float(gap[at]),
        relative=float(gap[at]) / scale if scale else None,
        where=at,
        first=first,
        values=(float(a[at]), float(b[at])),
        share=float(off.double().mean()),
        patch_at=patch_at,
    )


def _rules(a: Trace, key: str, differs: Any) -> tuple[str, ...]:
    """The other rules of the dialects under which a's stage is b's."""
    found = []
    for field, choices in CHOICES.items():
        if key not in touched_by({field}):
            continue
        for choice in choices:
            if choice == getattr(a.config, field):
                continue
            changed = a.revised(config=a.config.replace(**{field: choice}))
            if changed.cost(key) > MOST_TO_TRY:
                continue
            if differs(changed, key).same:
                found.append(f"{field}={choice!r}")
    return tuple(found)


def _numbers(name: str, x: Any) -> Tensor:
    """A foreign stage as a tensor of real numbers."""
    x = x.tensor if isinstance(x, StageResult) else x
    if np.ma.is_masked(x):
        hint = "`array.filled(…)` says what to compare there."
        raise InputError(name, "a number in each place", "a masked array", hint)
    if not isinstance(x, Tensor):
        array = np.asarray(x) if hasattr(x, "__array__") else None
        if array is None or array.dtype.kind not in "fiub":
            raise InputError(name, "a tensor or an array of real numbers", type(x).__name__)
        native = array.astype(array.dtype.newbyteorder("="), copy=False)  # PyTorch knows no other
        x = torch.tensor(native, device="cpu")
    if x.is_complex() or has_no_values(x):
        raise InputError(name, "real numbers", f"{x.dtype} on {x.device}")
    check_real(name, x)
    return x


def _same_samples(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """One mask for all and a mask each that are all alike say the same."""
    if ours.ndim == theirs.ndim > 0 and 1 in (ours.shape[0], theirs.shape[0]):
        n = max(ours.shape[0], theirs.shape[0])
        ours, theirs = (x.expand(n, *x.shape[1:]) for x in (ours, theirs))
    return ours, theirs
