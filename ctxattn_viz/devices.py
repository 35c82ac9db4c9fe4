"""Where tensors live: which device, how much memory is free, whether there are values at all."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor
from torch._subclasses import FakeTensor

# Where looking at values makes nobody wait.
COUNTED = ("cpu",)


def default_device() -> torch.device:
    """`cuda` where there is one, else Apple's `mps`, else `cpu`.

    >>> x = torch.zeros(1, 3, 8, 8, device=cv.default_device())  # a GPU's where there is one
    >>> cv.contextual_attention(x, x).device == x.device
    True
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    import psutil

    return psutil.virtual_memory().available


def synchronize(device: torch.device) -> None:
    """Wait until everything asked of a device is done, so that a clock tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextlib.contextmanager
def exact_arithmetic(device: torch.device) -> Iterator[None]:
    """Without autocast, which would round what is at least float32 here.

    The one place where that is decided: stages of a trace, rows of it, and the layer run in here.
    """
    kind = device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        with torch.autocast(kind, enabled=False):
            yield
    else:
        yield


def has_no_values(x: Tensor) -> bool:
    """Whether there are shapes alone and nobody records: on the meta device, or a fake tensor."""
    return (x.device.type == "meta" or isinstance(x, FakeTensor)) and not recording()


def recording() -> bool:
    """Whether calls are recorded, to be replayed on other inputs: jit.trace, export, make_fx."""
    if torch.jit.is_tracing() or exporting():
        return True
    return torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.PROXY) is not None


def exporting() -> bool:
    """Whether torch.export is at work, strict or not."""
    if hasattr(torch.compiler, "is_exporting"):  # since PyTorch 2.7
        return torch.compiler.is_exporting()
    return torch.compiler.is_compiling() and not torch.compiler.is_dynamo_compiling()


def may_count(x: Tensor) -> bool:
    """Whether looking at the values of x makes nobody wait, and nobody keeps what was seen."""
    return x.device.type in COUNTED and not recording()
