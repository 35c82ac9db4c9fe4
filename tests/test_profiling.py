"""The profile: counts by hand, memory as it is held, and what a person reads."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz.profiling import Ceilings, Cost, PeakMemory, Profile, moved, operations
from ctxattn_viz.stages import BY_KEY


@pytest.fixture(scope="module")
def made() -> Profile:
    generator = torch.Generator().manual_seed(0)
    f, b = torch.randn(2, 1, 3, 32, 32, generator=generator)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 1
    return cv.profile(f, b, mask, cv.AttentionConfig(dialect="mmagic"), runs=2)


class TestOperations:
    def test_of_the_worked_example(self) -> None:
        """27-long and 48-long products over 16384² pairs, and what else is done to each pair."""
        trace = cv.trace(*torch.empty(2, 1, 3, 256, 256, device="meta"))
        pairs = 16384 * 16384
        assert operations(trace, "scores") == 2 * 27 * pairs == 14_495_514_624
        assert operations(trace, "output") == 2 * 48 * pairs == 25_769_803_776
        assert operations(trace, "fused_rows") == operations(trace, "fused_scores") == 2 * pairs
        assert operations(trace, "attention") == 8 * pairs
        assert operations(trace, "offsets") == pairs
        rest = set(BY_KEY) - {"scores", "output", "fused_rows", "fused_scores", "attention"}
        assert not any(operations(trace, key) for key in rest - {"offsets"})

    def test_follow_the_configuration(self) -> None:
        f = torch.empty(2, 5, 24, 12, device="meta")
        b = torch.empty(2, 5, 30, 18, device="meta")
        config = cv.AttentionConfig(rate=3, ksize=5, fuse_k=5, stride=2, dialect="mmagic")
        trace = cv.trace(f, b, None, config)
        pairs = 2 * (8 * 4) * (5 * 3)
        assert operations(trace, "scores") == pairs * 2 * 5 * 25
        assert operations(trace, "output") == pairs * 2 * 5 * 36
        assert operations(trace, "fused_rows") == pairs * 4
        assert operations(trace, "attention") == pairs * 6
        plain = cv.trace(f, b, None, config.replace(fuse=False))
        assert operations(plain, "fused_scores") == 0

    def test_the_products_are_what_pytorch_counts(self) -> None:
        """Its own counter knows matrix products: on the stages that are one."""
        from torch.utils.flop_counter import FlopCounterMode

        trace = cv.trace(*torch.randn(2, 2, 3, 16, 24))
        held = {key: trace[key].tensor for key in trace}
        with FlopCounterMode(display=False) as counter:
            cv.stages.matching_scores.matching_scores(
                held["downsampled_f"], held["matching_patches"], trace.config
            )
        assert counter.get_total_flops() == operations(trace, "scores")
        with FlopCounterMode(display=False) as counter:
            cv.stages.deconvolution.mix_patches(held["attention"], held["paste_patches"])
        assert counter.get_total_flops() == operations(trace, "output")


class TestBytes:
    def test_of_the_worked_example(self) -> None:
        """float32: the matrix is 1.07 GB; a stage that reads one and makes one moves two."""
        trace = cv.trace(*torch.empty(2, 1, 3, 256, 256, device="meta"))
        matrix = 4 * 16384**2
        small, patches = 4 * 3 * 128 * 128, 4 * 27 * 16384
        assert moved(trace, "scores") == small + patches + matrix
        assert moved(trace, "fused_rows") == moved(trace, "fused_scores") == 2 * matrix
        assert moved(trace, "attention") == 2 * matrix + 16384
        assert moved(trace, "output") == matrix + 4 * 48 * 16384 + 4 * 3 * 256 * 256
        assert moved(trace, "offsets") == matrix + 16384 * 2 * 8


@pytest.mark.slow
class TestPeakMemory:
    def test_counts_what_is_alive_at_once(self) -> None:
        x = torch.zeros(1000)
        with PeakMemory() as memory:
            y = x + 1  # 4000 bytes
            z = y * 2  # 8000
            del y
            z = z + 1  # 8000 again
            z[:10].add_(1)  # nothing
            x.view(10, 100)  # nothing
        assert memory.peak == 8000
        assert z[0] == 4

    def test_ignores_what_was_there_and_what_is_foreseen(self) -> None:
        x = torch.zeros(1000)
        with PeakMemory() as memory:
            x.add_(1)
            torch.zeros(1 << 40, device="meta")
        assert memory.peak == 0

    def test_scores_hold_the_matrix(self, made: Profile) -> None:
        matrix = 4 * 256**2
        assert matrix <= made["scores"].peak < 1.5 * matrix
        assert made["downsampled_f"].peak >= 4 * 3 * 16 * 16
        assert made["fused_scores"].peak >= 2 * matrix


@pytest.mark.slow
class TestProfile:
    def test_has_every_stage_and_the_layer(self, made: Profile) -> None:
        assert [cost.key for cost in made.stages] == list(BY_KEY)
        assert all(cost.seconds > 0 for cost in made.stages)
        assert made["contextual_attention"] is made.layer
        assert made.layer.seconds > 0
        assert made.method == "sdpa"
        assert made.runs == 2
        assert sum(made.share(key) for key in BY_KEY) == pytest.approx(1)

    def test_of_a_trace_is_of_its_inputs(self) -> None:
        trace = cv.trace(*torch.randn(2, 1, 70, 8, 8), None, cv.AttentionConfig(rate=1))
        made = trace.profile(runs=1)
        assert made["scores"].operations == 2 * 70 * 9 * 64**2
        assert made.method == "diagonals"

    def test_against_the_ceilings(self) -> None:
        costs = (
            Cost("scores", seconds=2.0, operations=100, moved=10, peak=5),
            Cost("attention", seconds=1.0, operations=10, moved=10, peak=5),
        )
        layer = Cost("contextual_attention", 1.0, None, None, 3)
        made = Profile(costs, layer, Ceilings(100.0, 20.0), "abacus", 1, "sdpa")
        assert (made.limit("scores"), made.reached("scores")) == ("operations", 0.5)
        assert (made.limit("attention"), made.reached("attention")) == ("bytes", 0.5)
        assert made.share("scores") == 2 / 3

    def test_the_table_says_it_all(self, made: Profile) -> None:
        lines = repr(made).splitlines()
        assert len(lines) == 1 + len(BY_KEY) + 3
        (scores,) = (line for line in lines if line.startswith("scores"))
        assert "3.54 M" in scores  # 2·27·256²
        assert len({len(line) for line in lines[: 1 + len(BY_KEY)]}) == 1
        assert "method 'sdpa'" in lines[-2]
        assert "a second; medians of 2 runs" in lines[-1]

    def test_the_figure_draws_every_stage_and_the_roof(self, made: Profile) -> None:
        figure = made.figure()
        times, roof = figure.axes
        assert len(times.patches) == len(BY_KEY) + 1
        (line,) = (line for line in roof.lines if len(line.get_xdata()) == 3)
        assert line.get_ydata()[-1] == made.ceilings.operations
        counted = [cost for cost in made.stages if cost.operations]
        said = [text.get_text() for text in roof.texts]
        assert said[0].startswith("fastest copy:\n")
        assert said[1].startswith("fastest matrix product:\n")
        assert said[2:] == [cost.key for cost in counted]
        assert "below the roof" in figure.alt

    def test_the_figure_cuts_no_label(self, made: Profile) -> None:
        """Neither where all stages are far below the roof nor where they touch it."""
        for factor in (1.0, 1e-3):
            stages = tuple(dataclasses.replace(c, seconds=c.seconds * factor) for c in made.stages)
            figure = dataclasses.replace(made, stages=stages).figure()
            _, roof = figure.axes
            figure.draw_without_rendering()
            for text in roof.texts:
                box = text.get_window_extent()
                cut = box.intersection(box, roof.bbox)
                assert cut is not None, text.get_text()
                assert cut.bounds == pytest.approx(box.bounds), text.get_text()

    @pytest.mark.parametrize("runs", [0, -1, 1.5, True])
    def test_without_a_run(self, runs) -> None:
        with pytest.raises(cv.InputError, match="runs: expected an integer ≥ 1"):
            cv.profile(*torch.zeros(2, 1, 1, 4, 4), runs=runs)

    def test_on_no_device(self) -> None:
        with pytest.raises(cv.InputError, match="f: expected a device that computes"):
            cv.profile(*torch.zeros(2, 1, 1, 4, 4, device="meta"))

    def test_too_large_is_refused(self) -> None:
        with pytest.raises(cv.BudgetError):
            cv.profile(*torch.zeros(2, 1, 1, 64, 64), budget=100_000)
