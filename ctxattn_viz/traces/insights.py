"""What one can ask of a run: a query, a pixel, what is so, what is remarkable, a map of doubt."""

from collections.abc import Callable
from functools import cached_property
from threading import RLock

import torch
from jaxtyping import Float
from torch import Tensor

from ..checks import check_index
from ..stages import MATRICES
from .cells import Cells, Place, Swept, places_where, swept
from .facts import facts_of
from .findings import findings_of
from .gradients import Gradient, gradient_of
from .maps import check_map, checked_truth, map_of
from .remarks import Remarks
from .results import PixelLedger, QueryRow
from .rows import pixel_ledger, query_row
from .values import LazyValues


class Insights:
    """The part of a `Trace` that answers questions about its values.

    Attributes:
        budget: bytes that an answer may allocate; None for half of the memory free at the time.
    """

    budget: int | None
    _values: LazyValues
    _lock: RLock
    _swept: dict[int, Swept]
    _compute_swapped: Callable[..., None]

    def query(self, row: int, col: int, sample: int = 0) -> QueryRow:
        """One foreground cell: its row at every stage, best matches first.

        Stages that are there already are read; the rest is computed for this cell alone, so the
        score matrix is not needed.

        Args:
            row, col: a cell of the query grid (h, w).
            sample: which of the batch.

        Raises:
            OutOfGridError: a cell or sample outside; says the range.
        """
        with self._lock, torch.no_grad():
            self._compute_swapped(*MATRICES)
            return query_row(self._values, row, col, sample)

    def pixel(self, row: int, col: int, sample: int = 0) -> PixelLedger:
        """One output pixel: the overlapping patches, and the weights and colours that sum to it.

        Args:
            row, col: a pixel of the output (H, W).
            sample: which of the batch.

        Raises:
            OutOfGridError: a pixel or sample outside; says the range.
        """
        with self._lock, torch.no_grad():
            self._compute_swapped(*MATRICES, "output")
            return pixel_ledger(self._values, row, col, sample)

    def gradient(
        self,
        *,
        pixel: Place | None = None,
        query: Place | None = None,
        channel: int | None = None,
        sample: int = 0,
    ) -> Gradient:
        """∂y/∂f and ∂y/∂b of one output pixel, or of the patch that one query pastes, and why.

        y is a sum: of the channels of one pixel of the output; or of all numbers of the patch that
        a query pastes, before neighbouring patches are laid over it. Computed for the rows that y
        is made of alone, so the score matrix is not needed.

        Args:
            pixel: `(row, column)` of the output; this or `query`.
            query: `(row, column)` of the query grid.
            channel: the one channel that counts; None: their sum.
            sample: which of the batch.

        Raises:
            InputError: both places or none; a run without values, or with a stage swapped.
            OutOfGridError: a place, channel or sample outside; says the range.
            BudgetError: the rows would not fit the budget; says what they need.
        """
        with self._lock:
            return gradient_of(self._values, self.budget, pixel, query, channel, sample)

    @cached_property
    def facts(self) -> Remarks:
        """The rules in force for this configuration and these inputs, each with its place."""
        return facts_of(self._values)

    @cached_property
    def findings(self) -> Remarks:
        """What is remarkable about this run, each with its place; see `traces.findings`.

        Rows are looked at block by block: of matrices only those that are there are read.

        Raises:
            BudgetError: not even a block of one row would fit the budget.
        """
        with torch.no_grad():
            return findings_of(self._values, self.cells)

    def cells(self, sample: int = 0) -> Cells:
        """Every query cell of one sample in a few numbers; raises what `findings` does."""
        return self._sweep(sample).cells

    def where(self, predicate: Callable[[Cells], Tensor], sample: int = 0) -> list[Place]:
        """The query cells, (row, column), for which something holds: `debug(run, cells=…)` walks.

        Args:
            predicate: gets a `Cells`, whose attributes are `(h, w)` tensors, and returns True or
                False for each: `lambda cell: cell.hole & (cell.best_share > 0.9)`.
            sample: which of the batch.

        Raises:
            InputError: a predicate that is no such function; says what was expected.
        """
        return places_where(predicate, self.cells(sample))

    def map(
        self, name: str, sample: int = 0, truth: Tensor | None = None
    ) -> Float[Tensor, "rows columns"]:
        """Where matching is in doubt: one number for each query, or for each background patch.

        With a(p, q) the attention of query p to patch q, and p's best match the patch of its
        largest share (of equals the first):

        - `"effective_patches"`: how many patches share the attention, e to the power of its
          entropy, of shares that add up to 1; from 1 to L.
        - `"best_share"`: the best match's share, from 0 to 1.
        - `"margin"`: that less the largest share outside the 3×3 patches around the best match (0
          where there are none), from 0 to 1: how clearly the best place wins over a second one.
        - `"agreement"`: the part of the four neighbours, `stride` cells up, down, left and right,
          as far as the grid has them, whose best match lies as far and in the same direction; from
          0 to 1, and 1 where there is no neighbour.
        - `"offset_length"`: how many cells away the best match lies.
        - `"error"`: |output − truth|, the mean over the rate × rate pixels of the cell and all
          channels; in the unit of f.
        - `"times_pasted"`: Σ a(p, q) over all queries p, on the grid of patches: how often a patch
          is pasted in all. Queries whose attention is NaN are left out.

        A query that attends to nothing, as no patch is valid, has 0 effective patches, a best share
        and a margin of 0, and no match: its agreement and offset are NaN. Where its attention is
        NaN all of them are. Rows are looked at block by block: the score matrix is not needed.

        Args:
            name: one of these.
            sample: which of the batch.
            truth: like f, the picture before its hole was filled; `"error"` alone asks for it.

        Returns:
            `(h, w)`, or `(gh, gw)` for `"times_pasted"`; on the CPU, in at least float32.

        Raises:
            InputError: another name, a sample outside, a truth that is missing or unlike f.
            BudgetError: not even a block of one row would fit the budget.

        >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
        >>> run = cv.trace(x, x, config=cv.AttentionConfig(softmax_scale=1.0))
        >>> run.map("effective_patches").round(decimals=2)  # nearly all from one patch
        tensor([[1.0300, 1.0000],
                [1.0000, 1.0300]])
        >>> round(run.map("times_pasted").sum().item(), 3)  # each of four queries pastes one patch
        4.0
        """
        with self._lock, torch.no_grad():
            if check_map(name) == "error":
                truth = checked_truth(truth, self._values["f"])
                self._compute_swapped("output")
                sample = check_index("sample", sample, len(truth))
            return map_of(self._values, self._sweep(sample), name, sample, truth)

    def _sweep(self, sample: int) -> Swept:
        """One pass over a sample's rows of attention: made once, and kept."""
        sample = check_index("sample", sample, len(self._values["f"]))
        with self._lock, torch.no_grad():
            if sample not in self._swept:
                self._compute_swapped(*MATRICES, "offsets")
                self._swept[sample] = swept(self._values, sample, self.budget)
        return self._swept[sample]
