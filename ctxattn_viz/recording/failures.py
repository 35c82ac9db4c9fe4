"""A failing line with the shapes written under its names, as TensorSensor does it."""

import ast
from types import FrameType
from typing import Any

import executing
from torch import Tensor, nn

from .places import Place, ancestors


def failing_line(frame: FrameType, place: Place) -> str:
    """The lines of the statement that failed, and under the names of tensors their shapes.

    return query @ keys.T
           |       |
           |       (9, 27)
           (4, 25)
    """
    if place.node is None:
        return ""
    lines = executing.Source.for_frame(frame).lines[place.line - 1 : place.end_line]
    statement = next(each for each in ancestors(place.node) if isinstance(each, ast.stmt))
    shapes: list[dict[int, str]] = [{} for _ in lines]
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute) and place.line <= node.lineno:
            thing = looked_up(node, frame)
            if isinstance(thing, Tensor) and node.end_lineno == node.lineno <= place.end_line:
                line = lines[node.lineno - place.line]
                column = len(line.encode()[: node.col_offset].decode())
                shapes[node.lineno - place.line][column] = str(tuple(thing.shape))
    return "\n".join(
        row for line, below in zip(lines, shapes, strict=True) for row in annotated(line, below)
    )


def annotated(line: str, shapes: dict[int, str]) -> list[str]:
    """A line, and below it a staircase of shapes at these columns."""
    rows, columns = [line], sorted(shapes)
    if columns:
        rows.append("".join("|" if i in shapes else " " for i in range(columns[-1] + 1)))
    for last in reversed(columns):
        bars = "".join("|" if i in columns[: columns.index(last)] else " " for i in range(last))
        rows.append(bars + shapes[last])
    return rows


def looked_up(node: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of one, stands for in `frame`; no code of a property is run."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        thing = looked_up(node.value, frame)
        inside: dict[str, Any] = dict(getattr(thing, "__dict__", {}))
        if isinstance(thing, nn.Module):
            inside |= {**thing._parameters, **thing._buffers, **thing._modules}
        return inside.get(node.attr)
    return None
