"""The exercises as a teacher gives and grades them, with real nbgrader.

Three students: one is right, one makes a mistake in each exercise, one hands in what was given out.
nbgrader starts a kernel for each submission and takes minutes: `make test-long` grades.
"""

from __future__ import annotations

import csv
import html
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
EXERCISES = ROOT / "notebooks" / "exercises"
SOLUTIONS = EXERCISES / "solutions"

POINTS = {
    "1_patch_extraction": 6,
    "2_mask_validity": 6,
    "3_matching_scores": 6,
    "4_fused_softmax": 6,
    "5_deconvolution": 6,
    "6a_whole_layer": 10,
    "6b_wrong_ports": 10,
}

# What the second student writes instead of a piece of the solution, and the points that remain.
MISTAKES = {
    "1_patch_extraction": ("(before, after, before, after)", "(after, before, after, before)", 3),
    "2_mask_validity": (".all(dim=1)", ".any(dim=1)", 1),
    "3_matching_scores": (".clamp(min=1e-4)", "", 3),
    "4_fused_softmax": ("* keep * softmax_scale", "* softmax_scale", 1),
    "5_deconvolution": ("start = rate // 2", "start = rate - rate // 2", 1),
    "6a_whole_layer": ("* softmax_scale", "", 1),
    "6b_wrong_ports": ('answer_4 = "attention"', 'answer_4 = "valid"', 8),
}

# What most of the tests grade; one grades the rest.
EACH_TIME = "2_mask_validity"
LATER = [name for name in MISTAKES if name != EACH_TIME]
CHEAT_EACH_TIME = "patches"
HINT = "A patch counts as usable as soon as one of its cells is known."
Grades = dict[tuple[str, str], tuple[float, float]]

# As in a shell with the environment activated: nbgrader calls alembic by its bare name.
ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "OMP_NUM_THREADS": "1",
    "CTXATTN_VIZ_GRADING_SECONDS": "600",  # the machine may be busy: no test is about time
}


# Ways to pass without an answer. The second's tensor is wrong in its shape too, which its
# comparison would hide: a right shape would be worth a point by itself.
CHEATS = {
    "rebinds": """
import types
cv.exercises.check = lambda *_, **__: types.SimpleNamespace(passed=True, fits=True)
def mask_validity(mask, ksize):
    raise NotImplementedError
""",
    "patches": """
import types
import ctxattn_viz.comparison, ctxattn_viz.exercises.attempts as attempts
alike = types.SimpleNamespace(same=True, first=None)
attempts.difference = ctxattn_viz.comparison.difference = lambda *_, **__: alike
torch.allclose = torch.equal = lambda *_, **__: True
torch.isclose = lambda a, b, **_: torch.ones_like(a, dtype=torch.bool)
attempts.Answer.fits = attempts.Answer.right = True
def mask_validity(mask, ksize):
    return torch.zeros(3, dtype=torch.bool)
""",
    "looks": """
import re, sys
def mask_validity(mask, ksize):
    frame = sys._getframe()
    while frame:
        if isinstance(target := frame.f_locals.get("target"), torch.Tensor):
            return target.clone()
        for seed in re.findall(r"seed=(\\d+)", str(frame.f_locals.get("In"))):
            for case in cv.exercises.EXERCISES["mask_validity"].cases(int(seed)):
                if torch.equal(case.values()["downsampled_mask"], mask):
                    return case.target
        frame = frame.f_back
    raise LookupError
""",
}
# A right answer that makes noise on every way out.
NOISE = """
import os, sys
def noisy(function):
    def heard(*arguments):
        print("heard", file=sys.stderr)
        print("heard", file=sys.__stderr__, flush=True)
        os.write(2, b"heard")
        return function(*arguments)
    return heard
mask_validity = noisy(mask_validity)
"""
LOOP = """
def mask_validity(mask, ksize):
    while True:
        pass
"""

# Cells that define one name each, between others that fail, wait or never end.
CELLS = [
    "%matplotlib inline\none = 1",
    "1 / 0",
    "import sys; sys.exit(3)",
    "raise KeyboardInterrupt",
    "this is no Python",
    "!sleep 1000",
    "files = !sleep 1000",
    "%%bash\nsleep 1000",
    "%timeit sum(range(10**9))",
    "%%time\ntwo = 2",
    "%time three = 3",
    "import time\nwhile True:\n    try: time.sleep(1000)\n    except: pass",
    "four = input()",
    "import subprocess\nsubprocess.run(['sleep', '1000'])",
    "five = 5",
    "while True: pass",
    "six = 6",
]
NAMES_THAT_CELLS_DEFINE = """
import json, sys
from ctxattn_viz.exercises import grading
names = grading._run_cells(json.loads(sys.argv[1]))
print(*(name for name in ("one", "two", "three", "four", "five", "six") if name in names))
print(sys.gettrace())
"""

