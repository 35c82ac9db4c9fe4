"""Recorded once, the layer answers for every mask: torch.export, and make_fx beside it."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

import ctxattn_viz as cv
from ctxattn_viz.attention import blocks as attention_blocks
from ctxattn_viz.attention import contexts
from ctxattn_viz.attention import vectors as attention_vectors

pytestmark = pytest.mark.filterwarnings("ignore::ctxattn_viz.errors.NothingValidWarning")

SIZES = {"square": ((16, 16), (16, 16)), "f is not b": ((12, 8), (10, 14))}


class FunctionAndLayer(nn.Module):
    """What someone's network may hold; both, as a recording takes seconds to make."""

    def __init__(self, config: cv.AttentionConfig) -> None:
        super().__init__()
        self.layer = cv.ContextualAttention(config)

    def forward(self, f: Tensor, b: Tensor, mask: Tensor | None) -> tuple[Tensor, ...]:
        return cv.contextual_attention(f, b, mask, self.layer.config), *self.layer(f, b, mask)


class Function(nn.Module):
    def __init__(self, **keywords: object) -> None:
        super().__init__()
        self.keywords = keywords

    def forward(self, f: Tensor, b: Tensor, mask: Tensor | None) -> Tensor:
        return cv.contextual_attention(f, b, mask, **self.keywords)


