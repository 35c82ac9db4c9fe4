"""A dozen stages made otherwise: short functions to read, and to put in a stage's place.

Each answers a question by changing one thing. `ALL` has them by name, with the stages that they
replace; a few replace two or three, as what they change spans several.

A function takes the values of its stage's `inputs`, whole tensors with the sample axis, and then
the configuration; it returns what the stage would: the same shape, dtype and device. Copy one and
change a line to try an idea of your own. What each does to the filling of holes was measured on ten
photographs: see "The layer, made otherwise" in tests/benchmarks/RESULTS.md.

>>> ", ".join(cv.variants.ALL)
'true_cosine, no_norm, distance, projection, rows_only, all_ones, fusion_after_softmax,
minus_infinity, hard_argmax, top_k, soft_mask, coverage_count'
>>> variant: cv.variants.Variant = cv.variants.ALL["all_ones"]
>>> variant.question
'What if the fusion kernel were all ones, as in a blur?'
>>> {key: function.__name__ for key, function in variant.swap.items()}
{'fused_rows': 'ones_along_rows', 'fused_scores': 'ones_along_columns'}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from .deconvolution import coverage_count
from .fusion import fusion_after_softmax, no_pass, ones_along_columns, ones_along_rows
from .masked_softmax import hard_argmax, known_share, minus_infinity, top_k, valid_centres
from .matching_scores import distance, no_norm, projection, true_cosine

__all__ = [
    "ALL",
    "Variant",
    "coverage_count",
    "distance",
    "fusion_after_softmax",
    "hard_argmax",
    "known_share",
    "minus_infinity",
    "no_norm",
    "no_pass",
    "ones_along_columns",
    "ones_along_rows",
    "projection",
    "top_k",
    "true_cosine",
    "valid_centres",
]


@dataclass(frozen=True)
class Variant:
    """A question, and what to put in place of which stages to answer it.

    Attributes:
        name: its key in `ALL`.
        question: what it answers.
        swap: the function for each stage that it replaces, by the stage's key.

    >>> variant = cv.variants.Variant("mine", "What if?", {"scores": cv.variants.no_norm})
    >>> list(variant.swap)
    ['scores']
    """

    name: str
    question: str
    swap: Mapping[str, Callable[..., Tensor]]


ALL: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("true_cosine", "What if both patches had norm 1?", {"scores": true_cosine}),
        Variant("no_norm", "What if no patch were divided by its norm?", {"scores": no_norm}),
        Variant("distance", "What if patches were compared by distance?", {"scores": distance}),
        Variant("projection", "What if patches were projected first?", {"scores": projection}),
        Variant("rows_only", "What if fusion had one pass?", {"fused_scores": no_pass}),
        Variant(
            "all_ones",
            "What if the fusion kernel were all ones, as in a blur?",
            {"fused_rows": ones_along_rows, "fused_scores": ones_along_columns},
        ),
        Variant(
            "fusion_after_softmax",
            "What if fusion came after the softmax?",
            {"fused_rows": no_pass, "fused_scores": no_pass, "attention": fusion_after_softmax},
        ),
        Variant(
            "minus_infinity",
            "What if masked patches took no share along?",
            {"attention": minus_infinity},
        ),
        Variant("hard_argmax", "What if the best patch had it all?", {"attention": hard_argmax}),
        Variant("top_k", "What if the five best shared it?", {"attention": top_k}),
        Variant(
            "soft_mask",
            "What if a patch counted as far as it is known?",
            {"valid": valid_centres, "attention": known_share},
        ),
        Variant("coverage_count", "What if the border were not dark?", {"output": coverage_count}),
    )
}
