"""The layer where PyTorch does more with a function than to run it.

Plain calls run as they are. Transforms (`torch.func`: vmap, grad, vjp, jacrev, and what is made of
them) see one function whose gradient is another; `torch.compile` leaves the layer outside its
graph; `torch.export` and `make_fx` record it in plain operations, by `"sdpa"` or `"vectors"`, which
then keep masked keys instead of leaving them out, so that the record is right for every mask; fake
tensors and the meta device get shapes. What cannot be right is refused in one sentence, and before
anything is computed.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ..devices import exact_arithmetic, exporting, recording
from ..errors import UnsupportedError

Call = Callable[[Tensor, Tensor, Tensor | None, Tensor | None], tuple[Tensor, ...]]
"""From f, b, the mask and the foreground's mask to results, of which the first is the output."""

STAGES_CAN = (
    "The stages are: `ctxattn_viz.stages.forward(f, b, mask, config)` is the same in plain "
    "operations of PyTorch, which holds the score matrix."
)
NO_SECOND = (
    "contextual_attention: a gradient of its gradient (create_graph=True) was asked for; it is "
    "differentiable once. " + STAGES_CAN
)
NO_FORWARD = (
    "contextual_attention: a forward-mode derivative (jvp, jacfwd, hessian, dual tensors) was "
    "asked for; it has reverse mode alone (grad, vjp, jacrev). " + STAGES_CAN
)
NO_WHOLE_GRAPH = (
    "contextual_attention: torch.jit.trace or torch.compile(fullgraph=True) was asked for; it runs "
    "as it is between two graphs. torch.compile without fullgraph=True and torch.export take it."
)
NO_OPEN_SIZES = (
    "contextual_attention: a recording for dynamic sizes (torch.export.Dim, mark_dynamic) was "
    "asked for; its loops are made for fixed sizes, the mask's too. Export it once for each size."
)
NO_HOLE_ALONE = (
    "contextual_attention: a recording of queries='hole' was asked for; how many queries reach "
    "into the hole is another with each mask. queries='all' puts out the same in the hole."
)


def in_any_context(
    call: Call, f: Tensor, b: Tensor, mask: Tensor | None, foreground_mask: Tensor | None
) -> tuple[Tensor, ...]:
    """What `call` returns, whoever asks: a plain caller, a transform, a compiler.

    Raises:
        UnsupportedError: what is asked for would not be right; see above.
    """
    if torch.compiler.is_dynamo_compiling() and not exporting():
        return contextual_attention_outside_the_graph(call, f, b, mask, foreground_mask)
    return _in_eager(call, f, b, mask, foreground_mask)


def _in_eager(
    call: Call, f: Tensor, b: Tensor, mask: Tensor | None, foreground_mask: Tensor | None
) -> tuple[Tensor, ...]:
    if torch.jit.is_tracing():
        raise UnsupportedError(NO_WHOLE_GRAPH)
    if recording():
        if _with_open_sizes(f, b, mask):
            raise UnsupportedError(NO_OPEN_SIZES)
        return call(f, b, mask, foreground_mask)
    if torch._C._are_functorch_transforms_active():
        return _Transformed.apply(call, f, b, mask, foreground_mask)
    if forward_ad._current_level >= 0 and any(map(_is_dual, (f, b))):
        raise UnsupportedError(NO_FORWARD)
    return call(f, b, mask, foreground_mask)


def refuse_second_derivatives() -> None:
    """To be called at the start of `backward`, where grad mode is on if create_graph=True."""
    if torch.is_grad_enabled():
        raise UnsupportedError(NO_SECOND)


def first_derivative_only(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A `backward` that refuses to be differentiated, and is not rounded by autocast."""

    def checked(ctx: Any, *gradients: Tensor | None) -> Any:
        refuse_second_derivatives()
        gradient = next((d for d in gradients if d is not None), None)
        if gradient is None:
            return backward(ctx, *gradients)
        with exact_arithmetic(gradient.device):
            return backward(ctx, *gradients)

    return checked


def differentiable_once(x: Tensor) -> Tensor:
    """x; for results of operations that PyTorch differentiates with a message of its own."""
    return _DifferentiableOnce.apply(x)


class _DifferentiableOnce(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> Tensor:
        refuse_second_derivatives()
        return d


class _Transformed(torch.autograd.Function):
    """The layer as `torch.func` wants a function: forward apart from what is kept for backward."""

    @staticmethod
    def forward(call: Call, *tensors: Any) -> tuple[Tensor, ...]:
        return call(*tensors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, ...]) -> None:
        ctx.call = inputs[0]
        ctx.save_for_backward(*inputs[1:])
        ctx.mark_non_differentiable(*output[1:])

    @staticmethod
    def backward(ctx: Any, d_output: Tensor, *rest: Any) -> Any:
        # Under torch.func grad mode is on whether or not a second derivative is asked for, so it is
        # the gradient that refuses to be differentiated.
        df, db = _Gradient.apply(ctx.call, d_output, *ctx.saved_tensors)
        return None, df, db, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple, *inputs: Any) -> Any:
        return _one_by_one(_Transformed.apply, info.batch_size, in_dims, inputs)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise UnsupportedError(NO_FORWARD)


class _Gradient(torch.autograd.Function):
    """The gradients of f and b from that of the output."""

    @staticmethod
    def forward(call: Call, d_output: Tensor, f: Tensor, b: Tensor, *masks: Any) -> Any:
        f, b = (x.detach().requires_grad_() for x in (f, b))
        with torch.enable_grad():
            output = call(f, b, *masks)[0]
        return torch.autograd.grad(output, (f, b), d_output)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, ...]) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise UnsupportedError(NO_SECOND)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, *inputs: Any) -> Any:
        return _one_by_one(_Gradient.apply, info.batch_size, in_dims, inputs)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise UnsupportedError(NO_SECOND)


def _one_by_one(call: Callable[..., Any], count: int, in_dims: tuple, inputs: tuple) -> Any:
    """A batch of calls one by one, as the layer runs its samples; and the axes of the results."""
    results = [
        call(*[x if d is None else x.select(d, i) for x, d in zip(inputs, in_dims, strict=True)])
        for i in range(count)
    ]
    stacked = tuple(torch.stack(each) for each in zip(*results, strict=True))
    return stacked, (0,) * len(stacked)


def _with_open_sizes(*tensors: Tensor | None) -> bool:
    """Whether a recorder was asked to leave a size open."""
    sizes = [size for x in tensors if x is not None for size in x.shape]
    return any(isinstance(size, torch.SymInt) for size in sizes)


def _is_dual(x: Tensor) -> bool:
    return forward_ad.unpack_dual(x).tangent is not None


@torch._disable_dynamo  # torch.compiler.disable, but that PyTorch's compiler is not imported here
def contextual_attention_outside_the_graph(call: Call, *tensors: Any) -> tuple[Tensor, ...]:
    """What a compiled function calls instead of tracing into it."""
    return _in_eager(call, *tensors)


# What PyTorch's compiler says where it may not leave the graph (fullgraph=True).
vars(contextual_attention_outside_the_graph).update(
    _torchdynamo_disable=True, _torchdynamo_disable_msg=NO_WHOLE_GRAPH
)
