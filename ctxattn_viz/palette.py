"""One colour and one line for one role, in every figure and still as in the debugger."""

COLOURS = {"query": "#D55E00", "match": "#56B4E9", "hole": "#CC79A7", "pixel": "#009E73"}
LINES = {"query": "-", "match": "--", "hole": "-", "pixel": ":"}
