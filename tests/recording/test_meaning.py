"""What a recording's tensors mean: named where it is certain, unknown where it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.recording.context import NOTHING_KNOWN, Context, context_of
from ctxattn_viz.recording.meaning import meanings_of
from ctxattn_viz.recording.readings import Meaning
from ctxattn_viz.recording.signatures import signature, signed
from ctxattn_viz.recording.stage_calls import WHOLE_LAYER, record_stage
from ctxattn_viz.stages import STAGES

Letters = dict[str, tuple[str, ...]]


def named(
    function: Callable[..., Any], *arguments: Any, context: Context = NOTHING_KNOWN
) -> dict[str, Meaning]:
    """What each expression of a function means, by its text."""
    recording = cv.record(function, *arguments)
    assert recording.exception is None, recording.exception
    meanings = meanings_of(recording, context)
    return {
        step.expression: meanings[step.value] for step in recording.steps if step.value is not None
    }


# ---- operations carry names ---------------------------------------------------------------------


def carrying(x: Float[Tensor, "n c h w"], w: Float[Tensor, "n L c k k"]) -> Tensor:
    _ = x.permute(0, 2, 3, 1)
    _ = x.transpose(1, 2)
    _ = x.mT
    _ = x.flatten(2)
    _ = x.flatten(2).unflatten(2, x.shape[2:])
    _ = x.reshape(-1, 5, 7)
    _ = x.view(2, 3, 35)
    _ = x[:, :, None]
    _ = x[0, :, 1:3]
    _ = x[..., 0]
    _ = x.sum(dim=(2, 3))
    _ = x.mean(1, keepdim=True)
    _ = (x * 2 + x.sum(dim=1, keepdim=True)).exp()
    _ = x.softmax(dim=1).to(torch.float64)
    _ = torch.einsum("nchw,nlckj->nhl", x, w)
    _ = x.flatten(2).mT @ w.mean(dim=(3, 4)).mT
    _ = F.pad(x, (1, 1, 1, 1))
    _ = F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1)
    _ = x.expand(2, 3, 5, 7)
    _ = x.reshape(2, 15, 7)
    _ = x.reshape(2, 5, 3, 7)
    _ = x.roll(1, 2)
    _ = F.conv2d(x, w[0])
    _ = torch.cat((x, x), dim=1)
    return torch.stack((x, x), dim=2)


CARRIED: Letters = {
    "x.permute(0, 2, 3, 1)": ("n", "h", "w", "c"),
    "x.transpose(1, 2)": ("n", "h", "c", "w"),
    "x.mT": ("n", "c", "w", "h"),
    "x.flatten(2)": ("n", "c", "h·w"),
    "x.flatten(2).unflatten(2, x.shape[2:])": ("n", "c", "h", "w"),
    "x.reshape(-1, 5, 7)": ("n·c", "h", "w"),
    "x.view(2, 3, 35)": ("n", "c", "h·w"),
    "x[:, :, None]": ("n", "c", "1", "h", "w"),
    "x[0, :, 1:3]": ("c", "?", "w"),  # some rows, and nobody says which
    "x[..., 0]": ("n", "c", "h"),
    "x.sum(dim=(2, 3))": ("n", "c"),
    "x.mean(1, keepdim=True)": ("n", "1", "h", "w"),
    "(x * 2 + x.sum(dim=1, keepdim=True)).exp()": ("n", "c", "h", "w"),
    "x.softmax(dim=1).to(torch.float64)": ("n", "c", "h", "w"),
    'torch.einsum("nchw,nlckj->nhl", x, w)': ("n", "h", "L"),
    "x.flatten(2).mT @ w.mean(dim=(3, 4)).mT": ("n", "h·w", "L"),
    "F.pad(x, (1, 1, 1, 1))": ("n", "c", "h+2", "w+2"),
    "F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1)": ("n", "c", "h", "w+2", "k"),
    "x.expand(2, 3, 5, 7)": ("n", "c", "h", "w"),
    "x.reshape(2, 15, 7)": ("n", "c·h", "w"),
    "x.reshape(2, 5, 3, 7)": ("n", "?", "?", "?"),  # numbers of several channels in one place
    "x.roll(1, 2)": ("?", "?", "?", "?"),  # nothing stands where it stood
    "F.conv2d(x, w[0])": ("?", "?", "?", "?"),
    "torch.cat((x, x), dim=1)": ("n", "?", "h", "w"),
    "torch.stack((x, x), dim=2)": ("n", "c", "?", "h", "w"),
}


@pytest.fixture(scope="module")
def carried() -> dict[str, Meaning]:
    return named(carrying, torch.rand(2, 3, 5, 7), torch.rand(2, 4, 3, 3, 3))


@pytest.mark.parametrize("expression", CARRIED)
def test_an_operation_carries_the_names_of_axes(
    expression: str, carried: dict[str, Meaning]
) -> None:
    assert carried[expression].axes == CARRIED[expression]


def test_names_go_back_to_what_was_made_before() -> None:
    def places(x: Float[Tensor, "n L"]) -> Tensor:
        every = torch.arange(6)
        return x * (every % 2)

    assert named(places, torch.rand(2, 6))["torch.arange(6)"].axes == ("L",)


def test_two_that_disagree_are_neither() -> None:
    def confused(f: Float[Tensor, "h w"], b: Float[Tensor, "gh gw"]) -> Tensor:
        return f + b

    assert named(confused, torch.rand(4, 4), torch.rand(4, 4))["f + b"].axes == ("?", "?")


def test_a_column_beside_a_row_is_a_table() -> None:
    def table(f: Float[Tensor, "Q 1"], b: Float[Tensor, "L"]) -> Tensor:
        return f * b

    assert named(table, torch.rand(4, 1), torch.rand(4))["f * b"].axes == ("Q", "L")


# ---- signatures ---------------------------------------------------------------------------------


def test_the_names_of_a_signature_are_read_from_its_text() -> None:
    text = """
    @decorated
    def mine(f: Float[Tensor, "n c h w"], b: "Tensor", *, mask: Float[Tensor, "m 1 hb wb"] | None,
             x=1) -> tuple[int, Float[Tensor, "n L"]]:
        ...
    """
    names = {"f": "n c h w", "mask": "m 1 hb wb", "return": "n L"}
    assert signature(text) == names
    assert signature("lambda x: x") == signature("def broken(") == signature("") == {}


@pytest.mark.parametrize(
    ("text", "shape", "names"),
    [
        ("n *cells L", (1, 5, 9), ["n", "Q", "L"]),
        ("n *cells L", (1, 5, 6, 9), ["n", "h", "w", "L"]),
        ("*batch c", (2, 5, 9), ["?", "?", "c"]),
        ("... c", (9,), ["c"]),
        ("m 1 hb wb", (1, 1, 5, 6), ["n", "1", "hb", "wb"]),
        ("2 _ h+1 #w", (2, 3, 4, 5), ["2", "?", "?", "w"]),
    ],
)
def test_a_signature_names_the_axes_of_a_shape(
    text: str, shape: tuple[int, ...], names: list[str]
) -> None:
    axes = signed(text, shape)
    assert axes is not None
    assert [each[0][0] for each in axes] == names


@pytest.mark.parametrize(("text", "shape"), [("n c", (1,)), ("2 c", (3, 4)), ("*a b *c", (1, 2))])
def test_a_signature_that_does_not_fit_says_nothing(text: str, shape: tuple[int, ...]) -> None:
    assert signed(text, shape) is None


def test_a_size_of_the_run_contradicts_a_signature() -> None:
    def mistaken(x: Float[Tensor, "n c h w"]) -> Tensor:
        return x.flatten(2)

    context = Context({"h": {4}, "w": {6}})
    assert named(mistaken, torch.rand(1, 3, 8, 12), context=context)["x.flatten(2)"].axes == (
        "1",
        "?",
        "?",
    )


# ---- by a tensor of the run, by a size of the run -----------------------------------------------


def test_a_tensor_of_the_run_is_known_by_its_values() -> None:
    f, b = torch.rand(1, 3, 12, 16), torch.rand(1, 3, 8, 20)
    run = cv.trace(f, b)
    scores = run["scores"].tensor

    def port(small: Any, other: Any) -> Any:
        return (small + 0) @ torch.zeros(40, 1), other + 0

    meanings = named(port, scores.clone(), scores + 1, context=context_of(run))
    assert meanings["small + 0"].axes == ("n", "h", "w", "L")
    assert meanings["other + 0"].axes[:3] == ("1", "?", "?"), "another tensor of that shape"
    assert meanings["(small + 0) @ torch.zeros(40, 1)"].axes == ("n", "h", "w", "1")


def test_a_constant_tells_nothing_and_nor_do_two_that_differ() -> None:
    f = torch.rand(1, 3, 12, 16)
    run = cv.trace(f, f)
    _ = run["downsampled_f"], run["downsampled_b"], run["downsampled_mask"]

    def port(small: Any, zeros: Any) -> Any:
        return small + 0, zeros + 0

    small, zeros = run["downsampled_f"].tensor.clone(), torch.zeros(1, 1, 6, 8)
    meanings = named(port, small, zeros, context=context_of(run))
    assert meanings["small + 0"].axes == ("1", "?", "?", "?"), "f and b are one"
    assert meanings["zeros + 0"].axes == ("1", "1", "?", "?")


def test_a_size_that_one_axis_alone_has_names_it() -> None:
    f, b = torch.rand(1, 3, 12, 28), torch.rand(1, 3, 8, 20)  # cells 6×14, patches 4×10
    context = context_of(cv.trace(f, b))

    def port(_f: Tensor) -> Any:
        return torch.rand(40), torch.rand(84), torch.rand(27), torch.rand(8), torch.rand(6, 8, 40)

    meanings = named(port, f, context=context)
    assert meanings["torch.rand(40)"].axes == ("L",)
    assert meanings["torch.rand(40)"].grid == (4, 10)
    assert meanings["torch.rand(84)"].axes == ("h·w",)
    assert meanings["torch.rand(27)"].axes == ("?",), "a patch of 3·3·3, or anything"
    assert meanings["torch.rand(8)"].axes == ("?",), "too small to be certain"
    assert meanings["torch.rand(6, 8, 40)"].axes == ("?", "?", "L")
    square = context_of(cv.trace(f, f))
    assert named(port, f, context=square)["torch.rand(84)"].axes == ("?",), "patches, or queries"


# ---- our own stages -----------------------------------------------------------------------------


@st.composite
def runs(draw: st.DrawFn) -> tuple[cv.Trace, tuple[int, int]]:
    """Sizes that meet: square grids, as many channels as a patch is wide, f as large as b."""
    rate = draw(st.sampled_from([1, 2]))
    sides = st.integers(1, 5).map(lambda cells: cells * rate)
    f_size, b_size = (draw(sides), draw(sides)), (draw(sides), draw(sides))
    b_size = draw(st.sampled_from([f_size, b_size]))
    c = draw(st.sampled_from([1, 3, 4]))
    seed = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    f, b = (torch.rand(1, c, *size, generator=seed) for size in (f_size, b_size))
    config = cv.AttentionConfig(
        dialect=draw(st.sampled_from([*DIALECTS])),
        rate=rate,
        ksize=draw(st.sampled_from([1, 3])),
        stride=draw(st.sampled_from([1, 2])),
        fuse=draw(st.booleans()),
    )
    run = cv.trace(f, f if draw(st.booleans()) and f_size == b_size else b, None, config)
    h, w = run.query_grid
    return run, (draw(st.integers(0, h - 1)), draw(st.integers(0, w - 1)))


@settings(max_examples=25)
@given(runs(), st.sampled_from([*(stage.key for stage in STAGES), WHOLE_LAYER]))
def test_no_axis_of_a_stage_has_a_name_that_it_cannot_have(
    run_and_query: tuple[cv.Trace, tuple[int, int]], stage: str
) -> None:
    run, query = run_and_query
    recording = record_stage(run, stage, query)
    assert recording.exception is None
    context = context_of(run, query, 0)
    for value, meaning in zip(recording.values, meanings_of(recording, context), strict=True):
        assert len(meaning.axes) == len(value.shape)
        for name, size in zip(meaning.axes, value.shape, strict=True):
            if "·" not in name and "+" not in name and name in context.sizes:
                assert size in context.sizes[name], (meaning, value.shape)
        if meaning.picture == "background" and "L" in meaning.axes:
            assert meaning.grid == run.patch_grid
            assert value.shape[meaning.axes.index("L")] == run.patch_grid[0] * run.patch_grid[1]
        if meaning.row is not None:
            assert meaning.row < max(value.shape)


RESULTS: Letters = {
    "downsampled_mask": ("n", "1", "hb", "wb"),
    "matching_patches": ("n", "L", "c", "k", "k"),
    "paste_patches": ("n", "L", "c", "k", "k"),
    "valid": ("n", "L"),
    "scores": ("n", "Q", "L"),
    "fused_rows": ("n", "Q", "L"),
    "fused_scores": ("n", "Q", "L"),
    "attention": ("n", "Q", "L"),
    "output": ("n", "c", "H", "W"),
    WHOLE_LAYER: ("n", "c", "H", "W"),
}


@pytest.fixture(scope="module")
def run() -> cv.Trace:
    f, b = torch.rand(1, 3, 12, 16), torch.rand(1, 3, 8, 20)
    mask = torch.zeros(1, 1, 8, 20)
    mask[..., 2:4, 2:4] = 1
    return cv.trace(f, b, mask)


@pytest.mark.parametrize("stage", RESULTS)
def test_what_a_stage_returns_has_its_names(stage: str, run: cv.Trace) -> None:
    recording = record_stage(run, stage, (3, 4))
    meanings = meanings_of(recording, context_of(run, (3, 4), 0))
    (returned,) = (
        call.returned
        for call in recording.calls
        if call.depth == 0 and recording.sources[call.source].text
    )
    assert returned is not None
    assert meanings[returned].axes == RESULTS[stage]


def test_of_several_query_cells_the_kept_one_is_named(run: cv.Trace) -> None:
    recording = record_stage(run, "fused_scores", (3, 4))
    meanings = meanings_of(recording, context_of(run, (3, 4), 0))
    scores = meanings[dict(recording.calls[0].arguments)["scores"]]
    assert scores.axes == ("n", "Q", "L")
    assert scores.row == 1, "between the cells above and below"


def test_what_is_recorded_of_one_query_is_what_the_trace_has(run: cv.Trace) -> None:
    row = run.query(3, 4)
    for stage in ("scores", "fused_rows", "fused_scores", "attention"):
        result = record_stage(run, stage, (3, 4)).result
        torch.testing.assert_close(result.reshape(row[stage].shape), row[stage])
    assert torch.equal(record_stage(run, "offsets", (3, 4)).result[0, 0], run["offsets"][0, 3, 4])
    flow = record_stage(run, "flow", (3, 4)).result
    assert torch.equal(flow[0, :, 0, 0], run["flow"][0, :, 3, 4])


def test_the_whole_layer_pastes_the_patch_of_the_query_alone(run: cv.Trace) -> None:
    output = record_stage(run, WHOLE_LAYER, (3, 4)).result
    expected = torch.zeros_like(output)
    expected[0, :, 5:9, 7:11] = run.query(3, 4).patch / 4
    torch.testing.assert_close(output, expected)


def test_forward_is_stepped_in_its_own_lines(run: cv.Trace) -> None:
    recording = record_stage(run, WHOLE_LAYER, (3, 4))
    source = recording.sources[recording.calls[0].source]
    assert source.file.endswith("stages/forward.py")
    assert "fused_scores = fuse(fused_rows" in source.text
    sources = [recording.sources[step.source] for step in recording.steps]
    assert {Path(each.file).parent for each in sources if each.text} == {Path(source.file).parent}


# ---- readings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dimensions", "shape", "picture", "grid", "reading"),
    [
        ("n L", (1, 40), "background", (4, 10), "one number for each background patch"),
        (
            "n Q L",
            (1, 3, 40),
            "background",
            (4, 10),
            "one number for each background patch, for 3 query cells",
        ),
        ("n h w", (1, 6, 8), "foreground", (6, 8), "one number for each query cell"),
        ("n c k k", (1, 3, 3, 3), "patch", (3, 3), "a patch of 3 × 3"),
        (
            "n L c k k",
            (1, 40, 3, 4, 4),
            "patches",
            (4, 4),
            "a patch of 4 × 4 for each background patch",
        ),
        ("n c H W", (1, 3, 12, 16), "picture", None, "a picture of 12 × 16 pixels"),
        ("n c h w", (1, 3, 6, 8), "picture", None, "a picture of 6 × 8 cells"),
        ("n 1 hb wb", (1, 1, 4, 10), "background", (4, 10), "one number for each background cell"),
        ("n c", (1, 3), "plain", None, "one number for each channel"),
        ("n _ c", (1, 5, 3), "plain", None, ""),
        ("", (), "plain", None, "one number"),
    ],
)
def test_axes_are_read_and_drawn(
    dimensions: str,
    shape: tuple[int, ...],
    picture: str,
    grid: tuple[int, int] | None,
    reading: str,
    run: cv.Trace,
) -> None:
    def same(x: Any) -> Any:
        return x + 0

    recording = cv.record(same, torch.rand(shape))
    meaning = meanings_of(recording, context_of(run, (3, 4)), {"x": dimensions})[-1]
    assert (meaning.picture, meaning.grid, meaning.reading) == (picture, grid, reading)


def test_without_a_run_a_row_over_patches_has_no_grid() -> None:
    def same(x: Float[Tensor, "n L"]) -> Tensor:
        return x + 0

    meaning = named(same, torch.rand(1, 40))["x + 0"]
    assert (meaning.picture, meaning.grid) == ("plain", None)
    assert meaning.reading == "one number for each background patch"
