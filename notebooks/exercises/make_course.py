"""A course directory for nbgrader: an assignment for each exercise, and the students' versions.

    python make_course.py DIRECTORY

writes DIRECTORY/source, DIRECTORY/release and, once, DIRECTORY/hidden_seeds.json. Run again after
an exercise has changed; what students handed in and their grades stay as they are. See TEACHING.md.
"""

import json
import os
import secrets
import shutil
import sys
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

HERE = Path(__file__).resolve().parent
CONFIG = "nbgrader_config.py"
SEEDS = "hidden_seeds.json"

# nbgrader calls alembic by its bare name: let it find the one beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def make_course(course: Path) -> list[str]:
    """Write the assignments' sources and released versions into `course`; returns their names."""
    course.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / CONFIG, course)
    if not (course / SEEDS).exists():  # grades of before and after are for the same cases
        seeds = [secrets.randbelow(2**32) for _ in range(2)]
        (course / SEEDS).write_text(json.dumps(seeds), encoding="utf-8")
        (course / SEEDS).chmod(0o600)
    config = PyFileConfigLoader(CONFIG, path=str(course)).load_config()
    nbgrader = NbGraderAPI(config=config)
    names = []
    for notebook in sorted((HERE / "solutions").glob("[0-9]*.ipynb")):
        name = notebook.stem
        source = course / "source" / name
        source.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebook, source)
        result = nbgrader.generate_assignment(name, force=True, create=True)
        if not result["success"]:
            raise SystemExit(f"{name}: nbgrader could not make it.\n{result['log']}")
        names.append(name)
    return names


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    course = Path(sys.argv[1]).expanduser().resolve()
    for name in make_course(course):
        print(course / "release" / name / f"{name}.ipynb")
