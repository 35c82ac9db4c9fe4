"""Running a student's function on the cases of an exercise, and answering with feedback."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..checks import check_choice
from ..errors import InputError
from . import deconvolution, fused_softmax, mask_validity, matching_scores, patch_extraction
from . import whole_layer as layer
from .attempts import STOPPED, Answer, Drawing, Outcome, Student, attempt, is_tensor, place
from .exercise import Case, Exercise
from .feedback import Feedback
from .recognition import expected_and_got, hint_for, one_number_everywhere, place_of_differences
from .settings import usual_settings

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (
        patch_extraction,
        mask_validity,
        matching_scores,
        fused_softmax,
        deconvolution,
        layer,
    )
}


# What PyTorch's random generators take.
SEEDS = range(-(2**63), 2**64)


def check(exercise: str, function: object, *, seed: int = 0, only: str | None = None) -> Feedback:
    """Try a student's function on cases worked by hand and on random ones.

    Whatever the function does, and whatever else is handed over, the answer is a `Feedback`,
    never an exception. All calls together take `limits.SECONDS` at most: a loop without end is
    stopped, the cases after it are left out. What is not stopped in time is one long call in C (a
    product of huge matrices, a long sleep): it ends only when it returns. Ctrl-C stops a check,
    which then says so.

    Args:
        exercise: its name, a key of `EXERCISES`.
        function: what the student wrote.
        seed: chooses the random cases; an integer of 64 bits.
        only: `"hand"` or `"random"` cases alone.

    Raises:
        InputError: an exercise that does not exist.

    >>> feedback = cv.exercises.check("mask_validity", lambda *arguments: None)
    >>> feedback.passed
    False
    >>> print(feedback.headline)
    mask_validity: not yet, 0 of 8 cases agree.
    """
    name = exercise if isinstance(exercise, str) else type(exercise).__name__
    check_choice("exercise", name, EXERCISES)
    definition = EXERCISES[name]
    try:
        if not isinstance(seed, int) or seed not in SEEDS:
            raise InputError("seed", "an integer of 64 bits", _short(seed))
        if only is not None and (not isinstance(only, str) or only not in ("hand", "random")):
            raise InputError("only", "one of 'hand', 'random', None", _short(only))
    except InputError as problem:
        return Feedback(name, passed=False, story=(str(problem),))
    if not callable(function):
        story = (
            f"Expected a function of ({', '.join(definition.parameters)}), got: {_kind(function)}."
        )
        hint = "Hand over the function itself, without calling it." if is_tensor(function) else ""
        return Feedback(name, passed=False, story=(story,), hint=hint)
    try:
        with usual_settings():
            return answer(
                definition, Student(function, definition.parameters), definition.cases(seed, only)
            )
    except KeyboardInterrupt:  # between two calls of the function
        return Feedback(name, passed=False, story=(STOPPED,))


def answer(exercise: Exercise, student: Callable[..., Outcome], cases: list[Case]) -> Feedback:
    """Try a student's function on cases; those after one that it does not end are left out."""
    answers: list[Answer] = []
    for case in cases:
        answers.append(attempt(exercise, student, case))
        if not answers[-1].ended:
            break
    feedback = _feedback(exercise, student, answers)
    if skipped := len(cases) - len(answers):
        story = f"Cases that were not tried any more: {skipped}."
        feedback = replace(feedback, passed=False, fits=False, story=(*feedback.story, story))
    return feedback


def _short(value: object) -> str:
    """A value in words, where it has any."""
    return repr(value)[:80] if type(value) in (int, float, str, bool) else _kind(value)


def _kind(value: object) -> str:
    return str(type.__dict__["__name__"].__get__(type(value)))


def _feedback(
    exercise: Exercise, student: Callable[..., Outcome], answers: list[Answer]
) -> Feedback:
    # One that did not end comes last, and matters most.
    wrong = sorted((a for a in answers if not a.right), key=lambda answer: answer.ended)
    feedback = Feedback(
        exercise.name,
        passed=not wrong,
        fits=all(answer.fits for answer in answers),
        cases=tuple((answer.case.label, answer.right) for answer in answers),
    )
    first = wrong[0] if wrong else answers[0]
    feedback = replace(feedback, printed=first.printed)
    if not wrong:
        return replace(feedback, drawing=_drawing(exercise, first, None))
    feedback = replace(feedback, arguments=_arguments(exercise, first))
    # A function that is not written yet has no mistake to recognise.
    if sentence := one_number_everywhere(answers):
        feedback = replace(feedback, hint=sentence)
    elif first.ended:
        mistake, hint = hint_for(exercise, student, answers)
        feedback = replace(feedback, hint=hint, mistake=mistake.name if mistake else None)
    story = [f"First case that differs: {first.case.label}."]
    if first.problem:
        story.append(first.problem)
    gap = first.difference
    if gap is None or gap.first is None:
        return replace(feedback, story=tuple(story), drawing=_drawing(exercise, first, None))
    assert first.yours is not None
    assert gap.share is not None
    at = gap.first
    expected, got = float(first.target[at]), float(first.yours[at])
    story += [
        f"At {place(first.case.stage, at)}: {expected_and_got(expected, got, first)}.",
        f"{gap.share:.0%} of the elements differ{place_of_differences(first)}.",
    ]
    return replace(
        feedback,
        story=tuple(story),
        index=at,
        expected=expected,
        got=got,
        drawing=_drawing(exercise, first, at),
    )


def _arguments(exercise: Exercise, answer: Answer) -> dict[str, Any]:
    case = answer.case
    values = exercise.arguments(case.values(), case.config, case.stage)
    return dict(zip(exercise.parameters, values, strict=True))


def _drawing(exercise: Exercise, answer: Answer, index: tuple[int, ...] | None) -> Drawing | None:
    if answer.yours is None:
        return None
    arguments = _arguments(exercise, answer)
    inputs = {name: value for name, value in arguments.items() if is_tensor(value)}
    case = answer.case
    return Drawing(case.stage, answer.target, answer.yours, case.grids, index, inputs)
