"""Random settings of contextual attention, small and awkward, for hypothesis."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ctxattn_viz.config import CHOICES, DIALECTS, AttentionConfig


def examples(each_time: int, thorough: int) -> int:
    """How many examples to try: more in `make test-long`, and to see a planted fault."""
    return each_time if os.environ.get("CTXATTN_HYPOTHESIS", "ctxattn") == "ctxattn" else thorough


@dataclass(frozen=True)
class Setting:
    """One call: the configuration's arguments and the inputs, float64."""

    arguments: dict[str, Any]
    f: np.ndarray
    b: np.ndarray
    mask: np.ndarray | None

    @cached_property
    def config(self) -> AttentionConfig:
        # Not made while drawing: beartype's checks use `random`, which hypothesis forbids there.
        return AttentionConfig(**self.arguments)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # What hypothesis prints of a failure: the numbers would bury the shapes.
        mask = None if self.mask is None else f"{self.mask.shape}, {int(self.mask.sum())} of hole"
        printer.text(f"{self.arguments}, f {self.f.shape}, b {self.b.shape}, mask {mask}")


@st.composite
def configs(draw) -> dict[str, Any]:
    """Arguments of AttentionConfig: one of the three dialects, or any mixture of their fields."""
    arguments = {
        "ksize": draw(st.sampled_from([3, 1, 5])),
        "stride": draw(st.sampled_from([1, 2, 3])),
        "rate": draw(st.sampled_from([2, 1, 3, 4])),
        "fuse_k": draw(st.sampled_from([3, 1, 5])),
        "softmax_scale": draw(st.sampled_from([10.0, 1.0, 0.0, 0.3, -2.0])),
        "fuse": draw(st.sampled_from([True] * 5 + [False])),
    }
    dialect = draw(st.sampled_from([*DIALECTS, "custom"]))
    if dialect == "custom":
        arguments |= {name: draw(st.sampled_from(values)) for name, values in CHOICES.items()}
        dialect = "tensorflow"  # nothing of it is left
    return {**arguments, "dialect": dialect}


@st.composite
def grids(draw, stride: int = 1) -> tuple[int, int]:
    """A few cells: a rectangle, one row, one column, or (for b, with its stride) one patch."""
    side = st.sampled_from([3, 4, 5, 2])
    kind = draw(st.sampled_from([*["any"] * 7, "row", "column", "one patch"]))
    if kind == "one patch":
        at_most = st.integers(1, stride)
        return draw(at_most), draw(at_most)
    return (
        1 if kind == "row" else draw(side),
        1 if kind == "column" else draw(side),
    )


@st.composite
def masks(draw, n: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray | None:
    """1 is hole. One mask or each sample its own, at b's size or an integer multiple of it."""
    kind = draw(
        st.sampled_from(
            ["box", "box", "border", "border", "dots", "nothing", "everything", "absent"]
        )
    )
    if kind == "absent":
        return None
    multiple = draw(st.sampled_from([1, 1, 2, 3, 8]))
    shape = (draw(st.sampled_from([1, n])), 1, height * multiple, width * multiple)
    mask = np.zeros(shape)
    if kind == "everything":
        mask[:] = 1
    elif kind == "dots":
        mask[rng.random(shape) < 0.15] = 1
    elif kind != "nothing":
        for sample in mask[:, 0]:
            rows, columns = shape[2:]
            top, left = rng.integers(0, rows), rng.integers(0, columns)
            if kind == "border":
                top, left = rng.choice([0, top]), 0
            tall, wide = rng.integers(1, rows // 2 + 2), rng.integers(1, columns // 2 + 2)
            sample[top : top + tall, left : left + wide] = 1
    return mask


@st.composite
def settings_of_attention(draw) -> Setting:
    arguments = draw(configs())
    rate = arguments["rate"]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, channels = draw(st.sampled_from([1, 1, 2, 3])), draw(st.integers(1, 3))
    h, w = draw(grids())
    hb, wb = (
        (h, w) if draw(st.sampled_from([False, False, True])) else draw(grids(arguments["stride"]))
    )
    f_shape = (n, channels, h * rate, w * rate)
    b_shape = (n, channels, hb * rate, wb * rate)
    f, b = rng.standard_normal(f_shape), rng.standard_normal(b_shape)
    content = draw(st.sampled_from(["random", "random", "same", "zeros in b", "tiny b"]))
    if content == "same" and f_shape == b_shape:
        f = b.copy()
    elif content == "zeros in b":  # a zeroed hole: whole patches of norm 0
        b[:, :, : b_shape[2] // 2 + 1] = 0
    elif content == "tiny b":  # norms around the floor of 1e-4
        b *= 1e-5
    return Setting(arguments, f, b, draw(masks(n, *b_shape[2:], rng)))
