"""A page asks its kernel for a gradient, and gets it, or the reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import ctxattn_viz as cv
from tests.support.inputs import hole, maps

Answer = tuple[dict[str, Any], list[bytes]]


class Page:
    """A debugger, and what it sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.debugger = cv.debug(cv.trace(maps(), maps(seed=1), hole()))
        self.sent: list[Answer] = []
        monkeypatch.setattr(
            self.debugger, "send", lambda content, buffers=(): self.sent.append((content, buffers))
        )

    def asks(self, **content: Any) -> Answer:
        data = {"method": "custom", "content": {"kind": "gradient", **content}}
        self.debugger._handle_msg({"content": {"data": data}, "buffers": []})
        return self.sent[-1]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    page = Page(monkeypatch)
    yield page
    page.debugger.close()


def test_the_gradient_of_the_run_on_screen(page: Page) -> None:
    page.debugger.softmax_scale = 3.0
    for place in ({"pixel": [2, 3], "query": None}, {"pixel": None, "query": [1, 2]}):
        message, buffers = page.asks(number=7, **place)
        meant = page.debugger.trace.gradient(**{name: at for name, at in place.items() if at})
        assert message == {
            "kind": "gradient",
            "number": 7,
            "of": meant.of,
            "value": meant.value,
            "sentence": meant.sentence,
            "shapes": {"f": list(meant.f.shape), "b": list(meant.b.shape)},
        }
        for sent, tensor in zip(buffers, (meant.f, meant.b), strict=True):
            array = np.frombuffer(sent, "<f4").reshape(tuple(tensor.shape))
            np.testing.assert_allclose(array, tensor.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "pixel: expected either pixel=(row, column) or query=(row, column), got None and"),
        ({"pixel": [99, 0]}, "pixel row: expected an integer from 0 to"),
        ({"query": "ab"}, "query: expected (row, column) or None, got 'ab'"),
    ],
)
def test_why_there_is_none(page: Page, content: dict[str, Any], reason: str) -> None:
    message, buffers = page.asks(number=3, **content)
    assert (message["kind"], message["number"]) == ("no_gradient", 3)
    assert reason in message["reason"]
    assert buffers == []


@pytest.mark.parametrize("number", [None, -1, "1", 2**60])
def test_a_wish_without_a_number_is_refused(page: Page, number: Any) -> None:
    message, _ = page.asks(number=number, pixel=[0, 0])
    assert message["kind"] == "refused"
    assert "gradient number: expected an integer" in message["reason"]
