"""The library on a device that is not the CPU, though there is none: see tests/support/pretend.py.

It gives the CPU's numbers there, makes no tensor in the wrong place, and waits as often as stated.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz import profiling
from ctxattn_viz.attention import METHODS, blocks, diagonals, tiles, vectors
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.debugger import payload
from ctxattn_viz.debugger.still import still_of
from ctxattn_viz.stages import deconvolution, fused_softmax, matching_scores, offset_flow
from ctxattn_viz.stages.forward import forward
from ctxattn_viz.traces import rows
from tests.support.pretend import (
    PretendTensor,
    WrongDeviceError,
    can_pretend,
    on_device,
    pretend_device,
)
from tests.support.strategies import Setting, settings_of_attention

VERSION = tuple(int(part) for part in torch.__version__.split(".")[:2])

pytestmark = [
    pytest.mark.skipif(
        not can_pretend() and VERSION < (2, 13),  # where it is missing later, tests fail
        reason=f"PyTorch {torch.__version__} knows no devices that are written in Python",
    ),
    pytest.mark.skipif(
        torch.cuda.is_available(),
        reason="another device beside the GPU would disturb the tests marked gpu, which say more",
    ),
]

# Making a trace waits to see that all values are fit for use, that shrinking lost no part of the
# hole, and, where NaN would come of it, that some patch is valid.
WAITS_OF_A_TRACE = {"tensorflow": 2, "pytorch": 2, "mmagic": 3}

WAYS = METHODS[1:]  # all but "auto"
EVERY = pytest.mark.parametrize(
    ("dialect", "channels"), [(dialect, channels) for dialect in DIALECTS for channels in (3, 64)]
)


@pytest.fixture
def waits() -> Iterator[list[str]]:
    """The pretend device, and what has waited for it so far."""
    with pretend_device() as waits:
        yield waits
    # What is kept from call to call: nothing on this device, and nothing of a planted fault.
    for function in (*vars(vectors).values(), *vars(tiles).values()):
        if hasattr(function, "cache_clear"):
            function.cache_clear()


@functools.cache
def inputs(channels: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """f, b and mask on the CPU; of three channels two samples, each with a hole of its own."""
    random = torch.Generator().manual_seed(channels)
    samples = 2 if channels == 3 else 1
    f, b = torch.rand(2, samples, channels, 12, 12, generator=random, dtype=torch.float64)
    mask = torch.zeros(samples, 1, 12, 12, dtype=torch.float64)
    mask[0, :, 4:8, 2:6] = mask[-1, :, :4, 6:] = 1
    return f, b, mask


def inputs_there(channels: int = 3) -> list[PretendTensor]:
    """The same on the device."""
    return [on_device(x) for x in inputs(channels)]


@functools.cache
def trace_here(dialect: str = "tensorflow", channels: int = 3) -> cv.Trace:
    """The run on the CPU."""
    return cv.trace(*inputs(channels), cv.AttentionConfig(dialect=dialect))


def trace_there(dialect: str = "tensorflow", channels: int = 3) -> cv.Trace:
    return cv.trace(*inputs_there(channels), cv.AttentionConfig(dialect=dialect))


def assert_same(result: Tensor, expected: Tensor) -> None:
    """That `result` is on the device and has the CPU's numbers."""
    assert isinstance(result, PretendTensor), "it is on the CPU"
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(
        result.plain.detach().numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-9
    )


# Checks, which a planted fault makes fail.


def check_stages(dialect: str, channels: int, waits: list[str]) -> None:
    expected, trace = trace_here(dialect, channels), trace_there(dialect, channels)
    assert len(waits) == WAITS_OF_A_TRACE[dialect], waits
    waits.clear()
    for key in trace:
        assert_same(trace[key].tensor, expected[key].tensor)
    assert waits == []


def check_rows(dialect: str, channels: int, waits: list[str]) -> None:
    expected, trace = trace_here(dialect, channels), trace_there(dialect, channels)
    last = len(trace.f) - 1
    for key in ("valid", "attention"):  # computed for these cells alone, and then read
        _ = trace[key]
        waits.clear()
        row, ledger = trace.query(2, 1, sample=last), trace.pixel(5, 6, sample=last)
        assert waits == []
        of_the_cpu = expected.query(2, 1, sample=last)
        for name in ("scores", "fused_rows", "fused_scores", "attention", "valid", "patch"):
            assert_same(getattr(row, name), getattr(of_the_cpu, name))
        of_the_cpu = expected.pixel(5, 6, sample=last)
        assert_same(ledger.value, of_the_cpu.value)
        for term, expected_term in zip(ledger.terms, of_the_cpu.terms, strict=True):
            assert_same(term.weights, expected_term.weights)
            assert_same(term.colours, expected_term.colours)


