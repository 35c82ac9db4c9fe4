"""A run one stage at a time."""

from collections.abc import Callable, Iterator, Mapping

from torch import Tensor

from ..config import AttentionConfig
from ..habits import takes_a_config
from .results import StageResult
from .starting import trace


@takes_a_config
def steps(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    budget: int | None = None,
    allow_nonfinite: bool = False,
    swap: Mapping[str, Callable[..., Tensor]] | None = None,
) -> Iterator[StageResult]:
    """The stages of one run, each computed when it is reached, in the paper's order.

    Takes and raises what `trace` does; inputs are checked at the call, not at the first step.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> for result in cv.steps(x, x):
    ...     if result.step == "Fuse ↔":
    ...         print(result.key, result.shape)
    fused_rows (1, 2, 2, 4)
    """
    run = trace(f, b, mask, config, budget=budget, allow_nonfinite=allow_nonfinite, swap=swap)
    return iter(run.values())
