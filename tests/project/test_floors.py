"""The package as a house: which room stands on which floor, and that nobody imports upward."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import ctxattn_viz

PACKAGE = "ctxattn_viz"
FOLDER = Path(ctxattn_viz.__file__).parent

# From the ground up. A room is a file or a folder of the package. It may import what stands below
# it, and its neighbours as long as they do not import it, too.
FLOORS = (
    ("errors", "renamed", "units", "palette", "progress", "devices", "checks", "files"),
    ("config", "habits"),
    ("stages",),
    ("inputs", "variants"),
    ("attention", "traces"),
    (
        "pictures",
        "samples",
        "comparison",
        "profiling",
        "figures",
        "recording",
        "window_pairs",
        "features",
    ),
    ("debugger", "exercises"),
    ("cli",),
    ("__init__", "__main__"),
)

# Methods that hand their work to a module above them: imported when they are called. Two at most.
DELEGATIONS = {
    ("traces/run.py", "profiling.py"): "run.profile() is where one looks for what it costs",
}

Sources = Mapping[str, str]  # the text of each file, by its path in the package


@dataclass(frozen=True)
class Import:
    """One import of one file of the package by another, on a line of `importer`."""

    importer: str
    imported: str
    line: int
    inside_function: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"

    @property
    def delegates(self) -> bool:
        return self.inside_function and (self.importer, self.imported) in DELEGATIONS


def sources() -> dict[str, str]:
    files = sorted(FOLDER.rglob("*.py"))
    return {file.relative_to(FOLDER).as_posix(): file.read_text(encoding="utf-8") for file in files}


def room(file: str) -> str:
    return file.partition("/")[0].removesuffix(".py")


def floor(file: str) -> int:
    """Which floor a file is on; one that is on none raises."""
    (number,) = [i for i, rooms in enumerate(FLOORS) if room(file) in rooms]
    return number


def imports(files: Sources) -> list[Import]:
    """Every import within the package, those inside functions too; not for type checkers alone."""
    names = frozenset(files)
    return [each for file, text in files.items() for each in _imports_of(file, text, names)]


@cache
def _imports_of(file: str, text: str, files: frozenset[str]) -> list[Import]:
    folder = [PACKAGE, *file.split("/")[:-1]]

    def visit(node: ast.AST, inside_function: bool) -> Iterator[Import]:
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            children = list(node.orelse)
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*start, *filter(None, [node.module])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            for imported in _files_of(name.split("."), file, files):
                yield Import(file, imported, node.lineno, inside_function)
        inside_function |= isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in children:
            yield from visit(child, inside_function)

    return list(visit(ast.parse(text, file), False))


def _files_of(name: list[str], importer: str, files: Container[str]) -> list[str]:
    """The files that run when `importer` imports `name`, a module or something in one."""
    if name[0] != PACKAGE:
        return []
    for length in range(len(name), 0, -1):
        path = "/".join(name[1:length])
        module, folder = f"{path}.py", f"{path}/__init__.py".removeprefix("/")
        if module in files:
            above = path.rpartition("/")[0]
            from_outside = above and not importer.startswith(f"{above}/")
            return [module, f"{above}/__init__.py"] if from_outside else [module]
        if folder in files:
            return [folder]
    return []


def upward(files: Sources) -> list[str]:
    """Imports of a room on a higher floor."""
    return [
        f"{each}, which is {floor(each.imported) - floor(each.importer)} up"
        for each in imports(files)
        if floor(each.imported) > floor(each.importer) and not each.delegates
    ]


def circles(files: Sources) -> list[str]:
    """A circle among modules, else one among rooms; nothing where there is none."""
    edges = [each for each in imports(files) if not each.delegates]
    modules = [(each.importer, each.imported, str(each)) for each in edges]
    rooms = [(room(each.importer), room(each.imported), str(each)) for each in edges]
    return _circle(modules) or _circle([edge for edge in rooms if edge[0] != edge[1]])


def _circle(edges: list[tuple[str, str, str]]) -> list[str]:
    graph: dict[str, set[str]] = {}
    where: dict[tuple[str, str], str] = {}
    for importer, imported, line in edges:
        graph.setdefault(importer, set()).add(imported)
        where.setdefault((importer, imported), line)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path = error.args[1]  # each is imported by the next
        return [where[after, before] for before, after in pairwise(path)]
    return []


def test_every_room_is_on_one_floor() -> None:
    listed = [name for rooms in FLOORS for name in rooms]
    assert len(listed) == len(set(listed))
    assert set(listed) == {room(file) for file in sources()}


def test_no_import_runs_upward() -> None:
    assert upward(sources()) == []


def test_no_circle_is_left() -> None:
    assert circles(sources()) == []


def test_at_most_two_delegations_each_used_and_each_with_its_reason() -> None:
    used = {(each.importer, each.imported) for each in imports(sources()) if each.delegates}
    assert used == DELEGATIONS.keys()
    assert len(DELEGATIONS) <= 2
    assert all(DELEGATIONS.values())


def test_only_the_lazy_public_names_are_imported_by_a_computed_name() -> None:
    by_name = [
        f"{file}:{node.lineno}"
        for file, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name | ast.Attribute)
        and ast.unparse(node).rpartition(".")[2] in ("import_module", "__import__")
    ]
    assert {place.partition(":")[0] for place in by_name} == {"__init__.py"}


@pytest.mark.parametrize(
    ("file", "line", "imported"),
    [
        ("stages/downsampling.py", "from ..traces.run import Trace", "traces/run.py"),
        ("stages/downsampling.py", "from ctxattn_viz import samples", "samples.py"),
        ("errors.py", "def f():\n    import ctxattn_viz.config", "config.py"),
        ("traces/rows.py", "from .. import contextual_attention", "__init__.py"),
        ("figures/runs.py", "class A:\n    from ..debugger import still", "debugger/still.py"),
        ("traces/rows.py", "def f():\n    from ..profiling import profile", "profiling.py"),
        ("traces/run.py", "from ..profiling import profile", "profiling.py"),
    ],
)
def test_a_planted_import_upward_is_named_with_its_line(
    file: str, line: str, imported: str
) -> None:
    files = sources()
    number = files[file].count("\n") + 1 + line.count("\n")
    files[file] += line + "\n"
    assert f"{file}:{number} imports {imported}" in "\n".join(upward(files))


def test_imports_for_type_checkers_alone_are_free() -> None:
    files = sources()
    files["errors.py"] += "if TYPE_CHECKING:\n    from .traces.run import Trace\n"
    assert upward(files) == circles(files) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("traces/budget.py", "from .run import Trace"),  # of two modules
        ("traces/values.py", "def f():\n    from . import rows"),  # of three, inside a function
        ("samples.py", "from .figures.drawing import canvas"),  # of neighbours
        ("debugger/masks.py", "from ..exercises.windows import reading"),  # of rooms alone
    ],
)
def test_a_planted_circle_is_named_line_by_line(file: str, line: str) -> None:
    files = sources()
    files[file] += line + "\n"
    number = files[file].count("\n")
    assert upward(files) == []
    assert f"{file}:{number} imports" in "\n".join(circles(files))


def test_a_room_without_a_floor_is_noticed() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        floor("cellar.py")
