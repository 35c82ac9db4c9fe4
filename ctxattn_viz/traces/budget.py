"""How much memory a stage will take, known before it is allocated, and what is free."""

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..devices import free_memory
from ..errors import BudgetError
from ..inputs import cells_of, clamped_config
from ..stages import BY_KEY, STAGES, Values
from ..units import human
from .swapping import name_of
from .values import LazyValues

log = logging.getLogger("ctxattn_viz")

Size = tuple[int, int]


def workspace_of(key: str, result: Tensor, values: Values, config: AttentionConfig) -> int:
    """Bytes that making a stage takes beside its result."""
    if key == "scores":
        # All query patches, then the normed matching patches, one row each; half precision is
        # copied once more on the way to float32.
        queries = values["downsampled_f"].numel() * config.ksize**2
        keys = values["matching_patches"].numel()
        copies = 1 if values["matching_patches"].dtype == result.dtype else 2
        return max(queries * copies, queries + keys * copies) * result.element_size()
    if key in ("fused_rows", "fused_scores"):
        # One place of the diagonal, and which of its entries lie outside.
        return 3 * _bytes_of(result) // 2
    if key == "attention":
        return _bytes_of(result)
    if key == "output":
        # The mixed patches (four times the output) as they are, turned, and added up, in float32
        # at least; and the paste patches, where they have to be lifted to that.
        width = result.element_size()
        lifted_paste = values["paste_patches"].numel() * 4 if width < 4 else 0
        return 11 * result.numel() * max(width, 4) + lifted_paste
    return 0


def cost_of(run: LazyValues, key: str) -> int:
    """Bytes that computing a stage allocates at its peak, with every stage it needs.

    The stages are run on the meta device, where tensors have shapes but no memory. Of a function
    swapped in, what it takes beside its inputs and its result is not known.

    Args:
        run: whose inputs and stages that are there already cost nothing.
    """
    config, swapped = run.config, run.swapped
    allocated = peak = 0

    def count(key: str, compute: Callable[[], Tensor]) -> Tensor:
        nonlocal allocated, peak
        result = compute()
        # A stage may hand on its input as it is (rate 1, or fusion switched off).
        is_new = key in swapped or all(result is not other for other in values.known.values())
        if is_new:
            allocated += _bytes_of(result)
            if key in swapped:
                workspace = _copies_for(key, result, values)
            else:
                workspace = workspace_of(key, result, values, config)
            peak = max(peak, allocated + workspace)
        return result

    values = LazyValues({name: x.to("meta") for name, x in run.known.items()}, config, count)
    values.compute(key)
    return peak


def plan_table(run: LazyValues) -> str:
    """Every stage's shape and cost, a stage a line, made without computing any."""
    shapes = LazyValues({name: x.to("meta") for name, x in run.known.items()}, run.config)
    lines = [f"{'stage':17} {'shape':28} {'holds':>9} {'access allocates':>17}"]
    for stage in STAGES:
        result, cost = shapes[stage.key], cost_of(run, stage.key)
        lines.append(
            f"{stage.key:17} {tuple(result.shape)!s:28} {human(_bytes_of(result)):>9} "
            f"{human(cost):>17}"
        )
        if stage.key in run.swapped:
            lines[-1] += f"  and what {name_of(run.stages[stage.key].function)} takes"
    return "\n".join(lines)


def check_budget(run: LazyValues, key: str, budget: int | None) -> None:
    """Say what a stage will cost, and refuse one that will not fit.

    Raises:
        BudgetError: says what it needs, what there is, and the largest f and b that would fit.
    """
    known, device = run.known, run.known["f"].device
    if device.type == "meta":
        return
    cost = cost_of(run, key)
    log.info("%s will allocate %s", key, human(cost))
    limit = free_memory(device) // 2 if budget is None else budget
    if cost <= limit:
        return
    f, b = (tuple(known[name].shape[2:]) for name in ("f", "b"))
    largest = largest_that_fits(run, key, limit)
    advice = f"{largest[0][0]}×{largest[0][1]}" if largest else "none, not even a single cell"
    if largest and f != b:
        advice += f" with b {largest[1][0]}×{largest[1][1]}"
    raise BudgetError(
        f"{key}: expected to fit {human(limit)} "
        f"({'half of the free memory' if budget is None else 'the budget'}), got {human(cost)} for "
        f"f {f[0]}×{f[1]} and b {b[0]}×{b[1]}. The largest size of the same proportions that fits: "
        f"{advice}. `trace.query` and `contextual_attention` do not need the whole matrix."
    )


def largest_that_fits(run: LazyValues, key: str, limit: int) -> tuple[Size, Size] | None:
    """The largest (H, W) and (Hb, Wb), in the proportions of f and b, whose stage fits `limit`.

    Returns:
        None where not even one cell each would fit.
    """
    known, config = run.known, run.config
    n, c = known["f"].shape[:2]
    cells = [tuple(size // config.rate for size in known[x].shape[2:]) for x in ("f", "b")]
    longest = max(max(cells))

    def sizes(length: int) -> tuple[Size, Size]:
        f, b = ([max(side * length // longest, 1) * config.rate for side in pair] for pair in cells)
        return (f[0], f[1]), (b[0], b[1])

    def fits(length: int) -> bool:
        small = [
            torch.empty(n, c, *s, dtype=known["f"].dtype, device="meta") for s in sizes(length)
        ]
        mask = small[1].new_empty(known["mask"].shape[0], 1, *small[1].shape[2:])
        fitted = clamped_config(config, *(cells_of(x, config.rate) for x in small))
        inputs = {"f": small[0], "b": small[1], "mask": mask}
        return cost_of(LazyValues(inputs, fitted, stages=run.stages), key) <= limit

    low, high = 0, longest
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return sizes(low) if low else None


def _copies_for(key: str, result: Tensor, values: Values) -> int:
    """Bytes of what a function swapped in is given, and of what it returns, which is copied."""
    return _bytes_of(result) + sum(_bytes_of(values[name]) for name in BY_KEY[key].inputs)


def _bytes_of(x: Tensor) -> int:
    return x.numel() * x.element_size()
