"""What the package offers: its names, their types, the names of before, an example for each."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import runpy
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ctxattn_viz as cv
from ctxattn_viz import renamed
from ctxattn_viz.debugger import payload, state

# ---- names --------------------------------------------------------------------------------------


def test_every_public_name_is_there_and_listed() -> None:
    for name in cv.__all__:
        assert getattr(cv, name) is not None
    assert dir(cv) == sorted(cv.__all__)
    assert len(set(cv.__all__)) == len(cv.__all__)


def test_what_is_loaded_late_is_declared_for_type_checkers() -> None:
    """The same names from the same modules, in both tables of `__init__`."""
    tree = ast.parse(Path(cv.__file__).read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    declared = {
        name.name: statement.module or name.name
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }
    assert declared == cv._LAZY
    assert declared.keys() <= set(cv.__all__)


# ---- types --------------------------------------------------------------------------------------


def functions_of(owner: Any) -> Iterator[Any]:
    """The public functions, methods and properties of a class or module; a function itself."""
    if inspect.isfunction(owner):
        yield owner
    if inspect.ismodule(owner):
        yield from (
            value for name in owner.__all__ if inspect.isfunction(value := getattr(owner, name))
        )
    if inspect.isclass(owner):
        for name in dir(owner):
            if name.startswith("_") and name not in ("__getitem__", "__call__"):
                continue
            value = inspect.getattr_static(owner, name)
            function = getattr(value, "fget", None) or getattr(value, "func", None) or value
            function = getattr(function, "__func__", function)
            if inspect.isfunction(function) and function.__module__.startswith("ctxattn_viz"):
                yield function


def classes_in(annotation: Any) -> Iterator[type]:
    if inspect.isclass(annotation) and annotation.__module__.startswith("ctxattn_viz"):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from classes_in(inner)


def hints_of(what: Any) -> dict[str, Any]:
    """Annotations; the names that a module imports for type checkers only are looked up in ours."""
    late = {name: getattr(cv, name) for name in (*cv._LAZY, "Trace")}
    return typing.get_type_hints(inspect.unwrap(what), localns=late)


def returned_types() -> Iterator[tuple[str, type]]:
    """(who, type) of whatever public functions and fields hand to a user."""
    for owner in (getattr(cv, name) for name in cv.__all__):
        for function in functions_of(owner):
            for kind in classes_in(hints_of(function).get("return")):
                yield function.__qualname__, kind
        if dataclasses.is_dataclass(owner):
            for name, annotation in hints_of(owner).items():
                for kind in classes_in(annotation):
                    yield f"{owner.__qualname__}.{name}", kind


def test_every_type_that_a_user_is_handed_has_a_public_name() -> None:
    handed = list(returned_types())
    assert {"Debugger", "Match", "PixelTerm", "StageDifference"} <= {k.__name__ for _, k in handed}
    private = {who: kind.__name__ for who, kind in handed if kind.__name__ not in cv.__all__}
    assert private == {}


def test_debug_and_save_page_spell_out_the_same_keywords() -> None:
    """Those that opening a debugger and building its page take; questions are asked in words."""
    taken = [
        name
        for function in (state.initial_state, payload.build)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in ("at_once", "questions")
    ]
    for function in (cv.debug, cv.save_page):
        parameters = inspect.signature(function).parameters
        assert [n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY] == [*taken, "ask"]
        assert not [p for p in parameters.values() if p.kind is p.VAR_KEYWORD]
        assert all(p.annotation not in (p.empty, Any) for p in parameters.values())


# ---- names of before ----------------------------------------------------------------------------


@pytest.mark.parametrize("old", renamed.NAMES)
def test_a_name_of_before_is_answered_by_the_new_one(old: str) -> None:
    for new in renamed.NAMES[old].split(" and "):
        pkgutil.resolve_name(new)
    sentence = f"{old} is called {renamed.NAMES[old]} now."
    module, _, name = old.rpartition(".")
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(module), name)
    assert str(caught.value) == sentence
    if module == "ctxattn_viz":
        with pytest.raises(ImportError) as refused:
            exec(f"from ctxattn_viz import {name}")
        assert str(refused.value) == sentence


def test_what_never_was_is_told_as_python_tells_it() -> None:
    with pytest.raises(AttributeError, match="module 'ctxattn_viz' has no attribute 'pipelines'"):
        _ = cv.pipelines
    with pytest.raises(AttributeError, match=r"'ctxattn_viz\.samples' has no attribute 'photo'"):
        _ = cv.samples.photo
    with pytest.raises(ImportError, match="cannot import name 'pipelines' from 'ctxattn_viz'"):
        exec("from ctxattn_viz import pipelines")


def test_a_keyword_of_before_is_answered_by_its_new_name() -> None:
    @renamed.old_keywords(size="side")
    def square(side: int) -> int:
        return side**2

    assert square(3) == square(side=3) == 9
    with pytest.raises(cv.UnknownOptionError) as caught:
        square(size=3)
    assert str(caught.value) == (
        "square: expected the keyword side, got size. `size` is called `side` now."
    )
    assert [*inspect.signature(square).parameters] == ["side"]


# ---- a user's script ----------------------------------------------------------------------------

SCRIPT = Path(__file__).parents[1] / "support" / "user_script.py"


def test_the_users_script_uses_every_public_name() -> None:
    """test_wheel.py has it checked by `mypy --strict`."""
    used = {
        node.attr
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "cv"
    }
    assert used == set(cv.__all__)


def test_the_users_script_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(SCRIPT))["main"](tmp_path)
    assert (tmp_path / "page.html").exists()
    assert "page.html" in capsys.readouterr().out
