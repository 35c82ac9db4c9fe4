"""Exercise 4: both fusion passes, then the masked, scaled softmax."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values, patch_grid, query_grid
from ..stages.fused_softmax import fuse, masked_softmax
from .exercise import Case, Draw, Exercise, Mistake, Run


def _pass(x: Tensor, v: Values, config: AttentionConfig, order: str) -> Tensor:
    """One right pass over any scores."""
    return fuse(x, query_grid(v, config), patch_grid(v, config), order, config)


def _fusion(rows: Run | None, columns: Run | None) -> dict[str, Run]:
    """The two passes, one or both of them made otherwise."""
    made = {"fused_rows": rows, "fused_scores": columns}
    return {key: run for key, run in made.items() if run}


def _unfused(source: str) -> Run:
    return lambda v, c: v[source]


def _other_way(source: str, order: str) -> Run:
    """Along the other diagonal: q runs backwards while p runs forwards."""
    return lambda v, c: _pass(v[source].flip(-1), v, c, order).flip(-1)


def _mean(source: str, order: str) -> Run:
    return lambda v, c: _pass(v[source], v, c, order) / c.fuse_k


def _unwrapped(source: str, axis: int) -> Run:
    """A pass that stops at the end of a row (axis 2) or column (axis 1) instead of wrapping."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        x = v[source].unflatten(-1, patch_grid(v, config))  # (n, h, w, gh, gw)
        reach = config.fuse_k // 2
        return sum(
            (_moved(_moved(x, d, axis), d, axis + 2) for d in range(-reach, reach + 1)),
            torch.zeros_like(x),
        ).flatten(-2)

    return run


def _moved(x: Tensor, places: int, axis: int) -> Tensor:
    """x(i + places) along an axis, zeros from outside."""
    out = torch.zeros_like(x)
    length = max(x.shape[axis] - abs(places), 0)
    out.narrow(axis, max(-places, 0) if length else 0, length).copy_(
        x.narrow(axis, max(places, 0) if length else 0, length)
    )
    return out


