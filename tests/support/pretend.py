"""A device that is not there: tensors that say `pretend:0`, refuse the CPU's, and count waits.

What a GPU would object to, shown without one. A `PretendTensor` holds a tensor of the CPU, and
what is done to it is done to that one, so the numbers must be the CPU's. But it meets no tensor of
the CPU, not even a single number, which a GPU would take: only a copy leads from one to the other.
Whatever would let a program wait for a GPU is noted:

    with pretend_device() as waits:
        y = cv.contextual_attention(on_device(f), on_device(b))
        assert waits == []

PyTorch is told of the device by a private function of its own, when it is first used. That cannot
be taken back: the process keeps a module `torch.pretend`, and a device that is not available.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "pretend"
SETUP = "_setup_privateuseone_for_python_backend"  # PyTorch 2.13 has it; 2.4 has not

PACKAGE = Path(__file__).parents[2] / "ctxattn_viz"

# Either the answer is a number for Python, or how long it is only the device knows.
WAITING = frozenset(
    {
        "_linalg_eigh",
        "_local_scalar_dense",
        "_unique",
        "_unique2",
        "bincount",
        "equal",
        "masked_select",
        "nonzero",
        "repeat_interleave",  # of a tensor of repeats alone; by a number it is a copy
        "unique_consecutive",
        "unique_dim",
    }
)
INDEXING = frozenset({"_index_put_impl_", "_unsafe_index", "index", "index_put", "index_put_"})
MASKS = (torch.bool, torch.uint8)
ORDINARY = contextlib.nullcontext()


def can_pretend() -> bool:
    """Whether this PyTorch knows devices that are written in Python."""
    return hasattr(backend_registration, SETUP)


@cache
def register() -> None:
    """Tell PyTorch of the device, once a process: one that it never chooses by itself."""

    class Module(backend_registration._DummyBackendModule):
        def is_available(self) -> bool:
            return False

    class Hooks(backend_registration._DummyPrivateUse1Hook):
        def has_primary_context(self, index: int) -> bool:
            return False

    getattr(backend_registration, SETUP)(NAME, Module(), Hooks())


class WrongDeviceError(RuntimeError):
    """A tensor of the CPU met one of the pretend device."""


@contextlib.contextmanager
def pretend_device() -> Iterator[list[str]]:
    """The device, and what waits for it: each operation, and the line of the package that asked."""
    register()
    _waits.clear()
    # Threads for backward are started once a process, for the devices that there are then.
    in_this_thread = torch.autograd.set_multithreading_enabled(False)
    with in_this_thread, mock.patch.object(torch, "tensor", _tensor_by_the_cpu), _Factories():
        yield _waits


def on_device(x: Tensor) -> "PretendTensor":
    """A copy of x on the device, for which nobody is noted to wait."""
    return PretendTensor(x.detach().clone())


class PretendTensor(Tensor):
    """A tensor on `pretend:0`; its numbers are those of `plain`, a tensor of the CPU."""

    plain: Tensor

    @staticmethod
    def __new__(cls, plain: Tensor) -> "PretendTensor":
        # In inference mode a view of an ordinary tensor would be none.
        with torch.inference_mode(False) if torch.is_inference_mode_enabled() else ORDINARY:
            self = Tensor._make_wrapper_subclass(
                cls,
                plain.size(),
                strides=plain.stride(),
                storage_offset=plain.storage_offset(),
                dtype=plain.dtype,
                device=f"{NAME}:0",
            )
        self.plain = plain
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(
        cls, operation: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        return run(operation, args, kwargs or {})

    def tolist(self) -> Any:  # PyTorch has that for its own class alone
        return self.cpu().tolist()

    def __repr__(self, **_: Any) -> str:
        return f"PretendTensor({self.plain!r})"


class _Factories(TorchDispatchMode):
    """Also what is given no tensor of the device: `torch.zeros(2, device="pretend")`, `x.to(…)`."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or PyTorch's compiler is imported, and asked at each operation

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        if torch.is_inference_mode_enabled() and operation._can_decompose():
            with self:  # there compound operations come whole, and what waits is a part of them
                return operation.decompose(*args, **(kwargs or {}))
        return run(operation, args, kwargs or {})


_tensor = torch.tensor


def _tensor_by_the_cpu(*data: Any, device: Any = None, **options: Any) -> Tensor:
    """`torch.tensor(list, device="pretend")`, which PyTorch would fill where the device is."""
    return _tensor(*data, device=None if device is None else "cpu", **options).to(device)


_waits: list[str] = []


def run(operation: Any, args: tuple, kwargs: dict) -> Any:
    """What an operation returns, wherever it runs, and a note if it waits for the device.

    Raises:
        WrongDeviceError: it was given tensors of both devices, and is no copy.
    """
    name = operation._schema.name.removeprefix("aten::")
    tensors = [*_tensors(args), *_tensors(kwargs.values())]
    ours = [x for x in tensors if isinstance(x, PretendTensor)]
    asked = kwargs.get("device")
    target = torch.device(asked).type if asked is not None else NAME if ours else "cpu"
    if not ours and target != NAME:
        return operation(*args, **kwargs)
    if name == "copy_":
        target = args[0].device.type
    if name in ("copy_", "_to_copy"):
        _note_copy(args, kwargs, name, target)
    elif len(ours) < len(tensors):
        both = ", ".join(f"{tuple(x.shape)} on {x.device}" for x in tensors)
        raise WrongDeviceError(f"{operation} of {both}")
    if name in WAITING:
        _note(name)
    if name in INDEXING and any(x is not None and x.dtype in MASKS for x in args[1]):
        _note(f"{name} by a mask")
    if target == NAME and asked is not None:
        kwargs = kwargs | {"device": "cpu"}
    plain_options = {name: _plain(x) for name, x in kwargs.items()}
    result = operation(*map(_plain, args), **plain_options)
    if any(x.plain.shape != x.shape for x in ours):
        raise NotImplementedError(f"{operation}: another shape for a tensor that there was")
    if target != NAME:
        return args[0] if name == "copy_" else result
    # What was written into comes back as the tensor that it was.
    return _wrapped(result, {id(x.plain): x for x in ours})


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for x in values:
        if isinstance(x, Tensor):
            yield x
        elif isinstance(x, list | tuple):
            yield from _tensors(x)


def _plain(x: Any) -> Any:
    if isinstance(x, PretendTensor):
        return x.plain
    return type(x)(map(_plain, x)) if isinstance(x, list | tuple) else x


def _wrapped(x: Any, known: dict[int, PretendTensor]) -> Any:
    if isinstance(x, Tensor):
        return known[id(x)] if id(x) in known else PretendTensor(x)
    return type(x)(_wrapped(part, known) for part in x) if isinstance(x, list | tuple) else x


def _note_copy(args: tuple, kwargs: dict, name: str, target: str) -> None:
    source = args[1] if name == "copy_" else args[0]
    at_leisure = kwargs.get("non_blocking") or (name == "copy_" and True in args[2:])
    if source.device.type == NAME and target == "cpu":
        _note("copy to the CPU")  # also non_blocking, which gives numbers that are not there yet
    elif source.device.type == "cpu" and target == NAME and not at_leisure:
        _note("copy from the CPU")


def _note(what: str) -> None:
    frame = sys._getframe()
    while frame and PACKAGE not in Path(frame.f_code.co_filename).parents:
        frame = frame.f_back
    if frame is None:
        _waits.append(what)
        return
    place = Path(frame.f_code.co_filename).relative_to(PACKAGE)
    _waits.append(f"{what}: {place}, {frame.f_code.co_name}")
