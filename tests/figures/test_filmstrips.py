"""Film strips: six pictures whose numbers are the stages' own."""

from __future__ import annotations

import re

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz import figures, samples
from ctxattn_viz.figures.filmstrips import STRIPS
from ctxattn_viz.stages.fused_softmax import logits
from ctxattn_viz.stages.patch_extraction import query_patches

CONFIGS = {
    "as it is": cv.AttentionConfig(),
    "mmagic, strides": cv.AttentionConfig(dialect="mmagic", stride=2, fuse_k=5),
    "rate 4, no fusion": cv.AttentionConfig(dialect="pytorch", rate=4, fuse=False),
}


def traced(config: cv.AttentionConfig) -> cv.Trace:
    draw = torch.Generator().manual_seed(3)
    f = torch.rand(1, 3, 24, 32, generator=draw) * 2 - 1
    b = torch.rand(1, 3, 32, 24, generator=draw) * 2 - 1
    return cv.trace(f, b, samples.rectangle((32, 24), 8, 8, 8, 8), config)


def captions(trace: cv.Trace, stage: str, query: tuple[int, int]) -> list[str]:
    figure = figures.filmstrip(trace, stage, query)
    assert len(figure.axes) == 6
    for ax in figure.axes:
        assert ax.images or ax.lines or ax.patches, "an empty panel"
    text = [ax.get_xlabel() for ax in figure.axes]
    assert all(text)
    for line in text:
        assert line.splitlines()[-1] in figure.alt
    return text


def numbers(caption: str) -> list[float]:
    found = re.findall(r"−?\d+\.?\d*(?:e[−+]?\d+)?", caption)
    return [float(each.replace("−", "-")) for each in found]


def near(reached: float, meant: float | torch.Tensor) -> bool:
    """To the three digits that a caption has."""
    return reached == pytest.approx(float(meant), rel=6e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("as it is", (11, 15)),
        ("mmagic, strides", (2, 3)),
        pytest.param("rate 4, no fusion", (5, 7), marks=pytest.mark.long),
    ],
)
def test_each_strip_says_the_numbers_of_its_stage(name: str, query: tuple[int, int]) -> None:
    trace = traced(CONFIGS[name])
    config = trace.config
    h, w = trace.query_grid
    row = trace.query(*query)
    p, q = query[0] * w + query[1], int(row.order[0])
    at = {key: trace[key].tensor.reshape(h * w, -1)[p] for key in cv.stages.MATRICES}
    strips = {stage: captions(trace, stage, query) for stage in STRIPS}

    patch = query_patches(trace["downsampled_f"].tensor, config).flatten(1, 2)[0, p]
    products = (patch * trace["matching_patches"].tensor[0, q]).flatten()
    for caption in strips["scores"][:5]:
        term, of, x, y, product, total = numbers(caption)
        assert of == len(products)
        assert near(product, products[int(term) - 1])
        assert near(total, products[: int(term)].double().sum())
        assert x * y == pytest.approx(product, rel=2e-2, abs=1e-3)
    assert near(numbers(strips["scores"][5])[-1], at["scores"][q])

    assert near(numbers(strips["fused_rows"][4])[-1], at["fused_rows"][q])
    assert near(numbers(strips["fused_rows"][5])[-1], at["fused_rows"][q])
    assert near(numbers(strips["fused_scores"][4])[-1], at["fused_scores"][q])
    assert near(numbers(strips["fused_scores"][5])[-1], at["fused_scores"][q])

    logit = logits(trace["fused_scores"].tensor, trace["valid"].tensor, config)
    logit = logit.reshape(h * w, -1)[p].double()
    total = (logit - logit.max()).exp().sum()
    assert near(numbers(strips["attention"][4])[-1], total)
    assert near(numbers(strips["attention"][5])[-1], 100 * at["attention"][q])

    (y, x), rate = query, config.rate
    pixel = trace["output"].tensor[0, 0, y * rate + rate // 2, x * rate + rate // 2]
    assert near(numbers(strips["output"][5])[1], pixel)

    offset = trace["offsets"].tensor[0, y, x].tolist()
    assert numbers(strips["offsets"][5]) == offset

    valid = trace["valid"].tensor[0]
    for caption in strips["valid"]:
        count, tested = numbers(caption.splitlines()[1])
        assert count == int(valid[: int(tested)].sum())
        holes = numbers(caption.splitlines()[0])[0]
        assert ("out" in caption) == (holes > 0) == (not valid[int(tested) - 1])


def test_the_overlap_in_the_frame_is_the_output() -> None:
    trace = traced(cv.AttentionConfig())
    figure = figures.filmstrip(trace, "output", (4, 5))
    shown = torch.tensor(figure.axes[3].images[0].get_array())[2:6, 2:6]  # the query's own patch
    meant = samples.to_picture(trace["output"].tensor[:, :, 7:11, 9:13].clamp(-1, 1))
    assert (shown.int() - torch.tensor(meant).int()).abs().max() <= 1


@pytest.mark.parametrize(
    ("stage", "query", "message"),
    [
        ("flow", (1, 1), "stage"),
        ("scores", (99, 1), "row"),
        ("scores", 4, r"query: expected a cell \(row, column\)"),
    ],
)
def test_what_has_no_strip_is_refused(stage: str, query: object, message: str) -> None:
    with pytest.raises(cv.InputError, match=message):
        figures.filmstrip(traced(cv.AttentionConfig()), stage, query)  # type: ignore[arg-type]


def test_a_swapped_stage_has_no_strip() -> None:
    trace = traced(cv.AttentionConfig())
    swap = {"fused_rows": lambda scores, _: 2 * scores}
    mine = cv.trace(trace.f, trace.b, trace.mask, swap=swap)
    assert len(figures.filmstrip(mine, "attention", (2, 3)).axes) == 6
    for stage in ("fused_rows", "fused_scores"):
        with pytest.raises(cv.InputError, match="fused_rows of a function of your own"):
            figures.filmstrip(mine, stage, (2, 3))
