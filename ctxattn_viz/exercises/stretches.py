"""The stretch of a student's code in which it goes wrong.

It begins after the last expression whose value a right answer also has, and ends with the first
after which none has. Only what the result depends on counts: a right value elsewhere proves
nothing.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from torch import Tensor

from ..recording import RecordedSource, RecordedStep, Recording
from .dataflow import PICKS, REARRANGES, Dataflow, Span, Text, span_of, value_part, writes
from .likeness import Likeness, RightValues, over_runs, way_to

# They leave numbers as they are; what is wrong may be which ones, or what is done with them next.
SELECTIONS = PICKS | REARRANGES | frozenset(["unfold", "pad", "cat", "stack", "flip", "roll"])
HANDED_ON = PICKS | REARRANGES
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
    made = recording.steps[last].value
    own = Likeness.OTHER if made is None else right.likeness(recording.values[made].tensor)
    # Where the scale of the result is wrong, a value of another scale proves nothing.
    least = Likeness.REORDERED if own == Likeness.SCALED else Likeness.SCALED
    proof = _proof(flow, right, inside, last, least)
    included, causes = _included(flow, proof, inside, last)
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


def _proof(
    flow: Dataflow, right: RightValues, inside: set[int], last: int, least: Likeness
) -> dict[int, Likeness]:
    """How like a right value is what each step made, or what was made of it later."""
    values, stacks = flow.recording.values, over_runs(flow.recording)
    known: dict[int, Likeness] = {}  # of a value, or of the stack of an expression's values
    stopped = flow.recording.exception is not None

    def likeness(x: Tensor | None, begun: bool = False) -> Likeness:
        if id(x) not in known:
            grade = right.likeness(x, begun)
            known[id(x)] = grade if grade >= least else min(grade, Likeness.OTHER)
        return known[id(x)]

    own: dict[int, Likeness] = {}
    for index in sorted(inside):
        made = flow.recording.steps[index].value
        own[index] = Likeness.OTHER if made is None else Likeness.SILENT
        if index in stacks:
            own[index] = likeness(stacks[index], begun=stopped)
        if made is not None and own[index] == Likeness.SILENT:
            own[index] = likeness(values[made].tensor)
        if flow.is_constant(index):  # whoever makes one anew may need it for something else
            own[index] = own[index] if own[index] > Likeness.OTHER else Likeness.SILENT
        elif own[index] == Likeness.SILENT and _has_lost_all(flow, stacks, index):
            own[index] = Likeness.OTHER

    proof: dict[int, Likeness] = {}
    for index in sorted(inside, reverse=True):
        proof[index] = max(own[index], proof.get(index, Likeness.SILENT))
        if index == last:
            proof[index] = Likeness.OTHER
        elif proof[index] > Likeness.OTHER and not flow.does_nothing(index):
            for parent in flow.parents[index]:
                if not flow.picks(parent, index):
                    proof[parent] = max(proof[index], proof.get(parent, Likeness.SILENT))
    return proof


def _has_lost_all(flow: Dataflow, stacks: dict[int, Tensor], index: int) -> bool:
    """Whether a step makes one and the same number everywhere out of numbers that differ."""
    values, step = flow.recording.values, flow.recording.steps[index]
    made = stacks.get(index, None if step.value is None else values[step.value].tensor)
    if made is None or made.numel() < 2 or step.operation in PICKS:
        return False
    differ = any(
        values[number].minimum != values[number].maximum
        for number in step.operands
        if isinstance(number, int)
    )
    return differ and bool((made == made.flatten()[0]).all())


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
    steps = flow.recording.steps
    waiting = [(0, index, FURTHEST if steps[index].operands else 1) for index in included]
    while waiting:
        distance, index, most = heappop(waiting)
        # What is rearranged is no further away than what comes of it; and of a write that fails
        # neither is what it writes into.
        stopped = flow.recording.exception is not None and writes(steps[index])
        passed_on = stopped or _is_late(flow, proof, index, last)
        distance += not passed_on
        for parent in flow.parents[index]:
            nearer = distance < included.get(parent, most + 1)
            idle = flow.does_nothing(parent)
            if parent in after_wrong or not nearer or (proof[parent] == Likeness.SAME and not idle):
                continue
            included[parent] = distance
            causes |= {parent} if idle or distance <= 1 else set()
            heappush(waiting, (distance, parent, most))
    for index in included:
        if _is_late(flow, proof, index, last):
            included[index] += FURTHEST
    return included, causes


def _is_late(flow: Dataflow, proof: dict[int, Likeness], index: int, last: int) -> bool:
    """Whether a step is hardly what is wrong.

    A value that is rearranged and is right up to its axes was so before; and zeros, to which
    something is added later, are what one begins with.
    """
    step = flow.recording.steps[index]
    if flow.recording.exception is not None:
        return False
    if step.operation in REARRANGES:
        parents = flow.parents[index]
        return bool(parents) and all(proof[parent] <= Likeness.OTHER for parent in parents)
    if step.value is None:
        return False
    value = flow.recording.values[step.value]
    return index != last and flow.is_constant(index) and value.minimum == value.maximum == 0


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
            distance = self.included[step.index]
            call = self.recording.calls[step.frame] if step.frame else None
            if call is not None and call.place and self._is_right_elsewhere(step):
                # So what is wrong is what it was called with.
                parent = self.recording.calls[call.parent or 0]
                self._mark((parent.source, *call.place), distance)
                distance += 1
            self._mark(span_of(step), distance)
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
        inside = [step.index for step in steps if span_of(step) in expressions] or self.included
        sources = self.recording.sources
        return Stretch(min(inside), max(inside), expressions, pieces, sources)

    def _is_right_elsewhere(self, step: RecordedStep) -> bool:
        """Whether that expression makes right values where its function is called elsewhere."""
        way = [*way_to(self.recording, step.frame)]
        return any(
            likeness > Likeness.OTHER
            and span_of(other) == span_of(step)
            and [*way_to(self.recording, other.frame)] != way
            for index, likeness in self.proof.items()
            if (other := self.recording.steps[index]).frame != step.frame
        )

    def _mark(self, span: Span, distance: int) -> None:
        self.marked[span] = min(distance, self.marked.get(span, distance))

    def _hands_on(self, span: Span) -> bool:
        return all(
            step.operation in HANDED_ON
            for step in self.recording.steps
            if _contains(span, span_of(step))
        )

    def _mark_return(self) -> None:
        """What is returned has a right value: something should have followed, or another shape."""
        text = self.texts[self.recording.calls[0].source]
        returns = [node for node in text.nodes.values() if isinstance(node, ast.Return)]
        for node in returns[-1:]:
            self._mark(text.span(node), 0)

    def _trusted(self) -> set[tuple[int, str]]:
        """Variables that values are made with that right answers have.

        In a loop that was cut short they were right until then.
        """
        trusted = set()
        stopped = self.recording.exception is not None
        for index, likeness in self.proof.items():
            step = self.recording.steps[index]
            if stopped and step.iteration:
                continue
            if likeness == Likeness.SAME and span_of(step) not in self.marked:
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
            source, frame, name, depth = waiting.pop(0)
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
        if call.parent is None or call.place is None:
            return
        parent = self.texts[self.recording.calls[call.parent].source]
        node = parent.nodes.get((parent.number, *call.place))
        if not isinstance(node, ast.Call) or any(isinstance(x, ast.Starred) for x in node.args):
            return
        position = text.parameters.index(name)
        handed = [each.value for each in node.keywords if each.arg == name]
        handed += node.args[position : position + 1]
        for each in handed[:1]:
            yield parent.span(each), call.parent

    def _pieces(self, span: Span) -> Iterator[Piece]:
        """An expression line by line, without those inside it that are steps of their own.

        Where it goes wrong first, with what it is handed: parts of variables, or their axes in
        another order.
        """
        inner = [other for other in self.spans if other != span and _contains(span, other)]
        if not self.marked[span]:
            inner = [other for other in inner if not self._hands_on(other)]
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
