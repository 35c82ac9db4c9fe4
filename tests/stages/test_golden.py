"""Figures recorded from the three reference implementations (golden/), stage by stage.

Both our stages and the oracle are held to them, each in float32 and float64: the oracle is only
worth comparing with if it is right itself.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.inputs import check_inputs
from ctxattn_viz.stages.matching_scores import normed_patches
from ctxattn_viz.stages.offset_flow import recorded_flow
from ctxattn_viz.traces.values import LazyValues
from tests.support import oracle
from tests.support.recorded import CASES, Case, assert_within_bound, tensors

OURS_IS_RIGHT = {"daa233/two_images", "daa233/two_images_fuse"}  # their flow means nothing


FIGURES = [
    pytest.param(case, figure, id=f"{case.name}/{figure}")
    for case in CASES
    for figure in case.figures
    if not (figure == "flow" and case.name in OURS_IS_RIGHT)
]
STAGE_OF = {"y": "output"}  # the rest are called alike

Compute = Callable[[Case], dict[str, np.ndarray]]


def by_the_stages(case: Case, dtype: torch.dtype) -> dict[str, np.ndarray]:
    values = LazyValues(*check_inputs(*tensors(case, dtype), case.config))
    computed = {stage.key: values[stage.key].numpy() for stage in cv.STAGES}
    computed["normed_patches"] = normed_patches(values["matching_patches"], case.config).numpy()
    return computed


def by_the_oracle(case: Case) -> dict[str, np.ndarray]:
    computed = oracle.run(**case.inputs, config=case.config)
    computed["normed_patches"] = np.array(
        [
            [match / oracle.norm(match, case.config.norm) for match in sample]
            for sample in computed["matching_patches"]
        ]
    )
    return computed


@pytest.fixture(scope="module", params=["stages float32", "stages float64", "oracle"])
def computed(request: pytest.FixtureRequest) -> Compute:
    """A case's stages by one of the implementations under test; each case is run once."""
    kept: dict[str, dict[str, np.ndarray]] = {}

    def compute(case: Case) -> dict[str, np.ndarray]:
        if case.name not in kept:
            kept[case.name] = (
                by_the_oracle(case)
                if request.param == "oracle"
                else by_the_stages(case, getattr(torch, request.param.split()[1]))
            )
        return kept[case.name]

    return compute


@pytest.mark.parametrize(("case", "figure"), FIGURES)
def test_every_recorded_figure(computed: Compute, case: Case, figure: str) -> None:
    expected = case.figures[figure]
    got = computed(case)[STAGE_OF.get(figure, figure)]
    if figure in ("offsets", "valid", "paste_patches"):
        assert np.array_equal(got, expected)
    elif figure == "flow":
        assert_same_picture(got, expected, case)
    else:
        assert_within_bound(got, expected)


def assert_same_picture(picture: np.ndarray, expected: np.ndarray, case: Case) -> None:
    """A uint8 picture on the grid against the recorded, enlarged one."""
    enlarged = recorded_flow(torch.from_numpy(picture), case.config.rate, case.config.dialect)
    assert_same_flow(enlarged.numpy(), expected)


def assert_same_flow(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    assert np.abs(got - expected).max() <= 6e-8 * max(1, np.abs(expected).max())


WITH_FLOW = [case for case in CASES if "flow" in case.figures and case.name not in OURS_IS_RIGHT]


@pytest.mark.filterwarnings("ignore::ctxattn_viz.ThinHoleWarning")
@pytest.mark.parametrize("case", WITH_FLOW, ids=lambda case: case.name)
def test_flow_like_gives_each_recorded_form(case: Case) -> None:
    trace = cv.trace(*tensors(case, torch.float32), case.config)
    assert_same_flow(cv.flow_like(trace, case.config.dialect).numpy(), case.figures["flow"])


@pytest.mark.filterwarnings("ignore::ctxattn_viz.NothingValidWarning")  # mmagic/all
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contextual_attention_and_the_layer_give_the_recorded_output(case: Case) -> None:
    f, b, mask = tensors(case, torch.float32)
    y = cv.contextual_attention(f, b, mask, case.config)
    layer_y, flow = cv.ContextualAttention(case.config)(f, b, mask)
    assert_within_bound(y.numpy(), case.figures["y"])
    assert_within_bound(layer_y.numpy(), case.figures["y"])
    assert flow.dtype == torch.uint8
    rate = case.config.rate
    assert flow.shape == (f.shape[0], 3, f.shape[2] // rate, f.shape[3] // rate)


def test_every_case_is_here() -> None:
    """The files hold these many cases and figures; a key that is misread would drop out quietly."""
    counts = {}
    for case in CASES:
        dialect = case.name.split("/")[0]
        cases, figures = counts.get(dialect, (0, 0))
        counts[dialect] = (cases + 1, figures + len(case.figures))
    assert counts == {"tf": (11, 65), "daa233": (8, 16), "mmagic": (8, 16)}
