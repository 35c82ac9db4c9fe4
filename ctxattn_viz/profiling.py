"""What each stage costs: time, operations, bytes, memory, and how near the machine's own limits.

A stage can be slow for two reasons: it has much to multiply, or much to carry. Which of the two,
and how well the machine is used, shows against two ceilings measured beside it: how many
operations a second a large matrix product reaches, and how many bytes a second a large copy.

Operations are counted by hand from the formulas, for what is done to every pair of query and
patch; what is done once a query or once a patch is left out. Bytes are the least there can be:
each input read once, the result written once.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .attention import choose_method, contextual_attention
from .config import AttentionConfig
from .devices import synchronize
from .errors import InputError
from .progress import with_progress_bar
from .stages import BY_KEY, STAGES, Values
from .traces.run import Trace
from .traces.starting import trace
from .units import count_text, human, seconds_text

if TYPE_CHECKING:
    from .figures.drawing import Figure

LAYER = "contextual_attention"


@dataclass(frozen=True)
class Cost:
    """One stage's price.

    Attributes:
        key: the stage's, or `"contextual_attention"` for the layer, which does it all.
        seconds: the median of several runs, device included, without the stages it needs.
        operations: additions, multiplications, exponentials and divisions; None for the layer,
            whose count depends on the method.
        moved: bytes that must be read and written at least; likewise.
        peak: bytes of tensors held at once, at most, above what was held before.

    >>> cost = cv.Cost("scores", seconds=0.5, operations=4_000_000, moved=1000, peak=2000)
    >>> cost.operations / cost.seconds  # a second
    8000000.0
    """

    key: str
    seconds: float
    operations: int | None
    moved: int | None
    peak: int


@dataclass(frozen=True)
class Ceilings:
    """What the machine can do, measured.

    Attributes:
        operations: a second, in a large matrix product of the dtype that the stages compute in.
        moved: bytes a second, read and written, in a large copy.

    >>> ceilings = cv.Ceilings(operations=1e12, moved=1e11)
    >>> ceilings.operations / ceilings.moved  # a byte: above that, multiplying is the limit
    10.0
    """

    operations: float
    moved: float


@dataclass(frozen=True, repr=False)
class Profile:
    """The price of every stage of one run, and of the layer that never holds the matrix.

    Attributes:
        stages: one `Cost` a stage, in the paper's order.
        layer: of `contextual_attention` on the same inputs.
        ceilings: of the device.
        device: what it ran on.
        runs: how many were timed.
        method: how the layer attends; see `ctxattn_viz.attention`.

    >>> cost = cv.Cost("scores", seconds=2.0, operations=10**12, moved=10**9, peak=10**9)
    >>> profile = cv.Profile((cost,), cost, cv.Ceilings(1e12, 1e11), "a GPU", 1, "sdpa")
    >>> profile.limit("scores"), profile.reached("scores")  # 1 s would do for 10¹² operations
    ('operations', 0.5)
    """

    stages: tuple[Cost, ...]
    layer: Cost
    ceilings: Ceilings
    device: str
    runs: int
    method: str

    def __getitem__(self, key: str) -> Cost:
        """The cost of a stage by its key; `"contextual_attention"` is the layer's."""
        return {cost.key: cost for cost in (*self.stages, self.layer)}[key]

    @property
    def seconds(self) -> float:
        """Time of all stages together."""
        return sum(cost.seconds for cost in self.stages)

    def share(self, key: str) -> float:
        """A stage's part of that, from 0 to 1."""
        return self[key].seconds / self.seconds

    def reached(self, key: str) -> float:
        """The least time that the ceilings allow a stage, over the time it took: 1 is perfect."""
        cost = self[key]
        return max(self._least(cost)) / cost.seconds if cost.seconds else 0.0

    def limit(self, key: str) -> str:
        """Which ceiling a stage meets first: `"operations"` or `"bytes"`."""
        multiplying, carrying = self._least(self[key])
        return "operations" if multiplying > carrying else "bytes"

    def _least(self, cost: Cost) -> tuple[float, float]:
        return (
            (cost.operations or 0) / self.ceilings.operations,
            (cost.moved or 0) / self.ceilings.moved,
        )

    def table(self) -> str:
        """Everything, a stage a line."""
        lines = [
            f"{'stage':21} {'time':>9} {'share':>6} {'operations':>10} {'bytes':>8} {'peak':>8}"
            f" {'limited by':>10} {'reached':>7}"
        ]
        for cost in self.stages:
            lines.append(
                f"{cost.key:21} {seconds_text(cost.seconds):>9} {self.share(cost.key):6.1%}"
                f" {count_text(cost.operations or 0):>10} {human(cost.moved or 0):>8}"
                f" {human(cost.peak):>8} {self.limit(cost.key):>10} {self.reached(cost.key):7.0%}"
            )
        lines += [
            f"{'all stages':21} {seconds_text(self.seconds):>9}",
            f"{self.layer.key:21} {seconds_text(self.layer.seconds):>9} {'':>6} {'':>10} {'':>8}"
            f" {human(self.layer.peak):>8}   (method {self.method!r})",
            f"ceilings of {self.device}: {count_text(self.ceilings.operations)} operations and "
            f"{human(self.ceilings.moved)} a second; medians of {self.runs} runs",
        ]
        return "\n".join(lines)

    __repr__ = table

    def figure(self) -> "Figure":
        """Where the time goes, and each stage against the two ceilings."""
        from .figures.drawing import STYLE, canvas, matplotlib

        description = (
            "Left: the time of each stage, and of the layer that does it all. Right: each stage's "
            "operations a second over its operations a byte, below the roof of the two ceilings."
        )
        figure, axes = canvas(1, 2, height=3.4, alt=description)
        with matplotlib.rc_context(STYLE):
            _draw_times(axes[0, 0], (*self.stages, self.layer))
            _draw_roof(axes[0, 1], self)
        return figure


