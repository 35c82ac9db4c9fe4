"""What a notebook tells its reader to press, and what then stands on the screen, as data.

A Markdown cell that says so has it in its metadata, in the order of its sentences:

    "ctxattn": {"see": [
        {"view": "two_passes", "do": [["key", "n", 3], ["click", [4, 4], [9, 9]]],
         "read": "element", "value": "132"}
    ]}

`view` is the title over the view in question, `do` what is done there since the entry before,
`read` what is looked at, and `value` the text that stands there. A browser does it
(tests/browser/test_line_by_line.py). The text says the same: each value in bold, in a sentence
with "on the screen", and each key and button by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

# What can be done: the name of each argument, and how the text names it ("" where it need not).
DEEDS: dict[str, tuple[type, ...]] = {
    "key": (str, int),  # which, how often
    "press": (str,),  # the button of these words
    "tile": (str,),  # a step in the strip
    "choose": (str,),  # a function in the list of the code that ran
    "line": (int, int),  # the number of a line of the code, how often it is pressed
    "click": (list, list),  # row and column of the picture, of how many rows and columns
}
READINGS = ("step", "element", "shape", "odd", "result")

ON_SCREEN = re.compile(r"\bon the screen\b")
BOLD = re.compile(r"\*\*([^*]+)\*\*")
SENTENCE = re.compile(r"(?<=[.:;?!)])\s+")


def entries(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, dict[str, Any]]]:
    """Each entry of a notebook, with the cell that it stands in, from the top."""
    for cell in notebook.cells:
        for entry in cell.metadata.get("ctxattn", {}).get("see", ()):
            yield cell, entry


def problems(notebook: NotebookNode) -> list[str]:
    """How text and entries fail to say the same, each as a sentence."""
    sentences: list[str] = []
    for number, cell in enumerate(notebook.cells):
        listed = cell.metadata.get("ctxattn", {}).get("see", [])
        if cell.cell_type != "markdown" or not (listed or any(told(cell.source))):
            continue
        values = [entry.get("value") for entry in listed]
        if values != list(told(cell.source)):
            said = list(told(cell.source))
            sentences.append(f"cell {number} says {said}, and its entries have {values}")
        for entry in listed:
            sentences += [f"cell {number}: {problem}" for problem in _of(entry, cell.source)]
    return sentences


def told(source: str) -> Iterator[str]:
    """The values that a text tells its reader to look for, in order."""
    for sentence in SENTENCE.split(" ".join(source.split())):
        if ON_SCREEN.search(sentence):
            yield from (bold for bold in BOLD.findall(sentence) if not _is_key(bold))


def _is_key(bold: str) -> bool:
    return bold in ("N", "B", "I", "O", "S", "End", "Home")


def _of(entry: dict[str, Any], source: str) -> Iterator[str]:
    if set(entry) != {"view", "do", "read", "value"}:
        yield f"expected view, do, read and value, got {sorted(entry)}"
        return
    if entry["read"] not in READINGS:
        yield f"nothing reads {entry['read']!r}: there are {', '.join(READINGS)}"
    text = " ".join(source.split())
    for name, *arguments in entry["do"]:
        if tuple(map(type, arguments)) != DEEDS.get(name):
            yield f"cannot do {[name, *arguments]}"
        elif not _names(name, arguments, text):
            yield f"its text does not say {[name, *arguments]}"


def _names(deed: str, arguments: list[Any], text: str) -> bool:
    """Whether a text says that this is to be done."""
    if deed == "click":
        (row, column), _ = arguments
        return f"row {row} and column {column}" in text
    if deed == "line":
        return f"line {arguments[0]}" in text
    words = arguments[0]
    names = {
        "key": f"**{words if len(words) > 1 else words.upper()}**",
        "choose": f"`{words}`",
    }
    return names.get(deed, f"*{words}*") in text
