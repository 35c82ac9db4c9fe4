"""The wheel alone is enough: built, installed into an environment of its own, and used there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

THIRD_PARTY = "ctxattn_viz/debugger/static/THIRD_PARTY.txt"  # the licences of what is inside


def run(*command: str | Path, cwd: Path) -> str:
    # Nothing of this checkout may leak in: not its folder, not its editable install.
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSTARTUP")}
    finished = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout.strip()


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=root)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that holds the wheel and borrows its dependencies.

    They are borrowed through a .pth line, behind the environment's own packages: the editable
    install's own .pth is not followed from there, so only the wheel can provide the package.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--no-deps"]
    run(*pip, "--no-index", wheel, cwd=folder)
    own = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    )
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_the_front_end_and_nothing_odd(root: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(root).as_posix()
        for path in (root / "ctxattn_viz").rglob("*")
        if path.suffix in (".py", ".js", ".css", ".txt", ".typed")
    }
    assert {"ctxattn_viz/debugger/static/debugger.js", THIRD_PARTY} <= ours
    assert "ctxattn_viz/py.typed" in ours  # type checkers read the annotations
    assert ours <= names
    others = {name for name in names if not name.startswith("ctxattn_viz/")}
    assert all(".dist-info/" in name for name in others), others
    assert any(name.endswith("licenses/LICENSE") for name in others)


def test_a_page_is_made_from_the_wheel(elsewhere: Path, tmp_path: Path) -> None:
    where = run(elsewhere, "-c", "import ctxattn_viz; print(ctxattn_viz.__file__)", cwd=tmp_path)
    assert Path(where).is_relative_to(elsewhere.parents[1])
    run(elsewhere, "-m", "ctxattn_viz", "--size", "32", "-o", "page.html", cwd=tmp_path)
    page = (tmp_path / "page.html").read_text()
    assert "</html>" in page
    assert "debuggerRow" in page  # the front end is inside


WRONG = """\
import ctxattn_viz as cv

run: str = cv.load_trace("run.pt")
cv.debug(run, titel="x")
cv.nonsense
cv.AttentionConfig(norm="l2")
"""


@pytest.mark.long  # one to two minutes, most of them for reading PyTorch
def test_a_users_script_passes_mypy_strict_and_mistakes_do_not(
    root: Path, elsewhere: Path, tmp_path: Path
) -> None:
    """One run of mypy for both, as PyTorch takes it long to read; what it read is kept."""
    (tmp_path / "wrong.py").write_text(WRONG)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", elsewhere]
    finished = subprocess.run(
        [
            *mypy,
            "--cache-dir",
            root / ".mypy_cache/user",
            root / "tests/support/user_script.py",
            "wrong.py",
        ],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")},
        capture_output=True,
        text=True,
        timeout=900,
    )
    errors = [line for line in finished.stdout.splitlines() if ": error: " in line]
    found = [re.sub(r"wrong.py:(\d+): error: .*\[([a-z-]+)\]$", r"\1 \2", e) for e in errors]
    expected = ["3 assignment", "4 call-arg", "4 arg-type", "5 attr-defined", "6 arg-type"]
    assert sorted(found) == sorted(expected), finished.stdout + finished.stderr
