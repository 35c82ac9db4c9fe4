"""How a stage is called whose function asks for more than its inputs and the configuration."""

from collections.abc import Mapping

from torch import Tensor

from ..config import AttentionConfig
from . import downsampling, fused_softmax, mask_validity, offset_flow, patch_extraction

Values = Mapping[str, Tensor]
"""The inputs f, b and mask, and every stage so far, by key."""


def query_grid(values: Values, config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of query cells, (h, w).

    >>> values = {"f": torch.zeros(1, 3, 8, 12)}
    >>> cv.stages.query_grid(values, cv.AttentionConfig(rate=2))
    (4, 6)
    """
    return values["f"].shape[2] // config.rate, values["f"].shape[3] // config.rate


def patch_grid(values: Values, config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of background patches, (gh, gw).

    >>> values = {"b": torch.zeros(1, 3, 8, 12)}
    >>> cv.stages.patch_grid(values, cv.AttentionConfig(rate=2))
    (4, 6)
    """
    b_cells = values["b"].shape[2] // config.rate, values["b"].shape[3] // config.rate
    return patch_extraction.patch_grid(b_cells, config)


def mask_on_cells(values: Values, config: AttentionConfig) -> Tensor:
    """The mask comes to b's size first, whatever multiple of it was given."""
    b_size = values["b"].shape[2], values["b"].shape[3]
    return downsampling.downsample_mask(values["mask"], b_size, config)


def valid_of_each(values: Values, config: AttentionConfig) -> Tensor:
    """One mask for all holds for every sample."""
    valid = mask_validity.valid_patches(values["downsampled_mask"], config)
    return valid.expand(values["b"].shape[0], -1)


def fuse_along_rows(values: Values, config: AttentionConfig) -> Tensor:
    """The first pass of fusion."""
    queries, patches = query_grid(values, config), patch_grid(values, config)
    return fused_softmax.fuse(values["scores"], queries, patches, "rows", config)


def fuse_along_columns(values: Values, config: AttentionConfig) -> Tensor:
    """The second pass of fusion, over the result of the first."""
    queries, patches = query_grid(values, config), patch_grid(values, config)
    return fused_softmax.fuse(values["fused_rows"], queries, patches, "columns", config)


def offsets_of_best(values: Values, config: AttentionConfig) -> Tensor:
    """Where a patch lies follows from the grid of patches."""
    return offset_flow.offsets(values["attention"], patch_grid(values, config), config)
