"""What crosses between Python and the page has the same names on both sides.

`tools.front_data` writes what a real debugger sends and reads as TypeScript, which is committed:
a name that changes in Python is seen here. A name that changes in TypeScript is the compiler's to
see, in `make check`; that it does is tried at the end, a name at a time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import front_data

WORD = r"(?<!\w){}(?!\w)"


@pytest.mark.slow
def test_the_front_end_knows_what_python_says() -> None:
    assert front_data.differing() == [], "run `make front`, then mend what `make check` names"


def test_a_file_that_nothing_writes_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_data, "FILES", {"stages.ts": front_data.stages})
    (tmp_path / "stages.ts").write_text(front_data.stages(), encoding="utf-8")
    assert front_data.differing(tmp_path) == []
    (tmp_path / "stray.ts").touch()
    assert front_data.differing(tmp_path) == ["stray.ts"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b-c": [True, None]}, '{ a: 1, "b-c": [true, null] }'),
        ([[1, 2], [3, 4]], "[\n  [1, 2],\n  [3, 4],\n]"),
        ([[1], [2]], "[[1], [2]]"),
        ({"x": front_data.Code("BYTES"), "y": "↔"}, '{ x: BYTES, y: "↔" }'),
        (["a" * 50, "b" * 50], f'[\n  "{"a" * 50}",\n  "{"b" * 50}",\n]'),
        ([], "[]"),
    ],
)
def test_values_are_written_as_biome_has_them(value: object, text: str) -> None:
    assert front_data.typescript(value) == text


def test_a_message_remembers_what_was_read_of_it() -> None:
    message = front_data.Recording({"kind": "upload", "name": "x", "unread": 1})
    assert message["kind"] == "upload"
    assert "name" in message
    assert message.get("size") is None
    assert message.read() == {"kind": "upload", "name": "x", "size": "undefined"}


# ---- planted, one at a time ----

# In TypeScript: the file, what stands there once, what would stand there.
TYPESCRIPT = {
    "a trait": ("protocol.ts", "  softmax_scale: number;", "  softmaxScale: number;"),
    "a trait, where it is read": (
        "entries/bootstrap.ts",
        'model.get("_module"))',
        'model.get("_mod"))',
    ),
    "an event": ("entries/bootstrap.ts", '"change:_module"', '"change:_modul"'),
    "an event of the host": ("entries/bootstrap.ts", '"comm_live_update"', '"comm_live"'),
    "a property of meta": ("protocol.ts", "  pending: boolean;", "  waiting: boolean;"),
    "a property of a stage": ("protocol.ts", "  equation: string;", "  formula: string;"),
    "a property of a summary": ("protocol.ts", "  masked_rows: number;", "  emptyRows: number;"),
    "a property of the look": ("engine/look.ts", "  basis: readonly (", "  axes: readonly ("),
    "a property of an answer": (
        "protocol.ts",
        "  arrays: ResultArrays;",
        "  tables: ResultArrays;",
    ),
    "an array": ("protocol.ts", "  picture_output: Pictures;", "  outputPicture: Pictures;"),
    "an array that may lack": ("protocol.ts", "  foreground_mask?: Masks;", "  own_mask?: Masks;"),
    "an array's type": ("protocol.ts", '"int32"', '"int64"'),
    "a setting": ("engine/config.ts", "  fuse_k: number;", "  fuseK: number;"),
    "a setting's value": ("engine/config.ts", '"per_element"', '"each_element"'),
    "a message": ("messages.ts", 'kind: "save_page"', 'kind: "savePage"'),
    "a part of a recording": ("recordings.ts", "  beside: BesideData;", "  aside: BesideData;"),
    "a part of a value": ("recordings.ts", "  reading: string;", "  sense: string;"),
    "a part of a step": ("recordings.ts", "  depth: number;", "  level: number;"),
    "a part of a message": ("messages.ts", "  reason: string;", "  why: string;"),
    "a part that may lack": ("messages.ts", "  size?: number;", "  longest?: number;"),
    "a stage key": ("generated/stages.ts", '  "valid",\n  "scores",', '  "validity",\n  "scores",'),
}
# In Python: the files, a word, what it becomes in all of them.
PYTHON = {
    "a trait": ("debugger/*.py", "request", "wish"),
    "a property of meta": ("debugger/*.py", '"pending"', '"waiting"'),
    "a property of a summary": ("debugger/outcome.py", "masked_rows", "empty"),
    "a property of the look": ("debugger/pictures.py", "basis", "directions"),
    "an array": ("debugger/p*.py", "picture_output", "output_picture"),
    "a message": ("debugger/undoing.py", '"refused"', '"rejected"'),
    "a message with a recording": ("debugger/step_in.py", '"no_recording"', '"nothing"'),
    "a part of a recording": ("debugger/recordings.py", '"sources"', '"texts"'),
    "a part of a value": ("debugger/recordings.py", '"picture"', '"view"'),
    "a part of a step": ("debugger/recordings.py", '"iteration"', '"turns"'),
    "a part of a message": ("debugger/undoing.py", '"reason"', '"why"'),
    "a part that is read": ("debugger/uploads.py", '"size"', '"longest"'),
    "a step": ("stages/__init__.py", '"Flow"', '"Offsets"'),
    "a rule's value": ("**/*.py", '"per_element"', '"each_element"'),
}
KEYS_ALONE = {"a step"}  # of these the compiler knows what Python writes


@pytest.fixture(scope="module")
def packages(root: Path) -> Path:
    packages = root / "frontend" / "node_modules"
    if not (packages / "typescript").exists():
        pytest.skip("npm's packages are not here: `make front` installs them")
    return packages.resolve()


@pytest.fixture
def copy(root: Path, packages: Path, tmp_path: Path) -> Path:
    """The repository's sources, to be changed."""
    ignored = shutil.ignore_patterns("node_modules", "__pycache__")
    for name in ("frontend", "ctxattn_viz", "tools"):
        shutil.copytree(root / name, tmp_path / name, ignore=ignored)
    (tmp_path / "frontend" / "node_modules").symlink_to(packages, target_is_directory=True)
    return tmp_path


