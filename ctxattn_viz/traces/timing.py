"""How long each stage takes by itself."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ..devices import synchronize


class StageClock:
    """Times stages that ask for one another: each without the time of those it asked for."""

    def __init__(self) -> None:
        self._asked_for = 0.0  # seconds of the stages that the one being timed asked for

    def timed(self, run: Callable[[], Tensor], device: torch.device) -> tuple[Tensor, float]:
        """What `run` returns, and its own seconds, the device's included."""
        before, self._asked_for = self._asked_for, 0.0
        synchronize(device)
        start = time.perf_counter()
        try:
            result = run()
            synchronize(device)
        finally:  # a function swapped in may fail, and the stages after it are asked for again
            elapsed = time.perf_counter() - start
            asked_for, self._asked_for = self._asked_for, before + elapsed
        return result, max(0.0, elapsed - asked_for)  # below 0 by rounding alone
