"""What a recording holds: pieces of source, values and steps."""

from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor


@dataclass(frozen=True)
class RecordedSource:
    """One function (or lambda, or notebook cell) that was stepped through.

    Attributes:
        name: its qualified name.
        file: where it stands, as Python names that file.
        first_line: the number of the first line of `text` in it.
        text: its lines as they stand there; empty where they cannot be had.
        problem: why they cannot be had, as a sentence; empty otherwise.

    >>> source: cv.RecordedSource = cv.record(lambda x: x + 1, torch.zeros(2)).sources[0]
    >>> source.name
    '<lambda>'
    """

    name: str
    file: str
    first_line: int
    text: str
    problem: str = ""


@dataclass(frozen=True, eq=False)
class RecordedValue:
    """One tensor as it stood at one time: written in place, it is another value.

    Attributes:
        tensor: a copy; None where there was no room for it in the budget, or it has no numbers.
        shape, dtype, device: as the tensor had them; dtype and device as text.
        minimum, maximum: of its finite numbers; None where there is none, or they are complex.
        nan, infinite: how many of its numbers are that.
        name: that of the argument or of the variable it was first kept in; None without one.

    >>> value: cv.RecordedValue = cv.record(lambda x: x + 1, torch.zeros(2)).values[0]
    >>> value.name, value.shape, value.minimum
    ('x', (2,), 0.0)
    """

    tensor: Tensor | None
    shape: tuple[int, ...]
    dtype: str
    device: str
    minimum: float | None
    maximum: float | None
    nan: int
    infinite: int
    name: str | None


@dataclass(frozen=True, eq=False)
class RecordedStep:
    """One call, operator, subscript, attribute or in-place statement that made a tensor.

    Attributes:
        index: its place among the steps.
        source: the place of its source among the sources.
        line, end_line: lines of that file, from 1.
        column, end_column: characters of these lines, from 0; the end is exclusive.
        expression: the text of that sub-expression.
        operation: what PyTorch calls it, such as `matmul`, `add_` or `__getitem__`.
        operands: the number of a value, or the text of anything else, such as `dim=-1`.
        value: the number of the value that was made or written; None where there is none.
        also: further values that the same call made, such as the indices of `max`.
        depth: how many functions were entered to come here; 0 is the recorded function.
        frame: which call it ran in: 0 for the first function, 1 for the first that it called …
        iteration: of each loop around it within its function, from the outside, which turn, from 0.
        locals: variables just before this step: the number of a value, or a short text.
        seconds: how long PyTorch took.
        gap: a sentence that says what could not be seen here; None if all was.

    >>> step: cv.RecordedStep = cv.record(lambda x: x + 1, torch.zeros(2)).steps[0]
    >>> step.expression, step.operation, step.operands, step.value
    ('x + 1', 'add', (0, '1'), 1)
    """

    index: int
    source: int
    line: int
    end_line: int
    column: int
    end_column: int
    expression: str
    operation: str
    operands: tuple[int | str, ...]
    value: int | None
    depth: int
    frame: int
    iteration: tuple[int, ...]
    locals: tuple[tuple[str, int | str], ...]
    seconds: float
    gap: str | None = None
    also: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class RecordedCall:
    """One call of a function: of the recorded one, or of one that was called by it.

    Attributes:
        frame: its number, which is its place among the calls.
        source: the place of its source among the sources.
        depth: how many functions were entered to come here; 0 is the recorded function.
        parent: the number of the call that called it; None at depth 0.
        arguments: names of parameters that were given tensors, each with the number of the value.
        returned: the number of the tensor that it returned (a generator: last); None without one.
        place: where it was called: line, column, end line and end column in the source of `parent`,
            counted as those of steps; None at depth 0.
        iteration: of each loop around that place, from the outside, which turn, from 0.

    >>> call: cv.RecordedCall = cv.record(lambda x: x + 1, torch.zeros(2)).calls[0]
    >>> call.arguments, call.returned
    ((('x', 0),), 1)
    """

    frame: int
    source: int
    depth: int
    parent: int | None
    arguments: tuple[tuple[str, int], ...]
    returned: int | None = None
    place: tuple[int, int, int, int] | None = None
    iteration: tuple[int, ...] = ()


@dataclass(eq=False)
class Recording:
    """What one run of some Python code made with PyTorch, expression by expression.

    `print(recording)` lists the steps; where the run failed, it shows the failing line with the
    shapes under its names, and it says where the first NaN or infinity was born.

    Attributes:
        result: what the function returned; None if it raised, and of a block.
        exception: what it raised, with everything up to there recorded.
        sources: each piece of code that was stepped through.
        values: the arguments' tensors, then what the steps made, each numbered by its place here.
        steps: in the order in which they ran.
        calls: the functions that were entered, by the number of their frame.

    >>> recording: cv.Recording = cv.record(lambda x: (x * 2).sum(), torch.ones(3))
    >>> recording.result, [step.expression for step in recording.steps]
    (tensor(6.), ['x * 2', '(x * 2).sum()'])
    """

    result: Any = None
    exception: BaseException | None = None
    sources: tuple[RecordedSource, ...] = ()
    values: tuple[RecordedValue, ...] = ()
    steps: tuple[RecordedStep, ...] = ()
    calls: tuple[RecordedCall, ...] = ()
    failure: str = field(default="", repr=False)  # the failing line, shapes under its names

    @property
    def gaps(self) -> tuple[RecordedStep, ...]:
        """The steps at which something could not be seen, each with its sentence."""
        return tuple(step for step in self.steps if step.gap)

    def made(self, step: RecordedStep) -> RecordedValue | None:
        """The value that `step` made or wrote, if it did."""
        return None if step.value is None else self.values[step.value]

    def first(self, kind: Literal["nan", "infinite"]) -> RecordedStep | None:
        """The step at which the first NaN, or the first infinity, was born; None if there is none.

        Its operands have none of that kind. One that came in as an argument has no such step.
        """
        for step in self.steps:
            numbers = [number for number in step.operands if isinstance(number, int)]
            value = self.made(step)
            given = any(getattr(self.values[number], kind) for number in numbers)
            if value is not None and getattr(value, kind) and not given:
                return step
        return None

    def __str__(self) -> str:
        from .text import described

        return described(self)

    __repr__ = object.__repr__
