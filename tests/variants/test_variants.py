"""Each variant against plain loops, and against the settings that do the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz import variants
from ctxattn_viz.stages import BY_KEY, STAGES
from tests.benchmarks import filled_holes
from tests.benchmarks.filled_holes import GRID, Layer, as_sharp, random_holes
from tests.support import oracle
from tests.support.closeness import assert_close

Values = dict[str, Any]

# ---- the same in loops: every value of a run of the oracle so far, and the configuration ---------


def pairs(t: Values, config: cv.AttentionConfig, score: Callable) -> np.ndarray:
    """score(query patch, background patch), both flat lists, of all pairs."""
    queries = oracle.matching_patches(t["downsampled_f"], config, stride=1)
    n, _, h, w = t["downsampled_f"].shape
    table = [
        [[score(p.ravel(), q.ravel()) for q in t["matching_patches"][i]] for p in queries[i]]
        for i in range(n)
    ]
    return np.array(table).reshape(n, h, w, -1)


def dot(p, q) -> float:
    return sum(x * y for x, y in zip(p, q, strict=True))


def norm(p) -> float:
    return max(math.sqrt(dot(p, p)), 1e-4)


def true_cosine(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    return pairs(t, config, lambda p, q: dot(p, q) / (norm(p) * norm(q)))


def no_norm(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    return pairs(t, config, dot)


def distance(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    away = pairs(t, config, lambda p, q: sum((x - y) ** 2 for x, y in zip(p, q, strict=True)))
    for at in np.ndindex(away.shape[:3]):
        away[at] = [max(away[at]) - one for one in away[at]]
    return away


def projection(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    queries = oracle.matching_patches(t["downsampled_f"], config, stride=1)
    n, _, h, w = t["downsampled_f"].shape
    scores = np.empty((n, h * w, t["matching_patches"].shape[1]))
    for i in range(n):
        flat = [q.ravel() for q in t["matching_patches"][i]]
        mean = sum(flat) / len(flat)
        axes = np.linalg.svd(np.array([q - mean for q in flat]))[2][:8]
        for at in np.ndindex(scores.shape[1:]):
            p, q = queries[i][at[0]].ravel() - mean, flat[at[1]] - mean
            p, q = ([dot(x, axis) for axis in axes] for x in (p, q))
            scores[i][at] = dot(p, q) / norm(q)
    return scores.reshape(n, h, w, -1)


def blurred(table: np.ndarray, grid: tuple[int, int], config, order) -> np.ndarray:
    """Every pair of places up to fuse_k // 2 away, in both grids, whether or not they go along."""
    n, h, w, _ = table.shape
    queries, patches, reach = order(h, w), order(*grid), config.fuse_k // 2
    result = np.zeros_like(table)
    for sample, p, q in np.ndindex(n, len(queries), len(patches)):
        for a in range(-reach, reach + 1):
            for b in range(-reach, reach + 1):
                other_p, other_q = p + config.stride * a, q + b
                if 0 <= other_p < len(queries) and 0 <= other_q < len(patches):
                    (row, col), (i, j) = queries[other_p], patches[other_q]
                    to = (sample, *queries[p], patches[q][0] * grid[1] + patches[q][1])
                    result[to] += table[sample, row, col, i * grid[1] + j]
    return result


