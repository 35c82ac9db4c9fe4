"""contextual_attention, the layer and the summary: the stages' answer without the score matrix."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings

import ctxattn_viz as cv
from ctxattn_viz import devices
from ctxattn_viz.attention import METHODS, attention_summary, choose_method
from ctxattn_viz.attention import blocks as attention_blocks
from ctxattn_viz.attention import diagonals as attention_diagonals
from ctxattn_viz.attention import estimates as attention_estimates
from ctxattn_viz.attention import layer as attention
from ctxattn_viz.attention import tiles as attention_tiles
from ctxattn_viz.attention import vectors as attention_vectors
from ctxattn_viz.stages.fused_softmax import logits
from tests.support.closeness import assert_close
from tests.support.recorded import CASES, Case, assert_within_bound, tensors
from tests.support.strategies import Setting, examples, settings_of_attention

WAYS = METHODS[1:]  # all but "auto"
SUMMARISING = ("vectors", "diagonals")


def traced(setting: Setting) -> tuple[cv.Trace, torch.Tensor | None]:
    mask = None if setting.mask is None else torch.from_numpy(setting.mask)
    f, b = torch.from_numpy(setting.f), torch.from_numpy(setting.b)
    return cv.trace(f, b, mask, setting.config), mask


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_output(case: Case, method: str) -> None:
    y = cv.contextual_attention(*tensors(case, torch.float32), case.config, method=method)
    assert_within_bound(y.numpy(), case.figures["y"])


@pytest.mark.parametrize("method", SUMMARISING)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_recorded_offset(case: Case, method: str) -> None:
    if "offsets" not in case.figures:
        return
    found = attention_summary(*tensors(case, torch.float32), case.config, method=method)
    match = torch.stack(
        (found.argmax // found.argmax.shape[2], found.argmax % found.argmax.shape[2])
    )
    own = torch.stack(torch.meshgrid(*map(torch.arange, found.argmax.shape[1:]), indexing="ij"))
    got = match.permute(1, 2, 3, 0) * case.config.stride - own.permute(1, 2, 0)
    assert (got.numpy() == case.figures["offsets"]).all()


@pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
@settings(max_examples=examples(100, thorough=200))
@given(settings_of_attention())
def test_every_way_agrees_with_the_stages(setting: Setting) -> None:
    trace, mask = traced(setting)
    expected = trace["output"].tensor
    seen = logits(trace["fused_scores"].tensor, trace["valid"].tensor, trace.config)
    for method in WAYS:
        y = cv.contextual_attention(trace.f, trace.b, mask, trace.config, method=method)
        assert_close(method, y.numpy(), expected.numpy())
    for method in SUMMARISING:
        found = attention_summary(trace.f, trace.b, mask, trace.config, method=method)
        assert_close(method, found.output.numpy(), expected.numpy())
        largest = 1 + seen[seen.isfinite()].abs().max() if seen.isfinite().any() else 1
        lse, off = seen.logsumexp(dim=-1), 0 * found.lse
        lse = torch.where(lse.isnan(), -torch.inf, lse)  # nothing is valid
        same = found.lse == lse  # also where both are −∞
        off = torch.where(same, 0, (found.lse - lse).abs())
        assert off.max() <= 1e-9 * largest, method
        attended = trace["attention"].tensor
        best = attended.amax(dim=-1).nan_to_num()
        reached = attended.gather(-1, found.argmax[..., None])[..., 0].nan_to_num()
        assert (reached >= best * (1 - 1e-9)).all(), f"{method}: a better match was passed by"
        assert (found.argmax[best == 0] == 0).all(), f"{method}: nothing attended to: patch 0"


GRADIENTS = {
    "tensorflow": {},
    "pytorch": {"dialect": "pytorch"},
    "mmagic": {"dialect": "mmagic"},
    "not fused, not normed": {"norm": "none", "fuse": False, "softmax_scale": 1.0},
    "rate 1, one cell a patch": {"rate": 1, "ksize": 1},
    "rate 3, fuse_k 5": {"rate": 3, "fuse_k": 5, "softmax_scale": 1.0},
    "stride 2": {"stride": 2, "dialect": "mmagic"},
    "stride 3, ksize 5": {"stride": 3, "ksize": 5, "overlap": "coverage"},
}


def inputs(
    config: cv.AttentionConfig, dtype: torch.dtype = torch.float64
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two samples of three channels, f on 6×5 cells and b on 5×7, a hole of a few cells each."""
    generator = torch.Generator().manual_seed(5)
    r = config.rate
    f = torch.randn(2, 3, 6 * r, 5 * r, generator=generator, dtype=dtype)
    b = torch.randn(2, 3, 5 * r, 7 * r, generator=generator, dtype=dtype)
    mask = torch.zeros(2, 1, 5 * r, 7 * r)
    mask[0, :, : 2 * r, :r] = 1
    mask[1, :, 4 * r :, 3 * r : 5 * r] = 1
    return f.requires_grad_(), b.requires_grad_(), mask


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("changes", GRADIENTS.values(), ids=[*GRADIENTS])
def test_gradients_are_those_of_the_stages(changes: dict, method: str) -> None:
    config = cv.AttentionConfig(**changes)
    for dtype, bound in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        f, b, mask = inputs(config, dtype)
        toward = torch.randn(f.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
        expected = cv.stages.forward(f, b, mask, config)
        y = cv.contextual_attention(f, b, mask, config, method=method)
        for got, want in zip(
            torch.autograd.grad(y, (f, b), toward),
            torch.autograd.grad(expected, (f, b), toward),
            strict=True,
        ):
            assert (got - want).abs().max() <= bound * want.abs().max()


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("changes", GRADIENTS.values(), ids=[*GRADIENTS])
def test_gradcheck(changes: dict, method: str) -> None:
    config = cv.AttentionConfig(**{"softmax_scale": 2.0, **changes})
    f, b, mask = inputs(config)
    f, b, mask = (x[:1, :2].detach() for x in (f, b, mask))
    f.requires_grad_()
    b.requires_grad_()

    def attend(f: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return cv.contextual_attention(f, b, mask, config, method=method)

    assert torch.autograd.gradcheck(attend, (f, b), fast_mode=True)


def test_gradients_through_the_summary_reach_the_output_alone() -> None:
    config = cv.AttentionConfig()
    for method in SUMMARISING:
        found = attention_summary(*inputs(config), config, method=method)
        assert found.output.requires_grad
        assert not found.lse.requires_grad
        assert not found.argmax.requires_grad


class TestBlocks:
    """Many small blocks must give what one large one does."""

    @pytest.mark.parametrize("room", [1, 40, 400])
    @pytest.mark.parametrize("method", SUMMARISING)
    @pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
    def test_forward_and_backward(self, monkeypatch, method: str, room: int, dialect: str) -> None:
        config = cv.AttentionConfig(dialect=dialect)
        f, b, mask = inputs(config)
        whole = attention_summary(f, b, mask, config, method=method)
        expected = torch.autograd.grad(whole.output.square().sum(), (f, b))
        monkeypatch.setattr(attention_blocks, "BLOCK_SIZE", {"cpu": room})
        monkeypatch.setattr(attention_blocks, "FEWEST_ROWS", 1)
        monkeypatch.setattr(attention_tiles, "TILE_SIZE", {"cpu": room})
        parts = attention_summary(f, b, mask, config, method=method)
        for got, want in zip(parts, whole, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
        for got, want in zip(
            torch.autograd.grad(parts.output.square().sum(), (f, b)), expected, strict=True
        ):
            torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
    def test_one_call_in_parts(self, monkeypatch, dialect: str) -> None:
        config = cv.AttentionConfig(dialect=dialect)
        f, b, mask = inputs(config)
        whole = cv.contextual_attention(f, b, mask, config, method="sdpa")
        expected = torch.autograd.grad(whole.square().sum(), (f, b))
        monkeypatch.setattr(attention_blocks, "PAIRS", {"cpu": 100})
        parts = cv.contextual_attention(f, b, mask, config, method="sdpa")
        torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)
        for got, want in zip(
            torch.autograd.grad(parts.square().sum(), (f, b)), expected, strict=True
        ):
            torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)

    def test_there_are_several(self, monkeypatch) -> None:
        """Or the test above would compare a thing with itself."""
        monkeypatch.setattr(attention_tiles, "TILE_SIZE", {"cpu": 400})
        config, cpu = cv.AttentionConfig(), torch.device("cpu")
        tiles = attention_tiles.plan((6, 5), (5, 7), config, None, cpu).tiles
        assert len(tiles) == 4
        cells = torch.cat([tile.cells for tile in tiles])
        assert torch.equal(cells.sort().values, torch.arange(30))


class TestMaskedKeysThatStay:
    """As on a GPU, where counting them would make everything wait."""

    @pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.MaskWarning")
    @pytest.mark.parametrize("method", ["vectors", "sdpa"])
    @pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
    @pytest.mark.parametrize("kind", ["some", "none", "all"])
    def test_give_the_same(self, monkeypatch, method: str, dialect: str, kind: str) -> None:
        config = cv.AttentionConfig(dialect=dialect)
        f, b, mask = inputs(config)
        mask = {"some": mask, "none": mask * 0, "all": torch.ones_like(mask)}[kind]
        expected = cv.contextual_attention(f, b, mask, config, method=method)
        summary = attention_summary(f, b, mask, config, method="vectors")
        monkeypatch.setattr(devices, "COUNTED", ())
        y = cv.contextual_attention(f, b, mask, config, method=method)
        torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10, equal_nan=True)
        found = attention_summary(f, b, mask, config, method="vectors")
        torch.testing.assert_close(found.lse, summary.lse, rtol=1e-10, atol=1e-10)
        assert torch.equal(found.argmax, summary.argmax)
        for got, want in zip(
            torch.autograd.grad(y.square().sum(), (f, b)),
            torch.autograd.grad(expected.square().sum(), (f, b)),
            strict=True,
        ):
            torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9, equal_nan=True)


