"""Exercise 4's mistakes in the two fusion passes."""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import AttentionConfig
from ..stages import Values, patch_grid, query_grid
from ..stages.fused_softmax import fuse
from .exercise import Mistake, Run

Kernel = Callable[[int], Tensor]


def one_pass(x: Tensor, v: Values, config: AttentionConfig, order: str) -> Tensor:
    """One right pass over any scores."""
    return fuse(x, query_grid(v, config), patch_grid(v, config), order, config)


def fusion(rows: Run | None, columns: Run | None) -> dict[str, Run]:
    """The two passes, one or both of them made otherwise."""
    made = {"fused_rows": rows, "fused_scores": columns}
    return {key: run for key, run in made.items() if run}


def unfused(source: str) -> Run:
    return lambda v, c: v[source]


def _other_way(source: str, order: str) -> Run:
    """Along the other diagonal: q runs backwards while p runs forwards."""
    return lambda v, c: one_pass(v[source].flip(-1), v, c, order).flip(-1)


def _mean(source: str, order: str) -> Run:
    return lambda v, c: one_pass(v[source], v, c, order) / c.fuse_k


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


def _turned(x: Tensor, patches: tuple[int, int]) -> Tensor:
    """Queries and patches counted column by column, as axes (n, w, h, gw·gh)."""
    return x.unflatten(-1, patches).permute(0, 2, 1, 4, 3).flatten(-2)


def _passes(one: Callable[[Tensor, AttentionConfig], Tensor]) -> dict[str, Run]:
    """Both passes, each made by `one` from a table (n, P, L) of scores in its order."""

    def rows(v: Values, config: AttentionConfig) -> Tensor:
        return one(v["scores"].flatten(1, 2), config).reshape(v["scores"].shape)

    def columns(v: Values, config: AttentionConfig) -> Tensor:
        turned = _turned(v["fused_rows"], patch_grid(v, config))
        fused = one(turned.flatten(1, 2), config).reshape(turned.shape)
        return _turned(fused, patch_grid(v, config)[::-1])

    return fusion(rows, columns)


def _convolved(kernel: Kernel) -> Callable[[Tensor, AttentionConfig], Tensor]:
    """The table of scores convolved with a kernel, zeros outside."""

    def one(table: Tensor, config: AttentionConfig) -> Tensor:
        weight = kernel(config.fuse_k)
        padding = weight.shape[0] // 2, weight.shape[1] // 2
        return F.conv2d(table[:, None], weight[None, None], padding=padding)[:, 0]

    return one


def _gaussian(k: int) -> Tensor:
    line = torch.tensor([1.0])
    for _ in range(k - 1):
        line = F.pad(line, (1, 0)) + F.pad(line, (0, 1))
    return line[:, None] * line / line.sum() ** 2


def _box(k: int) -> Tensor:
    return torch.ones(k, k) / k**2


def _ones(k: int) -> Tensor:
    return torch.ones(k, k)


