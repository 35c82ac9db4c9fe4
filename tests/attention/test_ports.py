"""The layer in place of a port's, in networks of three styles: what README shows, run.

Small stand-ins, written for this test: each network calls attention as the public ones of its style
do. Their attention is made of convolutions, as the ports' is.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ctxattn_viz as cv
from ctxattn_viz.stages.offset_flow import recorded_flow


def kept_by_nearest(size: int, dialect: str) -> list[int]:
    if dialect != "tensorflow":
        return list(range(0, size, 2))
    return [int(i * (size - 1) / (size // 2 - 1) + 0.5) for i in range(size // 2)]


def by_convolutions(
    f: Tensor, b: Tensor, mask: Tensor, fuse_weight: Tensor, dialect: str
) -> Tensor:
    """Attention of one sample at rate 2, the mask at b's size: background patches are kernels."""
    small_f, small_b, small_mask = (
        x[:, :, kept_by_nearest(x.shape[2], dialect)][..., kept_by_nearest(x.shape[3], dialect)]
        for x in (f, b, mask)
    )
    (h, w), (hb, wb) = small_f.shape[2:], small_b.shape[2:]
    kernels = F.unfold(small_b, 3, padding=1)[0].T.reshape(hb * wb, -1, 3, 3)
    pasted = F.unfold(b, 4, stride=2, padding=1)[0].T.reshape(hb * wb, -1, 4, 4)
    valid = (F.unfold(small_mask, 3, padding=1).sum(1) == 0)[0, :, None, None]
    squares = kernels**2 + (1e-4 if dialect == "pytorch" else 0)
    norm = squares.sum((1, 2, 3), keepdim=True).sqrt()
    norm = norm if dialect == "pytorch" else norm.clamp(min=1e-4)
    y = F.conv2d(small_f, kernels / norm, padding=1)
    y = y.permute(0, 2, 3, 1).reshape(1, 1, h * w, hb * wb)
    y = F.conv2d(y, fuse_weight, padding=1).view(1, h, w, hb, wb)
    y = y.permute(0, 2, 1, 4, 3).reshape(1, 1, h * w, hb * wb)
    y = F.conv2d(y, fuse_weight, padding=1).view(1, w, h, wb, hb)
    y = y.permute(0, 4, 3, 2, 1).reshape(1, hb * wb, h, w)
    if dialect == "mmagic":
        y = (10 * y).masked_fill(~valid, -torch.inf).softmax(1)
        ones = torch.ones_like(y[:, :1]), torch.ones_like(pasted[:1, :1])
        cover = F.conv_transpose2d(*ones, None, 2, 1)
        return F.conv_transpose2d(y, pasted, None, 2, 1) / cover
    y = (10 * y * valid).softmax(1) * valid
    return F.conv_transpose2d(y, pasted, None, 2, 1) / 4


class Network(nn.Module):
    """Convolutions before and after; features have a quarter of the picture's side."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 6, 5, stride=4, padding=2)
        self.after = nn.Conv2d(6, 3, 3, padding=1)
        self.register_buffer("fuse_weight", torch.eye(3).view(1, 1, 3, 3))


class TensorFlowStyle(Network):
    """A function that is given the mask at the features' size, one for all."""

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        x, small = F.elu(self.before(x)), mask[:1, :, ::4, ::4]
        y, flow = self.contextual_attention(x, x, small)
        return self.after(y), flow

    def contextual_attention(self, f: Tensor, b: Tensor, mask: Tensor):
        samples = zip(f.split(1), b.split(1), strict=True)
        y = [by_convolutions(*each, mask, self.fuse_weight, "tensorflow") for each in samples]
        return torch.cat(y), None


class TensorFlowStyleWithOurs(TensorFlowStyle):
    def __init__(self) -> None:
        super().__init__()
        self.contextual_attention = cv.ContextualAttention(cv.AttentionConfig())


