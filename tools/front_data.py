"""`python -m tools.front_data`: what the front end has to know of Python, written as TypeScript.

Each file of frontend/generated/ is written by one function of `FILES`, from the package itself.
With `--check` nothing is written: it fails where a file is not what would be written now.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ctxattn_viz.stages import MATRICES, STAGES

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "frontend" / "generated"
WIDTH = 100  # columns, as Biome has them
HEADER = "// Written by `python -m tools.front_data` from {source}: do not edit.\n"


class Code(str):
    """TypeScript that stands for itself, where a plain string would be quoted."""


def typescript(value: Any, indent: int = 0, used: int = 0) -> str:
    """A value as Biome would format it.

    Args:
        indent: how many columns its closing bracket is indented by.
        used: how many columns of its first line are taken by what stands around it.
    """
    line = _in_one_line(value)
    if used + len(line) <= WIDTH or not isinstance(value, Mapping | list | tuple) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, Mapping):
        named = [(f"{inner}{_name(name)}: ", each) for name, each in value.items()]
    else:
        named = [(inner, each) for each in value]
    lines = [f"{start}{typescript(each, indent + 2, len(start) + 1)},\n" for start, each in named]
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


def _in_one_line(value: Any) -> str:
    if isinstance(value, Code):
        return value
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_name(name)}: {_in_one_line(each)}" for name, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_in_one_line, value))}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name, ensure_ascii=False)


def constant(name: str, value: Any, ending: str = " as const") -> str:
    """`export const name = value as const;`"""
    start = f"export const {name} = "
    return f"{start}{typescript(value, used=len(start) + len(ending) + 1)}{ending};\n"


def stages() -> str:
    """The keys of stages and steps, and which belong together."""
    steps: dict[str, list[str]] = {}
    for stage in STAGES:
        steps.setdefault(stage.step, []).append(stage.key)
    return "\n".join(
        [
            HEADER.format(source="ctxattn_viz.stages.STAGES"),
            "/** Every stage, in the paper's order. */\n"
            + constant("STAGE_KEYS", [stage.key for stage in STAGES])
            + "export type StageKey = (typeof STAGE_KEYS)[number];\n",
            "/** The steps of the strip, in order. */\n"
            + constant("STEP_KEYS", list(steps))
            + "export type StepKey = (typeof STEP_KEYS)[number];\n",
            "/** The stages that each step shows. */\n"
            + constant("STAGES_OF_STEP", steps, " as const satisfies Record<StepKey, StageKey[]>"),
            "/** Of every query with every background patch: a row of each is a heat map. */\n"
            + constant("MATRIX_KEYS", MATRICES, " as const satisfies StageKey[]")
            + "export type MatrixKey = (typeof MATRIX_KEYS)[number];\n",
        ]
    )


FILES: dict[str, Callable[[], str]] = {"stages.ts": stages}
"""By the file's name, what writes it."""


def differing(folder: Path = GENERATED) -> list[str]:
    """The files that are not what would be written now, and those that nothing writes."""
    written = {name: write() for name, write in FILES.items()}
    stored = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    return sorted(
        name for name in written.keys() | stored.keys() if written.get(name) != stored.get(name)
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.front_data", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; compare")
    if parser.parse_args(arguments).check:
        names = differing()
        if names:
            print(
                f"frontend/generated/: {', '.join(names)} is not what Python says now. Run `make "
                "front` and commit; then `make check` names what has to follow.",
                file=sys.stderr,
            )
        return bool(names)
    GENERATED.mkdir(exist_ok=True)
    for name, write in FILES.items():
        (GENERATED / name).write_text(write(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