class TestHole:
    def hole(self, rate: int = 2) -> torch.Tensor:
        mask = torch.zeros(2, 1, 8 * rate, 8 * rate)
        mask[0, :, 3 * rate : 6 * rate, :rate] = 1
        mask[1, :, 5, 3:5] = 1
        return mask

    @pytest.mark.parametrize("method", WAYS)
    @pytest.mark.parametrize("rate", [1, 2, 3])
    def test_is_filled_as_by_all_queries(self, method: str, rate: int) -> None:
        config = cv.AttentionConfig(rate=rate)
        f, b = torch.randn(2, 2, 3, 8 * rate, 8 * rate, dtype=torch.float64)
        mask = self.hole(rate)
        full = cv.contextual_attention(f, b, mask, config)
        y = cv.contextual_attention(f, b, mask, config, method=method, queries="hole")
        inside = mask.bool().expand_as(f)
        torch.testing.assert_close(y[inside], full[inside], rtol=1e-10, atol=1e-10)
        assert torch.equal(y[~inside], f[~inside])
        zero = cv.contextual_attention(
            f, b, mask, config, method=method, queries="hole", rest="zero"
        )
        assert torch.equal(zero[inside], y[inside])
        assert not zero[~inside].any()

    @pytest.mark.parametrize("method", WAYS)
    def test_gradients(self, method: str) -> None:
        f, b = torch.randn(2, 2, 3, 16, 16, dtype=torch.float64)
        f.requires_grad_()
        b.requires_grad_()
        mask = self.hole()
        full = torch.where(mask > 0, cv.contextual_attention(f, b, mask), f)
        y = cv.contextual_attention(f, b, mask, method=method, queries="hole")
        for got, want in zip(
            torch.autograd.grad(y.square().sum(), (f, b)),
            torch.autograd.grad(full.square().sum(), (f, b)),
            strict=True,
        ):
            torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize("method", WAYS)
    def test_of_a_foreground_of_its_own_size(self, method: str) -> None:
        f, b = torch.randn(1, 2, 12, 20), torch.randn(1, 2, 16, 8)
        hole = torch.zeros(1, 1, 24, 40)  # at twice f's size, as ports pass it
        hole[..., 8:16, 20:] = 1
        config = cv.AttentionConfig(dialect="pytorch")
        full = cv.contextual_attention(f, b, None, config)
        y = cv.contextual_attention(
            f, b, None, config, method=method, queries="hole", foreground_mask=hole
        )
        torch.testing.assert_close(y[..., 4:8, 10:], full[..., 4:8, 10:])
        assert torch.equal(y[..., :10], f[..., :10])

    @pytest.mark.parametrize("method", WAYS)
    def test_of_no_pixel_leaves_everything(self, method: str) -> None:
        f, b = torch.randn(2, 2, 1, 8, 8)
        mask = torch.zeros(1, 1, 8, 8)
        assert torch.equal(cv.contextual_attention(f, b, mask, method=method, queries="hole"), f)

    @pytest.mark.parametrize("value", [255, 0.5, -1, float("nan")])
    def test_is_wherever_the_mask_is_not_zero(self, value: float) -> None:
        """As for the validity of patches: values are not looked at, so none is refused."""
        f, b = torch.randn(2, 2, 3, 16, 16)
        hole = self.hole()
        odd = hole.masked_fill(hole > 0, value)
        for queries in ("all", "hole"):
            meant = cv.contextual_attention(f, b, hole, queries=queries)
            assert torch.equal(cv.contextual_attention(f, b, odd, queries=queries), meant)

    def test_only_its_cells_are_computed(self, monkeypatch) -> None:
        """A 4×4 hole on cells of 2×2 pixels is reached by the patches of 4×4 cells."""
        asked = []
        original = attention_vectors.queries_and_keys
        monkeypatch.setattr(
            attention_vectors,
            "queries_and_keys",
            lambda f, b, cells, config: asked.append(cells) or original(f, b, cells, config),
        )
        f = torch.randn(1, 1, 32, 32)
        mask = torch.zeros(1, 1, 32, 32)
        mask[..., 8:12, 16:20] = 1
        cv.contextual_attention(f, f, mask, queries="hole")
        (cells,) = asked
        assert cells.tolist() == [16 * y + x for y in range(3, 7) for x in range(7, 11)]

    def test_must_be_known(self) -> None:
        f, b = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 16)
        with pytest.raises(cv.InputError, match=r"foreground_mask: .*the hole of f.*no mask"):
            cv.contextual_attention(f, f, queries="hole")
        with pytest.raises(cv.InputError, match=r"foreground_mask: .*f \(8, 8\) and b \(8, 16\)"):
            cv.contextual_attention(f, b, torch.ones(1, 1, 8, 16), queries="hole")
        wrong = torch.ones(1, 1, 8, 16)
        with pytest.raises(cv.InputError, match=r"foreground_mask: .*f's size \(8, 8\) or a whole"):
            cv.contextual_attention(f, b, queries="hole", foreground_mask=wrong)


