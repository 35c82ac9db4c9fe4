"""A trace: everything that happened in one run of contextual attention."""

import io
import json
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .budget import check_budget, cost_of, human
from .config import AttentionConfig
from .errors import (
    InputError,
    NothingValidWarning,
    ThinHoleWarning,
    UnknownKeyError,
    check_device,
    check_index,
    shape_of,
)
from .files import path_of, writing
from .pipeline import LazyValues, check_inputs, check_values, rows_of
from .results import PixelLedger, PixelTerm, QueryRow, StageResult
from .stages import BY_KEY, MATRICES, STAGES, patch_grid, query_grid
from .stages.deconvolution import mix_patches, overlap
from .stages.downsampling import lost_fraction, mask_at
from .stages.mask_validity import valid_patches
from .stages.offset_flow import recorded_flow
from .stages.patch_extraction import same_padding

# What neither the mask nor these fields touch is kept by `Trace.revised`.
_AFTER_FUSION = frozenset({"softmax_scale", "masked", "overlap", "mask_of_batch"})
_BEFORE_SOFTMAX = (
    "downsampled_f",
    "downsampled_b",
    "matching_patches",
    "paste_patches",
    "scores",
    "fused_rows",
    "fused_scores",
)

if TYPE_CHECKING:
    from .profiling import Profile


