"""A function of one's own in place of a stage: what follows, how it is read, what is refused."""

import copy
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

import ctxattn_viz as cv
from ctxattn_viz.debugger.outcome import outcome_of
from ctxattn_viz.stages import BY_KEY, MATRICES
from tests.support import oracle

Function = Callable[..., Tensor]


def inputs() -> dict[str, Tensor]:
    """Two samples, f and b of different sizes, each with its own hole."""
    generator = torch.Generator().manual_seed(15)
    f = torch.randn(2, 3, 8, 12, generator=generator, dtype=torch.float64)
    b = torch.randn(2, 3, 12, 8, generator=generator, dtype=torch.float64)
    mask = torch.zeros(2, 1, 12, 8, dtype=torch.float64)
    mask[0, :, 2:6, 2:6] = mask[1, :, 4:6, 2:8] = 1
    return {"f": f, "b": b, "mask": mask}


def identical(key: str, known: dict[str, Tensor]) -> Function:
    """A function that does what the stage does; it knows the sizes, which no function is told."""

    def function(*arguments: Any) -> Tensor:
        *values, config = arguments
        return BY_KEY[key].run(
            {**known, **dict(zip(BY_KEY[key].inputs, values, strict=True))}, config
        )

    return function


# ---- what is swapped for itself changes nothing ----


@pytest.mark.parametrize("keys", [[key] for key in BY_KEY] + [list(BY_KEY)], ids=",".join)
def test_an_identical_function_changes_nothing(keys: list[str]) -> None:
    known = inputs()
    plain = cv.trace(**known)
    run = cv.trace(**known, swap={key: identical(key, known) for key in reversed(keys)})
    assert run.swapped == tuple(keys)
    near = run.query(1, 2, sample=1), run.pixel(3, 4).value  # before anything is there
    for key in BY_KEY:
        assert torch.equal(run[key].tensor, plain[key].tensor), key
    row, expected = run.query(1, 2, sample=1), plain.query(1, 2, sample=1)
    for key in (*MATRICES, "valid"):
        assert torch.equal(row[key], expected[key])
        torch.testing.assert_close(near[0][key], expected[key])
    assert torch.equal(row.patch, expected.patch)
    assert torch.equal(run.pixel(3, 4).value, plain.pixel(3, 4).value)
    torch.testing.assert_close(near[1], plain.pixel(3, 4).value)
    assert repr(run.findings) == repr(plain.findings)
    for name in ("best_share", "offset_length", "from_best"):
        assert torch.equal(getattr(run.cells(1), name), getattr(plain.cells(1), name))
    outcome, expected_outcome = outcome_of(run), outcome_of(plain)
    for name in ("output", "lse", "best"):
        assert torch.equal(getattr(outcome, name), getattr(expected_outcome, name))
    assert cv.compare(plain, run).first is None


def test_rows_are_those_of_the_whole_run_without_it() -> None:
    # Before the matrix is there, rows come from the tensor of the swapped stage alone.
    known = inputs()

    def noisy(key: str) -> Function:
        def function(*arguments: Any) -> Tensor:
            x, generator = identical(key, known)(*arguments), torch.Generator().manual_seed(1)
            return x + torch.randn(x.shape, generator=generator, dtype=x.dtype)

        return function

    for key in ("downsampled_f", "matching_patches", *MATRICES):
        run, whole = (cv.trace(**known, swap={key: noisy(key)}) for _ in range(2))
        row, pixel, cells = run.query(2, 3, sample=1), run.pixel(5, 6, sample=1), run.cells(1)
        assert not run.computed("attention") or key == "attention"
        for stage in MATRICES:
            expected = whole[stage].tensor[1, 2, 3]
            torch.testing.assert_close(row[stage].flatten(), expected, msg=f"{key}: {stage}")
        torch.testing.assert_close(pixel.value, whole["output"].tensor[1, :, 5, 6])
        torch.testing.assert_close(cells.best_share, whole["attention"].tensor[1].amax(dim=-1))


# ---- what is swapped for something else is what follows is computed from ----


