"""Each rule of a task's text decides a case at every seed, and each mistake gets its own hint.

Both are tried with right answers in which one piece is written otherwise (`rewrites`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from torch import Tensor

from ctxattn_viz.comparison import difference
from ctxattn_viz.exercises import EXERCISES, check
from ctxattn_viz.exercises.attempts import Student, attempt
from tests.support import rewrites
from tests.support.rewrites import REWRITINGS, RIGHT, Rewriting

# One seed each time, many when there is time.
FEW, MANY = range(1), pytest.param(range(1, 6), marks=pytest.mark.long)

# Not to be seen in the layer: it cuts no patch smaller than the step, takes booleans however they
# are written.
NOT_IN_THE_LAYER = (
    "max(ksize - step, 0)",
    "return valid.flatten(1)",
)


def all_right(exercise: str, function: Callable[..., Tensor], seed: int) -> bool:
    chosen = EXERCISES[exercise]
    student = Student(function, chosen.parameters)
    return all(attempt(chosen, student, case).right for case in chosen.cases(seed))


def accepted(
    exercise: str, functions: dict[str, Callable[..., Tensor]], seeds: range
) -> Iterator[tuple[str, int]]:
    """Which functions get through, and at which seed."""
    chosen = EXERCISES[exercise]
    for seed in seeds:
        cases = chosen.cases(seed)
        for name, function in functions.items():
            student = Student(function, chosen.parameters)
            if all(attempt(chosen, student, case).right for case in cases):
                yield name, seed


@pytest.mark.parametrize("seeds", [range(5), MANY])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_right_answer_is_right_at_every_seed(exercise: str, seeds: range) -> None:
    right = rewrites.written(exercise, RIGHT[exercise])
    assert all(all_right(exercise, right, seed) for seed in seeds)


@pytest.mark.parametrize("seeds", [FEW, MANY])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_rule_of_the_text_decides_a_case_at_every_seed(exercise: str, seeds: range) -> None:
    functions = {str(r): r.function for r in REWRITINGS if r.exercise == exercise}
    assert not list(accepted(exercise, functions, seeds))


@pytest.mark.long
def test_the_rules_of_every_exercise_decide_a_case_of_the_whole_layer() -> None:
    earlier = [r for r in REWRITINGS if r.exercise != "whole_layer"]
    functions = {str(r): r.in_the_layer for r in earlier if r.old not in NOT_IN_THE_LAYER}
    assert len(functions) > 150
    assert not list(accepted("whole_layer", functions, range(2)))


# Each run takes one way of writing each mistake, and `make test-long` the others too. Of the whole
# layer, which takes long to try, it takes a few.
FIRST = {(r.exercise, r.mistake): r for r in reversed(REWRITINGS)}
OF_THE_LAYER = [r for r in FIRST.values() if r.exercise == "whole_layer"][::6]


def each_time(rewriting: Rewriting) -> bool:
    first = FIRST[rewriting.exercise, rewriting.mistake] is rewriting
    return first and (rewriting.exercise != "whole_layer" or rewriting in OF_THE_LAYER)


@pytest.mark.parametrize(
    "rewriting",
    [pytest.param(r, marks=[] if each_time(r) else pytest.mark.long) for r in REWRITINGS],
    ids=str,
)
def test_each_mistake_gets_its_own_hint(rewriting: Rewriting) -> None:
    feedback = check(rewriting.exercise, rewriting.function)
    assert not feedback.passed
    assert (feedback.mistake or "") == rewriting.mistake, feedback
    if rewriting.mistake:
        hints = [m.hint for m in EXERCISES[rewriting.exercise].mistakes]
        assert feedback.hint in hints  # the whole of it: the mistake explains every case


def test_each_mistake_is_written_by_a_student_somewhere() -> None:
    written = {(r.exercise, r.mistake) for r in REWRITINGS}
    for exercise in EXERCISES:
        if exercise != "whole_layer":
            names = {(exercise, mistake.name) for mistake in EXERCISES[exercise].mistakes}
            assert names - written - ELSEWHERE == set()


# `students` makes these, in test_checking.
ELSEWHERE = {
    ("deconvolution", "written over instead of added"),
    ("fused_softmax", "fused after the softmax"),
    ("fused_softmax", "masked before the fusion"),
}


SLOWEST = ("whole_layer", "fused_softmax")


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "exercise",
    [pytest.param(name, marks=pytest.mark.long if name in SLOWEST else []) for name in EXERCISES],
)
def test_mistakes_with_other_hints_differ_in_some_case(exercise: str, seed: int) -> None:
    chosen = EXERCISES[exercise]
    if exercise == "whole_layer" and seed:
        return
    cases = chosen.cases(seed)
    outcomes: list[list[Tensor | None]] = []
    for mistake in chosen.mistakes:
        outcome: list[Tensor | None] = []
        for case in cases:
            try:
                outcome.append(case.values(mistake)[case.stage])
            except Exception:  # it cannot be made in this case
                outcome.append(None)
        outcomes.append(outcome)
        assert not all(map(alike, outcome, [case.target for case in cases])), mistake.name
    for i, mistake in enumerate(chosen.mistakes):
        for j, other in enumerate(chosen.mistakes[:i]):
            if mistake.hint != other.hint:
                assert not all(map(alike, outcomes[i], outcomes[j])), (mistake.name, other.name)


def alike(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and difference("output", a, b).same
