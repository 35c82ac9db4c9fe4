"""Names of earlier versions: using one raises an error that gives today's name."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .errors import UnknownOptionError

P = ParamSpec("P")
T = TypeVar("T")

NAMES = {
    "ctxattn_viz.attention_contexts": "ctxattn_viz.attention.contexts",
    "ctxattn_viz.attention_diagonals": "ctxattn_viz.attention.diagonals",
    "ctxattn_viz.attention_estimates": "ctxattn_viz.attention.estimates",
    "ctxattn_viz.attention_tiles": "ctxattn_viz.attention.tiles",
    "ctxattn_viz.attention_vectors": "ctxattn_viz.attention.vectors",
    "ctxattn_viz.budget": "ctxattn_viz.traces.budget",
    "ctxattn_viz.drawable": "ctxattn_viz.figures.drawable",
    "ctxattn_viz.drawing": "ctxattn_viz.figures.drawing",
    "ctxattn_viz.holes": "ctxattn_viz.pictures.holes",
    "ctxattn_viz.metadata": "ctxattn_viz.pictures.metadata",
    "ctxattn_viz.opening": "ctxattn_viz.pictures.opening",
    "ctxattn_viz.pipeline": "ctxattn_viz.inputs and ctxattn_viz.traces",
    "ctxattn_viz.pixels": "ctxattn_viz.pictures.pixels",
    "ctxattn_viz.results": "ctxattn_viz.traces.results",
    "ctxattn_viz.roles": "ctxattn_viz.palette",
    "ctxattn_viz.rows": "ctxattn_viz.traces.rows",
    "ctxattn_viz.samples.default_device": "ctxattn_viz.default_device",
    "ctxattn_viz.saving": "ctxattn_viz.traces.saving",
}
"""What moved, and where it is now."""


def missing_attribute(module: str, name: str) -> Exception:
    """The error for a name that a module does not have, for its `__getattr__` to raise."""
    if (new := NAMES.get(f"{module}.{name}")) is None:
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    # `from package import name` replaces an AttributeError by a sentence of its own.
    importing = sys._getframe(2).f_code.co_name == "_handle_fromlist"
    return (ImportError if importing else AttributeError)(f"{module}.{name} is called {new} now.")


def old_keywords(**new_names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Makes a function refuse keywords that were renamed: `@old_keywords(old="new")`.

    The function raises `UnknownOptionError`, which names the new keyword.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def checked(*args: P.args, **keywords: P.kwargs) -> T:
            for old, new in new_names.items():
                if old in keywords:
                    hint = f"`{old}` is called `{new}` now."
                    raise UnknownOptionError(function.__name__, f"the keyword {new}", old, hint)
            return function(*args, **keywords)

        return checked

    return decorate
