"""Strips of what is added up: the products of a score, the softmax, the overlap of patches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from matplotlib.axes import Axes
from torch import Tensor

from ...palette import COLOURS
from ...stages.deconvolution import overlap, overlap_add
from ...stages.matching_scores import patch_norms
from ...stages.patch_extraction import query_patches
from ..drawing import draw_heat, draw_picture, outline
from .subject import FRAMES, Frame, Subject, bars, brief, framed, seen, six

MOST_BARS = 5  # patches of a softmax


def products(a: Subject) -> list[Frame]:
    config, side = a.trace.config, a.trace.config.ksize
    small = a.trace["downsampled_f"].tensor[a.sample : a.sample + 1]
    at = torch.tensor([a.p], device=small.device)
    query = query_patches(small, config, queries=at).flatten(end_dim=1)[0].double()
    key = a.trace["matching_patches"].tensor[a.sample, a.q].double()
    terms = (query * key).flatten()
    sums = terms.cumsum(dim=0)
    norms = patch_norms(a.trace["matching_patches"].tensor[a.sample : a.sample + 1], config)
    norm = float(norms.flatten()[a.q])
    planes = terms.reshape(-1, side, side)

    def term(i: int) -> Frame:
        channel, place = divmod(i, side * side)
        plane = planes[channel].clone()
        plane.view(-1)[place + 1 :] = torch.nan

        def draw(ax: Axes) -> None:
            draw_heat(ax, plane, bar=False, signed=True, limit=float(terms.abs().max()))
            framed(ax)
            outline(ax, "query", place // side, place % side)

        x, y = query.flatten()[i], key.flatten()[i]
        caption = f"term {i + 1} of {len(terms)}\n{brief(x)} × {brief(y)} = "
        return Frame(f"{caption}{brief(terms[i])}\nsum {brief(sums[i])}", draw)

    def whole(ax: Axes) -> None:
        ax.step(range(len(sums) + 1), [0.0, *sums.tolist()], where="post", color=COLOURS["match"])
        ax.set(xticks=[], yticks=[])

    picked = [*six(range(len(terms)))[: FRAMES - 2], len(terms) - 1]
    score = a.row.scores.flatten()[a.q]
    divided = f"sum {brief(sums[-1])} ÷ {brief(norm)}\nscore {brief(score)}"
    return [*(term(i) for i in picked), Frame(divided, whole)]


def softmax(a: Subject) -> list[Frame]:
    config, row = a.trace.config, a.row
    valid, fused = row.valid.flatten(), row.fused_scores.flatten().double()
    shares = row.attention.flatten()
    best = [q for q in row.order[:MOST_BARS].tolist() if valid[q]]
    names = {q: "({}, {})".format(*a.match_cell(q)) for q in best}
    is_counted = config.masked == "zero"
    hidden = int((~valid).sum())
    masked = torch.where(valid, fused, 0.0 if is_counted else -torch.inf)
    scaled = torch.where(valid, config.softmax_scale * fused, masked)
    top = float(scaled.max())
    exponentials = (scaled - top).exp()
    total = float(exponentials.sum())

    def over(x: Tensor) -> Callable[[Axes], None]:
        others = valid.clone()
        others[best] = False
        rest = {"others": float(x[others].max())} if others.any() else {}
        hole = {"hole": float(x[~valid].max())} if hidden else {}
        return bars({name: float(x[q]) for q, name in names.items()} | rest | hole)

    score = "score 0" if is_counted else "score −∞"
    drop = f"{hidden} in the hole:\n{score}" if hidden else "no hole:\nnothing is masked"
    counted = len(valid) if is_counted else len(valid) - hidden
    share = 100 * float(shares[a.q])
    return [
        Frame(f"fused scores,\nbest {brief(fused[a.q])}", over(fused)),
        Frame(drop, over(masked)),
        Frame(f"× {brief(config.softmax_scale)}\nbest {brief(scaled[a.q])}", over(scaled)),
        Frame(f"exp(x − {brief(top)})\nbest {brief(exponentials[a.q])}", over(exponentials)),
        Frame(f"sum over {counted}\n{brief(total)}", over(exponentials)),
        Frame(f"÷ {brief(total)}\nbest {brief(share)} %", over(shares)),
    ]


def overlapping(a: Subject) -> list[Frame]:
    trace, (row, column) = a.trace, a.cell
    (h, w), rate = trace.query_grid, trace.config.rate
    around = [(row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    near = [(y, x) for y, x in around if 0 <= y < h and 0 <= x < w and (y, x) != a.cell]
    laid = [a.cell, *near]
    patches = torch.stack([trace.query(y, x, a.sample).patch for y, x in laid])
    divisor = overlap((h, w), trace.config).to(patches)
    top, left = (row - 1) * rate - rate // 2, (column - 1) * rate - rate // 2
    rows = slice(max(0, top), top + 4 * rate)
    columns = slice(max(0, left), left + 4 * rate)

    def lay(count: int) -> Tensor:
        cells = torch.tensor([y * w + x for y, x in laid[:count]], device=patches.device)
        added = overlap_add(patches[None, :count], (h, w), trace.config, cells)
        return (added * divisor)[0, :, rows, columns]

    def scatter(count: int) -> Frame:
        y, x = laid[count - 1]

        def draw(ax: Axes) -> None:
            draw_picture(ax, seen(lay(count) / 4))
            box = y * rate - rate // 2 - rows.start, x * rate - rate // 2 - columns.start
            outline(ax, "query", *box, 2 * rate)

        caption = f"query ({y}, {x})" if count == 1 else f"{count} patches"
        return Frame(f"scatter: {caption}\nat a quarter’s strength", draw)

    whole = lay(len(laid)) / divisor[0, :, rows, columns]
    pixel = row * rate + rate // 2, column * rate + rate // 2
    ledger = trace.pixel(*pixel, a.sample)

    def divided(ax: Axes) -> None:
        draw_picture(ax, seen(whole))
        box = row * rate - rate // 2 - rows.start, column * rate - rate // 2 - columns.start
        outline(ax, "query", *box, 2 * rate)

    def at_pixel(ax: Axes) -> None:
        draw_picture(ax, seen(whole))
        outline(ax, "pixel", pixel[0] - rows.start, pixel[1] - columns.start)

    parts = {str(term.query): float(term.contribution[0]) for term in ledger.terms}
    total, value = brief(ledger.total[0]), brief(ledger.value[0])
    counts = six(range(1, len(laid) + 1))
    return [
        scatter(counts[0]),
        scatter(counts[2]),
        scatter(counts[-1]),
        Frame("divided: in the frame\nthis is the output", divided),
        Frame(f"gather: pixel {pixel}\ncollects {total}", bars(parts)),
        Frame(f"÷ {ledger.divisor:g} = {value}\n(channel 0)", at_pixel),
    ]