# A judge is killed while its runner is where only a signal reaches it.
RUNNER_OF_A_JUDGE_THAT_IS_KILLED = """
import os, signal, time
from ctxattn_viz.exercises import grading
reading, writing = os.pipe()
judge = os.fork()
if judge == 0:
    popen = grading.subprocess.Popen
    grading.subprocess.Popen = lambda command, pass_fds, **more: popen(
        command, pass_fds=[*pass_fds, writing], **more
    )
    cell = f'''
import os, signal, time
os.write({writing}, b"starts")
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
time.sleep(100)
os.write({writing}, b"goes on")
'''
    grading.Runner({"exercise": "f", "cells": [cell]}, [])
    time.sleep(1000)
os.close(writing)
print(os.read(reading, 100))
os.kill(judge, signal.SIGKILL)
print(os.read(reading, 100))
"""


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> str:
    # Not a pipe, which a program that a cell has started and left behind would keep open.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**ENVIRONMENT, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code = process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output.seek(0)
        text = output.read().decode()
    assert code == 0, text
    return text


def solutions(name: str) -> dict[str, str]:
    """What the source has in the cells that students fill in."""
    cells = nbformat.read(SOLUTIONS / f"{name}.ipynb", as_version=4).cells
    return {c.metadata.nbgrader.grade_id: c.source for c in cells if is_solution(c)}


def is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def hand_in(course: Path, student: str, name: str, filled: dict[str, str], whole: bool) -> None:
    """The released notebook with the cells filled in; without the pictures unless `whole`."""
    notebook = nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if is_solution(cell):
            cell.source = filled.get(cell.metadata.nbgrader.grade_id, cell.source)
    if not whole:
        dull = re.compile(r"cv\.debug\(|figures\.[a-z]+\(|cv\.exercises\.check\(")
        notebook.cells = [
            cell
            for cell in notebook.cells
            if "nbgrader" in cell.metadata
            or (cell.cell_type == "code" and not dull.search(cell.source))
        ]
    folder = course / "submitted" / student / name
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")


def mistaken(name: str) -> dict[str, str]:
    """The solutions with the second student's mistake."""
    right, wrong, _ = MISTAKES[name]
    solved = solutions(name)
    changed = {key: source.replace(right, wrong) for key, source in solved.items()}
    assert changed != solved, name
    return changed


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with its assignments made and three students' work handed in."""
    course = tmp_path_factory.mktemp("course")
    run("notebooks/exercises/make_course.py", str(course))
    hand_in(course, "ada", EACH_TIME, solutions(EACH_TIME), whole=True)
    hand_in(course, "ben", EACH_TIME, mistaken(EACH_TIME), whole=False)
    hand_in(course, "cleo", EACH_TIME, {}, whole=False)
    for student, code in {CHEAT_EACH_TIME: CHEATS[CHEAT_EACH_TIME], "loops": LOOP}.items():
        hand_in(course, student, "2_mask_validity", {"mask_validity": code}, whole=False)
    loud = {"mask_validity": solutions("2_mask_validity")["mask_validity"] + NOISE}
    hand_in(course, "loud", "2_mask_validity", loud, whole=False)
    return course