def maps(channels: int = 3, size: str = "f is not b", samples: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(channels)
    f, b = (
        torch.randn(samples, channels, *sides, generator=generator, dtype=torch.float64)
        for sides in SIZES[size]
    )
    return f, b


def masks(b: Tensor) -> Iterator[Tensor]:
    """Of which the last is what a record of one mask would keep."""
    empty = torch.zeros(len(b), 1, *b.shape[2:], dtype=b.dtype)
    hole, specks = empty.clone(), empty.clone()
    hole[:, :, 3:7, 2:9] = 1
    specks[-1:, :, ::5, ::4] = 1
    yield from (hole, specks, torch.ones_like(empty), empty)


def assert_the_same_for_every_mask(program: Callable, module: nn.Module, f: Tensor, b: Tensor):
    for mask in masks(b):
        got, want = program(f, b, mask), module(f, b, mask)
        torch.testing.assert_close(got, want, equal_nan=True)


def exported(module: nn.Module, f: Tensor, b: Tensor, mask: Tensor | None, **keywords: object):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, of which each version has others
        return torch.export.export(module, (f, b, mask), **keywords)


CASES = [
    ("square", 3),
    ("f is not b", 64),
    *(pytest.param(s, c, marks=pytest.mark.long) for s, c in (("square", 64), ("f is not b", 3))),
]


@pytest.mark.parametrize("dialect", ["tensorflow", "pytorch", "mmagic"])
@pytest.mark.parametrize(("size", "channels"), CASES)
def test_one_export_serves_every_mask(size: str, channels: int, dialect: str) -> None:
    """Of these sizes: none and all included, a batch with a hole each; and with other maps."""
    module = FunctionAndLayer(cv.AttentionConfig(dialect=dialect))
    f, b = maps(channels, size, samples=2)
    program = exported(module, f, b, next(masks(b))).module()
    assert_the_same_for_every_mask(program, module, f, b)
    assert_the_same_for_every_mask(program, module, f.flip(2), b.roll(3, 3))
    if dialect == "mmagic":
        assert program(f, b, torch.ones_like(b[:, :1]))[0].isnan().all()


@pytest.fixture(scope="module")
def program() -> torch.export.ExportedProgram:
    f, b = maps()
    return exported(FunctionAndLayer(cv.AttentionConfig()), f, b, next(masks(b)))


KEPT: dict[str, Callable[[torch.export.ExportedProgram], nn.Module]] = {
    "as it is": lambda program: program.module(),
    "saved and loaded": lambda program: reloaded(program).module(),
    "decomposed": lambda program: program.run_decompositions().module(),
}


def reloaded(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("keep", KEPT.values(), ids=[*KEPT])
def test_a_program_goes_where_programs_go(program, keep: Callable) -> None:
    assert_the_same_for_every_mask(keep(program), FunctionAndLayer(cv.AttentionConfig()), *maps())


def test_a_program_holds_no_operation_of_ours_and_no_choice_of_patches(program) -> None:
    """PyTorch's own operations alone; none whose result has a size that depends on values."""
    names = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert {name.split(".")[0] for name in names} <= {"aten", "<built-in function getitem>"}
    assert not {name for name in names if "nonzero" in name or "unique" in name}


def test_a_program_has_the_gradient(program) -> None:
    f, b = (x.requires_grad_() for x in maps())
    mask = next(masks(b))
    for i in (0, 1):  # by "sdpa", by "vectors"
        got = torch.autograd.grad(program.module()(f, b, mask)[i].sin().sum(), (f, b))
        want = torch.autograd.grad(cv.contextual_attention(f, b, mask).sin().sum(), (f, b))
        for one, other in zip(got, want, strict=True):
            torch.testing.assert_close(one, other)


def test_memory_is_that_of_a_block(monkeypatch) -> None:
    """No number of the record is as large as the matrix of scores."""
    monkeypatch.setattr(attention_blocks, "BLOCK_SIZE", {"cpu": 200})
    monkeypatch.setattr(attention_blocks, "FEWEST_ROWS", 1)
    f, b = maps()
    mask = next(masks(b))
    record = exported(Function(method="vectors", config=cv.AttentionConfig(fuse=False)), f, b, mask)
    scores = [
        node.meta["val"].shape
        for node in record.graph.nodes
        if str(node.target) == "aten.softmax.int"
    ]
    assert scores == [(5, 35)] * 4 + [(4, 35)]
    torch.testing.assert_close(
        record.module()(f, b, mask),
        cv.contextual_attention(f, b, mask, cv.AttentionConfig(fuse=False)),
    )


def test_export_leaves_nothing_behind() -> None:
    """What is kept from call to call is not a recorder's."""
    attention_vectors._kept_destinations.cache_clear()
    f, b = maps(size="square")
    exported(Function(), f, b, None)
    assert attention_vectors._kept_destinations.cache_info().currsize == 0
    assert cv.contextual_attention(f, b).isfinite().all()


@pytest.mark.long
def test_strict_export() -> None:
    """Where PyTorch's compiler reads the Python code, and not its calls alone.

    In a process of its own: the tests' checks of shapes are no code that it can read.
    """
    script = """
import torch, ctxattn_viz as cv
f, b = torch.randn(1, 3, 12, 8).double(), torch.randn(1, 3, 10, 14).double()
mask = torch.zeros(1, 1, 10, 14)
program = torch.export.export(cv.ContextualAttention(), (f, b, mask), strict=True).module()
mask[..., 3:7, 2:9] = 1
torch.testing.assert_close(program(f, b, mask), cv.ContextualAttention()(f, b, mask))
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("mode", ["real", "fake"])
def test_make_fx(mode: str) -> None:
    f, b = maps()
    record = make_fx(Function(), tracing_mode=mode)(f, b, next(masks(b)))
    assert_the_same_for_every_mask(record, Function(), f, b)


DYNAMIC = {
    "Dim": lambda: ({2: torch.export.Dim("half", min=2, max=20) * 2}, None, None),
    "Dim of the batch": lambda: ({0: torch.export.Dim("n", min=2, max=4)},) * 3,
    "Dim.AUTO": lambda: (None, {3: torch.export.Dim.AUTO}, None),
}


@pytest.mark.parametrize("sizes", DYNAMIC.values(), ids=[*DYNAMIC])
def test_sizes_left_open_are_refused(sizes: Callable) -> None:
    f, b = maps(samples=2)
    with pytest.raises(cv.UnsupportedError) as caught:
        exported(Function(), f, b, torch.zeros_like(b[:, :1]), dynamic_shapes=sizes())
    assert str(caught.value) == contexts.NO_OPEN_SIZES


def test_sizes_marked_dynamic_are_refused() -> None:
    f, b = maps()
    torch._dynamo.mark_dynamic(f, 2)
    with pytest.raises(cv.UnsupportedError) as caught:
        exported(Function(), f, b, None)
    assert str(caught.value) == contexts.NO_OPEN_SIZES
    with pytest.raises(cv.UnsupportedError) as caught:
        make_fx(Function(), tracing_mode="symbolic")(*maps(), None)
    assert str(caught.value) == contexts.NO_OPEN_SIZES


def test_the_hole_alone_is_refused() -> None:
    f, _ = maps(size="square")
    with pytest.raises(cv.UnsupportedError) as caught:
        exported(Function(queries="hole"), f, f, next(masks(f)))
    assert str(caught.value) == contexts.NO_HOLE_ALONE


def test_long_diagonals_are_refused() -> None:
    """The one method for them is not made of operations to record."""
    f = torch.randn(1, 1, 20, 20)
    config = cv.AttentionConfig(rate=1, fuse_k=65)
    with pytest.raises(cv.InputError, match="fuse_k: expected up to 63 in a recording"):
        exported(Function(config=config), f, f, None)
    assert cv.contextual_attention(f, f, None, config).isfinite().all()
