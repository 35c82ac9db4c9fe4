"""What signatures say of axes: jaxtyping's names, read from a function's text."""

import ast
import textwrap
from collections.abc import Sequence
from functools import lru_cache

from .axes import Axes, axis, is_known, length, unknown

# What our signatures call the same in one place and another; `out` is of any map.
SAME_NAMES = {"m": "n", "R": "Q", "out": "_"}


@lru_cache(maxsize=256)
def signature(text: str) -> dict[str, str]:
    """The dimensions that annotations give each argument, and `return`: `Float[Tensor, "n c"]`."""
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        return {}
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    function = next(functions, None)
    if function is None:
        return {}
    arguments = function.args
    annotations = {
        each.arg: each.annotation
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    }
    dimensions: dict[str, str] = {}
    for name, annotation in {**annotations, "return": function.returns}.items():
        # Of a union the part with dimensions; a tuple of tensors is none of them.
        for node in ast.walk(annotation) if annotation else ():
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
                *_, last = node.slice.elts
                if isinstance(last, ast.Constant) and isinstance(last.value, str):
                    dimensions.setdefault(name, last.value)
    return dimensions


def signed(text: str, shape: Sequence[int]) -> Axes | None:
    """The axes of a tensor by the dimensions that a signature gives: `"n *cells L"`."""
    names = text.split()
    variadic = [i for i, name in enumerate(names) if name == "..." or name.startswith("*")]
    if len(variadic) > 1 or (len(names) - len(variadic) > len(shape)):
        return None
    if variadic:
        count = len(shape) - len(names) + 1
        cells = {1: ["Q"], 2: ["h", "w"]} if names[variadic[0]] == "*cells" else {}
        known = cells.get(count, ["?"] * count)
        names[variadic[0] : variadic[0] + 1] = known
    if len(names) != len(shape):
        return None
    result = []
    for name, size in zip(names, shape, strict=True):
        plain = name.lstrip("#").partition("=")[2] or name.lstrip("#")
        plain = SAME_NAMES.get(plain, plain)
        if plain.isdigit() and int(plain) != size:
            return None
        is_name = (plain.isidentifier() and plain != "_") or plain.isdigit()
        result.append(axis(plain if is_name else "?", size))
    return tuple(each if is_known(each) else unknown((length(each),))[0] for each in result)
