"""Contextual attention as a function and as a layer, without the score matrix.

The same answer as the stages (`ctxattn_viz.trace`), in memory that grows with the pictures and not
with their square, forward and backward. `method` says how. The three methods are exact and differ
in speed alone; `"auto"` takes the fastest, by counting the multiplications that a pair of a query
and a patch costs (`choose_method`). `make bench` measures them side by side.

- `"sdpa"`, for few channels: one inner product of longer vectors for each pair, through one call of
  PyTorch's `scaled_dot_product_attention` (`vectors`, `blocks`). Of its kernels none holds scores.
- `"vectors"`: the same vectors, a block of queries at a time. PyTorch's call tells neither
  log-sum-exp nor best patch, so this takes its place where they are wanted, as by the layer.
- `"diagonals"`, for many channels, whose long vectors would cost more than passes over the scores,
  and for long diagonals of fusion: products of single cells, then sums along diagonals
  (`diagonals`, `tiles`).

>>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
>>> answers = [cv.contextual_attention(x, x, method=m) for m in cv.attention.METHODS]
>>> all(torch.allclose(y, answers[0], atol=1e-5) for y in answers)
True
"""

from .choice import METHODS, choose_method
from .estimates import expected_memory
from .layer import AttentionSummary, ContextualAttention, attention_summary, contextual_attention

__all__ = [
    "METHODS",
    "AttentionSummary",
    "ContextualAttention",
    "attention_summary",
    "choose_method",
    "contextual_attention",
    "expected_memory",
]
