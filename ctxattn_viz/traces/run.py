"""A trace: everything that happened in one run of contextual attention."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..checks import check_device, shape_of
from ..config import AttentionConfig
from ..devices import has_no_values
from ..errors import InputError
from ..inputs import check_inputs, check_values, nothing_valid
from ..stages import BY_KEY, Stage, patch_grid, query_grid, touched_by
from ..stages.downsampling import lost_fraction, mask_at
from ..stages.mask_validity import valid_patches
from .budget import check_budget, cost_of, plan_table
from .cells import Swept
from .copies import NotPickled, copied, each_once
from .insights import Insights
from .results import StageResult
from .saving import INPUTS, refuse_swapped, write_run
from .swapping import Swap, call_of
from .timing import StageClock
from .values import LazyValues, check_stage_key

if TYPE_CHECKING:
    from ..profiling import Profile


class Trace(Insights, NotPickled, Mapping[str, StageResult]):
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
        swap: Swap = Swap(),  # noqa: B008, it is frozen
    ) -> None:
        self.config = config
        self.budget = budget
        self._swap = swap
        self._results = {result.key: result for result in results}
        computed = {key: result.tensor for key, result in self._results.items()}
        stages = swap.stages(self.layout)
        self._values = LazyValues({**values, **computed}, config, self._compute, stages)
        self._clock = StageClock()
        self._swept: dict[int, Swept] = {}
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

    @property
    def stages(self) -> Mapping[str, Stage]:
        """Every stage by its key: the registry's, or with the function that was swapped in."""
        return self._values.stages

    @property
    def swapped(self) -> tuple[str, ...]:
        """The keys of the stages for which a function of one's own stands in; see `trace`."""
        return self._values.swapped

    def __getitem__(self, key: str) -> StageResult:
        """A stage, computed with all that it needs if this is the first time it is asked for.

        Raises:
            UnknownKeyError: no stage has this key.
            BudgetError: it would not fit the budget; says what would.
            InputError: a function swapped in that does not return what its stage would.
        """
        with self._lock:
            if check_stage_key(key) not in self._results:
                check_budget(self._values, key, self.budget)
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
            return cost_of(self._values, check_stage_key(key))

    def plan(self) -> str:
        """A table of every stage's shape and cost, made without computing any."""
        with self._lock:
            return plan_table(self._values)

    def profile(self, *, runs: int = 3) -> "Profile":
        """What each stage costs here, run again `runs` times; see `ctxattn_viz.profile`."""
        from ..profiling import profile

        inputs, swap = (self.f, self.b, self.mask, self.config), self._swap.functions
        return profile(*inputs, runs=runs, budget=self.budget, swap=swap)

    def layout(self, key: str) -> tuple[tuple[int, ...], torch.dtype]:
        """Shape and dtype of a stage, found without computing it."""
        with self._lock:
            result = self._shapes[check_stage_key(key)]
        return tuple(result.shape), result.dtype

    @cached_property
    def _shapes(self) -> LazyValues:
        """The stages on the meta device: shapes and dtypes, and no numbers."""
        return LazyValues({k: self._values.known[k].to("meta") for k in INPUTS}, self.config)

    def revised(self, mask: Tensor | None = None, config: AttentionConfig | None = None) -> "Trace":
        """The same run with another mask or configuration, and the same functions swapped in.

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
        # A function swapped in may read any of the settings.
        own = set(self.swapped) if changed else set()
        if mask is not None:
            changed.add("mask")
            values["mask"] = values["mask"].detach().clone()
        touched = touched_by(changed | own) | own
        with self._lock:
            untouched = [result for key, result in self._results.items() if key not in touched]
        return Trace(values, new_config, self.budget, untouched, self._swap)

    def unswapped(self) -> "Trace":
        """The same run without the functions swapped in; what they do not touch is handed over."""
        own = set(self.swapped)
        touched = touched_by(own) | own
        with self._lock:
            untouched = [result for key, result in self._results.items() if key not in touched]
        inputs = {name: self._values[name] for name in INPUTS}
        return Trace(inputs, self.config, self.budget, untouched)

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
        return Trace(inputs, self.config, self.budget, results, self._swap)

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

    def save(self, path: str | PathLike[str]) -> None:
        """Write inputs and configuration; `load_trace` makes the same trace, on any device.

        Run on a server, look on a laptop: stages are computed again where the trace is loaded.
        A file that stands at `path` is replaced when the new one is complete, and not before.

        Raises:
            InputError: a path that no file can be written to, a disk that is full; a run with
                functions swapped in, which a file cannot hold.
        """
        refuse_swapped(self.swapped)
        write_run(path, {name: self._values[name] for name in INPUTS}, self.config)

    def __copy__(self) -> "Trace":
        return self.revised()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Trace":
        inputs = {name: self._values[name] for name in INPUTS}
        return Trace(copied(inputs), self.config, self.budget, swap=self._swap)

    def __repr__(self) -> str:
        done = ", ".join(key for key in BY_KEY if self.computed(key)) or "none yet"
        lines = [
            f"Trace(f {tuple(self.f.shape)}, b {tuple(self.b.shape)}, {self.f.dtype} on "
            f"{self.device}, {self.config})",
            f"  computed: {done}",
        ]
        if self.swapped:
            calls = (f"{key} = {call_of(self.stages[key])}" for key in self.swapped)
            lines.append("  swapped: " + ", ".join(calls))
        return "\n".join(lines)

    def _compute_swapped(self, *keys: str) -> None:
        """Those of these stages that are functions swapped in, which make the whole tensor."""
        for key in self.swapped:
            if key in keys:
                _ = self[key]

    def _compute(self, key: str, run: Callable[[], Tensor]) -> Tensor:
        """Run a stage that is asked for the first time, and keep its result."""
        tensor, seconds = self._clock.timed(run, self.device)
        self._results[key] = StageResult(self.stages[key], tensor, seconds)
        return tensor


def check_trace(trace: object) -> None:
    """Raise `InputError` unless it is a `Trace`."""
    if not isinstance(trace, Trace):
        raise InputError("trace", "what ctxattn_viz.trace returned", shape_of(trace))
