"""Contextual attention as a function and as a layer."""

import functools
from typing import NamedTuple, NoReturn

import torch
from torch import Tensor, nn

from ..checks import check_choice, shape_of
from ..config import AttentionConfig
from ..devices import exact_arithmetic, has_no_values, recording
from ..errors import InputError, UnsupportedError
from ..habits import takes_a_config, warn_if_channels_last
from ..inputs import cells_of, check_config, check_inputs, check_mask, clamped_config
from ..stages.downsampling import mask_at
from ..stages.matching_scores import lifted
from ..stages.offset_flow import displacements, flow_picture
from ..stages.patch_extraction import patch_grid
from .choice import METHODS, method_for
from .contexts import NO_HOLE_ALONE, in_any_context
from .estimates import explain_out_of_memory
from .methods import attend


class AttentionSummary(NamedTuple):
    """The output, and what it takes to compute any attention row later by itself.

    Attributes:
        output: `(n, c, H, W)`, the dtype of f.
        lse: `(n, h, w)`, the log-sum-exp of each query's row exactly as the masked softmax sees
            it: attention(p, q) = exp(logit(p, q) − lse(p)).
        argmax: int64 `(n, h, w)`, each query's best background patch, 0 where it has none.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> summary: cv.AttentionSummary = cv.attention_summary(x, x)
    >>> summary.output.shape, summary.lse.shape, summary.argmax.shape  # 2×2 query cells
    (torch.Size([1, 3, 4, 4]), torch.Size([1, 2, 2]), torch.Size([1, 2, 2]))
    """

    output: Tensor
    lse: Tensor
    argmax: Tensor


@takes_a_config
def contextual_attention(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    method: str = "auto",
    queries: str = "all",
    foreground_mask: Tensor | None = None,
    rest: str | None = None,
) -> Tensor:
    """Rebuild f from patches of b: the whole layer, differentiable once in f and b.

    `torch.func`'s vmap, grad, vjp and jacrev take it; `torch.compile` leaves it outside the graph,
    so not with fullgraph=True; `torch.export` records it for fixed sizes and every mask, in plain
    operations of which none holds all scores (no warning comes of a record); on the meta device and
    for fake tensors shapes come out. Autocast is switched off inside, in `trace` too.

    Args:
        f: foreground `(n, c, H, W)`, floating; what is reconstructed.
        b: background `(n, c, Hb, Wb)`; what is pasted from.
        mask: `(1|n, 1, Hb·m, Wb·m)`, 1 is a hole in b, m whole; None: nothing is missing. Whatever
            is not 0 counts as hole here, NaN too; `trace` refuses all but 0 and 1.
        config: None for the defaults, what the original's network runs with.
        method: how it is computed, see above; `"auto"` takes what `choose_method` says.
        queries: `"all"`, or `"hole"` for only those query cells whose patches reach into f's hole:
            all that inpainting needs. In the hole the output is the same.
        foreground_mask: f's hole for `queries="hole"`, as `mask` but for f; None: it is `mask`
            (of each sample its own), which then needs f and b of one size.
        rest: what stands outside the hole with `queries="hole"`: `"copy"` of f (so does None), or
            `"zero"`.

    Returns:
        `(n, c, H, W)`, the dtype of f.

    Raises:
        InputError: naming the argument, what was expected and what came. Values are not looked
            at: NaN comes out where NaN went in.
        UnsupportedError: a second or a forward-mode derivative, torch.jit.trace, or export with
            dynamic sizes or `queries="hole"`: refused before anything runs.
        BudgetError: there is not enough memory; says what would fit.

    Warns:
        NothingValidWarning: no patch is valid for a sample, which `masked="minus_infinity"` makes
            NaN, as all gradients through that sample, whatever the method. Said where counting
            makes nobody wait, on a CPU; elsewhere `trace` says it.
        ChannelsLastWarning: sizes that can be used, but look like (n, height, width, channels).

    The methods, and the stages of a trace, agree to rounding while the sum of squares of a patch is
    finite: in float32 (and half precision, which is computed in it) while values stay below
    1.8e19 / √(channels·ksize²), which is 3e18 for three channels and a ksize of 3. Beyond, norms
    are infinite: scores are 0 by `"vectors"`, `"sdpa"` and in a trace, and NaN by `"diagonals"`.

    Source: `inpaint_ops.contextual_attention` (Yu et al., CVPR 2018, section 4.1).

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> mask = cv.samples.rectangle((4, 4), 0, 0, 2, 2)
    >>> cv.contextual_attention(x, x, mask).shape
    torch.Size([1, 3, 4, 4])
    >>> torch.allclose(cv.contextual_attention(x, x, mask), cv.trace(x, x, mask)["output"].tensor)
    True
    """
    call = functools.partial(_output, config, method, queries, rest)
    return in_any_context(call, f, b, mask, foreground_mask)[0]


def _output(
    config: AttentionConfig | None,
    method: str,
    queries: str,
    rest: str | None,
    f: Tensor,
    b: Tensor,
    mask: Tensor | None,
    foreground_mask: Tensor | None,
) -> tuple[Tensor]:
    """What `contextual_attention` returns."""
    values, config = check_inputs(f, b, mask, config)
    check_choice("method", method, METHODS)
    check_choice("queries", queries, ("all", "hole"))
    if rest is not None:
        check_choice("rest", rest, ("copy", "zero"))
    if queries == "all":
        if foreground_mask is not None:
            got = shape_of(foreground_mask)
            raise InputError("foreground_mask", "None, as queries='all'", got)
        if rest is not None:
            raise InputError("rest", "None, as queries='all'", repr(rest))
    if queries == "hole" and recording():
        raise UnsupportedError(NO_HOLE_ALONE)
    hole = None if queries == "all" else _hole(f, b, mask, foreground_mask, config)
    method = method_for(method, f, b, config)
    warn_if_channels_last(f=f, b=b)
    if has_no_values(f):
        return (_like_output(f, b),)
    with explain_out_of_memory(f, b, method, config), exact_arithmetic(f.device):
        results = attend(values, config, method, hole)
        output = torch.cat([y for y, _, _ in results]).to(f.dtype)
    return (output if hole is None else torch.where(hole, output, 0 if rest == "zero" else f),)


