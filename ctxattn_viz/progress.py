"""A progress bar for what takes over a second, and nothing for what does not."""

import os
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 1.0  # seconds without a bar


def with_progress_bar(blocks: Sequence[T], what: str) -> Iterator[T]:
    """`blocks`, with a bar named `what` from the moment that they took more than a second.

    Never a bar where the environment says `TQDM_DISABLE=1` (which tqdm itself does not heed in a
    notebook).
    """
    start, bar = time.perf_counter(), None
    silent = bool(os.environ.get("TQDM_DISABLE"))
    try:
        for done, block in enumerate(blocks):
            if bar is None and not silent and time.perf_counter() - start > PATIENCE:
                from tqdm.auto import tqdm

                bar = tqdm(desc=what, total=len(blocks), initial=done, leave=False)
            yield block
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()
