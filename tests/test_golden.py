"""Figures recorded from the three reference implementations (golden/), stage by stage.

Both our stages and the oracle are held to them, each in float32 and float64: the oracle is only
worth comparing with if it is right itself.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import oracle
import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.inputs import check_inputs
from ctxattn_viz.stages.matching_scores import normed_patches
from ctxattn_viz.stages.offset_flow import recorded_flow
from ctxattn_viz.traces.values import LazyValues

GOLDEN = Path(__file__).parent / "golden"
BOUND = 1e-5  # of an array's largest magnitude: what float32 on a CPU allows
OURS_IS_RIGHT = {"daa233/two_images", "daa233/two_images_fuse"}  # their flow means nothing


@dataclass(frozen=True)
class Case:
    """One recorded call: everything channels first, as our stages have it."""

    name: str
    config: cv.AttentionConfig
    inputs: dict[str, np.ndarray | None]
    figures: dict[str, np.ndarray]


def tensorflow_cases() -> list[Case]:
    file = np.load(GOLDEN / "tf_v1_public.npz")
    cases = []
    for name, said in json.loads(str(file["meta"])).items():
        arrays = {key.split("/")[1]: file[key] for key in file.files if key.startswith(name + "/")}
        inputs = {
            key: arrays.pop(key).transpose(0, 3, 1, 2) if key in arrays else None
            for key in ("f", "b", "mask")
        }
        arguments = ("ksize", "stride", "rate", "fuse_k", "softmax_scale", "fuse")
        config = cv.AttentionConfig(**{key: said[key] for key in arguments}, dialect="tensorflow")
        arrays["y"] = arrays["y"].transpose(0, 3, 1, 2)
        if "valid" in arrays:  # one for the batch, which here is one sample
            arrays["valid"] = arrays["valid"].reshape(1, -1)
            arrays["paste_patches"] = arrays.pop("raw_patches").transpose(0, 4, 3, 1, 2)
            arrays["normed_patches"] = arrays["normed_patches"].transpose(3, 2, 0, 1)[None]
        cases.append(Case(f"tf/{name}", config, inputs, arrays))
    return cases


def port_cases() -> list[Case]:
    file = np.load(GOLDEN / "torch_ports_public.npz")
    cases = []
    for name, said in json.loads(str(file["meta"])).items():
        arrays = {
            key.rsplit("/", 1)[1]: file[key] for key in file.files if key.startswith(name + "/")
        }
        inputs = {key: arrays.pop(key, None) for key in ("f", "b", "mask")}
        arguments = {key: value for key, value in said.items() if key != "mask"}
        arguments["softmax_scale"] = float(arguments.get("softmax_scale", 10))
        if name.startswith("mmagic"):
            # Its fusion is off when the kernel has one element.
            fuse_k = arguments.pop("fuse_kernel_size", 3)
            arguments |= {"fuse_k": fuse_k, "fuse": fuse_k > 1, "dialect": "mmagic"}
        else:
            arguments["dialect"] = "pytorch"
        if "attention" in arrays:  # (n, hb, wb, h, w) -> (n, h, w, L)
            weights = arrays["attention"].transpose(0, 3, 4, 1, 2)
            arrays["attention"] = weights.reshape(*weights.shape[:3], -1)
        cases.append(Case(name, cv.AttentionConfig(**arguments), inputs, arrays))
    return cases


CASES = tensorflow_cases() + port_cases()
FIGURES = [
    pytest.param(case, figure, id=f"{case.name}/{figure}")
    for case in CASES
    for figure in case.figures
    if not (figure == "flow" and case.name in OURS_IS_RIGHT)
]
STAGE_OF = {"y": "output"}  # the rest are called alike

Compute = Callable[[Case], dict[str, np.ndarray]]


def tensors(case: Case, dtype: torch.dtype) -> list[torch.Tensor | None]:
    return [
        None if array is None else torch.from_numpy(array).to(dtype)
        for array in case.inputs.values()
    ]


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


def assert_within_bound(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    if np.isnan(expected).any():
        assert np.isnan(expected).all()
        assert np.isnan(got).all(), "the reference is NaN throughout"
        return
    worst = np.abs(got.astype(np.float64) - expected).max()
    assert worst <= BOUND * np.abs(expected).max(), f"{worst:.3e} off"


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
