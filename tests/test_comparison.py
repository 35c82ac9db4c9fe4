"""Finding the first stage at which two runs part."""

import math

import numpy as np
import pytest
import torch

import ctxattn_viz as cv


@pytest.fixture
def run():
    generator = torch.Generator().manual_seed(0)
    f, b = (torch.randn(1, 2, 8, 12, generator=generator) for _ in range(2))
    mask = torch.zeros(1, 1, 8, 12)
    mask[..., 2:6, 4:8] = 1
    return lambda **fields: cv.trace(f, b, mask, cv.AttentionConfig(**fields))


def test_a_run_is_the_same_as_itself(run):
    found = cv.compare(run(), run())
    assert found.first is None
    assert [stage.key for stage in found.stages] == [stage.key for stage in cv.STAGES]
    assert repr(found).endswith("no stage differs")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"shrink": "floor"}, "downsampled_f"),
        ({"ksize": 5}, "matching_patches"),
        ({"norm": "none"}, "scores"),
        ({"fuse_k": 5}, "fused_rows"),
        ({"softmax_scale": 5.0}, "attention"),
        ({"masked": "minus_infinity"}, "attention"),
        ({"overlap": "coverage"}, "output"),
    ],
)
def test_the_first_stage_that_differs_is_the_one_that_was_changed(run, change, first):
    soft = {"softmax_scale": 0.1}  # so that what masked patches add to the denominator shows
    found = cv.compare(run(**soft), run(**soft | change))
    assert found.first.key == first
    assert f"first difference: {first}" in repr(found)


def test_a_foreign_tensor_is_compared_under_its_key_alone(run):
    ours = run()
    theirs = ours["scores"].tensor.clone()
    theirs[0, 1, 2, 3] += 0.5
    theirs[0, 3, 1, 0] += 2.0
    found = cv.compare(ours, {"scores": theirs})
    (scores,) = found.stages
    assert scores.first == (0, 1, 2, 3)
    assert scores.where == (0, 3, 1, 0)
    assert scores.largest == pytest.approx(2.0)
    assert scores.share == pytest.approx(2 / theirs.numel())
    assert scores.values[1] - scores.values[0] == pytest.approx(2.0)
    assert "query row 3, query column 1, background patch 0" in str(scores)


def test_scores_as_a_convolution_leaves_them_are_told_their_axes_and_their_order(run):
    ours = run()
    found = cv.compare(ours, {"scores": ours["scores"].tensor.permute(0, 3, 1, 2)})
    told = str(found.first)
    assert "(1, 4, 6, 24) (sample 1 × query row 4 × query column 6 × background patch 24)" in told
    assert "in the reference, (1, 24, 4, 6) in the other" in told
    assert "other.permute(0, 2, 3, 1) would have that shape" in told
    assert "permute" not in str(cv.compare(ours, {"scores": torch.zeros(3, 5)}).first)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"shrink": "floor"}, "shrink='floor'"),
        ({"norm": "per_element"}, "norm='per_element'"),
        ({"masked": "minus_infinity"}, "masked='minus_infinity'"),
        ({"overlap": "coverage"}, "overlap='coverage'"),
    ],
)
def test_a_port_that_follows_another_rule_is_told_which(run, change, rule):
    soft = {"softmax_scale": 0.1}
    found = cv.compare(run(**soft), dict(run(**soft | change)))
    assert found.rules == (rule,)
    assert repr(found).endswith(f"; with {rule} the reference would agree there")


def test_a_fault_that_is_no_rule_is_not_explained_away(run):
    ours = run()
    found = cv.compare(ours, {"scores": ours["scores"].tensor * 1.5, "valid": ours["valid"].tensor})
    assert found.first.key == "scores"
    assert found.rules == ()
    assert repr(found).endswith("first difference: scores (2 of 13 stages compared)")
    assert found["valid"].same
    with pytest.raises(KeyError, match="a stage compared: valid, scores, got 'output'"):
        found["output"]


