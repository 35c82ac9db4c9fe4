"""Which steps of a recording a value was made by, and from which pieces of the text."""

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..recording import RecordedSource, RecordedStep, Recording

Span = tuple[int, int, int, int, int]  # source, line, column, end line, end column; in characters


# They pick numbers: that some are right does not prove that all are.
PICKS = frozenset(["__getitem__", "select", "narrow", "unbind", "chunk", "split", "index_select"])
GROUPS = frozenset(
    [
        "reshape",
        "view",
        "flatten",
        "unflatten",
        "squeeze",
        "unsqueeze",
        "expand",
        "contiguous",
        "clone",
        "to",
        "float",
    ]
)

# They leave a value's numbers as they are, all of them, in another order or shape.
REARRANGES = GROUPS | frozenset(["permute", "transpose", "movedim", "swapaxes", "t", "T", "mT"])


def span_of(step: RecordedStep) -> Span:
    return step.source, step.line, step.column, step.end_line, step.end_column


class Dataflow:
    """What each step was given by which steps before it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.makers: dict[int, int] = {}
        for step in recording.steps:
            for number in (step.value, *step.also):
                if number is not None:
                    self.makers.setdefault(number, step.index)
        self.texts = [Text(i, source) for i, source in enumerate(recording.sources)]
        self.spans = {span_of(step) for step in recording.steps}
        self._latest: dict[Span | None, int] = {}
        self.parents: list[list[int]] = []
        for step in recording.steps:
            self.parents.append(self._parents(step))
            self._latest[span_of(step)] = step.index

    def ancestors(self, last: int) -> set[int]:
        """The steps that `last` depends on, with itself."""
        seen, waiting = {last}, [last]
        while waiting:
            for parent in self.parents[waiting.pop()]:
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)
        return seen

    def picks(self, parent: int, child: int) -> bool:
        """Whether a step takes some of the numbers that another made, and leaves others."""
        steps, values = self.recording.steps, self.recording.values
        made, taken = steps[parent].value, steps[child].value
        if steps[child].operation not in PICKS or made is None or taken is None:
            return False
        return math.prod(values[taken].shape) < math.prod(values[made].shape)

    def does_nothing(self, index: int) -> bool:
        """Whether a step moves or adds nothing, though it could: what it gave is right anyway."""
        step, values = self.recording.steps[index], self.recording.values
        if step.operation in GROUPS | PICKS or step.value is None:
            return False
        made = values[step.value].tensor
        given = [values[each].tensor for each in step.operands if isinstance(each, int)]
        return made is not None and any(
            x is not None
            and (x.dtype, x.numel()) == (made.dtype, made.numel())
            and x.double().flatten().equal(made.double().flatten())
            for x in given
        )

    def is_constant(self, index: int) -> bool:
        """Whether a step makes its value of no tensor's numbers."""
        step = self.recording.steps[index]
        given = self.parents[index] or any(isinstance(each, int) for each in step.operands)
        return not given or step.operation.startswith("new_") or step.operation.endswith("_like")

    def names(self, span: Span) -> list[str]:
        """The variables that an expression reads itself, outside of what other steps make."""
        return [node.id for node in self._read(span) if isinstance(node, ast.Name)]

    def _read(self, span: Span) -> Iterator[ast.AST]:
        """The nodes of an expression; of other steps' inside it the outermost alone."""
        text = self.texts[span[0]]
        waiting = [text.nodes[span]] if span in text.nodes else []
        while waiting:
            node = waiting.pop()
            yield node
            if node is text.nodes[span] or text.span_or_none(node) not in self.spans:
                waiting += ast.iter_child_nodes(node)

    def _parents(self, step: RecordedStep) -> list[int]:
        numbers = [number for number in step.operands if isinstance(number, int)]
        variables = dict(step.locals)
        parents: list[int] = []
        for node in self._read(span_of(step)):
            inside = variables.get(node.id) if isinstance(node, ast.Name) else None
            numbers += [inside] if isinstance(inside, int) and inside not in numbers else []
            span = self.texts[step.source].span_or_none(node)
            if span in self._latest and span != span_of(step):
                parents.append(self._latest[span])
        for number in numbers:
            parents += self.writers(number, step.index)
        return [parent for parent in dict.fromkeys(parents) if parent < step.index]

    def writers(self, number: int, before: int) -> list[int]:
        """The steps before one that made a value, or wrote into what it had been."""
        if number in self.makers:
            return [self.makers[number]]
        # Written through another view: the last write, and what stood there before.
        value = self.recording.values[number]
        earlier = (
            n
            for n in range(number - 1, -1, -1)
            if (other := self.recording.values[n]).shape == value.shape and other.name == value.name
        )
        before_it = next(earlier, None)
        written = (i for i in range(before - 1, -1, -1) if writes(self.recording.steps[i]))
        write = next(written, None)
        if before_it is None or write is None:  # an argument
            return []
        return [write, *self.writers(before_it, before)]


