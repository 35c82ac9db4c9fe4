"""Where each cell's best match lies, as a displacement and as a colour.

Original: `offset = tf.argmax(yi, axis=3)`, made relative to the cell's own position, and
`flow_to_image`, the Middlebury colour wheel: hue is direction, saturation is distance relative
to the largest one.
"""

import math

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ..checks import check_choice
from ..config import AttentionConfig

# How many hues between the wheel's six primaries: red-yellow, yellow-green, green-cyan,
# cyan-blue, blue-magenta, magenta-red (Baker et al., "A Database and Evaluation Methodology for
# Optical Flow"): more where the eye tells hues apart better.
WHEEL_STEPS = (15, 6, 4, 11, 13, 6)


def offsets(
    attention: Float[Tensor, "n *cells L"],
    patches: tuple[int, int],
    config: AttentionConfig,
    own: Int[Tensor, "Q 2"] | None = None,
) -> Int[Tensor, "n *cells 2"]:
    """Position of the best match minus the cell's own, (row, column), in cells.

    Args:
        patches: the grid of background patches (gh, gw).
        own: (row, column) of each cell, where `attention` has some of them alone, `(n, Q, L)`.

    Returns:
        int64, `(n, h, w, 2)` or `(n, Q, 2)`; from −(h − 1) to hb − 1, and likewise for columns.
        The first of equal matches wins; where nothing is valid that is patch 0.

    >>> from ctxattn_viz.stages.offset_flow import offsets
    >>> attention = torch.tensor([[0.0, 1.0], [0.0, 1.0]]).reshape(1, 1, 2, 2)  # both: the second
    >>> offsets(attention, (1, 2), cv.AttentionConfig()).tolist()  # one to the right; nowhere
    [[[[0, 1], [0, 0]]]]
    """
    return displacements(attention.argmax(dim=-1), patches, config, own)


def displacements(
    best: Int[Tensor, "n *cells"],
    patches: tuple[int, int],
    config: AttentionConfig,
    own: Int[Tensor, "Q 2"] | None = None,
) -> Int[Tensor, "n *cells 2"]:
    """The offsets, where each cell's best background patch is known already."""
    match = torch.stack((best // patches[1], best % patches[1]), dim=-1) * config.stride
    if own is None:
        rows = torch.arange(best.shape[1], device=best.device)
        columns = torch.arange(best.shape[2], device=best.device)
        own = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1)  # (h, w, 2)
    return match - own


def flow_picture(offsets: Int[Tensor, "n h w 2"]) -> UInt8[Tensor, "n 3 h w"]:
    """The offsets as colours: hue is direction, saturation is length.

    Lengths are relative to the longest offset so far in the batch (the original keeps a running
    maximum from sample to sample, so a sample's colours depend on those before it).

    Returns:
        uint8 RGB, `(n, 3, h, w)`, 0 to 255; no displacement is white.

    >>> from ctxattn_viz.stages.offset_flow import flow_picture
    >>> flow_picture(torch.zeros(1, 2, 2, 2, dtype=torch.int64)).unique()  # no offset: white
    tensor([255], dtype=torch.uint8)
    """
    # In float64 and in the original's order, as the last step is a floor. (MPS has no float64.)
    uv = (offsets.cpu() if offsets.device.type == "mps" else offsets).double()
    length = uv.square().sum(dim=-1).sqrt()  # (n, h, w)
    longest = length.flatten(1).amax(dim=1).cummax(dim=0).values[:, None, None, None]
    u, v = (uv / (longest + torch.finfo(torch.float64).eps)).unbind(dim=-1)
    radius = (u.square() + v.square()).sqrt()[..., None]
    wheel = colour_wheel().to(uv.device, non_blocking=True)
    hue = (torch.atan2(-v, -u) / math.pi + 1) / 2 * (len(wheel) - 1) + 1  # from 1 to 55
    nearest = hue.floor().long()
    blend = (hue - nearest)[..., None]
    colour = (1 - blend) * wheel[nearest - 1] + blend * wheel[nearest % len(wheel)]
    colour = torch.where(radius <= 1, 1 - radius * (1 - colour), colour * 0.75)
    return (255 * colour).floor().to(torch.uint8).permute(0, 3, 1, 2).to(offsets.device)


def recorded_flow(flow: UInt8[Tensor, "n 3 h w"], rate: int, dialect: str) -> Tensor:
    """The flow picture in the form that a reference returns it.

    Args:
        flow: what `flow_picture` made, on the query grid.
        rate: how much the reference enlarges it.
        dialect: `"tensorflow"`: float32 `(n, h·rate, w·rate, 3)`, −1 to 1, enlarged by nearest
            sampling with aligned corners. `"pytorch"`: float32 `(n, 3, 4·h·rate, 4·w·rate)`,
            0 to 1, each cell repeated; with rate 1 it stays on the grid.

    Raises:
        InputError: another dialect; mmagic returns no flow.
    """
    check_choice("dialect", dialect, ["tensorflow", "pytorch"])
    if dialect == "pytorch":
        times = 4 * rate if rate > 1 else 1
        return (flow.float() / 255).repeat_interleave(times, 2).repeat_interleave(times, 3)
    rows, columns = (
        _enlarged(size, rate).to(flow.device, non_blocking=True) for size in flow.shape[2:]
    )
    return (flow.float() / 127.5 - 1)[:, :, rows][:, :, :, columns].permute(0, 2, 3, 1)


def _enlarged(size: int, rate: int) -> Int[Tensor, "out"]:
    scale = torch.tensor(size - 1.0, dtype=torch.float32, device="cpu") / max(size * rate - 1, 1)
    return (
        (torch.arange(size * rate, device="cpu").float() * scale).double().add(0.5).floor().long()
    )


def colour_wheel() -> Float[Tensor, "55 3"]:
    """The 55 hues of the Middlebury wheel, RGB from 0 to 1, float64."""
    wheel = torch.zeros(sum(WHEEL_STEPS), 3, dtype=torch.float64, device="cpu")
    start = 0
    for i, steps in enumerate(WHEEL_STEPS):
        ramp = (255 * torch.arange(steps, dtype=torch.float64, device="cpu") / steps).floor()
        full, moving = (i + 1) // 2 % 3, (1 - i) % 3  # the channel at 255, the one that changes
        wheel[start : start + steps, full] = 255
        wheel[start : start + steps, moving] = 255 - ramp if i % 2 else ramp
        start += steps
    return wheel / 255
