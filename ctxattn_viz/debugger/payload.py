"""What crosses to the page: a description in JSON, and arrays as bytes.

Small on purpose: the inputs, the output, and for each query cell its log-sum-exp and its argmax.
From those the page computes any row at any stage; the score matrix stays here.

NaN and infinity stand in arrays alone, and the page shows them there as such. JSON has neither:
ranges and means are over what is finite and null where nothing is, beside counts of the rest.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .. import config as settings
from ..checks import check_real, shape_of
from ..errors import BudgetError, InputError
from ..habits import check_range
from ..inputs import check_binary, check_mask
from ..traces.run import check_trace
from ..units import human
from .outcome import Outcome, affordable, outcome_of, summaries
from .pictures import Look, look_of, picture_at_size
from .remarks import remarks_to_open_with, walk
from .swapped import recorded_of

if TYPE_CHECKING:
    from ..traces.run import Trace

VERSION = 1
Results = tuple[dict[str, Any], dict[str, bytes]]  # what is sent as JSON; arrays as bytes
# A page holds its arrays several times over (text, bytes, pictures): beyond this it would choke.
MOST_BYTES = 256_000_000


@dataclass
class Payload:
    """One trace as the front end reads it.

    Attributes:
        meta: JSON-able; `arrays` in it gives dtype and shape of each buffer.
        buffers: bytes by name, little-endian, C order.
        look: how features are drawn, for outputs that come later.
        notes: sentences for the reader that stay true when mask or config change.
        recorded, plain: what functions swapped in made, and the answer to the run without them;
            empty where nothing is swapped.
    """

    meta: dict[str, Any]
    buffers: dict[str, bytes]
    look: Look
    notes: list[str] = field(default_factory=list)
    recorded: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)

    @property
    def mask(self) -> dict[str, Any] | None:
        """The hole as the `mask` trait sends it; None where nothing is missing."""
        if "mask" not in self.buffers:
            return None
        return {"shape": self.meta["arrays"]["mask"]["shape"], "data": self.buffers["mask"]}


def build(
    trace: "Trace",
    *,
    foreground_mask: Tensor | None = None,
    picture_f: Any = None,
    picture_b: Any = None,
    truth: Tensor | None = None,
    title: str | None = None,
    python: str | None = None,
    cells: Any = None,
    at_once: bool = True,
) -> Payload:
    """Everything the front end needs of `trace`.

    Args:
        foreground_mask: `(1|n, 1, H, W)` of 0 and 1, the hole to draw over f.
        picture_f, picture_b: what to show for deep features; see `picture_at_size`.
        truth: like f, the picture before its hole was filled.
        title: a name for this run.
        python: lines of Python that define f, b and mask; copied with the view.
        cells: query cells to walk through, `(row, column)` each; see `Trace.where`.
        at_once: make the output and the findings now, even where that takes a while.

    Raises:
        InputError: an option that does not fit the trace.
        BudgetError: maps too large for a page; says the largest that are not.
    """
    check_trace(trace)
    if trace.device.type == "meta":
        raise InputError("trace", "a run with values", "one on meta")
    check_size(trace.f, trace.b)
    for name, text in (("title", title), ("python", python)):
        if not isinstance(text, str | None):
            raise InputError(name, "a string or None", repr(text))
        if text and any("\ud800" <= character <= "\udfff" for character in text):  # UTF-8 has none
            raise InputError(name, "text without lone surrogates", repr(text))
    n, f, b = trace.f.shape[0], trace.f, trace.b
    look, notes = look_of(f, b)
    arrays = {"f": _floats(f), "b": _floats(b)}
    if trace.mask.any():
        arrays["mask"] = _bytes(trace.mask_at_b[:, 0])
    if foreground_mask is not None:
        check_mask(foreground_mask, f, "foreground_mask", "f", is_picture=True)
        check_real("foreground_mask", foreground_mask)
        check_binary("foreground_mask", foreground_mask)
        arrays["foreground_mask"] = _bytes(foreground_mask[:, 0])
    if truth is not None:
        check_real("truth", truth)
        if truth.shape != f.shape:
            raise InputError("truth", f"f's shape {tuple(f.shape)}", shape_of(truth))
        check_range("truth", truth)
        arrays["truth"] = _floats(truth)
    for name, x, picture in (("picture_f", f, picture_f), ("picture_b", b, picture_b)):
        size = (x.shape[2], x.shape[3])
        arrays[name] = look(x) if picture is None else picture_at_size(name, picture, n, size)
    pending = not at_once and not affordable(trace) and not trace.swapped
    meta: dict[str, Any] = {
        "version": VERSION,
        "title": title or "Contextual attention",
        "python": python,
        "kernel": True,
        "pending": pending,
        "registry": [stage.to_dict() for stage in trace.stages.values()],
        "dialects": settings.DIALECTS,
        "choices": {name: list(values) for name, values in settings.CHOICES.items()},
        "n": n,
        "device": str(trace.device),
        "dtype": str(f.dtype).removeprefix("torch."),
        "look": look.to_dict(),
        **remarks_to_open_with(trace, look=not pending),
        "walk": walk(trace, cells),
    }
    payload = Payload(meta, {}, look, notes)
    if meta["findings"] is not None:
        arrays |= _maps(trace)
    meta["arrays"] = dtypes_and_shapes(arrays)
    payload.buffers = {name: x.tobytes() for name, x in arrays.items()}
    if trace.swapped:
        payload.recorded = recorded_of(trace)
        description, buffers = results(trace.unswapped(), payload)
        payload.plain = {**buffers, **description}
    if pending:
        meta.update(describe(trace, payload))
        return payload
    description, buffers = results(trace, payload)
    description["arrays"] |= meta["arrays"]
    meta.update(description)
    payload.buffers |= buffers
    return payload


def results(trace: "Trace", payload: Payload) -> Results:
    """What follows from the inputs.

    Returns:
        what `describe` does, with the `arrays`' dtypes and shapes; the bytes of output,
        log-sum-exp, argmax and the output's picture.
    """
    outcome = outcome_of(trace)
    arrays = {
        "output": _floats(outcome.output),
        "lse": _floats(outcome.lse),
        "argmax": np.ascontiguousarray(outcome.best.cpu().numpy().astype("<i4")),
        "picture_output": payload.look(outcome.output),
    }
    description = {**describe(trace, payload, outcome), "arrays": dtypes_and_shapes(arrays)}
    return description, {name: x.tobytes() for name, x in arrays.items()}


def describe(trace: "Trace", payload: Payload, outcome: Outcome | None = None) -> dict[str, Any]:
    """Configuration, stage summaries and notes of a trace."""
    return {
        "config": trace.config.to_dict(),
        "summaries": summaries(trace, outcome),
        "notes": [*payload.notes, *filter(None, (trace.thin_hole(), trace.nothing_valid()))],
    }


def check_size(f: Tensor, b: Tensor, argument: str = "debug") -> None:
    """Refuse maps too large for a page before anything is copied.

    Args:
        argument: the name that starts the message.

    Raises:
        BudgetError: says how large it would be and the largest side that would fit.
    """
    pixels = f.shape[0] * (2 * f[0, 0].numel() + b[0, 0].numel())
    size = pixels * (4 * f.shape[1] + 3)
    if size > MOST_BYTES:
        side = int(max(f.shape[2:]) * (MOST_BYTES / size) ** 0.5)
        fewer = ", or one sample of the batch" if f.shape[0] > 1 else ""
        raise BudgetError(
            f"{argument}: expected at most {human(MOST_BYTES)} to send to the page, got "
            f"{human(size)} for f {tuple(f.shape)} and b {tuple(b.shape)}. About {side} pixels on "
            f"the longest side would do{fewer}."
        )


def _maps(trace: "Trace") -> dict[str, np.ndarray]:
    """What the page's maps of doubt are made of, and its output and truth: 12 bytes a query and 4 a
    patch. They are sent where findings are, which were found in the same pass over the rows."""
    names = ("effective_patches", "best_share", "margin", "times_pasted")
    samples = range(len(trace.f))
    return {
        name: _floats(torch.stack([trace.map(name, sample) for sample in samples]))
        for name in names
    }


def dtypes_and_shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """By name, for the reader of the bytes."""
    return {name: {"dtype": str(x.dtype), "shape": list(x.shape)} for name, x in arrays.items()}


def _floats(x: Tensor) -> np.ndarray:
    return _little(x.detach().to("cpu", torch.float32).contiguous().numpy())


def _bytes(x: Tensor) -> np.ndarray:
    return (x.detach().cpu() != 0).to(torch.uint8).contiguous().numpy()


def _little(x: np.ndarray) -> np.ndarray:
    return x if sys.byteorder == "little" else x.astype(x.dtype.newbyteorder("<"))
