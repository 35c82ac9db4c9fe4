"""Lines put in order: the function is checked, not the order, and what is none is named."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch

from ctxattn_viz import InputError
from ctxattn_viz.exercises import EXERCISES, check_order, lines
from ctxattn_viz.exercises.ordering import PUZZLES


def numbered(exercise: str) -> list[str]:
    return PUZZLES[exercise].printed


def order_of(exercise: str, *wanted: str) -> list[int]:
    """The numbers of lines."""
    return [numbered(exercise).index(line) + 1 for line in wanted]


def beginning(exercise: str, *starts: str) -> list[int]:
    """The numbers of lines that begin so; of two, the one of the right answer."""
    every = [*PUZZLES[exercise].right, *PUZZLES[exercise].distractors]
    found = [next(line for line in every if line.strip().startswith(start)) for start in starts]
    return order_of(exercise, *found)


def with_distractor(exercise: str, distractor: str) -> list[str]:
    """The right answer with a distractor where its own line stood."""

    def target(line: str) -> str:
        return re.split(r" = |(?<=return) ", line)[0]

    right = PUZZLES[exercise].right
    exchanged = [distractor if target(line) == target(distractor) else line for line in right]
    assert sum(line == distractor for line in exchanged) == 1
    return exchanged


def test_there_is_a_rung_for_the_first_five() -> None:
    assert [*PUZZLES] == [*EXERCISES][:5]


@pytest.mark.parametrize("exercise", PUZZLES)
def test_what_is_printed_is_all_lines_shuffled(
    exercise: str, capsys: pytest.CaptureFixture[str]
) -> None:
    puzzle = PUZZLES[exercise]
    assert lines(exercise) is None
    _, head, *printed = capsys.readouterr().out.splitlines()
    assert head.strip() == puzzle.head
    left = head.index("def")
    assert [line[left:] for line in printed] == numbered(exercise)
    assert [int(line[:left]) for line in printed] == [*range(1, len(printed) + 1)]
    assert sorted(numbered(exercise)) == sorted([*puzzle.right, *puzzle.distractors])
    assert max(map(len, printed)) <= 100
    right = order_of(exercise, *puzzle.right)
    assert sum(b == a + 1 for a, b in pairwise(right)) < len(right) / 3
    lines(exercise)
    assert capsys.readouterr().out.splitlines()[2:] == printed


@pytest.mark.parametrize("exercise", PUZZLES)
def test_the_right_order_passes_as_check_says_it(exercise: str) -> None:
    feedback = check_order(exercise, order_of(exercise, *PUZZLES[exercise].right))
    assert feedback.passed
    assert feedback.headline.endswith(f"all {len(EXERCISES[exercise].cases(0))} cases agree.")


def test_independent_lines_may_be_exchanged() -> None:
    lines_first = ("queries", "norms", "keys", "scores", "return")
    assert check_order(
        "matching_scores", beginning("matching_scores", "ksize", *lines_first)
    ).passed
    order = beginning("deconvolution", "mixed", "side", "rate", "start", "h, w", "canvas")
    assert check_order(
        "deconvolution", tuple(order + beginning("deconvolution", "picture", "return"))
    ).passed


@pytest.mark.parametrize(
    ("exercise", "distractor"), [(name, d) for name in PUZZLES for d in PUZZLES[name].distractors]
)
def test_a_distractor_gets_the_hint_of_its_mistake(exercise: str, distractor: str) -> None:
    feedback = check_order(exercise, order_of(exercise, *with_distractor(exercise, distractor)))
    mistake = PUZZLES[exercise].distractors[distractor]
    hints = [each.hint for each in EXERCISES[exercise].mistakes if each.name == mistake]
    assert not feedback.passed
    assert feedback.mistake == mistake
    assert feedback.hint in hints  # the whole of it: the mistake explains every case


def test_two_distractors_get_the_hint_of_one_of_them() -> None:
    right, bad = PUZZLES["matching_scores"].right, PUZZLES["matching_scores"].distractors
    norms, returned = bad
    feedback = check_order(
        "matching_scores", order_of("matching_scores", right[0], norms, *right[2:5], returned)
    )
    assert feedback.mistake in bad.values()
    assert feedback.hint


@pytest.mark.parametrize("exercise", PUZZLES)
def test_every_line_is_needed(exercise: str) -> None:
    right = order_of(exercise, *PUZZLES[exercise].right)
    for number in right:
        without = [each for each in right if each != number]
        assert not check_order(exercise, without).passed


MASK, SCORES = "mask_validity", "matching_scores"
SENTENCES = [
    (SCORES, ("keys", "return"), "Line 5 uses norms, which no line above it makes."),
    (
        SCORES,
        ("return", "ksize"),
        "Line 4 is never reached: the function ends with line 6 above it.",
    ),
    (SCORES, ("ksize",), "Nothing is returned: none of your lines begins with return."),
    (MASK, ("cells",), "Line 1 cannot come first: it is indented as a line within a loop."),
    (
        MASK,
        ("n, _", "half", "padded", "valid =", "for y", "cells", "valid[", "return"),
        "Line 1 cannot follow line 4: it is indented by 12 spaces, "
        "and there it would have to be 8.",
    ),
    (
        MASK,
        ("n, _", "valid =", "for y", "return"),
        "Line 11 cannot follow line 4: it is indented by 4 spaces, "
        "and there it would have to be 8.",
    ),
    (
        MASK,
        ("n, _", "valid =", "valid[", "return"),
        "Line 5 cannot follow line 6: it is indented by 12 spaces, "
        "and there it would have to be at most 4.",
    ),
    (MASK, ("n, _", "return", "for y"), "Line 4 begins a loop, and no line follows it."),
]  # fmt: skip


@pytest.mark.parametrize(("exercise", "starts", "sentence"), SENTENCES)
def test_an_order_that_is_no_function_gets_one_sentence(
    exercise: str, starts: tuple[str, ...], sentence: str
) -> None:
    feedback = check_order(exercise, beginning(exercise, *starts))
    assert (feedback.passed, feedback.story) == (False, (sentence,))
    assert str(feedback) == f"{exercise}: not yet.\n{sentence}"


def test_a_line_and_the_one_in_its_place_cannot_both_be_right() -> None:
    returns = order_of(SCORES, PUZZLES[SCORES].right[-1], [*PUZZLES[SCORES].distractors][-1])
    feedback = check_order(SCORES, returns)
    assert feedback.story == ("Lines 6 and 2 both return: only one of them can be right.",)
    norms = order_of(SCORES, PUZZLES[SCORES].right[1], next(iter(PUZZLES[SCORES].distractors)))
    feedback = check_order(SCORES, norms)
    assert feedback.story == ("Lines 7 and 1 both make norms: only one of them can be right.",)


def is_a_function(exercise: str, order: Sequence[int]) -> bool:
    """Whether Python finds every name when it runs these lines, and a tensor is returned."""
    text = "\n".join([PUZZLES[exercise].head, *(numbered(exercise)[n - 1] for n in order)])
    names = {"torch": torch, "F": torch.nn.functional}
    case = EXERCISES[exercise].cases(0)[0]
    try:
        exec(text, names)
        arguments = EXERCISES[exercise].arguments(case.values(), case.config, case.stage)
        return isinstance(names[exercise](*arguments), torch.Tensor)
    except (SyntaxError, NameError):
        return False
    except Exception:  # of PyTorch: names were found
        return True


@pytest.mark.parametrize("exercise", PUZZLES)
def test_what_python_cannot_run_is_told_apart(exercise: str) -> None:
    """Neighbours of the right order, exchanged, and lines drawn at random."""
    draw = random.Random(1)
    right = order_of(exercise, *PUZZLES[exercise].right)
    swapped = [[*right[:i], right[i + 1], right[i], *right[i + 2 :]] for i in range(len(right) - 1)]
    drawn = [draw.sample(range(1, len(right) + 3), len(right)) for _ in range(40)]
    verdicts = set()
    for order in [right, *swapped, *drawn]:
        feedback = check_order(exercise, order)
        runs = is_a_function(exercise, order)
        verdicts.add(runs)
        if runs and not feedback.cases:  # dead lines, or two of which one is too many
            assert re.search("never reached|both", *feedback.story), (order, feedback)
        if not runs:
            assert len(feedback.story) == 1, (order, feedback)
            assert not feedback.cases
    assert verdicts == {True, False}


WRONG = [
    ([], "an empty one"),
    ("312", "str"),
    (None, "NoneType"),
    ({3, 1}, "set"),
    ([3, "1"], "one with '1' in it"),
    ([1.0], "one with 1.0 in it"),
    ([True], "one with True in it"),
    ([0], "one with 0 in it"),
    ([9], "one with 9 in it"),
    ([3, [1]], "one with [1] in it"),
]


@pytest.mark.parametrize(("order", "got"), WRONG)
def test_what_is_no_order_is_refused(order: object, got: str) -> None:
    with pytest.raises(InputError) as caught:
        check_order(SCORES, order)
    expected = "a list of line numbers from 1 to 8, such as [3, 1, 2]"
    assert str(caught.value) == f"order: expected {expected}, got {got}."


def test_a_line_is_there_once_and_an_exercise_has_a_name() -> None:
    with pytest.raises(InputError, match=r"^order: expected each line once, got line 3 twice\.$"):
        check_order(SCORES, [3, 1, 3])
    for name in ("whole_layer", "scores", 3):
        with pytest.raises(InputError, match=r"^exercise: expected one of 'patch_extraction', "):
            lines(name)
        with pytest.raises(InputError, match=r"^exercise: "):
            check_order(name, [1])


def test_integers_of_numpy_and_pytorch_will_do() -> None:
    right = torch.tensor(order_of(SCORES, *PUZZLES[SCORES].right))
    assert check_order(SCORES, list(right)).passed
    assert check_order(SCORES, list(right.numpy())).passed


@pytest.mark.parametrize("exercise", PUZZLES)
def test_no_answer_shows_the_lines(exercise: str) -> None:
    puzzle = PUZZLES[exercise]
    assert "=" not in repr(puzzle)
    distractor = next(iter(puzzle.distractors))
    feedback = check_order(exercise, order_of(exercise, *with_distractor(exercise, distractor)))
    assert not any(line.strip() in repr(feedback) for line in [*puzzle.right, *puzzle.distractors])