def writes(step: RecordedStep) -> bool:
    name = step.operation
    in_place = name.endswith("_") and not name.endswith("__")
    return in_place or name == "__setitem__" or (name.startswith("__i") and name != "__invert__")


@dataclass(frozen=True)
class Text:
    """The syntax tree of one source, with places as recordings have them."""

    number: int
    source: RecordedSource

    @cached_property
    def tree(self) -> ast.AST | None:
        text = self.source.text
        try:
            return ast.parse(f"if True:\n{text}" if text[:1].isspace() else text)
        except SyntaxError:  # a lambda in the middle of a call, say
            return None

    def span(self, node: ast.AST) -> Span:
        """Where a node stands."""
        text, shift = self.source.text, self.source.text[:1].isspace()
        lines = text.split("\n")

        def place(line: int, column: int) -> tuple[int, int]:
            row = line - 1 - shift
            column = len(lines[row].encode()[:column].decode(errors="replace"))
            return row + self.source.first_line, column

        start = place(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        end = place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return self.number, *start, *end

    def span_or_none(self, node: ast.AST) -> Span | None:
        return self.span(node) if hasattr(node, "lineno") else None

    @cached_property
    def nodes(self) -> dict[Span, ast.AST]:
        """The outermost node at each place."""
        nodes: dict[Span, ast.AST] = {}
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, ast.expr | ast.stmt):
                nodes.setdefault(self.span(node), node)
        return nodes

    @property
    def function(self) -> ast.FunctionDef | None:
        trees = ast.walk(self.tree) if self.tree else iter(())
        return next((node for node in trees if isinstance(node, ast.FunctionDef)), None)

    @property
    def parameters(self) -> list[str]:
        if self.function is None:
            return []
        arguments = self.function.args
        return [each.arg for each in (*arguments.posonlyargs, *arguments.args)]

    def definitions(self, name: str) -> list[ast.AST]:
        """What a variable is set by, in this function itself: statements, and heads of loops."""
        return [
            node
            for node in _of_this_function(self.function)
            if name in _names_set(node) and not isinstance(node, ast.FunctionDef)
        ]

    def encloses(self, other: "Text") -> bool:
        """Whether the other function stands in this one."""
        mine, its = self.source, other.source
        last = mine.first_line + mine.text.count("\n")
        return (
            mine.file == its.file and mine is not its and mine.first_line < its.first_line <= last
        )


def _of_this_function(function: ast.FunctionDef | None) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(function.body) if function else []
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)


def _names_set(node: ast.AST) -> set[str]:
    """The variables that a statement gives a value, or adds to."""
    targets: list[ast.AST] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr):
        targets = [node.target]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            return {function.value.id}  # kept.append(…)
    names = set()
    for target in targets:
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        names |= {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
    return names


def value_part(node: ast.AST) -> ast.AST:
    """Of a statement that sets a variable, what the variable is set to."""
    if isinstance(node, ast.For):
        return node.iter
    return getattr(node, "value", None) or node
