"""Recordings: what each expression of some Python code made with PyTorch.

`recorder` watches, with `frames` (which function, which turn of a loop), `places` (which expression
of which line) and `values` (what a tensor held). `record` in `run` puts them together.
"""

from .recording import RecordedCall, RecordedSource, RecordedStep, RecordedValue, Recording
from .run import record

__all__ = [
    "RecordedCall",
    "RecordedSource",
    "RecordedStep",
    "RecordedValue",
    "Recording",
    "record",
]