class Trace(Mapping[str, StageResult]):
    """One run: its inputs, its configuration, and every stage, computed on first access.

    A mapping from stage keys (`ctxattn_viz.STAGES`, in the paper's order) to `StageResult`.
    Made by `trace`. Nothing in it requires gradients.

    Attributes:
        f, b: the inputs, `(n, c, H, W)` and `(n, c, Hb, Wb)`.
        mask: `(1|n, 1, Hb·m, Wb·m)` in the dtype of f; zeros when none was given.
        config: the `AttentionConfig`.
        budget: bytes that an access may allocate; None for half of the memory free at the time.
    """

    def __init__(
        self, values: Mapping[str, Tensor], config: AttentionConfig, budget: int | None = None
    ) -> None:
        self.config = config
        self.budget = budget
        self._values = LazyValues(
            {name: x.detach() for name, x in values.items()}, config, self._timed
        )
        self._seconds: dict[str, float] = {}
        self._results: dict[str, StageResult] = {}
        self._nested = 0.0  # time spent in stages that the one being timed asked for

    f = property(lambda self: self._values["f"])
    b = property(lambda self: self._values["b"])
    mask = property(lambda self: self._values["mask"])

    @property
    def mask_at_b(self) -> Tensor:
        """The mask at b's size, `(1|n, 1, Hb, Wb)`, whatever multiple of it was given."""
        return mask_at(self.mask, (self.b.shape[2], self.b.shape[3]), self.config)

    @property
    def device(self) -> torch.device:
        """Where the stages run: where the inputs live."""
        return self.f.device

    @property
    def query_grid(self) -> tuple[int, int]:
        """Rows and columns of query cells, (h, w)."""
        return query_grid(self._values, self.config)

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of background patches, (gh, gw)."""
        return patch_grid(self._values, self.config)

    def __getitem__(self, key: str) -> StageResult:
        """A stage, computed with all that it needs if this is the first time it is asked for.

        Raises:
            UnknownKeyError: no stage has this key.
            BudgetError: it would not fit the budget; says what would.
        """
        if _known(key) not in self._results:
            if key not in self._values.known:
                check_budget(self._values.known, self.config, key, self.budget)
            with torch.no_grad():
                tensor = self._values[key]
            self._results[key] = StageResult(BY_KEY[key], tensor, self._seconds[key])
        return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(BY_KEY)

    def __len__(self) -> int:
        return len(BY_KEY)

    def computed(self, key: str) -> bool:
        """Whether a stage has been computed already."""
        return _known(key) in self._values.known

    def cost(self, key: str) -> int:
        """Bytes that accessing a stage would allocate at its peak, given what is there already."""
        return cost_of(self._values.known, self.config, _known(key))

    def plan(self) -> str:
        """A table of every stage's shape and cost, made without computing any."""
        meta = LazyValues({k: v.to("meta") for k, v in self._values.known.items()}, self.config)
        lines = [f"{'stage':17} {'shape':28} {'holds':>9} {'access allocates':>17}"]
        for stage in STAGES:
            x = meta[stage.key]
            lines.append(
                f"{stage.key:17} {tuple(x.shape)!s:28} {human(x.numel() * x.element_size()):>9}"
                f" {human(self.cost(stage.key)):>17}"
            )
        return "\n".join(lines)

    def profile(self, *, runs: int = 3) -> "Profile":
        """What each stage costs here, run again `runs` times; see `ctxattn_viz.profile`."""
        from .profiling import profile

        return profile(self.f, self.b, self.mask, self.config, runs=runs, budget=self.budget)

    def layout(self, key: str) -> tuple[tuple[int, ...], torch.dtype]:
        """Shape and dtype of a stage, found without computing it."""
        shape = self._shapes[_known(key)]
        return tuple(shape.shape), shape.dtype

    @cached_property
    def _shapes(self) -> LazyValues:
        """The stages on the meta device: shapes and dtypes, and no numbers."""
        return LazyValues({k: v.to("meta") for k, v in self._values.known.items()}, self.config)

    def revised(self, mask: Tensor | None = None, config: AttentionConfig | None = None) -> "Trace":
        """The same run with another mask or configuration.

        Stages that the change does not touch are handed over: a new mask or softmax_scale keeps
        the scores and their fusion. None keeps what this trace has.

        Raises:
            InputError: a mask or config that does not fit f and b.
        """
        mask = self.mask if mask is None else mask
        values, config = check_inputs(self.f, self.b, mask, config or self.config)
        check_values(values, allow_nonfinite=True)  # f and b were let in already
        changed = {k for k, v in config.to_dict().items() if v != self.config.to_dict()[k]}
        made = Trace(values, config, self.budget)
        if changed <= _AFTER_FUSION | {"dialect"}:
            kept = [key for key in _BEFORE_SOFTMAX if self.computed(key)]
            made._values.known |= {key: self._values.known[key] for key in kept}
            made._seconds |= {key: self._seconds[key] for key in kept}
            made._results |= {key: self._results[key] for key in kept if key in self._results}
        return made

    def thin_hole(self) -> str:
        """A sentence about the part of the hole that shrinking lost; empty when it lost none."""
        lost = lost_fraction(self.mask, self["downsampled_mask"].tensor, self.config)
        if not lost > 0:
            return ""
        return (
            f"mask: shrinking by rate {self.config.rate} lost {lost:.1%} of the hole's pixels (it "
            "is thinner there than the pixels that are kept): patches that held them count as "
            "valid, and hole pixels are pasted. Widen the hole, or shrink less."
        )

    def nothing_valid(self) -> str:
        """A sentence about the NaN that no valid patch at all makes; empty where there is none."""
        if self.config.masked != "minus_infinity":
            return ""
        valid = valid_patches(self["downsampled_mask"].tensor, self.config)
        empty = (~valid.any(dim=1)).nonzero()[:, 0].tolist()
        if not empty:
            return ""
        where = f" in sample {empty[0]}" if len(valid) > 1 else ""
        return (
            f"mask: no background patch is free of the hole{where}, and masked='minus_infinity' "
            "makes attention and output NaN there. Make the hole smaller, or take masked='zero', "
            "which makes them 0."
        )

    def query(self, row: int, col: int, sample: int = 0) -> QueryRow:
        """One foreground cell: its row at every stage, best matches first.

        Stages that are there already are read; the rest is computed for this cell alone, so the
        score matrix is not needed.

        Args:
            row, col: a cell of the query grid (h, w).
            sample: which of the batch.

        Raises:
            OutOfGridError: a cell or sample outside; says the range.
        """
        grid = self.query_grid
        row, col = check_index("row", row, grid[0]), check_index("col", col, grid[1])
        sample = check_index("sample", sample, self.f.shape[0])
        one = self._sample(sample)
        rows = self._rows(torch.tensor([row * grid[1] + col], device=self.device), sample)
        rows = {key: x[0].unflatten(0, self.patch_grid) for key, x in rows.items()}
        patch = mix_patches(rows["attention"].reshape(1, 1, -1), one["paste_patches"])[0, 0]
        return QueryRow(
            row=row,
            col=col,
            sample=sample,
            config=self.config,
            valid=one["valid"][0].unflatten(0, self.patch_grid),
            patch=patch,
            **rows,
        )

    def pixel(self, row: int, col: int, sample: int = 0) -> PixelLedger:
        """One output pixel: the overlapping patches, and the weights and colours that sum to it.

        Args:
            row, col: a pixel of the output (H, W).
            sample: which of the batch.

        Raises:
            OutOfGridError: a pixel or sample outside; says the range.
        """
        row, col = (
            check_index("row", row, self.f.shape[2]),
            check_index("col", col, self.f.shape[3]),
        )
        sample = check_index("sample", sample, self.f.shape[0])
        grid, rate = self.query_grid, self.config.rate
        before, _ = same_padding(2 * rate, rate)
        cells = [
            (y, x)
            for y in range(grid[0])
            for x in range(grid[1])
            if 0 <= row - y * rate + before < 2 * rate and 0 <= col - x * rate + before < 2 * rate
        ]
        queries = torch.tensor([y * grid[1] + x for y, x in cells], device=self.device)
        weights = self._rows(queries, sample)["attention"]  # (Q, L)
        paste = self._sample(sample)["paste_patches"][0]  # (L, c, 2·rate, 2·rate)
        terms = []
        for (y, x), weight in zip(cells, weights, strict=True):
            at = (row - y * rate + before, col - x * rate + before)
            colours = paste[:, :, at[0], at[1]].to(weight.dtype)
            terms.append(PixelTerm((y, x), at, weight, colours, self.patch_grid, self.config))
        divisor = float(overlap(grid, self.config)[0, 0, row, col])
        return PixelLedger(row, col, sample, terms, divisor)

    def save(self, path: str | PathLike[str]) -> None:
        """Write inputs and configuration; `load_trace` makes the same trace, on any device.

        Run on a server, look on a laptop: stages are computed again where the trace is loaded.

        Raises:
            InputError: a path that no file can be written to.
        """
        with writing("path", path) as file:
            held: dict[str, Any] = {"ctxattn_viz": 1, "config": self.config.to_dict()}
            held |= {name: self._values[name].cpu() for name in ("f", "b", "mask")}
            # By way of memory: PyTorch hides what the file system says behind errors of its own.
            buffer = io.BytesIO()
            torch.save(held | {"checksum": _checksum(held)}, buffer)
            file.write(buffer.getbuffer())

    def __repr__(self) -> str:
        done = ", ".join(key for key in BY_KEY if self.computed(key)) or "none yet"
        return (
            f"Trace(f {tuple(self.f.shape)}, b {tuple(self.b.shape)}, {self.f.dtype} on "
            f"{self.device}, {self.config})\n  computed: {done}"
        )

    def _sample(self, sample: int) -> dict[str, Tensor]:
        """The small stages of one sample of the batch."""
        keys = ("f", "b", "downsampled_f", "matching_patches", "paste_patches", "valid")
        with torch.no_grad():
            return {key: self._values[key][sample : sample + 1] for key in keys}

    def _rows(self, queries: Tensor, sample: int) -> dict[str, Tensor]:
        """`(Q, L)` rows of one sample at the four matrix stages."""
        rows = {}
        if not all(map(self.computed, MATRICES)):
            with torch.no_grad():
                rows = rows_of(self._sample(sample), self.config, queries)
            rows = {key: x[0] for key, x in rows.items()}
        kept = {key: self._values.known[key] for key in MATRICES if self.computed(key)}
        return rows | {key: x[sample].flatten(0, 1)[queries] for key, x in kept.items()}

    def _timed(self, key: str, run: Callable[[], Tensor]) -> Tensor:
        """Run a stage, noting its own seconds without those of the stages it asked for."""
        before, self._nested = self._nested, 0.0
        synchronize(self.device)
        start = time.perf_counter()
        result = run()
        synchronize(self.device)
        elapsed = time.perf_counter() - start
        self._seconds[key] = elapsed - self._nested
        self._nested = before + elapsed
        return result


