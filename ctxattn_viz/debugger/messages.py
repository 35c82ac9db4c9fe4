"""What the page sends, read with care: a message may come from anybody's front end."""

import base64
import math
from collections.abc import Sequence
from typing import Any

from ipywidgets.widgets.widget import _put_buffers

from ..checks import check_choice, check_whole
from ..errors import BudgetError, InputError

KINDS = ("update", "custom", "request_state")
LONGEST_REASON = 600  # characters: a refusal repeats what came, which may be a whole picture


def read(message: Any) -> tuple[str, Any, list[Any]]:
    """The kind of a comm message, what it carries, and its buffers (put in place in an update).

    Raises:
        InputError: a message that is none of ipywidgets' protocol.
    """
    content = message.get("content") if isinstance(message, dict) else None
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, dict):
        raise InputError("message", "data with a method", type(data).__name__)
    buffers = list(message.get("buffers") or [])
    kind = data.get("method")
    check_choice("message method", kind, KINDS)
    if kind == "request_state":
        return kind, None, []
    name = "state" if kind == "update" else "content"
    if not isinstance(data.get(name), dict):
        raise InputError(f"message {name}", "an object", type(data.get(name)).__name__)
    if kind == "update":
        paths = data.get("buffer_paths") or []
        if not isinstance(paths, list) or len(paths) != len(buffers):
            raise InputError("message buffers", f"one for each path of {paths!r}", len(buffers))
        try:
            _put_buffers(data["state"], paths, buffers)
        except Exception:
            raise InputError("message buffer_paths", "paths in the state", repr(paths)) from None
        buffers = []
    return str(kind), data[name], buffers


def state_in(message: Any) -> dict[str, Any]:
    """The traits that an update names, whatever else may be wrong with it."""
    for name in ("content", "data", "state"):
        message = message.get(name) if isinstance(message, dict) else None
    return message if isinstance(message, dict) else {}


def bytes_of(name: str, data: Any) -> Any:
    """Bytes from a front end without binary traits, base64 text or a list; others as they are.

    Raises:
        InputError: text that is not base64, or a list of other things than bytes.
    """
    try:
        if isinstance(data, str):
            return base64.b64decode(data, validate=True)
        if isinstance(data, list):
            return bytes(data)
    except (TypeError, ValueError):
        kind = "base64" if isinstance(data, str) else "whole numbers from 0 to 255"
        raise InputError(name, f"bytes, or {kind}", f"another {type(data).__name__}") from None
    return data


def check_shape(name: str, shape: Any, data: Any, expected: str) -> tuple[int, ...]:
    """`shape` as sizes that `data` fills, a byte each; `expected` shows its form: `"(H, W, 3)"`.

    Raises:
        InputError: not that many whole sizes, or bytes that are not as many as they say.
    """
    axes = expected.strip("()").split(", ")
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) != len(axes):
        raise InputError(f"{name} shape", expected, repr(shape))
    sizes = tuple(check_whole(f"{name} shape", size) for size in shape)
    if any(axis.isdigit() and int(axis) != size for axis, size in zip(axes, sizes, strict=True)):
        raise InputError(f"{name} shape", expected, repr(shape))
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InputError(name, f"{sizes} bytes", type(data).__name__)
    view = memoryview(data)
    if not view.c_contiguous:
        raise InputError(name, f"{sizes} bytes in one piece", f"strides {view.strides}")
    count = view.nbytes
    if count != math.prod(sizes):  # Python's own integers do not wrap
        raise InputError(name, f"{sizes} bytes", f"{count} bytes")
    return sizes


def reason(problem: BaseException) -> str:
    """An exception in words that can be sent: of a length to read, and nothing but characters."""
    words = str(problem)
    if not is_ours(problem):
        words = f"{type(problem).__name__}: {words}".removesuffix(": ")
    if len(words) > LONGEST_REASON:
        words = words[: LONGEST_REASON // 2] + " … " + words[-LONGEST_REASON // 2 :]
    return words.encode("utf-8", "backslashreplace").decode()


def is_ours(problem: BaseException) -> bool:
    """Whether an exception is a sentence about what was asked, and not a fault of the program."""
    from traitlets import TraitError

    return isinstance(problem, (InputError, BudgetError, TraitError))
