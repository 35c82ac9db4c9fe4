"""The gradient of one output pixel or pasted patch: autograd of the whole layer is the truth."""

import logging
import re

import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.stages.deconvolution import mix_patches
from ctxattn_viz.stages.fused_softmax import fuse, masked_softmax
from ctxattn_viz.stages.matching_scores import matching_scores
from ctxattn_viz.stages.patch_extraction import matching_patches, paste_patches, same_padding
from tests.support.allocations import Allocations

SETTINGS = {
    "tensorflow": {},
    "pytorch": {"dialect": "pytorch"},
    "mmagic": {"dialect": "mmagic"},
    "not fused": {"fuse": False},
    "not fused, mmagic": {"fuse": False, "dialect": "mmagic"},
    "stride 2": {"stride": 2},
    "stride 2, pytorch": {"stride": 2, "dialect": "pytorch"},
    "rate 1, fuse_k 5": {"rate": 1, "fuse_k": 5},
    "rate 3, no norm": {"rate": 3, "norm": "none", "ksize": 1},
    "sharp": {"softmax_scale": 40.0},
}


def inputs(rate: int, same: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Two samples of two channels: f of 5×6 cells, b of 6×4 or f's size, each with its own hole."""
    draw = torch.Generator().manual_seed(rate)
    shape = (2, 2, 5 * rate, 6 * rate)
    f = torch.randn(*shape, generator=draw, dtype=torch.float64)
    other = shape if same else (2, 2, 6 * rate, 4 * rate)
    b = torch.randn(*other, generator=draw, dtype=torch.float64)
    mask = torch.zeros(2, 1, *other[2:], dtype=torch.float64)
    mask[0, :, :rate, :rate] = 1
    mask[1, :, -rate:, -rate:] = 1
    return f, b, mask


def of_layer(
    f: Tensor, b: Tensor, mask: Tensor, config: cv.AttentionConfig, y: tuple[object, ...]
) -> tuple[Tensor, Tensor]:
    """∂/∂f and ∂/∂b of the sum of a part of the output of the whole layer."""
    f, b = f.clone().requires_grad_(), b.clone().requires_grad_()
    cv.contextual_attention(f, b, mask, config)[y].sum().backward()
    assert f.grad is not None
    assert b.grad is not None
    return f.grad, b.grad


def equal(reached: Tensor, meant: Tensor, bound: float = 1e-9) -> None:
    torch.testing.assert_close(reached, meant, rtol=0, atol=bound * float(meant.abs().max()))


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=[*SETTINGS])
def test_of_a_pixel_is_that_of_the_whole_layer(changes: dict) -> None:
    config = cv.AttentionConfig(**{"softmax_scale": 2.0, **changes})
    f, b, mask = inputs(config.rate)
    run = cv.trace(f, b, mask, config)
    height, width = f.shape[2:]
    for sample, pixel in enumerate([(height // 2, width // 2), (0, width - 1)]):
        gradient = run.gradient(pixel=pixel, sample=sample)
        of_f, of_b = of_layer(f, b, mask, config, (sample, slice(None), *pixel))
        equal(gradient.f, of_f[sample])
        equal(gradient.b, of_b[sample])
        assert of_f[1 - sample].abs().max() == of_b[1 - sample].abs().max() == 0
        row, column = pixel
        value = run["output"].tensor[sample, :, row, column].sum()
        assert gradient.value == pytest.approx(float(value))
    of_f, of_b = of_layer(f, b, mask, config, (1, 1, 2, 3))
    gradient = run.gradient(pixel=(2, 3), channel=1, sample=1)
    equal(gradient.f, of_f[1])
    equal(gradient.b, of_b[1])
    assert gradient.b_values[0].abs().max() == 0  # of another channel


def patch_of(f: Tensor, b: Tensor, run: cv.Trace, query: int) -> Tensor:
    """What a query pastes, out of the stages of the whole grid."""
    config, grids = run.config, (run.query_grid, run.patch_grid)
    small_f, small_b = (cv.stages.BY_KEY["downsampled_f"].function(x, config) for x in (f, b))
    scores = matching_scores(small_f, matching_patches(small_b, config), config)
    for order in ("rows", "columns"):
        scores = fuse(scores, *grids, order, config)
    weights = masked_softmax(scores, run["valid"].tensor, config).flatten(1, 2)[:, [query]]
    return mix_patches(weights, paste_patches(b, config))[:, 0]


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=[*SETTINGS])
def test_of_a_query_is_that_of_the_patch_that_it_pastes(changes: dict) -> None:
    config = cv.AttentionConfig(**{"softmax_scale": 2.0, **changes})
    f, b, mask = inputs(config.rate)
    run = cv.trace(f, b, mask, config)
    gradient = run.gradient(query=(2, 5), sample=1)
    f.requires_grad_(), b.requires_grad_()
    patch = patch_of(f, b, run, 2 * 6 + 5)[1]
    of_f, of_b = torch.autograd.grad(patch.sum(), (f, b), retain_graph=True)
    equal(gradient.f, of_f[1])
    equal(gradient.b, of_b[1])
    assert gradient.value == pytest.approx(patch.sum().item())
    of_f, of_b = torch.autograd.grad(patch[0].sum(), (f, b))
    gradient = run.gradient(query=(2, 5), channel=0, sample=1)
    equal(gradient.f, of_f[1])
    equal(gradient.b, of_b[1])


@pytest.mark.parametrize("stride", [1, 2])
def test_what_comes_through_values_is_the_attention_by_hand(stride: int) -> None:
    f, b, mask = inputs(2)
    run = cv.trace(f, b, mask, cv.AttentionConfig(softmax_scale=2.0, stride=stride))
    gradient, ledger = run.gradient(pixel=(5, 4)), run.pixel(5, 4)
    before, _ = same_padding(4, 2)
    meant = torch.zeros(b.shape[2] + 4, b.shape[3] + 4, dtype=b.dtype)
    for term in ledger.terms:
        for q, weight in enumerate(term.weights.tolist()):
            row, column = (at * stride * 2 for at in divmod(q, term.patches[1]))
            at = row - before + term.position[0], column - before + term.position[1]
            meant[at[0] + before, at[1] + before] += weight / ledger.divisor
    inside = meant[before : before + b.shape[2], before : before + b.shape[3]]
    equal(gradient.b_values, inside.expand(2, -1, -1))
    assert gradient.queries == [term.query for term in ledger.terms]
    best = [float(term.weights.max()) for term in ledger.terms]
    assert gradient.best_shares.tolist() == pytest.approx(best)
    slack = [float((a * (1 - a)).sum()) for a in (term.weights for term in ledger.terms)]
    assert gradient.slack.tolist() == pytest.approx(slack)


def test_where_f_and_b_are_one_its_gradient_is_the_sum() -> None:
    x, _, mask = inputs(2, same=True)
    config = cv.AttentionConfig(softmax_scale=2.0)
    gradient = cv.trace(x, x, mask, config).gradient(pixel=(3, 7))
    x.requires_grad_()
    cv.contextual_attention(x, x, mask, config)[0, :, 3, 7].sum().backward()
    assert x.grad is not None
    equal(gradient.f + gradient.b, x.grad[0])


# ---- the sentence ----

TWO = torch.tensor([[3.0, 0.5], [0.2, 1.0]]).reshape(1, 1, 2, 2)


@pytest.mark.parametrize(
    ("changes", "hole", "sentence"),
    [
        ({"softmax_scale": 1.3}, None, "One patch holds over 99.9 %: nothing flows to the other"),
        ({"softmax_scale": 0.3}, None, r"The best patch holds .* gives way by Σ a\(1 − a\) = 0\."),
        ({"softmax_scale": 0.0}, None, "softmax_scale is 0, so the scores decide nothing"),
        ({}, ..., "No patch of b is valid: the attention is 0, and nothing flows to f or b.$"),
        ({"masked": "minus_infinity"}, ..., "attention and gradient are NaN.$"),
        ({"softmax_scale": 1.0}, (0, 0), r"Of what comes to f, \d.* % lies in the hole.$"),
    ],
)
@pytest.mark.filterwarnings("ignore::ctxattn_viz.NothingValidWarning")
def test_a_zero_is_explained(changes: dict, hole: object, sentence: str) -> None:
    mask = torch.zeros(1, 1, 2, 2)
    if hole is ...:
        mask[:] = 1
    elif isinstance(hole, tuple):
        mask[0, 0][hole] = 1
    config = cv.AttentionConfig(rate=1, ksize=1, fuse=False, norm="none", **changes)
    gradient = cv.trace(TWO, TWO, mask, config).gradient(query=(0, 0))
    assert re.search(sentence, gradient.sentence), gradient.sentence
    assert re.search(sentence, repr(gradient))


def test_its_numbers_are_those_of_the_tensors() -> None:
    f, b, mask = inputs(2, same=True)
    config = cv.AttentionConfig(softmax_scale=0.02, ksize=1)
    gradient = cv.trace(f, b, mask, config).gradient(pixel=(2, 1))
    to_f, values, scores = (
        float(x.abs().sum()) for x in (gradient.f, gradient.b_values, gradient.b_scores)
    )
    said = [float(number) for number in re.findall(r"([\d.]+) %", gradient.sentence)]
    hole = float(gradient.f[:, mask[0, 0] == 1].abs().sum())
    low, high = (float(end) * 100 for end in gradient.best_shares.aminmax())
    parts = [to_f / values, values / (values + scores), scores / (values + scores), hole / to_f]
    assert said == pytest.approx([low, high, *(100 * part for part in parts)], rel=6e-3)
    slack = float(gradient.slack.max())
    assert f"= {slack:.2g}:" in gradient.sentence
    assert hole > 0
    kept = gradient.f.abs().sum(0) > 0
    assert "one pixel of f in 4" in gradient.sentence
    assert int(kept.sum()) <= 30


def test_a_dark_patch_is_told_of() -> None:
    f, b, mask = inputs(2, same=True)
    b[0, :, -2:, :2] = 0  # one dark cell and, with a ksize of 1, one dark patch
    config = cv.AttentionConfig(softmax_scale=2.0, ksize=1)
    gradient = cv.trace(f, b, mask, config).gradient(pixel=(5, 6))
    assert "The norm of 1 patch of b is held at 0.0001: " in gradient.sentence
    dark = gradient.b_scores[:, -2:, :2].abs().max()
    others = gradient.b_scores[:, :-2].abs().max()
    assert dark > 100 * others


# ---- what cannot be had ----


def test_wrong_places_are_refused_in_a_sentence() -> None:
    f, b, mask = inputs(2)
    run = cv.trace(f, b, mask)
    for wrong, words in [
        ({}, "pixel: expected either pixel=(row, column) or query=(row, column), got None and"),
        ({"pixel": (0, 0), "query": (0, 0)}, "got (0, 0) and (0, 0)"),
        ({"pixel": (10, 0)}, "pixel row: expected an integer from 0 to 9, got 10"),
        ({"query": (0, 6)}, "query column: expected an integer from 0 to 5, got 6"),
        ({"query": 3}, "query: expected (row, column), got 3"),
        ({"pixel": "ab"}, "pixel: expected (row, column), got 'ab'"),
        ({"pixel": (0, 0), "channel": 2}, "channel: expected an integer from 0 to 1, got 2"),
        ({"pixel": (0, 0), "sample": 2}, "sample: expected an integer from 0 to 1, got 2"),
    ]:
        with pytest.raises(cv.InputError) as caught:
            run.gradient(**wrong)
        assert words in str(caught.value)
    with pytest.raises(cv.InputError, match="expected a run with values, got one on meta"):
        cv.trace(f.to("meta"), b.to("meta")).gradient(pixel=(0, 0))
    mine = cv.trace(f, b, mask, swap={"scores": matching_scores})
    with pytest.raises(cv.InputError, match="a run of our stages, got one with scores swapped"):
        mine.gradient(pixel=(0, 0))
    with pytest.raises(cv.BudgetError, match=r"gradient: expected to fit 1 kB \(the budget\), got"):
        cv.trace(f, b, mask, budget=1000).gradient(pixel=(0, 0))


@pytest.mark.parametrize("changes", [{}, {"ksize": 5}, {"rate": 1, "fuse": False}], ids=str)
@pytest.mark.parametrize(("channels", "side"), [(3, 40), (48, 20)])
def test_the_stated_memory_is_what_is_allocated(
    changes: dict, channels: int, side: int, caplog: pytest.LogCaptureFixture
) -> None:
    config = cv.AttentionConfig(**changes)
    side = side // 2 * config.rate
    run = cv.trace(*torch.rand(2, 1, channels, side, side), config=config)
    _ = run["valid"]
    with caplog.at_level(logging.INFO, logger="ctxattn_viz"), Allocations() as allocations:
        run.gradient(pixel=(5, 5))
    (said,) = re.findall(r"gradient will allocate ([\d.]+) (kB|MB)", caplog.text)
    stated = float(said[0]) * {"kB": 1e3, "MB": 1e6}[said[1]]
    assert 0.85 <= stated / allocations.peak <= 1.45


def test_where_no_gradient_is_kept_it_is_there_all_the_same() -> None:
    f, b, mask = (x.float() for x in inputs(2))
    meant = cv.trace(f, b, mask).gradient(pixel=(3, 3))
    with torch.inference_mode():
        run = cv.trace(f, b, mask)
        _ = run["attention"]
        gradient = run.gradient(pixel=(3, 3))
    assert torch.equal(gradient.f, meant.f)
    assert torch.equal(gradient.b, meant.b)
    assert not gradient.f.requires_grad
    half = cv.trace(f.half(), b.half(), mask.half()).gradient(pixel=(3, 3))
    assert half.f.dtype == torch.float32
    equal(half.b, meant.b, 0.05)


def test_not_a_number_is_said() -> None:
    f, b, mask = inputs(2)
    f[0, 0] = torch.nan
    gradient = cv.trace(f, b, mask, allow_nonfinite=True).gradient(query=(2, 2))
    assert gradient.sentence == "The gradient is not finite: f or b holds NaN or infinity."
