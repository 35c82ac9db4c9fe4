"""Questions before the map: what may be asked, how it crosses to the page, what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import traitlets

import ctxattn_viz as cv
from ctxattn_viz.debugger import questions, swapped
from ctxattn_viz.debugger.questions import checked_questions
from tests.support.inputs import hole, maps
from tests.support.page import state_of

ASK: list[Any] = [
    {"kind": "where", "cell": (4, 6), "text": "Where does it look?"},
    "share",
    {"kind": "sharper", "cells": [(4, 6), (1, 2)], "scale": 50},
    {"kind": "fusion", "fused": "B"},
]
ANSWER = {
    "question": 0,
    "kind": "where",
    "sample": 0,
    "cell": [4, 6],
    "guess": [1, 2],
    "truth": [3, 3],
    "rank": 14,
    "share": 0.01,
    "skipped": False,
}


@pytest.fixture
def run() -> cv.Trace:
    return cv.trace(maps(), maps(seed=1), hole())


def test_questions_become_plain_data(run: cv.Trace) -> None:
    common = {"text": None, "sample": None}
    assert checked_questions(run, ASK) == [
        {"kind": "where", "text": "Where does it look?", "sample": None, "cell": [4, 6]},
        {"kind": "share", **common, "cell": [4, 6]},  # that of the question before
        {"kind": "sharper", **common, "cells": [[4, 6], [1, 2]], "scale": 50.0},
        {"kind": "fusion", **common, "fused": "B"},
    ]
    assert checked_questions(run, None) == []


def test_what_was_checked_may_be_asked_again(run: cv.Trace) -> None:
    checked = checked_questions(run, ASK)
    assert checked_questions(run, checked) == checked


def test_a_cell_that_is_not_given_is_the_query_or_that_on_screen(run: cv.Trace) -> None:
    assert [each["cell"] for each in checked_questions(run, ["where", "share"], (2, 3))] == [
        [2, 3],
        [2, 3],
    ]
    assert checked_questions(run, ["where"])[0]["cell"] is None


def test_a_seed_decides_which_output_is_which(run: cv.Trace) -> None:
    fused = [
        checked_questions(run, [{"kind": "fusion", "seed": seed}])[0]["fused"] for seed in range(20)
    ]
    assert set(fused) == {"A", "B"}
    again = checked_questions(run, [{"kind": "fusion", "seed": 3}])[0]["fused"]
    assert again == fused[3]


def where(**more: Any) -> list[Any]:
    return ["share", {"kind": "where", **more}]


def sharper(**more: Any) -> list[Any]:
    return [{"kind": "sharper", "cells": [(1, 2), (3, 4)], **more}]


# What is asked, and how the sentence begins and what it says.
WRONG: dict[str, tuple[Any, str, str]] = {
    "one string": ("where", "ask", r"Write ask=\['where'\]"),
    "one question": ({"kind": "where"}, "ask", "a list of questions"),
    "a number": (3, "ask", "a list of questions, or None"),
    "too many": (["share"] * 101, "ask", "at most 100 questions, got 101"),
    "an unknown word": (["share", "here"], "ask[1]", "'where', 'share', 'sharper', 'fusion'"),
    "no dict": (["share", 5], "ask[1]", r'a dict like \{"kind": "where"'),
    "no kind": ([{"cell": (1, 2)}], 'ask[0]["kind"]', "got none"),
    "an unknown kind": ([{"kind": "why"}], 'ask[0]["kind"]', "got 'why'"),
    "an unknown name": (where(cel=(1, 2)), "a name in ask[1]", "'cell', got 'cel'"),
    "another kind's name": (where(cells=[(1, 2)]), "a name in ask[1]", "got 'cells'"),
    "a row off the grid": (where(cell=(40, 2)), 'ask[1]["cell"] row', "0 to 7, got 40"),
    "a column off the grid": (where(cell=(4, -1)), 'ask[1]["cell"] column', "0 to 7, got -1"),
    "half a cell": (where(cell=(4,)), 'ask[1]["cell"]', r"\(row, column\)"),
    "a fraction": (where(cell=(4.5, 2)), 'ask[1]["cell"] row', "an integer"),
    "a cell in words": (where(cell="4, 6"), 'ask[1]["cell"]', r"\(row, column\)"),
    "another sample": (where(sample=1), 'ask[1]["sample"]', "0 to 0, got 1"),
    "no words": (where(text="  "), 'ask[1]["text"]', "a sentence"),
    "words that are a number": (where(text=7), 'ask[1]["text"]', "a sentence"),
    "a novel": (where(text="x" * 501), 'ask[1]["text"]', "at most 500 characters, got 501"),
    "a lone surrogate": (where(text="\ud800"), 'ask[1]["text"]', "surrogates"),
    "nothing to choose from": (["sharper"], 'ask[0]["cells"]', "2 to 5 cells .* got none"),
    "one to choose": (sharper(cells=[(1, 2)]), 'ask[0]["cells"]', "2 to 5 cells .* got 1"),
    "six to choose": (sharper(cells=[(0, i) for i in range(6)]), 'ask[0]["cells"]', "got 6"),
    "the same twice": (sharper(cells=[(1, 2), [1, 2]]), 'ask[0]["cells"][1]', "another cell"),
    "one off the grid": (sharper(cells=[(1, 2), (8, 0)]), 'ask[0]["cells"][1] row', "0 to 7"),
    "none among them": (sharper(cells=[None, (1, 2)]), 'ask[0]["cells"][0]', "another cell"),
    "not sharper": (sharper(scale=10), 'ask[0]["scale"]', "above 10, .* got 10"),
    "a scale in words": (sharper(scale="50"), 'ask[0]["scale"]', "a finite number"),
    "no finite scale": (sharper(scale=float("inf")), 'ask[0]["scale"]', "a finite number"),
    "a third output": ([{"kind": "fusion", "fused": "C"}], 'ask[0]["fused"]', "'A', 'B'"),
    "both letters": ([{"kind": "fusion", "fused": "AB"}], 'ask[0]["fused"]', "'A', 'B'"),
    "fused and seed": (
        [{"kind": "fusion", "fused": "A", "seed": 1}],
        'ask[0]["seed"]',
        "none where fused is given",
    ),
    "a seed of a half": ([{"kind": "fusion", "seed": 0.5}], 'ask[0]["seed"]', "an integer"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_question_gets_one_sentence(run: cv.Trace, name: str) -> None:
    ask, argument, words = WRONG[name]
    with pytest.raises(cv.InputError, match=words) as caught:
        cv.debug(run, ask=ask)
    assert caught.value.argument == argument
    assert str(caught.value).count("\n") == 0
    assert len(str(caught.value)) < 400


def test_fusion_is_not_asked_about_where_there_is_none(run: cv.Trace) -> None:
    alone = cv.trace(run.f, run.b, None, cv.AttentionConfig(fuse_k=1))
    with pytest.raises(cv.InputError, match="fuse_k is 3 or more, got 1"):
        cv.debug(alone, ask=["fusion"])


def blunted(scores: torch.Tensor, *_: Any) -> torch.Tensor:
    return 0.5 * scores


def test_of_swapped_stages_only_rows_are_asked(
    run: cv.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = cv.trace(run.f, run.b, run.mask, swap={"fused_scores": blunted})
    assert len(checked_questions(mine, ["where", "share"])) == 2
    for ask in ([*sharper()], ["fusion"]):
        with pytest.raises(cv.InputError, match="'where' or 'share' of a run with fused_scores"):
            checked_questions(mine, ask)
    monkeypatch.setattr(swapped, "MOST_BYTES", 100)
    with pytest.raises(cv.InputError, match="stay in the kernel"):
        checked_questions(mine, ["where"])


def test_two_outputs_of_a_large_picture_are_refused(
    run: cv.Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "MOST_SCORES", 256)  # of 8 × 8 cells these are 4096
    with pytest.raises(cv.BudgetError, match=r"ask\[0\]: .* got 4,096. About 8 pixels"):
        cv.debug(run, ask=["fusion"])
    cv.debug(run, ask=["where"]).close()


def test_a_page_keeps_questions_and_no_answers(run: cv.Trace, tmp_path: Path) -> None:
    debugger = cv.debug(run, ask=ASK)
    debugger.answers = [ANSWER]
    by_debugger = state_of(debugger.save_page(tmp_path / "debugger.html").read_text())
    by_trace = state_of(cv.save_page(run, tmp_path / "trace.html", ask=ASK).read_text())
    for state in (by_debugger, by_trace):
        assert state["questions"] == checked_questions(run, ASK)
        assert state["answers"] == []
    assert debugger.answers == [ANSWER]
    debugger.close()


def test_a_wrong_question_writes_no_page(run: cv.Trace, tmp_path: Path) -> None:
    with pytest.raises(cv.InputError):
        cv.save_page(run, tmp_path / "page.html", ask=["why"])
    assert not list(tmp_path.iterdir())


def test_answers_are_observed_and_asked_anew(run: cv.Trace) -> None:
    debugger = cv.debug(run, ask=ASK)
    seen: list[Any] = []
    debugger.observe(lambda change: seen.append(change.new), "answers")
    debugger.set_state({"answers": [ANSWER]})  # as the page sends it
    assert seen == [[ANSWER]]
    debugger.questions = ["share"]
    assert [each["kind"] for each in debugger.questions] == ["share"]
    assert debugger.answers == []
    debugger.close()


def test_other_questions_are_checked_and_refused_whole(run: cv.Trace) -> None:
    debugger = cv.debug(run, ask=ASK)
    debugger.answers = [ANSWER]
    with pytest.raises(traitlets.TraitError, match=r'ask\[0\]\["cell"\] row'):
        debugger.questions = [{"kind": "where", "cell": (9, 9)}]
    assert debugger.questions == checked_questions(run, ASK)
    assert debugger.answers == [ANSWER]
    debugger.close()


WRONG_ANSWERS: dict[str, Any] = {
    "no list": {"question": 0},
    "no dict": [3],
    "a name too few": [{name: ANSWER[name] for name in list(ANSWER)[1:]}],
    "a name too many": [ANSWER | {"score": 1}],
    "no such question": [ANSWER | {"question": 4}],
    "of another kind": [ANSWER | {"kind": "share"}],
    "twice": [ANSWER, ANSWER],
    "a picture": [ANSWER | {"guess": [[0] * 99] * 2}],
    "a novel": [ANSWER | {"guess": "x" * 1000}],
    "NaN": [ANSWER | {"share": float("nan")}],
}


def test_what_is_no_answer_is_refused(run: cv.Trace) -> None:
    debugger = cv.debug(run, ask=ASK)
    for name, wrong in WRONG_ANSWERS.items():
        with pytest.raises(traitlets.TraitError, match="answers"):
            debugger.answers = wrong
        assert debugger.answers == [], name
    debugger.close()


def test_another_picture_ends_the_questions(run: cv.Trace) -> None:
    debugger = cv.debug(run, ask=ASK)
    debugger._show_trace(cv.trace(maps(side=32), maps(side=32)), torch.zeros(1, 3, 32, 32))
    assert debugger.questions == debugger.answers == []
    debugger.close()
