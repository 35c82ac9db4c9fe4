"""The stages of contextual attention, in the paper's order: one file each, pure functions.

`forward` is the whole layer in 30 lines, and the page to begin with. `STAGES` is the one list of
the stages: whatever shows, runs, documents or compares them reads it, and what depends on what
follows from the inputs and settings that it names.

>>> from ctxattn_viz.stages import BY_KEY, MATRICES, STAGES, Values
>>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
>>> len(STAGES), STAGES[6].title, BY_KEY["scores"] is STAGES[6]
(13, 'matching scores', True)
>>> values: Values = {"downsampled_f": x, "matching_patches": torch.ones(1, 2, 3, 3, 3)}
>>> BY_KEY["scores"].run(values, cv.AttentionConfig()).shape
torch.Size([1, 4, 4, 2])
>>> [cv.trace(x, x)[key].shape for key in MATRICES[:2]]
[(1, 2, 2, 4), (1, 2, 2, 4)]
"""

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..config import AttentionConfig
from . import (
    calls,
    deconvolution,
    downsampling,
    fused_softmax,
    mask_validity,
    matching_scores,
    offset_flow,
    patch_extraction,
)
from .calls import Values, patch_grid, query_grid

# `stages.forward` is the function, which stands in front of the module of its name.
from .forward import forward


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
        inputs: whose values it reads: f, b, mask or earlier stages, in the function's order.
            (The sizes of f and b are known to every stage.)
        settings: which fields of the configuration it reads.
        paper: the paper's own words.
        torch: the expression of `function`, or of one that it calls, that does it.
        call: where the function takes more than inputs and configuration: a function of all values
            and the configuration that calls it.

    >>> stage: cv.Stage = cv.STAGES[3]
    >>> stage.key, stage.function.__name__
    ('matching_patches', 'matching_patches')
    >>> stage.equation
    'w_q = the ksize×ksize cells of b↓ around cell q'
    """

    key: str
    title: str
    step: str
    axes: tuple[str, ...]
    equation: str
    source: str
    function: Callable[..., Tensor]
    inputs: tuple[str, ...]
    settings: tuple[str, ...] = ()
    paper: str = ""
    torch: str = ""
    call: Callable[[Values, AttentionConfig], Tensor] | None = field(default=None, repr=False)

    def run(self, values: Values, config: AttentionConfig) -> Tensor:
        """The stage of a run, from the values of its inputs."""
        if self.call is not None:
            return self.call(values, config)
        arguments = [values[key] for key in self.inputs]
        return self.function(*arguments, config) if self.settings else self.function(*arguments)

    def to_dict(self) -> dict[str, Any]:
        """What a page or a table shows of it: everything that is text."""
        return {
            "key": self.key,
            "title": self.title,
            "step": self.step,
            "axes": list(self.axes),
            "equation": self.equation,
            "source": self.source,
        }


STAGES: tuple[Stage, ...] = (
    Stage(
        key="downsampled_f",
        title="foreground, shrunk",
        step="Shrink",
        axes=("sample", "channel", "row", "column"),
        equation="f↓(y, x) = f(nearest(y·rate), nearest(x·rate))",
        source="f = resize(f, scale=1./rate, func=tf.image.resize_nearest_neighbor)",
        paper="downscaling resolution of foreground inputs before convolution",
        torch="x.index_select(2, rows).index_select(3, columns)",
        function=downsampling.downsample,
        inputs=("f",),
        settings=("rate", "shrink"),
    ),
    Stage(
        key="downsampled_b",
        title="background, shrunk",
        step="Shrink",
        axes=("sample", "channel", "row", "column"),
        equation="b↓(y, x) = b(nearest(y·rate), nearest(x·rate))",
        source="b = resize(b, to_shape=[int(raw_int_bs[1]/rate), int(raw_int_bs[2]/rate)], …)",
        paper="downscaling resolution of foreground inputs before convolution",
        torch="x.index_select(2, rows).index_select(3, columns)",
        function=downsampling.downsample,
        inputs=("b",),
        settings=("rate", "shrink"),
    ),
    Stage(
        key="downsampled_mask",
        title="mask, shrunk",
        step="Shrink",
        axes=("sample", "channel", "row", "column"),
        equation="m↓(y, x) = m(nearest(y·rate), nearest(x·rate))",
        source="mask = resize(mask, scale=1./rate, func=tf.image.resize_nearest_neighbor)",
        paper="downscaling resolution of foreground inputs before convolution",
        torch="x.index_select(2, rows).index_select(3, columns)",
        function=downsampling.downsample_mask,
        inputs=("mask",),
        settings=("rate", "shrink"),
        call=calls.mask_on_cells,
    ),
    Stage(
        key="matching_patches",
        title="matching patches",
        step="Patches",
        axes=("sample", "background patch", "channel", "patch row", "patch column"),
        equation="w_q = the ksize×ksize cells of b↓ around cell q",
        source="w = tf.extract_image_patches(b, [1,ksize,ksize,1], [1,stride,stride,1], …)",
        paper="extract patches (3 × 3) in background and reshape them as convolutional filters",
        torch="padded.unfold(2, ksize, step).unfold(3, ksize, step)",
        function=patch_extraction.matching_patches,
        inputs=("downsampled_b",),
        settings=("ksize", "stride"),
    ),
    Stage(
        key="paste_patches",
        title="paste patches",
        step="Patches",
        axes=("sample", "background patch", "channel", "patch row", "patch column"),
        equation="v_q = the 2·rate×2·rate pixels of b around cell q",
        source="raw_w = tf.extract_image_patches(b, [1,kernel,kernel,1], [1,rate*stride,…], …)",
        paper="we reuse extracted patches as deconvolutional filters to reconstruct foregrounds",
        torch="padded.unfold(2, ksize, step).unfold(3, ksize, step)",
        function=patch_extraction.paste_patches,
        inputs=("b",),
        settings=("rate", "stride"),
    ),
    Stage(
        key="valid",
        title="mask validity",
        step="Validity",
        axes=("sample", "background patch"),
        equation="valid(q) = 1 if no cell of m↓ around q is hole, else 0",
        source="mm = tf.cast(tf.equal(tf.reduce_mean(m, axis=[0,1,2], keep_dims=True), 0.), …)",
        paper="match features of missing pixels (foreground) to surroundings (background)",
        torch="(matching_patches(downsampled_mask, config) == 0).all(dim=(2, 3, 4))",
        function=mask_validity.valid_patches,
        inputs=("downsampled_mask",),
        settings=("ksize", "stride", "mask_of_batch"),
        call=calls.valid_of_each,
    ),
    Stage(
        key="scores",
        title="matching scores",
        step="Matching",
        axes=("sample", "query row", "query column", "background patch"),
        equation="s(p, q) = ⟨patch_p, w_q⟩ / max(‖w_q‖, 1e-4)",
        source="yi = tf.nn.conv2d(xi, wi_normed, strides=[1,1,1,1], padding='SAME'); eq. 3",
        paper="we measure with normalized inner product (cosine similarity)",
        torch="(p.flatten(1, -2) @ q.mT).reshape(*p.shape[:-1], q.shape[1])",
        function=matching_scores.matching_scores,
        inputs=("downsampled_f", "matching_patches"),
        settings=("ksize", "norm"),
    ),
    Stage(
        key="fused_rows",
        title="fused along rows",
        step="Fuse ↔",
        axes=("sample", "query row", "query column", "background patch"),
        equation="s↔(p, q) = Σ_d s(p + d, q + d), flattened row by row",
        source="yi = tf.nn.conv2d(yi, fuse_weight, strides=[1,1,1,1], padding='SAME'), first",
        paper="a shift in foreground patch is likely corresponding to an equal shift",
        torch="flat[:, row[:, None], q].masked_fill_(~(p_inside[:, None] & q_inside), 0)",
        function=fused_softmax.fuse,
        inputs=("scores",),
        settings=("fuse", "fuse_k", "stride", "rate"),
        call=calls.fuse_along_rows,
    ),
    Stage(
        key="fused_scores",
        title="fused along columns",
        step="Fuse ↕",
        axes=("sample", "query row", "query column", "background patch"),
        equation="s*(p, q) = Σ_d s↔(p + d, q + d), flattened column by column",
        source="tf.transpose(yi, [0, 2, 1, 4, 3]), tf.nn.conv2d(yi, fuse_weight, …), second",
        paper="we do a left-right propagation followed by a top-down propagation",
        torch="flat[:, row[:, None], q].masked_fill_(~(p_inside[:, None] & q_inside), 0)",
        function=fused_softmax.fuse,
        inputs=("fused_rows",),
        settings=("fuse", "fuse_k", "stride", "rate"),
        call=calls.fuse_along_columns,
    ),
    Stage(
        key="attention",
        title="masked softmax",
        step="Softmax",
        axes=("sample", "query row", "query column", "background patch"),
        equation="a(p, q) = softmax_q(softmax_scale · s*(p, q) · valid(q)) · valid(q)",
        source="yi *= mm; yi = tf.nn.softmax(yi*scale, 3); yi *= mm",
        paper="we apply softmax to compare and get attention score for each pixel",
        torch="torch.softmax(logits(fused_scores, valid, config), dim=-1)",
        function=fused_softmax.masked_softmax,
        inputs=("fused_scores", "valid"),
        settings=("softmax_scale", "masked"),
    ),
    Stage(
        key="output",
        title="deconvolution",
        step="Deconvolution",
        axes=("sample", "channel", "pixel row", "pixel column"),
        equation="y = Σ_p overlap-add(Σ_q a(p, q)·v_q) / 4",
        source="yi = tf.nn.conv2d_transpose(yi, wi_center, …, strides=[1,rate,rate,1]) / 4.",
        paper="reconstruct foreground patches with background patches by performing deconvolution",
        torch="F.fold(columns, canvas, 2 * rate, stride=rate)",
        function=deconvolution.deconvolve,
        inputs=("attention", "paste_patches"),
        settings=("rate", "overlap"),
    ),
    Stage(
        key="offsets",
        title="offsets",
        step="Flow",
        axes=("sample", "query row", "query column", "down and right"),
        equation="o(p) = argmax_q a(p, q) − p",
        source="offset = tf.argmax(yi, axis=3, output_type=tf.int32) … offsets - ref_coordinate",
        paper="relative location of the most interested background patch",
        torch="torch.stack((best // patches[1], best % patches[1]), dim=-1) * config.stride",
        function=offset_flow.offsets,
        inputs=("attention",),
        settings=("stride", "rate"),
        call=calls.offsets_of_best,
    ),
    Stage(
        key="flow",
        title="offset flow",
        step="Flow",
        axes=("sample", "colour", "query row", "query column"),
        equation="hue = direction of o(p), saturation = length of o(p)",
        source="flow = flow_to_image_tf(offsets)",
        paper="color indicates relative location of the most interested background patch",
        torch="(1 - blend) * wheel[nearest - 1] + blend * wheel[nearest % len(wheel)]",
        function=offset_flow.flow_picture,
        inputs=("offsets",),
    ),
)

BY_KEY: dict[str, Stage] = {stage.key: stage for stage in STAGES}


def touched_by(changed: Set[str]) -> set[str]:
    """The keys of the stages that depend on any of these settings, inputs or stages.

    >>> sorted(cv.stages.touched_by({"softmax_scale"}))
    ['attention', 'flow', 'offsets', 'output']
    """
    touched: set[str] = set()
    for stage in STAGES:
        if not (changed | touched).isdisjoint((*stage.inputs, *stage.settings)):
            touched.add(stage.key)
    return touched


# Of every query with every background patch: the largest, and a row of each is a heat map.
MATRICES = ("scores", "fused_rows", "fused_scores", "attention")

__all__ = [
    "BY_KEY",
    "MATRICES",
    "STAGES",
    "Stage",
    "Values",
    "forward",
    "patch_grid",
    "query_grid",
    "touched_by",
]
