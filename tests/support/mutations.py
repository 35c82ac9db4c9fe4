"""Right answers with one small fault each: an operator, a constant, an axis or a name changed."""

from __future__ import annotations

import ast
import copy
import itertools
import linecache
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
METHODS = {
    "sum": "mean",
    "mean": "sum",
    "all": "any",
    "any": "all",
    "amax": "amin",
    "max": "min",
    "min": "max",
    "max_pool2d": "avg_pool2d",
    "square": "abs",
    "sqrt": "square",
    "softmax": "log_softmax",
    "exp": "abs",
    "zeros": "ones",
    "ones": "zeros",
    "eye": "ones",
    "cat": "stack",
    "floor": "ceil",
}
_numbers = itertools.count()


@dataclass(frozen=True)
class Mutant:
    """A right answer with one fault.

    Attributes:
        kind: operator, constant, axis or name.
        source: the whole of it.
        line, column, end_line, end_column: of what was changed, lines from 1.
        was: what stood there.
        now: what stands there.
    """

    kind: str
    source: str
    line: int
    column: int
    end_line: int
    end_column: int
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.kind} in line {self.line}, {self.was} → {self.now}"

    def function(self, name: str) -> Callable[..., Any]:
        return written(name, self.source)

    def touches(self, line: int, start: int, end: int) -> bool:
        """Whether what was changed has something of this piece of a line."""
        first = self.column if line == self.line else 0
        last = self.end_column if line == self.end_line else len(self.source)
        return self.line <= line <= self.end_line and start < last and first < end


def written(name: str, source: str) -> Callable[..., Any]:
    """The function of that name; its text can be looked up, as that of a notebook's cell."""
    file = f"<answer {next(_numbers)}>"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    names: dict[str, Any] = {"torch": torch, "F": F, "math": math}
    exec(compile(source, file, "exec"), names)
    function: Callable[..., Any] = names[name]
    return function


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a source that has one function or more."""
    tree = ast.parse(ast.unparse(ast.parse(source)))
    for place, node in enumerate(ast.walk(tree)):
        for kind, change in _changes(node, tree):
            changed = copy.deepcopy(tree)
            target = next(itertools.islice(ast.walk(changed), place, None))
            change(target)
            text = ast.unparse(ast.fix_missing_locations(changed))
            again = next(itertools.islice(ast.walk(ast.parse(text)), place, None))
            if type(again) is not type(target):
                continue
            line, column, end_line, end_column = _span(again, text)
            yield Mutant(kind, text, line, column, end_line, end_column, _text(node), _text(again))


def _text(node: ast.AST) -> str:
    return ast.unparse(node).replace("\n", " ")[:70]


def _span(node: ast.AST, text: str) -> tuple[int, int, int, int]:
    """Of what was changed: of an operation the operator, of an attribute its name."""
    if isinstance(node, ast.BinOp):
        left, right = node.left, node.right
        return left.end_lineno, left.end_col_offset, right.lineno, right.col_offset  # type: ignore
    if isinstance(node, ast.Compare):
        left, right = node.left, node.comparators[0]
        return left.end_lineno, left.end_col_offset, right.lineno, right.col_offset  # type: ignore
    if isinstance(node, ast.Attribute):
        end = node.end_col_offset or 0
        return node.end_lineno, end - len(node.attr), node.end_lineno, end  # type: ignore
    if isinstance(node, ast.AugAssign):
        at = node.target
        return at.end_lineno, at.end_col_offset, node.value.lineno, node.value.col_offset  # type: ignore
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore


Change = Callable[[Any], None]


def _changes(node: ast.AST, tree: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        new = OPERATORS[type(node.op)]
        yield "operator", lambda n: setattr(n, "op", new())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        new = OPERATORS[type(node.ops[0])]
        yield "operator", lambda n: setattr(n, "ops", [new()])
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield "operator", lambda n: setattr(n, "op", ast.UAdd())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        value = node.value
        axis = _is_axis(node, tree)
        if type(value) is float:
            others = [value * 10, value / 10] if value else [1.0]
        else:
            others = [value + 1, value - 1] if value else [1]
        for other in others:
            yield (
                "axis" if axis else "constant",
                lambda n, other=other: setattr(n, "value", other),
            )
    elif isinstance(node, ast.Attribute) and node.attr in METHODS:
        new_name = METHODS[node.attr]
        yield "name", lambda n: setattr(n, "attr", new_name)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        names = _variables(node, tree)
        if node.id in names:
            at = names.index(node.id)
            for other in {names[at - 1], names[(at + 1) % len(names)]} - {node.id}:
                yield "name", lambda n, other=other: setattr(n, "id", other)


def _is_axis(node: ast.Constant, tree: ast.AST) -> bool:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            inside = [n for each in (*call.args, *call.keywords) for n in ast.walk(each)]
            names = (
                "permute",
                "transpose",
                "sum",
                "mean",
                "flatten",
                "unflatten",
                "softmax",
                "all",
                "any",
                "amax",
                "norm",
                "stack",
                "cat",
                "unfold",
                "flip",
                "movedim",
                "index_select",
                "unsqueeze",
                "squeeze",
                "select",
            )
            if call.func.attr in names and any(node is n for n in inside):
                return True
    return False


def _variables(node: ast.Name, tree: ast.AST) -> list[str]:
    """The variables of the function around a name, in the order in which they come."""
    around: ast.FunctionDef | None = None
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and any(n is node for n in ast.walk(function)):
            around = function  # the innermost comes last
    if around is None:
        return []
    names = [each.arg for each in around.args.args]
    names += [
        each.id
        for each in ast.walk(around)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    ]
    return list(dict.fromkeys(names))