def _queries_only(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass with only the query's axes transposed, not the patch's."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    turned = x.transpose(1, 2)
    return fuse(turned, (x.shape[2], x.shape[1]), patches, "rows", config).transpose(1, 2)


def _not_turned_back(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass left as it was made: queries and patches counted column by column."""
    fused, (gh, gw) = _pass(v["fused_rows"], v, config, "columns"), patch_grid(v, config)
    return fused.unflatten(-1, (gh, gw)).permute(0, 2, 1, 4, 3).reshape(fused.shape)


def _valid_scores_only(v: Values, config: AttentionConfig) -> Tensor:
    return _pass(v["scores"] * v["valid"][:, None, None], v, config, "rows")


def _softmax(before: bool = True, after: bool = True) -> Run:
    """The softmax with the mask multiplied in before, after, both or neither."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        keep = v["valid"][:, None, None]
        x = v["fused_scores"] * keep if before else v["fused_scores"]
        a = torch.softmax(config.softmax_scale * x, -1)
        return a * keep if after else a

    return run


def _over_queries(v: Values, config: AttentionConfig) -> Tensor:
    keep = v["valid"][:, None, None]
    x = (v["fused_scores"] * keep * config.softmax_scale).flatten(1, 2)
    return x.softmax(1).reshape(v["fused_scores"].shape) * keep


def _scaled(factor: Callable[[float], float]) -> Run:
    return lambda v, c: masked_softmax(
        v["fused_scores"], v["valid"], c.replace(softmax_scale=factor(c.softmax_scale))
    )


def _fused_after(v: Values, config: AttentionConfig) -> Tensor:
    a = masked_softmax(v["scores"], v["valid"], config)
    return _pass(_pass(a, v, config, "rows"), v, config, "columns")


FUSION = (
    Mistake(
        "no fusion",
        "The scores go into the softmax as they are. First each is to be added to its neighbours "
        "along the diagonals, twice.",
        _fusion(_unfused("scores"), _unfused("fused_rows")),
    ),
    Mistake(
        "the first pass only",
        "One pass, row by row: neighbours to the left and right are asked, those above and below "
        "are not.",
        _fusion(None, _unfused("fused_rows")),
    ),
    Mistake(
        "the second pass only",
        "One pass, column by column: neighbours above and below are asked, those to the left and "
        "right are not.",
        _fusion(_unfused("scores"), None),
    ),
    Mistake(
        "twice row by row",
        "Both passes run row by row. Between them both grids are to be flattened the other way.",
        _fusion(None, lambda v, c: _pass(v["fused_rows"], v, c, "rows")),
    ),
    Mistake(
        "columns first",
        "Both passes are there, but in the other order. Rows come first. (Where a diagonal runs "
        "over the end of a row this makes a difference.)",
        _fusion(
            lambda v, c: _pass(v["scores"], v, c, "columns"),
            lambda v, c: _pass(v["fused_rows"], v, c, "rows"),
        ),
    ),
    Mistake(
        "only the queries turned",
        "Before the second pass you transpose the query's two axes, but the patch's axes as well "
        "have to be read column by column.",
        _fusion(None, _queries_only),
    ),
    Mistake(
        "not turned back",
        "After the second pass your queries and patches are still counted column by column. Turn "
        "both grids back.",
        _fusion(None, _not_turned_back),
    ),
    Mistake(
        "the diagonal the wrong way",
        "Your diagonals run the other way: when the query moves one place on, the patch has to "
        "move one place on, too, not back.",
        _fusion(_other_way("scores", "rows"), _other_way("fused_rows", "columns")),
    ),
    Mistake(
        "stops at the end of a row",
        "You treat the grids as grids and stop at the end of a row. That is tidier than the "
        "original, whose diagonals run along the flattened order and so wrap into the next row.",
        _fusion(_unwrapped("scores", 2), _unwrapped("fused_rows", 1)),
    ),
    Mistake(
        "means instead of sums",
        "You take the mean along each diagonal. The original sums.",
        _fusion(_mean("scores", "rows"), _mean("fused_rows", "columns")),
    ),
)

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
    Mistake(
        "softmax over the queries",
        "Your columns sum to 1: the softmax runs over the queries. Each query shares out its "
        "attention among the background patches.",
        {"attention": _over_queries},
    ),
)

BOTH = (
    Mistake(
        "fused after the softmax",
        "You fuse the attention. Fusion comes first, on the scores; the softmax follows.",
        {**_fusion(_unfused("scores"), _unfused("fused_rows")), "attention": _fused_after},
    ),
    Mistake(
        "masked before the fusion",
        "You take the invalid patches out before fusing. The original fuses first, so that an "
        "invalid patch may still support its neighbours.",
        {**_fusion(_valid_scores_only, None), "attention": _softmax(before=False)},
    ),
    Mistake(
        "masked before the fusion as well",
        "You take the invalid patches out before fusing, and again before the softmax. Only the "
        "second is the original's: an invalid patch may still support its neighbours.",
        _fusion(_valid_scores_only, None),
    ),
)


def _arguments(v: Values, c: AttentionConfig, stage: str) -> tuple[object, ...]:
    return v["scores"], v["valid"], patch_grid(v, c), c.fuse_k, c.softmax_scale


def _by_hand() -> list[Case]:
    row, column, square = torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 3, 1), torch.zeros(1, 1, 2, 2)
    three, four = (torch.arange(1.0, count + 1).diag() for count in (3, 4))
    one = torch.tensor([[0.0, 1.0, 2.0]] * 3)
    config = AttentionConfig(rate=1, softmax_scale=1.0)
    unfused, mild = config.replace(fuse_k=1), config.replace(softmax_scale=0.1)

    def case(label: str, like: Tensor, scores: Tensor, config: AttentionConfig, valid: str) -> Case:
        known = {"f": like, "b": like, "mask": torch.zeros_like(like)}
        known["scores"] = scores.reshape(1, *like.shape[2:], -1)
        known["valid"] = torch.tensor([[digit == "1" for digit in valid]])
        return Case(label, "attention", known, config, "hand")

    return [
        case("fuse_k 1 (no fusion): scores 0, 1, 2, the last invalid", row, one, unfused, "110"),
        case("fuse_k 3: scores 1, 2, 3 on the diagonal, one row", row, three, config, "111"),
        case("the same, one column", column, three, config, "111"),
        case("2×2 cells: 1, 2, 3, 4 on the diagonal, scale 0.1", square, four, mild, "1111"),
    ]


def _drawn(draw: Draw) -> list[Case]:
    scale = draw.choices.choice([2.0, 3.0, 4.0])
    some = AttentionConfig(rate=1, softmax_scale=scale)
    return [
        draw.case(
            "no fusion (fuse_k 1), some patches invalid", "attention", some.replace(fuse_k=1)
        ),
        draw.case("one sample, f and b of different sizes", "attention", some),
        draw.case("a batch of two", "attention", some, n=2, c=3),
        draw.case("fuse_k 5", "attention", some.replace(fuse_k=5), f_cells=(4, 5), b_cells=(6, 4)),
        draw.case("softmax_scale 10", "attention", AttentionConfig(rate=1)),
    ]


EXERCISE = Exercise(
    name="fused_softmax",
    parameters=("scores", "valid", "patches", "fuse_k", "softmax_scale"),
    arguments=_arguments,
    by_hand=_by_hand,
    drawn=_drawn,
    mistakes=(*SOFTMAX, *FUSION, *BOTH),
)
