"""Mechanisms at every tick against PyTorch: what is shown is the stages' own, sums are of the terms
so far, and the last tick is what the stage holds. One Node process answers for random settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from torch import Tensor

from ctxattn_viz.config import AttentionConfig
from ctxattn_viz.stages import patch_grid, query_grid
from ctxattn_viz.stages.deconvolution import mix_patches
from ctxattn_viz.stages.fused_softmax import logits, neighbours
from ctxattn_viz.stages.patch_extraction import matching_patches, paste_patches, query_patches
from tests.debugger.test_javascript_parity import Engine, Setting, drawn, numbers, plain, run, text
from tests.support.strategies import examples


@pytest.fixture(scope="module")
def engine(node: str, root: Path) -> Iterator[Engine]:
    running = Engine(node, root / "tests" / "javascript" / "parity.mjs")
    yield running
    running.close()


class Run:
    """One setting run by PyTorch, and what the page's mechanisms say of one query in it."""

    def __init__(self, engine: Engine, setting: Setting, corner: bool) -> None:
        f, b, mask = setting.inputs()
        self.config = config = setting.config
        self.v = v = run(f, b, mask, config)
        self.grid, self.patches = query_grid(v, config), patch_grid(v, config)
        h, w = self.grid
        pick = np.random.default_rng(setting.seed)
        self.p = h * w - 1 if corner else int(pick.integers(h * w))
        self.q = int(pick.integers(self.patches[0] * self.patches[1]))
        self.cell = divmod(self.p, w)
        self.pixel = [
            min(f.shape[2 + axis] - 1, at * config.rate + int(pick.integers(config.rate)))
            for axis, at in enumerate(self.cell)
        ]
        self.told = engine.ask(
            {
                "shape": {"c": f.shape[1], "H": f.shape[2], "W": f.shape[3]}
                | {"Hb": b.shape[2], "Wb": b.shape[3]},
                "f": text(f, np.float32),
                "b": text(b, np.float32),
                "mask": None if setting.hole == 0 else text(mask, np.uint8),
                "recorded": {},
                "config": config.to_dict(),
                "moving": {"p": self.p, "q": self.q, "pixel": self.pixel},
            }
        )
        # What is exponentiated is rounded to float32 on the way: its error grows with its size.
        exponent = float((config.softmax_scale * v["fused_scores"]).abs().max())
        self.soft = max(1e-5, 4 * np.finfo(np.float32).eps * exponent)

    def matrix(self, key: str) -> Tensor:
        return self.v[key].reshape(self.grid[0] * self.grid[1], -1)

    def row(self, key: str) -> Tensor:
        return self.matrix(key)[self.p]


def equal(reached: Any, meant: Any, bound: float = 1e-5, scale: float = 0.0) -> None:
    """Equal to `bound` of the largest magnitude, NaN where NaN is meant."""
    reached, meant = (np.asarray(x, dtype=np.float64).ravel() for x in (reached, meant))
    top = max(np.abs(meant[np.isfinite(meant)]).max(initial=0.0), scale)
    np.testing.assert_allclose(reached, meant, rtol=0, atol=bound * top + 1e-30, equal_nan=True)


def check_shrink(a: Run) -> None:
    f, small = a.v["f"][0], a.v["downsampled_f"][0]
    for tick, frame in enumerate(a.told["shrink"]):
        (row, column), (y, x) = frame["cell"], frame["pixel"]
        equal(numbers(frame["values"]), small[:, row, column], 0)
        equal(numbers(frame["values"]), f[:, y, x], 0)
        assert frame["count"] == tick + 1
    assert list(a.cell) in [frame["cell"] for frame in a.told["shrink"]]


def check_patches(a: Run) -> None:
    cuts = (("downsampled_b", matching_patches), ("b", paste_patches))
    for frames, (source, cut) in zip(a.told["patches"], cuts, strict=True):
        lifted = a.v[cut.__name__][0]
        assert len(frames) == len(lifted)
        ones = cut(torch.ones_like(a.v[source]), a.config)[0]
        for frame, patch, covered in zip(frames, lifted, ones, strict=True):
            equal(numbers(frame["values"]), patch, 0)
            assert frame["outside"] == int((covered[0] == 0).sum())


