"""Figures of a trace: small pictures to look at beside the numbers.

Every function returns a `Figure` that shows itself at the end of a notebook cell, with a text
that says what it shows to whoever cannot see it. Figures of your own are composed from `canvas`
and the functions of `ctxattn_viz.drawing`, which are named here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.colors import ListedColormap
from torch import Tensor

from . import samples
from .drawing import (
    COLOURS,
    LINES,
    STYLE,
    WIDTH,
    Figure,
    Picture,
    bare,
    canvas,
    draw_heat,
    draw_numbers,
    draw_picture,
    hatch,
    matrix,
    outline,
    surround,
)
from .errors import InputError, shape_of
from .results import PixelLedger
from .traces import Trace

__all__ = [
    "COLOURS",
    "LINES",
    "Figure",
    "canvas",
    "curves",
    "draw_heat",
    "draw_numbers",
    "draw_picture",
    "flow",
    "hatch",
    "heats",
    "ledger",
    "mosaic",
    "numbers",
    "outline",
    "patches",
    "pictures",
    "query",
    "reconstruction",
    "surround",
    "validity",
    "wheel",
]


def pictures(
    named: Mapping[str, Picture],
    *,
    hole: Tensor | None = None,
    columns: int | None = None,
    height: float | None = None,
    alt: str | None = None,
) -> Figure:
    """Pictures side by side, each under its name; `hole` is drawn on the first."""
    columns = columns or len(named)
    rows = -(-len(named) // columns)
    first = next(iter(named.values()))
    ratio = first.shape[-2] / first.shape[-1] if isinstance(first, Tensor) else 1.0
    tall = WIDTH / columns * ratio + 0.3 if height is None else height
    width = min(WIDTH, columns * ((tall - 0.3) / ratio + 0.1))
    said = alt or "Pictures side by side: " + "; ".join(_said(name) for name in named) + "."
    figure, axes = canvas(rows, columns, height=tall, width=width, alt=said)
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, (name, x)) in enumerate(zip(axes.flat, named.items(), strict=False)):
        draw_picture(ax, x, name, hole if i == 0 else None)
    return figure


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


def patches(
    cut: Tensor,
    *,
    columns: int | None = None,
    titles: Sequence[str] | None = None,
    height: float | None = None,
    alt: str | None = None,
) -> Figure:
    """Patches `(N, c, k, k)` in [-1, 1] as pictures, in rows of `columns`.

    With `titles` each patch gets its own axes and name; without, they form one mosaic.
    """
    if cut.ndim != 4:
        raise InputError("cut", "(N, c, k, k) patches", shape_of(cut))
    columns = columns or min(len(cut), 16)
    rows = -(-len(cut) // columns)
    said = alt or f"{len(cut)} patches of {cut.shape[2]} by {cut.shape[3]} pixels."
    if titles is not None:
        tall = WIDTH / columns + 0.25 if height is None else height
        figure, axes = canvas(rows, columns, height=tall, alt=said)
        for ax in axes.flat:
            ax.axis("off")
        for ax, x, title in zip(axes.flat, cut, titles, strict=False):
            draw_picture(ax, x, title)
        return figure
    tall = min(WIDTH / columns, 0.8) * rows + 0.1 if height is None else height
    figure, axes = canvas(1, 1, height=tall, alt=said)
    draw_picture(axes[0, 0], mosaic(cut, columns))
    return figure


def mosaic(cut: Tensor, columns: int) -> np.ndarray:
    """Patches `(N, c, k, k)` in one (H, W, 3) uint8 picture, a white line between them."""
    n, _, k, m = cut.shape
    rows = -(-n // columns)
    scale = max(1, 12 // k)  # the white line is thin beside the enlarged pixels
    sheet = np.full((rows * (k * scale + 2), columns * (m * scale + 2), 3), 255, np.uint8)
    for i, x in enumerate(cut):
        top, left = i // columns * (k * scale + 2) + 1, i % columns * (m * scale + 2) + 1
        pixels = samples.to_picture(x).repeat(scale, 0).repeat(scale, 1)
        sheet[top : top + k * scale, left : left + m * scale] = pixels
    return sheet


def numbers(
    named: Mapping[str, Tensor],
    *,
    columns: int | None = None,
    height: float = 2.2,
    digits: int = 2,
    marks: Mapping[str, Iterable[tuple[int, int]]] | None = None,
    alt: str | None = None,
) -> Figure:
    """Small matrices side by side with their numbers in the cells; see `draw_numbers`."""
    columns = columns or len(named)
    rows = -(-len(named) // columns)
    said = alt or "Small matrices with their numbers: " + "; ".join(map(_said, named)) + "."
    ratios = [x.shape[-1] / x.shape[-2] for x in list(named.values())[:columns]]
    width = min(WIDTH, sum(ratios) * (height - 0.25) + 0.3 * columns)
    uneven: Any = {"width_ratios": ratios} if len(named) == columns else {}
    figure, axes = canvas(rows, columns, height=height, width=width, alt=said, **uneven)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (name, x) in zip(axes.flat, named.items(), strict=False):
        ax.axis("on")
        draw_numbers(ax, x, name, digits=digits, marks=marks)
    return figure


def heats(
    named: Mapping[str, Tensor],
    *,
    columns: int | None = None,
    height: float = 2.4,
    shared: bool = False,
    alt: str | None = None,
) -> Figure:
    """Matrices side by side as colours; `shared`: one scale for all of them."""
    columns = columns or len(named)
    said = alt or "Heat maps: " + "; ".join(map(_said, named)) + "."
    figure, axes = canvas(-(-len(named) // columns), columns, height=height, alt=said)
    limit = max(float(x[x.isfinite()].abs().max()) for x in named.values()) if shared else None
    for ax in axes.flat:
        ax.axis("off")
    for ax, (name, x) in zip(axes.flat, named.items(), strict=False):
        draw_heat(ax, x, name, limit=limit)
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
    from .stages.offset_flow import flow_picture

    reach = torch.arange(size) - size // 2
    offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1)  # (H, W, 2)
    inside = offsets.square().sum(dim=-1) <= (size // 2) ** 2
    picture = flow_picture(torch.where(inside[..., None], offsets, 0)[None])[0]
    return torch.where(inside, picture, 255).movedim(0, -1).numpy()


def curves(
    named: Mapping[str, tuple[Any, Any]],
    x_label: str,
    y_label: str,
    *,
    log: str = "",
    height: float = 2.8,
    width: float = 6.0,
    alt: str | None = None,
) -> Figure:
    """Lines over a common axis, each named in a legend; `log`: `"x"`, `"y"` or `"xy"`."""
    said = alt or f"{y_label} over {x_label}: {', '.join(map(_said, named))}."
    figure, axes = canvas(1, 1, height=height, width=width, alt=said)
    ax = axes[0, 0]
    with matplotlib.rc_context(STYLE):
        for name, (x, y) in named.items():
            ax.plot(_line(x), _line(y), label=name, linewidth=1.6)
        if "x" in log:
            ax.set_xscale("log")
        if "y" in log:
            ax.set_yscale("log")
        ax.set(xlabel=x_label, ylabel=y_label)
        ax.legend()
    return figure


def _line(x: Any) -> np.ndarray:
    return np.asarray(x.detach().cpu() if isinstance(x, Tensor) else x, dtype=float)


def _rgb(colour: Tensor) -> tuple[float, float, float]:
    three = colour.expand(3) if colour.numel() == 1 else colour[:3]
    red, green, blue = ((three.cpu().double() + 1) / 2).clamp(0, 1).tolist()
    return red, green, blue


def _said(name: str) -> str:
    return name.replace("\n", " ")