def profile(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    runs: int = 3,
    budget: int | None = None,
    swap: Mapping[str, Callable[..., Tensor]] | None = None,
) -> Profile:
    """What every stage costs on the device where f and b are, and what the layer costs instead.

    All stages run `runs` times after a first time that is not counted and in which memory is.

    Args:
        f, b, mask, config: as for `trace`.
        runs: how many are timed.
        budget: as for `trace`: stages that would not fit are refused before anything is allocated.
        swap: as for `trace`; the operations of a function of one's own are not known.

    Raises:
        InputError: bad inputs, or no run at all.
        BudgetError: the score matrix would not fit.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> profile = cv.profile(x, x, runs=1)
    >>> profile.runs, profile["downsampled_f"].seconds > 0
    (1, True)
    """
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 1:
        raise InputError("runs", "an integer ≥ 1", repr(runs))
    first = trace(f, b, mask, config, budget=budget, swap=swap)
    if first.device.type == "meta":
        raise InputError("f", "a device that computes", "the meta device")
    config, inputs = first.config, (first.f, first.b, first.mask)
    method = choose_method(first.f.shape[1], config)

    peaks = {}
    for key in BY_KEY:
        with PeakMemory() as memory:
            _ = first[key]
        peaks[key] = memory.peak
    counts: dict[str, tuple[int | None, int | None]] = {
        key: (None if key in first.swapped else operations(first, key), moved(first, key))
        for key in BY_KEY
    }
    counts[LAYER] = None, None
    del first
    with PeakMemory() as memory, torch.no_grad():
        contextual_attention(*inputs, config)
    peaks[LAYER] = memory.peak

    seconds: dict[str, list[float]] = {key: [] for key in (*BY_KEY, LAYER)}
    for _ in with_progress_bar(range(runs), "profile"):
        run = trace(*inputs, config, budget=budget, swap=swap)
        for key in BY_KEY:
            seconds[key].append(run[key].seconds)
        del run
        seconds[LAYER].append(_timed(lambda: contextual_attention(*inputs, config), inputs[0]))
    costs = {
        key: Cost(key, statistics.median(times), *counts[key], peaks[key])
        for key, times in seconds.items()
    }
    return Profile(
        tuple(costs[stage.key] for stage in STAGES),
        costs[LAYER],
        ceilings(inputs[0].device, inputs[0].dtype),
        _name(inputs[0].device),
        runs,
        method,
    )


def operations(run: Trace, key: str) -> int:
    """Operations of a stage by hand, those done to every pair of query and patch.

    For the worked example, 3 channels and 16384² pairs: scores 2·27 a pair, the output 2·48.
    """
    config, n, channels = run.config, run.f.shape[0], run.f.shape[1]
    pairs = n * math.prod(run.query_grid) * math.prod(run.patch_grid)
    fusing = config.fuse_k - 1 if config.fuse else 0
    each = {
        "scores": 2 * channels * config.ksize**2,  # a multiplication and an addition
        "fused_rows": fusing,
        "fused_scores": fusing,
        # scale; largest, difference, exponential, sum, division; and where masked scores are
        # zeros, × valid before and after
        "attention": 6 + (2 if config.masked == "zero" else 0),
        "output": 2 * channels * (2 * config.rate) ** 2,
        "offsets": 1,
    }
    return pairs * each.get(key, 0)


def moved(run: Trace, key: str) -> int:
    """Bytes that a stage must move: what it reads, once, and its result."""
    inputs: Values = {"f": run.f, "b": run.b, "mask": run.mask}
    tensors = [run[key].tensor]
    for name in BY_KEY[key].inputs:
        tensors.append(inputs[name] if name in inputs else run[name].tensor)
    return sum(x.numel() * x.element_size() for x in tensors)