def check_attention(dialect: str, channels: int, waits: list[str]) -> None:
    config = cv.AttentionConfig(dialect=dialect)
    expected = trace_here(dialect, channels)["output"].tensor
    for method in WAYS:
        y = cv.contextual_attention(*inputs_there(channels), config, method=method)
        assert_same(y, expected)
    assert_same(forward(*inputs_there(channels), config), forward(*inputs(channels), config))
    assert waits == []


def check_layer(dialect: str, channels: int, waits: list[str]) -> None:
    config = cv.AttentionConfig(dialect=dialect)
    expected_summary = cv.attention_summary(*inputs(channels), config)
    expected_pair = cv.ContextualAttention(config)(*inputs(channels))
    for method in ("vectors", "diagonals"):
        summary = cv.attention_summary(*inputs_there(channels), config, method=method)
        pair = cv.ContextualAttention(config, method=method)(*inputs_there(channels))
        results = zip((*summary, *pair), (*expected_summary, *expected_pair), strict=True)
        for result, expected in results:
            assert_same(result, expected)
    assert waits == []


def check_gradients(dialect: str, channels: int, waits: list[str]) -> None:
    config = cv.AttentionConfig(dialect=dialect)

    def gradients(f: Tensor, b: Tensor, mask: Tensor, method: str) -> tuple[Tensor, ...]:
        f, b = f.detach().requires_grad_(), b.detach().requires_grad_()
        y = cv.contextual_attention(f, b, mask, config, method=method)
        return torch.autograd.grad(y.square().sum(), (f, b))

    expected = gradients(*inputs(channels), method="auto")
    for method in WAYS:
        results = gradients(*inputs_there(channels), method=method)
        for result, of_the_cpu in zip(results, expected, strict=True):
            assert_same(result, of_the_cpu)
    assert waits == []


