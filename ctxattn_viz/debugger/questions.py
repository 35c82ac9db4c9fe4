"""Questions that the debugger asks before it shows: plain data, checked before a page is made.

A question is a dict. Its `kind` says what is asked, and which names it has beside `kind`:

- `"where"`: click where a cell will look. `cell`, `(row, column)`.
- `"share"`: drag the share that the best match of a cell gets. `cell`.
- `"sharper"`: which of these cells changes most when the softmax is sharper. `cells`, two to five;
  `scale`, the `softmax_scale` to compare with: five times that on screen where none is given.
- `"fusion"`: which of two outputs had the fusion. `fused`, `"A"` or `"B"`, says which of them it
  is; without it, an integer `seed` decides.

Each may have a `text`, wording of your own, and a `sample` of the batch; without one it is about
the sample on screen. A cell that is not given is that of the question before, or the query that the
debugger opens at. A string is a question of that kind with nothing beside it: `"where"`.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..checks import check_choice, check_index
from ..errors import BudgetError, InputError
from .state import Place, checked_place
from .swapped import rows_travel_alone

if TYPE_CHECKING:
    from ..traces.run import Trace

Question = Mapping[str, Any] | str
MOST_QUESTIONS = 100
FEWEST_CELLS, MOST_CELLS = 2, 5
LONGEST_TEXT = 500  # characters
# The page computes the output without fusion by itself: for so many scores in some seconds.
MOST_SCORES = 50_000_000
COMMON = ("kind", "text", "sample")


def checked_questions(trace: "Trace", ask: Any, query: Any = None) -> list[dict[str, Any]]:
    """Questions about `trace` as the page reads them: with all names of their kind, in plain data.

    Args:
        ask: a list of questions, each a dict or a string; None for no question.
        query: the cell that the debugger opens at.

    Raises:
        InputError: names the part that is wrong, as in `ask[2]["cell"]`.
        BudgetError: outputs with and without fusion that a page cannot compute.
    """
    if ask is None:
        return []
    if isinstance(ask, str | Mapping) or not isinstance(ask, Sequence):
        hint = f"Write ask=[{ask!r}]." if isinstance(ask, str | Mapping) else ""
        raise InputError("ask", "a list of questions, or None", repr(ask), hint)
    if len(ask) > MOST_QUESTIONS:
        raise InputError("ask", f"at most {MOST_QUESTIONS} questions", len(ask))
    if ask and rows_travel_alone(trace):
        raise InputError("ask", "None where the rows of a swapped stage stay in the kernel", "one")
    questions = [_checked(trace, f"ask[{i}]", i, question) for i, question in enumerate(ask)]
    cell = None if query is None else list(query)
    for question in questions:
        if "cell" in question:
            cell = question["cell"] = question["cell"] or cell
    return questions


def _checked(trace: "Trace", name: str, index: int, question: Any) -> dict[str, Any]:
    if isinstance(question, str):
        check_choice(name, question, KINDS)
        question = {"kind": question}
    if not isinstance(question, Mapping):
        raise InputError(name, 'a dict like {"kind": "where", "cell": (4, 6)}', repr(question))
    if "kind" not in question:
        kinds = ", ".join(map(repr, KINDS))
        raise InputError(f'{name}["kind"]', f"one of {kinds}", "none")
    kind = question["kind"]
    check_choice(f'{name}["kind"]', kind, KINDS)
    if trace.swapped and kind not in OF_ROWS:
        swapped = ", ".join(trace.swapped)
        raise InputError(
            f'{name}["kind"]', f"'where' or 'share' of a run with {swapped} swapped", repr(kind)
        )
    names, check = KINDS[kind]
    for key in question:
        if key not in (*COMMON, *names):
            expected = ", ".join(map(repr, (*COMMON, *names)))
            raise InputError(f"a name in {name}", f"one of {expected}", repr(key))
    sample = question.get("sample")
    if sample is not None:
        sample = check_index(f'{name}["sample"]', sample, trace.f.shape[0])
    common = {"kind": kind, "text": _text(f'{name}["text"]', question), "sample": sample}
    return common | check(trace, name, index, question)


def _text(name: str, question: Mapping[str, Any]) -> str | None:
    text = question.get("text")
    if text is None:
        return None
    if not isinstance(text, str) or not text.strip():
        raise InputError(name, "a sentence, or None", repr(text))
    if len(text) > LONGEST_TEXT:
        raise InputError(name, f"at most {LONGEST_TEXT} characters", len(text))
    if any("\ud800" <= character <= "\udfff" for character in text):  # UTF-8 has none
        raise InputError(name, "text without lone surrogates", repr(text))
    return text


def _one_cell(trace: "Trace", name: str, index: int, question: Mapping[str, Any]) -> dict[str, Any]:
    cell = checked_place(f'{name}["cell"]', question.get("cell"), trace.query_grid)
    return {"cell": None if cell is None else list(cell)}


def _cells(trace: "Trace", name: str, index: int, question: Mapping[str, Any]) -> dict[str, Any]:
    cells, scale = question.get("cells"), question.get("scale")
    expected = f"{FEWEST_CELLS} to {MOST_CELLS} cells (row, column) to choose from"
    if isinstance(cells, str | Mapping) or not isinstance(cells, Sequence):
        got = "none" if cells is None else repr(cells)
        raise InputError(f'{name}["cells"]', expected, got)
    if not FEWEST_CELLS <= len(cells) <= MOST_CELLS:
        raise InputError(f'{name}["cells"]', expected, len(cells))
    places: list[Place] = []
    for i, cell in enumerate(cells):
        place = checked_place(f'{name}["cells"][{i}]', cell, trace.query_grid)
        if place is None or place in places:
            raise InputError(f'{name}["cells"][{i}]', "another cell (row, column)", repr(cell))
        places.append(place)
    if scale is not None:
        present = trace.config.softmax_scale
        expected = f"a finite number above {present:g}, the softmax_scale of the run"
        is_number = isinstance(scale, int | float) and not isinstance(scale, bool)
        if not is_number or not math.isfinite(scale) or scale <= present:
            raise InputError(f'{name}["scale"]', expected, repr(scale))
        scale = float(scale)
    return {"cells": [list(place) for place in places], "scale": scale}


def _outputs(trace: "Trace", name: str, index: int, question: Mapping[str, Any]) -> dict[str, Any]:
    fused, seed = question.get("fused"), question.get("seed")
    if fused is not None and seed is not None:
        raise InputError(f'{name}["seed"]', "none where fused is given", repr(seed))
    if trace.config.fuse_k == 1:
        hint = "Along a diagonal of one score there is nothing to add up."
        raise InputError(f'{name}["kind"]', "a run whose fuse_k is 3 or more", 1, hint)
    scores = math.prod(trace.query_grid) * math.prod(trace.patch_grid)
    if scores > MOST_SCORES:
        side = int(max(trace.f.shape[2:]) * (MOST_SCORES / scores) ** 0.25)
        raise BudgetError(
            f"{name}: expected at most {MOST_SCORES:,} scores, so that the page can compute both "
            f"outputs in some seconds, got {scores:,}. About {side} pixels on the longest side "
            "would do."
        )
    if fused is not None:
        check_choice(f'{name}["fused"]', fused, "AB")
        return {"fused": fused}
    if seed is None:
        seed = index
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError(f'{name}["seed"]', "an integer", repr(seed))
    return {"fused": random.Random(seed).choice("AB")}


Check = Callable[["Trace", str, int, Mapping[str, Any]], dict[str, Any]]
# The names that a question of each kind may have, and what makes plain data of them.
KINDS: dict[str, tuple[tuple[str, ...], Check]] = {
    "where": (("cell",), _one_cell),
    "share": (("cell",), _one_cell),
    "sharper": (("cells", "scale"), _cells),
    "fusion": (("fused", "seed"), _outputs),
}


# What can be asked of a run with functions swapped in: nobody runs those again for other settings.
OF_ROWS = ("where", "share")


# ---- answers ----

ANSWER = ("question", "kind", "sample", "cell", "guess", "truth", "rank", "share", "skipped")


def checked_answers(value: Any, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a page says was answered: one entry for a question, in any order.

    Raises:
        InputError: no list of entries with the names in `ANSWER`, about questions that are asked.
    """
    if not isinstance(value, list | tuple):
        raise InputError("answers", "a list of dicts", type(value).__name__)
    numbers: list[int] = []
    for i, entry in enumerate(value):
        name = f"answers[{i}]"
        if not isinstance(entry, Mapping) or sorted(entry) != sorted(ANSWER):
            raise InputError(name, f"a dict with {', '.join(ANSWER)}", repr(entry))
        number = check_index(f'{name}["question"]', entry["question"], len(questions))
        if number in numbers or entry["kind"] != questions[number]["kind"]:
            raise InputError(name, "one entry for each question, of its kind", repr(entry))
        numbers.append(number)
        _check_plain(name, entry)
    return [dict(entry) for entry in value]


def _check_plain(name: str, entry: Mapping[str, Any]) -> None:
    """Raise `InputError` unless all parts are numbers, words, places or None."""
    for key, part in entry.items():
        parts = part if isinstance(part, list) and len(part) == 2 else [part]
        for each in parts:
            is_short = isinstance(each, str) and len(each) < 10
            is_finite = isinstance(each, int | float) and math.isfinite(each)
            if not (each is None or is_short or is_finite):
                raise InputError(f'{name}["{key}"]', "a number, a place or None", repr(part))
