"""Gradients flow to f and b, are right, and stay finite where a norm is 0."""

import functools
import warnings
from collections.abc import Callable

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz import devices

WAYS = {
    "stages": cv.stages.forward,
    "function": cv.contextual_attention,
}
# Along random directions, not element by element: as strict, and a hundred times quicker.
check = functools.partial(torch.autograd.gradcheck, fast_mode=True)

SETTINGS = {
    "tensorflow": {},
    "pytorch": {"dialect": "pytorch"},
    "mmagic": {"dialect": "mmagic"},
    "plain": {"norm": "none", "fuse": False, "softmax_scale": 1.0},
    "rate 1": {"rate": 1, "ksize": 1},
    "rate 3, fuse_k 5": {"rate": 3, "fuse_k": 5, "softmax_scale": 1.0},
    "stride 2": {"stride": 2, "dialect": "mmagic"},
}


@pytest.fixture(params=WAYS.values(), ids=[*WAYS])
def attend(request: pytest.FixtureRequest):
    return request.param


def inputs(rate: int, n: int = 1, channels: int = 1) -> list[torch.Tensor]:
    """f on 2×3 cells, b on 3×2, a hole of one cell in a corner of b."""
    generator = torch.Generator().manual_seed(rate)
    f = torch.randn(n, channels, 2 * rate, 3 * rate, generator=generator, dtype=torch.float64)
    b = torch.randn(n, channels, 3 * rate, 2 * rate, generator=generator, dtype=torch.float64)
    mask = torch.zeros(1, 1, 3 * rate, 2 * rate, dtype=torch.float64)
    mask[..., :rate, :rate] = 1
    return [f.requires_grad_(), b.requires_grad_(), mask]


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=[*SETTINGS])
def test_gradcheck(attend, changes: dict) -> None:
    config = cv.AttentionConfig(**{"softmax_scale": 2.0, **changes})
    f, b, mask = inputs(config.rate)
    if config.masked == "minus_infinity":  # with a 3×3 patch this hole would leave nothing
        mask[..., :-1, :] = 0
        mask[..., -1, -1] = 1
        config = config.replace(ksize=1)
    assert attend(f, b, mask, config).isfinite().all()
    assert check(lambda f, b: attend(f, b, mask, config), (f, b))


@pytest.mark.parametrize("dialect", ["tensorflow", "pytorch"])
def test_gradcheck_of_a_batch_with_a_mask_each(attend, dialect: str) -> None:
    config = cv.AttentionConfig(dialect=dialect, softmax_scale=2.0, rate=1, ksize=1)
    f, b, mask = inputs(1, n=2, channels=2)
    mask = torch.cat([mask, mask.flip(2)])
    assert check(lambda f, b: attend(f, b, mask, config), (f, b))


@pytest.mark.parametrize("norm", ["max", "per_element", "none"])
@pytest.mark.parametrize("masked", ["zero", "minus_infinity"])
@pytest.mark.parametrize(
    ("f_is_zero", "b_is_zero"),
    [("", "half"), ("half", "half"), ("", "all"), ("all", ""), ("all", "all")],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_finite_at_patches_of_zeros(
    attend, norm: str, masked: str, f_is_zero: str, b_is_zero: str, dtype: torch.dtype
) -> None:
    """A zeroed hole: √ has no slope at 0, and the floor of a norm no gradient.

    (Not in float16: over a norm of 1e-4 the true gradient can exceed its largest number, 65504.)
    """
    f, b = torch.randn(2, 1, 2, 8, 8, dtype=torch.float64).to(dtype)
    for x, zeroed in ((f, f_is_zero), (b, b_is_zero)):
        if zeroed:
            x[..., : 6 if zeroed == "half" else 8, :] = 0
    f.requires_grad_()
    b.requires_grad_()
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :2, :2] = 1
    attend(f, b, mask, cv.AttentionConfig(norm=norm, masked=masked)).sum().backward()
    for x in (f, b):
        assert x.grad is not None
        assert x.grad.dtype == dtype
        assert x.grad.isfinite().all()