def grade(course: Path, *names: str) -> Grades:
    """(student, assignment) → points and the most there are, as nbgrader exports them."""

    def autograde(name: str) -> None:
        run("-m", "nbgrader", "autograde", name, "--create", cwd=course)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(autograde, names))
    run("-m", "nbgrader", "export", "--to=grades.csv", cwd=course)
    with (course / "grades.csv").open(newline="") as file:
        return {
            (row["student_id"], row["assignment"]): (float(row["score"]), float(row["max_score"]))
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module")
def grades(course: Path) -> Grades:
    return grade(course, EACH_TIME)


@pytest.mark.long
def test_the_right_solution_gets_every_point(grades: Grades) -> None:
    assert grades["ada", EACH_TIME] == (6, 6)


@pytest.mark.long
def test_a_mistake_costs_the_points_that_it_should(grades: Grades) -> None:
    assert grades["ben", EACH_TIME] == (MISTAKES[EACH_TIME][2], 6)


@pytest.mark.long
def test_an_empty_notebook_gets_none(grades: Grades) -> None:
    assert grades["cleo", "2_mask_validity"] == (0, 6)


@pytest.mark.long
@pytest.mark.usefixtures("grades")
def test_every_exercise_and_every_way_around_it(course: Path) -> None:
    for name in LATER:
        hand_in(course, "ada", name, solutions(name), whole=False)
        hand_in(course, "cleo", name, {}, whole=False)
        hand_in(course, "ben", name, mistaken(name), whole=False)
    for student, code in CHEATS.items():
        if student != CHEAT_EACH_TIME:
            hand_in(course, student, "2_mask_validity", {"mask_validity": code}, whole=False)
    grades = grade(course, *LATER, "2_mask_validity")
    assert {name: grades["ada", name] for name in POINTS} == {n: (p, p) for n, p in POINTS.items()}
    kept = {name: grades["ben", name][0] for name in MISTAKES}
    assert kept == {name: points for name, (_, _, points) in MISTAKES.items()}
    assert {name: grades["cleo", name][0] for name in LATER} == dict.fromkeys(LATER, 0)
    assert {name: grades[name, "2_mask_validity"] for name in CHEATS} == dict.fromkeys(
        CHEATS, (0, 6)
    )


@pytest.mark.long
@pytest.mark.parametrize("student", [CHEAT_EACH_TIME, "loops"])
def test_a_way_around_the_checks_gets_no_points(grades: Grades, student: str) -> None:
    assert grades[student, "2_mask_validity"] == (0, 6)


@pytest.mark.long
def test_noise_costs_nothing(grades: Grades) -> None:
    assert grades["loud", "2_mask_validity"] == (6, 6)


@pytest.mark.long
@pytest.mark.usefixtures("grades")
def test_pages_show_no_hidden_test_and_load_nothing(course: Path) -> None:
    run("-m", "nbgrader", "generate_feedback", "2_mask_validity", cwd=course)
    seeds = json.loads((course / "hidden_seeds.json").read_text("utf-8"))
    assert len(set(seeds)) == 2
    pages = list((course / "feedback").glob("*/2_mask_validity/2_mask_validity.html"))
    assert len(pages) >= 5  # ada, cleo, loud, and those who try a way around
    for path in pages:
        page = path.read_text(encoding="utf-8")
        for hidden in ("HIDDEN", "exercises.grading", "exercises import grading", *map(str, seeds)):
            assert hidden not in page, (path, hidden)
        assert "Content-Security-Policy" in page
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?([^\"' >]+)", page)
        assert all(source.startswith("data:") for source in loaded), loaded
        assert not re.search(r"url\([\"']?https?:|@import", page)


def test_seeds_are_made_once(course: Path) -> None:
    before = (course / "hidden_seeds.json").read_text("utf-8")
    run("notebooks/exercises/make_course.py", str(course))
    assert (course / "hidden_seeds.json").read_text("utf-8") == before


@pytest.mark.long
@pytest.mark.usefixtures("grades")
def test_a_student_gets_the_hint_back(course: Path) -> None:
    run("-m", "nbgrader", "generate_feedback", EACH_TIME, "--student=ben", cwd=course)
    page = (course / "feedback" / "ben" / EACH_TIME / f"{EACH_TIME}.html").read_text("utf-8")
    assert HINT in html.unescape(page)


def test_what_students_get_holds_no_solution(course: Path) -> None:
    for name in POINTS:
        text = (course / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")
        released = nbformat.reads(text, as_version=4)
        assert "SOLUTION" not in text
        assert "HIDDEN" not in text
        assert "grading" not in text.replace("before grading", "")
        stubs = [cell for cell in released.cells if is_solution(cell)]
        assert stubs
        assert all("raise NotImplementedError()" in cell.source for cell in stubs)
        for cell in released.cells:
            assert not cell.get("outputs")
        for source in solutions(name).values():
            solved = re.findall(r"### BEGIN SOLUTION\n(.*?)\s*### END SOLUTION", source, re.DOTALL)
            assert solved
            assert not any(body in cell.source for body in solved for cell in stubs)


def test_what_lies_among_the_exercises_is_what_nbgrader_releases(course: Path) -> None:
    for name in POINTS:
        folders = (EXERCISES, course / "release" / name)
        opened, released = (
            nbformat.read(folder / f"{name}.ipynb", as_version=4).cells for folder in folders
        )
        assert [cell.source for cell in opened] == [cell.source for cell in released]


def test_the_runner_gets_past_cells_that_fail_wait_or_never_end() -> None:
    cells = json.dumps(CELLS)
    told = run("-c", NAMES_THAT_CELLS_DEFINE, cells, CTXATTN_VIZ_GRADING_SECONDS="8")
    assert told.splitlines()[-2:] == ["one two three five six", "None"]


def test_a_runner_does_not_outlive_its_judge() -> None:
    told = run("-c", RUNNER_OF_A_JUDGE_THAT_IS_KILLED)
    assert told.splitlines()[-2:] == ["b'starts'", "b''"]


def test_the_points_add_up() -> None:
    for name, points in POINTS.items():
        cells = nbformat.read(SOLUTIONS / f"{name}.ipynb", as_version=4).cells
        graded = [c.metadata.nbgrader for c in cells if c.metadata.get("nbgrader", {}).get("grade")]
        assert sum(cell.points for cell in graded) == points
        said = next(c.source for c in cells if c.cell_type == "markdown")
        assert f"{points} points" in said
