"""Where in its source a piece of running code stands."""

import __future__

import ast
import dis
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType

import executing

from .recording import RecordedSource

Span = tuple[int, int, int, int]  # line, end line, column, end column; columns in bytes
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")  # names of their code
REWRITTEN = "@pytest_ar"  # a name in code whose asserts pytest rewrote; its positions stay
FUTURE_FLAGS = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


@dataclass(frozen=True)
class Place:
    """The span of one expression in a file, and its node in the syntax tree where that is known."""

    source: int
    line: int
    end_line: int
    column: int
    end_column: int
    expression: str
    node: ast.AST | None = None


class Places:
    """Places of instructions, each looked up once. `sources` are numbered as they are met."""

    def __init__(self) -> None:
        self.sources: list[RecordedSource] = []
        self._numbers: dict[object, int] = {}  # of a source, by its node, code or name
        self._codes: dict[int, tuple[CodeType, Scope | None, int]] = {}  # kept alive for their ids
        self._places: dict[tuple[int, int, bool], Place] = {}

    def at(self, frame: FrameType, offset: int, statement: bool = False) -> Place:
        """The expression that `frame` runs at `offset`, or the whole statement around it."""
        key = id(frame.f_code), offset, statement
        if key not in self._places:
            self.scope_of(frame)  # keeps the code alive
            self._places[key] = self._look_up(frame, offset, statement)
        return self._places[key]

    def nowhere(self, name: str, problem: str) -> Place:
        """The place of a call that no Python code of the user's makes."""
        return Place(self._number(name, RecordedSource(name, "", 1, "", problem)), 1, 1, 0, 0, "")

    def scope_of(self, frame: FrameType) -> Scope | None:
        """The function, lambda or module that `frame` runs; of a comprehension, what holds it."""
        code = frame.f_code
        if id(code) not in self._codes:
            text = executing.Source.for_frame(frame)
            node = innermost(text.tree, last_span(code)) if text.tree else None
            scope = scope_around(node)
            problem = problem_of(text, code, scope)
            scope = None if problem else scope
            number = self._number(scope or code, source_of(text, code, scope, problem))
            self._codes[id(code)] = code, scope, number
        return self._codes[id(code)][1]

    def source(self, frame: FrameType) -> int:
        """The number of the source of what `frame` runs."""
        self.scope_of(frame)
        return self._codes[id(frame.f_code)][2]

    def _number(self, key: object, source: RecordedSource) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.sources)
            self.sources.append(source)
        return self._numbers[key]

    def _look_up(self, frame: FrameType, offset: int, statement: bool) -> Place:
        _, scope, number = self._codes[id(frame.f_code)]
        span = span_at(frame.f_code, offset)
        if scope is None:  # no text that would fit the numbers
            return Place(number, span[0], span[0], 0, 0, "")
        text = executing.Source.for_frame(frame)
        node: ast.AST | None = None
        if offset == frame.f_lasti:
            node = executing.Source.executing(frame).node
        if node is None:  # of `if x:` or `for row in x:`, for example: Python's own span
            node = innermost(scope, span)
        else:
            span = span_of(node)
        part = part_of_loop(node, dis.opname[frame.f_code.co_code[max(offset, 0)]])
        if part is not None:
            node, span = part, span_of(part)
        if statement or isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            span = statement_span(node)
        return place_of(text, number, span, node)

    def operand(self, frame: FrameType, place: Place, index: int, count: int) -> Place:
        """Where in the call at `place` the operand with that index stands, of so many."""
        node = operand_node(place.node, index, count)
        if node is None:
            return place
        return place_of(executing.Source.for_frame(frame), place.source, span_of(node), node)


def place_of(text: executing.Source, number: int, span: Span, node: ast.AST | None) -> Place:
    """A span with the text in it, that of several lines on one."""
    line, end_line, start, end = span
    lines = [each.encode() for each in text.lines[line - 1 : end_line]]
    column = len(lines[0][:start].decode(errors="replace"))
    end_column = len(lines[-1][:end].decode(errors="replace"))
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    expression = " ".join(each.decode(errors="replace").strip() for each in lines)
    return Place(number, line, end_line, column, end_column, expression, node)


def operand_node(node: ast.AST | None, index: int, count: int) -> ast.expr | None:
    """The node of an operand of a call, operator, subscript or attribute, where that is clear."""
    operands: list[ast.expr] = []
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and len(node.args) + 1 == count:
            operands = [node.func.value]  # of a method
        operands += node.args
    elif isinstance(node, ast.BinOp):
        operands = [node.left, node.right]
    elif isinstance(node, ast.AugAssign):
        operands = [node.target, node.value]
    elif isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
    elif isinstance(node, ast.Attribute | ast.Subscript):
        operands = [node.value]
    clear = len(operands) == count or isinstance(node, ast.Attribute | ast.Subscript)
    return operands[index] if clear and index < len(operands) else None


