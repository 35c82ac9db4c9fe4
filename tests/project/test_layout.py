"""The tests lie as the package does, and share what they share through tests/support/."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

# What the package has no room for: its front end, its notebooks, and the project around it.
OWN_FOLDERS = {"browser", "notebooks", "project"}
OWN_MODULES = {"gpu", "pretend_device"}
MOST_LINES = 400  # of a file of the package: more are two rooms
TEST_FILES = sorted(Path(__file__).resolve().parents[1].rglob("test_*.py"))


def modules(tree: ast.Module) -> Iterator[str]:
    """Every module that a file imports, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of_tests(text: str) -> list[str]:
    return [module for module in modules(ast.parse(text)) if ".test_" in f".{module}"]


@pytest.mark.parametrize(
    "text",
    ["import test_a", "from tests.b.test_a import x", "def f():\n    from tests import test_a"],
)
def test_an_import_of_a_test_is_found(text: str) -> None:
    assert imports_of_tests(text)


def test_no_test_imports_another(root: Path) -> None:
    files = (root / "tests").rglob("*.py")
    assert [str(file) for file in files if imports_of_tests(file.read_text())] == []


def test_there_is_one_way_to_import(root: Path) -> None:
    """As `tests.support.x`, from the repository: with a second entry, a file has two names."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pytest"]
    assert settings["ini_options"]["pythonpath"] == ["."]


def test_a_file_of_the_package_is_one_room(root: Path) -> None:
    lines = {
        file.relative_to(root).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in (root / "ctxattn_viz").rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_test_lies_where_its_subject_does(file: Path, root: Path) -> None:
    folders = file.relative_to(root / "tests").parts[:-1]
    assert len(folders) <= 1
    if folders:
        assert folders[0] in OWN_FOLDERS or (root / "ctxattn_viz" / folders[0]).is_dir()
    else:
        module = file.stem.removeprefix("test_")
        assert module in OWN_MODULES or (root / "ctxattn_viz" / f"{module}.py").exists()
