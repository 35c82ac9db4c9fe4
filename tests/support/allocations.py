"""How much memory some code allocates."""

from __future__ import annotations

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Allocations(TorchDispatchMode):
    """How many bytes of tensors live at most, on top of what lived before."""

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self.alive: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {x.untyped_storage()._cdata for x in args if isinstance(x, torch.Tensor)}
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not result.is_meta:
            storage = result.untyped_storage()
            key, size = storage._cdata, storage.nbytes()
            if key not in given | self.alive:
                self.alive.add(key)
                self.held += size
                self.peak = max(self.peak, self.held)
                weakref.finalize(storage, self.freed, key, size)
        return result

    def freed(self, key: int, size: int) -> None:
        self.held -= size
        self.alive.discard(key)