def ones_along_rows(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    return blurred(t["scores"], grid_of(t, config), config, oracle.row_major)


def ones_along_columns(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    return blurred(t["fused_rows"], grid_of(t, config), config, oracle.column_major)


def no_pass(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    return t["fused_rows"]


def grid_of(t: Values, config: cv.AttentionConfig) -> tuple[int, int]:
    return oracle.patch_grid(t["downsampled_b"], config.stride)


def rows_of(t: Values, row: Callable) -> np.ndarray:
    """row(fused scores, valid) of each query, as lists."""
    result = np.empty_like(t["fused_scores"])
    for at in np.ndindex(result.shape[:3]):
        result[at] = row(t["fused_scores"][at].tolist(), t["valid"][at[0]].tolist())
    return result


def fusion_after_softmax(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    shares = oracle.attention(t["fused_scores"], t["valid"], config)
    grid = grid_of(t, config)
    shares = oracle.fused_scores(oracle.fused_rows(shares, grid, config), grid, config)
    for sample, row, col in np.ndindex(shares.shape[:3]):
        kept = [
            a * bool(v) for a, v in zip(shares[sample, row, col], t["valid"][sample], strict=True)
        ]
        shares[sample, row, col] = [a / (sum(kept) or 1) for a in kept]
    return shares


def shares_of(chosen: list[int], scores: list[float], scale: float) -> list[float]:
    """A softmax over the chosen patches, 0 for the others; NaN where none is."""
    if not chosen:
        return [math.nan] * len(scores)
    top = max(scale * scores[q] for q in chosen)
    weights = [
        math.exp(scale * score - top) if q in chosen else 0.0 for q, score in enumerate(scores)
    ]
    return [weight / sum(weights) for weight in weights]


def minus_infinity(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    def row(scores, valid):
        usable = [q for q, ok in enumerate(valid) if ok]
        return shares_of(usable, scores, config.softmax_scale)

    return rows_of(t, row)


def hard_argmax(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    def row(scores, valid):
        best = None
        for q, score in enumerate(scores):
            if valid[q] and (best is None or score > scores[best]):
                best = q
        return [float(q == best) for q in range(len(scores))]

    return rows_of(t, row)


def top_k(t: Values, config: cv.AttentionConfig, k: int = 5) -> np.ndarray:
    def row(scores, valid):
        usable = [q for q, ok in enumerate(valid) if ok]
        best = sorted(usable, key=lambda q: -config.softmax_scale * scores[q])[:k]
        return shares_of(best, scores, config.softmax_scale)

    return rows_of(t, row)


def valid_centres(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    hole, (gh, gw) = t["downsampled_mask"], grid_of(t, config)
    known = [
        [hole[sample, 0, i * config.stride, j * config.stride] == 0 for i, j in np.ndindex(gh, gw)]
        for sample in range(len(hole))
    ]
    return np.array([known[0]] * len(hole) if config.mask_of_batch == "first" else known)


def known_share(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    """`valid` is that of `valid_centres`."""
    (gh, gw), reach = grid_of(t, config), config.ksize // 2

    def share(valid, i, j):
        window = [
            (i + a, j + b) for a in range(-reach, reach + 1) for b in range(-reach, reach + 1)
        ]
        holes = [not valid[y * gw + x] for y, x in window if 0 <= y < gh and 0 <= x < gw]
        return 1 - sum(holes) / len(window)

    def row(scores, valid):
        top = max(config.softmax_scale * score for score in scores)
        weights = [
            share(valid, *divmod(q, gw)) * math.exp(config.softmax_scale * score - top)
            for q, score in enumerate(scores)
        ]
        return [weight / sum(weights) for weight in weights]

    return rows_of(t, row)


def coverage_count(t: Values, config: cv.AttentionConfig) -> np.ndarray:
    n, h, w, _ = t["attention"].shape
    paste, rate = t["paste_patches"], config.rate
    total = np.zeros((n, paste.shape[2], h * rate, w * rate))
    count = np.zeros_like(total)
    for sample, row, col in np.ndindex(n, h, w):
        mixed = sum(
            share * patch
            for share, patch in zip(t["attention"][sample, row, col], paste[sample], strict=True)
        )
        for channel, y, x in np.ndindex(mixed.shape):
            to = row * rate - rate // 2 + y, col * rate - rate // 2 + x
            if 0 <= to[0] < h * rate and 0 <= to[1] < w * rate:
                total[sample, channel, *to] += mixed[channel, y, x]
                count[sample, channel, *to] += 1
    return total / count


LOOPS = {
    variants.true_cosine: true_cosine,
    variants.no_norm: no_norm,
    variants.distance: distance,
    variants.projection: projection,
    variants.no_pass: no_pass,
    variants.ones_along_rows: ones_along_rows,
    variants.ones_along_columns: ones_along_columns,
    variants.fusion_after_softmax: fusion_after_softmax,
    variants.minus_infinity: minus_infinity,
    variants.hard_argmax: hard_argmax,
    variants.top_k: top_k,
    variants.valid_centres: valid_centres,
    variants.known_share: known_share,
    variants.coverage_count: coverage_count,
}
STAGE_OF = {
    function: key for variant in variants.ALL.values() for key, function in variant.swap.items()
} | {variants.no_pass: "fused_scores"}
SETTINGS = (
    {"rate": 1},
    {"rate": 2, "softmax_scale": 1.0},
    {"rate": 1, "stride": 2, "softmax_scale": 0.3, "mask_of_batch": "first"},
    {"rate": 1, "ksize": 5, "fuse_k": 5, "softmax_scale": -1.0},
    {"rate": 3, "ksize": 1, "masked": "minus_infinity"},
)


def run_of(**settings: Any) -> tuple[Values, cv.AttentionConfig]:
    """A run of the oracle: two samples of 4×5 cells, each with a hole of its own."""
    config = cv.AttentionConfig(**settings)
    draw = np.random.default_rng(len(str(settings)))
    side = config.rate
    f, b = draw.normal(size=(2, 2, 2, 4 * side, 5 * side))
    mask = np.zeros((2, 1, 4 * side, 5 * side))
    mask[0, 0, :side, : 2 * side] = mask[1, 0, -side:, -side:] = 1
    t = oracle.run(f, b, mask, config)
    t["valid"] = np.array([oracle.valid_of(sample, t["valid"], config) for sample in range(2)])
    return t, config


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("function", LOOPS, ids=lambda function: function.__name__)
def test_a_variant_does_what_its_loops_do(function: Callable, settings: dict[str, Any]) -> None:
    t, config = run_of(**settings)
    stage = BY_KEY[STAGE_OF[function]]
    if function is variants.known_share:
        t["valid"] = valid_centres(t, config)
    inputs = [torch.from_numpy(t[key]) for key in stage.inputs]
    copies = [x.clone() for x in inputs]
    result = function(*inputs, config)
    assert_close(function.__name__, result.double().numpy(), LOOPS[function](t, config) * 1.0)
    assert all(torch.equal(x, copy) for x, copy in zip(inputs, copies, strict=True))


def test_every_variant_has_its_loops() -> None:
    functions = {f for variant in variants.ALL.values() for f in variant.swap.values()}
    assert functions == set(LOOPS)
    assert {f.__name__ for f in functions} == set(variants.__all__) - {"ALL", "Variant"}
    assert len(variants.ALL) == 12
    assert all(variant.name == name for name, variant in variants.ALL.items())
    assert all(variant.question.endswith("?") for variant in variants.ALL.values())
    assert {key for v in variants.ALL.values() for key in v.swap} <= {stage.key for stage in STAGES}


# ---- what a stage promises ----------------------------------------------------------------------


def picture_with_a_hole(
    dtype: torch.dtype = torch.float32, swap: variants.Variant | None = None
) -> cv.Trace:
    """Two samples of 4×6 cells and one mask; soft, so that no share is rounded to 0."""
    x = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(0)).to(dtype)
    mask, config = cv.samples.rectangle((8, 12), 2, 4, 3, 3), cv.AttentionConfig(softmax_scale=0.3)
    return cv.trace(x, x, mask, config, swap=swap.swap if swap else None)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64], ids=str)
@pytest.mark.parametrize("function", LOOPS, ids=lambda function: function.__name__)
def test_a_variant_returns_what_its_stage_would(function: Callable, dtype: torch.dtype) -> None:
    run = picture_with_a_hole(dtype)
    stage = BY_KEY[STAGE_OF[function]]
    result = function(*(run[key].tensor for key in stage.inputs), run.config)
    expected = run[stage.key].tensor
    assert result.dtype == expected.dtype
    assert result.shape[1:] == expected.shape[1:]
    assert len(result) in (1, 2) if stage.key == "valid" else len(result) == 2


@pytest.mark.parametrize(
    ("function", "setting"),
    [
        (variants.no_norm, {"norm": "none"}),
        (variants.minus_infinity, {"masked": "minus_infinity"}),
        (variants.coverage_count, {"overlap": "coverage"}),
        (variants.no_pass, {"fuse": False}),
    ],
    ids=lambda x: getattr(x, "__name__", str(x)),
)
def test_some_are_settings(function: Callable, setting: dict[str, Any]) -> None:
    run = picture_with_a_hole()
    stage = BY_KEY[STAGE_OF[function]]
    result = function(*(run[key].tensor for key in stage.inputs), run.config)
    if function is variants.no_pass:
        result = function(function(run["scores"].tensor, run.config), run.config)
    by_setting = cv.trace(run.f, run.b, run.mask, run.config.replace(**setting))
    torch.testing.assert_close(result, by_setting[stage.key].tensor)


def test_the_best_one_of_top_k_is_the_hard_argmax_and_all_of_them_are_the_softmax() -> None:
    run = picture_with_a_hole()
    inputs = run["fused_scores"].tensor, run["valid"].tensor, run.config
    assert torch.equal(variants.top_k(*inputs, k=1), variants.hard_argmax(*inputs))
    every = variants.top_k(*inputs, k=99)
    torch.testing.assert_close(every, variants.minus_infinity(*inputs))


def test_distances_differ_from_scores_by_what_the_softmax_does_not_see() -> None:
    run = picture_with_a_hole(torch.float64)
    p = torch.nn.functional.unfold(run["downsampled_f"].tensor, 3, padding=1).mT
    q = run["matching_patches"].tensor.flatten(2)
    expected = (-torch.cdist(p, q).square()).softmax(dim=-1)
    scores = variants.distance(
        run["downsampled_f"].tensor, run["matching_patches"].tensor, run.config
    )
    torch.testing.assert_close(scores.flatten(1, 2).softmax(dim=-1), expected)
    assert float(scores.amin()) == 0


def test_where_nothing_is_valid() -> None:
    scores, none = torch.rand(1, 2, 2, 4), torch.zeros(1, 4, dtype=torch.bool)
    config = cv.AttentionConfig()
    for function in (variants.hard_argmax, variants.fusion_after_softmax):
        assert not function(scores, none, config).any()
    for function in (variants.minus_infinity, variants.top_k, variants.known_share):
        assert function(scores, none, config.replace(ksize=1)).isnan().all()


def test_only_the_hard_argmax_has_no_slope() -> None:
    scores = torch.rand(1, 2, 2, 4, requires_grad=True)
    valid, config = torch.ones(1, 4, dtype=torch.bool), cv.AttentionConfig()
    assert not variants.hard_argmax(scores, valid, config).requires_grad
    for function in (variants.top_k, variants.minus_infinity, variants.known_share):
        slope = torch.autograd.grad(function(scores, valid, config)[..., 0].sum(), scores)[0]
        assert slope.any()


@pytest.mark.parametrize("function", [variants.ones_along_columns, variants.fusion_after_softmax])
def test_what_needs_the_grid_of_patches_says_so(function: Callable) -> None:
    valid = [torch.ones(1, 6) > 0] if function is variants.fusion_after_softmax else []
    with pytest.raises(cv.InputError) as caught:
        function(torch.rand(1, 2, 2, 6), *valid, cv.AttentionConfig())
    assert str(caught.value) == (
        "b: expected the size of f, which has 2×2 patches, got one of 6 patches."
    )


@pytest.mark.parametrize("variant", variants.ALL.values(), ids=list(variants.ALL))
def test_a_variant_runs_in_its_stages_place(variant: variants.Variant) -> None:
    plain, run = picture_with_a_hole(), picture_with_a_hole(swap=variant)
    assert set(run.swapped) == set(variant.swap)
    for key, function in variant.swap.items():
        result = function(*(run[name].tensor for name in BY_KEY[key].inputs), run.config)
        assert torch.equal(run[key].tensor, result.expand_as(run[key].tensor))
    assert not torch.equal(run["output"].tensor, plain["output"].tensor)
    assert run.query(1, 2).best(1)[0].weight == float(run["attention"].tensor[0, 1, 2].max())


# ---- the table of make bench --------------------------------------------------------------------


def test_what_the_table_measures_is_the_layer() -> None:
    (hole,) = random_holes(["coffee"], 1)
    measured = Layer({}, [hole]).at(10.0)
    output = cv.contextual_attention(hole.coarse, hole.coarse, hole.mask).clamp(-1, 1)
    assert float(measured.decibels) == pytest.approx(
        cv.samples.psnr(output, hole.truth, hole.mask), abs=1e-4
    )
    cells = cv.trace(hole.coarse, hole.coarse, hole.mask).cells()
    assert sorted((cells.row * GRID[1] + cells.column)[cells.hole]) == hole.queries.tolist()
    assert measured.patches == pytest.approx(
        float(cells.effective_patches[cells.hole].mean()), 1e-4
    )


def test_a_layer_that_is_as_sharp_has_as_many_patches() -> None:
    (hole,) = random_holes(["coffee"], 1)
    layer = Layer(variants.ALL["coverage_count"].swap, [hole])
    tried = [layer.at(scale) for scale in (1.0, 30.0)]
    equal = as_sharp(layer, tried, layer.at(10.0).patches)
    assert equal is not None
    assert equal.scale == pytest.approx(10, rel=0.02)
    assert as_sharp(layer, tried, 5000) is None


def test_the_table_has_a_row_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {name: variants.ALL[name] for name in ("hard_argmax", "coverage_count")}
    monkeypatch.setattr(cv.samples, "PHOTOGRAPHS", ("coffee", "brick"))
    monkeypatch.setattr(variants, "ALL", chosen)
    monkeypatch.setattr(filled_holes, "CONTROLS", {})
    monkeypatch.setattr(filled_holes, "SCALES", (1.0, 10.0, 30.0))
    text, _, note = filled_holes.report(each=1).partition("\n\n")
    names = [line.split(" | ")[0].removeprefix("| ") for line in text.split("\n")[2:]]
    assert names == ["coarse fill", "original", "hard argmax", "coverage count"]
    assert [len(line.split(" | ")) for line in text.split("\n")] == [8] * 6
    argmax, coverage = (line.split(" | ") for line in text.split("\n")[-2:])
    assert argmax[2] == argmax[5] == "–"
    assert float(coverage[5]) == pytest.approx(10, rel=0.02)
    assert note.startswith("2 holes of 16×16 px")


def test_a_photograph_that_is_not_there_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("pooch is needed")

    monkeypatch.setattr(cv.samples, "photograph", missing)
    with pytest.raises(SystemExit, match="The photograph 'coffee' is not in this installation"):
        random_holes(["coffee"], 1)
