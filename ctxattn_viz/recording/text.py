"""A recording as text, for where there is no browser."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from ..units import seconds_text

if TYPE_CHECKING:
    from .recording import RecordedStep, RecordedValue, Recording

MOST_LINES = 120  # of a run that went well
BEFORE_FAILURE = 12  # steps shown of one that did not


def described(recording: Recording) -> str:
    """The steps, function by function; then what went wrong, if anything did."""
    seconds = sum(step.seconds for step in recording.steps)
    counts = f"{len(recording.steps)} steps, {len(recording.gaps)} of them with a gap"
    parts = [f"{counts}; PyTorch took {seconds_text(seconds)}"]
    lines = step_lines(recording, recording.steps)
    if recording.exception is not None:
        shown = recording.steps[-BEFORE_FAILURE - 1 : -1] if recording.failure else recording.steps
        left_out = len(recording.steps) - len(shown) - bool(recording.failure)
        parts += [f"… {left_out} steps before"] * bool(left_out) + step_lines(recording, shown)
        parts += failure_lines(recording)
    elif len(lines) > MOST_LINES:
        half = MOST_LINES // 2
        parts += [*lines[:half], f"… {len(lines) - 2 * half} lines …", *lines[-half:]]
    else:
        parts += lines
    problems = {source.problem for source in recording.sources if source.problem}
    return "\n".join([*parts, *sorted(problems), *birth_lines(recording)])


def step_lines(recording: Recording, steps: tuple[RecordedStep, ...]) -> list[str]:
    """A line a step, and one above where another function goes on."""
    lines, frame = [], None
    for step in steps:
        if step.frame != frame:
            source, frame = recording.sources[step.source], step.frame
            place = f"{source.name}, {file_text(source.file)}" if source.file else source.name
            lines.append(f"{'  ' * step.depth}{place}")
        lines.append(f"{'  ' * (step.depth + 1)}{step_line(recording, step)}")
    return lines


def file_text(file: str) -> str:
    """The name of a file; a notebook's kernel gives each cell a passing one, which says nothing."""
    cell = file.startswith("<ipython-input") or PurePath(file).parent.name.startswith("ipykernel_")
    return "a notebook's cell" if cell else PurePath(file).name


def step_line(recording: Recording, step: RecordedStep) -> str:
    """`line 298: F.conv2d(yi, fuse_weight, stride=1) → (1, 1, 64, 64)`."""
    turns = f", turn {'.'.join(map(str, step.iteration))}" if step.iteration else ""
    made = [recording.values[number] for number in (step.value, *step.also) if number is not None]
    result = " → " + ", ".join(map(value_text, made)) if made else ""
    gap = f"  [{step.gap}]" if step.gap else ""
    return f"line {step.line}{turns}: {step.expression}{result}{gap}"


def value_text(value: RecordedValue) -> str:
    """A shape, and how many NaN and infinities there are in it."""
    counts = [f"{value.nan} NaN"] * bool(value.nan) + [f"{value.infinite} inf"] * bool(
        value.infinite
    )
    return " with ".join([str(value.shape), *[" and ".join(counts)] * bool(counts)])


def failure_lines(recording: Recording) -> list[str]:
    """What was raised, at which line, with the shapes under its names."""
    problem = recording.exception
    message = f"{type(problem).__name__}: {problem}"
    if not recording.failure:
        return [message]
    step = recording.steps[-1]
    source = recording.sources[step.source]
    return [
        f"line {step.line} of {source.name}, {file_text(source.file)}:",
        recording.failure,
        message,
    ]


def birth_lines(recording: Recording) -> list[str]:
    """Where the first NaN and the first infinity come from."""
    lines = []
    for kind, name in (("nan", "NaN"), ("infinite", "infinity")):
        step = recording.first(kind)  # type: ignore[arg-type]
        given = [value for value in recording.values if getattr(value, kind)]
        if step is not None:
            lines.append(f"The first {name} was born at {step_line(recording, step)}")
        elif given:
            lines.append(f"{name} came in with {given[0].name or 'an argument'}")
    return lines
