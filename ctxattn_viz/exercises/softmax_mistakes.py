"""Exercise 4's mistakes in the masked softmax, and in its order with the fusion."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values
from ..stages.fused_softmax import masked_softmax
from .exercise import Mistake, Run, in_several_ways
from .fusion_passes import fusion, one_pass, unfused


def _softmax(before: bool = True, after: bool = True) -> Run:
    """The softmax with the mask multiplied in before, after, both or neither."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        keep = v["valid"][:, None, None]
        x = v["fused_scores"] * keep if before else v["fused_scores"]
        a = torch.softmax(config.softmax_scale * x, -1)
        return a * keep if after else a

    return run


def _other_shares(shares: Callable[[Tensor], Tensor]) -> Run:
    """Something else than a softmax of the scaled, masked scores, masked once more."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        keep = v["valid"][:, None, None]
        return shares(v["fused_scores"] * keep * config.softmax_scale) * keep

    return run


def _over(axis: int) -> Run:
    """The softmax over one axis of (n, h, w, L) that is not the patches'."""
    return _other_shares(lambda x: x.softmax(axis))


def _very_low(v: Values, config: AttentionConfig) -> Tensor:
    """Invalid scores very low instead of 0; finite, so that nothing becomes NaN."""
    keep = v["valid"][:, None, None]
    return (config.softmax_scale * v["fused_scores"]).masked_fill(~keep, -1e9).softmax(-1)


def _renormalised(floor: float) -> Run:
    def run(v: Values, config: AttentionConfig) -> Tensor:
        shares = masked_softmax(v["fused_scores"], v["valid"], config)
        return shares / shares.sum(-1, keepdim=True).clamp(min=floor)

    return run


def _scaled(factor: Callable[[float], float]) -> Run:
    return lambda v, c: masked_softmax(
        v["fused_scores"], v["valid"], c.replace(softmax_scale=factor(c.softmax_scale))
    )


def _fused_after(v: Values, config: AttentionConfig) -> Tensor:
    a = masked_softmax(v["scores"], v["valid"], config)
    return one_pass(one_pass(a, v, config, "rows"), v, config, "columns")


def _valid_scores_only(v: Values, config: AttentionConfig) -> Tensor:
    return one_pass(v["scores"] * v["valid"][:, None, None], v, config, "rows")