def test_everything_masked_gives_no_gradient(attend) -> None:
    f, b, mask = inputs(2)
    attend(f, b, torch.ones_like(mask), cv.AttentionConfig()).sum().backward()
    for x in (f, b):
        assert x.grad is not None
        assert not x.grad.any()


def test_only_what_is_asked_for_has_a_gradient(attend) -> None:
    f, b, mask = inputs(2)
    for wanted in ((f,), (b,), (f, b)):
        leaves = [x.detach().requires_grad_(any(x is one for one in wanted)) for x in (f, b)]
        attend(*leaves, mask, cv.AttentionConfig(ksize=1)).sum().backward()
        for leaf in leaves:
            assert (leaf.grad is not None) == leaf.requires_grad


def test_the_layer_passes_gradients_and_its_flow_has_none() -> None:
    f, b, mask = inputs(2)
    y, flow = cv.ContextualAttention(cv.AttentionConfig(ksize=1))(f, b, mask)
    assert not flow.requires_grad
    y.sum().backward()
    assert f.grad is not None
    assert b.grad is not None
    assert f.grad.any()
    assert b.grad.any()


ROUTES = {
    "stages": WAYS["stages"],
    **{
        method: lambda f, b, mask, config, method=method: cv.contextual_attention(
            f, b, mask, config, method=method
        )
        for method in ("auto", "vectors", "diagonals", "sdpa")
    },
    "summary": lambda *x: cv.attention_summary(*x).output,
    "layer": lambda f, b, mask, config: cv.ContextualAttention(config)(f, b, mask)[0],
}


@pytest.mark.parametrize("counts", [("cpu",), ()], ids=["counted", "as on a GPU"])
@pytest.mark.parametrize("empty", ["one sample", "all"])
@pytest.mark.parametrize(("route", "attend"), ROUTES.items(), ids=[*ROUTES])
def test_nothing_valid_is_nan_by_rule(
    monkeypatch, route: str, attend: Callable, empty: str, counts: tuple[str, ...]
) -> None:
    """Output and gradients of that sample are NaN, of the others as if it were not there.

    (f's pixels that shrinking drops have no gradient, whatever comes of the rest.)
    """
    monkeypatch.setattr(devices, "COUNTED", counts)
    config = cv.AttentionConfig(dialect="mmagic", softmax_scale=2.0)
    generator = torch.Generator().manual_seed(1)
    f, b = torch.randn(2, 2, 3, 8, 12, generator=generator, dtype=torch.float64)
    mask = torch.zeros(2, 1, 8, 12, dtype=torch.float64)
    mask[0] = 1
    mask[1, :, :, :3] = 1
    n = 2 if empty == "one sample" else 1
    f, b, mask = (x[:n].clone() for x in (f, b, mask))
    f.requires_grad_()
    b.requires_grad_()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = attend(f, b, mask, config)
    said = [w for w in caught if w.category is cv.NothingValidWarning]
    assert len(said) == (route != "stages" and bool(counts))
    assert y.requires_grad
    assert y[0].isnan().all()
    y.sum().backward()
    assert f.grad is not None
    assert b.grad is not None
    assert f.grad[0, :, ::2, ::2].isnan().all()
    assert not f.grad[0, :, 1::2].any()
    assert b.grad[0].isnan().all()
    if n == 2:
        alone = [x[1:].detach().requires_grad_() for x in (f, b)]
        expected = WAYS["stages"](*alone, mask[1:], config)
        torch.testing.assert_close(y[1:], expected)
        for got, want in zip((f, b), torch.autograd.grad(expected.sum(), alone), strict=True):
            torch.testing.assert_close(got.grad[1:], want)


def test_the_warning_is_the_one_of_a_trace() -> None:
    f, mask = torch.randn(2, 1, 8, 8), torch.ones(1, 1, 8, 8)
    config = cv.AttentionConfig(dialect="mmagic")
    messages = []
    for enter in (cv.trace, cv.contextual_attention, cv.attention_summary):
        with pytest.warns(cv.NothingValidWarning) as caught:
            enter(f, f, mask, config)
        messages.append(str(caught[0].message))
        assert caught[0].filename == __file__
    assert len(set(messages)) == 1
