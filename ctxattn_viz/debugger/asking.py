"""The traits of a widget that asks: its questions, and what was answered to them."""

from typing import Any

import traitlets as t

from .questions import checked_answers, checked_questions
from .undoing import Checked, Undoing


class Asking(Undoing):
    """A widget whose page asks `questions` before it shows, and hands back `answers`."""

    query: Any

    questions = Checked().tag(sync=True)
    answers = Checked().tag(sync=True)

    @t.validate("questions")
    def _valid_questions(self, proposal: Any) -> list[dict[str, Any]]:
        def check(value: Any) -> list[dict[str, Any]]:
            assert self._trace is not None  # else nothing is checked
            return checked_questions(self._trace, value, self.query)

        return self._checked(proposal, check)

    @t.validate("answers")
    def _valid_answers(self, proposal: Any) -> list[dict[str, Any]]:
        return self._checked(proposal, lambda value: checked_answers(value, self.questions))

    @t.observe("questions")
    def _questions_changed(self, change: Any) -> None:
        self.answers = []  # they were to other questions
