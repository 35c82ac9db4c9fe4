"""What `make` and CI run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest


def commands(root: Path, *arguments: str) -> str:
    """What `make` would type."""
    environment = {key: value for key, value in os.environ.items() if "MAKE" not in key}
    run = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=root, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_ci_runs_the_checks_and_then_the_tests(root: Path) -> None:
    lines = (root / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if "make " in line and line[0] != "#"] == [
        "make check",
        "make test",
    ]
    assert "set -euo pipefail" in lines  # so that a failing check ends it


def test_what_is_long_is_run_when_asked(root: Path) -> None:
    assert '-m "not long"' in commands(root, "test")
    assert "tests.mutants" not in commands(root, "test")
    asked = commands(root, "test-long")
    assert "CTXATTN_HYPOTHESIS=thorough" in asked
    assert '-m "long or hypothesis"' in asked
    assert "tests.mutants" in asked


def test_what_is_quick_is_something_of_every_room(root: Path) -> None:
    (line,) = (
        line
        for line in commands(root, "quick").replace("\\\n", " ").splitlines()
        if "pytest" in line
    )
    assert '-m "not (slow or long or hypothesis)"' in line
    assert "CHROMIUM" not in line
    paths = [Path(word.partition("::")[0]) for word in line.split() if word.startswith("tests/")]
    assert all((root / path).exists() for path in paths)
    places = {path.parts[1] for path in paths}
    assert not places & {"browser", "notebooks", "javascript"}
    rooms = {path.parent.name for path in (root / "ctxattn_viz").glob("*/__init__.py")}
    assert rooms <= places
    assert {path.name for path in (root / "tests").glob("test_*.py")} <= places


def test_long_tests_are_chosen_on_the_command_line_alone(pytestconfig: pytest.Config) -> None:
    """So that `pytest tests/x.py::test_y` runs what it names."""
    assert "-m" not in pytestconfig.getini("addopts")
    assert any(line.startswith("long:") for line in pytestconfig.getini("markers"))


# ---- Node and npm ----

NODE = re.compile(r"npm|nodejs|node_modules|\[front\]")


def test_whoever_uses_the_package_needs_no_npm(root: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (root / "Makefile").read_text(), re.MULTILINE))
    users = sorted(targets - {"front", "front-watch", "check", "format"})
    assert {"setup", "lab", "test", "quick", "html", "notebooks"} <= set(users)
    assert NODE.findall(commands(root, "--always-make", *users)) == []


@pytest.mark.parametrize("target", ["front", "front-watch", "check", "format"])
def test_whoever_builds_the_front_end_gets_node_and_npms_packages(root: Path, target: str) -> None:
    typed = commands(root, "--always-make", target)
    assert "--constraint constraints.txt --editable '.[front]'" in typed
    assert "npm-cli.js ci --ignore-scripts" in typed
    assert "setup, lab and test do without npm" in typed  # what is said where that fails


def test_check_looks_at_the_front_end_and_changes_nothing(root: Path) -> None:
    typed = commands(root, "check")
    for wanted in (
        "tools.front_data --check",
        "build.mjs --check",
        "typescript/bin/tsc",
        "biome check --error-on-warnings",
        "vitest.mjs run",
    ):
        assert wanted in typed
    assert "--write" not in typed
    assert '"noEmit": true' in (root / "frontend" / "tsconfig.json").read_text()
    assert "biome check --write" in commands(root, "format")


def test_front_writes_what_python_says_before_it_builds(root: Path) -> None:
    lines = commands(root, "front").splitlines()[-2:]
    assert lines[0].endswith("-m tools.front_data")
    assert lines[1].endswith("build.mjs")


def test_npm_gets_its_packages_from_wherever_the_user_does(root: Path) -> None:
    lock = (root / "frontend" / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert re.findall(r"https?://(?![^\"]*(?:fund|sponsor|opencollective))", lock) == []


def test_notebooks_can_be_chosen(root: Path) -> None:
    assert commands(root, "notebooks").rstrip().endswith("-m tools.notebooks")
    assert commands(root, "notebooks", "ONLY=03 6b").rstrip().endswith("tools.notebooks 03 6b")


def test_nbval_compares_pictures(root: Path) -> None:
    assert "--config-file tests/notebooks/nbval.ini" in commands(root, "test-notebooks")
    assert "-p tests.notebooks.pictures" in (root / "tests/notebooks/nbval.ini").read_text()


def test_help_lists_every_target(root: Path) -> None:
    makefile = (root / "Makefile").read_text().replace("\\\n", " ")
    (line,) = (line for line in makefile.splitlines() if line.startswith(".PHONY:"))
    run = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)
    listed = [line.split()[0] for line in run.stdout.splitlines() if not line.startswith("make[")]
    assert sorted(listed) == sorted(line.split()[1:])
