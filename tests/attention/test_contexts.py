"""The layer where PyTorch does more with a function than run it: right, or refused in a sentence.

Whatever the method, and so the number of channels.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad

import ctxattn_viz as cv
from ctxattn_viz.attention import METHODS, contexts
from ctxattn_viz.attention import blocks as attention_blocks
from ctxattn_viz.attention import tiles as attention_tiles
from ctxattn_viz.attention import vectors as attention_vectors
from ctxattn_viz.inputs import NO_TRACE

METHOD = pytest.mark.parametrize("method", METHODS)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def hole(side: int = 3) -> torch.Tensor:
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    mask[..., :side, :side] = 1
    return mask


F, B = random(1, 3, 8, 8), random(1, 3, 8, 8, seed=1)


def layer(method: str, mask: torch.Tensor | None = None) -> Callable[..., torch.Tensor]:
    usual = hole() if mask is None else mask

    def call(f: torch.Tensor, b: torch.Tensor, mask: torch.Tensor = usual) -> torch.Tensor:
        return cv.contextual_attention(f, b, mask, method=method)

    return call


def leaves() -> tuple[torch.Tensor, torch.Tensor]:
    return F.clone().requires_grad_(), B.clone().requires_grad_()


def gradients(call: Callable[..., torch.Tensor]) -> tuple[torch.Tensor, ...]:
    f, b = leaves()
    return torch.autograd.grad(call(f, b).sin().sum(), (f, b))


def dual(call: Callable[..., torch.Tensor]) -> torch.Tensor:
    with forward_ad.dual_level():
        return call(forward_ad.make_dual(F, F), B)


SECOND: dict[str, Callable[[Callable[..., torch.Tensor]], Any]] = {
    "create_graph": lambda call: torch.autograd.grad(
        call(*(x := leaves())).sum(), x, create_graph=True
    ),
    "gradgradcheck": lambda call: torch.autograd.gradgradcheck(call, leaves()),
    "hessian": lambda call: torch.autograd.functional.hessian(lambda f: call(f, B).sum(), F),
    "grad of grad": lambda call: torch.func.grad(
        lambda f: torch.func.grad(lambda f: call(f, B).sum())(f).sum()
    )(F),
    "jacrev of jacrev": lambda call: torch.func.jacrev(
        torch.func.jacrev(lambda f: call(f, B).sum())
    )(F),
}
FORWARD: dict[str, Callable[[Callable[..., torch.Tensor]], Any]] = {
    "jvp": lambda call: torch.func.jvp(lambda f: call(f, B), (F,), (F,)),
    "jacfwd": lambda call: torch.func.jacfwd(lambda f: call(f, B))(F),
    "hessian of torch.func": lambda call: torch.func.hessian(lambda f: call(f, B).sum())(F),
    "dual": dual,
}
RECORDED: dict[str, Callable[[Callable[..., torch.Tensor]], Any]] = {
    "jit.trace": lambda call: torch.jit.trace(lambda f, b: call(f, b), (F, B)),
}
REFUSED = {
    name: (ask, sentence)
    for table, sentence in (
        (SECOND, contexts.NO_SECOND),
        (FORWARD, contexts.NO_FORWARD),
        (RECORDED, contexts.NO_WHOLE_GRAPH),
    )
    for name, ask in table.items()
}


@METHOD
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.jit's own
@pytest.mark.parametrize(("ask", "sentence"), REFUSED.values(), ids=[*REFUSED])
def test_refused_in_one_sentence(method: str, ask: Callable, sentence: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        ask(layer(method))
    assert type(caught.value) is cv.UnsupportedError
    assert str(caught.value) == sentence
    instead = ("ctxattn_viz.stages.forward(f, b, mask, config)", "torch.export")
    assert any(name in sentence for name in instead), "what works instead"


def test_the_stages_are_differentiable_twice() -> None:
    """What the sentence names."""
    mask = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    mask[..., :1, :1] = 1

    def attend(f: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return cv.stages.forward(f, b, mask, cv.AttentionConfig(softmax_scale=2.0))

    inputs = [random(1, 2, 6, 6, seed=seed).requires_grad_() for seed in (2, 3)]
    assert torch.autograd.gradgradcheck(attend, inputs, fast_mode=True)


def test_the_functions_inside_refuse_too() -> None:
    """Whoever calls them without the layer gets no silent zeros either."""
    q, k, v = (random(4, 5, seed=seed).requires_grad_() for seed in range(3))
    mixed = attention_blocks.attention_in_blocks(q, k, v, torch.ones(4, dtype=torch.bool))[0]
    with pytest.raises(cv.UnsupportedError):
        torch.autograd.grad(mixed.sum(), q, create_graph=True)


@METHOD
def test_torch_func_differentiates_once(method: str) -> None:
    call, expected = layer(method), gradients(layer(method))
    got = torch.func.grad(lambda f, b: call(f, b).sin().sum(), (0, 1))(F, B)
    _, pull = torch.func.vjp(call, F, B)
    for one, want in zip((*got, *pull(call(F, B).cos())), (*expected, *expected), strict=True):
        torch.testing.assert_close(one, want)
    row = torch.func.jacrev(lambda f: call(f, B)[0, 0, 2])(F)
    f = F.clone().requires_grad_()
    want = torch.autograd.grad(call(f, B)[0, 0, 2, 5], f)[0]
    torch.testing.assert_close(row[5], want)


@METHOD
@pytest.mark.parametrize("mask_of_batch", ["each", "first"])
def test_vmap(method: str, mask_of_batch: str) -> None:
    config = cv.AttentionConfig(mask_of_batch=mask_of_batch)
    f, b = random(3, 2, 3, 8, 8), random(3, 2, 3, 8, 8, seed=4)
    mask = (random(3, 2, 1, 8, 8, seed=9) > 1.3).double()

    def call(f: torch.Tensor, b: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return cv.contextual_attention(f, b, mask, config, method=method)

    got = torch.func.vmap(call)(f, b, mask)
    assert torch.equal(got, torch.stack([call(*one) for one in zip(f, b, mask, strict=True)]))
    got = torch.func.vmap(call, in_dims=(1, None, None), out_dims=1)(
        f.mT.transpose(0, 1), b[0], mask[0]
    )
    assert torch.equal(got[:, 1], call(f[1].mT, b[0], mask[0]))
    each = torch.func.vmap(torch.func.grad(lambda *x: call(*x).sum()))(f, b, mask)
    one = torch.func.grad(lambda *x: call(*x).sum())(f[2], b[2], mask[2])
    torch.testing.assert_close(each[2], one)


def test_vmap_of_the_layer_and_functional_call() -> None:
    f, module = random(3, 2, 3, 8, 8), cv.ContextualAttention()
    outputs, flows = torch.func.vmap(module)(f, f)
    output, flow = torch.func.functional_call(module, {}, (f[1], f[1]))
    assert torch.equal(outputs[1], output)
    assert torch.equal(flows[1], flow)


@METHOD
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled(method: str, backend: str) -> None:
    """Backward and forward, with another mask and another size after the first."""
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own
        call = torch.compile(layer(method), backend=backend)
        for got, want in zip(gradients(call), gradients(layer(method)), strict=True):
            torch.testing.assert_close(got, want)
        for mask in (hole(), hole(5)):
            assert torch.equal(call(F, B, mask), layer(method)(F, B, mask))
        assert torch.equal(call(F[..., :6], B), layer(method)(F[..., :6], B))
        module = cv.ContextualAttention(method="auto" if method == "sdpa" else method)
        compiled = torch.compile(module, backend=backend)
        for got, want in zip(compiled(F, B, hole()), module(F, B, hole()), strict=True):
            assert torch.equal(got, want)


@pytest.mark.parametrize("channels", [3, 64])
def test_compiled_whole_is_refused_with_the_reason(channels: int) -> None:
    torch._dynamo.reset()
    f = random(1, channels, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call = torch.compile(cv.contextual_attention, backend="eager", fullgraph=True)
        with pytest.raises(Exception, match="contextual_attention"):
            call(f, f)


@METHOD
def test_shapes_alone(method: str) -> None:
    f, b = (x.to("meta").requires_grad_() for x in (F, B))
    y = layer(method, hole().to("meta"))(f, b)
    y.sum().backward()
    assert (y.shape, y.is_meta, f.grad.shape, b.grad.shape) == (F.shape, True, F.shape, B.shape)
    with FakeTensorMode() as mode:
        f, b, mask = map(mode.from_tensor, (F, B, hole()))
        assert layer(method, mask)(f, b).shape == F.shape
        assert cv.trace(f, b, mask)["output"].shape == F.shape
        assert [x.shape for x in cv.ContextualAttention()(f, b, mask)] == [F.shape, (1, 3, 4, 4)]


@contextlib.contextmanager
def default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


CONTEXTS = {
    "device meta": lambda: torch.device("meta"),
    "default dtype": default_dtype,
    "inference": torch.inference_mode,
    "deterministic": deterministic,
}


@METHOD
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=[*CONTEXTS])
def test_the_same_inside(method: str, context: Callable) -> None:
    """And after it: what is kept from call to call must not be of the context."""
    f, b, mask = F.float(), B.float(), hole().float()
    expected, trace = layer(method)(f, b, mask), cv.trace(f, b, mask)
    flow = cv.flow_like(trace, "tensorflow")
    attention_vectors._kept_destinations.cache_clear()
    attention_tiles._whole_plan.cache_clear()
    with context():
        got, again = layer(method)(f, b, mask), cv.trace(f, b, mask)
        assert torch.equal(got, expected)
        assert got.dtype == torch.float32
        for key in trace:
            assert torch.equal(again[key].tensor, trace[key].tensor), key
            assert again[key].tensor.dtype == trace[key].tensor.dtype, key
        assert torch.equal(again.query(1, 2).patch, trace.query(1, 2).patch)
        assert cv.flow_like(again, "tensorflow").dtype == flow.dtype
    f.requires_grad_()
    layer(method)(f, b, mask).sum().backward()
    assert f.grad.any()


ASKED = {
    "vmap": lambda: torch.func.vmap(cv.trace)(F[None], B[None]),
    "jit.trace": lambda: torch.jit.trace(lambda f: cv.trace(f, f)["output"].tensor, (F,)),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("ask", ASKED.values(), ids=[*ASKED])
def test_a_trace_needs_numbers(ask: Callable) -> None:
    with pytest.raises(cv.UnsupportedError) as caught:
        ask()
    assert str(caught.value) == NO_TRACE
