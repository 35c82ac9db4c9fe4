"""A trace: everything that happened in one run of contextual attention."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..checks import check_device, check_index, shape_of
from ..config import AttentionConfig
from ..devices import has_no_values
from ..errors import InputError, NothingValidWarning, ThinHoleWarning
from ..habits import takes_a_config, warn, warn_if_channels_last
from ..inputs import check_inputs, check_values, nothing_valid, refuse_recording
from ..stages import BY_KEY, patch_grid, query_grid, touched_by
from ..stages.downsampling import lost_fraction, mask_at
from ..stages.mask_validity import valid_patches
from .budget import check_budget, cost_of, plan_table
from .cells import Cells, Place, cells_of, places_where
from .copies import copied, each_once
from .facts import facts_of
from .findings import findings_of
from .gradients import gradient_of
from .remarks import Remarks
from .results import NotPickled, PixelLedger, QueryRow, StageResult
from .rows import pixel_ledger, query_row
from .saving import INPUTS, write_run
from .timing import StageClock
from .values import LazyValues, check_stage_key

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

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run: cv.Trace = cv.trace(x, x)
    >>> [key for key in run if run.computed(key)]  # the mask alone; others wait
    ['downsampled_mask']
    >>> run["scores"].shape
    (1, 2, 2, 4)
    >>> run.revised(config=run.config.replace(softmax_scale=1.0)).computed("scores")  # kept
    True
    """

    def __init__(
        self,
        values: Mapping[str, Tensor],
        config: AttentionConfig,
        budget: int | None = None,
        results: Iterable[StageResult] = (),
    ) -> None:
        self.config = config
        self.budget = budget
        self._results = {result.key: result for result in results}
        computed = {key: result.tensor for key, result in self._results.items()}
        self._values = LazyValues({**values, **computed}, config, self._compute)
        self._clock = StageClock()
        self._cells: dict[int, Cells] = {}
        self._lock = threading.RLock()  # threads that share the trace compute one after another

    @property
    def f(self) -> Tensor:
        """The foreground `(n, c, H, W)`."""
        return self._values["f"]

    @property
    def b(self) -> Tensor:
        """The background `(n, c, Hb, Wb)`."""
        return self._values["b"]

    @property
    def mask(self) -> Tensor:
        """1 is a hole in b: `(1|n, 1, Hb·m, Wb·m)`."""
        return self._values["mask"]

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
            if check_stage_key(key) not in self._results:
                check_budget(self._values.known, self.config, key, self.budget)
                with torch.no_grad():
                    self._values.compute(key)
            return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(BY_KEY)

    def __len__(self) -> int:
        return len(BY_KEY)

    def computed(self, key: str) -> bool:
        """Whether a stage has been computed already."""
        return check_stage_key(key) in self._results

    def cost(self, key: str) -> int:
        """Bytes that accessing a stage would allocate at its peak, given what is there already."""
        with self._lock:
            return cost_of(self._values.known, self.config, check_stage_key(key))

    def plan(self) -> str:
        """A table of every stage's shape and cost, made without computing any."""
        with self._lock:
            return plan_table(self._values.known, self.config)

    def profile(self, *, runs: int = 3) -> "Profile":
        """What each stage costs here, run again `runs` times; see `ctxattn_viz.profile`."""
        from ..profiling import profile

        return profile(self.f, self.b, self.mask, self.config, runs=runs, budget=self.budget)

    def layout(self, key: str) -> tuple[tuple[int, ...], torch.dtype]:
        """Shape and dtype of a stage, found without computing it."""
        with self._lock:
            result = self._shapes[check_stage_key(key)]
        return tuple(result.shape), result.dtype

    @cached_property
    def _shapes(self) -> LazyValues:
        """The stages on the meta device: shapes and dtypes, and no numbers."""
        return LazyValues({k: self._values[k].to("meta") for k in INPUTS}, self.config)

    def revised(self, mask: Tensor | None = None, config: AttentionConfig | None = None) -> "Trace":
        """The same run with another mask or configuration.

        Stages that the change does not touch are handed over: a new mask or softmax_scale keeps
        the scores and their fusion, for instance. None keeps what this trace has.

        Raises:
            InputError: a mask or config that does not fit f and b.
        """
        new_mask = self.mask if mask is None else mask
        new_config = self.config if config is None else config
        values, new_config = check_inputs(self.f, self.b, new_mask, new_config)
        check_values(values, allow_nonfinite=True)  # f and b were let in already
        changed = {
            field.name
            for field in fields(AttentionConfig)
            if getattr(new_config, field.name) != getattr(self.config, field.name)
        }
        if mask is not None:
            changed.add("mask")
            values["mask"] = values["mask"].detach().clone()
        touched = touched_by(changed)
        with self._lock:
            untouched = [result for key, result in self._results.items() if key not in touched]
        return Trace(values, new_config, self.budget, untouched)

    def to(self, device: torch.device | str) -> "Trace":
        """The same run on another device, with the stages that are computed already.

        Returns:
            this trace itself where it is on that device; else one that shares no memory with it.

        Raises:
            InputError: a device that is not there, or a run that has shapes and no values.
        """
        device = check_device("device", device)
        if device == self.device:
            return self
        if has_no_values(self.f):
            raise InputError("device", f"{self.device}, as the run has no values", device)
        with self._lock:
            results = list(self._results.values())
        tensors = {name: self._values[name] for name in INPUTS}
        tensors |= {result.key: result.tensor for result in results}
        moved = each_once(lambda x: x.to(device), tensors)
        inputs = {name: moved[name] for name in INPUTS}
        results = [replace(result, tensor=moved[result.key]) for result in results]
        return Trace(inputs, self.config, self.budget, results)

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
        with self._lock, torch.no_grad():
            return query_row(self._values, row, col, sample)

    def pixel(self, row: int, col: int, sample: int = 0) -> PixelLedger:
        """One output pixel: the overlapping patches, and the weights and colours that sum to it.

        Args:
            row, col: a pixel of the output (H, W).
            sample: which of the batch.

        Raises:
            OutOfGridError: a pixel or sample outside; says the range.
        """
        with self._lock, torch.no_grad():
            return pixel_ledger(self._values, row, col, sample)

    gradient = gradient_of

    @cached_property
    def facts(self) -> Remarks:
        """The rules in force for this configuration and these inputs, each with its place."""
        return facts_of(self._values)

    @cached_property
    def findings(self) -> Remarks:
        """What is remarkable about this run, each with its place; see `traces.findings`.

        Rows are looked at block by block: of matrices only those that are there are read.

        Raises:
            BudgetError: not even a block of one row would fit the budget.
        """
        with torch.no_grad():
            return findings_of(self._values, self.cells)

    def cells(self, sample: int = 0) -> Cells:
        """Every query cell of one sample in a few numbers; raises what `findings` does."""
        sample = check_index("sample", sample, len(self.f))
        with self._lock, torch.no_grad():
            if sample not in self._cells:
                self._cells[sample] = cells_of(self._values, sample, self.budget)
        return self._cells[sample]

    def where(self, predicate: Callable[[Cells], Tensor], sample: int = 0) -> list[Place]:
        """The query cells, (row, column), for which something holds: `debug(run, cells=…)` walks.

        Args:
            predicate: gets a `Cells`, whose attributes are `(h, w)` tensors, and returns True or
                False for each: `lambda cell: cell.hole & (cell.best_share > 0.9)`.
            sample: which of the batch.

        Raises:
            InputError: a predicate that is no such function; says what was expected.
        """
        return places_where(predicate, self.cells(sample))

    def save(self, path: str | PathLike[str]) -> None:
        """Write inputs and configuration; `load_trace` makes the same trace, on any device.

        Run on a server, look on a laptop: stages are computed again where the trace is loaded.
        A file that stands at `path` is replaced when the new one is complete, and not before.

        Raises:
            InputError: a path that no file can be written to, a disk that is full.
        """
        write_run(path, {name: self._values[name] for name in INPUTS}, self.config)

    def __copy__(self) -> "Trace":
        return self.revised()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Trace":
        inputs = {name: self._values[name] for name in INPUTS}
        return Trace(copied(inputs), self.config, self.budget)

    def __repr__(self) -> str:
        done = ", ".join(key for key in BY_KEY if self.computed(key)) or "none yet"
        return (
            f"Trace(f {tuple(self.f.shape)}, b {tuple(self.b.shape)}, {self.f.dtype} on "
            f"{self.device}, {self.config})\n  computed: {done}"
        )

    def _compute(self, key: str, run: Callable[[], Tensor]) -> Tensor:
        """Run a stage that is asked for the first time, and keep its result."""
        tensor, seconds = self._clock.timed(run, self.device)
        self._results[key] = StageResult(BY_KEY[key], tensor, seconds)
        return tensor


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

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run = cv.trace(x, x)
    >>> print(run["downsampled_f"].tensor[0, 0])  # at rate 2: rows and columns 0 and 3
    tensor([[0.0000, 0.0625],
            [0.2500, 0.3125]])
    >>> run["attention"].shape  # 2×2 query cells, 4 background patches
    (1, 2, 2, 4)
    """
    refuse_recording()  # first: even a size is something to record
    values, config = check_inputs(f, b, mask, config)
    if not has_no_values(values["f"]):
        check_values(values, allow_nonfinite)
    return started(copied(values), config, budget)


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


def check_trace(trace: object) -> None:
    """Raise `InputError` unless it is a `Trace`."""
    if not isinstance(trace, Trace):
        raise InputError("trace", "what ctxattn_viz.trace returned", shape_of(trace))