@pytest.fixture
def compiled(node: str, copy: Path) -> Callable[[], subprocess.CompletedProcess[str]]:
    def compile_copy() -> subprocess.CompletedProcess[str]:
        command = [node, "node_modules/typescript/bin/tsc"]
        return subprocess.run(command, cwd=copy / "frontend", capture_output=True, text=True)

    return compile_copy


# One process for both, as it takes a while to load PyTorch.
CHECK_AND_WRITE = """\
import sys
from tools import front_data

differs = front_data.main(["--check"])
front_data.main([])
sys.exit(differs)
"""


def checked_and_written(copy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHECK_AND_WRITE],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )


@pytest.mark.long
def test_nothing_is_found_where_nothing_is_planted(
    copy: Path, compiled: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    compiler, python = compiled(), checked_and_written(copy)
    assert compiler.returncode == 0, compiler.stdout
    assert python.returncode == 0, python.stderr


@pytest.mark.long
@pytest.mark.parametrize("what", TYPESCRIPT)
def test_a_name_that_changes_in_typescript_is_seen(
    what: str, copy: Path, compiled: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    name, old, new = TYPESCRIPT[what]
    path = copy / "frontend" / name
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {name}"
    path.write_text(source.replace(old, new), encoding="utf-8")
    run = compiled()
    assert run.returncode != 0
    assert ": error TS" in run.stdout, run.stdout + run.stderr


@pytest.mark.long
@pytest.mark.parametrize("what", PYTHON)
def test_a_name_that_changes_in_python_is_seen(
    what: str, copy: Path, compiled: Callable[[], subprocess.CompletedProcess[str]]
) -> None:
    files, old, new = PYTHON[what]
    word = re.compile(WORD.format(re.escape(old)))
    changed = 0
    for path in (copy / "ctxattn_viz").glob(files):
        source, count = word.subn(new, path.read_text(encoding="utf-8"))
        path.write_text(source, encoding="utf-8")
        changed += count
    assert changed
    run = checked_and_written(copy)
    assert run.returncode == 1
    assert run.stderr.startswith("frontend/generated/: "), run.stderr  # compared, not broken
    if what not in KEYS_ALONE:  # and writing them again is not enough
        assert ": error TS" in compiled().stdout
