"""A photograph that the page sent becomes a new run."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..checks import check_whole
from ..config import AttentionConfig
from ..errors import InputError, MaskWarning
from ..pictures.holes import resize_hole
from ..samples import coarse_fill, photograph
from ..traces.starting import trace
from .messages import bytes_of, check_shape
from .state import checked_config
from .workload import check_work

if TYPE_CHECKING:
    from ..traces.run import Trace

LONGEST = 256  # as the page does: the run is begun by its next message


def trace_of_upload(
    content: dict[str, Any], buffers: list[Any], current: "Trace", config: AttentionConfig
) -> tuple["Trace", Tensor]:
    """The run of an uploaded picture as f and b, with the hole that was on screen, coarsely filled;
    and the picture before it was.

    Args:
        content: `shape`, (H, W, 3 or 4) of the RGB or RGBA bytes in `buffers[0]`; `size`, the
            longest side; `config`, the settings of the page where they are ahead of the kernel's;
            `name`, the file's, which is not used.
        shown: the trace on screen, whose hole is scaled to the new picture.

    Raises:
        InputError: bytes that are not that picture, or settings that cannot be used.
        BudgetError: a run that would take minutes.
    """
    if len(buffers) != 1:
        raise InputError("upload", "one buffer, the bytes of RGB", f"{len(buffers)} buffers")
    if not isinstance(content.get("name", ""), str):
        raise InputError("name", "a string", type(content["name"]).__name__)
    if "config" in content:
        config = checked_config(content["config"])
    data = bytes_of("upload", buffers[0])
    shape = check_shape("upload", content.get("shape"), data, "(H, W, channels)")
    pixels = np.frombuffer(data, np.uint8).reshape(shape)
    requested_size = content.get("size")
    size = min(
        max(shape) if requested_size is None else check_whole("size", requested_size), LONGEST
    )
    picture = photograph(pixels, size=size, multiple=config.rate).to(current.f)
    hole = current.mask_at_b[0, 0].cpu().numpy() > 0
    scaled = torch.from_numpy(resize_hole(hole, (picture.shape[2], picture.shape[3])))
    mask = scaled[None, None].to(current.f)
    filled = coarse_fill(picture, mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaskWarning)  # the page says it in its notes
        run = trace(filled, filled, mask, config)
    check_work("upload", run, config)
    return run, picture
