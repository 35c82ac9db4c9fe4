"""A recording as text, for where there is no browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .recording import RecordedStep, Recording


def described(recording: Recording) -> str:
    lines = [step_line(recording, step) for step in recording.steps]
    return "\n".join([*lines, recording.failure])


def step_line(recording: Recording, step: RecordedStep) -> str:
    """`line 298: F.conv2d(yi, fuse_weight, stride=1) → (1, 1, 64, 64)`."""
    value = recording.made(step)
    shape = "" if value is None else f" → {value.shape}"
    gap = f"  [{step.gap}]" if step.gap else ""
    return f"{'  ' * step.depth}line {step.line}: {step.expression}{shape}{gap}"
