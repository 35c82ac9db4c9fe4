"""Half precision in, half precision out, and the mathematics between in at least float32."""

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.stages import MATRICES
from tests.support.inputs import inputs_of, ulp

HALVES = [torch.bfloat16, torch.float16]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("channels", "scale"), [(1, 1.0), (3, 0.3), (3, 20.0), (48, 1.0)])
def test_within_two_units_in_the_last_place(
    dtype: torch.dtype, dialect: str, channels: int, scale: float
) -> None:
    """Against float64 on the very same numbers: what is lost is only the rounding of the result."""
    low = inputs_of(channels, dtype, scale)
    config = cv.AttentionConfig(dialect=dialect, softmax_scale=10.0 if scale <= 1 else 0.5)
    exact = cv.trace(*(x.double() for x in low), config)["output"].tensor
    ways = {
        "trace": cv.trace(*low, config)["output"].tensor,
        "function": cv.contextual_attention(*low, config),
        "layer": cv.ContextualAttention(config)(*low)[0],
    }
    for way, y in ways.items():
        assert y.dtype == dtype, way
        off = (y.double() - exact).abs().max().item() / ulp(exact, dtype)
        assert off <= 2, f"{way}: {off:.2f} units in the last place"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("channels", [3, 48])
def test_float32_against_float64(dialect: str, channels: int) -> None:
    low = inputs_of(channels, torch.float32)
    config = cv.AttentionConfig(dialect=dialect)
    exact = cv.trace(*(x.double() for x in low), config)
    exponent = config.softmax_scale * exact["fused_scores"].tensor.abs().max().item()
    bound = max(1e-5, 4 * torch.finfo(torch.float32).eps * exponent)
    trace = cv.trace(*low, config)
    for key in (*MATRICES, "output"):
        got, expected = trace[key].tensor, exact[key].tensor
        assert got.dtype == torch.float32
        assert (got - expected).abs().max() <= bound * expected.abs().max(), key
    y = cv.contextual_attention(*low, config)
    largest = exact["output"].tensor.abs().max()
    assert (y - exact["output"].tensor).abs().max() <= bound * largest


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_where_it_is_lifted_and_where_not(dtype: torch.dtype) -> None:
    trace = cv.trace(*inputs_of(3, dtype))
    for key in ("downsampled_f", "downsampled_b", "matching_patches", "paste_patches", "output"):
        assert trace[key].tensor.dtype == dtype, key
    for key in MATRICES:
        assert trace[key].tensor.dtype == torch.float32, key
    double = cv.trace(*inputs_of(3, torch.float64))
    assert {double[key].tensor.dtype for key in (*MATRICES, "output")} == {torch.float64}


def test_float16_does_not_overflow() -> None:
    """Sums of squares and scaled scores beyond float16's largest number, 65504."""
    f = inputs_of(48, torch.float16, scale=200.0)[0]
    assert f.square().sum().isinf()
    trace = cv.trace(f, f)
    assert 10 * trace["fused_scores"].tensor.max() > 65504
    for y in (trace["output"].tensor, cv.contextual_attention(f, f)):
        assert y.isfinite().all()
        # Each cell finds itself, so away from the border f comes back.
        torch.testing.assert_close(y[..., 2:-2, 2:-2], f[..., 2:-2, 2:-2])


def test_where_nothing_is_near_the_mean_of_everything_is_pasted() -> None:
    """Scores of 0 everywhere: equal shares, however many patches there are; exact in any dtype."""
    f, b = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    for dtype in (*HALVES, torch.float32, torch.float64):
        attention = cv.trace(f.to(dtype), b.to(dtype))["attention"].tensor
        assert (attention == 1 / 64).all()


@pytest.mark.parametrize("channels", [3, 48])
def test_autocast_rounds_neither_the_layer_nor_a_trace(channels: int) -> None:
    """Stages, rows, pixels and backward inside it are what they are outside."""
    f, b, mask = inputs_of(channels, torch.float32)
    outside = cv.trace(f, b, mask)
    expected = cv.contextual_attention(f, b, mask)
    f.requires_grad_()
    (want,) = torch.autograd.grad(cv.contextual_attention(f, b, mask).sum(), f)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trace = cv.trace(f.detach(), b, mask)
        row, pixel = trace.query(3, 4), trace.pixel(5, 6)
        for key in outside:
            assert torch.equal(trace[key].tensor, outside[key].tensor), key
        torch.testing.assert_close(row.patch, outside.query(3, 4).patch)
        for key in MATRICES:
            torch.testing.assert_close(row[key], outside.query(3, 4)[key])
        torch.testing.assert_close(pixel.value, outside.pixel(5, 6).value)
        for method in ("vectors", "diagonals", "sdpa", "auto"):
            y = cv.contextual_attention(f, b, mask, method=method)
            torch.testing.assert_close(y, expected, rtol=1e-3, atol=1e-4)
            (got,) = torch.autograd.grad(y.sum(), f)
            torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4)


def test_methods_agree_up_to_the_bound_in_the_docstring() -> None:
    """Just below 1.8e19 / √(channels·ksize²); the docstring says what happens beyond."""
    assert "1.8e19 / √(channels·ksize²)" in str(cv.contextual_attention.__doc__)
    f, b, mask = inputs_of(3, torch.float32)
    largest = max(x.abs().max().item() for x in (f, b))
    f, b = (x * (3e18 / largest) for x in (f, b))
    config = cv.AttentionConfig(softmax_scale=1e-18)
    exact = cv.trace(f.double(), b.double(), mask.double(), config)["output"].tensor
    for method in ("vectors", "diagonals", "sdpa"):
        y = cv.contextual_attention(f, b, mask, config, method=method)
        assert (y.double() - exact).abs().max() < 1e-4 * exact.abs().max(), method
