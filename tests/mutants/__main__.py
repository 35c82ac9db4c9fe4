"""Plant each fault of the table in a copy of the package, run its tests there, and see them fail.

    python -m tests.mutants                 all of them
    python -m tests.mutants fusion softmax  those whose stage or fault contains a word

Prints a line a fault; ends with 1 if one survives, or if the tests fail without any fault.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .table import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "ctxattn_viz",
    "frontend/engine",
    "frontend/generated",
    "tests",
    "pyproject.toml",
    "README.md",
)
SECONDS = 900  # a fault may also make a test hang


@dataclass(frozen=True)
class Verdict:
    """How a test run in a copy ended."""

    red: bool
    by: str  # the first test that failed
    seconds: float
    output: str


def copy_of(project: Path, to: Path) -> Path:
    for name in COPIED:
        if (project / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "mutants")
            shutil.copytree(project / name, to / name, ignore=ignored)
        else:
            shutil.copy(project / name, to / name)
    return to


@contextmanager
def emptied() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        yield Path(folder).resolve()


def run_tests(copy: Path, tests: tuple[str, ...]) -> Verdict:
    """Run `tests` in a copy until the first that fails."""
    environment = os.environ | {"PYTHONPATH": str(copy), "CTXATTN_HYPOTHESIS": "mutants"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider"]
    start = time.monotonic()
    try:
        run = subprocess.run(
            [*command, *tests],
            cwd=copy,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Verdict(True, "a test that hung", time.monotonic() - start, "")
    seconds = time.monotonic() - start
    failed = re.search(r"^(?:FAILED|ERROR) tests/(.+?)(?: - .*)?$", run.stdout, re.MULTILINE)
    if run.returncode and not failed:
        raise RuntimeError(f"pytest itself failed ({run.returncode}):\n{run.stdout}")
    return Verdict(run.returncode != 0, failed[1] if failed else "", seconds, run.stdout)


def planted(fault: Fault, project: Path) -> Verdict:
    with emptied() as folder:
        copy = copy_of(project, folder)
        file = copy / fault.path
        file.write_text(fault.applied_to(file.read_text()))
        return run_tests(copy, fault.tests)


def unharmed(faults: list[Fault], project: Path) -> Verdict:
    """The same tests without a fault: red there would make every verdict worthless."""
    where = subprocess.run(
        [sys.executable, "-c", "import ctxattn_viz; print(ctxattn_viz.__file__)"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(where).is_relative_to(project):
        raise RuntimeError(f"the package is not taken from the copy but from {where}")
    return run_tests(project, tuple(sorted({test for fault in faults for test in fault.tests})))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults whose stage or text contains one")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    chosen = [
        fault
        for fault in FAULTS
        if not asked.words or any(word in f"{fault.stage} {fault.why}" for word in asked.words)
    ]
    with emptied() as folder:
        # As it is now: the working tree may go on changing while the faults are tried.
        return judge(chosen, copy_of(ROOT, folder), asked.workers)


def judge(chosen: list[Fault], project: Path, workers: int) -> int:
    whole = unharmed(chosen, project)
    if whole.red:
        print(f"The tests fail without any fault, in {whole.by}:\n{whole.output}")
        return 1
    print(f"{len(chosen)} faults; without any, the tests pass ({whole.seconds:.0f} s)\n")
    print(f"{'stage':<17}{'fault':<49}{'':>10}  seen first by", flush=True)
    survivors = []
    with ThreadPoolExecutor(workers) as pool:
        verdicts = pool.map(lambda fault: planted(fault, project), chosen)
        for fault, verdict in zip(chosen, verdicts, strict=True):
            said = f"{verdict.seconds:6.0f} s" if verdict.red else "SURVIVED"
            print(f"{fault.stage:<17}{fault.why:<49}{said:>10}  {verdict.by[:90]}", flush=True)
            survivors += [] if verdict.red else [fault]
    print(f"\n{len(chosen) - len(survivors)} killed, {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
