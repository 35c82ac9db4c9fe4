"""Stages run on the meta device: every shape, and not a byte."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import ctxattn_viz as cv
from ctxattn_viz import samples
from ctxattn_viz.config import DIALECTS


def test_the_worked_example() -> None:
    """f and b of 256×256: 16384 patches, and a score matrix of 1.07 GB."""
    x = torch.empty(1, 3, 256, 256, device="meta")
    trace = cv.trace(x, x)
    shapes = {key: result.shape for key, result in trace.items()}
    assert shapes == {
        "downsampled_f": (1, 3, 128, 128),
        "downsampled_b": (1, 3, 128, 128),
        "downsampled_mask": (1, 1, 128, 128),
        "matching_patches": (1, 16384, 3, 3, 3),
        "paste_patches": (1, 16384, 3, 4, 4),
        "valid": (1, 16384),
        "scores": (1, 128, 128, 16384),
        "fused_rows": (1, 128, 128, 16384),
        "fused_scores": (1, 128, 128, 16384),
        "attention": (1, 128, 128, 16384),
        "output": (1, 3, 256, 256),
        "offsets": (1, 128, 128, 2),
        "flow": (1, 3, 128, 128),
    }
    assert trace["scores"].nbytes == 1_073_741_824


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_shapes_and_dtypes_are_those_of_a_real_run(dialect: str, dtype: torch.dtype) -> None:
    f, b = torch.rand(2, 3, 6, 12).to(dtype), torch.rand(2, 3, 15, 9).to(dtype)
    mask = torch.zeros(2, 1, 30, 18)
    mask[..., :10, :10] = 1
    config = cv.AttentionConfig(dialect=dialect, rate=3, stride=2, fuse_k=5)
    real = cv.trace(f, b, mask, config)
    meta = cv.trace(f.to("meta"), b.to("meta"), mask.to("meta"), config)
    for key in real:
        assert meta[key].tensor.is_meta
        assert meta[key].shape == real[key].shape, key
        assert meta[key].tensor.dtype == real[key].tensor.dtype, key
        assert real.layout(key) == (real[key].shape, real[key].tensor.dtype)
        assert "no finite value" in str(meta[key].summary)
    assert real["scores"].shape == (2, 2, 4, 6)  # 5×3 cells of b, every second


def test_the_function_and_the_layer_on_meta() -> None:
    f, b = torch.empty(1, 3, 8, 12, device="meta"), torch.empty(1, 3, 12, 8, device="meta")
    assert cv.contextual_attention(f, b).shape == f.shape
    y, flow = cv.ContextualAttention()(f, b)
    assert (y.shape, flow.shape) == (f.shape, (1, 3, 4, 6))


# ---- PyTorch's default device is the reader's: nothing of ours follows it by accident ------------


def run_of(channels: int) -> cv.Trace:
    f, b = torch.rand(2, 1, channels, 8, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4, :4] = 1
    return cv.trace(f, b, mask)


def figures() -> Any:
    from ctxattn_viz import figures

    return figures


RUNS = {channels: run_of(channels) for channels in (1, 3, 5)}
DOORS: dict[str, Callable[[cv.Trace, Path], Any]] = {
    "save_page": lambda run, folder: cv.save_page(run, folder / "page.html"),
    "a page with pictures": lambda run, folder: cv.save_page(
        run, folder / "page.html", picture_f=torch.zeros(1, 3, 4, 4, device="cpu")
    ),
    "debug": lambda run, folder: cv.debug(run, query=(1, 1)),
    "a mask as an array": lambda run, folder: setattr(
        cv.debug(run), "mask", run.mask_at_b.numpy().copy()
    ),
    "query": lambda run, folder: run.query(1, 2).best(),
    "pixel": lambda run, folder: repr(run.pixel(3, 4)),
    "save and load": lambda run, folder: (run.save(folder / "x"), cv.load_trace(folder / "x"))[1][
        "flow"
    ],
    "compare": lambda run, folder: cv.compare(run, {"output": run["output"].tensor.numpy()}),
    "function": lambda run, folder: cv.contextual_attention(run.f, run.b, run.mask),
    "summary": lambda run, folder: cv.attention_summary(run.f, run.b, run.mask),
    "figures.query": lambda run, folder: figures().query(run, 1, 1),
    "figures.reconstruction": lambda run, folder: figures().reconstruction(
        run.b, run.f, run["output"].tensor, run.mask
    ),
    "figures.validity": lambda run, folder: figures().validity(run),
    "figures.ledger": lambda run, folder: figures().ledger(run.pixel(2, 2)),
    "figures.flow": lambda run, folder: figures().flow(run),
    "figures.heats": lambda run, folder: figures().heats({"valid": run.query(0, 0).valid}),
    "figures.patches": lambda run, folder: figures().patches(run["paste_patches"].tensor[0]),
    "figures.wheel": lambda run, folder: figures().wheel(9),
    "rectangle": lambda run, folder: samples.rectangle((8, 8), 1, 1, 3, 3) * run.mask,
    "coarse_fill": lambda run, folder: samples.coarse_fill(run.f[:, :3], run.mask),
}


CASES = [  # figures draw colours alone
    pytest.param(channels, door, id=f"{name}-{channels}")
    for name, door in DOORS.items()
    for channels in RUNS
    if channels < 5 or not name.startswith("figures")
]


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "door"), CASES)
def test_a_run_on_the_cpu_is_looked_into_whatever_the_default_device_is(
    tmp_path: Path, channels: int, door: Callable[[cv.Trace, Path], Any]
) -> None:
    run = RUNS[channels].revised()
    with torch.device("meta"):
        door(run, tmp_path)


def test_every_tensor_of_ours_is_made_on_a_device_that_is_named(root: Path) -> None:
    """The exercises are apart: their cases are small, and a course is graded on the CPU."""
    makers = {"arange", "as_tensor", "empty", "eye", "full", "linspace", "ones", "rand", "randint"}
    makers |= {"asarray", "randn", "randperm", "scalar_tensor", "tensor", "zeros"}
    package = root / "ctxattn_viz"
    followers, count = [], 0
    for path in sorted(package.rglob("*.py")):
        if "exercises" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {
                f"torch.{maker}" for maker in makers
            }:
                continue
            count += 1
            if "device" not in {keyword.arg for keyword in node.keywords}:
                followers.append(f"{path.relative_to(root)}:{node.lineno}")
    assert count > 20
    assert followers == []
