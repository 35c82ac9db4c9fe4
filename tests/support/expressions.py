"""Which expressions of some code ran and made a new tensor, found without the recorder.

Every call, operator, comparison, subscript and attribute in a function is wrapped in a call that
looks at its value; statements that write in place are followed by one. The code runs with these
wrapped bodies in place of its own, and everything stands where it stood in the file.
"""

from __future__ import annotations

import ast
import contextlib
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch

import ctxattn_viz as cv

Span = tuple[int, int, int, int]  # line, end line, column, end column (in characters)
LOOK = "__look_at_value__"
WRAPPED = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Attribute)


class Wrapping(ast.NodeTransformer):
    """Wraps expressions inside functions; `lines` are those of the file."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.inside = lines, 0

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.inside += 1
            node.body = [each for old in node.body for each in as_list(self.visit(old))]
            self.inside -= 1
            return node
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            node.value = self.visit(node.value)
            return node
        node = self.generic_visit(node)
        if not self.inside:
            return node
        if isinstance(node, WRAPPED) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return self.looked_at(node, node, "new")
        if isinstance(node, ast.AugAssign):
            return [node, ast.Expr(self.looked_at(node, base_of(node.target), "written"))]
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            return [node, ast.Expr(self.looked_at(node, base_of(node.targets[0]), "written"))]
        return node

    def looked_at(self, node: Any, value: ast.expr, kind: str) -> ast.Call:
        span = (
            node.lineno,
            node.end_lineno,
            self.characters(node.lineno, node.col_offset),
            self.characters(node.end_lineno, node.end_col_offset),
        )
        arguments = [ast.Constant(span), value, ast.Constant(kind)]
        call = ast.Call(ast.Name(LOOK, ast.Load()), arguments, [])
        return ast.fix_missing_locations(ast.copy_location(call, node))

    def characters(self, line: int, column: int) -> int:
        return len(self.lines[line - 1].encode()[:column].decode())


def as_list(nodes: Any) -> list[Any]:
    return nodes if isinstance(nodes, list) else [nodes]


def base_of(target: ast.expr) -> ast.expr:
    """`x` of `x[0] += 1`, to be looked at after it was written."""
    while isinstance(target, (ast.Subscript, ast.Call)):
        # A call is what an expression within the target was wrapped in.
        target = target.args[1] if isinstance(target, ast.Call) else target.value
    return ast.parse(ast.unparse(target), mode="eval").body


class Looking:
    """Takes note of new tensors, and of those that were written."""

    def __init__(self) -> None:
        self.seen: dict[int, torch.Tensor] = {}
        self.spans: Counter[tuple[str, Span]] = Counter()

    def begin(self) -> None:
        """From here on: what is there already is not new."""
        self.seen = {id(x): x for x in gc.get_objects() if issubclass(type(x), torch.Tensor)}
        self.spans.clear()

    def __call__(self, span: Span, value: Any, kind: str) -> Any:
        tensors = list(tensors_in(value))
        if kind == "written" and isinstance(value, torch.Tensor):
            self.spans[kind, span] += 1
        if kind == "new" and any(id(x) not in self.seen for x in tensors):
            self.spans[kind, span] += 1
        self.seen |= {id(x): x for x in tensors}
        return value


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from tensors_in(each)


def codes_of(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes_of(each)


def functions_of(module: ModuleType) -> Iterator[FunctionType]:
    """Its functions and methods, what decorators hide included."""
    waiting: list[Any] = list(vars(module).values())
    done: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in done:
            continue
        done.add(id(thing))
        if isinstance(thing, type) and thing.__module__ == module.__name__:
            waiting += vars(thing).values()
        waiting.append(getattr(thing, "__func__", None))
        waiting.append(getattr(thing, "__wrapped__", None))
        if isinstance(thing, FunctionType) and thing.__code__.co_filename == module.__file__:
            yield thing


@cache
def wrapped_bodies(file: str) -> dict[tuple[str, int], CodeType]:
    """The code of everything in a file, wrapped; by its qualified name and first line."""
    text = Path(file).read_text(encoding="utf-8")
    tree = ast.fix_missing_locations(Wrapping(text.splitlines()).visit(ast.parse(text)))
    code = compile(tree, file, "exec", dont_inherit=True)
    return {(each.co_qualname, each.co_firstlineno): each for each in codes_of(code)}


@contextmanager
def wrapped(modules: list[ModuleType], look: Looking) -> Iterator[None]:
    """Meanwhile the functions of these modules show their values to `look`."""
    before: list[tuple[FunctionType, CodeType]] = []
    for module in modules:
        bodies = wrapped_bodies(str(module.__file__))
        setattr(module, LOOK, look)
        for function in functions_of(module):
            old = function.__code__
            before.append((function, old))
            function.__code__ = bodies[old.co_qualname, old.co_firstlineno]
    try:
        yield
    finally:
        for function, old in before:
            function.__code__ = old
        for module in modules:
            delattr(module, LOOK)


def expected(
    modules: list[ModuleType], function: Callable[..., Any], make: Callable[[], tuple[Any, ...]]
) -> Counter[tuple[str, Span]]:
    """Where `function` makes a new tensor of what `make` gives it, or writes one; how often."""
    look = Looking()
    with wrapped(modules, look):
        arguments = make()
        look.begin()
        with contextlib.suppress(RuntimeError):  # one that fails is compared up to there
            function(*arguments)
    return look.spans


def missing(recording: cv.Recording, spans: Counter[tuple[str, Span]]) -> list[str]:
    """What neither is a step as often as it made a tensor, nor lies in a named gap."""
    steps = Counter(span_of(step) for step in recording.steps if step.gap is None)
    gaps = [span_of(step) for step in recording.gaps]
    lacks = []
    for (kind, span), count in spans.items():
        inside = [each for each in steps if within(each, span)] if kind == "written" else [span]
        recorded = sum(steps[each] for each in inside)
        named = sum(within(span, gap) or within(gap, span) for gap in gaps)
        if recorded + named < count:
            lacks.append(
                f"line {span[0]}, columns {span[2]} to {span[3]}: {kind} {count} times, "
                f"{recorded} steps, {named} gaps"
            )
    return lacks


def span_of(step: cv.RecordedStep) -> Span:
    return step.line, step.end_line, step.column, step.end_column


def within(inner: Span, outer: Span) -> bool:
    return (outer[0], outer[2]) <= (inner[0], inner[2]) and (inner[1], inner[3]) <= (
        outer[1],
        outer[3],
    )
