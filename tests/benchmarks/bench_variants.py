"""How well holes are filled by the layer and by what `cv.variants` puts in its stages' place."""

from __future__ import annotations

from tests.benchmarks.filled_holes import report
from tests.benchmarks.results import write_section


def test_how_well_holes_are_filled() -> None:
    write_section("The layer, made otherwise", report(each=8))
