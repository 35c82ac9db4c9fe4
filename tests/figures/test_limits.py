"""Figures of what nobody meant to draw: a picture at a bounded cost, or a sentence."""

from __future__ import annotations

import base64
import io
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

import ctxattn_viz as cv
from ctxattn_viz import figures
from ctxattn_viz.config import DIALECTS
from ctxattn_viz.exercises.attempts import Drawing
from ctxattn_viz.exercises.feedback_figure import draw
from ctxattn_viz.figures.drawable import LONGEST_LINE, MOST_LINES, MOST_SIDE


def rendered(figure: figures.Figure) -> Image.Image:
    """The picture that a notebook is handed; what it is handed can be sent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data, metadata = figure._repr_mimebundle_()
    (kind,) = metadata
    metadata[kind]["alt"].encode()
    picture = Image.open(io.BytesIO(base64.b64decode(data[kind])))
    assert picture.width * picture.height <= 25_000_000
    return picture


def texts(figure: figures.Figure) -> list[Any]:
    """The titles and labels that are ours, as matplotlib holds them."""
    found = []
    for ax in figure.axes:
        found += [ax.title, ax._left_title, ax._right_title, ax.xaxis.label, ax.yaxis.label]
        found += ax.get_legend().get_texts() if ax.get_legend() else []
    return [text for text in found if text.get_text().strip()]


# ---- odd titles ----

TITLES: dict[str, Any] = {
    "formula": "$x^2$",
    "unbalanced": "costs $5",
    "broken formula": r"$\frac{$",
    "backslash": r"C:\new\table \undefined{}",
    "underscore": "_private_",
    "per cent": "50 % %d %(x)s {0} {name}",
    "lines": "a\nb\n\nc\nd\ne\nf",
    "long": "x" * 100_000,
    "emoji": "cat 😀 猫 \U0010ffff",
    "surrogate": "a\ud800b",
    "control": "a\0b\tc\x1b[31m\r",
    "empty": "",
    "blank": " ",
    "number": 5,
    "tuple": (1, "$"),
    "none": None,
}
TITLED: dict[str, Callable[[list[Any]], figures.Figure]] = {
    "pictures": lambda names: figures.pictures(dict.fromkeys(names, P), columns=4),
    "patches": lambda names: figures.patches(
        P[None].expand(len(names), -1, -1, -1), titles=names, columns=4
    ),
    "numbers": lambda names: figures.numbers(dict.fromkeys(names, torch.ones(2, 2)), columns=4),
    "heats": lambda names: figures.heats(dict.fromkeys(names, torch.ones(2, 2)), columns=4),
    "curves": lambda names: figures.curves(
        dict.fromkeys(names, ([1, 2], [1, 2])), names[0], names[1]
    ),
}
P = torch.zeros(3, 4, 4)


@pytest.mark.parametrize("name", TITLED)
def test_a_title_is_drawn_as_it_is_written(name: str) -> None:
    figure = TITLED[name]([*TITLES.values()])
    for text in texts(figure):
        assert not text.get_parse_math()
        assert not text.get_usetex()
        lines = text.get_text().split("\n")
        assert len(lines) <= MOST_LINES
        assert max(map(len, lines)) <= LONGEST_LINE
    written = [text.get_text() for text in texts(figure)]
    for title in ("formula", "unbalanced", "broken formula", "backslash", "underscore", "per cent"):
        assert TITLES[title] in written
    assert len(figure.alt) <= 2000
    assert rendered(figure).width < 2000


def test_titles_are_literal_where_a_person_prefers_tex() -> None:
    with matplotlib.rc_context({"text.usetex": True}):
        figure = figures.pictures({"50 % of _x_": torch.zeros(3, 4, 4)})
    assert not any(text.get_usetex() for text in texts(figure))


# ---- odd numbers ----

X = torch.linspace(-1, 1, 12).view(3, 4)
VALUES: dict[str, torch.Tensor] = {
    "one cell": torch.ones(1, 1),
    "one row": torch.ones(1, 40) * 2,
    "all NaN": torch.full((3, 4), torch.nan),
    "all infinite": torch.full((3, 4), torch.inf),
    "minus infinity": torch.full((3, 4), -torch.inf),
    "some of each": torch.tensor([[torch.nan, torch.inf], [-torch.inf, 1.0]]),
    "zeros": torch.zeros(3, 4),
    "equal": torch.full((3, 4), 7.0),
    "negative": X - 5,
    "float64 large": X.double() * 1e300,
    "float64 largest": X.double() * 1.7e308,
    "float64 smallest": X.double() * 5e-324,
    "bool": X > 0,
    "uint8": (X > 0).byte() * 255,
    "int64": (X * 1e9).long() * 1000,
    "float16": X.half() * 60000,
    "bfloat16": X.bfloat16() * 1e38,
    "grad": X.clone().requires_grad_(),
    "expanded": torch.ones(1, 1).expand(6, 6),
    "transposed": X.mT,
    "batch axes": X[None, None],
}


def test_matrices_of_odd_numbers_are_drawn() -> None:
    for shared in (False, True):
        assert len(figures.heats(VALUES, columns=6, height=1, shared=shared).axes) >= len(VALUES)
    rendered(figures.heats(VALUES, columns=6, height=1))
    figure = figures.numbers(VALUES, columns=6, height=1)
    rendered(figure)
    for ax in figure.axes:
        assert max((len(text.get_text()) for text in ax.texts), default=0) <= 9


@pytest.mark.filterwarnings("ignore::ctxattn_viz.PictureWarning")
def test_pictures_of_odd_numbers_are_drawn() -> None:
    # Integers beyond 1 are no picture in [-1, 1]; floats beyond are warned of.
    planes = {
        name: x.reshape(1, *x.shape[-2:])
        for name, x in VALUES.items()
        if name not in ("uint8", "int64")
    }
    rendered(figures.pictures(planes, columns=6, height=1, hole=planes["one cell"][None] > 0))
    for plane in planes.values():
        assert figures.mosaic(plane[None], 1).dtype == np.uint8
    ax = axes()
    figures.draw_picture(ax, np.array([[np.nan, np.inf], [-np.inf, 0.5]]))
    rendered(ax.figure)


LINES: dict[str, Any] = {
    "empty": ([], []),
    "one point": ([1], [1]),
    "all NaN": ([1, 2], [float("nan")] * 2),
    "infinite": ([1, 2], [float("inf"), -float("inf")]),
    "large": ([1, 2], [-1.7e308, 1.7e308]),
    "negative": ([-2, -1], [-1, -2]),
    "zeros": ([0, 0], [0, 0]),
    "bool": (torch.tensor([True, False]), torch.tensor([1, 2])),
    "bfloat16": (torch.ones(2).bfloat16(), torch.ones(2).half().requires_grad_()),
}


@pytest.mark.parametrize("log", ["", "xy"])
def test_lines_of_odd_numbers_are_drawn(log: str) -> None:
    rendered(figures.curves(LINES, "x", "y", log=log))
    for name in ("empty", "all NaN", "negative", "large"):
        rendered(figures.curves({name: LINES[name]}, "x", "y", log=log))


# ---- nothing, too much, and something else ----


@pytest.fixture(scope="module")
def trace() -> cv.Trace:
    x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return cv.trace(x, x)


REFUSED: dict[str, Callable[[cv.Trace], object]] = {
    "no pictures": lambda t: figures.pictures({}),
    "no patches": lambda t: figures.patches(torch.zeros(0, 3, 4, 4)),
    "no numbers": lambda t: figures.numbers({}),
    "no heats": lambda t: figures.heats({}),
    "no curves": lambda t: figures.curves({}, "x", "y"),
    "picture of nothing": lambda t: figures.pictures({"a": torch.zeros(3, 0, 4)}),
    "array of nothing": lambda t: figures.pictures({"a": np.zeros((0, 4, 3), np.uint8)}),
    "numbers of nothing": lambda t: figures.numbers({"a": torch.zeros(0, 3)}),
    "heat of nothing": lambda t: figures.heats({"a": torch.zeros(3, 0)}, shared=True),
    "mosaic of nothing": lambda t: figures.mosaic(torch.zeros(4, 3, 0, 0), 2),
    "list of pictures": lambda t: figures.pictures([P]),
    "a picture of text": lambda t: figures.pictures({"a": "photo.png"}),
    "a picture of None": lambda t: figures.pictures({"a": None}),
    "a picture of 64 channels": lambda t: figures.pictures({"a": torch.zeros(64, 4, 4)}),
    "a batch of pictures": lambda t: figures.pictures({"a": torch.zeros(2, 3, 4, 4)}),
    "an array of objects": lambda t: figures.pictures({"a": np.full((2, 2), None)}),
    "a complex array": lambda t: figures.pictures({"a": np.zeros((2, 2, 3), complex)}),
    "a picture of bytes": lambda t: figures.pictures({"a": (P + 255).byte()}),
    "a hole of another size": lambda t: figures.pictures({"a": P}, hole=torch.zeros(1, 1, 9, 9)),
    "a hole half as wide": lambda t: figures.pictures({"a": P}, hole=torch.ones(4, 2)),
    "a hole of an array": lambda t: figures.pictures(
        {"a": np.zeros((8, 4))}, hole=torch.ones(1, 1, 4, 8)
    ),
    "a complex picture": lambda t: figures.pictures({"a": P + 1j}),
    "a meta picture": lambda t: figures.pictures({"a": P.to("meta")}),
    "a sparse matrix": lambda t: figures.heats({"a": torch.eye(3).to_sparse()}),
    "a complex matrix": lambda t: figures.heats({"a": torch.eye(3) + 1j}),
    "a meta matrix": lambda t: figures.numbers({"a": torch.eye(3, device="meta")}),
    "an array as matrix": lambda t: figures.draw_heat(axes(), np.eye(3)),
    "a hole that is an array": lambda t: figures.draw_picture(axes(), P, "", np.eye(4)),
    "a scalar": lambda t: figures.heats({"a": torch.tensor(1.0)}),
    "a vector": lambda t: figures.numbers({"a": torch.zeros(4)}),
    "patches of a list": lambda t: figures.patches([P]),
    "a curve of text": lambda t: figures.curves({"a": "ab"}, "x", "y"),
    "a curve of one": lambda t: figures.curves({"a": [1, 2]}, "x", "y"),
    "a curve of unequal lengths": lambda t: figures.curves({"a": ([1], [1, 2])}, "x", "y"),
    "a curve of matrices": lambda t: figures.curves({"a": (X, X)}, "x", "y"),
    "a curve of None": lambda t: figures.curves({"a": None}, "x", "y"),
    "a complex curve": lambda t: figures.curves({"a": (torch.ones(2) + 1j, [1, 2])}, "x", "y"),
    "another scale": lambda t: figures.curves({"a": ([1], [1])}, "x", "y", log="z"),
    "a reconstruction of unequal sizes": lambda t: figures.reconstruction(t.f, P[None], t.f, t.f),
    "a reconstruction of text": lambda t: figures.reconstruction(t.f, "x", t.f, t.mask),
    "a reconstruction without a hole": lambda t: figures.reconstruction(t.f, t.f, t.f, t.mask),
    "stages as text": lambda t: figures.query(t, 0, 0, stages="scores"),
    "a ledger of a trace": lambda t: figures.ledger(t),
    "negative height": lambda t: figures.heats({"a": X}, height=-1),
    "height NaN": lambda t: figures.numbers({"a": X}, height=float("nan")),
    "height text": lambda t: figures.curves({"a": ([1], [1])}, "x", "y", height="tall"),
    "columns 0": lambda t: figures.pictures({"a": P}, columns=0),
    "columns text": lambda t: figures.heats({"a": X}, columns="2"),
    "digits": lambda t: figures.numbers({"a": X}, digits=-1),
    "limit NaN": lambda t: figures.draw_heat(axes(), X, limit=float("nan")),
    "marks outside": lambda t: figures.numbers({"a": X}, marks={"query": [(3, 0)]}),
    # beyond any figure
    "many pictures": lambda t: figures.pictures({str(i): P for i in range(101)}),
    "many heats": lambda t: figures.heats({str(i): X for i in range(10_000)}),
    "many curves": lambda t: figures.curves({str(i): ([], []) for i in range(1000)}, "x", "y"),
    "many patches": lambda t: figures.patches(torch.zeros(1, 3, 4, 4).expand(10**6, -1, -1, -1)),
    "many titled patches": lambda t: figures.patches(
        P[None].expand(200, -1, -1, -1), titles=["a"] * 200
    ),
    "large patches": lambda t: figures.mosaic(P[:, :1, :1].expand(1000, 3, 512, 512), 30),
    "many axes": lambda t: figures.canvas(1000, 1000),
    "many columns": lambda t: figures.heats({"a": X}, columns=10**9),
    "tall": lambda t: figures.canvas(1, 1, height=1e5),
    "many numbers": lambda t: figures.numbers({"a": torch.zeros(1, 1).expand(10**6, 10**6)}),
    "many cells": lambda t: figures.heats({"a": torch.zeros(1, 1).expand(10**6, 10**6)}),
    "many points": lambda t: figures.curves({"a": (np.zeros(2 * 10**6),) * 2}, "x", "y"),
    "many matches": lambda t: figures.query(t, 0, 0, best=10**9),
    "many colours": lambda t: figures.ledger(t.pixel(3, 3), best=10**9),
    "a large wheel": lambda t: figures.wheel(10**6),
    "many digits": lambda t: figures.numbers({"a": X}, digits=10**6),
}


def axes() -> Any:
    return figures.canvas()[1][0, 0]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(name: str, trace: cv.Trace) -> None:
    with pytest.raises(cv.InputError, match=r"expected .*, got .*") as caught:
        REFUSED[name](trace)
    assert len(str(caught.value)) < 400


def test_a_map_larger_than_any_figure_is_thinned_out() -> None:
    values = torch.zeros(5000, 3000)
    values[0, 0], values[1, 1] = -4, 8  # one of them is not drawn; the scale knows both
    image = figures.heats({"a": values}).axes[0].images[0]
    assert max(image.get_array().shape) <= MOST_SIDE
    assert image.get_clim() == (-8, 8)
    assert image.get_extent() == [-0.5, 2999.5, 4999.5, -0.5]
    figure = figures.pictures({"a": torch.zeros(3, 1, 1).expand(3, 5000, 3000)})
    assert max(figure.axes[0].images[0].get_array().shape) <= MOST_SIDE


@pytest.mark.parametrize("side", [1, 100, 512, 3000])
def test_a_hole_keeps_its_edges_at_every_size(side: int) -> None:
    mask = torch.zeros(1, 1, side, side)
    low, high = side // 4, max(side // 2, 1)
    mask[..., low:high, low:high] = 1
    ax = axes()
    ax.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))
    figures.hatch(ax, mask)
    corners = ax.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(corners.min(axis=0), low - 0.5, atol=max(0.1, side / 512))
    np.testing.assert_allclose(corners.max(axis=0), high - 0.5, atol=max(0.1, side / 512))
    assert len(corners) < 10_000


def test_a_thin_stroke_through_a_large_mask_stays() -> None:
    mask = torch.zeros(1, 1, 5000, 64)
    mask[..., 1235, :] = 1
    ax = axes()
    figures.hatch(ax, mask)
    assert len(ax.collections) == 2


def test_masks_without_a_hole_or_a_cell_draw_nothing() -> None:
    for mask in (torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 0, 4), torch.full((4, 4), torch.nan)):
        ax = axes()
        figures.hatch(ax, mask)
        figures.surround(ax, "match", mask)
        assert not ax.collections


# ---- runs ----


def test_a_flow_is_drawn_without_a_large_matrix(
    trace: cv.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant = figures.flow(trace)
    monkeypatch.setattr("ctxattn_viz.figures.runs.MOST_BYTES", 1000)
    two = torch.cat([trace.f, trace.f.flip(3)])
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, :4], mask[1, :, 8:] = 1, 1
    for dialect, sample in itertools.product(DIALECTS, (0, 1)):
        config = cv.AttentionConfig(dialect=dialect)
        whole, fresh = (cv.trace(two, two, mask, config) for _ in range(2))
        whole["flow"]  # there: it is taken
        for ours, theirs in zip(
            figures.flow(fresh, sample).axes, figures.flow(whole, sample).axes, strict=True
        ):
            np.testing.assert_array_equal(ours.images[0].get_array(), theirs.images[0].get_array())
        assert not fresh.computed("scores")
    assert meant.axes[1].images


def test_a_flow_of_a_large_grid_has_arrows_that_can_be_told_apart() -> None:
    small = cv.trace(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4))
    assert len(figures.flow(small).axes[1].collections[0].U) == 1
    f = torch.zeros(1, 1, 210, 210)
    large = cv.trace(f, f[..., :2, :2], config=cv.AttentionConfig(rate=1, fuse=False))
    rendered(figures.flow(large))
    with pytest.raises(cv.InputError, match="every: expected at least 3, for 10000 arrows"):
        figures.flow(large, every=1)


@pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
@pytest.mark.parametrize("what", ["all masked", "all NaN", "one cell", "one column", "grey"])
def test_a_run_that_is_sick_or_small_is_drawn(what: str, dialect: str) -> None:
    size = {"one cell": (2, 2), "one column": (40, 2)}.get(what, (8, 8))
    f = torch.rand(1, 1 if what == "grey" else 3, *size) * 2 - 1
    mask = torch.zeros(1, 1, *size) + (what == "all masked")
    if what == "all NaN":
        f = f * torch.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = cv.AttentionConfig(dialect=dialect)
        run = cv.trace(f, f, mask, config, allow_nonfinite=True)
    for draw_it in (figures.validity, figures.flow, lambda t: figures.query(t, 0, 0)):
        rendered(draw_it(run))
    rendered(figures.ledger(run.pixel(1, 1), best=100))


# ---- feedback on exercises ----


def stage(*shape: int) -> torch.Tensor:
    return torch.zeros(1, 1, 1, 1, dtype=torch.float64).expand(*shape)


@pytest.mark.parametrize(
    "yours",
    [
        torch.zeros(0),
        torch.tensor(1.0),
        torch.full((1, 3, 4, 4), torch.nan),
        torch.zeros(1, 3, 4, 4, dtype=torch.complex64),
        stage(1, 3, 10**4, 10**4),
        stage(10**4, 10**4, 10**4, 4),
        torch.zeros(1, 3, 4, 4, device="meta"),
        torch.zeros(3, 4).to_sparse(),
        torch.full((1, 3, 4, 4), 1e300, dtype=torch.float64),
    ],
    ids=str,
)
def test_every_answer_of_a_student_can_be_drawn_beside_the_target(yours: torch.Tensor) -> None:
    drawing = Drawing("downsampled_f", torch.rand(1, 3, 4, 4), yours, ((4, 4), (4, 4)))
    rendered(draw(drawing))
