"""Why a gradient flows where it does, in a sentence or two: `Gradient.sentence`."""

import math
from dataclasses import dataclass

from torch import Tensor

from ..stages.matching_scores import NORM_FLOOR, lifted
from .cells import hole_pixels
from .values import LazyValues

# Of what flows to the values; below, f is said to get nothing.
NOTHING = 0.01
# The best patch has so much, and there is nothing left to compete for.
SHARP = 0.9


@dataclass(frozen=True)
class Flow:
    """A gradient in its parts; see `Gradient`."""

    f: Tensor
    b_values: Tensor
    b_scores: Tensor
    best_shares: Tensor
    slack: Tensor


def explained(flow: Flow, values: LazyValues, sample: int) -> str:
    """Where the gradient goes, and why it does not go elsewhere."""
    config = values.config
    if not values["valid"][sample].any():
        if config.masked == "zero":
            return "No patch of b is valid: the attention is 0, and nothing flows to f or b."
        return "No patch of b is valid: attention and gradient are NaN."
    parts = (flow.f, flow.b_values, flow.b_scores)
    to_f, by_values, by_scores = (float(x.abs().sum()) for x in parts)
    if not all(map(math.isfinite, (to_f, by_values, by_scores))):
        return "The gradient is not finite: f or b holds NaN or infinity."
    sentences = [_to_f(flow, to_f / by_values if by_values else 0.0, config.softmax_scale)]
    if by_scores:
        share = by_scores / (by_values + by_scores)
        sentences.append(
            f"Of what comes to b, {percent(1 - share)} comes through what is pasted, each patch as "
            f"far as it is attended to, and {percent(share)} through what f is compared with."
        )
    return " ".join([*sentences, *_places(to_f, flow, values, sample)])


def _to_f(flow: Flow, ratio: float, scale: float) -> str:
    """Whether anything comes to f, which is in the scores alone."""
    if scale == 0:
        return "softmax_scale is 0, so the scores decide nothing: nothing flows to f."
    least, most = (float(end) for end in flow.best_shares.aminmax())
    amount = f"{ratio:.3g} times" if ratio > 1 else f"{percent(ratio)} of"
    much = f"f gets {amount} what the pasted patches get" if ratio else "f gets nothing"
    if ratio < NOTHING and least > SHARP:
        holds = f"one patch holds {_from(least, most)}: nothing flows to the others, and {much}."
    elif ratio < NOTHING:
        holds = f"the best patch holds {_from(least, most)}, but what is pasted hardly depends on "
        holds += f"the scores: {much}."
    else:
        holds = f"the best patch holds {_from(least, most)} and the softmax gives way by Σ a(1 − "
        holds += f"a) = {float(flow.slack.max()):.2g}: {much}."
    count = len(flow.best_shares)
    return f"In the {count} queries that paste here {holds}" if count > 1 else _capital(holds)


def _from(least: float, most: float) -> str:
    low, high = percent(least), percent(most)
    return low if low == high else f"{low} to {high}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _places(to_f: float, flow: Flow, values: LazyValues, sample: int) -> list[str]:
    """The places that get nothing, or much, whatever the attention is, each as a sentence."""
    config, sentences = values.config, []
    if to_f and config.rate > 1:
        sentences.append(f"Shrinking reads one pixel of f in {config.rate**2}: the others get 0.")
    if config.norm == "max":
        squares = lifted(values["matching_patches"][sample]).square().sum(dim=(1, 2, 3))
        held = int(((squares < NORM_FLOOR**2) & values["valid"][sample]).sum())
        if held:
            patches = "1 patch" if held == 1 else f"{held} patches"
            sentences.append(
                f"The norm of {patches} of b is held at {NORM_FLOOR:g}: through the scores "
                "a pixel there counts 10,000 times."
            )
    if to_f and values["f"].shape[2:] == values["b"].shape[2:]:
        hole = hole_pixels(values, sample)[0, 0]
        if hole.any():
            inside = float(flow.f[:, hole].abs().sum()) / to_f
            sentences.append(f"Of what comes to f, {percent(inside)} lies in the hole.")
    return sentences


def percent(share: float) -> str:
    """A share in three digits; what is not all is never said to be, nor what is not nothing 0."""
    if 0.9995 < share < 1:
        return "over 99.9 %"
    if 0 < share < 0.0005:
        return "under 0.1 %"
    return f"{100 * share:.3g} %"
