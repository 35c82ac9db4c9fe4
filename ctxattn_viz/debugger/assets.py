"""The front end's files: made from frontend/ by `make front`, committed, and served as they are."""

import os
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
# While somebody works on the front end, open debuggers follow what is built: see `reloading`.
HOT = os.environ.get("ANYWIDGET_HMR") == "1"


@cache
def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def module() -> str:
    """The front end: one ES module whose default export is `{ render }`."""
    return _text("debugger.js")


def bootstrap() -> str:
    """What anywidget imports: it imports `module` from the `_module` trait, once for each page."""
    return _text("bootstrap.js")


def loader() -> str:
    """What starts `module` on a saved page, with a model of its own in the notebook's stead."""
    return _text("page.js")


def style() -> str:
    """The front end's style sheet."""
    return _text("debugger.css")


def modified() -> list[int]:
    """When the files that a debugger holds were written."""
    return [(STATIC / name).stat().st_mtime_ns for name in ("debugger.js", "debugger.css")]


def forget() -> None:
    """Read the files again when they are asked for."""
    _text.cache_clear()
