"""How operations carry the meaning of axes: what is certain, and nothing else.

An axis is a tuple of factors, (name, size) each: `(("c", 3), ("k", 3), ("k", 3))` is a patch that
was flattened, and taking it apart again gives the names back.
"""

import ast
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Axis = tuple[tuple[str, int], ...]
Axes = tuple[Axis, ...]
Shape = Sequence[int]

UNKNOWN = "?"
# One value out of those at the same place, as broadcasting lays them.
_ELEMENTWISE = """
    abs add alias and atan2 bfloat16 bool broadcast_to ceil clamp clamp_max clamp_min clip clone
    contiguous cos cpu cuda cumprod cumsum detach div divide double dropout empty_like eq erf exp
    exp2 expand expand_as expm1 float floor floor_divide floordiv fmod full_like ge gelu greater gt
    half int invert isfinite isinf isnan le leaky_relu lerp less log log10 log1p log2 log_softmax
    logical_and logical_not logical_or logical_xor long lt masked_fill maximum minimum mod mul
    multiply nan_to_num ne neg negative normalize not ones_like or positive pow radd rand_like
    randn_like rdiv reciprocal relu remainder rfloordiv rmul round rpow rsqrt rsub rtruediv sigmoid
    sign sin softmax softplus sqrt square sub subtract tan tanh to true_divide truediv trunc type
    type_as where xor zeros_like iadd isub imul itruediv iand ior ipow
"""
# The first operand's, whatever is written into it.
_WRITTEN = "copy fill index_add index_copy index_fill index_put scatter setitem zero"
_REDUCING = """
    all amax amin any argmax argmin count_nonzero logsumexp max mean median min nanmean nansum norm
    prod std sum var vector_norm
"""
# The same numbers in the same order.
_REGROUPING = "flatten ravel reshape reshape_as squeeze unflatten unsqueeze view view_as"
_TRANSPOSING = "H T adjoint mH mT swapaxes swapdims t transpose"

ELEMENTWISE, WRITTEN, REDUCING, REGROUPING, TRANSPOSING = (
    frozenset(names.split())
    for names in (_ELEMENTWISE, _WRITTEN, _REDUCING, _REGROUPING, _TRANSPOSING)
)


def axis(name: str, size: int) -> Axis:
    """An axis of one name."""
    return ((name, size),)


def unknown(shape: Shape) -> Axes:
    """Nothing is known but the sizes."""
    return tuple(axis("1" if size == 1 else UNKNOWN, size) for size in shape)


def length(of: Axis) -> int:
    """How many places an axis has."""
    return math.prod(size for _, size in of)


def is_known(of: Axis) -> bool:
    """Whether all of an axis has a meaning."""
    return all(name not in (UNKNOWN, "1") for name, _ in of)


def name_of(of: Axis) -> str:
    """As a reader sees it: `"c·k·k"`; unknown where a part of it is."""
    names = [name for name, size in of if size > 1 or len(of) == 1]
    return UNKNOWN if UNKNOWN in names else "·".join(names) or "1"


@dataclass
class Operation:
    """One call: its operands' axes where they are tensors, everything else as it was written.

    Attributes:
        name: without the underscores of an in-place or reflected one.
        operands: the axes of each tensor.
        options: what else was given, in order. named: by keyword.
        expression: the call as it stands in the code.
        shape: of what it made.
    """

    name: str
    operands: list[Axes]
    options: list[Any]
    named: dict[str, Any]
    expression: str
    shape: tuple[int, ...]

    def option(self, name: str, place: int = 0) -> Any:
        """What was given by keyword, or at a place among what is no tensor."""
        values = self.options[place : place + 1]
        return self.named.get(name, values[0] if values else None)

    def numbers(self, name: str, place: int = 0) -> list[int] | None:
        """Whole numbers, given one by one or as a tuple; None where they are not that."""
        value = self.named.get(name)
        if value is None:
            rest = self.options[place:]
            value = rest[0] if len(rest) == 1 or (rest and isinstance(rest[0], tuple)) else rest
        values = [value] if isinstance(value, int) else value
        if not isinstance(values, list | tuple) or not values:
            return None
        return [*values] if all(type(each) is int for each in values) else None