def check_validity(a: Run) -> None:
    valid = a.v["valid"][0].int()
    for tick, (frame, count) in enumerate(zip(a.told["validity"], valid.cumsum(0), strict=True)):
        assert (frame["validCount"], frame["outCount"]) == (count, tick + 1 - count)
        assert frame["isValid"] == bool(valid[tick]) == (not frame["holes"])


def check_matching(a: Run) -> None:
    query = query_patches(a.v["downsampled_f"], a.config).flatten(1, 2)[0, a.p]
    products = (query * a.v["matching_patches"][0, a.q]).flatten()
    frames = a.told["matching"]
    assert len(frames) == len(products) + 2
    equal([frame["product"] for frame in frames[1:-1]], products, 1e-12)
    sums = [0.0, *products.cumsum(0).tolist()]
    equal([frame["sum"] for frame in frames], [*sums, sums[-1]], 1e-12)
    assert [frame["score"] for frame in frames[:-1]] == [None] * (len(frames) - 1)
    scale = float(a.matrix("scores").abs().max())
    equal(frames[-1]["score"], a.row("scores")[a.q], 1e-6, scale)


def moved(at: int, shift: int, grid: tuple[int, int], order: str) -> int:
    """The cell so many places on; -1 off either end."""
    if at < 0:
        return -1
    cells, inside = neighbours(torch.tensor([at]), shift, grid, order)
    return int(cells[0]) if inside[0] else -1