@pytest.mark.parametrize(
    ("argument", "value"), [("method", "fast"), ("queries", "some"), ("rest", "leave")]
)
def test_a_choice_that_does_not_exist(argument: str, value: str) -> None:
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(cv.InputError, match=f"{argument}: expected one of .*, got '{value}'"):
        cv.contextual_attention(x, x, **{argument: value})


def test_what_one_call_does_not_find_cannot_be_asked_of_it() -> None:
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(cv.InputError, match="method: expected one of 'auto', 'vectors', 'diag"):
        attention_summary(x, x, method="sdpa")
    with pytest.raises(cv.InputError, match="method: "):
        cv.ContextualAttention(method="sdpa")


def test_a_layer_is_refused_a_wrong_configuration_when_it_is_made() -> None:
    with pytest.raises(cv.InputError, match="config: expected an AttentionConfig, got dict"):
        cv.ContextualAttention({"rate": 2})  # type: ignore[arg-type]


class TestChoice:
    def test_few_channels_one_call_and_many_diagonals(self) -> None:
        config = cv.AttentionConfig()
        assert choose_method(3, config) == "sdpa"
        assert {choose_method(c, config) for c in (64, 128, 512)} == {"diagonals"}

    def test_a_wide_stride_has_little_to_gain_from_overlaps(self) -> None:
        assert choose_method(64, cv.AttentionConfig(stride=4, fuse=False)) == "sdpa"

    @pytest.mark.parametrize(("channels", "runs"), [(3, "one_call"), (64, "diagonals")])
    def test_it_is_what_runs(self, monkeypatch, channels: int, runs: str) -> None:
        ran = []
        for module, name, key in (
            (attention_blocks, "attention_in_one_call", "one_call"),
            (attention_blocks, "attention_in_blocks", "blocks"),
            (attention_diagonals, "diagonal_attention", "diagonals"),
        ):
            kept = getattr(module, name)
            monkeypatch.setattr(
                module, name, lambda *a, kept=kept, key=key: ran.append(key) or kept(*a)
            )
        x = torch.randn(1, channels, 16, 16)
        cv.contextual_attention(x, x)
        assert set(ran) == {runs}
        ran.clear()
        cv.contextual_attention(x, x, method="vectors")
        assert set(ran) == {"blocks"}

    def test_the_layer_shows_its_own(self) -> None:
        layer = cv.ContextualAttention(method="diagonals")
        assert "method='diagonals'" in repr(layer)
        assert "dialect='tensorflow'" in repr(layer) or "AttentionConfig(" in repr(layer)


