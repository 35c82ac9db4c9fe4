"""The front end's own tests (tests/javascript/*.test.js), run by `node --test`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def test_the_javascript_tests_pass(node: str, root: Path) -> None:
    files = sorted(map(str, (root / "tests" / "javascript").glob("*.test.*js")))
    assert files, "there is no JavaScript test in tests/javascript"
    run = subprocess.run(
        [node, "--test", *files], cwd=root, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stdout + run.stderr
