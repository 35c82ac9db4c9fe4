"""nbgrader's settings for the course directory that `make assignments` builds."""

import os
import time
from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader import preprocessors as steps

c = get_config()  # nbgrader defines it
course = Path(__file__).resolve().parent

c.CourseDirectory.course_id = "contextual_attention"
c.CourseDirectory.root = str(course)

# Seconds that grading a notebook may take in all: raise them on a slow machine. See TEACHING.md.
os.environ.setdefault("CTXATTN_VIZ_GRADING_SECONDS", "60")
# Written once by `make assignments`, for this course alone.
os.environ["CTXATTN_VIZ_HIDDEN_SEEDS"] = str(course / "hidden_seeds.json")


class ExecuteInTime(steps.Execute):
    """Cells that loop are interrupted, and no notebook takes longer than it may."""

    def preprocess(self, nb, resources, **more):
        end = time.monotonic() + float(os.environ["CTXATTN_VIZ_GRADING_SECONDS"])
        self.timeout_func = lambda _: max(end - time.monotonic(), 0.5)
        return super().preprocess(nb, resources, **more)


class ClearHiddenTests(steps.ClearHiddenTests):
    """Also from what cells have put out: tracebacks show the source around a line."""

    def preprocess(self, nb, resources):
        begin, end = self.begin_test_delimeter, self.end_test_delimeter
        self.hidden = {begin, end}
        for cell in nb.cells:
            _, found, rest = cell.source.partition(begin)
            if found:
                lines = rest.partition(end)[0].splitlines()
                self.hidden |= {line.strip() for line in lines if len(line.strip()) > 3}
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
            self.clear(output)
        return super().preprocess_cell(cell, resources, cell_index)

    def clear(self, part):
        """Take what is hidden out of every text in an output."""
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, str):
                for line in self.hidden:
                    value = value.replace(line, "…")
                part[key] = value
            elif isinstance(value, (dict, list)):
                self.clear(value)


class OfflinePage(HTMLExporter):
    """A page that loads nothing from a network, whatever an output asks for."""

    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "script-src 'unsafe-inline'"
    )

    def from_notebook_node(self, nb, resources=None, **more):
        self.mathjax_url = self.require_js_url = self.jquery_url = ""
        page, resources = super().from_notebook_node(nb, resources, **more)
        page = self.without_scripts_from_elsewhere(page)
        meta = f'<meta http-equiv="Content-Security-Policy" content="{self.policy}">'
        return page.replace("<head>", f"<head>\n{meta}", 1), resources

    @staticmethod
    def without_scripts_from_elsewhere(page):
        import re

        return re.sub(r"<script[^>]*\bsrc=[^>]*>\s*</script>", "", page)


# What a student's code prints to stderr, or PyTorch warns of, costs no points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "(?s).*"

c.Autograde.autograde_preprocessors = [
    ExecuteInTime,
    steps.IgnorePattern,
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    steps.LimitOutput,
    steps.SaveAutoGrades,
    steps.AssignLatePenalties,
    steps.CheckCellMetadata,
]
c.GenerateFeedback.preprocessors = [steps.GetGrades, CSSHTMLHeaderPreprocessor, ClearHiddenTests]
c.GenerateFeedback.exporter_class = OfflinePage
