"""The stretch of a student's code in which it goes wrong.

It begins after the last expression whose value a right answer also has, and ends with the first
after which none has. Only what the result depends on counts: a right value elsewhere proves
nothing.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from ..recording import RecordedSource, RecordedStep, Recording
from .dataflow import GROUPS, PICKS, Dataflow, Span, Text, span_of, value_part
from .likeness import Likeness, RightValues, over_turns

# They leave numbers as they are; what is wrong may be which ones, or what is done with them next.
SELECTIONS = PICKS | GROUPS | frozenset(["unfold", "permute", "transpose", "movedim", "T", "mT"])
FURTHEST = 3  # steps back through values that do not tell
MOST, MOST_FAILING = 4, 8  # expressions that are marked: in a wrong answer, in one that raises
DEEPEST = 3  # variables that are set by variables

Piece = tuple[int, int, int, int]  # source, line, from column, to column


@dataclass(frozen=True)
class Stretch:
    """Some expressions of a recorded function, in the order in which they stand.

    Attributes:
        first, last: the first and the last step of the recording that belong to it.
        expressions: where each stands.
        pieces: the same line by line, without what is right inside them.
        sources: what their first numbers mean.
    """

    first: int
    last: int
    expressions: tuple[Span, ...]
    pieces: tuple[Piece, ...]
    sources: tuple[RecordedSource, ...]

    def placed_in(self, other: Recording) -> "Stretch | None":
        """The same code in another recording of it; None if none of its steps ran there."""
        steps = [step.index for step in other.steps if span_of(step) in self.expressions]
        texts = [source.text for source in other.sources]
        if not steps or [source.text for source in self.sources[: len(texts)]] != texts:
            return None
        return replace(self, first=min(steps), last=max(steps))

    def lines(self) -> list[str]:
        """The lines of code, the stretch underlined."""
        marked: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for number, line, start, end in self.pieces:
            marked.setdefault((number, line), []).append((start, end))
        lines = []
        for (place, line), ranges in sorted(marked.items()):
            source = self.sources[place]
            if not source.text:
                continue
            text = source.text.split("\n")[line - source.first_line]
            under = "".join(
                "~" if any(start <= i < end for start, end in ranges) else " "
                for i in range(len(text))
            )
            lines += [f"{line:5d}  {text}", f"       {under.rstrip()}"]
        return lines


def stretch_of(recording: Recording, right: RightValues) -> Stretch | None:
    """Where a function that gives a wrong result, or raises, goes wrong; None if no step tells."""
    if not recording.steps:
        return None
    flow = Dataflow(recording)
    last = _last(flow)
    inside = flow.ancestors(last)
    proof = _proof(flow, right, inside, last)
    included, causes = _included(flow, proof, inside, last)
    made = recording.steps[last].value
    own = Likeness.OTHER if made is None else right.likeness(recording.values[made].tensor)
    return _Marking(flow, proof, included, causes, own == Likeness.SAME).stretch()


def _last(flow: Dataflow) -> int:
    """The step that made the result, or failed."""
    recording = flow.recording
    if recording.exception is None and recording.calls:
        returned = recording.calls[0].returned
        handed_on = [step.index for step in recording.steps if step.value == returned]
        if returned is not None and handed_on:
            return handed_on[-1]
        writes = flow.writers(returned, len(recording.steps)) if returned is not None else []
        if writes:
            return writes[0]
    return len(recording.steps) - 1


def _proof(flow: Dataflow, right: RightValues, inside: set[int], last: int) -> dict[int, Likeness]:
    """How like a right value is what each step made, or what was made of it later."""
    values, stacks = flow.recording.values, over_turns(flow.recording)
    known: dict[int, Likeness] = {}  # of a value, or of the stack of an expression's values

    def likeness(x: Tensor | None) -> Likeness:
        if id(x) not in known:
            known[id(x)] = right.likeness(x)
        return known[id(x)]

    proof: dict[int, Likeness] = {}
    for index in sorted(inside, reverse=True):
        made = flow.recording.steps[index].value
        own = Likeness.OTHER if made is None else Likeness.SILENT
        if index in stacks:
            own = likeness(stacks[index])
        if made is not None and own == Likeness.SILENT:
            own = likeness(values[made].tensor)
        proof[index] = max(own, proof.get(index, Likeness.SILENT))
        if index == last:
            proof[index] = Likeness.OTHER
        elif proof[index] > Likeness.OTHER:
            for parent in flow.parents[index]:
                if not flow.picks(parent, index):
                    proof[parent] = max(proof[index], proof.get(parent, Likeness.SILENT))
    return proof


def _included(
    flow: Dataflow, proof: dict[int, Likeness], inside: set[int], last: int
) -> tuple[dict[int, int], set[int]]:
    """The steps of the stretch, each with how far it is from the first wrong or the failing one;
    and those of them whose numbers without tensors may be wrong."""
    wrong = {index for index in inside if proof[index] == Likeness.OTHER} | {last}
    after_wrong: set[int] = set()
    for index in sorted(inside):
        if any(parent in wrong or parent in after_wrong for parent in flow.parents[index]):
            after_wrong.add(index)
    included = dict.fromkeys(sorted(wrong - after_wrong), 0)
    for index in sorted(wrong & after_wrong):
        before = [parent for parent in flow.parents[index] if parent in included]
        if any(flow.recording.steps[parent].operation in SELECTIONS for parent in before):
            included[index] = 1
    if flow.recording.exception is not None:
        included[last] = 0
    causes = set(included)
    waiting = [
        (parent, FURTHEST if flow.recording.steps[index].operands else 1)
        for index in included
        for parent in flow.parents[index]
    ]
    while waiting:
        index, further = waiting.pop(0)
        if index in included or index in after_wrong or not further:
            continue
        idle = flow.does_nothing(index)
        if proof[index] < Likeness.SAME or idle:
            included[index] = FURTHEST - further + 1
            near = further == FURTHEST and flow.recording.exception is None
            causes |= {index} if idle or near else set()
            waiting += [(parent, further - 1) for parent in flow.parents[index]]
    return included, causes


class _Marking:
    """From steps to pieces of text, with the variables without tensors that these read."""

    def __init__(
        self,
        flow: Dataflow,
        proof: dict[int, Likeness],
        included: dict[int, int],
        causes: set[int],
        returns: bool,
    ) -> None:
        self.causes = causes
        self.recording, self.included, self.returns = flow.recording, included, returns
        self.flow, self.proof = flow, proof
        self.texts, self.spans = flow.texts, flow.spans
        self.marked: dict[Span, int] = {}  # how far from where it goes wrong

    def stretch(self) -> Stretch:
        steps = [self.recording.steps[index] for index in sorted(self.included)]
        for step in steps:
            self._mark(span_of(step), self.included[step.index])
        if self.returns and self.recording.calls:
            self._mark_return()
        trusted = self._trusted()
        for step in steps:
            if step.index in self.causes:
                self._follow(step, trusted)
        most = MOST if self.recording.exception is None else MOST_FAILING
        nearest = sorted(self.marked, key=self.marked.__getitem__)[:most]
        expressions = tuple(sorted(nearest))
        pieces = tuple(piece for span in expressions for piece in self._pieces(span))
        sources = self.recording.sources
        return Stretch(min(self.included), max(self.included), expressions, pieces, sources)

    def _mark(self, span: Span, distance: int) -> None:
        self.marked[span] = min(distance, self.marked.get(span, distance))

    def _mark_return(self) -> None:
        """What is returned has a right value: something should have followed, or another shape."""
        text = self.texts[self.recording.calls[0].source]
        returns = [node for node in text.nodes.values() if isinstance(node, ast.Return)]
        for node in returns[-1:]:
            self._mark(text.span(node), 0)

    def _trusted(self) -> set[tuple[int, str]]:
        """Variables that values are made with that right answers have."""
        trusted = set()
        for index, likeness in self.proof.items():
            step = self.recording.steps[index]
            if likeness == Likeness.SAME and index not in self.included:
                trusted |= {(step.source, name) for name in self.flow.names(span_of(step))}
        return trusted

    def _follow(self, step: RecordedStep, trusted: set[tuple[int, str]]) -> None:
        """Mark what sets the numbers that a step was made with."""
        tensors = {name for name, value in step.locals if isinstance(value, int)}
        waiting = [
            (step.source, step.frame, name, DEEPEST)
            for name in self.flow.names(span_of(step))
            if name not in tensors
        ]
        if step.frame:
            given = dict(self.recording.calls[step.frame].arguments)
            waiting += [
                (step.source, step.frame, name, 1)
                for name in self.flow.names(span_of(step))
                if given.get(name) in step.operands
            ]
        seen = set()
        while waiting:
            source, frame, name, depth = waiting.pop()
            if (source, frame, name) in seen or not depth or (source, name) in trusted:
                continue
            seen.add((source, frame, name))
            for span, where in self._set_by(source, frame, name):
                self._mark(span, self.included[step.index] + DEEPEST - depth + 1)
                waiting += [(span[0], where, other, depth - 1) for other in self.flow.names(span)]

    def _set_by(self, source: int, frame: int, name: str) -> Iterator[tuple[Span, int]]:
        """What gives a variable its value: pieces of text, and the call that they run in."""
        text = self.texts[source]
        definitions = text.definitions(name)
        for node in definitions:
            yield text.span(value_part(node)), frame
        if name in text.parameters and frame:
            yield from self._argument(text, frame, name)
        elif not definitions:
            for other in self.texts:
                if other.encloses(text):
                    for node in other.definitions(name):
                        yield other.span(value_part(node)), frame

    def _argument(self, text: Text, frame: int, name: str) -> Iterator[tuple[Span, int]]:
        """What was handed over for a parameter, where the function was called."""
        call = self.recording.calls[frame]
        if call.parent is None:
            return
        parent = self.texts[self.recording.calls[call.parent].source]
        function = text.source.name.rpartition(".")[2]
        places = [
            node
            for node in parent.nodes.values()
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == function
        ]
        places.sort(key=lambda node: (node.lineno, node.col_offset))
        same = [
            each.frame
            for each in self.recording.calls
            if each.source == call.source and each.parent == call.parent
        ]
        if len(same) == len(places):
            places = [places[same.index(frame)]]
        position = text.parameters.index(name)
        for node in places:
            handed = [each.value for each in node.keywords if each.arg == name]
            handed += node.args[position : position + 1]
            for each in handed[:1]:
                yield parent.span(each), call.parent

    def _pieces(self, span: Span) -> Iterator[Piece]:
        """An expression line by line, without those inside it that are steps of their own."""
        inner = [other for other in self.spans if other != span and _contains(span, other)]
        source, line, column, end_line, end_column = span
        lines = self.recording.sources[source].text.split("\n")
        first = self.recording.sources[source].first_line
        if not 0 <= line - first <= end_line - first < len(lines):
            return  # there is no text
        for row in range(line, end_line + 1):
            text = lines[row - first]
            start = column if row == line else len(text) - len(text.lstrip())
            end = min(end_column if row == end_line else len(text), len(text))
            begin = None
            for i in range(start, end + 1):
                free = i < end and not any(_covers(other, row, i) for other in inner)
                if free and begin is None:
                    begin = i
                if not free and begin is not None:
                    yield source, row, begin, i
                    begin = None


def _contains(outer: Span, inner: Span) -> bool:
    return outer[0] == inner[0] and outer[1:3] <= inner[1:3] and inner[3:5] <= outer[3:5]


def _covers(span: Span, line: int, column: int) -> bool:
    return span[1:3] <= (line, column) < span[3:5]