def test_a_patch_is_named_by_its_place_in_the_picture(run):
    ours = run(stride=2)  # 2×3 patches, of every other cell
    theirs = ours["scores"].tensor.clone()
    theirs[0, 1, 2, 4] += 9
    found = cv.compare(ours, {"scores": theirs}).first
    assert found.patch_at == (2, 2)
    assert "background patch 4 at (2, 2)" in str(found)
    assert "1 of 144 elements differ" in str(found)


def test_arrays_of_others_are_read_and_one_mask_stands_for_a_batch(run):
    one = run()
    f = torch.cat([one.f, one.f.flip(3)])
    ours = cv.trace(f, torch.cat([one.b, one.b]), one.mask)
    theirs = {key: ours[key].tensor.numpy() for key in ("scores", "valid", "output")}
    theirs["downsampled_mask"] = ours["downsampled_mask"].tensor.expand(2, -1, -1, -1)
    assert cv.compare(ours, theirs).first is None


def test_nan_equals_nan_and_nothing_else():
    x = torch.zeros(1, 2, 4, 4)
    x[0, 0, 0, 0] = torch.nan
    sick = cv.trace(x, torch.zeros_like(x), allow_nonfinite=True)
    same = {"downsampled_f": sick["downsampled_f"].tensor}
    assert cv.compare(sick, same).first is None
    assert cv.compare(sick, {"downsampled_f": torch.zeros(1, 2, 2, 2)}).first.largest == torch.inf


@pytest.mark.parametrize(
    ("other", "options", "told"),
    [
        (3, {}, "other: expected a Trace or tensors by stage key, got int"),
        ({"score": torch.zeros(1)}, {}, "got 'score'"),
        ({"scores": [1.0]}, {}, r"other\['scores'\]: expected a tensor or an array .* got list"),
        ({"scores": np.array(["x"])}, {}, r"other\['scores'\]: .* got ndarray"),
        ({"scores": torch.zeros(2) * 1j}, {}, r"other\['scores'\]: .* got torch.complex64 on cpu"),
        ({"scores": torch.zeros(2, device="meta")}, {}, "got torch.float32 on meta"),
        ({"scores": torch.ones(2).to_sparse()}, {}, r"other\['scores'\]: .* got torch.sparse_coo"),
        ({"scores": np.ma.masked_equal(np.eye(2), 0)}, {}, r"got a masked array. `array.filled"),
        ({}, {}, "at least one stage, got none"),
        ({"scores": torch.zeros(1)}, {"rtol": math.nan}, "rtol: expected .* ≥ 0, got nan"),
        ({"scores": torch.zeros(1)}, {"atol": -1}, "atol: expected .* ≥ 0, got -1"),
        ({"scores": torch.zeros(1)}, {"rtol": "x"}, "rtol: expected .* ≥ 0, got 'x'"),
    ],
)
def test_what_cannot_be_compared_is_named(run, other, options, told):
    with pytest.raises(cv.InputError, match=told):
        cv.compare(run(), other, **options)


def test_the_trace_comes_first(run):
    with pytest.raises(cv.InputError, match="reference: expected a Trace, got dict"):
        cv.compare({"scores": torch.zeros(1)}, run())


def test_an_array_of_the_other_byte_order() -> None:
    run = cv.trace(*[torch.rand(1, 3, 8, 8)] * 2)
    assert cv.compare(run, {"output": run["output"].tensor.numpy().astype(">f4")}).stages[0].same


def test_the_two_runs_have_names_of_their_own_as_b_is_the_background(run):
    assert cv.compare(reference=run(), other=run()).first is None
    for old, new in (("a", "reference"), ("b", "other")):
        with pytest.raises(TypeError) as caught:
            cv.compare(**{"reference": run(), "other": run(), old: run()})
        sentence = f"compare: expected the keyword {new}, got {old}. `{old}` is called `{new}` now."
        assert str(caught.value) == sentence
