"""Figures of a trace: small pictures to look at beside the numbers.

Every function returns a `Figure` that shows itself at the end of a notebook cell, with a text
that says what it shows to whoever cannot see it. Figures of your own are composed from `canvas`
and the functions of `ctxattn_viz.figures.drawing`, which are named here too.

>>> figure, axes = cv.figures.canvas(1, 2, alt="A picture and a box in the colour of a query.")
>>> cv.figures.draw_picture(axes[0, 0], torch.zeros(1, 3, 8, 8), "grey")
>>> cv.figures.outline(axes[0, 0], "query", 2, 2, 3)
>>> cv.figures.COLOURS["query"], cv.figures.LINES["query"]
('#D55E00', '-')
"""

from ..palette import COLOURS, LINES
from .drawing import Figure, canvas, draw_heat, draw_numbers, draw_picture, hatch, outline, surround
from .filmstrips import filmstrip
from .panels import curves, heats, mosaic, numbers, patches, pictures
from .runs import flow, ledger, query, reconstruction, validity, wheel

__all__ = [
    "COLOURS",
    "LINES",
    "Figure",
    "canvas",
    "curves",
    "draw_heat",
    "draw_numbers",
    "draw_picture",
    "filmstrip",
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
