"""Runs stages, whole or for a few query cells."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..devices import exact_arithmetic
from ..errors import UnknownKeyError
from ..stages import BY_KEY, Stage, Values, patch_grid, query_grid
from ..stages.fused_softmax import fuse, masked_softmax, rows_needed
from ..stages.matching_scores import matching_scores


class LazyValues(Mapping[str, Tensor]):
    """The inputs, and each stage's tensor by key, computed when first asked for and then kept."""

    def __init__(
        self,
        values: Values,
        config: AttentionConfig,
        on_compute: Callable[[str, Callable[[], Tensor]], Tensor] = lambda key, run: run(),
        stages: Mapping[str, Stage] = BY_KEY,
    ) -> None:
        self.known = dict(values)
        self.config = config
        self.stages = stages
        self._on_compute = on_compute

    @property
    def swapped(self) -> tuple[str, ...]:
        """The keys of the stages that are not the registry's."""
        return tuple(key for key in BY_KEY if self.stages[key] is not BY_KEY[key])

    def __getitem__(self, key: str) -> Tensor:
        self.compute(key)
        return self.known[key]

    def compute(self, key: str) -> None:
        """Run a stage that is not known yet, and before it those that it needs."""
        if key in self.known:
            return
        stage = self.stages[key]

        def run() -> Tensor:
            with exact_arithmetic(self["f"].device):
                return stage.run(self, self.config)

        self.known[key] = self._on_compute(key, run)

    def __iter__(self) -> Iterator[str]:
        return iter(["f", "b", "mask", *BY_KEY])

    def __len__(self) -> int:
        return 3 + len(BY_KEY)


def rows_of(
    values: Values,
    config: AttentionConfig,
    queries: Tensor,
    whole: Mapping[str, Tensor] = MappingProxyType({}),
) -> dict[str, Tensor]:
    """The rows of a few query cells at every stage, without the score matrix.

    The same stage functions, on the cells asked for and the neighbours that fusion reads.

    Args:
        values: f, b, mask and the stages up to `valid` (a `LazyValues` has them).
        queries: int64 `(Q,)`, flat cells row·w + column; on the CPU, so that a GPU need not be
            waited for.
        whole: matrix stages, `(n, h·w, L)`, whose rows are read and not computed.

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

    def rows(key: str, cells: Tensor, compute: Callable[[], Tensor]) -> Tensor:
        return whole[key][:, cells] if key in whole else compute()

    def matched() -> Tensor:
        return matching_scores(f_small, matching, config, for_rows)

    def fused_once() -> Tensor:
        return fuse(scores, grid, patches, "rows", config, for_columns, for_rows)

    def fused_twice() -> Tensor:
        return fuse(fused_rows, grid, patches, "columns", config, queries, for_columns)

    def weighed() -> Tensor:
        return masked_softmax(fused_scores, values["valid"], config)

    with exact_arithmetic(device):
        scores = rows("scores", for_rows, matched)
        fused_rows = rows("fused_rows", for_columns, fused_once)
        fused_scores = rows("fused_scores", queries, fused_twice)
        attention = rows("attention", queries, weighed)
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
