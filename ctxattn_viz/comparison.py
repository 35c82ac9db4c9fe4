"""Two runs side by side: the first stage that differs, where, and by how much."""

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
from .renamed import old_keywords
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
        shapes: the reference's and the other run's; where they differ the rest is None.
        largest: the largest absolute difference; infinity where only one of them is NaN.
        relative: that, over the largest magnitude in the reference.
        where: the index of the largest difference, one number an axis.
        first: the index of the first element that differs, in row-major order.
        values: the reference's and the other run's, at `where`.
        share: how many of the elements differ, from 0 to 1.
        patch_at: (row, column) in b↓ of the background patch at `where`, for stages that have
            such an axis.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run = cv.trace(x, x)
    >>> port = run["output"].tensor.clone()
    >>> port[0, 1, 2, 3] += 1
    >>> stage: cv.StageDifference = cv.compare(run, {"output": port})["output"]
    >>> stage.where, round(stage.largest, 3), stage.same
    ((0, 1, 2, 3), 1.0, False)
    >>> round(stage.share * port.numel())  # elements differ
    1
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
            f"{self.values[0]:.6g} in the reference, {self.values[1]:.6g} in the other"
        )

    def _shapes(self) -> str:
        """Both shapes, with the axes' names; and the order of axes that would fit, if one does."""
        reference, other = self.shapes
        named = " × ".join(
            f"{axis} {size}" for axis, size in zip(self.axes, reference, strict=True)
        )
        orders = permutations(range(len(other))) if len(other) == len(reference) else ()
        fits = next((o for o in orders if tuple(other[i] for i in o) == reference), None)
        hint = f"; other.permute{fits} would have that shape" if fits else ""
        return f"shapes differ, {reference} ({named}) in the reference, {other} in the other{hint}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two runs, stage by stage in the paper's order; `comparison[key]` is one of them.

    Attributes:
        stages: a `StageDifference` for every stage compared.
        rules: settings, such as `shrink='floor'`, each of which would make the first stage that
            differs agree if the reference had it: the other run may follow that rule on purpose.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run = cv.trace(x, x)
    >>> port = {"valid": run["valid"].tensor, "flow": torch.ones(3)}
    >>> comparison: cv.Comparison = cv.compare(run, port)
    >>> comparison.first.key, comparison["valid"].same
    ('flow', True)
    >>> print(comparison)
      valid: same (largest difference 0)
    ≠ flow: shapes differ, (1, 3, 2, 2) (sample 1 × colour 3 × query row 2 × query column 2) in
    the reference, (3,) in the other
    first difference: flow (2 of 13 stages compared)
    """

    stages: tuple[StageDifference, ...]
    rules: tuple[str, ...] = ()

    @property
    def first(self) -> StageDifference | None:
        """The first stage that differs; None where none does."""
        return next((stage for stage in self.stages if not stage.same), None)

    def __getitem__(self, key: str) -> StageDifference:
        by_key = {stage.key: stage for stage in self.stages}
        if key not in by_key:
            raise UnknownKeyError("key", "a stage compared: " + ", ".join(by_key), repr(key))
        return by_key[key]

    def __repr__(self) -> str:
        lines = [("  " if stage.same else "≠ ") + str(stage) for stage in self.stages]
        result = f"first difference: {self.first.key}" if self.first else "no stage differs"
        if len(self.stages) < len(BY_KEY):
            result += f" ({len(self.stages)} of {len(BY_KEY)} stages compared)"
        if self.rules:
            result += f"; with {' or '.join(self.rules)} the reference would agree there"
        return "\n".join([*lines, result])


@old_keywords(a="reference", b="other")
def compare(
    reference: Trace, other: Trace | Mapping[str, Any], rtol: float = 1e-4, atol: float = 1e-6
) -> Comparison:
    """Where two runs part: the tool for a port that is "slightly misaligned".

    Args:
        reference: a trace.
        other: another, or the arrays of a foreign implementation by stage key: PyTorch's, NumPy's
            or whatever NumPy reads. Only the stages in it are compared. Shapes are those of
            `reference.plan()`: maps are `(sample, channel, row, column)`; scores, fused_rows,
            fused_scores and attention `(sample, query row, query column, background patch)`;
            patches `(sample, background patch, channel, patch row, patch column)`; valid
            `(sample, background patch)`. Background patches are counted row by row. One sample
            stands for all where the reference has several, and the other way round.
        rtol: how far apart two elements may be, relative to the largest magnitude of the
            reference's stage; finite and ≥ 0.
        atol: how far apart two elements may be in any case; finite and ≥ 0.

    Raises:
        UnknownKeyError: a key that is no stage.
        InputError: something that is neither a trace nor arrays of real numbers, nothing to
            compare, or a tolerance out of range.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> ours = cv.trace(x, x)
    >>> port = cv.trace(x, x, config=cv.AttentionConfig(norm="none"))
    >>> comparison = cv.compare(ours, {"scores": port["scores"].tensor.numpy()})
    >>> comparison.first.key, comparison.rules  # where it differs, and what the port does instead
    ('scores', ("norm='none'",))
    """
    if not isinstance(reference, Trace):
        raise InputError("reference", "a Trace", shape_of(reference))
    for name, run in (("reference", reference), ("other", other)):
        if isinstance(run, Trace) and has_no_values(run.f):
            raise InputError(name, "a run with values", f"one on {run.device}")
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if type(bound) not in (int, float) or not 0 <= bound < math.inf:
            raise InputError(name, "a finite number ≥ 0", repr(bound))
    if not isinstance(other, Mapping):
        raise InputError("other", "a Trace or tensors by stage key", shape_of(other))
    for key in other:
        if key not in BY_KEY:
            raise UnknownKeyError("other", "keys among " + ", ".join(BY_KEY), repr(key))
    if not other:
        raise InputError("other", "at least one stage", "none")
    tensors = {key: _numbers(f"other[{key!r}]", other[key]) for key in BY_KEY if key in other}

    def differs(trace: Trace, key: str) -> StageDifference:
        pair = _same_samples(trace[key].tensor, tensors[key])
        grid = trace.patch_grid[1], trace.config.stride
        return difference(key, *pair, rtol, atol, grid)

    comparison = Comparison(tuple(differs(reference, key) for key in tensors))
    if not comparison.first or comparison.first.largest is None:
        return comparison
    return Comparison(comparison.stages, _rules(reference, comparison.first.key, differs))


def difference(
    key: str,
    reference: Tensor,
    other: Tensor,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    grid: tuple[int, int] | None = None,
) -> StageDifference:
    """How two tensors of one stage differ; NaN equals NaN. `grid`: patches in a row, and stride."""
    axes, shapes = BY_KEY[key].axes, (tuple(reference.shape), tuple(other.shape))
    if shapes[0] != shapes[1]:
        return StageDifference(key, axes, shapes)
    expected, given = (x.detach().cpu().double() for x in (reference, other))
    same = (expected == given) | (expected.isnan() & given.isnan())
    gap = torch.where(same, 0, (expected - given).abs()).nan_to_num(torch.inf)
    finite = expected[expected.isfinite()]
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
        values=(float(expected[at]), float(given[at])),
        share=float(off.double().mean()),
        patch_at=patch_at,
    )


def _rules(reference: Trace, key: str, differs: Any) -> tuple[str, ...]:
    """The other rules of the dialects with which the two runs agree in this stage."""
    rules = []
    for field, choices in CHOICES.items():
        if key not in touched_by({field}):
            continue
        for choice in choices:
            if choice == getattr(reference.config, field):
                continue
            changed = reference.revised(config=reference.config.replace(**{field: choice}))
            if changed.cost(key) > MOST_TO_TRY:
                continue
            if differs(changed, key).same:
                rules.append(f"{field}={choice!r}")
    return tuple(rules)


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


def _same_samples(reference: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Both with as many samples: one mask for all means the same as equal masks for each."""
    if reference.ndim == other.ndim > 0 and 1 in (reference.shape[0], other.shape[0]):
        n = max(reference.shape[0], other.shape[0])
        reference, other = (x.expand(n, *x.shape[1:]) for x in (reference, other))
    return reference, other