class DAA233Style(Network):
    """A layer that is given the mask at the picture's size, and takes the first sample's."""

    def __init__(self) -> None:
        super().__init__()
        self.contextual_attention = self.convolutions

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        x = F.elu(self.before(x))
        y, flow = self.contextual_attention(x, x, mask)
        return self.after(y), flow

    def convolutions(self, f: Tensor, b: Tensor, mask: Tensor):
        small = mask[:1, :, ::4, ::4]
        samples = zip(f.split(1), b.split(1), strict=True)
        y = [by_convolutions(*each, small, self.fuse_weight, "pytorch") for each in samples]
        return torch.cat(y), None


class DAA233StyleWithOurs(DAA233Style):
    def __init__(self) -> None:
        super().__init__()
        self.contextual_attention = cv.ContextualAttention(cv.AttentionConfig(dialect="pytorch"))


class MmagicStyle(Network):
    """A method that puts out y alone, with each sample's own mask."""

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, None]:
        x, small = F.elu(self.before(x)), mask[:, :, ::4, ::4]
        return self.after(self.attend(x, x, small)), None

    def attend(self, f: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        samples = zip(f.split(1), context.split(1), mask.split(1), strict=True)
        return torch.cat([by_convolutions(*each, self.fuse_weight, "mmagic") for each in samples])


class MmagicStyleWithOurs(MmagicStyle):
    def attend(self, f: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        return cv.contextual_attention(f, context, mask, cv.AttentionConfig(dialect="mmagic"))


STYLES = [
    (TensorFlowStyle, TensorFlowStyleWithOurs),
    (DAA233Style, DAA233StyleWithOurs),
    (MmagicStyle, MmagicStyleWithOurs),
]


@pytest.mark.parametrize(("style", "with_ours"), STYLES, ids=lambda network: network.__name__)
def test_a_network_gives_the_same_with_the_layer_in_it(style: type, with_ours: type) -> None:
    """Exact to rounding in float64: output, and the gradient of the first weights."""
    torch.manual_seed(0)
    theirs, ours = style().double(), with_ours().double()
    ours.load_state_dict(theirs.state_dict())
    picture = torch.randn(2, 3, 64, 48, dtype=torch.float64)
    mask = torch.zeros(2, 1, 64, 48, dtype=torch.float64)
    mask[0, :, 20:44, 12:36] = mask[1, :, 8:24, 16:40] = 1
    (expected, _), (got, flow) = theirs(picture, mask), ours(picture, mask)
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-12)
    for network, y in ((theirs, expected), (ours, got)):
        y.square().sum().backward()
        assert network.before.weight.grad.any()
    torch.testing.assert_close(
        ours.before.weight.grad, theirs.before.weight.grad, rtol=1e-9, atol=1e-10
    )
    if flow is not None:  # as README says: on the grid, 0 to 255
        assert (flow.dtype, flow.shape) == (torch.uint8, (2, 3, 8, 6))


def test_a_flow_as_the_references_return_it() -> None:
    _, flow = cv.ContextualAttention()(*torch.randn(2, 1, 3, 16, 12))
    original, port = (recorded_flow(flow, 2, name) for name in ("tensorflow", "pytorch"))
    assert (original.shape, port.shape) == ((1, 16, 12, 3), (1, 3, 64, 48))
    assert -1 <= float(original.min()) < 0 < float(original.max()) <= 1
    assert 0 <= float(port.min()) < 0.5 < float(port.max()) <= 1


def test_a_checkpoint_with_fuse_weight_is_loaded_without_it() -> None:
    layer = cv.ContextualAttention()
    checkpoint = {"fuse_weight": torch.eye(3).view(1, 1, 3, 3)}
    with pytest.raises(RuntimeError, match="fuse_weight"):
        layer.load_state_dict(checkpoint)
    assert layer.load_state_dict(checkpoint, strict=False).unexpected_keys == ["fuse_weight"]
