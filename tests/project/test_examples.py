"""Each public name has an example in its docstring, and every example in the package runs."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz import attention, exercises, features, figures, samples, stages, variants

PACKAGE = Path(cv.__file__).parent
PUBLIC = [
    (module, name)
    for module in (cv, attention, exercises, features, figures, samples, stages, variants)
    for name in module.__all__
]


def examples_in(text: str | None) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(text or "")


def docstring_of(module: ModuleType, name: str) -> str | None:
    """A constant has none of its own: it is explained where it is listed."""
    value = getattr(module, name)
    ours = getattr(value, "__module__", "").startswith("ctxattn_viz")
    has_its_own = inspect.ismodule(value) or (ours and (inspect.isclass(value) or callable(value)))
    return (value if has_its_own else module).__doc__


@pytest.mark.parametrize(
    ("module", "name"), PUBLIC, ids=[f"{module.__name__}.{name}" for module, name in PUBLIC]
)
def test_a_public_name_has_an_example_that_uses_it(module: ModuleType, name: str) -> None:
    examples = "".join(example.source for example in examples_in(docstring_of(module, name)))
    assert re.search(rf"\b{name}\b", examples), f"no >>> with {name} in its docstring"


@pytest.mark.parametrize(
    "function",
    sorted({s.function for s in cv.STAGES}, key=lambda f: f.__name__),
    ids=lambda f: f.__name__,
)
def test_a_stage_has_an_example(function: Callable[..., torch.Tensor]) -> None:
    """Its source is the lesson."""
    examples = "".join(example.source for example in examples_in(function.__doc__))
    assert f"{function.__name__}(" in examples


def docstrings() -> Iterator[tuple[str, str]]:
    """(file and qualified name, text) of each docstring of the package that has an example."""

    def below(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, documented) and examples_in(text := ast.get_docstring(node)):
            yield name, text or ""
        for child in ast.iter_child_nodes(node):
            yield from below(child, f"{name}::{getattr(child, 'name', '')}".rstrip(":"))

    for path in sorted(PACKAGE.rglob("*.py")):
        yield from below(ast.parse(path.read_text()), str(path.relative_to(PACKAGE)))


@pytest.mark.parametrize(("place", "text"), [*docstrings()], ids=[name for name, _ in docstrings()])
def test_an_example_prints_what_it_says(
    place: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty folder, after `import torch` and `import ctxattn_viz as cv`."""
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTest(
        examples_in(text), {"torch": torch, "cv": cv}, place, str(PACKAGE), 0, text
    )
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
    assert not report, "".join(report)
