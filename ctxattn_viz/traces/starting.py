"""A run begins: what it is given is checked and copied, and warned about."""

from collections.abc import Callable, Mapping

from torch import Tensor

from ..config import AttentionConfig
from ..devices import has_no_values
from ..errors import InputError, NothingValidWarning, ThinHoleWarning
from ..habits import takes_a_config, warn, warn_if_channels_last
from ..inputs import check_inputs, check_values, refuse_recording
from .copies import copied
from .run import Trace
from .swapping import Swap, checked_swap


@takes_a_config
def trace(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    budget: int | None = None,
    allow_nonfinite: bool = False,
    swap: Mapping[str, Callable[..., Tensor]] | None = None,
) -> Trace:
    """One run of contextual attention that can be looked into, stage by stage.

    Args:
        f: foreground `(n, c, H, W)`, floating; what is reconstructed.
        b: background `(n, c, Hb, Wb)`; what is pasted from.
        mask: `(1|n, 1, Hb·m, Wb·m)`, 1 is a hole in b, m whole; None: nothing is missing.
        config: None for the defaults, what the original's network runs with.
        budget: bytes that accessing a stage may allocate; None: half of the free memory.
        allow_nonfinite: accept NaN and infinity, to examine a sick model.
        swap: functions by stage key, each in place of that stage. A function gets the stage's
            `inputs` (`ctxattn_viz.stages.BY_KEY[key].inputs`), whole tensors with the sample axis,
            and the configuration; it returns the whole tensor, of the shape and dtype that
            `Trace.layout` tells. What follows is computed from that.

    Raises:
        InputError: naming the argument, what was expected and what came.

    Warns:
        ThinHoleWarning: shrinking the mask lost part of the hole.
        NothingValidWarning: no background patch is valid, which `masked="minus_infinity"` makes
            NaN.
        ChannelsLastWarning: sizes that can be used, but look like (n, height, width, channels).

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> run = cv.trace(x, x)
    >>> print(run["downsampled_f"].tensor[0, 0])  # at rate 2: rows and columns 0 and 3
    tensor([[0.0000, 0.0625],
            [0.2500, 0.3125]])
    >>> run["attention"].shape  # 2×2 query cells, 4 background patches
    (1, 2, 2, 4)

    >>> def doubled(f_small, patches, config):
    ...     return 2 * cv.stages.BY_KEY["scores"].function(f_small, patches, config)
    >>> other = cv.trace(x, x, swap={"scores": doubled})
    >>> torch.equal(other["scores"].tensor, 2 * run["scores"].tensor), other.swapped
    (True, ('scores',))
    """
    refuse_recording()  # first: even a size is something to record
    values, config = check_inputs(f, b, mask, config)
    if not has_no_values(values["f"]):
        check_values(values, allow_nonfinite)
    return started(copied(values), config, budget, checked_swap(swap, allow_nonfinite))


def started(
    values: Mapping[str, Tensor],
    config: AttentionConfig,
    budget: int | None,
    swap: Swap = Swap(),  # noqa: B008, it is frozen
) -> Trace:
    """A trace of inputs that are checked and its own, and the warnings about them."""
    if budget is not None and not (type(budget) in (int, float) and budget >= 1):
        raise InputError("budget", "a positive number of bytes or None", repr(budget))
    run = Trace(values, config, budget, swap=swap)
    if has_no_values(run.f):
        return run
    warn_if_channels_last(f=run.f, b=run.b)
    for sentence, category in (
        (run.thin_hole(), ThinHoleWarning),
        (run.nothing_valid(), NothingValidWarning),
    ):
        if sentence:
            warn(sentence, category)
    return run
