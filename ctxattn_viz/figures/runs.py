"""What one run did: the hole it filled, a query's row, the patches ruled out, a pixel, the flow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from torch import Tensor

from .. import samples
from ..attention.layer import attention_summary
from ..checks import check_index, check_real, check_whole, shape_of
from ..errors import InputError
from ..palette import COLOURS
from ..stages.offset_flow import displacements, flow_picture
from ..traces.results import PixelLedger
from ..traces.run import Trace, check_trace
from .drawable import MOST_SIDE, matrix
from .drawing import (
    WIDTH,
    Figure,
    canvas,
    draw_heat,
    draw_picture,
    hatch,
    outline,
    remove_ticks,
    surround,
)

MOST_MATCHES, MOST_COLOURS, MOST_ARROWS = 1000, 100, 10_000
MOST_BYTES = 1_000_000_000  # to make a trace's score matrix for; beyond, the flow is found without


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

    Raises:
        InputError: what is not one picture of that size, or a mask without a hole.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> mask = cv.samples.rectangle(photo.shape[2:], 4, 4, 6, 6)
    >>> coarse = cv.samples.coarse_fill(photo, mask)
    >>> output = cv.contextual_attention(coarse, coarse, mask)
    >>> len(cv.figures.reconstruction(photo, coarse, output, mask).axes)
    4
    """
    for name, x in (("truth", truth), ("coarse", coarse), ("output", output), ("mask", mask)):
        check_real(name, x)
        channels = truth.shape[1:2] if name != "mask" else (1,)
        if x.ndim != 4 or not x.numel() or x.shape != (1, *channels, *truth.shape[2:]):
            expected = "one picture (1, 3, H, W), of one size with the others"
            raise InputError(name, expected, shape_of(x))
    mask = mask.to(truth.dtype)
    attended = coarse + mask * (output - coarse)
    before, after = (samples.psnr(x.clamp(-1, 1), truth, mask) for x in (coarse, attended))
    change = (attended - coarse).mean(dim=1)[0]
    alt_text = alt or (
        f"A photograph with a hole; the hole filled coarsely, {before:.1f} dB; filled by "
        f"attention, {after:.1f} dB; and the difference between the two fills."
    )
    ratio = truth.shape[2] / truth.shape[3]
    figure, axes = canvas(1, 4, height=min(WIDTH / 4 * ratio, 8) + 0.35, alt=alt_text)
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
    the hole are hatched. Where no patch may be used, nothing is outlined.

    Raises:
        InputError: a cell, sample or stage that is not there, or more than 1000 best matches.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> figure = cv.figures.query(cv.trace(photo, photo), 3, 4)
    >>> figure.savefig("query.png")
    """
    check_trace(trace)
    if isinstance(stages, str):
        raise InputError("stages", "a list of stages", repr(stages), f"Write [{stages!r}].")
    if isinstance(best, int) and best > MOST_MATCHES:
        raise InputError("best", f"at most {MOST_MATCHES} matches", best)
    query_row = trace.query(row, col, sample)
    rate, step = trace.config.rate, trace.config.stride
    matches = query_row.best(best)
    top = matches[0] if matches else None
    alt_text = alt or (
        f"The query cell ({row}, {col}) and heat maps of its row: {', '.join(map(str, stages))}. "
        + (
            f"Its best match is cell ({top.row}, {top.col}) with weight {top.weight:.2g}."
            if top
            else "No patch may be used."
        )
    )
    # Each match and the patches around it.
    around_matches = torch.zeros(query_row.valid.shape, dtype=torch.bool, device="cpu")
    for match in matches:
        i, j = match.row // step, match.col // step
        around_matches[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = True
    has_own_background = trace.f.shape != trace.b.shape
    panel_count = 1 + has_own_background + len(stages)
    figure, axes = canvas(
        1, panel_count, height=2.5, width=min(WIDTH, 2.6 * panel_count), alt=alt_text
    )
    first, maps = axes[0, 0], axes[0, 1 + has_own_background :]
    draw_picture(first, trace.f[sample], f"query ({row}, {col})")
    outline(first, "query", row * rate, col * rate, rate)
    reach = trace.config.ksize // 2 * rate
    outline(first, "query", row * rate - reach, col * rate - reach, rate * trace.config.ksize)
    if has_own_background:
        title = f"best match ({top.row}, {top.col})" if top else "background"
        draw_picture(axes[0, 1], trace.b[sample], title)
        if top:
            at = top.row * rate - reach, top.col * rate - reach
            outline(axes[0, 1], "match", *at, rate * trace.config.ksize)
    for ax, key in zip(maps, stages, strict=True):
        values = query_row[key].float().masked_fill(~query_row.valid, torch.nan)
        draw_heat(ax, values, key)
        hatch(ax, ~query_row.valid)
        surround(ax, "match", around_matches)
        if top is None:
            continue
        reach = trace.config.ksize // 2
        i, j = top.row // step - reach, top.col // step - reach
        outline(ax, "match", i, j, trace.config.ksize, line="-")
    return figure


def validity(trace: Trace, sample: int = 0, alt: str | None = None) -> Figure:
    """The hole on the background, on the shrunk grid, and the patches that touch it.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> mask = cv.samples.rectangle(photo.shape[2:], 4, 4, 6, 6)
    >>> print(cv.figures.validity(cv.trace(photo, photo, mask)).alt)
    The hole on the background; the hole on the shrunk grid, 9 cells; and the 25 patches that
    touch it.
    """
    check_trace(trace)
    sample = check_index("sample", sample, trace.f.shape[0])
    mask_sample = min(sample, trace.mask.shape[0] - 1)
    valid = trace["valid"].tensor[sample].unflatten(0, trace.patch_grid)
    shrunk = trace["downsampled_mask"].tensor[mask_sample, 0]
    alt_text = alt or (
        f"The hole on the background; the hole on the shrunk grid, {int(shrunk.sum())} cells; "
        f"and the {int((~valid).sum())} patches that touch it."
    )
    height = min(2.2 * valid.shape[0] / valid.shape[1], 8) + 0.3
    figure, axes = canvas(1, 3, height=height, width=6.6, alt=alt_text)
    draw_picture(axes[0, 0], trace.b[sample], "background", trace.mask_at_b[mask_sample])
    two_colours = ListedColormap(["#F4F4F4", COLOURS["hole"]])
    axes[0, 1].imshow(matrix(shrunk), cmap=two_colours, vmin=0, vmax=1, interpolation="nearest")
    remove_ticks(axes[0, 1], f"hole cells: {int(shrunk.sum())}")
    axes[0, 2].imshow(matrix(~valid), cmap=two_colours, vmin=0, vmax=1, interpolation="nearest")
    remove_ticks(axes[0, 2], f"patches ruled out: {int((~valid).sum())}")
    return figure


def ledger(entry: PixelLedger, best: int = 6, alt: str | None = None) -> Figure:
    """Who paid for one output pixel: for each patch over it, its largest weights' colours.

    Each weight is as wide as it is large and written where it fits; what is left white is all the
    others together. At the right stands the mixture.

    Raises:
        InputError: what is not a ledger, or more than 100 colours for each patch.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> figure = cv.figures.ledger(cv.trace(photo, photo).pixel(7, 9))
    >>> figure.savefig("ledger.png")
    """
    if not isinstance(entry, PixelLedger):
        raise InputError("entry", "what trace.pixel returned", shape_of(entry))
    if (best := check_whole("best", best)) > MOST_COLOURS:
        raise InputError("best", f"at most {MOST_COLOURS} colours", best)
    terms = entry.terms
    said = alt or (
        f"Output pixel ({entry.row}, {entry.col}): {len(terms)} patches cover it; for each, the "
        f"colours of the {best} background pixels with the largest weights, and their mixture."
    )
    figure, axes = canvas(len(terms), 1, height=0.62, alt=said)
    for ax, term in zip(axes[:, 0], terms, strict=True):
        weights = term.weights.detach().flatten().nan_to_num(0)
        order = weights.argsort(descending=True, stable=True)[:best]
        left = 0.0
        for q in order.tolist():
            width = float(weights[q])
            colour = _rgb(term.colours[q])
            ax.barh(0, width, left=left, color=colour, edgecolor="w", linewidth=0.5)
            if width > 0.04:
                text_colour = "black" if sum(colour) > 1.5 else "white"
                middle = left + width / 2
                ax.text(
                    middle, 0, f"{width:.2f}", color=text_colour, ha="center", va="center", size=7
                )
            left += width
        if (rest := float(weights.sum()) - left) > 0.04:
            others = f"{rest:.2f}: {len(weights) - len(order)} others"
            ax.text(left + 0.006, 0, others, va="center", size=7)
        mixture = _rgb(term.contribution)
        ax.barh(0, 0.12, left=1.06, color=mixture, edgecolor="#777777", linewidth=0.5)
        ax.set(xlim=(0, 1.2), yticks=[], xticks=[])
        said = f"query {term.query}, pixel {term.position} of its patch"
        ax.set_title(said, fontsize=8, loc="left")
        ax.set_title("mixture", fontsize=8, loc="right")
        ax.spines[:].set_visible(False)
    return figure


def flow(trace: Trace, sample: int = 0, every: int | None = None, alt: str | None = None) -> Figure:
    """The offset flow as colours, as arrows from each cell to its match, and the colour wheel.

    The arrows lie on the foreground; on the background where that has another size, as they end
    there. Where the score matrix is large it is not made: the best patches are found without.

    Args:
        every: an arrow for every so many rows and columns of cells; None: 4, or more where there
            are many cells.

    Raises:
        InputError: a sample that is not there, or more than 10,000 arrows.

    >>> photo = cv.samples.photograph("chelsea", size=32)
    >>> figure = cv.figures.flow(cv.trace(photo, photo.roll(4, dims=3)))
    >>> figure.savefig("flow.png")
    """
    check_trace(trace)
    sample = check_index("sample", sample, trace.f.shape[0])
    h, w = trace.query_grid
    fewest = 1
    while math.ceil(h / fewest) * math.ceil(w / fewest) > MOST_ARROWS:
        fewest += 1
    every = max(4, fewest) if every is None else check_whole("every", every)
    if every < fewest:
        raise InputError("every", f"at least {fewest}, for {MOST_ARROWS} arrows at most", every)
    offsets_tensor, flow_colours = _offsets(trace, sample)
    offsets = offsets_tensor.cpu().numpy()
    rate = trace.config.rate
    longest = float(np.hypot(offsets[..., 0], offsets[..., 1]).max())
    has_own_background = trace.f.shape != trace.b.shape
    alt_text = alt or (
        "The offset flow as a colour picture and as arrows on the "
        f"{'background' if has_own_background else 'foreground'}, beside the colour wheel; "
        f"the longest offset is {longest:.0f} cells."
    )
    figure, axes = canvas(1, 3, height=2.9, alt=alt_text, width_ratios=[1, 1, 0.55])
    draw_picture(axes[0, 0], flow_colours.movedim(0, -1).cpu().numpy(), "flow")
    axes[0, 0].spines[:].set(visible=True, color="#BBBBBB")
    title = (
        "where each cell looks, on the background"
        if has_own_background
        else "where each cell looks"
    )
    draw_picture(axes[0, 1], (trace.b if has_own_background else trace.f)[sample], title)
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


def _offsets(trace: Trace, sample: int) -> tuple[Tensor, Tensor]:
    """The offsets `(h, w, 2)` and the flow picture `(3, h, w)` of one sample."""
    keys = ("offsets", "flow")
    most = MOST_BYTES if trace.budget is None else min(MOST_BYTES, trace.budget)
    if all(map(trace.computed, keys)) or trace.swapped or trace.cost("flow") <= most:
        offsets, flow_colours = (trace[key].tensor[sample] for key in keys)
        return offsets, flow_colours
    one_sample, mask_sample = slice(sample, sample + 1), min(sample, len(trace.mask) - 1)
    mask = trace.mask[mask_sample : mask_sample + 1]
    if trace.config.mask_of_batch == "first":
        mask = trace.mask[:1]
    summary = attention_summary(trace.f[one_sample], trace.b[one_sample], mask, trace.config)
    offsets_tensor = displacements(summary.argmax, trace.patch_grid, trace.config)
    return offsets_tensor[0], flow_picture(offsets_tensor)[0]


def wheel(size: int = 101) -> np.ndarray:
    """The colour wheel of the flow: the colour of every direction and length, (H, W, 3) uint8.

    Raises:
        InputError: a size that is not a whole number from 1 to 2048.

    >>> picture = cv.figures.wheel(size=51)
    >>> picture.shape, picture[25, 25].tolist()  # no offset: white
    ((51, 51, 3), [255, 255, 255])
    """
    if (size := check_whole("size", size)) > MOST_SIDE:
        raise InputError("size", f"at most {MOST_SIDE}", size)
    reach = torch.arange(size, device="cpu") - size // 2
    offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1)  # (H, W, 2)
    inside = offsets.square().sum(dim=-1) <= (size // 2) ** 2
    picture = flow_picture(torch.where(inside[..., None], offsets, 0)[None])[0]
    return torch.where(inside, picture, 255).movedim(0, -1).numpy()


def _rgb(colour: Tensor) -> tuple[float, float, float]:
    channels = colour.expand(3) if colour.numel() == 1 else colour[:3]
    levels = ((channels.detach().cpu().double().nan_to_num(0) + 1) / 2).clamp(0, 1).tolist()
    red, green, blue = [*levels, 0.0][:3]  # two channels: no blue
    return red, green, blue
