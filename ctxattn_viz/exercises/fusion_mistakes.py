"""Exercise 4's mistakes in the two fusion passes."""

import torch

from .exercise import Mistake, in_several_ways
from .fusion_passes import (
    along,
    box,
    convolved,
    fusion,
    gaussian,
    height_for_width,
    in_place,
    largest,
    maps_convolved,
    mean,
    mean_inside,
    not_turned_back,
    one_pass,
    ones,
    other_way,
    passes,
    patches_only,
    queries_only,
    rolled,
    side_by_side,
    turned_apart,
    turned_as_before,
    turned_by_reshape,
    unfused,
    unwrapped,
    whole_tables_in_place,
)

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
        fusion(None, queries_only),
    ),
    Mistake(
        "only the patches turned",
        "Before the second pass you read the patches column by column, but the queries as well "
        "have to be.",
        fusion(None, patches_only),
    ),
    Mistake(
        "not turned back",
        "After the second pass your queries and patches are still counted column by column. Turn "
        "both grids back.",
        fusion(None, not_turned_back),
    ),
    *(
        Mistake(
            name,
            "Around the second pass you do not turn the same axes back as before it. Follow h, w, "
            "gh and gw through your lines, one by one: only a permute or a transpose moves them, a "
            "reshape never does.",
            fusion(None, second),
        )
        for name, second in (
            ("turned back otherwise", turned_apart("qp", "q")),
            ("queries not turned back", turned_apart("qp", "p")),
            ("turned back otherwise", turned_apart("", "qp")),
            ("turned back otherwise", turned_apart("q", "qp")),
            ("turned back otherwise", turned_apart("p", "qp")),
            ("turned back otherwise", turned_as_before),
            ("turned back otherwise", turned_by_reshape),
        )
    ),
    *(
        Mistake(
            "height and width exchanged",
            "In the second pass the sides of a grid are exchanged, which does no harm where it is "
            "square. Which comes first in (h, w) and (gh, gw)?",
            fusion(None, height_for_width(queries, patches)),
        )
        for queries, patches in ((False, True), (True, False), (True, True))
    ),
    Mistake(
        "the diagonal the wrong way",
        "Your diagonals run the other way: when the query moves one place on, the patch has to "
        "move one place on, too, not back.",
        fusion(other_way("scores", "rows"), other_way("fused_rows", "columns")),
    ),
    Mistake(
        "stops at the end of a row",
        "You treat the grids as grids and stop at the end of a row. That is tidier than the "
        "original, whose diagonals run along the flattened order and so wrap into the next row.",
        fusion(unwrapped("scores", 2), unwrapped("fused_rows", 1)),
    ),
    *in_several_ways(
        Mistake,
        "means instead of sums",
        "You take the mean along each diagonal. The original sums.",
        fusion(mean("scores", "rows"), mean("fused_rows", "columns")),
        passes(mean_inside),
    ),
    *in_several_ways(
        Mistake,
        "a kernel of ones",
        "You add up all scores in a square of the table, as a box blur does. Only those on the "
        "diagonal belong together: the query and the patch move by the same step.",
        passes(convolved(ones)),
        {**passes(convolved(ones)), "fused_scores": unfused("fused_rows")},
    ),
    *(
        Mistake(
            "the table blurred",
            "You blur the table of scores. Only the scores on the diagonal belong together: the "
            "query and the patch move by the same step.",
            wrong,
        )
        for kernel in (box, gaussian)
        for wrong in (
            passes(convolved(kernel)),
            {**passes(convolved(kernel)), "fused_scores": unfused("fused_rows")},
        )
    ),
    *(
        Mistake(
            "each map blurred",
            "You blur each map of scores by itself, so that only one of the two moves. The query "
            "and the patch move together.",
            maps_convolved(kernel, of),
        )
        for kernel in (ones, box, gaussian)
        for of in ("patches", "queries")
    ),
    *(
        Mistake(
            "the diagonal of each map",
            "You run along the diagonals of each map of scores, which is a picture. The diagonal "
            "that is meant is that of the table: a query one place on, a patch one place on.",
            maps_convolved(torch.eye, of, times),
        )
        for of in ("patches", "queries")
        for times in (1, 2)
    ),
    Mistake(
        "the patch stands still",
        "Only the query moves along your sums, the patch stays. Both move by the same step.",
        passes(convolved(lambda k: torch.ones(k, 1))),
    ),
    Mistake(
        "the query stands still",
        "Only the patch moves along your sums, the query stays. Both move by the same step.",
        passes(convolved(lambda k: torch.ones(1, k))),
    ),
    Mistake(
        "round the corner",
        "What runs off one end of a diagonal comes in again at the other. Terms off either end "
        "are 0.",
        passes(rolled),
    ),
    *in_several_ways(
        Mistake,
        "one side of the diagonal",
        "You add the neighbours on one side only. The diagonal reaches as far back as forth.",
        passes(along(range)),
        passes(along(lambda k: range(1 - k, 1))),
    ),
    *in_several_ways(
        Mistake,
        "the last place left out",
        "One end of each diagonal is missing. Which places does a range leave out?",
        passes(along(lambda k: range(-(k // 2), k // 2))),
        passes(along(lambda k: range(1 - k // 2, k // 2 + 1))),
    ),
    *(
        Mistake(
            "one place too many",
            "Your diagonals have a place more than fuse_k, at one end. Write down the numbers that "
            "your range gives for fuse_k 3. (What is −3 // 2 in Python?)",
            passes(along(reach)),
        )
        for reach in (
            lambda k: range(-(k // 2) - 1, k // 2 + 1),
            lambda k: range(-(k // 2), k // 2 + 2),
        )
    ),
    *(
        Mistake(
            "not around the score",
            "Your diagonals have fuse_k places, but the score itself is not in the middle. Write "
            "down the numbers that your range gives for fuse_k 3. (What is −3 // 2 in Python?)",
            passes(along(reach)),
        )
        for reach in (
            lambda k: range(-(k // 2) - 1, k // 2),
            lambda k: range(1 - k // 2, k // 2 + 2),
        )
    ),
    Mistake(
        "one place too far on each side",
        "Your diagonals are two places longer than fuse_k. How far do they reach to each side?",
        passes(along(lambda k: range(-(k // 2) - 1, k // 2 + 2))),
    ),
    *(
        Mistake(
            "added into what is read",
            "You add neighbours into the scores that you still read from, so that a sum goes into "
            "the next sum. What you read has to stay as it was: add into another tensor.",
            passes(apply),
        )
        for apply in (in_place(True), in_place(False), whole_tables_in_place)
    ),
    Mistake(
        "fuse_k to each side",
        "Your diagonals reach fuse_k places to each side. fuse_k is their whole length.",
        passes(along(lambda k: range(-k, k + 1))),
    ),
    Mistake(
        "without itself",
        "You add the neighbours of a score, but not the score itself.",
        passes(along(lambda k: [d for d in range(-(k // 2), k // 2 + 1) if d])),
    ),
    Mistake(
        "three places whatever fuse_k",
        "Your diagonals are three places long even where fuse_k is another number.",
        passes(along(lambda k: range(-1, 2))),
    ),
    Mistake(
        "the largest instead of the sum",
        "You take the largest score along each diagonal. The original sums.",
        passes(largest),
    ),
    Mistake(
        "the passes side by side",
        "Both of your passes start from the scores, and are added. The second is to start from "
        "what the first has made.",
        fusion(unfused("scores"), side_by_side),
    ),
)
