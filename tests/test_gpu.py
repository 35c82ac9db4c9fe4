"""What only a GPU can show: the same figures there, and an honest price."""

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from tests.support.inputs import inputs_of, ulp
from tests.support.recorded import CASES, Case, assert_within_bound, tensors

pytestmark = pytest.mark.gpu


def on_gpu(case: Case) -> list[torch.Tensor | None]:
    return [None if x is None else x.cuda() for x in tensors(case, torch.float32)]


@pytest.mark.filterwarnings("ignore::ctxattn_viz.ThinHoleWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_output(case: Case) -> None:
    trace = cv.trace(*on_gpu(case), case.config)
    assert_within_bound(trace["output"].tensor.cpu().numpy(), case.figures["y"])
    assert_within_bound(
        cv.contextual_attention(*on_gpu(case), case.config).cpu().numpy(), case.figures["y"]
    )


@pytest.mark.filterwarnings("ignore::ctxattn_viz.ThinHoleWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_stage_is_that_of_the_cpu(case: Case) -> None:
    here = cv.trace(*(x if x is None else x.cpu().double() for x in on_gpu(case)), case.config)
    there = cv.trace(*(x if x is None else x.double() for x in on_gpu(case)), case.config)
    for key in here:
        assert there[key].tensor.is_cuda, key
        got, expected = there[key].tensor.cpu(), here[key].tensor
        if key == "flow":  # it ends in a floor
            assert (got.int() - expected.int()).abs().max() <= 1
        else:
            torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype: torch.dtype, dialect: str) -> None:
    low = [x.cuda() for x in inputs_of(3, dtype)]
    config = cv.AttentionConfig(dialect=dialect)
    exact = cv.trace(*(x.double() for x in low), config)["output"].tensor
    y = cv.contextual_attention(*low, config)
    assert y.dtype == dtype
    assert (y.double() - exact).abs().max().item() <= 2 * ulp(exact, dtype)


@pytest.mark.parametrize("key", ["scores", "fused_scores", "attention", "output"])
def test_the_stated_cost_is_the_real_one(key: str) -> None:
    """What accessing a stage allocates at its peak: not more than stated, and not far less."""
    f, b = torch.randn(2, 1, 3, 128, 128, device="cuda")
    _ = cv.trace(f, b)["output"]  # what the libraries keep for themselves is there from now on
    trace = cv.trace(f, b)
    cost = trace.cost(key)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    _ = trace[key]
    peak = torch.cuda.max_memory_allocated() - before
    assert 0.8 * cost <= peak <= 1.1 * cost


def test_mixed_devices_are_named() -> None:
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(cv.InputError, match="b: expected the device of f, cpu, got cuda:0"):
        cv.trace(x, x.cuda())


def test_a_trace_of_the_gpu_is_looked_at_on_the_cpu(tmp_path) -> None:
    trace = cv.trace(*torch.randn(2, 1, 3, 16, 16, device="cuda"))
    trace.save(tmp_path / "run")
    loaded = cv.load_trace(tmp_path / "run")
    assert loaded.f.device.type == "cpu"
    assert cv.default_device().type == "cuda"
    torch.testing.assert_close(loaded["output"].tensor, trace["output"].tensor.cpu())