def read(operands: Sequence[int | str]) -> tuple[list[int], list[Any], dict[str, Any]]:
    """The tensors' numbers, what else was given in order, and by keyword; texts as values."""
    tensors, options, named = [], [], {}
    for operand in operands:
        if isinstance(operand, int):
            tensors.append(operand)
        elif match := re.match(r"([A-Za-z_]\w*)=(?!=)(.*)", operand, re.DOTALL):
            named[match[1]] = _value(match[2])
        else:
            options.append(_value(operand))
    return tensors, options, named


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def made_by(operation: Operation) -> Axes | None:
    """The axes of what an operation made, as far as its operands' are known; None if it is none
    of those whose meaning is certain."""
    name, operands = operation.name, operation.operands
    if not operands:
        return None
    if name in ELEMENTWISE:
        return aligned(operation.shape, operands)
    if name in WRITTEN:
        return operands[0]
    for names, rule in RULES:
        if name in names and (axes := rule(operation)) is not None:
            sizes = tuple(map(length, axes))
            return axes if sizes == operation.shape else None
    return None


def aligned(shape: Shape, operands: Sequence[Axes]) -> Axes:
    """The axes of a broadcast: an axis has a name where all that fill it and have one agree."""
    axes: list[Axis] = []
    for place, size in enumerate(reversed(shape), 1):
        there = [each[-place] for each in operands if len(each) >= place]
        names = {each for each in there if length(each) == size and is_known(each)}
        axes.append(names.pop() if len(names) == 1 else unknown((size,))[0])
    return tuple(reversed(axes))


def regrouped(axes: Axes, shape: Shape) -> Axes:
    """The same numbers in the same order as other axes."""
    if tuple(map(length, axes)) == tuple(shape):
        return axes
    factors = [factor for each in axes for factor in each if factor[1] != 1]
    result: list[Axis] = []
    for place, size in enumerate(shape):
        taken: list[tuple[str, int]] = []
        while factors and length(tuple(taken)) < size:
            taken.append(factors.pop(0))
        if length(tuple(taken)) != size:  # an axis is taken apart that never was put together
            return (*result, *unknown(shape[place:]))
        if size == 1 and place == 0 and axes and length(axes[0]) == 1:
            taken = [*axes[0]]
        result.append(tuple(taken) or axis("1", 1))
    return tuple(result)


def _reduced(operation: Operation) -> Axes | None:
    axes = operation.operands[0]
    dims = operation.numbers("dim") or operation.numbers("axis")
    if dims is None or any(not -len(axes) <= dim < len(axes) for dim in dims):
        return None
    gone = {dim % len(axes) for dim in dims}
    if len(operation.shape) == len(axes):
        return tuple(axis("1", 1) if i in gone else each for i, each in enumerate(axes))
    return tuple(each for i, each in enumerate(axes) if i not in gone)


def _regrouped(operation: Operation) -> Axes:
    return regrouped(operation.operands[0], operation.shape)


def _transposed(operation: Operation) -> Axes | None:
    axes = [*operation.operands[0]]
    dims = operation.numbers("dim0")
    if operation.name in ("mT", "mH", "T", "t", "H", "adjoint"):
        dims = [-2, -1] if len(axes) >= 2 else None
        if operation.name == "T" and len(axes) > 2:
            return tuple(reversed(axes))
    if dims is None or len(dims) != 2 or any(not -len(axes) <= dim < len(axes) for dim in dims):
        return None
    first, second = dims
    axes[first], axes[second] = axes[second], axes[first]
    return tuple(axes)


def _permuted(operation: Operation) -> Axes | None:
    axes, dims = operation.operands[0], operation.numbers("dims")
    if dims is None or sorted(dim % len(axes) for dim in dims) != [*range(len(axes))]:
        return None
    return tuple(axes[dim] for dim in dims)


def _multiplied(operation: Operation) -> Axes | None:
    if len(operation.operands) != 2:
        return None
    a, b = operation.operands
    rows = a[-2:-1] if len(a) > 1 else ()
    columns = b[-1:] if len(b) > 1 else ()
    batch = operation.shape[: len(operation.shape) - len(rows) - len(columns)]
    return (*aligned(batch, [a[:-2], b[:-2]]), *rows, *columns)


def _summed(operation: Operation) -> Axes | None:
    """einsum: each letter is an axis."""
    if not operation.options or not isinstance(operation.options[0], str):
        return None
    terms, arrow, result = operation.options[0].replace(" ", "").partition("->")
    letters: dict[str, Axis] = {}
    for term, axes in zip(terms.split(","), operation.operands, strict=False):
        if len(term) != len(axes) or not term.isalpha():
            return None
        for letter, each in zip(term, axes, strict=True):
            if not is_known(letters.get(letter, axis(UNKNOWN, 0))):
                letters[letter] = each
    if not arrow or not set(result) <= letters.keys():
        return None
    return tuple(letters[letter] for letter in result)


