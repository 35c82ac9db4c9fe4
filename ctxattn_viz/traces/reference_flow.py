"""The flow picture of a run as the references return it."""

from torch import Tensor

from ..stages.offset_flow import recorded_flow
from .run import Trace


def flow_like(trace: Trace, dialect: str) -> Tensor:
    """The flow picture of a trace in the form that a reference returns; see `recorded_flow`.

    It is the reference's own where f and b have one size, the stride is 1 and, for `"pytorch"`,
    the rate is 2. For other sizes and settings no reference has one to compare with: TensorFlow's
    fails at the offsets where f and b differ in size; DAA233 rescales the flattened index there,
    so that its colours mean other places, and fails at every other rate; both fail at a stride.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run = cv.trace(x, x)
    >>> run["flow"].shape, cv.flow_like(run, "pytorch").shape  # enlarged, as DAA233 returns it
    ((1, 3, 2, 2), torch.Size([1, 3, 16, 16]))
    """
    return recorded_flow(trace["flow"].tensor, trace.config.rate, dialect)
