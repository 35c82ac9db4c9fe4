"""The stages of contextual attention, in the paper's order: one file each, pure functions.

`STAGES` is the one list of them; whatever shows, runs, documents or compares stages reads it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..config import AttentionConfig
from . import (
    deconvolution,
    downsampling,
    fused_softmax,
    mask_validity,
    matching_scores,
    offset_flow,
    patch_extraction,
)

Values = Mapping[str, Tensor]
"""The inputs f, b and mask, and every stage so far, by key."""

Workspace = Callable[[Tensor, Values, AttentionConfig], int]
"""From a stage's result and what it was made of to the bytes that making it took besides."""


@dataclass(frozen=True)
class Stage:
    """One named intermediate of contextual attention.

    Attributes:
        key: its name in a trace.
        title: a few words for a person.
        step: which step of the paper it belongs to; several stages may share one.
        axes: what each dimension is.
        equation: what it computes, in plain mathematical notation.
        source: the original's lines, from `inpaint_ops.contextual_attention` of
            JiahuiYu/generative_inpainting v1.0.0, or the paper's equation.
        function: the function that computes it; its source is the lesson.
        run: calls `function` on the values it needs.
        workspace: bytes used beside the result while it is made, given the result.
    """

    key: str
    title: str
    step: str
    axes: tuple[str, ...]
    equation: str
    source: str
    function: Callable[..., Tensor]
    run: Callable[[Values, AttentionConfig], Tensor] = field(repr=False)
    workspace: Workspace = field(default=lambda result, v, c: 0, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """What a page or a table shows of it: everything but the functions."""
        return {
            "key": self.key,
            "title": self.title,
            "step": self.step,
            "axes": list(self.axes),
            "equation": self.equation,
            "source": self.source,
        }


def query_grid(v: Values, config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of query cells, (h, w)."""
    return v["f"].shape[2] // config.rate, v["f"].shape[3] // config.rate


def patch_grid(v: Values, config: AttentionConfig) -> tuple[int, int]:
    """Rows and columns of the grid of background patches, (gh, gw)."""
    b_cells = v["b"].shape[2] // config.rate, v["b"].shape[3] // config.rate
    return patch_extraction.patch_grid(b_cells, config)


def _times(factor: float) -> Workspace:
    return lambda result, v, c: int(factor * result.numel() * result.element_size())


def _patches_for_the_product(result: Tensor, v: Values, c: AttentionConfig) -> int:
    # All query patches, then the normed matching patches, one row each; half precision is copied
    # once more on the way to float32.
    queries, keys = v["downsampled_f"].numel() * c.ksize**2, v["matching_patches"].numel()
    copies = 1 if v["matching_patches"].dtype == result.dtype else 2
    return max(queries * copies, queries + keys * copies) * result.element_size()


def _patches_to_add(result: Tensor, v: Values, c: AttentionConfig) -> int:
    # The mixed patches (four times the output) as they are, turned, and added up, in float32 at
    # least; and the paste patches, where they have to be lifted to that.
    width = result.element_size()
    lifted_paste = v["paste_patches"].numel() * 4 if width < 4 else 0
    return 11 * result.numel() * max(width, 4) + lifted_paste


def _fuse(source: str, order: str) -> Callable[[Values, AttentionConfig], Tensor]:
    return lambda v, c: fused_softmax.fuse(v[source], query_grid(v, c), patch_grid(v, c), order, c)


STAGES: tuple[Stage, ...] = (
    Stage(
        key="downsampled_f",
        title="foreground, shrunk",
        step="Shrink",
        axes=("sample", "channel", "row", "column"),
        equation="f↓(y, x) = f(nearest(y·rate), nearest(x·rate))",
        source="f = resize(f, scale=1./rate, func=tf.image.resize_nearest_neighbor)",
        function=downsampling.downsample,
        run=lambda v, c: downsampling.downsample(v["f"], c),
    ),
    Stage(
        key="downsampled_b",
        title="background, shrunk",
        step="Shrink",
        axes=("sample", "channel", "row", "column"),
        equation="b↓(y, x) = b(nearest(y·rate), nearest(x·rate))",
        source="b = resize(b, to_shape=[int(raw_int_bs[1]/rate), int(raw_int_bs[2]/rate)], …)",
        function=downsampling.downsample,
        run=lambda v, c: downsampling.downsample(v["b"], c),
    ),
    Stage(
        key="downsampled_mask",
        title="mask, shrunk",
        step="Shrink",
        axes=("sample", "channel", "row", "column"),
        equation="m↓(y, x) = m(nearest(y·rate), nearest(x·rate))",
        source="mask = resize(mask, scale=1./rate, func=tf.image.resize_nearest_neighbor)",
        function=downsampling.downsample_mask,
        run=lambda v, c: downsampling.downsample_mask(
            v["mask"], (v["b"].shape[2], v["b"].shape[3]), c
        ),
    ),
    Stage(
        key="matching_patches",
        title="matching patches",
        step="Patches",
        axes=("sample", "background patch", "channel", "patch row", "patch column"),
        equation="w_q = the ksize×ksize cells of b↓ around cell q",
        source="w = tf.extract_image_patches(b, [1,ksize,ksize,1], [1,stride,stride,1], …)",
        function=patch_extraction.matching_patches,
        run=lambda v, c: patch_extraction.matching_patches(v["downsampled_b"], c),
    ),
    Stage(
        key="paste_patches",
        title="paste patches",
        step="Patches",
        axes=("sample", "background patch", "channel", "patch row", "patch column"),
        equation="v_q = the 2·rate×2·rate pixels of b around cell q",
        source="raw_w = tf.extract_image_patches(b, [1,kernel,kernel,1], [1,rate*stride,…], …)",
        function=patch_extraction.paste_patches,
        run=lambda v, c: patch_extraction.paste_patches(v["b"], c),
    ),
    Stage(
        key="valid",
        title="mask validity",
        step="Validity",
        axes=("sample", "background patch"),
        equation="valid(q) = 1 if no cell of m↓ around q is hole, else 0",
        source="mm = tf.cast(tf.equal(tf.reduce_mean(m, axis=[0,1,2], keep_dims=True), 0.), …)",
        function=mask_validity.valid_patches,
        run=lambda v, c: mask_validity.valid_patches(v["downsampled_mask"], c).expand(
            v["b"].shape[0], -1
        ),
    ),
    Stage(
        key="scores",
        title="matching scores",
        step="Matching",
        axes=("sample", "query row", "query column", "background patch"),
        equation="s(p, q) = ⟨patch_p, w_q⟩ / max(‖w_q‖, 1e-4)",
        source="yi = tf.nn.conv2d(xi, wi_normed, strides=[1,1,1,1], padding='SAME'); eq. 3",
        function=matching_scores.matching_scores,
        run=lambda v, c: matching_scores.matching_scores(
            v["downsampled_f"], v["matching_patches"], c
        ),
        workspace=_patches_for_the_product,
    ),
    Stage(
        key="fused_rows",
        title="fused along rows",
        step="Fuse ↔",
        axes=("sample", "query row", "query column", "background patch"),
        equation="s↔(p, q) = Σ_d s(p + d, q + d), flattened row by row",
        source="yi = tf.nn.conv2d(yi, fuse_weight, strides=[1,1,1,1], padding='SAME'), first",
        function=fused_softmax.fuse,
        run=_fuse("scores", "rows"),
        workspace=_times(1.5),  # one place of the diagonal, and which of its entries lie outside
    ),
    Stage(
        key="fused_scores",
        title="fused along columns",
        step="Fuse ↕",
        axes=("sample", "query row", "query column", "background patch"),
        equation="s*(p, q) = Σ_d s↔(p + d, q + d), flattened column by column",
        source="tf.transpose(yi, [0, 2, 1, 4, 3]), tf.nn.conv2d(yi, fuse_weight, …), second",
        function=fused_softmax.fuse,
        run=_fuse("fused_rows", "columns"),
        workspace=_times(1.5),
    ),
    Stage(
        key="attention",
        title="masked softmax",
        step="Softmax",
        axes=("sample", "query row", "query column", "background patch"),
        equation="a(p, q) = softmax_q(softmax_scale · s*(p, q) · valid(q)) · valid(q)",
        source="yi *= mm; yi = tf.nn.softmax(yi*scale, 3); yi *= mm",
        function=fused_softmax.masked_softmax,
        run=lambda v, c: fused_softmax.masked_softmax(v["fused_scores"], v["valid"], c),
        workspace=_times(1.0),
    ),
    Stage(
        key="output",
        title="deconvolution",
        step="Deconvolution",
        axes=("sample", "channel", "pixel row", "pixel column"),
        equation="y = Σ_p overlap-add(Σ_q a(p, q)·v_q) / 4",
        source="yi = tf.nn.conv2d_transpose(yi, wi_center, …, strides=[1,rate,rate,1]) / 4.",
        function=deconvolution.deconvolve,
        run=lambda v, c: deconvolution.deconvolve(v["attention"], v["paste_patches"], c),
        workspace=_patches_to_add,
    ),
    Stage(
        key="offsets",
        title="offsets",
        step="Flow",
        axes=("sample", "query row", "query column", "down and right"),
        equation="o(p) = argmax_q a(p, q) − p",
        source="offset = tf.argmax(yi, axis=3, output_type=tf.int32) … offsets - ref_coordinate",
        function=offset_flow.offsets,
        run=lambda v, c: offset_flow.offsets(v["attention"], patch_grid(v, c), c),
    ),
    Stage(
        key="flow",
        title="offset flow",
        step="Flow",
        axes=("sample", "colour", "query row", "query column"),
        equation="hue = direction of o(p), saturation = length of o(p)",
        source="flow = flow_to_image_tf(offsets)",
        function=offset_flow.flow_picture,
        run=lambda v, c: offset_flow.flow_picture(v["offsets"]),
    ),
)

BY_KEY: dict[str, Stage] = {stage.key: stage for stage in STAGES}

# Of every query with every background patch: the largest, and a row of each is a heat map.
MATRICES = ("scores", "fused_rows", "fused_scores", "attention")

__all__ = ["BY_KEY", "MATRICES", "STAGES", "Stage", "Values", "patch_grid", "query_grid"]