def span_at(code: CodeType, offset: int) -> Span:
    """The positions that Python keeps for the instruction at `offset`."""
    line, end_line, start, end = next(islice(code.co_positions(), max(offset, 0) // 2, None))
    line = line or code.co_firstlineno
    return line, end_line or line, start or 0, end or 0


def last_span(code: CodeType) -> Span:
    """Of the last instruction that has a text: it stands within the function's body."""
    spans = [
        (line, end_line, start, end)
        for line, end_line, start, end in code.co_positions()
        if line and end_line and start is not None and end and (line, start) < (end_line, end)
    ]
    return spans[-1] if spans else (code.co_firstlineno, code.co_firstlineno, 0, 0)


def span_of(node: ast.AST) -> Span:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset  # type: ignore


def parent_of(node: ast.AST) -> ast.AST | None:
    return getattr(node, "parent", None)  # set by executing; a module has none


def ancestors(node: ast.AST | None) -> Iterator[ast.AST]:
    """`node` itself, then what is around it, from the inside."""
    while node is not None:
        yield node
        node = parent_of(node)


def scope_around(node: ast.AST | None) -> Scope | None:
    return next((each for each in ancestors(node) if isinstance(each, Scope)), None)


def innermost(tree: ast.AST, span: Span) -> ast.AST:
    """The smallest node around `span`."""
    smallest, waiting = tree, [tree]
    while waiting:
        node = waiting.pop()
        if hasattr(node, "end_col_offset"):
            if not contains(node, span):
                continue
            smallest = node
        waiting += ast.iter_child_nodes(node)
    return smallest


def contains(node: ast.AST, span: Span) -> bool:
    line, end_line, column, end_column = span_of(node)
    return (line, column) <= (span[0], span[2]) and (span[1], span[3]) <= (end_line, end_column)


def part_of_loop(node: ast.AST | None, instruction: str) -> ast.AST | None:
    """What a loop goes over, or asks for: Python 3.12 and older name the whole loop instead."""
    if isinstance(node, ast.For | ast.AsyncFor):
        return node.iter
    generators: list[ast.comprehension] = getattr(node, "generators", [])
    conditions = [each for generator in generators for each in generator.ifs]
    if "JUMP" in instruction and len(conditions) == 1:
        return conditions[0]
    return generators[0].iter if "ITER" in instruction and len(generators) == 1 else None


def statement_span(node: ast.AST | None) -> Span:
    """Of the statement around `node`; of a loop, a condition or a block its first line alone."""
    for each in ancestors(node):
        if isinstance(each, ast.Lambda):
            return span_of(each.body)
        if isinstance(each, ast.stmt):
            line, end_line, column, end_column = span_of(each)
            body = getattr(each, "body", None)
            if not body:
                return line, end_line, column, end_column
            first = span_of(body[0])
            return line, line, column, first[2] if first[0] == line else 10**6
    return 1, 1, 0, 0  # of a file, before its first statement


def problem_of(text: executing.Source, code: CodeType, scope: Scope | None) -> str:
    """Why the text of `code` cannot be had or trusted, as a sentence; empty if it can."""
    if not text.lines:
        return f"{code.co_filename} cannot be read: it is code made by `exec`, or the file is gone."
    if text.tree is None or scope is None:
        return f"{code.co_filename} no longer holds this code: load it again."
    is_function = code.co_flags & inspect.CO_NEWLOCALS and code.co_name not in COMPREHENSIONS
    if isinstance(scope, ast.Module) and not is_function:
        return ""  # a notebook compiles a cell statement by statement
    if REWRITTEN in code.co_names + code.co_varnames:
        return ""
    candidates = compiled(text, code.co_flags & FUTURE_FLAGS)
    if any(same_code(code, each) for each in candidates):
        return ""
    return f"{code.co_filename} has changed since this code was loaded: load it again."


@lru_cache(maxsize=32)
def compiled(text: executing.Source, flags: int) -> tuple[CodeType, ...]:
    """The code of everything in a file, as it stands there now."""
    codes = [compile(text.text, text.filename, "exec", flags, dont_inherit=True)]
    for code in codes:
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    return tuple(codes)


def same_code(one: CodeType, other: CodeType) -> bool:
    """Whether two pieces of code do the same at the same places of a file."""

    def parts(code: CodeType) -> tuple[object, ...]:
        constants = [repr(each) for each in code.co_consts if not isinstance(each, CodeType)]
        return code.co_name, code.co_code, code.co_names, constants, list(code.co_positions())

    return one.co_firstlineno == other.co_firstlineno and parts(one) == parts(other)


def source_of(
    text: executing.Source, code: CodeType, scope: Scope | None, problem: str
) -> RecordedSource:
    if scope is None:
        return RecordedSource(code.co_qualname, code.co_filename, code.co_firstlineno, "", problem)
    if isinstance(scope, ast.Module):
        return RecordedSource("<module>", code.co_filename, 1, text.text)
    first, last, *_ = span_of(scope)
    if isinstance(scope, ast.Lambda):
        first, last, *_ = statement_span(scope)
    else:
        first = min([first, *(each.lineno for each in scope.decorator_list)])
    lines = "\n".join(text.lines[first - 1 : last])
    return RecordedSource(scope_name(code), code.co_filename, first, lines)


def scope_name(code: CodeType) -> str:
    """The qualified name of a function, also when `code` is that of a comprehension in it."""
    return re.sub(
        r"(\.<locals>\.<(list|set|dict)comp>|\.<locals>\.<genexpr>)+$", "", code.co_qualname
    )