@takes_a_config
def attention_summary(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None = None,
    config: AttentionConfig | None = None,
    *,
    method: str = "auto",
) -> AttentionSummary:
    """The output with each query's log-sum-exp and best patch, in one pass.

    Takes and raises what `contextual_attention` does, but for `method="sdpa"`, which returns
    neither.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> output, lse, argmax = cv.attention_summary(x, x)
    >>> run = cv.trace(x, x)
    >>> logits = run.config.softmax_scale * run["fused_scores"].tensor  # (1, 2, 2, 4)
    >>> torch.allclose(lse, logits.logsumexp(3))
    True
    >>> torch.equal(argmax, run["attention"].tensor.argmax(3))
    True
    """
    call = functools.partial(_summary, config, method)
    return AttentionSummary(*in_any_context(call, f, b, mask, None))


def _summary(
    config: AttentionConfig | None,
    method: str,
    f: Tensor,
    b: Tensor,
    mask: Tensor | None,
    foreground_mask: None,
) -> tuple[Tensor, Tensor, Tensor]:
    """What `attention_summary` returns."""
    values, config = check_inputs(f, b, mask, config)
    check_choice("method", method, METHODS[:3])
    grid = cells_of(f, config.rate)
    method = method_for(method, f, b, config)
    method = "vectors" if method == "sdpa" else method
    warn_if_channels_last(f=f, b=b)
    if has_no_values(f):
        empty = f.new_empty(f.shape[0], *grid)
        return _like_output(f, b), lifted(empty), empty.long()
    with explain_out_of_memory(f, b, method, config), exact_arithmetic(f.device):
        results = attend(values, config, method, find_best=True)
        output, lse, best = map(torch.cat, zip(*results, strict=True))
    return output.to(f.dtype), lse.unflatten(1, grid), best.unflatten(1, grid)


def _output_and_flow(
    config: AttentionConfig,
    method: str,
    f: Tensor,
    b: Tensor,
    mask: Tensor | None,
    foreground_mask: None,
) -> tuple[Tensor, Tensor]:
    """What the layer returns."""
    output, _, best = _summary(config, method, f, b, mask, foreground_mask)
    f_cells, b_cells = (cells_of(x, config.rate) for x in (f, b))
    config = clamped_config(config, f_cells, b_cells)
    return output, flow_picture(displacements(best, patch_grid(b_cells, config), config))


def _like_output(f: Tensor, b: Tensor) -> Tensor:
    """The output without its values, differentiable as it is."""
    return f.contiguous() + b.sum()


class ContextualAttention(nn.Module):
    """The layer, for a network. It has no weights: what is learned is the features it is given.

    Args:
        config: None for the defaults, what the original's network runs with.
        method: as for `attention_summary`.

    >>> x = torch.arange(48.0).reshape(1, 3, 4, 4) / 48
    >>> layer = cv.ContextualAttention(cv.AttentionConfig(dialect="pytorch"))
    >>> y, flow = layer(x, x)
    >>> y.shape, flow.shape  # a colour for each query cell
    (torch.Size([1, 3, 4, 4]), torch.Size([1, 3, 2, 2]))
    >>> [*layer.parameters()]  # nothing to learn
    []
    """

    @takes_a_config
    def __init__(self, config: AttentionConfig | None = None, *, method: str = "auto") -> None:
        super().__init__()
        check_choice("method", method, METHODS[:3])
        self.config = check_config(config)
        self.method = method

    def forward(self, f: Tensor, b: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The output `(n, c, H, W)` and the flow picture, uint8 `(n, 3, H / rate, W / rate)`.

        Takes and raises what `contextual_attention` does.
        """
        call = functools.partial(_output_and_flow, self.config, self.method)
        output, flow = in_any_context(call, f, b, mask, None)
        return output, flow

    def extra_repr(self) -> str:
        return f"{self.config}, method={self.method!r}"

    def __prepare_scriptable__(self) -> NoReturn:  # what torch.jit.script asks for first
        raise UnsupportedError(
            "ContextualAttention: torch.jit.script cannot read the layer, whose rules are chosen "
            "by a configuration. torch.compile takes it."
        )


def _hole(
    f: Tensor,
    b: Tensor,
    mask: Tensor | None,
    foreground_mask: Tensor | None,
    config: AttentionConfig,
) -> Tensor:
    """True at the pixels of f that are hole, `(1|n, 1, H, W)`."""
    if foreground_mask is not None:
        check_mask(foreground_mask, f, "foreground_mask", "f")
        mask = foreground_mask.to(f.dtype)
    elif mask is None:
        raise InputError("foreground_mask", "the hole of f, as queries='hole'", "no mask at all")
    elif f.shape != b.shape:
        sizes = f"f {tuple(f.shape[2:])} and b {tuple(b.shape[2:])}"
        raise InputError("foreground_mask", "the hole of f, as its size is not b's", sizes)
    return mask_at(mask, (f.shape[2], f.shape[3]), config) != 0
