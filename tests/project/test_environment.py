"""environment.yml says what pyproject.toml says, in conda's words.

What is not tested: the solve. No conda solver runs here, so that these packages can be installed
together from conda-forge is not proved by this file; that every line is a well-formed conda spec
and asks for the same packages with the same bounds as pip does, is.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from rattler import MatchSpec

CONDA_NAMES = {"torch": "pytorch"}  # the rest is called the same on conda-forge


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def environment(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "environment.yml").read_text())


@pytest.fixture(scope="module")
def specs(environment: dict[str, Any]) -> dict[str, MatchSpec]:
    lines = [line for line in environment["dependencies"] if isinstance(line, str)]
    parsed = [MatchSpec(line, strict=True) for line in lines]
    return {spec.name.normalized: spec for spec in parsed}


def test_each_package_has_the_same_bound_in_both(
    project: dict[str, Any], specs: dict[str, MatchSpec]
) -> None:
    wanted = {"python": project["requires-python"], "pip": None}
    for line in (*project["dependencies"], *project["optional-dependencies"]["notebooks"]):
        requirement = Requirement(line)
        name = CONDA_NAMES.get(requirement.name, requirement.name)
        wanted[name] = str(requirement.specifier)
    assert {name: spec.version for name, spec in specs.items()} == wanted


def test_the_package_itself_comes_from_this_folder(environment: dict[str, Any]) -> None:
    assert environment["channels"] == ["conda-forge"]
    assert environment["name"] == "ctxattn_viz"
    assert environment["dependencies"][-1] == {"pip": ["--editable ."]}


def test_every_bound_is_open_and_every_pin_keeps_it(root: Path, project: dict[str, Any]) -> None:
    pins = {}
    for line in (root / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            pins[name.lower().replace("_", "-")] = version
    needed = list(project["dependencies"])
    for extra in ("teach", "notebooks", "front", "dev"):
        needed += project["optional-dependencies"][extra]
    needed.remove("ctxattn_viz[teach,notebooks]")  # this package, with the two before
    for line in needed:
        requirement = Requirement(line)
        assert all(bound.operator == ">=" for bound in requirement.specifier), line
        pinned = pins[requirement.name.lower().replace("_", "-")]
        assert requirement.specifier.contains(pinned), f"{line}, but constraints.txt has {pinned}"
    assert "nvidia" not in " ".join(pins)  # a plain PyTorch, not one build's companions


@pytest.mark.parametrize("broken", ["numpy >>1", "numpy >=1.26 <", "", "numpy = = 1"])
def test_a_malformed_spec_would_be_seen(broken: str) -> None:
    with pytest.raises(Exception, match=r"."):
        MatchSpec(broken, strict=True)
