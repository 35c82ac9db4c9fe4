"""What a check answers: as text, as a card with a drawing in a notebook, and as a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from .attempts import Drawing

if TYPE_CHECKING:  # matplotlib is loaded when a drawing is asked for
    from ..figures.drawing import Figure

FEW = 64  # numbers of an argument that are written out


@dataclass(frozen=True, repr=False)
class Feedback:
    """The answer to a student's function: `print` it, or let a notebook show it.

    Attributes:
        exercise: its name.
        passed: whether every case agrees.
        fits: whether every answer was a tensor of the right shape, whatever its numbers.
        cases: (label, whether it agrees) of each case tried.
        story: what was seen, line by line.
        hint: the likely mistake; empty when there is none or it is not recognised.
        mistake: the name of the recognised mistake, or None.
        arguments: what the function was given in the first case that differs, by the names of
            its parameters: call it with them to see for yourself.
        index, expected, got: the first element that differs, where there is one.
        drawing: what to draw; None where there is nothing to draw.
        printed: the end of what the function printed in the case that `story` is about.

    >>> def mine(mask, ksize):  # looks at the middle of each patch alone
    ...     return mask.flatten(1) == 0
    >>> feedback: cv.Feedback = cv.exercises.check("mask_validity", mine)
    >>> feedback.passed, feedback.fits, feedback.expected, feedback.got
    (False, True, 0.0, 1.0)
    >>> feedback.mistake
    'only the middle cell counts'
    """

    exercise: str
    passed: bool
    fits: bool = False
    cases: tuple[tuple[str, bool], ...] = ()
    story: tuple[str, ...] = ()
    hint: str = ""
    mistake: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    index: tuple[int, ...] | None = None
    expected: float | None = None
    got: float | None = None
    drawing: Drawing | None = None
    printed: str = ""

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        count = len(self.cases)
        if not count:
            return f"{self.exercise}: {'right' if self.passed else 'not yet'}."
        if self.passed:
            return f"{self.exercise}: passed, all {count} cases agree."
        agree = sum(agrees for _, agrees in self.cases)
        return f"{self.exercise}: not yet, {agree} of {count} cases agree."

    def __repr__(self) -> str:
        hint = [f"Hint: {self.hint}"] if self.hint else []
        cases = () if self.passed else self.cases  # all agree: the headline says so
        case_lines = [f"  {'agrees ' if ok else 'differs'}  {label}" for label, ok in cases]
        printed = ["Your function printed:", self.printed] if self.printed else []
        lines = [self.headline, *hint, *self.story, *printed, *self._argument_lines(), *case_lines]
        return "\n".join(lines)

    def _argument_lines(self) -> list[str]:
        """The arguments, written out where they are small."""
        if not self.arguments:
            return []
        return [
            "The arguments of that case:",
            *(_as_text(*item) for item in self.arguments.items()),
        ]

    def _repr_html_(self) -> str:
        colour = "#009E73" if self.passed else "#D55E00"
        parts = [f"<strong>{'✓' if self.passed else '✗'} {escape(self.headline)}</strong>"]
        if self.hint:
            parts.append(f"<p><strong>Hint.</strong> {escape(self.hint)}</p>")
        parts += [f"<div>{escape(line)}</div>" for line in self.story]
        if self.printed:
            parts.append(f"<div>Your function printed:</div><pre>{escape(self.printed)}</pre>")
        title, *arguments = self._argument_lines() or [""]
        if arguments:
            text = escape("\n".join(arguments))
            style = "line-height:1.2;margin:.3em 0"
            parts.append(f"<div>{title}</div><pre style='{style}'>{text}</pre>")
        if figure := self.figure():
            bundle, _ = figure._repr_mimebundle_()
            kind = next(kind for kind in bundle if kind.startswith("image/"))
            parts.append(
                f"<img style='max-width:100%;background:white' alt='{escape(figure.alt)}' "
                f"src='data:{kind};base64,{bundle[kind]}'>"
            )
        if not self.passed and self.cases:
            items = (f"<li>{'✓' if ok else '✗'} {escape(label)}</li>" for label, ok in self.cases)
            parts.append(f"<ul style='list-style:none;padding-left:.5em'>{''.join(items)}</ul>")
        return (
            f"<div style='border-left:4px solid {colour};padding:.3em 1em;line-height:1.5'>"
            f"{''.join(parts)}</div>"
        )

    def figure(self) -> "Figure | None":
        """The target, the answer and their difference, drawn; None where there is nothing."""
        if self.drawing is None:
            return None
        from .feedback_figure import draw  # loads matplotlib

        return draw(self.drawing)


def _as_text(name: str, value: object) -> str:
    """An argument as `name = value`: numbers in full where they are few, else how many."""
    if not isinstance(value, Tensor):
        return f"{name} = {value}"
    shape = tuple(value.shape)
    if value.numel() > FEW:
        return f"{name}: a tensor of shape {shape}, in .arguments[{name!r}]"
    numbers = value.detach().cpu().numpy()
    width = max(len(_short(number)) for number in numbers.flat)
    rows = np.array2string(
        numbers,
        separator=", ",
        formatter={"all": lambda number: _short(number).rjust(width)},
        max_line_width=120,
    )
    return "\n".join([f"{name}, of shape {shape}:", *filter(None, rows.splitlines())])


def _short(number: object) -> str:
    return str(number) if isinstance(number, bool | np.bool_) else f"{number:.4g}"
