"""Watching Python code make tensors."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from torch import Tensor
from torch._C import DisableTorchFunction
from torch.nn import Module, Parameter
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from . import calls
from .failures import failing_line
from .frames import Entered, Frames, aside
from .origins import origin, tensors_of, variables_outside
from .places import Place, Places
from .recording import RecordedCall, RecordedStep, Recording
from .values import Values, version_of

Locals = tuple[tuple[str, int | str], ...]


@dataclass(frozen=True)
class Scene:
    """Where the code is, and what its variables hold."""

    place: Place
    depth: int
    frame: int
    iteration: tuple[int, ...]
    locals: Locals


@dataclass(frozen=True)
class Call:
    """A call of PyTorch, before it runs."""

    scene: Scene
    operation: str
    operands: tuple[int | str, ...]
    tensors: list[Tensor]
    versions: list[int | None]
    may_write: bool = False


class Recorder(TorchFunctionMode):
    """Sees each call of PyTorch, on behalf of the code that is being run.

    What it does itself it does with PyTorch's function modes off, its own and any other.
    """

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.steps: list[RecordedStep] = []
        self.places = Places()
        self.values = Values(budget)
        self.calls: list[RecordedCall] = []
        self.frames = Frames(self.places, self)
        self._failed: Call | None = None
        self._problem: tuple[BaseException, Scene, str] | None = None  # the last one raised
        self._deaf = False
        self._modules: dict[int, object] = {}  # whose globals are known, by id
        self._outside: Any = WeakIdKeyDictionary()  # names of tensors that were there before

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        arguments: tuple[Any, ...] = (),
        keywords: dict[str, Any] | None = None,
    ) -> Any:
        keywords = keywords or {}
        operation = calls.operation_of(function)
        if calls.is_about(operation):
            return function(*arguments, **keywords)
        call: Call | None = None
        with self.aside():
            may_write = calls.may_write(function, arguments, keywords)
            call = self._before(sys._getframe(1), operation, arguments, keywords, may_write)
        start = time.perf_counter()
        try:
            result = function(*arguments, **keywords)
        except BaseException:
            self._failed = call
            raise
        seconds = time.perf_counter() - start
        if call is not None:
            with self.aside():
                self._after(call, result, seconds)
        return result

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is done in here is no part of what is recorded, here or by anybody else.

        Nor must it fail the code that is recorded: should it fail, that is a gap.
        """
        depth = aside.depth
        aside.depth = depth + 1
        try:
            with DisableTorchFunction():
                yield
        except Exception as problem:
            place = self.places.nowhere("the recorder", "")
            gap = f"the recorder failed to look at this: {type(problem).__name__}: {problem}"
            self._step(Call(Scene(place, 0, 0, (), ()), "unseen", (), [], []), 0.0, (), gap)
        finally:
            aside.depth = depth

    def given(self, name: str, thing: Any) -> None:
        """The tensors in `thing` are arguments: the first values."""
        for path, x in tensors_of(name, thing):
            if not self.values.is_known(x):
                self.values.add(x, path)

    def knows(self, name: str, thing: Any) -> None:
        """The tensors in `thing` were there before; they become values when they are used."""
        for path, x in tensors_of(name, thing):
            if x not in self._outside:
                self._outside[x] = path

    def _before(
        self,
        frame: FrameType,
        operation: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        may_write: bool,
    ) -> Call:
        entered = self.frames.innermost(frame)
        scene = self._scene(entered)
        if not self._deaf and self.frames.is_deaf():
            self._deaf = True
            gap = "this code uses sys.settrace: turns of loops are not counted from here on"
            self._step(Call(scene, "unseen", (), [], []), 0.0, (), gap)
        own = entered is not None and entered.frame is frame  # else PyTorch's, on its behalf
        tensors = list(calls.tensors_in((arguments, keywords)))
        for index, argument in enumerate((*arguments, keywords)):
            for x in calls.tensors_in(argument):
                if self._known_number(x) is not None:
                    continue
                if own and entered is not None:
                    place = self.places.operand(frame, scene.place, index, len(arguments))
                    self._number(x, replace(scene, place=place))
                elif isinstance(x, Parameter) and self.values.relative(x) is not None:
                    self.values.add(x)  # a module that is built: made of a tensor that was seen
                else:
                    self._number(x, scene)
        operands = [*self._operands(arguments, operation in ("__getitem__", "__setitem__"))]
        for name, thing in keywords.items():
            if thing is None:
                continue
            inside = self._operands((thing,))
            operands += [each if isinstance(each, int) else f"{name}={each}" for each in inside]
        for x in tensors if may_write else ():
            share = operation in calls.SHARED
            (self.values.share if share else self.values.before_write)(x)
        versions = [version_of(x) for x in tensors]
        return Call(scene, operation, tuple(operands), tensors, versions, may_write)

    def _after(self, call: Call, result: Any, seconds: float) -> None:
        written = [
            x
            for x, version in zip(call.tensors, call.versions, strict=True)
            if version != version_of(x)
        ]
        made = list(calls.tensors_in(result))
        uncounted = None in call.versions and call.may_write  # in inference mode
        if call.operation in calls.REPLACES or (uncounted and call.operation not in calls.SHARED):
            written = [x for x in made if any(x is each for each in call.tensors)]
            written = written or call.tensors[:1]
        numbers = {id(x): self.values.after_write(x) for x in written}
        made = made or written[:1]
        for x in made:
            if id(x) not in numbers:
                number = self.values.number(x)  # where a call gives back what it got
                numbers[id(x)] = self.values.add(x) if number is None else number
        values = tuple(dict.fromkeys(numbers[id(x)] for x in made))
        if values:
            self._step(call, seconds, values)
        elif call.operation in calls.READS:
            text = "" if result is None else f": {calls.text_of(result)}"
            self._step(call, seconds, (), calls.READS[call.operation] + text)

    def _step(
        self, call: Call, seconds: float, values: tuple[int, ...] = (), gap: str | None = None
    ) -> None:
        scene, place = call.scene, call.scene.place
        self.steps.append(
            RecordedStep(
                len(self.steps),
                place.source,
                place.line,
                place.end_line,
                place.column,
                place.end_column,
                place.expression or f"{call.operation}(…)",
                call.operation,
                call.operands,
                values[0] if values else None,
                scene.depth,
                scene.frame,
                scene.iteration,
                scene.locals,
                seconds,
                gap,
                values[1:],
            )
        )

    def _scene(self, entered: Entered | None, statement: bool = False) -> Scene:
        if entered is None:
            problem = "No Python code of the recorded function calls this: it is PyTorch's own."
            return Scene(self.places.nowhere("PyTorch", problem), 0, 0, (), ())
        frame = entered.frame
        offset = entered.offset if statement else frame.f_lasti
        place = self.places.at(frame, offset, statement)
        iteration = self.frames.turns(entered, place.node)
        return Scene(place, entered.depth, entered.number, iteration, self._locals(entered))

    def _locals(self, entered: Entered) -> Locals:
        variables = dict(entered.frame.f_locals)
        if entered.around is not None:  # of a comprehension, those around it, too
            variables = {**entered.around.frame.f_locals, **variables}
        return tuple(
            (name, self._local(thing))
            for name, thing in variables.items()
            if calls.is_followed(name, thing)
        )

    def _local(self, thing: Any) -> int | str:
        number = self.values.number(thing) if isinstance(thing, Tensor) else None
        return calls.text_of(thing) if number is None else number

    def _operands(self, things: Iterable[Any], subscript: bool = False) -> Iterable[int | str]:
        for thing in things:
            inside = list(calls.tensors_in(thing))
            if isinstance(thing, list | tuple) and inside:
                yield from self._operands(thing)
            elif isinstance(thing, tuple) and subscript:
                yield ", ".join(map(calls.text_of, thing))  # as one writes it: `x[:, None]`
            else:
                yield self._local(thing)

    def _known_number(self, x: Tensor) -> int | None:
        """The number of a tensor that a step made, that is an argument, or was there before."""
        if not self.values.is_known(x) and x in self._outside:
            return self.values.add(x, self._outside[x])
        return self.values.number(x)

    def _number(self, x: Tensor, scene: Scene, name: str = "") -> int:
        """The number of a tensor that is used; a gap before it, where nobody knows it."""
        number = self._known_number(x)
        if number is not None:
            return number
        subject = name or "this tensor"
        if self.values.is_known(x):
            gap = f"{subject} was changed in place by something that PyTorch does not tell of"
            number = self.values.after_write(x)
        else:
            gap = f"no step made {subject}: {origin(x, self.values)}"
            self.values.share(x)
            number = self.values.add(x, name or None)
        self._step(Call(scene, "unseen", (), [], []), 0.0, (number,), gap)
        return number

    def entered(self, call: Entered) -> None:
        """A function was called: which, and with which tensors."""
        if id(call.frame.f_globals) not in self._modules:
            self._modules[id(call.frame.f_globals)] = call.frame.f_globals
            for name, thing in variables_outside(call.frame):
                self.knows(name, thing)
        if call.number == 0:  # of a block, too, whose variables are all there already
            for name, thing in list(call.frame.f_locals.items()):
                self.knows(name, thing)
        source = self.places.source(call.frame)
        arguments = tuple(
            (name, number)
            for name, thing in call.frame.f_locals.items()
            if isinstance(thing, Tensor) and (number := self._known_number(thing)) is not None
        )
        parent, at = None, None
        iteration: tuple[int, ...] = ()
        if call.caller is not None:
            frame, parent = call.caller.frame, call.caller.number
            place = self.places.at(frame, frame.f_lasti)
            at = place.line, place.column, place.end_line, place.end_column
            iteration = self.frames.turns(call.caller, place.node)
        self.calls.append(
            RecordedCall(call.number, source, call.depth, parent, arguments, None, at, iteration)
        )

    def left_line(self, call: Entered) -> None:
        """Name what a line has put into variables; what appears there from nowhere is a gap."""
        for name, thing in call.frame.f_locals.items():
            for x in calls.tensors_in(thing, depth=1):
                if self.values.is_unseen(x):
                    if self.values.is_known(x) or x not in self._outside:
                        direct = name if x is thing else ""
                        self._number(x, self._scene(call, statement=True), direct)
                elif x is thing and name.isidentifier():
                    self.values.name(x, name)

    def returned(self, call: Entered, result: Any) -> None:
        """What a function returned, and that somebody made it."""
        for x in calls.tensors_in(result, depth=1):
            number = self._known_number(x)
            if number is None:
                scene = self._scene(call, statement=True)
                number = self._number(x, scene, "what is returned")
            if x is result and call.around is None:
                self.calls[call.number] = replace(self.calls[call.number], returned=number)

    def finish(self, recording: Recording) -> None:
        """Hand over what was recorded. The code has ended, or failed."""
        with self.aside():
            for x in calls.tensors_in(recording.result):
                if self.values.is_unseen(x) and x not in self._outside:
                    self._number(x, self._scene(None), "the result")
            if recording.exception is not None:
                self._fail(recording, recording.exception)
            recording.values = self.values.finish()
        recording.calls, recording.steps = tuple(self.calls), tuple(self.steps)
        recording.sources = tuple(self.places.sources)
        self._problem = self._failed = None

    def raised(self, call: Entered, problem: BaseException) -> None:
        """Draw the failing line while its variables are still what they were."""
        scene = self._scene(call)
        self._problem = problem, scene, failing_line(call.frame, scene.place)

    def concerns(self, frame: FrameType) -> bool:
        """Of a library, what is given a tensor."""
        return any(issubclass(type(each), (Tensor, Module)) for each in frame.f_locals.values())

    def _fail(self, recording: Recording, problem: BaseException) -> None:
        """The failing expression becomes the last step."""
        if self._problem is None or self._problem[0] is not problem:
            return
        _, scene, recording.failure = self._problem
        call = Call(scene, "", (), [], [])
        if self._failed is not None and self._failed.scene.place == scene.place:
            call = self._failed
        self._step(call, 0.0, (), f"the run stopped here: {type(problem).__name__}: {problem}")