SOFTMAX = (
    Mistake(
        "the scale forgotten", "softmax_scale is not used.", {"attention": _scaled(lambda s: 1)}
    ),
    Mistake(
        "divided by the scale",
        "You divide by softmax_scale; it multiplies (it is an inverse temperature).",
        {"attention": _scaled(lambda s: 1 / s)},
    ),
    Mistake(
        "mask inverted",
        "The patches that may be used are the ones you shut out. True in valid means: may be used.",
        {"attention": lambda v, c: masked_softmax(v["fused_scores"], ~v["valid"], c)},
    ),
    Mistake(
        "exponentials that overflow",
        "The rule is right, the arithmetic is not: scores of some hundreds occur, and exp of more "
        "than 88 is infinite in float32. What may be taken off all scores of a row beforehand, "
        "so that the shares stay the same?",
        {"attention": _other_shares(lambda x: x.exp() / x.exp().sum(-1, keepdim=True))},
    ),
    Mistake(
        "no mask",
        "valid is not used: the hole may paste from the hole.",
        {"attention": _softmax(before=False, after=False)},
    ),
    Mistake(
        "masked before the softmax only",
        "After the softmax an invalid patch still holds exp(0) of its share. Multiply once more.",
        {"attention": _softmax(after=False)},
    ),
    Mistake(
        "masked after the softmax only",
        "An invalid patch with a high score takes its share before you remove it. The original "
        "sets its score to 0 first.",
        {"attention": _softmax(before=False)},
    ),
    Mistake(
        "minus infinity",
        "Each row sums to 1 over the valid patches: −∞ before the softmax does that, and so does "
        "dividing by the sum after. The original multiplies invalid scores by 0, so that each "
        "still adds exp(0) to the denominator. (One port has −∞.)",
        {
            "attention": lambda v, c: masked_softmax(
                v["fused_scores"], v["valid"], c.replace(masked="minus_infinity")
            )
        },
    ),
    *(
        Mistake(
            "minus infinity",
            "Each row sums to 1 over the valid patches: −∞ before the softmax does that, and so "
            "does dividing by the sum after. The original multiplies invalid scores by 0, so that "
            "each still adds exp(0) to the denominator. (One port has −∞.)",
            {"attention": run},
        )
        for run in (
            lambda v, c: _very_low(v, c) * v["valid"][:, None, None],
            _very_low,
            _renormalised(0.0),
            _renormalised(1e-8),
        )
    ),
    Mistake(
        "the first sample's valid for all",
        "Every sample of the batch gets the first one's valid patches. Each has its own.",
        {"attention": lambda v, c: masked_softmax(v["fused_scores"], v["valid"][:1], c)},
    ),
    Mistake(
        "invalid in one sample, invalid in all",
        "A patch that is invalid in one sample is left out in all. Each sample has its own.",
        {
            "attention": lambda v, c: masked_softmax(
                v["fused_scores"], v["valid"].all(0, keepdim=True), c
            )
        },
    ),
    *in_several_ways(
        Mistake,
        "softmax over one axis of the queries",
        "Your softmax runs along one axis of the query grid. Each query shares out its attention "
        "among the background patches.",
        {"attention": _over(1)},
        {"attention": _over(2)},
    ),
    Mistake(
        "softmax over the samples",
        "Your softmax runs over the samples of the batch. It runs over the background patches.",
        {"attention": _over(0)},
    ),
    Mistake(
        "softmax over everything",
        "All shares of a sample together sum to 1. Those of each query are to.",
        {"attention": _other_shares(lambda x: x.flatten(1).softmax(1).reshape(x.shape))},
    ),
    Mistake(
        "no softmax",
        "There are scores where shares should be: the softmax is missing.",
        {"attention": _other_shares(lambda x: x)},
    ),
    Mistake(
        "exponentials not divided",
        "The exponentials are there, but they are not divided by their sum.",
        {"attention": _other_shares(torch.exp)},
    ),
    Mistake(
        "the logarithm of the shares",
        "Your numbers are logarithms of shares.",
        {"attention": _other_shares(lambda x: x.log_softmax(-1))},
    ),
    Mistake(
        "the best match only",
        "The best match gets everything. A softmax gives each patch its share.",
        {"attention": _other_shares(lambda x: F.one_hot(x.argmax(-1), x.shape[-1]).to(x))},
    ),
    Mistake(
        "scaled after the softmax",
        "You multiply by softmax_scale after the softmax. It multiplies the scores.",
        {
            "attention": lambda v, c: (
                masked_softmax(v["fused_scores"], v["valid"], c.replace(softmax_scale=1.0))
                * c.softmax_scale
            )
        },
    ),
    Mistake(
        "softmax over the queries",
        "Your columns sum to 1: the softmax runs over the queries. Each query shares out its "
        "attention among the background patches.",
        {"attention": _other_shares(lambda x: x.flatten(1, 2).softmax(1).reshape(x.shape))},
    ),
)

BOTH = (
    Mistake(
        "fused after the softmax",
        "You fuse the attention. Fusion comes first, on the scores; the softmax follows.",
        {**fusion(unfused("scores"), unfused("fused_rows")), "attention": _fused_after},
    ),
    Mistake(
        "masked before the fusion",
        "You take the invalid patches out before fusing. The original fuses first, so that an "
        "invalid patch may still support its neighbours.",
        {**fusion(_valid_scores_only, None), "attention": _softmax(before=False)},
    ),
    Mistake(
        "masked before the fusion as well",
        "You take the invalid patches out before fusing, and again before the softmax. Only the "
        "second is the original's: an invalid patch may still support its neighbours.",
        fusion(_valid_scores_only, None),
    ),
)