class TestVectors:
    """What notebook 08 proves: a fused score is one inner product."""

    @pytest.mark.parametrize("stride", [1, 2])
    @pytest.mark.parametrize("fuse_k", [1, 3, 5])
    def test_both_forms_are_the_fused_scores(self, stride: int, fuse_k: int) -> None:
        config = cv.AttentionConfig(rate=1, fuse_k=fuse_k, stride=stride)
        f, b = torch.randn(1, 2, 12, 11, dtype=torch.float64), torch.randn(1, 2, 9, 10).double()
        expected = cv.trace(f, b, None, config)["fused_scores"].tensor[0].flatten(0, 1)
        every = torch.arange(12 * 11)
        long = attention_vectors.long_queries(f, every, config)
        got = long @ attention_vectors.long_keys(b, config).mT
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)
        inner = attention_vectors.away_from_border((12, 11), config).nonzero()[:, 0]
        assert len(inner)
        short = attention_vectors.window_queries(f, inner, config)
        got = short @ attention_vectors.window_keys(b, config).mT
        torch.testing.assert_close(got, expected[inner], rtol=1e-10, atol=1e-10)
        assert short.shape[1] == attention_vectors.length(2, config) <= long.shape[1]

    def test_lengths_of_the_worked_example(self) -> None:
        config = cv.AttentionConfig()
        assert attention_vectors.length(3, config) == 75
        assert attention_vectors.long_keys(torch.randn(1, 3, 8, 8), config).shape == (64, 243)
        assert attention_vectors.length(3, config.replace(fuse=False)) == 27

    def test_queries_at_the_border_wrap_and_take_the_long_form(self) -> None:
        inner = attention_vectors.away_from_border((4, 5), cv.AttentionConfig()).view(4, 5)
        assert inner.nonzero().tolist() == [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]]


