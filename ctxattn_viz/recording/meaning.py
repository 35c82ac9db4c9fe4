"""What the tensors of a recording mean: the axes of each, and from those how it can be drawn.

Certain or unknown, never guessed. A name comes from a function's signature (jaxtyping), from an
operation that keeps or combines named axes, from a tensor of the run with the same values, and
last from a size that only one axis of the run has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from . import axes as rules
from .axes import Axes, Axis, axis, is_known, length
from .context import NOTHING_KNOWN, Context
from .readings import Meaning, meaning_of
from .signatures import signature, signed

if TYPE_CHECKING:
    from .recording import Recording

# Stages that take maps or cells of f and b alike: their letters say nothing of whose these are.
OF_ANY_MAP = ("downsample", "extract_patches", "neighbours")
SMALLEST_OWN_SIZE = 16  # below, sizes meet by chance


def meanings_of(
    recording: "Recording",
    context: Context = NOTHING_KNOWN,
    dimensions: Mapping[str, str] | None = None,
) -> list[Meaning]:
    """What each value of a recording is, in their order.

    Args:
        context: what is known of the run that it belongs to.
        dimensions: of the function's arguments and its `return`, where its signature does not say
            them: `{"x": "n c H W"}`.
    """
    naming = Naming(recording, context)
    naming.run(dimensions or {})
    return [
        meaning_of(axes, value, context)
        for axes, value in zip(naming.axes, recording.values, strict=True)
    ]


@dataclass
class Rule:
    """A step as it carries names: what is known of it, and the axes that it has been asked with."""

    name: str
    value: int
    operands: list[int]
    options: list[Any]
    named: dict[str, Any]
    expression: str
    shape: tuple[int, ...]
    seen: list[Axes] | None = None
    seen_back: Axes | None = None


class Naming:
    """Gives names to the axes of a recording's values, until no more can be said."""

    def __init__(self, recording: "Recording", context: Context) -> None:
        self.recording, self.context = recording, context
        self.axes: list[Axes] = [rules.unknown(value.shape) for value in recording.values]
        self.rules = [
            Rule(
                step.operation.strip("_"),
                step.value,
                *rules.read(step.operands),
                step.expression,
                tuple(recording.values[step.value].shape),
            )
            for step in recording.steps
            if step.value is not None
        ]

    def run(self, dimensions: Mapping[str, str]) -> None:
        claims = sorted(self.claims(dimensions), key=lambda claim: claim[0])
        for order in sorted({0, *(order for order, _, _ in claims)}):
            for _, number, text in (claim for claim in claims if claim[0] == order):
                self.name(number, signed(text, self.recording.values[number].shape))
            if order == 0:
                self.compare()
            while self.sweep():
                pass
        if self.count():
            while self.sweep():
                pass

    def claims(self, dimensions: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
        """(depth, number of a value, its dimensions) of all that signatures say.

        What the callers of a tensor call it comes first, what a function calls its own result last.
        """
        for call in self.recording.calls:
            source = self.recording.sources[call.source]
            if call.depth and source.name in OF_ANY_MAP:
                continue
            names = {**signature(source.text), **(dimensions if call.depth == 0 else {})}
            for name, number in call.arguments:
                if name in names:
                    yield 2 * call.depth, number, names[name]
            if call.returned is not None and "return" in names:
                yield 2 * call.depth + 1, call.returned, names["return"]

    def name(self, number: int, axes: Axes | None) -> bool:
        """Fill in what is not known of a value yet; nothing where a size contradicts."""
        old = self.axes[number]
        if axes is None or len(axes) != len(old) or not all(map(self.fits, axes, old)):
            return False
        new = tuple(
            each if is_known(each) and (not is_known(was) or _is_shorter(each, was)) else was
            for each, was in zip(axes, old, strict=True)
        )
        self.axes[number] = new
        return new != old

    def fits(self, new: Axis, old: Axis) -> bool:
        """Whether an axis can have that name, by its size."""
        return length(new) == length(old) and all(
            size in self.context.sizes.get(name, {size}) for name, size in new
        )

    def compare(self) -> None:
        """Values that are the run's own; a constant says nothing, and nor do two that differ."""
        for number, value in enumerate(self.recording.values):
            x = value.tensor
            if x is None or value.minimum == value.maximum:
                continue
            names = {
                axes
                for tensor, axes in self.context.known
                if tensor.shape == x.shape and tensor.dtype == x.dtype and torch.equal(tensor, x)
            }
            if len(names) == 1:
                self.name(number, tuple(map(axis, names.pop(), x.shape)))

    def sweep(self) -> bool:
        """Once through all steps, forward and back; whether something new was found."""
        forward = [self.forward(rule) for rule in self.rules]
        return any(forward + [self.back(rule) for rule in reversed(self.rules)])

    def forward(self, rule: "Rule") -> bool:
        """From a step's operands to its value."""
        axes = [self.axes[operand] for operand in rule.operands]
        if axes == rule.seen:
            return False
        rule.seen = axes
        operation = rules.Operation(
            rule.name, axes, rule.options, rule.named, rule.expression, rule.shape
        )
        return self.name(rule.value, rules.made_by(operation))

    def back(self, rule: "Rule") -> bool:
        """From the value of a step that keeps places to its operands."""
        made, news = self.axes[rule.value], False
        if rule.name not in rules.ELEMENTWISE or made == rule.seen_back:
            return False
        rule.seen_back = made
        for operand in rule.operands:
            shape = self.recording.values[operand].shape
            news |= self.name(operand, rules.aligned(shape, [made]))
        return news

    def count(self) -> bool:
        """Name what only one axis of the run has the size of; pads and windows have sizes, too."""
        sizes = {name: set(values) for name, values in self.context.sizes.items()}
        if not {"h", "hb", "H", "Hb", "k", "c"} <= sizes.keys():
            return False
        once = {name: next(iter(values)) for name, values in sizes.items() if len(values) == 1}
        pairs = (("h", "w"), ("H", "W"), ("Hb", "Wb"), ("hb", "wb"))
        for rows, columns in pairs if self.context.stride > 1 else pairs[:3]:
            sizes[f"{rows}·{columns}"] = {once[rows] * once[columns]}
        sides = sizes["k"]
        sizes["?"] = {
            *(size + side - 1 for size in once.values() for side in sides),
            *(c * side**2 for c in sizes["c"] for side in sides),
            *(side**2 for side in sides),
        }
        owners: dict[int, list[str]] = {}
        for name, values in sizes.items():
            for size in values:
                owners.setdefault(size, []).append(name)
        news = False
        for number, axes in enumerate(self.axes):
            names = [
                owners.get(length(each), ["?"]) if length(each) >= SMALLEST_OWN_SIZE else ["?"]
                for each in axes
            ]
            own = tuple(
                rules.regrouped((_factors(name[0], length(each), once),), (length(each),))[0]
                if len(name) == 1 and name[0] != "?"
                else rules.unknown((length(each),))[0]
                for name, each in zip(names, axes, strict=True)
            )
            news |= self.name(number, own)
        return news


def _is_shorter(new: Axis, old: Axis) -> bool:
    """All background patches in order, by their own name rather than by their rows and columns."""
    return rules.name_of(new) == "L" and rules.name_of(old) in ("hb·wb", "gh·gw")


def _factors(name: str, size: int, once: Mapping[str, int]) -> Axis:
    """An axis with this name; the parts of one that was joined have their own sizes."""
    parts = name.split("·")
    return ((name, size),) if len(parts) == 1 else tuple((part, once[part]) for part in parts)
