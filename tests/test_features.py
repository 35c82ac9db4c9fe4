"""Learned features: the mathematics of their training, and how well the shipped weights match."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz import features, samples, window_pairs
from tools.features import LIGHTS, centred_colours, raw_colours, share_found


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- the shipped weights ----


@pytest.fixture(scope="module")
def encoder() -> features.Encoder:
    return features.load()


def test_the_shipped_weights_match_where_colours_do_not(encoder: features.Encoder) -> None:
    """On photographs that training does not see; `make features` prints the whole table."""
    torch.manual_seed(0)
    brighter, all_at_once = LIGHTS["brighter"], LIGHTS["all at once"]
    assert share_found(encoder, brighter, pairs=6) > 0.95  # 0.98 when measured
    assert share_found(raw_colours, brighter, pairs=6) < 0.4
    assert (learned := share_found(encoder, all_at_once, pairs=6)) > 0.95
    for other in (centred_colours, features.Encoder()):
        assert share_found(other, all_at_once, pairs=6) < learned - 0.1


def test_the_weights_are_few_and_numbers_alone() -> None:
    assert features.WEIGHTS.stat().st_size < 160_000
    with np.load(features.WEIGHTS, allow_pickle=False) as arrays:
        assert {x.dtype for x in arrays.values()} == {np.dtype("float16")}
        assert sum(x.size for x in arrays.values()) == 74_833


def test_a_gradient_reaches_the_picture_and_no_weight(encoder: features.Encoder) -> None:
    photo = noise(1, 3, 16, 16).requires_grad_()
    encoder(photo).square()[:, :3].sum().backward()
    assert photo.grad is not None
    assert photo.grad.abs().sum() > 0
    assert not any(weight.requires_grad for weight in encoder.parameters())


def test_what_is_trained_on_is_bundled_and_leaves_some_unseen() -> None:
    assert set(features.TRAINED_ON) < set(samples.PHOTOGRAPHS)


def test_the_layer_pastes_colours_by_features(encoder: features.Encoder) -> None:
    """In one call: features as large as the picture, and the colours beside them, hardly there."""
    f = samples.photograph("coffee", size=64)
    b = samples.photograph("chelsea", size=64)
    joined = [torch.cat([F.interpolate(encoder(x), scale_factor=4.0), 1e-3 * x], 1) for x in (f, b)]
    config = cv.AttentionConfig(rate=4)
    pasted = cv.contextual_attention(*joined, config=config)[:, -3:] * 1e3
    attention = cv.trace(encoder(f), encoder(b), config=config.replace(rate=1))["attention"]
    patches = cv.trace(b, b, config=config)["paste_patches"]
    expected = cv.stages.deconvolution.deconvolve(attention.tensor, patches.tensor, config)
    assert (pasted - expected).abs().max() < 5e-3


# ---- the encoder ----


def test_features_are_centred_and_of_one_length(encoder: features.Encoder) -> None:
    x = encoder(samples.photograph("coffee", size=64))
    length = x.norm(dim=1)
    assert torch.allclose(length, encoder.log_length.exp().expand_as(length))
    assert torch.allclose(encoder(torch.full((1, 3, 8, 8), 0.3)), torch.zeros(1, 24, 2, 2))


def test_a_mask_changes_features() -> None:
    network, photo = features.Encoder(), noise(2, 3, 16, 16)
    mask = samples.rectangle((16, 16), 4, 4, 4, 4)
    assert torch.equal(network(photo), network(photo, torch.zeros_like(mask)))
    assert not torch.equal(network(photo), network(photo, mask))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (noise(1, 1, 8, 8), "pictures (n, 3, height, width), got a (1, 1, 8, 8) tensor."),
        (noise(3, 8, 8), "pictures (n, 3, height, width), got a (3, 8, 8) tensor."),
        (None, "pictures (n, 3, height, width), got NoneType."),
        (noise(1, 3, 8, 6), "sides that are multiples of 4, got a (1, 3, 8, 6) tensor."),
    ],
)
def test_the_encoder_refuses_what_is_no_picture(picture: Tensor, expected: str) -> None:
    with pytest.raises(cv.InputError) as caught:
        features.Encoder()(picture)
    assert str(caught.value) == f"picture: expected {expected}"


# ---- training ----


def test_scores_are_those_of_the_stages() -> None:
    f, b = noise(2, 5, 6, 9), noise(2, 5, 7, 5, seed=1)
    trace = cv.trace(f, b, config=cv.AttentionConfig(rate=1))
    expected = trace["fused_scores"].tensor.flatten(1, 2)
    assert torch.allclose(features.fused_scores(f, b), expected, atol=1e-4)


def test_the_true_cell_of_a_cell_holds_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_pairs, "_disturbed", lambda x: x)
    torch.manual_seed(0)
    picture = noise(3, 90, 110)
    between = set()
    for _ in range(12):
        f, b, truth = window_pairs.drawn_pair([picture])
        assert f.shape == b.shape == (3, 64, 64)
        grid = truth.unflatten(1, (16, 16))
        rows = (grid.sum(2) @ torch.arange(16.0)).tolist()
        columns = (grid.sum(1) @ torch.arange(16.0)).tolist()
        asked = truth.sum(1)
        assert set(asked.tolist()) == {0.0, 1.0}
        for cell in asked.nonzero().flatten().tolist():
            y, x = (4 * at for at in divmod(cell, 16))
            row, column = round(4 * rows[cell]), round(4 * columns[cell])
            there = b[:, row : row + 4, column : column + 4]
            assert torch.equal(f[:, y : y + 4, x : x + 4], there)
            between.add(int((truth[cell] > 0).sum()))
            assert 0 < y < 60
            assert 0 < x < 60
    assert between == {1, 2, 4}


def test_only_one_window_is_disturbed_and_each_kind_of_disturbance_comes() -> None:
    torch.manual_seed(0)
    x = noise(3, 64, 64).cumsum(1).cumsum(2) / 64
    changed = [window_pairs._disturbed(x) for _ in range(200)]
    assert 0 < sum(torch.equal(x, each) for each in changed) < 20  # one in fifty
    means = [each.mean().item() - x.mean().item() for each in changed]
    assert min(means) < -0.1 < 0.1 < max(means)


def test_training_is_the_same_for_a_seed_and_touches_no_other_draw() -> None:
    photo = samples.photograph("brick", size=96)
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    with torch.no_grad():
        (first, losses), (again, same) = (features.train([photo], 3) for _ in range(2))
    other, _ = features.train([photo], 3, seed=1)
    assert torch.rand(()) == expected
    assert losses == same
    weights, repeated, others = (torch.cat([p.flatten() for p in e.parameters()])
                                 for e in (first, again, other))  # fmt: skip
    assert torch.equal(weights, repeated)
    assert not torch.equal(weights, others)


@pytest.mark.long
def test_two_hundred_steps_learn_most_of_it() -> None:
    """Half a minute of one core; 95 to 98 % when measured."""
    photographs = [samples.photograph(name, size=400) for name in features.TRAINED_ON]
    trained, losses = features.train(photographs)
    assert share_found(trained, LIGHTS["brighter"]) > 0.9
    assert sum(losses[-20:]) < 0.7 * sum(losses[:20])


PHOTO = noise(1, 3, 72, 80)
REFUSED = [
    ({"photographs": []}, "photographs: expected a list of pictures, got list."),
    (
        {"photographs": PHOTO},
        "photographs: expected a list of pictures, got a (1, 3, 72, 80) tensor.",
    ),
    ({"photographs": ["brick"]}, "photographs: expected a torch.Tensor, got str."),
    (
        {"photographs": [PHOTO[0]]},
        "photographs: expected floating (1, 3, height, width) ones, got a (3, 72, 80) tensor.",
    ),
    (
        {"photographs": [PHOTO[..., :71]]},
        "photographs: expected sides of at least 72, got a (1, 3, 72, 71) tensor.",
    ),
    (
        {"photographs": [PHOTO, torch.zeros_like(PHOTO)]},
        "photographs: expected a standard deviation above 0.06, got 0.000.",
    ),
    (
        {"photographs": [PHOTO / 0]},
        "photographs: expected a standard deviation above 0.06, got nan.",
    ),
    ({"steps": 0}, "steps: expected an integer ≥ 1, got 0."),
    ({"seed": 1.5}, "seed: expected an integer, got 1.5."),
    ({"seed": True}, "seed: expected an integer, got True."),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED)
def test_what_cannot_be_trained_on_is_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(cv.InputError) as caught:
        features.train(**{"photographs": [PHOTO], "steps": 1, **arguments})
    assert str(caught.value) == sentence


def test_features_are_loaded_when_they_are_used() -> None:
    ask = "print('ctxattn_viz.features' in sys.modules)"
    code = f"import sys, ctxattn_viz as cv; {ask}; cv.features; {ask}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.split() == ["False", "True"], run.stderr
