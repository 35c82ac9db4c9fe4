"""Stepping into a student's function: which case, what is marked, and what is never shown."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.exercises import EXERCISES, limits
from ctxattn_viz.exercises.likeness import Likeness, RightValues, over_runs
from ctxattn_viz.exercises.right_answers import RIGHT_ANSWERS
from ctxattn_viz.exercises.stepping import in_order
from ctxattn_viz.recording import record
from ctxattn_viz.recording.frames import aside
from tests.support.mutations import mutants, written
from tests.support.rewrites import RIGHT
from tests.support.students import SOLUTIONS
from tools.stretches import Trials, table

EACH = pytest.mark.parametrize("exercise", EXERCISES)


# ---- right answers ------------------------------------------------------------------------------


@EACH
def test_the_right_answers_that_are_compared_with_are_right(exercise: str) -> None:
    chosen = EXERCISES[exercise]
    for case in in_order(chosen, chosen.cases(3)):
        arguments = chosen.arguments(case.values(), case.config, case.stage)
        for answer in RIGHT_ANSWERS[exercise]:
            torch.testing.assert_close(answer(*arguments), case.target, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "exercise",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "whole_layer" else [])
        for name in EXERCISES
    ],
)
def test_nothing_is_marked_where_all_is_right(exercise: str) -> None:
    view = cv.exercises.step_into(exercise, written(exercise, RIGHT[exercise]))
    assert "nothing is marked" in str(view)
    assert "~" not in str(view)
    assert view.recording["recording"]["stretch"] is None
    assert view.recorded is not None
    assert view.recorded.steps
    view.close()


def test_a_solution_of_another_style_is_right_too() -> None:
    view = cv.exercises.step_into("matching_scores", SOLUTIONS["matching_scores"])
    assert "nothing is marked" in str(view)
    view.close()


# ---- wrong ones ---------------------------------------------------------------------------------

NO_ROOT = RIGHT["matching_scores"].replace(
    ".sum((2, 3, 4), keepdim=True).sqrt()", ".sum((2, 3, 4), keepdim=True)"
)


def test_the_smallest_case_that_fails_is_shown_beside_what_is_expected() -> None:
    chosen = EXERCISES["matching_scores"]
    view = cv.exercises.step_into("matching_scores", written("matching_scores", NO_ROOT))
    data = view.recording["recording"]
    case = in_order(chosen, chosen.cases(0))[0]
    assert data["title"] == f"matching_scores. Case: {case.label}."
    assert case.kind == "hand"
    target = data["values"][data["target"]]
    assert target["name"] == "expected"
    stored = torch.frombuffer(
        bytearray(view.recording["arrays"][target["array"]]), dtype=torch.float32
    )
    assert torch.equal(stored, case.target.flatten())
    view.close()


def test_the_stretch_begins_after_the_last_right_value_and_ends_with_the_first_wrong() -> None:
    view = cv.exercises.step_into("matching_scores", written("matching_scores", NO_ROOT))
    ((code, under),) = marked_lines(str(view))
    assert code[under.index("~") : under.rindex("~") + 1] == ".clamp(min=1e-4)"
    pieces = view.recording["recording"]["stretch"]["pieces"]
    first, last = view.recording["recording"]["stretch"]["steps"]
    assert len(pieces) <= 4
    assert first <= last < len(view.recorded.steps)  # type: ignore[union-attr]
    view.close()


def marked_lines(text: str) -> list[tuple[str, str]]:
    lines = text.split("\n")
    return [
        (line, under) for line, under in pairwise(lines) if under.strip(" ~") == "" and "~" in under
    ]


def test_no_right_code_and_no_right_value_between_is_shown() -> None:
    view = cv.exercises.step_into("matching_scores", written("matching_scores", NO_ROOT))
    data = view.recording["recording"]
    assert [source["name"] for source in data["sources"]] == ["matching_scores"]
    assert "right_answers" not in str(data)
    assert view.recorded is not None
    made = record(written("matching_scores", NO_ROOT), *smallest_arguments("matching_scores"))
    assert len(data["values"]) == len(made.values) + 1  # the target alone
    view.close()


def smallest_arguments(exercise: str) -> tuple[Any, ...]:
    chosen = EXERCISES[exercise]
    case = in_order(chosen, chosen.cases(0))[0]
    return chosen.arguments(case.values(), case.config, case.stage)


def test_where_it_raises_the_stretch_ends_there() -> None:
    source = RIGHT["matching_scores"].replace("nlcij->nhwl", "nlcji->nhwz")
    view = cv.exercises.step_into("matching_scores", written("matching_scores", source))
    code, _ = marked_lines(str(view))[-1]
    assert "einsum" in code
    assert "It stops at the end of the underlined part" in str(view)
    assert view.recording["recording"]["stretch"]["steps"][1] == len(view.recorded.steps) - 1  # type: ignore[union-attr]
    view.close()


def test_a_number_that_is_no_tensor_is_marked_where_it_is_set() -> None:
    source = RIGHT["patch_extraction"].replace("zeros // 2", "zeros // 1")
    view = cv.exercises.step_into("patch_extraction", written("patch_extraction", source))
    marked = [
        code[under.index("~") :][: under.count("~")] for code, under in marked_lines(str(view))
    ]
    assert "zeros // 1" in marked
    view.close()


def test_a_right_value_that_the_result_does_not_depend_on_proves_nothing() -> None:
    beside = NO_ROOT.replace(
        "    return scores",
        "    aside = w / w.square().sum((2, 3, 4), keepdim=True).sqrt().clamp(min=1e-4)\n"
        "    torch.einsum('nhwcij,nlcij->nhwl', p, aside)\n"
        "    return scores",
    )
    plain, more = (
        cv.exercises.step_into("matching_scores", written("matching_scores", source))
        for source in (NO_ROOT, beside)
    )
    assert marked_lines(str(more)) == marked_lines(str(plain))
    plain.close()
    more.close()


def marked_code(exercise: str, source: str) -> list[str]:
    view = cv.exercises.step_into(exercise, written(exercise, source))
    view.close()
    return [
        "".join(
            char for char, mark in zip(code, under.ljust(len(code)), strict=True) if mark == "~"
        )
        for code, under in marked_lines(str(view))
    ]


SPREAD = """
def matching_scores(f, w):
    n, _, height, width = f.shape
    flat = w.flatten(2)
    energy = torch.sum(flat * flat, dim=2)
    size = torch.maximum(torch.sqrt(energy), torch.tensor(0.0001))
    unit = flat / size.unsqueeze(-1)
    columns = F.unfold(f, w.shape[-1], padding=w.shape[-1] // 2)
    return (unit @ columns).mT.reshape(n, height, width, -1)
"""


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        # Whoever hands on another variable has that underlined, too.
        ("size.unsqueeze(-1)", "energy.unsqueeze(-1)", "flat / energy.unsqueeze(-1)"),
        # Of a value that has a right scale nowhere, its scale proves nothing.
        ("torch.sum(", "torch.mean(", "torch.mean("),
        # A mask that all at once is one and the same number has lost what it was made of.
        ("flat * flat", "(flat > 99) * 1.0", "flat > 99"),
    ],
)
def test_the_fault_is_underlined(old: str, new: str, marked: str) -> None:
    assert marked in " ".join(marked_code("matching_scores", SPREAD.replace(old, new)))


def test_where_a_function_is_right_elsewhere_what_it_is_called_with_is_marked() -> None:
    source = RIGHT["fused_softmax"].replace("one_pass(turned)", "one_pass(first)")
    assert "one_pass(first)" in marked_code("fused_softmax", source)


def test_of_a_sum_in_loops_their_heads_are_marked() -> None:
    source = """
def mask_validity(mask, ksize):
    reach = ksize // 2
    hole = mask[:, 0] > 0
    padded = F.pad(hole, (reach, reach, reach, reach))
    near = torch.zeros_like(hole)
    for y in range(ksize - 1):
        for x in range(ksize):
            near |= padded[:, y : y + hole.shape[1], x : x + hole.shape[2]]
    return ~near.flatten(1)
"""
    assert "range(ksize - 1)" in marked_code("mask_validity", source)


# ---- limits -------------------------------------------------------------------------------------


def test_a_loop_without_end_is_stopped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.5)

    def endless(f: Tensor, w: Tensor) -> Tensor:
        while True:
            f = f + 1

    view = cv.exercises.step_into("matching_scores", endless)
    assert "your loop does not end" in str(view)
    assert view.recorded is not None
    assert not view.recorded.steps
    view.close()


def test_what_does_not_end_while_it_is_recorded_is_stopped_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    tracer = sys.gettrace()

    def endless(f: Tensor, w: Tensor) -> Tensor:
        while sys.gettrace() is not tracer:
            f = f + 1
        return f

    for _ in range(4):  # it stops somewhere else each time, often within the recorder
        view = cv.exercises.step_into("matching_scores", endless)
        assert "does not end" in str(view)
        assert sys.gettrace() is tracer
        assert torch._C._len_torch_function_stack() == 0
        assert torch._C._is_torch_function_enabled()  # type: ignore[attr-defined]
        assert aside.depth == 0
        view.close()


@pytest.mark.parametrize(
    "function",
    [
        lambda f, w: None,
        lambda f, w: 1 / 0,
        lambda f: f,
        lambda f, w: cv.contextual_attention(f, f),
        lambda f, w: f.zero_(),
        lambda f, w: (_ for _ in ()).throw(SystemExit),
        torch.add,
        print,
    ],
)
def test_whatever_is_handed_in_a_view_comes_back(function: Any) -> None:
    view = cv.exercises.step_into("matching_scores", function)
    assert "matching_scores. Case: " in str(view)
    view.close()


def test_what_cannot_be_tried_is_refused_in_a_sentence() -> None:
    with pytest.raises(cv.InputError, match="matching_scores"):
        cv.exercises.step_into("matching", print)
    with pytest.raises(cv.InputError, match=r"function: expected a function of \(f, w\), got"):
        cv.exercises.step_into("matching_scores", 3)  # type: ignore[arg-type]
    with pytest.raises(cv.InputError, match="seed"):
        cv.exercises.step_into("matching_scores", print, seed=2**70)


# ---- likeness -----------------------------------------------------------------------------------


def alike(x: Tensor, right: Tensor) -> Likeness:
    return RightValues([], [right]).likeness(x)


def test_values_are_alike_up_to_axes_shape_and_scale_and_no_further() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert alike(x.flatten(1, 2)[:, None], x) == Likeness.SAME
    assert alike(x.permute(2, 0, 3, 1).flatten(1), x) == Likeness.REORDERED
    assert alike(x / 7, x) == Likeness.SCALED
    assert alike(x.mT * 3, x) == Likeness.SCALED
    assert (
        alike(x.permute(3, 0, 1, 2).reshape(4, 2, 5, 3)[:, :, [0, 2, 1, 3, 4]], x) == Likeness.OTHER
    )
    assert alike(x.flip(0), x) == Likeness.OTHER
    assert alike(x + 1e-3, x) == Likeness.OTHER
    assert alike(torch.full_like(x, torch.nan), x) == Likeness.OTHER


@pytest.mark.parametrize(
    "x", [torch.zeros(4, 4), torch.ones(9), torch.arange(50), torch.tensor(2.0), torch.eye(2)]
)
def test_constants_indices_and_what_is_small_prove_nothing(x: Tensor) -> None:
    assert alike(x, x) == Likeness.SILENT


def test_what_a_loop_made_until_it_was_cut_short_is_how_a_right_value_begins() -> None:
    x = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
    right = RightValues([], [x])
    for begun in (x[:2], x.permute(1, 2, 0)[:2]):
        assert right.likeness(begun) == Likeness.OTHER
        assert right.likeness(begun, begun=True) > Likeness.SCALED
    assert right.likeness(x[1:3], begun=True) == Likeness.OTHER


def test_a_function_called_in_a_loop_has_the_values_of_code_without_one() -> None:
    def norm(row: Tensor) -> Tensor:
        return row.norm()

    def loop(x: Tensor) -> Tensor:
        twice = [norm(row) for row in x] + [norm(x)]
        return torch.stack(twice)

    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    recording = record(loop, x)
    stacks = over_runs(recording)
    norms = [stacks.get(s.index) for s in recording.steps if s.operation == "norm"]
    assert norms[-1] is None  # called elsewhere, and once
    assert norms[0] is not None
    assert alike(norms[0], x.norm(dim=1)) == Likeness.SAME


def test_a_loop_has_the_values_of_code_without_one() -> None:
    def loop(x: Tensor) -> Tensor:
        norms = torch.zeros(len(x))
        for i in range(len(x)):
            norms[i] = x[i].norm()
        return norms

    x = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    recording = record(loop, x)
    assert recording.exception is None, recording
    assert "norm" in {step.operation for step in recording.steps}, recording
    stacks = over_runs(recording)
    (norm,) = {
        id(stacks[s.index]): stacks[s.index] for s in recording.steps if s.operation == "norm"
    }.values()
    assert alike(norm, x.norm(dim=1)) == Likeness.SAME


# ---- mutants ------------------------------------------------------------------------------------


def test_in_a_small_sample_the_fault_is_in_the_stretch() -> None:
    trials = []
    for exercise in ("patch_extraction", "matching_scores"):
        trials += Trials(EXERCISES[exercise]).sample(RIGHT[exercise], most=4)
    assert sum(trial.hit for trial in trials) >= 0.8 * len(trials), "\n".join(map(str, trials))
    assert sorted(trial.length for trial in trials)[len(trials) // 2] <= 4


@pytest.mark.long
def test_in_eight_of_ten_the_fault_is_in_a_stretch_of_four_expressions() -> None:
    """None of the answers is among those compared with."""
    rows = {
        exercise: Trials(EXERCISES[exercise]).sample(RIGHT[exercise], most=40)
        for exercise in EXERCISES
    }
    trials = [trial for some in rows.values() for trial in some]
    assert len(trials) >= 200
    assert sum(trial.hit for trial in trials) >= 0.8 * len(trials), table(rows)
    assert sorted(trial.length for trial in trials)[len(trials) // 2] <= 4, table(rows)


def test_a_mutant_differs_from_its_answer_where_it_says() -> None:
    source = RIGHT["patch_extraction"]
    some = list(mutants(source))
    assert {mutant.kind for mutant in some} == {"operator", "constant", "axis", "name"}
    for mutant in some:
        line = mutant.source.split("\n")[mutant.line - 1]
        assert line.strip() not in source