def ceilings(device: torch.device, dtype: torch.dtype = torch.float32) -> Ceilings:
    """The device's own limits, the best of a few tries: a matrix product and a copy, both large."""
    size = 1536 if device.type == "cpu" else 8192
    dtype = torch.promote_types(dtype, torch.float32)
    a = torch.randn(size, size, device=device, dtype=dtype)
    product = torch.empty_like(a)
    multiplying = min(_timed(lambda: torch.mm(a, a, out=product), a) for _ in range(5))
    source = torch.zeros(
        2**25 if device.type == "cpu" else 2**28, device=device, dtype=torch.float32
    )
    copy = torch.zeros_like(source)
    carrying = min(_timed(lambda: copy.copy_(source), a) for _ in range(5))
    return Ceilings(2 * size**3 / multiplying, 2 * 4 * source.numel() / carrying)


class PeakMemory(TorchDispatchMode):
    """The most bytes at once of tensors that were made while it was on.

    `with PeakMemory() as memory: …`, then `memory.peak`. What a kernel of PyTorch's needs inside,
    for itself, is not among them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._storages: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        addresses = {_address_and_storage(x)[0] for x in given}
        result = func(*args, **kwargs)
        for x in tree_leaves(result):
            # On the meta device, where costs are foreseen, tensors have a size and no bytes.
            if isinstance(x, Tensor) and x.device.type != "meta":
                address, storage = _address_and_storage(x)
                if address not in addresses:
                    self._storages[address] = storage, x.untyped_storage().nbytes()
        self._storages = {
            address: (storage, size)
            for address, (storage, size) in self._storages.items()
            if not storage.expired()
        }
        self.peak = max(self.peak, sum(size for _, size in self._storages.values()))
        return result


def _address_and_storage(x: Tensor) -> tuple[int, StorageWeakRef]:
    storage = StorageWeakRef(x.untyped_storage())
    return storage.cdata, storage


def _timed(call: Any, on: Tensor) -> float:
    if on.device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        with torch.no_grad():
            call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000
    synchronize(on.device)
    before = time.perf_counter()
    with torch.no_grad():
        call()
    synchronize(on.device)
    return time.perf_counter() - before


def _draw_times(ax: Any, costs: tuple[Cost, ...]) -> None:
    names = [cost.key for cost in costs]
    bars = ax.barh(names, [cost.seconds for cost in costs], color=["#56B4E9"] * (len(costs) - 1))
    bars[-1].set_color("#D55E00")
    ax.bar_label(bars, [seconds_text(cost.seconds) for cost in costs], padding=3, fontsize=7)
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.set(xlabel="seconds", title="time")


def _draw_roof(ax: Any, profile: Profile) -> None:
    top, slope = profile.ceilings.operations, profile.ceilings.moved
    counted = [cost for cost in profile.stages if cost.operations and cost.moved and cost.seconds]
    x = [cost.operations / cost.moved for cost in counted if cost.operations and cost.moved]
    low, high = min([*x, 0.1]) / 3, max([*x, top / slope]) * 10
    ax.plot([low, top / slope, high], [low * slope, top, top], color="#444444", linewidth=1.2)
    copying = f"fastest copy:\n{human(slope)} a second"
    multiplying = f"fastest matrix product:\n{count_text(top)} operations a second"
    for label, intensity in ((copying, low**0.2 * (top / slope) ** 0.8), (multiplying, high)):
        at, left = (intensity, min(intensity * slope, top)), -4 if intensity < high else 0
        ax.annotate(label, at, (left, 3), textcoords="offset points", ha="right", fontsize=7)
    speeds = [(cost.operations or 0) / cost.seconds for cost in counted]
    points = list(zip(x, speeds, strict=True))
    for (intensity, speed), cost in zip(points, counted, strict=True):
        ax.plot(intensity, speed, "o", markersize=4, color="#56B4E9")
        # Some stand close together, as the two fusion passes: the lowest's label goes below.
        near = [faster for other, faster in points if 0.5 < other / intensity < 2]
        lowest = len(near) > 1 and speed == min(near)
        shift = (5, -10 if lowest else -2.5)
        ax.annotate(cost.key, (intensity, speed), shift, textcoords="offset points", fontsize=7)
    ax.set(xscale="log", yscale="log", title="against the ceilings")
    ax.margins(y=0.13)  # room for the outermost labels
    ax.set(xlabel="operations a byte", ylabel="operations a second")


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return (
        f"{device.type} ({torch.get_num_threads()} threads)"
        if device.type == "cpu"
        else str(device)
    )
