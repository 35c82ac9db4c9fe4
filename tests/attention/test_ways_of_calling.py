"""Each way of calling the function and the layer, and what happens: one table.

Details of each are in test_contexts.py and test_export.py.
"""

from __future__ import annotations

import contextlib
import copy
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ctxattn_viz as cv
from ctxattn_viz.attention import contexts

Call = Callable[..., Any]


class Function(nn.Module):
    """`contextual_attention` as a module, so that one table serves both."""

    def forward(self, f: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
        return cv.contextual_attention(f, b, mask)


CALLED = {"function": Function, "layer": cv.ContextualAttention}


@contextlib.contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def inside(context: Callable[[], Any]) -> Callable[..., Any]:
    def ask(call: Call, *inputs: Tensor) -> Any:
        with context():
            return call(*inputs)

    return ask


def with_maps(change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    return lambda call, f, b, mask: call(change(f), change(b), mask)


def compiled(call: Call, *inputs: Tensor, **keywords: Any) -> Any:
    torch._dynamo.reset()
    return torch.compile(call, **{"backend": "eager", **keywords})(*inputs)


def exported(call: nn.Module, f: Tensor, b: Tensor, mask: Tensor, **keywords: Any) -> Any:
    """Recorded with another mask than it is asked with."""
    return torch.export.export(call, (f, b, torch.zeros_like(mask)), **keywords).module()(
        f, b, mask
    )


def vmapped(call: Call, *inputs: Tensor) -> Any:
    y = torch.func.vmap(call)(*(x[None] for x in inputs))
    return tuple(x[0] for x in y) if isinstance(y, tuple) else y[0]


def first(y: Any) -> Tensor:
    return y[0] if isinstance(y, tuple) else y


def of_f(call: Call, f: Tensor, b: Tensor, mask: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda f: first(call(f, b, mask)).sum()


THE_SAME: dict[str, Callable[..., Any]] = {
    "as it is": lambda call, *x: call(*x),
    "channels_last": with_maps(lambda x: x.to(memory_format=torch.channels_last)),
    "non-contiguous": with_maps(lambda x: x.mT.contiguous().mT),
    "expanded": lambda call, f, b, mask: call(f, b, mask.to(f.dtype)[:1].expand(len(b), 1, -1, -1)),
    "a leaf that wants a gradient": with_maps(lambda x: x.clone().requires_grad_()),
    "a mask of bool": lambda call, f, b, mask: call(f, b, mask.bool()),
    "no_grad": inside(torch.no_grad),
    "inference mode": inside(torch.inference_mode),
    "deterministic algorithms": inside(deterministic),
    "autocast": inside(lambda: torch.autocast("cpu", dtype=torch.bfloat16)),
    "another default device": inside(lambda: torch.device("meta")),
    "copied": lambda call, *x: copy.deepcopy(call)(*x),
    "pickled": lambda call, *x: pickle.loads(pickle.dumps(call))(*x),
    "functional_call": lambda call, *x: torch.func.functional_call(call, {}, x),
    "vmap": vmapped,
    "compile, eager": compiled,
    "compile, aot_eager": lambda call, *x: compiled(call, *x, backend="aot_eager"),
    "compile, dynamic sizes": lambda call, *x: compiled(call, *x, dynamic=True),
    "export": exported,
}
REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "compile, fullgraph": (
        lambda call, *x: compiled(call, *x, fullgraph=True),
        contexts.NO_WHOLE_GRAPH,
    ),
    "jit.trace": (lambda call, *x: torch.jit.trace(call, x), contexts.NO_WHOLE_GRAPH),
    "export, dynamic sizes": (
        lambda call, *x: exported(
            call, *x, dynamic_shapes=({3: torch.export.Dim.AUTO}, None, None)
        ),
        contexts.NO_OPEN_SIZES,
    ),
    "a gradient of its gradient": (
        lambda call, *x: torch.autograd.functional.hessian(of_f(call, *x), x[0]),
        contexts.NO_SECOND,
    ),
    "forward mode": (
        lambda call, *x: torch.func.jvp(of_f(call, *x), (x[0],), (x[0],)),
        contexts.NO_FORWARD,
    ),
}


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    f, b = torch.randn(2, 1, 3, 8, 8, generator=generator)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :3, 2:5] = 1
    return f, b, mask


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, of which each version has others
        yield


@pytest.mark.parametrize("way", THE_SAME)
@pytest.mark.parametrize("called", CALLED)
def test_the_same_comes_out(called: str, way: str, inputs) -> None:
    call = CALLED[called]()
    expected, got = call(*inputs), THE_SAME[way](call, *inputs)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert first(got).dtype == torch.float32


@pytest.mark.parametrize("way", REFUSED)
@pytest.mark.parametrize("called", CALLED)
def test_refused_in_a_sentence(called: str, way: str, inputs) -> None:
    """PyTorch's compiler raises an exception of its own, which holds the sentence."""
    ask, sentence = REFUSED[way]
    with pytest.raises(RuntimeError) as caught:
        ask(CALLED[called](), *inputs)
    assert sentence in str(caught.value)
    assert isinstance(caught.value, cv.UnsupportedError) or "compile" in way


def test_export_of_the_hole_alone_is_refused(inputs) -> None:
    class HoleAlone(nn.Module):
        def forward(self, f: Tensor, b: Tensor, mask: Tensor) -> Tensor:
            return cv.contextual_attention(f, b, mask, queries="hole")

    with pytest.raises(cv.UnsupportedError) as caught:
        exported(HoleAlone(), *inputs)
    assert str(caught.value) == contexts.NO_HOLE_ALONE
