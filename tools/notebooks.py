"""`make notebooks`: run every notebook where it lies and store it as this repository keeps it.

Outputs are new, everything else stays: no widget's state (its still is stored), no times of
execution, no version of the Python that happened to run it. What was run before and has not changed
gives the same file, but for seconds that it prints or draws.

The exercises are run with their solutions, in `exercises/solutions`. What lies in `exercises` is
made from those, for a student to solve, and run as it opens: what a cell makes before anything is
solved is stored, folded away until the cell is run.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = "solutions"  # the folder in that of the exercises
SECONDS = 600  # a cell

METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
OF_A_CELL = ("ctxattn", "nbgrader", "tags")
LIVE_WIDGET = "application/vnd.jupyter.widget-view+json"


def run(notebook: NotebookNode, folder: Path, unsolved: bool = False) -> NotebookNode:
    """Run every cell in a new kernel whose working directory is `folder`; the outputs are its own.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell that fails and is not tagged
            `raises-exception`, unless what it needs is still `unsolved`.
    """
    NotebookClient(
        notebook,
        timeout=SECONDS,
        allow_errors=unsolved,
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    ).execute()
    return notebook


def tidy(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what its last editor, its kernel and its widgets left in it."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)  # from there on cells have names
    for cell in notebook.cells:
        for key in set(cell.metadata) - set(OF_A_CELL):
            del cell.metadata[key]
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(LIVE_WIDGET, None)
    return notebook


def handed_out(solved: NotebookNode) -> NotebookNode:
    """An exercise as a student opens it: without solutions, hidden tests and outputs.

    nbgrader empties it as it does for an assignment. Links lead from one folder further up.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ClearSolutions

    notebook = copy.deepcopy(solved)
    for preprocessor in (ClearSolutions, ClearHiddenTests, ClearOutput):
        notebook, _ = preprocessor().preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../", "](")
    return notebook


def opened(exercise: NotebookNode, folder: Path) -> NotebookNode:
    """An exercise with what its cells make, and how they fail, while nothing is solved.

    The outputs are folded away, as they answer what the text asks one to guess; JupyterLab unfolds
    them when the cell is run. Cells that fail do not end a run of all.
    """
    notebook = tidy(run(exercise, folder, unsolved=True))
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        if outputs:
            cell.metadata["jupyter"] = {"outputs_hidden": True}
        if any(output.output_type == "error" for output in outputs):
            cell.metadata["tags"] = ["raises-exception"]
    return notebook


def stored(notebook: NotebookNode) -> str:
    """The text of the notebook's file."""
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def chosen(only: Iterable[str]) -> list[Path]:
    """The notebooks whose file name begins with one of `only`, or all.

    Raises:
        SystemExit: a word that begins no name.
    """
    folders = (NOTEBOOKS, NOTEBOOKS / "exercises" / SOLUTIONS)
    every = [path for folder in folders for path in sorted(folder.glob("[0-9]*.ipynb"))]
    words = list(only)
    for word in words:
        if not any(path.name.startswith(word) for path in every):
            names = ", ".join(path.stem for path in every)
            sys.exit(
                f"ONLY: expected how a notebook's name begins, got {word!r}. There are {names}."
            )
    return [path for path in every if not words or path.name.startswith(tuple(words))]


def renew(path: Path) -> bool:
    """Run one notebook in place; whether its file changed. A failing one stays as it was."""
    before = path.read_text(encoding="utf-8")
    after = stored(tidy(run(nbformat.reads(before, as_version=4), path.parent)))
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def hand_out(path: Path) -> None:
    """Write the exercise that belongs to a solution, one folder further up."""
    folder = path.parents[1]
    exercise = opened(handed_out(nbformat.read(path, as_version=4)), folder)
    (folder / path.name).write_text(stored(exercise), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen notebooks; 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="make notebooks", description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="how names begin, such as 03 or 6b; default: all")
    failed = []
    for path in chosen(parser.parse_args(arguments).only):
        print(f"{path.relative_to(NOTEBOOKS)} … ", end="", flush=True)
        try:
            print("stored" if renew(path) else "as it was", flush=True)
            if path.parent.name == SOLUTIONS:
                hand_out(path)
        except CellExecutionError as error:
            print(f"fails and stays as it was:\n{error}", flush=True)
            failed.append(path.name)
    if failed:
        print(f"not stored: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
