"""A photograph that the page sent becomes a new run."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..config import AttentionConfig
from ..errors import InputError, MaskWarning, check_whole
from ..samples import coarse_fill, photograph
from ..traces import trace
from .messages import check_shape

if TYPE_CHECKING:
    from ..traces import Trace

LONGEST = 512


def traced(
    content: dict[str, Any], buffers: list[Any], shown: "Trace", config: AttentionConfig
) -> "Trace":
    """The run of an uploaded picture as f and b, with the hole that was on screen, coarsely filled.

    Args:
        content: `shape` (H, W, 3) of the RGB bytes in `buffers[0]`; `size`, the longest side.
        shown: the trace on screen, whose hole is scaled to the new picture.

    Raises:
        InputError: bytes that are not that picture.
    """
    if len(buffers) != 1:
        raise InputError("upload", "one buffer, the bytes of RGB", f"{len(buffers)} buffers")
    shape = check_shape("upload", content.get("shape"), buffers[0], "(H, W, 3)")
    pixels = np.frombuffer(buffers[0], np.uint8).reshape(shape)
    wanted = content.get("size")
    size = min(max(shape) if wanted is None else check_whole("size", wanted), LONGEST)
    picture = photograph(pixels, size=size, multiple=config.rate).to(shown.f)
    hole = torch.nn.functional.interpolate(shown.mask_at_b[:1].float(), picture.shape[2:])
    mask = hole.to(shown.f)
    filled = coarse_fill(picture, mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaskWarning)  # the page says it in its notes
        return trace(filled, filled, mask, config)
