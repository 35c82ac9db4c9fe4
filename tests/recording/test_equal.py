"""Recording changes nothing: results and gradients are those of a plain run, bit for bit."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor
from torch.overrides import _get_current_function_mode_stack

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.inputs import check_inputs
from ctxattn_viz.stages import STAGES, Stage
from ctxattn_viz.traces.values import LazyValues
from tests.support.strategies import Setting, examples, settings_of_attention


def bits(x: Tensor) -> bytes:
    """What it holds, byte for byte: −0 is not 0, and one NaN not another."""
    return x.detach().contiguous().numpy().tobytes()


def assert_same(one: Tensor, other: Tensor) -> None:
    assert (one.shape, one.dtype, one.stride()) == (other.shape, other.dtype, other.stride())
    assert (one.requires_grad, one.is_leaf) == (other.requires_grad, other.is_leaf)
    assert bits(one) == bits(other)


def leaves(stage: Stage, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All values of a run; what the stage reads can take a gradient."""
    copies = {key: values[key].detach().clone() for key in ("f", "b", "mask", *stage.inputs)}
    for key in stage.inputs:
        copies[key].requires_grad_(copies[key].is_floating_point())
    return copies


def gradients(output: Tensor, values: Mapping[str, Tensor], stage: Stage) -> list[Tensor | None]:
    inputs = [values[key] for key in stage.inputs if values[key].requires_grad]
    if not output.requires_grad:
        return []
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    return list(torch.autograd.grad((output * weights).sum(), inputs, allow_unused=True))


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=examples(2, thorough=200))
@given(settings_of_attention())
def test_every_stage_and_its_gradients(dialect: str, setting: Setting) -> None:
    rules = {key: setting.arguments[key] for key in ("ksize", "stride", "rate", "fuse_k", "fuse")}
    scale = setting.arguments["softmax_scale"]
    config = cv.AttentionConfig(dialect=dialect, softmax_scale=scale, **rules)
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    f, b = torch.from_numpy(setting.f), torch.from_numpy(setting.b)
    values = LazyValues(*check_inputs(f, b, mask, config))
    for stage in STAGES:
        plain, recorded = leaves(stage, values), leaves(stage, values)
        expected = stage.run(plain, config)
        recording = cv.record(stage.run, recorded, config)
        assert recording.exception is None
        assert_same(recording.result, expected)
        for got, wanted in zip(
            gradients(recording.result, recorded, stage),
            gradients(expected, plain, stage),
            strict=True,
        ):
            assert (got is None) == (wanted is None)
            if got is not None and wanted is not None:
                assert_same(got, wanted)
        if not recording.steps:  # without fusion a stage hands on what it gets
            assert recording.result is recorded[stage.inputs[0]]
            continue
        last = recording.made(recording.steps[-1])
        assert last is not None
        assert last.shape == tuple(expected.shape)
        assert last.tensor is not None
        assert bits(last.tensor) == bits(expected)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_value_is_that_of_its_step(dialect: str) -> None:
    """The whole layer at once: what a step made is what its operands give, done again."""
    torch.manual_seed(0)
    f, b, mask = torch.rand(1, 2, 8, 8), torch.rand(1, 2, 8, 8), torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    config = cv.AttentionConfig(dialect=dialect)
    recording = cv.record(cv.stages.forward, f, b, mask, config)
    assert_same(recording.result, cv.stages.forward(f, b, mask, config))
    again = {"matmul": torch.matmul, "sqrt": torch.sqrt, "div": torch.div, "add": torch.add}
    done = set()
    for step in recording.steps:
        operands = [recording.values[n].tensor for n in step.operands if isinstance(n, int)]
        if step.operation in again and len(operands) == len(step.operands):
            value = recording.made(step)
            assert value is not None
            assert bits(again[step.operation](*operands)) == bits(value.tensor)
            done.add(step.operation)
    assert done == set(again)


@pytest.mark.parametrize("layer", ["vectors", "diagonals", "sdpa"])
def test_a_gradient_through_the_layer(layer: str) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 8, 8)

    def loss(y: Tensor) -> Tensor:
        return cv.contextual_attention(y, y, method=layer).square().sum()

    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss(one).backward()
    recording = cv.record(loss, other)
    recording.result.backward()
    assert_same(recording.result, loss(x.clone().requires_grad_()))
    assert one.grad is not None
    assert other.grad is not None
    assert bits(one.grad) == bits(other.grad)


def test_random_numbers_are_the_same() -> None:
    def draw() -> Tensor:
        return torch.rand(3) + torch.randn(2, 3).sum(0)

    torch.manual_seed(7)
    expected, after = draw(), torch.rand(1)
    torch.manual_seed(7)
    recording = cv.record(draw)
    assert bits(recording.result) == bits(expected)
    assert bits(torch.rand(1)) == bits(after)


class Half(Exception):
    pass


def test_nothing_stays_behind_after_an_exception() -> None:
    def half(x: Tensor) -> Tensor:
        y = x * 2
        raise Half(str(y.shape))

    tracer = sys.gettrace()
    recording = cv.record(half, torch.ones(2))
    assert isinstance(recording.exception, Half)
    assert [step.operation for step in recording.steps] == ["mul", ""]
    with pytest.raises(Half), cv.record() as block:
        half(torch.ones(2))
    assert isinstance(block.exception, Half)
    with pytest.raises(KeyboardInterrupt):
        cv.record(interrupted, torch.ones(2))
    assert _get_current_function_mode_stack() == []
    assert sys.gettrace() is tracer
    assert sys._getframe().f_trace is None
    count = len(recording.steps)
    torch.ones(2) + 1
    assert len(recording.steps) == count


def interrupted(x: Tensor) -> Tensor:
    y = x + 1
    raise KeyboardInterrupt(y.shape)


def test_a_tracer_that_was_there_comes_back() -> None:
    calls: list[str] = []

    def tracer(frame: object, event: str, argument: object) -> None:
        calls.append(event)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        cv.record(torch.Tensor.sum, torch.ones(2))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_a_recording_inside_a_recording() -> None:
    def outer(x: Tensor) -> Tensor:
        inner = cv.record(lambda y: (y * 2).sum(), x + 1)
        assert [step.operation for step in inner.steps] == ["mul", "sum"]
        return inner.result - 1

    recording = cv.record(outer, torch.ones(2))
    assert recording.exception is None
    assert recording.result == 7
    assert [step.operation for step in recording.steps] == ["add", "mul", "sum", "sub"]
