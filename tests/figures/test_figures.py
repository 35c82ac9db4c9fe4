"""Figures: what is drawn is what the trace says, and every one says in words what it shows."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

import ctxattn_viz as cv
from ctxattn_viz import figures, samples
from ctxattn_viz.palette import COLOURS

HOLE = (6, 10, 8, 6)  # top, left, height, width


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    return torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def mask() -> torch.Tensor:
    return samples.rectangle((24, 32), *HOLE)


@pytest.fixture(scope="module")
def trace(photo: torch.Tensor, mask: torch.Tensor) -> cv.Trace:
    return cv.trace(photo, photo, mask)


def image(figure: figures.Figure) -> tuple[Image.Image, dict[str, str]]:
    """What a notebook is handed: the picture, and its metadata."""
    data, metadata = figure._repr_mimebundle_()
    (kind,) = metadata
    assert data["text/plain"] == metadata[kind]["alt"] == figure.alt
    return Image.open(io.BytesIO(base64.b64decode(data[kind]))), metadata[kind]


def drawn(figure: figures.Figure) -> list[np.ndarray]:
    """The arrays of all pictures and heat maps in a figure, in order, scales left out."""
    axes = [ax for ax in figure.axes if ax.images]
    return [np.ma.getdata(ax.images[0].get_array()) for ax in axes]


FIGURES: dict[str, Callable[[cv.Trace], figures.Figure]] = {
    "pictures": lambda t: figures.pictures({"a": t.f, "b": t.b}, hole=t.mask),
    "reconstruction": lambda t: figures.reconstruction(t.f, t.b, t["output"].tensor, t.mask),
    "patches": lambda t: figures.patches(t["paste_patches"].tensor[0, :20]),
    "named patches": lambda t: figures.patches(t["paste_patches"].tensor[0, :2], titles=["a", "b"]),
    "numbers": lambda t: figures.numbers({"m": t["downsampled_mask"].tensor}),
    "heats": lambda t: figures.heats({"s": t["scores"].tensor[0, 0]}),
    "query": lambda t: figures.query(t, 4, 6),
    "validity": figures.validity,
    "ledger": lambda t: figures.ledger(t.pixel(9, 12)),
    "flow": figures.flow,
    "curves": lambda t: figures.curves(
        {"line": ([1, 2], torch.tensor([3, 4]))}, "x", "y", log="xy"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_shows_itself_with_its_words(name: str, trace: cv.Trace) -> None:
    figure = FIGURES[name](trace)
    picture, metadata = image(figure)
    assert 100 < picture.width <= 900
    assert picture.height < 900
    assert len(metadata["alt"]) > 10
    assert np.asarray(picture.convert("RGB")).std() > 1  # not an empty sheet


def test_words_of_ones_own_replace_the_usual_ones(photo: torch.Tensor) -> None:
    assert figures.pictures({"a": photo}, alt="A cat.").alt == "A cat."


@pytest.mark.slow
def test_a_photograph_is_stored_small_and_numbers_exactly() -> None:
    astronaut = samples.photograph("astronaut", 256)
    photo = figures.pictures({"as it is": astronaut, "turned": -astronaut})
    assert set(photo._repr_mimebundle_()[0]) == {"image/jpeg", "text/plain"}
    numbers = figures.numbers({"a": torch.arange(9).view(3, 3)})
    assert set(numbers._repr_mimebundle_()[0]) == {"image/png", "text/plain"}


@pytest.mark.slow
def test_style_stays_at_home(trace: cv.Trace) -> None:
    before = dict(matplotlib.rcParams)
    image(figures.query(trace, 4, 6))
    image(figures.curves({"line": ([0, 1], [0, 1])}, "x", "y"))
    assert dict(matplotlib.rcParams) == before


def test_a_reconstruction_changes_the_hole_alone(
    trace: cv.Trace, photo: torch.Tensor, mask: torch.Tensor
) -> None:
    coarse, output = photo * (1 - mask), trace["output"].tensor
    figure = figures.reconstruction(photo, coarse, output, mask)
    shown, filled, attended, difference = drawn(figure)
    hole = mask[0, 0].bool().numpy()
    np.testing.assert_array_equal(shown[~hole], samples.to_picture(photo)[~hole])
    assert (shown[hole] == 255).all()
    np.testing.assert_array_equal(filled, samples.to_picture(coarse))
    np.testing.assert_array_equal(attended[~hole], filled[~hole])
    np.testing.assert_array_equal(attended[hole], samples.to_picture(output)[hole])
    expected = ((output - coarse) * mask).mean(dim=1)[0]
    np.testing.assert_allclose(difference, expected, atol=1e-6)
    decibels = samples.psnr(output, photo, mask)
    assert f"attended · {decibels:.1f} dB" in [ax.get_title(loc="left") for ax in figure.axes]


def test_a_query_shows_its_rows_and_outlines_its_matches(trace: cv.Trace) -> None:
    stages = ("scores", "fused_rows", "fused_scores", "attention")
    figure = figures.query(trace, 4, 6, stages=stages, best=1)
    row = trace.query(4, 6)
    for ax, key in zip(figure.axes[1:5], stages, strict=True):
        shown = ax.images[0].get_array()
        np.testing.assert_array_equal(np.ma.getmaskarray(shown), ~row.valid.numpy())
        np.testing.assert_allclose(shown.compressed(), row[key][row.valid])
    box = figure.axes[0].patches[0]  # the query, on f's pixels
    assert box.get_xy() == (6 * 2 - 0.5, 4 * 2 - 0.5)
    assert (box.get_width(), box.get_height()) == (2, 2)
    best = row.best(1)[0]
    line = figure.axes[4].collections[-1].get_paths()[0].vertices  # around the best match
    np.testing.assert_allclose(line.min(axis=0), (best.col - 1.5, best.row - 1.5), atol=0.1)
    np.testing.assert_allclose(line.max(axis=0), (best.col + 1.5, best.row + 1.5), atol=0.1)


def test_a_query_with_stride_outlines_patches_not_cells() -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    strided = cv.trace(x, x, config=cv.AttentionConfig(stride=2))
    best = strided.query(6, 8).best(1)[0]
    figure = figures.query(strided, 6, 8, stages=("attention",), best=1)
    line = figure.axes[1].collections[-1].get_paths()[0].vertices
    centre = (line.min(axis=0) + line.max(axis=0)) / 2
    np.testing.assert_allclose(centre, (best.col // 2, best.row // 2), atol=0.6)


def test_validity_shows_hole_cells_and_what_they_rule_out(trace: cv.Trace) -> None:
    _, cells, patches = drawn(figures.validity(trace))
    np.testing.assert_array_equal(cells, trace["downsampled_mask"].tensor[0, 0])
    np.testing.assert_array_equal(patches, ~trace["valid"].tensor[0].view(12, 16))


def test_a_ledger_has_a_bar_for_every_patch_over_the_pixel(trace: cv.Trace) -> None:
    entry = trace.pixel(9, 12)
    figure = figures.ledger(entry, best=3)
    assert len(figure.axes) == len(entry.terms) == 4
    for ax, term in zip(figure.axes, entry.terms, strict=True):
        widths = [bar.get_width() for bar in ax.patches[:3]]
        np.testing.assert_allclose(widths, term.weights.flatten().sort(descending=True).values[:3])


def test_heat_maps_have_one_scale_from_zero_or_about_zero() -> None:
    positive, signed = torch.tensor([[0.5, 2.0]]), torch.tensor([[-1.0, 3.0]])
    first, second = (ax.images[0] for ax in figures.heats({"p": positive, "s": signed}).axes[:2])
    assert (first.get_clim(), first.get_cmap().name) == ((0, 2), "cividis")
    assert (second.get_clim(), second.get_cmap().name) == ((-3, 3), "PuOr_r")
    shared = figures.heats({"p": positive, "s": signed}, shared=True)
    assert shared.axes[0].images[0].get_clim()[1] == 3


def test_what_is_not_finite_stays_white() -> None:
    values = torch.tensor([[1.0, torch.nan], [torch.inf, 2.0]])
    shown = figures.heats({"v": values}).axes[0].images[0].get_array()
    assert np.ma.getmaskarray(shown).tolist() == [[False, True], [True, False]]


def test_numbers_are_written_as_a_person_would() -> None:
    def written(x: torch.Tensor) -> list[str]:
        return [text.get_text() for text in figures.numbers({"x": x}).axes[0].texts]

    assert written(torch.tensor([[1.0, -2.0]])) == ["1", "−2"]
    assert written(torch.tensor([[0.5, -torch.inf]])) == ["0.50", "−∞"]
    assert written(torch.tensor([[True, False]])) == ["✓", "·"]


def test_a_mosaic_holds_every_patch_in_order() -> None:
    levels = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 3, 4, 4)
    sheet = figures.mosaic(levels, columns=3)
    k = sheet.shape[0] // 2
    centres = [sheet[i * k + k // 2, j * k + k // 2, 0] for i in range(2) for j in range(3)]
    assert centres == [0, 51, 102, 153, 204, 255]


def test_the_hatched_hole_keeps_to_the_holes_edges(mask: torch.Tensor) -> None:
    _, axes = figures.canvas(1, 1)
    figures.draw_picture(axes[0, 0], torch.zeros(1, 3, 24, 32), hole=mask)
    edge = axes[0, 0].collections[-1]
    corners = edge.get_paths()[0].vertices
    top, left, height, width = HOLE
    np.testing.assert_allclose(corners.min(axis=0), (left - 0.5, top - 0.5), atol=0.1)
    expected = (left + width - 0.5, top + height - 0.5)
    np.testing.assert_allclose(corners.max(axis=0), expected, atol=0.1)
    np.testing.assert_allclose(edge.get_edgecolor()[0], matplotlib.colors.to_rgba(COLOURS["hole"]))


def test_the_wheel_is_white_in_the_middle_and_outside() -> None:
    wheel = figures.wheel(41)
    assert (wheel[20, 20] == 255).all()
    assert (wheel[0, 0] == 255).all()
    assert len(np.unique(wheel[20, [0, 40]], axis=0)) == 2  # left and right differ


BAD: dict[str, tuple[Callable[[cv.Trace], object], str]] = {
    "stage of a query": (
        lambda t: figures.query(t, 0, 0, stages=("output",)),
        "stage: expected one of valid, scores, fused_rows, fused_scores, attention, got 'output'.",
    ),
    "best": (
        lambda t: figures.query(t, 0, 0, best=0),
        "count: expected an integer ≥ 1, got 0.",
    ),
    "query of a tensor": (
        lambda t: figures.query(t.f, 0, 0),
        "trace: expected what ctxattn_viz.trace returned, got a (1, 3, 24, 32) tensor.",
    ),
    "flow of a tensor": (
        lambda t: figures.flow(t.f),
        "trace: expected what ctxattn_viz.trace returned, got a (1, 3, 24, 32) tensor.",
    ),
    "validity of a tensor": (
        lambda t: figures.validity(t.f),
        "trace: expected what ctxattn_viz.trace returned, got a (1, 3, 24, 32) tensor.",
    ),
    "every": (
        lambda t: figures.flow(t, every=0),
        "every: expected an integer ≥ 1, got 0.",
    ),
    "sample of a flow": (
        lambda t: figures.flow(t, sample=-1),
        "sample: expected an integer from 0 to 0, got -1.",
    ),
    "sample": (
        lambda t: figures.validity(t, sample=4),
        "sample: expected an integer from 0 to 0, got 4.",
    ),
    "heats of a stage": (
        lambda t: figures.heats({"a": t["scores"]}),
        "named['a']: expected a torch.Tensor, got StageResult. A stage's is its `.tensor`.",
    ),
    "numbers of a stage": (
        lambda t: figures.numbers({"a": t["scores"]}),
        "named['a']: expected a torch.Tensor, got StageResult. A stage's is its `.tensor`.",
    ),
    "heats of a tensor": (
        lambda t: figures.heats(t.f),
        "named: expected matrices by name, {'a': …}, got a (1, 3, 24, 32) tensor.",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=[*BAD])
def test_what_a_figure_cannot_show(
    trace: cv.Trace, call: Callable[[cv.Trace], object], message: str
) -> None:
    with pytest.raises(cv.InputError) as caught:
        call(trace)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "call",
    [
        lambda: figures.patches(torch.zeros(3, 4, 4)),
        lambda: figures.heats({"x": torch.zeros(2, 3, 4)}),
        lambda: figures.outline(figures.canvas()[1][0, 0], "rim", 0, 0),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(call: Callable[[], object]) -> None:
    with pytest.raises(cv.InputError, match="expected"):
        call()
