"""Where the browser comes from, in which order, and what is said when there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.browser import chromium


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any Chromium, and a folder that is its whole PATH."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "from_playwright", lambda: None)
    return tmp_path


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_named_one_wins_over_the_path(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_path, named = program(nowhere, "chromium"), program(nowhere, "mine")
    assert chromium.find(install=False) == on_the_path
    monkeypatch.setenv("CHROMIUM", named)
    assert chromium.find(install=False) == named


def test_a_name_that_is_no_program_stops_at_once(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(nowhere, "chromium")
    monkeypatch.setenv("CHROMIUM", str(nowhere / "gone"))
    with pytest.raises(SystemExit, match="is not a program"):
        chromium.find()


@pytest.mark.parametrize(("user", "tried"), [(0, ["apt-get", "env"]), (1000, [])])
def test_debians_package_is_asked_for_as_root_only(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, user: int, tried: list[str]
) -> None:
    program(nowhere, "apt-get")
    commands: list[tuple[str, ...]] = []

    def install(*command: str) -> bool:
        commands.append(command)
        if command[0] == "env" and {"install", "chromium"} <= set(command):
            program(nowhere, "chromium")
        return True

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(chromium, "quietly", install)
    found = chromium.find()
    assert [command[0] for command in commands if sys.executable not in command] == tried
    assert found == (str(nowhere / "chromium") if user == 0 else None)


def test_without_any_the_command_to_type_is_said(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(chromium, "quietly", lambda *command: False)
    with pytest.raises(SystemExit) as stopped:
        chromium.main()
    said = str(stopped.value)
    assert f"{sys.executable} -m playwright install chromium" in said
    assert "apt-get install chromium" in said
