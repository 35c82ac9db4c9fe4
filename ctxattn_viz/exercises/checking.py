"""Running a student's function on the cases of an exercise, and answering with feedback."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..errors import check_choice
from . import deconvolution, fused_softmax, mask_validity, matching_scores, patch_extraction
from . import whole_layer as layer
from .attempts import Answer, attempt, is_tensor
from .exercise import Exercise
from .feedback import Drawing, Feedback, place
from .recognition import all_alike, both_numbers, hint_for, where_they_differ

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


def check(exercise: str, function: object, *, seed: int = 0, only: str | None = None) -> Feedback:
    """Try a student's function on cases worked by hand and on random ones.

    Whatever the function does, the answer is a `Feedback`, never an exception.

    Args:
        exercise: its name, a key of `EXERCISES`.
        function: what the student wrote.
        seed: chooses the random cases.
        only: `"hand"` or `"random"` cases alone.

    Raises:
        InputError: an exercise or a kind of case that does not exist.
    """
    check_choice("exercise", exercise, EXERCISES)
    check_choice("only", only or "hand", ("hand", "random"))
    chosen = EXERCISES[exercise]
    if not callable(function):
        got = type(function).__name__
        story = f"Expected a function of ({', '.join(chosen.parameters)}), got: {got}."
        hint = "Hand over the function itself, without calling it." if is_tensor(function) else ""
        return Feedback(exercise, passed=False, story=(story,), hint=hint)
    answers = [attempt(chosen, function, case) for case in chosen.cases(seed, only)]
    return _feedback(chosen, function, answers)


def _feedback(exercise: Exercise, function: Callable[..., Any], answers: list[Answer]) -> Feedback:
    wrong = [answer for answer in answers if not answer.right]
    feedback = Feedback(
        exercise.name,
        passed=not wrong,
        fits=all(answer.fits for answer in answers),
        cases=tuple((answer.case.label, answer.right) for answer in answers),
    )
    first = wrong[0] if wrong else answers[0]
    if not wrong:
        return replace(feedback, drawing=_drawing(first, None))
    # A function that is not written yet has no mistake to recognise.
    if alike := all_alike(answers):
        feedback = replace(feedback, hint=alike)
    else:
        mistake, hint = hint_for(exercise, function, wrong)
        feedback = replace(feedback, hint=hint, mistake=mistake.name if mistake else None)
    story = [f"First case that differs: {first.case.label}."]
    if first.problem:
        story.append(first.problem)
    found = first.difference
    if found is None or found.first is None:
        return replace(feedback, story=tuple(story), drawing=_drawing(first, None))
    assert first.yours is not None
    assert found.share is not None
    at = found.first
    expected, got = float(first.target[at]), float(first.yours[at])
    story += [
        f"At {place(first.case.stage, at)}: {both_numbers(expected, got, first)}.",
        f"{found.share:.0%} of the elements differ{where_they_differ(first)}.",
    ]
    return replace(
        feedback,
        story=tuple(story),
        index=at,
        expected=expected,
        got=got,
        drawing=_drawing(first, at),
    )


def _drawing(answer: Answer, index: tuple[int, ...] | None) -> Drawing | None:
    if answer.yours is None:
        return None
    return Drawing(answer.case.stage, answer.target, answer.yours, answer.case.grids, index)
