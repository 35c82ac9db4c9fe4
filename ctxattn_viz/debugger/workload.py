"""How much work a message of the page may start: the kernel answers nothing else meanwhile."""

import math
from typing import TYPE_CHECKING

from ..attention.choice import multiplications
from ..config import AttentionConfig
from ..errors import BudgetError
from ..inputs import cells_of, clamped_config
from ..stages.patch_extraction import patch_grid

if TYPE_CHECKING:
    from ..traces.run import Trace

# Multiplications: six times what a photograph of 256 pixels takes at the usual settings, which is
# the largest that the page sends. On one core of a laptop that is about half a minute.
MOST_WORK = 200_000_000_000


def work(trace: "Trace", config: AttentionConfig) -> int:
    """About how many multiplications a run of `trace`'s inputs takes under `config`."""
    f_cells, b_cells = (cells_of(x, config.rate) for x in (trace.f, trace.b))
    config = clamped_config(config, f_cells, b_cells)
    pairs = math.prod(f_cells) * math.prod(patch_grid(b_cells, config))
    samples, channels = trace.f.shape[:2]
    return samples * pairs * min(multiplications(channels, config).values())


def check_work(
    argument: str, trace: "Trace", config: AttentionConfig, limit: int = MOST_WORK
) -> None:
    """Refuse what would keep the kernel busy for minutes.

    Raises:
        BudgetError: says how much it would be, and what can be afforded.
    """
    needed = work(trace, config)
    if needed <= limit:
        return
    height, width = trace.f.shape[2:]
    # Queries and patches both grow with the area.
    side = int(max(height, width) * (limit / needed) ** 0.25)
    raise BudgetError(
        f"{argument}: expected at most {limit:.0e} multiplications for a message of the page, got "
        f"{needed:.0e} for f {height}×{width} with rate {config.rate}, ksize {config.ksize} and "
        f"fuse_k {config.fuse_k}. About {side} pixels on the longest side would do, or a larger "
        "rate; what takes minutes can be started in Python, with trace(f, b, mask, config)."
    )
