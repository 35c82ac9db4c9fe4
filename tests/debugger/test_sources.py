"""The front end's sources: no long file, and stage keys only where a stage is what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from ctxattn_viz.stages import STAGES

MOST_LINES = 300
MOST_COLUMNS = 100  # as Biome has them, which leaves texts and comments as they are
TYPESCRIPT = {".ts", ".tsx"}
# Where stages may be called by their keys; anywhere else engine/roles.ts has names for them.
OF_STAGES = ("engine/", "generated/", "steps/", "tests/", "views/mechanisms/", "state/answered.ts")
KEY = re.compile(rf"""(["'`])({"|".join(stage.key for stage in STAGES)})\1""")
# "output" is also the third picture's name, an array's in Python's answer, and a worker's job;
# "attention" is also a property of a scene.
NO_KEYS = re.compile(
    r"""\bview [!=]== "output"|"foreground" \| "background" \| "output"|"""
    r"""\["foreground", "background", "output"\]|\bname: "output", rows\b|\barrayOf\("output",|"""
    r"""\bScene\["attention"\]|\bbitsOf\("output",|\bnew Background\("output"\)"""
)


def sources(frontend: Path, suffixes: Set[str] = TYPESCRIPT) -> Iterator[Path]:
    for top in frontend.iterdir():
        if top.name != "node_modules":
            paths = [top] if top.is_file() else top.rglob("*")
            yield from (path for path in paths if path.suffix in suffixes)


def stage_keys(text: str) -> list[str]:
    return [key for _, key in KEY.findall(NO_KEYS.sub("", text))]


def test_there_are_sources(root: Path) -> None:
    assert len(list(sources(root / "frontend"))) > 50


def test_no_source_is_long(root: Path) -> None:
    lines = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(root / "frontend", TYPESCRIPT | {".css"})
        if path.parent.name != "generated"
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_line_is_long(root: Path) -> None:
    long = [
        f"{path.relative_to(root).as_posix()}:{number}"
        for path in sources(root / "frontend", TYPESCRIPT | {".mjs", ".css"})
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line.removesuffix('{" "}')) > MOST_COLUMNS  # Biome hangs this behind
    ]
    assert long == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('stage === "attention"', ["attention"]),
        ("row('scores', p)", ["scores"]),
        ("shown(`valid`)", ["valid"]),
        ('stage !== "output" || view === "output"', ["output"]),
        ("attention.row(WEIGHTS, p); result.output", []),
        ('"valid patches"', []),
    ],
)
def test_a_stage_key_is_found(text: str, keys: list[str]) -> None:
    assert stage_keys(text) == keys


def test_only_steps_and_engine_call_stages_by_their_keys(root: Path) -> None:
    frontend = root / "frontend"
    found = {
        path.relative_to(frontend).as_posix(): stage_keys(path.read_text(encoding="utf-8"))
        for path in sources(frontend)
        if not path.relative_to(frontend).as_posix().startswith(OF_STAGES)
    }
    assert {name: keys for name, keys in found.items() if keys} == {}
