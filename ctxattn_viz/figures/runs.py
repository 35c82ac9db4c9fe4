"""What one run did: the hole it filled, a query's row, the patches ruled out, a pixel, the flow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from torch import Tensor

from .. import samples
from ..drawing import (
    WIDTH,
    Figure,
    bare,
    canvas,
    draw_heat,
    draw_picture,
    hatch,
    matrix,
    outline,
    surround,
)
from ..errors import check_index, check_whole
from ..results import PixelLedger
from ..roles import COLOURS
from ..stages.offset_flow import flow_picture
from ..traces import Trace, check_trace


def reconstruction(
    truth: Tensor, coarse: Tensor, output: Tensor, mask: Tensor, alt: str | None = None
) -> Figure:
    """Input, coarse fill, attended, and what attention changed, with PSNR in the hole.

    The change is attended minus coarse, the mean of the channels.

    Args:
        truth: the photograph `(1, 3, H, W)` in [-1, 1].
        coarse: the same with its hole filled.
        output: what attention made of it; only its hole is used.
        mask: `(1, 1, H, W)`, 1 = hole.
    """
    attended = coarse + mask * (output - coarse)
    before, after = (samples.psnr(x.clamp(-1, 1), truth, mask) for x in (coarse, attended))
    change = (attended - coarse).mean(dim=1)[0]
    said = alt or (
        f"A photograph with a hole; the hole filled coarsely, {before:.1f} dB; filled by "
        f"attention, {after:.1f} dB; and the difference between the two fills."
    )
    ratio = truth.shape[2] / truth.shape[3]
    figure, axes = canvas(1, 4, height=WIDTH / 4 * ratio + 0.35, alt=said)
    row = axes[0]
    draw_picture(row[0], truth * (1 - mask) + mask, "input", mask)
    draw_picture(row[1], coarse, f"coarse · {before:.1f} dB")
    draw_picture(row[2], attended, f"attended · {after:.1f} dB")
    draw_heat(row[3], change, "attended − coarse")
    return figure


def query(
    trace: Trace,
    row: int,
    col: int,
    *,
    stages: Sequence[str] = ("scores", "fused_scores", "attention"),
    best: int = 5,
    sample: int = 0,
    alt: str | None = None,
) -> Figure:
    """One query cell on the foreground, and its row over the background at some stages.

    The best matches by attention are outlined (the very best with a full line), patches that touch
    the hole are hatched.
    """
    check_trace(trace)
    found = trace.query(row, col, sample)
    rate, step = trace.config.rate, trace.config.stride
    matches = found.best(best)
    top = matches[0]
    said = alt or (
        f"The query cell ({row}, {col}) and heat maps of its row: {', '.join(stages)}. Its best "
        f"match is cell ({top.row}, {top.col}) with weight {top.weight:.2g}."
    )
    near = torch.zeros(found.valid.shape, dtype=torch.bool)  # each match and the patch around it
    for match in matches:
        i, j = match.row // step, match.col // step
        near[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = True
    two = trace.f.shape != trace.b.shape
    panels = 1 + two + len(stages)
    figure, axes = canvas(1, panels, height=2.5, width=min(WIDTH, 2.6 * panels), alt=said)
    first, maps = axes[0, 0], axes[0, 1 + two :]
    draw_picture(first, trace.f[sample], f"query ({row}, {col})")
    outline(first, "query", row * rate, col * rate, rate)
    reach = trace.config.ksize // 2 * rate
    outline(first, "query", row * rate - reach, col * rate - reach, rate * trace.config.ksize)
    if two:
        draw_picture(axes[0, 1], trace.b[sample], f"best match ({top.row}, {top.col})")
        at = top.row * rate - reach, top.col * rate - reach
        outline(axes[0, 1], "match", *at, rate * trace.config.ksize)
    for ax, key in zip(maps, stages, strict=True):
        values = found[key].float().masked_fill(~found.valid, torch.nan)
        draw_heat(ax, values, key)
        hatch(ax, ~found.valid)
        surround(ax, "match", near)
        reach = trace.config.ksize // 2
        i, j = top.row // step - reach, top.col // step - reach
        outline(ax, "match", i, j, trace.config.ksize, line="-")
    return figure


def validity(trace: Trace, sample: int = 0, alt: str | None = None) -> Figure:
    """The hole on the background, on the shrunk grid, and the patches that touch it."""
    check_trace(trace)
    sample = check_index("sample", sample, trace.f.shape[0])
    one = min(sample, trace.mask.shape[0] - 1)
    valid = trace["valid"].tensor[sample].unflatten(0, trace.patch_grid)
    shrunk = trace["downsampled_mask"].tensor[one, 0]
    said = alt or (
        f"The hole on the background; the hole on the shrunk grid, {int(shrunk.sum())} cells; "
        f"and the {int((~valid).sum())} patches that touch it."
    )
    tall = 2.2 * valid.shape[0] / valid.shape[1] + 0.3
    figure, axes = canvas(1, 3, height=tall, width=6.6, alt=said)
    draw_picture(axes[0, 0], trace.b[sample], "background", trace.mask_at_b[one])
    two = ListedColormap(["#F4F4F4", COLOURS["hole"]])
    axes[0, 1].imshow(matrix(shrunk), cmap=two, vmin=0, vmax=1, interpolation="nearest")
    bare(axes[0, 1], f"hole cells: {int(shrunk.sum())}")
    axes[0, 2].imshow(matrix(~valid), cmap=two, vmin=0, vmax=1, interpolation="nearest")
    bare(axes[0, 2], f"patches ruled out: {int((~valid).sum())}")
    return figure


def ledger(entry: PixelLedger, best: int = 6, alt: str | None = None) -> Figure:
    """Who paid for one output pixel: for each patch over it, its largest weights' colours.

    Each weight is as wide as it is large and written where it fits; what is left white is all the
    others together. At the right stands the mixture.
    """
    terms = entry.terms
    said = alt or (
        f"Output pixel ({entry.row}, {entry.col}): {len(terms)} patches cover it; for each, the "
        f"colours of the {best} background pixels with the largest weights, and their mixture."
    )
    figure, axes = canvas(len(terms), 1, height=0.62, alt=said)
    for ax, term in zip(axes[:, 0], terms, strict=True):
        weights = term.weights.flatten()
        order = weights.argsort(descending=True, stable=True)[:best]
        left = 0.0
        for q in order.tolist():
            width = float(weights[q])
            colour = _rgb(term.colours[q])
            ax.barh(0, width, left=left, color=colour, edgecolor="w", linewidth=0.5)
            if width > 0.04:
                written = "black" if sum(colour) > 1.5 else "white"
                middle = left + width / 2
                ax.text(middle, 0, f"{width:.2f}", color=written, ha="center", va="center", size=7)
            left += width
        if (rest := float(weights.sum()) - left) > 0.04:
            others = f"{rest:.2f}: {len(weights) - best} others"
            ax.text(left + 0.006, 0, others, va="center", size=7)
        mixed = _rgb(term.contribution)
        ax.barh(0, 0.12, left=1.06, color=mixed, edgecolor="#777777", linewidth=0.5)
        ax.set(xlim=(0, 1.2), yticks=[], xticks=[])
        said = f"query {term.query}, pixel {term.position} of its patch"
        ax.set_title(said, fontsize=8, loc="left")
        ax.set_title("mixture", fontsize=8, loc="right")
        ax.spines[:].set_visible(False)
    return figure


def flow(trace: Trace, sample: int = 0, every: int = 4, alt: str | None = None) -> Figure:
    """The offset flow as colours, as arrows from each cell to its match, and the colour wheel.

    The arrows lie on the foreground; on the background where that has another size, as they end
    there.
    """
    check_trace(trace)
    sample, every = check_index("sample", sample, trace.f.shape[0]), check_whole("every", every)
    offsets = trace["offsets"].tensor[sample].cpu().numpy()
    rate = trace.config.rate
    longest = float(np.hypot(offsets[..., 0], offsets[..., 1]).max())
    two = trace.f.shape != trace.b.shape
    said = alt or (
        f"The offset flow as a colour picture and as arrows on the "
        f"{'background' if two else 'foreground'}, beside the colour wheel; the longest offset is "
        f"{longest:.0f} cells."
    )
    figure, axes = canvas(1, 3, height=2.9, alt=said, width_ratios=[1, 1, 0.55])
    draw_picture(axes[0, 0], trace["flow"].tensor[sample].movedim(0, -1).cpu().numpy(), "flow")
    axes[0, 0].spines[:].set(visible=True, color="#BBBBBB")
    looks = "where each cell looks, on the background" if two else "where each cell looks"
    draw_picture(axes[0, 1], (trace.b if two else trace.f)[sample], looks)
    y, x = np.mgrid[: offsets.shape[0] : every, : offsets.shape[1] : every]
    down, right = (offsets[::every, ::every, axis] * rate for axis in (0, 1))
    axes[0, 1].quiver(
        x * rate,
        y * rate,
        right,
        down,
        color=COLOURS["match"],
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.004,
    )
    draw_picture(axes[0, 2], wheel(), f"rim: {longest:.0f} cells away")
    return figure


def wheel(size: int = 101) -> np.ndarray:
    """The colour wheel of the flow: the colour of every direction and length, (H, W, 3) uint8."""
    reach = torch.arange(size) - size // 2
    offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1)  # (H, W, 2)
    inside = offsets.square().sum(dim=-1) <= (size // 2) ** 2
    picture = flow_picture(torch.where(inside[..., None], offsets, 0)[None])[0]
    return torch.where(inside, picture, 255).movedim(0, -1).numpy()


def _rgb(colour: Tensor) -> tuple[float, float, float]:
    three = colour.expand(3) if colour.numel() == 1 else colour[:3]
    red, green, blue = ((three.cpu().double() + 1) / 2).clamp(0, 1).tolist()
    return red, green, blue
