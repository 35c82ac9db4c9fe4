"""What the README says runs, and what it links to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def test_its_python_runs(readme: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    trace = names["trace"]
    assert trace["scores"].shape == (1, 32, 32, 1024)
    assert "(1, 32, 32, 1024)" in readme
    assert names["y"].shape == names["photo"].shape


def test_its_links_lead_somewhere(readme: str, root: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", readme)
    ours = [target for target in targets if not target.startswith(("http", "#"))]
    assert "docs/debugger.png" in ours
    titles = re.findall(r"^## (.+?)\??$", readme, re.MULTILINE)
    sections = {"#" + title.lower().replace(" ", "-") for title in titles}
    assert {target for target in targets if target.startswith("#")} <= sections
    missing = [target for target in ours if not (root / target).exists()]
    assert missing == []


def test_its_commands_are_in_the_makefile(readme: str, root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b", readme):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