@pytest.mark.slow
class TestNumbers:
    @EVERY
    def test_stages(self, dialect: str, channels: int, waits: list[str]) -> None:
        check_stages(dialect, channels, waits)

    @EVERY
    def test_rows_and_ledgers(self, dialect: str, channels: int, waits: list[str]) -> None:
        check_rows(dialect, channels, waits)

    @EVERY
    def test_contextual_attention(self, dialect: str, channels: int, waits: list[str]) -> None:
        check_attention(dialect, channels, waits)

    @EVERY
    def test_layer_and_summary(self, dialect: str, channels: int, waits: list[str]) -> None:
        check_layer(dialect, channels, waits)

    @EVERY
    def test_backward(self, dialect: str, channels: int, waits: list[str]) -> None:
        check_gradients(dialect, channels, waits)

    @pytest.mark.parametrize("method", WAYS)
    def test_queries_in_the_hole(self, method: str, waits: list[str]) -> None:
        """Which cells those are is asked once, for all samples."""
        options: dict[str, Any] = {"queries": "hole", "rest": "zero"}
        expected = cv.contextual_attention(*inputs(), **options)
        y = cv.contextual_attention(*inputs_there(), **options, method=method)
        assert_same(y, expected)
        assert len(waits) == 1, waits
        f, b, mask = inputs_there()
        y = cv.contextual_attention(f, b, foreground_mask=mask, queries="hole", method=method)
        f, b, mask = inputs()
        assert_same(y, cv.contextual_attention(f, b, foreground_mask=mask, queries="hole"))

    @pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
    @settings(max_examples=8)
    @given(settings_of_attention())
    def test_any_setting(self, setting: Setting) -> None:
        """Sizes, strides, rates, and masks that leave nothing."""
        arrays = (setting.f, setting.b, setting.mask)
        here = [None if array is None else torch.from_numpy(array) for array in arrays]
        expected = cv.trace(*here, setting.config)
        with pretend_device() as waits:
            there = [None if x is None else on_device(x) for x in here]
            trace = cv.trace(*there, setting.config)
            for key in trace:
                assert_same(trace[key].tensor, expected[key].tensor)
            waits.clear()
            for method in WAYS:
                y = cv.contextual_attention(*there, setting.config, method=method)
                assert_same(y, expected["output"].tensor)
            assert waits == []

    def test_nothing_valid(self, waits: list[str]) -> None:
        """NaN, backward too; nobody is warned, as that would have to wait."""
        config = cv.AttentionConfig(dialect="mmagic")

        def with_gradient(place: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
            f, b, mask = (place(x) for x in inputs())
            f = f.detach().requires_grad_()
            y = cv.contextual_attention(f, b, torch.ones_like(mask), config)
            return y.detach(), torch.autograd.grad(y.sum(), f)[0]

        results = with_gradient(on_device)
        assert waits == []
        with pytest.warns(cv.NothingValidWarning):
            expected = with_gradient(lambda x: x)
        assert expected[0].isnan().all()
        for result, of_the_cpu in zip(results, expected, strict=True):
            assert_same(result, of_the_cpu)

    def test_transforms_and_inference_mode(self, waits: list[str]) -> None:
        def loss(f: Tensor, b: Tensor, mask: Tensor) -> Tensor:
            return cv.contextual_attention(f, b, mask).square().sum()

        expected = torch.func.grad(loss)(*inputs())
        assert_same(torch.func.grad(loss)(*inputs_there()), expected)
        with torch.inference_mode():
            y = cv.contextual_attention(*inputs_there())
        assert_same(y, trace_here()["output"].tensor)
        assert waits == []

    def test_half_precision(self, waits: list[str]) -> None:
        here = [x.to(torch.bfloat16) for x in inputs()]
        y = cv.contextual_attention(*map(on_device, here))
        assert y.dtype == torch.bfloat16
        expected = cv.contextual_attention(*here)
        assert (y.plain - expected).abs().max() <= 2**-7  # two units in the last place below 1
        assert waits == []


class TestLookingOn:
    """What a person sees of a run comes to the CPU, and is what a run there shows."""

    def test_comparison(self, waits: list[str]) -> None:
        here, there = trace_here(), trace_there()
        assert cv.compare(there, here).first is None
        assert cv.compare(here, there).first is None
        other = trace_here("pytorch")
        assert repr(cv.compare(there, other)) == repr(cv.compare(here, other))
        assert "shrink='floor'" in cv.compare(there, other).rules

    def test_payload_and_still(self, waits: list[str]) -> None:
        foreground_mask = inputs()[2]
        here = payload.build(trace_here(), foreground_mask=foreground_mask)
        there = payload.build(trace_there(), foreground_mask=on_device(foreground_mask))
        assert there.meta["device"] == "pretend:0"
        for name, described in here.meta["arrays"].items():
            assert there.meta["arrays"][name] == described
            of_both = (np.frombuffer(x.buffers[name], described["dtype"]) for x in (there, here))
            np.testing.assert_allclose(*of_both, rtol=1e-6, atol=1e-6, err_msg=name)
        for key, of_the_cpu in here.meta["summaries"].items():
            for name, value in of_the_cpu.items():
                if name != "seconds":
                    assert there.meta["summaries"][key][name] == pytest.approx(value), (key, name)
        assert there.meta["notes"] == here.meta["notes"]
        pictures = [
            still_of(trace, built.meta["arrays"], built.buffers, mask, (2, 1), "attention", 1)
            for trace, built, mask in (
                (trace_here(), here, foreground_mask),
                (trace_there(), there, on_device(foreground_mask)),
            )
        ]
        assert pictures[0] == pictures[1]

    def test_texts(self, waits: list[str]) -> None:
        """Stages, rows and ledgers as they print themselves."""
        here, there = trace_here(), trace_there()
        for key in here:
            assert repr(there[key]) == repr(here[key])
        assert repr(there.query(2, 1)) == repr(here.query(2, 1))
        assert repr(there.pixel(5, 6)) == repr(here.pixel(5, 6))
        assert there.pixel(5, 6).terms[0].best() == here.pixel(5, 6).terms[0].best()
        assert there.plan().count("\n") == len(cv.STAGES)
        assert "torch.float64 on pretend:0" in repr(there)

    def test_flow_as_a_reference_has_it(self, waits: list[str]) -> None:
        there = trace_there()
        waits.clear()
        for dialect in ("tensorflow", "pytorch"):
            assert_same(cv.flow_like(there, dialect), cv.flow_like(trace_here(), dialect))
        assert waits == []

    def test_saved_and_loaded_onto_the_device(self, waits: list[str], tmp_path: Path) -> None:
        trace_there().save(tmp_path / "run")
        loaded = cv.load_trace(tmp_path / "run", device="pretend")
        assert_same(loaded["output"].tensor, trace_here()["output"].tensor)
        loaded = cv.load_trace(tmp_path / "run")
        assert torch.equal(loaded["output"].tensor, trace_here()["output"].tensor)

    def test_moved(self, waits: list[str]) -> None:
        moved = trace_here().to("pretend")
        assert_same(moved["output"].tensor, trace_here()["output"].tensor)
        assert cv.compare(moved.to("cpu"), trace_here()).first is None

    def test_revised(self, waits: list[str]) -> None:
        config = cv.AttentionConfig(softmax_scale=3.0)
        expected = trace_here().revised(config=config)["output"].tensor
        there = trace_there()
        _ = there["fused_scores"]
        waits.clear()
        assert_same(there.revised(config=config)["output"].tensor, expected)
        assert len(waits) == 1, waits  # is the mask still 0 and 1

    def test_profile(self, waits: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        # The ceilings are measured with matrices that suit a GPU.
        monkeypatch.setattr(profiling, "ceilings", lambda *_: profiling.Ceilings(1e9, 1e9))
        here, there = trace_here().profile(runs=1), trace_there().profile(runs=1)
        assert there.device == "pretend:0"
        for key in trace_here():
            assert there[key].operations == here[key].operations
            assert there[key].moved == here[key].moved

    def test_messages(self, waits: list[str]) -> None:
        """What is refused on the CPU is refused here, in the same words."""
        f, b, mask = inputs()
        sick = b.clone()
        sick[0, 1, 2, 3] = torch.nan
        for call in (
            lambda f, b, mask: cv.trace(f, b, mask),
            lambda f, b, mask: cv.trace(f, b * 0, mask / 2),
            lambda f, b, mask: cv.trace(f, b * 0, mask, budget=1)["scores"],
            lambda f, b, mask: cv.contextual_attention(f, b, mask[:, :, 1:]),
        ):
            messages = []
            for place in (lambda x: x, on_device):
                with pytest.raises((cv.InputError, cv.BudgetError)) as caught:
                    call(place(f), place(sick), place(mask))
                messages.append(str(caught.value))
            assert messages[0] == messages[1]

    @pytest.mark.parametrize(
        "call",
        [cv.trace, cv.contextual_attention, cv.attention_summary, cv.ContextualAttention()],
    )
    def test_mixed_devices_are_named(self, call: Callable[..., Any], waits: list[str]) -> None:
        f, b, mask = inputs()
        with pytest.raises(cv.InputError, match="b: expected the device of f, cpu, got pretend:0"):
            call(f, on_device(b))
        with pytest.raises(cv.InputError, match=r"mask: expected the device .*, got cpu"):
            call(on_device(f), on_device(b), mask)


@dataclass(frozen=True)
class Fault:
    """A wrong edit of one function, and the check that it must not pass."""

    kind: str
    function: Callable[..., Any]
    old: str
    new: str
    check: Callable[[str, int, list[str]], None]

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        """The function does what its edited source says, whoever calls it."""
        function = inspect.unwrap(self.function)
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(self.old) != 1:
            raise ValueError(f"{self.old!r} stands {source.count(self.old)} times in:\n{source}")
        edited = source[source.index("def ") :].replace(self.old, self.new)
        names = dict(function.__globals__)
        exec(compile(edited, function.__code__.co_filename, "exec"), names)
        before = function.__code__
        function.__code__ = names[function.__name__].__code__
        try:
            yield
        finally:
            function.__code__ = before


FAULTS = [
    Fault(kind, *fault)
    for kind, faults in {
        "a copy to the CPU": [
            (
                deconvolution.mix_patches,
                "lifted(paste_patches)",
                "lifted(paste_patches).cpu()",
                check_stages,
            ),
            (
                offset_flow.flow_picture,
                ".to(offsets.device)",
                ".cpu()",
                check_stages,
            ),
            (
                matching_scores.lifted,
                "return x.to(",
                "return x.cpu().to(x.device).to(",
                check_stages,
            ),
            (vectors.window_queries, ".flatten(1)", ".flatten(1).cpu()", check_attention),
            (diagonals.cut_blocks, ".flatten(2)", ".flatten(2).cpu()", check_attention),
            (rows.query_row, ".clone()", ".cpu()", check_rows),
        ],
        "a tensor made where no device is named": [
            (
                fused_softmax.fuse,
                "torch.arange(flat.shape[2], device=scores.device)",
                "torch.arange(flat.shape[2])",
                check_stages,
            ),
            (
                offset_flow.displacements,
                "torch.arange(best.shape[1], device=best.device)",
                "torch.arange(best.shape[1])",
                check_layer,
            ),
            (
                blocks.masked_keys,
                "torch.arange(len(k), device=k.device)",
                "torch.arange(len(k))",
                check_layer,
            ),
            (
                diagonals._DiagonalAttention.forward,
                "torch.zeros(len(f), dtype=torch.int64, device=f.device)",
                "torch.zeros(len(f), dtype=torch.int64)",
                check_layer,
            ),
        ],
        "a number for Python": [
            (
                matching_scores.norms_from_squares,
                "min=NORM_FLOOR**2",
                "min=max(NORM_FLOOR**2, 0 * squares.sum().item())",
                check_stages,
            ),
            (
                vectors.window_keys,
                "if len(there) == 1:",
                "if len(there) == 1 or not unit.any():",
                check_attention,
            ),
            (
                diagonals._attention,
                "if config.masked",
                "assert valid.sum().item()\n    if config.masked",
                check_attention,
            ),
            (
                diagonals._chain_back,
                "return d",
                "return d if d.values.isfinite().all() else d",
                check_gradients,
            ),
        ],
    }.items()
    for fault in faults
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault.kind}, {fault.function.__name__}"
)
def test_a_planted_fault_is_seen(fault: Fault, waits: list[str]) -> None:
    with fault.planted(), pytest.raises((AssertionError, RuntimeError)):
        fault.check("tensorflow", 3, waits)


class TestTheDevice:
    """That it objects to what it should: else all the above would pass for nothing."""

    @pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
    def test_no_tensor_of_the_cpu_is_taken(self, shape: tuple, waits: list[str]) -> None:
        there, here = torch.ones(2, 3, device="pretend"), torch.ones(shape)
        for call in (
            lambda: there + here,
            lambda: here * there,
            lambda: there.add_(here),
            lambda: torch.where(there > 0, there, here),
            lambda: torch.stack([there.sum(), here.sum()]),
            lambda: torch.add(there, 1, out=torch.empty(2, 3)),
            lambda: there[here.flatten().long()[:1] * 0],
        ):
            with pytest.raises(WrongDeviceError):
                call()

    def test_numbers_of_python_are_taken(self, waits: list[str]) -> None:
        x = torch.tensor([1.0, 2.0], device="pretend")
        waits.clear()
        assert_same(torch.where(x > 1, x * 2, -1), torch.tensor([-1.0, 4.0]))
        x[0] = 5
        assert_same(x, torch.tensor([5.0, 2.0]))
        assert waits == []

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: x.sum().item(),
            lambda x: bool((x > 0).all()),
            lambda x: x.tolist(),
            lambda x: x.cpu(),
            lambda x: x.to("cpu", non_blocking=True),
            lambda x: torch.zeros(3).copy_(x),
            lambda x: x.copy_(torch.zeros(3)),
            lambda x: torch.zeros(3).to(x.device),
            lambda x: torch.tensor([1, 2], device=x.device),
            lambda x: x.nonzero(),
            lambda x: x[x > 1],
            lambda x: x.masked_select(x > 1),
            lambda x: x.unique(),
            lambda x: x.equal(x),
            lambda x: x.index_put_((x > 1,), x[:1]),
        ],
    )
    def test_what_waits_is_noted(self, call: Callable[[Tensor], Any], waits: list[str]) -> None:
        x = on_device(torch.tensor([1.0, 2.0, 3.0]))
        call(x)
        assert waits
        with torch.inference_mode():
            waits.clear()
            call(x)
        assert waits

    def test_what_does_not_wait_is_not(self, waits: list[str]) -> None:
        x = torch.zeros(3).to("pretend", non_blocking=True)
        x += torch.ones(3, device="pretend")
        x.copy_(torch.arange(3.0), non_blocking=True)
        x.masked_fill_(x > 1, 7)
        _ = x[torch.arange(2, device="pretend")], x.to("meta"), x.double(), x.clone()
        assert_same(x, torch.tensor([0.0, 1.0, 7.0]))
        assert waits == []

    def test_where_it_was_asked_is_noted(self, waits: list[str]) -> None:
        cv.trace(*inputs_there())
        assert waits[0] == "copy to the CPU: inputs.py, check_values"

    def test_nothing_is_left_for_other_tests(self) -> None:
        with pretend_device():
            pass
        assert not torch.accelerator.is_available()
        x = torch.ones(3, requires_grad=True)
        assert torch.autograd.grad((x * x).sum(), x)[0].tolist() == [2, 2, 2]
        assert cv.default_device().type != "pretend"