def test_blocks_of_b_are_quarters_of_paste_patches() -> None:
    for rate in (1, 2, 3):
        b = torch.randn(1, 2, 4 * rate, 3 * rate)
        blocks = attention_diagonals.cut_blocks(b, rate).view(5, 4, 2, rate, rate)
        patches = cv.stages.patch_extraction.paste_patches(b, cv.AttentionConfig(rate=rate))
        patches = patches.view(4, 3, 2, 2 * rate, 2 * rate)
        for y, x, i, j in itertools.product(range(4), range(3), (0, 1), (0, 1)):
            part = patches[y, x, :, i * rate : (i + 1) * rate, j * rate : (j + 1) * rate]
            assert torch.equal(part, blocks[y + i, x + j])
        joined = attention_diagonals.join_blocks(blocks.view(1, 20, -1), (4, 3), rate)
        assert torch.equal(joined, b)


def test_the_meta_device_has_shapes_and_costs_nothing() -> None:
    f, b = (torch.empty(2, 3, 64, size, device="meta") for size in (48, 80))
    assert cv.contextual_attention(f, b).shape == f.shape
    found = attention_summary(f.half(), b.half())
    assert (found.output.dtype, found.lse.dtype) == (torch.float16, torch.float32)
    assert found.lse.shape == found.argmax.shape == (2, 32, 24)


