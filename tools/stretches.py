"""How often the stretch that `cv.exercises.step_into` marks holds the fault.

Faults are planted one at a time, by `tests/support/mutations.py`, into right answers that are not
among those that `step_into` compares with. `python -m tools.stretches` tries those on which the
rules were first set, `--of fresh` and `--of unseen` those on which they were changed since, `--of
later` those that nobody had looked at before that was done, `--of last` those written later still,
by someone who had read none of the rules.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ctxattn_viz.exercises import EXERCISES
from ctxattn_viz.exercises.exercise import Case, Exercise
from ctxattn_viz.exercises.likeness import RightValues
from ctxattn_viz.exercises.settings import usual_settings
from ctxattn_viz.exercises.stepping import (
    SteppedAnswer,
    in_order,
    right_values,
    stepped_answer,
)
from tests.support.fresh_answers import FRESH
from tests.support.mutations import Mutant, mutants
from tests.support.rewrites import RIGHT
from tests.support.unseen_answers import LAST, LATER, UNSEEN


@dataclass(frozen=True)
class Trial:
    """What was marked for one mutant that the checker refuses."""

    mutant: Mutant
    stepped: SteppedAnswer

    @property
    def hit(self) -> bool:
        """Whether what was changed lies in the stretch."""
        stretch = self.stepped.stretch
        return stretch is not None and any(
            self.mutant.touches(line, start, end) for _, line, start, end in stretch.pieces
        )

    @property
    def length(self) -> int:
        """How many expressions are marked."""
        return len(self.stepped.stretch.expressions) if self.stepped.stretch else 0

    def __str__(self) -> str:
        stretch = self.stepped.stretch
        place = "in " if self.hit else "not in "
        head = f"{self.mutant}: {place}{self.length} expressions; {self.stepped.answer.case.label}"
        return "\n".join([head, *(stretch.lines() if stretch else [])])


class Trials:
    """Tries mutants of one exercise; the right values of each case are recorded once."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        with usual_settings():
            self.cases = in_order(exercise, exercise.cases(0))
        self._right: dict[str, RightValues] = {}

    def sample(self, source: str, most: int, seed: int = 0) -> list[Trial]:
        """Up to `most` mutants of a right answer that are refused, drawn at random."""
        chosen = sorted(mutants(source), key=lambda mutant: mutant.source)  # not as names hash
        random.Random(seed).shuffle(chosen)
        trials: list[Trial] = []
        for mutant in chosen:
            trial = self.trial(mutant) if len(trials) < most else None
            trials += [trial] if trial else []
        return trials

    def trial(self, mutant: Mutant) -> Trial | None:
        """What is marked; None where the mutant passes, or does not end."""
        function = mutant.function(self.exercise.name)
        with usual_settings():
            stepped = stepped_answer(self.exercise, function, self.cases, self._values)
        answer = stepped.answer
        return None if answer.right or not answer.ended else Trial(mutant, stepped)

    def _values(self, exercise: Exercise, case: Case) -> RightValues:
        if case.label not in self._right:
            self._right[case.label] = right_values(exercise, case)
        return self._right[case.label]


ANSWERS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "set": {name: [source] for name, source in RIGHT.items()},
    "fresh": {name: [source] for name, source in FRESH.items()},
    "unseen": UNSEEN,
    "later": LATER,
    "last": LAST,
}


def table(rows: Mapping[str, Iterable[Trial]]) -> str:
    """A line an exercise: how often the fault was in the stretch, how long that was."""
    lines = [f"{'exercise':18} {'refused':>7} {'in it':>6} {'median':>6} {'mean':>5}  by kind"]
    everything: list[Trial] = []
    for name, some in {**rows, "all": everything}.items():
        trials = list(some)
        if not trials:
            continue
        if some is not everything:
            everything += trials
        rate = sum(trial.hit for trial in trials) / len(trials)
        lengths = [trial.length for trial in trials]
        kinds = [
            f"{kind} {sum(trial.hit for trial in these)}/{len(these)}"
            for kind in ("operator", "constant", "axis", "name")
            if (these := [trial for trial in trials if trial.mutant.kind == kind])
        ]
        lines.append(
            f"{name:18} {len(trials):7} {rate:6.0%} {statistics.median(lengths):6g} "
            f"{statistics.mean(lengths):5.1f}  {', '.join(kinds)}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exercises", nargs="*", help="all by default")
    parser.add_argument("--most", type=int, default=60, help="refused mutants of each exercise")
    parser.add_argument("--of", choices=ANSWERS, default="set", help="which right answers")
    parser.add_argument("--missed", action="store_true", help="show those that were not in it")
    options = parser.parse_args()
    answers = ANSWERS[options.of]
    rows: dict[str, list[Trial]] = {}
    for name in options.exercises or answers:
        trials = Trials(EXERCISES[name])
        most = options.most // len(answers[name])
        rows[name] = [trial for each in answers[name] for trial in trials.sample(each, most)]
        if options.missed:
            print(*(trial for trial in rows[name] if not trial.hit), sep="\n\n")
    print(table(rows))


if __name__ == "__main__":
    main()
