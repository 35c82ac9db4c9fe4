"""A trace out of the file that `Trace.save` wrote."""

from os import PathLike

import torch

from ..checks import check_device, check_whole
from ..config import AttentionConfig
from ..errors import InputError
from ..files import path_of
from ..inputs import check_inputs, check_values
from .run import Trace
from .saving import EXPECTED, read_run
from .starting import started


def load_trace(
    path: str | PathLike[str],
    device: torch.device | str = "cpu",
    *,
    budget: int | None = None,
    limit: int | None = None,
) -> Trace:
    """A trace from the file that `Trace.save` wrote; no code that a file may hold is run.

    It is checked as `trace` checks its arguments; NaN and infinity are accepted where the run that
    was saved had them.

    Args:
        path: the file.
        device: where its stages will run.
        budget: bytes that accessing a stage may allocate; None: half of the free memory.
        limit: bytes that the file may unpack to, known before any of it is read. None: 100 times
            its size, but 100 MB in any case, and 2 GB at most.

    Raises:
        FileNotFoundError: no such file.
        InputError: a device that is not there; a file that is not a trace, is damaged, was written
            by a later release, or would unpack to more than `limit`.

    Warns:
        ThinHoleWarning, NothingValidWarning: as `trace` does.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> cv.trace(x, x, config=cv.AttentionConfig(rate=1)).save("run.pt")
    >>> run = cv.load_trace("run.pt")
    >>> run.config.rate, torch.equal(run.f, x)
    (1, True)
    """
    device = check_device("device", device)
    if limit is not None:
        limit = check_whole("limit", limit)
    file = path_of("path", path, EXPECTED)
    try:
        saved = read_run(file, limit)
        config = AttentionConfig.from_dict(saved.config)
        values, config = check_inputs(**saved.inputs, config=config)
        check_values(values, saved.allow_nonfinite)
    except FileNotFoundError:
        raise
    except InputError as problem:
        if problem.argument == "path":
            raise
        raise InputError("path", EXPECTED, file, str(problem)) from None  # says which input
    except OSError as problem:
        raise InputError("path", EXPECTED, f"{file} ({problem.strerror})") from problem
    except Exception as problem:  # whatever damage leads to
        raise InputError("path", EXPECTED, file) from problem
    return started({name: x.to(device) for name, x in values.items()}, config, budget)
