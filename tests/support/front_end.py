"""What stands in for the front end of a debugger, and what a test does with a debugger."""

from __future__ import annotations

from typing import Any

import pytest

import ctxattn_viz as cv
from ctxattn_viz.debugger.widget import Debugger

SETTINGS = ("query", "pixel", "stage", "sample", "config", "softmax_scale", "mask")


class Page:
    """A front end that says what it likes, and writes down what it hears."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.heard: list[dict[str, Any]] = []

    def says(self, data: Any, buffers: Any = ()) -> None:
        """Any message, as the comm hands it on."""
        self.debugger._handle_msg({"content": {"data": data}, "buffers": [*buffers]})

    def sets(self, **state: Any) -> None:
        self.says({"method": "update", "state": state, "buffer_paths": []})

    def asks(self, content: Any, *buffers: Any) -> None:
        self.says({"method": "custom", "content": content}, buffers)

    @property
    def refusals(self) -> list[dict[str, Any]]:
        contents = [m["content"] for m in self.heard if m["method"] == "custom"]
        return [content for content in contents if content["kind"] == "refused"]

    @property
    def answers(self) -> list[int]:
        states = [m["state"] for m in self.heard if m["method"] == "update"]
        return [state["answer"]["request"] for state in states if state.get("answer")]


def state_of(debugger: Debugger) -> dict[str, Any]:
    state = {name: getattr(debugger, name) for name in SETTINGS} | {"trace": debugger.trace}
    state["mask"] = debugger._trait_values["mask"]  # a `Mask`: tensors are not equal or unequal
    return state


def refuse_runs(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    """Every new run fails after its settings were found good."""

    def fail(*_: Any) -> None:
        raise problem

    monkeypatch.setattr(cv.Trace, "revised", fail)


def set_together(debugger: Debugger, **values: Any) -> None:
    with debugger.hold_trait_notifications():
        for name, value in values.items():
            setattr(debugger, name, value)
