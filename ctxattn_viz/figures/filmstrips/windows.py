"""Strips of what goes over a map: the pixels kept, a window that lifts or tests, the offset."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes

from ...palette import COLOURS
from ...stages.downsampling import nearest_indices
from ..drawing import draw_heat, draw_picture, outline
from .subject import FRAMES, Frame, Subject, brief, framed, seen, six

LONGEST_WALK = 2 * FRAMES  # pixels, or cells, of a map on a side: more would be too small


def shrinking(a: Subject) -> list[Frame]:
    config, (row, column) = a.trace.config, a.cell
    height, width = a.trace.f.shape[2:]
    rows = nearest_indices(height, config.rate, config.shrink)
    columns = nearest_indices(width, config.rate, config.shrink)
    x = seen(a.trace.f[a.sample])
    reach = FRAMES // 2
    first = max(0, min(column - reach, len(columns) - FRAMES))
    cells = six(range(first, min(first + FRAMES, len(columns))))
    small = a.trace["downsampled_f"].tensor[a.sample]
    top = max(0, min(int(rows[row]) - LONGEST_WALK // 2, height - LONGEST_WALK))
    left = max(0, min(int(columns[column]) - LONGEST_WALK // 2, width - LONGEST_WALK))

    def frame(i: int) -> Frame:
        pixel = int(rows[row]), int(columns[cells[i]])

        def draw(ax: Axes) -> None:
            draw_picture(ax, x[:, top : top + LONGEST_WALK, left : left + LONGEST_WALK])
            for cell in cells[:i]:
                outline(ax, "match", pixel[0] - top, int(columns[cell]) - left)
            outline(ax, "query", pixel[0] - top, pixel[1] - left)

        value = brief(small[0, row, cells[i]])
        return Frame(f"cell ({row}, {cells[i]}) keeps\npixel {pixel}: {value}", draw)

    return [frame(i) for i in range(FRAMES)]


def lifting(key: str) -> Callable[[Subject], list[Frame]]:
    def strip(a: Subject) -> list[Frame]:
        config = a.trace.config
        lifted = a.trace[key].tensor[a.sample]
        is_paste = key == "paste_patches"
        x = seen((a.trace.b if is_paste else a.trace["downsampled_b"].tensor)[a.sample])
        scale, side = (config.rate, 2 * config.rate) if is_paste else (1, config.ksize)
        before = config.rate // 2 if is_paste else config.ksize // 2
        tested = sorted({0, 1, a.q, len(lifted) - 2, len(lifted) - 1} & {*range(len(lifted))})

        def window(q: int) -> Frame:
            row, column = a.match_cell(q)

            def draw(ax: Axes) -> None:
                draw_picture(ax, x)
                outline(ax, "match", row * scale - before, column * scale - before, side)

            return Frame(f"patch {q} of {len(lifted)},\naround ({row}, {column})", draw)

        def patch(ax: Axes) -> None:
            draw_picture(ax, seen(lifted[a.q]))

        size = " · ".join(str(s) for s in lifted.shape[1:])
        lifted_off = Frame(f"lifted off: patch {a.q},\n{size} = {lifted[0].numel()}", patch)
        windows = [window(q) for q in (tested * FRAMES)[: FRAMES - 1]]
        at = tested.index(a.q) + 1
        return [*windows[:at], lifted_off, *windows[at:]]

    return strip


def testing(a: Subject) -> list[Frame]:
    side = a.trace.config.ksize
    valid = a.trace["valid"].tensor[min(a.sample, len(a.trace["valid"]) - 1)]
    mask = a.trace["downsampled_mask"].tensor[a.mask_sample, 0]
    out = (~valid).nonzero().flatten().tolist()
    around = [out[0] - 1, out[0], out[len(out) // 2], out[-1]] if out else [a.q]
    tested = sorted({0, len(valid) - 1, *around, a.q} & {*range(len(valid))})

    def frame(q: int) -> Frame:
        row, column = a.match_cell(q)
        top, left = row - side // 2, column - side // 2
        under = mask[max(0, top) : top + side, max(0, left) : left + side]
        verdict = "valid" if valid[q] else "out"
        count = int(valid[: q + 1].sum())

        def draw(ax: Axes) -> None:
            draw_picture(ax, 1 - 2 * mask[None].float(), hole=mask)
            framed(ax)
            outline(ax, "match", top, left, side)

        caption = f"{int(under.sum())} hole cells: {verdict}\n{count} of {q + 1} valid so far"
        return Frame(caption, draw)

    return [frame(q) for q in six(tested)]


def offset(a: Subject) -> list[Frame]:
    trace, (row, column) = a.trace, a.cell
    match = a.match_cell()
    down, right = match[0] - row, match[1] - column
    x = seen(trace["downsampled_b"].tensor[a.sample])
    shares = a.row.attention

    def frame(caption: str, points: list[tuple[int, int]], straight: bool = False) -> Frame:
        def draw(ax: Axes) -> None:
            draw_picture(ax, x)
            ys, xs = zip(*points, strict=True)
            ax.plot(xs, ys, color=COLOURS["query"], linewidth=1.5)
            outline(ax, "query", row, column)
            if len(points) > 1:
                outline(ax, "match", *match)
            if straight:
                arrow = {"arrowstyle": "->", "color": "w", "linewidth": 1.5}
                ax.annotate("", match[::-1], (column, row), arrowprops=arrow)

        return Frame(caption.replace("-", "−"), draw)

    corner, half = (match[0], column), (row + down // 2, column)

    def heat(ax: Axes) -> None:
        draw_heat(ax, shares, bar=False)
        step = trace.config.stride
        outline(ax, "match", match[0] // step, match[1] // step)

    largest = 100 * float(shares.flatten()[a.q])
    return [
        frame(f"query ({row}, {column})", [(row, column)]),
        Frame(f"largest share {largest:.3g} %:\npatch ({match[0]}, {match[1]})", heat),
        frame(f"rows: {half[0] - row:+d} of {down:+d}", [(row, column), half]),
        frame(f"rows: {down:+d}", [(row, column), corner]),
        frame(f"columns: {right:+d}", [(row, column), corner, match]),
        frame(f"offset ({down}, {right})", [(row, column), corner, match], straight=True),
    ]