def check_fusion(a: Run) -> None:
    config = a.config
    reach = config.fuse_k // 2 if config.fuse else 0
    steps = range(-reach, reach + 1)
    scores, rows = a.matrix("scores"), a.matrix("fused_rows")
    scale = max(float(x.abs().max()) for x in (scores, rows, a.matrix("fused_scores")))
    for stage, name in (("fused_rows", "rows"), ("fused_scores", "columns")):
        told = a.told[name]
        lines, meant = [0] if name == "rows" else steps, []
        for line, e in zip(told["lines"], lines, strict=True):
            p1 = moved(a.p, config.stride * e, a.grid, "columns")
            q1 = moved(a.q, e, a.patches, "columns")
            terms = []
            for pair, d in zip(line, steps, strict=True):
                p = moved(p1, config.stride * d, a.grid, "rows")
                q = moved(q1, d, a.patches, "rows")
                assert (pair["p"], pair["q"]) == (p, q)
                assert pair["inside"] == (p >= 0 and q >= 0)
                terms.append(float(scores[p, q]) if pair["inside"] else 0.0)
                if pair["inside"]:
                    for walker, at, middle, grid in (
                        ("queryWraps", p, p1, a.grid),
                        ("patchWraps", q, q1, a.patches),
                    ):
                        assert pair[walker] == (at // grid[1] != middle // grid[1])
            equal([pair["value"] for pair in line], terms, scale=scale)
            whole = float(rows[p1, q1]) if min(p1, q1) >= 0 else 0.0
            equal(sum(terms), whole, scale=scale)
            meant.append(terms)
        check_ticks(a, told["frames"], meant, scale, has_two_passes=name == "columns")
        final = told["frames"][-1]
        total = final["lines"][-1] if name == "rows" else final["total"]
        equal(total, a.row(stage)[a.q], scale=scale)


def check_ticks(
    a: Run,
    frames: list[dict[str, Any]],
    meant: list[list[float]],
    scale: float,
    has_two_passes: bool,
) -> None:
    """First pass: term by term along each line; second: line by line."""
    length = len(meant[0])
    count = len(meant) * length
    assert len(frames) == 1 + count + (length + 2 if has_two_passes else 0)
    for tick, frame in enumerate(frames[: 1 + count]):
        line, done = divmod(tick - 1, length) if tick else (0, -1)
        sums = [sum(terms) for terms in meant[:line]] + [sum(meant[line][: done + 1])]
        equal(frame["lines"], sums, scale=scale)
        assert frame["total"] is None
        check_block(a.matrix("scores"), frame, scale)
    for tick, frame in enumerate(frames[1 + count :]):
        equal(frame["total"], sum(map(sum, meant[:tick])), scale=scale)
        check_block(a.matrix("fused_rows"), frame, scale)


def check_block(matrix: Tensor, frame: dict[str, Any], scale: float) -> None:
    """The part of the matrix beside the diagonal holds that matrix's own numbers."""
    block = frame["block"]
    for p, row in zip(block["queries"], block["values"], strict=True):
        for q, value in zip(block["patches"], row, strict=True):
            if p < 0 or q < 0:
                assert value is None
            elif value is not None:
                equal(value, matrix[p, q], scale=scale)


def check_softmax(a: Run) -> None:
    told, config = a.told["softmax"], a.config
    bars, frames = told["bars"], told["frames"]
    valid = a.v["valid"][0]
    logit = logits(a.v["fused_scores"], a.v["valid"], config).reshape(len(a.matrix("scores")), -1)
    logit, weights = logit[a.p], a.row("attention")
    assert sum(bar["count"] for bar in bars) == len(valid)
    assert sum(bar["count"] for bar in bars if bar["kind"] == "hole") == int((~valid).sum())
    shown = [bar["q"] for bar in bars if bar["kind"] == "patch"]
    others = valid.clone()
    others[shown] = False
    top = numbers(told["top"])[0]
    scale = max(1.0, float(a.matrix("fused_scores").abs().max()))

    def over(row: Tensor) -> list[float]:
        """The sum of a row over what each bar stands for."""
        groups = {"others": others, "hole": ~valid}
        return [
            float(row[bar["q"]] if bar["kind"] == "patch" else row[groups[bar["kind"]]].sum())
            for bar in bars
        ]

    exponentials = (logit - top).exp()
    is_counted = config.masked == "zero"
    for frame in frames:
        values, (total,) = numbers(frame["values"]), numbers(frame["sum"])
        match frame["phase"]:
            case "scores":
                equal(values, a.row("fused_scores")[[bar["q"] for bar in bars]], scale=scale)
            case "scaled" | "masked":
                factor = config.softmax_scale if frame["phase"] == "scaled" else 1.0
                meant = factor * a.row("fused_scores")[[bar["q"] for bar in bars]]
                for i, bar in enumerate(bars):
                    if bar["kind"] == "hole":
                        meant[i] = 0 if is_counted else -torch.inf
                equal(values, meant, scale=scale * max(1.0, abs(factor)))
            case "exponentials" | "sum":
                if valid.any() or is_counted:
                    equal(values, over(exponentials), 4 * a.soft, scale=1.0)
                    equal(total, sum(over(exponentials)[: frame["added"]]), 4 * a.soft, scale=1.0)
            case "shares" | "cleared":
                meant = over(weights)
                for i, bar in enumerate(bars):
                    if bar["kind"] == "hole" and frame["phase"] == "shares" and is_counted:
                        meant[i] = over(exponentials)[i] / sum(over(exponentials))
                    elif bar["kind"] == "hole" and valid.any():
                        assert values[i] == 0
                equal(values, meant, 4 * a.soft, scale=1.0)
    last = "cleared" if is_counted and not valid.all() else "shares"
    assert frames[-1]["phase"] == last


def check_paste(a: Run) -> None:
    told, w, rate = a.told["paste"], a.grid[1], a.config.rate
    mixed = mix_patches(a.v["attention"], a.v["paste_patches"])[0]  # h, w, c, 2·rate, 2·rate
    box, whole = told["box"], told["whole"]
    c, side = mixed.shape[2], 2 * rate
    H, W = a.v["f"].shape[2:]
    scale = float(a.v["b"].abs().max())

    def cut(values: Tensor, part: dict[str, int]) -> Tensor:
        rows = slice(part["top"], part["top"] + part["rows"])
        return values[..., rows, part["left"] : part["left"] + part["cols"]]

    before = rate // 2
    for frame in told["frames"]:
        canvas = torch.zeros(c, H + 2 * side, W + 2 * side, dtype=torch.float64)
        counts = torch.zeros(H + 2 * side, W + 2 * side)
        for row, column in frame["laid"]:
            y, x = side + row * rate - before, side + column * rate - before
            canvas[:, y : y + side, x : x + side] += mixed[row, column]
            counts[y : y + side, x : x + side] += 1
        sums, laid = canvas[:, side:-side, side:-side], counts[side:-side, side:-side]
        assert frame["counts"] == cut(laid, box).flatten().int().tolist()
        pixels = torch.tensor(numbers(frame["pixels"])).reshape(c, box["rows"], box["cols"])
        if frame["phase"] in ("empty", "scatter"):
            equal(pixels, cut(sums, box), a.soft, 4 * scale)
        else:
            inner = {"top": whole["top"] - box["top"], "left": whole["left"] - box["left"]}
            equal(cut(pixels, whole | inner), cut(a.v["output"][0], whole), a.soft, scale)
        y, x = a.pixel
        if frame["phase"] == "gather":
            total = torch.zeros(c, dtype=torch.float64)
            for p in frame["collected"]:
                row, column = divmod(p, w)
                total += mixed[row, column, :, y - row * rate + before, x - column * rate + before]
            equal(numbers(frame["sum"]), total, a.soft, 4 * scale)
    assert told["frames"][-1]["phase"] == "value"
    equal(numbers(told["frames"][-1]["sum"]), a.v["output"][0, :, y, x], a.soft, scale)


def check_offset(a: Run) -> None:
    told, weights = a.told["offset"], a.row("attention").nan_to_num(0)
    step, columns = a.config.stride, a.patches[1]
    leaders = [leader["q"] for leader in told["leaders"]]
    assert leaders == sorted(leaders)
    shares = [leader["share"] for leader in told["leaders"]]
    assert all(one < other for one, other in pairwise(shares))
    equal(shares, weights[leaders], a.soft, 1.0)
    best = leaders[-1] if leaders else 0
    assert weights[best] >= weights.max() * (1 - 2 * a.soft)
    meant = [best // columns * step - a.cell[0], best % columns * step - a.cell[1]]
    frames = told["frames"]
    assert frames[0]["walked"] == [0, 0]
    assert frames[-1]["walked"] == meant
    assert len(frames) == len(leaders) + sum(map(abs, meant)) + 2
    for before, frame in pairwise(frames):
        moves = [abs(x - y) for x, y in zip(before["walked"], frame["walked"], strict=True)]
        assert sum(moves) == (frame["phase"] == "walk")
        assert not moves[1] or frame["walked"][0] == meant[0], "the rows come first"


CHECKS = (
    check_shrink,
    check_patches,
    check_validity,
    check_matching,
    check_fusion,
    check_softmax,
    check_paste,
    check_offset,
)


@settings(max_examples=examples(8, thorough=100))
@given(drawn())
@example(plain())
@example(plain(config=AttentionConfig(dialect="mmagic"), hole=1.0))  # NaN throughout
@example(plain(config=AttentionConfig(dialect="mmagic")))  # divided by how many there are
@example(plain(config=AttentionConfig(softmax_scale=0.0), hole=0.3))  # the hole counts in the sum
@example(plain(config=AttentionConfig(stride=2, fuse_k=5), f_grid=(4, 7), b_grid=(7, 5)))
@example(plain(config=AttentionConfig(rate=2), f_grid=(1, 27), b_grid=(2, 27)))  # 54 → 27
def test_every_tick_is_what_pytorch_has(engine: Engine, setting: Setting) -> None:
    for corner in (True, False):
        a = Run(engine, setting, corner)
        for check in CHECKS:
            check(a)


def test_a_wrap_and_an_end_are_met(engine: Engine) -> None:
    """The cases that the walk is watched for occur: a line's end, and the matrix's."""
    a = Run(engine, plain(f_grid=(4, 5), b_grid=(4, 5)), corner=True)
    pairs = [pair for line in a.told["columns"]["lines"] for pair in line]
    assert any(pair["queryWraps"] for pair in pairs)
    assert not all(pair["inside"] for pair in pairs)
