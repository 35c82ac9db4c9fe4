"""A trace: everything that happened in one run of contextual attention."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..checks import shape_of
from ..config import AttentionConfig
from ..devices import has_no_values, synchronize
from ..errors import InputError, NothingValidWarning, ThinHoleWarning, UnknownKeyError
from ..habits import takes_a_config, warn, warn_if_channels_last
from ..inputs import check_inputs, check_values, nothing_valid, refuse_recording
from ..stages import BY_KEY, STAGES, patch_grid, query_grid
from ..stages.downsampling import lost_fraction, mask_at
from ..stages.mask_validity import valid_patches
from ..stages.offset_flow import recorded_flow
from ..units import human
from .budget import check_budget, cost_of
from .results import NotPickled, PixelLedger, QueryRow, StageResult
from .rows import pixel_ledger, query_row
from .values import LazyValues

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

INPUTS = ("f", "b", "mask")


if TYPE_CHECKING:
    from ..profiling import Profile


class Trace(NotPickled, Mapping[str, StageResult]):
    """One run: its inputs, its configuration, and every stage, computed on first access.

    A mapping from stage keys (`ctxattn_viz.STAGES`, in the paper's order) to `StageResult`.
    Made by `trace`. Nothing in it requires gradients. Several threads may share it: each stage is
    computed once.

    It holds copies of what `trace` was given, so that writing into f later changes nothing here.
    What it hands out as a stage's tensor, or as f, b and mask, is its own memory and not copied
    again: `clone()` before writing into that. `query` and `pixel` return copies.

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
        self._values = LazyValues(values, config, self._timed)
        self._seconds: dict[str, float] = {}
        self._results: dict[str, StageResult] = {}
        self._nested = 0.0  # time spent in stages that the one being timed asked for
        self._lock = threading.RLock()  # threads that share the trace compute one after another

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
        with self._lock:
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
        with self._lock:
            return cost_of(self._values.known, self.config, _known(key))

    def plan(self) -> str:
        """A table of every stage's shape and cost, made without computing any."""
        lines = [f"{'stage':17} {'shape':28} {'holds':>9} {'access allocates':>17}"]
        for stage in STAGES:
            shape, dtype = self.layout(stage.key)
            lines.append(
                f"{stage.key:17} {shape!s:28} {human(math.prod(shape) * dtype.itemsize):>9}"
                f" {human(self.cost(stage.key)):>17}"
            )
        return "\n".join(lines)

    def profile(self, *, runs: int = 3) -> "Profile":
        """What each stage costs here, run again `runs` times; see `ctxattn_viz.profile`."""
        from ..profiling import profile

        return profile(self.f, self.b, self.mask, self.config, runs=runs, budget=self.budget)

    def layout(self, key: str) -> tuple[tuple[int, ...], torch.dtype]:
        """Shape and dtype of a stage, found without computing it."""
        with self._lock:
            shape = self._shapes[_known(key)]
        return tuple(shape.shape), shape.dtype

    @cached_property
    def _shapes(self) -> LazyValues:
        """The stages on the meta device: shapes and dtypes, and no numbers."""
        return LazyValues({k: self._values[k].to("meta") for k in INPUTS}, self.config)

    def revised(self, mask: Tensor | None = None, config: AttentionConfig | None = None) -> "Trace":
        """The same run with another mask or configuration.

        Stages that the change does not touch are handed over: a new mask or softmax_scale keeps
        the scores and their fusion. None keeps what this trace has.

        Raises:
            InputError: a mask or config that does not fit f and b.
        """
        new_mask = self.mask if mask is None else mask
        values, config = check_inputs(self.f, self.b, new_mask, config or self.config)
        check_values(values, allow_nonfinite=True)  # f and b were let in already
        if mask is not None:
            values |= _copied({"mask": values["mask"]})
        changed = {k for k, v in config.to_dict().items() if v != self.config.to_dict()[k]}
        other = Trace(values, config, self.budget)
        if changed <= _AFTER_FUSION | {"dialect"}:
            with self._lock:
                kept = [key for key in _BEFORE_SOFTMAX if self.computed(key)]
                other._values.known |= {key: self._values.known[key] for key in kept}
                other._seconds |= {key: self._seconds[key] for key in kept}
                other._results |= {key: self._results[key] for key in kept if key in self._results}
        return other

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
        valid = valid_patches(self["downsampled_mask"].tensor, self.config)
        return nothing_valid(valid, self.config)

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
        return query_row(self, row, col, sample)

    def pixel(self, row: int, col: int, sample: int = 0) -> PixelLedger:
        """One output pixel: the overlapping patches, and the weights and colours that sum to it.

        Args:
            row, col: a pixel of the output (H, W).
            sample: which of the batch.

        Raises:
            OutOfGridError: a pixel or sample outside; says the range.
        """
        return pixel_ledger(self, row, col, sample)

    def save(self, path: str | PathLike[str]) -> None:
        """Write inputs and configuration; `load_trace` makes the same trace, on any device.

        Run on a server, look on a laptop: stages are computed again where the trace is loaded.
        A file that stands at `path` is replaced when the new one is complete, and not before.

        Raises:
            InputError: a path that no file can be written to, a disk that is full.
        """
        from .saving import save

        save(self, path)

    def __copy__(self) -> "Trace":
        return self.revised()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Trace":
        return Trace(
            _copied({name: self._values[name] for name in INPUTS}), self.config, self.budget
        )

    def __repr__(self) -> str:
        done = ", ".join(key for key in BY_KEY if self.computed(key)) or "none yet"
        return (
            f"Trace(f {tuple(self.f.shape)}, b {tuple(self.b.shape)}, {self.f.dtype} on "
            f"{self.device}, {self.config})\n  computed: {done}"
        )

    def _sample(self, sample: int) -> dict[str, Tensor]:
        """The small stages of one sample of the batch."""
        keys = ("f", "b", "downsampled_f", "matching_patches", "paste_patches", "valid")
        with self._lock, torch.no_grad():
            return {key: self._values[key][sample : sample + 1] for key in keys}

    def _timed(self, key: str, run: Callable[[], Tensor]) -> Tensor:
        """Run a stage, noting its own seconds without those of the stages it asked for."""
        before, self._nested = self._nested, 0.0
        synchronize(self.device)
        start = time.perf_counter()
        result = run()
        synchronize(self.device)
        elapsed = time.perf_counter() - start
        self._seconds[key] = max(0.0, elapsed - self._nested)  # below 0 by rounding alone
        self._nested = before + elapsed
        return result


@takes_a_config
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
        config: None for the defaults, what the original's network runs with.
        budget: bytes that accessing a stage may allocate; None: half of the free memory.
        allow_nonfinite: accept NaN and infinity, to examine a sick model.

    Raises:
        InputError: naming the argument, what was expected and what came.

    Warns:
        ThinHoleWarning: shrinking the mask lost part of the hole.
        NothingValidWarning: no background patch is valid, which `masked="minus_infinity"` makes
            NaN.
        ChannelsLastWarning: sizes that can be used, but look like (n, height, width, channels).
    """
    refuse_recording()  # first: even a size is something to record
    values, config = check_inputs(f, b, mask, config)
    if not has_no_values(values["f"]):
        check_values(values, allow_nonfinite)
    return started(_copied(values), config, budget)


def started(values: Mapping[str, Tensor], config: AttentionConfig, budget: int | None) -> Trace:
    """A trace of inputs that are checked and its own, and the warnings about them."""
    if budget is not None and not (type(budget) in (int, float) and budget >= 1):
        raise InputError("budget", "a positive number of bytes or None", repr(budget))
    run = Trace(values, config, budget)
    if has_no_values(run.f):
        return run
    warn_if_channels_last(f=run.f, b=run.b)
    for sentence, category in (
        (run.thin_hole(), ThinHoleWarning),
        (run.nothing_valid(), NothingValidWarning),
    ):
        if sentence:
            warn(sentence, category)
    return run


def _copied(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of our own, so that what their owner writes into his later changes nothing here.

    Where f and b are one tensor they stay one.
    """
    copies = {id(x): x.detach().clone() for x in values.values()}
    return {name: copies[id(x)] for name, x in values.items()}


@takes_a_config
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


def check_trace(trace: object) -> None:
    """Raise `InputError` unless it is a `Trace`."""
    if not isinstance(trace, Trace):
        raise InputError("trace", "what ctxattn_viz.trace returned", shape_of(trace))


def _known(key: str) -> str:
    """The key of a stage, or `UnknownKeyError`."""
    if not isinstance(key, str) or key not in BY_KEY:
        raise UnknownKeyError("stage", "one of " + ", ".join(BY_KEY), repr(key))
    return key


def flow_like(trace: Trace, dialect: str) -> Tensor:
    """The flow picture of a trace in the form that a reference returns; see `recorded_flow`.

    It is the reference's own where f and b have one size, the stride is 1 and, for `"pytorch"`,
    the rate is 2. For other sizes and settings no reference has one to compare with: TensorFlow's
    fails at the offsets where f and b differ in size; DAA233 rescales the flattened index there,
    so that its colours mean other places, and fails at every other rate; both fail at a stride.
    """
    return recorded_flow(trace["flow"].tensor, trace.config.rate, dialect)
