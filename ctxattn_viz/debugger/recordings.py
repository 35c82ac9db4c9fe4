"""A recording as the page reads it: a description in JSON, and float32 arrays as bytes.

A tensor of up to 64 kB is sent whole. Of a larger one its numbers in short are sent, and a part:
the kept query's row, and of a tensor of patches the patch that its best match has, which is what
the arithmetic of one element needs.
"""

import json
import math
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..recording.context import NOTHING_KNOWN, Context
from ..recording.meaning import meanings_of
from ..recording.readings import Meaning

if TYPE_CHECKING:
    from ..recording import RecordedStep, RecordedValue, Recording

WHOLE = 1 << 16  # bytes of a tensor that is sent as it is
# In place of code that cannot be had stands why.
COMMENT: dict[str, Any] = {"initial_indent": "# ", "subsequent_indent": "# "}
PART = 1 << 14  # bytes of what is sent of a larger one: a row over 64×64 patches


@dataclass
class Packer:
    """Collects arrays, each content once.

    Attributes:
        focus: by an axis' name, which place on it to keep where not all of it can be.
        whole: bytes of a tensor that is sent as it is.
        part: bytes of what is sent of a larger one.
        one_row: of several query cells the kept one's row is enough.
    """

    focus: Mapping[str, int] = field(default_factory=dict)
    whole: int = WHOLE
    part: int = PART
    one_row: bool = False
    arrays: list[bytes] = field(default_factory=list)

    def value(self, value: "RecordedValue", meaning: Meaning) -> dict[str, Any]:
        """`ValueData` of protocol.ts."""
        array, part = None, None
        if value.tensor is not None and value.tensor.numel():
            array, part = self._array(value.tensor, meaning)
        return {
            "name": value.name,
            "shape": list(value.shape),
            "dtype": value.dtype,
            "device": value.device,
            "axes": list(meaning.axes),
            "reading": meaning.reading,
            "picture": meaning.picture,
            "grid": None if meaning.grid is None else list(meaning.grid),
            "row": meaning.row,
            "minimum": value.minimum,
            "maximum": value.maximum,
            "nan": value.nan,
            "infinite": value.infinite,
            "array": array,
            "slice": part,
        }

    def _array(self, x: Tensor, meaning: Meaning) -> tuple[int, dict[str, Any] | None]:
        part = None
        rows = self.one_row and meaning.row is not None and 4 * x.numel() > self.part
        if rows or 4 * x.numel() > self.whole:
            start, shape = part_of(tuple(x.shape), meaning, self.focus, self.part // 4)
            x = x[tuple(slice(at, at + size) for at, size in zip(start, shape, strict=True))]
            part = {"axis_start": start, "shape": shape}
        content = floats(x)
        if content not in self.arrays:
            self.arrays.append(content)
        return self.arrays.index(content), part


def part_of(
    shape: Sequence[int], meaning: Meaning, focus: Mapping[str, int], most: int
) -> tuple[list[int], list[int]]:
    """Where the part of a tensor starts that is kept, and how large it is: up to `most` numbers.

    Channels and patches are kept whole, of the rest the place in focus; then, from the last axis
    on, as much as there is room for: all of an axis, or of a picture's as many rows as fit.
    """
    whole = [all(factor in "ckn1" for factor in name.split("·")) for name in meaning.axes]
    start = [
        0 if keep else min(focus.get(name.partition("+")[0], 0), size - 1)
        for name, size, keep in zip(meaning.axes, shape, whole, strict=True)
    ]
    if meaning.row is not None:
        for i, name in enumerate(meaning.axes):
            start[i] = meaning.row if name in ("Q", "h·w") else start[i]
    sizes = [size if keep else 1 for size, keep in zip(shape, whole, strict=True)]
    for i in reversed(range(len(shape))):
        room = max(1, most * sizes[i] // max(math.prod(sizes), 1))
        if room >= shape[i] or sizes[i] > room or meaning.picture in ("picture", "plain"):
            sizes[i] = min(shape[i], room)
        start[i] = max(0, min(start[i] - sizes[i] // 2, shape[i] - sizes[i]))
    return start, sizes


def floats(x: Tensor) -> bytes:
    """Numbers as the page reads them; of complex ones how large they are."""
    x = x.detach().abs() if x.is_complex() else x.detach()
    return x.to("cpu", torch.float32).contiguous().numpy().astype("<f4", copy=False).tobytes()


def pack(
    recording: "Recording",
    *,
    title: str,
    context: Context = NOTHING_KNOWN,
    focus: Mapping[str, int] | None = None,
    dimensions: Mapping[str, str] | None = None,
    whole: int = WHOLE,
    part: int = PART,
    one_row: bool = False,
    **about: Any,
) -> dict[str, Any]:
    """`StoredRecording` of protocol.ts.

    Args:
        title: names it to the reader.
        context: what is known of the run that it belongs to.
        focus: which places of large tensors to keep, by the names of axes.
        dimensions: of the function's arguments and `return`, where its signature does not say them.
        whole, part, one_row: see `Packer`.
        about: `stage`, `query`, `sample` and `beside`, where it is one of ours.
    """
    packer = Packer(focus or {}, whole, min(whole, part), one_row)
    meanings = meanings_of(recording, context, dimensions)
    values = [packer.value(*each) for each in zip(recording.values, meanings, strict=True)]
    sources = [
        {
            "name": source.name,
            "file": source.file,
            "first_line": source.first_line,
            "text": source.text or textwrap.fill(source.problem, 60, **COMMENT),
        }
        for source in recording.sources
    ]
    return stored(
        values,
        packer.arrays,
        title=title,
        sources=sources,
        steps=steps_of(recording.steps),
        calls=[
            {"source": call.source, "parent": call.parent, "line": call.place and call.place[0]}
            for call in recording.calls
        ],
        error=error_of(recording.exception),
        **about,
    )


def stored(
    values: Sequence[Mapping[str, Any]], arrays: Sequence[bytes], **about: Any
) -> dict[str, Any]:
    """Values and their arrays as the page reads them, with what else is known."""
    data = {
        "title": "",
        "stage": None,
        "query": None,
        "sample": 0,
        "beside": dict.fromkeys(("equation", "paper", "original", "torch"), ""),
        "sources": [],
        "values": list(values),
        "steps": [],
        "calls": [],
        "error": None,
        "bytes": sum(map(len, arrays)),
        "stretch": None,  # of an exercise's answer: where it goes wrong
        "target": None,  # which value is expected
        "sentence": "",  # what to say about both
    }
    return {"recording": data | about, "arrays": list(arrays)}


def deflated(values: Mapping[str, Any]) -> bytes:
    """Traits with recordings for a file: zlib of [length of the JSON][JSON][arrays].

    The arrays of a stage's recording are those of the whole layer's; and there is much in both that
    is alike.
    """
    places: dict[bytes, int] = {}
    text = json.dumps(
        {"values": values}, default=lambda data: {"stored": places.setdefault(data, len(places))}
    )
    lengths = json.dumps([len(data) for data in places])
    description = f'{text[:-1]}, "lengths": {lengths}}}'.encode()
    return zlib.compress(len(description).to_bytes(4, "little") + description + b"".join(places), 9)


def steps_of(steps: Sequence["RecordedStep"]) -> list[dict[str, Any]]:
    """`StepData` of each; with the locals that are not what they were a step before."""
    before: dict[int, dict[str, int | str]] = {}
    described = []
    for step in steps:
        now, earlier = dict(step.locals), before.get(step.frame)
        changed = [] if earlier is None else [n for n in now if now[n] != earlier.get(n)]
        before[step.frame] = now
        described.append(
            {
                "source": step.source,
                "line": step.line,
                "end_line": step.end_line,
                "column": step.column,
                "end_column": step.end_column,
                "expression": step.expression,
                "operation": step.operation,
                "operands": list(step.operands),
                "value": step.value,
                "depth": step.depth,
                "frame": step.frame,
                "iteration": list(step.iteration),
                "locals": [list(each) for each in step.locals],
                "changed": changed,
                "gap": step.gap,
            }
        )
    return described


def error_of(exception: BaseException | None) -> str | None:
    """An exception as the last line of a traceback."""
    if exception is None:
        return None
    return f"{type(exception).__name__}: {exception}".removesuffix(": ")
