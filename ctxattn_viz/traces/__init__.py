"""One run of contextual attention, and what one comes to it for.

- `run`, `starting`: the trace itself, every stage computed when it is first asked for;
- `swapping`: functions of one's own in place of stages;
- `results`, `rows`: a stage's numbers, one query's row, one pixel's ledger;
- `insights`: what one can ask of a run, from the files that follow;
- `cells`: every query in a few numbers, and the cells for which something holds;
- `maps`: where matching is in doubt, a number for each query or patch;
- `gradients`, `gradient_words`: how one output pixel follows f and b, and why;
- `facts`, `findings`, `births`, `remarks`: what is said of a run, each with its place;
- `values`: runs the stages, whole or for a few query cells;
- `budget`: what a stage will cost in memory, before it is allocated;
- `timing`: how long a stage took by itself;
- `reference_flow`: the flow picture as the references return it;
- `saving`, `loading`: a run as a file, and a trace out of that file.
"""

from .cells import Cells
from .gradients import Gradient
from .in_steps import steps
from .loading import load_trace
from .reference_flow import flow_like
from .remarks import Remark, Remarks
from .results import Match, PixelLedger, PixelTerm, QueryRow, StageResult, Summary
from .run import Trace
from .starting import trace

__all__ = [
    "Cells",
    "Gradient",
    "Match",
    "PixelLedger",
    "PixelTerm",
    "QueryRow",
    "Remark",
    "Remarks",
    "StageResult",
    "Summary",
    "Trace",
    "flow_like",
    "load_trace",
    "steps",
    "trace",
]