def _maps_convolved(kernel: Kernel, of: str, times: int = 1) -> dict[str, Run]:
    """Each query's map of scores convolved as a picture, or each patch's map over the queries."""

    def run(v: Values, config: AttentionConfig) -> Tensor:
        x = v["scores"] if of == "patches" else v["scores"].permute(0, 3, 1, 2)
        grid = patch_grid(v, config) if of == "patches" else query_grid(v, config)
        maps, weight = x.reshape(-1, 1, *grid), kernel(config.fuse_k)[None, None]
        for _ in range(times):
            maps = F.conv2d(maps, weight, padding=config.fuse_k // 2)
        maps = maps.reshape(x.shape)
        return maps if of == "patches" else maps.permute(0, 2, 3, 1)

    return fusion(run, unfused("fused_rows"))


def _along(reach: Callable[[int], Iterable[int]]) -> Callable[[Tensor, AttentionConfig], Tensor]:
    """Sums along the diagonal over other places than those from −(k // 2) to k // 2."""

    def one(table: Tensor, config: AttentionConfig) -> Tensor:
        places = reach(config.fuse_k)
        terms = (_moved(_moved(table, d, 1), d, 2) for d in places)
        return sum(terms, torch.zeros_like(table))

    return one


def _rolled(table: Tensor, config: AttentionConfig) -> Tensor:
    half = config.fuse_k // 2
    return sum(
        (table.roll((-d, -d), (1, 2)) for d in range(-half, half + 1)), torch.zeros_like(table)
    )


def _mean_of_what_there_is(table: Tensor, config: AttentionConfig) -> Tensor:
    line = _convolved(torch.eye)
    return line(table, config) / line(torch.ones_like(table), config)


def _largest(table: Tensor, config: AttentionConfig) -> Tensor:
    half = config.fuse_k // 2
    moved = [_moved(_moved(table, d, 1), d, 2) for d in range(-half, half + 1)]
    return torch.stack(moved).amax(0)


def _side_by_side(v: Values, config: AttentionConfig) -> Tensor:
    return one_pass(v["scores"], v, config, "rows") + one_pass(v["scores"], v, config, "columns")


def _patches_only(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass with only the patch's axes transposed, not the query's."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    turned = x.unflatten(-1, patches).mT.flatten(-2)
    made = fuse(turned, query_grid(v, config), patches[::-1], "rows", config)
    return made.unflatten(-1, patches[::-1]).mT.flatten(-2)


def _queries_only(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass with only the query's axes transposed, not the patch's."""
    x, patches = v["fused_rows"], patch_grid(v, config)
    turned = x.transpose(1, 2)
    return fuse(turned, (x.shape[2], x.shape[1]), patches, "rows", config).transpose(1, 2)


def _not_turned_back(v: Values, config: AttentionConfig) -> Tensor:
    """The second pass left as it was made: queries and patches counted column by column."""
    fused, (gh, gw) = one_pass(v["fused_rows"], v, config, "columns"), patch_grid(v, config)
    return fused.unflatten(-1, (gh, gw)).permute(0, 2, 1, 4, 3).reshape(fused.shape)


FUSION = (
    Mistake(
        "no fusion",
        "The scores go into the softmax as they are. First each is to be added to its neighbours "
        "along the diagonals, twice.",
        fusion(unfused("scores"), unfused("fused_rows")),
    ),
    Mistake(
        "the first pass only",
        "One pass, row by row: neighbours to the left and right are asked, those above and below "
        "are not.",
        fusion(None, unfused("fused_rows")),
    ),
    Mistake(
        "the second pass only",
        "One pass, column by column: neighbours above and below are asked, those to the left and "
        "right are not.",
        fusion(unfused("scores"), None),
    ),
    Mistake(
        "twice row by row",
        "Both passes run row by row. Between them both grids are to be flattened the other way.",
        fusion(None, lambda v, c: one_pass(v["fused_rows"], v, c, "rows")),
    ),
    Mistake(
        "columns first",
        "Both passes are there, but in the other order. Rows come first. (Where a diagonal runs "
        "over the end of a row this makes a difference.)",
        fusion(
            lambda v, c: one_pass(v["scores"], v, c, "columns"),
            lambda v, c: one_pass(v["fused_rows"], v, c, "rows"),
        ),
    ),
    Mistake(
        "only the queries turned",
        "Before the second pass you transpose the query's two axes, but the patch's axes as well "
        "have to be read column by column.",
        fusion(None, _queries_only),
    ),
    Mistake(
        "only the patches turned",
        "Before the second pass you read the patches column by column, but the queries as well "
        "have to be.",
        fusion(None, _patches_only),
    ),
    Mistake(
        "not turned back",
        "After the second pass your queries and patches are still counted column by column. Turn "
        "both grids back.",
        fusion(None, _not_turned_back),
    ),
    Mistake(
        "the diagonal the wrong way",
        "Your diagonals run the other way: when the query moves one place on, the patch has to "
        "move one place on, too, not back.",
        fusion(_other_way("scores", "rows"), _other_way("fused_rows", "columns")),
    ),
    Mistake(
        "stops at the end of a row",
        "You treat the grids as grids and stop at the end of a row. That is tidier than the "
        "original, whose diagonals run along the flattened order and so wrap into the next row.",
        fusion(_unwrapped("scores", 2), _unwrapped("fused_rows", 1)),
    ),
    Mistake(
        "means instead of sums",
        "You take the mean along each diagonal. The original sums.",
        fusion(_mean("scores", "rows"), _mean("fused_rows", "columns")),
    ),
    Mistake(
        "means instead of sums",
        "You take the mean along each diagonal. The original sums.",
        _passes(_mean_of_what_there_is),
    ),
    Mistake(
        "a kernel of ones",
        "You add up all scores in a square of the table, as a box blur does. Only those on the "
        "diagonal belong together: the query and the patch move by the same step.",
        _passes(_convolved(_ones)),
    ),
    Mistake(
        "a kernel of ones",
        "You add up all scores in a square of the table, as a box blur does. Only those on the "
        "diagonal belong together: the query and the patch move by the same step.",
        {**_passes(_convolved(_ones)), "fused_scores": unfused("fused_rows")},
    ),
    *(
        Mistake(
            "the table blurred",
            "You blur the table of scores. Only the scores on the diagonal belong together: the "
            "query and the patch move by the same step.",
            wrong,
        )
        for kernel in (_box, _gaussian)
        for wrong in (
            _passes(_convolved(kernel)),
            {**_passes(_convolved(kernel)), "fused_scores": unfused("fused_rows")},
        )
    ),
    *(
        Mistake(
            "each map blurred",
            "You blur each map of scores by itself, so that only one of the two moves. The query "
            "and the patch move together.",
            _maps_convolved(kernel, of),
        )
        for kernel in (_ones, _box, _gaussian)
        for of in ("patches", "queries")
    ),
    *(
        Mistake(
            "the diagonal of each map",
            "You run along the diagonals of each map of scores, which is a picture. The diagonal "
            "that is meant is that of the table: a query one place on, a patch one place on.",
            _maps_convolved(torch.eye, of, times),
        )
        for of in ("patches", "queries")
        for times in (1, 2)
    ),
    Mistake(
        "the patch stands still",
        "Only the query moves along your sums, the patch stays. Both move by the same step.",
        _passes(_convolved(lambda k: torch.ones(k, 1))),
    ),
    Mistake(
        "the query stands still",
        "Only the patch moves along your sums, the query stays. Both move by the same step.",
        _passes(_convolved(lambda k: torch.ones(1, k))),
    ),
    Mistake(
        "round the corner",
        "What runs off one end of a diagonal comes in again at the other. Terms off either end "
        "are 0.",
        _passes(_rolled),
    ),
    Mistake(
        "one side of the diagonal",
        "You add the neighbours on one side only. The diagonal reaches as far back as forth.",
        _passes(_along(range)),
    ),
    Mistake(
        "one side of the diagonal",
        "You add the neighbours on one side only. The diagonal reaches as far back as forth.",
        _passes(_along(lambda k: range(1 - k, 1))),
    ),
    Mistake(
        "the last place left out",
        "One end of each diagonal is missing. Which places does a range leave out?",
        _passes(_along(lambda k: range(-(k // 2), k // 2))),
    ),
    Mistake(
        "fuse_k to each side",
        "Your diagonals reach fuse_k places to each side. fuse_k is their whole length.",
        _passes(_along(lambda k: range(-k, k + 1))),
    ),
    Mistake(
        "without itself",
        "You add the neighbours of a score, but not the score itself.",
        _passes(_along(lambda k: [d for d in range(-(k // 2), k // 2 + 1) if d])),
    ),
    Mistake(
        "three places whatever fuse_k",
        "Your diagonals are three places long even where fuse_k is another number.",
        _passes(_along(lambda k: range(-1, 2))),
    ),
    Mistake(
        "the largest instead of the sum",
        "You take the largest score along each diagonal. The original sums.",
        _passes(_largest),
    ),
    Mistake(
        "the passes side by side",
        "Both of your passes start from the scores, and are added. The second is to start from "
        "what the first has made.",
        fusion(unfused("scores"), _side_by_side),
    ),
)
