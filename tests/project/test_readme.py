"""What the README says runs, and what it links to is there."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from ctxattn_viz.cli import EXAMPLE, EXAMPLE_HOLE
from tools.best_hole import Hole, measured, psnrs


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def test_its_python_runs(readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # it saves pages
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    trace = names["trace"]
    assert trace["scores"].shape == (1, 32, 32, 1024)
    assert "(1, 32, 32, 1024)" in readme
    assert names["y"].shape == names["photo"].shape


@pytest.mark.slow
def test_what_it_says_of_its_picture_is_measured(readme: str) -> None:
    said = re.sub(r"\s+", " ", readme.partition("docs/debugger.png)")[2].partition("\n## ")[0])
    example, ordinary = Hole(EXAMPLE, *EXAMPLE_HOLE), Hole(EXAMPLE, 48, 48, 32, 32)
    for hole in (example, ordinary):
        before, after = psnrs(hole)
        assert re.search(rf"{before:.1f} dB to {after:.1f} dB", said)
        assert ",".join(map(str, hole[1:])) in said
    around = measured(example)
    assert f"of the 25 holes within 4 pixels of it {around.wins} gain" in said
    assert f"gain, by {around.median:.1f} dB in the median" in said


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


def test_the_causes_of_a_misaligned_port_have_figures_that_a_notebook_prints(
    readme: str, root: Path
) -> None:
    section = readme.partition("### Why a port is misaligned (Q13)")[2].partition("\n#")[0]
    causes = [line for line in section.splitlines() if line.startswith("- **")]
    assert len(causes) == 3
    assert "daa233/generative-inpainting-pytorch/issues/58" in section
    notebook = nbformat.read(root / "notebooks/01_patch_extraction.ipynb", as_version=4)
    texts = (o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", ()))
    printed = re.findall(r"\d+\.\d+", " ".join(texts))
    here, elsewhere = section.split("(On the original's weights")
    figures = re.findall(r"\d+\.\d+", here)
    assert len(figures) >= 3
    assert set(figures) <= set(printed)
    assert "once outside this repository" in elsewhere


def test_what_it_says_of_variants_stands_in_the_results(readme: str, root: Path) -> None:
    section = readme.partition("## What if a stage were otherwise?")[2].partition("\n## ")[0]
    results = (root / "tests/benchmarks/RESULTS.md").read_text()
    results = results.partition("## The layer, made otherwise\n")[2].partition("\n## ")[0]
    figures = re.findall(r"[+−]\d+\.\d+ ± \d+\.\d+", section)
    assert len(figures) == 10
    assert [figure for figure in figures if figure.replace("−", "-") not in results] == []
    assert "80 holes" in results
    assert "80 holes of ten photographs" in section
    assert "22 holes touch" in results
    assert "the 22 holes that touch" in section


def test_its_times_are_those_that_teachers_are_told(readme: str, root: Path) -> None:
    teaching = (root / "notebooks/exercises/TEACHING.md").read_text()
    course = re.search(r"15 to 20 minutes each \(00 takes 30; 04, 07 and 09 take 45\)", readme)
    told = re.search(r"15 to 20 each \(00 with 30; 04, 07 and 09 with 45\)", teaching)
    assert course
    assert told
    assert "Quickstart together (30)" in teaching


def test_nothing_calls_the_defaults_those_of_the_originals_signature(root: Path) -> None:
    """Its function's default rate is 1; its network passes 2, which is the default here."""
    sources = [root / "README.md", *(root / "ctxattn_viz").rglob("*.py")]
    for path in [*sources, *(root / "notebooks").rglob("*.ipynb")]:
        text = re.sub(r"\s+", " ", path.read_text())
        assert "original's defaults" not in text, path
