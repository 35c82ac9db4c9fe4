"""The stages agree with the loops-only oracle on random settings, at every stage; and a subset
of the query cells has the rows that all of them have."""

import ast
import inspect

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ctxattn_viz as cv
from ctxattn_viz.inputs import check_inputs
from ctxattn_viz.stages import STAGES
from ctxattn_viz.traces.values import LazyValues, rows_of
from tests.support import oracle
from tests.support.closeness import assert_close
from tests.support.strategies import Setting, examples, settings_of_attention

EXACT = {"downsampled_f", "downsampled_b", "downsampled_mask", "matching_patches", "paste_patches"}


def stages_of(setting: Setting) -> LazyValues:
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    f, b = torch.from_numpy(setting.f), torch.from_numpy(setting.b)
    return LazyValues(*check_inputs(f, b, mask, setting.config))


def assert_best(offsets: np.ndarray, expected: dict, config: cv.AttentionConfig) -> None:
    """Each offset leads to a patch as strong as the strongest, ties aside."""
    attention, own = expected["attention"], np.indices(offsets.shape[1:3]).transpose(1, 2, 0)
    _, gw = oracle.patch_grid(expected["downsampled_b"], config.stride)
    cells = offsets + own
    assert (cells % config.stride == 0).all(), "an offset leads between patches"
    patches = cells[..., 0] // config.stride * gw + cells[..., 1] // config.stride
    reached = np.take_along_axis(attention, patches[..., None], axis=-1)[..., 0]
    strongest = attention.max(axis=-1)
    sick = np.isnan(strongest)
    assert np.array_equal(patches[sick], np.zeros_like(patches[sick])), "nothing valid: patch 0"
    assert (reached[~sick] >= strongest[~sick] * (1 - 1e-9)).all(), "a better match was passed by"


def test_the_oracle_knows_nothing_of_ours() -> None:
    imports = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(oracle)))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert sorted(ast.unparse(node) for node in imports) == ["import math", "import numpy as np"]


@settings(max_examples=examples(200, thorough=600))
@given(settings_of_attention())
def test_every_stage_agrees_with_the_oracle(setting: Setting) -> None:
    stages = stages_of(setting)
    expected = oracle.run(setting.f, setting.b, setting.mask, setting.config)
    assert set(expected) == {stage.key for stage in STAGES}
    for stage in STAGES:
        got, want = stages[stage.key].numpy(), expected[stage.key]
        if stage.key in EXACT:
            assert np.array_equal(got, want), stage.key
        elif stage.key == "valid":
            own = [oracle.valid_of(i, want, setting.config) for i in range(len(setting.f))]
            assert np.array_equal(got, own), stage.key
        elif stage.key == "offsets":
            assert_best(got, expected, setting.config)
        elif stage.key == "flow":
            want = oracle.flow(stages["offsets"].numpy())
            assert np.array_equal(got, want), stage.key
        else:
            assert_close(stage.key, got, want)


@settings(max_examples=examples(50, thorough=100))
@given(settings_of_attention(), st.data())
def test_rows_of_a_few_cells_are_those_of_all(setting: Setting, data: st.DataObject) -> None:
    """To the last bit, where the scores' products and sums are exact: whole numbers, no norm.

    (A matrix product of fewer rows may add up in another order.)
    """
    whole = Setting(
        {**setting.arguments, "norm": "none"},
        np.round(3 * setting.f),
        np.round(3 * setting.b),
        setting.mask,
    )
    for one, bound in ((whole, 0.0), (setting, 1e-12)):
        stages = stages_of(one)
        cells = stages["scores"].shape[1] * stages["scores"].shape[2]
        queries = data.draw(st.lists(st.integers(0, cells - 1), min_size=1, max_size=5))
        rows = rows_of(stages, one.config, torch.tensor(queries))
        for key, got in rows.items():
            expected = stages[key].flatten(1, 2)[:, queries]
            assert_close(key, got.numpy(), expected.numpy(), bound)