def _padded(operation: Operation) -> Axes | None:
    pads = operation.numbers("pad")
    axes = [*operation.operands[0]]
    if pads is None or len(pads) > 2 * len(axes):
        return None
    for i in range(len(pads) // 2):
        added, old = pads[2 * i] + pads[2 * i + 1], axes[-1 - i]
        if added:
            name = f"{name_of(old)}+{added}" if is_known(old) and added > 0 else UNKNOWN
            axes[-1 - i] = axis(name, length(old) + added)
    return tuple(axes)


def _windows(operation: Operation) -> Axes | None:
    """`unfold(dim, size, step)`: a window at each place of an axis that was padded for it."""
    numbers = operation.numbers("dimension")
    axes = [*operation.operands[0]]
    if numbers is None or len(numbers) != 3 or not -len(axes) <= numbers[0] < len(axes):
        return None
    dim, size, step = numbers
    old = axes[dim]
    count = (length(old) - size) // step + 1
    name, plus, added = name_of(old).rpartition("+")
    same = plus and step == 1 and added == str(size - 1)
    axes[dim] = axis(name if same else UNKNOWN, count)
    return (*axes, axis("k" if size > 1 else "1", size))


def _selected(operation: Operation) -> Axes | None:
    dims = operation.numbers("dim")
    if dims is None or len(operation.operands) != 2 or len(operation.operands[1]) != 1:
        return None
    axes = [*operation.operands[0]]
    if not -len(axes) <= dims[0] < len(axes):
        return None
    axes[dims[0]] = operation.operands[1][0]
    return tuple(axes)


def _indexed(operation: Operation) -> Axes | None:
    """`x[:, rows[:, None], q]`: what slices leave alone keeps its name."""
    try:
        subscript = ast.parse(operation.expression, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(subscript, ast.Subscript):
        return None
    index = subscript.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    axes, shape = operation.operands[0], operation.shape
    words = [_part(part) for part in parts]
    if "..." in words:
        at = words.index("...")
        missing = len(axes) - sum(word not in ("None", "...") for word in words)
        words[at : at + 1] = [":"] * missing
    words += [":"] * (len(axes) - sum(word != "None" for word in words))
    if len(axes) != sum(word != "None" for word in words):
        return None
    others = [i for i, word in enumerate(words) if word == "x"]
    if others and others != [*range(others[0], others[-1] + 1)]:
        return None
    result: list[Axis | None] = []  # None for what stands where the indices were
    remaining = [*axes]
    for i, word in enumerate(words):
        if word == "None":
            result.append(axis("1", 1))
            continue
        old = remaining.pop(0)
        if word == "x":
            if i == others[0]:
                result += [None] * (len(shape) - (len(words) - len(others)))
        else:
            result.append(old)
    if len(result) != len(shape):
        return None
    inner = tuple(size for size, each in zip(shape, result, strict=True) if each is None)
    block = iter(aligned(inner, operation.operands[1:]))
    return tuple(
        next(block) if each is None else each if length(each) == size else unknown((size,))[0]
        for each, size in zip(result, shape, strict=True)
    )


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Slice):
        return ":"
    if isinstance(part, ast.Constant) and part.value in (None, ...):
        return "None" if part.value is None else "..."
    return "x"


def _joined(operation: Operation) -> Axes | None:
    dims = operation.numbers("dim", 0) or [0]
    axes = operation.operands[0]
    dim = dims[0] % max(len(operation.shape), 1)
    if operation.name == "stack":
        inner = operation.shape[:dim] + operation.shape[dim + 1 :]
        made = aligned(inner, operation.operands)
        return (*made[:dim], *unknown(operation.shape[dim : dim + 1]), *made[dim:])
    shape = (*operation.shape[:dim], -1, *operation.shape[dim + 1 :])
    made = aligned(shape, operation.operands)
    if len(made) != len(axes):
        return None
    return (*made[:dim], *unknown(operation.shape[dim : dim + 1]), *made[dim + 1 :])


RULES: tuple[tuple[frozenset[str], Callable[[Operation], Axes | None]], ...] = (
    (REGROUPING, _regrouped),
    (REDUCING, _reduced),
    (TRANSPOSING, _transposed),
    (frozenset({"permute"}), _permuted),
    (frozenset({"matmul", "mm", "bmm", "mv", "dot"}), _multiplied),
    (frozenset({"einsum"}), _summed),
    (frozenset({"pad"}), _padded),
    (frozenset({"unfold"}), _windows),
    (frozenset({"index_select"}), _selected),
    (frozenset({"getitem"}), _indexed),
    (frozenset({"cat", "stack"}), _joined),
)