def test_autocast_does_not_round_what_must_be_exact() -> None:
    for channels in (3, 64):
        f, b = torch.randn(2, 1, channels, 16, 16)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = cv.contextual_attention(f, b)
        assert torch.equal(y, cv.contextual_attention(f, b))


class TestLongWork:
    def test_shows_a_bar_after_a_while_and_not_before(self, monkeypatch, capsys) -> None:
        from ctxattn_viz import progress

        assert list(progress.with_progress_bar(range(3), "attention")) == [0, 1, 2]
        assert not capsys.readouterr().err
        monkeypatch.setattr(progress, "PATIENCE", -1.0)
        monkeypatch.delenv("TQDM_DISABLE", raising=False)
        f, b = torch.randn(2, 1, 3, 32, 32)
        for method in WAYS:
            cv.contextual_attention(f, b, method=method)
            assert "attention:" in capsys.readouterr().err, method
        monkeypatch.setenv("TQDM_DISABLE", "1")
        cv.contextual_attention(f, b)
        assert not capsys.readouterr().err

    def test_can_be_interrupted(self, monkeypatch) -> None:
        """Nothing is left behind: the next call gives the same as if there had been none."""
        f, b = torch.randn(2, 1, 3, 32, 32)
        expected = cv.contextual_attention(f, b, method="vectors")
        monkeypatch.setattr(attention_blocks, "BLOCK_SIZE", {"cpu": 1000})
        count = itertools.count()

        def mm(*args, real=torch.mm, **kwargs):
            if next(count) == 7:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(torch, "mm", mm)
            with pytest.raises(KeyboardInterrupt):
                cv.contextual_attention(f, b, method="vectors")
        torch.testing.assert_close(cv.contextual_attention(f, b, method="vectors"), expected)

    @pytest.mark.parametrize(
        "problem",
        [
            MemoryError(),
            torch.OutOfMemoryError("CUDA out of memory."),
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        ],
        ids=["Python", "CUDA", "CPU"],
    )
    @pytest.mark.parametrize("channels", [3, 64])
    def test_out_of_memory_says_what_would_fit(self, monkeypatch, problem, channels: int) -> None:
        def fail(*args, **kwargs):
            raise problem

        monkeypatch.setattr(attention, "attend", fail)
        monkeypatch.setattr(attention_estimates, "free_memory", lambda device: 10_000_000)
        f = torch.empty(1, channels, 512, 256)
        with pytest.raises(
            cv.BudgetError, match=r"free memory, 10 MB, got about .*B for f 512×256"
        ):
            cv.contextual_attention(f, f)
        with pytest.raises(cv.BudgetError, match=r"f \d+×\d+ and b \d+×\d+ would fit"):
            attention_summary(f, f)

    def test_other_errors_are_left_alone(self, monkeypatch) -> None:
        def fail(*args, **kwargs):
            raise RuntimeError("something else")

        monkeypatch.setattr(attention, "attend", fail)
        with pytest.raises(RuntimeError, match="something else"):
            cv.contextual_attention(*torch.zeros(2, 1, 1, 4, 4))

    def test_real_shortage(self) -> None:
        """In a process that may take hardly more memory than PyTorch itself."""
        code = """
import resource, torch, ctxattn_viz as cv
f = torch.zeros(1, 3, 4096, 4096)
cv.contextual_attention(*torch.zeros(2, 1, 3, 16, 16))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400_000_000,) * 2)
try:
    cv.contextual_attention(f, f, queries="hole", foreground_mask=torch.ones(1, 1, 4096, 4096))
except cv.BudgetError as problem:
    print(problem)
"""
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
        )
        assert "contextual_attention: expected to fit the free memory" in done.stdout, done.stderr


