"""A small still of the debugger, for where no widget can run: a web view, a trust prompt."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..palette import COLOURS
from ..stages import BY_KEY, MATRICES

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ..traces.run import Trace
    from .state import Place

SIDE = 184  # of a panel, in pixels: a notebook with several debuggers stays small
GAP = 12
LINE = 18
INK = (40, 40, 40)
SENTENCE = "A still of the debugger. Where widgets can run, execute the cell to explore it."

ROLES = {role: tuple(bytes.fromhex(colour[1:])) for role, colour in COLOURS.items()}


@dataclass
class Panel:
    """One picture of the still.

    Attributes:
        caption: what stands above it.
        picture: `(H, W, 3)` uint8. hole: `(H, W)`, hatched, or None.
        heat: numbers over the picture's cells, drawn as a map, or None.
        step: how many pixels a number of `heat` is wide. signed: which map.
        boxes: (top, left, height, width) in pixels, and a role.
    """

    caption: str
    picture: np.ndarray
    hole: np.ndarray | None = None
    heat: np.ndarray | None = None
    step: int = 1
    signed: bool = False
    boxes: list[tuple[tuple[int, int, int, int], str]] = field(default_factory=list)


def still_of(
    trace: "Trace",
    arrays: Mapping[str, Any],
    buffers: Mapping[str, bytes],
    mask: "Tensor | None",
    place: "Place | None",
    stage: str,
    sample: int,
) -> bytes:
    """A PNG of what a debugger shows: f, b and the output, and what a query sees.

    Args:
        arrays: dtype and shape of each of `buffers`.
        mask: the hole in b, `(1|n, 1, Hb, Wb)`, or None.
        place: the query cell to show, or None.
    """

    def plane(name: str) -> np.ndarray | None:
        if name not in arrays or name not in buffers:
            return None
        stack = np.frombuffer(buffers[name], np.uint8).reshape(arrays[name]["shape"])
        return stack[min(sample, len(stack) - 1)]

    hole_b = None if mask is None else mask[min(sample, len(mask) - 1), 0].cpu().numpy()
    hole_f = plane("foreground_mask")
    if hole_f is None and trace.f.shape == trace.b.shape:
        hole_f = hole_b
    pictures = {
        "foreground": (plane("picture_f"), hole_f),
        "background": (plane("picture_b"), hole_b),
        "output": (plane("picture_output"), None),
    }
    panels = {n: Panel(n, x, hole) for n, (x, hole) in pictures.items() if x is not None}
    if place is not None:
        mark_query(panels, trace, place, stage, sample)
    return png_of(list(panels.values()))


def png_of(panels: list[Panel]) -> bytes:
    """A PNG of the panels side by side; the same bytes for the same panels."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(12)
    pictures = [_panel_image(panel) for panel in panels]
    height = max(picture.height for picture in pictures)
    width = max(GAP + sum(picture.width + GAP for picture in pictures), 3 * (SIDE + GAP) + GAP)
    sheet = Image.new("RGB", (width, height + 2 * LINE + 2 * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    left = GAP
    for panel, picture in zip(panels, pictures, strict=True):
        draw.text((left, GAP // 2), panel.caption, INK, font)
        sheet.paste(picture, (left, GAP // 2 + LINE))
        left += picture.width + GAP
    draw.text((GAP, height + LINE + GAP), SENTENCE, INK, font)
    file = io.BytesIO()
    _with_palette(sheet).save(file, "PNG", optimize=True)
    return file.getvalue()


def mark_query(
    panels: dict[str, Panel], trace: "Trace", query: "Place", stage: str, sample: int
) -> None:
    """Mark what a query sees: its row over b, its best matches, the pixels that it pastes."""
    rate, row = trace.config.rate, trace.query(*query, sample=sample)
    key = stage if stage in MATRICES else "attention"
    top, left = (at * rate for at in query)
    f, b = panels["foreground"], panels["background"]
    f.caption = f"f: query {query}"
    f.boxes = [((top, left, rate, rate), "query")]
    b.caption = f"b: {BY_KEY[key].title}"
    b.heat, b.signed = row[key].float().cpu().numpy(), key != "attention"
    b.step = rate * trace.config.stride
    b.boxes = [((m.row * rate, m.col * rate, rate, rate), "match") for m in reversed(row.best())]
    if output := panels.get("output"):
        half = rate // 2
        output.caption = "output: what it helps rebuild"
        output.boxes = [((top - half, left - half, 2 * rate, 2 * rate), "pixel")]


def _with_palette(sheet: "Image") -> "Image":
    """As few as keep the file small; the roles' own among them, which an average would lose."""
    from PIL import Image

    common = sheet.quantize(96, dither=Image.Dither.NONE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*common[: 3 * 96], *(v for role in ROLES.values() for v in role)])
    return sheet.quantize(palette=palette, dither=Image.Dither.NONE)


def _panel_image(panel: Panel) -> "Image":
    from PIL import Image, ImageDraw

    picture = panel.picture
    if panel.heat is not None:
        picture = _with_heat(picture, panel)
    if panel.hole is not None:
        rows, columns = np.indices(panel.hole.shape)
        period = max(4, max(panel.hole.shape) // 24)
        hatch = (rows + columns) % period < max(1, period // 4)
        picture = np.where(
            (hatch & (panel.hole > 0))[..., None], np.array(ROLES["hole"], np.uint8), picture
        )
    image: Any = Image.fromarray(np.ascontiguousarray(picture))
    scale = SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)
    draw = ImageDraw.Draw(image)
    for (top, left, height, width), role in panel.boxes:
        at = [left * scale - 2, top * scale - 2, (left + width) * scale + 1]
        corners = [round(v) for v in (*at, (top + height) * scale + 1)]
        draw.rectangle([v + d for v, d in zip(corners, (-1, -1, 1, 1), strict=True)], None, INK)
        draw.rectangle(corners, None, ROLES[role], 2)
    return image


def _with_heat(picture: np.ndarray, panel: Panel) -> np.ndarray:
    """The picture, dimmed, under the map of `panel.heat`; open where an unsigned map is lowest."""
    assert panel.heat is not None
    values = np.nan_to_num(panel.heat.astype(np.float64), nan=0, posinf=0, neginf=0)
    top = np.abs(values).max() or 1
    if panel.signed:
        colours = _coloured("PuOr_r", (values / top + 1) / 2)
    else:
        colours = _coloured("cividis", values / top)
    enlarged = colours.repeat(panel.step, axis=0).repeat(panel.step, axis=1)
    is_covered = (values > top / 510) | panel.signed
    visible = is_covered.repeat(panel.step, axis=0).repeat(panel.step, axis=1)
    result = (picture * 0.4).astype(np.uint8)
    height, width = (min(result.shape[axis], enlarged.shape[axis]) for axis in (0, 1))
    inside = visible[:height, :width]
    result[:height, :width][inside] = enlarged[:height, :width][inside]
    return result


def _coloured(name: str, shares: np.ndarray) -> np.ndarray:
    """The colours of a map of matplotlib's at shares of 0 to 1, in the levels of the front end."""
    from matplotlib import colormaps

    levels = (255 * colormaps[name](range(256))[:, :3]).round().astype(np.uint8)
    nearest: np.ndarray = levels[(255 * np.clip(shares, 0, 1)).round().astype(int)]
    return nearest
