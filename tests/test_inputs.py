"""Settings beyond what the maps hold cost nothing: the same answer, or refused with the largest."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.attention import METHODS, expected_memory
from ctxattn_viz.inputs import ORDINARY, clamped_config, fitted_config

# What each setting is brought down to for b of 4×10 cells (and f of 5×8), by hand: a patch that
# reaches 9 cells each way holds all of b; 40 patches lie at most 39 places apart.
LARGEST = {"ksize": 19, "fuse_k": 79, "stride": 15}


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    f = torch.randn(1, 2, 10, 16, generator=generator, dtype=torch.float64)
    b = torch.randn(1, 2, 8, 20, generator=generator, dtype=torch.float64)
    mask = torch.zeros(1, 1, 8, 20, dtype=torch.float64)
    mask[..., 7:, 18:] = 1
    return f, b, mask


@pytest.mark.parametrize("name", LARGEST)
@pytest.mark.parametrize("beyond", [LARGEST["fuse_k"] + 2, 10**9 + 1, 10**30 + 1])
def test_beyond_the_maps_nothing_changes(name: str, beyond: int) -> None:
    f, b, mask = inputs()
    settings: dict[str, Any] = {"softmax_scale": 1.0, name: beyond}
    trace = cv.trace(f, b, mask, cv.AttentionConfig(**settings))
    assert getattr(trace.config, name) == LARGEST[name]
    whole = cv.AttentionConfig(softmax_scale=1.0, **{name: LARGEST[name] + 4})
    # The stages themselves, which nothing is taken from.
    values = cv.traces.values.LazyValues({"f": f, "b": b, "mask": mask}, whole)
    for key in ("valid", "attention", "output", "offsets"):
        torch.testing.assert_close(trace[key].tensor, values[key])
    row = trace.query(2, 3).attention.flatten()
    torch.testing.assert_close(row, values["attention"][0, 2, 3])
    for method in METHODS:
        try:
            y = cv.contextual_attention(f, b, mask, cv.AttentionConfig(**settings), method=method)
        except cv.InputError as refused:
            sentence = str(refused)
            assert (name, method) in {("fuse_k", "vectors"), ("fuse_k", "sdpa")}, sentence
        else:
            torch.testing.assert_close(y, values["output"])
    assert trace.cost("output") < 20_000_000
    assert "output" in trace.plan()


def test_one_cell_less_does_change_something() -> None:
    """Or the bounds above would be larger than need be."""
    f, b, _ = inputs()
    for name, two in (("ksize", 2), ("fuse_k", 2)):
        outputs = []
        for value in (LARGEST[name] - two, LARGEST[name]):
            config = cv.AttentionConfig(softmax_scale=0.01, norm="none", **{name: value})
            outputs.append(cv.trace(f, b, None, config)["fused_scores"].tensor)
        assert not torch.equal(*outputs), name


def test_ordinary_values_stay_as_they_are() -> None:
    config = cv.AttentionConfig(ksize=ORDINARY, fuse_k=ORDINARY, stride=ORDINARY)
    assert clamped_config(config, (1, 1), (1, 1)) == config
    assert cv.trace(*inputs()[:2]).config == cv.AttentionConfig()


def test_where_the_answer_would_change_the_largest_is_named() -> None:
    f, b, mask = inputs()
    with pytest.raises(cv.InputError, match=r"ksize: expected an odd integer up to 19 .*norm='per"):
        cv.trace(f, b, mask, cv.AttentionConfig(ksize=21, dialect="pytorch"))
    cv.contextual_attention(f, b, mask, cv.AttentionConfig(ksize=19, dialect="pytorch"))


@pytest.mark.parametrize("name", ["ksize", "fuse_k"])
@pytest.mark.parametrize("cells", [64, 256])
def test_what_would_take_minutes_is_refused(name: str, cells: int) -> None:
    config = cv.AttentionConfig(**{name: 10**9 + 1})
    with pytest.raises(cv.InputError, match=f"{name}: expected an odd integer up to ") as caught:
        fitted_config(config, 3, (cells, cells), (cells, cells))
    largest = int(str(caught.value).split(" up to ")[1].split()[0])
    fitted = config.replace(**{name: largest})
    assert fitted_config(fitted, 3, (cells, cells), (cells, cells)) == fitted
    f = torch.empty(1, 3, 2 * cells, 2 * cells, device="meta")
    for enter in (cv.contextual_attention, cv.attention_summary, cv.trace):
        with pytest.raises(cv.InputError, match=name):
            enter(f, f, None, config)


def test_estimates_cover_what_a_setting_costs() -> None:
    f = torch.empty(1, 3, 512, 512, device="meta")
    wide, usual = cv.AttentionConfig(ksize=15), cv.AttentionConfig()
    for method in ("vectors", "sdpa"):
        assert expected_memory(f, f, wide, method) > expected_memory(f, f, usual, method)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 10**30}, "f: expected a height divisible by rate "),
        ({"rate": 1024}, "f: expected a height divisible by rate 1024, got 10."),
        ({"softmax_scale": 1e300}, "softmax_scale: expected a magnitude up to 3.4e"),
    ],
    ids=str,
)
def test_other_extremes(settings: dict[str, Any], message: str) -> None:
    f, b, mask = (x.float() for x in inputs())
    with pytest.raises(cv.InputError) as caught:
        cv.contextual_attention(f, b, mask, cv.AttentionConfig(**settings))
    assert str(caught.value).startswith(message)
    with pytest.raises(cv.InputError, match="softmax_scale: expected a finite number"):
        cv.AttentionConfig(softmax_scale=10**400)


WRONG_MASKS = {
    "three axes": (torch.zeros(1, 8, 8), "four dimensions (1 or n, 1, height, width)"),
    "three channels": (torch.zeros(1, 3, 8, 8), "four dimensions (1 or n, 1, height, width)"),
    "empty": (torch.zeros(0, 1, 8, 8), "at least one sample, row and column"),
    "three samples": (torch.zeros(3, 1, 8, 8), "1 sample or as many as {of}, 2"),
    "another size": (torch.zeros(1, 1, 8, 6), "{of}'s size (8, 8)"),
    "complex": (torch.zeros(1, 1, 8, 8, dtype=torch.complex64), "a dense tensor of real numbers"),
    "sparse": (torch.zeros(1, 1, 8, 8).to_sparse(), "a dense tensor of real numbers"),
    "no tensor": ([[0, 1]], "a torch.Tensor"),
}


@pytest.mark.parametrize("kind", WRONG_MASKS)
def test_one_rule_says_everywhere_what_does_not_fit_as_a_mask(kind: str) -> None:
    mask, expected = WRONG_MASKS[kind]
    x = torch.rand(2, 3, 8, 8)
    callers = {
        ("mask", "b"): [cv.trace, cv.contextual_attention],
        ("mask", "image"): [
            lambda f, b, mask: cv.samples.coarse_fill(f, mask),
            lambda f, b, mask: cv.samples.psnr(f, b, mask),
        ],
        ("foreground_mask", "f"): [
            lambda f, b, mask: cv.contextual_attention(f, b, queries="hole", foreground_mask=mask),
            lambda f, b, mask: cv.debug(cv.trace(f, b), foreground_mask=mask),
        ],
    }
    for (name, of), functions in callers.items():
        for function in functions:
            with pytest.raises(cv.InputError) as problem:
                function(x, x.clone(), mask)
            assert str(problem.value).startswith(f"{name}: expected {expected.format(of=of)}")
