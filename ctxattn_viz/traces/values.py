"""Runs stages, whole or for a few query cells."""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..devices import exact_arithmetic
from ..errors import UnknownKeyError
from ..stages import BY_KEY, Values, patch_grid, query_grid
from ..stages.fused_softmax import fuse, masked_softmax, rows_needed
from ..stages.matching_scores import matching_scores


class LazyValues(Mapping[str, Tensor]):
    """The inputs, and each stage's tensor by key, computed when first asked for and then kept."""

    def __init__(
        self,
        values: Values,
        config: AttentionConfig,
        on_compute: Callable[[str, Callable[[], Tensor]], Tensor] = lambda key, run: run(),
    ) -> None:
        self.known = dict(values)
        self.config = config
        self._on_compute = on_compute

    def __getitem__(self, key: str) -> Tensor:
        self.compute(key)
        return self.known[key]

    def compute(self, key: str) -> None:
        """Run a stage that is not known yet, and before it those that it needs."""
        if key in self.known:
            return
        stage = BY_KEY[key]

        def run() -> Tensor:
            with exact_arithmetic(self["f"].device):
                return stage.run(self, self.config)

        self.known[key] = self._on_compute(key, run)

    def __iter__(self) -> Iterator[str]:
        return iter(["f", "b", "mask", *BY_KEY])

    def __len__(self) -> int:
        return 3 + len(BY_KEY)


def rows_of(values: Values, config: AttentionConfig, queries: Tensor) -> dict[str, Tensor]:
    """The rows of a few query cells at every stage, without the score matrix.

    The same stage functions, on the cells asked for and the neighbours that fusion reads.

    Args:
        values: f, b, mask and the stages up to `valid` (a `LazyValues` has them).
        queries: int64 `(Q,)`, flat cells row·w + column; on the CPU, so that a GPU need not be
            waited for.

    Returns:
        `scores`, `fused_rows`, `fused_scores` and `attention`, each `(n, Q, L)`.
    """
    grid, patches = query_grid(values, config), patch_grid(values, config)
    f_small, matching = values["downsampled_f"], values["matching_patches"]
    for_columns = rows_needed(queries, grid, "columns", config)
    for_rows = rows_needed(for_columns, grid, "rows", config)
    device = f_small.device
    queries, for_columns, for_rows = (
        cells.to(device, non_blocking=True) for cells in (queries, for_columns, for_rows)
    )
    with exact_arithmetic(device):
        scores = matching_scores(f_small, matching, config, for_rows)
        fused_rows = fuse(scores, grid, patches, "rows", config, for_columns, for_rows)
        fused_scores = fuse(fused_rows, grid, patches, "columns", config, queries, for_columns)
        attention = masked_softmax(fused_scores, values["valid"], config)
    return {
        "scores": scores[:, torch.searchsorted(for_rows, queries)],
        "fused_rows": fused_rows[:, torch.searchsorted(for_columns, queries)],
        "fused_scores": fused_scores,
        "attention": attention,
    }


def check_stage_key(key: str) -> str:
    """The key of a stage, or `UnknownKeyError`."""
    if not isinstance(key, str) or key not in BY_KEY:
        raise UnknownKeyError("stage", "one of " + ", ".join(BY_KEY), repr(key))
    return key
