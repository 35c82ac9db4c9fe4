"""The numbers that a notebook's prose claims, and whether its outputs print them.

A claim is a number in a Markdown cell with a decimal point, a % or a unit. It has to stand in an
output of a cell above or of the next cell, to the digits that the prose gives: 17.4 dB where 17.41
is printed, 37 % where 37% or 0.37 is. A number in a string of the cell that prints it does not
count: it was typed, not computed.

Not claims: code, addresses, equations ($…$), quotations, and numbers whose sentence says where they
are from, in one of these ways (in every other case the cell's metadata say why):

    the paper      … in the paper · the paper's … · the paper reports … · (paper)
    a thread       … in issue #281 · in #281 · the issue's … · (issue)
    the benchmark  … by `make bench` · (bench)
    the screen     … on the screen · (screen)

    "ctxattn": {"numbers": {"16.95": "learning for an hour, too long for a notebook"}}
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from nbformat import NotebookNode

# ---- what is a number, and of what ----

WORDS = {
    "percent": "%",
    "per cent": "%",
    "decibels": "dB",
    "milliseconds": "ms",
    "seconds": "s",
    "bytes": "B",
    "kilobytes": "kB",
    "megabytes": "MB",
    "gigabytes": "GB",
    "KB": "kB",
    "us": "µs",
    "μs": "µs",  # the Greek letter for the sign
}
SIGNS = r"(?:%|°|(?:dB|ns|[µμu]s|ms|[kKMGT]i?B(?:/s)?|px)(?!\w))"
SPELT = rf"(?:s|B|{'|'.join(word for word in WORDS if word.islower())})(?!\w)"
UNIT = rf"(?:[ \n]?{SIGNS}|[ \n-]{SPELT})"  # a bare s needs its space: 2s is twice the stride
ALONE = re.compile(rf"(?<![\w'’])(?:{SIGNS}|{SPELT})")
NUMBER = re.compile(
    r"(?:(?<![\w.)\]-])(?P<sign>[+-]))?(?<![\w.#])"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    rf"(?P<power>e[+-]?\d+)?(?P<unit>{UNIT})?(?![\w]|\.\d)"
)
# Between two numbers of which the second alone has the unit: 10 to 13 ms.
JOINS = re.compile(r"\s*(?:[-–,/…]\s*(?:to|and|or|then|against)?|to|and|or|then|against)\s*")


class Number(NamedTuple):
    """A number of a text, as it stands there and as a value."""

    text: str  # without its unit
    value: Decimal  # its exponent is that of its last digit
    unit: str
    sign: str
    start: int


def numbers(text: str) -> list[Number]:
    """Every number of a normalised text; of a list or a range each has the unit of its last."""
    matches = list(NUMBER.finditer(text))
    units = [unit_of(match, "unit") for match in matches]
    for i in reversed(range(len(matches) - 1)):
        gap = text[matches[i].end() : matches[i + 1].start()]
        if not units[i] and JOINS.fullmatch(gap):
            units[i] = units[i + 1]
    return [
        Number(
            match["digits"] + (match["power"] or ""),
            Decimal(match["digits"].replace(",", "") + (match["power"] or "")),
            unit,
            match["sign"] or "",
            match.start(),
        )
        for match, unit in zip(matches, units, strict=True)
    ]


def unit_of(match: re.Match[str], group: str | int = 0) -> str:
    """A unit as it is written most often; empty where there is none."""
    unit = (match[group] or "").strip(" \n-")
    return WORDS.get(unit, unit)


SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")


def normalised(text: str) -> str:
    """Minus signs, spaces, powers of ten and thousands in one way; no emphasis around a number."""
    text = re.sub(r"&(?:\w+sp|times|minus|#\w+);", lambda entity: html.unescape(entity[0]), text)
    text = text.replace("−", "-").replace("\\%", "%")
    text = re.sub(r"(?<!\w)(?:\*+|_+)(?=[+-]?\.?\d)|(?<=[\d%])(?:\*+|_+)(?!\w)", "", text)
    text = re.sub(r"(?<=\d)[\u2009\u202f\u00a0](?=\d{3}(?!\d))", ",", text)
    text = re.sub(r"[\u2009\u202f\u00a0]", " ", text)
    return re.sub(
        r"(?<=\d) ?[·×*] ?10(?:([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|<sup>(-?\d+)</sup>)",
        lambda power: "e" + (power[1].translate(SUPERSCRIPTS) if power[1] else power[2]),
        text,
    )


# ---- what the prose claims ----

WITHIN = r"(?:(?!\n\s*\n).)"  # a paragraph: what is opened and not closed hides no more
HIDDEN = [
    re.compile(pattern, re.DOTALL | re.MULTILINE)
    for pattern in (
        r"^ *(?P<fence>```+|~~~+).*?^ *(?P=fence)",  # code
        rf"(?<!`)(?P<ticks>`+)(?!`){WITHIN}+?(?<!`)(?P=ticks)(?!`)",
        r"<!--.*?-->",
        r"\]\([^)\s]*(?:\s+[^)]*)?\)|<https?:[^>]*>|https?://\S+|</?[a-zA-Z][^>]*>",  # addresses
        r"\$\$.+?\$\$|(?<![\\$\w])\$(?!\s)[^$\n]+?(?<!\s)\$(?!\d)",  # equations
        r"^ *>[^\n]*",  # quotations
        rf"“{WITHIN}*?”|(?<!\w)\"{WITHIN}*?\"(?!\w)",
        r"^#+ Q\d+ · [^\n]*",  # what somebody asked, in their words
        r"\b(?:[Ss]ections?|[Ee]quations?|[Ff]igures?|[Tt]ables?|[Vv]ersions?) \d[\d.]*",
        r"\b(?:Python|PyTorch|TensorFlow|torch|CUDA) \d[\d.]*",
    )
]
BREAKS = re.compile(r"\n(?=\s*(?:$|[-*+] |\d+\. |#|\|))|\n\s*\n", re.MULTILINE)
ABBREVIATED = r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<!\bvs\.)(?<!\bal\.)(?<!\bEq\.)(?<!\bFig\.)"
END_OF_SENTENCE = re.compile(rf"(?<=[.!?]){ABBREVIATED}[)\"”*_]*\s+(?=[^a-z])")
MARKS = re.compile(
    r"\bin the paper\b|\bthe paper's\b|\bthe paper (?:says|gives|reports|states|uses|has)\b"
    r"|\bin (?:issue )?#\d+|\bin \[(?:issue )?#\d+\]|\bissue #\d+|\bthe issue's\b"
    r"|`make bench`|\bon (?:the|your) screen\b"
    r"|\((?:from the |in the |the )?(?:paper|issue|bench|screen)\b[^)]*\)",
    re.IGNORECASE,
)


class Claim(NamedTuple):
    """A number that has to be printed, and the sentence it stands in."""

    number: Number
    sentence: str


def claims(source: str) -> Iterator[Claim]:
    """The numbers of a Markdown cell that an output has to print."""
    text = normalised(source)
    for sentence, bare in sentences(text, without_digits(text)):
        if MARKS.search(sentence):
            continue
        for number in claimable(bare):
            yield Claim(number, " ".join(sentence.replace("**", "").split()))


def claimable(text: str) -> Iterator[Number]:
    """The numbers with a decimal point or a unit."""
    return (number for number in numbers(normalised(text)) if "." in number.text or number.unit)


def without_digits(text: str) -> str:
    """The same text with an x for each digit of what is exempt."""
    for pattern in HIDDEN:
        text = pattern.sub(lambda match: re.sub(r"\d", "x", match[0]), text)
    return text


def sentences(text: str, bare: str) -> Iterator[tuple[str, str]]:
    """Both texts, of one length, cut where the bare one has a block or a sentence end."""
    cuts = [match.end() for ends in (BREAKS, END_OF_SENTENCE) for match in ends.finditer(bare)]
    cuts = [0, *sorted(cuts), len(bare)]
    for start, stop in pairwise(cuts):
        if bare[start:stop].strip():
            yield text[start:stop], bare[start:stop]


# ---- what the outputs print ----


class Printed(NamedTuple):
    """The numbers that one output prints, and the units that it names anywhere."""

    numbers: tuple[Number, ...]
    units: frozenset[str]


def printed(cell: NotebookNode) -> Iterator[Printed]:
    """What each output of a code cell prints, without the numbers typed into its strings."""
    typed = {number.value for text in typed_into(cell.source) for number in claimable(text)}
    for output in cell.get("outputs", ()):
        text = normalised("\n".join(texts(output)))
        # "1,128" may be a thousand, or two numbers of a shape
        apart = [*numbers(text), *numbers(text.replace(",", " "))]
        units = frozenset(unit_of(match) for match in ALONE.finditer(text))
        yield Printed(tuple(n for n in apart if n.value not in typed), units)


def texts(output: Mapping[str, Any]) -> Iterator[str]:
    """What a reader can read of an output."""
    yield _joined(output.get("text", ""))
    yield output.get("evalue", "")
    for kind, data in output.get("data", {}).items():
        if kind == "text/html":
            yield html.unescape(re.sub(r"<[^>]*>", " ", _joined(data)))
        elif kind.startswith("text/"):
            yield _joined(data)


def typed_into(source: str) -> Iterator[str]:
    """The strings of some code, and the numbers that it prints as they are typed."""
    try:
        tree = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))
    except SyntaxError:
        return
    formats = set()  # the .1f of f"{x:.1f}" prints nothing
    for node in ast.walk(tree):
        shown: list[ast.expr] = []
        if isinstance(node, ast.FormattedValue):
            formats |= set(ast.walk(node.format_spec)) if node.format_spec else set()
            shown = [node.value]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            shown = node.args
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            shown = [] if node in formats else [node]
        yield from (str(each.value) for each in shown if isinstance(each, ast.Constant))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def stands(claim: Claim, outputs: Iterable[Printed]) -> bool:
    """Whether an output prints the number, to the digits given, with its unit.

    A unit may also be named elsewhere in the output, as over a column, if the number has a decimal
    point: a bare 2 is in every table. Of a number without a unit the sentence may name it.
    """
    number = claim.number
    named = {unit_of(match) for match in ALONE.finditer(claim.sentence)}
    for output in outputs:
        elsewhere = number.unit in output.units and "." in number.text
        for other in output.numbers:
            if number.sign == "-" and other.sign != "-":
                continue
            if number.unit == "%" and not other.unit and agree(number, other.value.scaleb(2)):
                return True
            if not number.unit:
                fits = not other.unit or other.unit in named
            else:
                fits = other.unit == number.unit or (not other.unit and elsewhere)
            if fits and agree(number, other.value):
                return True
    return False


def agree(claim: Number, value: Decimal) -> bool:
    """Whether a printed value, rounded to the digits of a claim, is what it claims."""
    if claim.unit == "%" and claim.value in (0, 100):
        return value == claim.value  # all and none are not nearly all and next to none
    last = claim.value.as_tuple().exponent
    assert isinstance(last, int)
    digits = value.as_tuple().exponent
    fine = isinstance(digits, int) and digits <= last
    return fine and 2 * abs(value - claim.value) <= Decimal(1).scaleb(last)


# ---- a notebook ----


def problems(notebook: NotebookNode) -> list[str]:
    """Every number of the prose that no output prints and nothing excuses, each as a sentence."""
    found: list[str] = []
    outputs: list[Printed] = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            outputs += printed(cell)
            continue
        if cell.cell_type != "markdown":
            continue
        following = notebook.cells[place + 1 : place + 2]
        near = [out for code in following if code.cell_type == "code" for out in printed(code)]
        excused = cell.metadata.get("ctxattn", {}).get("numbers", {})
        all_claims = list(claims(cell.source))
        for number in set(excused) - {claim.number.text for claim in all_claims}:
            found.append(
                f"cell {place}: its metadata excuse {number}, which its text does not claim"
            )
        for number, reason in excused.items():
            if not (isinstance(reason, str) and reason.strip()):
                found.append(f"cell {place}: its metadata excuse {number} without a reason")
        for claim in all_claims:
            number, sentence = claim
            if number.text not in excused and not stands(claim, [*outputs, *near]):
                unit = f" {number.unit}".rstrip()
                found.append(
                    f"cell {place}: no output prints {number.sign}{number.text}{unit}: “{sentence}”"
                )
    return found
