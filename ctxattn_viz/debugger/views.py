"""The stepping view alone: of any function that is run, or of one tensor to look at."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets as t
from torch import Tensor

from ..checks import is_dense
from ..errors import InputError
from ..files import path_of, writing
from ..recording import RecordedValue, Recording, record
from ..recording.axes import unknown
from ..recording.context import STAGE_AXES
from ..recording.readings import meaning_of
from ..recording.signatures import signed
from ..recording.values import has_numbers, summary
from ..traces.copies import NotPickled
from ..traces.results import StageResult
from . import assets, page, places, reloading
from .recordings import Packer, pack, stored

WHOLE = 1 << 20  # bytes of a tensor that is sent whole; of a larger one as much


class StepView(NotPickled, anywidget.AnyWidget):
    """The code of a function beside what each of its expressions made, or one tensor alone.

    Made by `step_into` and `look`. Where widgets cannot run, its text is shown.

    Attributes:
        recorded: the `Recording`; None of a single tensor.

    >>> view: cv.StepView = cv.step_into(torch.square, torch.tensor([3.0]))
    >>> view.recorded.result
    tensor([9.])
    >>> view.save("square.html").name
    'square.html'
    >>> view.close()
    """

    _esm = t.Unicode().tag(sync=True)
    _module = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    recording = t.Dict().tag(sync=True)

    def __init__(self, stored: dict[str, Any], text: str, recorded: Recording | None) -> None:
        self.recorded = recorded
        self._text = text
        super().__init__(
            _esm=assets.bootstrap(),
            _module=assets.module(),
            _css=assets.style(),
            recording=stored,
        )
        places.take_place(self)
        if assets.HOT:
            reloading.follow(self)

    def save(self, path: str | Path) -> Path:
        """Write the view as one HTML file that needs no kernel and no network; returns the path.

        Raises:
            InputError: a path that no file can be written to.
        """
        with writing("path", path) as file:
            file.write(page.render({"recording": self.recording}).encode())
        return path_of("path", path)

    def close(self) -> None:
        """Take the view off the screen and let what it shows go."""
        if self.comm is not None:
            self.layout.close()
        super().close()

    def __repr__(self) -> str:
        return self._text


def step_into(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> StepView:
    """Run any function, and step through what each of its expressions made.

    Args:
        fn: any Python function; see `record`.
        args, kwargs: what it is called with.

    Returns:
        a widget; `.save(path)` writes it as a page, `.recorded` is the recording, and its text is
        the recording's. An exception that `fn` raises is shown, with everything up to it.

    Raises:
        InputError: `fn` cannot be called.

    >>> def norms(x):
    ...     return x.square().sum(dim=1).sqrt()
    >>> view = cv.step_into(norms, torch.tensor([[3.0, 4.0]]))
    >>> [step.expression for step in view.recorded.steps]
    ['x.square()', 'x.square().sum(dim=1)', 'x.square().sum(dim=1).sqrt()']
    >>> view.close()
    """
    recording = record(fn, *args, **kwargs)
    return view_of(recording, str(recording), title=getattr(fn, "__name__", type(fn).__name__))


def view_of(recording: Recording, text: str, **about: Any) -> StepView:
    """The view of a recording, with its text, and what else the page is told about it."""
    return StepView(pack(recording, whole=WHOLE, part=WHOLE, **about), text, recording)


def look(x: Any) -> StepView:
    """Look at any tensor or array: its shape and range first, then its numbers.

    Args:
        x: a tensor, a NumPy array, a number, nested lists of numbers, or a stage of a trace. Of
            complex numbers their size is drawn; of more than 1 MB a part, and the range of all.

    Returns:
        a widget; `.save(path)` writes it as a page. Its text has shape, range and some numbers.

    Raises:
        InputError: what has no numbers in a rectangle.

    >>> cv.look([[1.0, 2.0], [3.0, float("nan")]])
    (2, 2) float64 on cpu, 1 … 3, 1 NaN
    tensor([[1., 2.],
            [3., nan]], dtype=torch.float64)
    """
    tensor, name = tensor_of(x), x.key if isinstance(x, StageResult) else None
    kept = tensor if has_numbers(tensor) else None
    dtype, device = str(tensor.dtype).removeprefix("torch."), str(tensor.device)
    value = RecordedValue(kept, tuple(tensor.shape), dtype, device, *summary(tensor), name)
    axes = signed(STAGE_AXES.get(name or "", "..."), tensor.shape)
    meaning = meaning_of(axes or unknown(tensor.shape), value)
    if tensor.is_complex():
        meaning = replace(meaning, reading="how large each complex number is")
    packer = Packer(whole=WHOLE, part=WHOLE)
    data = packer.value(value, meaning)
    text = "\n".join(filter(None, (summary_of(value), part_text(data["slice"]), str(tensor))))
    return StepView(stored([data], packer.arrays, title=summary_of(value)), text, None)


def tensor_of(x: Any) -> Tensor:
    """Anything with numbers in a rectangle, as a tensor."""
    x = x.tensor if isinstance(x, StageResult) else x
    if isinstance(x, Tensor):
        if not is_dense(x) or x.is_quantized:
            hint = "`x.to_dense()` makes one of a sparse tensor, `x.dequantize()` of a quantized."
            raise InputError("x", "a rectangle of numbers", "another kind of tensor", hint)
        return x.detach()
    try:
        array = np.asarray(x)
        if array.dtype.kind == "O" and all(isinstance(each, int) for each in array.flat):
            array = array.astype(np.float64)  # too large for the others
        if array.dtype.kind not in "biufc":
            raise TypeError
        array = array.astype(array.dtype.newbyteorder("="))
    except (TypeError, ValueError, RuntimeError) as problem:
        uneven = isinstance(x, list | tuple) and isinstance(problem, ValueError)
        got = "lists of several lengths" if uneven else type(x).__name__
        raise InputError("x", "numbers in a rectangle", got) from None
    try:
        return torch.from_numpy(array)
    except TypeError:  # a kind of number that PyTorch does not have
        return torch.from_numpy(array.astype(np.float64))


def summary_of(value: RecordedValue) -> str:
    """A value in a line: `(2, 2) float64 on cpu, 1 … 3, 1 NaN`."""
    parts = [f"{value.shape} {value.dtype} on {value.device}"]
    if value.minimum is not None and value.maximum is not None:
        parts.append(f"{value.minimum:.4g} … {value.maximum:.4g}")
    counts = {"NaN": value.nan, "infinite": value.infinite}
    return ", ".join([*parts, *(f"{count} {name}" for name, count in counts.items() if count)])


def part_text(part: dict[str, Any] | None) -> str:
    """Which part of a large tensor is drawn; empty if all of it is."""
    if part is None:
        return ""
    ends = zip(part["axis_start"], part["shape"], strict=True)
    return "drawn: [" + ", ".join(f"{start}:{start + size}" for start, size in ends) + "]"