def trace(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    budget: int | None = None,
    allow_nonfinite: bool = False,
) -> Trace:
    """One run of contextual attention that can be looked into, stage by stage.

    Args:
        f: foreground `(n, c, H, W)`, floating; what is reconstructed.
        b: background `(n, c, Hb, Wb)`; what is pasted from.
        mask: `(1|n, 1, Hb·m, Wb·m)`, 1 is a hole in b, m whole; None: nothing is missing.
        config: None for the original's defaults.
        budget: bytes that accessing a stage may allocate; None: half of the free memory.
        allow_nonfinite: accept NaN and infinity, to examine a sick model.

    Raises:
        InputError: naming the argument, what was expected and what came.

    Warns:
        ThinHoleWarning: shrinking the mask lost part of the hole.
        NothingValidWarning: no background patch is valid, which `masked="minus_infinity"` makes
            NaN.
    """
    values, config = check_inputs(f, b, mask, config)
    if budget is not None and not (type(budget) in (int, float) and budget >= 1):
        raise InputError("budget", "a positive number of bytes or None", repr(budget))
    made = Trace(values, config, budget)
    if made.device.type == "meta":
        return made
    check_values(values, allow_nonfinite)
    if lost := made.thin_hole():
        warnings.warn(lost, ThinHoleWarning, stacklevel=2)
    if none := made.nothing_valid():
        warnings.warn(none, NothingValidWarning, stacklevel=2)
    return made


