"""A saved page as a browser would read it: its elements, its state, its arrays."""

from __future__ import annotations

import base64
import json
import zlib
from html.parser import HTMLParser
from itertools import accumulate
from typing import Any

import numpy as np


class Reader(HTMLParser):
    """The elements of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[dict[str, str | None], str]] = []
        self.in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.in_script = tag == "script"
        if self.in_script:
            self.texts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.texts[-1] = (self.tags[-1][1], self.texts[-1][1] + data)

    def script(self, name: str) -> str:
        return next(text for attrs, text in self.texts if attrs.get("id") == name)


def state_of(page: str) -> dict[str, Any]:
    """The state that a page opens with, its bytes put back."""
    reader = Reader(page)
    stored = [base64.b64decode(text) for attrs, text in reader.texts if "data-bytes" in attrs]

    def put_back(value: dict[str, Any]) -> Any:
        return stored[value["stored"]] if set(value) == {"stored"} else value

    state: dict[str, Any] = json.loads(reader.script("ctxattn-state"), object_hook=put_back)
    return state | recordings_of(reader.script("ctxattn-packed"))


def recordings_of(packed: str) -> dict[str, Any]:
    """What a page holds deflated: the length of the JSON, the JSON, the arrays."""
    if not packed:
        return {}
    content = zlib.decompress(base64.b64decode(packed))
    end = 4 + int.from_bytes(content[:4], "little")
    starts = [end, *accumulate(json.loads(content[4:end])["lengths"], initial=end)][1:]

    def put_back(value: dict[str, Any]) -> Any:
        if set(value) != {"stored"}:
            return value
        return content[starts[value["stored"]] : starts[value["stored"] + 1]]

    values: dict[str, Any] = json.loads(content[4:end], object_hook=put_back)["values"]
    return values


def buffer(state: dict[str, Any], name: str) -> np.ndarray:
    described = state["meta"]["arrays"][name]
    held = np.frombuffer(state["buffers"][name], described["dtype"])
    return held.reshape(described["shape"])