@pytest.mark.gpu
class TestOnGpu:
    """What the CPU cannot show: the same there, without waiting, and without the matrix."""

    @pytest.mark.parametrize("method", WAYS)
    @pytest.mark.parametrize("changes", GRADIENTS.values(), ids=[*GRADIENTS])
    def test_output_and_gradients(self, changes: dict, method: str) -> None:
        config = cv.AttentionConfig(**changes)
        f, b, mask = inputs(config)
        y = cv.contextual_attention(f, b, mask, config)
        expected = [y, *torch.autograd.grad(y.square().sum(), (f, b))]
        f, b, mask = (x.detach().cuda() for x in (f, b, mask))
        f.requires_grad_()
        b.requires_grad_()
        y = cv.contextual_attention(f, b, mask, config, method=method)
        for got, want in zip(
            [y, *torch.autograd.grad(y.square().sum(), (f, b))], expected, strict=True
        ):
            torch.testing.assert_close(got.cpu(), want, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("method", SUMMARISING)
    @pytest.mark.parametrize("dialect", ["tensorflow", "mmagic"])
    @pytest.mark.parametrize("masked", [0.0, 1.0])
    def test_summary(self, method: str, dialect: str, masked: float) -> None:
        config = cv.AttentionConfig(dialect=dialect)
        f, b, mask = (x.detach() for x in inputs(config))
        mask = torch.full_like(mask, masked) if masked else mask
        expected = attention_summary(f, b, mask, config)
        found = attention_summary(f.cuda(), b.cuda(), mask.cuda(), config, method=method)
        for got, want in zip(found, expected, strict=True):
            torch.testing.assert_close(got.cpu(), want, equal_nan=True)

    @pytest.mark.parametrize("channels", [3, 64])
    def test_nothing_waits(self, channels: int) -> None:
        f, b = torch.randn(2, 1, channels, 32, 32, device="cuda")
        mask = torch.zeros(1, 1, 32, 32, device="cuda")
        cv.contextual_attention(f, b, mask)  # kernels are loaded
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            cv.contextual_attention(f, b, mask)
        finally:
            torch.cuda.set_sync_debug_mode(before)

    @pytest.mark.parametrize("channels", [3, 64])
    def test_memory_is_far_below_the_matrix(self, channels: int) -> None:
        f, b = torch.randn(2, 1, channels, 512, 512, device="cuda").requires_grad_()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        cv.contextual_attention(f, b).sum().backward()
        assert torch.cuda.max_memory_allocated() - before < 4 * 65536**2 / 4