def steps(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    budget: int | None = None,
    allow_nonfinite: bool = False,
) -> Iterator[StageResult]:
    """The stages of one run, each computed when it is reached, in the paper's order.

    Takes and raises what `trace` does; inputs are checked at the call, not at the first step.
    """
    made = trace(f, b, mask, config, budget=budget, allow_nonfinite=allow_nonfinite)
    return iter(made.values())


def load_trace(
    path: str | PathLike[str], device: torch.device | str = "cpu", *, budget: int | None = None
) -> Trace:
    """A trace from the file that `Trace.save` wrote.

    Args:
        path: the file.
        device: where its stages will run.

    Raises:
        InputError: a device that is not there, a file that is not a trace or is damaged.
    """
    device = check_device("device", device)
    try:
        held = torch.load(path_of("path", path), map_location="cpu", weights_only=True)
        config = AttentionConfig.from_dict(held["config"])
        # PyTorch reads flipped bytes as it finds them. (Files of before hold no checksum.)
        if held.get("checksum", found := _checksum(held)) != found:
            raise ValueError("not the bytes that were saved")
        values = {name: held[name].to(device) for name in ("f", "b", "mask")}
    except FileNotFoundError:
        raise
    except Exception as problem:
        raise InputError("path", "a file that Trace.save wrote", str(path)) from problem
    return Trace(check_inputs(**values, config=config)[0], config, budget)


def check_trace(trace: object) -> None:
    """Raise `InputError` unless it is a `Trace`."""
    if not isinstance(trace, Trace):
        raise InputError("trace", "what ctxattn_viz.trace returned", shape_of(trace))


def _known(key: str) -> str:
    """The key of a stage, or `UnknownKeyError`."""
    if key not in BY_KEY:
        raise UnknownKeyError("stage", "one of " + ", ".join(BY_KEY), repr(key))
    return key


def _checksum(held: Mapping[str, Any]) -> int:
    """CRC-32 of what a file holds: the configuration, and the bytes of f, b and mask."""
    total = zlib.crc32(json.dumps(held["config"], sort_keys=True).encode())
    for name in ("f", "b", "mask"):
        total = zlib.crc32(held[name].contiguous().flatten().view(torch.uint8).numpy(), total)
    return total


def flow_like(trace: Trace, dialect: str) -> Tensor:
    """The flow picture of a trace in the form that a reference returns; see `recorded_flow`."""
    return recorded_flow(trace["flow"].tensor, trace.config.rate, dialect)


def synchronize(device: torch.device) -> None:
    """Wait until everything asked of a device is done, so that a clock tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