def distances(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    """Minus the distance of two patches, in plain loops."""
    queries = oracle.matching_patches(f_small.numpy(), config, stride=1)
    n, _, h, w = f_small.shape
    result = f_small.new_empty(n, h * w, patches.shape[1])
    for sample in range(n):
        for p, query in enumerate(queries[sample]):
            for q, patch in enumerate(patches[sample].numpy()):
                result[sample, p, q] = -(float(((query - patch) ** 2).sum()) ** 0.5)
    return result.unflatten(1, (h, w))


def test_what_follows_is_what_loops_make_of_it() -> None:
    known = inputs()
    run = cv.trace(**known, swap={"scores": distances})
    stages = oracle.run(*(x.numpy() for x in known.values()), run.config)
    upstream = {key: stages[key] for key in ("downsampled_f", "matching_patches", "valid")}
    grid = run.patch_grid
    scores = run["scores"].tensor.numpy()
    fused_rows = oracle.fused_rows(scores, grid, run.config)
    fused = oracle.fused_scores(fused_rows, grid, run.config)
    attention = oracle.attention(fused, stages["valid"], run.config)
    output = oracle.output(attention, stages["paste_patches"], run.config)
    offsets = oracle.offsets(attention, grid, run.config)
    downstream = {"fused_rows": fused_rows, "fused_scores": fused, "attention": attention}
    downstream |= {"output": output, "offsets": offsets, "flow": oracle.flow(offsets)}
    for key, expected in (upstream | downstream).items():
        torch.testing.assert_close(run[key].tensor, torch.from_numpy(expected), msg=key)
    assert cv.compare(cv.trace(**known), run).first.key == "scores"
    ledger = run.pixel(4, 7, sample=1)
    torch.testing.assert_close(ledger.value, torch.from_numpy(output[1, :, 4, 7]))


def test_small_stages_reach_what_reads_them() -> None:
    known = inputs()
    none = torch.zeros(2, 24, dtype=torch.bool)
    run = cv.trace(**known, swap={"valid": lambda mask, config: none})
    assert not run["attention"].tensor.any()
    assert not run.query(0, 0).attention.any()
    assert "nothing_valid" in run.findings
    one_for_all = cv.trace(**known, swap={"valid": lambda mask, config: none[:1]})
    assert one_for_all["valid"].shape == (2, 24)

    ones = torch.ones(2, 4, 6, 2, dtype=torch.int64)
    run = cv.trace(**known, swap={"offsets": lambda attention, config: ones})
    assert (run.cells().offset_length == 2**0.5).all()
    assert torch.equal(run["flow"].tensor, cv.stages.BY_KEY["flow"].function(run["offsets"].tensor))

    run = cv.trace(**known, swap={"output": lambda attention, patches, config: known["f"] * 2})
    ledger = run.pixel(3, 4, sample=1)
    assert torch.equal(ledger.value, 2 * known["f"][1, :, 3, 4])
    assert "in place of the output" in repr(ledger)
    assert torch.equal(outcome_of(run).output, 2 * known["f"])


# ---- a run keeps its functions, and says so ----


def halved(attention: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    return BY_KEY["output"].function(attention, patches, config) / 2


def test_a_swapped_run_keeps_its_functions() -> None:
    known = inputs()
    run = cv.trace(**known, swap={"output": halved})
    assert "swapped: output = halved(attention, paste_patches, config)" in repr(run)
    assert run["output"].equation == "halved(attention, paste_patches, config)"
    assert run["output"].code == inspect.getsource(halved)
    assert run["output"].stage.source == ""
    assert run["scores"].stage is BY_KEY["scores"]
    assert run.facts["swapped"].stage == "output"
    assert "divides_by_4" not in run.facts
    plain = cv.trace(**known, config=run.config.replace(softmax_scale=1.0))
    for other in (
        run.revised(config=plain.config),
        copy.copy(run).revised(config=plain.config),
        copy.deepcopy(run).revised(config=plain.config),
    ):
        assert other.swapped == ("output",)
        assert torch.equal(other["output"].tensor, plain["output"].tensor / 2)


def test_steps_take_it_too() -> None:
    results = cv.steps(**inputs(), swap={"output": halved})
    whole = cv.trace(**inputs(), swap={"output": halved})
    assert all(torch.equal(each.tensor, whole[each.key].tensor) for each in results)
    assert not torch.equal(whole["output"].tensor, cv.trace(**inputs())["output"].tensor)


def test_settings_and_hole_make_what_may_depend_on_them_anew() -> None:
    known, counted = inputs(), []

    def counting(attention: Tensor, config: cv.AttentionConfig) -> Tensor:
        counted.append(config.overlap)
        return identical("offsets", known)(attention, config)

    run = cv.trace(**known, swap={"offsets": counting})
    _ = run["flow"]
    # No setting that the stage declares: but a function may read them all.
    other = run.revised(config=run.config.replace(overlap="coverage"))
    assert other.computed("attention")
    assert not other.computed("offsets")
    _ = other["flow"]
    assert counted == ["constant", "coverage"]
    assert not run.revised(mask=torch.zeros_like(known["mask"])).computed("offsets")
    scores = cv.trace(**known, swap={"scores": identical("scores", known)})
    _ = scores["scores"]
    assert scores.revised(mask=torch.zeros_like(known["mask"])).computed("scores")


def test_a_swapped_run_on_another_device() -> None:
    known = inputs()
    moved = cv.trace(**known, swap={"output": halved}).to("meta")
    assert moved.swapped == ("output",)
    assert moved["output"].shape == known["f"].shape


def test_its_bytes_are_stated_and_refused_over_the_budget() -> None:
    known = inputs()
    plain, run = cv.trace(**known), cv.trace(**known, swap={"scores": distances})
    line = next(line for line in run.plan().splitlines() if line.startswith("scores"))
    assert line.endswith("and what distances takes")
    for key in ("downsampled_f", "matching_patches"):
        _ = plain[key], run[key]
    assert run["matching_patches"].nbytes > 0
    size = 2 * 24 * 24 * 8
    copies = run["downsampled_f"].nbytes + run["matching_patches"].nbytes + size
    assert run.cost("scores") == size + copies
    small = cv.trace(**known, swap={"scores": distances}, budget=20_000)
    with pytest.raises(cv.BudgetError, match="scores: expected to fit 20 kB"):
        small.query(0, 0)
    assert not small.computed("scores")


def test_profiled_with_what_is_not_known_of_it() -> None:
    profile = cv.trace(**inputs(), swap={"output": halved}).profile(runs=1)
    assert profile["output"].operations is None
    assert profile["output"].seconds > 0
    assert profile["scores"].operations is not None


def test_functions_are_not_stored(tmp_path: Any) -> None:
    run = cv.trace(**inputs(), swap={"output": halved})
    with pytest.raises(cv.InputError, match=r"with output swapped\. A function cannot"):
        run.save(tmp_path / "run.pt")
    assert not (tmp_path / "run.pt").exists()
    cv.trace(**inputs()).save(tmp_path / "run.pt")
    contents = torch.load(tmp_path / "run.pt", weights_only=False)
    torch.save(contents | {"swapped": "output"}, tmp_path / "other.pt")
    with pytest.raises(cv.InputError, match=r"with a stage swapped\. A function cannot"):
        cv.load_trace(tmp_path / "other.pt")


def test_it_gets_and_gives_copies() -> None:
    known = inputs()
    given: list[Tensor] = []

    def keeping(f: Tensor, config: cv.AttentionConfig) -> Tensor:
        given.append(f)
        return f[:, :, ::2, ::2]

    run = cv.trace(**known, swap={"downsampled_f": keeping})
    before = run["downsampled_f"].tensor.clone()
    given[0].zero_()
    assert torch.equal(run["downsampled_f"].tensor, before)
    assert torch.equal(run.f, known["f"])
    # A function may hand on what it was given, and may be a layer that learns.
    same = cv.trace(**known, swap={"fused_rows": lambda scores, config: scores})
    assert torch.equal(same["fused_rows"].tensor, same["scores"].tensor)
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    learned = cv.trace(**known, swap={"fused_rows": lambda scores, config: scores * weight})
    assert not learned["fused_rows"].tensor.requires_grad


# ---- what is refused ----


def zeros(*_: Any, size: tuple[int, ...] = (2, 4, 6, 24), **kind: Any) -> Tensor:
    return torch.zeros(size, **{"dtype": torch.float64, **kind})


def in_place(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    patches[0, 0] = 7
    return zeros()


def behind_the_back(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    f_small.numpy()[:] = 7  # which PyTorch does not notice
    return zeros()


def failing(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    return patches @ f_small


def asking(f_small: Tensor, patches: Tensor, config: cv.AttentionConfig) -> Tensor:
    raise KeyError("temperature")


def one_nan(*_: Any) -> Tensor:
    x = zeros()
    x[1, 2, 3, 4] = torch.nan
    return x


WRONG: list[tuple[Any, str]] = [
    ([], "swap: expected a dict of functions by stage key or None, got list"),
    ({"heat": zeros}, "swap: expected keys among downsampled_f, .*, got 'heat'"),
    ({6: zeros}, "swap: expected keys among .*, got 6"),
    ({"f": zeros}, "swap: expected keys among .*, got 'f'"),
    (
        {"scores": None},
        "expected a function of .downsampled_f, matching_patches, config., got None",
    ),
    ({"scores": torch.zeros(3)}, "got a .3,. tensor"),
    ({"scores": lambda x: x}, r"got lambda\(x\)"),
    ({"scores": lambda *, config: config}, r"got lambda\(\*, config\)"),
    ({"scores": lambda *_: None}, "got NoneType. A function without `return` returns None"),
    ({"scores": lambda *_: [1.0]}, "expected a .2, 4, 6, 24. tensor, sample × .*, got list"),
    ({"scores": lambda *_: zeros().numpy()}, "got ndarray"),
    (
        {"scores": partial(zeros, size=(2, 24, 24))},
        "expected a .2, 4, 6, 24. tensor, .*24, 24. tens",
    ),
    ({"scores": partial(zeros, size=(1, 4, 6, 24))}, "got a .1, 4, 6, 24. tensor"),
    ({"scores": partial(zeros, dtype=torch.float32)}, "expected torch.float64, got torch.float32"),
    ({"scores": partial(zeros, dtype=torch.complex64)}, "expected a dense tensor of real numbers"),
    ({"scores": lambda *_: zeros().to_sparse()}, "expected a dense tensor of real numbers"),
    (
        {"scores": partial(zeros, device="meta")},
        "tensor on cpu, where its inputs are, got one on m",
    ),
    ({"scores": in_place}, "leaves its inputs as they are, got matching_patches changed in place"),
    ({"scores": behind_the_back}, "got downsampled_f changed in place"),
    ({"scores": failing}, "got RuntimeError: The size of tensor a"),
    ({"scores": asking}, "got KeyError: 'temperature'"),
    ({"scores": one_nan}, r"expected no NaN, .* got 1 of them, the first at \(1, 2, 3, 4\)"),
]


@pytest.mark.parametrize(("swap", "sentence"), WRONG)
def test_what_is_wrong_is_said_in_one_sentence(swap: Any, sentence: str) -> None:
    known = inputs()
    before: dict[str, Tensor] = {}
    with pytest.raises(cv.InputError, match=sentence) as problem:  # noqa: PT012, at either call
        run = cv.trace(**known, swap=swap)
        before |= {key: run[key].tensor.clone() for key in ("downsampled_f", "matching_patches")}
        _ = run["output"]
    if isinstance(swap, dict) and list(swap) == ["scores"]:
        assert problem.value.argument == 'swap["scores"]'
    if swap == {"scores": asking}:
        assert isinstance(problem.value.__cause__, KeyError)
    if before:  # nothing is lost: what was there is, and can be asked for again
        for key, x in before.items():
            assert torch.equal(run[key].tensor, x)
        assert not run.computed("scores")
        with pytest.raises(cv.InputError, match=sentence):
            run.query(0, 0)


def test_nan_may_be_examined_and_is_not_blamed_on_who_passes_it_on() -> None:
    known = inputs()
    run = cv.trace(**known, swap={"scores": one_nan}, allow_nonfinite=True)
    finding = run.findings["nonfinite"]
    assert (finding.stage, finding.cells, finding.sample) == ("scores", ((2, 3),), 1)
    assert "one_nan, which was swapped in, made it" in finding.sentence
    known["f"][0, 0, 0, 0] = torch.inf
    handing_on = identical("scores", known)
    run = cv.trace(**known, swap={"scores": handing_on}, allow_nonfinite=True)
    assert run["scores"].tensor.isfinite().logical_not().any()
    everything = {**inputs(), "mask": torch.ones(2, 1, 12, 8, dtype=torch.float64)}
    with pytest.warns(cv.NothingValidWarning):
        run = cv.trace(
            **everything,
            config=cv.AttentionConfig(dialect="mmagic"),
            swap={"output": identical("output", everything)},
        )
    assert run["output"].tensor.isnan().all()  # of NaN attention
