"""Stepping through a student's function in the smallest case that it gets wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..checks import check_choice
from ..errors import InputError
from ..recording import RecordedValue, Recording, record
from ..recording.run import left_as_it_was
from ..recording.values import summary
from .attempts import Answer, Student, attempt
from .checking import EXERCISES, SEEDS
from .exercise import Case, Exercise
from .likeness import RightValues
from .right_answers import RIGHT_ANSWERS, RightAnswer
from .settings import usual_settings
from .stretches import Stretch, stretch_of

if TYPE_CHECKING:
    from ..debugger import StepView

ALL_RIGHT = "All {count} cases agree: nothing is marked. This is the smallest of them."
MARKED = (
    "What your code makes before the underlined part, a right answer makes, too (perhaps with its "
    "axes in another order, or scaled); after it, none does."
)
FAILED = (
    "It stops at the end of the underlined part. What it makes before that, a right answer makes, "
    "too."
)
UNMARKED = "No expression of PyTorch in your code tells where it goes wrong."
NOT_RECORDED = "So there is nothing to step through."


@dataclass(frozen=True)
class SteppedAnswer:
    """A student's function in one case, expression by expression.

    Attributes:
        answer: what it gave there, beside what is right.
        recording: None where there is none, as of a function that does not end.
        stretch: where it goes wrong; None where it is right, or no expression tells.
    """

    answer: Answer
    recording: Recording | None = None
    stretch: Stretch | None = None


def step_into(exercise: str, function: object, *, seed: int = 0) -> "StepView":
    """Step through a student's function in the smallest case that it gets wrong.

    The view has what is expected beside what the function gives, and marks a stretch of the code:
    it begins with the last expression whose value a right answer also has, and ends with the first
    after which none has (or with the one that raises). No solution is shown. What `check` limits is
    limited here, too.

    Args:
        exercise: its name, a key of `EXERCISES`.
        function: what the student wrote.
        seed: chooses the random cases, as in `check`; those made by hand come first.

    Returns:
        a widget as that of `cv.step_into`; its text has the lines with the stretch underlined. If
        all cases agree, it shows the smallest, and marks nothing.

    Raises:
        InputError: an exercise that does not exist, no function, or no seed.

    >>> def mine(f, w):
    ...     norm = w.abs().sum((2, 3, 4), keepdim=True).clamp(min=1e-4)
    ...     k = w.shape[-1]
    ...     columns = torch.nn.functional.unfold(f, k, padding=k // 2)
    ...     scores = (w / norm).flatten(2) @ columns
    ...     return scores.mT.reshape(len(f), *f.shape[2:], -1)
    >>> view: cv.StepView = cv.exercises.step_into("matching_scores", mine)
    >>> print(str(view).partition("What")[0])
    matching_scores. Case: 1×1 patches of two channels, (3, 4) and (0, 2).
        2      norm = w.abs().sum((2, 3, 4), keepdim=True).clamp(min=1e-4)
                      ~~~~~~~
    >>> view.close()
    """
    check_choice("exercise", exercise, EXERCISES)
    if not isinstance(seed, int) or seed not in SEEDS:
        raise InputError("seed", "an integer of 64 bits", seed)
    chosen = EXERCISES[exercise]
    if not callable(function):
        expected = f"a function of ({', '.join(chosen.parameters)})"
        raise InputError("function", expected, type(function).__name__)
    with usual_settings():
        cases = in_order(chosen, chosen.cases(seed))
        stepped = stepped_answer(chosen, function, cases)
        return _view(chosen, stepped, len(cases))


def in_order(exercise: Exercise, cases: Sequence[Case]) -> list[Case]:
    """Cases made by hand first, and of each kind that with the fewest numbers first."""

    def size(case: Case) -> tuple[bool, int]:
        arguments = exercise.arguments(case.values(), case.config, case.stage)
        return case.kind != "hand", sum(x.numel() for x in arguments if isinstance(x, Tensor))

    return sorted(cases, key=size)


def first_wrong(exercise: Exercise, function: Callable[..., Any], cases: Sequence[Case]) -> Answer:
    """What a function gives in the first case that it gets wrong; in the first if in none."""
    student = Student(function, exercise.parameters)
    answers = []
    for case in cases:
        answers.append(attempt(exercise, student, case))
        if not answers[-1].right:
            return answers[-1]
    return answers[0]


def stepped_answer(
    exercise: Exercise,
    function: Callable[..., Any],
    cases: Sequence[Case],
    right: Callable[[Exercise, Case], RightValues] | None = None,
) -> SteppedAnswer:
    """The first case that a function gets wrong, recorded, and the stretch in which it does.

    The numbers of a case made by hand are few and round, and often so by accident. So the stretch
    is looked for in a random case that the function gets wrong, where there is one.

    Args:
        right: gives the values that right answers have in a case.
    """
    right = right or right_values
    answer = first_wrong(exercise, function, cases)
    if not answer.ended:
        return SteppedAnswer(answer)
    recording, again = recording_of(exercise, function, answer.case)
    if recording is None:
        return SteppedAnswer(again)
    if answer.right:
        return SteppedAnswer(answer, recording)
    random_cases = [case for case in cases if case.kind == "random"]
    other = first_wrong(exercise, function, random_cases) if random_cases else answer
    if answer.case.kind == "hand" and not other.right and other.ended:
        telling, _ = recording_of(exercise, function, other.case)
        stretch = stretch_of(telling, right(exercise, other.case)) if telling else None
        there = stretch and stretch.placed_in(recording)
        if there is not None:
            return SteppedAnswer(answer, recording, there)
    return SteppedAnswer(answer, recording, stretch_of(recording, right(exercise, answer.case)))


def recording_of(
    exercise: Exercise, function: Callable[..., Any], case: Case
) -> tuple[Recording | None, Answer]:
    """What a student's function does in a case, within the limits of a check, and its answer."""
    recordings: list[Recording] = []

    def recorded(*arguments: Any) -> Any:
        recordings.append(record(function, *arguments))
        if recordings[0].exception is not None:
            raise recordings[0].exception
        return recordings[0].result

    with left_as_it_was():
        answer = attempt(exercise, Student(recorded, exercise.parameters), case)
    return (recordings[0] if recordings else None), answer


def right_values(
    exercise: Exercise, case: Case, answers: Sequence[RightAnswer] | None = None
) -> RightValues:
    """The values that right answers have in a case.

    Args:
        answers: in place of those of the package.
    """
    values = case.values()
    arguments = exercise.arguments(values, case.config, case.stage)
    recordings = []
    for answer in RIGHT_ANSWERS[exercise.name] if answers is None else answers:
        copies = (x.contiguous().clone() if isinstance(x, Tensor) else x for x in arguments)
        recordings.append(record(answer, *copies))
    return RightValues(recordings, [values[case.stage]])


def _view(exercise: Exercise, stepped: SteppedAnswer, count: int) -> "StepView":
    from ..debugger.views import view_of  # loads the widgets

    answer, recording, stretch = stepped.answer, stepped.recording, stepped.stretch
    if answer.right:
        sentence = ALL_RIGHT.format(count=count)
    elif recording is None:
        sentence = NOT_RECORDED
    elif stretch is None:
        sentence = UNMARKED
    else:
        sentence = MARKED if recording.exception is None else FAILED
    title = f"{exercise.name}. Case: {answer.case.label}."
    lines = stretch.lines() if stretch else []
    problems = [source.problem for source in recording.sources] if recording else []
    text = "\n".join(filter(None, (title, answer.problem, *lines, sentence, *problems[:1])))
    recording = replace(recording or Recording())
    recording.values = (*recording.values, _target(answer))
    marked = (
        None
        if stretch is None
        else {
            "steps": [stretch.first, stretch.last],
            "pieces": [list(piece) for piece in stretch.pieces],
        }
    )
    return view_of(
        recording,
        text,
        title=title,
        target=len(recording.values) - 1,
        stretch=marked,
        sentence=" ".join(filter(None, (answer.problem, sentence))),
    )


def _target(answer: Answer) -> RecordedValue:
    target = answer.target
    dtype = str(target.dtype).removeprefix("torch.")
    return RecordedValue(
        target.clone(), tuple(target.shape), dtype, "cpu", *summary(target), "expected"
    )
