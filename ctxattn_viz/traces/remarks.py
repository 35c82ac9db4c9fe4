"""What is said of a run: each remark a sentence with its place."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

WIDTH = 100  # columns of the printed list
FEW = 5  # cells that are printed of a remark


@dataclass(frozen=True)
class Remark:
    """One fact or finding: a sentence, and where to look.

    Attributes:
        key: a word for it, such as `"wraps"`.
        sentence: what is so, with numbers.
        stage: the key of the stage that shows it.
        cells: (row, column) of each place, on the grid that `grid` names; empty where it is
            everywhere. Of findings the clearest come first.
        grid: `"query"`: cells of f; `"patch"`: cells of b.
        sample: which of the batch.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> remark: cv.Remark = cv.trace(x, x).facts["wraps"]
    >>> remark.stage, remark.cells
    ('fused_rows', ((0, 1),))
    """

    key: str
    sentence: str
    stage: str
    cells: tuple[tuple[int, int], ...] = ()
    grid: Literal["query", "patch"] = "query"
    sample: int = 0

    def __str__(self) -> str:
        where = self.stage
        if self.cells:
            some = ", ".join(map(str, self.cells[:FEW]))
            more = f" and {len(self.cells) - FEW} more" if len(self.cells) > FEW else ""
            where += f", {self.grid} {some}{more}"
        if self.sample:
            where += f", sample {self.sample}"
        return f"{self.key}: {self.sentence} [{where}]"


class Remarks(Sequence[Remark]):
    """Facts or findings in order; by number, or by key. `print` shows them as a list.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> remarks: cv.Remarks = cv.trace(x, x).findings
    >>> remarks.keys()  # the softmax takes one patch a query
    ['sharp']
    >>> "leak" in remarks, remarks["sharp"].cells[:2]
    (False, ((0, 0), (0, 1)))
    """

    def __init__(self, title: str, remarks: Iterable[Remark]) -> None:
        self.title = title
        self._remarks = tuple(remarks)

    def keys(self) -> list[str]:
        """The key of each; a key may stand there twice, for two samples or stages."""
        return [remark.key for remark in self]

    @overload
    def __getitem__(self, index: int | str) -> Remark: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Remark, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        """By number, or the first of a key."""
        if isinstance(index, str):
            if index not in self.keys():
                raise KeyError(f"{index}: there are {', '.join(self.keys()) or 'none'}")
            index = self.keys().index(index)
        return self._remarks[index]

    def __contains__(self, wanted: object) -> bool:
        """Whether there is this remark, or one of this key."""
        return wanted in (self.keys() if isinstance(wanted, str) else self._remarks)

    def __len__(self) -> int:
        return len(self._remarks)

    def __iter__(self) -> Iterator[Remark]:
        return iter(self._remarks)

    def __repr__(self) -> str:
        if not self._remarks:
            return f"{self.title}: none."
        lines = [f"{self.title}:"]
        for remark in self:
            indents = {"initial_indent": "- ", "subsequent_indent": "  "}
            lines.append(textwrap.fill(str(remark), WIDTH, **indents))  # type: ignore[arg-type]
        return "\n".join(lines)
